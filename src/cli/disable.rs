//! `esync-ssl disable`: plan, preview, question, write.

use super::Failure;
use super::arguments::{Disable, Global};
use super::commit::{self, Work};
use super::effect;
use super::new_files::Reported;
use super::planned::{self, Report};
use super::printer::Printer;
use super::records::records;
use super::turn::Turn;
use super::world::World;
use crate::change::{self, Plan, domain_name};
use crate::exit_status::ExitStatus;
use crate::shown::printable;

/// Runs the command.
pub fn run(
    arguments: Disable,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let request = change::Disable {
        domains: names(&arguments)?,
        force: arguments.force,
    };
    let told = (arguments.yes, arguments.dry_run);
    let turn = Turn::new(global, told, &arguments.writing, world, printer);
    turn.attempt(|turn| attempt(&request, &arguments, world, printer, turn))
}

/// Reads, plans, shows, and writes when it is time to.
fn attempt(
    request: &change::Disable,
    arguments: &Disable,
    world: &World,
    printer: &Printer,
    turn: &mut Turn,
) -> Result<Option<ExitStatus>, Failure> {
    let writing = &arguments.writing;
    let loaded = turn.read()?;
    loaded.introduce(printer);
    loaded.refuse_encoding()?;
    loaded.refuse_other_root()?;
    let (records, missing) = records(&loaded.installation.root, turn.global, world)?;
    let plan = Plan::disable(&loaded.main, &loaded.source, &loaded.facts, request, &records);
    let plan = plan.map_err(planned::failure)?;
    let mut report = Report::new(&loaded, &plan, &missing);
    let links = plan.unlinks.iter().map(|link| Reported {
        file: loaded.show(&link.path),
        reason: printable(
            format!("remove the link to {}: {}", link.target.display(), link.reason).as_bytes(),
        ),
    });
    report.remove = Some(links.collect());
    if plan.is_empty() {
        report.result = "unchanged";
        printer.answer(&format!("Nothing needs to change: {}.\n", nothing(request)));
        report.tell_notes(printer);
        if writing.restarts() && !arguments.dry_run {
            let shown = effect::unchanged(&loaded, None, &[], writing, world, printer)?;
            printer.answer(&shown.farewell());
            report.server = Some(shown);
        }
        printer.document(&report);
        return Ok(Some(ExitStatus::Done));
    }
    printer.answer(&report.preview(&loaded, &plan));
    report.tell_notes(printer);
    let work = work(plan, &report);
    commit::say_shared(&work.changes, printer)?;
    if arguments.dry_run {
        return Ok(Some(report.would_change(
            arguments.exit_code,
            "Not tried: httpd -t.",
            printer,
        )));
    }
    let store = planned::store(&loaded, world.disk)?;
    if !turn.is_mine(&store)? || !turn.is_agreed("Apply these changes?", &store, &report)? {
        return Ok(None);
    }
    let work = Work {
        server_told: turn.settled.server_told,
        ..work
    };
    let lock = turn.lock(&store)?;
    let done = commit::commit(&loaded, &store, lock, work, writing, world, printer)?;
    let more = "Certificates and keys stay where they are.\n";
    Ok(Some(report.was_written(&loaded, done, more, printer)))
}

/// What is to be written.
fn work(plan: Plan, report: &Report) -> Work {
    let changed = report.changes.iter().map(|change| change.reason.clone());
    let removed = report.remove.iter().flatten().map(|link| link.reason.clone());
    Work {
        changes: planned::changes(plan).collect(),
        reasons: changed.chain(removed).collect(),
        diff: report.diff.clone(),
        ..Work::default()
    }
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
