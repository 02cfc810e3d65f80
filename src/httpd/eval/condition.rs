//! The conditional sections that Apache decides while reading: their tests and their three-valued answers.

use std::borrow::Cow;

use crate::httpd::model::facts::Version;
use crate::httpd::model::truth::Truth;
use crate::httpd::text::word::words;

/// A conditional section that is decided when its opening line is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `<IfModule>`
    Module,
    /// `<IfDefine>`
    Define,
    /// `<IfVersion>`, of mod_version
    Version,
    /// `<IfFile>`, since 2.4.34
    File,
    /// `<IfDirective>`, since 2.4.34
    Directive,
    /// `<IfSection>`, since 2.4.34
    Section,
}

const NAMES: [(&[u8], Condition); 6] = [
    (b"IfModule", Condition::Module),
    (b"IfDefine", Condition::Define),
    (b"IfVersion", Condition::Version),
    (b"IfFile", Condition::File),
    (b"IfDirective", Condition::Directive),
    (b"IfSection", Condition::Section),
];

impl Condition {
    /// By the name of the section, without `<`.
    pub fn by_name(name: &[u8]) -> Option<Condition> {
        if !matches!(name, [b'i' | b'I', b'f' | b'F', _, ..]) {
            return None;
        }
        NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, condition)| *condition)
    }

    /// The name of the section as httpd spells it, without `<`.
    pub fn name(self) -> &'static [u8] {
        NAMES[self as usize].0
    }
}

/// A test: what is asked for, and whether the answer is turned round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test<'a> {
    /// There is a `!` in front.
    pub negated: bool,
    /// What is asked for, without quotes.
    pub name: Cow<'a, [u8]>,
}

