//! The command line: clap, nothing else.

mod cert;
mod options;

use std::net::SocketAddr;
use std::path::PathBuf;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};
use time::macros::format_description;
use time::{Date, Duration, PrimitiveDateTime, Time};

use crate::change::{Action, Http, Profile};
use crate::check::Code;
use crate::httpd::Version;
use crate::operation::explain::Since;
use crate::operation::{self, Where, by_words};

pub use cert::{CertCommand, DecryptKey, Import, Inspect, Install, Request, SelfSigned};
pub use options::{PassPhraseOption, exit_statuses};

/// Takes an Apache httpd server from HTTP to working HTTPS by editing its configuration safely.
#[derive(Debug, Parser)]
#[command(version, after_help = exit_statuses(), max_term_width = 100)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes
    #[command(flatten)]
    pub global: Global,
}

/// What every command takes: where the configuration is, what the server is like, how to print.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Server root [default: the environment's ESYNC_SSL_ROOT, else the usual places]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<Utf8PathBuf>,
    /// Main configuration file [default: conf/httpd.conf or apache2.conf below the server root]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<Utf8PathBuf>,
    /// The httpd binary to ask for version and modules [default: the one below the server root]
    #[arg(long, global = true, value_name = "FILE")]
    pub httpd: Option<Utf8PathBuf>,
    /// A flag that the server is started with (`httpd -D NAME`); may be repeated
    #[arg(long, global = true, value_name = "NAME")]
    pub define: Vec<String>,
    /// Version of the server, when there is no binary to ask
    #[arg(long, global = true, value_name = "X.Y.Z", value_parser = parse_version)]
    pub apache_version: Option<Version>,
    /// Print one JSON document instead of text; of a refusal it has code, places, cause and fix (`refusal`)
    #[arg(long, global = true)]
    pub json: bool,
    /// When to print in colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

impl Global {
    /// For an operation, with what the environment says.
    pub fn place(&self) -> Where {
        let path = |path: &Option<Utf8PathBuf>| path.clone().map(PathBuf::from);
        let variable = std::env::var_os("ESYNC_SSL_ROOT").filter(|value| !value.is_empty());
        Where {
            root: path(&self.root),
            usual_root: variable.map(PathBuf::from),
            config: path(&self.config),
            httpd: path(&self.httpd),
            define: self.define.clone(),
            apache_version: self.apache_version,
        }
    }
}

/// What a command line asked for: what was done, and the domains as they were typed.
pub fn asked_for(words: &[String]) -> (Action, Vec<String>) {
    match Arguments::try_parse_from(words).map(|arguments| arguments.command) {
        Ok(Command::Enable(enable)) => (Action::Enable, enable.domain),
        Ok(Command::Disable(disable)) => (Action::Disable, disable.domain),
        // Another version may have taken other arguments.
        _ if words.iter().any(|word| word == "enable") => by_words(words),
        _ => (Action::Other, Vec::new()),
    }
}

fn parse_version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "a version looks like 2.4.7".into())
}

/// The choices of `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that takes it, unless NO_COLOR is set
    Auto,
    /// In any case
    Always,
    /// Not at all
    Never,
}

/// The commands. Those with arguments say there what they do: a line here would take the place of that text.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Enable(Enable),
    /// Turn HTTPS off again: take out what `enable` put in, put back what it moved
    Disable(Disable),
    /// List the backups that writing commands made
    #[command(after_help = exit_statuses())]
    Backups,
    Restore(Restore),
    Check(Check),
    Explain(Explain),
    /// Show who listens on the ports that the configuration wants
    #[command(after_help = exit_statuses())]
    Ports,
    Restart(Restart),
    Verify(Verify),
    /// For field devices behind a gateway (eWON, Talk2M): look at what it needs, and say what to type
    Devices(Devices),
    /// Put everything that support will ask for into one text file, without secrets
    Report(Report),
    /// Certificates and keys: look at them, make them, convert them, install them
    #[command(subcommand)]
    Cert(CertCommand),
    /// Show what the server serves: modules, listeners, virtual hosts
    #[command(after_help = exit_statuses())]
    Status,
    Lint(Lint),
    Dump(Dump),
}

/// Look for faults in certificates, keys, chains, ports and virtual hosts before Apache meets them.
///
/// Without files, every virtual host of the present configuration that speaks TLS is checked, and what else keeps TLS
/// from working: listeners and who holds their ports, virtual hosts that nobody reaches, modules, log folders. `httpd -t` opens no
/// certificate: a server whose configuration it finds good may still not start, or clients may refuse it. Status 4
/// says that there is an error of either kind.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Check {
    /// Name that clients use: check the certificate for it, or only the virtual hosts that answer it
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Check this certificate file instead of the configuration
    #[arg(long, value_name = "FILE")]
    pub cert: Option<Utf8PathBuf>,
    /// Private key file of the certificate [default: looked for in the certificate file, as Apache does]
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<Utf8PathBuf>,
    /// File with the intermediate certificates
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub chain: Option<Utf8PathBuf>,
    /// Do not try the TLS settings on a short run of the server's own httpd
    #[arg(long)]
    pub no_rehearsal: bool,
}

