//! PEM: base64 between BEGIN and END lines (RFC 7468), found in whatever stands around it.
//!
//! Our own splitter because the question is not only *what* is in a file but *why* a server cannot read it,
//! and because error texts must never repeat bytes of a key. It does not look into the decoded bytes.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::base64::{decode_base64, line_content};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Blocks beyond this number are not looked at; the largest bundles of roots have a few hundred.
pub const MAX_BLOCKS: usize = 1000;
const BOM: &[u8] = b"\xef\xbb\xbf";

/// One block: everything from BEGIN to END.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// The words after BEGIN, such as `CERTIFICATE`.
    pub label: String,
    /// Line in which it begins, counted from 1.
    pub line: usize,
    /// What stands before BEGIN in its line.
    pub margin: Margin,
    /// Header lines such as `Proc-Type: 4,ENCRYPTED`, as name and value.
    pub headers: Vec<(String, String)>,
    /// The decoded bytes; empty with a fault. Wiped when dropped.
    pub der: Zeroizing<Vec<u8>>,
    /// Why the block cannot be read.
    pub fault: Option<Fault>,
}

/// What stands before BEGIN in its line. OpenSSL's certificate reader wants [`Margin::None`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// Nothing.
    None,
    /// A byte order mark (EF BB BF): OpenSSL 3 skips it, 1.0.2 loses the block.
    ByteOrderMark,
    /// Blanks or tabs.
    Blanks,
    /// The END of the block before: two files joined without a line break.
    PreviousEnd,
    /// Other text.
    Text,
    /// Nothing before it, but BEGIN's line goes on with other text.
    TextBehind,
}

impl Margin {
    /// Whether OpenSSL's certificate reader takes the line as a BEGIN. What it does not take, it passes over
    /// in silence. (A byte order mark is another matter: that depends on OpenSSL's age.)
    pub fn is_seen(self) -> bool {
        matches!(self, Margin::None | Margin::ByteOrderMark | Margin::PreviousEnd)
    }
}

/// Why a block cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no END line: the file was cut off, or only partly copied.
    NoEnd,
    /// The END line names another label than BEGIN.
    OtherEnd,
    /// BEGIN or END stand in one line with base64.
    OneLine,
    /// There is an empty line within the base64, which OpenSSL takes as the end of headers.
    EmptyLine,
    /// There are header lines, and not those of encryption, which alone are known.
    Headers,
    /// There is nothing between BEGIN and END.
    Empty,
    /// Something between BEGIN and END is not base64.
    NotBase64,
}

