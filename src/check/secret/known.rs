//! Secrets that a configuration holds, by value.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::Regex;

use super::{NAMES, REMOVED, by_surroundings};
use crate::httpd::{Configuration, Entry};

/// Shorter values are words of every text; they are taken out by their surroundings only.
const SHORTEST: usize = 4;
/// Values that say nothing, however they are used.
const PLAIN: [&str; 14] = [
    "true",
    "false",
    "none",
    "null",
    "default",
    "builtin",
    "production",
    "development",
    "localhost",
    "anon",
    "early",
    "always",
    "expr",
    "http",
];
/// So much of a value is enough to know it by, where the rest was cut off.
const ENOUGH: usize = 24;

static NAMED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!("(?i){NAMES}|dbdparams|dialog")).ok());
static LOGIN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"://([^/\s@:]*):([^\s]*)@").ok());
static HEADER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)authorization|cookie|http:x-|http_x_|api-?key|token|secret").ok());
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"'([^']+)'|"([^"]+)""#).ok());

/// The secrets of a configuration.
pub struct Secrets {
    /// In the order of their letters.
    values: Vec<String>,
    /// The values, of long ones their starts; nothing where there are none.
    patterns: Option<AhoCorasick>,
}

impl Secrets {
    /// Gathers them from every directive, active or not.
    pub fn of(configuration: &Configuration) -> Secrets {
        Secrets::new(values(configuration))
    }

    /// The same, with those of diffs of it: what somebody has replaced since may be in use elsewhere.
    pub fn with_diffs<'a>(
        configuration: &Configuration,
        diffs: impl IntoIterator<Item = &'a str>,
    ) -> Secrets {
        let mut all = values(configuration);
        for diff in diffs {
            let lines = diff.lines().filter_map(|line| line.strip_prefix(['+', '-', ' ']));
            // What they include is not of them.
            let lines = lines.filter(|line| {
                let word = line.trim_start().get(..7);
                !word.is_some_and(|word| word.eq_ignore_ascii_case("include"))
            });
            let text = lines.collect::<Vec<_>>().join("\n");
            let (source, facts) = (configuration.source().clone(), configuration.facts().clone());
            let of_diff = Configuration::from_bytes(b"diff", text.into_bytes(), source, facts);
            all.extend(values(&of_diff));
        }
        Secrets::new(all)
    }

    fn new(values: Vec<Vec<u8>>) -> Secrets {
        let mut values: Vec<String> = values
            .iter()
            .map(|value| String::from_utf8_lossy(value).trim().to_string())
            .filter(|value| value.len() >= SHORTEST && !is_plain(value))
            .collect();
        values.sort_unstable();
        values.dedup();
        // Long lines are cut where they are shown.
        let starts = values.iter().map(|value| value.get(..ENOUGH).unwrap_or(value));
        let all: BTreeSet<&str> = starts.collect();
        let patterns = match all.is_empty() {
            true => None,
            false => Some(AhoCorasick::new(all).expect("fewer values than a configuration has lines")),
        };
        Secrets { values, patterns }
    }

    /// A text without them, and without what looks like a secret by its surroundings.
    pub fn remove(&self, text: &str) -> String {
        let mut left = String::with_capacity(text.len());
        let mut from = 0;
        for found in self.found(text) {
            left.push_str(&text[from..found.start]);
            left.push_str(REMOVED);
            from = found.end;
        }
        left.push_str(&text[from..]);
        by_surroundings(&left)
    }

    /// Where they stand in a text, in order; those that overlap are one.
    fn found(&self, text: &str) -> Vec<Range<usize>> {
        let patterns = self.patterns.iter();
        let matches = patterns.flat_map(|patterns| patterns.find_overlapping_iter(text));
        let mut found: Vec<Range<usize>> = matches
            .map(|found| match found.len() < ENOUGH {
                true => found.range(),
                false => {
                    found.start()..found.start() + self.known_start(&text[found.start()..]).max(found.len())
                }
            })
            .collect();
        found.sort_unstable_by_key(|range| (range.start, range.end));
        found.dedup_by(|next, last| {
            let overlaps = next.start < last.end;
            if overlaps {
                last.end = last.end.max(next.end);
            }
            overlaps
        });
        found
    }

    /// How many bytes at the start of a text are those of a value: of its neighbours, were it one of them.
    fn known_start(&self, text: &str) -> usize {
        let at = self.values.partition_point(|value| value.as_str() < text);
        let neighbours = self.values[at.saturating_sub(1)..].iter().take(2);
        let same = neighbours.map(|value| {
            let same = text
                .chars()
                .zip(value.chars())
                .take_while(|(one, other)| one == other);
            same.map(|(one, _)| one.len_utf8()).sum()
        });
        same.max().unwrap_or(0)
    }
}

fn values(configuration: &Configuration) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for entry in configuration.entries() {
        gather(configuration, entry, &mut values);
    }
    for (name, value) in &configuration.facts().environment {
        if is(&NAMED, name) {
            values.push(value.clone());
        }
    }
    for file in configuration.files() {
        of_key(file.document.bytes(), &mut values);
    }
    values
}

fn is(pattern: &LazyLock<Option<Regex>>, bytes: &[u8]) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(bytes))
}

