//! Who is told when a renewal fails: `renew.log`, the system's own log, and a program of the administrator's. None of them
//! changes what becomes of the run; where one of them fails, the others and whoever reads the run's own words are told of that.
//! Success is told to nobody.

pub mod hook;
pub mod renew_log;

use std::path::Path;

use super::environment::{Where, World};
use super::failure::Failure;
use super::find::{self, Loaded};
use super::obtain::State;
use super::renew::{Report, Told, Trouble};
use crate::exit_status::ExitStatus;
use crate::interrupt;
use crate::place::Moment;
use crate::renewal::Urgency;
use crate::server::system_events::{self, Event};
use crate::shown::sentence;

/// Something that failed.
#[derive(Clone, Debug)]
pub struct Happened {
    /// Which certificate; nothing where it is the run as a whole.
    pub name: Option<String>,
    /// What it is in the system's log.
    pub event: Event,
    /// The stable name of the reason.
    pub code: String,
    /// Why, in one line, with what to do.
    pub why: String,
    /// The status of a run for this alone.
    pub status: Option<ExitStatus>,
    /// The last moment of the certificate that is there.
    pub not_after: Option<Moment>,
    /// When it is tried next.
    pub next: Option<Moment>,
    /// It does not matter yet, and only `renew.log` has it.
    pub is_early: bool,
}

/// Whom to tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whom<'a> {
    /// This program instead of the one that is kept.
    pub hook: Option<&'a Path>,
    /// It is a run of the scheduler: the program that `schedule on` was given is told.
    pub is_scheduled: bool,
}

impl Happened {
    /// What failed of a run that was for several certificates.
    pub fn of_report(report: &Report) -> Vec<Happened> {
        let all = report.certificates.iter();
        let failed = all.filter_map(|told| Some((told, told.error.as_ref()?)));
        failed
            .map(|(told, trouble)| Happened::of(told, trouble))
            .collect()
    }

    fn of(told: &Told, trouble: &Trouble) -> Happened {
        Happened {
            name: Some(told.name.clone()),
            event: match told.urgency {
                None | Some(Urgency::None | Urgency::Notice) => Event::NotRenewed,
                Some(Urgency::Warning) => Event::NotRenewedLate,
                Some(Urgency::Error) => Event::NotRenewedUrgent,
                Some(Urgency::Over) => Event::NotRenewedOver,
            },
            code: trouble.code.clone(),
            why: one_line(&trouble.words()),
            status: Some(trouble.status),
            not_after: told.not_after,
            next: told.next,
            is_early: trouble.is_early,
        }
    }

    /// A run that did nothing at all.
    pub fn of_failure(failure: &Failure) -> Happened {
        let trouble = Trouble::of(failure);
        Happened {
            name: None,
            event: Event::RunFailed,
            code: trouble.code.clone(),
            why: one_line(&trouble.words()),
            status: Some(trouble.status),
            not_after: None,
            next: None,
            is_early: false,
        }
    }

    /// A way of telling that failed.
    fn of_telling(event: Event, why: &str) -> Happened {
        Happened {
            name: None,
            event,
            code: event.word().to_owned(),
            why: one_line(why),
            status: None,
            not_after: None,
            next: None,
            is_early: false,
        }
    }

    /// For the system's log.
    fn words(&self) -> String {
        let Some(name) = &self.name else {
            return match self.event {
                Event::RunFailed => format!("no certificate was renewed ({}): {}", self.code, self.why),
                _ => self.why.clone(),
            };
        };
        let day = |moment: Option<Moment>, before: &str| {
            moment.map_or(String::new(), |moment| format!("; {before} {}", moment.date()))
        };
        format!(
            "{name} was not renewed ({}): {}{}{}",
            self.code,
            self.why,
            day(self.not_after, "the certificate is valid until"),
            day(self.next, "it is tried again on")
        )
    }
}

fn one_line(words: &str) -> String {
    let lines: Vec<&str> = words.lines().map(str::trim).collect();
    sentence(&lines.join(" "))
}

/// Tells the program of `--hook`, if there is one.
fn tell_program(whom: Whom, state: Option<&State>, document: &dyn Fn() -> String) -> Result<(), String> {
    let kept = match (whom.hook, state) {
        (None, Some(state)) if whom.is_scheduled => {
            hook::kept(state).map_err(|failure| format!("{:#}", failure.error))?
        }
        _ => None,
    };
    match whom.hook.or(kept.as_deref()) {
        Some(program) => hook::tell(program, document()),
        None => Ok(()),
    }
}

/// What is said where it is not known for which server a run of the scheduler was.
const NOWHERE: &str = "neither renew.log nor the program of --hook was told, as conf/esync-ssl-acme was not found; see that the server \
                       root is there, then give esync-ssl schedule on again";

/// Where certificates are kept, also of a server whose configuration cannot be read: that is what is to be told. A folder that
/// is not there has no certificates of ours, and is not made for a complaint.
fn state<'a>(place: &Where, world: &World<'a>) -> Option<State<'a>> {
    let state = match Loaded::find(place) {
        Ok(loaded) => State::of(&loaded, world.disk),
        Err(_) => State::below(&find::root_alone(place)?, world.disk),
    };
    Some(state).filter(|state| state.folder().is_dir())
}

/// Tells of all that happened; `document` is what the program of `--hook` reads. What could not be told, in words.
pub fn tell(
    all: &[Happened],
    whom: Whom,
    (place, world): (&Where, &World),
    document: &dyn Fn() -> String,
) -> Vec<String> {
    if all.is_empty() {
        return Vec::new();
    }
    let state = state(place, world);
    let matters: Vec<&Happened> = all.iter().filter(|happened| !happened.is_early).collect();
    let mut untold = Vec::new();
    if state.is_none() && whom.is_scheduled && whom.hook.is_none() {
        untold.push(Happened::of_telling(Event::LogNotWritten, NOWHERE));
    }
    // Who ends us waits for nobody.
    if !matters.is_empty()
        && !interrupt::came()
        && let Err(why) = tell_program(whom, state.as_ref(), document)
    {
        untold.push(Happened::of_telling(Event::HookFailed, &why));
    }
    if let Some(state) = &state {
        let all: Vec<Happened> = all.iter().chain(&untold).cloned().collect();
        if let Err(failure) = renew_log::add(state, Moment::from((world.now)()), &all) {
            let why = format!("{} was not written: {:#}", renew_log::NAME, failure.error);
            untold.push(Happened::of_telling(Event::LogNotWritten, &why));
        }
    }
    let mut words: Vec<String> = untold.iter().map(|happened| happened.why.clone()).collect();
    let events = matters.into_iter().chain(&untold);
    let events = events.map(|happened| (happened.event, happened.words()));
    if let Err(why) = system_events::say(events.collect()) {
        words.push(format!("the log of the system was not told: {why}"));
    }
    words
}
