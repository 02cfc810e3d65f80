//! Renewal without hands: the scheduler of this machine carries `renew --scheduled` out twice a day. Turned on, it is run
//! once as the scheduler runs it, so that what only fails there is seen now and not when a certificate is over.
//!
//! The files lie in folders of the system, which no backup of a server root reaches: they say themselves that they are ours
//! and whether somebody edited them, and what is not as we wrote it is neither overwritten nor removed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::environment::{Where, World};
use super::failure::{Failure, not_interrupted};
use super::find::Loaded;
use super::obtain::State;
use super::progress::{Difference, Preview, Progress, during};
use super::questions::{Voice, confirm};
use super::telling::hook;
use crate::apply::{self, Disk, Readable, read_own};
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::note_code::NoteCode;
use crate::place::ShownPath;
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::renewal::{self, Window};
use crate::server::schedule::{self, File, Hand, Kind, Seen, Task, hand};
use crate::shown::{printable, shown};

/// How long the first run is waited for.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// How to turn it on or off.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Nobody is asked.
    pub yes: bool,
    /// Nothing is written.
    pub dry_run: bool,
    /// The program that scheduled runs tell of what fails, instead of the one that was given before.
    pub hook: Option<PathBuf>,
    /// When servers may be restarted; what the schedule that is there says where it is not given.
    pub window: Option<Window>,
}

/// Whether renewal is carried out without hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ScheduleState"))]
#[serde(rename_all = "kebab-case")]
pub enum IsOn {
    /// It is.
    On,
    /// It is not.
    Off,
    /// Something is there that does not work; `problems` says what.
    Broken,
}

/// What carries renewal out.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ScheduleReport"))]
pub struct Report {
    /// What became of the command: `unchanged`, `would-change` or `written`; of `show` always `unchanged`.
    pub result: &'static str,
    /// Whether it is on.
    pub state: IsOn,
    /// What is wrong with it.
    pub problems: Vec<String>,
    /// The scheduler of this machine.
    pub scheduler: Kind,
    /// What the task is called there; a unit of systemd without `.service` and `.timer`.
    pub name: String,
    /// What it carries out: the program and its arguments.
    pub command: Vec<String>,
    /// The files that it takes.
    pub files: Vec<ShownPath>,
    /// The program that is told of what fails; null where none was given.
    pub hook: Option<ShownPath>,
    /// When it is carried out next, as the scheduler says it; null where it does not tell.
    pub next_run: Option<String>,
    /// When it was carried out last, and with which result; null where nobody knows.
    pub last_run: Option<LastRun>,
}

/// A run of the scheduler.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ScheduleLastRun"))]
pub struct LastRun {
    /// When it ended, in words of the scheduler, or RFC 3339; null where it is not told.
    pub at: Option<String>,
    /// Its exit status; null where it is not told.
    pub status: Option<i64>,
}

/// What `renew --scheduled` keeps of its last run.
#[derive(Serialize, Deserialize)]
struct Ran {
    at: String,
    status: u8,
}

/// All that is known of it.
struct Schedule<'a> {
    kind: Kind,
    task: Task,
    files: Vec<File>,
    state: State<'a>,
}

/// A file as it is, or nothing where there is none.
type Before = Option<Vec<u8>>;

/// Turns it on, and runs it once. On already, it is written as this program is now.
///
/// # Errors
/// Refused where there is no scheduler, others could change the program, or files were edited; what the scheduler says; that
/// the first run did not begin.
pub fn on(request: &Request, place: &Where, world: &World, voice: &dyn Voice) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(voice);
    let schedule = Schedule::of(&loaded, request.window, world.disk)?;
    schedule.refuse_others()?;
    let before = schedule.before()?;
    let kept = match &request.hook {
        // Whatever was there, it is not anymore.
        Some(_) => hook::kept(&schedule.state).ok().flatten(),
        None => hook::kept(&schedule.state)?,
    };
    let told = request.hook.as_ref().map(whole).or(kept.clone());
    told.iter()
        .try_for_each(|program| refuse_program_of_others(program, "told"))?;
    let is_written = kept == told
        && schedule
            .files
            .iter()
            .zip(&before)
            .all(|(file, before)| before.as_deref() == Some(&file.bytes(schedule.kind)[..]));
    let seen = schedule.look()?;
    if is_written && seen.is_on != Some(false) && seen.is_as_written != Some(false) {
        voice.unchanged("renewal is scheduled already");
        return Ok(schedule.report("unchanged", seen));
    }
    schedule.preview(&before, (true, told.as_deref()), voice);
    if request.dry_run {
        return Ok(schedule.report("would-change", seen));
    }
    if !request.yes {
        confirm("Schedule renewal?", voice)?;
    }
    let written = hook::keep(&schedule.state, told.as_deref())
        .and_then(|()| schedule.write(world))
        .and_then(|()| {
            schedule::begin(schedule.kind, &schedule.task, &schedule.files).map_err(|error| scheduler(&error))
        });
    if let Err(failure) = written.and_then(|()| schedule.first_run(voice)) {
        schedule.back(&before, world);
        let _ = hook::keep(&schedule.state, kept.as_deref());
        return Err(failure.after("renewal is not scheduled"));
    }
    let seen = schedule.look()?;
    Ok(schedule.report("written", seen))
}

