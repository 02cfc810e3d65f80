//! What one of the operations saw.

use std::cell::OnceCell;

use serde::Serialize;

use crate::check::{Code, Finding, Place, Severity};
use crate::place::ShownPath;

/// Who saw it: the command that tells more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorSource"))]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// `esync-ssl backups`.
    Backups,
    /// `esync-ssl lint`.
    Lint,
    /// `esync-ssl check`.
    Check,
    /// `esync-ssl ports`.
    Ports,
    /// `esync-ssl explain`.
    Explain,
    /// `esync-ssl status`.
    Status,
    /// `esync-ssl verify`.
    Verify,
    /// `esync-ssl certificates`.
    Certificates,
    /// `esync-ssl devices`.
    Devices,
}

impl Source {
    /// The command, as it is typed.
    pub fn command(self) -> &'static str {
        match self {
            Source::Backups => "backups",
            Source::Lint => "lint",
            Source::Check => "check",
            Source::Ports => "ports",
            Source::Explain => "explain",
            Source::Status => "status",
            Source::Verify => "verify",
            Source::Certificates => "certificates",
            Source::Devices => "devices",
        }
    }
}

/// A finding, with what tells whether it is of the same cause as another.
#[derive(Clone, Debug)]
pub struct Observation {
    /// What it is.
    pub finding: Finding,
    /// Who saw it.
    pub by: Source,
    /// The virtual host that it is about.
    pub host: Option<Place>,
    /// Further ones of which the same is so.
    pub more_hosts: Vec<Place>,
    /// The port that it is about.
    pub port: Option<u16>,
    /// Where it was seen, in words, such as an address.
    pub at: Option<String>,
    /// Entries of a log that say it.
    pub lines: Vec<String>,
    /// How often a log says it.
    pub count: usize,
    /// It was so at the last start, and is not so anymore.
    pub is_past: bool,
    /// What [`Observation::file`] found out: each is compared with many.
    pub known_file: OnceCell<Option<String>>,
}

impl Observation {
    /// Of nothing in particular.
    pub fn new(by: Source, finding: Finding) -> Observation {
        Observation {
            finding,
            by,
            host: None,
            more_hosts: Vec::new(),
            port: None,
            at: None,
            lines: Vec::new(),
            count: 1,
            is_past: false,
            known_file: OnceCell::new(),
        }
    }

    /// The file that it is at, in one spelling.
    pub fn file(&self) -> Option<&str> {
        let place = self.finding.place.as_ref();
        let file = self
            .known_file
            .get_or_init(|| place.map(|place| plain(&place.file)));
        file.as_deref()
    }

    /// How bad it is for certain.
    pub fn severity(&self) -> Severity {
        match self.finding.uncertain {
            true => self.finding.severity.max(Severity::WorksButWrong),
            false => self.finding.severity,
        }
    }

    /// What it is called.
    pub fn code(&self) -> Code {
        self.finding.code
    }

    /// Does it certainly keep the server from starting?
    pub fn stops_start(&self) -> bool {
        self.severity() == Severity::StopsStart
    }

    /// Is it told with the file that the other is at, in its words?
    pub fn names(&self, other: &Observation) -> bool {
        let name = other.file().and_then(|file| file.rsplit('/').next());
        let Some(name) = name.filter(|name| name.len() > 3) else {
            return false;
        };
        let words = [&self.finding.summary, &self.finding.cause];
        let said = self.finding.apache.iter();
        words.into_iter().chain(said).any(|text| text.contains(name))
    }

    /// Are both in one file?
    pub fn is_in_file_of(&self, other: &Observation) -> bool {
        self.file().is_some() && self.file() == other.file()
    }

    /// Are both in one line?
    pub fn is_in_line_of(&self, other: &Observation) -> bool {
        let line = |one: &Observation| one.finding.place.as_ref().and_then(|place| place.line);
        line(self).is_some() && line(self) == line(other) && self.is_in_file_of(other)
    }

    /// May both be in one place: one file, and lines that do not contradict each other?
    pub fn may_be_at(&self, other: &Observation) -> bool {
        let line = |one: &Observation| one.finding.place.as_ref().and_then(|place| place.line);
        let lines = (line(self), line(other));
        self.is_in_file_of(other) && (lines.0 == lines.1 || lines.0.is_none() || lines.1.is_none())
    }

    /// The virtual hosts that it is about.
    pub fn hosts(&self) -> impl Iterator<Item = &Place> {
        self.host.iter().chain(&self.more_hosts)
    }

    /// Are both about one virtual host?
    pub fn is_of_host_of(&self, other: &Observation) -> bool {
        self.hosts()
            .any(|host| other.hosts().any(|of_other| of_other == host))
    }

    /// Is it told with the line of a virtual host that the other is about?
    pub fn is_at_host_of(&self, other: &Observation) -> bool {
        let place = self.finding.place.as_ref();
        place.is_some_and(|place| other.hosts().any(|host| host == place))
    }

    /// Is it about the server as a whole?
    pub fn is_of_nothing(&self) -> bool {
        self.finding.place.is_none() && self.host.is_none()
    }

    /// Is it told of its virtual host as a whole, or of no place at all?
    pub fn is_of_whole_host(&self) -> bool {
        self.finding.place.is_none() || self.finding.place == self.host
    }
}

/// The code of a finding of `lint`, whose rules about the text have none of their own.
pub fn kind(finding: &Finding) -> Code {
    if finding.code != Code::ConfigProblem {
        return finding.code;
    }
    if let Some(fault) = finding.fault {
        return fault;
    }
    match finding.rule {
        "utf-16" => Code::ConfigEncoding,
        "module-order" => Code::ModuleNotLoaded,
        "section-not-closed" | "closing-without-opening" | "closing-mismatch" | "closing-tag" => {
            Code::SectionNotClosed
        }
        "context" => Code::DirectivePlace,
        "arguments" | "open-quote" => Code::DirectiveValue,
        "include-missing" | "include-unreadable" => Code::ConfigUnreadable,
        "tls-no-protocol" | "tls-protocol-signs" => Code::TlsProtocols,
        "tls-cache" => Code::SessionCache,
        "dead-host" | "hides-others" => Code::VhostNotReached,
        "tls-and-plain" => Code::TlsOnHttpPort,
        _ => Code::ConfigProblem,
    }
}

/// A file in one spelling, however it was written.
pub fn plain(file: &ShownPath) -> String {
    let plain = file.absolute().replace('\\', "/");
    match cfg!(windows) {
        true => plain.to_lowercase(),
        false => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_the_text_is_called_by_its_fault() {
        let of = |rule, fault| {
            let finding = Finding::new(Code::ConfigProblem, Severity::StopsStart, "mod_x", "", "");
            kind(&Finding {
                rule,
                fault,
                ..finding
            })
        };
        assert_eq!(of("context", None), Code::DirectivePlace);
        // Not by its words.
        assert_eq!(of("unknown-directive", None), Code::ConfigProblem);
        let fault = Some(Code::ModuleNotLoaded);
        assert_eq!(of("unknown-directive", fault), Code::ModuleNotLoaded);
        let named = Finding::new(Code::LogFolder, Severity::StopsStart, "", "", "");
        assert_eq!(kind(&named), Code::LogFolder);
    }
}
