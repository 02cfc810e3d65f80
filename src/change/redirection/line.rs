//! The lines of a virtual host that redirect, with the conditions before them: which of them a copy for HTTPS cannot have.
//! Edits nothing.

use std::ops::Range;

use crate::httpd::{Configuration, Entry, Truth, VirtualHost, in_url};

use super::super::existing::{
    ALL_BUT_CHALLENGES, REDIRECTS, admits, holds_everywhere, leads_to, takes_all, within,
};
use super::super::request::Request;
use super::taken::is_taken_before;
use super::{Asked, Condition, Rule, Side, States, Url, set_by};

/// A `RewriteCond` that waits for its rule; it may not be understood.
pub(in crate::change) type Waiting<'a> = (&'a Entry, Option<Condition>);

/// Each line with the conditions that hold for it: a `RewriteRule` takes those since the last one (mod_rewrite,
/// `cmd_rewriterule`). Conditions come as lines of their own as well.
pub(in crate::change) fn with_conditions<'a>(
    configuration: &'a Configuration,
    entries: impl Iterator<Item = &'a Entry>,
) -> impl Iterator<Item = (&'a Entry, Vec<Waiting<'a>>)> {
    let mut waiting: Vec<Waiting<'a>> = Vec::new();
    entries.map(move |entry| {
        if configuration.is_named(entry, "RewriteCond") {
            waiting.push((entry, Condition::new(&configuration.arguments(entry))));
        } else if configuration.is_named(entry, "RewriteRule") {
            return (entry, std::mem::take(&mut waiting));
        }
        (entry, Vec::new())
    })
}

