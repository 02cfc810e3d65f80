//! What is printed where: answers to stdout, talk to stderr, and nothing of a file that could steer a terminal.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};
use zeroize::Zeroizing;

use super::arguments::ColorChoice;
use super::render::{self, explain, findings};
use crate::apply::{Holder, Unfinished, Working};
use crate::check::{Code, Finding};
use crate::exit_status::ExitStatus;
use crate::interrupt::{self, Terminal};
use crate::operation::{Failure, LogReport, Preview, Progress, Questions};
use crate::shown::{deceives, printable};

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

/// How long a reader of talk may take while something is under way that must not stay half done.
const SLOW: Duration = Duration::from_secs(10);

impl Stream {
    /// Its reader has stopped, and what was written last still waits there: more would wait behind it.
    fn given_up(self) -> &'static AtomicBool {
        static OUT: AtomicBool = AtomicBool::new(false);
        static TALK: AtomicBool = AtomicBool::new(false);
        match self {
            Stream::Answer | Stream::Document => &OUT,
            Stream::Talk => &TALK,
        }
    }

    fn is_given_up(self) -> bool {
        self.given_up().load(Ordering::Relaxed)
    }

    fn give_up(self) {
        self.given_up().store(true, Ordering::Relaxed);
    }
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

    fn print(&self, stream: Stream, text: &str) {
        match &mut *self.held.borrow_mut() {
            Some(held) => held.push((stream, text.to_owned())),
            None => Printer::write(stream, text),
        }
    }

    fn write(stream: Stream, text: &str) {
        if stream.is_given_up() {
            return;
        }
        if matches!(stream, Stream::Document) {
            interrupt::answers();
        }
        let text = text.to_owned();
        // What is said while a server is stopped must not keep it from being started again.
        let most = matches!(stream, Stream::Talk).then_some(SLOW);
        let is_said = interrupt::say_patiently(most, move || {
            // A reader that went away is not our failure.
            let _ = match stream {
                Stream::Answer => anstream::stdout().write_all(text.as_bytes()),
                Stream::Document => writeln!(std::io::stdout(), "{text}"),
                Stream::Talk => writeln!(anstream::stderr(), "{text}"),
            };
        });
        if !is_said {
            stream.give_up();
        }
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
        if !self.json || Stream::Document.is_given_up() {
            return;
        }
        let added = self.added.borrow();
        if added.is_empty() && self.held.borrow().is_none() && !interrupt::is_held() {
            interrupt::answers();
            // As it comes: a configuration may be large.
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            write_document(&mut out, value);
            return;
        }
        let Ok(mut value) = serde_json::to_value(value) else {
            return;
        };
        if let Some(parts) = value.as_object_mut() {
            parts.extend(added.clone());
        }
        let mut text = Vec::new();
        write_document(&mut text, &value);
        self.print(Stream::Document, String::from_utf8_lossy(&text).trim_end());
    }
}

/// In lines, with a line end behind it. A reader that went away is not our failure.
fn write_document(out: &mut impl Write, value: &impl serde::Serialize) {
    let mut serializer = Serializer::with_formatter(&mut *out, Escaping::default());
    let _ = value.serialize(&mut serializer);
    let _ = writeln!(out).and_then(|()| out.flush());
}

impl Printer {
    /// Reports a failure and gives its status.
    pub fn failure(&self, failure: &Failure) -> ExitStatus {
        let message = printable(format!("{:#}", failure.error).as_bytes());
        if self.json {
            self.document(&document_of(failure, &message));
        }
        let word = if failure.status == ExitStatus::Refused {
            "refused"
        } else {
            "error"
        };
        self.talk(&format!("esync-ssl: {word}: {message}"));
        failure.status
    }
}

/// A failure for programs.
fn document_of(failure: &Failure, message: &str) -> serde_json::Value {
    let mut document = serde_json::json!({ "error": message, "status": failure.status.code() });
    if !failure.findings.is_empty() {
        document["findings"] = serde_json::json!(failure.findings);
    }
    if let Some(refusal) = failure.error.downcast_ref() {
        document["refusal"] = render::refusal::parts(refusal);
    }
    document
}

impl Progress for Printer {
    fn talk(&self, text: &str) {
        self.print(Stream::Talk, text);
    }

