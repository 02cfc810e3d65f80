//! The arguments of `apply`.

use camino::Utf8PathBuf;
use clap::Args;

use super::examples;
use super::help::{MORE, epilogue, most_used};
use super::options::{APPLIES, PassPhraseOption, Writing, exit_statuses};

/// Carry out a plan that `enable` or `disable` saved.
///
/// Shows what the plan says and does exactly that: only while every file that was read for it - configuration,
/// certificates, keys - is still as it was (else status 15; make the plan again), and only where nobody else could have
/// written the plan. Lock, backup, httpd -t, restart and proof are as for the command that made it. Keys are not in the
/// plan: they are read again where it says, or made now.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::APPLY, exit_statuses(APPLIES)))]
#[command(mut_args = most_used(&["file", "passphrase_file", "dry_run", "yes", "restart"]))]
pub struct Apply {
    /// The plan, as `esync-ssl enable --dry-run --save-plan FILE` wrote it
    #[arg(value_name = "FILE")]
    pub file: Utf8PathBuf,
    #[command(flatten, next_help_heading = "Certificate")]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
    /// Show what would be written, and write nothing
    ///
    /// It is looked whether the plan could be applied.
    #[arg(short = 'n', long, conflicts_with = "yes", help_heading = "Writing")]
    pub dry_run: bool,
    /// Write without asking
    #[arg(short, long, help_heading = "Writing")]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
}
