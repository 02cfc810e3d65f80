//! `<Macro>` and `Use`: definitions are kept, and what they expand to becomes the next lines.

use std::sync::Arc;

use super::lines::{Expansion, Lines};
use super::{REFUSED, Reader};
use crate::finding::Finding;
use crate::httpd::eval::macros::{BUFFER, Macro, check_signature, signature};
use crate::httpd::model::entry::Entry;
use crate::httpd::model::truth::Truth;
use crate::httpd::text::document::Document;
use crate::httpd::text::scan::LineKind;
use crate::httpd::text::word::words;

/// Lines out of macros in all; nested macros that double at each level would never end.
const MAX_MACRO_LINES: usize = 300_000;

/// Why a `Use` brings in nothing.
enum Unusable {
    /// Apache's words.
    Refused(String),
    /// Too many lines came out of macros.
    TooMany(String),
    /// Too many bytes.
    TooMuch(String),
}

impl Reader {
    pub(super) fn define_macro(&mut self, rest: &[u8], entry: Entry, lines: &mut Lines) {
        let section = self.open_section(entry, true);
        // What stands in the body is not read here, only where the macro is used.
        self.c.sections[section as usize].truth = Truth::False;
        let end = rest.iter().rposition(|&b| b == b'>');
        if end.is_none() && !rest.is_empty() {
            self.problem(
                lines,
                entry.truth,
                Finding {
                    rule: "opening-tag",
                    apache: Some("<Macro> directive missing closing '>'".into()),
                    summary: "`<Macro` lacks its closing `>`".into(),
                    ..REFUSED
                },
            );
        }
        let (name, parameters) = signature(&rest[..end.unwrap_or(rest.len())]);
        let place = self.quoted_place(lines);
        if let Some(complaint) = check_signature(&name, &parameters, &place) {
            self.problem(
                lines,
                entry.truth,
                Finding {
                    rule: "macro",
                    summary: complaint.clone(),
                    apache: Some(complaint),
                    ..REFUSED
                },
            );
        }
        let document = lines.document.clone();
        let opening = lines.line;
        let mut body = Vec::new();
        let mut depth = 1;
        while let Some(text) = raw_macro_line(lines, &document) {
            let first = words(&text)
                .next()
                .map(|w| w.value.into_owned())
                .unwrap_or_default();
            if first.eq_ignore_ascii_case(b"</Macro>") {
                depth -= 1;
                if depth == 0 {
                    self.close(section, lines, &None);
                    let mut inside = opening + 1..lines.line + 1;
                    if inside.any(|line| too_long_for_a_macro(&document, line)) {
                        self.unclosed_body(b"Macro", opening, lines);
                    }
                    return self.macros.define(Macro {
                        name,
                        parameters,
                        body,
                        place,
                    });
                }
            } else if first.eq_ignore_ascii_case(b"<Macro") {
                depth += 1;
            }
            body.push((body.len() as u32 + 1, text));
        }
        self.unclosed_body(b"Macro", opening, lines);
    }

    pub(super) fn use_macro(&mut self, rest: &[u8], entry: Entry, lines: &mut Lines) {
        match self.expansion(rest, lines) {
            Ok(expansion) => lines.macros.push(expansion),
            Err(Unusable::Refused(apache)) => {
                let problem = Finding {
                    rule: "macro",
                    summary: apache.clone(),
                    apache: Some(apache),
                    ..REFUSED
                };
                self.problem(lines, entry.truth, problem);
            }
            Err(Unusable::TooMany(message)) => {
                self.stopped = true;
                let problem = Finding {
                    rule: "macro-size",
                    summary: message,
                    ..REFUSED
                };
                self.problem(lines, entry.truth, problem);
            }
            Err(Unusable::TooMuch(what)) => {
                self.stop_at(lines.file, lines.line as u32, "macro-size", &what);
            }
        }
    }

