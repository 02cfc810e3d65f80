//! Another file in the place of one of this machine, for one test: in a mount namespace of its own.

use std::path::Path;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Puts the calling thread, and the processes that it starts from now on, into a mount namespace of its own. Says that
/// the test is skipped where that is not allowed.
pub fn isolate() -> bool {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let done = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(None::<&Path>, "/", None::<&Path>, private, None::<&Path>));
    if let Err(error) = done {
        super::skip(&format!("no mount namespace: {error}"));
    }
    done.is_ok()
}

/// Lays a file or folder over another in that namespace.
#[track_caller]
pub fn lay(what: &Path, over: &Path) {
    mount(Some(what), over, None::<&Path>, MsFlags::MS_BIND, None::<&Path>)
        .unwrap_or_else(|error| panic!("{} over {}: {error}", what.display(), over.display()));
}

/// Lays an empty file system in memory over a folder in that namespace.
#[track_caller]
pub fn lay_memory(over: &Path) {
    mount(
        Some("tmpfs"),
        over,
        Some("tmpfs"),
        MsFlags::empty(),
        None::<&Path>,
    )
    .unwrap_or_else(|error| panic!("memory over {}: {error}", over.display()));
}
