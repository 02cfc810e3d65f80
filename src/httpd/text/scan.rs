//! What single bytes say: white space, and of which kind a line is. Joins and splits no lines.

/// What a logical line is by its first byte, before variables are substituted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// White space only.
    Blank,
    /// The first byte that is not white space is `#`.
    Comment,
    /// Anything else that is not a section tag.
    Directive,
    /// The first word starts with `<`.
    SectionOpening,
    /// The first word starts with `</`.
    SectionClosing,
}

/// White space as Apache's C-locale `isspace` has it.
#[inline]
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// Where the first white space stands, or else the end. Eight bytes at a time: much of the time goes into this.
pub fn find_space(text: &[u8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut at = 0;
    while let Some(eight) = text[at..].first_chunk() {
        let eight = u64::from_le_bytes(*eight);
        // The lowest bit set is that of the first byte that is no more than a blank.
        let found = eight.wrapping_sub(EACH * 0x21) & !eight & (EACH * 0x80);
        at += (found.trailing_zeros() / 8) as usize;
        if found != 0 {
            if is_space(text[at]) {
                return at;
            }
            at += 1;
        }
    }
    let more = text[at..].iter().position(|&b| is_space(b));
    more.map_or(text.len(), |more| at + more)
}

/// Without white space at its start, most of which comes in fours.
pub fn trim_start(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b"    ") {
        text = rest;
    }
    while let [first, rest @ ..] = text {
        if !is_space(*first) {
            break;
        }
        text = rest;
    }
    text
}

/// Without white space at both ends.
pub fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = trim_start(bytes);
    while let [rest @ .., last] = bytes {
        if !is_space(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// Bytes as text; what is not UTF-8 becomes replacement characters. Mostly there is none, which is soon seen.
pub fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// What a line is, from its trimmed text.
pub fn kind(text: &[u8]) -> LineKind {
    match text {
        [] => LineKind::Blank,
        // Asked before variables are substituted: a `#` out of one is the name of a directive.
        [b'#', ..] => LineKind::Comment,
        // A quoted first word is unquoted before Apache looks at it: `"<Directory" /x>` opens a section.
        [b'<', b'/', ..] | [b'"' | b'\'', b'<', b'/', ..] => LineKind::SectionClosing,
        [b'<', ..] | [b'"' | b'\'', b'<', ..] => LineKind::SectionOpening,
        _ => LineKind::Directive,
    }
}

/// Where a text first refers to a variable: `${`. One letter is found without preparing for it, which counts where most
/// texts hold none.
pub fn find_reference(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'$', text).find(|at| text.get(at + 1) == Some(&b'{'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn eight_bytes_at_a_time_find_what_one_finds(
            text in proptest::collection::vec(
                prop_oneof![8 => any::<u8>(), 1 => prop::sample::select(b" \t\r\x0b\x0c\x1f!\x80\xa0".to_vec())], 0..40),
        ) {
            let one = text.iter().position(|&b| is_space(b)).unwrap_or(text.len());
            prop_assert_eq!(find_space(&text), one);
        }
    }
}
