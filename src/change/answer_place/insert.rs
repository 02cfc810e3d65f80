//! Where the lines go: into a virtual host, first and last, or into the main server, before what would come before them.
//! Decides nothing about the lines.

use std::ops::Range;

use crate::httpd::{Configuration, Edit, Entry, FileId, SERVER, Truth, VirtualHost};

use super::super::edit_lines::{Spot, insert_at_server_level, insert_into, insert_lines};
use super::super::existing::named_at;
use super::super::own_answers::OwnLines;
use super::super::plan::PlanError;
use super::super::step::copy::closing_line;
use super::super::text::{indentation_unit, unit_of};
use super::lines::{Lines, marked};

/// The lines of one virtual host as edits.
pub(super) fn into_host(
    configuration: &Configuration,
    host: &VirtualHost,
    lines: Lines,
    reason: &str,
) -> Result<Vec<Edit>, PlanError> {
    let opening = configuration.entry(host.entry);
    let Lines { rule, alias, path } = lines;
    let first = marked(rule.into_iter().chain(alias));
    let mut edits = vec![insert_into(
        configuration,
        host,
        Spot::Top,
        first,
        reason.to_owned(),
    )?];
    if !path.is_empty() {
        let document = &configuration.file(opening.file).document;
        let closing = closing_line(configuration, host)? as usize;
        let outer = document.indentation(opening.line as usize);
        let unit = indentation_unit(configuration, opening);
        let mut replacement = Vec::new();
        for line in marked(path) {
            let parts = [outer, &unit, &line, document.line_ending().as_bytes()];
            replacement.extend(parts.concat());
        }
        let at = document.span(closing).start;
        edits.push(Edit {
            file: configuration.file(opening.file).host.clone(),
            span: at..at,
            replacement,
            reason: reason.to_owned(),
        });
    }
    Ok(edits)
}

/// The lines of the main server as edits. `is_first`: an `Alias` or `ProxyPass` of its own would take the path.
pub(super) fn into_main(
    configuration: &Configuration,
    lines: Lines,
    is_first: bool,
    own: &OwnLines,
    reason: &str,
) -> Vec<Edit> {
    let Lines { rule, alias, path } = lines;
    let mut edits = Vec::new();
    let mut last = Vec::new();
    match first_of(configuration, &["RewriteCond", "RewriteRule"], own) {
        Some(entry) if !rule.is_empty() => edits.push(before(configuration, entry, marked(rule), reason)),
        _ => last.extend(rule),
    }
    const TAKING: [&str; 6] = [
        "Alias",
        "AliasMatch",
        "ScriptAlias",
        "ScriptAliasMatch",
        "ProxyPass",
        "ProxyPassMatch",
    ];
    match first_of(configuration, &TAKING, own) {
        Some(entry) if is_first => edits.push(before(configuration, entry, marked(alias), reason)),
        _ => last.extend(alias),
    }
    last.extend(path);
    if !last.is_empty() {
        edits.push(at_the_end(configuration, marked(last), reason));
    }
    edits
}

/// A rule of the main server before all its others.
pub(super) fn before_rules(
    configuration: &Configuration,
    rule: Vec<u8>,
    own: &OwnLines,
    reason: &str,
) -> Option<Edit> {
    let entry = first_of(configuration, &["RewriteCond", "RewriteRule"], own)?;
    Some(before(configuration, entry, marked([rule]), reason))
}

/// One level of indentation, as the file has it in which they come.
pub(super) fn unit(configuration: &Configuration, host: Option<&VirtualHost>) -> Vec<u8> {
    match host {
        Some(host) => indentation_unit(configuration, configuration.entry(host.entry)),
        None => unit_of(&configuration.file(0).document),
    }
}

/// Lines that go, with a blank one above them that came with them.
pub(super) fn removal(
    configuration: &Configuration,
    file: FileId,
    lines: Range<usize>,
    reason: &str,
) -> Edit {
    let read = configuration.file(file);
    let (from, to) = (read.document.span(lines.start), read.document.span(lines.end - 1));
    Edit {
        file: read.host.clone(),
        span: from.start..to.end,
        replacement: Vec::new(),
        reason: reason.to_owned(),
    }
}

fn first_of<'a>(configuration: &'a Configuration, names: &[&str], own: &OwnLines) -> Option<&'a Entry> {
    named_at(configuration, SERVER, names).find(|entry| entry.truth != Truth::False && !own.has(entry))
}

/// Before the outermost condition around a line, so that they hold in any case.
fn before(configuration: &Configuration, entry: &Entry, lines: Vec<Vec<u8>>, reason: &str) -> Edit {
    let around = configuration.ancestors(entry);
    let openings = around.map(|(_, section)| configuration.entry(section.opening));
    let outermost = openings.filter(|opening| opening.file == entry.file).last();
    let line = outermost.map_or(entry.line, |opening| opening.line);
    insert_lines(
        configuration,
        entry.file,
        line.checked_sub(1),
        &lines,
        reason.to_owned(),
    )
}

fn at_the_end(configuration: &Configuration, lines: Vec<Vec<u8>>, reason: &str) -> Edit {
    let last = (configuration.file(0).document.lines().len() as u32).checked_sub(1);
    insert_at_server_level(configuration, 0, last, lines, reason.to_owned())
}
