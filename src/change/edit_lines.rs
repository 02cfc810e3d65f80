//! The ways in which a step edits lines: adds some to a file or to a virtual host, gives one another argument, takes it
//! out, or makes it a comment. Decides nothing.

use crate::httpd::{Configuration, Document, Edit, Entry, EntryId, FileId, Listen, Truth, VirtualHost, trim};

use super::existing::own_settings;
use super::plan::{PlanError, refuse};
use super::refusal::{Place, RefusalCode, named, say};
use super::text::indentation_unit;

/// The line of the main file behind which a first line of its kind goes: its `ServerRoot`.
pub(super) fn server_root_line(configuration: &Configuration) -> Option<u32> {
    let roots = configuration.named("ServerRoot").map(|(_, entry)| entry);
    roots
        .filter(|entry| entry.file == 0 && configuration.is_server_level(0, entry.line) == Truth::True)
        .last()
        .map(|entry| entry.line)
}

/// Inserts whole lines behind a line of a file (`None`: at its start), in its indentation and line ending.
pub(super) fn insert_lines(
    configuration: &Configuration,
    file: FileId,
    after: Option<u32>,
    lines: &[Vec<u8>],
    reason: String,
) -> Edit {
    let read = configuration.file(file);
    let document: &Document = &read.document;
    let ending = document.line_ending().as_bytes();
    let mut replacement = Vec::new();
    let (at, indentation) = match after {
        Some(line) => {
            replacement.extend(document.separator_after(line as usize));
            (
                document.span(line as usize).end,
                document.indentation(line as usize),
            )
        }
        None => (
            document
                .lines()
                .first()
                .map_or(document.bytes().len(), |line| line.start as usize),
            &b""[..],
        ),
    };
    for line in lines {
        if !line.is_empty() {
            replacement.extend_from_slice(indentation);
        }
        replacement.extend_from_slice(line);
        replacement.extend_from_slice(ending);
    }
    Edit {
        file: read.host.clone(),
        span: at..at,
        replacement,
        reason,
    }
}

/// Inserts whole lines at the server level, with blank lines around them.
pub(super) fn insert_at_server_level(
    configuration: &Configuration,
    file: FileId,
    after: Option<u32>,
    mut lines: Vec<Vec<u8>>,
    reason: String,
) -> Edit {
    let document = &configuration.file(file).document;
    let follows_text = after.is_some_and(|line| !trim(document.raw(line as usize)).is_empty());
    if follows_text {
        lines.insert(0, Vec::new());
    }
    let next = after.map_or(0, |line| line as usize + 1);
    if next < document.lines().len() && !trim(document.raw(next)).is_empty() {
        lines.push(Vec::new());
    }
    let mut edit = insert_lines(configuration, file, None, &lines, reason);
    if let Some(line) = after {
        let at = document.span(line as usize).end;
        edit.span = at..at;
        let mut text = document.separator_after(line as usize);
        text.append(&mut edit.replacement);
        edit.replacement = text;
    }
    edit
}

/// Where lines are added in a virtual host.
pub(super) enum Spot {
    /// Behind its own ServerName, where it has one.
    Name,
    /// Behind its opening line, before everything else.
    Top,
}

/// Adds lines to a virtual host.
pub(super) fn insert_into(
    configuration: &Configuration,
    host: &VirtualHost,
    spot: Spot,
    mut lines: Vec<Vec<u8>>,
    reason: String,
) -> Result<Edit, PlanError> {
    let opening = configuration.entry(host.entry);
    editable(configuration, opening)?;
    let anchor = own_settings(configuration, host.section, "ServerName")
        .into_iter()
        .rfind(|entry| {
            entry.file == opening.file && entry.section == host.section && entry.line > opening.line
        })
        .filter(|_| matches!(spot, Spot::Name));
    let after = anchor.map_or(opening.line, |entry| entry.line);
    if anchor.is_none() {
        // Behind a line of the section the indentation is already the section's.
        let unit = indentation_unit(configuration, opening);
        lines = lines
            .into_iter()
            .map(|line| [unit.as_slice(), &line].concat())
            .collect();
    }
    Ok(insert_lines(
        configuration,
        opening.file,
        Some(after),
        &lines,
        reason,
    ))
}

