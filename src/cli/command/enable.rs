//! `esync-ssl enable`.

use std::path::PathBuf;

use anyhow::anyhow;

use crate::cli::arguments::Enable;
use crate::cli::printer::Printer;
use crate::cli::render::plan;
use crate::exit_status::ExitStatus;
use crate::operation::enable::{self, Request};
use crate::operation::{Failure, Files, Material, Origin, Where, World, domain_names};

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
        in_place: arguments.in_place,
        phrases: arguments.pass_phrase.passphrase_file.clone(),
    };
    let writing = arguments.writing.with(arguments.yes, arguments.dry_run);
    let writing = writing.saving(arguments.save_plan.as_deref());
    let report = enable::run(&request, &writing, place, world, printer)?;
    plan::tell(&report, &[(report.is_rehearsed, "a rehearsal")], "", printer);
    Ok(plan::status(&report, arguments.exit_code))
}

/// Whoever has to type a pass-phrase does so now.
fn files(arguments: &Enable, printer: &Printer) -> Result<Files, Failure> {
    let origin = match (&arguments.pfx, &arguments.cert, &arguments.key) {
        (Some(pfx), _, _) => Origin::Archive(pfx.clone()),
        (None, Some(certificate), Some(key)) if arguments.copy_certs => {
            Origin::Files(certificate.clone(), key.clone(), arguments.chain.clone())
        }
        (None, Some(certificate), Some(key)) => {
            return Ok(Files::Named {
                certificate: certificate.into(),
                key: key.into(),
                chain: arguments.chain.clone().map(PathBuf::from),
            });
        }
        (None, None, _) => return Ok(Files::SelfSigned),
        _ => return Err(Failure::error(anyhow!("give --cert and --key, or --pfx"))),
    };
    let material = Material::open(origin, &arguments.pass_phrase.read()?, printer)?;
    Ok(Files::Installed(Box::new(material)))
}
