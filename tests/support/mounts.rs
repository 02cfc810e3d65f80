//! Another file in the place of one of this machine, for one test: in a mount namespace of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
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

/// What was mounted in that namespace can only be read from now on.
#[track_caller]
pub fn close(folder: &Path) {
    lay(folder, folder);
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    mount(None::<&Path>, folder, None::<&Path>, flags, None::<&Path>)
        .unwrap_or_else(|error| panic!("{} is not closed: {error}", folder.display()));
}

/// A `/dev` of that namespace's own, with what every program needs, in which somebody may listen for messages.
#[track_caller]
pub fn own_devices() {
    let before = tempfile::tempdir().expect("a folder");
    lay(Path::new("/dev"), before.path());
    lay_memory(Path::new("/dev"));
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let device = Path::new("/dev").join(name);
        std::fs::write(&device, "").expect("a place for a device");
        lay(&before.path().join(name), &device);
    }
    std::os::unix::fs::symlink("/proc/self/fd", "/dev/fd").expect("a link");
    std::fs::create_dir("/dev/shm").expect("a folder");
    lay_memory(Path::new("/dev/shm"));
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o1777);
    std::fs::set_permissions("/dev/shm", open).expect("its mode");
    nix::mount::umount2(before.path(), nix::mount::MntFlags::MNT_DETACH).expect("unmounted");
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

/// Lays one that root alone may write.
#[track_caller]
pub fn lay_folder(over: &str) {
    lay_memory(Path::new(over));
    fs::set_permissions(over, fs::Permissions::from_mode(0o755)).expect("its rights");
}

/// The folder of cron.
pub const CRON: &str = "/etc/cron.d";

/// A machine with cron and without systemd, for one test.
pub fn with_cron() -> bool {
    if !Path::new(CRON).is_dir() {
        super::skip("no folder /etc/cron.d over which another could be laid");
        return false;
    }
    isolate() && {
        lay_folder(CRON);
        lay_folder("/run");
        true
    }
}
