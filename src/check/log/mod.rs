//! Entries of error logs, grouped and explained.
//!
//! The table says what an entry means in general. Where files or settings that can be looked at show more, a finding
//! of the other rules speaks in its stead: a message about a pass-phrase is often a swapped file.

mod named;
mod sources;
mod table;

use std::collections::BTreeMap;

pub use named::{Named, named};
pub use sources::{Source, sources};
use table::Known;

use super::{Code, Finding, Place};
use crate::place::ShownPath;
use crate::quoted::word;
use crate::server::error_log::{Entry, parse};
use crate::server::start_attempt::FAILED;

/// Entries that are about one thing.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The entry that says it.
    pub lead: &'a Entry,
    /// What belongs to it: OpenSSL's lines, the line that names the file, and that the start failed.
    pub rest: Vec<&'a Entry>,
    /// How often it was said.
    pub count: usize,
}

/// Says what follows from something else, as what a failed start says last does.
const CONSEQUENCES: [&str; 5] = ["AH02312", "AH02311", "AH00451", "AH02564", "AH02235"];
/// So many groups before, nothing follows from.
const FAR: usize = 1000;
/// What a healthy server says of itself.
const USUAL: [&str; 36] = [
    "AH00489", "AH00163", "AH00292", "AH00455", "AH00094", "AH00456", "AH00418", "AH00354", "AH00490",
    "AH00493", "AH00494", "AH00171", "AH00173", "AH00296", "AH00298", "AH00424", "AH00491", "AH00169",
    "AH00295", "AH00422", "AH00364", "AH00362", "AH00361", "AH00436", "AH01876", "AH01887", "AH00830",
    "AH01964", "AH01998", "AH02008", "AH01969", "AH02205", "AH02244", "AH02575", "AH02576", "AH02568",
];

/// Puts together what is about one thing. What a healthy server says is left out.
pub fn groups(entries: &[Entry]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for entry in entries {
        let code = entry.code.as_deref();
        if code.is_some_and(|code| USUAL.contains(&code)) || entry.message.trim().is_empty() {
            continue;
        }
        let is_consequence = code.is_some_and(|code| CONSEQUENCES.contains(&code) || FAILED.contains(&code));
        let is_detail = code.is_none() && entry.openssl.is_some();
        let follows = groups.iter_mut().rev().take(FAR).find(|group| {
            // AH02311 points to another log, and so belongs to whatever that says.
            // OpenSSL's line about an end is not about a warning before it.
            let is_graver = is_minor(group.lead) && !is_minor(entry);
            is_detail && !is_graver && same_run(group.lead, entry) || is_consequence && !is_minor(group.lead)
        });
        match follows {
            Some(group) => group.rest.push(entry),
            None => groups.push(Group {
                lead: entry,
                rest: Vec::new(),
                count: 1,
            }),
        }
    }
    fold(groups)
}

/// Why a server gave up, by what it said: the first cause that is known; and the lines that are more than warnings.
pub fn why(said: &str) -> (Option<Finding>, String) {
    let entries = parse(said.as_bytes(), 0);
    let groups = groups(&entries);
    let ends = || groups.iter().filter(|group| !is_minor(group.lead));
    let lines: Vec<&str> = ends()
        .flat_map(Group::entries)
        .map(|entry| entry.text.as_str())
        .collect();
    let known = ends().filter_map(|group| {
        let mut finding = group.explain()?;
        finding.fix = on_its_system(&finding.fix, &group.named(), cfg!(windows));
        Some(finding)
    });
    let why = known
        .filter(|finding| finding.severity.is_error())
        .find(|finding| finding.code != Code::StartFailed);
    (why, lines.join("\n"))
}

/// Warnings and notices do not end a start.
fn is_minor(entry: &Entry) -> bool {
    matches!(entry.level.as_str(), "warn" | "notice" | "info" | "debug") || entry.level.starts_with("trace")
}

fn same_run(one: &Entry, other: &Entry) -> bool {
    one.pid == other.pid || one.pid.is_none() || other.pid.is_none()
}

