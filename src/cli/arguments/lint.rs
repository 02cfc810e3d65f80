//! The arguments of `lint`.

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{LOOKS, exit_statuses};

/// Say what is wrong with the configuration, all of it.
///
/// Errors are what Apache refuses, at `httpd -t` or at the start, and not only the first one. Warnings are what it
/// accepts although hardly anybody means it: a comment that swallows the next line, words that it ignores, a virtual
/// host that is never reached. Status 12 says that there is an error.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::LINT, exit_statuses(LOOKS)))]
pub struct Lint {
    /// Look for errors only, and print nothing else
    #[arg(short, long)]
    pub quiet: bool,
}
