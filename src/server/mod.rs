//! The installed server: where its configuration is, what runs it, who listens, what it says and shows. Knows not what
//! to change.

pub mod binary;
pub mod candidates;
pub mod child;
mod command_line;
pub mod deadline;
pub mod dialog;
pub mod dns;
pub mod environment;
mod envvars;
pub mod error_log;
pub mod firewall;
pub mod guard;
pub mod handshake;
pub mod http;
#[cfg(any(windows, test))]
mod image_path;
pub mod installation;
pub mod local_addresses;
pub mod log_file;
pub mod port;
#[cfg(not(windows))]
mod processes;
pub mod program;
pub mod rehearsal;
pub mod retry_missing;
pub mod same_file;
pub mod schedule;
pub mod scratch;
pub mod served_certificates;
pub mod service;
pub mod start_attempt;
pub mod system;
pub mod system_events;
pub mod system_log;
mod tls_probe;
pub mod trust;
#[cfg(windows)]
mod windows_places;
#[cfg(windows)]
mod windows_processes;
#[cfg(windows)]
pub use windows_processes::started_by;
#[cfg(windows)]
pub mod windows_services;
