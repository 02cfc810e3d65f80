//! An expression of Apache's (`<If>`, `RewriteCond expr`): what it says of the way that a request came, and how it is
//! written where it is to hold over HTTPS as it does over HTTP.

use std::ops::Range;

use super::pattern::pattern;
use super::{Asked, expanded};

/// An expression as it is read.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    asked: &'t Asked<'t>,
    /// The comparisons: where they stand, whether something turns them around, and whether they hold.
    compared: Compared,
}

/// Whether an expression holds; `None`: only the server knows, or it is not understood.
pub(super) fn holds(text: &str, asked: &Asked<'_>) -> Option<bool> {
    read(text, asked, false)?.0
}

/// The expression with `true` for what holds over plain HTTP only, and `false` for what holds over TLS only and is
/// turned around; `None`: it says nothing of the way, or is not understood. `negated`: something turns all of it around.
pub(in crate::change) fn as_over_http(
    text: &str,
    negated: bool,
    plain: &Asked<'_>,
    tls: &Asked<'_>,
) -> Option<String> {
    let (_, over_http) = read(text, plain, negated)?;
    let (_, over_tls) = read(text, tls, negated)?;
    let mut out = text.to_owned();
    let mut changed = false;
    for ((place, turned, plain), (_, _, tls)) in over_http.into_iter().zip(over_tls).rev() {
        let said = match (plain, tls, turned) {
            (Some(true), Some(false), false) => "true",
            (Some(false), Some(true), true) => "false",
            _ => continue,
        };
        out.replace_range(place, said);
        changed = true;
    }
    changed.then_some(out)
}

type Compared = Vec<(Range<usize>, bool, Option<bool>)>;

