//! A plan as it is told: the preview, the document for programs, the last words.

use std::path::PathBuf;

use serde::Serialize;

use super::Failure;
use super::diff;
use super::file_action::{FileAction, FileDiff};
use super::find::Loaded;
use super::interrupted::stores;
use super::job::Job;
use super::lint;
use super::next_steps;
use super::progress::{Difference, Preview, Progress};
use super::restart_and_prove::Became;
use super::server_effect::{Effect, Would};
use super::turn::Proposal;
use super::write;
use crate::apply::{Disk, NameChange, Store};
use crate::change::{Plan, PlanError};
use crate::check::{Finding, Place};
use crate::note_code::NoteCode;
use crate::place::ShownPath;
use crate::quoted::quoted;
use crate::refusal::{Refusal, RefusalCode, Text, say};
use crate::shown::{printable, shown};

/// What was or would be done, for programs and for the texts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PlanReport"))]
pub struct Report {
    /// `unchanged`, `would-change` or `written`.
    #[serde(skip)]
    pub result: &'static str,
    /// How the server was found, in words.
    found_by: String,
    /// Changes of files, in the order in which they are made.
    pub changes: Vec<ReportedChange>,
    /// Files and links that change, each with what happens to it.
    pub files: Vec<FileAction>,
    /// What is known of the certificate files.
    #[serde(skip)]
    pub findings: Vec<Finding>,
    /// All files before and after, as one unified diff.
    pub diff: String,
    /// The same, file by file.
    pub diffs: Vec<FileDiff>,
    /// What people should know beside the changes.
    #[serde(skip)]
    notes: Vec<String>,
    /// What it comes to, in a few lines for people.
    pub summary: Vec<String>,
    /// Files that were written.
    #[serde(skip)]
    pub written: Vec<String>,
    /// The folder that holds what was there before; null where nothing was replaced.
    pub backup: Option<ShownPath>,
    /// What became of the server; null where nothing was written, unless it was to be restarted or is seen to run with
    /// what was configured before.
    pub server: Option<Effect>,
    /// A dry run in which no file would change: what would be done to the server; missing where nothing would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
    /// The file with the plan that was saved, or applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<ShownPath>,
    /// The command that brings back what was there before; nothing where nothing was written.
    pub undo: Option<String>,
    /// The command that comes next, once the server was restarted.
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
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Change"))]
pub struct ReportedChange {
    /// The line, as it was before.
    place: Place,
    /// What stood there; empty where lines come.
    before: String,
    /// What stands there then; empty where lines go.
    after: String,
    /// Why.
    pub reason: String,
}

impl Report {
    /// A plan that was not carried out.
    pub fn new(loaded: &Loaded, plan: &Plan, notes: &[String]) -> Report {
        let changes = plan.changes.iter().map(|change| ReportedChange {
            place: Place::new(loaded.show(&change.file), Some(change.line)),
            before: printable(&change.before),
            after: printable(&change.after),
            reason: printable(change.reason.as_bytes()),
        });
        let notes = plan.notes.iter().chain(notes);
        let diffs: Vec<FileDiff> = differences(loaded, plan)
            .map(|file| FileDiff {
                diff: diff::unified(&file.name, file.before, file.after, false),
                file: file.name.into(),
            })
            .collect();
        Report {
            result: "",
            found_by: loaded.installation.found_by.clone(),
            changes: changes.collect(),
            files: diffs
                .iter()
                .map(|file| FileAction::modify(file.file.clone()))
                .collect(),
            findings: Vec::new(),
            diff: diffs.iter().map(|file| file.diff.as_str()).collect(),
            diffs,
            notes: notes.map(|note| printable(note.as_bytes())).collect(),
            summary: Vec::new(),
            written: Vec::new(),
            backup: None,
            server: None,
            would: None,
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

    /// What it comes to, as the last before the question, with a server that may be stopped.
    pub fn summarise(&mut self, mut lines: Vec<String>, is_stopped: bool, job: Job) {
        lines.push(next_steps::when(job.writing, is_stopped));
        self.summary = lines.iter().map(|line| printable(line.as_bytes())).collect();
    }

    /// The same, to be agreed to.
    pub fn proposal(&self) -> Proposal {
        Proposal {
            lines: self.lines(),
            diff: self.diff.clone(),
            notes: self.notes.clone(),
            findings: self.findings.clone(),
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

    /// What is done where, and why: one line each.
    pub fn lines(&self) -> Vec<String> {
        let changes = self.changes.iter();
        let changes = changes.map(|change| format!("{}: {}", change.place, change.reason));
        let named = self.files.iter().filter_map(|file| {
            let reason = file.reason.as_ref()?;
            Some(format!("{}: {reason}", file.path))
        });
        changes.chain(named).collect()
    }

    /// What people should know beside the changes.
    pub fn tell_notes(&self, progress: &dyn Progress) {
        for note in &self.notes {
            progress.note(NoteCode::Plan, &format!("note: {note}"));
        }
    }

    /// The end of a dry run, with the file of the plan that it saved, if it did.
    pub fn would_change(self, plan: Option<PathBuf>) -> Report {
        let apply = |file: &PathBuf| printable(format!("esync-ssl apply {}", quoted(file)).as_bytes());
        Report {
            result: "would-change",
            next: plan.as_ref().map(apply),
            plan: plan.map(|file| shown(&file).into()),
            ..self
        }
    }

    /// The end of a run with nothing to write that was to restart the server.
    pub fn with_server(self, became: Became) -> Report {
        match became {
            Became::Now(server) => Report { server, ..self },
            Became::Would(would) => Report {
                result: "would-change",
                would: Some(would),
                ..self
            },
        }
    }

    /// The end of a run with nothing to write, where the server may still have to read what is there; `look` is the
    /// command that looks at what became of it then.
    pub fn with_pending(self, server: Option<Effect>, loaded: &Loaded, look: &[&str]) -> Report {
        let look = || next_steps::command(look, &loaded.place);
        Report {
            next: server.as_ref().map(|_| look()),
            server,
            ..self
        }
    }

    /// The end of a run that wrote; `look` is the command that looks at what became of it.
    pub fn was_written(mut self, loaded: &Loaded, done: write::Done, look: &[&str]) -> Report {
        self.result = "written";
        let backup = done.backup.as_deref();
        // A server that was told of the change is told of its end.
        let restarts = done.effect.is_change();
        self.undo = backup.and_then(|backup| next_steps::undo(backup, restarts, &loaded.place));
        self.next = Some(next_steps::command(look, &loaded.place));
        let written = done.replaced.iter().chain(&done.created);
        self.written = written.map(|path| loaded.show(path)).collect();
        let backup = backup.filter(|_| !done.replaced.is_empty());
        self.backup = backup.map(|backup| loaded.show(backup).into());
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

/// Why there is no plan, as the end of a command; with all that is wrong, where Apache does not start as it is.
pub fn failure(error: PlanError, loaded: &Loaded) -> Failure {
    match error {
        PlanError::Refused(refusal) if refusal.code == RefusalCode::ConfigBroken => Failure {
            findings: lint::findings(loaded, crate::lint::errors(&loaded.configuration)),
            ..Failure::refused(*refusal)
        },
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
