//! What `enable` does besides where an authority makes the certificate: what it says before, and when it asks.

use std::cell::OnceCell;

use super::enable_files::{Files, TlsFiles};
use super::failure::Failure;
use super::find::Loaded;
use super::job::Job;
use super::judge_files::{self, Server};
use super::key_files::judged;
use super::names::file_name;
use super::obtain::{self, Obtained, Placed, State, Wanted, Way};
use crate::apply::NameChange;
use crate::check::{Code, Finding};
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};

/// A certificate that is to be ordered.
pub struct Ordered<'a> {
    wanted: &'a Wanted,
    placed: Placed,
    ways: Vec<Way>,
    names: &'a [String],
    job: Job<'a>,
}

/// What was agreed to and made, for all attempts of a run.
#[derive(Default)]
pub struct Kept {
    agreed: OnceCell<bool>,
    obtained: OnceCell<Obtained>,
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
        let (Files::Ordered(wanted), Some(placed)) = (files, found.ordered()) else {
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
        obtain::refuse_impossible(wanted, names, job.voice)?;
        Ok(Some(Ordered {
            wanted,
            placed: placed.clone(),
            ways: obtain::ways(loaded, wanted.answer)?,
            names,
            job,
        }))
    }

    /// What is to be known before it is agreed to.
    pub fn notes(&self) -> Vec<String> {
        let first = self.ways.first();
        let way = first.map(|way| way.describe(&self.wanted.authority, self.names));
        let renewal = "the certificate is not renewed by itself yet: give the same command again when two thirds of its life \
                       are over; before that it orders none";
        way.into_iter().chain([renewal.to_owned()]).collect()
    }

    /// Asks for agreement to the terms of the authority, where they were not agreed to before.
    ///
    /// # Errors
    /// Refused where nobody agrees.
    pub fn agree(&self, loaded: &Loaded, kept: &Kept) -> Result<(), Failure> {
        if kept.agreed.get().is_none() {
            let state = State::of(loaded, self.job.world.disk);
            let agreed = obtain::agree_to_terms(self.wanted, &state, self.job.writing.yes, self.job.voice)?;
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
        let obtained = match kept.obtained.get() {
            Some(obtained) => obtained,
            None => {
                let agreed = kept.agreed.get().copied().unwrap_or(self.wanted.agrees_to_terms);
                let made = obtain::obtain(self.wanted, agreed, (self.names, &self.ways), &state, self.job)?;
                kept.obtained.get_or_init(|| made)
            }
        };
        let findings = self.judge(loaded, obtained, forced)?;
        let files = obtained.files(&self.placed);
        let is_ours = |path: &std::path::Path| files.iter().any(|file| file.path == path);
        changes.retain(|change| !is_ours(&change.path));
        changes.splice(0..0, files.into_iter().map(NameChange::from));
        let due = Due {
            obtained,
            placed: &self.placed,
        };
        Ok((due, findings))
    }

    /// The rules for certificates hold for this one as well.
    fn judge(&self, loaded: &Loaded, obtained: &Obtained, forced: &[Code]) -> Result<Vec<Finding>, Failure> {
        let server = Server::of(Some(loaded), self.job.place);
        let name = file_name(&self.names[0]);
        let [certificate, key, chain] = ["crt", "key", "chain.crt"].map(|end| format!("{name}.{end}"));
        let files = judged(&obtained.bundle, &certificate, &key, &chain);
        let mut all: Vec<Finding> = Vec::new();
        for name in self.names {
            for finding in judge_files::files(loaded, server, &files, Some(name)) {
                if !all.contains(&finding) {
                    all.push(finding);
                }
            }
        }
        judge_files::tell(server, &all, forced, self.job.voice)?;
        Ok(all)
    }
}

impl Due<'_> {
    /// It is written, and its order is over.
    ///
    /// # Errors
    /// When that cannot be noted: the next run would order again.
    pub fn is_written(&self, loaded: &Loaded, job: Job) -> Result<(), Failure> {
        self.obtained
            .is_installed(self.placed, &State::of(loaded, job.world.disk))
    }
}
