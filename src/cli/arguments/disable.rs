//! The arguments of `disable`.

use camino::Utf8PathBuf;
use clap::Args;

use super::options::{Writing, exit_statuses};

/// Turn HTTPS off again.
///
/// Takes out what `enable` put in and puts back what it moved: virtual host, redirect, listener, modules, certificate
/// lines of virtual hosts that were there before. What was edited by hand since stays; what other sites need stays,
/// and is named. Certificates and keys are never deleted. The backups tell what stood there before; without them the
/// configuration alone decides. Shows every change with its reason and a diff, and asks before it writes.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Disable {
    /// Turn it off for this domain only (can be repeated) [default: every domain that `enable` was run for]
    #[arg(long, value_name = "NAME")]
    pub domain: Vec<String>,
    /// Also delete a virtual host that answers the domain over TLS and was not written by `enable`
    #[arg(long, requires = "domain")]
    pub force: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
    /// Apply the changes without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would change and whether it could be done, and write nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// With --dry-run: save the plan in this file, for `esync-ssl apply`; it holds no private key
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub save_plan: Option<Utf8PathBuf>,
    /// With --dry-run: exit with status 3 when there would be changes
    #[arg(long, requires = "dry_run")]
    pub exit_code: bool,
}
