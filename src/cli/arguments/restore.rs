//! The arguments of `restore`.

use clap::Args;

use super::options::{Writing, exit_statuses};

/// Put back what a writing command changed.
///
/// Needs no working Apache and no readable configuration: checksums and bytes. What was edited since is shown and not
/// overwritten, unless told. The restore is kept as a backup of its own and can be undone like any other change.
/// Certificates and keys stay where they are.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Restore {
    /// The backup, as `esync-ssl backups` lists it [default: the newest]
    #[arg(value_name = "ID", conflicts_with = "recover")]
    pub id: Option<String>,
    /// Only undo what a killed run left half done
    #[arg(long, conflicts_with_all = ["merge", "dry_run"])]
    pub recover: bool,
    /// Also overwrite what was edited since
    #[arg(long, conflicts_with = "merge")]
    pub force: bool,
    /// Take our changes out and keep later edits, where they do not touch the same lines
    #[arg(long)]
    pub merge: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
    /// Restore without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would change and whether it could be done, and write nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
}
