//! What operations did and found, for people.

pub mod acme;
pub mod backups;
pub mod certificates;
pub mod check;
pub mod completions;
pub mod devices;
pub mod doctor;
pub mod explain;
pub mod findings;
pub mod html;
pub mod inspect;
pub mod lint;
pub mod man;
pub mod new_files;
pub mod plan;
pub mod ports;
pub mod preview;
pub mod renew;
pub mod report;
pub mod schedule;
pub mod server;
pub mod simulation;
pub mod status;
pub mod trace;
pub mod verify;
mod ways;

use crate::operation::expiring::{self, Expiring};

/// What comes before all else: certificates that end soon, or are not renewed.
pub fn first(all: &[Expiring]) -> String {
    let lines: String = expiring::lines(all)
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    match lines.is_empty() {
        true => lines,
        false => lines + "\n",
    }
}