/// What [`on`] would be refused for at once, by whoever does something else before.
///
/// # Errors
/// As those of it.
pub fn refuse_impossible(place: &Where, world: &World) -> Result<(), Failure> {
    let loaded = Loaded::find(place)?;
    possible(&loaded, world).map(drop)
}

fn possible<'a>(loaded: &Loaded, world: &World<'a>) -> Result<Schedule<'a>, Failure> {
    let schedule = Schedule::of(loaded, None, world.disk)?;
    schedule.refuse_others()?;
    schedule.before()?;
    Ok(schedule)
}

/// Whether it is on; nothing where it cannot be turned on.
pub fn is_on(place: &Where, world: &World) -> Option<bool> {
    let loaded = Loaded::find(place).ok()?;
    let schedule = possible(&loaded, world).ok()?;
    let seen = schedule.look().ok()?;
    Some(schedule.report("unchanged", seen).state == IsOn::On)
}

/// Turns it off: takes away what turning it on wrote.
///
/// # Errors
/// Refused where files were edited; what the scheduler says.
pub fn off(request: &Request, place: &Where, world: &World, voice: &dyn Voice) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(voice);
    let schedule = Schedule::of(&loaded, None, world.disk)?;
    let before = schedule.before()?;
    let seen = schedule.look()?;
    if before.iter().all(Option::is_none) && seen.is_on != Some(true) {
        voice.unchanged("renewal is not scheduled");
        return Ok(schedule.report("unchanged", seen));
    }
    schedule.preview(&before, (false, None), voice);
    if request.dry_run {
        return Ok(schedule.report("would-change", seen));
    }
    if !request.yes {
        confirm("Take the schedule away?", voice)?;
    }
    let told = schedule::end(schedule.kind, &schedule.task);
    for file in &schedule.files {
        apply::remove(world.disk, &file.path)?;
    }
    let told = told.and_then(|()| schedule::forget(schedule.kind));
    hook::keep(&schedule.state, None)?;
    told.map_err(|error| scheduler(&error))?;
    let seen = schedule.look()?;
    Ok(schedule.report("written", seen))
}

/// Whether it is on, does what this program would have it do, and how it went the last time.
///
/// # Errors
/// Refused where there is no scheduler; that it does not answer.
pub fn show(place: &Where, world: &World, progress: &dyn Progress) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    seen(&loaded, world.disk)
}

/// The same of a configuration that was read already.
///
/// # Errors
/// As [`show`].
pub fn seen(loaded: &Loaded, disk: &dyn Disk) -> Result<Report, Failure> {
    let schedule = Schedule::of(loaded, None, disk)?;
    let seen = schedule.look()?;
    Ok(schedule.report("unchanged", seen))
}

/// Whether `renew --scheduled` ran within two days, whoever had it run.
pub fn ran_lately(loaded: &Loaded, disk: &dyn Disk, now: OffsetDateTime) -> bool {
    let ran = ran(&State::of(loaded, disk));
    let at = ran.and_then(|ran| OffsetDateTime::parse(&ran.at, &Rfc3339).ok());
    at.is_some_and(|at| (now - at).abs() < time::Duration::days(2))
}

fn ran(state: &State) -> Option<Ran> {
    let bytes = state.kept(RAN).ok()??;
    serde_json::from_slice(&bytes).ok()
}

/// Keeps how a scheduled run ended in the folder of what is kept, for `schedule show`: no scheduler but systemd's remembers that
/// on every system.
///
/// # Errors
/// When it cannot be written.
pub(super) fn note_run(folder: PathBuf, status: ExitStatus, world: &World) -> Result<(), Failure> {
    let ran = Ran {
        at: (world.now)().format(&Rfc3339).unwrap_or_default(),
        status: status.code(),
    };
    let text = serde_json::to_vec(&ran).map_err(Failure::error)?;
    State::in_folder(folder, world.disk).keep(RAN, &text)
}

