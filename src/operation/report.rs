//! What other operations tell, for one file. What may not go in, [`crate::check::secret`] knows.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;
use zeroize::Zeroizing;

use super::environment::{Where, World};
use super::explained::{Log, LogReport};
use super::failure::{Failure, ended};
use super::find::Loaded;
use super::obtain::State as Kept;
use super::progress::Progress;
use super::telling::renew_log;
use super::{backups, check, explain, fleet, inspect, lint, ports, running, status};
use crate::apply::{NewFile, Shared, create_all, may_be_created};
use crate::check::secret::{REMOVED, Secrets};
use crate::check::tls_host::TlsHost;
use crate::finding::Finding;
use crate::foreign;
use crate::httpd::Spot;
use crate::interrupt::Hold;

use crate::place::ShownPath;
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::server::error_log::parse;
use crate::server::service::{self, State};
use crate::server::system;
use crate::shown::{printable, sentence, shown};
use crate::wording::reason;

/// Bytes of all certificates that are looked at.
const CERTIFICATES: u64 = 64 << 20;
/// How many entries of each log go in.
const LOG_ENTRIES: usize = 100;

/// What goes into the file, before it is text.
pub struct Gathered {
    /// The configuration.
    pub loaded: Loaded,
    /// Programs and their versions.
    pub versions: String,
    /// Where things are.
    pub layout: String,
    /// What is served.
    pub status: status::Status,
    /// What the rules say.
    pub check: Result<check::Report, Failure>,
    /// What is wrong with the configuration.
    pub problems: Vec<Finding<Spot>>,
    /// What `httpd -t` says.
    pub test: String,
    /// Who has the ports.
    pub ports: Result<ports::Report, String>,
    /// The last start.
    pub logs: LogReport,
    /// The last entries of each log.
    pub ends: String,
    /// Which certificates could not be read, and what the others are.
    pub certificates: (String, inspect::Report),
    /// Renewals that failed lately.
    pub renewals: String,
    /// What can be restored.
    pub backups: Result<backups::Listed, Failure>,
}

/// Gathers what support will ask for.
///
/// # Errors
/// When there is no configuration.
pub fn gather(place: &Where, world: &World, progress: &dyn Progress) -> Result<Gathered, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    let problems = lint::problems(&loaded);
    let logs = explain::of_configuration(&loaded);
    let ends: Vec<String> = logs.iter().map(|log| end(log, LOG_ENTRIES)).collect();
    let told = logs.iter().rev().find_map(openssl);
    let check = check::of_loaded(&loaded, None, None, &[]);
    Ok(Gathered {
        check,
        versions: versions(&loaded, told),
        layout: layout(&loaded),
        status: status::Status::of(&loaded),
        problems,
        test: test(&loaded),
        ports: ports::of(&loaded, None),
        logs: explain::explain(logs, None, Some(&loaded), place),
        ends: ends.join("\n"),
        certificates: certificates(&loaded),
        renewals: renew_log::end(&Kept::of(&loaded, world.disk), LOG_ENTRIES),
        backups: backups::list(&loaded.installation.root, place, world),
        loaded,
    })
}

/// The file where none is named.
pub fn usual_name(now: OffsetDateTime) -> String {
    let time = now.format(format_description!("[year][month][day]-[hour][minute][second]"));
    format!("esync-ssl-report-{}.txt", time.unwrap_or_default())
}

/// Refuses to write over a file.
///
/// # Errors
/// Refused when it is there.
pub fn refuse_taken(file: &Path) -> Result<(), Failure> {
    if file.symlink_metadata().is_err() {
        return Ok(());
    }
    let place = Place::file(file, shown(file).as_bytes());
    Err(Failure::refused(Refusal::new(
        RefusalCode::FileExists,
        say!["there is a file ", place, " already, and it was not overwritten"],
        "; ",
        "give another name",
    )))
}

/// Refuses a file that cannot be made, for a run that writes none.
///
/// # Errors
/// Those of [`write()`], as far as they are known before.
pub fn refuse_unwritable(file: &Path) -> Result<(), Failure> {
    Ok(may_be_created(&[new(file, String::new())?], Shared::Allowed)?)
}

