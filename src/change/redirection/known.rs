//! Variables of the configuration's own whose value it says itself: those that hold a scheme or the host that is asked
//! for, and maps that change no more than the case of letters. Edits nothing.

use crate::httpd::{Configuration, Entry, SERVER, VirtualHost};

use super::super::existing::{named_at, within};
use super::pattern::{groups_of, pattern};
use super::{flag_values, texts};

/// What may stand for `%{ENV:NAME}` and `${MAP:…}`.
#[derive(Clone, Debug, Default)]
pub(in crate::change) struct Known {
    /// Names of environment variables, each with a value that it may have.
    pub(super) values: Vec<(String, String)>,
    /// Maps of mod_rewrite's that hand out what they are asked for.
    pub(super) maps: Vec<String>,
}

impl Known {
    /// Of the main server, and of a virtual host.
    pub fn of(configuration: &Configuration, site: Option<&VirtualHost>) -> Known {
        let mut known = Known::default();
        let names = ["SetEnvIf", "SetEnvIfNoCase", "RewriteMap"];
        for entry in named_at(configuration, SERVER, &names) {
            known.take(configuration, entry);
        }
        for entry in site.into_iter().flat_map(|site| within(configuration, site)) {
            known.take(configuration, entry);
        }
        known
    }

    fn take(&mut self, configuration: &Configuration, entry: &Entry) {
        let is = |name: &str| configuration.is_named(entry, name);
        let rewrites = is("RewriteRule");
        if !rewrites && !is("SetEnvIf") && !is("SetEnvIfNoCase") && !is("RewriteMap") {
            return;
        }
        let words = texts(&configuration.arguments(entry));
        if rewrites {
            for (name, value) in words.get(2).into_iter().flat_map(|word| set_by(word)) {
                self.may_be(name, value.to_owned());
            }
        } else if is("RewriteMap") {
            let same = ["int:tolower", "int:toupper"];
            if let [name, kind, ..] = &words[..]
                && same.iter().any(|same| same.eq_ignore_ascii_case(kind))
            {
                self.maps.push(name.clone());
            }
        } else if let [attribute, pattern, variables @ ..] = &words[..] {
            for (name, value) in variables.iter().filter_map(|word| word.split_once('=')) {
                let value = match value.contains('$') {
                    true if attribute.eq_ignore_ascii_case("Host") => by_host(pattern, value),
                    true => "%{}".to_owned(),
                    false => value.to_owned(),
                };
                self.may_be(name, value);
            }
        }
    }

    fn may_be(&mut self, name: &str, value: String) {
        let pair = (name.to_owned(), value);
        if !self.values.contains(&pair) {
            self.values.push(pair);
        }
    }

    /// May a variable have several values?
    pub fn differs(&self, name: &str) -> bool {
        self.values.iter().filter(|(other, _)| other == name).count() > 1
    }

    /// The words of a directive.
    pub fn plain_words(&self, words: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let plain = |word: &Vec<u8>| match std::str::from_utf8(word) {
            Ok(text) => self.plainly(text).into_bytes(),
            Err(_) => word.clone(),
        };
        words.iter().map(plain).collect()
    }

    /// A text with what stands for its variables.
    pub fn plainly(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.values {
            let mut same = self.values.iter().filter(|(other, _)| other == name);
            // One that differs by request is nobody's to know, nor what a back reference took.
            let is_one = same.all(|(_, other)| other == value);
            let says_itself = !value.contains('$') && !value.replace("%{", "").contains('%');
            if is_one && says_itself && value != "%{}" {
                text = text.replace(&format!("%{{ENV:{name}}}"), value);
            }
        }
        for map in &self.maps {
            let start = format!("${{{map}:");
            while let Some(at) = text.find(&start) {
                let behind = &text[at + start.len()..];
                let Some(end) = closing(behind) else { break };
                let inner = behind[..end].split('|').next().unwrap_or_default();
                text = [&text[..at], inner, &behind[end + 1..]].concat();
            }
        }
        text
    }
}

/// The variables that the flags of a rule set, with their values.
pub(in crate::change) fn set_by(word: &str) -> impl Iterator<Item = (&str, &str)> {
    flag_values(word, ["E", "ENV"]).filter_map(|variable| variable.split_once(':'))
}

/// What a pattern takes of `Host`, as a variable of mod_rewrite's; `%{}`: something else.
fn by_host(text: &str, value: &str) -> String {
    let taken = pattern(text, true).and_then(|pattern| groups_of(&pattern, "h.test:81"));
    let said = match (value, taken) {
        ("$0", Some(groups)) => groups.first().cloned(),
        ("$1", Some(groups)) => groups.get(1).cloned(),
        _ => None,
    };
    match said.as_deref() {
        Some("h.test:81") => "%{HTTP_HOST}",
        Some("h.test") => "%{SERVER_NAME}",
        _ => "%{}",
    }
    .to_owned()
}

/// Where the bracket is that closes one before the text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_configuration_says_itself() {
        let mut known = Known::default();
        known.may_be("H", by_host("(.*)", "$1"));
        known.may_be("N", by_host("^([^:]+)", "$1"));
        known.may_be("PROTO", "http".to_owned());
        known.may_be("EITHER", "http".to_owned());
        known.may_be("EITHER", "https".to_owned());
        known.may_be("TAKEN", "%1".to_owned());
        known.maps.push("lc".to_owned());
        for (text, plainly) in [
            ("http://%{ENV:H}/x", "http://%{HTTP_HOST}/x"),
            ("http://%{ENV:N}/x", "http://%{SERVER_NAME}/x"),
            ("%{ENV:PROTO}://a/", "http://a/"),
            ("%{ENV:EITHER}://a/", "%{ENV:EITHER}://a/"),
            ("http://%{ENV:TAKEN}/", "http://%{ENV:TAKEN}/"),
            ("http://${lc:%{HTTP_HOST}}/p", "http://%{HTTP_HOST}/p"),
            ("http://${lc:%1|x}/p", "http://%1/p"),
            ("http://${uc:%1}/p", "http://${uc:%1}/p"),
        ] {
            assert_eq!(known.plainly(text), plainly);
        }
    }
}
