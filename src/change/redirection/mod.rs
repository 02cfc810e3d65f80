//! Where a line that redirects leads, worked out on sample requests as mod_alias and mod_rewrite do. What the server
//! alone knows (headers, files, maps) is taken to hold. Edits nothing.

mod condition;
mod example;
mod expression;
mod known;
mod line;
mod pattern;
mod rule;
mod side;
mod taken;
mod takes;
mod within;

use crate::httpd::{in_url, matches_alias};

pub(super) use condition::{Condition, States};
pub(super) use known::{Known, set_by};
pub(super) use line::{
    Waiting, both_ways, by_way, is_gone, only_leads_to_itself, partly_of_plain, redirects,
    redirects_everything, with_conditions,
};
pub(super) use rule::Rule;
pub(super) use side::Side;
pub(super) use takes::{and, conditions_hold, expression_holds, pattern_takes, prefix_takes};
pub(super) use within::Within;

/// Who asks, and how.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    /// The name that is asked for.
    pub host: &'a str,
    /// The path, with its first slash.
    pub path: &'a str,
    /// Over TLS.
    pub tls: bool,
    /// The port that is asked.
    pub port: u16,
}

/// An absolute URL that a redirect names, in its parts as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    /// It is `https`.
    pub tls: bool,
    /// Host name, IPv6 addresses in brackets; variables and back references as they are written.
    pub host: &'a str,
    /// The port, as said or as the scheme has it; none where it is no number.
    pub port: Option<u16>,
    /// All behind it.
    pub rest: &'a str,
}

impl<'a> Url<'a> {
    /// Of a word that is an address with `http` or `https`.
    pub fn parse(word: &'a str) -> Option<Url<'a>> {
        let (scheme, after) = word.split_once("://")?;
        let tls = scheme.eq_ignore_ascii_case("https");
        if !tls && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let end = host_end(after);
        let (host, behind) = after.split_at(end);
        let (port, rest) = match behind.strip_prefix(':') {
            Some(behind) => {
                let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
                (behind[..end].parse().ok(), &behind[end..])
            }
            None => (Some(if tls { 443 } else { 80 }), behind),
        };
        Some(Url {
            tls,
            host,
            port,
            rest,
        })
    }

    /// Its path, without what is asked for behind it.
    pub fn path(&self) -> &'a str {
        let path = self.rest.split(['?', '#']).next().unwrap_or_default();
        if path.is_empty() { "/" } else { path }
    }
}

/// The names that a virtual host answers to, `*` and `?` in them as in `ServerAlias`.
#[derive(Clone, Debug)]
pub(super) struct Names<'a>(pub Vec<&'a str>);

impl Names<'_> {
    /// Is the host of an address one of them?
    pub fn has(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let names = self.0.iter();
        names
            .into_iter()
            .any(|name| matches_alias(in_url(name).as_bytes(), host.as_bytes()))
    }

    /// One for each that a client may ask for.
    fn samples(&self) -> Vec<String> {
        self.0.iter().map(|name| name.replace(['*', '?'], "x")).collect()
    }
}

/// Is one of the names among the flags of a line of mod_rewrite's, such as `[NC,R=301]`?
pub(super) fn has_flag(flags: Option<&String>, names: [&str; 2]) -> bool {
    let is_one = |flag: &str| {
        let own = flag.split('=').next().unwrap_or_default();
        names.iter().any(|name| name.eq_ignore_ascii_case(own))
    };
    flags.is_some_and(|word| flags_of(word).any(is_one))
}

/// What flags of one of the names say behind their `=`.
pub(super) fn flag_values<'a>(word: &'a str, names: [&'a str; 2]) -> impl Iterator<Item = &'a str> {
    let pairs = flags_of(word).filter_map(|flag| flag.split_once('='));
    let own = pairs.filter(move |(own, _)| names.iter().any(|name| name.eq_ignore_ascii_case(own)));
    own.map(|(_, value)| value)
}

/// The words of a line as text, whatever their bytes are.
pub(super) fn texts(words: &[Vec<u8>]) -> Vec<String> {
    let words = words.iter();
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The flags of such a line.
pub(super) fn flags_of(word: &str) -> impl Iterator<Item = &str> {
    word.trim_matches(['[', ']']).split(',').map(str::trim)
}

/// A pattern without the `!` before it, and whether it had one.
fn without_negation(pattern: String) -> (bool, String) {
    match pattern.strip_prefix('!') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, pattern),
    }
}

