//! What is known of a run before it ends, and the envelope that it ends with.

use std::path::{Path, PathBuf};

use super::{End, Ending, Envelope, Error, FailureCode, Note, NoteCode, Place, SCHEMA};
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::operation::Failure;
use crate::place::ShownPath;
use crate::refusal::Refusal;
use crate::shown::{printable, shown};

/// What is known of a run so far.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The command as it is typed.
    pub command: String,
    /// The server root.
    pub root: Option<PathBuf>,
    /// The main configuration file.
    pub config: Option<PathBuf>,
    /// What people were told beside the answer.
    pub notes: Vec<Note>,
    /// What they were told to be wrong.
    pub findings: Vec<Finding>,
    /// What they were shown that would be done.
    pub preview: Option<String>,
}

impl Run {
    /// Of a command, as it is typed.
    pub fn new(command: &str) -> Run {
        Run {
            command: command.to_owned(),
            ..Run::default()
        }
    }

    /// Adds what people are told. Whether it was not told before.
    pub fn note(&mut self, code: NoteCode, message: &str) -> bool {
        let note = Note {
            code,
            message: message.to_owned(),
        };
        let is_new = !self.notes.contains(&note);
        if is_new {
            self.notes.push(note);
        }
        is_new
    }

    /// Adds what is wrong; what was found before is not found twice.
    pub fn found(&mut self, findings: &[Finding]) {
        // Those of a configuration are each found once, and may be very many.
        const FEW: usize = 200;
        let told = self.findings.len();
        for finding in findings {
            let among = if findings.len() > FEW {
                told
            } else {
                self.findings.len()
            };
            if !self.findings[..among].contains(finding) {
                self.findings.push(finding.clone());
            }
        }
    }

    /// The document of a run that did what was asked.
    pub fn done<T>(mut self, end: End, data: T) -> Envelope<T> {
        self.found(&end.findings);
        Envelope {
            changed: end.changed,
            restart_needed: end.restart_needed,
            error: end.error.map(|error| self.placed(error)),
            data: Some(data),
            ..self.envelope(end.status, end.result)
        }
    }

    /// The document of a run that did not.
    pub fn failed(mut self, failure: &Failure) -> Envelope<()> {
        // Why it failed comes before what was told on the way.
        let told = std::mem::take(&mut self.findings);
        self.found(&failure.findings);
        self.found(&told);
        if let Some(preview) = self.preview.take() {
            self.note(NoteCode::Preview, &preview);
        }
        self.error(failure.status, Error::of(failure))
    }

    /// The same with the places where they are.
    fn placed(&self, mut error: Error) -> Error {
        for place in error.place.iter_mut().chain(&mut error.places) {
            // One that was typed as the configuration names it.
            let below = self.root.as_ref().map(|root| root.join(&*place.file));
            if let Some(below) = below.filter(|below| !Path::new(&*place.file).exists() && below.exists()) {
                place.file = shown(&below).into();
            }
        }
        error
    }

    /// The document of a run that ends with this error.
    pub fn error(self, status: ExitStatus, error: Error) -> Envelope<()> {
        Envelope {
            error: Some(self.placed(error)),
            changed: status == ExitStatus::NotRestored,
            ..self.envelope(status, Ending::of_failure(status))
        }
    }

    /// The document of a run that is ended from outside. With [`ExitStatus::Done`] it had done what was asked, and only
    /// could not say so any more.
    pub fn interrupted(self, words: &str, status: ExitStatus) -> Envelope<()> {
        let is_done = status == ExitStatus::Done;
        let fix = (!is_done).then(|| "give the same command again to do what was asked".to_owned());
        let told = self.error(status, Error::new(FailureCode::Interrupted, words, fix));
        Envelope {
            result: Ending::Interrupted,
            changed: told.changed || is_done,
            ..told
        }
    }

    fn envelope<T>(self, status: ExitStatus, result: Ending) -> Envelope<T> {
        let path = |path: Option<PathBuf>| path.map(|path| absolute(&path));
        Envelope {
            schema: SCHEMA,
            command: self.command,
            version: env!("CARGO_PKG_VERSION").into(),
            status: status.code(),
            result,
            changed: result.is_change(),
            restart_needed: false,
            root: path(self.root),
            config: path(self.config),
            error: None,
            findings: self.findings,
            notes: self.notes,
            data: None,
        }
    }
}

impl Error {
    /// One that is no refusal.
    pub fn new(code: FailureCode, message: impl Into<String>, fix: Option<String>) -> Error {
        Error {
            code: code.word().into(),
            message: message.into(),
            fix,
            place: None,
            places: Vec::new(),
        }
    }

