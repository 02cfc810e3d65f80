//! A plan in a file, for who looks at it before it is applied: what was asked for, everything that was read with its
//! checksum, and what is to be written. Of private keys it has a checksum at most.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;

use super::asked::{Asked, Place};
use super::failure::Failure;
use super::find::Loaded;
use super::job::Job;
use super::new_files::exists;
use super::plan_report::Report;
use crate::apply::{Content, Name, NameChange, checksum, create_private, read_own};
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::httpd::real_path;
use crate::note_code::NoteCode;
use crate::place;
use crate::refusal::{self, Refusal, RefusalCode, Text, say};
use crate::shown::{printable, shown};
use crate::wording::reason;

/// What the file is, in its first lines.
const KIND: &str = "esync-ssl-plan";

/// Why a plan is not applied.
const NOT_AS_IT_WAS: &str = "not everything is as it was when the plan was made: ";

/// A plan that is applied as it stands here, or not at all.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanFile {
    /// Of this form; 1.
    pub schema: u32,
    kind: String,
    /// Of the program that made it.
    pub version: String,
    /// When it was made, in UTC.
    pub time: String,
    /// The command line that made it, as it can be typed in any folder.
    pub command: Vec<String>,
    /// The server root.
    pub root: Name,
    /// The main file.
    pub config: Name,
    pub(super) place: Place,
    pub(super) asked: Asked,
    /// Everything that was read for it, in this order.
    pub reads: Vec<Read>,
    /// The names that change, in this order.
    pub changes: Vec<Change>,
    /// What is told to people beside it.
    pub notes: Vec<String>,
    /// What it comes to.
    pub summary: Vec<String>,
    /// What was shown: every change with its reason, and all files before and after.
    pub preview: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    path: Name,
    /// Nothing where it could not be read.
    sha256: Option<String>,
}

/// A name that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    path: Name,
    before: State,
    after: State,
}

/// What a name leads to, before or after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
enum State {
    Absent,
    Link {
        target: Name,
    },
    /// A file of the configuration.
    File {
        sha256: String,
        /// Its bytes, where they are to be written.
        #[serde(skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
    },
    /// A certificate or key: read again from where it comes from, or made, when the plan is applied.
    Tls {
        private: bool,
        /// Nothing where it is made then.
        sha256: Option<String>,
    },
}

/// What a run that plans knows beside its changes.
pub struct Planned<'a> {
    /// What was asked for.
    pub asked: Asked,
    /// The configuration.
    pub loaded: &'a Loaded,
    /// Everything that was read.
    pub reads: Vec<Read>,
}

/// The plan of a dry run, and where it goes; nothing where none is to be saved.
pub fn to_save<'a>(
    planned: impl FnOnce() -> Planned<'a>,
    work: &[NameChange],
    report: &Report,
    job: Job,
) -> Option<(PathBuf, PlanFile)> {
    let path = job.writing.save_plan.clone()?;
    Some((path, PlanFile::of(planned(), work, report, job)))
}

/// Says that there is nothing to save, where that was asked for.
pub fn tell_none(job: Job) {
    if job.writing.save_plan.is_some() {
        let words = "note: no plan was saved, as nothing needs to change";
        job.voice.note(NoteCode::NoPlan, words);
    }
}

/// Saves it, and gives its path as it was typed.
///
/// # Errors
/// As [`PlanFile::save`].
pub fn saved(plan: Option<(PathBuf, PlanFile)>) -> Result<Option<PathBuf>, Failure> {
    let Some((path, plan)) = plan else { return Ok(None) };
    plan.save(&path)?;
    Ok(Some(path))
}

impl PlanFile {
    /// A plan as a run tells it.
    fn of(planned: Planned, work: &[NameChange], report: &Report, job: Job) -> PlanFile {
        let installation = &planned.loaded.installation;
        PlanFile {
            schema: 1,
            kind: KIND.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            time: (job.world.now)().format(&Rfc3339).unwrap_or_default(),
            command: job.world.command.clone(),
            root: Name::from(&*installation.root),
            config: Name::from(&*installation.main),
            place: Place::of(&planned.loaded.place),
            reads: planned.reads.clone(),
            changes: changes(work, &planned.asked),
            asked: planned.asked.clone(),
            notes: report.notes().to_vec(),
            summary: report.summary.clone(),
            preview: report.preview_text(),
        }
    }

