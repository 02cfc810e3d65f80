//! Flags, confirmation, rendering. No rule about configurations lives here.

mod arguments;
mod command;
mod json;
mod mistake;
mod printer;
mod render;
mod usage;

use clap::{CommandFactory, FromArgMatches};

use crate::document::NoteCode;
use crate::exit_status::ExitStatus;
use crate::operation::Progress;
use crate::server::scratch;
use arguments::{Arguments, Command};
use printer::Printer;

pub use crate::operation::{Pace, World};
pub use mistake::keep_quiet;

/// Runs the command line of this process and says how it ended.
pub fn run() -> ExitStatus {
    keep_quiet();
    run_in(&World::real(), std::env::args_os())
}

/// Runs a command line in a world of the caller's.
pub fn run_in(world: &World, arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitStatus {
    let typed: Vec<std::ffi::OsString> = arguments.into_iter().collect();
    let world = &World {
        command: typed
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        ..*world
    };
    let parsed = Arguments::command()
        .try_get_matches_from(&typed)
        .and_then(|matches| {
            let command = usage::command(&matches);
            Ok((command, Arguments::from_arg_matches(&matches)?))
        });
    let (name, Arguments { command, global }) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage::told(&error, &typed),
    };
    // A dump has no other form than JSON.
    let is_json = global.json || matches!(command, Command::Dump(_));
    let printer = Printer::new(&name, is_json, global.color);
    let result = mistake::caught(|| {
        swept(&printer);
        command::run(&command, &global, world, &printer)
    });
    match result {
        Ok(result) => result.unwrap_or_else(|failure| printer.failure(&failure)),
        Err(mistake) => printer.mistake(&mistake),
    }
}

/// Ends what a killed run left running, and removes what it left there.
fn swept(printer: &Printer) {
    for swept in scratch::sweep() {
        let processes: Vec<String> = swept.processes.iter().map(u32::to_string).collect();
        let words = format!(
            "note: an earlier run was killed while it rehearsed; its folder {} was removed{}",
            swept.folder.display(),
            if processes.is_empty() {
                String::new()
            } else {
                format!(", and its httpd ended (process {})", processes.join(", "))
            }
        );
        printer.note(NoteCode::RehearsalSwept, &words);
    }
}