    /// What comes out of a macro for the arguments of a `Use`.
    fn expansion(&mut self, rest: &[u8], lines: &Lines) -> Result<Expansion, Unusable> {
        let mut all = words(rest).map(|w| w.value.into_owned());
        let name = all.next().unwrap_or_default();
        let values: Vec<Vec<u8>> = all.collect();
        let shown = String::from_utf8_lossy(&name).into_owned();
        let too_much =
            || Unusable::TooMuch(format!("with the macro '{shown}', macros produce too much text"));
        let definition = self.definition(&name, values.len(), lines)?;
        // Each parameter is looked for at every byte.
        let work = definition.size() * (1 + definition.parameters.len() / 8);
        if !self.budget.expand(work) {
            return Err(too_much());
        }
        let lower = shown.to_ascii_lowercase();
        let known = format!("macro '{lower}' (defined on {})", definition.place);
        let place = format!("{known} used on {}", self.quoted_place(lines));
        let body = definition.expand(&values).map_err(|number| {
            Unusable::Refused(format!(
                "{place} error while substituting: while processing line {number} of {known} cannot substitute, buffer \
                 size too small"
            ))
        })?;
        self.macro_lines += body.len();
        if self.macro_lines > MAX_MACRO_LINES {
            return Err(Unusable::TooMany(format!(
                "with the macro '{shown}', macros produce more than {MAX_MACRO_LINES} lines; nothing after this \
                 was read"
            )));
        }
        let bytes: usize = body.iter().map(|(_, text)| text.len()).sum();
        if !self.budget.expand(bytes + place.len()) {
            return Err(too_much());
        }
        Ok(Expansion {
            name,
            place: place.into(),
            body,
            next: 0,
        })
    }

    /// The macro of that name, if it may be used here with so many arguments.
    fn definition(&self, name: &[u8], values: usize, lines: &Lines) -> Result<Arc<Macro>, Unusable> {
        let lower = || String::from_utf8_lossy(name).to_ascii_lowercase();
        let Some(definition) = self.macros.get(name) else {
            return Err(Unusable::Refused(match self.macros.is_empty() {
                true => "no macro defined before Use".to_string(),
                false => format!("macro '{}' undefined", lower()),
            }));
        };
        if values != definition.parameters.len() {
            return Err(Unusable::Refused(format!(
                "macro '{}' (defined on {}) used with {values} arguments instead of {}",
                String::from_utf8_lossy(&definition.name.to_ascii_lowercase()),
                definition.place,
                definition.parameters.len()
            )));
        }
        let mut used = lines.macros.iter();
        if used.any(|expansion| expansion.name.eq_ignore_ascii_case(name)) {
            let apache = format!("recursive use of macro '{}' is invalid", lower());
            return Err(Unusable::Refused(apache));
        }
        Ok(definition)
    }

    /// `(defined on line L of "F")` without its frame.
    fn quoted_place(&self, lines: &Lines) -> String {
        let file = self.c.file(lines.file);
        let number = file.document.last_number(lines.line);
        match lines.macros.last() {
            Some(expansion) => {
                let line = expansion
                    .body
                    .get(expansion.next.saturating_sub(1))
                    .map_or(0, |(line, _)| *line);
                format!("line {line} of \"{}\"", expansion.place)
            }
            None => format!("line {number} of \"{}\"", String::from_utf8_lossy(&file.name)),
        }
    }
}

/// Does mod_macro stop at the line, which does not fit into its buffer, and miss the end of the macro?
fn too_long_for_a_macro(document: &Document, line: usize) -> bool {
    let raw = document.raw(line);
    // The line end and the NUL take a byte each.
    let length = match document.lines()[line].is_composed() {
        true => document.text(line).len(),
        false => raw.strip_suffix(b"\n").unwrap_or(raw).len(),
    };
    length > BUFFER - 2
}

/// The next line of a macro body, blank lines included, comments left out.
fn raw_macro_line(lines: &mut Lines, document: &Document) -> Option<Vec<u8>> {
    if !lines.macros.is_empty() {
        return lines.next(document).map(|current| current.text.into_owned());
    }
    loop {
        let line = document.lines().get(lines.next)?;
        lines.line = lines.next;
        lines.next += 1;
        if line.kind != LineKind::Comment {
            return Some(document.text(lines.line).into_owned());
        }
    }
}