fn is_plain(value: &str) -> bool {
    PLAIN.iter().any(|plain| plain.eq_ignore_ascii_case(value)) || Path::new(value).exists()
}

fn gather(configuration: &Configuration, entry: &Entry, values: &mut Vec<Vec<u8>>) {
    let name = configuration.name(entry).to_ascii_lowercase();
    let text = configuration.text(entry);
    if let Some(pattern) = &*LOGIN {
        for found in pattern.captures_iter(&text) {
            values.extend(found.get(2).map(|password| password.as_bytes().to_vec()));
        }
    }
    let after = |number: usize| configuration.arguments(entry).into_iter().skip(number);
    match name.as_slice() {
        b"setenv" | b"authbasicfake" => values.extend(after(1)),
        b"requestheader" => values.extend(after(2)),
        b"define" | b"php_value" | b"php_admin_value" => {
            let named = after(0).next().is_some_and(|name| is(&NAMED, &name));
            values.extend(after(1).filter(|_| named));
        }
        b"setenvif" | b"setenvifnocase" | b"setenvifexpr" | b"browsermatch" | b"browsermatchnocase" => {
            let set = after(1).filter_map(|word| {
                let at = word.iter().position(|byte| *byte == b'=')?;
                Some(word[at + 1..].to_vec())
            });
            values.extend(set);
            compared(&text, after(1).take(1), values);
        }
        b"header" => compared(&text, after(2), values),
        b"rewritecond" => compared(&text, after(1).take(1), values),
        // What its seed comes from, where that is no word of Apache's own.
        b"sslrandomseed" => values.extend(after(1).filter(|source| source.contains(&b':'))),
        name if name.starts_with(b"<") || name == b"require" => compared(&text, std::iter::empty(), values),
        name if is(&NAMED, name) => values.extend(after(0)),
        _ => {}
    }
}

/// What the headers that carry secrets are compared with, or set to.
fn compared(text: &[u8], words: impl Iterator<Item = Vec<u8>>, values: &mut Vec<Vec<u8>>) {
    if !is(&HEADER, text) {
        return;
    }
    for word in words {
        // A pattern that stands for one value is that value.
        let bare = word.strip_prefix(b"!").unwrap_or(&word);
        let bare = bare.strip_prefix(b"^").unwrap_or(bare);
        values.push(bare.strip_suffix(b"$").unwrap_or(bare).to_vec());
        values.push(word);
    }
    if let Some(pattern) = &*QUOTED {
        for found in pattern.captures_iter(text) {
            values.extend(
                found
                    .get(1)
                    .or(found.get(2))
                    .map(|value| value.as_bytes().to_vec()),
            );
        }
    }
}

/// Lines of a key that was taken for configuration.
fn of_key(bytes: &[u8], values: &mut Vec<Vec<u8>>) {
    let mut inside = false;
    for line in bytes.split(|byte| *byte == b'\n') {
        let has = |words: &[u8]| memchr::memmem::find(line, words).is_some();
        if has(b"PRIVATE KEY-----") {
            inside = has(b"-----BEGIN ");
        } else if inside {
            values.push(line.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_wherever_they_stand() {
        let value = "a long value, with blanks, that somebody chose".to_string();
        let secrets = Secrets::new(vec![
            value.clone().into_bytes(),
            b"pearl".to_vec(),
            b"pearl-diver".to_vec(),
            b"true".to_vec(),
            b"no".to_vec(),
        ]);
        assert_eq!(secrets.remove("x pearl-diver, pearl"), "x [removed], [removed]");
        assert_eq!(secrets.remove(&format!("<{value}>")), "<[removed]>");
        assert_eq!(secrets.remove(&value[..30]), "[removed]");
        assert_eq!(secrets.remove("no, it is true"), "no, it is true");
    }

    #[test]
    fn nothing_is_left_of_values_that_overlap() {
        let start = "a value of which so much is shown";
        let values = [
            "abcdef",
            "defghijk",
            &format!("{start} as one"),
            &format!("{start} and as another"),
        ];
        let secrets = Secrets::new(values.map(|value| value.as_bytes().to_vec()).to_vec());
        for (text, left) in [
            ("xabcdefghijkx", "x[removed]x"),
            ("abcdefabcdef", "[removed][removed]"),
            (&format!("<{start} as o ther>"), "<[removed] ther>"),
            (&format!("<{start} and as another>"), "<[removed]>"),
            (&format!("<{start}>"), "<[removed]>"),
            (&format!("<{}é>", &start[..ENOUGH]), "<[removed]é>"),
        ] {
            assert_eq!(secrets.remove(text), left, "{text}");
        }
        assert_eq!(Secrets::new(Vec::new()).remove("abcdef"), "abcdef");
    }

    /// Once through the text for all of them: for each of ten thousand it was minutes.
    #[test]
    fn many_values_are_one_pass() {
        let values: Vec<_> = (0..20_000)
            .map(|number| format!("value-{number:05}").into_bytes())
            .collect();
        let text = "a line with value-00777 and without\n".repeat(50_000);
        let left = Secrets::new(values).remove(&text);
        assert_eq!(left.matches("[removed]").count(), 50_000);
    }
}
