//! How changes reach the disk and come back: lock, journal, backup, atomic replacement, restore. Knows not what the
//! bytes mean.

mod backup;
mod disk;
mod folder;
mod journal;
mod lock;
mod merge;
mod owner;
mod recover;
mod replace;
mod restore;
mod transaction;

pub use backup::{Backup, CANDIDATE, Store, backup_folders};
pub use disk::{Attributes, Disk, RealDisk};
pub use folder::{Folder, Found, Fresh, Kind, Last, Place};
pub use journal::{Entry, Known, Manifest, Name, State, checksum, may_name};
pub use lock::{Holder, Lock, LockError};
pub use owner::Others;
pub use recover::Recovered;
pub use replace::create_private;
pub use restore::{Return, Since};
pub use transaction::{
    ApplyError, Change, Content, NewFile, Pending, Record, Target, Transaction, Written, create_all, others_at,
};
