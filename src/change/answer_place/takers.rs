//! The lines of a server that would take the path from which certificate authorities are answered, and what comes before
//! each of them. Edits nothing.

use crate::httpd::{Configuration, Entry, EntryId, SERVER, Truth};

use super::super::challenge::{AnswerPlace, CHALLENGES};
use super::super::existing::in_virtual_host;
use super::super::own_answers::OwnLines;
use super::super::redirection::{
    Asked, Waiting, and, conditions_hold, has_flag, pattern_takes, prefix_takes, texts, with_conditions,
};
use super::super::step::main_rules::{Inherited, inherited};
use super::reach::{Reach, TOKEN, reach};
use super::servers::Server;

/// How a line takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::change) enum Kind {
    /// It sends the client elsewhere.
    Redirect,
    /// A rule of mod_rewrite's.
    Rewrite,
    /// It leads to another folder.
    Alias,
    /// It asks another server.
    Proxy,
    /// It does not let everybody in.
    Access,
    /// It asks for a name and a password.
    Login,
    /// Access in the words of 2.2.
    OldAccess,
    /// Something else than the file is shown.
    Handler,
    /// It demands TLS.
    Tls,
    /// mod_md answers for the name itself.
    Managed,
    /// mod_jk asks another server.
    Jk,
}

/// A line that takes the path, or may.
#[derive(Clone, Copy, Debug)]
pub(in crate::change) struct Taker<'a> {
    pub entry: &'a Entry,
    pub kind: Kind,
    /// It does for certain; else only the server knows.
    pub is_certain: bool,
    pub(super) reach: Reach,
    /// It is the main server's, and the server a virtual host.
    pub(super) is_inherited: bool,
}

/// By which it is decided who takes the path.
const NAMES: [(&str, Kind); 19] = [
    ("Redirect", Kind::Redirect),
    ("RedirectPermanent", Kind::Redirect),
    ("RedirectTemp", Kind::Redirect),
    ("RedirectMatch", Kind::Redirect),
    ("RewriteRule", Kind::Rewrite),
    ("RewriteCond", Kind::Rewrite),
    ("Alias", Kind::Alias),
    ("AliasMatch", Kind::Alias),
    ("ScriptAlias", Kind::Alias),
    ("ScriptAliasMatch", Kind::Alias),
    ("ProxyPass", Kind::Proxy),
    ("ProxyPassMatch", Kind::Proxy),
    ("Require", Kind::Access),
    ("AuthType", Kind::Login),
    ("Order", Kind::OldAccess),
    ("Deny", Kind::OldAccess),
    ("SetHandler", Kind::Handler),
    ("MDomain", Kind::Managed),
    ("JkMount", Kind::Jk),
];

/// Those of mod_ssl.
const TLS: [&str; 2] = ["SSLRequireSSL", "SSLRequire"];

/// All lines that hold for a server, in the order in which they stand: its own, and the main server's.
pub(super) fn takers<'a>(
    configuration: &'a Configuration,
    server: &Server<'a>,
    place: &AnswerPlace,
    own: &OwnLines,
) -> Vec<Taker<'a>> {
    let path = format!("{CHALLENGES}{TOKEN}");
    let names = server.names();
    let asked = Asked {
        host: names.first().copied().unwrap_or_default(),
        path: &path,
        tls: false,
        port: place.port,
    };
    let search = Search {
        configuration,
        server,
        place,
        asked: &asked,
        rules_of_main: server
            .host
            .and_then(|host| inherited(configuration, host.section)),
    };
    let all = search.lines(own);
    // Rules come in their own order: the main server's may be asked first.
    let mut rules: Vec<&(EntryId, &Entry)> = all.iter().filter(|(_, entry)| search.is_rule(entry)).collect();
    let is_first =
        |entry: &Entry| search.is_inherited(entry) == (search.rules_of_main == Some(Inherited::Before));
    rules.sort_by_key(|(id, entry)| (!is_first(entry), *id));
    let mut found = search.rules(rules.into_iter().map(|(_, entry)| *entry));
    let mut is_spared = [false; 2];
    for (_, entry) in all.iter().filter(|(_, entry)| !search.is_rule(entry)) {
        let Some((taker, spares)) = search.taker(entry) else {
            continue;
        };
        let spared = &mut is_spared[usize::from(taker.is_inherited)];
        if spares {
            *spared = true;
        } else if !(taker.kind == Kind::Proxy && taker.reach.is_of_server && *spared) {
            found.push(taker);
        }
    }
    found.sort_by_key(|taker| (taker.entry.file, taker.entry.line));
    found
}