/// An address up to its path, which may begin in the midst of a word.
fn origin(target: &str) -> Option<&str> {
    let (scheme, after) = target.split_once("://")?;
    let host = host_end(after);
    let port = after[host..]
        .strip_prefix(':')
        .map_or(0, |port| 1 + host_end(port));
    Some(&target[..scheme.len() + 3 + host + port])
}

/// Where the host of an address ends: variables and addresses in brackets hold colons too.
fn host_end(text: &str) -> usize {
    let mut closing = None;
    for (at, c) in text.char_indices() {
        match (closing, c) {
            (Some(wanted), c) if c == wanted => closing = None,
            (Some(_), _) => {}
            (None, '{') => closing = Some('}'),
            (None, '[') => closing = Some(']'),
            (None, '/' | ':' | '?' | '#') => return at,
            (None, '$' | '%') if at > 0 && is_path(&text[at..]) => return at,
            (None, _) => {}
        }
    }
    text.len()
}

/// Is it a path, which brings its slash itself: `http://a.test$1`, `http://%{HTTP_HOST}%{REQUEST_URI}`?
fn is_path(text: &str) -> bool {
    let is_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    let Some(inner) = text[1..].strip_prefix('{') else {
        let behind = text.get(2..).unwrap_or_default();
        return is_number(&text[1..]) && (behind.is_empty() || behind.starts_with(['?', '#', '$', '%']));
    };
    let name = inner.split('}').next().unwrap_or_default();
    ["REQUEST_URI", "THE_REQUEST", "PATH_INFO"]
        .iter()
        .any(|path| name.eq_ignore_ascii_case(path))
}

/// What variables say of a request, and back references of what matched; `None`: something that only the server knows.
fn expanded(text: &str, asked: &Asked<'_>, rule: &[String], condition: &[String]) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '%', '\\']) {
        out.push_str(&rest[..at]);
        let (mark, behind) = (rest.as_bytes()[at], &rest[at + 1..]);
        if mark == b'\\' {
            let end = behind.chars().next().map_or(0, char::len_utf8);
            out.push_str(&behind[..end]);
            rest = &behind[end..];
        } else if let Some(number) = behind.chars().next().and_then(|c| c.to_digit(10)) {
            let from = if mark == b'$' { rule } else { condition };
            out.push_str(from.get(number as usize).map_or("", String::as_str));
            rest = &behind[1..];
        } else if let Some(inner) = behind.strip_prefix('{') {
            let (name, after) = inner.split_once('}')?;
            if mark == b'$' {
                return None;
            }
            out.push_str(&variable(name, asked)?);
            rest = after;
        } else {
            out.push(mark.into());
            rest = behind;
        }
    }
    out.push_str(rest);
    Some(out)
}

fn variable(name: &str, asked: &Asked<'_>) -> Option<String> {
    let usual = asked.port == if asked.tls { 443 } else { 80 };
    Some(match name.to_ascii_uppercase().as_str() {
        "HTTP_HOST" | "HTTP:HOST" if !usual => format!("{}:{}", in_url(asked.host), asked.port),
        "HTTP_HOST" | "HTTP:HOST" | "SERVER_NAME" => in_url(asked.host).into_owned(),
        "REQUEST_URI" | "SCRIPT_NAME" => asked.path.to_owned(),
        "HTTPS" => if asked.tls { "on" } else { "off" }.to_owned(),
        "REQUEST_SCHEME" => if asked.tls { "https" } else { "http" }.to_owned(),
        "SERVER_PORT" => asked.port.to_string(),
        "SSL:HTTPS" => if asked.tls { "on" } else { "" }.to_owned(),
        "QUERY_STRING" => String::new(),
        "REQUEST_METHOD" => "GET".to_owned(),
        "THE_REQUEST" => format!("GET {} HTTP/1.1", asked.path),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_their_parts() {
        let url = |text| Url::parse(text).map(|url| (url.tls, url.host, url.port, url.rest));
        assert_eq!(
            url("https://a.test/x?y"),
            Some((true, "a.test", Some(443), "/x?y"))
        );
        assert_eq!(url("HTTP://a.test:8080"), Some((false, "a.test", Some(8080), "")));
        assert_eq!(
            url("https://%{HTTP:Host}:8443%{REQUEST_URI}"),
            Some((true, "%{HTTP:Host}", Some(8443), "%{REQUEST_URI}"))
        );
        assert_eq!(
            url("http://[2001:db8::7]:81/"),
            Some((false, "[2001:db8::7]", Some(81), "/"))
        );
        assert_eq!(url("/there"), None);
        assert_eq!(url("ftp://a.test/"), None);
    }
}