/// Where that is.
const RAN: &str = "scheduled.json";

impl<'a> Schedule<'a> {
    fn of(loaded: &Loaded, window: Option<Window>, disk: &'a dyn Disk) -> Result<Schedule<'a>, Failure> {
        let kind = schedule::of_this_machine().ok_or_else(no_scheduler)?;
        let program = std::env::current_exe()
            .and_then(|program| program.canonicalize())
            .map_err(|error| {
                Failure::of_system(
                    "the path of this program cannot be read",
                    &error,
                    "start it by its path",
                )
            })?;
        let root = plain(&loaded.installation.root);
        let mut arguments = ["renew", "--scheduled", "--root"].map(str::to_owned).to_vec();
        arguments.extend([
            root.clone(),
            "--config".to_owned(),
            plain(&loaded.installation.main),
        ]);
        if let Some(httpd) = &loaded.place.httpd {
            let httpd = std::path::absolute(httpd).unwrap_or_else(|_| httpd.clone());
            arguments.extend(["--httpd".to_owned(), plain(&httpd)]);
        }
        for flag in &loaded.place.define {
            arguments.extend(["--define".to_owned(), flag.clone()]);
        }
        let number = renewal::draw(root.as_bytes());
        let mut task = Task {
            name: format!("esync-ssl-renew-{number:08x}"),
            purpose: format!("Renew the certificates of the Apache in {root}"),
            program: plain(&program),
            arguments,
            // Not everybody's at the same minute.
            minute: number % (12 * 60),
            window: None,
        };
        let state = State::of(loaded, disk);
        if let Some(window) = window.or_else(|| window_there(&task.files(kind, state.folder()))) {
            task.arguments.extend(["--window".to_owned(), window.to_string()]);
            task.window = Some(window.minutes());
        }
        let words = [&task.program, &task.purpose].into_iter().chain(&task.arguments);
        for word in words {
            if let Some(why) = schedule::unwritable(kind, word) {
                let cause = format!("{} {why}", printable(word.as_bytes()));
                let fix = "have the program and the server root in folders without such letters";
                return Err(Failure::refused(Refusal::new(
                    RefusalCode::PathUnwritable,
                    cause,
                    "; ",
                    fix,
                )));
            }
        }
        let files = task.files(kind, state.folder());
        Ok(Schedule {
            kind,
            task,
            files,
            state,
        })
    }

    /// What runs twice a day with our rights must be nobody else's to change.
    fn refuse_others(&self) -> Result<(), Failure> {
        #[cfg(unix)]
        if !rustix::process::geteuid().is_root() {
            return Err(Failure {
                status: ExitStatus::NotPermitted,
                ..Failure::with_advice("only root may schedule what runs as root", "run again as root")
            });
        }
        for file in &self.files {
            if let Some(others) = apply::others_at(&file.path) {
                let cause = say![
                    Place::path(&file.path),
                    format!(
                        " is not written, because what runs as root must be nobody else's to change: {others}"
                    )
                ];
                let fix = format!("Remove their rights ({}), then run again", others.remedy());
                let refusal = Refusal::new(RefusalCode::ProgramOfOthers, cause, ". ", fix);
                return Err(Failure::refused(refusal.about([Place::path(others.folder())])));
            }
        }
        refuse_program_of_others(Path::new(&self.task.program), "scheduled")
    }

    /// The files as they are.
    ///
    /// # Errors
    /// Refused where one is not as we wrote it.
    fn before(&self) -> Result<Vec<Before>, Failure> {
        self.files.iter().map(|file| self.read(file)).collect()
    }

    fn read(&self, file: &File) -> Result<Before, Failure> {
        let bytes = match read_own(&file.path, foreign::NOTE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let what = format!("{} cannot be read", shown(&file.path));
                return Err(Failure::of_system(what, &error, "move it away, then run again"));
            }
        };
        let hand = match self.kind {
            // It lies in a folder of ours.
            Kind::TaskScheduler => Hand::Ours,
            Kind::Systemd | Kind::Cron => hand(&bytes),
        };
        let why = match hand {
            Hand::Ours => return Ok(Some(bytes)),
            Hand::Edited => " was edited since it was written",
            Hand::Others => " was not written by esync-ssl",
        };
        let refusal = Refusal::new(
            RefusalCode::ScheduleEdited,
            say![Place::path(&file.path), why],
            "; ",
            "move it away, then run again",
        );
        Err(Failure::refused(refusal))
    }

