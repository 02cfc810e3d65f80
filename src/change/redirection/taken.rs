//! What takes a request before a redirect sees it. Edits nothing.

use crate::httpd::{Configuration, Entry, Truth, VirtualHost};

use super::super::existing::{admits, own_switch, within};
use super::{States, Url, Waiting, has_flag, texts, with_conditions};

/// Does a part of what is asked for over HTTP never come to that redirect of a virtual host? mod_rewrite and mod_proxy
/// translate names first (`APR_HOOK_FIRST`, in this order), mod_alias in the middle; no rule is asked after one that ends
/// the round. What certificate authorities ask for does not count.
pub(super) fn is_taken_before(
    configuration: &Configuration,
    host: &VirtualHost,
    redirect: &Entry,
    asked: &str,
) -> bool {
    // Those of a folder or a place are asked once the name is translated (fixups), and answer also then.
    let is_of_host =
        |entry: &Entry| entry.truth == Truth::True && configuration.context(entry) == host.section;
    if !is_of_host(redirect) {
        return false;
    }
    let rewrites = configuration.is_named(redirect, "RewriteRule");
    let lines = within(configuration, host).filter(|entry| is_of_host(entry));
    let mut lines = with_conditions(configuration, lines)
        .take_while(|(entry, _)| !rewrites || !std::ptr::eq(*entry, redirect));
    lines.any(|(entry, conditions)| {
        if configuration.is_named(entry, "RewriteRule") {
            own_switch(configuration, host.section, "RewriteEngine", "on").is_some()
                && serves(&words(configuration, entry), rewrites)
                && meets(configuration, &conditions, asked)
        } else {
            !rewrites && is_proxied(configuration, entry)
        }
    })
}

fn words(configuration: &Configuration, entry: &Entry) -> Vec<String> {
    texts(&configuration.arguments(entry))
}

/// Does a rule answer itself what it matches, before the next rule, or before mod_alias?
fn serves(words: &[String], before_rules: bool) -> bool {
    let [pattern, target, ..] = words else {
        return false;
    };
    let flags = words.get(2);
    if target == "-"
        || is_challenge(pattern)
        || has_flag(flags, ["F", "FORBIDDEN"])
        || has_flag(flags, ["G", "GONE"])
    {
        return false;
    }
    if has_flag(flags, ["P", "PROXY"]) {
        return true;
    }
    if has_flag(flags, ["R", "REDIRECT"]) || Url::parse(target).is_some() {
        return false;
    }
    let passes_on = has_flag(flags, ["PT", "PASSTHROUGH"]);
    match before_rules {
        true => passes_on || has_flag(flags, ["L", "LAST"]) || has_flag(flags, ["END", "END"]),
        false => !passes_on,
    }
}

/// May the conditions of a rule hold for the name over HTTP?
fn meets(configuration: &Configuration, conditions: &[Waiting<'_>], asked: &str) -> bool {
    let is_or = |(entry, _): &Waiting<'_>| {
        let words = words(configuration, entry);
        has_flag(words.get(2), ["OR", "ORNEXT"])
    };
    conditions.iter().any(is_or)
        || conditions.iter().all(|(entry, condition)| {
            let over_tls = condition
                .as_ref()
                .is_some_and(|condition| condition.states(asked, 80, 443) == States::Tls);
            !over_tls && admits(&configuration.arguments(entry), asked)
        })
}

fn is_proxied(configuration: &Configuration, entry: &Entry) -> bool {
    let is = |name| configuration.is_named(entry, name);
    let words = words(configuration, entry);
    (is("ProxyPass") || is("ProxyPassMatch"))
        && words.get(1).is_some_and(|target| target != "!")
        && !is_challenge(&words[0])
}

fn is_challenge(path: &str) -> bool {
    path.contains("well-known")
}
