//! What is printed where: answers to stdout, talk to stderr, and nothing of a file that could steer a terminal.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstream::adapter::strip_str;
use zeroize::Zeroizing;

use super::advice::Advice;
use super::arguments::ColorChoice;
use super::json;
use super::live;
use super::render::{self, explain, findings};
use super::volume::Volume;
use crate::apply::{Holder, Unfinished, Working};
use crate::check::{Code, Finding};
use crate::document::{self, End, Ending, FailureCode, NoteCode, Run};
use crate::exit_status::ExitStatus;
use crate::interrupt::{self, Terminal};
use crate::operation::{Failure, LogReport, Preview, Progress, Questions, Taken, dump, waiting};
use crate::refusal::Refusal;
use crate::shown::printable;
use crate::trail;

/// Prints for people or for programs.
pub struct Printer {
    json: bool,
    volume: Volume,
    /// What completes the commands that are proposed.
    advice: Advice,
    /// What waits until it is sure that it is meant; nothing when all is printed at once.
    held: RefCell<Option<Held>>,
    /// People look at what is said as it comes: a long step has its living line.
    live: bool,
    /// What programs are told of the run, whoever ends it.
    run: Arc<Mutex<Run>>,
    /// The document was given.
    answered: Cell<bool>,
}

/// What waits: what is printed, and how much was known before it.
struct Held {
    lines: Vec<(Stream, String)>,
    notes: usize,
    findings: usize,
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
    pub fn new(command: &str, json: bool, color: ColorChoice, advice: Advice) -> Self {
        match color {
            // NO_COLOR, dumb terminals and files are anstream's to notice.
            ColorChoice::Auto => {}
            ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
            ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
        }
        let run = Arc::new(Mutex::new(Run::new(command)));
        let (known, completed) = (run.clone(), advice.clone());
        // Whatever ends the run from outside, programs are told what was known.
        interrupt::answers_by(json.then_some(Box::new(move |words: &str, status: ExitStatus| {
            let run = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut text = Vec::new();
            json::write(&mut text, &run.interrupted(words, status), &completed);
            String::from_utf8_lossy(&text).trim_end().to_owned()
        })));
        let is_dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
        Printer {
            json,
            live: !json && !is_dumb && std::io::stderr().is_terminal(),
            volume: Volume::default(),
            advice,
            held: RefCell::default(),
            run,
            answered: Cell::default(),
        }
    }

    /// The same, saying more or less beside the answer.
    pub fn with(self, volume: Volume) -> Self {
        if volume == Volume::Verbose {
            trail::keep();
        }
        Printer {
            volume,
            live: self.live && volume != Volume::Quiet,
            ..self
        }
    }

    /// An answer that is neither for people nor a document.
    pub fn plain(text: &str) {
        Printer::write(Stream::Answer, text);
    }

    /// Tells what was read, run and decided since.
    pub fn tell_trail(&self) {
        if self.volume == Volume::Verbose {
            for line in trail::take() {
                let line = printable(line.as_bytes());
                self.keep(NoteCode::Detail, &line);
                self.put(Stream::Talk, &format!("\x1b[2m- {line}\x1b[0m"));
            }
        }
    }

    fn print(&self, stream: Stream, text: &str) {
        self.tell_trail();
        self.put(stream, text);
    }

