//! `esync-ssl cert`: looks at certificate and key files, makes, converts and installs them.

mod convert;
mod inspect;
mod install;
mod issue;

use crate::cli::arguments::CertCommand;
use crate::cli::printer::Printer;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Where, World};

/// Runs the command.
pub fn run(
    command: &CertCommand,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    match command {
        CertCommand::Inspect(arguments) => inspect::run(arguments, printer),
        CertCommand::SelfSigned(arguments) => issue::self_signed(arguments, printer),
        CertCommand::Request(arguments) => issue::request(arguments, printer),
        CertCommand::DecryptKey(arguments) => convert::decrypt_key(arguments, printer),
        CertCommand::Import(arguments) => convert::import(arguments, printer),
        CertCommand::Install(arguments) => install::run(arguments, place, world, printer),
    }
}
