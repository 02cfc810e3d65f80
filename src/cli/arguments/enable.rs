//! The arguments of `enable`.

use std::path::PathBuf;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::options::{PassPhraseOption, WRITES, Writing, exit_statuses};
use crate::change::{Http, Profile};
use crate::check::Code;

/// Turn HTTPS on for a domain.
///
/// Loads mod_ssl, listens on the HTTPS port, and adds a virtual host for the domain (or updates the one that
/// answers it). Shows every change with its reason and a diff, and asks before it writes.
///
/// A virtual host that answers the domain over HTTP is served over HTTPS by a copy right behind it, line by line, less
/// what must not be there twice or would not be right: WSGIDaemonProcess, WSGIImportScript, FastCgiServer and
/// FastCgiExternalServer, which define something for the whole server; Redirect and RewriteRule (with its conditions)
/// to https; its certificate lines, if any; a ServerName with a port or of another name than the domain's. Without
/// one the new virtual host inherits everything from the main server.
///
/// The certificate comes from files (--cert, --key, --chain; --copy-certs converts them), from an archive (--pfx), or is
/// made to try things out (--self-signed); `esync-ssl cert request` makes a request for a certificate authority. Without
/// any of these a terminal is asked, and everybody else is told.
///
/// With --restart the running server must then show the certificate, and HTTP behave as asked; otherwise files and server
/// go back to what they were.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses(WRITES))]
pub struct Enable {
    /// Domain name or IP address that clients will use; international names are accepted, and IPv6 addresses with or
    /// without brackets. Given again, or as --alias: further names
    #[arg(long, value_name = "NAME")]
    pub domain: Vec<String>,
    /// A further name of the same site (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub alias: Vec<String>,
    /// The virtual host for HTTP whose site is wanted over HTTPS, where it cannot be told by the name
    #[arg(long, value_name = "FILE:LINE", value_parser = parse_place)]
    pub vhost: Option<(PathBuf, u32)>,
    /// Certificate file of the domain (PEM)
    #[arg(long, value_name = "FILE")]
    pub cert: Option<Utf8PathBuf>,
    /// Private key file of the certificate (PEM; with --copy-certs also under a pass-phrase) [default: the file of
    /// the certificate, or NAME.key beside NAME.crt, if it holds the key that belongs to it]
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<Utf8PathBuf>,
    /// File with the intermediate certificates, as the certificate authority gave it (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub chain: Option<Utf8PathBuf>,
    /// PFX archive with key, certificate and chain: they are put into conf/ssl as PEM files
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cert", "key", "chain"])]
    pub pfx: Option<Utf8PathBuf>,
    /// Copy certificate, key and chain into conf/ssl and use the copies
    #[arg(long, requires = "cert")]
    pub copy_certs: bool,
    /// Make a key and a self-signed certificate below conf/ssl, to try things out
    #[arg(long, conflicts_with_all = ["cert", "key", "chain", "pfx"])]
    pub self_signed: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
    /// Go on in spite of this finding about the certificate files (can be repeated)
    #[arg(long, value_name = "CODE")]
    pub force: Vec<Code>,
    /// What becomes of plain HTTP [default: off, unless other virtual hosts would lose by it]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub http: Option<HttpChoice>,
    /// Protocols and ciphers, by Mozilla's names [default: intermediate, in a new virtual host]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub profile: Option<ProfileChoice>,
    /// Tell browsers to use HTTPS only, for this long [default when given without a number: two years]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "63072000")]
    pub hsts: Option<u32>,
    /// Let the server send proofs that the certificate is not revoked
    #[arg(long)]
    pub ocsp_stapling: bool,
    /// Speak HTTP/2 with clients that can, beside HTTP/1.1: loads mod_http2, which the MPM prefork does not carry
    #[arg(long)]
    pub http2: bool,
    /// Port to serve HTTPS on
    #[arg(long, value_name = "N", default_value_t = 443, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
    /// Apply the changes without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would change, rehearse it, and write nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// With --dry-run: exit with status 3 when there would be changes
    #[arg(long, requires = "dry_run")]
    pub exit_code: bool,
}

/// The choices of `--http`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum HttpChoice {
    /// The port moves from HTTP to HTTPS
    Off,
    /// HTTP and HTTPS side by side
    Keep,
    /// HTTP stays, and sends the domain's visitors to HTTPS
    Redirect,
}

/// The choices of `--profile`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ProfileChoice {
    /// TLS 1.3 only
    Modern,
    /// TLS 1.2 and later
    Intermediate,
    /// TLS 1.0 and later, for clients of long ago
    Old,
}

impl From<ProfileChoice> for Profile {
    fn from(choice: ProfileChoice) -> Profile {
        match choice {
            ProfileChoice::Modern => Profile::Modern,
            ProfileChoice::Intermediate => Profile::Intermediate,
            ProfileChoice::Old => Profile::Old,
        }
    }
}

fn parse_place(text: &str) -> Result<(PathBuf, u32), String> {
    let parts = text.rsplit_once(':').filter(|(file, _)| !file.is_empty());
    parts
        .and_then(|(file, line)| Some((file.into(), line.parse().ok().filter(|line| *line > 0)?)))
        .ok_or_else(|| "a place looks like sites-enabled/esync.conf:12".into())
}

impl From<HttpChoice> for Http {
    fn from(choice: HttpChoice) -> Http {
        match choice {
            HttpChoice::Off => Http::Off,
            HttpChoice::Keep => Http::Keep,
            HttpChoice::Redirect => Http::Redirect,
        }
    }
}
