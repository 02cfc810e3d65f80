//! The arguments of `disable`.

use camino::Utf8PathBuf;
use clap::Args;

use super::examples;
use super::help::{MORE, epilogue, most_used};
use super::options::{WRITES, Writing, exit_statuses, refusal_codes};
use crate::change;
use crate::refusal::RefusalCode;

/// Turn HTTPS off again.
///
/// Takes out what `enable` put in and puts back what it moved: virtual host, redirect, listener, modules, certificate
/// lines of virtual hosts that were there before. What was edited by hand since stays; what other sites need stays,
/// and is named. Certificates and keys are never deleted. The backups tell what stood there before; without them the
/// configuration alone decides. Shows every change with its reason and a diff, and asks before it writes.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DISABLE, exit_statuses(WRITES)))]
#[command(mut_args = most_used(&["domain", "dry_run", "yes", "restart"]))]
pub struct Disable {
    /// Turn it off for this domain only (can be repeated) [default: every domain that `enable` was run for]
    #[arg(long, value_name = "NAME")]
    pub domain: Vec<String>,
    /// Also delete a virtual host that answers the domain over TLS and was not written by `enable`, which is refused with
    /// this code (can be repeated)
    #[arg(long, value_name = "CODE", requires = "domain", value_parser = refusal_codes(&change::Disable::FORCIBLE))]
    pub force: Vec<RefusalCode>,
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
    /// With --dry-run: save the plan in this file, for `esync-ssl apply`
    ///
    /// It holds no private key.
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = "Writing")]
    pub save_plan: Option<Utf8PathBuf>,
    /// With --dry-run: exit with status 3 when there would be changes
    #[arg(long, requires = "dry_run", help_heading = "Writing")]
    pub exit_code: bool,
}