impl<'a> Test<'a> {
    /// Reads the argument of a section other than `<IfVersion>`: an optional `!` and one word; what follows is
    /// ignored. Before 2.4.35 all of the text was the name. `None` when there is no name.
    pub fn parse(argument: &'a [u8], version: Version) -> Option<Self> {
        let (negated, rest) = match argument {
            [b'!', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        // Since 2.4.35 the name may be quoted, so it is read as a word.
        let name = if version.at_least(35) == Some(false) {
            Cow::Borrowed(rest)
        } else {
            words(rest).next()?.value
        };
        (!name.is_empty()).then_some(Test { negated, name })
    }
}

/// Decides `<IfVersion>` from all that follows its name: a test such as `>= 2.4>` or `!~ ^2\.4>`, its `>` included.
/// That may be a word of its own, and one more word may follow. An error is Apache's own message.
pub fn if_version(rest: &[u8], have: Version) -> Result<Truth, String> {
    let all: Vec<Vec<u8>> = words(rest).map(|w| w.value.into_owned()).collect();
    let (operator, wanted, mut third) = match all.as_slice() {
        [wanted] => (&b"="[..], wanted.as_slice(), None),
        [operator, wanted] => (operator.as_slice(), wanted.as_slice(), None),
        [operator, wanted, third] => (operator.as_slice(), wanted.as_slice(), Some(third.as_slice())),
        _ => (&b""[..], &b""[..], None),
    };
    if operator.is_empty() || all.first().is_none_or(Vec::is_empty) {
        return Err(
            "<IfVersion takes one, two or three arguments, a comparison operator, a version (and a \
                    delimiter)"
                .into(),
        );
    }
    // A lone argument is the version, compared with `=`.
    let (operator, wanted) = if third.is_none() && wanted == b">" {
        third = Some(b">");
        (&b"="[..], operator)
    } else {
        (operator, wanted)
    };
    let wanted = match wanted.strip_suffix(b">") {
        _ if wanted.is_empty() => return Err("<IfVersion> directive missing closing '>'".into()),
        _ if third == Some(b">") => wanted,
        Some(wanted) => wanted,
        None => return Err("<IfVersion> directive missing closing '>'".into()),
    };
    let (negated, bare) = match operator {
        [b'!', bare @ ..] if !bare.is_empty() => (true, bare),
        bare => (false, bare),
    };
    let truth = match bare {
        b"=" | b"==" if matches!(wanted, [b'/', ..]) => {
            let pattern = wanted[1..]
                .strip_suffix(b"/")
                .ok_or("Missing delimiting / of regular expression.")?;
            matches_pattern(pattern, have)?
        }
        b"~" => matches_pattern(wanted, have)?,
        b"=" | b"==" => compare(wanted, have)?.map(|order| order.is_eq()),
        b">" => compare(wanted, have)?.map(|order| order.is_gt()),
        b">=" => compare(wanted, have)?.map(|order| order.is_ge()),
        b"<" => compare(wanted, have)?.map(|order| order.is_lt()),
        b"<=" => compare(wanted, have)?.map(|order| order.is_le()),
        _ => {
            return Err(format!(
                "unrecognized operator '{}'",
                String::from_utf8_lossy(operator)
            ));
        }
    };
    let truth = truth.map_or(Truth::Unknown, Truth::from);
    Ok(if negated { !truth } else { truth })
}

/// How the server's version stands to the wanted one; `None` when that hangs on an unknown part.
fn compare(wanted: &[u8], have: Version) -> Result<Option<std::cmp::Ordering>, String> {
    const INVALID: &str = "Version appears to be invalid. It must have the format major[.minor[.patch]] where \
                           major, minor and patch are numbers.";
    if !wanted.first().is_some_and(u8::is_ascii_digit) {
        return Err(INVALID.into());
    }
    // Any part but the first may be empty, and so may a fourth.
    let mut numbers = [0u32; 3];
    for (at, part) in wanted.split(|&b| b == b'.').enumerate() {
        match numbers.get_mut(at) {
            Some(slot) if part.iter().all(u8::is_ascii_digit) => {
                let digits = String::from_utf8_lossy(part);
                *slot = if part.is_empty() {
                    0
                } else {
                    digits.parse().unwrap_or(u32::MAX)
                };
            }
            None if at == 3 && part.is_empty() => {}
            _ => return Err(INVALID.into()),
        }
    }
    let order = (have.major, have.minor).cmp(&(numbers[0], numbers[1]));
    Ok(match have.patch {
        _ if order.is_ne() => Some(order),
        Some(patch) => Some(patch.cmp(&numbers[2])),
        // Some 2.4.x is at least 2.4.0, as parts that are left out are 0; that answers >= and < for it.
        None if numbers[2] == 0 => Some(std::cmp::Ordering::Greater),
        None => None,
    })
}

fn matches_pattern(pattern: &[u8], have: Version) -> Result<Option<bool>, String> {
    let failed = || "Unable to compile regular expression".to_string();
    let text = std::str::from_utf8(pattern).map_err(|_| failed())?;
    let pattern = regex::Regex::new(text).map_err(|_| failed())?;
    Ok(have.patch.map(|_| pattern.is_match(&have.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn conditions_know_their_names() {
        for (name, condition) in NAMES {
            assert_eq!(
                (condition.name(), Condition::by_name(name)),
                (name, Some(condition))
            );
        }
    }

    #[test]
    fn a_test_is_one_word_since_2_4_35() {
        let test = |text: &'static str, v: &str| Test::parse(text.as_bytes(), version(v));
        let name = |negated, name: &'static str| {
            Some(Test {
                negated,
                name: name.as_bytes().into(),
            })
        };
        assert_eq!(test("mod_ssl.c", "2.4.71"), name(false, "mod_ssl.c"));
        assert_eq!(test("! \"ssl_module\" x", "2.4.71"), name(true, "ssl_module"));
        assert_eq!(test("!!a", "2.4.71"), name(true, "!a"));
        assert_eq!(test("mod_ssl.c ", "2.4.7"), name(false, "mod_ssl.c "));
        assert_eq!(test("!", "2.4.71"), None);
        assert_eq!(test("", "2.4.71"), None);
    }

    #[test]
    fn versions_compare_by_number() {
        let test = |text: &str| if_version(format!("{text}>").as_bytes(), version("2.4.71"));
        assert_eq!(test(">= 2.4"), Ok(Truth::True));
        assert_eq!(test("2.4"), Ok(Truth::False));
        assert_eq!(test("= 2.4.71"), Ok(Truth::True));
        assert_eq!(test("!> 2.4.80"), Ok(Truth::True));
        assert_eq!(test("~ ^2\\.4\\."), Ok(Truth::True));
        assert_eq!(test("= /^2\\.2/"), Ok(Truth::False));
        assert!(test(">=2.4").is_err());
        assert_eq!(test("\"2.4.71\" "), Ok(Truth::True));
        assert_eq!(test(">= 2.4. "), Ok(Truth::True));
        assert_eq!(if_version(b"> 2.4> tail", version("2.4.71")), Ok(Truth::True));
        assert!(if_version(b"> 2.4> tail > more", version("2.4.71")).is_err());
        assert!(if_version(b"> 2.4", version("2.4.71")).is_err());
        assert!(test(">= 2.4.1.1").is_err());
        assert_eq!(if_version(b">= 2.4.8>", version("2.4")), Ok(Truth::Unknown));
        assert_eq!(if_version(b">= 2.4>", version("2.4")), Ok(Truth::True));
        assert_eq!(if_version(b"< 2.4>", version("2.4")), Ok(Truth::False));
    }
}
