//! `esync-ssl disable`: plan, preview, question, write.

use super::Failure;
use super::arguments::{Disable, Global};
use super::commit::{self, Settled, Work};
use super::effect;
use super::enable::backups;
use super::new_files::Reported;
use super::planned::{self, Report};
use super::printer::{Printer, printable};
use super::records::records;
use super::settings::Loaded;
use super::world::World;
use crate::apply::Change;
use crate::change::{self, Plan, domain_name};
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
        settled = commit::settle(&root, global, &arguments.writing, world, printer)?;
        if settled.any {
            loaded = Loaded::find(global)?;
        }
    }
    loaded.introduce(printer);
    loaded.refuse_encoding()?;
    loaded.refuse_other_root()?;
    let (records, missing) = records(&root, global, world)?;
    let request = change::Disable {
        domains,
        force: arguments.force,
    };
    let plan = Plan::disable(&loaded.main, &loaded.source, &loaded.facts, &request, &records);
    let plan = plan.map_err(planned::failure)?;
    let links = plan.unlinks.iter().map(|link| Reported {
        file: loaded.show(&link.path),
        reason: printable(
            format!("remove the link to {}: {}", link.target.display(), link.reason).as_bytes(),
        ),
    });
    let mut report = Report::new(&loaded, &plan, &missing);
    report.remove = Some(links.collect());
    if plan.is_empty() {
        report.result = "unchanged";
        printer.answer(&format!("Nothing needs to change: {}.\n", nothing(&request)));
        report.tell_notes(printer);
        if arguments.writing.restarts() && !arguments.dry_run {
            let shown = effect::unchanged(&loaded, None, &[], &arguments.writing, world, printer)?;
            printer.answer(&shown.farewell());
            report.server = Some(shown);
        }
        printer.document(&report);
        return Ok(ExitStatus::Done);
    }
    printer.answer(&report.preview(&loaded, &plan));
    report.tell_notes(printer);
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
            .chain(report.remove.iter().flatten().map(|link| link.reason.clone()))
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
    commit::say_shared(&work.changes, printer)?;
    commit::confirm("Apply these changes?", arguments.yes, global.json, printer)?;
    let written = commit::commit(&loaded, &backups, work, &arguments.writing, world, printer)?;
    report.result = "written";
    report.written = written.replaced.iter().map(|path| loaded.show(path)).collect();
    report.backup = Some(loaded.show(&written.backup));
    report.server = Some(written.effect);
    printer.document(&report);
    printer.answer(&report.farewell("Certificates and keys stay where they are.\n"));
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