impl Fault {
    /// The fault as the end of a sentence about a block.
    pub fn describe(self) -> &'static str {
        match self {
            Fault::NoEnd => "is cut off: its END line is missing",
            Fault::OtherEnd => "ends with the END line of another kind of block",
            Fault::OneLine => "has lost its line breaks: BEGIN and END must each be on their own line",
            Fault::EmptyLine => "has empty lines between BEGIN and END",
            Fault::Headers => "has header lines after BEGIN that do not belong there",
            Fault::Empty => "is empty between BEGIN and END",
            Fault::NotBase64 => "is damaged: something between BEGIN and END is not base64",
        }
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the content: it may be a key.
        f.debug_struct("Block")
            .field("label", &self.label)
            .field("line", &self.line)
            .field("margin", &self.margin)
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

impl Block {
    /// The value of a header, its name compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Every block of `text`, in order, readable or not, up to [`MAX_BLOCKS`].
pub fn blocks(text: &[u8]) -> Vec<Block> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut counted = 0;
    let mut at = 0;
    let begins = memchr::memmem::Finder::new(BEGIN);
    while let Some(offset) = begins.find(&text[at..]) {
        let begin = at + offset;
        let after = begin + BEGIN.len();
        let Some(label) = label(&text[after..]) else {
            at = after;
            continue;
        };
        line += memchr::memchr_iter(b'\n', &text[counted..begin]).count();
        counted = begin;
        let body_start = after + label.len() + DASHES.len();
        let next_begin = begins.find(&text[body_start..]).map(|o| body_start + o);
        let limit = next_begin.unwrap_or(text.len());
        let end = memchr::memmem::find(&text[body_start..limit], END).map(|o| body_start + o);
        let body = &text[body_start..end.unwrap_or(limit)];
        let mut block = Block {
            label: String::from_utf8_lossy(label).into_owned(),
            line,
            margin: margin(&text[..begin]),
            headers: Vec::new(),
            der: Zeroizing::default(),
            fault: None,
        };
        let behind = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if matches!(block.margin, Margin::None | Margin::ByteOrderMark) && !line_content(behind).is_empty() {
            block.margin = Margin::TextBehind;
        }
        let end_label = end.and_then(|end| self::label(&text[end + END.len()..]));
        match (end, end_label) {
            (None, _) | (Some(_), None) => block.fault = Some(Fault::NoEnd),
            (_, Some(other)) if other != label => block.fault = Some(Fault::OtherEnd),
            _ => match decode(body, &mut block.headers) {
                Ok(der) => block.der = der,
                Err(fault) => block.fault = Some(fault),
            },
        }
        found.push(block);
        if found.len() == MAX_BLOCKS {
            break;
        }
        at = end.map_or(limit, |end| end + END.len()).max(body_start);
    }
    found
}

/// The label at the start of `text` if five hyphens end it in the same line.
fn label(text: &[u8]) -> Option<&[u8]> {
    let line = &text[..text.len().min(80)];
    let length = memchr::memmem::find(line, DASHES)?;
    let label = &line[..length];
    label
        .iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        .then_some(label)
}

fn margin(before: &[u8]) -> Margin {
    // A bounded look back keeps hostile files of one long line cheap.
    let before = &before[before.len().saturating_sub(256)..];
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let left = &before[line_start..];
    if left.is_empty() {
        Margin::None
    } else if left == BOM {
        Margin::ByteOrderMark
    } else if left
        .strip_prefix(BOM)
        .unwrap_or(left)
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t'))
    {
        Margin::Blanks
    } else if left.ends_with(DASHES) && memchr::memmem::find(left, END).is_some() {
        Margin::PreviousEnd
    } else {
        Margin::Text
    }
}

/// What stands between BEGIN's and END's hyphens: headers up to an empty line, then base64.
fn decode(body: &[u8], headers: &mut Vec<(String, String)>) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let Some(newline) = memchr::memchr(b'\n', body) else {
        return Err(if line_content(body).is_empty() {
            Fault::Empty
        } else {
            Fault::OneLine
        });
    };
    let mut lines: Vec<&[u8]> = body[newline + 1..]
        .split(|byte| *byte == b'\n')
        .map(line_content)
        .collect();
    // What stands before END in its line.
    if lines.pop().is_some_and(|last| !last.is_empty()) {
        return Err(Fault::OneLine);
    }
    let mut rest = lines.as_slice();
    if rest.first().is_some_and(|line| line.contains(&b':')) {
        let end = rest
            .iter()
            .position(|line| line.is_empty())
            .ok_or(Fault::Headers)?;
        for line in &rest[..end] {
            let line = String::from_utf8_lossy(line);
            if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        rest = &rest[end + 1..];
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("Proc-Type"))
        {
            return Err(Fault::Headers);
        }
    } else if rest.first().is_some_and(|line| line.is_empty()) {
        rest = &rest[1..];
    }
    if rest.iter().all(|line| line.is_empty()) {
        return Err(Fault::Empty);
    }
    if rest.iter().any(|line| line.is_empty()) {
        return Err(Fault::EmptyLine);
    }
    decode_base64(&Zeroizing::new(rest.concat())).ok_or(Fault::NotBase64)
}

