//! `esync-ssl acme account`.

use crate::cli::arguments::{DeactivateAccount, ExportAccount, ImportAccount, RollKey, ShowAccount};
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::cli::render::new_files;
use crate::document::{End, Ending};
use crate::exit_status::ExitStatus;
use crate::operation::authority::{account, carry};
use crate::operation::{Failure, Where, World};

/// Runs `acme account show`.
pub fn show(
    arguments: &ShowAccount,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let report = account::show(&arguments.authority.wanted(), place, world, printer)?;
    Ok(tell(Ending::Ok, "", &report, printer))
}

/// Runs `acme account deactivate`.
pub fn deactivate(
    arguments: &DeactivateAccount,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let report = account::deactivate(
        &arguments.authority.wanted(),
        arguments.yes,
        place,
        world,
        printer,
    )?;
    Ok(tell(
        Ending::Written,
        "The account was given up.\n",
        &report,
        printer,
    ))
}

/// Runs `acme account roll-key`.
pub fn roll_key(
    arguments: &RollKey,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let report = account::roll_key(&arguments.authority.wanted(), place, world, printer)?;
    Ok(tell(
        Ending::Written,
        "The account has another key.\n",
        &report,
        printer,
    ))
}

/// Runs `acme account export`.
pub fn export(
    arguments: &ExportAccount,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let folder = arguments.folder.as_std_path();
    let made = carry::export(&arguments.authority.ca, folder, place, world, printer)?;
    new_files::tell(&made, printer);
    Ok(ExitStatus::Done)
}

/// Runs `acme account import`.
pub fn import(
    arguments: &ImportAccount,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let from = (arguments.path.as_std_path(), arguments.force);
    let (report, is_new) = carry::import(&arguments.authority.wanted(), from, place, world, printer)?;
    let (ending, words) = match is_new {
        true => (Ending::Written, "The account was taken over.\n"),
        false => (Ending::Unchanged, "This server has that account already.\n"),
    };
    Ok(tell(ending, words, &report, printer))
}

fn tell(ending: Ending, words: &str, report: &account::Report, printer: &Printer) -> ExitStatus {
    printer.document(End::of(ending), report);
    printer.answer(&format!("{words}{}", render::acme::account(report)));
    ExitStatus::Done
}
