//! `esync-ssl acme revoke`.

use crate::cli::arguments::Revoke;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{End, Ending};
use crate::exit_status::ExitStatus;
use crate::operation::authority::revoke::{self, Request};
use crate::operation::{Failure, Where, World};

/// Runs the command.
pub fn run(
    arguments: &Revoke,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let phrases = arguments.pass_phrase.read()?;
    let request = Request {
        certificate: &arguments.file,
        key: arguments.key.as_deref().map(|key| (key, &phrases)),
        reason: arguments.reason.into(),
        yes: arguments.yes,
    };
    let report = revoke::run(&request, &arguments.authority.wanted(), place, world, printer)?;
    printer.document(End::of(Ending::Ok), &report);
    printer.answer(&render::acme::revoked(&report));
    Ok(ExitStatus::Done)
}
