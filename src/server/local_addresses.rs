//! The addresses of this machine, as far as the system shows them without being asked by unsafe means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
#[cfg(target_os = "linux")]
use std::path::Path;

#[cfg(target_os = "linux")]
use crate::foreign;

/// Each once: the loopbacks first, then those by which others reach it. Those of one link only are left out.
pub fn local_addresses() -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    all.extend(listed());
    // Nothing is sent: the system only says from where it would be. The addresses are nobody's (RFC 5737, RFC 3849).
    let nobody: [IpAddr; 2] = [
        Ipv4Addr::new(192, 0, 2, 1).into(),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    ];
    all.extend(nobody.into_iter().filter_map(from));
    let mut known = std::collections::HashSet::new();
    all.retain(|ip| !is_of_link(ip) && is_local(*ip) && known.insert(*ip));
    all
}

/// Does this machine have the address?
pub fn is_local(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

fn from(to: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match to {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((to, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn is_of_link(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

#[cfg(target_os = "linux")]
fn listed() -> Vec<IpAddr> {
    let read = |name: &str| {
        let tables = ["/proc/thread-self/net", "/proc/self/net"].iter();
        let mut texts = tables.filter_map(|folder| {
            let bytes = foreign::read(&Path::new(folder).join(name), foreign::PORT_TABLE).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        });
        texts.next().unwrap_or_default()
    };
    let mut all = of_routes(&read("fib_trie"));
    all.extend(of_interfaces(&read("if_inet6")));
    all
}

#[cfg(not(target_os = "linux"))]
fn listed() -> Vec<IpAddr> {
    Vec::new()
}

/// An address stands above its `/32 host LOCAL`.
#[cfg(target_os = "linux")]
fn of_routes(text: &str) -> Vec<IpAddr> {
    let mut last = None;
    let mut all = Vec::new();
    for line in text.lines() {
        match line.trim().strip_prefix("|-- ") {
            Some(address) => last = address.parse::<Ipv4Addr>().ok(),
            None if line.contains("/32 host LOCAL") => all.extend(last.map(IpAddr::V4)),
            None => {}
        }
    }
    all
}

/// 32 digits, and what else is known of the interface.
#[cfg(target_os = "linux")]
fn of_interfaces(text: &str) -> Vec<IpAddr> {
    let words = text.lines().filter_map(|line| line.split_whitespace().next());
    let numbers = words.filter_map(|word| u128::from_str_radix(word, 16).ok());
    numbers.map(|number| Ipv6Addr::from_bits(number).into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_one_of_them() {
        let all = local_addresses();
        assert!(all.contains(&Ipv4Addr::LOCALHOST.into()), "{all:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn tables_of_the_kernel() {
        let routes = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.1.2.3\n        /32 host LOCAL\n     |-- 10.1.2.0\n        \
                      /24 link UNICAST\n";
        assert_eq!(of_routes(routes), ["10.1.2.3".parse::<IpAddr>().unwrap()]);
        let interfaces = "20010db8000000000000000000000007 02 40 00 80 eth0\n";
        assert_eq!(
            of_interfaces(interfaces),
            ["2001:db8::7".parse::<IpAddr>().unwrap()]
        );
    }
}
