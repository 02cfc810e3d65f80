//! `esync-ssl enable`.

use std::path::PathBuf;

use anyhow::anyhow;

use crate::cli::arguments::Enable;
use crate::cli::printer::Printer;
use crate::cli::render::plan;
use crate::exit_status::ExitStatus;
use crate::operation::enable::{self, Request};
use crate::operation::{Failure, Files, Material, Where, World, domain_names, key_files};

/// Runs the command.
pub fn run(
    arguments: &Enable,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let domains = arguments.domain.iter().map(|name| ("--domain", name));
    let aliases = arguments.alias.iter().map(|name| ("--alias", name));
    let request = Request {
        names: domain_names(domains.chain(aliases))?,
        files: files(arguments, printer)?,
        port: arguments.port,
        http: arguments.http.map(Into::into),
        vhost: arguments.vhost.clone(),
        profile: arguments.profile.map(Into::into),
        hsts: arguments.hsts,
        stapling: arguments.ocsp_stapling,
        forced: arguments.force.clone(),
    };
    let writing = arguments.writing.with(arguments.yes, arguments.dry_run);
    let report = enable::run(&request, &writing, place, world, printer)?;
    let rest = format!("httpd -t, and whether port {} is free", arguments.port);
    let not_tried = if report.is_rehearsed {
        format!("The rehearsal succeeded; not tried: {rest}.")
    } else {
        format!("Not tried: a rehearsal, {rest}.")
    };
    plan::tell(&report, &not_tried, "", printer);
    Ok(plan::status(&report, arguments.exit_code))
}

/// Whoever has to type a pass-phrase does so now.
fn files(arguments: &Enable, printer: &Printer) -> Result<Files, Failure> {
    let chain = arguments.chain.as_deref();
    match (&arguments.pfx, &arguments.cert, &arguments.key) {
        (Some(pfx), _, _) => Ok(Files::Installed(Box::new(Material {
            bundle: key_files::archive(pfx, &arguments.pass_phrase.read()?, printer)?,
            origins: [pfx; 3].map(ToString::to_string),
        }))),
        (None, Some(certificate), Some(key)) if arguments.copy_certs => {
            let phrases = arguments.pass_phrase.read()?;
            Ok(Files::Installed(Box::new(Material {
                bundle: key_files::files(certificate, key, chain, &phrases, printer)?,
                origins: [certificate, key, chain.unwrap_or(certificate)].map(ToString::to_string),
            })))
        }
        (None, Some(certificate), Some(key)) => Ok(Files::Named {
            certificate: certificate.into(),
            key: key.into(),
            chain: chain.map(PathBuf::from),
        }),
        (None, None, _) => Ok(Files::SelfSigned),
        _ => Err(Failure::error(anyhow!("give --cert and --key, or --pfx"))),
    }
}