/// The report, without secrets.
pub struct Packed {
    /// Its parts.
    pub sections: Vec<Section>,
    /// All of it.
    pub text: String,
}

/// Takes out of texts what must not be passed on, and puts them together.
pub fn pack(loaded: &Loaded, texts: Vec<(&'static str, String)>, now: OffsetDateTime) -> Packed {
    let secrets = Secrets::of(&loaded.configuration);
    let section = |(title, text): (&'static str, String)| Section::new(title, &secrets.remove(&text));
    let sections: Vec<Section> = texts.into_iter().map(section).collect();
    Packed {
        text: whole(&sections, now),
        sections,
    }
}

/// For the owner only: what is inside tells much about a server, secrets or not.
///
/// # Errors
/// When it cannot be written.
pub fn write(file: &Path, text: String, world: &World) -> Result<(), Failure> {
    let new = new(file, text)?;
    let _hold = Hold::new();
    ended(create_all(world.disk, &[new], &[], Shared::Allowed).map_err(Failure::from))
}

fn new(file: &Path, text: String) -> Result<NewFile, Failure> {
    Ok(NewFile {
        path: std::path::absolute(file).map_err(|error| Failure::error(anyhow::Error::from(error)))?,
        bytes: Zeroizing::new(text.into_bytes()),
        private: true,
    })
}

/// What became of a report.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SupportReport"))]
pub struct Report {
    /// The file; null for the standard output.
    pub file: Option<ShownPath>,
    /// The file was written.
    pub written: bool,
    /// The parts of the report.
    pub sections: Vec<Section>,
    /// What was found in the documents of many servers; missing without `--fleet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fleet: Option<fleet::Summary>,
    /// The report itself, where it goes to the standard output; else missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A part of the report.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Section {
    /// What it is about.
    pub(crate) title: &'static str,
    /// What is counted of it: lines, or the things of a page.
    #[serde(skip)]
    pub(crate) noun: &'static str,
    /// How many lines it has; of a page, of how many things it tells.
    pub(crate) line_count: usize,
    /// In how many places something was taken out.
    pub(crate) removed_count: usize,
    /// The part itself.
    #[serde(skip)]
    pub(crate) text: String,
}

impl Section {
    /// A part of a page that tells of so many things.
    pub(crate) fn counted(
        title: &'static str,
        (line_count, noun): (usize, &'static str),
        text: &str,
    ) -> Section {
        Section {
            title,
            noun,
            line_count,
            removed_count: text.matches(REMOVED).count(),
            text: String::new(),
        }
    }

    fn new(title: &'static str, text: &str) -> Section {
        let text = text.trim_end().to_string();
        Section {
            title,
            noun: "line",
            line_count: text.lines().count(),
            removed_count: text.matches(REMOVED).count(),
            text,
        }
    }
}

fn whole(sections: &[Section], now: OffsetDateTime) -> String {
    let now = now.format(format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory]:[offset_minute]"
    ));
    let (version, now) = (env!("CARGO_PKG_VERSION"), now.unwrap_or_default());
    let mut text = format!("Report of esync-ssl {version}, {now}\n");
    for section in sections {
        let _ = write!(
            text,
            "\n==== {} ====\n{}\n",
            section.title,
            if section.text.is_empty() {
                "(nothing)"
            } else {
                &section.text
            }
        );
    }
    text
}

fn versions(loaded: &Loaded, told: Option<String>) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| _ = writeln!(text, "{name:<14} {}", printable(value.as_bytes()));
    row("esync-ssl", env!("CARGO_PKG_VERSION"));
    row("system", &system::describe());
    let version = format!("{} ({})", loaded.facts.version, loaded.told_by);
    row("Apache", &version);
    row("OpenSSL", told.as_deref().unwrap_or("not shown by the logs"));
    if let Ok(Some(binary)) = &loaded.binary {
        if let Some(openssl) = system::openssl(binary.path()) {
            row("openssl", &openssl);
        }
        text += "\n";
        text += &match binary.settings() {
            Ok(said) => printable(said.as_bytes()),
            Err(silence) => printable(silence.to_string().as_bytes()),
        };
    }
    text
}

