//! How changes reach the disk: backup, atomic replacement, and back again when one of several fails. Knows not what
//! the bytes mean.

mod backup;
mod replace;
mod transaction;

pub use backup::backup_folders;
pub use replace::create_private;
pub use transaction::{ApplyError, NewFile, NewLink, Replacement, Transaction, Written};
