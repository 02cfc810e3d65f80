//! `esync-ssl disable`: plan, preview, question, write.

use std::fmt::Write as _;

use serde::Serialize;

use super::Failure;
use super::arguments::{Disable, Global};
use super::commit::{self, Settled, Work};
use super::effect::{self, Effect};
use super::enable::{ReportedChange, backups, diffs};
use super::new_files::Reported;
use super::printer::{Printer, printable};
use super::records::records;
use super::settings::Loaded;
use super::world::World;
use crate::apply::Change;
use crate::change::{self, Plan, PlanError, domain_name};
use crate::exit_status::ExitStatus;

/// Runs the command.
pub fn run(
    arguments: Disable,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let domains = names(&arguments)?;
    let mut loaded = Loaded::find(global)?;
    let root = loaded.installation.root.clone();
    let mut settled = Settled::default();
    if arguments.dry_run {
        commit::mention_unfinished(&root, world, printer);
    } else {
        settled = commit::settle(&root, &arguments.writing, world, printer)?;
        if settled.any {
            loaded = Loaded::find(global)?;
        }
    }
    loaded.introduce(printer);
    loaded.refuse_encoding()?;
    loaded.refuse_other_root()?;
    let (records, missing) = records(&root, world)?;
    let request = change::Disable {
        domains,
        force: arguments.force,
    };
    let plan = Plan::disable(&loaded.main, &loaded.source, &loaded.facts, &request, &records);
    let plan = plan.map_err(|error| match error {
        PlanError::Refused(reason) => Failure::refused(reason),
        other => Failure::error(other),
    })?;
    let mut report = Report::new(&loaded, &plan, &missing);
    if plan.is_empty() {
        report.result = "unchanged";
        printer.answer(&format!("Nothing needs to change: {}.\n", nothing(&request)));
        tell_notes(&report, printer);
        if arguments.writing.restarts() && !arguments.dry_run {
            let shown = effect::unchanged(&loaded, None, &[], &arguments.writing, world, printer)?;
            printer.answer(&shown.farewell());
            report.server = Some(shown);
        }
        printer.document(&report);
        return Ok(ExitStatus::Done);
    }
    printer.answer(&preview(&loaded, &plan, &report));
    tell_notes(&report, printer);
    if arguments.dry_run {
        report.result = "would-change";
        printer.document(&report);
        printer.talk("Nothing was written (--dry-run). Not tried: httpd -t.");
        return Ok(if arguments.exit_code {
            ExitStatus::WouldChange
        } else {
            ExitStatus::Done
        });
    }
    let backups = backups(&loaded)?;
    let mut work = Work {
        reasons: report
            .changes
            .iter()
            .map(|change| change.reason.clone())
            .chain(report.remove.iter().map(|link| link.reason.clone()))
            .collect(),
        diff: report.diff.clone(),
        server_told: settled.server_told,
        ..Work::default()
    };
    let removed = plan.unlinks.into_iter();
    work.changes
        .extend(removed.map(|link| Change::unlink(link.path, link.target)));
    let replaced = plan.files.into_iter();
    work.changes
        .extend(replaced.map(|file| Change::replace(file.path, file.before, file.after)));
    commit::confirm("Apply these changes?", arguments.yes, global.json, printer)?;
    let written = commit::commit(&loaded, &backups, work, &arguments.writing, world, printer)?;
    report.result = "written";
    report.written = written.replaced.iter().map(|path| loaded.show(path)).collect();
    report.backup = Some(loaded.show(&written.backup));
    report.server = Some(written.effect);
    printer.document(&report);
    printer.answer(&farewell(&report));
    Ok(ExitStatus::Done)
}

fn names(arguments: &Disable) -> Result<Vec<String>, Failure> {
    let named = arguments.domain.iter().map(|typed| {
        domain_name(typed).map_err(|reason| {
            let typed = printable(format!("{typed:?}").as_bytes());
            Failure::error(anyhow::anyhow!("--domain {typed}: {reason}"))
        })
    });
    named.collect()
}

fn nothing(request: &change::Disable) -> String {
    match request.domains.as_slice() {
        [] => "there is nothing here that esync-ssl enable put in".into(),
        domains => format!(
            "there is nothing here that esync-ssl enable put in for {}",
            domains.join(" or ")
        ),
    }
}

fn tell_notes(report: &Report, printer: &Printer) {
    for note in &report.notes {
        printer.talk(&format!("note: {note}"));
    }
}

/// What was or would be done, for programs and for the texts.
#[derive(Serialize)]
struct Report {
    result: &'static str,
    root: String,
    config: String,
    found_by: String,
    changes: Vec<ReportedChange>,
    remove: Vec<Reported>,
    diff: String,
    notes: Vec<String>,
    written: Vec<String>,
    backup: Option<String>,
    server: Option<Effect>,
}

impl Report {
    fn new(loaded: &Loaded, plan: &Plan, missing: &[String]) -> Self {
        let links = plan.unlinks.iter().map(|link| Reported {
            file: loaded.show(&link.path),
            reason: printable(
                format!("remove the link to {}: {}", link.target.display(), link.reason).as_bytes(),
            ),
        });
        let notes = plan.notes.iter().chain(missing);
        Report {
            result: "",
            root: loaded.show(&loaded.installation.root),
            config: loaded.show(&loaded.installation.main),
            found_by: loaded.installation.found_by.clone(),
            changes: ReportedChange::all(loaded, plan),
            remove: links.collect(),
            diff: diffs(loaded, plan, false).concat(),
            notes: notes.map(|note| printable(note.as_bytes())).collect(),
            written: Vec::new(),
            backup: None,
            server: None,
        }
    }
}

fn preview(loaded: &Loaded, plan: &Plan, report: &Report) -> String {
    let mut text = String::from("Changes:\n");
    for change in &report.changes {
        let _ = writeln!(text, "  {}:{}: {}", change.file, change.line, change.reason);
    }
    for link in &report.remove {
        let _ = writeln!(text, "  {}: {}", link.file, link.reason);
    }
    for diff in diffs(loaded, plan, true) {
        text += "\n";
        text += &diff;
    }
    text
}

fn farewell(report: &Report) -> String {
    let mut text = String::from("\nWritten:\n");
    for file in &report.written {
        let _ = writeln!(text, "  {file}");
    }
    if let Some(backup) = &report.backup {
        let _ = writeln!(text, "Backup: {backup}");
    }
    text += "Certificates and keys stay where they are.\n";
    if let Some(server) = &report.server {
        text += &server.farewell();
    }
    text
}
