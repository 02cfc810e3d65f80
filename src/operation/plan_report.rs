//! A plan as it is told: the preview, the document for programs, the last words.

use serde::Serialize;

use super::Failure;
use super::diff;
use super::find::Loaded;
use super::interrupted::stores;
use super::new_files::Reported;
use super::progress::{Difference, Preview, Progress};
use super::restart_and_prove::Effect;
use super::turn::Proposal;
use super::write;
use crate::apply::{Disk, NameChange, Store};
use crate::change::{Plan, PlanError};
use crate::check::Finding;
use crate::refusal::{Refusal, RefusalCode, Text, say};
use crate::shown::printable;

/// What was or would be done, for programs and for the texts.
#[derive(Serialize)]
pub struct Report {
    /// `unchanged`, `would-change` or `written`.
    pub result: &'static str,
    root: String,
    config: String,
    found_by: String,
    /// Changes of files.
    pub changes: Vec<ReportedChange>,
    /// Files and links that come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create: Option<Vec<Reported>>,
    /// Links that go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove: Option<Vec<Reported>>,
    /// What is known of the certificate files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<Vec<Finding>>,
    /// All files before and after.
    pub diff: String,
    notes: Vec<String>,
    /// Files that were written.
    pub written: Vec<String>,
    /// The folder that holds what was there before.
    pub backup: Option<String>,
    /// What became of the server.
    pub server: Option<Effect>,
    /// It was tried on a short run of the server's own httpd.
    #[serde(skip)]
    pub is_rehearsed: bool,
}

/// One change of a file.
#[derive(Serialize)]
pub struct ReportedChange {
    file: String,
    line: usize,
    before: String,
    after: String,
    /// Why.
    pub reason: String,
}

impl Report {
    /// A plan that was not carried out.
    pub fn new(loaded: &Loaded, plan: &Plan, notes: &[String]) -> Report {
        let changes = plan.changes.iter().map(|change| ReportedChange {
            file: loaded.show(&change.file),
            line: change.line,
            before: printable(&change.before),
            after: printable(&change.after),
            reason: printable(change.reason.as_bytes()),
        });
        let notes = plan.notes.iter().chain(notes);
        Report {
            result: "",
            root: loaded.show(&loaded.installation.root),
            config: loaded.show(&loaded.installation.main),
            found_by: loaded.installation.found_by.clone(),
            changes: changes.collect(),
            create: None,
            remove: None,
            findings: None,
            diff: differences(loaded, plan)
                .map(|file| diff::unified(&file.name, file.before, file.after, false))
                .collect(),
            notes: notes.map(|note| printable(note.as_bytes())).collect(),
            written: Vec::new(),
            backup: None,
            server: None,
            is_rehearsed: false,
        }
    }

    /// Every change with its reason, and all files before and after.
    pub fn preview<'a>(&self, loaded: &Loaded, plan: &'a Plan) -> Preview<'a> {
        Preview {
            title: "Changes:".into(),
            lines: self.lines(),
            files: differences(loaded, plan).collect(),
        }
    }

    /// The same, to be agreed to.
    pub fn proposal(&self) -> Proposal {
        Proposal {
            lines: self.lines(),
            diff: self.diff.clone(),
            notes: self.notes.clone(),
            findings: self.findings.clone().unwrap_or_default(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let changes = self.changes.iter();
        let changes = changes.map(|change| format!("{}:{}: {}", change.file, change.line, change.reason));
        let named = self.create.iter().chain(&self.remove).flatten();
        let named = named.map(|file| format!("{}: {}", file.file, file.reason));
        changes.chain(named).collect()
    }

    /// What people should know beside the changes.
    pub fn tell_notes(&self, progress: &dyn Progress) {
        for note in &self.notes {
            progress.talk(&format!("note: {note}"));
        }
    }

    /// The end of a dry run.
    pub fn would_change(mut self) -> Report {
        self.result = "would-change";
        self
    }

    /// The end of a run that wrote.
    pub fn was_written(mut self, loaded: &Loaded, done: write::Done) -> Report {
        self.result = "written";
        let written = done.replaced.iter().chain(&done.created);
        self.written = written.map(|path| loaded.show(path)).collect();
        self.backup = (!done.replaced.is_empty()).then(|| loaded.show(&done.backup));
        self.server = Some(done.effect);
        self
    }
}

/// The place for backups that no `Include` reads.
pub fn store<'a>(loaded: &Loaded, disk: &'a dyn Disk) -> Result<Store<'a>, Failure> {
    let mut reached = Vec::new();
    for store in stores(&loaded.installation.root, disk) {
        match loaded.included_from_folder(&store.folder)? {
            None => return Ok(store),
            Some(place) => reached.push(place),
        }
    }
    let reached = reached.into_iter().map(Text::from);
    Err(Failure::refused(Refusal::new(
        RefusalCode::IncludeReadsBackups,
        say![
            "an Include would read every folder for backups as configuration (at ",
            Text::joined(reached, ", "),
            ")"
        ],
        "; ",
        "name *.conf files there instead of a whole folder",
    )))
}

/// The names that a plan changes: links that come and go, then files.
pub fn changes(plan: Plan) -> impl Iterator<Item = NameChange> {
    let linked = plan
        .links
        .into_iter()
        .map(|link| NameChange::link(link.path, link.target));
    let removed = plan
        .unlinks
        .into_iter()
        .map(|link| NameChange::unlink(link.path, link.target));
    let replaced = plan
        .files
        .into_iter()
        .map(|file| NameChange::replace(file.path, file.before, file.after));
    linked.chain(removed).chain(replaced)
}

/// Why there is no plan, as the end of a command.
pub fn failure(error: PlanError) -> Failure {
    match error {
        // As it is, so that programs are told its parts.
        PlanError::Refused(refusal) => Failure::refused(*refusal),
        other => Failure::error(other),
    }
}

/// The files of a plan before and after.
fn differences<'a>(loaded: &Loaded, plan: &'a Plan) -> impl Iterator<Item = Difference<'a>> {
    plan.files.iter().map(|file| Difference {
        name: loaded.show(&file.path),
        before: &file.before,
        after: &file.after,
    })
}
