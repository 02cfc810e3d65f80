//! Traps in the text of the files: byte order marks, NUL, lone carriage returns, comments that continue. Looks at no
//! directive.

use std::collections::HashSet;
use std::sync::Arc;

use super::walk::Walk;
use crate::finding::{Finding, Phase};
use crate::httpd::word::words;
use crate::httpd::{Document, FileId, LineKind, Spot, Truth, trim};

/// Looks at every file once, however often it is included.
pub(super) fn check(walk: &mut Walk<'_>) {
    let mut seen = HashSet::new();
    let c = walk.c;
    for (file, read) in (0..).zip(c.files()) {
        if read.truth != Truth::False && seen.insert(&read.host) {
            document(walk, file, &read.document);
        }
    }
}

fn document(walk: &mut Walk<'_>, file: FileId, document: &Arc<Document>) {
    let bytes = document.bytes();
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let summary = "the file is saved as UTF-16, which Apache cannot read; save it as UTF-8 without a byte order mark";
        return refuse(walk, file, 0, "utf-16", summary);
    }
    if !walk.errors_only {
        for at in lone_returns(bytes) {
            let summary = "a carriage return alone does not end a line for Apache: what follows it is part of this line";
            warn(walk, file, line_at(document, at), "lone-return", summary);
        }
    }
    if document.has_nul() {
        nul_bytes(walk, file, document);
    }
    if !walk.errors_only {
        continued_comments(walk, file, document);
    }
}

fn nul_bytes(walk: &mut Walk<'_>, file: FileId, document: &Document) {
    // What does not fit into httpd's first buffer comes back as a line of its own.
    const BUFFER: usize = 206;
    for line in 0..document.lines().len() {
        let raw = document.raw(line);
        if memchr::memchr(0, raw).is_none() {
            continue;
        }
        if raw.len() > BUFFER {
            let summary = "the line holds a NUL byte and is long: Apache reads it only up to there, and then a part \
                           of the rest as another line; the file is damaged";
            refuse(walk, file, line, "nul", summary);
        } else {
            let summary =
                "the line holds a NUL byte, and Apache reads it only up to there; the file may be damaged";
            warn(walk, file, line, "nul", summary);
        }
    }
}

fn continued_comments(walk: &mut Walk<'_>, file: FileId, document: &Document) {
    for (n, line) in document.lines().iter().enumerate() {
        if line.is_composed() && line.kind == LineKind::Comment {
            let raw = document.raw(n);
            let next = memchr::memchr(b'\n', raw).map_or(&raw[..0], |at| trim(&raw[at + 1..]));
            if !next.is_empty() && !next.starts_with(b"#") {
                let summary =
                    "the comment ends in a backslash, so that the next line is part of it and has no effect";
                warn(walk, file, n, "comment-continues", summary);
            }
        }
    }
}

/// Carriage returns without a line feed behind them, the first one of each line.
fn lone_returns(bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut line_end = 0;
    for at in memchr::memchr_iter(b'\r', bytes) {
        let text_follows = bytes
            .get(at + 1)
            .is_some_and(|next| !matches!(next, b'\n' | b'\r'));
        if text_follows && at >= line_end {
            found.push(at);
            line_end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
        }
    }
    found
}

fn line_at(document: &Document, at: usize) -> usize {
    let behind = document.lines().partition_point(|line| line.start as usize <= at);
    behind.saturating_sub(1)
}

fn refuse(walk: &mut Walk<'_>, file: FileId, line: usize, rule: &'static str, summary: &str) {
    walk.found.push(Finding {
        rule,
        place: Spot::of_line(file, line as u32),
        summary: summary.into(),
        ..Finding::refused(Phase::Reading)
    });
}

fn warn(walk: &mut Walk<'_>, file: FileId, line: usize, rule: &'static str, summary: &str) {
    if !walk.errors_only {
        walk.found.push(Finding {
            rule,
            place: Spot::of_line(file, line as u32),
            summary: summary.into(),
            ..Finding::accepted(Phase::Reading)
        });
    }
}

/// Is the last quoted word without its closing quote?
pub(super) fn open_quote(text: &[u8]) -> bool {
    if memchr::memchr2(b'"', b'\'', text).is_none() {
        return false;
    }
    let mut at = 0;
    for word in words(text) {
        at = word.span.start;
    }
    let Some((&quote, body)) = text[at..].split_first() else {
        return false;
    };
    if quote != b'"' && quote != b'\'' {
        return false;
    }
    let mut skip = false;
    for (n, &byte) in body.iter().enumerate() {
        if skip {
            skip = false;
        } else if byte == b'\\'
            && body
                .get(n + 1)
                .is_some_and(|next| *next == quote || *next == b'\\')
        {
            skip = true;
        } else if byte == quote {
            return false;
        }
    }
    true
}
