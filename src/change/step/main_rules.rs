//! The rewrite rules of the main server in a virtual host that inherits them: where they are others over HTTPS, the new
//! virtual host says them itself. Decides nothing about single rules.

use crate::httpd::word::words;
use crate::httpd::{Configuration, Entry, SERVER, SectionId, Truth, VirtualHost};

use super::super::existing::{named_at, own_settings, says, written};
use super::super::redirection::{Condition, Side, States, both_ways, by_way, is_gone, with_conditions};
use super::super::request::Request;
use super::policy;
use super::tls_side::Instead;

/// Where inherited rules come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::change) enum Inherited {
    /// Before those of the virtual host.
    Before,
    /// Behind them.
    Behind,
}

/// Does a virtual host have the rules of the main server (mod_rewrite, `config_server_merge`)?
pub(in crate::change) fn inherited(configuration: &Configuration, section: SectionId) -> Option<Inherited> {
    let options = |section| -> Vec<Vec<u8>> {
        let lines = own_settings(configuration, section, "RewriteOptions").into_iter();
        lines.flat_map(|entry| configuration.arguments(entry)).collect()
    };
    let engine = configuration.setting(section, "RewriteEngine")?;
    let is_on = says(configuration, engine, "on");
    let (own, main) = (options(section), options(SERVER));
    let has = |all: &[Vec<u8>], name: &str| all.iter().any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let says = if own.is_empty() { &main } else { &own };
    let down = !has(says, "IgnoreInherit");
    match () {
        () if !is_on => None,
        () if has(says, "Inherit") || down && has(&main, "InheritDown") => Some(Inherited::Behind),
        () if has(says, "InheritBefore") || down && has(&main, "InheritDownBefore") => {
            Some(Inherited::Before)
        }
        () => None,
    }
}

/// What a new virtual host says instead of inheriting.
#[derive(Default)]
pub(in crate::change) struct OwnRules {
    /// Lines before all others of mod_rewrite's.
    pub before: Vec<Vec<u8>>,
    /// Lines behind them.
    pub behind: Vec<Vec<u8>>,
    /// What is another over HTTPS.
    pub notes: Vec<String>,
}

/// The rules of the main server as they are over HTTPS, for a copy of the site or, without one, for a virtual host that has
/// the main server's; nothing where they are the same, or are not inherited.
pub(in crate::change) fn instead(
    configuration: &Configuration,
    request: &Request,
    site: Option<&VirtualHost>,
) -> Option<OwnRules> {
    let order = match site {
        Some(site) => inherited(configuration, site.section)?,
        None if policy::inherited_rewrites(configuration).is_empty() => return None,
        None => Inherited::Behind,
    };
    let side = Side::of(configuration, request, site);
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    let names = ["RewriteMap", "RewriteCond", "RewriteRule"];
    let active = named_at(configuration, SERVER, &names).filter(|entry| entry.truth == Truth::True);
    for (entry, waiting) in with_conditions(configuration, active) {
        if configuration.is_named(entry, "RewriteCond") {
            continue;
        }
        let place = configuration.place(entry);
        let own = written(configuration, entry);
        if is_gone(configuration, &side, entry, &waiting) {
            notes.push(format!(
                "the new virtual host has the rules of the main server without {place} (`{}`), which would lead back to itself \
                 there",
                shown(&own)
            ));
            continue;
        }
        let ways = by_way(configuration, &side, entry, &waiting);
        for ((condition, _), states) in waiting.iter().zip(ways) {
            match states {
                States::Plain => notes.push(format!(
                    "the new virtual host has the rule at {place} without its condition at {}, which holds over plain HTTP \
                     only",
                    configuration.place(condition)
                )),
                _ => lines.push(said(configuration, &side, condition, &[], &mut notes)),
            }
        }
        let conditions = both_ways(configuration, &side, entry, &waiting);
        lines.push(said(configuration, &side, entry, &conditions, &mut notes));
    }
    if notes.is_empty() {
        return None;
    }
    let mut rules = OwnRules {
        notes,
        ..OwnRules::default()
    };
    match order {
        Inherited::Before => rules.before = lines,
        Inherited::Behind => rules.behind = lines,
    }
    if is_passed_down(configuration) {
        rules.before.insert(0, b"RewriteOptions IgnoreInherit".to_vec());
    }
    Some(rules)
}

