//! Folders for rehearsals on Unix: by rights, and with processes that may have outlived their run.

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgid, kill_process, kill_process_group};

use super::MAIN;
use crate::account::{self, Writer};
use crate::server::processes::{command_line, pids};

/// The server that rehearses may give up its rights before it opens its mutexes.
const PASSABLE: u32 = 0o711;

pub fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(PASSABLE).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(PASSABLE))
}

/// The server reads and opens what it is to before it gives up its rights.
pub fn create(file: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
}

/// Can nobody else put another folder into the place of ours?
pub fn judge_around(folder: &Path) -> io::Result<()> {
    let real = folder.canonicalize()?;
    let around = fs::symlink_metadata(&real)?;
    let writer = writer(&real, &around);
    let is_kept = !matches!(writer, Some(Writer::Owner(_))) && around.mode() & 0o1000 != 0;
    let is_safe = around.is_dir() && (writer.is_none() || is_kept);
    if is_safe {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "other accounts may replace folders in {}; set TMPDIR to a folder that belongs to this account",
        folder.display()
    )))
}

/// Makes it, or takes the one that is there if it is ours.
pub fn make_parent(parent: &Path) -> io::Result<()> {
    judge_around(parent.parent().unwrap_or(parent))?;
    match make(parent) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if is_ours(parent) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} is not a folder that only this account may write to; remove it",
        parent.display()
    )))
}

pub fn is_ours(folder: &Path) -> bool {
    folder.symlink_metadata().is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && writer(folder, &metadata).is_none()
    })
}

fn writer(folder: &Path, metadata: &fs::Metadata) -> Option<Writer> {
    let list = || account::access_list(|list| rustix::fs::lgetxattr(folder, account::ACCESS_LIST, list));
    Writer::of(metadata.uid(), metadata.gid(), metadata.mode(), list)
}

pub fn has_name(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() > 0)
}

/// Ends every process whose arguments name the main file of this folder, and what it started. Its user says
/// nothing: the server gives up root's rights. Who else gives such arguments to a process asks for its end.
pub fn end_processes(folder: &Path) -> Vec<u32> {
    let mut ended = Vec::new();
    let start = Instant::now();
    loop {
        let found = processes_of(folder);
        if found.is_empty() || start.elapsed() > Duration::from_secs(10) {
            return ended;
        }
        for pid in found {
            if let Some(process) = Pid::from_raw(pid.cast_signed()) {
                if getpgid(Some(process)) == Ok(process) {
                    let _ = kill_process_group(process, Signal::KILL);
                }
                let _ = kill_process(process, Signal::KILL);
            }
            if !ended.contains(&pid) {
                ended.push(pid);
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn processes_of(folder: &Path) -> Vec<u32> {
    let main = folder.join(MAIN);
    let names = |pid: &u32| {
        let line = command_line(*pid);
        let mut words = line.windows(2);
        words.any(|two| two[0] == b"-f" && two[1] == main.as_os_str().as_bytes())
    };
    pids().filter(names).collect()
}
