//! The arguments of `doctor`.

use camino::Utf8PathBuf;
use clap::Args;

use super::devices::parse_path;
use super::examples;
use super::explain::parse_since;
use super::help::{MORE, epilogue};
use super::options::{DIAGNOSES, exit_statuses};
use crate::operation::doctor::Request;
use crate::operation::explain::Since;

/// Look at everything, and say what is wrong: each cause once, the worst first, and one next step.
///
/// What status, lint, check, ports, explain, verify and certificates know, in one page; with --devices what devices knows,
/// too. What is seen by several of them is told once, with what comes of it. What is well has a line each, with the
/// command that tells more. With --fix, what can be corrected without anybody's knowledge is offered: to undo a run that
/// was killed, to name missing intermediate certificates that are in a file beside, to restart Apache where it runs with
/// an older configuration, to schedule renewal. Status 12 says that there is an error.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DOCTOR, exit_statuses(DIAGNOSES)))]
pub struct Doctor {
    /// Name that clients use: look at its certificate and its virtual host only
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Look at what gateways of field devices need as well
    #[arg(long, requires = "domain")]
    pub devices: bool,
    /// Path that the devices post to
    #[arg(long, value_name = "/PATH", value_parser = parse_path, requires = "devices")]
    pub path: Option<String>,
    /// Trust these certificates instead of those that this machine trusts (PEM or DER)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<Utf8PathBuf>,
    /// Of logs, everything since then instead of the last start: `30m`, `2h`, `1d`, `2026-03-02`, `2026-03-02 06:45`
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub since: Option<Since>,
    /// Do not try the TLS settings on a short run of the server's own httpd
    #[arg(long)]
    pub no_rehearsal: bool,
    /// Offer to do what helps, one by one
    #[arg(long)]
    pub fix: bool,
    /// Write without asking
    #[arg(short, long, requires = "fix")]
    pub yes: bool,
}

impl Doctor {
    /// What is asked for.
    pub fn request(&self) -> Request {
        Request {
            domain: self.domain.clone(),
            devices: self.devices,
            path: self.path.clone(),
            authorities: self.ca.clone().map(Into::into),
            since: self.since,
            no_rehearsal: self.no_rehearsal,
        }
    }
}
