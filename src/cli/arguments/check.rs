//! The arguments of `check`.

use camino::Utf8PathBuf;
use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{LOOKS, exit_statuses};

/// Look for faults in certificates, keys, chains, ports and virtual hosts before Apache meets them.
///
/// Without files, every virtual host of the present configuration that speaks TLS is checked, and what else keeps TLS
/// from working: listeners and who holds their ports, virtual hosts that nobody reaches, modules, log folders. `httpd -t` opens no
/// certificate: a server whose configuration it finds good may still not start, or clients may refuse it. Status 12
/// says that there is an error of either kind.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::CHECK, exit_statuses(LOOKS)))]
pub struct Check {
    /// Name that clients use: check the certificate for it, or only the virtual hosts that answer it
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Check this certificate file instead of the configuration
    #[arg(long, value_name = "FILE", help_heading = "Certificate")]
    pub cert: Option<Utf8PathBuf>,
    /// Private key file of the certificate [default: looked for in the certificate file, as Apache does]
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    pub key: Option<Utf8PathBuf>,
    /// File with the intermediate certificates
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    pub chain: Option<Utf8PathBuf>,
    /// Do not try the TLS settings on a short run of the server's own httpd
    #[arg(long)]
    pub no_rehearsal: bool,
}
