//! What became of certificates that were to be renewed.

use std::path::Path;

use serde::Serialize;

use super::super::failure::Failure;
use super::super::server_effect::Effect;
use crate::exit_status::ExitStatus;
use crate::place::{Moment, ShownPath};
use crate::refusal::Refusal;
use crate::renewal::{Reason, Rule, Urgency};
use crate::shown::{printable, shown};

/// What became of all of them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenewReport"))]
pub struct Report {
    /// Each certificate that was looked at.
    pub certificates: Vec<Told>,
    /// What became of the server; null where no certificate took the place of another.
    pub server: Option<Effect>,
}

/// What became of one.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenewedCertificate"))]
pub struct Told {
    /// What it is called: its first name.
    pub name: String,
    /// All names in it; empty where they cannot be read.
    pub names: Vec<String>,
    /// Who makes it, in words; empty where that cannot be read.
    pub authority: String,
    /// The file that Apache reads, or that cannot be read.
    pub file: ShownPath,
    /// The file or folder from which it is renewed; null where an authority makes it.
    pub source: Option<ShownPath>,
    /// What became of it.
    pub result: Fate,
    /// Why it was to be renewed now, or was not; null where that was not decided.
    pub reason: Option<Reason>,
    /// When it is due; null where that was not decided.
    pub due: Option<Moment>,
    /// Who says so; null where that was not decided.
    pub rule: Option<Rule>,
    /// How urgent it is; null where that was not decided.
    pub urgency: Option<Urgency>,
    /// When it is tried next; null where nothing is.
    pub next: Option<Moment>,
    /// The end of the certificate that is installed now; null where it is not known.
    pub not_after: Option<Moment>,
    /// Its SHA-256, where it is a new one.
    pub sha256: Option<String>,
    /// Where clients were shown the new one: names with addresses.
    pub served: Vec<ServedAt>,
    /// Why it was not renewed; null where it was, or did not have to be.
    pub error: Option<Trouble>,
}

/// Where a certificate was shown.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServedAt {
    /// What the server was called; null where it has no name there.
    pub name: Option<String>,
    /// Address and port.
    pub address: String,
}

/// What became of one, in one word. The list may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The new one took its place.
    Renewed,
    /// It need not be renewed yet, or may not be tried again yet.
    Waits,
    /// No virtual host has its file: nobody would see the new one.
    NotUsed,
    /// A dry run that would renew it.
    WouldRenew,
    /// A rehearsal: one was made and thrown away.
    Rehearsed,
    /// There was no time left in this run, or Apache may not be stopped for it yet (`--window`); a later one is for it.
    Postponed,
    /// The new one is kept until the time of the day in which it may be installed (`--window`).
    Kept,
    /// It is not renewed by this program anymore.
    Forgotten,
    /// It is as it was.
    Failed,
}

/// Why one was not renewed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenewalTrouble"))]
pub struct Trouble {
    /// The stable name of the reason.
    pub code: String,
    /// What is the case, for people.
    pub message: String,
    /// What to do; null where nothing is known to help, or the message says it.
    pub fix: Option<String>,
    /// The status that a run for this one alone would end with.
    #[serde(skip)]
    pub status: ExitStatus,
    /// It does not matter yet: the next look is early enough.
    #[serde(skip)]
    pub is_early: bool,
}

impl Report {
    /// The first of those that failed and matters, the worst before others.
    pub fn trouble(&self) -> Option<(&Told, &Trouble)> {
        self.troubles()
            .min_by_key(|(_, trouble)| trouble.status != ExitStatus::ProofFailed)
    }

    /// All of those that failed and matter.
    pub fn troubles(&self) -> impl Iterator<Item = (&Told, &Trouble)> {
        let all = self.certificates.iter();
        let all = all.filter_map(|told| Some((told, told.error.as_ref()?)));
        all.filter(|(_, trouble)| !trouble.is_early)
    }

    /// Whether there are such.
    pub fn has(&self, fate: Fate) -> bool {
        self.certificates.iter().any(|told| told.result == fate)
    }
}

impl Told {
    /// One of which it cannot be read what it is, in this file.
    pub fn broken(name: &str, file: &Path, failure: &Failure) -> Told {
        Told {
            name: name.to_owned(),
            names: Vec::new(),
            authority: String::new(),
            file: shown(file).into(),
            source: None,
            result: Fate::Failed,
            reason: None,
            due: None,
            rule: None,
            urgency: None,
            next: None,
            not_after: None,
            sha256: None,
            served: Vec::new(),
            error: Some(Trouble::of(failure)),
        }
    }
}

impl Trouble {
    /// That of a failure.
    pub fn of(failure: &Failure) -> Trouble {
        let text = |words: &str| printable(words.as_bytes());
        let words = format!("{:#}", failure.error);
        let (code, message, fix) = match (failure.error.downcast_ref::<Refusal>(), failure.advised()) {
            (Some(refusal), _) => {
                let around = words.strip_suffix(&refusal.to_string()).unwrap_or_default();
                let fix = text(&refusal.fix.to_string());
                (
                    refusal.code.word(),
                    format!("{around}{}", refusal.cause),
                    Some(fix),
                )
            }
            (None, Some(advised)) => {
                let around = words.strip_suffix(&advised.to_string()).unwrap_or_default();
                let fix = text(&advised.fix);
                (
                    failure.code().word(),
                    format!("{around}{}", advised.cause),
                    Some(fix),
                )
            }
            (None, None) => (failure.code().word(), words, failure.fix().map(text)),
        };
        Trouble {
            code: code.to_owned(),
            message: text(&message),
            fix: fix.filter(|fix| !fix.is_empty()),
            status: failure.status,
            is_early: false,
        }
    }

    /// In one line.
    pub fn words(&self) -> String {
        match &self.fix {
            Some(fix) => format!("{}; {fix}", self.message),
            None => self.message.clone(),
        }
    }
}
