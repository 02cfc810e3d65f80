//! Flags, confirmation, rendering. No rule about configurations lives here.

mod arguments;
mod backups;
mod cert;
mod check;
mod commit;
mod devices;
mod diff;
mod disable;
mod dump;
mod effect;
mod enable;
mod enable_files;
mod explain;
mod findings;
mod interrupted;
mod judge;
mod known;
mod lint;
mod material;
mod new_files;
mod pass_phrase;
mod planned;
mod ports;
mod preflight;
mod printer;
mod proof;
mod records;
mod rehearse;
mod report;
mod restart;
mod restore;
mod running;
mod server_folders;
mod settings;
mod status;
mod tell;
mod turn;
mod verify;
mod world;

use clap::Parser;

use crate::check::Finding;
use crate::exit_status::ExitStatus;
use crate::interrupt;
use crate::server::scratch;
use arguments::{Arguments, Command};
use printer::Printer;

pub use world::{Pace, World};

/// Runs the command line of this process and says how it ended.
pub fn run() -> ExitStatus {
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
    let arguments = match Arguments::try_parse_from(typed) {
        Ok(arguments) => arguments,
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
    let Arguments { command, global } = arguments;
    // A dump has no other form than JSON.
    let printer = Printer::new(global.json || matches!(command, Command::Dump(_)), global.color);
    if printer.is_json() {
        interrupt::answers_in_json();
    }
    swept(&printer);
    let result = match command {
        Command::Enable(enable) => enable::run(enable, &global, world, &printer),
        Command::Disable(disable) => disable::run(disable, &global, world, &printer),
        Command::Backups => backups::run(&global, world, &printer),
        Command::Restore(restore) => restore::run(restore, &global, world, &printer),
        Command::Check(check) => check::run(&check, &global, &printer),
        Command::Explain(explain) => explain::run(&explain, &global, &printer),
        Command::Ports => ports::run(&global, &printer),
        Command::Restart(restart) => restart::run(&restart, &global, world, &printer),
        Command::Verify(verify) => verify::run(&verify, &global, &printer),
        Command::Devices(devices) => devices::run(&devices, &global, &printer),
        Command::Report(report) => report::run(&report, &global, world, &printer),
        Command::Cert(command) => cert::run(command, &global, &printer),
        Command::Status => status::run(&global, &printer),
        Command::Lint(lint) => lint::run(&lint, &global, &printer),
        Command::Dump(dump) => dump::run(&dump, &global, &printer),
    };
    result.unwrap_or_else(|failure| printer.failure(&failure))
}

/// Ends what a killed run left running, and removes what it left there.
fn swept(printer: &Printer) {
    for swept in scratch::sweep() {
        let processes: Vec<String> = swept.processes.iter().map(u32::to_string).collect();
        printer.talk(&format!(
            "note: an earlier run was killed while it rehearsed; its folder {} was removed{}",
            swept.folder.display(),
            if processes.is_empty() {
                String::new()
            } else {
                format!(", and its httpd ended (process {})", processes.join(", "))
            }
        ));
    }
}

/// Why a command did not do what was asked, and the status that says so.
#[derive(Debug)]
struct Failure {
    status: ExitStatus,
    error: anyhow::Error,
    /// What the refusal is about, for programs; people were told already.
    findings: Vec<Finding>,
}

impl Failure {
    /// Something failed.
    fn error(error: impl Into<anyhow::Error>) -> Self {
        Failure {
            status: ExitStatus::Error,
            error: error.into(),
            findings: Vec::new(),
        }
    }

    /// Somebody wants the program to end; what was begun is undone.
    fn interrupted() -> Self {
        Failure {
            status: ExitStatus::Interrupted,
            ..Failure::error(anyhow::anyhow!("interrupted"))
        }
    }

    /// The same of one that happened while somebody wanted the program to end, all being as it was.
    fn into_interrupted(self) -> Self {
        let words = format!("{:#}", self.error);
        let words = match words.strip_prefix("interrupted") {
            Some("") => "interrupted; everything is as it was".to_owned(),
            Some(_) => words,
            None => format!("interrupted; {words}"),
        };
        Failure {
            status: ExitStatus::Interrupted,
            error: anyhow::Error::msg(words),
            findings: self.findings,
        }
    }

    /// Refused before anything was written.
    fn refused(message: impl Into<String>) -> Self {
        Failure {
            status: ExitStatus::Refused,
            error: anyhow::Error::msg(message.into()),
            findings: Vec::new(),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure {
            status: ExitStatus::Error,
            error,
            findings: Vec::new(),
        }
    }
}
