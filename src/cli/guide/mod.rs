//! HTTPS for people who do not type commands: questions, each with what was found as its answer, and then the very command that
//! could have been typed, which shows what it would do and asks before it writes.
//!
//! [`flow`] decides what is asked and what an answer means, [`sentences`] how it is said; both know no terminal. [`words`] makes the
//! command of the answers, [`terminal`] asks, and [`eyes`] looks.

mod answers;
mod concern;
mod dropped;
mod eyes;
mod flow;
mod name;
mod plain;
mod question;
mod sentences;
mod terminal;
mod voice;
mod words;

use std::ffi::OsString;
use std::io;

use camino::Utf8Path;

use self::answers::{Answers, Looks, Source};
use self::eyes::Eyes;
use self::flow::Flow;
use self::question::{Asks, Question, Reply};
use self::terminal::Terminal;
use self::voice::Guided;
use self::words::Words;
use crate::cli::advice::Advice;
use crate::cli::arguments::{ColorChoice, Command, Global, Line};
use crate::cli::command::{self, Front};
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::cli::volume::Volume;
use crate::exit_status::ExitStatus;
use crate::operation::foreseen::ways_on;
use crate::operation::ports::USUAL;
use crate::operation::{Failure, Where, World, answer_file, devices, file_name, options};
use crate::quoted::{bare, quoted};
use crate::refusal::{Refusal, RefusalCode};

/// Whether this process has a terminal at which it can ask.
pub fn can_ask() -> bool {
    use io::IsTerminal;
    io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and carries out what was answered.
///
/// # Errors
/// When it was interrupted, or ended without anything being done.
pub fn run(global: &Global, world: &World, printer: &Printer) -> Result<ExitStatus, Failure> {
    let place = &global.place();
    let guide = Guide {
        global,
        place,
        world,
        printer,
        asks: &Terminal { printer },
        look: &Eyes { place, world },
    };
    guide.run()
}

/// What comes after something that was not done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// The same.
    Again,
    /// The same with another answer.
    Other,
    /// The same, with what is wrong accepted.
    Accepted,
    /// Nothing.
    End,
}

struct Guide<'a> {
    global: &'a Global,
    place: &'a Where,
    world: &'a World<'a>,
    printer: &'a Printer,
    asks: &'a dyn Asks,
    look: &'a dyn Looks,
}

impl Guide<'_> {
    fn run(&self) -> Result<ExitStatus, Failure> {
        self.asks.say(
            "This turns HTTPS on for an Apache server, step by step. Nothing is written before the last question; Esc leads back, \
             Ctrl-C ends.",
        );
        let root = self.place.root.as_deref().and_then(Utf8Path::from_path);
        let mut flow = Flow::new(self.look, root);
        loop {
            converse(&mut flow, self.asks)?;
            if flow.is_ended {
                return Err(ended(&flow));
            }
            let words = Words::of(&flow.answers, self.place);
            let failure = match self.carry_out(&flow.answers, &words) {
                Ok(status) => {
                    self.farewell(&flow.answers, &words, status)?;
                    return Ok(status);
                }
                Err(failure) => failure,
            };
            // That was known, and the changes were shown.
            if words.is_trial && failure.status == ExitStatus::NotPermitted {
                self.printer.failure(&failure);
                self.farewell(&flow.answers, &words, failure.status)?;
                return Ok(failure.status);
            }
            if matches!(failure.status, ExitStatus::Interrupted | ExitStatus::NotRestored) {
                return Err(failure);
            }
            // Whoever says no wants to answer something else.
            if failure.status == ExitStatus::Declined {
                self.asks.say("Nothing was written.");
                flow.back();
                continue;
            }
            if !self.goes_on(&mut flow, &failure)? {
                return Ok(failure.status);
            }
        }
    }

    /// Whether it is tried again, with the same answers or with others, after what did not succeed; it is said what that is.
    fn goes_on(&self, flow: &mut Flow, failure: &Failure) -> Result<bool, Failure> {
        let told = format!("That was not done: {}", plain::failure(failure));
        told.lines().for_each(|line| self.asks.say(line));
        let accepts = ways_on(&failure.findings, &flow.answers.accepted);
        let mut ways = vec![
            ("Try again", After::Again),
            ("Change an answer", After::Other),
            ("Continue anyway", After::Accepted),
            ("End", After::End),
        ];
        ways.retain(|(_, way)| *way != After::Accepted || accepts.is_some());
        let options: Vec<&str> = ways.iter().map(|(words, _)| *words).collect();
        let question = Question::choice("What now?", &options, 1);
        let chosen = match self.asks.ask(&question).map_err(broken)? {
            Reply::Interrupted => return Err(interrupted()),
            Reply::Chosen(at) => ways.get(at).map(|(_, way)| *way),
            _ => None,
        };
        match chosen {
            Some(After::Again) => {}
            Some(After::Accepted) => flow.answers.accepted.extend(accepts.into_iter().flatten()),
            Some(After::End) => return Ok(false),
            Some(After::Other) | None => {
                let about = concern::of_failure(failure, &flow.answers);
                flow.back_to(about.unwrap_or_default());
            }
        }
        Ok(true)
    }

    /// The command of the answers, carried out as if it had been typed.
    fn carry_out(&self, answers: &Answers, words: &Words) -> Result<ExitStatus, Failure> {
        let program = ["esync-ssl".to_owned()].into_iter();
        let command: Vec<String> = program.chain(words.carried_out()).collect();
        let line = read(&command)?;
        let place = line.arguments.global.place();
        let world = World {
            command,
            ..*self.world
        };
        let advice = Advice::new(options(&place));
        let printer = Printer::new(&line.command, false, ColorChoice::Auto, advice)
            .with(Volume::of(self.global, false));
        let voice = Guided::new(&printer, self.asks, words.is_trial);
        match &line.arguments.command {
            Command::Enable(enable) => {
                let front = Front {
                    printer: &printer,
                    voice: &voice,
                    phrase: answers.phrase.clone(),
                    schedules: answers.schedules,
                };
                command::enable(enable, &place, &world, front)
            }
            other => command::run(other, &line.arguments.global, &world, &printer),
        }
    }

    /// What comes after it: the settings of devices, the command, and its answers as a file.
    fn farewell(&self, answers: &Answers, words: &Words, status: ExitStatus) -> Result<(), Failure> {
        let name = answers.name.clone().unwrap_or_default();
        if !words.is_for_servers() {
            return Ok(());
        }
        if status == ExitStatus::Done && !words.is_trial {
            let settings = devices::Settings::of(&name, answers.port.unwrap_or(USUAL), None);
            self.printer.answer(&render::devices::settings(&settings));
        }
        let mut told = format!(
            "The same as one command, without a question:\n  {}",
            words.shown()
        );
        if words.needs_phrase {
            told += "\nFILE is a file that holds the pass-phrase in its first line; only you should be able to read it.";
        }
        self.printer.verbatim(&format!("{told}\n"));
        match words.is_trial {
            true => Ok(()),
            false => self.offer_file(&name, words),
        }
    }

    fn offer_file(&self, name: &str, words: &Words) -> Result<(), Failure> {
        let text = "Save the answers as a file, for the next server?";
        let wanted = self.asks.ask(&Question::choice(text, &["No", "Yes"], 0));
        if wanted.map_err(broken)? != Reply::Chosen(1) {
            return Ok(());
        }
        let file = format!("esync-ssl-{}.toml", file_name(name));
        let usual = self.look.folder().join(file).into_string();
        loop {
            let question = Question::path("File:", Some(usual.clone()));
            let Reply::Typed(line) = self.asks.ask(&question).map_err(broken)? else {
                return Ok(());
            };
            let path = self.look.path(bare(line.trim()));
            match answers_of(words).and_then(|text| answer_file::save(&path, &text)) {
                Ok(path) => {
                    let words = format!(
                        "Saved. Use it with: esync-ssl enable --answers {}\n",
                        quoted(&path)
                    );
                    self.printer.verbatim(&words);
                    return Ok(());
                }
                Err(failure) => plain::failure(&failure)
                    .lines()
                    .for_each(|line| self.asks.say(line)),
            }
        }
    }
}