    /// Writes it where nothing is, or a plan of ours.
    ///
    /// # Errors
    /// When it cannot be written, or something else is there.
    pub fn save(&self, path: &Path) -> Result<(), Failure> {
        let path = absolute(path)?;
        if path.symlink_metadata().is_ok() {
            if PlanFile::read(&path).is_err() {
                let place = refusal::Place::file(&path, shown(&path).as_bytes());
                return Err(exists(place));
            }
            std::fs::remove_file(&path).map_err(|error| Failure::error(anyhow::Error::from(error)))?;
        }
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| Failure::error(anyhow::Error::from(error)))?;
        Ok(create_private(&path, &text)?)
    }

    /// Reads it, where nobody but root and this account can have written it.
    ///
    /// # Errors
    /// Refused when others could have, or it is no plan that this version knows.
    pub fn read(path: &Path) -> Result<PlanFile, Failure> {
        let path = &absolute(path)?;
        let place = || refusal::Place::file(path, shown(path).as_bytes());
        let refused = |code, why: String, fix: &str| {
            let cause = say![place(), format!(" {why}; nothing was written")];
            Failure::refused(Refusal::new(code, cause, ". ", fix))
        };
        let bytes = read_own(path, foreign::PLAN).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData => refused(
                RefusalCode::PlanNotOurs,
                format!("is not applied: {}", reason(&error)),
                "Make the plan again as the account that applies it",
            ),
            _ => Failure::of_system(
                format!("the plan {} cannot be read", shown(path)),
                &error,
                "nothing was written. Name the file that --save-plan wrote",
            ),
        })?;
        let plan: Result<PlanFile, _> = serde_json::from_slice(&bytes);
        match plan {
            Ok(plan) if plan.kind == KIND && plan.schema == 1 => Ok(plan),
            Ok(plan) => Err(refused(
                RefusalCode::NoPlan,
                format!("is a plan of another form (schema {})", plan.schema),
                "Apply it with the version that made it, or make it again",
            )),
            Err(error) => Err(refused(
                RefusalCode::NoPlan,
                format!("is not a plan of esync-ssl ({error})"),
                "Name the file that --save-plan wrote",
            )),
        }
    }

    /// Refuses a configuration of another server, or one of which something is not as it was read.
    ///
    /// # Errors
    /// Which files are not.
    pub fn refuse_changed(&self, loaded: &Loaded, now: &[Read]) -> Result<(), Failure> {
        let (root, main) = (&loaded.installation.root, &loaded.installation.main);
        if self.root != Name::from(&**root) || self.config != Name::from(&**main) {
            let found = format!(
                "the plan is for {}, and {} was found",
                of(&self.config),
                shown(main)
            );
            return Err(self.outdated(found.into()));
        }
        let (old, new) = (by_path(&self.reads), by_path(now));
        let mut told: Vec<Text> = Vec::new();
        let mut tell = |path: &Path, what: &str| {
            told.push(say![
                refusal::Place::file(path, loaded.show(path).as_bytes()),
                format!(" {what}")
            ]);
        };
        for (path, sha256) in &old {
            match new.get(path) {
                None if path.exists() => tell(path, "is not read anymore"),
                None => tell(path, "is gone"),
                Some(now) if now != sha256 => tell(path, "was changed"),
                Some(_) => {}
            }
        }
        for path in new.keys().filter(|path| !old.contains_key(*path)) {
            tell(path, "is new");
        }
        if told.is_empty() {
            return Ok(());
        }
        let is_done = self.changes.iter().all(|change| change.is_done());
        let cause = match is_done {
            true => say!["the plan was applied already: ", Text::joined(told, ", ")],
            false => say![NOT_AS_IT_WAS, Text::joined(told, ", ")],
        };
        Err(self.outdated(cause))
    }

    /// Why the configuration of a plan, if there is one, cannot even be read: it is another than then.
    pub fn unread(plan: Option<&PlanFile>, failure: Failure) -> Failure {
        let Some(plan) = plan else { return failure };
        let paths = plan.reads.iter().map(|read| read.path.path());
        plan.refuse_changed_files(paths).err().unwrap_or(failure)
    }

    /// Refuses where another server root is meant.
    ///
    /// # Errors
    /// Which one the plan is for.
    pub fn refuse_other_root(&self, root: Option<&Path>) -> Result<(), Failure> {
        match root {
            Some(root) if real_path(&absolute(root)?) != real_path(&self.root.path()) => {
                let found = format!("the plan is for {}, not for {}", of(&self.root), shown(root));
                Err(self.outdated(found.into()))
            }
            _ => Ok(()),
        }
    }

    /// Refuses when the certificates and keys that it names are not as they were: they may be under a pass-phrase, for which
    /// nobody is asked in vain.
    ///
    /// # Errors
    /// Which ones are not.
    pub fn refuse_changed_sources(&self) -> Result<(), Failure> {
        self.refuse_changed_files(self.asked.paths())
    }

    fn refuse_changed_files(&self, paths: impl IntoIterator<Item = PathBuf>) -> Result<(), Failure> {
        let known = by_path(&self.reads);
        let is_other = |path: &PathBuf| {
            known
                .get(path)
                .is_some_and(|sha256| **sha256 != Read::of(path).sha256)
        };
        let told = paths.into_iter().filter(is_other).map(|path| {
            let what = if path.exists() { " was changed" } else { " is gone" };
            say![refusal::Place::file(&path, shown(&path).as_bytes()), what]
        });
        let told: Vec<Text> = told.collect();
        if told.is_empty() {
            return Ok(());
        }
        Err(self.outdated(say![NOT_AS_IT_WAS, Text::joined(told, ", ")]))
    }

    /// Refuses to do anything but what the plan says.
    ///
    /// # Errors
    /// When something else is to be done now.
    pub fn refuse_other(&self, now: &[NameChange]) -> Result<(), Failure> {
        if self.changes == changes(now, &self.asked) {
            return Ok(());
        }
        Err(self.outdated(
            format!(
                "the files are as they were, and yet this version ({}; the plan is of {}) would now do something else than \
                 the plan says: the server or what belongs to it is another",
                env!("CARGO_PKG_VERSION"),
                printable(self.version.as_bytes())
            )
            .into(),
        ))
    }

    fn outdated(&self, cause: Text) -> Failure {
        let command: Vec<String> = self
            .command
            .iter()
            .map(|text| crate::quoted::word(text))
            .collect();
        let command = printable(command.join(" ").as_bytes());
        let fix = format!("Make the plan again, look at it, and apply that: {command}");
        let refusal = Refusal::new(
            RefusalCode::PlanChanged,
            say![cause, "; nothing was written"],
            ". ",
            fix,
        );
        Failure {
            status: ExitStatus::ChangedMeanwhile,
            ..Failure::refused(refusal)
        }
    }
}

