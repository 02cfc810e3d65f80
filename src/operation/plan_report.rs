//! A plan as it is told: the preview, the document for programs, the last words.

use serde::Serialize;

use super::Failure;
use super::diff;
use super::find::Loaded;
use super::interrupted::stores;
use super::job::Job;
use super::new_files::Reported;
use super::next_steps;
use super::progress::{Difference, Preview, Progress};
use super::restart_and_prove::Effect;
use super::turn::Proposal;
use super::write;
use crate::apply::{Disk, NameChange, Store};
use crate::change::{Plan, PlanError};
use crate::check::Finding;
use crate::quoted::word;
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
    /// What it comes to, in a few lines for people.
    pub summary: Vec<String>,
    /// Files that were written.
    pub written: Vec<String>,
    /// The folder that holds what was there before.
    pub backup: Option<String>,
    /// What became of the server.
    pub server: Option<Effect>,
    /// The file with the plan that was saved, or applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The command that brings back what was there before; nothing where nothing was written.
    pub undo: Option<String>,
    /// The command that comes next.
    pub next: Option<String>,
    /// It was tried on a short run of the server's own httpd.
    #[serde(skip)]
    pub is_rehearsed: bool,
    /// A dry run: Apache was asked whether it accepts the result.
    #[serde(skip)]
    pub is_tested: bool,
}

/// One change of a file.
#[derive(Serialize)]
pub struct ReportedChange {
    /// As people know it.
    pub file: String,
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
            summary: Vec::new(),
            written: Vec::new(),
            backup: None,
            server: None,
            plan: None,
            undo: None,
            next: None,
            is_rehearsed: false,
            is_tested: false,
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

    /// What it comes to, as the last before the question.
    pub fn summarise(&mut self, mut lines: Vec<String>, job: Job) {
        lines.push(next_steps::when(job.writing));
        self.summary = lines.iter().map(|line| printable(line.as_bytes())).collect();
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

    /// The preview as a text.
    pub fn preview_text(&self) -> String {
        format!("{}\n\n{}", self.lines().join("\n"), self.diff)
    }

    /// What people should know beside the changes.
    pub fn notes(&self) -> &[String] {
        &self.notes
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

    /// The end of a dry run, with the file of the plan that it saved, if it did.
    pub fn would_change(self, plan: Option<String>) -> Report {
        let apply = |file: &String| format!("esync-ssl apply {}", word(file));
        Report {
            result: "would-change",
            next: plan.as_ref().map(apply),
            plan,
            ..self
        }
    }

    /// The end of a run that wrote; `look` is the command that looks at what became of it.
    pub fn was_written(mut self, loaded: &Loaded, done: write::Done, look: &[&str]) -> Report {
        self.result = "written";
        self.undo = next_steps::undo(&done.backup, &loaded.place);
        let next = if done.effect.is_told() { look } else { &["restart"] };
        self.next = Some(next_steps::command(next, &loaded.place));
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
