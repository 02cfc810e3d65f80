//! What the settings that are there do: which a virtual host has for its own, whether it speaks TLS, whom it sends
//! elsewhere. Edits nothing.

use std::ffi::OsStr;

use regex::RegexBuilder;

use crate::httpd::{
    Address, Configuration, Entry, Section, SectionId, Truth, VirtualHost, in_url, source_name, trim,
};
use crate::mod_ssl::tls_hosts;

use super::own_answers;
use super::request::Request;

/// Directives of mod_alias that send a client elsewhere.
pub(super) const MOD_ALIAS: [&str; 4] = ["Redirect", "RedirectPermanent", "RedirectTemp", "RedirectMatch"];

/// Directives that send a client elsewhere.
pub(super) const REDIRECTS: [&str; 5] = {
    let [redirect, permanent, temporary, by_pattern] = MOD_ALIAS;
    [redirect, permanent, temporary, by_pattern, "RewriteRule"]
};

/// Everything but what certificate authorities ask for over HTTP.
pub(super) const ALL_BUT_CHALLENGES: &str = r#""^/(?!\.well-known/acme-challenge/)(.*)$""#;

/// A first virtual host takes all names that no other has; this one stands in for the main server without taking the
/// domain's (RFC 6761: a name that never exists).
pub(super) const NOBODY: &str = "default.invalid";

/// The active lines of that name in a section itself, not those that it inherits.
pub(super) fn own_settings<'a>(
    configuration: &'a Configuration,
    section: SectionId,
    name: &str,
) -> Vec<&'a Entry> {
    let named = configuration.named_in(section, name).map(|(_, entry)| entry);
    named.filter(|entry| entry.truth == Truth::True).collect()
}

/// The lines of some names in a section itself, active or not, in their order.
pub(super) fn named_at<'a>(
    configuration: &'a Configuration,
    section: SectionId,
    names: &[&str],
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let each = names.iter().map(|name| configuration.named_in(section, name));
    let mut all: Vec<_> = each.flatten().collect();
    all.sort_unstable_by_key(|(id, _)| *id);
    all.into_iter().map(|(_, entry)| entry)
}

/// Everything in a virtual host, inner sections included, in order; less the lines by which we answer certificate
/// authorities, which say nothing of the site.
pub(super) fn within<'a>(
    configuration: &'a Configuration,
    site: &'a VirtualHost,
) -> impl Iterator<Item = &'a Entry> {
    let file = configuration.entry(site.entry).file;
    let own = own_answers::inside(configuration, site);
    configuration
        .entries_from(site.entry + 1)
        .take_while(|entry| configuration.is_within(entry.section, site.section))
        .filter(move |entry| entry.file != file || !own.iter().any(|lines| lines.contains(&entry.line)))
}

/// A line as it was read, with the values of its variables.
pub(super) fn text(configuration: &Configuration, entry: &Entry) -> String {
    String::from_utf8_lossy(trim(&configuration.text(entry))).into_owned()
}

/// A line as it stands in its file, or as a macro makes it.
pub(super) fn written(configuration: &Configuration, entry: &Entry) -> Vec<u8> {
    if configuration.macro_place(entry).is_some() {
        return configuration.text(entry).into_owned();
    }
    let document = &configuration.file(entry.file).document;
    document.raw(entry.line as usize).trim_ascii().to_vec()
}

/// Is that the first word of a line: `on`, `off`?
pub(super) fn says(configuration: &Configuration, entry: &Entry, word: &str) -> bool {
    let arguments = configuration.arguments(entry);
    let first = arguments.first();
    first.is_some_and(|first| first.eq_ignore_ascii_case(word.as_bytes()))
}

/// The line of a section itself that switches something so, where no other comes after it.
pub(super) fn own_switch<'a>(
    configuration: &'a Configuration,
    section: SectionId,
    name: &str,
    word: &str,
) -> Option<&'a Entry> {
    let last = configuration.setting(section, name)?;
    (configuration.context(last) == section && says(configuration, last, word)).then_some(last)
}

/// Has a virtual host no name of its own?
pub(super) fn is_nameless(configuration: &Configuration, host: &VirtualHost) -> bool {
    host.aliases.is_empty() && own_settings(configuration, host.section, "ServerName").is_empty()
}

