//! Whether a running server still has to read what is configured, as far as that is seen without asking it anything.

use std::path::Path;
use std::time::SystemTime;

use time::OffsetDateTime;

use super::environment::World;
use super::find::Loaded;
use super::interrupted::{backups_of, stores};
use super::job::Job;
use super::running;
use super::server_effect::Effect;
use crate::place::Moment;

/// What is left to do for a server that is seen not to have read what is configured: nothing listens on its `port`, or it
/// read its files before we last wrote. Nothing where that is not seen.
pub fn effect(loaded: &Loaded, port: Option<u16>, job: Job) -> Option<Effect> {
    let server = running::server(loaded);
    // A dry run leaves nothing to do.
    if job.writing.dry_run || running::is_elsewhere(loaded) || server.parent().is_none() {
        return None;
    }
    let is_pending = port.is_some_and(is_deaf) || is_older(&server.pid_file, loaded, job.world);
    is_pending.then(|| Effect::not_asked(Some(loaded), job))
}

/// Does nothing listen there?
fn is_deaf(port: u16) -> bool {
    let listeners = crate::server::port::listeners();
    listeners.is_ok_and(|all| !all.iter().any(|listener| listener.address.port() == port))
}

/// Is a running server seen to have read everything that is configured? Since we last wrote, and since any file of its
/// configuration was changed.
pub fn has_read_all(loaded: &Loaded, world: &World) -> bool {
    let Some(read) = changed(&running::server(loaded).pid_file) else {
        return false;
    };
    let mut files = loaded.configuration.files().iter();
    let are_older = files.all(|file| changed(&file.host).is_some_and(|written| written < read));
    are_older && last_written(loaded, world).is_none_or(|written| written <= moment(read))
}

fn is_older(pid_file: &Path, loaded: &Loaded, world: &World) -> bool {
    let Some(read) = changed(pid_file) else {
        return false;
    };
    last_written(loaded, world).is_some_and(|written| written > moment(read))
}

/// When a file was last written. Apache writes its `PidFile` whenever it has read its configuration, after a graceful
/// restart too.
fn changed(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|file| file.modified()).ok()
}

fn moment(time: SystemTime) -> Moment {
    Moment::from(OffsetDateTime::from(time))
}

/// When we last wrote.
fn last_written(loaded: &Loaded, world: &World) -> Option<Moment> {
    let stores = stores(&loaded.installation.root, world.disk);
    let newest = stores
        .iter()
        .filter_map(|store| backups_of(store).ok()?.pop())
        .filter_map(|backup| Moment::parse(&backup.manifest.time));
    newest.max()
}
