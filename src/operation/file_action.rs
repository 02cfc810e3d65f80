//! What happens to files, one by one, for people and for programs.

use serde::Serialize;

use crate::place::ShownPath;

/// One file for people.
#[derive(Clone)]
pub struct Reported {
    /// The file as people know it.
    pub file: String,
    /// What is in it, or why it goes.
    pub reason: String,
}

/// A file that changes.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FileAction {
    /// The file or link.
    pub path: ShownPath,
    /// What happens to it.
    pub action: Action,
    /// What is in it or why it goes, in words; null of a file that is only edited, whose changes say why.
    pub reason: Option<String>,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It comes.
    Create,
    /// It stays, with other bytes in it.
    Modify,
    /// It goes.
    Remove,
}

impl FileAction {
    /// One that comes.
    pub fn create(file: Reported) -> FileAction {
        FileAction::of(file, Action::Create)
    }

    /// One that goes.
    pub fn remove(file: Reported) -> FileAction {
        FileAction::of(file, Action::Remove)
    }

    /// One that gets other bytes as a whole.
    pub fn replace(file: Reported) -> FileAction {
        FileAction::of(file, Action::Modify)
    }

    /// One that is edited.
    pub fn modify(path: impl Into<ShownPath>) -> FileAction {
        FileAction {
            path: path.into(),
            action: Action::Modify,
            reason: None,
        }
    }

    fn of(file: Reported, action: Action) -> FileAction {
        FileAction {
            path: file.file.into(),
            action,
            reason: Some(file.reason),
        }
    }
}

/// A file before and after.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FileDiff {
    /// The file.
    pub file: ShownPath,
    /// The changes as a unified diff; bytes that are not UTF-8 are written as \\xNN.
    pub diff: String,
}
