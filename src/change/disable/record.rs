//! What earlier runs did to the configuration, as whoever keeps the backups tells it. Compares nothing.

use std::path::{Path, PathBuf};

use crate::httpd::{Document, Platform, real_path};

use super::super::plan::{Link, Plan};
use super::marks::{Block, blocks};
use super::request::Disable;

/// What one earlier run did to the configuration.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The command.
    pub action: Action,
    /// The domains that it was for, the site's own name first; none for all.
    pub domains: Vec<String>,
    /// The files that it changed.
    pub files: Vec<Version>,
    /// The symbolic links that it made.
    pub made: Vec<Link>,
    /// The symbolic links that it removed.
    pub removed: Vec<Link>,
}

/// The command of an earlier run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// `enable`.
    Enable,
    /// `disable`.
    Disable,
    /// Another one; it is only looked through.
    #[default]
    Other,
}

/// A file before and after a run.
#[derive(Clone, Debug)]
pub struct Version {
    /// The file behind all symbolic links.
    pub path: PathBuf,
    /// Its bytes before.
    pub before: Vec<u8>,
    /// Its bytes after.
    pub after: Vec<u8>,
}

impl Record {
    /// A plan of this kind as a record of its own.
    pub(super) fn of(request: &Disable, plan: &Plan) -> Record {
        let files = plan.files.iter().map(|file| Version {
            path: real_path(&file.path),
            before: file.before.to_vec(),
            after: file.after.to_vec(),
        });
        Record {
            action: Action::Disable,
            domains: request.domains.clone(),
            files: files.collect(),
            made: Vec::new(),
            removed: plan.unlinks.clone(),
        }
    }
}

/// A section of a record: its index, and the line of the marker in a file as it was after the run.
pub(super) type Place = (usize, usize);

/// A section that a record added, in its words.
pub(super) fn block_of(records: &[Record], file: &Path, place: Place, platform: Platform) -> Option<Block> {
    let version = records[place.0]
        .files
        .iter()
        .find(|version| version.path == file)?;
    let after = Document::new(version.after.clone(), platform);
    let mut found = blocks(&after);
    found.retain(|block| block.marker == place.1);
    found.pop()
}