    fn put(&self, stream: Stream, text: &str) {
        match &mut *self.held.borrow_mut() {
            Some(held) => held.lines.push((stream, text.to_owned())),
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
            live::without(|| {
                let _ = match stream {
                    Stream::Answer => anstream::stdout().write_all(text.as_bytes()),
                    Stream::Document => writeln!(std::io::stdout(), "{text}"),
                    Stream::Talk => writeln!(anstream::stderr(), "{text}"),
                };
            });
        });
        if !is_said {
            stream.give_up();
        }
    }

    /// Is the answer one document, for programs?
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Part of the answer, for people only; the commands in it can be typed.
    pub fn answer(&self, text: &str) {
        self.verbatim(&self.advice.complete(text));
    }

    /// The same of what others wrote, or what is told of commands.
    pub fn verbatim(&self, text: &str) {
        if !self.json {
            self.print(Stream::Answer, text);
        }
    }

    /// The answer as a document, for programs only. Only the first of a run is one.
    pub fn document(&self, end: End, data: &impl serde::Serialize) {
        if self.json {
            self.envelope(&self.known().done(end, data));
        }
    }

    /// The same of `dump`.
    pub fn dump(&self, end: End, answer: dump::Document) {
        if self.json {
            let envelope = self.known().done(end, answer.summary());
            let answer = Some(answer);
            self.envelope(&document::Dump { envelope, answer });
        }
    }

    /// The envelope of a run, once.
    pub fn envelope(&self, envelope: &impl serde::Serialize) {
        if self.answered.replace(true) || Stream::Document.is_given_up() {
            return;
        }
        if !interrupt::is_held() {
            interrupt::answers();
            // As it comes: a configuration may be large.
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            json::write(&mut out, envelope, &self.advice);
            return;
        }
        let mut text = Vec::new();
        json::write(&mut text, envelope, &self.advice);
        Printer::write(Stream::Document, String::from_utf8_lossy(&text).trim_end());
    }

    /// What is known of the run so far, by itself: whoever ends the run must not wait for us while we wait for them.
    fn known(&self) -> Run {
        self.run().clone()
    }

    /// What is known of the run so far.
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something on stderr; to somebody who watches a program, in one line.
    fn say(&self, text: &str) {
        let text = &*self.advice.complete(text);
        if self.json {
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            self.print(Stream::Talk, &lines.join(" "));
        } else {
            self.print(Stream::Talk, text);
        }
    }

    /// Keeps what programs are told. Whether that is new.
    fn keep(&self, code: NoteCode, text: &str) -> bool {
        let plain = strip_str(&self.advice.complete(text)).to_string();
        let plain = ["note: ", "warning: ", "esync-ssl: error: "]
            .iter()
            .fold(plain.trim(), |rest, word| rest.strip_prefix(word).unwrap_or(rest));
        self.run().note(code, plain)
    }
}

impl Printer {
    /// Reports a failure and gives its status.
    pub fn failure(&self, failure: &Failure) -> ExitStatus {
        let message = match failure.error.downcast_ref::<Refusal>() {
            // The document says the rest.
            Some(refusal) if self.json => format!("[{}]: {}", refusal.code, refusal.cause),
            _ => format!(": {:#}", failure.error),
        };
        if self.json {
            let mut envelope = self.known().failed(failure);
            if let Some(error) = &mut envelope.error {
                error.message = self.advice.complete(&error.message).into_owned();
            }
            self.envelope(&envelope);
        }
        let word = match Ending::of_failure(failure.status) {
            Ending::Refused => "refused",
            _ => "error",
        };
        self.say(&format!("esync-ssl: {word}{}", printable(message.as_bytes())));
        failure.status
    }

    /// Reports a mistake of this program and gives its status.
    pub fn mistake(&self, what: &str) -> ExitStatus {
        let message = format!(
            "this is a mistake of the program itself: {}",
            printable(what.as_bytes())
        );
        if self.json {
            let error = document::Error::new(FailureCode::Panic, &message, Some(REPORT_IT.into()));
            self.envelope(&self.known().error(ExitStatus::Error, error));
            self.say(&format!("esync-ssl: error: {message}"));
        } else {
            self.say(&format!("esync-ssl: error: {message}. {REPORT_IT}"));
        }
        ExitStatus::Error
    }
}

/// What to do about a mistake of this program.
const REPORT_IT: &str = "Please report it with this line, the command that you gave, and what esync-ssl report writes. What \
                         the run had begun is undone by the next one that writes, or by esync-ssl restore --recover";

impl Progress for Printer {
    fn talk(&self, text: &str) {
        self.note(NoteCode::Progress, text);
    }

    fn note(&self, code: NoteCode, text: &str) {
        self.keep(code, text);
        if self.volume != Volume::Quiet {
            self.say(text);
        }
    }

    fn detail(&self, text: &str) {
        trail::decided(|| text.to_owned());
    }

    fn server(&self, taken: &Taken) {
        let mut run = self.run();
        run.root = Some(taken.root.clone());
        if let Some(main) = &taken.config {
            run.config = Some(main.clone());
        }
    }

