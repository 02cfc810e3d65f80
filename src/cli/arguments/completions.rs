//! The arguments of `completions`.

use clap::Args;
use clap_complete::Shell;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::exit_statuses;

/// Print what a shell needs to complete commands, options and files.
///
/// The answer is a script of that shell: load it from the shell's profile, or save it where the shell looks for
/// completions.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::COMPLETIONS, exit_statuses(&[])))]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}