/// A line as it is over HTTPS.
fn said(
    configuration: &Configuration,
    side: &Side<'_>,
    entry: &Entry,
    conditions: &[Condition],
    notes: &mut Vec<String>,
) -> Vec<u8> {
    let raw = written(configuration, entry);
    let name = configuration.name(entry);
    match side.instead(&name, &configuration.arguments(entry), &raw, conditions) {
        Some((Instead::Line(line), why)) => {
            notes.push(format!(
                "the new virtual host says `{}` instead of {}: {why}",
                shown(&line),
                configuration.place(entry)
            ));
            line
        }
        _ => raw,
    }
}

/// Does the main server hand its options or rules down by itself?
fn is_passed_down(configuration: &Configuration) -> bool {
    let lines = own_settings(configuration, SERVER, "RewriteOptions").into_iter();
    let mut words = lines.flat_map(|entry| configuration.arguments(entry));
    words.any(|word| word.to_ascii_lowercase().starts_with(b"inherit"))
}

/// The lines of a copy without what lets them inherit.
pub(super) fn without_inheriting(lines: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let kept = lines.into_iter().filter_map(|line| {
        let mut all = words(&line);
        let is_option = all
            .next()
            .is_some_and(|word| word.value.eq_ignore_ascii_case(b"RewriteOptions"));
        if !is_option {
            return Some(line);
        }
        let options: Vec<Vec<u8>> = all.map(|word| word.value.into_owned()).collect();
        let inherits = |word: &Vec<u8>| word.to_ascii_lowercase().starts_with(b"inherit");
        if !options.iter().any(inherits) {
            return Some(line);
        }
        let left: Vec<Vec<u8>> = options.into_iter().filter(|word| !inherits(word)).collect();
        let indentation = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let said = [&line[..indentation], b"RewriteOptions ", &left.join(&b' ')].concat();
        (!left.is_empty()).then_some(said)
    });
    kept.collect()
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(line.trim_ascii()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::{Facts, Platform, Source};

    #[test]
    fn who_has_the_rules_of_the_main_server() {
        let order = |main: &str, own: &str| {
            let text = format!("{main}\n<VirtualHost *:80>\n{own}\n</VirtualHost>\n");
            let source = Source::new("/none".into(), Platform::HOST);
            let facts = Facts::assumed(Platform::HOST);
            let read = Configuration::from_bytes(b"/none/httpd.conf", text.into_bytes(), source, facts);
            inherited(&read, read.virtual_hosts()[0].section)
        };
        let on = "RewriteEngine on";
        let with = |option: &str| format!("{on}\nRewriteOptions {option}");
        use Inherited::{Before, Behind};
        assert_eq!(order(on, on), None);
        assert_eq!(order(on, &with("Inherit")), Some(Behind));
        assert_eq!(order("", &with("InheritBefore")), Some(Before));
        assert_eq!(order("", "RewriteOptions Inherit"), None);
        assert_eq!(order(&with("InheritDown"), ""), Some(Behind));
        assert_eq!(order(&with("InheritDownBefore"), ""), Some(Before));
        assert_eq!(order(&with("InheritDown"), &with("IgnoreInherit")), None);
        assert_eq!(order(&with("InheritDown"), "RewriteEngine off"), None);
        assert_eq!(order(&with("Inherit"), ""), Some(Behind));
    }

    #[test]
    fn a_copy_that_says_the_rules_itself_inherits_none() {
        let lines =
            |text: &str| -> Vec<Vec<u8>> { text.split('\n').map(|line| line.as_bytes().to_vec()).collect() };
        assert_eq!(
            without_inheriting(lines(
                "  RewriteEngine on\n  RewriteOptions Inherit\n  rewriteoptions inheritbefore AllowNoSlash"
            )),
            lines("  RewriteEngine on\n  RewriteOptions AllowNoSlash")
        );
    }
}
