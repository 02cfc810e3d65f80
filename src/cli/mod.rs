//! Flags, confirmation, rendering. No rule about configurations lives here.

mod arguments;
mod command;
mod live;
mod printer;
mod render;
mod volume;
mod width;

use crate::exit_status::ExitStatus;
use crate::interrupt;
use crate::operation::Progress;
use crate::server::scratch;
use arguments::{Arguments, Command, Line};
use printer::Printer;
use volume::Volume;

pub use crate::operation::{Pace, World};

/// Runs the command line of this process and says how it ended.
pub fn run() -> ExitStatus {
    run_in(&World::real(), std::env::args_os())
}

/// Runs a command line in a world of the caller's.
pub fn run_in(world: &World, arguments: impl IntoIterator<Item = std::ffi::OsString>) -> ExitStatus {
    let line = match Line::read(arguments.into_iter().collect(), &|name| std::env::var_os(name)) {
        Ok(line) => line,
        Err(error) => {
            // --help and --version are answers, everything else is a wrong command line.
            if !error.use_stderr() {
                let _ = error.print();
                return ExitStatus::Done;
            }
            // It quotes what was typed, or what a script put there.
            let told = crate::shown::printable(error.render().to_string().as_bytes());
            let _ = std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes());
            return ExitStatus::Usage;
        }
    };
    let world = &World {
        command: line
            .words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        ..*world
    };
    let Arguments { command, global } = line.arguments;
    // A dump has no other form than JSON.
    let printer = Printer::new(global.json || matches!(command, Command::Dump(_)), global.color);
    let printer = printer.with(Volume::of(&global));
    if let Some(answers) = line.answers {
        Printer::plain(&answers);
        return ExitStatus::Done;
    }
    if printer.is_json() {
        interrupt::answers_in_json();
    }
    swept(&printer);
    let result = command::run(&command, &global, world, &printer);
    printer.tell_trail();
    result.unwrap_or_else(|failure| printer.failure(&failure))
}

/// Ends what a killed run left running, and removes what it left there.
fn swept(printer: &Printer) {
    for swept in scratch::sweep() {
        let processes: Vec<String> = swept.processes.iter().map(u32::to_string).collect();
        printer.talk(&format!(
            "note: an earlier run was killed during its rehearsal; its folder {} was removed{}",
            swept.folder.display(),
            if processes.is_empty() {
                String::new()
            } else {
                format!(", and its httpd stopped (process {})", processes.join(", "))
            }
        ));
    }
}
