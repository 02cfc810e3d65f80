//! What name servers say beyond addresses, which the system's own resolver does not tell: asked in single questions, of the
//! servers that this machine is told to ask, or of others by their address.

mod message;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::deadline::Deadline;
#[cfg(unix)]
use crate::foreign;
pub use message::{Answer, Kind};

/// Name servers are asked at this port.
pub const PORT: u16 = 53;
/// How long one server is waited for.
const ONE: Duration = Duration::from_secs(2);
/// So many servers are asked of those that this machine is told to ask.
const MOST: usize = 3;

/// The records of a name, as the servers of this machine know them; none where nobody answers, or nobody knows.
pub fn lookup(name: &str, kind: Kind, deadline: Deadline) -> Option<Vec<Vec<u8>>> {
    let mut all = servers().into_iter().take(MOST);
    all.find_map(|server| {
        let answer = ask(server, name, kind, true, deadline).ok()?;
        matches!(answer.code, 0 | 3).then_some(answer.records)
    })
}

/// Asks one server.
///
/// # Errors
/// When it does not answer in time, or not as a name server does.
pub fn ask(
    server: SocketAddr,
    name: &str,
    kind: Kind,
    recursive: bool,
    deadline: Deadline,
) -> io::Result<Answer> {
    let mut id = [0; 2];
    let filled = SystemRandom::new().fill(&mut id);
    filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let question = message::question(u16::from_be_bytes(id), name, kind, recursive);
    let question = question.ok_or_else(|| io::Error::other("this is not a name"))?;
    let answer = by_packet(server, &question, kind, deadline)?;
    match answer.is_cut {
        true => by_connection(server, &question, kind, deadline),
        false => Ok(answer),
    }
}

fn by_packet(server: SocketAddr, question: &[u8], kind: Kind, deadline: Deadline) -> io::Result<Answer> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    // Then nobody else is heard.
    socket.connect(server)?;
    socket.send(question)?;
    let until = Deadline::within(deadline.left()?.min(ONE));
    let mut bytes = [0; 4096];
    loop {
        socket.set_read_timeout(Some(until.left()?))?;
        let length = socket.recv(&mut bytes)?;
        if let Some(answer) = message::answer(&bytes[..length], question, kind) {
            return Ok(answer);
        }
    }
}

fn by_connection(server: SocketAddr, question: &[u8], kind: Kind, deadline: Deadline) -> io::Result<Answer> {
    let mut connection = Deadline::within(deadline.left()?.min(ONE)).connect(server)?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    connection.write_all(&[&length.to_be_bytes()[..], question].concat())?;
    let mut length = [0; 2];
    connection.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
    connection.read_exact(&mut bytes)?;
    let answer = message::answer(&bytes, question, kind);
    answer.ok_or_else(|| io::Error::other("this is not an answer"))
}

/// Whom this machine is told to ask.
#[cfg(unix)]
fn servers() -> Vec<SocketAddr> {
    let bytes = foreign::read(std::path::Path::new("/etc/resolv.conf"), foreign::NOTE).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let named = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"));
    let named: Vec<&str> = named.map(str::trim).collect();
    addresses(&named)
}

/// Whom this machine is told to ask: by hand, or else by DHCP, for each of its interfaces.
#[cfg(windows)]
fn servers() -> Vec<SocketAddr> {
    use winreg::RegKey;
    use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ};
    let mut named = Vec::new();
    for family in ["Tcpip", "Tcpip6"] {
        let path = format!(r"SYSTEM\CurrentControlSet\Services\{family}\Parameters");
        let Ok(key) = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey_with_flags(path, KEY_READ) else {
            continue;
        };
        let below = key.open_subkey_with_flags("Interfaces", KEY_READ);
        let below = below.into_iter().flat_map(|all| {
            let names: Vec<String> = all.enum_keys().flatten().collect();
            let open = |name| all.open_subkey_with_flags(name, KEY_READ).ok();
            names.into_iter().filter_map(open).collect::<Vec<_>>()
        });
        for key in below.chain([key]) {
            let value = |name: &str| {
                key.get_value::<String, _>(name)
                    .ok()
                    .filter(|text| !text.is_empty())
            };
            named.extend(value("NameServer").or_else(|| value("DhcpNameServer")));
        }
    }
    let named: Vec<&str> = named
        .iter()
        .flat_map(|text| text.split([',', ' ', '\0']))
        .collect();
    addresses(&named)
}

/// Each once; those with a zone are left out.
fn addresses(named: &[&str]) -> Vec<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    for ip in named.iter().filter_map(|text| text.parse::<IpAddr>().ok()) {
        let server = SocketAddr::new(ip, PORT);
        if !all.contains(&server) {
            all.push(server);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_by_their_addresses() {
        let all = addresses(&[
            "192.0.2.1",
            "",
            "fe80::1%eth0",
            "192.0.2.1",
            "2001:db8::1",
            "name",
        ]);
        let told: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["192.0.2.1:53", "[2001:db8::1]:53"]);
    }

    #[test]
    fn one_that_says_nothing_is_left_in_time() {
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let start = std::time::Instant::now();
        let deadline = Deadline::within(Duration::from_millis(200));
        ask(
            silent.local_addr().unwrap(),
            "a.example",
            Kind::Caa,
            true,
            deadline,
        )
        .unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    /// An answer that is too long for a packet is asked for again, and answers to other questions are passed over.
    #[test]
    fn long_answers_come_by_a_connection() {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = std::net::TcpListener::bind(address).unwrap();
        let served = std::thread::spawn(move || {
            let mut bytes = [0; 512];
            let (length, from) = udp.recv_from(&mut bytes).unwrap();
            let mut cut = bytes[..length].to_vec();
            cut[2] |= 0x82;
            let mut other = cut.clone();
            other[0] ^= 1;
            udp.send_to(&other, from).unwrap();
            udp.send_to(&cut, from).unwrap();
            let (mut stream, _) = tcp.accept().unwrap();
            let mut asked = vec![0; length + 2];
            stream.read_exact(&mut asked).unwrap();
            let mut answer = asked[2..].to_vec();
            answer[2] |= 0x80;
            answer[7] = 1;
            answer.extend(b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x3c\x00\x03\x02ok");
            let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
            stream.write_all(&[&length[..], &answer].concat()).unwrap();
        });
        let answer = ask(
            address,
            "a.example",
            Kind::Txt,
            false,
            Deadline::within(Duration::from_secs(20)),
        );
        assert_eq!(answer.unwrap().records, [b"ok".to_vec()]);
        served.join().unwrap();
    }
}
