//! The arguments of `dsc` and its commands.

use clap::{Args, Subcommand};

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{READS, WRITES, exit_statuses};

/// The commands below `dsc`.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum DscCommand {
    Get(DscGet),
    Test(DscTest),
    Set(DscSet),
    Schema(DscSchema),
}

/// Print what is so.
///
/// Reads a desired state as JSON from the standard input, and prints the actual state of its domain in one line. What is said
/// besides comes as JSON lines on the standard error, as DSC reads them.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DSC_GET, exit_statuses(READS)))]
pub struct DscGet {}

/// Print what is so, and whether it is as desired.
///
/// `_inDesiredState` tells it; the status is 0 either way. Nothing is written, and no httpd is asked.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DSC_TEST, exit_statuses(READS)))]
pub struct DscTest {}

/// Make it so, and print what is so then.
///
/// It is what enable and disable do, with their tests and proofs: `_exist` says which of both.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DSC_SET, exit_statuses(WRITES)))]
pub struct DscSet {
    /// Print what would be so, and write nothing
    #[arg(long, help_heading = "Writing")]
    pub what_if: bool,
}

/// Print the JSON Schema of a desired state, in one line.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DSC_SCHEMA, exit_statuses(&[])))]
pub struct DscSchema {}
