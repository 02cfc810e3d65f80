//! `esync-ssl cert`: looks at certificate and key files, makes, converts and installs them.

pub mod arguments;
mod convert;
pub mod inspect;
pub mod install;
mod issue;
mod relations;

use super::Failure;
use super::arguments::Global;
use super::printer::Printer;
use super::world::World;
use crate::exit_status::ExitStatus;
use arguments::CertCommand;

/// Runs the command.
pub fn run(
    command: CertCommand,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    match command {
        CertCommand::Inspect(arguments) => inspect::run(&arguments, printer),
        CertCommand::SelfSigned(arguments) => issue::self_signed(&arguments, printer),
        CertCommand::Request(arguments) => issue::request(&arguments, printer),
        CertCommand::DecryptKey(arguments) => convert::decrypt_key(&arguments, printer),
        CertCommand::Import(arguments) => convert::import(&arguments, printer),
        CertCommand::Install(arguments) => install::run(&arguments, global, world, printer),
    }
}
