//! What is printed where: answers to stdout, talk to stderr, and nothing of a file that could steer a terminal.

use std::cell::RefCell;
use std::io::Write;

use super::Failure;
use super::arguments::ColorChoice;
use crate::exit_status::ExitStatus;

/// Prints for people or for programs.
pub struct Printer {
    json: bool,
    /// What waits until it is sure that it is meant; nothing when all is printed at once.
    held: RefCell<Option<Vec<(Stream, String)>>>,
    /// Parts of every document.
    added: RefCell<serde_json::Map<String, serde_json::Value>>,
}

/// Where something is printed.
#[derive(Clone, Copy)]
enum Stream {
    Answer,
    Document,
    Talk,
}

impl Printer {
    /// `json`: one document on stdout and no other answer. The choice of colour holds for the whole process.
    pub fn new(json: bool, color: ColorChoice) -> Self {
        match color {
            // NO_COLOR, dumb terminals and files are anstream's to notice.
            ColorChoice::Auto => {}
            ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
            ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
        }
        Printer {
            json,
            held: RefCell::default(),
            added: RefCell::default(),
        }
    }

    /// From now on everything waits.
    pub fn hold(&self) {
        *self.held.borrow_mut() = Some(Vec::new());
    }

    /// What waits is said, and all that follows at once.
    pub fn release(&self) {
        let held = self.held.take();
        for (stream, text) in held.into_iter().flatten() {
            self.print(stream, &text);
        }
    }

    /// What waits is not said, and all that follows at once.
    pub fn discard(&self) {
        self.held.take();
    }

    /// Talk that comes before all that waits.
    pub fn first(&self, text: &str) {
        Printer::write(Stream::Talk, text);
    }

    fn print(&self, stream: Stream, text: &str) {
        match &mut *self.held.borrow_mut() {
            Some(held) => held.push((stream, text.to_owned())),
            None => Printer::write(stream, text),
        }
    }

    fn write(stream: Stream, text: &str) {
        // A reader that went away is not our failure.
        let _ = match stream {
            Stream::Answer => anstream::stdout().write_all(text.as_bytes()),
            Stream::Document => writeln!(std::io::stdout(), "{text}"),
            Stream::Talk => writeln!(anstream::stderr(), "{text}"),
        };
    }

    /// Is the answer one document, for programs?
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Part of the answer, for people only.
    pub fn answer(&self, text: &str) {
        if !self.json {
            self.print(Stream::Answer, text);
        }
    }

    /// Makes something part of every document from now on. Whether that is new.
    pub fn add(&self, name: &str, value: serde_json::Value) -> bool {
        let mut added = self.added.borrow_mut();
        let is_new = added.get(name) != Some(&value);
        added.insert(name.to_owned(), value);
        is_new
    }

    /// The answer as a document, for programs only.
    pub fn document(&self, value: &impl serde::Serialize) {
        if !self.json {
            return;
        }
        let added = self.added.borrow();
        let text = if added.is_empty() {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_value(value).and_then(|mut value| {
                if let Some(parts) = value.as_object_mut() {
                    parts.extend(added.clone());
                }
                serde_json::to_string_pretty(&value)
            })
        };
        if let Ok(text) = text {
            self.print(Stream::Document, &text);
        }
    }

    /// Talk: where things were found, warnings, questions.
    pub fn talk(&self, text: &str) {
        self.print(Stream::Talk, text);
    }

    /// A question: talk without a line end.
    pub fn question(&self, text: &str) {
        let mut stderr = anstream::stderr();
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
    }

    /// Reports a failure and gives its status.
    pub fn failure(&self, failure: &Failure) -> ExitStatus {
        let message = printable(format!("{:#}", failure.error).as_bytes());
        let mut document = serde_json::json!({ "error": message, "status": failure.status.code() });
        if !failure.findings.is_empty() {
            document["findings"] = serde_json::json!(failure.findings);
        }
        self.document(&document);
        let word = if failure.status == ExitStatus::Refused {
            "refused"
        } else {
            "error"
        };
        self.talk(&format!("esync-ssl: {word}: {message}"));
        failure.status
    }
}

/// Bytes of a file as text for people: control characters and bytes that are not UTF-8 become `\xNN`; tabs and line
/// feeds stay, a carriage return at the end of a line goes.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut characters = chunk.valid().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\n' | '\t' => text.push(character),
                '\r' if matches!(characters.peek(), Some('\n') | None) => {}
                c if c.is_control() => text.extend(hex(c.encode_utf8(&mut [0; 4]).as_bytes())),
                // Marks that turn the direction of text could make a line look like another.
                '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    text.extend(hex(character.encode_utf8(&mut [0; 4]).as_bytes()));
                }
                c => text.push(c),
            }
        }
        text.extend(hex(chunk.invalid()));
    }
    text
}

fn hex(bytes: &[u8]) -> impl Iterator<Item = char> + use<> {
    bytes
        .iter()
        .map(|byte| format!("\\x{byte:02x}"))
        .collect::<String>()
        .into_bytes()
        .into_iter()
        .map(char::from)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            printable(b"a\x1b[31m\xf6\r\nb\rc\t\xc3\xbc\r"),
            "a\\x1b[31m\\xf6\nb\\x0dc\t\u{fc}"
        );
        assert_eq!(printable("\u{202e}".as_bytes()), "\\xe2\\x80\\xae");
    }
}
