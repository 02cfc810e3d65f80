//! A `RewriteCond`: whether it lets a request through.

use std::cmp::Ordering;

use super::pattern::{groups_of, pattern};
use super::{Asked, expanded, expression, has_flag, without_negation};

/// A `RewriteCond`, by its arguments.
#[derive(Clone, Debug)]
pub(in crate::change) struct Condition {
    tested: String,
    pattern: String,
    negated: bool,
    /// Letters are taken in either case.
    no_case: bool,
    /// The next condition is another way for this one.
    pub(super) or: bool,
}

/// What a condition says of the way a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::change) enum States {
    /// It holds over plain HTTP only.
    Plain,
    /// It holds over TLS only.
    Tls,
    /// It is the same both ways, or nobody but the server knows.
    Neither,
}

impl Condition {
    /// Of the arguments of a `RewriteCond`.
    pub fn new(arguments: &[Vec<u8>]) -> Option<Condition> {
        let text = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
        let mut words = arguments.iter().map(text);
        let (tested, pattern) = (words.next()?, words.next()?);
        let flags = words.next();
        let (negated, pattern) = without_negation(pattern);
        Some(Condition {
            tested,
            pattern,
            negated,
            no_case: has_flag(flags.as_ref(), ["NC", "NOCASE"]),
            or: has_flag(flags.as_ref(), ["OR", "ORNEXT"]),
        })
    }

    /// Whether it holds, and what its groups took; `None`: only the server knows.
    pub(super) fn holds(&self, asked: &Asked<'_>, groups: &[String]) -> Option<(bool, Vec<String>)> {
        if self.is_expression() {
            let holds = expression::holds(&self.pattern, asked)?;
            return Some((holds != self.negated, Vec::new()));
        }
        let tested = expanded(&self.tested, asked, groups, &[])?;
        if let Some(holds) = by_order(&tested, &self.pattern) {
            return Some((holds != self.negated, Vec::new()));
        }
        // What is tested by the file system.
        if self.pattern.starts_with('-') && self.pattern.len() > 1 {
            return None;
        }
        let (holds, groups) = if let Some(text) = self.pattern.strip_prefix('=') {
            let text = text.trim_matches('"');
            let same = match self.no_case {
                true => text.eq_ignore_ascii_case(&tested),
                false => text == tested,
            };
            (same, Vec::new())
        } else {
            let found = pattern(&self.pattern, self.no_case)?;
            match groups_of(&found, &tested) {
                Some(groups) => (true, groups),
                None => (false, Vec::new()),
            }
        };
        Some((holds != self.negated, groups))
    }

    fn is_expression(&self) -> bool {
        self.tested.eq_ignore_ascii_case("expr")
    }

    /// The expression that it is, and whether it is turned around.
    pub fn expression(&self) -> (&str, bool) {
        let text = if self.is_expression() { &*self.pattern } else { "" };
        (text, self.negated)
    }

    /// What it says of the way that a request for the host came, HTTP being asked at one port and HTTPS at another.
    pub fn states(&self, host: &str, http: u16, https: u16) -> States {
        let way = |tls, port| {
            let asked = Asked {
                host,
                path: "/",
                tls,
                port,
            };
            self.holds(&asked, &[]).map(|(holds, _)| holds)
        };
        // Paths and names differ by request, and the way does not.
        let by_way = ["HTTPS", "REQUEST_SCHEME", "SERVER_PORT"];
        let tested = match self.is_expression() {
            true => self.pattern.to_ascii_uppercase(),
            false => self.tested.to_ascii_uppercase(),
        };
        if !by_way.iter().any(|name| tested.contains(name)) {
            return States::Neither;
        }
        match (way(false, http), way(true, https)) {
            (Some(true), Some(false)) => States::Plain,
            (Some(false), Some(true)) => States::Tls,
            _ => States::Neither,
        }
    }
}

/// Comparisons by order; those with `<` and `>` take the longer text for the greater one (mod_rewrite,
/// `compare_lexicography`).
fn by_order(tested: &str, pattern: &str) -> Option<bool> {
    let number = |sign: &str| -> Option<Ordering> {
        let wanted: i64 = pattern.strip_prefix(sign)?.trim().parse().ok()?;
        Some(tested.parse::<i64>().ok()?.cmp(&wanted))
    };
    let text = |sign: &str| -> Option<Ordering> {
        let wanted = pattern.strip_prefix(sign)?.trim_matches('"');
        Some(tested.len().cmp(&wanted.len()).then_with(|| tested.cmp(wanted)))
    };
    type Holds = fn(Ordering) -> bool;
    let numbers: [(&str, Holds); 6] = [
        ("-eq", Ordering::is_eq),
        ("-ne", Ordering::is_ne),
        ("-lt", Ordering::is_lt),
        ("-le", Ordering::is_le),
        ("-gt", Ordering::is_gt),
        ("-ge", Ordering::is_ge),
    ];
    // The longer sign first.
    let texts: [(&str, Holds); 4] = [
        ("<=", Ordering::is_le),
        (">=", Ordering::is_ge),
        ("<", Ordering::is_lt),
        (">", Ordering::is_gt),
    ];
    let by_number = numbers.iter().find_map(|(sign, holds)| number(sign).map(holds));
    by_number.or_else(|| texts.iter().find_map(|(sign, holds)| text(sign).map(holds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(line: &str) -> Condition {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        Condition::new(&words).unwrap()
    }

    #[test]
    fn the_way_a_request_came() {
        for (line, states) in [
            ("%{HTTPS} off", States::Plain),
            ("%{HTTPS} !=on", States::Plain),
            ("%{HTTPS} !^on$ [NC]", States::Plain),
            ("%{https} on", States::Tls),
            ("%{SERVER_PORT} ^80$", States::Plain),
            ("%{SERVER_PORT} !^443$", States::Plain),
            ("%{SERVER_PORT} =443", States::Tls),
            ("%{REQUEST_SCHEME} =http", States::Plain),
            ("%{REQUEST_SCHEME} ^http", States::Neither),
            ("%{HTTP:X-Forwarded-Proto} !https", States::Neither),
            ("%{HTTP_HOST} ^a", States::Neither),
            ("%{SERVER_PORT}%{HTTP_HOST} ^80", States::Plain),
            ("%{SERVER_PORT} <443", States::Plain),
            ("%{SERVER_PORT} !>=443", States::Plain),
            ("%{SERVER_PORT} >100", States::Tls),
            ("%{SERVER_PORT} -eq80", States::Plain),
            ("%{SERVER_PORT} !-eq443", States::Plain),
            ("expr %{HTTPS}!='on'", States::Plain),
            ("expr !%{HTTPS}=='on'", States::Plain),
            ("EXPR %{HTTPS}=='on'", States::Tls),
            ("expr %{HTTP_HOST}=='a.test'", States::Neither),
        ] {
            assert_eq!(condition(line).states("a.test", 80, 443), states, "{line}");
        }
    }
}
