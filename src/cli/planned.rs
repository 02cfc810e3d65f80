//! A plan as it is told: the preview, the document for programs, the last words.

use std::fmt::Write as _;

use serde::Serialize;

use super::Failure;
use super::commit;
use super::diff;
use super::effect::Effect;
use super::interrupted::stores;
use super::new_files::Reported;
use super::printer::Printer;
use super::settings::Loaded;
use crate::apply::{Change, Disk, Store};
use crate::change::{Plan, PlanError};
use crate::check::Finding;
use crate::exit_status::ExitStatus;
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
            diff: diffs(loaded, plan, false),
            notes: notes.map(|note| printable(note.as_bytes())).collect(),
            written: Vec::new(),
            backup: None,
            server: None,
        }
    }

    /// Every change with its reason, and all files before and after.
    pub fn preview(&self, loaded: &Loaded, plan: &Plan) -> String {
        let mut text = String::from("Changes:\n");
        for change in &self.changes {
            let _ = writeln!(text, "  {}:{}: {}", change.file, change.line, change.reason);
        }
        for file in self.create.iter().chain(&self.remove).flatten() {
            let _ = writeln!(text, "  {}: {}", file.file, file.reason);
        }
        text + &diffs(loaded, plan, true)
    }

    /// What people should know beside the changes.
    pub fn tell_notes(&self, printer: &Printer) {
        for note in &self.notes {
            printer.talk(&format!("note: {note}"));
        }
    }

    /// The end of a dry run.
    pub fn would_change(mut self, exit_code: bool, words: &str, printer: &Printer) -> ExitStatus {
        self.result = "would-change";
        printer.document(&self);
        printer.talk(&format!("Nothing was written (--dry-run). {words}"));
        if exit_code {
            ExitStatus::WouldChange
        } else {
            ExitStatus::Done
        }
    }

    /// The end of a run that wrote; `more` is said before what became of the server.
    pub fn was_written(
        mut self,
        loaded: &Loaded,
        done: commit::Done,
        more: &str,
        printer: &Printer,
    ) -> ExitStatus {
        self.result = "written";
        let written = done.replaced.iter().chain(&done.created);
        self.written = written.map(|path| loaded.show(path)).collect();
        self.backup = (!done.replaced.is_empty()).then(|| loaded.show(&done.backup));
        self.server = Some(done.effect);
        printer.document(&self);
        printer.answer(&self.farewell(more));
        ExitStatus::Done
    }

    /// The last words; `more` is said before what became of the server.
    fn farewell(&self, more: &str) -> String {
        let mut text = String::from("\nWritten:\n");
        for file in &self.written {
            let _ = writeln!(text, "  {file}");
        }
        if let Some(backup) = &self.backup {
            let _ = writeln!(text, "Backup: {backup}");
        }
        text + more + &self.server.as_ref().map(Effect::farewell).unwrap_or_default()
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
    Err(Failure::refused(format!(
        "every place for backups would be read as configuration by an Include (at {}); name *.conf files there \
         instead of a whole folder",
        reached.join(", ")
    )))
}

/// The names that a plan changes: links that come and go, then files.
pub fn changes(plan: Plan) -> impl Iterator<Item = Change> {
    let linked = plan
        .links
        .into_iter()
        .map(|link| Change::link(link.path, link.target));
    let removed = plan
        .unlinks
        .into_iter()
        .map(|link| Change::unlink(link.path, link.target));
    let replaced = plan
        .files
        .into_iter()
        .map(|file| Change::replace(file.path, file.before, file.after));
    linked.chain(removed).chain(replaced)
}

/// Why there is no plan, as the end of a command.
pub fn failure(error: PlanError) -> Failure {
    match error {
        PlanError::Refused(reason) => Failure::refused(reason),
        other => Failure::error(other),
    }
}

/// The files of a plan before and after; in colour for people, with a blank line before each.
fn diffs(loaded: &Loaded, plan: &Plan, for_people: bool) -> String {
    let all = plan.files.iter().map(|file| {
        let name = loaded.show(&file.path);
        let diff = diff::unified(&name, &file.before, &file.after, for_people);
        if for_people { format!("\n{diff}") } else { diff }
    });
    all.collect()
}