/// A line that may be edited for one virtual host: not out of a macro, and not read a second time for another.
pub(super) fn editable(configuration: &Configuration, entry: &Entry) -> Result<(), PlanError> {
    if configuration.macro_place(entry).is_some() {
        return Err(refuse(
            RefusalCode::FromMacro,
            say![
                "the virtual host that answers comes from a macro used at ",
                Place::of(configuration, entry),
                "; it is not edited",
            ],
            ": ",
            "change the macro by hand",
        ));
    }
    let file = configuration.file(entry.file).real();
    let twin = configuration.entries().find(|other| {
        (other.file, other.section) != (entry.file, entry.section)
            && other.line == entry.line
            && other.truth != Truth::False
            && configuration.file(other.file).real() == file
    });
    match twin {
        None => Ok(()),
        Some(other) => {
            let around = configuration.opening(configuration.context(other));
            let around = around.map(|entry| say![" (", Place::of(configuration, entry), ")"]);
            Err(refuse(
                RefusalCode::SharedLine,
                say![
                    "the line at ",
                    Place::of(configuration, entry),
                    " also holds for another part of the configuration",
                    around.unwrap_or_default(),
                    "; it is not edited for one alone",
                ],
                ": ",
                "give this virtual host its own lines, then run again",
            ))
        }
    }
}

/// A virtual host whose lines end somewhere else, or nowhere, is neither copied nor taken out.
pub(super) fn refuse_unclosed(configuration: &Configuration, host: &VirtualHost) -> PlanError {
    refuse(
        RefusalCode::HostUnclosed,
        say![
            "the virtual host ",
            named(configuration, host),
            " is not closed in its own file",
        ],
        "; ",
        "close it with </VirtualHost>, then run again",
    )
}

/// A line whose arguments give way to one.
pub(super) fn replace_argument(
    configuration: &Configuration,
    entry: &Entry,
    argument: &[u8],
    reason: &str,
) -> Result<Edit, PlanError> {
    editable(configuration, entry)?;
    let file = configuration.file(entry.file);
    let line = entry.line as usize;
    let (span, replacement) = match file.document.word_spans(line).as_deref() {
        Some([_, first, .., last]) => (first.start..last.end, argument.to_vec()),
        Some([_, only]) => (only.clone(), argument.to_vec()),
        _ => {
            let mut text = file.document.indentation(line).to_vec();
            text.extend(configuration.name(entry));
            text.push(b' ');
            text.extend_from_slice(argument);
            text.extend_from_slice(file.document.line_ending().as_bytes());
            (file.document.span(line), text)
        }
    };
    Ok(Edit {
        file: file.host.clone(),
        span,
        replacement,
        reason: reason.to_string(),
    })
}

/// A line that goes.
pub(super) fn remove(configuration: &Configuration, entry: &Entry, reason: &str) -> Result<Edit, PlanError> {
    editable(configuration, entry)?;
    let file = configuration.file(entry.file);
    Ok(Edit {
        file: file.host.clone(),
        span: file.document.span(entry.line as usize),
        replacement: Vec::new(),
        reason: reason.to_string(),
    })
}

/// A directive as a comment.
pub(super) fn comment_out(configuration: &Configuration, id: EntryId, reason: String) -> Edit {
    let entry = configuration.entry(id);
    let file = configuration.file(entry.file);
    let line = entry.line as usize;
    let start = file.document.span(line).start + file.document.indentation(line).len();
    Edit {
        file: file.host.clone(),
        span: start..start,
        replacement: b"#".to_vec(),
        reason,
    }
}

/// A listener with another port: the port inside the argument changes, the rest of the line stays, except that a
/// protocol becomes this one.
pub(super) fn move_listen(
    configuration: &Configuration,
    listen: &Listen,
    port: u16,
    protocol: &str,
    reason: String,
) -> Edit {
    let entry = configuration.entry(listen.entry);
    let file = configuration.file(entry.file);
    let line = entry.line as usize;
    let document = &file.document;
    let target = at_port(listen, port);
    let spans = document.word_spans(line);
    let (span, replacement) = if let Some([_, endpoint, rest @ ..]) = spans.as_deref() {
        let typed = &document.bytes()[endpoint.clone()];
        let old_port = listen.port.to_string();
        // Only the digits change where they stand at the end of a plain word.
        match (typed.ends_with(old_port.as_bytes()), rest) {
            (true, []) => (endpoint.end - old_port.len()..endpoint.end, port.to_string()),
            (_, []) => (endpoint.clone(), target),
            (_, [last, ..]) => (endpoint.start..last.end, format!("{target} {protocol}")),
        }
    } else {
        let protocol = listen.protocol.as_ref().map(|_| format!(" {protocol}"));
        let mut text = document.indentation(line).to_vec();
        text.extend_from_slice(format!("Listen {target}{}", protocol.unwrap_or_default()).as_bytes());
        text.extend_from_slice(document.line_ending().as_bytes());
        return Edit {
            file: file.host.clone(),
            span: document.span(line),
            replacement: text,
            reason,
        };
    };
    Edit {
        file: file.host.clone(),
        span,
        replacement: replacement.into_bytes(),
        reason,
    }
}

/// The endpoint of a listener on another port.
pub(super) fn at_port(listen: &Listen, port: u16) -> String {
    Listen {
        port,
        ..listen.clone()
    }
    .endpoint()
}
