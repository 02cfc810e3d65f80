//! The little of DER (X.690) that recognising and rewriting files needs: definite lengths, one-byte tags.
//!
//! Does not check what it reads against any schema; for certificates there is x509-parser. Not the crate `der`: OpenSSL takes
//! lengths and numbers that are longer than DER allows, and so do we (`tests/tls/formats.rs`).

use zeroize::Zeroizing;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const CONTEXT_1: u8 = 0xa1;

/// One value: its tag, its content, and all of its bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub tag: u8,
    pub body: &'a [u8],
    pub whole: &'a [u8],
}

/// Why the next value cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing is left.
    End,
    /// The value says that it is longer than what is left.
    Short,
    /// No DER: indefinite length, a long tag, a length beyond 4 bytes.
    Foreign,
}

/// Values one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub fn read(&mut self) -> Result<Value<'a>, Stop> {
        let (&tag, after_tag) = self.0.split_first().ok_or(Stop::End)?;
        let (&first, after_first) = after_tag.split_first().ok_or(Stop::Short)?;
        if tag & 0x1f == 0x1f {
            return Err(Stop::Foreign);
        }
        let (length, content) = if first < 0x80 {
            (usize::from(first), after_first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return Err(Stop::Foreign);
            }
            let bytes = after_first.get(..count).ok_or(Stop::Short)?;
            let length = bytes
                .iter()
                .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, &after_first[count..])
        };
        let body = content.get(..length).ok_or(Stop::Short)?;
        let used = self.0.len() - content.len() + length;
        let (whole, rest) = self.0.split_at(used);
        self.0 = rest;
        Ok(Value { tag, body, whole })
    }

    /// The next value if there is a readable one.
    pub fn next(&mut self) -> Option<Value<'a>> {
        self.read().ok()
    }

    /// The content of the next value if it has this tag; otherwise nothing is consumed.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let value = ahead.next().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value.body)
    }

    /// The values inside the next value if that is a SEQUENCE; otherwise nothing is consumed.
    pub fn sequence(&mut self) -> Option<Reader<'a>> {
        self.take(SEQUENCE).map(Reader)
    }

    /// A small number, if the next value is an INTEGER that fits.
    pub fn small(&mut self) -> Option<u64> {
        let mut ahead = *self;
        let body = ahead.take(INTEGER)?;
        if body.is_empty() || body.len() > 8 || body[0] & 0x80 != 0 {
            return None;
        }
        *self = ahead;
        Some(body.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
    }
}

/// One value from its tag and the concatenation of `parts`; wiped when dropped.
pub(crate) fn value(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 6));
    bytes.push(tag);
    if length < 0x80 {
        bytes.push(length as u8);
    } else {
        let big = length.to_be_bytes();
        let skip = big.iter().take_while(|byte| **byte == 0).count();
        bytes.push(0x80 | (big.len() - skip) as u8);
        bytes.extend_from_slice(&big[skip..]);
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// An object identifier in dotted notation.
pub(crate) fn dotted(body: &[u8]) -> String {
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc: u64 = 0;
    for byte in body {
        arc = (arc << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first);
                arc -= first * 40;
            }
            arcs.push(arc);
            arc = 0;
        }
    }
    arcs.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

/// An INTEGER's content without the zero bytes in front.
pub(crate) fn trimmed(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    &integer[zeros..]
}

/// How many bits a non-negative INTEGER has.
pub(crate) fn bits(integer: &[u8]) -> usize {
    let integer = trimmed(integer);
    integer
        .first()
        .map_or(0, |first| integer.len() * 8 - first.leading_zeros() as usize)
}

/// Rewrites BER with indefinite lengths and strings in pieces, as some exports are, as DER. `None` when it is
/// neither, or nested more deeply than any real file.
pub(crate) fn from_ber(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (value, _) = ber_value(bytes, 0)?;
    Some(value)
}

fn ber_value(bytes: &[u8], depth: usize) -> Option<(Zeroizing<Vec<u8>>, usize)> {
    if depth > 32 {
        return None;
    }
    let tag = *bytes.first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let indefinite = *bytes.get(1)? == 0x80;
    if tag & 0x20 == 0 {
        let value = Reader::new(bytes).next()?;
        return Some((Zeroizing::new(value.whole.to_vec()), value.whole.len()));
    }
    let (content, header) = if indefinite {
        (bytes.get(2..)?, 2)
    } else {
        let value = Reader::new(bytes).next()?;
        (value.body, value.whole.len() - value.body.len())
    };
    let pieces = tag == 0x24 || tag == CONTEXT_0;
    let mut parts: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::new());
    let mut at = 0;
    let mut strings = 0;
    let mut others = 0;
    loop {
        if indefinite && content.get(at..at + 2)? == [0, 0] {
            break;
        }
        if !indefinite && at == content.len() {
            break;
        }
        let (part, used) = ber_value(content.get(at..)?, depth + 1)?;
        if part.first() == Some(&OCTET_STRING) && tag == 0x24 {
            strings += 1;
            parts.extend_from_slice(Reader::new(&part).next()?.body);
        } else {
            others += 1;
            parts.extend_from_slice(&part);
        }
        at += used;
    }
    let used = header + at + if indefinite { 2 } else { 0 };
    let tag = if pieces && tag == 0x24 && others == 0 && strings > 0 {
        OCTET_STRING
    } else {
        tag
    };
    Some((value(tag, &[&parts]), used))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for length in [0, 1, 127, 128, 255, 256, 65535, 65536] {
            let body = vec![7_u8; length];
            let bytes = value(OCTET_STRING, &[&body]);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.take(OCTET_STRING), Some(body.as_slice()));
            assert_eq!(reader.read().err(), Some(Stop::End));
        }
    }

    #[test]
    fn identifiers_are_dotted() {
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]),
            "1.2.840.113549.1.7.2"
        );
        assert_eq!(dotted(&[0x55, 0x1d, 0x11]), "2.5.29.17");
    }

    #[test]
    fn indefinite_lengths_become_definite() {
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, 65, 4, 1, 66, 0, 0, 2, 1, 5, 0, 0];
        assert_eq!(*from_ber(&ber).unwrap(), vec![0x30, 7, 4, 2, 65, 66, 2, 1, 5]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut reader = Reader::new(&bytes);
            while reader.read().is_ok() {}
            let _ = from_ber(&bytes);
            let _ = dotted(&bytes);
        }

        #[test]
        fn definite_lengths_stay_as_they_are(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let bytes = value(SEQUENCE, &[&value(OCTET_STRING, &[&body])]);
            prop_assert_eq!(&*from_ber(&bytes).unwrap(), &*bytes);
        }
    }
}
