//! What `enable` does besides where an authority makes the certificate: what it says before, and when it asks.

use std::cell::{OnceCell, RefCell};

use time::OffsetDateTime;

use super::adopt;
use super::answers;
use super::certificate_files::leaf;
use super::enable_files::{Files, TlsFiles};
use super::failure::Failure;
use super::find::Loaded;
use super::job::Job;
use super::judge_files::{self, Server};
use super::key_files::judged;
use super::names::file_name;
use super::obtain::{self, AnswerBy, Authority, Obtained, Placed, State, Wanted, Way};
use super::plan_report;
use super::progress::Preview;
use super::write::{self, Work};
use crate::apply::{Lock, NameChange, Store};
use crate::change::{AnswerPlace, FileChange, Link, Plan};
use crate::check::{Code, Finding};
use crate::httpd::Configuration;
use crate::interrupt;
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};
use crate::renewal::{INTERVAL, Life, outlook, usual_life};

/// A certificate that is to be ordered.
pub struct Ordered<'a> {
    wanted: Wanted,
    placed: Placed,
    ways: Vec<Way>,
    /// Where Apache answers, at the next order at the latest.
    place: AnswerPlace,
    /// What Apache needs to answer there, once that was asked.
    plan: OnceCell<Plan>,
    names: &'a [String],
    /// When it will be renewed and what it survives, as far as that can be told before there is one; words that go on.
    expected: String,
    job: Job<'a>,
}

/// What was agreed to and made, for all attempts of a run.
#[derive(Default)]
pub struct Kept {
    agreed: OnceCell<bool>,
    obtained: OnceCell<Obtained>,
    /// Apache answers: what takes that back.
    answers: RefCell<Option<Vec<Back>>>,
}

/// A name that changed so that Apache answers.
enum Back {
    File(FileChange),
    Link(Link),
}

/// What was obtained for a work, to be noted once it is written.
pub struct Due<'a> {
    obtained: &'a Obtained,
    placed: &'a Placed,
}

