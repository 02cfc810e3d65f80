//! What is kept of many observations: each once, and of each kind something.

use std::collections::HashMap;

use super::observed::{Observation, Source, plain};
use crate::check::Code;

/// So many of each operation are told.
pub const MOST: usize = 200;
/// So many of one code come before what is as bad: many of one kind must not hide the one that differs.
const OF_ONE_CODE: usize = 20;
/// What depends on the names of a virtual host, and has one cause where they share a certificate.
const OF_NAMES: [Code; 4] = [
    Code::NameNotCovered,
    Code::NameOnlyCommonName,
    Code::NameInvalid,
    Code::NameApacheWarns,
];

/// What is the same of several virtual hosts, as with one certificate for all of them, once.
pub fn once(all: Vec<Observation>) -> Vec<Observation> {
    let mut kept: Vec<Observation> = Vec::new();
    let mut known: HashMap<_, usize> = HashMap::new();
    for one in all {
        let place = one.finding.place.as_ref();
        let place = place.filter(|place| one.host.is_some() && one.host.as_ref() != Some(*place));
        let Some(place) = place.filter(|_| one.by == Source::Check) else {
            kept.push(one);
            continue;
        };
        let summary = match OF_NAMES.contains(&one.code()) {
            true => String::new(),
            false => one.finding.summary.clone(),
        };
        let key = (
            one.code(),
            one.severity(),
            plain(&place.file),
            place.line,
            summary,
        );
        match known.get(&key) {
            Some(&at) => kept[at].more_hosts.extend(one.host),
            None => {
                known.insert(key, kept.len());
                kept.push(one);
            }
        }
    }
    kept
}

/// Not more than can be read, the worst first, with something of each code.
pub fn fair(mut all: Vec<Observation>) -> Vec<Observation> {
    all.sort_by_key(Observation::severity);
    if all.len() <= MOST {
        return all;
    }
    let mut counts: HashMap<Code, usize> = HashMap::new();
    let ranked = all.into_iter().map(|one| {
        let before = counts.entry(one.code()).or_default();
        let round = before.div_ceil(OF_ONE_CODE);
        *before += 1;
        (round, one)
    });
    let mut ranked: Vec<(usize, Observation)> = ranked.collect();
    ranked.sort_by_key(|(round, one)| (*round, one.severity()));
    ranked.truncate(MOST);
    let mut all: Vec<Observation> = ranked.into_iter().map(|(_, one)| one).collect();
    all.sort_by_key(Observation::severity);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Finding, Severity};
    use crate::place::Place;

    fn of_host(code: Code, severity: Severity, file: &str, line: usize) -> Observation {
        let finding = Finding::new(code, severity, format!("{code} of {line}"), "why", "what to do");
        Observation {
            host: Some(Place::new("/conf/httpd.conf", Some(line))),
            ..Observation::new(Source::Check, finding.at(file, None))
        }
    }

    #[test]
    fn many_of_one_kind_do_not_hide_the_one_that_differs() {
        use Severity::{Advice, BreaksClients};
        let many = (0..500).map(|line| {
            let file = format!("/conf/{line}.crt");
            of_host(Code::NameNotCovered, BreaksClients, &file, line)
        });
        let one = |code, severity| of_host(code, severity, "/conf/one.crt", 900);
        let others = [
            one(Code::CertExpired, BreaksClients),
            one(Code::KeyExposed, Advice),
        ];
        let kept = fair(many.chain(others).collect());
        assert_eq!(kept.len(), MOST);
        let has = |code| kept.iter().any(|one| one.code() == code);
        assert!(has(Code::CertExpired) && has(Code::KeyExposed));
        assert!(kept.is_sorted_by_key(Observation::severity));
    }

    #[test]
    fn one_certificate_of_many_virtual_hosts_is_told_once() {
        let of = |code, file: &str, line| of_host(code, Severity::BreaksClients, file, line);
        let names = (0..60).map(|line| of(Code::NameNotCovered, "/conf/a.crt", line));
        let others = [
            of(Code::NameNotCovered, "/conf/b.crt", 70),
            // Each with words of its own.
            of(Code::KeyMismatch, "/conf/a.crt", 1),
            of(Code::KeyMismatch, "/conf/a.crt", 2),
        ];
        let kept = once(names.chain(others).collect());
        let told: Vec<(Code, usize)> = kept.iter().map(|one| (one.code(), one.hosts().count())).collect();
        assert_eq!(
            told,
            [
                (Code::NameNotCovered, 60),
                (Code::NameNotCovered, 1),
                (Code::KeyMismatch, 1),
                (Code::KeyMismatch, 1),
            ]
        );
    }
}
