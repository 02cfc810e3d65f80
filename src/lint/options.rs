//! `Options`: with signs, or without. Does not judge which options there are.

use super::context::Directive;
use super::walk::Walk;
use crate::httpd::word::words;

/// Checks one `Options`.
pub(super) fn directive(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    if is_mixed(directive.rest) {
        walk.refuse(
            directive,
            "options-mixed",
            "Either all Options must start with + or -, or no Option may.",
            "options with and without a sign stand in one line; write `+` or `-` before each of them, or before none",
        );
    }
}

/// As httpd's `set_options` has it: behind `None` a sign may follow.
fn is_mixed(text: &[u8]) -> bool {
    let mut signed = false;
    // That before was an option, and not `None`.
    let mut opened = false;
    for word in words(text) {
        let (has_sign, name) = match &*word.value {
            [b'+' | b'-', name @ ..] => (true, name),
            name => (false, name),
        };
        if (has_sign && !signed && opened) || (!has_sign && signed) {
            return true;
        }
        signed |= has_sign;
        opened = !name.eq_ignore_ascii_case(b"None");
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_for_all_or_for_none() {
        for (text, expected) in [
            ("Indexes FollowSymLinks", false),
            ("+Indexes -ExecCGI", false),
            ("Indexes +ExecCGI", true),
            ("+ExecCGI Indexes", true),
            ("None +ExecCGI", false),
            ("None", false),
            ("All -Indexes", true),
            ("+ExecCGI None", true),
            ("", false),
        ] {
            assert_eq!(is_mixed(text.as_bytes()), expected, "{text}");
        }
    }
}