    fn preview(&self, before: &[Before], (on, told): (bool, Option<&Path>), voice: &dyn Voice) {
        let how = self.kind.name();
        let what = match on {
            true => format!(
                "{how} runs it twice a day, as root or SYSTEM: {}",
                self.command().join(" ")
            ),
            false => format!("{how} does not run it anymore: {}", self.command().join(" ")),
        };
        let after = |file: &File| match on {
            true => file.text.clone().into_bytes(),
            false => Vec::new(),
        };
        let after: Vec<Vec<u8>> = self.files.iter().map(after).collect();
        let legible = |bytes: &Before| schedule::legible(bytes.as_deref().unwrap_or_default()).into_bytes();
        let before: Vec<Vec<u8>> = before.iter().map(legible).collect();
        let sides = self.files.iter().zip(before.iter().zip(&after));
        voice.preview(&Preview {
            title: "Renewal without hands:".to_owned(),
            lines: [what]
                .into_iter()
                .chain(told.map(|program| format!("Failures are reported to {}", shown(program))))
                .collect(),
            files: sides
                .map(|(file, (before, after))| Difference {
                    name: shown(&file.path),
                    before,
                    after,
                })
                .collect(),
        });
    }

    fn write(&self, world: &World) -> Result<(), Failure> {
        for file in &self.files {
            // Nothing in them is secret, and cron reads none that only their owner may.
            apply::put(world.disk, &file.path, &file.bytes(self.kind), Readable::ByAll)?;
        }
        Ok(())
    }

    /// As it was before, as far as that succeeds: why it is done is told.
    fn back(&self, before: &[Before], world: &World) {
        if before.iter().all(Option::is_none) {
            let _ = schedule::end(self.kind, &self.task);
        }
        for (file, before) in self.files.iter().zip(before) {
            let _ = match before {
                Some(bytes) => apply::put(world.disk, &file.path, bytes, Readable::ByAll),
                None => apply::remove(world.disk, &file.path),
            };
        }
        let _ = match before.iter().all(Option::is_some) {
            true => schedule::begin(self.kind, &self.task, &self.files),
            false => schedule::forget(self.kind),
        };
    }

    /// Runs it once as the scheduler does. One that begins and fails is told, and stays scheduled: it may succeed the next
    /// time, and `show` tells of it.
    fn first_run(&self, voice: &dyn Voice) -> Result<(), Failure> {
        let ran = during(voice, "The first run", || {
            schedule::run(self.kind, &self.task, PATIENCE, &|seconds| {
                voice.waiting(seconds, "")
            })
        });
        not_interrupted()?;
        let usage = i64::from(ExitStatus::Usage.code());
        match ran.map_err(|error| scheduler(&error))? {
            // A shell's word for what it cannot start, and systemd's.
            Some(status) if status == usage || [126, 127, 203].contains(&status) => {
                let cause = format!(
                    "the first run of {} ended with status {status}",
                    self.command().join(" ")
                );
                Err(Failure::with_advice(cause, "run this command by hand to see why"))
            }
            Some(_) => Ok(()),
            None => {
                let words =
                    "note: the scheduler does not tell how the first run ended; see esync-ssl schedule show";
                voice.note(NoteCode::NotTried, words);
                Ok(())
            }
        }
    }

    fn look(&self) -> Result<Seen, Failure> {
        schedule::look(self.kind, &self.task).map_err(|error| scheduler(&error))
    }

    fn command(&self) -> Vec<String> {
        [&self.task.program]
            .into_iter()
            .chain(&self.task.arguments)
            .cloned()
            .collect()
    }

    fn report(&self, result: &'static str, seen: Seen) -> Report {
        let there: Vec<Option<Before>> = self.files.iter().map(|file| self.read(file).ok()).collect();
        let is_none = there.iter().all(|before| *before == Some(None));
        let last_run = self.last_run(&seen);
        let problems = match is_none && seen.is_on != Some(true) {
            true => Vec::new(),
            false => self.problems(&there, &seen, last_run.as_ref()),
        };
        Report {
            result,
            state: match (is_none && seen.is_on != Some(true), problems.is_empty()) {
                (true, _) => IsOn::Off,
                (false, true) => IsOn::On,
                (false, false) => IsOn::Broken,
            },
            problems,
            scheduler: self.kind,
            name: self.task.name.clone(),
            command: self.command(),
            files: self.files.iter().map(|file| shown(&file.path).into()).collect(),
            hook: self.hook().map(|program| shown(&program).into()),
            next_run: seen.next,
            last_run,
        }
    }