impl<'a> Ordered<'a> {
    /// What is to be ordered for a request, if anything is.
    ///
    /// # Errors
    /// Refused where it is known that there would be no certificate.
    pub fn of(
        files: &'a Files,
        found: &TlsFiles,
        names: &'a [String],
        loaded: &Loaded,
        job: Job<'a>,
    ) -> Result<Option<Ordered<'a>>, Failure> {
        let Files::Ordered(wanted) = files else {
            return Ok(None);
        };
        if !job.writing.dry_run {
            State::of(loaded, job.world.disk).sweep();
        }
        let Some(placed) = found.ordered() else {
            return Ok(None);
        };
        if wanted.authority == obtain::Authority::LetsEncryptStaging && !wanted.rehearses {
            return Err(Failure::refused(Refusal::new(
                RefusalCode::TrialsOnly,
                "nobody trusts the certificates of Let's Encrypt's staging, so none of them is installed",
                "; ",
                "give --rehearse as well, or leave --ca out",
            )));
        }
        if job.writing.save_plan.is_some() {
            return Err(Failure::refused(Refusal::new(
                RefusalCode::NoPlanToSave,
                "a plan holds what is written, and the certificate is made only then",
                "; ",
                "run again without --save-plan",
            )));
        }
        match job.writing.dry_run && !wanted.rehearses {
            true => obtain::refuse_names(wanted, names)?,
            false => obtain::refuse_impossible(wanted, names, job.voice)?,
        }
        let wanted = match wanted.adopts {
            false => Wanted::clone(wanted),
            true => adopting(wanted, loaded, names, job)?,
        };
        let ordered = Ordered {
            placed: placed.clone(),
            ways: obtain::ways(loaded, &wanted)?,
            expected: expected(&wanted, &State::of(loaded, job.world.disk), (job.world.now)()),
            wanted,
            place: place(loaded, names),
            plan: OnceCell::new(),
            names,
            job,
        };
        ordered.refuse_unasked(loaded)?;
        Ok(Some(ordered))
    }

    /// Refuses to have Apache answer where it is not to be restarted, and would not know of it.
    fn refuse_unasked(&self, loaded: &Loaded) -> Result<(), Failure> {
        let writing = self.job.writing;
        let is_tried = !writing.dry_run || self.wanted.rehearses;
        if !self.is_by_apache() || writing.restarts() || !is_tried || self.plan(loaded)?.is_empty() {
            return Ok(());
        }
        let fix = match self.wanted.rehearses {
            true => "run again without --rehearse, and with --restart",
            false => "run again with --restart",
        };
        Err(Failure::refused(Refusal::new(
            RefusalCode::NobodyAnswers,
            "only Apache can answer the certificate authority here, and it does so only after a restart",
            "; ",
            fix,
        )))
    }

    /// Shows what Apache needs to answer, which is written before all else.
    ///
    /// # Errors
    /// Refused where nothing would make it answer.
    pub fn preview(&self, loaded: &Loaded) -> Result<(), Failure> {
        if !self.is_by_apache() {
            return Ok(());
        }
        let plan = self.plan(loaded)?;
        if !plan.is_empty() {
            let report = plan_report::Report::new(loaded, plan, &[]);
            let preview = report.preview(loaded, plan);
            self.job.voice.preview(&Preview {
                title: "First, so that Apache answers the certificate authority (taken back if there is no certificate):".into(),
                ..preview
            });
        }
        Ok(())
    }

    /// Where Apache answers; lines for it are wanted wherever it has HTTP afterwards, for the order after this one. None where
    /// somebody else is to answer.
    pub fn place(&self) -> Option<&AnswerPlace> {
        let is_on_443 = matches!(self.wanted.answer, AnswerBy::Handover | AnswerBy::ModMd);
        (self.wanted.dns_hook.is_none() && !is_on_443).then_some(&self.place)
    }

    /// Nobody else can answer, so that Apache has to be told before.
    pub fn is_by_apache(&self) -> bool {
        self.ways.first() == Some(&Way::Apache)
    }

    /// Rehearses with the server's own httpd that Apache would answer.
    ///
    /// # Errors
    /// Refused where it would not, with the lines that may be why.
    pub fn rehearse(&self, loaded: &Loaded) -> Result<(), Failure> {
        if !self.is_by_apache() {
            return Ok(());
        }
        let after = self.plan(loaded).map(|plan| answers::edited(loaded, plan))?;
        let Some(after) = after else { return Ok(()) };
        match answers::rehearse(loaded, &after, &self.place, self.job.voice)? {
            Some(probed) => self.refuse_unanswered(&probed, loaded, &after),
            None => Ok(()),
        }
    }

    /// Has Apache answer, before anything is asked of the authority: writes that alone, restarts, and asks as the authority
    /// will. Whether it had to be written.
    ///
    /// # Errors
    /// As of any other writing; refused where Apache does not answer then.
    pub fn have_apache_answer(
        &self,
        (loaded, store, lock): (&Loaded, &Store, &Lock),
        kept: &Kept,
    ) -> Result<bool, Failure> {
        if !self.is_by_apache() || kept.answers.borrow().is_some() {
            return Ok(false);
        }
        let plan = self.plan(loaded)?;
        let files = plan.files.iter().cloned().map(Back::File);
        let back: Vec<Back> = files.chain(plan.links.iter().cloned().map(Back::Link)).collect();
        let is_written = !back.is_empty();
        if is_written {
            let work = Work {
                reasons: plan.changes.iter().map(|change| change.reason.clone()).collect(),
                diff: plan_report::Report::new(loaded, plan, &[]).diff,
                changes: plan_report::changes(plan.clone()).collect(),
                ..Work::default()
            };
            write::commit(loaded, store, lock, work, self.job)?;
            interrupt::go_on();
        }
        *kept.answers.borrow_mut() = Some(back);
        let now = loaded.again()?;
        let probed = answers::answers_probe(&now, &now.configuration, &self.place, self.job.voice)?;
        self.refuse_unanswered(&probed, &now, &now.configuration)?;
        Ok(is_written)
    }

    /// What Apache needs to answer, of the one configuration that this is for.
    fn plan(&self, loaded: &Loaded) -> Result<&Plan, Failure> {
        if let Some(plan) = self.plan.get() {
            return Ok(plan);
        }
        let plan = Plan::answer_place(&loaded.configuration, &self.place);
        let plan = plan.map_err(|error| plan_report::failure(error, loaded))?;
        Ok(self.plan.get_or_init(|| plan))
    }

    fn refuse_unanswered(
        &self,
        probed: &[answers::Probed],
        loaded: &Loaded,
        configuration: &Configuration,
    ) -> Result<(), Failure> {
        refuse_unanswered(
            &self.wanted.authority,
            &self.place,
            probed,
            (loaded, configuration),
            self.job,
        )
    }

    /// What is to be known before it is agreed to.
    pub fn notes(&self) -> Vec<String> {
        let first = self.ways.first();
        let way = first.map(|way| way.describe(&self.wanted.authority, &self.wanted.names(self.names)));
        let trial = self
            .wanted
            .authority
            .staging()
            .filter(|_| !self.wanted.rehearses && !self.wanted.adopts);
        let trial = trial.map(|staging| {
            format!(
                "the first order of this server is tried at {staging} before, where failures do not count"
            )
        });
        let renewal = "it is renewed when the authority asks for that, else once two thirds of its life are over, without a change of \
                       the configuration, by whoever runs esync-ssl renew then: esync-ssl schedule on has it run twice a day. \
                       The rest of its life is how long the authority may be gone";
        let renewal = renewal.to_owned() + &self.expected;
        let wildcards = &self.wanted.wildcards;
        let wildcards = (!wildcards.is_empty()).then(|| {
            format!(
                "{} is in the certificate only: which names Apache answers stays as it is",
                wildcards.join(", ")
            )
        });
        let adopted = self.wanted.adopted.as_ref().map(adopt::note);
        let notes = adopted.into_iter().chain(way).chain(wildcards).chain(trial);
        notes.chain([renewal]).collect()
    }

    /// Asks for agreement to the terms of the authority, where they were not agreed to before.
    ///
    /// # Errors
    /// Refused where nobody agrees.
    pub fn agree(&self, loaded: &Loaded, kept: &Kept) -> Result<(), Failure> {
        if kept.agreed.get().is_none() {
            let state = State::of(loaded, self.job.world.disk);
            let agreed = obtain::agree_to_terms(&self.wanted, &state, self.job.writing.yes, self.job.voice)?;
            let _ = kept.agreed.set(agreed);
        }
        Ok(())
    }

    /// Says of a dry run that nobody was asked; whether it is the end of it.
    pub fn is_not_asked(&self) -> bool {
        if !self.job.writing.dry_run || self.wanted.rehearses {
            return false;
        }
        let words = format!(
            "note: {} was not asked; --rehearse orders, checks and throws away",
            self.wanted.authority
        );
        self.job.voice.note(NoteCode::NotTried, &words);
        true
    }

    /// Has the certificate made, judges it, and puts it in the place of its stand-in.
    ///
    /// # Errors
    /// As [`obtain::obtain`]; refused where it would not do.
    pub fn carry_out<'k>(
        &'k self,
        loaded: &Loaded,
        kept: &'k Kept,
        (changes, forced): (&mut Vec<NameChange>, &[Code]),
    ) -> Result<(Due<'k>, Vec<Finding>), Failure> {
        let state = State::of(loaded, self.job.world.disk);
        let folder = loaded.source.host_path(&self.place.folder);
        let obtained = match kept.obtained.get() {
            Some(obtained) => obtained,
            None => {
                let agreed = kept.agreed.get().copied().unwrap_or(self.wanted.agrees_to_terms);
                let made = obtain::obtain(
                    &self.wanted,
                    agreed,
                    (self.names, &self.ways),
                    (loaded, &folder, &state),
                    self.job,
                )?;
                kept.obtained.get_or_init(|| made)
            }
        };
        let findings = judge(loaded, obtained, self.names, forced, self.job)?;
        let files = obtained.changes(&self.placed);
        let is_ours = |path: &std::path::Path| files.iter().any(|file| file.path == path);
        changes.retain(|change| !is_ours(&change.path));
        changes.splice(0..0, files);
        let due = Due {
            obtained,
            placed: &self.placed,
        };
        Ok((due, findings))
    }
}

