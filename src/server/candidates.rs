//! Servers of this machine that can be asked for: services, running processes, binaries. Reads no configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[cfg(not(windows))]
use super::binary::Binary;
use super::binary::Silence;
#[cfg(any(not(windows), test))]
use super::command_line::CommandLine;
use super::same_file::same;

/// Main files below a server root, in the order in which they are looked for.
pub(super) const MAIN_FILES: [&str; 3] = ["conf/httpd.conf", "apache2.conf", "httpd.conf"];

/// A server that was found, with what it is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its server root.
    pub root: PathBuf,
    /// Its main file.
    pub main: PathBuf,
    /// Its binary.
    pub binary: PathBuf,
    /// Its flags (`-D`).
    pub flags: Vec<String>,
    /// Its environment, where the system shows it.
    pub environment: Option<BTreeMap<Vec<u8>, Vec<u8>>>,
    /// How it was found, for people.
    pub found_by: String,
}

/// What was found, and programs that were not asked because others might have put them there.
#[derive(Default)]
pub struct Found {
    /// The servers.
    pub candidates: Vec<Candidate>,
    /// Why something was passed over.
    pub passed_over: Vec<Silence>,
}

/// Services that run an Apache, eSync's first.
#[cfg(windows)]
fn all_services() -> Vec<Candidate> {
    super::windows_services::installed()
        .into_iter()
        .map(|service| Candidate {
            root: service.root(),
            main: service.main(),
            flags: service.line.flags.clone(),
            found_by: format!("the service \"{}\"", service.display_name),
            binary: service.binary,
            environment: None,
        })
        .filter(|candidate| candidate.main.is_file())
        .collect()
}

/// Services that run an Apache, eSync's first; without any, what runs in somebody's console.
#[cfg(windows)]
pub fn services() -> Found {
    let mut candidates = all_services();
    if candidates.is_empty() {
        candidates = running();
    }
    Found {
        candidates,
        ..Found::default()
    }
}

/// Running programs, with the server root that they have unless they are told another one.
#[cfg(windows)]
fn running() -> Vec<Candidate> {
    let all = super::windows_processes::apaches().into_iter();
    all.filter_map(|running| {
        let root = running.binary.parent()?.parent()?.to_path_buf();
        Some(Candidate {
            main: root.join(r"conf\httpd.conf"),
            root,
            flags: Vec::new(),
            found_by: format!("the running Apache, process {}", running.pid),
            binary: running.binary,
            environment: None,
        })
    })
    .filter(|candidate| candidate.main.is_file())
    .collect()
}

/// Running parent processes of Apache.
#[cfg(not(windows))]
pub fn services() -> Found {
    let mut found = Found::default();
    for process in running::all() {
        match process.candidate() {
            Ok(candidate) => found.candidates.extend(candidate),
            Err(silence) => found.passed_over.push(silence),
        }
    }
    found
}

/// The service that runs a main file.
#[cfg(windows)]
pub fn serving(_root: &Path, main: &Path, _named: Option<&Path>) -> Option<Candidate> {
    all_services().into_iter().find(|one| same(&one.main, main))
}

/// The running process that serves a main file below a server root. Its binary is run only if its command line does
/// not say what it reads, and if none but this was named.
#[cfg(not(windows))]
pub fn serving(root: &Path, main: &Path, named: Option<&Path>) -> Option<Candidate> {
    let all = running::all();
    if let Some(process) = all.iter().find(|process| process.names(root, main)) {
        return Some(process.with(root.to_path_buf(), main.to_path_buf()));
    }
    let may_ask = |process: &&running::Running| {
        !process.says_all() && named.is_none_or(|named| same(named, &process.binary))
    };
    let asked = all.iter().filter(may_ask);
    asked
        .filter_map(|process| process.candidate().ok().flatten())
        .find(|one| same(&one.main, main))
}

/// What binaries in the usual places were made for.
#[cfg(windows)]
pub fn binaries() -> Found {
    // There the root is that of the builder's machine.
    Found::default()
}