/// Would a redirect lead back to itself over HTTPS, or did nobody meet it over HTTP?
pub(in crate::change) fn is_gone(
    configuration: &Configuration,
    side: &Side<'_>,
    entry: &Entry,
    conditions: &[Waiting<'_>],
) -> bool {
    if !REDIRECTS.iter().any(|name| configuration.is_named(entry, name)) {
        return false;
    }
    let arguments = configuration.arguments(entry);
    // One of ours may be there for another name of the same virtual host.
    let ours = ALL_BUT_CHALLENGES.trim_matches('"').as_bytes();
    if arguments.iter().any(|word| word == ours) {
        return true;
    }
    if by_way(configuration, side, entry, conditions).contains(&States::Tls) {
        return true;
    }
    let both_ways = both_ways(configuration, side, entry, conditions);
    is_endless(configuration, side, entry, &both_ways)
}

/// Does a line, as it is over HTTPS, lead back to itself?
fn is_endless(
    configuration: &Configuration,
    side: &Side<'_>,
    entry: &Entry,
    conditions: &[Condition],
) -> bool {
    let within = location(configuration, entry);
    let arguments = side.known.plain_words(&configuration.arguments(entry));
    let name = configuration.name(entry);
    let Some(rule) = Rule::new(&name, &arguments, within.as_deref(), conditions) else {
        return false;
    };
    let rule = match side.target_over_tls(&rule, rule.target()) {
        Some(target) => rule.to(target),
        None => rule,
    };
    rule.is_endless(&side.own, side.port)
}

/// The conditions that are asked over HTTPS too, as they are there.
pub(in crate::change) fn both_ways(
    configuration: &Configuration,
    side: &Side<'_>,
    entry: &Entry,
    conditions: &[Waiting<'_>],
) -> Vec<Condition> {
    let ways = by_way(configuration, side, entry, conditions);
    let asked = conditions.iter().zip(ways);
    asked
        .filter(|(_, states)| *states != States::Plain)
        .filter_map(|((_, condition), _)| condition.clone())
        .collect()
}

/// What each of the conditions of a line says of the way. Those of which one is enough say it together.
pub(in crate::change) fn by_way(
    configuration: &Configuration,
    side: &Side<'_>,
    entry: &Entry,
    conditions: &[Waiting<'_>],
) -> Vec<States> {
    if conditions.is_empty() {
        return Vec::new();
    }
    let host = side.own.0.first().copied().unwrap_or_default();
    let http = side.http.first().copied().unwrap_or(80);
    let alone = |(_, condition): &Waiting<'_>| match condition {
        Some(condition) => condition.states(host, http, side.port),
        None => States::Neither,
    };
    let mut ways: Vec<States> = conditions.iter().map(alone).collect();
    let alternatives = alternatives(conditions);
    for group in &alternatives {
        let ways = &mut ways[group.clone()];
        let together = match () {
            () if ways.contains(&States::Plain) => States::Plain,
            () if ways.iter().all(|way| *way == States::Tls) => States::Tls,
            () => States::Neither,
        };
        ways.fill(together);
    }
    keep_variables(configuration, side, entry, &mut ways);
    // `HTTPS off [OR]`, another name, then the right name by HTTPS: without them it would lead there without end.
    let without = |ways: &[States]| -> Vec<Condition> {
        let kept = conditions
            .iter()
            .zip(ways)
            .filter(|(_, way)| **way != States::Plain);
        kept.filter_map(|((_, condition), _)| condition.clone()).collect()
    };
    let is_last = alternatives
        .last()
        .is_some_and(|group| group.end == conditions.len());
    let takes_groups = is_last && takes_groups(configuration, entry);
    if alternatives
        .iter()
        .any(|group| ways[group.start] == States::Plain)
        && (takes_groups || is_endless(configuration, side, entry, &without(&ways)))
    {
        for group in alternatives {
            ways[group].fill(States::Neither);
        }
    }
    ways
}

/// The conditions by which a line acts over plain HTTP and not over HTTPS, and that are more than that.
pub(in crate::change) fn partly_of_plain<'a>(
    configuration: &Configuration,
    side: &Side<'_>,
    entry: &Entry,
    conditions: &[Waiting<'a>],
) -> Vec<&'a Entry> {
    let ways = by_way(configuration, side, entry, conditions);
    let asks = |((_, condition), states): &(&Waiting<'a>, States)| {
        let condition = condition.as_ref().filter(|_| *states == States::Neither);
        condition.is_some_and(|condition| side.as_over_http(condition.expression()).is_some())
    };
    let (found, others): (Vec<_>, Vec<_>) = conditions.iter().zip(ways).partition(asks);
    let others = others.into_iter().filter(|(_, states)| *states != States::Plain);
    let others: Vec<Condition> = others
        .filter_map(|((_, condition), _)| condition.clone())
        .collect();
    if found.is_empty() || is_endless(configuration, side, entry, &others) {
        return Vec::new();
    }
    found.into_iter().map(|((entry, _), _)| *entry).collect()
}

/// Conditions of which one is enough.
fn alternatives(conditions: &[Waiting<'_>]) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut start = 0;
    for (at, (_, condition)) in conditions.iter().enumerate() {
        if !condition.as_ref().is_some_and(|condition| condition.or) || at + 1 == conditions.len() {
            if at > start {
                all.push(start..at + 1);
            }
            start = at + 1;
        }
    }
    all
}

/// Does a rule use what its conditions took: `%1`?
fn takes_groups(configuration: &Configuration, entry: &Entry) -> bool {
    let is_group = |pair: &[u8]| pair[0] == b'%' && pair[1].is_ascii_digit();
    let arguments = configuration.arguments(entry);
    arguments.iter().any(|word| word.windows(2).any(is_group))
}

/// A rule that only says in a variable how the client came says so over HTTPS as well.
fn keep_variables(configuration: &Configuration, side: &Side<'_>, entry: &Entry, ways: &mut [States]) {
    let arguments = configuration.arguments(entry);
    let [_, target, flags] = &arguments[..] else {
        return;
    };
    let flags = String::from_utf8_lossy(flags);
    let mut variables = set_by(&flags).peekable();
    if target != b"-" || variables.peek().is_none() {
        return;
    }
    let differs = variables.any(|(name, _)| side.known.differs(name));
    for way in ways {
        if differs || *way == States::Tls {
            *way = States::Neither;
        }
    }
}

/// Does a virtual host only send clients back to the same place by HTTPS? Then it is nobody's site.
pub(in crate::change) fn only_leads_to_itself(
    configuration: &Configuration,
    request: &Request,
    host: &VirtualHost,
) -> bool {
    const BESIDE: [&str; 4] = ["ServerName", "ServerAlias", "RewriteEngine", "RewriteOptions"];
    let is_beside = |entry: &Entry| BESIDE.iter().any(|name| configuration.is_named(entry, name));
    let may_be = |entry: &Entry| {
        let rewrites = ["RewriteCond"].iter().chain(&REDIRECTS);
        is_beside(entry)
            || rewrites
                .into_iter()
                .any(|name| configuration.is_named(entry, name))
    };
    if !within(configuration, host).all(|entry| may_be(entry) || entry.truth == Truth::False) {
        return false;
    }
    let side = Side::of(configuration, request, Some(host));
    let mut conditions: Vec<Waiting<'_>> = Vec::new();
    let mut redirects = false;
    for entry in within(configuration, host) {
        if configuration.is_named(entry, "RewriteCond") {
            conditions.push((entry, Condition::new(&configuration.arguments(entry))));
        } else if is_gone(configuration, &side, entry, &conditions) {
            redirects = true;
            conditions.clear();
        } else if !is_beside(entry) && entry.truth != Truth::False {
            return false;
        }
    }
    redirects
}

/// Does something in the virtual host send clients that ask for the name to HTTPS, whatever the path?
pub(in crate::change) fn redirects(
    configuration: &Configuration,
    request: &Request,
    host: &VirtualHost,
    asked: &str,
) -> bool {
    // One name of a site may lead to another; who only got here by default is to stay with the name.
    let own = host.server_name.iter().chain(&host.aliases);
    let own = own.filter(|_| host.has_name(asked)).map(String::as_str);
    let names: Vec<&str> = request.names().chain(own).collect();
    // The conditions of a rule stand right before it.
    let mut conditions: Vec<&Entry> = Vec::new();
    let entries = within(configuration, host).filter(|entry| entry.truth == Truth::True);
    for entry in entries {
        if configuration.is_named(entry, "RewriteCond") {
            conditions.push(entry);
            continue;
        }
        let conditions = std::mem::take(&mut conditions);
        let is_redirect = REDIRECTS.iter().any(|name| configuration.is_named(entry, name));
        if !is_redirect || !holds_everywhere(configuration, entry, host) {
            continue;
        }
        let arguments = configuration.arguments(entry);
        if arguments.iter().any(|word| leads_to(word, &names))
            && arguments.iter().any(|word| takes_all(word))
            && conditions
                .iter()
                .all(|condition| admits(&configuration.arguments(condition), asked))
        {
            let known: Vec<Condition> = conditions
                .iter()
                .filter_map(|condition| Condition::new(&configuration.arguments(condition)))
                .collect();
            if takes_whole(configuration, request, entry, &known, asked)
                && !is_taken_before(configuration, host, entry, asked)
            {
                return true;
            }
        }
    }
    false
}

/// Does something in the virtual host send clients that ask for the name elsewhere, whatever the path?
pub(in crate::change) fn redirects_everything(
    configuration: &Configuration,
    host: &VirtualHost,
    asked: &str,
) -> bool {
    let active = within(configuration, host).filter(|entry| entry.truth == Truth::True);
    with_conditions(configuration, active).any(|(entry, waiting)| {
        let is_redirect = REDIRECTS.iter().any(|name| configuration.is_named(entry, name));
        if !is_redirect || !holds_everywhere(configuration, entry, host) {
            return false;
        }
        let known: Vec<Condition> = waiting
            .into_iter()
            .filter_map(|(_, condition)| condition)
            .collect();
        let within = location(configuration, entry);
        let arguments = configuration.arguments(entry);
        let rule = Rule::new(&configuration.name(entry), &arguments, within.as_deref(), &known);
        let acts_on = |rule: Rule| whatever_path(&in_url(asked)).iter().all(|way| rule.acts_on(way));
        rule.is_some_and(acts_on)
    })
}

/// Requests over HTTP that have nothing in common but the name.
fn whatever_path(host: &str) -> [Asked<'_>; 2] {
    ["/some", "/some/page.html"].map(|path| Asked {
        host,
        path,
        tls: false,
        port: 80,
    })
}

/// Does a redirect send whatever path to HTTPS at the port of the request? One that is not understood counts as doing so.
fn takes_whole(
    configuration: &Configuration,
    request: &Request,
    entry: &Entry,
    conditions: &[Condition],
    asked: &str,
) -> bool {
    let arguments = configuration.arguments(entry);
    let within = location(configuration, entry);
    let Some(rule) = Rule::new(
        &configuration.name(entry),
        &arguments,
        within.as_deref(),
        conditions,
    ) else {
        return true;
    };
    whatever_path(&in_url(asked)).iter().all(|way| {
        let target = rule.send(way);
        let url = target.as_deref().and_then(Url::parse);
        url.is_some_and(|url| url.tls && url.port == Some(request.port))
    })
}

/// The path of the `<Location>` that a line stands in.
fn location(configuration: &Configuration, entry: &Entry) -> Option<String> {
    let mut around = configuration.ancestors(entry).map(|(_, section)| section);
    let opening = around.find_map(|section| {
        let opening = configuration.entry(section.opening);
        configuration.is_named(opening, "<Location").then_some(opening)
    })?;
    let argument = configuration.section_argument(opening);
    let text = String::from_utf8_lossy(&argument);
    Some(text.trim().trim_matches('"').to_owned())
}
