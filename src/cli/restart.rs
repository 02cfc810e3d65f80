//! `esync-ssl restart`: preflight, test, restart, proof; and the logs when it fails.

use std::time::Instant;

use anyhow::anyhow;
use serde::Serialize;

use super::arguments::{Global, Restart};
use super::preflight::Preflight;
use super::printer::Printer;
use super::proof::{Wanted, explained};
use super::settings::Loaded;
use super::tell::{self, Way};
use super::world::World;
use super::{Failure, running};
use crate::check::Code;
use crate::exit_status::ExitStatus;
use crate::server::binary::Silence;

/// What was done.
#[derive(Serialize)]
pub struct Report {
    /// What was told.
    pub service: String,
    was_running: bool,
    graceful: bool,
    /// How long it took until it was sure that all is well.
    pub seconds: f64,
}

/// Runs the command.
pub fn run(
    arguments: &Restart,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let mut loaded = Loaded::find(global)?;
    loaded.accept(&arguments.force);
    loaded.introduce(printer);
    let server = running::server(&loaded);
    let reader = loaded.reader().map_err(|silence| {
        let way = match silence {
            Silence::OthersWrite(_) => format!(", or accept it with --force {}", Code::OthersWrite),
            _ => String::new(),
        };
        Failure::refused(format!("{silence}{way}; Apache was not restarted"))
    })?;
    let Some(reader) = reader else {
        return Err(Failure::error(anyhow!(
            "there is no httpd binary below {}; name it with --httpd",
            loaded.show(&loaded.installation.root)
        )));
    };
    let left = "It was left as it is; correct this, or go on in spite of it with --force CODE";
    let preflight = Preflight::of(&loaded, &arguments.force, left, printer);
    preflight.refuse_no_start()?;
    let tested = reader
        .test(&server.root, &server.main, &server.flags, &server.environment)
        .map_err(Failure::error)?;
    if !tested.status.success() {
        let words = [tested.stdout, tested.stderr].concat();
        return Err(Failure::refused(format!(
            "Apache does not accept the configuration, so it was not restarted: {}",
            String::from_utf8_lossy(&words).trim()
        )));
    }
    if !arguments.no_rehearsal {
        preflight.refuse_failed_rehearsal()?;
    }
    let way = if arguments.graceful {
        Way::Graceful
    } else {
        Way::Usual
    };
    let report = now(&loaded, way, world, printer)?;
    printer.document(&report);
    printer.answer(&report.text());
    Ok(ExitStatus::Done)
}

/// Restarts the server of a configuration, or starts it, and sees that it serves what is configured.
///
/// # Errors
/// When it does not, explained.
pub fn now(loaded: &Loaded, way: Way, world: &World, printer: &Printer) -> Result<Report, Failure> {
    let service = (world.service)(running::to_be_told(loaded));
    let start = Instant::now();
    let told = tell::restart(&*service, way, printer)?;
    let words = told.words.as_deref();
    if let Err(fault) = Wanted::of_files(loaded).prove(&*service, words, world.pace, printer) {
        return Err(Failure {
            status: ExitStatus::ProofFailed,
            findings: explained(loaded, words, printer),
            ..Failure::error(anyhow!(
                "Apache was told to restart, and does not serve as configured: {}; the configuration was not touched",
                fault.words
            ))
        });
    }
    Ok(Report {
        service: service.name(),
        was_running: told.was_running,
        graceful: way == Way::Graceful,
        seconds: start.elapsed().as_secs_f64(),
    })
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let word = if self.was_running { "restarted" } else { "started" };
        format!(
            "{} was {word} and answers as configured, after {:.1} s.\n",
            self.service, self.seconds
        )
    }
}