/// What binaries in the usual places were made for.
#[cfg(not(windows))]
pub fn binaries() -> Found {
    const PLACES: [&str; 4] = [
        "/usr/sbin/apache2",
        "/usr/sbin/httpd",
        "/usr/local/apache2/bin/httpd",
        "/usr/local/sbin/httpd",
    ];
    let mut found = Found::default();
    let there = PLACES.iter().map(PathBuf::from).filter(|path| path.is_file());
    for binary in there {
        match made_for(&binary) {
            Ok(Some((root, main))) if main.is_file() => found.candidates.push(Candidate {
                found_by: format!("{} -V", binary.display()),
                root,
                main,
                binary,
                flags: Vec::new(),
                environment: None,
            }),
            Ok(_) => {}
            Err(silence) => found.passed_over.push(silence),
        }
    }
    found
}

/// Server root and main file that are compiled in.
///
/// # Errors
/// When the binary may not be run.
#[cfg(not(windows))]
fn made_for(binary: &Path) -> Result<Option<(PathBuf, PathBuf)>, Silence> {
    let description = Binary::at(binary)?.describe().ok();
    Ok(description.and_then(|description| {
        let root = PathBuf::from(description.root?);
        let main = root.join(description.main?);
        Some((root, main))
    }))
}

/// Server root and main file of a command line; `default` are those that are compiled in.
#[cfg(any(not(windows), test))]
fn places<E>(
    line: &CommandLine,
    default: impl FnOnce() -> Result<Option<(PathBuf, PathBuf)>, E>,
) -> Result<Option<(PathBuf, PathBuf)>, E> {
    Ok(match (&line.root, &line.main) {
        (Some(root), Some(main)) => Some((root.clone(), root.join(main))),
        (Some(root), None) => {
            let named = default()?.and_then(|(old, main)| Some(main.strip_prefix(old).ok()?.to_path_buf()));
            let named = named.unwrap_or_else(|| "conf/httpd.conf".into());
            Some((root.clone(), root.join(named)))
        }
        (None, main) => default()?.map(|(root, default)| {
            let main = main.as_ref().map_or(default, |main| root.join(main));
            (root, main)
        }),
    })
}

#[cfg(not(windows))]
mod running {
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use crate::server::port::{Process, children, environment, process};
    use crate::server::processes::{self, parent, pids};

    /// A parent process of Apache that root or we run.
    pub struct Running {
        process: Process,
        line: CommandLine,
        /// Its program, which may not be one that we run.
        pub binary: PathBuf,
    }

    /// Processes of Apache that root or we run, whose parent is none, and that see the network and the files that we see:
    /// those of containers do not. What only asks or tells a server something is none.
    pub fn all() -> Vec<Running> {
        let mut pids: Vec<u32> = pids().collect();
        pids.sort_unstable();
        pids.into_iter()
            .filter(|pid| is_httpd(*pid) && parent(*pid).is_none_or(|parent| !is_httpd(parent)))
            .filter(|pid| shares(*pid, "net") && (shares(*pid, "mnt") || sees_our_files(*pid)))
            .filter_map(running)
            .collect()
    }

    fn is_httpd(pid: u32) -> bool {
        matches!(processes::name(pid).as_deref(), Some("httpd" | "apache2"))
    }

    fn shares(pid: u32, kind: &str) -> bool {
        let other = fs::read_link(format!("/proc/{pid}/ns/{kind}"));
        // Of other users' processes nothing is shown; most machines have no containers.
        other.is_err() || other.ok() == fs::read_link(format!("/proc/self/ns/{kind}")).ok()
    }