    fn unchanged(&self, why: &str) {
        self.run().note(NoteCode::NothingToDo, why);
        self.verbatim(&format!("Nothing needs to change: {why}.\n"));
    }

    fn preview(&self, preview: &Preview) {
        let text = render::preview::text(preview);
        if self.json {
            self.run().preview = Some(strip_str(text.trim_end()).to_string());
        } else {
            self.verbatim(&text);
        }
        self.answer(&text);
    }

    fn findings(&self, found: &[Finding], forced: &[Code]) {
        self.run().found(found);
        let is_told = |finding: &&Finding| self.volume != Volume::Quiet || finding.is_open(forced);
        let told: Vec<Finding> = found.iter().filter(is_told).cloned().collect();
        if self.json {
            for finding in &told {
                self.say(&format!("{}: {}", finding.code, finding.summary));
            }
        } else if !told.is_empty() {
            self.say(findings::lines(&told, forced).trim_end());
        }
    }

    fn logs(&self, report: &LogReport) {
        // It belongs to an error: it is said in any case.
        let text = explain::text(report);
        self.keep(NoteCode::Log, text.trim_end());
        self.say(text.trim_end());
    }

    fn interrupted(&self, run: &Unfinished, remedy: &str) {
        let command = printable(run.command.get(1..).unwrap_or_default().join(" ").as_bytes());
        let id = printable(run.id.as_bytes());
        let (code, words) = match &run.at_work {
            Some(Working(holder)) => {
                let who = holder.as_ref().map(
                    |Holder {
                         pid,
                         user,
                         since,
                         command,
                     }| {
                        format!(": process {pid} of {user}, since {since}: {command}")
                    },
                );
                let who = printable(who.unwrap_or_default().as_bytes());
                let words = format!(
                    "note: another run of esync-ssl is active here{who}; the following may show its changes half \
                     done. Run again when it has ended"
                );
                (NoteCode::RunAtWork, words)
            }
            None => {
                let words = format!(
                    "warning: an earlier run was interrupted and left its changes half done ({id}: {command}); {remedy} undoes \
                     them, as does the next run that writes"
                );
                (NoteCode::RunInterrupted, words)
            }
        };
        if self.keep(code, &words) {
            self.say(&words);
        }
    }

    fn summary(&self, lines: &[String]) {
        if !self.json {
            self.answer(&render::preview::summary(lines));
        }
    }

    fn step(&self, what: &str) {
        if self.live {
            live::begin(what);
        }
    }

    fn step_done(&self) {
        if self.live {
            live::end();
        }
    }

    fn waiting(&self, seconds: u64, why: &str) {
        // The same again and again: how long it took is for people who wait.
        if !self.live && self.volume != Volume::Quiet {
            self.say(&waiting(seconds, why));
        }
    }

    fn hold(&self) {
        let run = self.run();
        *self.held.borrow_mut() = Some(Held {
            lines: Vec::new(),
            notes: run.notes.len(),
            findings: run.findings.len(),
        });
    }

    fn release(&self) {
        let held = self.held.take();
        for (stream, text) in held.into_iter().flat_map(|held| held.lines) {
            self.print(stream, &text);
        }
    }

    fn discard(&self) {
        if let Some(held) = self.held.take() {
            let mut run = self.run();
            run.notes.truncate(held.notes);
            run.findings.truncate(held.findings);
        }
    }

    fn first(&self, text: &str) {
        if self.volume != Volume::Quiet {
            Printer::write(Stream::Talk, text);
        }
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

    fn reply(&self, question: &str) -> Option<String> {
        let mut stderr = anstream::stderr();
        let _ = write!(stderr, "{} ", printable(question.as_bytes())).and_then(|()| stderr.flush());
        interrupt::read_line()
    }

    fn accepts(&self, question: &str) -> Option<bool> {
        let mut stderr = anstream::stderr();
        let _ = write!(stderr, "{question} [Y/n] ").and_then(|()| stderr.flush());
        let line = interrupt::read_line()?;
        // The end of the input is no answer.
        Some(
            matches!(
                line.to_ascii_lowercase().trim_end_matches(['\r', '\n']).trim(),
                "" | "y" | "yes"
            ) && !line.is_empty(),
        )
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
