//! Who answers certificate authorities, as the configuration has it: the server, and the lines that would take the path
//! from it. Edits nothing.

use std::net::IpAddr;

use crate::httpd::{Configuration, Entry, VirtualHost};

use super::super::challenge::AnswerPlace;
use super::super::edit_lines::editable;
use super::super::existing::text;
use super::super::own_answers::OwnLines;
use super::super::refusal::{Place, Text, say};
use super::need::{Kept, Need, need};
use super::servers::{Server, servers};
use super::takers::Kind;

/// Who answers one name.
#[derive(Clone, Debug)]
pub struct Answering<'a> {
    /// The name.
    pub name: String,
    /// The local address at which it is asked; none for all that no virtual host names.
    pub address: Option<IpAddr>,
    /// The virtual host that answers; none is the main server.
    pub host: Option<&'a VirtualHost>,
    /// The lines that take the path as things are, in the order in which they stand.
    pub takers: Vec<Taking<'a>>,
}

/// A line that takes the path, or may.
#[derive(Clone, Debug)]
pub struct Taking<'a> {
    /// The line.
    pub entry: &'a Entry,
    /// What it does, for people.
    pub what: &'static str,
    /// Why no line of an answer place comes before it; none where one does.
    pub kept: Option<String>,
    /// What helps then.
    pub fix: &'static str,
    /// It takes the path for certain; else only the server knows.
    pub is_certain: bool,
}

/// Who answers each name on the port of the place, at each address that the configuration tells apart; none where nothing
/// listens there. Lines of an answer place that is there are not told.
pub fn answering<'a>(configuration: &'a Configuration, place: &AnswerPlace) -> Vec<Answering<'a>> {
    let own = OwnLines::of(configuration);
    let mut all = Vec::new();
    for server in servers(configuration, place) {
        let need = need(configuration, &server, place, &own);
        let takers = taking(configuration, &server, &need);
        let Server { host, asked } = server;
        all.extend(asked.into_iter().map(|(name, address)| Answering {
            name,
            address,
            host,
            takers: takers.clone(),
        }));
    }
    all
}

fn taking<'a>(configuration: &Configuration, server: &Server<'a>, need: &Need<'a>) -> Vec<Taking<'a>> {
    // Where the virtual host is not edited, it has only what the main server has.
    let is_fixed = server.host.is_some_and(|host| {
        !need.is_plain() && editable(configuration, configuration.entry(host.entry)).is_err()
    });
    let fixed =
        "its virtual host comes from a macro, or its lines hold for others too, so that it is not edited";
    let takers = need.takers.iter().enumerate();
    let all = takers.map(|(at, taker)| {
        let kept = need.kept.iter().find(|(kept, _)| *kept == at);
        let kept = kept.map(|(_, kept)| kept);
        Taking {
            entry: taker.entry,
            what: what(taker.kind),
            kept: match kept {
                Some(kept) => Some(format!("it{}", kept.why(configuration))),
                None => is_fixed.then(|| fixed.to_owned()),
            },
            fix: kept.map_or(
                "Change the macro, or give that virtual host lines of its own, then run again",
                help,
            ),
            is_certain: taker.is_certain,
        }
    });
    all.collect()
}

/// What a line does to the path.
fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Redirect => "sends clients elsewhere",
        Kind::Rewrite => "rewrites what is asked for",
        Kind::Alias => "leads to another folder",
        Kind::Proxy | Kind::Jk => "hands the request to another server",
        Kind::Access | Kind::Login | Kind::OldAccess => "restricts access",
        Kind::Handler => "shows something else than the file",
        Kind::Tls => "demands TLS",
        Kind::Managed => "has mod_md answer itself",
    }
}

/// A line as people know it.
pub(super) fn told(configuration: &Configuration, entry: &Entry) -> String {
    format!("`{}`", text(configuration, entry))
}

impl Kept<'_> {
    /// Why nothing comes before the line, behind it in a sentence.
    pub(super) fn why(&self, configuration: &Configuration) -> Text {
        let at = |entry| Place::of(configuration, entry);
        match self {
            Kept::NoRewriting => {
                " takes /.well-known/acme-challenge/, and mod_rewrite, whose rules come before it, is not loaded".into()
            }
            Kept::SwitchedOff(off) => say![
                " takes /.well-known/acme-challenge/, and rewriting, whose rules come before it, is switched off at ",
                at(off),
            ],
            Kept::Sleeping(rule) => say![
                " takes /.well-known/acme-challenge/, and rewriting, which would come before it, would wake the rule at ",
                at(rule),
            ],
            Kept::Late => " stands in a section and is asked last, whatever a folder or a rule says".into(),
            Kept::Tls => " lets nobody ask over HTTP".into(),
            Kept::Managed => " has mod_md answer for that name before all others".into(),
        }
    }
}

/// What helps then.
pub(super) fn help(kept: &Kept<'_>) -> &'static str {
    match kept {
        Kept::NoRewriting => {
            "Load mod_rewrite, or write the redirect as `RedirectMatch permanent \
             \"^/(?!\\.well-known/acme-challenge/)(.*)$\" \"https://NAME/$1\"`, then run again"
        }
        Kept::SwitchedOff(_) | Kept::Sleeping(_) => {
            "Write the redirect as `RedirectMatch permanent \"^/(?!\\.well-known/acme-challenge/)(.*)$\" \
             \"https://NAME/$1\"`, then run again"
        }
        Kept::Late => {
            "Except the path in the section's own condition, or write the redirect outside of it, then run again"
        }
        Kept::Tls => "Remove that line where HTTP is spoken, then run again",
        Kept::Managed => "Leave the certificate of that name to mod_md, or remove that line, then run again",
    }
}
