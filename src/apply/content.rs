//! What a name leads to: the vocabulary of changes, backups and journals.

use std::path::PathBuf;

use zeroize::Zeroizing;

/// What a name leads to.
pub enum Content {
    /// Nothing.
    Absent,
    /// A file with these bytes; wiped when dropped, as it may hold a key.
    File(Zeroizing<Vec<u8>>),
    /// A symbolic link with this target.
    Link(PathBuf),
}

impl Content {
    /// A file.
    pub fn file(bytes: Vec<u8>) -> Content {
        Content::File(Zeroizing::new(bytes))
    }
}