fn layout(loaded: &Loaded) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| _ = writeln!(text, "{name:<14} {}", printable(value.as_bytes()));
    row("server root", &loaded.show(&loaded.installation.root));
    row("found by", &loaded.installation.found_by);
    row("main file", &loaded.show(&loaded.installation.main));
    let server = running::server(loaded);
    let program = server.binary.as_ref().map(|binary| loaded.show(binary.path()));
    row("httpd", program.as_deref().unwrap_or("none found"));
    row("pid file", &loaded.show(&server.pid_file));
    let flags: Vec<String> = server.flags.iter().map(|flag| printable(flag)).collect();
    row("flags (-D)", &flags.join(" "));
    let has_binary = server.binary.is_some();
    let service = service::of(server);
    let state = match service.state() {
        _ if !has_binary => "not known".into(),
        Ok(State::Running) => "running".into(),
        Ok(State::Stopped) => "stopped".into(),
        Ok(State::Changing) => "starting or stopping".into(),
        Err(error) => error.to_string(),
    };
    row("runs as", &service.name());
    if let Some(account) = loaded.service_account() {
        row("account", &account.name);
    }
    row("state", &state);
    text += "\nfiles read\n";
    for file in loaded.configuration.files() {
        let bytes = file.document.bytes();
        let ends = match (memchr::memmem::find(bytes, b"\r\n"), memchr::memchr(b'\n', bytes)) {
            (Some(_), _) => "CRLF",
            (None, Some(_)) => "LF",
            (None, None) => "one line",
        };
        let _ = writeln!(
            text,
            "  {}: {} bytes, {ends}",
            loaded.show(&file.host),
            bytes.len()
        );
    }
    text
}

fn test(loaded: &Loaded) -> String {
    let server = running::server(loaded);
    let reader = match loaded.reader() {
        Ok(Some(reader)) => reader,
        Ok(None) => return "there is no httpd binary to ask".into(),
        Err(silence) => return printable(silence.to_string().as_bytes()),
    };
    match reader.test(&server.root, &server.main, &server.flags, &server.environment) {
        Ok(said) => format!(
            "{}{}({})",
            printable(&said.stdout),
            printable(&said.stderr),
            said.status
        ),
        Err(silence) => silence.to_string(),
    }
}

/// Certificates and chains that the configuration names; why others are not read.
fn certificates(loaded: &Loaded) -> (String, inspect::Report) {
    let configuration = &loaded.configuration;
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut text = String::new();
    let (mut names, mut left) = (HashSet::new(), CERTIFICATES);
    for host in TlsHost::all(configuration) {
        let named = host.pairs.iter().map(|pair| &pair.certificate);
        for path in named.chain(&host.chain) {
            let path = configuration.source().host_path(path);
            let shown = loaded.show(&path);
            if !names.insert(shown.clone()) {
                continue;
            }
            match foreign::read(&path, foreign::CERTIFICATE.min(left)) {
                Ok(bytes) => {
                    left -= bytes.len() as u64;
                    files.push((shown, bytes));
                }
                Err(error) => _ = writeln!(text, "{}: {}", sentence(&shown), reason(&error)),
            }
        }
    }
    let read = files
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    (text, inspect::summary(read))
}

/// The last entries, under the name of the log.
fn end(log: &Log, count: usize) -> String {
    let name = printable(log.name.as_bytes());
    if let Some(trouble) = &log.trouble {
        return format!("{name}: not read: {}\n", printable(trouble.as_bytes()));
    }
    let entries = parse(&log.bytes, 0);
    let last = &entries[entries.len().saturating_sub(count)..];
    let mut text = format!("{name}: the last {} of {} entries\n", last.len(), entries.len());
    for line in last.iter().flat_map(|entry| entry.text.lines()) {
        let _ = writeln!(text, "  | {}", printable(line.as_bytes()));
    }
    text
}

/// The version of OpenSSL that Apache told at its last start.
fn openssl(log: &Log) -> Option<String> {
    let at = memchr::memmem::rfind(&log.bytes, b"OpenSSL/")?;
    let word = log.bytes[at..].split(u8::is_ascii_whitespace).next()?;
    Some(printable(word))
}