    /// That of a failure.
    pub fn of(failure: &Failure) -> Error {
        let text = |words: &str| printable(words.as_bytes());
        let words = format!("{:#}", failure.error);
        if let Some(advised) = failure.advised() {
            let around = words.strip_suffix(&advised.to_string()).unwrap_or_default();
            let cause = text(&format!("{around}{}", advised.cause));
            return Error::new(failure.code(), cause, Some(text(&advised.fix)));
        }
        let Some(refusal) = failure.error.downcast_ref::<Refusal>() else {
            let fix = failure.to_find().map(text);
            let fix = fix.or_else(|| failure.fix().map(Into::into));
            return Error::new(failure.code(), text(&words), fix);
        };
        // What was said around it, and then its own halves.
        let around = words.strip_suffix(&refusal.to_string()).unwrap_or_default();
        let places: Vec<Place> = refusal.places().into_iter().map(place).collect();
        let fix = text(&refusal.fix.to_string());
        Error {
            code: refusal.code.word().into(),
            message: text(&format!("{around}{}", refusal.cause)),
            fix: (!fix.is_empty()).then_some(fix),
            place: places.first().cloned(),
            places,
        }
    }
}

fn place(place: &crate::refusal::Place) -> Place {
    Place::new(shown(&place.file), place.line.map(|line| line as usize))
}

fn absolute(path: &Path) -> String {
    ShownPath::from(shown(path)).absolute().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Code, Severity};
    use crate::refusal::{Place as Named, RefusalCode, say};

    #[test]
    fn a_refusal_is_told_in_its_halves_and_with_all_places() {
        let cause = say![Named::path("/a/b"), " is odd"];
        let refusal = Refusal::new(RefusalCode::NameInTheWay, cause, "; ", "remove it");
        let run = Run {
            command: "enable".into(),
            root: Some("conf".into()),
            ..Run::default()
        };
        let failure = Failure::refused(refusal).after("nothing was written");
        let told = serde_json::to_value(run.failed(&failure)).unwrap();
        assert_eq!(told["error"]["code"], "NAME-IN-THE-WAY");
        let place = if cfg!(windows) { r"\a\b" } else { "/a/b" };
        let words = format!("nothing was written: {place} is odd");
        assert_eq!(told["error"]["message"], words);
        assert_eq!(told["error"]["fix"], "remove it");
        assert_eq!(told["error"]["place"], told["error"]["places"][0]);
        assert_eq!(told["status"], 4);
        assert_eq!(told["result"], "refused");
        assert_eq!(told["data"], serde_json::Value::Null);
        assert!(Path::new(told["root"].as_str().unwrap()).is_absolute());
    }

    #[test]
    fn nothing_is_told_twice() {
        let mut run = Run::default();
        run.note(NoteCode::Plan, "a");
        run.note(NoteCode::Plan, "a");
        let finding =
            Finding::new(Code::CertExpired, Severity::BreaksClients, "a", "b", "c").at("x.crt", None);
        run.found(std::slice::from_ref(&finding));
        let end = End::looked(ExitStatus::ErrorsFound, vec![finding]);
        let told = run.done(end, ());
        assert_eq!((told.notes.len(), told.findings.len()), (1, 1));
        assert_eq!(told.result, Ending::ErrorsFound);
        assert!(!told.changed);
    }

    #[test]
    fn every_failure_has_a_word_of_its_own() {
        for (_, word) in FailureCode::ALL {
            assert!(word.parse::<Code>().is_err(), "{word}");
            assert!(RefusalCode::ALL.iter().all(|(_, other)| *other != word), "{word}");
        }
    }

    #[test]
    fn the_fields_are_in_their_order() {
        let told = serde_json::to_string(&Run::default().done(End::of(Ending::Written), 1)).unwrap();
        let names = [
            "schema",
            "command",
            "version",
            "status",
            "result",
            "changed",
            "restart_needed",
            "root",
            "config",
            "error",
            "findings",
            "notes",
            "data",
        ];
        let at = names.map(|name| told.find(&format!("\"{name}\":")).unwrap());
        assert!(at.is_sorted(), "{told}");
        assert!(told.contains("\"changed\":true"));
        let schema = serde_json::to_value(schemars::schema_for!(super::super::Envelope<u8>)).unwrap();
        let required = schema["required"].as_array().unwrap();
        assert!(names.iter().all(|name| *name == "error"
            || schema["properties"][name].is_object()
            || required.iter().any(|one| one == name)));
    }
}
