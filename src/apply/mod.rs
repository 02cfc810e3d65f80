//! How changes reach the disk and come back: lock, journal, backup, atomic replacement, restore. Knows not what the
//! bytes mean.

mod backup;
mod disk;
mod journal;
mod lock;
mod merge;
mod replace;
mod restore;
mod transaction;
mod undone;

pub use backup::{Backup, Store, backup_folders};
pub use disk::{Attributes, Disk, RealDisk};
pub use journal::{Entry, Manifest, Name, Recovered, State, checksum};
pub use lock::{Holder, Lock, LockError};
pub use replace::create_private;
pub use restore::{Return, Since};
pub use transaction::{
    ApplyError, Change, Content, NewFile, Pending, Record, Transaction, Written, create_all,
};
pub use undone::{Undone, Unfinished, Working};
