//! The ports that a configuration wants, and who holds them.

use std::net::IpAddr;

use crate::finding::{Code, Finding, Severity};
use crate::httpd::{Configuration, Listen, Platform};
use crate::server::port::{Listener, Process};

/// A `Listen` with those who hold its address and port now.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// The directive.
    pub listen: &'a Listen,
    /// Who holds it, and whether that is this very server.
    pub holders: Vec<(&'a Listener, bool)>,
}

/// Every active `Listen` with its holders. `own` says whether a process is this server; nothing is known of one that
/// belongs to another user.
pub fn wanted<'a>(
    configuration: &'a Configuration,
    listeners: &'a [Listener],
    own: &dyn Fn(Option<&Process>) -> bool,
) -> Vec<Wanted<'a>> {
    let active = configuration.active_listens();
    active
        .map(|listen| Wanted {
            listen,
            holders: holders(listen.bound(), listen.port, listeners, own),
        })
        .collect()
}

/// Who holds an address (`None`: any) and port.
pub fn holders<'a>(
    address: Option<IpAddr>,
    port: u16,
    listeners: &'a [Listener],
    own: &dyn Fn(Option<&Process>) -> bool,
) -> Vec<(&'a Listener, bool)> {
    let collides = listeners
        .iter()
        .filter(|listener| listener.collides(address, port));
    collides
        .map(|listener| (listener, !listener.is_reserved && own(listener.process.as_ref())))
        .collect()
}

impl Wanted<'_> {
    /// What stands in the way of this `Listen`.
    pub fn check(&self, platform: Platform) -> Option<Finding> {
        if let Some(finding) = taken(
            self.listen.bound(),
            &self.listen.endpoint(),
            &self.holders,
            platform,
        ) {
            return Some(finding);
        }
        not_here(self.listen)
    }
}

/// The finding for a `Listen` on an address that is none of this machine.
pub fn not_here(listen: &Listen) -> Option<Finding> {
    let address = listen.ip()?;
    // Binding port 0 takes nothing from anybody and tells whether the address is here.
    let refused = std::net::UdpSocket::bind((address, 0)).err()?;
    (refused.kind() == std::io::ErrorKind::AddrNotAvailable).then(|| {
        Finding::new(
            Code::AddressNotHere,
            Severity::StopsStart,
            format!("this machine does not have the address {address}"),
            format!(
                "Listen {} names an address that no network interface has; httpd -t does not report it.",
                listen.endpoint()
            ),
            format!("Listen {}", listen.port),
        )
        .logged(&["AH00072"])
    })
}

/// The finding for an address (`None`: all) and port that others hold.
pub fn taken(
    address: Option<IpAddr>,
    endpoint: &str,
    holders: &[(&Listener, bool)],
    platform: Platform,
) -> Option<Finding> {
    let others: Vec<&Listener> = holders
        .iter()
        .filter(|(_, own)| !own)
        .map(|(listener, _)| *listener)
        .collect();
    let first = others.first()?;
    if first.is_reserved {
        return Some(reserved(endpoint));
    }
    let who: Vec<String> = others
        .iter()
        .map(|listener| format!("{} has {}", describe(listener.process.as_ref()), listener.address))
        .collect();
    // Windows may let a socket on all addresses and one on a single address stand side by side.
    let certain = platform == Platform::Unix
        || others.iter().any(|listener| {
            let own = listener.address.ip();
            address.map_or(own.is_unspecified(), |wanted| wanted == own)
        });
    let severity = if certain {
        Severity::StopsStart
    } else {
        Severity::WorksButWrong
    };
    let fix = match first.process.as_ref() {
        Some(process) if is_http_sys(process) => HTTP_SYS_FIX.to_string(),
        Some(Process {
            service: Some(service),
            ..
        }) => {
            format!("Stop {service} and prevent it from starting again, or use another port.")
        }
        Some(process) => format!(
            "Stop {} (process {}), or use another port.",
            process.name, process.pid
        ),
        None if cfg!(windows) => {
            "netstat -ano shows the number of its process, and Task Manager its name. Stop \
                                  it, or use another port."
                .to_string()
        }
        None => "Run esync-ssl ports as root to see which program it is.".to_string(),
    };
    Some(
        Finding::new(
            Code::PortTaken,
            severity,
            format!("{endpoint} is taken by another program"),
            format!("{}.", who.join("; ")),
            fix,
        )
        .logged(&["AH00072"]),
    )
}

/// Nobody is seen there, and yet Windows lets nobody listen.
fn reserved(endpoint: &str) -> Finding {
    Finding::new(
        Code::PortTaken,
        Severity::StopsStart,
        format!("Windows does not let any program listen on {endpoint}"),
        "http.sys, the HTTP server of Windows, has it, or it is in a range of ports that Windows reserves.",
        "netsh http show servicestate and netsh int ipv4 show excludedportrange protocol=tcp show which. Stop what \
         reserves it, or use another port.",
    )
    .logged(&["AH00072"])
}

const HTTP_SYS_FIX: &str = "The usual users of http.sys are IIS (World Wide Web Publishing Service), SSTP of \
    Routing and Remote Access, Work Folders, SQL Server Reporting Services and BranchCache: netsh http show \
    servicestate shows which. Stop that service, or use another port.";

/// Windows' own HTTP server lives in the kernel and shows as process 4.
fn is_http_sys(process: &Process) -> bool {
    cfg!(windows) && process.pid == 4
}

/// A process in words.
pub fn describe(process: Option<&Process>) -> String {
    match process {
        None if cfg!(windows) => "another program".into(),
        None => "a program of another user".into(),
        Some(process) if is_http_sys(process) => {
            "http.sys, the HTTP server of Windows (process 4, System)".into()
        }
        Some(process) => {
            let service = process
                .service
                .as_ref()
                .map(|name| format!(", service {name}"))
                .unwrap_or_default();
            format!("{} (process {}{service})", process.name, process.pid)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_the_way() {
        let listener = Listener {
            address: "0.0.0.0:443".parse().unwrap(),
            process: Some(Process {
                pid: 77,
                name: "nginx".into(),
                ..Process::default()
            }),
            is_reserved: false,
            is_ipv6_only: false,
        };
        let own = |process: Option<&Process>| process.is_some_and(|process| process.pid == 1);
        let all = [listener];
        let found = holders(None, 443, &all, &own);
        let finding = taken(None, "443", &found, Platform::Unix).unwrap();
        assert_eq!(
            (finding.code, finding.severity),
            (Code::PortTaken, Severity::StopsStart)
        );
        assert!(finding.cause.contains("nginx (process 77)"), "{}", finding.cause);
        let on_one = holders("192.0.2.1".parse().ok(), 443, &all, &own);
        assert_eq!(
            taken("192.0.2.1".parse().ok(), "x", &on_one, Platform::Windows)
                .unwrap()
                .severity,
            Severity::WorksButWrong
        );
        assert!(holders(None, 80, &all, &own).is_empty());
        let ours = holders(None, 443, &all, &|_| true);
        assert_eq!(taken(None, "443", &ours, Platform::Unix), None);
        // What Windows keeps is nobody's, whatever else runs.
        let kept = [Listener {
            process: None,
            is_reserved: true,
            ..all[0].clone()
        }];
        let found = holders(None, 443, &kept, &|_| true);
        let finding = taken(None, "443", &found, Platform::Windows).unwrap();
        assert!(finding.fix.contains("excludedportrange"), "{finding:?}");
    }
}