/// The same thing said again: by the parent and the child, for [::] and 0.0.0.0.
fn fold(groups: Vec<Group<'_>>) -> Vec<Group<'_>> {
    let mut places: BTreeMap<(Option<&str>, &str), usize> = BTreeMap::new();
    let mut folded: Vec<Group<'_>> = Vec::new();
    for group in groups {
        let key = (group.lead.code.as_deref(), group.lead.message.as_str());
        match places.get(&key) {
            Some(&at) => {
                folded[at].count += 1;
                folded[at].rest.extend(group.rest);
            }
            None => {
                places.insert(key, folded.len());
                folded.push(group);
            }
        }
    }
    folded
}

impl Group<'_> {
    /// Every entry of it.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(self.lead).chain(self.rest.iter().copied())
    }

    /// Apache's numbers in it.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.entries().filter_map(|entry| entry.code.as_deref())
    }

    /// Files that it names.
    pub fn named(&self) -> Named {
        let mut all = Named::default();
        for entry in self.entries() {
            let found = named(&entry.message);
            all.certificate = all.certificate.or(found.certificate);
            all.key = all.key.or(found.key);
            all.place = all.place.or(found.place);
        }
        all
    }

    /// What it means by the table; nothing for what is not known.
    pub fn explain(&self) -> Option<Finding> {
        let known = table::TLS
            .iter()
            .chain(table::SERVER)
            .find(|row| self.fits(row))?;
        let mut finding = Finding::new(known.code, known.severity, known.summary, known.cause, known.fix);
        finding.module = known.module;
        finding.apache_codes = known.apache.to_vec();
        finding
            .apache_codes
            .retain(|code| self.codes().any(|own| own == *code));
        let named = self.named();
        finding.fix = with_names(finding.fix, &named);
        // Not all that Apache refuses is known to `lint`.
        if let (Code::DirectiveValue, Some((file, line))) = (known.code, &named.place) {
            finding.fix = format!("Correct line {line} of {}.", ShownPath::of_others(file));
        }
        Some(match (named.place, named.key.or(named.certificate)) {
            // As the log has it: of another machine, or below another folder than this one.
            (Some((file, line)), _) => {
                finding.placed(|_| Some(Place::new(ShownPath::of_others(&file), Some(line))))
            }
            (None, Some(file)) => finding.placed(|_| Some(Place::new(ShownPath::of_others(&file), None))),
            (None, None) => finding,
        })
    }

    fn fits(&self, row: &Known) -> bool {
        let lead = self.lead;
        let has = |list: &[&str], value: Option<&str>| value.is_some_and(|value| list.contains(&value));
        (row.apache.is_empty() || has(row.apache, lead.code.as_deref()))
            && (row.openssl.is_empty()
                || self
                    .entries()
                    .any(|entry| has(row.openssl, entry.openssl.as_deref())))
            && (row.os.is_empty() || lead.os_error.is_some_and(|number| row.os.contains(&number)))
            && (row.words.is_empty()
                || row
                    .words
                    .iter()
                    .any(|words| self.entries().any(|entry| entry.message.contains(words))))
            && !(row.apache.is_empty() && row.words.is_empty())
    }

    /// Of findings about the files and settings as they are now: the one that explains this best. `file` tells
    /// whether a finding is about a file.
    pub fn evidence<'f>(
        &self,
        findings: impl Iterator<Item = &'f Finding>,
        file: impl Fn(&Finding, &str) -> bool,
    ) -> Option<&'f Finding> {
        let fitting: Vec<&Finding> = findings
            .filter(|finding| {
                finding
                    .apache_codes
                    .iter()
                    .any(|code| self.codes().any(|own| own == *code))
            })
            .collect();
        let named = self.named();
        let files: Vec<String> = [named.key, named.certificate].into_iter().flatten().collect();
        let about = fitting
            .iter()
            .find(|finding| files.iter().any(|path| file(finding, path)));
        match about {
            Some(finding) => Some(finding),
            None if files.is_empty() => fitting.first().copied(),
            None => None,
        }
    }
}

/// What helps on the system that a log is of: on the other one its commands do not exist. What it says of files decides, or
/// else which system is `usual`.
pub fn on_its_system(fix: &str, named: &Named, is_usually_windows: bool) -> String {
    let place = named.place.as_ref().map(|(file, _)| file);
    let is_windows = match named.key.as_ref().or(named.certificate.as_ref()).or(place) {
        Some(path) if path.starts_with('/') => false,
        Some(path) if path.get(1..2) == Some(":") || path.starts_with('\\') => true,
        _ => is_usually_windows,
    };
    let marks = [("Windows: ", true), ("Unix: ", false)];
    let mut parts: Vec<(usize, &str, bool)> = marks
        .into_iter()
        .filter_map(|(mark, windows)| Some((fix.find(mark)?, mark, windows)))
        .collect();
    parts.sort_unstable();
    let ends = parts.iter().skip(1).map(|(at, ..)| *at).chain([fix.len()]);
    let own = parts
        .iter()
        .zip(ends)
        .filter(|((.., windows), _)| *windows == is_windows);
    let own = own.map(|((at, mark, _), end)| &fix[at + mark.len()..end]);
    let head = &fix[..parts.first().map_or(fix.len(), |(at, ..)| *at)];
    let whole: String = std::iter::once(head).chain(own).collect();
    whole.trim_end().to_owned()
}