impl Read {
    fn of(path: &Path) -> Read {
        let bytes = foreign::read(path, foreign::CONFIGURATION).map(zeroize::Zeroizing::new);
        Read {
            path: Name::from(path),
            sha256: bytes.ok().map(|bytes| checksum(&bytes)),
        }
    }

    /// The files of a configuration as they were read, and others as they are.
    pub fn all(loaded: &Loaded, others: impl IntoIterator<Item = PathBuf>) -> Vec<Read> {
        let mut all: Vec<Read> = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        for file in loaded.configuration.files() {
            if known.insert(file.host.clone()) {
                all.push(Read {
                    path: Name::from(&*file.host),
                    sha256: Some(checksum(file.document.bytes())),
                });
            }
        }
        for path in others {
            if known.insert(path.clone()) {
                all.push(Read::of(&path));
            }
        }
        all
    }
}

impl Change {
    /// Whether it was made already.
    fn is_done(&self) -> bool {
        let path = self.path.path();
        match &self.after {
            State::Absent => path.symlink_metadata().is_err(),
            State::Link { target } => std::fs::read_link(path).is_ok_and(|now| now == target.path()),
            State::File { sha256, .. } => Read::of(&path).sha256.as_ref() == Some(sha256),
            State::Tls { .. } => path.exists(),
        }
    }
}

/// The names that change as a plan has them.
fn changes(changes: &[NameChange], asked: &Asked) -> Vec<Change> {
    let state = |content: &Content, private: bool, is_written: bool| match content {
        Content::Absent => State::Absent,
        Content::Link(target) => State::Link {
            target: Name::from(&**target),
        },
        Content::File(bytes) => State::File {
            sha256: checksum(bytes),
            base64: is_written.then(|| Base64::encode_string(bytes)),
        },
        Content::Tls(bytes) => State::Tls {
            private,
            sha256: (!asked.makes_keys()).then(|| checksum(bytes)),
        },
    };
    let all = changes.iter().map(|change| Change {
        path: Name::from(&*change.path),
        before: state(&change.before, false, false),
        after: state(&change.after, change.private, true),
    });
    all.collect()
}

fn by_path(reads: &[Read]) -> BTreeMap<PathBuf, &Option<String>> {
    let pairs = reads.iter().map(|read| (read.path.path(), &read.sha256));
    pairs.collect()
}

fn of(name: &Name) -> String {
    shown(&name.path())
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    place::absolute(path).map_err(|error| Failure::error(anyhow::Error::from(error)))
}
