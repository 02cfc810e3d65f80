//! The arguments of `devices`.

use std::net::SocketAddr;

use camino::Utf8PathBuf;
use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{LOOKS, exit_statuses};
use super::values;

/// For field devices behind a gateway (eWON, Talk2M): look at what it needs, and say what to type.
///
/// An eWON speaks plain HTTP only. The M2U service of Talk2M takes its data over the VPN and passes it on over HTTPS.
/// It needs what every strange client needs: a name in public DNS, a certificate for it from an authority that
/// everybody trusts, the intermediates served with it, TLS 1.2, and a POST that is answered without a redirect. All of
/// that is looked at. With --path the path is asked for (HEAD, which changes nothing); with --send a sample is posted
/// there, once. Status 12 says that data would not arrive.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::DEVICES, exit_statuses(LOOKS)))]
pub struct Devices {
    /// Name of the server, as the gateway calls it
    #[arg(long, value_name = "NAME")]
    pub domain: String,
    /// Path that the devices post to
    #[arg(long, value_name = "/PATH", value_parser = parse_path)]
    pub path: Option<String>,
    /// Port of the URL [default: that of --address or of the virtual host; 443 where it is one of several]
    #[arg(long, value_name = "N", value_parser = values::port)]
    pub port: Option<u16>,
    /// POST a sample of one line to the path, and show the answer
    #[arg(long)]
    pub send: bool,
    /// Connect there instead of to this machine
    #[arg(long, value_name = "IP:PORT", value_parser = values::endpoint)]
    pub address: Option<SocketAddr>,
    /// Trust these roots instead of those that this machine trusts (PEM or DER)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<Utf8PathBuf>,
}

/// A path of a URL.
///
/// # Errors
/// What is wrong with it.
pub fn parse_path(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if text.starts_with('/') && is_plain {
        Ok(text.to_string())
    } else {
        Err("a path starts with / and has no blanks or other characters that a URL must encode".into())
    }
}
