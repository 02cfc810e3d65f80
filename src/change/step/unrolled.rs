//! A virtual host that a macro makes, as if it stood written where the macro is used: its lines with the arguments in
//! them. For copies of it only; the macro and its uses stay as they are.

use std::collections::HashMap;

use crate::httpd::{Configuration, Edit, Entry, EntryId, SectionId, Truth, VirtualHost};

use super::super::edit_lines::refuse_unclosed;
use super::super::plan::PlanError;
use super::super::request::Request;
use super::super::work::Work;

/// The configuration with the virtual host written out in the line of the `Use`, and the virtual host there.
///
/// # Errors
/// It is not there any more when it is written so.
pub(super) fn unrolled(
    configuration: &Configuration,
    request: &Request,
    host: &VirtualHost,
) -> Result<(Configuration, VirtualHost), PlanError> {
    let opening = configuration.entry(host.entry);
    let read = configuration.file(opening.file);
    let span = read.document.span(opening.line as usize);
    let edit = Edit {
        file: read.host.clone(),
        span: span.start..span.end,
        replacement: written(configuration, host),
        reason: String::new(),
    };
    let mut work = Work::new(configuration);
    work.apply(vec![edit], &mut request.clone())?;
    let unrolled = work.read()?;
    let is_it = |other: &&VirtualHost| {
        let entry = unrolled.entry(other.entry);
        entry.line == opening.line && unrolled.file(entry.file).host == read.host
    };
    let found = unrolled.virtual_hosts().iter().find(is_it).cloned();
    let found = found.ok_or_else(|| refuse_unclosed(configuration, host))?;
    Ok((unrolled, found))
}

/// Its lines, from the opening one to the closing one.
fn written(configuration: &Configuration, host: &VirtualHost) -> Vec<u8> {
    let sections = configuration.sections().iter().enumerate();
    let opened: HashMap<EntryId, SectionId> = sections
        .map(|(id, section)| (section.opening, id as SectionId))
        .collect();
    let first = configuration.entry(host.entry);
    let mut open: Vec<(SectionId, Vec<u8>)> = Vec::new();
    let mut lines = Vec::new();
    for (id, entry) in (host.entry..).zip(configuration.entries_from(host.entry)) {
        let is_within = id == host.entry || configuration.is_within(entry.section, host.section);
        if !is_within {
            break;
        }
        // What an Include or an inner macro brings in: the line of the first stays, and of the second what it brings.
        if entry.file != first.file || is_use(configuration, entry) {
            continue;
        }
        while open
            .last()
            .is_some_and(|(section, _)| !configuration.is_within(entry.section, *section))
        {
            close(&mut open, &mut lines);
        }
        add(&mut lines, open.len(), &configuration.text(entry));
        if let Some(section) = opened.get(&id) {
            open.push((*section, configuration.name(entry)));
        }
    }
    while !open.is_empty() {
        close(&mut open, &mut lines);
    }
    lines
}

fn is_use(configuration: &Configuration, entry: &Entry) -> bool {
    entry.truth == Truth::True && configuration.is_named(entry, "Use")
}

fn close(open: &mut Vec<(SectionId, Vec<u8>)>, lines: &mut Vec<u8>) {
    if let Some((_, name)) = open.pop() {
        let name = name.strip_prefix(b"<").unwrap_or(&name);
        add(lines, open.len(), &[b"</", name, b">"].concat());
    }
}

fn add(lines: &mut Vec<u8>, depth: usize, text: &[u8]) {
    lines.extend(b"    ".repeat(depth));
    lines.extend(text);
    lines.push(b'\n');
}
