//! The number of arguments, by the rules of httpd's `invoke_cmd`. Knows no directive.

use crate::httpd::known::Arity;
use crate::httpd::word::words;

/// What the directive takes, in Apache's words, when the arguments are not that.
pub fn refuses(arity: Arity, rest: &[u8]) -> Option<&'static str> {
    let mut words = words(rest);
    let mut empty = [true; 3];
    let mut take = |n: usize| {
        if let Some(word) = words.next() {
            empty[n] = word.value.is_empty();
        }
    };
    let count = match arity {
        Arity::Raw => return None,
        Arity::One | Arity::Iterate | Arity::Iterate2 | Arity::Flag => 1,
        Arity::Two | Arity::OneTwo => 2,
        _ => 3,
    };
    if arity == Arity::Flag {
        let on_or_off = words.next().is_some_and(|word| {
            word.value.eq_ignore_ascii_case(b"on") || word.value.eq_ignore_ascii_case(b"off")
        });
        return (!on_or_off).then_some("must be On or Off");
    }
    (0..count).for_each(&mut take);
    let [first, second, third] = empty;
    let more = !words.rest().is_empty();
    let (bad, text) = match arity {
        Arity::One => (first || more, "takes one argument"),
        Arity::Two => (first || second || more, "takes two arguments"),
        Arity::OneTwo => (first || more, "takes 1-2 arguments"),
        Arity::Three => (first || second || third || more, "takes three arguments"),
        Arity::TwoThree => (first || second || more, "takes two or three arguments"),
        Arity::OneTwoThree => (first || more, "takes one, two or three arguments"),
        Arity::OneThree => (
            first || (!second && third) || more,
            "takes one or three arguments",
        ),
        Arity::Iterate => (first, "requires at least one argument"),
        Arity::Iterate2 => (first || !more, "requires at least two arguments"),
        Arity::Raw | Arity::Flag => (false, ""),
    };
    bad.then_some(text)
}

/// What is probably behind too many arguments.
pub fn hint(arity: Arity, rest: &[u8]) -> &'static str {
    let all: Vec<_> = words(rest).collect();
    if all.iter().skip(1).any(|word| word.value.starts_with(b"#")) {
        "; a comment needs its own line"
    } else if all.len() > 1 && matches!(arity, Arity::One) {
        "; put a value with blanks in quotation marks"
    } else if all.first().is_some_and(|word| word.value.is_empty()) {
        "; an empty one counts as missing"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_arguments() {
        use Arity::*;
        for (arity, rest, good) in [
            (One, "a", true),
            (One, "", false),
            (One, "\"\"", false),
            (One, "a b", false),
            (Two, "a b", true),
            (Two, "a \"\"", false),
            (OneTwo, "a", true),
            (OneTwo, "a \"\"", true),
            (OneTwo, "a b c", false),
            (TwoThree, "a", false),
            (TwoThree, "a b c", true),
            (OneThree, "a b", false),
            (OneThree, "a b c", true),
            (OneTwoThree, "a b c d", false),
            (Iterate, "", false),
            (Iterate, "a \"\" b", true),
            (Iterate2, "a", false),
            (Iterate2, "a b c", true),
            (Flag, "ON", true),
            (Flag, "off whatever", true),
            (Flag, "yes", false),
            (Raw, "", true),
        ] {
            assert_eq!(
                refuses(arity, rest.as_bytes()).is_none(),
                good,
                "{arity:?} {rest}"
            );
        }
    }
}
