//! The steps put together: each reads what the one before left, and at the end the plan proves itself.

use std::fmt;
use std::path::PathBuf;

use crate::httpd::{Configuration, Edit, Facts, Source};

use super::request::Request;
use super::work::Work;
use super::{awake, listen, module, proof, redirect, site, virtual_host};

/// Everything that turns HTTPS on, not yet written.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One line for people each, in the order of the steps.
    pub changes: Vec<Change>,
    /// The files that change, with their bytes before and after.
    pub files: Vec<FileChange>,
    /// Symbolic links that are made.
    pub links: Vec<Link>,
    /// Symbolic links that are removed.
    pub unlinks: Vec<Link>,
    /// What the administrator should know beside the changes.
    pub notes: Vec<String>,
}

/// One change and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: PathBuf,
    /// The line before the change at which it happens, from 1.
    pub line: usize,
    /// The lines that go; empty for an insertion.
    pub before: Vec<u8>,
    /// The lines that stand there afterwards.
    pub after: Vec<u8>,
    /// Why.
    pub reason: String,
}

/// One file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: PathBuf,
    /// Its bytes when the plan was made.
    pub before: Vec<u8>,
    /// The bytes it gets.
    pub after: Vec<u8>,
}

/// A symbolic link that is made or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The link.
    pub path: PathBuf,
    /// What it says: a path relative to its folder.
    pub target: PathBuf,
    /// Why.
    pub reason: String,
}

/// One change that a step asks for.
pub(super) enum Act {
    Edit(Edit),
    Link(Link),
}

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanError {
    /// The request cannot be carried out safely; a sentence for people that says what to do.
    Refused(String),
    /// A file could not be read (again).
    Read(PathBuf, std::io::Error),
    /// The plan did not prove itself: a mistake of this program. Nothing may be written.
    Unproven(String),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Refused(reason) => f.write_str(reason),
            PlanError::Read(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            PlanError::Unproven(what) => write!(
                f,
                "the planned changes did not prove themselves ({what}); nothing was written. This is a mistake in \
                 esync-ssl: please report it with the configuration"
            ),
        }
    }
}

impl std::error::Error for PlanError {}

/// A refusal.
pub(super) fn refuse(reason: String) -> PlanError {
    PlanError::Refused(reason)
}

/// A step: the changes that are missing from a configuration.
type Step = fn(&Configuration, &Request) -> Result<Vec<Act>, PlanError>;

const STEPS: [Step; 7] = [
    |configuration, _| module::ssl(configuration),
    module::headers,
    |configuration, request| Ok(module::stapling_cache(configuration, request)),
    |configuration, _| module::session_cache(configuration),
    |configuration, request| listen::edits(configuration, request).map(acts),
    |configuration, request| virtual_host::edits(configuration, request).map(acts),
    redirect::acts,
];

/// Edits as changes.
pub(super) fn acts(edits: Vec<Edit>) -> Vec<Act> {
    edits.into_iter().map(Act::Edit).collect()
}

/// Each step may bring in a file in which another finds something to do; more than this is our mistake.
const ROUNDS: usize = 6;

impl Plan {
    /// Plans HTTPS for a request on the configuration of `main` and proves the plan. Writes nothing.
    ///
    /// # Errors
    /// A refusal with its reason, or that a file cannot be read.
    pub fn enable(main: &[u8], source: &Source, facts: &Facts, request: &Request) -> Result<Plan, PlanError> {
        let original = read(main, source, facts)?;
        proof::refuse_broken(&original)?;
        let mut work = Work::new(main, source, facts, &original);
        let mut plan = Plan::default();
        let mut configuration = work.read()?;
        let asked = request;
        let mut request = asked.clone();
        if request.site.is_none() {
            request.site = site::place_of(&original, &request);
        }
        // A cache may become active only through a file that a step brought in, so the steps repeat until none has
        // anything to add.
        for round in 0.. {
            let mut edited = false;
            for step in STEPS {
                let acts = step(&configuration, &request).map_err(|error| {
                    // The site that was found may have gone with mod_ssl's coming.
                    let lost = awake::refuse_lost_hosts(&original, &configuration).err();
                    let lost = lost.filter(|_| asked.site.is_none());
                    lost.unwrap_or_else(|| work.as_it_was(&configuration, error))
                })?;
                if !acts.is_empty() {
                    edited = true;
                    let (edits, links) = split(acts);
                    plan.changes.extend(work.apply(edits, &mut request)?);
                    work.link(&links)?;
                    plan.links.extend(links);
                    configuration = work.read()?;
                    proof::refuse_endless(&configuration)
                        .map_err(|error| work.as_it_was(&configuration, error))?;
                }
            }
            if !edited {
                break;
            }
            if round == ROUNDS {
                return Err(PlanError::Unproven("planning does not come to an end".into()));
            }
        }
        proof::prove(&original, &configuration, &request, &work)?;
        // As a second run will see it.
        let mut again = request.clone();
        if asked.site.is_none() {
            again.site = site::place_of(&configuration, asked);
        }
        for step in STEPS {
            if !step(&configuration, &again).is_ok_and(|acts| acts.is_empty()) {
                return Err(awake::refuse_second_look(
                    &original,
                    &configuration,
                    &request,
                    &work,
                ));
            }
        }
        plan.changes
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        plan.notes = proof::notes(&original, &configuration, &request);
        plan.files = work.changed();
        Ok(plan)
    }

    /// Nothing has to change.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.links.is_empty() && self.unlinks.is_empty()
    }
}

fn split(acts: Vec<Act>) -> (Vec<Edit>, Vec<Link>) {
    let (mut edits, mut links) = (Vec::new(), Vec::new());
    for act in acts {
        match act {
            Act::Edit(edit) => edits.push(edit),
            Act::Link(link) => links.push(link),
        }
    }
    (edits, links)
}

pub(super) fn read(main: &[u8], source: &Source, facts: &Facts) -> Result<Configuration, PlanError> {
    Configuration::read(main, source.clone(), facts.clone())
        .map_err(|error| PlanError::Read(source.host_path(main), error))
}
