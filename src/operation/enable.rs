//! Turns HTTPS on for a site: plan, preview, question, write.

use std::cell::OnceCell;
use std::path::PathBuf;

use anyhow::anyhow;
use camino::Utf8PathBuf;

use super::asked::{Asked, Sources};
use super::enable_files::{Files, Material, TlsFiles};
use super::environment::{Where, World, Writing};
use super::expectation::Site;
use super::file_action::{FileAction, Reported};
use super::find::Loaded;
use super::job::Job;
use super::judge_files::{self, Server};
use super::names::domain_names;
use super::ordered::{Due, Kept, Ordered};
use super::pass_phrase::PassPhrases;
use super::plan_file::{self, PlanFile, Planned, Read};
use super::plan_report::{self, Report};
use super::questions::Voice;
use super::turn::Turn;
use super::would_write::would_commit;
use super::write::{self, Work};
use super::{
    Failure, expiring, firewall, pending, rehearsal, restart_and_prove, running, summary, work_folder,
};
use crate::apply::{Lock, Name, Store};
use crate::change::{self, Http, Plan, PlanError, Profile};
use crate::check::{Code, Finding};
use crate::exit_status::ExitStatus;
use crate::interrupt::{self, Undoing};
use crate::note_code::NoteCode;
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
    /// Whatever HTTPS answers otherwise than HTTP did puts everything back.
    pub strict: bool,
    /// Findings in spite of which it goes on.
    pub forced: Vec<Code>,
    /// Files that are named stay where they are, and nobody is asked whether to copy them.
    pub in_place: bool,
    /// The file with the pass-phrase of a key that is to be copied.
    pub phrases: Option<Utf8PathBuf>,
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
            strict: false,
            forced: Vec::new(),
            in_place: false,
            phrases: None,
        }
    }

    /// What a plan asked for, its files opened.
    pub(super) fn again(asked: &Asked, phrases: &PassPhrases, voice: &dyn Voice) -> Result<Request, Failure> {
        let Asked::Enable {
            names,
            files,
            port,
            http,
            vhost,
            profile,
            hsts,
            stapling,
            http2,
            strict,
            forced,
        } = asked
        else {
            return Err(Failure::error(anyhow!("the plan turns nothing on")));
        };
        let forced: Result<Vec<_>, String> = forced.iter().map(|word| word.parse()).collect();
        Ok(Request {
            port: *port,
            http: *http,
            vhost: vhost.as_ref().map(|(file, line)| (file.path(), *line)),
            profile: *profile,
            hsts: *hsts,
            stapling: *stapling,
            http2: *http2,
            strict: *strict,
            forced: forced.map_err(|words| Failure::error(anyhow!(words)))?,
            in_place: true,
            ..Request::new(names.clone(), files.open(phrases, voice)?)
        })
    }

    fn asked(&self, names: &[String], files: &Files) -> Asked {
        let vhost = self.vhost.as_ref();
        Asked::Enable {
            names: names.to_vec(),
            files: Sources::of(files),
            port: self.port,
            http: self.http,
            vhost: vhost.map(|(file, line)| (Name::from(&**file), *line)),
            profile: self.profile,
            hsts: self.hsts,
            stapling: self.stapling,
            http2: self.http2,
            strict: self.strict,
            forced: self.forced.iter().map(ToString::to_string).collect(),
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
    run_as(request, None, writing, (place, world), voice)
}

/// The same, and nothing but what a plan says.
pub(super) fn run_as(
    request: &Request,
    plan: Option<&PlanFile>,
    writing: &Writing,
    (place, world): (&Where, &World),
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
        plan,
        chosen: OnceCell::new(),
        kept: Kept::default(),
        said_first: OnceCell::new(),
        names,
        job,
    };
    let turn = Turn::new(job);
    turn.attempt(|turn| match enable.attempt(turn) {
        Err(failure) if enable.kept.has_answers() => Err(enable.taken_back(turn, failure)),
        attempted => attempted,
    })
}

struct Run<'a> {
    asked: &'a Request,
    /// What alone may be done.
    plan: Option<&'a PlanFile>,
    /// What was answered: the files as they are copied, or nothing else than was asked for.
    chosen: OnceCell<Option<Files>>,
    /// What was agreed to with an authority, and made by it.
    kept: Kept,
    /// What comes before all else was said.
    said_first: OnceCell<()>,
    /// The domain first, each once.
    names: Vec<String>,
    job: Job<'a>,
}

