//! What was answered, as the words of a command: the one that is carried out, and that people are shown to do it again without a
//! question.

use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

use super::answers::{Answers, Http, Source, place_of};
use crate::operation::ports::USUAL;
use crate::operation::{Where, file_name};
use crate::place;
use crate::quoted::word;

/// A command in words, without the name of the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// What is typed to be asked before anything is written.
    pub asking: Vec<String>,
    /// What says yes beforehand.
    pub yes: Vec<String>,
    /// It needs a pass-phrase, which is in none of these.
    pub needs_phrase: bool,
    /// This account may not write: it is only looked what would be written.
    pub is_trial: bool,
}

impl Words {
    /// Of all that was answered.
    pub fn of(known: &Answers, place: &Where) -> Words {
        match known.source {
            Some(Source::Request) => request(known, place),
            _ => enable(known, place),
        }
    }

    /// Those of the run that asks.
    pub fn carried_out(&self) -> impl Iterator<Item = String> + '_ {
        let trial = self.is_trial.then(|| "--dry-run".to_owned());
        self.asking.iter().cloned().chain(trial)
    }

    /// As people type it, without a question.
    pub fn shown(&self) -> String {
        let phrase = ["--passphrase-file".to_owned(), "FILE".to_owned()];
        let phrase = phrase.into_iter().filter(|_| self.needs_phrase);
        let all = self.asking.iter().chain(&self.yes).map(|text| word(text));
        let all: Vec<String> = all.chain(phrase).collect();
        format!("esync-ssl {}", all.join(" "))
    }

    /// Does it change a server, so that it can be given to another one?
    pub fn is_for_servers(&self) -> bool {
        self.asking.first().is_some_and(|command| command == "enable")
    }
}

fn whole(path: &Utf8Path) -> String {
    place::whole(path.as_std_path()).to_string_lossy().into_owned()
}

fn enable(known: &Answers, place: &Where) -> Words {
    let mut words = Vec::new();
    let mut add = |all: &[&str]| words.extend(all.iter().map(|text| (*text).to_owned()));
    add(&["enable", "--domain", known.name.as_deref().unwrap_or_default()]);
    let aliases = known.aliases.iter().flatten();
    aliases.for_each(|alias| add(&["--alias", alias]));
    let certificate = known.certificate.as_ref();
    let path = certificate.map(|found| whole(&found.path)).unwrap_or_default();
    let mut yes = vec!["--yes".to_owned()];
    match known.source {
        Some(Source::Archive) => add(&["--pfx", &path]),
        Some(Source::Authority) => {
            add(&["--acme"]);
            if let Some(Some((directory, root))) = &known.directory {
                add(&["--ca", directory]);
                if let Some(root) = root {
                    add(&["--ca-root", &whole(root)]);
                }
            }
            if known.schedules == Some(true) {
                add(&["--schedule"]);
            }
            yes.push("--agree-terms".into());
        }
        Some(Source::SelfSigned) => add(&["--self-signed"]),
        _ => {
            add(&["--cert", &path]);
            if let Some((key, _)) = &known.key {
                add(&["--key", &whole(key)]);
            }
            if let Some(Some(chain)) = &known.chain {
                add(&["--chain", &whole(chain)]);
            }
            if is_copied(known) {
                add(&["--copy-certs"]);
            }
        }
    }
    if let Some(port) = known.port.filter(|port| *port != USUAL) {
        add(&["--port", &port.to_string()]);
    }
    match known.http {
        None => {}
        Some(Http::Off) => add(&["--http", "off"]),
        Some(Http::Keep) => add(&["--http", "keep"]),
        Some(Http::Redirect) => add(&["--http", "redirect"]),
    }
    let server = known.server.clone().unwrap_or_default();
    match (known.restart, server.runs) {
        (Some(true), Some(false)) => add(&["--start"]),
        (Some(true), _) => add(&["--restart"]),
        _ => {}
    }
    let accepted = known.accepted.iter();
    accepted.for_each(|code| add(&["--force", code.word()]));
    words.extend(of_server(known, place));
    Words {
        asking: words,
        yes,
        needs_phrase: known.phrase.is_some(),
        is_trial: server.closed.is_some(),
    }
}

/// Are certificate and key copied into the server's folder?
pub fn is_copied(known: &Answers) -> bool {
    let key = known.key.as_ref().and_then(|(_, key)| key.as_ref());
    let certificate = known.certificate.as_ref();
    let is_converted =
        certificate.is_some_and(|found| found.is_converted) || key.is_some_and(|key| key.is_converted);
    is_converted || is_elsewhere(known)
}

/// Files that are kept with those of the server stay there; all others are copied, so that nobody clears them away.
fn is_elsewhere(known: &Answers) -> bool {
    let kept = known.server.as_ref().map_or(&[][..], |server| &server.kept);
    let is_kept = |path: &Utf8PathBuf| {
        let whole = place::whole(path.as_std_path());
        kept.iter().any(|folder| whole.starts_with(folder))
    };
    let all = known.certificate.iter().map(|found| &found.path);
    let all = all.chain(known.key.iter().map(|(path, _)| path));
    !all.chain(known.chain.iter().flatten()).all(is_kept)
}

/// The options that name the server, where it was named.
fn of_server(known: &Answers, place: &Where) -> Vec<String> {
    let place = &place_of(place, known.chosen.as_ref());
    let usual_root = place.usual_root.as_ref().filter(|_| place.config.is_none());
    let paths = [
        ("--root", place.root.as_ref().or(usual_root)),
        ("--config", place.config.as_ref()),
        ("--httpd", place.httpd.as_ref()),
    ];
    let text = |path: &PathBuf| place::whole(path).to_string_lossy().into_owned();
    let paths = paths
        .into_iter()
        .filter_map(|(option, path)| Some((option, text(path?))));
    let version = place.apache_version.iter();
    let version = version.map(|version| ("--apache-version", version.to_string()));
    let flags = place.define.iter().map(|flag| ("--define", flag.clone()));
    paths
        .chain(version)
        .chain(flags)
        .flat_map(|(option, value)| [option.to_owned(), value])
        .collect()
}

fn request(known: &Answers, place: &Where) -> Words {
    let name = known.name.clone().unwrap_or_default();
    let folder = known.folder.clone().unwrap_or_default();
    let at = |end: &str| whole(&folder.join(format!("{}.{end}", file_name(&name))));
    let names = [&name].into_iter().chain(known.aliases.iter().flatten());
    let names = names.flat_map(|name| ["--domain".to_owned(), name.clone()]);
    let files = [
        "--out-request".to_owned(),
        at("csr"),
        "--out-key".to_owned(),
        at("key"),
    ];
    let command = ["cert", "request"].map(str::to_owned).into_iter();
    Words {
        // What comes next is told of that server.
        asking: command
            .chain(names)
            .chain(files)
            .chain(of_server(known, place))
            .collect(),
        ..Words::default()
    }
}
