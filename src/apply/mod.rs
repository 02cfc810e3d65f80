//! How changes reach the disk and come back: lock, journal, backup, atomic replacement, restore. Knows not what the
//! bytes mean.

mod backup;
mod change;
mod content;
mod create;
mod disk;
mod error;
mod folder;
mod journal;
mod lock;
mod making;
mod merge;
mod owner;
mod patience;
mod put;
mod recover;
mod replace;
mod restore;
mod rights;
mod stopped;
mod transaction;
mod undone;

pub use backup::{Backup, CANDIDATE, Store, backup_folders};
pub use change::{NameChange, NewFile, Target};
pub use content::Content;
pub use create::{Shared, create_all, create_private};
pub use disk::{Disk, RealDisk};
pub use error::ApplyError;
pub use folder::{Folder, Found, Fresh, Kind, Last, Place, Way, others_at, read_own};
pub use journal::{Entry, Known, Manifest, Name, State, checksum, may_name};
pub use lock::{Holder, Lock, LockError};
pub use owner::{Attributes, Others};
pub use put::{Readable, put, refuse_shared, remove, rename, sweep_own};
pub use recover::Recovered;
pub use restore::{Return, Since};
pub use rights::may_be_created;
pub use transaction::{Pending, Record, Transaction, Written};
pub use undone::{Undone, Unfinished, Working};
