//! Flags, confirmation, rendering. No rule about configurations lives here.

mod advice;
mod arguments;
mod command;
mod guide;
mod json;
mod live;
mod mistake;
mod output;
mod printer;
mod render;
mod usage;
mod volume;
mod width;
mod window;

use crate::document::NoteCode;
use crate::exit_status::ExitStatus;
use crate::interrupt;
use crate::operation::{Progress, options};
use crate::server::scratch;
use advice::Advice;
use arguments::{Arguments, ColorChoice, Command, Line, unknown_variables};
use printer::Printer;
use volume::Volume;

pub use crate::operation::{Pace, World};
pub use mistake::keep_quiet;

/// Runs the command line of this process and says how it ended.
pub fn run() -> ExitStatus {
    keep_quiet();
    let typed: Vec<std::ffi::OsString> = std::env::args_os().collect();
    // Who interrupts it while it still reads its command line gets a document as well.
    let command = usage::probable(&typed);
    let is_json = usage::wants_json(&typed, command);
    Printer::new(command, is_json, ColorChoice::Auto, Advice::default());
    interrupt::listen();
    // Started by a double click.
    let is_bare = typed.len() == 1;
    let status = run_in(&World::real(), typed);
    if is_bare {
        window::wait();
    }
    status
}

/// A word of the command line as it is noted in backups: of an address, such as a proxy's, without user and password.
fn noted(word: &std::ffi::OsStr) -> String {
    let word = word.to_string_lossy();
    match word
        .split_once("://")
        .map(|(scheme, rest)| (scheme, rest.split_once('@')))
    {
        Some((scheme, Some((_, host)))) => format!("{scheme}://…@{host}"),
        _ => word.into_owned(),
    }
}

/// Runs a command line in a world of the caller's.
pub fn run_in(world: &World, arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitStatus {
    let mut typed: Vec<std::ffi::OsString> = arguments.into_iter().collect();
    if let Some(status) = usage::version(&typed) {
        return status;
    }
    if typed.len() == 1 && guide::can_ask() {
        typed.push("guide".into());
    }
    let line = match Line::read(typed.clone(), &|name| std::env::var_os(name)) {
        Ok(line) => line,
        Err(error) => return usage::told(&error, &typed),
    };
    let world = &World {
        command: line.words.iter().map(|word| noted(word)).collect(),
        ..*world
    };
    let Arguments { command, global } = line.arguments;
    // A dump has no other form than JSON.
    let is_json = global.json || matches!(command, Command::Dump(_));
    let advice = Advice::new(options(&global.place()));
    let printer = Printer::new(&line.command, is_json, global.color, advice)
        .with(Volume::of(&global, command.is_scheduled()));
    if let Some(answers) = line.answers {
        Printer::plain(&answers);
        return printer.delivered(ExitStatus::Done);
    }
    let result = mistake::caught(|| {
        for words in unknown_variables() {
            printer.detail(&words);
        }
        swept(&printer);
        let result = match &command {
            Command::Guide(_) if !is_json && guide::can_ask() => guide::run(&global, world, &printer),
            command => command::run(command, &global, world, &printer),
        };
        printer.tell_trail();
        result
    });
    printer.delivered(match result {
        Ok(result) => result.unwrap_or_else(|failure| printer.failure(&failure)),
        Err(mistake) => printer.mistake(&mistake),
    })
}

/// Ends what a killed run left running, and removes what it left there.
fn swept(printer: &Printer) {
    for swept in scratch::sweep() {
        let processes: Vec<String> = swept.processes.iter().map(u32::to_string).collect();
        let words = format!(
            "note: an earlier run was killed during its rehearsal; its folder {} was removed{}",
            swept.folder.display(),
            if processes.is_empty() {
                String::new()
            } else {
                format!(", and its httpd stopped (process {})", processes.join(", "))
            }
        );
        printer.note(NoteCode::RehearsalSwept, &words);
    }
}