/// What helps, with the files that the log names in place of KEY, CERTIFICATE and FILE.
fn with_names(fix: String, named: &Named) -> String {
    let file = named.key.as_ref().or(named.certificate.as_ref());
    let all = [
        ("KEY", named.key.as_ref()),
        ("CERTIFICATE", named.certificate.as_ref()),
        ("FILE", file),
    ];
    let words = fix.split(' ').map(|typed| {
        let bare = typed.trim_end_matches(['.', ',', ';']);
        match all.iter().find(|(word, _)| *word == bare) {
            Some((_, Some(path))) => format!("{}{}", word(path), &typed[bare.len()..]),
            _ => typed.to_owned(),
        }
    });
    words.collect::<Vec<String>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_reached() {
        let all: Vec<&Known> = table::TLS.iter().chain(table::SERVER).collect();
        for (at, row) in all.iter().enumerate() {
            assert!(!row.apache.is_empty() || !row.words.is_empty(), "{}", row.summary);
            assert!(!row.summary.is_empty() && !row.cause.is_empty() && !row.fix.is_empty());
            for earlier in &all[..at] {
                let unconditional =
                    earlier.openssl.is_empty() && earlier.os.is_empty() && earlier.words.is_empty();
                let covered =
                    !row.apache.is_empty() && row.apache.iter().all(|code| earlier.apache.contains(code));
                assert!(
                    !(unconditional && covered),
                    "{} hides {}",
                    earlier.summary,
                    row.summary
                );
            }
        }
    }

    #[test]
    fn what_helps_is_for_the_system_of_the_log() {
        let fix = "Create it. Windows: icacls FILE. Unix: chmod FILE.";
        let of = |path: &str| Named {
            key: Some(path.to_owned()),
            ..Named::default()
        };
        for (named, usually_windows, helps) in [
            (of("/srv/x.key"), true, "Create it. chmod FILE."),
            (of("C:/x.key"), false, "Create it. icacls FILE."),
            (of("conf/x.key"), true, "Create it. icacls FILE."),
            (Named::default(), false, "Create it. chmod FILE."),
        ] {
            assert_eq!(on_its_system(fix, &named, usually_windows), helps);
        }
        let only = "Create it. Windows: icacls FILE.";
        assert_eq!(on_its_system(only, &Named::default(), false), "Create it.");
        assert_eq!(on_its_system("Remove it.", &Named::default(), true), "Remove it.");
        for row in table::TLS.iter().chain(table::SERVER) {
            for windows in [false, true] {
                let helps = on_its_system(row.fix, &Named::default(), windows);
                let foreign: &[&str] = if windows {
                    &["chmod", "chown", "openssl "]
                } else {
                    &["icacls", "netsh"]
                };
                assert!(!foreign.iter().any(|word| helps.contains(word)), "{helps}");
            }
        }
    }

    #[test]
    fn lines_of_one_fault_are_one_group() {
        let log = b"[Mon Nov 23 22:15:08.787181 2026] [ssl:error] [pid 15:tid 15] AH02579: Init: Private key not found\n\
            [Mon Nov 23 22:15:08.787190 2026] [ssl:error] [pid 15:tid 15] SSL Library Error: error:068000A8:asn1 encoding routines::wrong tag\n\
            [Mon Nov 23 22:15:08.787239 2026] [ssl:emerg] [pid 15:tid 15] AH02312: Fatal error initialising mod_ssl, exiting.\n\
            [Mon Nov 23 22:15:08.787240 2026] [ssl:emerg] [pid 15:tid 15] AH02564: Failed to configure encrypted (?) private key a:443:0, check C:/x y/k.pem\n\
            AH00016: Configuration Failed\n";
        let entries = parse(log, 0);
        let groups = groups(&entries);
        assert_eq!(groups.len(), 1, "{groups:#?}");
        let finding = groups[0].explain().unwrap();
        assert_eq!(finding.code, Code::KeyNotAKey);
        assert_eq!(finding.place.unwrap().file, "C:/x y/k.pem");
    }
}