/// Restart Apache, and see that it serves what is configured.
///
/// Certificates, ports and configuration are looked at first, Apache is asked (`httpd -t`), and the TLS settings are tried
/// on a short run of the server's own httpd: while one of them would keep it from starting, a running server is left
/// alone. Afterwards every port must answer and every TLS virtual host
/// show its certificate; otherwise the logs are explained. A stopped server is started.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Restart {
    /// Finish requests that are under way first, where the system has that
    #[arg(long)]
    pub graceful: bool,
    /// Go on in spite of this finding (can be repeated)
    #[arg(long, value_name = "CODE")]
    pub force: Vec<Code>,
    /// Do not try the TLS settings on a short run of the server's own httpd first
    #[arg(long)]
    pub no_rehearsal: bool,
    /// Seconds to wait for another run on the same server root
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u64,
}

/// Look at the running server as a client does.
///
/// Every virtual host that speaks TLS, or the one of a name: protocol, certificates as served, trust, name, dates,
/// whether it is the certificate on disk, what a client gets that sends no server name, plain HTTP and redirects.
/// Status 4 says that clients would refuse it.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Verify {
    /// Name that clients use
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Connect there instead of to this machine
    #[arg(long, value_name = "IP:PORT")]
    pub address: Option<SocketAddr>,
    /// Trust these certificates instead of those that this machine trusts (PEM or DER)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<Utf8PathBuf>,
}

/// For field devices behind a gateway (eWON, Talk2M): look at what it needs, and say what to type.
///
/// An eWON speaks plain HTTP only. The M2U service of Talk2M takes its data over the VPN and passes it on over HTTPS.
/// It needs what every strange client needs: a name in public DNS, a certificate for it from an authority that
/// everybody trusts, the intermediates served with it, TLS 1.2, and a POST that is answered without a redirect. All of
/// that is looked at. With --path the path is asked for (HEAD, which changes nothing); with --send a sample is posted
/// there, once. Status 4 says that data would not arrive.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Devices {
    /// Name of the server, as the gateway calls it
    #[arg(long, value_name = "NAME")]
    pub domain: String,
    /// Path that the devices post to
    #[arg(long, value_name = "/PATH", value_parser = parse_path)]
    pub path: Option<String>,
    /// Port of the URL [default: that of --address or of the virtual host; 443 where it is one of several]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// POST a sample of one line to the path, and show the answer
    #[arg(long)]
    pub send: bool,
    /// Connect there instead of to this machine
    #[arg(long, value_name = "IP:PORT")]
    pub address: Option<SocketAddr>,
    /// Trust these roots instead of those that this machine trusts (PEM or DER)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<Utf8PathBuf>,
}

fn parse_path(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if text.starts_with('/') && is_plain {
        Ok(text.to_string())
    } else {
        Err("a path starts with / and has neither blanks nor other characters that a URL must encode".into())
    }
}

/// Put everything that support will ask for into one text file, without secrets.
///
/// Versions, layout, status, findings of check and lint, what `httpd -t` says, ports, the last lines of the error logs,
/// certificates in words, backups. Keys and files of passwords are not opened for it; passwords, tokens, cookies and
/// query strings are taken out of everything else. What is inside is listed before it is written, and nothing is sent
/// anywhere. Read it before you pass it on.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Report {
    /// File to write; never overwrites one; `-` is the standard output [default: esync-ssl-report-TIME.txt]
    #[arg(value_name = "FILE")]
    pub file: Option<Utf8PathBuf>,
    /// Write without asking
    #[arg(short, long)]
    pub yes: bool,
    /// List what would be inside and write nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
}

/// Say why Apache did not start, from its error logs.
///
/// Reads every error log that the configuration uses, from the last start on, puts together what is about one thing,
/// and gives each known message its cause and what to do. Certificates and keys that a message names are looked at.
/// Messages that are not known are shown as they are.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Explain {
    /// Log file to read instead of those of the configuration; `-` is the standard input
    #[arg(value_name = "FILE")]
    pub file: Option<Utf8PathBuf>,
    /// Everything since then instead of the last start: `30m`, `2h`, `1d`, `2026-03-02`, `2026-03-02 06:45`
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub since: Option<Since>,
}

