//! What the guide asks about, and what is known so far.

use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};
use zeroize::Zeroizing;

use crate::check::{Code, Finding};
use crate::operation::Where;
use crate::operation::at_hand::{AtHand, KeyAtHand, Opened};
use crate::operation::ports::USUAL;
use crate::operation::survey::Survey;
use crate::server::installation::{Installation, server_root};

/// What there is to see on this machine. Errors are sentences for people.
pub trait Looks {
    /// The server that was chosen, or the one that is found.
    fn server(&self, chosen: Option<&Chosen>) -> Result<Survey, String>;
    /// All servers that are found on this machine.
    fn servers(&self) -> Vec<Installation>;
    /// What `enable` would say of certificate files and names.
    fn foreseen(&self, known: &Answers) -> Vec<Finding>;
    /// The certificate of a file.
    fn certificate(&self, path: &Utf8Path) -> Result<AtHand, String>;
    /// The key of a file, which must belong to a certificate.
    fn key(
        &self,
        path: &Utf8Path,
        certificate: &Utf8Path,
        phrase: Option<&str>,
    ) -> Result<Opened<KeyAtHand>, String>;
    /// The intermediate certificates of a file.
    fn chain(&self, path: &Utf8Path, certificate: &Utf8Path) -> Result<String, String>;
    /// What is in an archive.
    fn archive(&self, path: &Utf8Path, phrase: Option<&str>) -> Result<Opened<AtHand>, String>;
    /// Whether renewal is scheduled; nothing where it cannot be.
    fn renews(&self, chosen: Option<&Chosen>) -> Option<bool>;
    /// Who posted over HTTP lately, for people.
    fn posts(&self, chosen: Option<&Chosen>) -> Option<String>;
    /// What this machine is called.
    fn host(&self) -> Option<String>;
    /// A folder in which somebody keeps files.
    fn folder(&self) -> Utf8PathBuf;
    /// The path that was typed or dropped.
    fn path(&self, typed: &str) -> Utf8PathBuf;
    /// Whether that is a folder.
    fn is_folder(&self, path: &Utf8Path) -> bool;
}

/// Where the certificate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Files of an authority.
    Files,
    /// An archive with certificate and key.
    Archive,
    /// An authority that is asked now.
    Authority,
    /// None yet: a request is made for an authority.
    Request,
    /// It is made, to try things out.
    SelfSigned,
}

/// What becomes of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// Only HTTPS is left.
    Off,
    /// Both.
    Keep,
    /// HTTP leads to HTTPS.
    Redirect,
}

/// A server that was typed, or chosen among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its root.
    pub root: PathBuf,
    /// Its main file, where that is another than its root has.
    pub main: Option<PathBuf>,
}

impl Chosen {
    /// The server of a root.
    pub fn root(root: impl Into<PathBuf>) -> Chosen {
        Chosen {
            root: root.into(),
            main: None,
        }
    }

    /// One that was found.
    pub fn of(found: &Installation) -> Chosen {
        let is_usual = server_root(&found.root).is_some_and(|(_, main)| main == found.main);
        Chosen {
            root: found.root.clone(),
            main: (!is_usual).then(|| found.main.clone()),
        }
    }
}

/// What would keep files or a name from working.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What the rules say.
    pub findings: Vec<Finding>,
    /// The questions that it may be about, the likeliest first.
    pub about: &'static [Step],
    /// What has to be accepted to go on; nothing where that would certainly keep Apache from starting.
    pub accepts: Option<Vec<Code>>,
}

/// What is known so far; with a pass-phrase in it, it is printed nowhere.
#[derive(Clone, Default)]
pub struct Answers {
    /// The server, once it was agreed to.
    pub server: Option<Survey>,
    /// Which one that is, where it was typed or chosen.
    pub chosen: Option<Chosen>,
    /// It is none of those that were found, so that its root is typed.
    pub types_root: bool,
    /// Where the certificate comes from.
    pub source: Option<Source>,
    /// The certificate, or the archive.
    pub certificate: Option<AtHand>,
    /// The file of the key, and what it is, once it was opened.
    pub key: Option<(Utf8PathBuf, Option<KeyAtHand>)>,
    /// The file of the chain; nothing where there is none.
    pub chain: Option<Option<Utf8PathBuf>>,
    /// What opens key or archive.
    pub phrase: Option<Zeroizing<String>>,
    /// The directory of another authority than the usual one, and the file of the root that it is trusted by.
    pub directory: Option<Option<(String, Option<Utf8PathBuf>)>>,
    /// The name of the site.
    pub name: Option<String>,
    /// The further names of the site.
    pub aliases: Option<Vec<String>>,
    /// The port that HTTPS is on, where that was asked.
    pub port: Option<u16>,
    /// Where a request is put.
    pub folder: Option<Utf8PathBuf>,
    /// What becomes of HTTP.
    pub http: Option<Http>,
    /// Whether the server is restarted, or started.
    pub restart: Option<bool>,
    /// Whether renewal can be scheduled and is not yet, so that it is asked.
    pub can_schedule: bool,
    /// Whether it is to be.
    pub schedules: Option<bool>,
    /// Something else is to be typed than was offered.
    pub wants_other: bool,
    /// An archive that is still to be opened.
    pub locked: Option<Utf8PathBuf>,
    /// A request is to be written.
    pub is_agreed: bool,
    /// What would keep the last answer from working, until somebody says what is to become of that.
    pub doubt: Option<Doubt>,
    /// What is accepted as it is.
    pub accepted: Vec<Code>,
}

/// The server that is meant: that of the command line, or another one that was typed or chosen.
pub fn place_of(place: &Where, chosen: Option<&Chosen>) -> Where {
    match chosen {
        Some(chosen) if place.root.as_ref() != Some(&chosen.root) || chosen.main.is_some() => Where {
            root: Some(chosen.root.clone()),
            config: chosen.main.clone(),
            ..place.clone()
        },
        _ => place.clone(),
    }
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Step {
    Server,
    Servers,
    Root,
    Source,
    Certificate,
    Key,
    KeyPhrase,
    Chain,
    Archive,
    ArchivePhrase,
    Authority,
    Directory,
    DirectoryRoot,
    Name,
    TypedName,
    Aliases,
    TypedAliases,
    Port,
    TypedPort,
    Folder,
    Agree,
    Http,
    Restart,
    Schedule,
    Doubt,
}

impl Answers {
    /// The ports that are offered for HTTPS: more than one where the usual port is not what everybody would take.
    pub fn ports(&self) -> Vec<u16> {
        let Some(server) = &self.server else {
            return vec![USUAL];
        };
        let mut ports = match server.https.contains(&USUAL) {
            true => Vec::new(),
            false => server.https.clone(),
        };
        let instead = server.taken.as_ref().and_then(|taken| taken.instead);
        if ports.is_empty() {
            ports.extend(instead);
        }
        ports.push(USUAL);
        ports
    }
}

/// The sources in the order in which they are offered.
pub const SOURCES: [(Source, &str); 5] = [
    (
        Source::Files,
        "Files of a certificate authority: certificate and key (PEM, .crt, .cer)",
    ),
    (Source::Archive, "A PFX or P12 archive"),
    (
        Source::Authority,
        "None yet: have one made now, which browsers trust (Let's Encrypt, ACME)",
    ),
    (
        Source::Request,
        "None yet: make a request for my certificate authority",
    ),
    (
        Source::SelfSigned,
        "None: make one to try things out; browsers warn about it",
    ),
];