/// Asks until everything is known, or somebody ends it.
fn converse(flow: &mut Flow, asks: &dyn Asks) -> Result<(), Failure> {
    while let Some(step) = flow.next() {
        match asks.ask(&flow.question(step)).map_err(broken)? {
            Reply::Interrupted => return Err(interrupted()),
            Reply::Back => {
                if !flow.back() {
                    asks.say("This is the first question; Ctrl-C ends.");
                }
            }
            reply => match flow.take(step, &reply) {
                Ok(said) => said.iter().for_each(|line| asks.say(line)),
                Err(why) => why.lines().for_each(|line| asks.say(line)),
            },
        }
        if flow.is_ended {
            break;
        }
    }
    Ok(())
}

/// The answer file of a command. A pass-phrase is in none.
fn answers_of(words: &Words) -> Result<String, Failure> {
    let all = ["esync-ssl".to_owned()]
        .into_iter()
        .chain(words.asking.iter().cloned());
    let all = all
        .chain(words.yes.iter().cloned())
        .chain(["--print-answers".to_owned()]);
    let mut text = read(&all.collect::<Vec<_>>())?.answers.unwrap_or_default();
    if words.needs_phrase {
        text +=
            "# The key is under a pass-phrase. Name the file that holds it:\n# passphrase-file = 'FILE'\n";
    }
    Ok(text)
}

/// A command line that answers were made into.
fn read(words: &[String]) -> Result<Line, Failure> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    // Whoever answered has said everything.
    Line::read(words, &|_| None).map_err(|wrong| {
        let words = wrong.error.to_string();
        let words = words.trim().trim_start_matches("error: ").to_owned();
        Failure {
            status: ExitStatus::Usage,
            ..Failure::error(anyhow::anyhow!(words))
        }
    })
}

fn ended(flow: &Flow) -> Failure {
    let server = flow.answers.server.as_ref().or(flow.found());
    let is_closed = server.is_some_and(|server| server.closed.is_some());
    let cause = "nothing was written, because the guide was ended";
    let failure = Failure::refused(Refusal::new(RefusalCode::Declined, cause, "", ""));
    match is_closed && flow.answers.source != Some(Source::Request) {
        true => Failure {
            status: ExitStatus::NotPermitted,
            ..failure
        },
        false => failure,
    }
}

fn interrupted() -> Failure {
    Failure::interrupted().into_interrupted()
}

fn broken(error: io::Error) -> Failure {
    Failure::error(anyhow::Error::from(error).context("the terminal cannot be asked"))
}

#[cfg(test)]
mod tests;