/// Writes one block with lines of 64 characters and a final newline. The text is wiped when dropped, as it
/// may be a private key.
pub fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(Base64::encode_string(der));
    // Never grows: a reallocation would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(
        base64.len() * 66 / 64 + 2 * label.len() + 64,
    ));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What blocks() says in short: label, margin, fault, length.
    fn seen(text: &str) -> Vec<(String, Margin, Option<Fault>, usize)> {
        blocks(text.as_bytes())
            .into_iter()
            .map(|b| (b.label, b.margin, b.fault, b.der.len()))
            .collect()
    }

    fn one(text: &str) -> (Margin, Option<Fault>, usize) {
        let all = seen(text);
        assert_eq!(all.len(), 1, "{all:?}");
        (all[0].1, all[0].2, all[0].3)
    }

    const BLOCK: &str = "-----BEGIN X-----\nAAECAwQF\nBgcI\n-----END X-----\n";

    #[test]
    fn tolerates_what_openssl_tolerates() {
        assert_eq!(one(BLOCK), (Margin::None, None, 9));
        assert_eq!(one(&BLOCK.replace('\n', "\r\n")), (Margin::None, None, 9));
        assert_eq!(one(&BLOCK.replace('\n', " \t\n")), (Margin::None, None, 9));
        assert_eq!(one(&BLOCK.replace('\n', "\u{a0}\n")), (Margin::None, None, 9));
        assert_eq!(one(BLOCK.trim_end()), (Margin::None, None, 9));
        assert_eq!(
            one(&format!("Bag Attributes\n\n{BLOCK}text\x1a")),
            (Margin::None, None, 9)
        );
        assert_eq!(
            one(&BLOCK.replace("AAECAwQF\n", "AAECAwQF")),
            (Margin::None, None, 9)
        );
    }

    #[test]
    fn remembers_what_stands_before_begin() {
        assert_eq!(one(&format!("\u{feff}{BLOCK}")).0, Margin::ByteOrderMark);
        assert_eq!(
            one(&BLOCK.replace("-----B", "  -----B").replace("\n", "\n  ")),
            (Margin::Blanks, None, 9)
        );
        assert_eq!(one(&format!("here: {BLOCK}")).0, Margin::Text);
        let glued = seen(&format!("{}{BLOCK}", BLOCK.trim_end()));
        assert_eq!(
            glued.iter().map(|b| b.1).collect::<Vec<_>>(),
            [Margin::None, Margin::PreviousEnd]
        );
        assert!(glued.iter().all(|b| b.2.is_none()));
    }

    #[test]
    fn says_why_a_block_is_unreadable() {
        assert_eq!(one("-----BEGIN X-----\nAAEC").1, Some(Fault::NoEnd));
        assert_eq!(
            one("-----BEGIN X-----\nAAEC\n-----END Y-----").1,
            Some(Fault::OtherEnd)
        );
        assert_eq!(
            one("-----BEGIN X-----AAEC-----END X-----").1,
            Some(Fault::OneLine)
        );
        assert_eq!(one("-----BEGIN X-----\n\n-----END X-----").1, Some(Fault::Empty));
        assert_eq!(
            one("-----BEGIN X-----\nAA!C\n-----END X-----").1,
            Some(Fault::NotBase64)
        );
        let cut = seen(&format!("-----BEGIN X-----\nAAEC\n{BLOCK}"));
        assert_eq!(
            cut.iter().map(|b| b.2).collect::<Vec<_>>(),
            [Some(Fault::NoEnd), None]
        );
    }

    #[test]
    fn reads_headers_and_counts_lines() {
        let text = "text\n\n-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,00\n\nAAEC\n-----END X-----";
        let block = blocks(text.as_bytes()).remove(0);
        assert_eq!((block.line, block.der.len(), block.fault), (3, 3, None));
        assert_eq!(block.header("proc-type"), Some("4,ENCRYPTED"));
        assert_eq!(block.header("DEK-Info"), Some("DES-CBC,00"));
    }

    #[test]
    fn never_shows_its_content() {
        let shown = format!("{:?}", blocks(BLOCK.as_bytes()));
        assert!(!shown.contains("AAEC") && !shown.contains("1, 2"), "{shown}");
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(der in proptest::collection::vec(any::<u8>(), 1..500)) {
            let block = blocks(encode("SOME LABEL", &der).as_bytes()).remove(0);
            prop_assert_eq!(&*block.der, &der);
            prop_assert_eq!(block.label.as_str(), "SOME LABEL");
        }

        #[test]
        fn any_bytes_are_survived(parts in proptest::collection::vec(
            prop_oneof![
                Just(b"-----BEGIN ".to_vec()), Just(b"-----END ".to_vec()), Just(b"-----".to_vec()),
                Just(b"X".to_vec()), Just(b"\n".to_vec()), proptest::collection::vec(any::<u8>(), 0..40),
            ], 0..30)) {
            let _ = blocks(&parts.concat());
        }
    }
}
