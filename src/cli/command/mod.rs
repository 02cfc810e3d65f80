//! The commands: what was typed is handed to an operation, and what comes of it is shown.

mod acme;
mod apply;
mod backups;
mod cert;
mod certificates;
mod check;
mod completions;
mod devices;
mod disable;
mod doctor;
mod dsc;
mod dump;
mod enable;
mod explain;
mod guide;
mod lint;
mod man;
mod ports;
mod renew;
mod report;
mod restart;
mod restore;
mod schedule;
mod schema;
mod status;
mod verify;
mod version;

pub use enable::{Front, run as enable};

use super::arguments::{Command, Global};
use super::printer::Printer;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, World};

/// Runs a command.
///
/// # Errors
/// Why it did not do what was asked.
pub fn run(
    command: &Command,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let place = &global.place();
    match command {
        Command::Enable(enable) => enable::run(enable, place, world, Front::of(printer)),
        Command::Disable(disable) => disable::run(disable, place, world, printer),
        Command::Apply(apply) => apply::run(apply, place, world, printer),
        Command::Backups => backups::run(place, world, printer),
        Command::Restore(restore) => restore::run(restore, place, world, printer),
        Command::Doctor(doctor) => doctor::run(doctor, place, world, printer),
        Command::Check(check) => check::run(check, place, printer),
        Command::Guide(_) => guide::run(printer),
        Command::Explain(explain) => explain::run(explain, place, printer),
        Command::Ports(ports) => ports::run(ports, place, printer),
        Command::Renew(renew) => renew::run(renew, place, world, printer),
        Command::Restart(restart) => restart::run(restart, place, world, printer),
        Command::Verify(verify) => verify::run(verify, place, printer),
        Command::Devices(devices) => devices::run(devices, place, printer),
        Command::Report(report) => report::run(report, place, world, printer),
        Command::Cert(command) => cert::run(command, place, world, printer),
        Command::Acme(command) => acme::run(command, place, world, printer),
        Command::Certificates => certificates::run(place, world, printer),
        Command::Schedule(command) => schedule::run(command, place, world, printer),
        Command::Status => status::run(place, printer),
        Command::Lint(lint) => lint::run(lint, place, printer),
        Command::Dsc(command) => dsc::run(command, place, world, printer),
        Command::Dump(dump) => dump::run(dump, place, printer),
        Command::Schema(schema) => schema::run(schema, printer),
        Command::Completions(completions) => completions::run(completions, printer),
        Command::Man(man) => man::run(man, printer),
        Command::Version => Ok(version::run(printer)),
    }
}
