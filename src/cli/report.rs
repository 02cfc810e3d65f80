//! `esync-ssl report`: what other commands tell, in one file for support. What may not go in, [`crate::check::secret`]
//! knows.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;
use time::macros::format_description;
use zeroize::Zeroizing;

use super::arguments::{Global, Report};
use super::cert::inspect;
use super::commit::ended;
use super::printer::Printer;
use super::settings::Loaded;
use super::world::World;
use super::{Failure, backups, check, commit, explain, lint, ports, running, status};
use crate::apply::{NewFile, create_all};
use crate::check::secret::{REMOVED, Secrets};
use crate::check::tls_host::TlsHost;
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::interrupt::Hold;
use crate::server::service::{self, State};
use crate::server::system;
use crate::shown::{printable, sentence, shown};

/// Bytes of all certificates that are looked at.
const CERTIFICATES: u64 = 64 << 20;
/// How many entries of each log go in.
const LOG_ENTRIES: usize = 100;

/// Runs the command.
pub fn run(
    arguments: &Report,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let now = (world.now)();
    let to_stdout = arguments.file.as_ref().is_some_and(|file| file == "-");
    let file = match &arguments.file {
        Some(file) => file.as_std_path().to_path_buf(),
        None => PathBuf::from(usual_name(now)),
    };
    if !to_stdout && file.symlink_metadata().is_ok() {
        return Err(Failure::refused(format!(
            "there is a file {} already, and it was not overwritten; give another name",
            shown(&file)
        )));
    }
    let loaded = Loaded::find(global)?;
    loaded.introduce(printer);
    let secrets = Secrets::of(&loaded.configuration);
    let sections: Vec<Section> = gather(&loaded, global, world)
        .into_iter()
        .map(|(title, text)| Section::new(title, &secrets.remove(&without_colour(&text))))
        .collect();
    let text = whole(&sections, now);
    let mut answer = Answer {
        file: (!to_stdout).then(|| shown(&file)),
        written: false,
        text: (to_stdout && !arguments.dry_run).then(|| text.clone()),
        sections,
    };
    if arguments.dry_run {
        printer.document(&answer);
        printer.answer(&answer.list());
        return Ok(ExitStatus::Done);
    }
    printer.talk(answer.list().trim_end());
    if to_stdout {
        printer.document(&answer);
        printer.answer(&text);
        return Ok(ExitStatus::Done);
    }
    let question = format!("Write this to {}?", shown(&file));
    commit::confirm(&question, arguments.yes, global.json, printer)?;
    write(&file, text, world)?;
    answer.written = true;
    printer.document(&answer);
    printer.answer(&format!(
        "{} was written. Read it before you pass it on.\n",
        shown(&file)
    ));
    Ok(ExitStatus::Done)
}

fn usual_name(now: OffsetDateTime) -> String {
    let time = now.format(format_description!("[year][month][day]-[hour][minute][second]"));
    format!("esync-ssl-report-{}.txt", time.unwrap_or_default())
}

/// For the owner only: what is inside tells much about a server, secrets or not.
fn write(file: &Path, text: String, world: &World) -> Result<(), Failure> {
    let path = std::path::absolute(file).map_err(|error| Failure::error(anyhow::Error::from(error)))?;
    let new = NewFile {
        path,
        bytes: Zeroizing::new(text.into_bytes()),
        private: true,
    };
    let _hold = Hold::new();
    ended(create_all(world.disk, &[new], &[]).map_err(Failure::from))
}

#[derive(Serialize)]
struct Answer {
    /// Nothing for the standard output.
    file: Option<String>,
    written: bool,
    sections: Vec<Section>,
    /// The report itself, where it goes to the standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize)]
struct Section {
    title: &'static str,
    lines: usize,
    /// In how many places something was taken out.
    removed: usize,
    #[serde(skip)]
    text: String,
}

impl Section {
    fn new(title: &'static str, text: &str) -> Section {
        let text = text.trim_end().to_string();
        Section {
            title,
            lines: text.lines().count(),
            removed: text.matches(REMOVED).count(),
            text,
        }
    }
}

impl Answer {
    fn list(&self) -> String {
        let mut text = String::from("The report holds:\n");
        for section in &self.sections {
            let removed = match section.removed {
                0 => String::new(),
                1 => ", something taken out in 1 place".into(),
                number => format!(", something taken out in {number} places"),
            };
            let _ = writeln!(
                text,
                "  {:<28} {} line{}{removed}",
                section.title,
                section.lines,
                if section.lines == 1 { "" } else { "s" }
            );
        }
        text + "It holds no keys, pass-phrases, files of passwords, cookies or query strings.\n"
    }
}

fn whole(sections: &[Section], now: OffsetDateTime) -> String {
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let mut text = format!("Report of esync-ssl {}, {now}\n", env!("CARGO_PKG_VERSION"));
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

/// Every section with its text as the commands print it.
fn gather(loaded: &Loaded, global: &Global, world: &World) -> Vec<(&'static str, String)> {
    let problems = loaded.configuration.check();
    let logs = explain::of_configuration(loaded);
    let tails: Vec<String> = logs.iter().map(|log| log.end(LOG_ENTRIES)).collect();
    let told = logs.iter().rev().find_map(explain::Log::openssl);
    let checked = check::of_loaded(loaded, None, None, global).map(|report| report.text());
    vec![
        ("versions", versions(loaded, told)),
        ("layout", layout(loaded)),
        ("status", status::text(loaded)),
        (
            "check",
            checked.unwrap_or_else(|failure| format!("{:#}", failure.error)),
        ),
        ("lint", lint::text(loaded, &problems, false)),
        ("httpd -t", test(loaded)),
        ("ports", ports::text(loaded)),
        (
            "last start, explained",
            explain::explain(logs, None, Some(loaded), global).text(),
        ),
        ("ends of the logs", tails.join("\n")),
        ("certificates", certificates(loaded)),
        ("backups", backups::text(&loaded.installation.root, world)),
    ]
}

fn versions(loaded: &Loaded, told: Option<String>) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| _ = writeln!(text, "{name:<14} {}", printable(value.as_bytes()));
    row("esync-ssl", env!("CARGO_PKG_VERSION"));
    row("system", &system::describe());
    let version = format!("{} ({})", loaded.facts.version, loaded.told_by);
    row("Apache", &version);
    row("OpenSSL", told.as_deref().unwrap_or("not told by the logs"));
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

/// Certificates and chains that the configuration names, in words.
fn certificates(loaded: &Loaded) -> String {
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
                Err(error) => _ = writeln!(text, "{}: {error}", sentence(&shown)),
            }
        }
    }
    text + &inspect::summary(
        files
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    )
}

fn without_colour(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}
