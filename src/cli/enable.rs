//! `esync-ssl enable`: plan, preview, question, write.

use super::arguments::{Enable, Global};
use super::commit::{self, Work};
use super::effect;
use super::enable_files::{Material, TlsFiles};
use super::judge::{self, Server};
use super::new_files::Reported;
use super::planned::{self, Report};
use super::printer::Printer;
use super::proof::Site;
use super::rehearse;
use super::settings::Loaded;
use super::turn::Turn;
use super::world::World;
use super::{Failure, running};
use crate::apply::Change;
use crate::change::{Http, Plan, Request, domain_name};
use crate::check::Finding;
use crate::exit_status::ExitStatus;
use crate::shown::printable;

/// Runs the command.
pub fn run(
    arguments: Enable,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let enable = Run {
        names: names(&arguments)?,
        material: Material::of(&arguments, printer)?,
        arguments: &arguments,
        global,
        world,
        printer,
    };
    let told = (arguments.yes, arguments.dry_run);
    let turn = Turn::new(global, told, &arguments.writing, world, printer);
    turn.attempt(|turn| enable.attempt(turn))
}

/// What was asked for.
struct Run<'a> {
    arguments: &'a Enable,
    /// The domain first.
    names: Vec<String>,
    material: Option<Material>,
    global: &'a Global,
    world: &'a World<'a>,
    printer: &'a Printer,
}

impl Run<'_> {
    /// Reads, plans, shows, and writes when it is time to.
    fn attempt(&self, turn: &mut Turn) -> Result<Option<ExitStatus>, Failure> {
        let (arguments, printer) = (self.arguments, self.printer);
        let mut loaded = turn.read()?;
        loaded.accept(&arguments.force);
        loaded.introduce(printer);
        loaded.refuse_encoding()?;
        loaded.refuse_no_configuration()?;
        loaded.refuse_other_root()?;
        let files = TlsFiles::of(arguments, self.material.as_ref(), &loaded, &self.names)?;
        let server = Server::of(Some(&loaded), self.global);
        let findings = files.check(&loaded, server, &self.names);
        judge::tell(server, &findings, &arguments.force, printer)?;
        let request = self.request(&loaded, &files)?;
        let plan = Plan::enable(&loaded.main, &loaded.source, &loaded.facts, &request);
        let plan = plan.map_err(planned::failure)?;
        let report = report(&loaded, &plan, &files, findings);
        if plan.is_empty() && files.create.is_empty() {
            return self.unchanged(&loaded, &request, report).map(Some);
        }
        printer.answer(&report.preview(&loaded, &plan));
        report.tell_notes(printer);
        let store = (!arguments.dry_run).then(|| planned::store(&loaded, self.world.disk));
        let store = store.transpose()?;
        if let Some(store) = &store {
            running::refuse_taken_port(&loaded, request.port, &arguments.force)?;
            if !turn.is_mine(store)? {
                return Ok(None);
            }
        }
        let mut work = self.work(&request, plan, files, &report)?;
        commit::say_shared(&work.changes, printer)?;
        // It writes nothing, so a dry run has it as well: what would be refused is refused.
        let is_rehearsed =
            !arguments.writing.no_rehearsal && rehearse::before_writing(&loaded, &request, &work, printer)?;
        let Some(store) = store else {
            let rest = format!("httpd -t, and whether port {} is free", request.port);
            let words = if is_rehearsed {
                format!("The rehearsal went well; not tried: {rest}.")
            } else {
                format!("Not tried: a rehearsal, {rest}.")
            };
            return Ok(Some(report.would_change(arguments.exit_code, &words, printer)));
        };
        if !turn.is_agreed("Apply these changes?", &store, &report)? {
            return Ok(None);
        }
        work.server_told = turn.settled.server_told;
        let lock = turn.lock(&store)?;
        let done = commit::commit(
            &loaded,
            &store,
            lock,
            work,
            &arguments.writing,
            self.world,
            printer,
        )?;
        Ok(Some(report.was_written(&loaded, done, "", printer)))
    }

    fn request(&self, loaded: &Loaded, files: &TlsFiles) -> Result<Request, Failure> {
        let arguments = self.arguments;
        Ok(Request {
            domain: self.names[0].clone(),
            aliases: self.names[1..].to_vec(),
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
        })
    }

    /// Nothing is to be written; the server may have to learn what is there.
    fn unchanged(
        &self,
        loaded: &Loaded,
        request: &Request,
        mut report: Report,
    ) -> Result<ExitStatus, Failure> {
        let (arguments, printer) = (self.arguments, self.printer);
        report.result = "unchanged";
        printer.answer(&format!(
            "Nothing needs to change: {} is served over TLS on port {}.\n",
            request.domain, request.port
        ));
        if arguments.writing.restarts() && !arguments.dry_run {
            let site = site(request);
            let shown = effect::unchanged(
                loaded,
                Some(&site),
                &arguments.force,
                &arguments.writing,
                self.world,
                printer,
            )?;
            printer.answer(&shown.farewell());
            report.server = Some(shown);
        }
        printer.document(&report);
        Ok(ExitStatus::Done)
    }

    /// What is to be written. Keys are made only now.
    fn work(&self, request: &Request, plan: Plan, files: TlsFiles, report: &Report) -> Result<Work, Failure> {
        let changed = report.changes.iter().map(|change| change.reason.clone());
        let linked = plan.links.iter().map(|link| link.reason.clone());
        let mut work = Work {
            reads: files.read(),
            reasons: changed.chain(linked).collect(),
            diff: report.diff.clone(),
            site: Some(site(request)),
            forced: self.arguments.force.clone(),
            ..Work::default()
        };
        let created = files.into_new_files(&self.names, (self.world.now)())?.into_iter();
        work.changes.extend(created.map(Change::from));
        work.changes.extend(planned::changes(plan));
        Ok(work)
    }
}

/// What clients must meet.
fn site(request: &Request) -> Site {
    Site {
        names: request.names().map(str::to_owned).collect(),
        port: request.port,
        redirects: request.http == Some(Http::Redirect),
    }
}

fn report(loaded: &Loaded, plan: &Plan, files: &TlsFiles, findings: Vec<Finding>) -> Report {
    let mut report = Report::new(loaded, plan, &files.notes);
    let links = plan.links.iter().map(|link| Reported {
        file: loaded.show(&link.path),
        reason: printable(format!("link to {}: {}", link.target.display(), link.reason).as_bytes()),
    });
    report.create = Some(links.chain(files.create.report()).collect());
    report.findings = Some(findings);
    report
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