    fn unchanged(&self, why: &str) {
        self.answer(&format!("Nothing needs to change: {why}.\n"));
    }

    fn preview(&self, preview: &Preview) {
        if !self.json {
            self.answer(&render::preview::text(preview));
        }
    }

    fn findings(&self, found: &[Finding], forced: &[Code]) {
        self.talk(findings::lines(found, forced).trim_end());
    }

    fn logs(&self, report: &LogReport) {
        self.talk(explain::text(report).trim_end());
    }

    fn interrupted(&self, run: &Unfinished, remedy: &str) {
        let command = printable(run.command.get(1..).unwrap_or_default().join(" ").as_bytes());
        let id = printable(run.id.as_bytes());
        let is_new = self.add(
            "interrupted",
            serde_json::json!({
                "run": id,
                "command": command,
                "at_work": run.at_work.is_some(),
                "fix": run.at_work.is_none().then_some(remedy),
            }),
        );
        if !is_new {
            return;
        }
        match &run.at_work {
            Some(Working(holder)) => {
                let who = holder.as_ref().map(|Holder { pid, user, since, command }| {
                    format!(": process {pid} of {user}, since {since}: {command}")
                });
                let who = printable(who.unwrap_or_default().as_bytes());
                self.talk(&format!(
                    "note: another run of esync-ssl is at work here{who}; the following may show its changes half \
                     done. Run again when it has ended"
                ));
            }
            None => self.talk(&format!(
                "warning: an earlier run was interrupted and left its changes half done ({id}: {command}); {remedy} undoes \
                 them, as does the next run that writes"
            )),
        }
    }

    fn hold(&self) {
        *self.held.borrow_mut() = Some(Vec::new());
    }

    fn release(&self) {
        let held = self.held.take();
        for (stream, text) in held.into_iter().flatten() {
            self.print(stream, &text);
        }
    }

    fn discard(&self) {
        self.held.take();
    }

    fn first(&self, text: &str) {
        Printer::write(Stream::Talk, text);
    }
}

impl Questions for Printer {
    /// With --json nothing is shown that one could agree to.
    fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && !self.json
    }

    fn agrees(&self, question: &str) -> Option<bool> {
        let mut stderr = anstream::stderr();
        let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        let line = interrupt::read_line()?;
        Some(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    fn pass_phrase(&self, what: &str) -> io::Result<Option<Zeroizing<String>>> {
        if !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        let prompt = format!("Pass-phrase of {}: ", printable(what.as_bytes()));
        let _terminal = Terminal::keep();
        Ok(Some(Zeroizing::new(rpassword::prompt_password(prompt)?)))
    }
}

/// JSON in lines, in which what deceives the eye is escaped: programs read the same, and a terminal is not steered.
#[derive(Default)]
struct Escaping(PrettyFormatter<'static>);

/// What is left to the formatter inside.
macro_rules! as_usual {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $kind)*) -> io::Result<()> {
            self.0.$name(out $(, $argument)*)
        })*
    };
}

impl Formatter for Escaping {
    as_usual! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(deceives) {
            out.write_all(&rest.as_bytes()[..at])?;
            let mut characters = rest[at..].chars();
            for unit in characters.next().unwrap_or_default().encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[test]
    fn json_says_the_same_without_what_deceives() {
        let texts: Vec<String> = (0..=0x10_ffff_u32)
            .filter_map(char::from_u32)
            .filter(|c| deceives(*c) || c.is_ascii())
            .map(|c| format!("a{c}ü"))
            .collect();
        let mut bytes = Vec::new();
        let value = serde_json::json!({ "t\u{9b}": texts, "n": [], "o": {} });
        let mut serializer = Serializer::with_formatter(&mut bytes, Escaping::default());
        value.serialize(&mut serializer).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && deceives(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        let plain = serde_json::json!({ "a": [1, { "b": "ü\n" }], "c": null });
        let mut bytes = Vec::new();
        plain
            .serialize(&mut Serializer::with_formatter(&mut bytes, Escaping::default()))
            .unwrap();
        assert_eq!(bytes, serde_json::to_string_pretty(&plain).unwrap().into_bytes());
    }
}
