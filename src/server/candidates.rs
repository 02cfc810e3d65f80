//! Servers of this machine that can be asked for: services, running processes, binaries. Reads no configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[cfg(not(windows))]
use super::binary::Binary;

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

/// Services that run an Apache, eSync's first.
#[cfg(windows)]
pub fn services() -> Vec<Candidate> {
    super::service::installed()
        .into_iter()
        .map(|service| Candidate {
            root: service.root(),
            main: service.main(),
            flags: service.flags(),
            found_by: format!("the service \"{}\"", service.display_name),
            binary: service.binary,
            environment: None,
        })
        .filter(|candidate| candidate.main.is_file())
        .collect()
}

/// Running parent processes of Apache.
#[cfg(not(windows))]
pub fn services() -> Vec<Candidate> {
    running::all()
}

/// What binaries in the usual places were made for.
#[cfg(windows)]
pub fn binaries() -> Vec<Candidate> {
    // There the root is that of the builder's machine.
    Vec::new()
}

/// What binaries in the usual places were made for.
#[cfg(not(windows))]
pub fn binaries() -> Vec<Candidate> {
    const PLACES: [&str; 4] = [
        "/usr/sbin/apache2",
        "/usr/sbin/httpd",
        "/usr/local/apache2/bin/httpd",
        "/usr/local/sbin/httpd",
    ];
    let there = PLACES.iter().map(PathBuf::from).filter(|path| path.is_file());
    there
        .filter_map(|binary| {
            let (root, main) = made_for(&binary)?;
            Some(Candidate {
                found_by: format!("{} -V", binary.display()),
                root,
                main,
                binary,
                flags: Vec::new(),
                environment: None,
            })
        })
        .filter(|candidate| candidate.main.is_file())
        .collect()
}

/// Server root and main file that are compiled in.
#[cfg(not(windows))]
fn made_for(binary: &Path) -> Option<(PathBuf, PathBuf)> {
    let description = Binary::new(binary.to_path_buf()).describe().ok()?;
    let root = PathBuf::from(description.root?);
    let main = root.join(description.main?);
    Some((root, main))
}

/// Where the arguments of an httpd point: server root, main file, flags.
#[cfg(any(not(windows), test))]
fn places(
    arguments: &[String],
    default: impl FnOnce() -> Option<(PathBuf, PathBuf)>,
) -> Option<(PathBuf, PathBuf, Vec<String>)> {
    let mut root = None;
    let mut main = None;
    let mut flags = Vec::new();
    let mut given = arguments.iter().skip(1);
    while let Some(argument) = given.next() {
        let (flag, value) = match argument.get(..2) {
            Some(flag @ ("-d" | "-f" | "-D")) if argument.len() > 2 => {
                (flag, Some(argument[2..].to_string()))
            }
            Some(flag @ ("-d" | "-f" | "-D")) => (flag, given.next().cloned()),
            _ => continue,
        };
        match (flag, value) {
            ("-d", Some(value)) => root = Some(PathBuf::from(value)),
            ("-f", Some(value)) => main = Some(PathBuf::from(value)),
            // These say how it runs, not what it reads.
            (_, Some(value))
                if !matches!(
                    value.as_str(),
                    "FOREGROUND" | "NO_DETACH" | "DEBUG" | "ONE_PROCESS"
                ) =>
            {
                flags.push(value);
            }
            _ => {}
        }
    }
    let (root, main) = match (root, main) {
        (Some(root), Some(main)) => (root.clone(), root.join(main)),
        (Some(root), None) => {
            let named = default().and_then(|(old, main)| Some(main.strip_prefix(old).ok()?.to_path_buf()));
            (
                root.clone(),
                root.join(named.unwrap_or_else(|| "conf/httpd.conf".into())),
            )
        }
        (None, main) => {
            let (root, default) = default()?;
            let main = main.map_or(default, |main| root.join(main));
            (root, main)
        }
    };
    Some((root, main, flags))
}

#[cfg(not(windows))]
mod running {
    use super::*;
    use std::fs;

    use crate::server::port::process;

    /// Processes of Apache whose parent is none, in our own namespaces: those of containers see other files.
    pub fn all() -> Vec<Candidate> {
        let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut pids: Vec<u32> = pids
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        pids.sort_unstable();
        let is_httpd = |pid: u32| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            matches!(name.trim(), "httpd" | "apache2")
        };
        pids.into_iter()
            .filter(|pid| is_httpd(*pid) && parent(*pid).is_none_or(|parent| !is_httpd(parent)))
            .filter(|pid| ["mnt", "net"].iter().all(|kind| shares(*pid, kind)))
            .filter_map(candidate)
            .collect()
    }

    fn parent(pid: u32) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:"))?
            .trim()
            .parse()
            .ok()
    }

    fn shares(pid: u32, kind: &str) -> bool {
        let other = fs::read_link(format!("/proc/{pid}/ns/{kind}"));
        // Of other users' processes nothing is shown; most machines have no containers.
        other.is_err() || other.ok() == fs::read_link(format!("/proc/self/ns/{kind}")).ok()
    }

    fn candidate(pid: u32) -> Option<Candidate> {
        let process = process(pid)?;
        let binary = process
            .program
            .or_else(|| process.arguments.first().map(PathBuf::from))
            .filter(|path| path.is_file() && is_named_so(path))?;
        let (root, main, flags) = places(&process.arguments, || made_for(&binary))?;
        let environment = fs::read(format!("/proc/{pid}/environ")).ok().map(|bytes| {
            let pairs = bytes.split(|byte| *byte == 0).filter_map(|one| {
                let at = one.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
                Some((one[..at].to_vec(), one[at + 1..].to_vec()))
            });
            pairs.collect()
        });
        (root.is_absolute() && main.is_file()).then(|| Candidate {
            root,
            main,
            binary,
            flags,
            environment,
            found_by: format!("the running Apache, process {pid}"),
        })
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

/// The same file, whatever way leads to it.
pub(super) fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (one, other) = (real(one), real(other));
    if cfg!(windows) {
        let text = |path: &Path| path.to_string_lossy().replace('/', "\\").to_lowercase();
        text(&one) == text(&other)
    } else {
        one == other
    }
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
            Some((
                PathBuf::from("/etc/apache2"),
                PathBuf::from("/etc/apache2/apache2.conf"),
            ))
        };
        let found = |text: &str| {
            places(&split(text), default).map(|(root, main, flags)| {
                (
                    root.display().to_string(),
                    main.display().to_string().replace('\\', "/"),
                    flags,
                )
            })
        };
        let expect = |root: &str, main: &str, flags: &[&str]| {
            Some((
                root.to_string(),
                main.to_string(),
                flags.iter().map(|flag| flag.to_string()).collect::<Vec<_>>(),
            ))
        };
        assert_eq!(
            found("apache2 -k start"),
            expect("/etc/apache2", "/etc/apache2/apache2.conf", &[])
        );
        assert_eq!(
            found("httpd -d /srv/a -f conf/x.conf -D TLS -DFOREGROUND -DB"),
            expect("/srv/a", "/srv/a/conf/x.conf", &["TLS", "B"])
        );
        assert_eq!(
            found("httpd -d /srv/a"),
            expect("/srv/a", "/srv/a/apache2.conf", &[])
        );
        assert_eq!(
            found("httpd -f /x/y.conf"),
            expect("/etc/apache2", "/x/y.conf", &[])
        );
    }
}
