//! Does a line take one request? Told as far as it can be told without the server; `None` where only the server knows.

use regex::{Regex, RegexBuilder};

use crate::httpd::Configuration;

use super::{Asked, Waiting, expression, has_flag, texts};

/// Does a path prefix of mod_alias, mod_proxy or `<Location>` take the path: the path itself, or all below it?
pub(in crate::change) fn prefix_takes(prefix: &str, path: &str) -> bool {
    let behind = path.strip_prefix(prefix);
    behind.is_some_and(|behind| behind.is_empty() || prefix.ends_with('/') || behind.starts_with('/'))
}

/// Does a pattern of PCRE's match a text?
pub(in crate::change) fn pattern_takes(text: &str, no_case: bool, path: &str) -> Option<bool> {
    let build = |text: &str| -> Option<Regex> {
        let mut builder = RegexBuilder::new(text);
        builder.case_insensitive(no_case).size_limit(1 << 20);
        builder.build().ok()
    };
    if let Some(whole) = build(text) {
        return Some(whole.is_match(path));
    }
    // The one that sites use to spare a path: `^/(?!\.well-known/)(.*)$`.
    let start = text.find("(?!").or_else(|| text.find("(?="))?;
    let mut depth = 0;
    let end = text[start..].char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        (depth == 0).then_some(start + at)
    })?;
    let (before, inner, behind) = (&text[..start], &text[start + 3..end], &text[end + 1..]);
    let (before_it, inner) = (build(before)?, build(&format!("^(?:{inner})"))?);
    let others = build(&[before, behind].concat());
    if others.as_ref().is_some_and(|others| !others.is_match(path)) {
        return Some(false);
    }
    // Where it is asked, one may take more or less of the path that has signs such as `?` before it.
    let is_literal = !before.contains(['*', '+', '?', '{', '(', '[', '|']);
    let is_negative = text[start..].starts_with("(?!");
    let mut holds = before_it
        .find_iter(path)
        .map(|found| inner.is_match(&path[found.end()..]) != is_negative);
    let (first, others) = (holds.next().filter(|_| is_literal)?, others?);
    match holds.all(|next| next == first) {
        true => Some(first && others.is_match(path)),
        false => None,
    }
}

/// Does an expression of Apache's hold for a request?
pub(in crate::change) fn expression_holds(text: &str, asked: &Asked<'_>) -> Option<bool> {
    // What looks ahead is not understood there.
    if text.contains("(?") {
        return None;
    }
    expression::holds(text, asked)
}

/// Do the conditions of a rule let a request through?
pub(in crate::change) fn conditions_hold(
    configuration: &Configuration,
    conditions: &[Waiting<'_>],
    asked: &Asked<'_>,
) -> Option<bool> {
    let mut all = Some(true);
    // Of those with `OR`, one is enough.
    let mut one: Option<Option<bool>> = None;
    for (entry, condition) in conditions {
        let words = texts(&configuration.arguments(entry));
        let is_known = !words.iter().any(|word| word.contains("(?"));
        let holds = condition.as_ref().filter(|_| is_known);
        let holds = holds.and_then(|condition| Some(condition.holds(asked, &[])?.0));
        let so_far = one.map_or(holds, |one| or(one, holds));
        match has_flag(words.get(2), ["OR", "ORNEXT"]) {
            true => one = Some(so_far),
            false => {
                all = and(all, so_far);
                one = None;
            }
        }
    }
    one.map_or(all, |one| and(all, one))
}

/// Both.
pub(in crate::change) fn and(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// One of both.
fn or(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    and(one.map(|one| !one), other.map(|other| !other)).map(|both| !both)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/.well-known/acme-challenge/token";

    #[test]
    fn what_prefixes_take() {
        for (prefix, takes) in [
            ("/", true),
            ("/.well-known", true),
            ("/.well-known/", true),
            ("/.well", false),
            (PATH, true),
            ("/x", false),
        ] {
            assert_eq!(prefix_takes(prefix, PATH), takes, "{prefix}");
        }
    }

    #[test]
    fn what_patterns_take() {
        for (pattern, takes) in [
            ("^/", Some(true)),
            ("^/x", Some(false)),
            (r"^/(?!\.well-known/acme-challenge/)(.*)$", Some(false)),
            (r"^/(?!\.well-known)", Some(false)),
            (r"^/(?!other)(.*)$", Some(true)),
            (r"/\.(?!well-known)", Some(false)),
            (r"^/?(?!\.well-known)(.*)$", None),
            (r"(^|/)\.", Some(true)),
            (r"(?<!x)y", None),
        ] {
            assert_eq!(pattern_takes(pattern, false, PATH), takes, "{pattern}");
        }
    }
}
