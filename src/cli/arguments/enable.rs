//! The arguments of `enable`.

use std::path::PathBuf;

use camino::Utf8PathBuf;
use clap::{Args, ValueEnum};

use super::authority::AuthorityOptions;
use super::examples;
use super::help::{MORE, epilogue, most_used};
use super::options::{ENABLES, PassPhraseOption, Writing, exit_statuses, finding_codes};
use super::values;
use crate::change::{Http, Profile};
use crate::check::Code;

/// Turn HTTPS on for a domain.
///
/// Loads mod_ssl, listens on the HTTPS port, and adds a virtual host for the domain (or updates the one that
/// answers it). Shows every change with its reason and a diff, and asks before it writes.
///
/// A virtual host that answers the domain over HTTP, by its name or as the default of its address, is served over HTTPS by a
/// copy right behind it, line by line, less what must not be there twice or would not be right: WSGIDaemonProcess, WSGIImportScript, FastCgiServer and
/// FastCgiExternalServer, which define something for the whole server; Redirect and RewriteRule (with its conditions)
/// that would lead back to themselves; its certificate lines, if any; a ServerName with a port or of another name than the
/// domain's. What says http of it (headers, variables, addresses) says https there, and is told line by line. Without
/// one the new virtual host inherits everything from the main server.
///
/// The certificate comes from files (--cert, --key, --chain; --copy-certs converts them), from an archive (--pfx), from a
/// certificate authority that is asked now (--acme), or is made to try things out (--self-signed); `esync-ssl cert request`
/// makes a request for an authority that is asked in another way. Without any of these a terminal is asked, and everybody
/// else is told.
///
/// With --acme, nothing stays changed without a certificate. The authority looks whether the names lead to this
/// server: this program answers it itself for some seconds, on port 443 as long as nobody has it, else on port 80 if nobody
/// has that; else Apache does, from lines that disable takes out again.
///
/// With --restart the running server must then show the certificate, and HTTP behave as asked; otherwise files and server
/// go back to what they were.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::ENABLE, exit_statuses(ENABLES)))]
#[command(mut_arg("dns_hook", |arg| arg.requires("acme")))]
#[command(mut_args = most_used(&["domain", "http", "cert", "pfx", "acme", "self_signed", "dry_run", "yes", "restart"]))]
pub struct Enable {
    /// Domain name or IP address that clients will use
    ///
    /// International names are accepted, and IPv6 addresses with or without brackets; Apache takes an IPv6 address as
    /// `ServerAlias` only. Given again, or as --alias: further names of the same site.
    #[arg(long, value_name = "NAME", help_heading = "Site")]
    pub domain: Vec<String>,
    /// A further name of the same site (can be repeated)
    #[arg(long, value_name = "NAME", help_heading = "Site")]
    pub alias: Vec<String>,
    /// The virtual host for HTTP whose site is wanted over HTTPS, where it cannot be told by the name
    #[arg(
        long,
        value_name = "FILE:LINE",
        value_parser = parse_place,
        help_heading = "Site"
    )]
    pub vhost: Option<(PathBuf, u32)>,
    /// Certificate file of the domain (PEM)
    #[arg(long, value_name = "FILE", help_heading = "Certificate")]
    pub cert: Option<Utf8PathBuf>,
    /// Private key file of the certificate (PEM)
    ///
    /// With --copy-certs it may be under a pass-phrase. Without it: the file of the certificate, or NAME.key beside
    /// NAME.crt, if it holds the key that belongs to it.
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    pub key: Option<Utf8PathBuf>,
    /// File with the intermediate certificates (PEM)
    ///
    /// As the certificate authority gave it.
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    pub chain: Option<Utf8PathBuf>,
    /// PFX archive with all three, put into conf/ssl as PEM
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["cert", "key", "chain"],
        help_heading = "Certificate"
    )]
    pub pfx: Option<Utf8PathBuf>,
    /// Make key and certificate in conf/ssl, to try things out
    ///
    /// Browsers warn about such a certificate. An existing file is never overwritten.
    #[arg(
        long,
        conflicts_with_all = ["cert", "key", "chain", "pfx", "acme"],
        help_heading = "Certificate"
    )]
    pub self_signed: bool,
    /// Copy certificate, key and chain into conf/ssl and use the copies
    ///
    /// With safe permissions, the key without its pass-phrase, the chain in order.
    #[arg(long, requires = "cert", help_heading = "Certificate")]
    pub copy_certs: bool,
    /// Use certificate and key where they are, and do not ask whether to copy them
    #[arg(
        long,
        requires = "cert",
        conflicts_with = "copy_certs",
        help_heading = "Certificate"
    )]
    pub in_place: bool,
    #[command(flatten, next_help_heading = "Certificate")]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AuthorityOptions,
    /// Continue despite this finding about certificate files or the start of Apache (can be repeated)
    ///
    /// Without a code it names all codes. What httpd -t reports cannot be forced.
    #[arg(long, value_name = "CODE", value_parser = finding_codes(), hide_possible_values = true, help_heading = "Certificate")]
    pub force: Vec<Code>,
    /// HTTP afterwards
    ///
    /// [default: off, unless other virtual hosts would lose by it]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Site")]
    pub http: Option<HttpChoice>,
    /// Port to serve HTTPS on
    #[arg(
        long,
        value_name = "N",
        default_value_t = 443,
        value_parser = values::port,
        help_heading = "Site"
    )]
    pub port: u16,
    /// Protocols and ciphers, by Mozilla's names [default: intermediate, in a new virtual host]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "TLS")]
    pub profile: Option<ProfileChoice>,
    /// Tell browsers to use HTTPS only, for this long [default when given without a number: two years]
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        default_missing_value = "63072000",
        value_parser = values::whole::<u32>,
        help_heading = "TLS"
    )]
    pub hsts: Option<u32>,
    /// Let the server send proofs that the certificate is not revoked
    #[arg(long, help_heading = "TLS")]
    pub ocsp_stapling: bool,
    /// Speak HTTP/2 with clients that can, beside HTTP/1.1
    ///
    /// It loads mod_http2, which the MPM prefork does not carry.
    #[arg(long, help_heading = "TLS")]
    pub http2: bool,
    /// Show what would be written, and write nothing
    ///
    /// What would refuse the real run refuses this one, with the same status. The TLS settings are rehearsed; what is not
    /// tried is told.
    #[arg(short = 'n', long, conflicts_with = "yes", help_heading = "Writing")]
    pub dry_run: bool,
    /// Write without asking
    #[arg(short, long, help_heading = "Writing")]
    pub yes: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub writing: Writing,
    /// With --restart: put everything back too where HTTPS only answers otherwise than HTTP did
    ///
    /// Another kind of answer, redirect target or content type, which the preview did not name, is told without it. What
    /// fails over HTTPS, leads to itself without end or shows other content is put back in any case.
    #[arg(long, help_heading = "Writing")]
    pub strict: bool,
    /// With --dry-run: save the plan in this file, for `esync-ssl apply`
    ///
    /// It holds no private key.
    #[arg(long, value_name = "FILE", requires = "dry_run", help_heading = "Writing")]
    pub save_plan: Option<Utf8PathBuf>,
    /// With --dry-run: exit with status 3 when there would be changes
    #[arg(long, requires = "dry_run", help_heading = "Writing")]
    pub exit_code: bool,
}

/// The choices of `--http`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum HttpChoice {
    /// The port moves from HTTP to HTTPS
    Off,
    /// HTTP and HTTPS side by side
    Keep,
    /// HTTP stays, and sends the domain's visitors to HTTPS (all but `/.well-known/acme-challenge/`)
    Redirect,
}

/// The choices of `--profile`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ProfileChoice {
    /// TLS 1.3 only
    Modern,
    /// TLS 1.2 and later
    Intermediate,
    /// TLS 1.0 and later, for very old clients
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
        .ok_or_else(|| "give a file and a line, such as sites-enabled/esync.conf:12".into())
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
