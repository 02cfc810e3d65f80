//! What a gateway on the Internet needs that passes on the data of field devices (M2U of Talk2M): it calls the server
//! by name, verifies chain and name, follows no redirect, and posts.

use std::net::IpAddr;

use crate::finding::{Code, Finding, Severity};
use crate::server::handshake::Failure;
use crate::server::http::Answer;

/// The name must lead to the server from outside. `addresses` is what it leads to from this machine.
pub fn reachable(name: &str, addresses: &[IpAddr]) -> Option<Finding> {
    let look = format!("Run nslookup {name} 8.8.8.8: it must show the public address of the server.");
    if addresses.is_empty() {
        return Some(Finding::new(
            Code::NameNotPublic,
            Severity::WorksButWrong,
            format!("{name} cannot be resolved on this machine"),
            "A gateway on the Internet finds the server by its name in public DNS, and this machine finds no \
             address for it.",
            look,
        ));
    }
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    addresses.iter().copied().all(is_inside).then(|| {
        Finding::new(
            Code::NameNotPublic,
            Severity::WorksButWrong,
            format!("{name} resolves to an address that exists only in the local network"),
            format!(
                "On this machine it resolves to {}, which nobody on the Internet can reach.",
                list.join(", ")
            ),
            look,
        )
    })
}

fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_unspecified()
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
    }
}

/// Another port than the usual one is part of the URL, and of every firewall in between.
pub fn usual_port(port: u16) -> Option<Finding> {
    (port != 443).then(|| {
        Finding::new(
            Code::PortUnusual,
            Severity::Advice,
            format!("HTTPS is served on port {port}"),
            "Clients expect 443; another port must be part of the URL, and firewalls may let only 443 through.",
            "Include the port in the URL and open it in every firewall in between.",
        )
    })
}

/// Gateways of this age know TLS 1.2 and perhaps nothing later.
pub fn tls12(met: &Result<(), Failure>) -> Option<Finding> {
    let failure = met.as_ref().err()?;
    Some(Finding::new(
        Code::Tls12Refused,
        Severity::BreaksClients,
        "TLS 1.2 is not accepted",
        format!("A client that knows nothing later than TLS 1.2 gets: {failure}."),
        "SSLProtocol must allow TLSv1.2, and SSLCipherSuite must have ciphers for it; esync-ssl enable sets both \
         with --profile intermediate.",
    ))
}

/// What a look (`HEAD`) at the path tells of a later `POST`.
pub fn looked(path: &str, answer: &Result<Answer, Failure>) -> Option<Finding> {
    match answer {
        // A program may take nothing but POST, and one that fails without data says nothing of one with data.
        Ok(answer) if matches!(answer.status, 400 | 405 | 411 | 415 | 422 | 501) => None,
        other => judged(path, other),
    }
}

/// What the answer to a sample says.
pub fn sent(path: &str, answer: &Result<Answer, Failure>) -> Option<Finding> {
    match answer {
        Ok(answer) if matches!(answer.status, 400 | 415 | 422) => Some(Finding::new(
            Code::PostRefused,
            Severity::Advice,
            format!(
                "the sample reached {path} and was not accepted ({})",
                answer.status
            ),
            "The program there reads data of devices, and the sample is not such data.",
            "Send data from a device and see whether it arrives.",
        )),
        other => judged(path, other),
    }
}

fn judged(path: &str, answer: &Result<Answer, Failure>) -> Option<Finding> {
    let refused = |summary: String, cause: &str, fix: &str| {
        Some(Finding::new(
            Code::PostRefused,
            Severity::BreaksClients,
            summary,
            cause,
            fix,
        ))
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => {
            return refused(
                format!("{path} gives no answer"),
                &format!("After the handshake: {failure}."),
                "The error log says why: esync-ssl explain --since 5m.",
            );
        }
    };
    let status = answer.status;
    match status {
        200..=299 if answer.is_file => refused(
            format!("{path} is a file, not a program that accepts data"),
            "Apache answers a POST to a file with the file, and the data sent is lost.",
            "Use the path of the program that accepts the data.",
        ),
        200..=299 => None,
        300..=399 => refused(
            format!("{path} is redirected ({status})"),
            &format!(
                "It redirects to {}. A gateway does not follow that, and the data sent by POST would be lost.",
                answer.location.as_deref().unwrap_or("(nowhere)")
            ),
            "Use the path that it redirects to, or remove the redirect for this path.",
        ),
        401 | 407 => refused(
            format!("{path} asks for a password ({status})"),
            "The gateway cannot send one.",
            "Allow this path without a password (Require all granted), and restrict it by address if necessary.",
        ),
        403 => refused(
            format!("{path} is forbidden (403)"),
            "The configuration allows nobody there, or Apache may not read the files.",
            "Require all granted for its folder; the error log names the rule: esync-ssl explain --since 5m.",
        ),
        404 | 410 => refused(
            format!("{path} does not exist ({status})"),
            "Nothing answers at this path in the virtual host that serves the name.",
            "Compare the path letter by letter; a virtual host for HTTPS needs the same Alias, ScriptAlias and \
             DocumentRoot as the one for HTTP: esync-ssl status.",
        ),
        405 | 501 => refused(
            format!("{path} does not accept POST ({status})"),
            "There is a file instead of a program that accepts data, or Limit excludes POST.",
            "Use the path of the program that accepts the data.",
        ),
        500.. => refused(
            format!("{path} fails ({status})"),
            "The program there ends with an error.",
            "The error log says why: esync-ssl explain --since 5m.",
        ),
        _ => refused(
            format!("{path} does not accept the data ({status})"),
            "The program there refuses it.",
            "The error log may say why: esync-ssl explain --since 5m.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Result<Answer, Failure> {
        Ok(Answer {
            status,
            location: Some("https://other.example.com/".into()),
            kind: None,
            length: None,
            hsts: None,
            server: None,
            is_file: false,
            body: Vec::new(),
        })
    }

    #[test]
    fn only_what_arrives_is_good() {
        let severity = |finding: Option<Finding>| finding.map(|finding| finding.severity);
        for status in [200, 201, 204] {
            assert_eq!(sent("/x", &answer(status)), None);
            assert_eq!(looked("/x", &answer(status)), None);
        }
        for status in [301, 302, 307, 308, 401, 403, 404, 410, 500, 503, 418] {
            assert_eq!(
                severity(sent("/x", &answer(status))),
                Some(Severity::BreaksClients),
                "{status}"
            );
            assert_eq!(
                severity(looked("/x", &answer(status))),
                Some(Severity::BreaksClients),
                "{status}"
            );
        }
        assert_eq!(severity(sent("/x", &answer(405))), Some(Severity::BreaksClients));
        assert_eq!(looked("/x", &answer(405)), None);
        assert_eq!(severity(sent("/x", &answer(422))), Some(Severity::Advice));
        let silent = Err(Failure::NoAnswer("x".into()));
        assert_eq!(severity(sent("/x", &silent)), Some(Severity::BreaksClients));
    }

    #[test]
    fn inside_is_not_outside() {
        let inside: Vec<IpAddr> = ["127.0.1.1", "10.1.2.3", "fe80::1", "fd00::1"]
            .map(|a| a.parse().unwrap())
            .into();
        assert!(reachable("a.example.com", &inside).is_some());
        assert!(reachable("a.example.com", &[]).is_some());
        let both = ["192.168.1.1".parse().unwrap(), "203.0.113.9".parse().unwrap()];
        assert_eq!(reachable("a.example.com", &both), None);
        assert_eq!(usual_port(443), None);
        assert!(usual_port(8443).is_some());
    }
}
