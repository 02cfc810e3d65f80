//! The arguments of `schema`.

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::exit_statuses;

/// Print the JSON Schema of what a command prints with --json.
///
/// JSON Schema 2020-12, for the whole document, whether the command does what is asked or fails. Without a command: one
/// schema that the documents of all commands fit, by their field `command`.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::SCHEMA, exit_statuses(&[])))]
pub struct Schema {
    /// The command, such as `enable` or `cert inspect`; `version` also for --version
    #[arg(value_name = "COMMAND", num_args = 0..=3)]
    pub command: Vec<String>,
}