/// The same with from whom it is taken over.
///
/// # Errors
/// Refused where that is nobody.
fn adopting(wanted: &Wanted, loaded: &Loaded, names: &[String], job: Job) -> Result<Wanted, Failure> {
    let state = State::of(loaded, job.world.disk);
    let managed = state.managed(&file_name(&names[0]))?;
    let known = managed.and_then(|managed| managed.installed.way.adopted);
    Ok(Wanted {
        adopted: Some(adopt::of_site(loaded, names, known)?),
        ..wanted.clone()
    })
}

/// Refuses to ask an authority that Apache would not answer.
///
/// # Errors
/// Refused, with the lines that may be why.
pub fn refuse_unanswered(
    authority: &Authority,
    place: &AnswerPlace,
    probed: &[answers::Probed],
    (loaded, configuration): (&Loaded, &Configuration),
    job: Job,
) -> Result<(), Failure> {
    let wrong = probed
        .iter()
        .filter_map(|one| one.finding(loaded, configuration, place));
    let wrong: Vec<Finding> = wrong.collect();
    if wrong.is_empty() && !probed.is_empty() {
        return Ok(());
    }
    job.voice.findings(&wrong, &[]);
    let refusal = Refusal::new(
        RefusalCode::NobodyAnswers,
        format!("Apache would not answer {authority}, which was not asked for that reason"),
        ". ",
        "Correct what is named, then run again",
    );
    Err(Failure::refused_for(refusal, wrong, &[]))
}

