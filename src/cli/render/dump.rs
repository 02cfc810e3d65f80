//! The evaluated configuration as one JSON document, for programs.
//!
//! The schema is part of the interface; see the README. Fields are only ever added.

use serde::Serialize;

use crate::httpd::{Configuration, Entry};
use crate::operation::status::truth;
use crate::operation::{Loaded, lint};

/// Raised when a field changes its meaning.
const SCHEMA: u32 = 1;

/// The directives of files whose path ends like `file`, and of the name `directive`.
pub fn document(loaded: &Loaded, file: Option<&str>, directive_name: Option<&str>) -> Document {
    let configuration = &loaded.configuration;
    let wanted = |entry: &Entry| {
        let in_file = file.is_none_or(|end| {
            let name = text(&configuration.file(entry.file).name);
            name.ends_with(&end.replace('\\', "/"))
        });
        let named = directive_name.is_none_or(|name| {
            let own = configuration.name(entry);
            let own = own.strip_prefix(b"<").unwrap_or(&own);
            own.eq_ignore_ascii_case(name.trim_start_matches('<').trim_end_matches('>').as_bytes())
        });
        in_file && named
    };
    let directives = configuration.entries().filter(|entry| wanted(entry));
    Document {
        schema: SCHEMA,
        server_root: text(configuration.server_root()),
        files: configuration
            .files()
            .iter()
            .map(|file| File {
                name: text(&file.name),
                path: loaded.show(&file.host),
                truth: truth(file.truth),
                included_from: file.included_from.map(|(from, line)| Place {
                    file: from,
                    line: configuration.file(from).document.number(line as usize),
                }),
            })
            .collect(),
        defines: configuration
            .variables()
            .all()
            .into_iter()
            .map(|(name, value)| Define {
                name: text(name),
                value: value.map(text),
            })
            .collect(),
        directives: directives.map(|entry| directive(configuration, entry)).collect(),
        problems: lint::reports(loaded, &crate::lint::check(configuration)),
    }
}

/// The whole, for programs.
#[derive(Serialize)]
pub struct Document {
    schema: u32,
    server_root: String,
    files: Vec<File>,
    defines: Vec<Define>,
    directives: Vec<Directive>,
    problems: Vec<lint::Report>,
}

#[derive(Serialize)]
struct File {
    name: String,
    path: String,
    truth: &'static str,
    included_from: Option<Place>,
}

#[derive(Serialize)]
struct Place {
    file: u32,
    line: u32,
}

#[derive(Serialize)]
struct Define {
    name: String,
    value: Option<String>,
}

/// `file` is an index in `files`; `line` and `last_line` are physical lines, from 1; `sections` are the openings
/// around it, outermost first.
#[derive(Serialize)]
struct Directive {
    file: u32,
    line: u32,
    last_line: u32,
    name: String,
    arguments: Vec<String>,
    raw: String,
    opens_section: bool,
    truth: &'static str,
    sections: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    macro_line: Option<String>,
}

fn directive(configuration: &Configuration, entry: &Entry) -> Directive {
    let document = &configuration.file(entry.file).document;
    let line = entry.line as usize;
    let mut sections: Vec<String> = configuration
        .ancestors(entry)
        .map(|(_, section)| {
            let opening = configuration.entry(section.opening);
            let name = text(&configuration.name(opening));
            let argument = text(&configuration.section_argument(opening));
            if argument.is_empty() {
                format!("{name}>")
            } else {
                format!("{name} {argument}>")
            }
        })
        .collect();
    sections.reverse();
    let arguments = if entry.opens {
        let argument = configuration.section_argument(entry);
        if argument.is_empty() {
            Vec::new()
        } else {
            vec![argument]
        }
    } else {
        configuration.arguments(entry)
    };
    Directive {
        file: entry.file,
        line: document.number(line),
        last_line: document.last_number(line),
        name: text(&configuration.name(entry)),
        arguments: arguments.iter().map(|argument| text(argument)).collect(),
        raw: text(&configuration.rest(entry)),
        opens_section: entry.opens,
        truth: truth(entry.truth),
        sections,
        macro_line: configuration
            .macro_place(entry)
            .map(|place| format!("line {} of {}", place.line, place.name)),
    }
}

/// JSON is text: bytes that are not UTF-8 become U+FFFD.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
