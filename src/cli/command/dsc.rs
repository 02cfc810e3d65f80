//! `esync-ssl dsc`: the calls of Microsoft DSC. An answer is one line on the standard output; everything else is a line of JSON
//! on the standard error, whose one field says how loud it is.

use std::io::IsTerminal;

use anyhow::{Context, anyhow};

use crate::cli::arguments::{DscCommand, asked_for};
use crate::cli::json;
use crate::cli::printer::Printer;
use crate::cli::render::trace::Trace;
use crate::document::{End, Ending};
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::operation::dsc::{Desired, Instance};
use crate::operation::{Failure, Voice, Where, World};

/// Runs the command.
pub fn run(
    command: &DscCommand,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    if let DscCommand::Schema(_) = command {
        let schema = Instance::schema();
        printer.document(End::of(Ending::Ok), &schema);
        printer.verbatim(&json::line(&schema));
        return Ok(ExitStatus::Done);
    }
    let trace = Trace::new(printer);
    let voice: &dyn Voice = if printer.is_json() { printer } else { &trace };
    match called(command, place, (world, voice)) {
        Ok((state, ending)) => {
            printer.document(End::of(ending), &state);
            printer.verbatim(&json::line(&state));
            Ok(ExitStatus::Done)
        }
        Err(failure) if printer.is_json() => Err(failure),
        Err(failure) => {
            trace.failure(&failure);
            Ok(failure.status)
        }
    }
}

fn called(
    command: &DscCommand,
    place: &Where,
    (world, voice): (&World, &dyn Voice),
) -> Result<(Instance, Ending), Failure> {
    let instance = given()?;
    let desired = Desired::new(&instance, place, (world, voice), asked_for);
    let ended = |(state, was_so): (Instance, bool), ending| match was_so {
        true => (state, Ending::Unchanged),
        false => (state, ending),
    };
    match command {
        DscCommand::Get(_) | DscCommand::Schema(_) => Ok((desired.get()?, Ending::Ok)),
        DscCommand::Test(_) => Ok((desired.test()?, Ending::Ok)),
        DscCommand::Set(set) if set.what_if => Ok(ended(desired.what_if()?, Ending::WouldChange)),
        DscCommand::Set(_) => Ok(ended(desired.set()?, Ending::Written)),
    }
}

/// The desired state on the standard input.
fn given() -> Result<Instance, Failure> {
    let input = std::io::stdin();
    if input.is_terminal() {
        let words =
            "there is no desired state on the standard input; give it as JSON: esync-ssl dsc get < FILE";
        return Err(Failure {
            status: ExitStatus::Usage,
            ..Failure::error(anyhow!(words))
        });
    }
    let bytes = foreign::read_up_to(input.lock(), foreign::NOTE).context("standard input cannot be read");
    Instance::read(&bytes.map_err(Failure::error)?)
}
