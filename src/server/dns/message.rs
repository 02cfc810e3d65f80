//! Questions to name servers and their answers, as bytes (RFC 1035, 4).

/// More pointers in one name lead in a circle.
const POINTERS: usize = 32;
/// The longest name, in characters.
const LONGEST: usize = 255;
/// More records of one answer are not looked at.
const RECORDS: usize = 200;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The name servers of a zone.
    Ns,
    /// Another name that is meant.
    Cname,
    /// Text.
    Txt,
    /// Which authorities may make certificates (RFC 8659).
    Caa,
}

impl Kind {
    fn number(self) -> u16 {
        match self {
            Kind::Ns => 2,
            Kind::Cname => 5,
            Kind::Txt => 16,
            Kind::Caa => 257,
        }
    }
}

/// What a server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// 0: there may be records; 3: there is no such name; all others: the server does not know.
    pub code: u8,
    /// It was too long for the way that it came.
    pub is_cut: bool,
    /// The records of the kind that was asked for: of a name its text in lower case, of all others the bytes.
    pub records: Vec<Vec<u8>>,
}

/// The question; none for what cannot be a name.
pub fn question(id: u16, name: &str, kind: Kind, recursive: bool) -> Option<Vec<u8>> {
    let flags = u16::from(recursive) << 8;
    let mut bytes = Vec::new();
    for word in [id, flags, 1, 0, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len())
            .ok()
            .filter(|length| (1..=63).contains(length))?;
        bytes.push(length);
        bytes.extend(label.bytes());
    }
    if name.len() > LONGEST {
        return None;
    }
    bytes.push(0);
    for word in [kind.number(), 1] {
        bytes.extend(word.to_be_bytes());
    }
    Some(bytes)
}

/// The answer to a question; none for anything else.
pub fn answer(bytes: &[u8], asked: &[u8], kind: Kind) -> Option<Answer> {
    let word = |at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let (flags, questions, records) = (word(2)?, word(4)?, word(6)?);
    let is_it = bytes.get(..2)? == asked.get(..2)? && flags >> 15 == 1 && questions <= 1;
    // The question comes back, so that nobody answers another one; some leave it out where they refuse.
    let echo = asked.get(12..)?;
    let mut at = 12;
    if questions == 1 {
        if !bytes.get(at..at + echo.len())?.eq_ignore_ascii_case(echo) {
            return None;
        }
        at += echo.len();
    }
    if !is_it {
        return None;
    }
    let mut found = Answer {
        code: u8::try_from(flags & 15).unwrap_or(u8::MAX),
        is_cut: flags & 0x200 != 0,
        records: Vec::new(),
    };
    if found.is_cut {
        return Some(found);
    }
    for _ in 0..usize::from(records).min(RECORDS) {
        at = name_at(bytes, at)?.1;
        let (of, length) = (word(at)?, usize::from(word(at + 8)?));
        let data = bytes.get(at + 10..at + 10 + length)?;
        if of == kind.number() {
            found.records.push(match kind {
                Kind::Ns | Kind::Cname => name_at(bytes, at + 10)?.0,
                Kind::Txt => text(data)?,
                Kind::Caa => data.to_vec(),
            });
        }
        at += 10 + length;
    }
    Some(found)
}

/// The name at a place, and what comes after it.
fn name_at(bytes: &[u8], from: usize) -> Option<(Vec<u8>, usize)> {
    let (mut name, mut at, mut after, mut pointers) = (Vec::new(), from, None, 0);
    loop {
        let length = usize::from(*bytes.get(at)?);
        match length {
            0 => return Some((name.to_ascii_lowercase(), after.unwrap_or(at + 1))),
            1..=63 => {
                if !name.is_empty() {
                    name.push(b'.');
                }
                name.extend(bytes.get(at + 1..=at + length)?);
                at += length + 1;
            }
            192.. => {
                after = after.or(Some(at + 2));
                at = (length & 63) << 8 | usize::from(*bytes.get(at + 1)?);
                pointers += 1;
            }
            _ => return None,
        }
        if pointers > POINTERS || name.len() > LONGEST {
            return None;
        }
    }
}

/// The parts of a text, one behind the other.
fn text(data: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut text) = (data, Vec::new());
    while let Some((length, behind)) = rest.split_first() {
        let length = usize::from(*length);
        text.extend(behind.get(..length)?);
        rest = &behind[length..];
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(asked: &[u8], kind: Kind, all: &[&[u8]]) -> Vec<u8> {
        let mut bytes = asked.to_vec();
        bytes[2] |= 0x80;
        bytes[7] = u8::try_from(all.len()).unwrap();
        for data in all {
            bytes.extend([0xc0, 12]);
            bytes.extend(kind.number().to_be_bytes());
            bytes.extend([0, 1, 0, 0, 0, 60]);
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(*data);
        }
        bytes
    }

    #[test]
    fn what_was_asked_is_answered() {
        let asked = question(7, "_acme-challenge.A.example.", Kind::Txt, true).unwrap();
        let bytes = answered(&asked, Kind::Txt, &[b"\x03abc\x01d", b"\x00"]);
        let found = answer(&bytes, &asked, Kind::Txt).unwrap();
        assert_eq!((found.code, found.is_cut), (0, false));
        assert_eq!(found.records, [b"abcd".to_vec(), Vec::new()]);
        // Another question, or another number, is another answer.
        let other = question(7, "_acme-challenge.b.example", Kind::Txt, true).unwrap();
        assert_eq!(answer(&bytes, &other, Kind::Txt), None);
        let other = question(8, "_acme-challenge.a.example", Kind::Txt, true).unwrap();
        assert_eq!(answer(&bytes, &other, Kind::Txt), None);
        assert_eq!(answer(&asked, &asked, Kind::Txt), None);
        let asked = question(7, "a.example", Kind::Ns, false).unwrap();
        let bytes = answered(&asked, Kind::Ns, &[b"\x02NS\xc0\x0c"]);
        assert_eq!(
            answer(&bytes, &asked, Kind::Ns).unwrap().records,
            [b"ns.a.example".to_vec()]
        );
    }

    #[test]
    fn what_cannot_be_is_nothing() {
        for name in ["", "a..example", &"a".repeat(64), &"a.".repeat(200)] {
            assert_eq!(question(1, name, Kind::Caa, true), None, "{name}");
        }
        let asked = question(1, "a.example", Kind::Ns, true).unwrap();
        // A pointer to itself, and lengths that lead out of it; whatever is cut off, nothing breaks.
        let at = u8::try_from(asked.len() + 12).unwrap();
        for data in [&[0xc0, at][..], b"\x3fab", b"\x80", b"", b"\xc0"] {
            let bytes = answered(&asked, Kind::Ns, &[data]);
            assert!(answer(&bytes, &asked, Kind::Ns).is_none_or(|found| found.records.is_empty()));
            for end in 0..bytes.len() {
                let _ = answer(&bytes[..end], &asked, Kind::Ns);
            }
        }
    }
}
