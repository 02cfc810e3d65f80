//! Whether a running server still has to read what is configured, as far as that is seen without asking it anything.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use time::OffsetDateTime;

use super::certificate_files;
use super::environment::World;
use super::find::Loaded;
use super::interrupted::{backups_of, stores};
use super::job::Job;
use super::running;
use super::server_effect::Effect;
use crate::check::tls_host::TlsHost;
use crate::place::Moment;

/// What is left to do for a server that is seen not to have read what is configured: nothing listens on its `port`, or it
/// read its files before we last wrote. Nothing where that is not seen.
pub fn effect(loaded: &Loaded, port: Option<u16>, job: Job) -> Option<Effect> {
    let server = running::server(loaded);
    // A dry run leaves nothing to do.
    if job.writing.dry_run || running::is_elsewhere(loaded) || server.parent().is_none() {
        return None;
    }
    let is_pending = port.is_some_and(is_deaf) || is_behind_us(loaded, job.world);
    is_pending.then(|| Effect::not_asked(Some(loaded), job))
}

/// Does nothing listen there?
fn is_deaf(port: u16) -> bool {
    let listeners = crate::server::port::listeners();
    listeners.is_ok_and(|all| !all.iter().any(|listener| listener.address.port() == port))
}

/// Is a running server seen to have read everything that is configured: since we last wrote, and since any file that it
/// reads was changed?
pub fn has_read_all(loaded: &Loaded, world: &World) -> bool {
    let read = last_read(loaded);
    read.is_some_and(|read| changed_since(loaded, read).is_none() && !wrote_since(loaded, world, read))
}

/// Is a running server seen to have read its files before we last wrote?
pub fn is_behind_us(loaded: &Loaded, world: &World) -> bool {
    last_read(loaded).is_some_and(|read| wrote_since(loaded, world, read))
}

/// The newest of the files that Apache reads when it starts - of the configuration, certificates and keys - if it was
/// changed at this moment or later.
pub fn changed_since(loaded: &Loaded, moment: SystemTime) -> Option<PathBuf> {
    let pid_file = running::server(loaded).pid_file;
    let configuration = &loaded.configuration;
    let read = configuration.files().iter().map(|file| file.host.clone());
    let hosts = TlsHost::all(configuration);
    let all = read.chain(certificate_files::all_of_hosts(&hosts, loaded));
    let all = all.filter(|file| *file != pid_file);
    let (when, newest) = all.filter_map(|file| Some((changed(&file)?, file))).max()?;
    (when >= moment).then_some(newest)
}

/// When a running server last read its configuration. Apache writes its `PidFile` whenever it has done so, after a graceful
/// restart too.
fn last_read(loaded: &Loaded) -> Option<SystemTime> {
    changed(&running::server(loaded).pid_file)
}

fn changed(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|file| file.modified()).ok()
}

/// Did we write after that? What seems to be written later than now, under a clock that was put back since, tells nothing.
fn wrote_since(loaded: &Loaded, world: &World, read: SystemTime) -> bool {
    let [read, now] = [OffsetDateTime::from(read), (world.now)()].map(Moment::from);
    last_written(loaded, world).is_some_and(|written| written > read && written <= now)
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
