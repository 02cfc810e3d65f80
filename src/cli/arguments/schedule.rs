//! The arguments of `schedule` and its commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{LOOKS, SCHEDULES, exit_statuses};
use crate::operation::schedule::Request;
use crate::renewal::Window;

/// The commands below `schedule`.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum ScheduleCommand {
    On(ScheduleOn),
    Off(ScheduleOff),
    Show(ScheduleShow),
}

/// Have certificates renewed twice a day.
///
/// The Task Scheduler of Windows (as SYSTEM), systemd or cron (as root) carries out `esync-ssl renew --scheduled` for this
/// server root, with this program where it lies now. It is run once at once, as the scheduler runs it: status 12 where
/// that run failed. Missed runs are caught up, by cron half a day later.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::SCHEDULE_ON, exit_statuses(SCHEDULES)))]
pub struct ScheduleOn {
    /// Restart Apache within this time of the day only, such as 02:00-05:00, by the clock of this machine
    ///
    /// One of both runs of a day begins in its first half. Without it, what was given the last time holds; `schedule off` ends
    /// that.
    #[arg(long, value_name = "FROM-TO")]
    pub window: Option<Window>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: ScheduleWriting,
    /// Program that scheduled runs tell of what fails: what `renew --json` would print is what it reads
    ///
    /// It is kept until another one is given, or `schedule off`. It is run as root or SYSTEM, so it is taken only if nobody
    /// else could have put it there.
    #[arg(long, value_name = "PROGRAM")]
    pub hook: Option<PathBuf>,
}

impl ScheduleOn {
    /// For an operation.
    pub fn request(&self) -> Request {
        Request {
            hook: self.hook.clone(),
            window: self.window,
            ..self.writing.request()
        }
    }
}

/// Do not have certificates renewed anymore.
///
/// What `schedule on` wrote is taken away, and nothing else: files that somebody edited since are named and left.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::SCHEDULE_OFF, exit_statuses(SCHEDULES)))]
pub struct ScheduleOff {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: ScheduleWriting,
}

/// Show whether certificates are renewed without hands.
///
/// Whether the task is there, runs this program for this server root, when it runs next, and how it ended the last time.
/// Status 12 says that it is there and does not work.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::SCHEDULE_SHOW, exit_statuses(LOOKS)))]
pub struct ScheduleShow {}

/// How they write.
#[derive(Debug, Args)]
#[command(next_help_heading = "Writing")]
pub struct ScheduleWriting {
    /// Show what would be written, and write nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Write without asking
    #[arg(short, long)]
    pub yes: bool,
}

impl ScheduleWriting {
    /// For an operation.
    pub fn request(&self) -> Request {
        Request {
            yes: self.yes,
            dry_run: self.dry_run,
            hook: None,
            window: None,
        }
    }
}
