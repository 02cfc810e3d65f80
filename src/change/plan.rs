//! What a plan consists of, and why there may be none. Plans nothing.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::httpd::Edit;
use crate::wording::reason;

use super::effect::Effect;
use super::refusal::{Refusal, RefusalCode, Text};

/// Everything that turns HTTPS on, or off again, not yet written.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One line for people each, in the order of the steps.
    pub changes: Vec<LineChange>,
    /// The files that change, with their bytes before and after.
    pub files: Vec<FileChange>,
    /// Symbolic links that are made.
    pub links: Vec<Link>,
    /// Symbolic links that are removed.
    pub unlinks: Vec<Link>,
    /// What the administrator should know beside the changes.
    pub notes: Vec<String>,
    /// What was decided on the way, and what each step had to do.
    pub trail: Vec<String>,
    /// What it does to the ports that clients use.
    pub effect: Effect,
    /// Apache did not start before HTTPS came, and does not when it has gone: there is nothing to ask it.
    pub never_started: bool,
}

impl Plan {
    /// Nothing has to change.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.links.is_empty() && self.unlinks.is_empty()
    }
}

/// One change and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
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
    pub before: Arc<Vec<u8>>,
    /// The bytes it gets.
    pub after: Arc<Vec<u8>>,
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
    /// The request cannot be carried out safely.
    Refused(Box<Refusal>),
    /// A file could not be read (again).
    Read(PathBuf, std::io::Error),
    /// The plan did not prove itself: a mistake of this program. Nothing may be written.
    Unproven(String),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Refused(refusal) => refusal.fmt(f),
            PlanError::Read(path, error) => write!(f, "{} cannot be read: {}", path.display(), reason(error)),
            PlanError::Unproven(what) => write!(
                f,
                "the planned changes did not pass their own check ({what}); nothing was written. This is an error \
                 in esync-ssl: please report it with the configuration"
            ),
        }
    }
}

impl std::error::Error for PlanError {}

/// A refusal; `joint` stands between cause and fix when both are one text.
pub(super) fn refuse(
    code: RefusalCode,
    cause: impl Into<Text>,
    joint: &'static str,
    fix: impl Into<Text>,
) -> PlanError {
    PlanError::Refused(Box::new(Refusal::new(code, cause.into(), joint, fix.into())))
}
