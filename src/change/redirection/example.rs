//! Texts that a pattern of PCRE's takes, to try a rule on. Those that it does not take after all do no harm: the rule is
//! asked.

use std::iter::Peekable;
use std::str::Chars;

/// More are not tried.
const MOST: usize = 6;

/// Some texts that the pattern takes: one of each alternative, with and without what may be left out.
pub(super) fn examples(pattern: &str) -> Vec<String> {
    let mut rest = pattern.chars().peekable();
    let mut all = alternatives(&mut rest);
    all.sort();
    all.dedup();
    all
}

/// Up to the end, or the bracket that closes.
fn alternatives(rest: &mut Peekable<Chars<'_>>) -> Vec<String> {
    let mut all = sequence(rest);
    while rest.next_if_eq(&'|').is_some() {
        all.extend(sequence(rest));
    }
    all.truncate(MOST);
    all
}

fn sequence(rest: &mut Peekable<Chars<'_>>) -> Vec<String> {
    let mut all = vec![String::new()];
    while let Some(next) = rest.next_if(|next| !['|', ')'].contains(next)) {
        let mut parts = item(next, rest);
        repeated(&mut parts, rest);
        let joined = all
            .iter()
            .flat_map(|before| parts.iter().map(move |part| format!("{before}{part}")));
        all = joined.take(MOST).collect();
    }
    all
}

/// One character, class or group.
fn item(first: char, rest: &mut Peekable<Chars<'_>>) -> Vec<String> {
    match first {
        '^' | '$' => vec![String::new()],
        '.' => vec!["x".into()],
        '\\' => vec![rest.next().map(escaped).unwrap_or_default()],
        '[' => vec![class(rest)],
        '(' => group(rest),
        other => vec![other.into()],
    }
}

fn group(rest: &mut Peekable<Chars<'_>>) -> Vec<String> {
    let mut looks_around = false;
    if rest.next_if_eq(&'?').is_some() {
        let kind = rest.next();
        let behind = kind == Some('<') && rest.next_if(|next| ['=', '!'].contains(next)).is_some();
        looks_around = behind || matches!(kind, Some('=' | '!'));
        if matches!(kind, Some('P' | '<')) && !behind {
            rest.find(|next| *next == '>');
        }
    }
    let all = alternatives(rest);
    rest.next_if_eq(&')');
    if looks_around { vec![String::new()] } else { all }
}

fn escaped(letter: char) -> String {
    match letter {
        'd' => "1".into(),
        'w' | 'D' | 'S' => "x".into(),
        's' => " ".into(),
        'b' | 'B' | 'A' | 'z' | 'Z' => String::new(),
        other => other.into(),
    }
}

/// Up to the closing bracket: the first that it has, or a usual one that it does not exclude.
fn class(rest: &mut Peekable<Chars<'_>>) -> String {
    let negated = rest.next_if_eq(&'^').is_some();
    let mut all = Vec::new();
    while let Some(next) = rest.next() {
        match next {
            ']' if !all.is_empty() => break,
            '\\' => all.push(rest.next().map(escaped).unwrap_or_default()),
            other => all.push(other.into()),
        }
    }
    if negated {
        let free = ["x", "1", "-"]
            .into_iter()
            .find(|usual| !all.iter().any(|one| one == usual));
        return free.unwrap_or_default().into();
    }
    all.into_iter().next().unwrap_or_default()
}

/// How often a part may be there.
fn repeated(parts: &mut Vec<String>, rest: &mut Peekable<Chars<'_>>) {
    match rest.peek() {
        Some('*' | '?') => parts.insert(0, String::new()),
        Some('+') => {}
        Some('{') => {
            rest.next();
            let inner: String = rest.by_ref().take_while(|next| *next != '}').collect();
            let least = inner
                .split(',')
                .next()
                .and_then(|least| least.parse::<usize>().ok());
            parts
                .iter_mut()
                .for_each(|part| *part = part.repeat(least.unwrap_or(1).min(MOST)));
            return;
        }
        _ => return,
    }
    rest.next();
    // As few or as many as possible.
    rest.next_if(|next| ['?', '+'].contains(next));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alternative_has_an_example() {
        for (pattern, wanted) in [
            ("^/(secure|old)$", vec!["/old", "/secure"]),
            ("^/a(?:b)?$", vec!["/a", "/ab"]),
            (r"^/u/([a-z]+)/(\d+)\.html$", vec!["/u/a/1.html"]),
            ("^/(?!new)([^/]*)", vec!["/", "/x"]),
            ("^/x{3}[]y]$", vec!["/xxx]"]),
            ("^/(?<name>a|b(c|d))", vec!["/a", "/bc", "/bd"]),
            ("(", vec![""]),
            ("[", vec![""]),
        ] {
            assert_eq!(examples(pattern), wanted, "{pattern}");
        }
    }
}