/// The virtual host that a line stands in.
pub(super) fn in_virtual_host<'a>(
    configuration: &'a Configuration,
    entry: &Entry,
) -> Option<&'a VirtualHost> {
    let (outermost, _) = configuration
        .ancestors(entry)
        .filter(|(_, section)| !section.transparent)
        .last()?;
    let hosts = configuration.virtual_hosts();
    // In the order of their openings.
    let at = hosts.binary_search_by_key(&outermost, |host| host.section).ok()?;
    Some(&hosts[at])
}

/// The active virtual hosts that speak TLS.
pub(super) fn secured(configuration: &Configuration) -> impl Iterator<Item = &VirtualHost> {
    let loaded = configuration.modules().has(b"ssl_module") == Truth::True;
    tls_hosts(configuration).filter(move |_| loaded)
}

/// What identifies a virtual host across edits: its file, addresses and name.
pub(super) type HostKey<'a> = (&'a OsStr, &'a [Address], Option<&'a str>);

/// That of a virtual host.
pub(super) fn key<'a>(configuration: &'a Configuration, host: &'a VirtualHost) -> HostKey<'a> {
    let opening = configuration.entry(host.entry);
    (
        configuration.file(opening.file).host.as_os_str(),
        &host.addresses,
        host.server_name.as_deref(),
    )
}

/// The modules that a plan loads.
pub(super) fn new_modules<'a>(original: &Configuration, result: &'a Configuration) -> Vec<&'a [u8]> {
    let loads = result.load_modules().iter();
    let is_new = |module: &&[u8]| {
        result.modules().has(module) == Truth::True && original.modules().has(module) != Truth::True
    };
    loads
        .map(|load| load.identifier.as_slice())
        .filter(is_new)
        .collect()
}

/// Does a section hold only while mod_ssl is not there: `<IfModule !mod_ssl.c>`?
pub(super) fn is_without_ssl(configuration: &Configuration, section: &Section) -> bool {
    const MODULE: &[u8] = b"ssl_module";
    let opening = configuration.entry(section.opening);
    let tested = configuration.section_argument(opening);
    let without = tested.trim_ascii().strip_prefix(b"!").unwrap_or_default();
    configuration.is_named(opening, "<IfModule") && (without == MODULE || source_name(MODULE) == without)
}

/// The caches that need mod_socache_shmcb.
pub(super) fn shmcb_users(configuration: &Configuration) -> impl Iterator<Item = &Entry> {
    let caches = ["SSLSessionCache", "SSLStaplingCache"];
    let entries = caches.into_iter().flat_map(|name| configuration.named(name));
    entries.map(|(_, entry)| entry).filter(|entry| {
        let arguments = configuration.arguments(entry);
        let provider = arguments
            .first()
            .map(|argument| argument.to_ascii_lowercase())
            .unwrap_or_default();
        entry.truth != Truth::False && (provider == b"shmcb" || provider.starts_with(b"shmcb:"))
    })
}

/// Is a directive of a virtual host for all its requests, and not for a folder only?
pub(super) fn holds_everywhere(configuration: &Configuration, entry: &Entry, host: &VirtualHost) -> bool {
    configuration
        .ancestors(entry)
        .take_while(|(section, _)| *section != host.section)
        .all(|(_, section)| {
            let opening = configuration.entry(section.opening);
            let name = configuration.name(opening).to_ascii_lowercase();
            let whole = || configuration.section_argument(opening).trim_ascii() == b"/";
            section.transparent || name.starts_with(b"<if") || name == b"<location" && whole()
        })
}

/// Does a condition on the name that was asked for hold for that name? Conditions on other things are not looked at.
pub(super) fn admits(condition: &[Vec<u8>], name: &str) -> bool {
    let [tested, pattern, ..] = condition else {
        return true;
    };
    let name = &*in_url(name);
    let tested = tested.to_ascii_uppercase();
    if ![&b"%{HTTP_HOST}"[..], b"%{SERVER_NAME}", b"%{HTTP:HOST}"].contains(&tested.as_slice()) {
        return true;
    }
    let pattern = String::from_utf8_lossy(pattern);
    let (negated, pattern) = match pattern.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, &*pattern),
    };
    let matches = match pattern.strip_prefix('=') {
        Some(text) => Ok(text.eq_ignore_ascii_case(name)),
        None => RegexBuilder::new(pattern)
            .case_insensitive(true)
            .build()
            .map(|pattern| pattern.is_match(name)),
    };
    matches.is_ok_and(|matches| matches != negated)
}