fn read(text: &str, asked: &Asked<'_>, negated: bool) -> Option<(Option<bool>, Compared)> {
    let mut reader = Reader {
        text,
        at: 0,
        asked,
        compared: Vec::new(),
    };
    let found = reader.any(negated)?;
    reader.space();
    (reader.at == text.len()).then_some((found, reader.compared))
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn takes(&mut self, word: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(word);
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn any(&mut self, turned: bool) -> Option<Option<bool>> {
        let mut found = self.all(turned)?;
        while self.takes("||") {
            let next = self.all(turned)?;
            found = match (found, next) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            };
        }
        Some(found)
    }

    fn all(&mut self, turned: bool) -> Option<Option<bool>> {
        let mut found = self.one(turned)?;
        while self.takes("&&") {
            let next = self.one(turned)?;
            found = match (found, next) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
        }
        Some(found)
    }

    fn one(&mut self, turned: bool) -> Option<Option<bool>> {
        if self.takes("!") {
            return Some(self.one(!turned)?.map(|found| !found));
        }
        if self.takes("(") {
            let found = self.any(turned)?;
            return self.takes(")").then_some(found);
        }
        self.space();
        let start = self.at;
        let found = self.comparison()?;
        self.compared.push((start..self.at, turned, found));
        Some(found)
    }

    fn comparison(&mut self) -> Option<Option<bool>> {
        if let Some(operator) = self.letters_behind_dash() {
            let value = self.word()?;
            let is_no = |text: &str| {
                ["", "0", "off", "false", "no"]
                    .iter()
                    .any(|no| no.eq_ignore_ascii_case(text))
            };
            return Some(match (operator, value) {
                ("n", Some(value)) => Some(!value.is_empty()),
                ("z", Some(value)) => Some(value.is_empty()),
                ("T", Some(value)) => Some(!is_no(&value)),
                _ => None,
            });
        }
        for (word, value) in [("true", true), ("false", false)] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Some(Some(value));
            }
        }
        let left = self.word()?;
        if self.takes("=~") {
            return self.matched(left);
        }
        if self.takes("!~") {
            return Some(self.matched(left)?.map(|found| !found));
        }
        let signs = ["==", "!=", "<=", ">=", "=", "<", ">"];
        let operator = match signs.into_iter().find(|sign| self.takes(sign)) {
            Some(sign) => sign,
            None if self.takes("in ") => "in",
            None => self.letters_behind_dash()?,
        };
        let right = self.word()?;
        let (Some(left), Some(right)) = (left, right) else {
            return Some(None);
        };
        let numbers = || Some((left.parse::<i64>().ok()?, right.parse::<i64>().ok()?));
        Some(match operator {
            "==" | "=" => Some(left == right),
            "!=" => Some(left != right),
            "<" => Some(left < right),
            "<=" => Some(left <= right),
            ">" => Some(left > right),
            ">=" => Some(left >= right),
            "eq" => numbers().map(|(left, right)| left == right),
            "ne" => numbers().map(|(left, right)| left != right),
            "lt" => numbers().map(|(left, right)| left < right),
            "le" => numbers().map(|(left, right)| left <= right),
            "gt" => numbers().map(|(left, right)| left > right),
            "ge" => numbers().map(|(left, right)| left >= right),
            _ => None,
        })
    }

    /// `-eq`, `-n` and the like.
    fn letters_behind_dash(&mut self) -> Option<&'t str> {
        self.space();
        let behind = self.rest().strip_prefix('-')?;
        let end = behind
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        self.at += 1 + end;
        (end > 0).then_some(&behind[..end])
    }

    /// `/…/i`, `m#…#i`.
    fn matched(&mut self, left: Option<String>) -> Option<Option<bool>> {
        self.space();
        self.takes("m");
        let mark = self.rest().chars().next().filter(|mark| !mark.is_whitespace())?;
        self.at += mark.len_utf8();
        let end = self.rest().find(mark)?;
        let inner = &self.rest()[..end];
        self.at += end + mark.len_utf8();
        let flags = self.rest();
        let flags = &flags[..flags
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(flags.len())];
        self.at += flags.len();
        let found = pattern(inner, flags.contains('i'));
        Some(found.zip(left).map(|(pattern, left)| pattern.is_match(&left)))
    }

    /// A text, a variable or a number; the outer `None`: none of these, the inner one: only the server knows it.
    fn word(&mut self) -> Option<Option<String>> {
        self.space();
        let rest = self.rest();
        let first = rest.chars().next()?;
        let (length, said) = match first {
            '\'' | '"' => {
                let end = rest[1..].find(first)?;
                (end + 2, Some(&rest[1..=end]))
            }
            '%' => {
                let end = rest.find('}')? + 1;
                (end, Some(&rest[..end]))
            }
            '{' => (rest.find('}')? + 1, None),
            _ => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
                    .unwrap_or(rest.len());
                match rest[end..].starts_with('(') {
                    true => (rest.find(')')? + 1, None),
                    false => (end, Some(&rest[..end])),
                }
            }
        };
        if length == 0 {
            return None;
        }
        self.at += length;
        Some(said.and_then(|said| expanded(said, self.asked, &[], &[])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_over_http() {
        let asked = |tls, port| Asked {
            host: "a.test",
            path: "/",
            tls,
            port,
        };
        let (plain, tls) = (asked(false, 80), asked(true, 443));
        for (text, then) in [
            ("%{HTTPS} != 'on'", Some("true")),
            ("%{HTTPS} == \"off\"", Some("true")),
            ("%{SERVER_PORT} -eq 80", Some("true")),
            ("%{SERVER_PORT} == '80'", Some("true")),
            ("%{REQUEST_SCHEME} == 'http'", Some("true")),
            ("%{HTTPS} !~ /^on$/i", Some("true")),
            ("!(%{HTTPS} == 'on')", Some("!(false)")),
            ("! -T %{HTTPS}", Some("! false")),
            (
                "%{REQUEST_URI} =~ m#^/adm# && %{HTTPS} != 'on'",
                Some("%{REQUEST_URI} =~ m#^/adm# && true"),
            ),
            (
                "%{SERVER_PORT} -lt 443 && (req('Host') == 'a' || -e '/x')",
                Some("true && (req('Host') == 'a' || -e '/x')"),
            ),
            (
                "%{REMOTE_ADDR} in { '1', '2' } || %{HTTPS} == 'off'",
                Some("%{REMOTE_ADDR} in { '1', '2' } || true"),
            ),
            ("%{HTTPS} == 'on'", None),
            ("!(%{HTTPS} == 'off')", None),
            ("%{HTTP_HOST} == 'a.test'", None),
            ("%{HTTPS} !=", None),
            ("(", None),
            ("", None),
        ] {
            assert_eq!(as_over_http(text, false, &plain, &tls).as_deref(), then, "{text}");
        }
        assert_eq!(holds("%{HTTPS} != 'on' && req('X') == 'y'", &tls), Some(false));
        assert_eq!(holds("%{HTTPS} != 'on' && req('X') == 'y'", &plain), None);
    }
}
