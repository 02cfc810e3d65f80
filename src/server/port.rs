//! Who listens where on this machine: the port table of the system, with the programs behind it.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Name of its program.
    pub name: String,
    /// Its program, where the system tells.
    pub program: Option<PathBuf>,
    /// Its command line, where the system tells.
    pub arguments: Vec<String>,
    /// The service that it belongs to, where the system tells.
    pub service: Option<String>,
    /// Root or we run it, or opened the port that it was found at; so is every one where the system does not tell.
    pub by_root_or_us: bool,
    /// When it was started, in the system's own measure: another one may get the same number.
    pub started: u64,
}

/// A port that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// By whom; nothing where the system does not tell, because it belongs to another user.
    pub process: Option<Process>,
}

impl Listener {
    /// Would a socket on `address` (`None`: on all) and `port` collide with it?
    pub fn collides(&self, address: Option<IpAddr>, port: u16) -> bool {
        if self.address.port() != port {
            return false;
        }
        let own = self.address.ip();
        match address {
            None => true,
            // A socket on [::] takes the addresses of IPv4 as well, as a rule.
            Some(wanted) => {
                own == wanted
                    || (own.is_unspecified() && (own.is_ipv6() || wanted.is_ipv4()))
                    || (wanted.is_unspecified() && (wanted.is_ipv6() || own.is_ipv4()))
            }
        }
    }
}

/// Every TCP port that is listened on.
///
/// # Errors
/// When the system does not show its table.
pub fn listeners() -> Result<Vec<Listener>, String> {
    let mut all = platform::listeners()?;
    all.sort_by_key(|listener| (listener.address.port(), listener.address.ip()));
    all.dedup();
    Ok(all)
}

/// A process by its number; `None` if there is none.
pub fn process(pid: u32) -> Option<Process> {
    platform::process(pid)
}

/// The environment that a process was started with, where the system shows it.
pub fn environment(process: &Process) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    platform::environment(process)
}

/// The processes that a process started and that are still its children, where the system tells.
pub fn children(pid: u32) -> Vec<Process> {
    platform::children(pid)
}

#[cfg(windows)]
mod platform {
    use super::{Listener, Process};

    pub fn environment(_: &Process) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        None
    }

    pub fn children(_: u32) -> Vec<Process> {
        Vec::new()
    }

    pub fn listeners() -> Result<Vec<Listener>, String> {
        let all = listeners::get_all().map_err(|error| format!("the port table cannot be read: {error}"))?;
        let services = crate::server::service::running();
        let found: Vec<Listener> = all
            .into_iter()
            .filter(|one| {
                one.protocol == listeners::Protocol::TCP && one.state == listeners::SocketState::Listen
            })
            .map(|one| Listener {
                address: one.socket,
                process: Some(Process {
                    pid: one.process.pid,
                    name: one.process.name.clone(),
                    program: Some(one.process.path.clone())
                        .filter(|path| !path.is_empty())
                        .map(Into::into),
                    arguments: Vec::new(),
                    service: services
                        .iter()
                        .find(|(pid, _)| *pid == one.process.pid)
                        .map(|(_, name)| name.clone()),
                    by_root_or_us: true,
                    started: 0,
                }),
            })
            .collect();
        // Windows itself always listens somewhere; a table without a line is one that is kept from us.
        if found.is_empty() {
            return Err(
                "the system shows no port that is listened on, so its table cannot be trusted".into(),
            );
        }
        Ok(found)
    }

    pub fn process(pid: u32) -> Option<Process> {
        let all = listeners::get_all().ok()?;
        let found = all.into_iter().find(|one| one.process.pid == pid)?;
        Some(Process {
            pid,
            name: found.process.name.clone(),
            program: Some(found.process.path.clone())
                .filter(|path| !path.is_empty())
                .map(Into::into),
            by_root_or_us: true,
            ..Process::default()
        })
    }
}

#[cfg(not(windows))]
pub(super) use platform::{parent, pids};