/// The rules for certificates hold for one that was ordered as well.
///
/// # Errors
/// Refused where it would not do.
pub fn judge(
    loaded: &Loaded,
    obtained: &Obtained,
    names: &[String],
    forced: &[Code],
    job: Job,
) -> Result<Vec<Finding>, Failure> {
    let server = Server::of(Some(loaded), job.place);
    let name = file_name(&names[0]);
    let [certificate, key, chain] = ["crt", "key", "chain.crt"].map(|end| format!("{name}.{end}"));
    let files = judged(&obtained.bundle, &certificate, &key, &chain);
    let all = judge_files::of_names(names, |name| {
        judge_files::files(loaded, server, &files, Some(name))
    });
    judge_files::tell(server, &all, forced, job.voice)?;
    Ok(all)
}

impl Kept {
    /// Takes back that Apache answers, after a run that came to nothing.
    ///
    /// # Errors
    /// That it cannot be taken back.
    pub fn take_back(
        &self,
        loaded: &Loaded,
        (store, lock): (&Store, &Lock),
        job: Job,
    ) -> Result<(), Failure> {
        let back = self.answers.borrow_mut().take().unwrap_or_default();
        if back.is_empty() {
            return Ok(());
        }
        let changes = back.into_iter().rev().map(|one| match one {
            Back::File(file) => NameChange::replace(file.path, file.after, file.before),
            Back::Link(link) => NameChange::unlink(link.path, link.target),
        });
        let work = Work {
            changes: changes.collect(),
            reasons: vec![
                "the certificate authority is not answered anymore, as there is no certificate".to_owned(),
            ],
            ..Work::default()
        };
        write::commit(loaded, store, lock, work, job).map(|_| ())
    }

    /// Whether there is something to take back.
    pub fn has_answers(&self) -> bool {
        self.answers
            .borrow()
            .as_ref()
            .is_some_and(|back| !back.is_empty())
    }
}

/// Where Apache has its answers: beside the folder for certificates.
pub fn place(loaded: &Loaded, names: &[String]) -> AnswerPlace {
    let mut place = AnswerPlace::of(&loaded.configuration, names.to_vec());
    if !loaded.source_root().join("conf").is_dir() {
        let root = loaded.configuration.server_root().to_vec();
        place.folder = [&root[..], b"/esync-ssl-acme/answers"].concat();
    }
    place
}

/// When a certificate that is ordered now will be renewed, and what it survives, behind a sentence: by the life of the last
/// one that the authority made for this server, else by what is known of the authority. Nothing where neither is known.
fn expected(wanted: &Wanted, state: &State, now: OffsetDateTime) -> String {
    let directory = wanted.authority.directory();
    let made = state.all_managed().into_iter().filter_map(|name| {
        let of = state.managed(&name).ok()??.installed;
        let is_alike = of.source.is_none() && of.directory == directory && of.profile == wanted.profile;
        is_alike.then(|| leaf(&of.certificate.path()))?
    });
    let (length, why) = match made.max_by_key(|one| one.not_before) {
        Some(last) => (
            Life::of(&last).length(),
            "as the last one that it made for this server",
        ),
        None => match usual_life(directory, wanted.profile.as_deref(), now) {
            Some(usual) => (usual, "as it gives now"),
            None => return String::new(),
        },
    };
    let life = Life {
        not_before: now,
        not_after: now + length,
    };
    let words = outlook(life, None, 0, INTERVAL).words(now);
    let days = match length.whole_days() {
        0..=2 => format!("{} hours", length.whole_hours()),
        days => format!("{days} days"),
    };
    format!(". With a life of {days}, {why}: {words}")
}

impl Due<'_> {
    /// Notes where it goes, before it is written.
    ///
    /// # Errors
    /// When that cannot be noted: nothing was written then.
    pub fn is_noted(&self, loaded: &Loaded, job: Job) -> Result<(), Failure> {
        self.obtained
            .goes_to(self.placed, &State::of(loaded, job.world.disk))
    }

    /// It is written, and its order is over. Who still renews it where it was taken over from is told.
    pub fn is_written(&self, loaded: &Loaded, job: Job) -> Option<Finding> {
        let state = State::of(loaded, job.world.disk);
        let now = (job.world.now)();
        self.obtained.is_installed(&state, now);
        // How long it lives, the authority alone knows, and not before it made one.
        let life = Life::of(&self.obtained.bundle.leaf);
        let words = outlook(life, None, 0, INTERVAL).words(now);
        job.voice.note(
            NoteCode::Renewal,
            &format!("note: {words}, if esync-ssl renew runs twice a day"),
        );
        let (adopted, names) = self.obtained.adopted()?;
        let rival = adopt::rival(adopted, names);
        job.voice.findings(rival.as_slice(), &[]);
        rival
    }
}
