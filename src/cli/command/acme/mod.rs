//! `esync-ssl acme`: asks certificate authorities, and keeps accounts at them.

mod account;
mod check;
mod revoke;

use crate::cli::arguments::{AccountCommand, AcmeCommand};
use crate::cli::printer::Printer;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Where, World};

/// Runs the command.
pub fn run(
    command: &AcmeCommand,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    match command {
        AcmeCommand::Check(arguments) => check::run(arguments, place, world, printer),
        AcmeCommand::Account(command) => match command {
            AccountCommand::Show(arguments) => account::show(arguments, place, world, printer),
            AccountCommand::Deactivate(arguments) => account::deactivate(arguments, place, world, printer),
            AccountCommand::RollKey(arguments) => account::roll_key(arguments, place, world, printer),
            AccountCommand::Export(arguments) => account::export(arguments, place, world, printer),
            AccountCommand::Import(arguments) => account::import(arguments, place, world, printer),
        },
        AcmeCommand::Revoke(arguments) => revoke::run(arguments, place, world, printer),
    }
}
