//! The arguments of `verify`.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{LOOKS, exit_statuses};
use super::values;

/// Look at the running server as a client does.
///
/// Every virtual host that speaks TLS, or the one of a name: protocol, certificates as served, trust, name, dates,
/// whether it is the certificate on disk, what a client gets that sends no server name, plain HTTP and redirects.
/// Status 12 says that clients would refuse it.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::VERIFY, exit_statuses(LOOKS)))]
pub struct Verify {
    /// Name that clients use
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Connect there instead of to this machine
    #[arg(long, value_name = "IP:PORT", value_parser = values::endpoint)]
    pub address: Option<SocketAddr>,
    /// Trust these certificates instead of those that this machine trusts (PEM or DER)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<Utf8PathBuf>,
}
