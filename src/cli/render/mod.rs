//! What operations did and found, for people.

pub mod acme;
pub mod backups;
pub mod certificates;
pub mod check;
pub mod completions;
pub mod devices;
pub mod explain;
pub mod findings;
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
pub mod verify;
