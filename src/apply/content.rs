//! What a name leads to: the vocabulary of changes, backups and journals.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

/// What a name leads to.
pub enum Content {
    /// Nothing.
    Absent,
    /// A file of the configuration with these bytes, which others may have as well: there may be a hundred megabytes of them.
    File(Arc<Vec<u8>>),
    /// A certificate or key file with these bytes, which are wiped when dropped. They are in no backup, and a later
    /// restore leaves the file where it is.
    Tls(Zeroizing<Vec<u8>>),
    /// A symbolic link with this target.
    Link(PathBuf),
}

impl Content {
    /// The bytes of a file.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Content::File(bytes) => Some(bytes),
            Content::Tls(bytes) => Some(bytes),
            Content::Absent | Content::Link(_) => None,
        }
    }
}