/// Is the word an https address of one of those names, or of whatever name was asked for?
pub(super) fn leads_to(word: &[u8], names: &[&str]) -> bool {
    let text = String::from_utf8_lossy(word).to_ascii_lowercase();
    let Some(host) = text.strip_prefix("https://") else {
        return false;
    };
    host.starts_with('%')
        || host.starts_with('$')
        || names.iter().any(|name| {
            host.strip_prefix(&*in_url(name))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '$', '%']))
        })
}

/// Is it the pattern or path of a redirect for (nearly) everything?
pub(super) fn takes_all(word: &[u8]) -> bool {
    matches!(word, b"/" | b"^" | b"^/" | b"^/?" | b".")
        || memchr::memmem::find(word, b".*").is_some() && !word.starts_with(b"http")
}

/// Has the virtual host no name of its own, or another than that of the request?
pub(super) fn has_other_names(configuration: &Configuration, request: &Request, host: &VirtualHost) -> bool {
    !host.names_exactly(&request.domain) || own_settings(configuration, host.section, "ServerName").is_empty()
}

/// Does a virtual host show something else for each name that is asked for: mod_vhost_alias, or rewrite rules that put
/// the name into a path?
pub(super) fn shows_by_name(configuration: &Configuration, host: &VirtualHost) -> bool {
    const BY_NAME: [&str; 2] = ["VirtualDocumentRoot", "VirtualScriptAlias"];
    let mut conditions: Vec<&Entry> = Vec::new();
    for entry in within(configuration, host).filter(|entry| entry.truth == Truth::True) {
        if configuration.is_named(entry, "RewriteCond") {
            conditions.push(entry);
            continue;
        }
        if BY_NAME.iter().any(|name| configuration.is_named(entry, name)) {
            return true;
        }
        let conditions = std::mem::take(&mut conditions);
        if !configuration.is_named(entry, "RewriteRule") {
            continue;
        }
        let arguments = configuration.arguments(entry);
        let Some(target) = arguments.get(1) else { continue };
        let asks = |entry: &&Entry| {
            configuration
                .arguments(entry)
                .first()
                .is_some_and(|tested| has_name(tested))
        };
        let takes_group =
            memchr::memmem::find(target, b"%1").is_some() || memchr::memmem::find(target, b"%2").is_some();
        let is_path = !target.to_ascii_lowercase().starts_with(b"http");
        if is_path && (has_name(target) || takes_group && conditions.iter().any(asks)) {
            return true;
        }
    }
    false
}

/// Does a text of mod_rewrite's hold the name that was asked for?
fn has_name(text: &[u8]) -> bool {
    let text = text.to_ascii_uppercase();
    [&b"{HTTP_HOST}"[..], b"{SERVER_NAME}", b"{HTTP:HOST}"]
        .iter()
        .any(|variable| memchr::memmem::find(&text, variable).is_some())
}

/// Does a virtual host say nothing of its own, so that it only stands in for the main server?
pub(super) fn stands_in(configuration: &Configuration, host: &VirtualHost) -> bool {
    const ALLOWED: [&str; 3] = ["ServerName", "RewriteEngine", "RewriteOptions"];
    within(configuration, host).all(|entry| ALLOWED.iter().any(|name| configuration.is_named(entry, name)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_condition_on_the_name_holds_for_that_name_only() {
        let admits = |tested: &str, pattern: &str| {
            super::admits(
                &[tested.as_bytes().to_vec(), pattern.as_bytes().to_vec()],
                "a.test",
            )
        };
        assert!(admits("%{HTTPS}", "off"));
        assert!(admits("%{HTTP_HOST}", r"^(?:a\.test|b\.test)\.?(?::[0-9]+)?$"));
        assert!(admits("%{http_host}", "=A.test"));
        assert!(admits("%{SERVER_NAME}", "!^b"));
        assert!(!admits("%{HTTP_HOST}", r"^b\.test$"));
        assert!(!admits("%{HTTP_HOST}", "!a.test"));
        assert!(!admits("%{HTTP_HOST}", "(?<"));
        let words = [&b"%{HTTP_HOST}"[..], br"^\[2001:db8::7\]$"].map(<[u8]>::to_vec);
        assert!(super::admits(&words, "2001:db8::7"));
    }
}
