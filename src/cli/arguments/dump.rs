//! The arguments of `dump`.

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{READS, exit_statuses};

/// Print the whole evaluated configuration as JSON.
///
/// Every directive that Apache reads, and every one that it skips, in Apache's order: file, lines, name, arguments
/// with variables substituted, the sections around it, and whether it is active. There is no
/// other form, so --json changes nothing.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DUMP, exit_statuses(READS)))]
pub struct Dump {
    /// Only directives of files whose path ends like this
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Only directives of this name (sections with or without `<`)
    #[arg(long, value_name = "NAME")]
    pub directive: Option<String>,
}
