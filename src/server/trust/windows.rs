//! Owners and access lists.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::Flaw;
use super::distrust::Step;
use crate::acl;

/// Judges one file, folder or link by itself. What a link leads to is judged when it is come to; who may write the link,
/// which has a list of its own, leads elsewhere after that.
pub(super) fn look(path: &Path, metadata: &Metadata, _shared: Option<&PathBuf>) -> Result<bool, Flaw> {
    match acl::own_objection(path, metadata) {
        Ok(None) => Ok(false),
        Ok(Some(why)) => Err(Flaw::of(path, why, Step::List)),
        Err(error) => Err(Flaw::unreadable(path, &error)),
    }
}
