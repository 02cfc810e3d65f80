//! What a pattern takes of a text.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use regex::{Regex, RegexBuilder};

/// Patterns that were compiled, by their text and whether letters are taken in either case.
type Compiled = HashMap<(String, bool), Option<Regex>>;

/// A pattern of PCRE's as far as it can be understood without it: what looks ahead is left out. The same few are asked for
/// hundreds of times, and to compile one takes as long as to read a thousand lines.
pub(super) fn pattern(text: &str, no_case: bool) -> Option<Regex> {
    /// More are not kept.
    const MOST: usize = 1000;
    static COMPILED: Mutex<Option<Compiled>> = Mutex::new(None);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let compiled = compiled.get_or_insert_default();
    let key = (text.to_owned(), no_case);
    if let Some(known) = compiled.get(&key) {
        return known.clone();
    }
    let new = compile(text, no_case);
    if compiled.len() < MOST {
        compiled.insert(key, new.clone());
    }
    new
}

fn compile(text: &str, no_case: bool) -> Option<Regex> {
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