    fn problems(&self, there: &[Option<Before>], seen: &Seen, last: Option<&LastRun>) -> Vec<String> {
        let mut problems = Vec::new();
        for (file, before) in self.files.iter().zip(there) {
            let path = shown(&file.path);
            match before {
                None => problems.push(format!("{path} was edited since it was written, or somebody else wrote it")),
                Some(None) => problems.push(format!("{path} is missing")),
                Some(Some(bytes)) if *bytes != file.bytes(self.kind) => problems.push(format!(
                    "{path} runs another program or another server root than this one; esync-ssl schedule on corrects it"
                )),
                Some(Some(_)) => {}
            }
        }
        if seen.is_on == Some(false) {
            problems.push("the scheduler does not run it; esync-ssl schedule on corrects it".to_owned());
        }
        if seen.is_as_written == Some(false) {
            problems.push(
                "the scheduler has another task than was written; esync-ssl schedule on corrects it"
                    .to_owned(),
            );
        }
        if let Err(distrust) = schedule::trusted(Path::new(&self.task.program)) {
            problems.push(format!(
                "{} the program that it runs ({distrust})",
                distrust.charge()
            ));
        }
        let hook = self.hook();
        let refused = hook.map(|program| refuse_program_of_others(&program, "told"));
        if let Some(Err(failure)) = refused {
            problems.push(format!("failures cannot be reported: {:#}", failure.error));
        }
        if let Some(status) = last.and_then(|last| last.status).filter(|status| *status != 0) {
            problems.push(format!(
                "the last run ended with status {status}; esync-ssl renew shows why"
            ));
        }
        problems
    }

    fn hook(&self) -> Option<PathBuf> {
        hook::kept(&self.state).ok().flatten()
    }

    /// What the scheduler knows of its last run, else what the run itself kept.
    fn last_run(&self, seen: &Seen) -> Option<LastRun> {
        if seen.last.is_some() || seen.status.is_some() {
            return Some(LastRun {
                at: seen.last.clone(),
                status: seen.status,
            });
        }
        let ran = ran(&self.state)?;
        OffsetDateTime::parse(&ran.at, &Rfc3339).ok()?;
        Some(LastRun {
            at: Some(ran.at),
            status: Some(ran.status.into()),
        })
    }
}

/// The same for whoever runs in another folder.
fn whole(path: &PathBuf) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.clone())
}

/// Refuses a program that others may change: it would run with our rights, and `what` is done to it.
fn refuse_program_of_others(program: &Path, what: &str) -> Result<(), Failure> {
    if let Err(error) = program.metadata() {
        let cause = format!("{}: {}", shown(program), crate::wording::reason(&error));
        return Err(Failure::with_advice(cause, "correct its path"));
    }
    schedule::trusted(program).map_err(|distrust| {
        let cause = say![
            Place::path(&distrust.subject),
            format!(" is not {what}, because {} it ({distrust})", distrust.charge())
        ];
        let fix = distrust.advice();
        let refusal = Refusal::new(RefusalCode::ProgramOfOthers, cause, "; to correct this: ", fix);
        Failure::refused(refusal.about([Place::path(&distrust.culprit)]))
    })
}

/// The window of the schedule that is there, as its command says it.
fn window_there(files: &[File]) -> Option<Window> {
    files.iter().find_map(|file| {
        let text = schedule::legible(&read_own(&file.path, foreign::NOTE).ok()?);
        let (_, rest) = text.split_once("--window")?;
        let rest = rest.trim_start_matches([' ', '"', '\'']);
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && ![':', '-'].contains(&letter));
        rest[..end.unwrap_or(rest.len())].parse().ok()
    })
}

/// A path for a command line, without what only Windows' own functions need.
fn plain(path: &Path) -> String {
    let text = path.display().to_string();
    match text.strip_prefix(r"\\?\") {
        Some(rest) if !rest.starts_with("UNC") => rest.to_owned(),
        _ => text,
    }
}

fn scheduler(error: &schedule::Error) -> Failure {
    let cause = format!("the scheduler did not do what it was asked to: {error}");
    Failure::with_advice(cause, "run again as root or Administrator")
}

fn no_scheduler() -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::NoScheduler,
        "this machine has neither systemd nor cron (no folder /etc/cron.d)",
        "; ",
        "install cron, or have whatever starts programs here run esync-ssl renew --scheduled twice a day",
    ))
}