fn parse_since(text: &str) -> Result<Since, String> {
    let not = || "a time looks like 30m, 2h, 1d, 2026-03-02 or \"2026-03-02 06:45\"".to_string();
    if let Some((number, unit)) = text.split_at_checked(text.len().saturating_sub(1))
        && let Ok(number) = number.parse::<u32>()
        && let Some(seconds) = [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
            .iter()
            .find_map(|(name, seconds)| (*name == unit).then_some(*seconds))
    {
        return Ok(Since::Ago(Duration::seconds(i64::from(number) * seconds)));
    }
    let text = text.replace('T', " ");
    let (date, time) = text.split_once(' ').unwrap_or((&text, "00:00"));
    let date = Date::parse(date, format_description!("[year]-[month]-[day]")).map_err(|_| not())?;
    let time = Time::parse(time, format_description!("[hour]:[minute]:[second]"))
        .or_else(|_| Time::parse(time, format_description!("[hour]:[minute]")))
        .map_err(|_| not())?;
    Ok(Since::At(PrimitiveDateTime::new(date, time)))
}

/// Say what is wrong with the configuration, all of it.
///
/// Errors are what Apache refuses, at `httpd -t` or at the start, and not only the first one. Warnings are what it
/// accepts although hardly anybody means it: a comment that swallows the next line, words that it ignores, a virtual
/// host that is never reached. Status 4 says that there is an error.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Lint {
    /// Look for errors only, and print nothing else
    #[arg(short, long)]
    pub quiet: bool,
}

/// Print the whole evaluated configuration as JSON.
///
/// Every directive that Apache reads, and every one that it skips, in Apache's order: file, lines, name, arguments
/// with variables substituted, the sections around it, and whether it is active.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Dump {
    /// Only directives of files whose path ends like this
    #[arg(long, value_name = "PATH")]
    pub file: Option<String>,
    /// Only directives of this name (sections with or without `<`)
    #[arg(long, value_name = "NAME")]
    pub directive: Option<String>,
}

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
/// With --restart the running server must then show the certificate, and HTTP behave as asked; otherwise files and server
/// go back to what they were.
#[derive(Debug, Args)]
#[command(after_help = exit_statuses())]
pub struct Enable {
    /// Domain name or IP address that clients will use; international names are accepted, and IPv6 addresses with or
    /// without brackets. Given again, or as --alias: further names
    #[arg(long, value_name = "NAME", required = true)]
    pub domain: Vec<String>,
    /// A further name of the same site (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub alias: Vec<String>,
    /// The virtual host for HTTP whose site is wanted over HTTPS, where it cannot be told by the name
    #[arg(long, value_name = "FILE:LINE", value_parser = parse_place)]
    pub vhost: Option<(PathBuf, u32)>,
    /// Certificate file of the domain (PEM)
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        required_unless_present_any = ["self_signed", "pfx"]
    )]
    pub cert: Option<Utf8PathBuf>,
    /// Private key file of the certificate (PEM; with --copy-certs also under a pass-phrase)
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
    /// Show what would change and write nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// With --dry-run: exit with status 3 when there would be changes
    #[arg(long, requires = "dry_run")]
    pub exit_code: bool,
}

/// How a writing command writes.
#[derive(Debug, Args)]
pub struct Writing {
    /// Do not ask Apache (`httpd -t`) whether it accepts the result
    #[arg(long)]
    pub no_test: bool,
    /// Do not try the TLS settings on a short run of the server's own httpd first
    #[arg(long)]
    pub no_rehearsal: bool,
    /// Seconds to wait for another run on the same server root
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u64,
    /// Restart Apache if it runs, and put everything back unless it then serves what is configured
    #[arg(long)]
    pub restart: bool,
    /// Like --restart, and start Apache if it is stopped
    #[arg(long)]
    pub start: bool,
}

impl Writing {
    /// For an operation, with what is said beside them.
    pub fn with(&self, yes: bool, dry_run: bool) -> operation::Writing {
        operation::Writing {
            no_test: self.no_test,
            no_rehearsal: self.no_rehearsal,
            lock_timeout: self.lock_timeout,
            restart: self.restart,
            start: self.start,
            yes,
            dry_run,
        }
    }
}

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
    /// Show what would change and write nothing
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_in_words_of_people() {
        assert_eq!(parse_since("2h"), Ok(Since::Ago(Duration::hours(2))));
        let at = |hour, minute| {
            PrimitiveDateTime::new(
                time::macros::date!(2026 - 03 - 02),
                Time::from_hms(hour, minute, 0).unwrap(),
            )
        };
        assert_eq!(parse_since("2026-03-02"), Ok(Since::At(at(0, 0))));
        assert_eq!(parse_since("2026-03-02T06:45"), Ok(Since::At(at(6, 45))));
        for bad in ["", "h", "x", "2026-13-01", "5w", "ä"] {
            assert!(parse_since(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn command_lines_of_any_version() {
        let told = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            asked_for(&words)
        };
        let (enable, disable) = (Action::Enable, Action::Disable);
        let a = vec!["a.test".to_owned()];
        assert_eq!(
            told("x enable --self-signed --domain a.test"),
            (enable, a.clone())
        );
        assert_eq!(
            told("x enable --no-longer-there --domain=a.test"),
            (enable, a.clone())
        );
        assert_eq!(told("x disable --domain a.test"), (disable, a));
        assert_eq!(told("x disable -y"), (disable, vec![]));
        assert_eq!(told("x restore"), (Action::Other, vec![]));
        assert_eq!(told(""), (Action::Other, vec![]));
    }
}
