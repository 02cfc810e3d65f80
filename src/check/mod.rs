//! Rules that look at files, configuration and machine, and return [`Finding`]s.
//!
//! A rule judges by what the server of the generation in question was seen to do, not by what is proper.
//! Nothing here changes anything, prints anything or asks anything.

pub mod answer_script;
pub mod certificate;
mod chain;
pub mod configuration;
pub mod dialog;
pub mod expiry;
pub mod gateway;
pub mod generation;
mod key;
pub mod log;
mod name;
pub mod port;
mod profile;
pub mod question;
pub mod rehearsal;
mod remedy;
pub mod same_answer;
pub mod secret;
pub mod served;
pub mod server_folders;
pub mod tls_files;
pub mod tls_host;
pub mod tls_settings;

pub use crate::finding::{Code, Finding, Place, Severity};
