//! The arguments of `restart`.

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{RESTARTS, exit_statuses, finding_codes};
use super::values;
use crate::check::Code;

/// Restart Apache, and see that it serves what is configured.
///
/// Certificates, ports and configuration are looked at first, Apache is asked (`httpd -t`), and the TLS settings are tried
/// on a short run of the server's own httpd: while one of them would keep it from starting, a running server is left
/// alone. Afterwards every port must answer and every TLS virtual host
/// show its certificate; otherwise the logs are explained. A stopped server is started.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::RESTART, exit_statuses(RESTARTS)))]
pub struct Restart {
    /// Finish requests that are under way first, where the system has that
    #[arg(long)]
    pub graceful: bool,
    /// Continue despite this finding (can be repeated)
    #[arg(long, value_name = "CODE", value_parser = finding_codes(), hide_possible_values = true)]
    pub force: Vec<Code>,
    /// Do not try the TLS settings on a short run of the server's own httpd first
    #[arg(long)]
    pub no_rehearsal: bool,
    /// Seconds to wait for another run on the same server root
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = values::whole::<u64>)]
    pub lock_timeout: u64,
}
