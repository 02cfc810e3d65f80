//! `esync-ssl enable`: plan, preview, question, write.

use std::path::PathBuf;

use super::arguments::{Enable, Global};
use super::commit::{self, Settled, Work};
use super::effect;
use super::enable_files::TlsFiles;
use super::judge::{self, Server};
use super::new_files::Reported;
use super::planned::{self, Report};
use super::printer::{Printer, printable};
use super::proof::Site;
use super::rehearse;
use super::settings::Loaded;
use super::world::World;
use super::{Failure, running};
use crate::apply::{Change, backup_folders};
use crate::change::{Http, Plan, Request, domain_name};
use crate::exit_status::ExitStatus;

/// Runs the command.
pub fn run(
    arguments: Enable,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let mut names = names(&arguments)?;
    let mut loaded = Loaded::find(global)?;
    let root = loaded.installation.root.clone();
    let mut settled = Settled::default();
    if arguments.dry_run {
        commit::mention_unfinished(&root, world, printer);
    } else {
        settled = commit::settle(&root, global, &arguments.writing, world, printer)?;
    }
    if settled.any {
        loaded = Loaded::find(global)?;
    }
    loaded.introduce(printer);
    loaded.refuse_encoding()?;
    loaded.refuse_no_configuration()?;
    loaded.refuse_other_root()?;
    let files = TlsFiles::of(&arguments, &loaded, &names, printer)?;
    let server = Server::of(Some(&loaded), global);
    let findings = files.check(&loaded, server, &names);
    judge::tell(server, &findings, &arguments.force, printer)?;
    let request = Request {
        domain: names.remove(0),
        aliases: names,
        port: arguments.port,
        http: arguments.http.map(Into::into),
        site: arguments.vhost.clone(),
        profile: arguments.profile.map(Into::into),
        hsts: arguments.hsts,
        stapling: arguments.ocsp_stapling,
        certificate: loaded.spell(&files.certificate)?,
        key: loaded.spell(&files.key)?,
        chain: files
            .chain
            .as_deref()
            .map(|path| loaded.spell(path))
            .transpose()?,
    };
    let plan =
        Plan::enable(&loaded.main, &loaded.source, &loaded.facts, &request).map_err(planned::failure)?;
    let mut report = Report::new(&loaded, &plan, &files.notes);
    let links = plan.links.iter().map(|link| Reported {
        file: loaded.show(&link.path),
        reason: printable(format!("link to {}: {}", link.target.display(), link.reason).as_bytes()),
    });
    report.create = Some(links.chain(files.create.report()).collect());
    report.findings = Some(findings);
    let site = Site {
        names: request.names().map(str::to_owned).collect(),
        port: request.port,
        redirects: request.http == Some(Http::Redirect),
    };
    if plan.is_empty() && files.create.is_empty() {
        report.result = "unchanged";
        printer.answer(&format!(
            "Nothing needs to change: {} is served over TLS on port {}.\n",
            request.domain, request.port
        ));
        if arguments.writing.restarts() && !arguments.dry_run {
            let writing = &arguments.writing;
            let shown = effect::unchanged(&loaded, Some(&site), &arguments.force, writing, world, printer)?;
            printer.answer(&shown.farewell());
            report.server = Some(shown);
        }
        printer.document(&report);
        return Ok(ExitStatus::Done);
    }
    printer.answer(&report.preview(&loaded, &plan));
    report.tell_notes(printer);
    if !arguments.dry_run {
        running::refuse_taken_port(&loaded, request.port, &arguments.force)?;
    }
    let mut work = Work {
        reads: files.read(),
        reasons: report
            .changes
            .iter()
            .map(|change| change.reason.clone())
            .chain(plan.links.iter().map(|link| link.reason.clone()))
            .collect(),
        diff: report.diff.clone(),
        site: Some(site),
        forced: arguments.force.clone(),
        server_told: settled.server_told,
        ..Work::default()
    };
    let all: Vec<String> = request.names().map(str::to_owned).collect();
    let created = files.into_new_files(&all, (world.now)())?.into_iter();
    work.changes.extend(created.map(Change::from));
    let linked = plan.links.into_iter();
    work.changes
        .extend(linked.map(|link| Change::link(link.path, link.target)));
    let replaced = plan.files.into_iter();
    work.changes
        .extend(replaced.map(|file| Change::replace(file.path, file.before, file.after)));
    commit::say_shared(&work.changes, printer)?;
    // It writes nothing, so a dry run has it as well: what would be refused is refused.
    let is_rehearsed =
        !arguments.writing.no_rehearsal && rehearse::before_writing(&loaded, &request, &work, printer)?;
    if arguments.dry_run {
        report.result = "would-change";
        printer.document(&report);
        let rest = format!("httpd -t, and whether port {} is free", request.port);
        printer.talk(&if is_rehearsed {
            format!("Nothing was written (--dry-run). The rehearsal went well; not tried: {rest}.")
        } else {
            format!("Nothing was written (--dry-run). Not tried: a rehearsal, {rest}.")
        });
        return Ok(if arguments.exit_code {
            ExitStatus::WouldChange
        } else {
            ExitStatus::Done
        });
    }
    let backups = backups(&loaded)?;
    commit::confirm("Apply these changes?", arguments.yes, global.json, printer)?;
    let written = commit::commit(&loaded, &backups, work, &arguments.writing, world, printer)?;
    report.result = "written";
    report.written = written
        .replaced
        .iter()
        .chain(&written.created)
        .map(|path| loaded.show(path))
        .collect();
    report.backup = (!written.replaced.is_empty()).then(|| loaded.show(&written.backup));
    report.server = Some(written.effect);
    printer.document(&report);
    printer.answer(&report.farewell(""));
    Ok(ExitStatus::Done)
}

/// The names to serve, the domain first, each once.
fn names(arguments: &Enable) -> Result<Vec<String>, Failure> {
    let domains = arguments.domain.iter().map(|name| ("--domain", name));
    let aliases = arguments.alias.iter().map(|name| ("--alias", name));
    let mut names = Vec::new();
    for (option, typed) in domains.chain(aliases) {
        let name = domain_name(typed).map_err(|reason| {
            Failure::error(anyhow::anyhow!(
                "{option} {}: {reason}",
                printable(format!("{typed:?}").as_bytes())
            ))
        })?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The folder for backups that no `Include` reads.
pub(super) fn backups(loaded: &Loaded) -> Result<PathBuf, Failure> {
    let mut reached = Vec::new();
    for folder in backup_folders(&loaded.installation.root) {
        match loaded.included_from_folder(&folder)? {
            None => return Ok(folder),
            Some(place) => reached.push(place),
        }
    }
    Err(Failure::refused(format!(
        "every place for backups would be read as configuration by an Include (at {}); name *.conf files there \
         instead of a whole folder",
        reached.join(", ")
    )))
}
