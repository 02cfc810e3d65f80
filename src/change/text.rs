//! How lines that a step writes look: quoted by Apache's rules, indented as their file has it.

use crate::httpd::{Configuration, Document, Entry, LineKind, word};

use super::plan::{PlanError, refuse};
use super::refusal::RefusalCode;

pub(super) fn what(name: &str) -> &'static str {
    match name {
        "SSLCertificateFile" => "certificate",
        "SSLCertificateKeyFile" => "private key",
        _ => "chain",
    }
}

pub(super) fn setting(name: &str, file: &[u8]) -> Result<Vec<u8>, PlanError> {
    Ok([name.as_bytes(), b" ", &quoted(name, file)?].concat())
}

pub(super) fn quoted(name: &str, file: &[u8]) -> Result<Vec<u8>, PlanError> {
    word::quote_path(file).map_err(|reason| {
        refuse(
            RefusalCode::PathUnwritable,
            format!(
                "the {} file {} cannot be named in a configuration: {reason}",
                what(name),
                String::from_utf8_lossy(file).escape_debug()
            ),
            "; ",
            "rename it",
        )
    })
}

/// What the section's own lines are indented by, relative to its opening: as its first line has it.
pub(super) fn indentation_unit(configuration: &Configuration, opening: &Entry) -> Vec<u8> {
    let document = &configuration.file(opening.file).document;
    let line = opening.line as usize;
    let next = if line + 1 < document.lines().len() {
        document.indentation(line + 1)
    } else {
        b""
    };
    match next.strip_prefix(document.indentation(line)) {
        Some(unit) if !unit.is_empty() => unit.to_vec(),
        _ => unit_of(document),
    }
}

/// One level of indentation as the file has it: what the first indented line behind a section's opening adds to it;
/// four blanks where there is none.
pub(super) fn unit_of(document: &Document) -> Vec<u8> {
    let lines = document.lines();
    let inside = (1..lines.len()).filter(|line| {
        lines[line - 1].kind == LineKind::SectionOpening && lines[*line].kind == LineKind::Directive
    });
    let mut units = inside.filter_map(|line| {
        document
            .indentation(line)
            .strip_prefix(document.indentation(line - 1))
            .filter(|unit| !unit.is_empty())
    });
    units.next().unwrap_or(b"    ").to_vec()
}

/// Text as the lines of a file.
pub(super) fn bytes<S: AsRef<str>>(lines: &[S]) -> Vec<Vec<u8>> {
    lines
        .iter()
        .map(|line| line.as_ref().as_bytes().to_vec())
        .collect()
}

/// Lines, further in by that indentation.
pub(super) fn indented(lines: &[Vec<u8>], by: &[u8]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| [by, line].concat()).collect()
}
