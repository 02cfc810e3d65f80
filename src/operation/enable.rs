//! Turns HTTPS on for a site: plan, preview, question, write.

use std::path::PathBuf;

use super::enable_files::{Files, TlsFiles};
use super::environment::{Where, World, Writing};
use super::expectation::Site;
use super::file_action::{FileAction, Reported};
use super::find::Loaded;
use super::job::Job;
use super::judge_files::{self, Server};
use super::names::domain_names;
use super::plan_report::{self, Report};
use super::questions::Voice;
use super::turn::Turn;
use super::write::{self, Work};
use super::{Failure, rehearsal, restart_and_prove, running};
use crate::apply::NameChange;
use crate::change::{self, Http, Plan, Profile};
use crate::check::{Code, Finding};
use crate::refusal::{Refusal, RefusalCode};
use crate::shown::printable;

/// What is asked for.
pub struct Request {
    /// The names to serve, the domain first.
    pub names: Vec<String>,
    /// Its certificate files.
    pub files: Files,
    /// Port to serve HTTPS on.
    pub port: u16,
    /// What becomes of plain HTTP.
    pub http: Option<Http>,
    /// The virtual host for HTTP whose site is meant, where that cannot be told by the name.
    pub vhost: Option<(PathBuf, u32)>,
    /// Protocols and ciphers.
    pub profile: Option<Profile>,
    /// For how long browsers use HTTPS only, in seconds.
    pub hsts: Option<u32>,
    /// The server sends proofs that the certificate is not revoked.
    pub stapling: bool,
    /// HTTP/2 over TLS.
    pub http2: bool,
    /// Findings in spite of which it goes on.
    pub forced: Vec<Code>,
}

impl Request {
    /// HTTPS on the usual port, and nothing else.
    pub fn new(names: Vec<String>, files: Files) -> Request {
        Request {
            names,
            files,
            port: 443,
            http: None,
            vhost: None,
            profile: None,
            hsts: None,
            stapling: false,
            http2: false,
            forced: Vec::new(),
        }
    }
}

/// Turns HTTPS on.
///
/// # Errors
/// Why it did not, and that all is as it was; or what is not.
pub fn run(
    request: &Request,
    writing: &Writing,
    place: &Where,
    world: &World,
    voice: &dyn Voice,
) -> Result<Report, Failure> {
    let names = domain_names(request.names.iter().map(|name| ("--domain", name)))?;
    if names.is_empty() {
        let cause = "no name was given, and nothing was written";
        return Err(Failure::refused(Refusal::new(RefusalCode::NoName, cause, "", "")));
    }
    let noted = names
        .iter()
        .flat_map(|name| ["--domain".to_owned(), name.clone()]);
    let world = &world.or_command(["enable".to_owned()].into_iter().chain(noted));
    let job = Job {
        place,
        writing,
        world,
        voice,
    };
    let enable = Run {
        asked: request,
        names,
        job,
    };
    let turn = Turn::new(job);
    turn.attempt(|turn| enable.attempt(turn))
}

struct Run<'a> {
    asked: &'a Request,
    /// The domain first, each once.
    names: Vec<String>,
    job: Job<'a>,
}

