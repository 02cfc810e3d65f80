//! `esync-ssl cert install`.

use anyhow::anyhow;
use camino::Utf8PathBuf;

use crate::cli::arguments::Install;
use crate::cli::printer::Printer;
use crate::cli::render::new_files;
use crate::exit_status::ExitStatus;
use crate::operation::install::{self, Request};
use crate::operation::{Failure, Where, World, key_files};
use crate::tls::bundle::Bundle;

/// Runs the command.
pub fn run(
    arguments: &Install,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let origin = arguments.pfx.as_ref().or(arguments.cert.as_ref());
    let origin = origin.map_or("", |path| path.as_str());
    let or_origin = |path: &Option<Utf8PathBuf>| path.clone().map_or(origin.to_owned(), Into::into);
    let (key, chain) = (or_origin(&arguments.key), or_origin(&arguments.chain));
    let request = Request {
        open: &|| open(arguments, printer),
        origins: [origin, &key, &chain],
        domain: arguments.domain.as_deref(),
        name: arguments.name.as_deref(),
        forced: &arguments.force,
        dry_run: arguments.dry_run,
    };
    new_files::tell(&install::run(&request, place, world, printer)?, printer);
    Ok(ExitStatus::Done)
}

fn open(arguments: &Install, printer: &Printer) -> Result<Bundle, Failure> {
    let phrases = arguments.pass_phrase.read()?;
    match (&arguments.pfx, &arguments.cert, &arguments.key) {
        (Some(pfx), _, _) => key_files::archive(pfx, &phrases, printer),
        (None, Some(certificate), Some(key)) => {
            key_files::files(certificate, key, arguments.chain.as_deref(), &phrases, printer)
        }
        _ => Err(Failure::error(anyhow!("give --cert and --key, or --pfx"))),
    }
}
