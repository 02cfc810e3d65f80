//! The arguments of `restore`.

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue, most_used};
use super::options::{RESTORES, Writing, exit_statuses, refusal_codes};
use crate::operation::restore::FORCIBLE;
use crate::refusal::RefusalCode;

/// Put back what a writing command changed.
///
/// Needs no working Apache and no readable configuration: checksums and bytes. What was edited since is shown and not
/// overwritten, unless told. The restore is kept as a backup of its own and can be undone like any other change.
/// Certificates and keys stay where they are.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::RESTORE, exit_statuses(RESTORES)))]
#[command(mut_args = most_used(&["id", "recover", "merge", "force", "dry_run", "yes", "restart"]))]
pub struct Restore {
    /// The backup, as `esync-ssl backups` lists it [default: the newest]
    #[arg(value_name = "ID", conflicts_with = "recover")]
    pub id: Option<String>,
    /// Only undo what a killed run left half done
    #[arg(long, conflicts_with_all = ["merge", "dry_run"])]
    pub recover: bool,
    /// Also overwrite what was edited since, which is refused with this code (can be repeated)
    #[arg(long, value_name = "CODE", conflicts_with = "merge", value_parser = refusal_codes(&FORCIBLE))]
    pub force: Vec<RefusalCode>,
    /// Take our changes out and keep later edits, where they do not touch the same lines
    #[arg(long)]
    pub merge: bool,
    /// Show what would be written, and write nothing
    ///
    /// What would refuse the real run refuses this one, with the same status.
    #[arg(short = 'n', long, conflicts_with = "yes", help_heading = "Writing")]
    pub dry_run: bool,
    /// Write without asking
    #[arg(short, long, help_heading = "Writing")]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
}
