//! What is printed where: answers to stdout, talk to stderr, and nothing of a file that could steer a terminal.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::adapter::strip_str;
use zeroize::Zeroizing;

use super::advice::Advice;
use super::arguments::ColorChoice;
use super::json;
use super::live;
use super::output::{self, Stream};
use super::render::{self, explain, findings};
use super::volume::Volume;
use super::width;
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
    /// What was asked for was done, and changed something.
    changed: Cell<bool>,
}

/// What waits: what is printed, and how much was known before it.
struct Held {
    lines: Vec<(Stream, String)>,
    notes: usize,
    findings: usize,
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
            let told = json::text(&run.interrupted(words, status), &completed);
            told.trim_end().to_owned()
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
            changed: Cell::default(),
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
        output::write(Stream::Answer, text);
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
        let text = match stream {
            Stream::Talk => self.fitted(text),
            Stream::Answer | Stream::Document => text.to_owned(),
        };
        match &mut *self.held.borrow_mut() {
            Some(held) => held.lines.push((stream, text)),
            None => output::write(stream, &text),
        }
    }

    /// Talk as it fits the terminal, where that is one; what programs watch stays in its line.
    fn fitted(&self, text: &str) -> String {
        let width = if self.json { None } else { width::of_talk() };
        width::fitted(text, width)
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

    /// The same of sentences: at a terminal they are broken at words.
    pub fn prose(&self, text: &str) {
        self.answer(&width::fitted(text, width::of_answers()));
    }

    /// The answer as a document, for programs only. Only the first of a run is one.
    pub fn document(&self, end: End, data: &impl serde::Serialize) {
        self.changed.set(end.changed && end.result != Ending::WouldChange);
        if self.json {
            let status = end.status;
            self.envelope(&self.known().done(end, data), status);
        }
    }

    /// The same of `dump`.
    pub fn dump(&self, end: End, answer: dump::Document) {
        if self.json {
            let status = end.status;
            let envelope = self.known().done(end, answer.summary());
            let answer = Some(answer);
            self.envelope(&document::Dump { envelope, answer }, status);
        }
    }

    /// The envelope of a run, once; `status` is the one that it tells.
    pub fn envelope(&self, envelope: &impl serde::Serialize, status: ExitStatus) {
        if self.answered.replace(true) || Stream::Document.is_given_up() {
            return;
        }
        interrupt::answers(status);
        if !interrupt::is_held() {
            // As it comes: a configuration may be large.
            let mut out = std::io::stdout().lock();
            output::answered(json::write(&mut out, envelope, &self.advice));
            return;
        }
        output::write(Stream::Document, json::text(envelope, &self.advice).trim_end());
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
    /// Says on stderr that something failed of what was asked, beside an answer that tells the rest.
    pub fn complain(&self, words: &str) {
        self.say(&format!("esync-ssl: error: {}", printable(words.as_bytes())));
    }

    /// The same of what is no error of the run, however little is to be said beside the answer.
    pub fn warn(&self, code: NoteCode, words: &str) {
        let words = format!("warning: {}", printable(words.as_bytes()));
        self.keep(code, &words);
        self.say(&words);
    }

    /// What somebody types to a question without its being shown; nothing where there is no terminal.
    ///
    /// # Errors
    /// When it cannot be asked for; of the kind `Interrupted` when the run is to end.
    pub fn hidden(&self, question: &str) -> io::Result<Option<Zeroizing<String>>> {
        if !std::io::stdin().is_terminal() {
            return Ok(None);
        }
        let _terminal = Terminal::keep();
        let typed = rpassword::prompt_password(format!("{question} "))?;
        Ok(Some(Zeroizing::new(typed)))
    }

    /// Says what a question is about, however little is to be said beside the answer.
    pub fn tell(&self, words: &str) {
        self.say(&printable(words.as_bytes()));
    }

    /// The document that a run would give that ended like this now.
    pub fn draft(&self, end: End, data: &impl serde::Serialize) -> String {
        json::text(&self.known().done(end, data), &self.advice)
    }

    /// The same of one that failed.
    pub fn draft_of_failure(&self, failure: &Failure) -> String {
        json::text(&self.of_failure(failure), &self.advice)
    }

    /// A text with commands that can be typed anywhere.
    pub fn completed(&self, text: &str) -> String {
        self.advice.complete(text).into_owned()
    }

    fn of_failure(&self, failure: &Failure) -> document::Envelope<()> {
        let mut envelope = self.known().failed(failure);
        if let Some(error) = &mut envelope.error {
            error.message = self.completed(&error.message);
        }
        envelope
    }

    /// Reports a failure and gives its status.
    pub fn failure(&self, failure: &Failure) -> ExitStatus {
        let message = match (failure.error.downcast_ref::<Refusal>(), failure.advised()) {
            // The document says the rest.
            (Some(refusal), _) if self.json => format!("[{}]: {}", refusal.code, refusal.cause),
            (_, Some(advised)) if self.json => format!(": {}", advised.cause),
            _ => format!(": {:#}", failure.error),
        };
        if self.json {
            self.envelope(&self.of_failure(failure), failure.status);
        }
        let word = match Ending::of_failure(failure.status) {
            Ending::Refused => "refused",
            _ => "error",
        };
        self.say(&format!("esync-ssl: {word}{}", printable(message.as_bytes())));
        failure.status
    }

    /// The status of a run that would end with this one, where nobody may have got its answer.
    pub fn delivered(&self, status: ExitStatus) -> ExitStatus {
        let Some(why) = output::take_lost() else {
            return status;
        };
        let done = match self.changed.get() {
            true => "; what was asked for was done",
            false => "",
        };
        self.say(&format!(
            "esync-ssl: error: the answer could not be written to the standard output: {why}{done}"
        ));
        match status {
            ExitStatus::Done => ExitStatus::Error,
            other => other,
        }
    }

    /// Reports a mistake of this program and gives its status.
    pub fn mistake(&self, what: &str) -> ExitStatus {
        let message = format!(
            "this is a mistake of the program itself: {}",
            printable(what.as_bytes())
        );
        if self.json {
            let error = document::Error::new(FailureCode::Panic, &message, Some(REPORT_IT.into()));
            self.envelope(&self.known().error(ExitStatus::Error, error), ExitStatus::Error);
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
        let told = format!("Nothing needs to change: {why}.\n");
        self.verbatim(&width::fitted(&told, width::of_answers()));
    }

    fn preview(&self, preview: &Preview) {
        let text = render::preview::text(preview);
        if self.json {
            self.run().preview = Some(strip_str(text.trim_end()).to_string());
        } else {
            self.verbatim(&text);
        }
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
        let text = render::preview::summary(lines);
        if let Some(preview) = self.run().preview.as_mut().filter(|_| self.json) {
            preview.push_str(strip_str(text.trim_end()).to_string().as_str());
        }
        self.answer(&text);
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
            output::write(Stream::Talk, &self.fitted(text));
        }
    }
}

impl Questions for Printer {
    /// With --json nothing is shown that one could agree to.
    fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && !self.json
    }

    fn agrees(&self, question: &str) -> Option<bool> {
        yes_or_no(&format!("{question} [y/N] "), false)
    }

    fn reply(&self, question: &str) -> Option<String> {
        ask(&format!("{} ", printable(question.as_bytes())));
        interrupt::read_line()
    }

    fn accepts(&self, question: &str) -> Option<bool> {
        yes_or_no(&format!("{question} [Y/n] "), true)
    }

    fn pass_phrase(&self, what: &str) -> io::Result<Option<Zeroizing<String>>> {
        self.hidden(&format!("Pass-phrase of {}:", printable(what.as_bytes())))
    }
}

/// Asks until the answer is yes, no or nothing, which means what is usual; the end of the input means no. Nothing when the
/// run is to end.
fn yes_or_no(question: &str, usual: bool) -> Option<bool> {
    loop {
        ask(question);
        let line = interrupt::read_line()?;
        match line.trim().to_ascii_lowercase().as_str() {
            _ if line.is_empty() => return Some(false),
            "" => return Some(usual),
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            _ => output::write(Stream::Talk, "The answer must be y or n."),
        }
    }
}

fn ask(question: &str) {
    let mut stderr = anstream::stderr();
    let question = width::fitted(question, width::of_talk());
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}