struct Search<'a, 's> {
    configuration: &'a Configuration,
    server: &'s Server<'a>,
    place: &'s AnswerPlace,
    asked: &'s Asked<'s>,
    /// Where the main server's rules come.
    rules_of_main: Option<Inherited>,
}

impl<'a> Search<'a, '_> {
    /// The lines of the server and of the main server, less our own.
    fn lines(&self, own: &OwnLines) -> Vec<(EntryId, &'a Entry)> {
        let names = NAMES.iter().map(|(name, _)| *name).chain(TLS);
        let all = names.flat_map(|name| self.configuration.named(name));
        let mut all: Vec<(EntryId, &Entry)> = all
            .filter(|(_, entry)| entry.truth != Truth::False && !own.has(entry))
            .filter(|(_, entry)| {
                let host = in_virtual_host(self.configuration, entry);
                host.is_none_or(|host| host.section == self.server.section())
            })
            .collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    fn is(&self, entry: &Entry, name: &str) -> bool {
        self.configuration.is_named(entry, name)
    }

    fn is_inherited(&self, entry: &Entry) -> bool {
        self.server.host.is_some() && in_virtual_host(self.configuration, entry).is_none()
    }

    /// Is it a rule, or a condition, of a whole server?
    fn is_rule(&self, entry: &Entry) -> bool {
        (self.is(entry, "RewriteRule") || self.is(entry, "RewriteCond")) && self.reach(entry).is_of_server
    }

    fn reach(&self, entry: &Entry) -> Reach {
        let section = match self.is_inherited(entry) {
            true => SERVER,
            false => self.server.section(),
        };
        reach(self.configuration, entry, section, self.place, self.asked)
    }

    /// The rules of the server that take the path, up to one that spares it.
    fn rules(&self, entries: impl Iterator<Item = &'a Entry>) -> Vec<Taker<'a>> {
        let mut found = Vec::new();
        let counts = |entry: &&Entry| !self.is_inherited(entry) || self.rules_of_main.is_some();
        for (entry, conditions) in with_conditions(self.configuration, entries.filter(counts)) {
            if self.is(entry, "RewriteCond") {
                continue;
            }
            match self.rule(entry, &conditions, self.asked.path) {
                (Some(false), _) => {}
                (Some(true), true) if entry.truth == Truth::True => break,
                (_, true) => {}
                (holds, false) => found.push(self.found(entry, Kind::Rewrite, holds)),
            }
        }
        found
    }

    /// Does a rule act on a path, and let it be?
    fn rule(&self, entry: &Entry, conditions: &[Waiting<'_>], path: &str) -> (Option<bool>, bool) {
        let words = texts(&self.configuration.arguments(entry));
        let [pattern, target, ..] = words.as_slice() else {
            return (Some(false), false);
        };
        let flags = words.get(2);
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern.as_str()),
        };
        let takes = pattern_takes(pattern, has_flag(flags, ["NC", "NOCASE"]), path);
        let takes = takes.map(|takes| takes != negated);
        let holds = and(takes, conditions_hold(self.configuration, conditions, self.asked));
        let ends = |names: [&'static str; 2]| has_flag(flags, names);
        let answers = ["F", "G", "R"].iter().zip(["FORBIDDEN", "GONE", "REDIRECT"]);
        let answers = answers.into_iter().any(|(short, long)| ends([short, long]));
        let is_nothing = target == "-" && !answers;
        match is_nothing && !(ends(["L", "LAST"]) || ends(["END", "END"])) {
            // It only sets something.
            true => (Some(false), true),
            false => (holds, is_nothing),
        }
    }

    fn found(&self, entry: &'a Entry, kind: Kind, holds: Option<bool>) -> Taker<'a> {
        Taker {
            entry,
            kind,
            is_certain: holds == Some(true) && entry.truth == Truth::True,
            reach: self.reach(entry),
            is_inherited: self.is_inherited(entry),
        }
    }

    /// A line that takes the path, or one of mod_proxy's that spares it.
    fn taker(&self, entry: &'a Entry) -> Option<(Taker<'a>, bool)> {
        let named = NAMES.iter().find(|(name, _)| self.is(entry, name));
        let kind = named.map_or(Kind::Tls, |(_, kind)| *kind);
        let words = texts(&self.configuration.arguments(entry));
        let reach = self.reach(entry);
        let said = self.says(entry, kind, &words, reach.is_of_server)?;
        let holds = and(reach.holds, said);
        if holds == Some(false) {
            return None;
        }
        let target = if reach.is_of_server {
            words.get(1)
        } else {
            words.last()
        };
        let spares = kind == Kind::Proxy && target.is_some_and(|target| target == "!");
        let taker = self.found(entry, kind, holds);
        match spares {
            true if reach.is_of_server && taker.is_certain => Some((taker, true)),
            true => None,
            false => Some((taker, false)),
        }
    }

    /// Does the line itself, wherever it stands, take the path? The outer `None`: it takes nothing.
    fn says(&self, entry: &Entry, kind: Kind, words: &[String], is_of_server: bool) -> Option<Option<bool>> {
        let path = self.asked.path;
        let first = words.first().map(String::as_str).unwrap_or_default();
        let is = |name: &str| self.is(entry, name);
        let is_match = [
            "RedirectMatch",
            "AliasMatch",
            "ScriptAliasMatch",
            "ProxyPassMatch",
        ]
        .iter()
        .any(|name| is(name));
        Some(match kind {
            Kind::Redirect => {
                let from = words.len().checked_sub(2).and_then(|at| words.get(at));
                let by_pattern = |from: &String| pattern_takes(from, false, path);
                let gone = ["gone", "404", "403", "410"]
                    .iter()
                    .any(|word| first.eq_ignore_ascii_case(word));
                let from = if gone { words.get(1) } else { from };
                match (is_match, from) {
                    (true, from) => from.map_or(Some(false), by_pattern),
                    (false, Some(from)) if from.starts_with('/') => Some(prefix_takes(from, path)),
                    (false, _) => Some(!is_of_server),
                }
            }
            // In a section: what the pattern sees depends on the folder.
            Kind::Rewrite if is("RewriteCond") => return None,
            Kind::Rewrite => match self.rule(entry, &[], path) {
                (_, true) => return None,
                _ => None,
            },
            Kind::Alias | Kind::Proxy if !is_of_server && words.len() < 3 => Some(true),
            Kind::Alias | Kind::Proxy if is_match => pattern_takes(first, false, path),
            Kind::Alias | Kind::Proxy => Some(prefix_takes(first, path)),
            Kind::Login => Some(!first.eq_ignore_ascii_case("none")),
            Kind::Access => Some(!words.join(" ").eq_ignore_ascii_case("all granted")),
            Kind::OldAccess | Kind::Tls => Some(true),
            Kind::Handler => {
                let is_file = ["none", "default-handler"]
                    .iter()
                    .any(|own| first.eq_ignore_ascii_case(own));
                if first.starts_with('"') || words.iter().any(|word| word.contains("expr=")) {
                    None
                } else {
                    Some(!is_file)
                }
            }
            Kind::Managed => {
                let is_ours = |word: &String| {
                    let mut own = self.server.asked.iter();
                    own.any(|(name, _)| name.eq_ignore_ascii_case(word))
                };
                let is_manual = words.iter().any(|word| word.eq_ignore_ascii_case("manual"));
                match words.iter().any(is_ours) && !is_manual {
                    true => None,
                    false => Some(false),
                }
            }
            Kind::Jk => match prefix_takes(first.trim_end_matches('*'), path) {
                true => None,
                false => Some(false),
            },
        })
    }
}
