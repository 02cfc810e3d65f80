//! What a pattern takes of a text.

use regex::{Regex, RegexBuilder};

/// A pattern of PCRE's as far as it can be understood without it: what looks ahead is left out.
pub(super) fn pattern(text: &str, no_case: bool) -> Option<Regex> {
    let build = |text: &str| {
        RegexBuilder::new(text)
            .case_insensitive(no_case)
            .size_limit(1 << 20)
            .build()
            .ok()
    };
    build(text).or_else(|| {
        let start = text.find("(?!").or_else(|| text.find("(?="))?;
        let mut depth = 0;
        let end = text[start..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            (depth == 0).then_some(start + at + 1)
        })?;
        build(&[&text[..start], &text[end..]].concat())
    })
}

/// The whole match and its groups.
pub(super) fn groups_of(pattern: &Regex, text: &str) -> Option<Vec<String>> {
    let found = pattern.captures(text)?;
    let group = |group: Option<regex::Match<'_>>| group.map(|found| found.as_str().to_owned());
    Some(
        found
            .iter()
            .map(|found| group(found).unwrap_or_default())
            .collect(),
    )
}