impl Run<'_> {
    /// Reads, plans, shows, and writes when it is time to.
    fn attempt(&self, turn: &mut Turn) -> Result<Option<Report>, Failure> {
        let (asked, voice) = (self.asked, self.job.voice);
        let mut loaded = turn.read()?;
        loaded.accept(&asked.forced);
        loaded.introduce(voice);
        loaded.refuse_encoding()?;
        loaded.refuse_no_configuration()?;
        loaded.refuse_other_root()?;
        let files = TlsFiles::of(&asked.files, &loaded, &self.names)?;
        let server = Server::of(Some(&loaded), self.job.place);
        let mut findings = files.check(&loaded, server, &self.names);
        judge_files::tell(server, &findings, &asked.forced, voice)?;
        if asked.stapling
            && let Some(finding) = files.without_responder(&loaded, &self.names)
        {
            refuse_nothing_to_staple(&finding, &asked.forced)?;
            voice.findings(std::slice::from_ref(&finding), &asked.forced);
            findings.push(finding);
        }
        let request = self.request(&loaded, &files)?;
        let plan = Plan::enable(&loaded.configuration, &request);
        let plan = plan.map_err(|error| plan_report::failure(error, &loaded))?;
        let mut report = report(&loaded, &plan, &files, findings);
        if plan.is_empty() && files.create.is_empty() {
            return self.unchanged(&loaded, &request, report).map(Some);
        }
        voice.preview(&report.preview(&loaded, &plan));
        report.tell_notes(voice);
        let store = (!self.job.writing.dry_run).then(|| plan_report::store(&loaded, self.job.world.disk));
        let store = store.transpose()?;
        if let Some(store) = &store {
            running::refuse_taken_port(&loaded, request.port, &asked.forced)?;
            if !turn.is_mine(store)? {
                return Ok(None);
            }
        }
        let mut work = self.work(&request, plan, files, &report)?;
        write::say_shared(&work.changes, voice)?;
        // It writes nothing, so a dry run has it as well: what would be refused is refused.
        report.is_rehearsed = !self.job.writing.no_rehearsal
            && rehearsal::before_writing(&loaded, &request, &work.changes, voice)?;
        let Some(store) = store else {
            return Ok(Some(report.would_change()));
        };
        if !turn.is_agreed("Apply these changes?", &store, report.proposal())? {
            return Ok(None);
        }
        work.server_told = turn.settled.server_told;
        let lock = turn.lock(&store)?;
        let done = write::commit(&loaded, &store, lock, work, self.job)?;
        Ok(Some(report.was_written(&loaded, done)))
    }

    fn request(&self, loaded: &Loaded, files: &TlsFiles) -> Result<change::Request, Failure> {
        let asked = self.asked;
        Ok(change::Request {
            domain: self.names[0].clone(),
            aliases: self.names[1..].to_vec(),
            port: asked.port,
            http: asked.http,
            site: asked.vhost.clone(),
            profile: asked.profile,
            hsts: asked.hsts,
            stapling: asked.stapling,
            http2: asked.http2,
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
        request: &change::Request,
        mut report: Report,
    ) -> Result<Report, Failure> {
        report.result = "unchanged";
        self.job.voice.unchanged(&format!(
            "{} is served over TLS on port {}",
            request.domain, request.port
        ));
        if self.job.writing.restarts() && !self.job.writing.dry_run {
            let site = site(request);
            report.server = Some(restart_and_prove::unchanged(
                loaded,
                Some(&site),
                &self.asked.forced,
                self.job,
            )?);
        }
        Ok(report)
    }

    /// What is to be written. Keys are made only now.
    fn work(
        &self,
        request: &change::Request,
        plan: Plan,
        files: TlsFiles,
        report: &Report,
    ) -> Result<Work, Failure> {
        let changed = report.changes.iter().map(|change| change.reason.clone());
        let linked = plan.links.iter().map(|link| link.reason.clone());
        let mut work = Work {
            tls_reads: files.read(),
            reasons: changed.chain(linked).collect(),
            diff: report.diff.clone(),
            site: Some(site(request)),
            forced: self.asked.forced.clone(),
            ..Work::default()
        };
        let created = files
            .into_new_files(&self.names, (self.job.world.now)())?
            .into_iter();
        work.changes.extend(created.map(NameChange::from));
        work.changes.extend(plan_report::changes(plan));
        Ok(work)
    }
}

fn refuse_nothing_to_staple(finding: &Finding, forced: &[Code]) -> Result<(), Failure> {
    if forced.contains(&finding.code) {
        return Ok(());
    }
    let cause = format!(
        "{}: the server would have no proof to send. Nothing was written",
        finding.summary
    );
    let fix = format!(
        "Leave --ocsp-stapling out, or go on in spite of it with --force {}",
        finding.code.word()
    );
    let refusal = Refusal::new(RefusalCode::NothingToStaple, cause, ". ", fix);
    Err(Failure::refused_for(refusal, vec![finding.clone()], forced))
}

/// What clients must meet.
fn site(request: &change::Request) -> Site {
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
    report
        .files
        .extend(links.chain(files.create.report()).map(FileAction::create));
    report.findings = findings;
    report
}
