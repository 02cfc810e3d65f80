//! The lines of an answer place, as they stand in the text of a file: what comes behind our comment and is still what we
//! wrote. Evaluates nothing.

use std::collections::HashSet;
use std::ops::Range;

use crate::httpd::{Configuration, Document, Entry, FileId, LineKind, VirtualHost, word};

use super::challenge::CHALLENGES;

/// The comment above them.
pub(super) const MARKER: &str = "# Answers to certificate authorities, added by esync-ssl";

/// What a rule for tokens matches.
pub(super) const TOKENS: &str = r"^/\.well-known/acme-challenge/([A-Za-z0-9_=-]+)$";

/// Our lines in a file, each block with its comment.
pub(super) fn blocks(document: &Document) -> Vec<Range<usize>> {
    let marker = MARKER.trim_start_matches(['#', ' ']).as_bytes();
    if memchr::memmem::find(document.bytes(), marker).is_none() {
        return Vec::new();
    }
    let is_marker = |line: &usize| {
        let text = document.text(*line);
        let text = text.trim_ascii().strip_prefix(b"#").unwrap_or_default();
        document.lines()[*line].kind == LineKind::Comment && text.trim_ascii() == marker
    };
    let markers = (0..document.lines().len()).filter(is_marker);
    markers.map(|line| line..end(document, line + 1)).collect()
}

/// Our lines in a virtual host, as far as they stand in the file where it opens.
pub(super) fn inside(configuration: &Configuration, host: &VirtualHost) -> Vec<Range<u32>> {
    let opening = configuration.entry(host.entry);
    let document = &configuration.file(opening.file).document;
    let closing = configuration.sections()[host.section as usize].closing;
    let closing =
        closing.filter(|closing| *closing > opening.line && configuration.macro_place(opening).is_none());
    let Some(closing) = closing else { return Vec::new() };
    let text = document.span(opening.line as usize).end..document.span(closing as usize).start;
    if memchr::memmem::find(&document.bytes()[text], MARKER.as_bytes()).is_none() {
        return Vec::new();
    }
    let all = blocks(document).into_iter();
    let all = all.map(|lines| lines.start as u32..lines.end as u32);
    all.filter(|lines| lines.start > opening.line && lines.end <= closing)
        .collect()
}

/// The line behind the last one that is ours.
fn end(document: &Document, mut line: usize) -> usize {
    // Where the `Alias` leads.
    let mut folder = None;
    while line < document.lines().len() {
        let words = words(document, line);
        if !is_own(&words, folder.as_deref()) {
            break;
        }
        if words[0].eq_ignore_ascii_case("Alias") {
            folder = words.get(2).map(|target| target.trim_end_matches('/').to_owned());
        }
        let last = match document.lines()[line].kind {
            LineKind::Directive => Some(line),
            LineKind::SectionOpening => closing(document, line),
            _ => None,
        };
        let Some(last) = last else { break };
        line = last + 1;
    }
    line
}

fn is_own(words: &[String], folder: Option<&str>) -> bool {
    let [name, rest @ ..] = words else { return false };
    let first = rest.first().map_or("", String::as_str);
    let first = first.trim_end_matches('>').trim_matches('"');
    match name.to_ascii_lowercase().as_str() {
        "rewriteengine" => first.eq_ignore_ascii_case("on"),
        "rewriterule" => first == TOKENS,
        "alias" | "proxypass" | "<location" => first == CHALLENGES,
        "<directory" => folder == Some(first),
        _ => false,
    }
}

/// The line that closes the section which opens in a line.
fn closing(document: &Document, opening: usize) -> Option<usize> {
    let mut depth = 0;
    for line in opening..document.lines().len() {
        match document.lines()[line].kind {
            LineKind::SectionOpening => depth += 1,
            LineKind::SectionClosing => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(line);
        }
    }
    None
}

fn words(document: &Document, line: usize) -> Vec<String> {
    let text = document.text(line);
    let words = word::words(&text);
    words
        .map(|word| String::from_utf8_lossy(&word.value).into_owned())
        .collect()
}

/// All lines that are ours in a configuration.
#[derive(Default)]
pub(super) struct OwnLines(HashSet<(FileId, u32)>);

impl OwnLines {
    pub fn of(configuration: &Configuration) -> OwnLines {
        let files = (0..).zip(configuration.files());
        let lines = files.flat_map(|(id, file)| {
            let blocks = blocks(&file.document).into_iter().flatten();
            blocks.map(move |line| (id, line as u32))
        });
        OwnLines(lines.collect())
    }

    /// Is it one of them?
    pub fn has(&self, entry: &Entry) -> bool {
        !self.0.is_empty() && self.0.contains(&(entry.file, entry.line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::Platform;

    #[test]
    fn a_block_ends_where_others_begin() {
        let text = format!(
            "x\n  {MARKER}\n  RewriteEngine on\n  RewriteRule \"{TOKENS}\" \"/a b/$1\" [END]\n  Alias \"{CHALLENGES}\" \
             \"/a b/\"\n  <Directory \"/a b\">\n    Require all granted\n  </Directory>\n  ProxyPass / http://b/\n{MARKER}\n\
             <Location \"{CHALLENGES}\">\n<If \"true\">\n</If>\n</Location>\n<Location />\n</Location>\n{MARKER}\n"
        );
        let document = Document::new(text.into_bytes(), Platform::Unix);
        assert_eq!(blocks(&document), [1..8, 9..14, 16..17]);
    }
}
