//! The lines of one section, each with what must hold besides for it to act. Judges none.

use crate::httpd::{Configuration, Entry, EntryId, SERVER, SectionId, Truth, word};

use super::super::redirection::Condition;

/// A line, and what must hold besides.
pub(super) struct Line<'c> {
    pub entry: &'c Entry,
    pub guards: Vec<Condition>,
}

/// A line as it is written.
pub(super) fn written(configuration: &Configuration, entry: &Entry) -> String {
    let document = &configuration.file(entry.file).document;
    let text = match configuration.macro_place(entry) {
        Some(_) => configuration.text(entry),
        None => document.text(entry.line as usize),
    };
    String::from_utf8_lossy(text.trim_ascii()).into_owned()
}

/// The words of its argument.
pub(super) fn section_words(configuration: &Configuration, opening: &Entry) -> Vec<Vec<u8>> {
    let argument = configuration.section_argument(opening);
    let words = word::words(&argument);
    words.map(|word| word.value.into_owned()).collect()
}

/// The lines of a section.
pub(super) fn lines<'c>(configuration: &'c Configuration, id: EntryId, opening: &'c Entry) -> Vec<Line<'c>> {
    let first = configuration.entries_from(id + 1).next();
    let section = first.map(|entry| entry.section);
    let own = section
        .filter(|section| *section != SERVER && configuration.sections()[*section as usize].opening == id);
    let Some(section) = own else { return Vec::new() };
    let mut lines = lines_from(configuration, section, id + 1);
    if let Some(guard) = guard(configuration, opening) {
        for line in &mut lines {
            line.guards.insert(0, guard.clone());
        }
    }
    lines
}

/// The active lines inside a section from an entry on, each with the conditions around it.
pub(super) fn lines_from(configuration: &Configuration, section: SectionId, first: EntryId) -> Vec<Line<'_>> {
    let inside = configuration
        .entries_from(first)
        .take_while(|entry| configuration.is_within(entry.section, section));
    let active = inside.filter(|entry| entry.truth == Truth::True && !entry.opens);
    active
        .map(|entry| {
            let around = configuration
                .ancestors(entry)
                .take_while(|(id, _)| *id != section);
            let around = around.filter(|(_, section)| !section.transparent);
            let guards =
                around.filter_map(|(_, section)| guard(configuration, configuration.entry(section.opening)));
            Line {
                entry,
                guards: guards.collect(),
            }
        })
        .collect()
}

/// What a section asks of a request besides its path.
fn guard(configuration: &Configuration, opening: &Entry) -> Option<Condition> {
    let is = |name: &str| configuration.is_named(opening, name);
    let asks = |text: String| Condition::new(&[b"expr".to_vec(), text.into_bytes()]);
    if is("<Directory") || is("<DirectoryMatch") || is("<Location") || is("<RequireAll") || is("<RequireAny")
    {
        return None;
    }
    if is("<If") {
        return asks(format!("({})", expression(configuration, opening)?));
    }
    if is("<ElseIf") || is("<Else") {
        let section = opening.section;
        let before = configuration
            .entries()
            .take_while(|entry| !std::ptr::eq(*entry, opening));
        let before = before.filter(|entry| {
            let is = |name: &str| configuration.is_named(entry, name);
            entry.opens && entry.section == section && (is("<If") || is("<ElseIf"))
        });
        let not = expression(configuration, before.last()?)?;
        return match expression(configuration, opening).filter(|_| is("<ElseIf")) {
            Some(own) => asks(format!("(!({not}) && ({own}))")),
            None => asks(format!("!({not})")),
        };
    }
    // What only the server knows.
    Condition::new(&[b"%{REQUEST_FILENAME}".to_vec(), b"-f".to_vec()])
}

fn expression(configuration: &Configuration, opening: &Entry) -> Option<String> {
    let word = section_words(configuration, opening).into_iter().next()?;
    Some(String::from_utf8_lossy(&word).into_owned())
}