#[cfg(not(windows))]
mod platform {
    use std::collections::HashMap;
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::path::Path;

    use super::{Listener, Process};
    use crate::server::trust::is_by_root_or_us;

    pub fn listeners() -> Result<Vec<Listener>, String> {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/net/{name}"));
        let four = read("tcp").map_err(|error| format!("/proc/self/net/tcp cannot be read: {error}"))?;
        // Without IPv6 there is no second table.
        let six = read("tcp6").unwrap_or_default();
        let sockets: Vec<Socket> = table(&four).chain(table(&six)).collect();
        let owners = owners(&sockets);
        let holder = |socket: &Socket| {
            let mut process = process(*owners.get(&socket.inode)?)?;
            // Children of a server that root started, and that died, go on with its sockets.
            process.by_root_or_us |= is_by_root_or_us(&[socket.user; 4]);
            Some(process)
        };
        Ok(sockets
            .iter()
            .map(|socket| Listener {
                address: socket.address,
                process: holder(socket),
            })
            .collect())
    }

    /// A line of the table in state LISTEN.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Socket {
        address: SocketAddr,
        /// Who opened it.
        user: u32,
        inode: u64,
    }

    pub(super) fn table(text: &str) -> impl Iterator<Item = Socket> + '_ {
        text.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, port) = fields.get(1)?.split_once(':')?;
            if *fields.get(3)? != "0A" {
                return None;
            }
            let port = u16::from_str_radix(port, 16).ok()?;
            Some(Socket {
                address: SocketAddr::new(ip(address)?, port),
                user: fields.get(7)?.parse().ok()?,
                inode: fields.get(9)?.parse().ok()?,
            })
        })
    }

    /// Words of 32 bits in the machine's own order.
    fn ip(hex: &str) -> Option<IpAddr> {
        let word = |at: usize| {
            Some(
                u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16)
                    .ok()?
                    .to_ne_bytes(),
            )
        };
        if hex.len() == 8 {
            return Some(Ipv4Addr::from(word(0)?).into());
        }
        let mut bytes = [0; 16];
        for at in 0..4 {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
        }
        Some(Ipv6Addr::from(bytes).into())
    }

    /// Which process holds each socket: the one that is not the child of another holder.
    fn owners(sockets: &[Socket]) -> HashMap<u64, u32> {
        let wanted: HashMap<String, u64> = sockets
            .iter()
            .map(|socket| (format!("socket:[{}]", socket.inode), socket.inode))
            .collect();
        let mut holders: HashMap<u64, Vec<u32>> = HashMap::new();
        for pid in pids() {
            let files = fs::read_dir(format!("/proc/{pid}/fd"));
            for file in files.into_iter().flatten().flatten() {
                let target = fs::read_link(file.path()).unwrap_or_default();
                if let Some(inode) = target.to_str().and_then(|target| wanted.get(target)) {
                    holders.entry(*inode).or_default().push(pid);
                }
            }
        }
        let eldest = |pids: Vec<u32>| {
            pids.iter()
                .copied()
                .find(|pid| parent(*pid).is_none_or(|parent| !pids.contains(&parent)))
                .or(pids.first().copied())
        };
        holders
            .into_iter()
            .filter_map(|(inode, pids)| Some((inode, eldest(pids)?)))
            .collect()
    }

    pub fn pids() -> impl Iterator<Item = u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    pub fn children(pid: u32) -> Vec<Process> {
        let children = pids().filter(|child| parent(*child) == Some(pid));
        children.filter_map(process).collect()
    }

    pub fn parent(pid: u32) -> Option<u32> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("PPid:"))?
            .trim()
            .parse()
            .ok()
    }

    pub fn process(pid: u32) -> Option<Process> {
        let started = started(pid)?;
        let folder = Path::new("/proc").join(pid.to_string());
        let name = fs::read_to_string(folder.join("comm")).ok()?.trim().to_string();
        let line = fs::read(folder.join("cmdline")).unwrap_or_default();
        let groups = fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
        let service = groups
            .lines()
            .filter_map(|line| line.rsplit('/').find(|part| part.ends_with(".service")))
            .find(|name| !name.starts_with("user@"));
        let program = fs::read_link(folder.join("exe")).ok();
        // Last: a program that gives rights of its own takes them before it can be anything else.
        let status = fs::read_to_string(folder.join("status")).ok()?;
        let is_ending = |line: &str| {
            line.strip_prefix("State:")
                .is_some_and(|state| state.contains('Z') || state.contains('X'))
        };
        if status.lines().any(is_ending) || self::started(pid) != Some(started) {
            return None;
        }
        Some(Process {
            pid,
            name,
            program,
            arguments: line
                .split(|byte| *byte == 0)
                .filter(|part| !part.is_empty())
                .map(|part| String::from_utf8_lossy(part).into_owned())
                .collect(),
            service: service.map(str::to_string),
            by_root_or_us: is_by_root_or_us(&users(&status)),
            started,
        })
    }

    /// Real, effective and saved user, and that of file access.
    fn users(status: &str) -> Vec<u32> {
        let line = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        let numbers = line.unwrap_or_default().split_whitespace();
        numbers.filter_map(|number| number.parse().ok()).collect()
    }

    /// Since the system was started.
    fn started(pid: u32) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything.
        text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
    }

    pub fn environment(process: &Process) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let bytes = fs::read(format!("/proc/{}/environ", process.pid)).ok()?;
        if started(process.pid) != Some(process.started) {
            return None;
        }
        let pairs = bytes.split(|byte| *byte == 0).filter_map(|one| {
            let at = one.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
            Some((one[..at].to_vec(), one[at + 1..].to_vec()))
        });
        Some(pairs.collect())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        #[cfg(target_endian = "little")]
        fn a_table_of_linux() {
            let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                0: 0100007F:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n\
                1: 0100007F:01BB 0100007F:C0DE 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0\n\
                2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 7 0 9 1\n";
            let found: Vec<_> = table(text)
                .map(|socket| (socket.address.to_string(), socket.user, socket.inode))
                .collect();
            assert_eq!(
                found,
                [
                    ("127.0.0.1:443".to_string(), 0, 4711),
                    ("[::1]:80".to_string(), 7, 9)
                ]
            );
        }

        #[test]
        fn whose_a_process_is() {
            assert_eq!(
                users("Name:\ta\nUid:\t0\t1\t2\t3\nGid:\t4\t4\t4\t4\n"),
                [0, 1, 2, 3]
            );
            // One that gave its rights away belongs to who has them, and to nobody here.
            assert!(!is_by_root_or_us(&[0, 65534, 0, 65534]) && !is_by_root_or_us(&[65534, 0, 0, 0]));
            assert!(!is_by_root_or_us(&[]));
            let own = process(std::process::id()).unwrap();
            assert!(own.by_root_or_us && environment(&own).is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collisions() {
        let on = |text: &str| Listener {
            address: text.parse().unwrap(),
            process: None,
        };
        let ip = |text: &str| Some(text.parse().unwrap());
        assert!(on("0.0.0.0:443").collides(None, 443));
        assert!(on("127.0.0.1:443").collides(None, 443));
        assert!(!on("127.0.0.1:443").collides(None, 80));
        assert!(!on("127.0.0.1:443").collides(ip("127.0.0.2"), 443));
        assert!(on("[::]:443").collides(ip("127.0.0.2"), 443));
        assert!(!on("0.0.0.0:443").collides(ip("::1"), 443));
    }

    // Wine shows an empty table.
    #[cfg(unix)]
    #[test]
    fn our_own_socket_is_in_the_table() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let all = listeners().unwrap();
        let found = all.iter().find(|listener| listener.address == address).unwrap();
        assert_eq!(
            found.process.as_ref().map(|process| process.pid),
            Some(std::process::id())
        );
    }
}