    /// Units have mounts of their own for less than other files: Debian's has a `/tmp` of its own. Root folder and program
    /// are ours then.
    fn sees_our_files(pid: u32) -> bool {
        let seen = |path: &Path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.dev(), metadata.ino()))
        };
        let of_process = |name: &str| PathBuf::from(format!("/proc/{pid}/{name}"));
        let program = fs::read_link(of_process("exe")).unwrap_or_default();
        let has_our_root = seen(&of_process("root")).is_some_and(|root| Some(root) == seen(Path::new("/")));
        has_our_root && seen(&of_process("exe")).is_some_and(|own| Some(own) == seen(&program))
    }

    fn running(pid: u32) -> Option<Running> {
        // One that is just being made has no arguments yet.
        let process =
            process(pid).filter(|process| process.by_root_or_us && !process.arguments.is_empty())?;
        let line = CommandLine::of(&process.arguments);
        let has_children = || children(pid).iter().any(|child| is_httpd(child.pid));
        if !line.is_server(has_children) {
            return None;
        }
        let named = || process.arguments.first().map(PathBuf::from);
        let binary = process.program.clone().or_else(named);
        let binary = binary.filter(|path| path.is_absolute() && path.is_file() && is_named_so(path))?;
        Some(Running {
            process,
            line,
            binary,
        })
    }

    impl Running {
        /// Does its command line name this main file? Where that is not said, it is one of those that are compiled in.
        pub fn names(&self, root: &Path, main: &Path) -> bool {
            match (&self.line.root, &self.line.main) {
                (Some(own), Some(file)) => same(&own.join(file), main),
                (None, Some(file)) if file.is_absolute() => same(file, main),
                (Some(own), None) => {
                    same(own, root) && MAIN_FILES.iter().any(|name| same(&own.join(name), main))
                }
                _ => false,
            }
        }

        /// Does it leave nothing to what is compiled in?
        pub fn says_all(&self) -> bool {
            self.line
                .main
                .as_ref()
                .is_some_and(|main| main.is_absolute() || self.line.root.is_some())
        }

        /// What it serves.
        ///
        /// # Errors
        /// When its binary would have to tell, and may not be run.
        pub fn candidate(&self) -> Result<Option<Candidate>, Silence> {
            let places = places(&self.line, || made_for(&self.binary))?;
            let places = places.filter(|(root, main)| root.is_absolute() && main.is_file());
            Ok(places.map(|(root, main)| self.with(root, main)))
        }

        /// The server that it is, given where that has its files.
        pub fn with(&self, root: PathBuf, main: PathBuf) -> Candidate {
            Candidate {
                root,
                main,
                binary: self.binary.clone(),
                flags: self.line.flags.clone(),
                environment: environment(&self.process).map(|pairs| pairs.into_iter().collect()),
                found_by: format!("the running Apache, process {}", self.process.pid),
            }
        }
    }
}

/// A script of the name is run by another program, which must not be asked what an httpd is asked. The name may go on, as
/// that of SUSE's `httpd-prefork`.
#[cfg(not(windows))]
fn is_named_so(program: &Path) -> bool {
    let name = program
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| name.starts_with("httpd") || name.starts_with("apache2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(windows))]
    fn what_runs_a_script_is_no_httpd() {
        let is = |path: &str| is_named_so(Path::new(path));
        assert!(is("/usr/sbin/apache2") && is("/usr/sbin/httpd-prefork"));
        assert!(!is("/usr/bin/bash") && !is("/usr/bin/python3"));
    }

    #[test]
    fn where_arguments_point() {
        let split = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
        let default = || {
            let root = PathBuf::from("/etc/apache2");
            Ok::<_, ()>(Some((root.clone(), root.join("apache2.conf"))))
        };
        let found = |text: &str| {
            let (root, main) = places(&CommandLine::of(&split(text)), default).unwrap()?;
            let text = |path: PathBuf| path.display().to_string().replace('\\', "/");
            Some((text(root), text(main)))
        };
        let expect = |root: &str, main: &str| Some((root.to_string(), main.to_string()));
        assert_eq!(
            found("apache2 -k start"),
            expect("/etc/apache2", "/etc/apache2/apache2.conf")
        );
        assert_eq!(
            found("httpd -d /srv/a -f conf/x.conf -D TLS -DFOREGROUND -DB"),
            expect("/srv/a", "/srv/a/conf/x.conf")
        );
        assert_eq!(found("httpd -d /srv/a"), expect("/srv/a", "/srv/a/apache2.conf"));
        assert_eq!(found("httpd -f /x/y.conf"), expect("/etc/apache2", "/x/y.conf"));
    }
}