impl Run<'_> {
    /// Reads, plans, shows, and writes when it is time to.
    fn attempt(&self, turn: &mut Turn) -> Result<Option<Report>, Failure> {
        let (asked, voice) = (self.asked, self.job.voice);
        let loaded = self.read(turn)?;
        self.offer_copies(&loaded)?;
        let (files, ordered) = self.tls_files(&loaded)?;
        let mut findings = self.judge(&loaded, &files)?;
        let mut request = self.request(&loaded, &files)?;
        let plan = self.planned(&loaded, &mut request, ordered.as_ref(), &mut findings)?;
        let mut report = report(&loaded, &plan, &files, findings);
        if plan.is_empty() && files.create.is_empty() {
            return self.unchanged(&loaded, &request, report).map(Some);
        }
        if let Some(ordered) = &ordered {
            ordered.preview(&loaded)?;
        }
        voice.preview(&report.preview(&loaded, &plan));
        report.tell_notes(voice);
        let store = plan_report::store(&loaded, self.job.world.disk)?;
        let wanted = (&plan.effect.listens[..], request.port);
        running::refuse_taken_port(&loaded, wanted, &asked.forced, voice)?;
        if !turn.is_mine(&store)? {
            return Ok(None);
        }
        let effect = plan.effect.clone();
        let mut work = self.work(&request, plan, files, &report)?;
        write::say_shared(&work.changes, voice)?;
        if let Some(plan) = self.plan {
            plan.refuse_other(&work.changes)?;
        }
        report.is_rehearsed = !self.job.writing.no_rehearsal
            && rehearsal::before_writing(&loaded, &request, &work.changes, self.job)?;
        let lines = summary::of_plan(&report, &effect, Some(request.http));
        report.summarise(lines, turn.finds_stopped(&loaded), self.job);
        if let Some(ordered) = ordered.as_ref().filter(|_| !self.job.writing.no_rehearsal) {
            ordered.rehearse(&loaded)?;
        }
        if self.job.writing.dry_run {
            work.is_after_undo = !turn.undone.names.is_empty();
            return self
                .would_write((&loaded, &store), &request, (work, report), ordered)
                .map(Some);
        }
        voice.summary(&report.summary);
        if let Some(ordered) = &ordered {
            ordered.agree(&loaded, &self.kept)?;
        }
        if !turn.is_agreed("Apply these changes?", &store, report.proposal())? {
            return Ok(None);
        }
        work.server_told = turn.settled.server_told;
        let lock = turn.lock(&store)?;
        if let Some(ordered) = &ordered
            && ordered.have_apache_answer((&loaded, &store, lock), &self.kept)?
        {
            turn.goes_on();
            return Ok(None);
        }
        self.write((&loaded, &store, lock), &request, (work, report), ordered)
            .map(Some)
    }

    /// Reads the configuration, says what is to be known first, and refuses what cannot be written.
    fn read(&self, turn: &mut Turn) -> Result<Loaded, Failure> {
        let voice = self.job.voice;
        let read = turn.read();
        let mut loaded = read.map_err(|failure| PlanFile::unread(self.plan, failure))?;
        if let Some(plan) = self.plan {
            plan.refuse_changed(&loaded, &self.reads(&loaded))?;
        }
        loaded.accept(&self.asked.forced, self.plan.is_none());
        loaded.introduce(voice);
        self.said_first.get_or_init(|| {
            expiring::tell(&expiring::of(&loaded, (self.job.world.now)()), voice);
        });
        loaded.refuse_encoding()?;
        loaded.refuse_no_configuration()?;
        loaded.refuse_other_root()?;
        Ok(loaded)
    }

    /// The certificate files, and what is to be ordered of an authority, with what people should know of both.
    fn tls_files(&self, loaded: &Loaded) -> Result<(TlsFiles, Option<Ordered<'_>>), Failure> {
        let mut files = TlsFiles::of(self.files(), loaded, &self.names, self.job)?;
        files.notes.extend(self.note_in_place(loaded));
        let ordered = Ordered::of(self.files(), &files, &self.names, loaded, self.job)?;
        files.notes.extend(ordered.iter().flat_map(Ordered::notes));
        self.job.voice.detail(&format!(
            "files: certificate {}, key {}",
            loaded.show(&files.certificate),
            loaded.show(&files.key)
        ));
        Ok((files, ordered))
    }

    /// Everything as it was before, after a run that came to nothing when Apache had been told to answer an authority.
    fn taken_back(&self, turn: &Turn, failure: Failure) -> Failure {
        // Whoever wants the program to end wants this first.
        let _undoing = Undoing::new();
        let take_back = || {
            let loaded = Loaded::find(self.job.place)?;
            let store = plan_report::store(&loaded, self.job.world.disk)?;
            let lock = turn.lock(&store)?;
            self.kept.take_back(&loaded, (&store, lock), self.job)
        };
        let taken = take_back();
        interrupt::go_on();
        match taken {
            Ok(()) => failure,
            Err(another) => {
                let cause = format!(
                    "{:#}. The lines by which Apache answers the certificate authority could not be taken out: {:#}",
                    failure.error, another.error
                );
                let fix = "take the block `Answers to certificate authorities` out by hand, or give the command again";
                Failure {
                    status: ExitStatus::NotRestored,
                    ..Failure::with_advice(cause, fix)
                }
            }
        }
    }

    /// The end of a dry run. An authority is asked in a rehearsal only.
    fn would_write(
        &self,
        (loaded, store): (&Loaded, &Store),
        request: &change::Request,
        (mut work, mut report): (Work, Report),
        ordered: Option<Ordered>,
    ) -> Result<Report, Failure> {
        if let Some(ordered) = ordered.filter(|ordered| !ordered.is_not_asked()) {
            ordered.agree(loaded, &self.kept)?;
            // Nobody else orders meanwhile, or takes away what answers for this order.
            let alone = self.job.claim().wait(store)?;
            self.carry_out(&ordered, loaded, request, (&mut work, &mut report))?;
            drop(alone);
        }
        let planned = || Planned {
            asked: self.asked(),
            loaded,
            reads: self.reads(loaded),
        };
        let plan = plan_file::to_save(planned, &work.changes, &report, self.job);
        report.is_tested = would_commit(loaded, store, work, self.job)?;
        self.job.voice.summary(&report.summary);
        Ok(report.would_change(plan_file::saved(plan)?))
    }

    /// The end of all others: what is to be ordered is ordered now, and then all is written.
    fn write(
        &self,
        (loaded, store, lock): (&Loaded, &Store, &Lock),
        request: &change::Request,
        (mut work, mut report): (Work, Report),
        ordered: Option<Ordered>,
    ) -> Result<Report, Failure> {
        let due = match &ordered {
            Some(ordered) => Some(self.carry_out(ordered, loaded, request, (&mut work, &mut report))?),
            None => None,
        };
        if let Some(due) = &due {
            due.is_noted(loaded, self.job)?;
        }
        let done = write::commit(loaded, store, lock, work, self.job)?;
        if let Some(due) = due {
            report.findings.extend(due.is_written(loaded, self.job));
        }
        firewall::tell(loaded, &[request.port], self.job.voice);
        let look = ["verify", "--domain", &self.names[0]];
        Ok(report.was_written(loaded, done, &look))
    }

    /// Has an authority make the certificate, and rehearses with it.
    fn carry_out<'a>(
        &'a self,
        ordered: &'a Ordered,
        loaded: &Loaded,
        request: &change::Request,
        (work, report): (&mut Work, &mut Report),
    ) -> Result<Due<'a>, Failure> {
        let into = (&mut work.changes, &self.asked.forced[..]);
        let (due, findings) = ordered.carry_out(loaded, &self.kept, into)?;
        report.findings.extend(findings);
        if !self.job.writing.no_rehearsal {
            rehearsal::before_writing(loaded, request, &work.changes, self.job)?;
        }
        Ok(due)
    }

    /// The plan, where Apache could start with it on this machine. That Apache cannot answer an authority keeps nothing from
    /// being done as long as somebody else does; it is told.
    fn planned(
        &self,
        loaded: &Loaded,
        request: &mut change::Request,
        ordered: Option<&Ordered>,
        findings: &mut Vec<Finding>,
    ) -> Result<Plan, Failure> {
        let (forced, voice) = (&self.asked.forced, self.job.voice);
        request.answer_place = ordered.and_then(|ordered| ordered.place().cloned());
        let mut plan = Plan::enable(&loaded.configuration, request);
        if let (Err(PlanError::Refused(refusal)), Some(ordered)) = (&plan, ordered)
            && refusal.code == RefusalCode::AcmePathTaken
            && !ordered.is_by_apache()
        {
            let words = format!("note: Apache could not answer certificate authorities later: {refusal}");
            voice.note(NoteCode::Plan, &printable(words.as_bytes()));
            request.answer_place = None;
            plan = Plan::enable(&loaded.configuration, request);
        }
        let plan = plan.map_err(|error| plan_report::failure(error, loaded))?;
        for line in &plan.trail {
            voice.detail(line);
        }
        let not_here = running::refuse_foreign_addresses(loaded, &plan.changes, forced, voice)?;
        findings.extend(not_here);
        Ok(plan)
    }

    /// What is wrong with the files, where that keeps nothing from being written.
    fn judge(&self, loaded: &Loaded, files: &TlsFiles) -> Result<Vec<Finding>, Failure> {
        let (asked, voice) = (self.asked, self.job.voice);
        let server = Server::of(Some(loaded), self.job.place);
        let mut findings = files.check(loaded, server, &self.names);
        judge_files::tell(server, &findings, &asked.forced, voice)?;
        if asked.stapling
            && let Some(finding) = files.without_responder(loaded, &self.names)
        {
            refuse_nothing_to_staple(&finding, &asked.forced)?;
            voice.findings(std::slice::from_ref(&finding), &asked.forced);
            findings.push(finding);
        }
        Ok(findings)
    }

    /// The files that it is about: those that were named, or their copies.
    fn files(&self) -> &Files {
        let chosen = self.chosen.get().and_then(Option::as_ref);
        chosen.unwrap_or(&self.asked.files)
    }

    /// What a plan keeps of it.
    fn asked(&self) -> Asked {
        self.asked.asked(&self.names, self.files())
    }

    /// Everything that is read for it.
    fn reads(&self, loaded: &Loaded) -> Vec<Read> {
        Read::all(loaded, self.asked().paths())
    }

    /// Certificates in somebody's work folder are better copied; whoever is there is asked, once.
    fn offer_copies(&self, loaded: &Loaded) -> Result<(), Failure> {
        let (writing, voice) = (self.job.writing, self.job.voice);
        let asks = !self.asked.in_place && !writing.yes && !writing.dry_run && voice.can_ask();
        if !asks || self.chosen.get().is_some() {
            return Ok(());
        }
        let chosen = match work_folder::origin(&self.asked.files, loaded) {
            None => None,
            Some(origin) => {
                let question = format!("Copy them into {}?", loaded.show(&loaded.tls_folder()));
                voice.talk(&work_folder::found(&self.asked.files));
                match voice.accepts(&question) {
                    None => return Err(Failure::interrupted().into_interrupted()),
                    Some(false) => None,
                    Some(true) => {
                        let phrases = PassPhrases::of(self.asked.phrases.as_deref())?;
                        let material = Material::open(origin, &phrases, voice)?;
                        Some(Files::Installed(Box::new(material)))
                    }
                }
            }
        };
        let _ = self.chosen.set(chosen);
        Ok(())
    }

    /// The same where nobody is asked: a note.
    fn note_in_place(&self, loaded: &Loaded) -> Option<String> {
        if self.asked.in_place || self.chosen.get().is_some() {
            return None;
        }
        work_folder::origin(&self.asked.files, loaded)?;
        Some(format!(
            "{}. They stay there, where Apache reads them at every start; --copy-certs copies them into {}",
            work_folder::found(&self.asked.files),
            loaded.show(&loaded.tls_folder())
        ))
    }

    fn request(&self, loaded: &Loaded, files: &TlsFiles) -> Result<change::Request, Failure> {
        let asked = self.asked;
        Ok(change::Request {
            domain: self.names[0].clone(),
            aliases: self.names[1..].to_vec(),
            port: asked.port,
            http: asked.http,
            site: asked.vhost.clone(),
            has_no_default: false,
            profile: asked.profile,
            hsts: asked.hsts,
            stapling: asked.stapling,
            forced: asked.forced.clone(),
            http2: asked.http2,
            answer_place: None,
            fitting_chains: files.fitting_chains.clone(),
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
        // What HTTPS lacks of HTTP is so whether or not anything is written.
        report.tell_notes(self.job.voice);
        self.job.voice.unchanged(&format!(
            "{} is configured for TLS on port {}",
            request.domain, request.port
        ));
        firewall::tell(loaded, &[request.port], self.job.voice);
        plan_file::tell_none(self.job);
        if self.job.writing.restarts() {
            let site = self.site(request);
            let server = restart_and_prove::unchanged(loaded, Some(&site), &self.asked.forced, self.job)?;
            return Ok(report.with_server(server));
        }
        let pending = pending::effect(loaded, Some(request.port), self.job);
        Ok(report.with_pending(pending, loaded, &["verify", "--domain", &self.names[0]]))
    }

    /// What clients must meet.
    fn site(&self, request: &change::Request) -> Site {
        Site {
            names: request.names().map(str::to_owned).collect(),
            port: request.port,
            redirects: request.http == Some(Http::Redirect),
            asked: Some(request.clone()),
            strict: self.asked.strict,
            files: Vec::new(),
        }
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
            site: Some(self.site(request)),
            forced: self.asked.forced.clone(),
            ..Work::default()
        };
        let made = files.into_changes(&self.names, (self.job.world.now)())?;
        work.changes.extend(made);
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
        "Leave --ocsp-stapling out, or continue anyway with --force {}",
        finding.code.word()
    );
    let refusal = Refusal::new(RefusalCode::NothingToStaple, cause, ". ", fix);
    Err(Failure::refused_for(refusal, vec![finding.clone()], forced))
}

fn report(loaded: &Loaded, plan: &Plan, files: &TlsFiles, findings: Vec<Finding>) -> Report {
    let mut report = Report::new(loaded, plan, &files.notes);
    let links = plan.links.iter().map(|link| Reported {
        file: loaded.show(&link.path),
        reason: printable(format!("link to {}: {}", link.target.display(), link.reason).as_bytes()),
    });
    report.files.extend(links.map(FileAction::create));
    report.files.extend(files.actions());
    report.findings = findings;
    report
}
