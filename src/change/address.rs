//! Domains that are IP addresses: how Apache is told of them, and what their clients meet.
//!
//! Apache takes the brackets off the `Host` of a request and compares the rest as text. `ServerName` cannot say an IPv6
//! address: with brackets it is refused as a pattern, without them the first colon begins a port. `ServerAlias` can.
//!
//! `RedirectMatch` escapes brackets (`https://%5b…`), which browsers refuse; `RewriteRule` leaves them alone.
//!
//! Clients send no server name for an address (RFC 6066), so the first virtual host of the address set shakes hands.
//! What they ask for then must be that one's, or have its TLS settings: else Apache answers 421 (AH02032).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::httpd::{Configuration, VirtualHost, in_url};

use super::answer::Answers;
use super::plan::{PlanError, refuse};
use super::refusal::{RefusalCode, named, say};
use super::request::Request;

/// `ServerName` and `ServerAlias` for some names. Where all of them are IPv6 addresses, the name is one that nobody asks
/// for: without any, the virtual host would have that of the main server.
pub(super) fn name_lines(names: &[&str]) -> Vec<String> {
    let mut names = names.to_vec();
    let first = names.iter().position(|name| !is_ipv6(name));
    let name = match first {
        Some(at) => names.remove(at).to_string(),
        None => stand_in(names.first().copied().unwrap_or_default()),
    };
    let mut lines = vec![format!("ServerName {name}")];
    if !names.is_empty() {
        lines.push(format!("ServerAlias {}", names.join(" ")));
    }
    lines
}

/// Is the name an IPv6 address?
pub(super) fn is_ipv6(name: &str) -> bool {
    name.parse::<Ipv6Addr>().is_ok()
}

/// The address as a name that never exists (RFC 6761).
fn stand_in(address: &str) -> String {
    format!("ipv6-{}.invalid", address.replace(':', "-"))
}

/// Refuses where clients that ask by an address would not get through to it, or get another virtual host's certificate.
pub(super) fn refuse_hidden(configuration: &Configuration, request: &Request) -> Result<(), PlanError> {
    let answers = Answers::new(configuration, request);
    for name in request.names().filter(|name| name.parse::<IpAddr>().is_ok()) {
        if is_ipv6(name) && !takes_ipv6(&answers, request.port) {
            let (port, address) = (request.port, in_url(name));
            return Err(refuse(
                RefusalCode::Ipv6NotListened,
                format!("nothing listens for IPv6 on port {port}, so no client can reach {address}"),
                "; ",
                format!("add `Listen {address}:{port}`, then run again"),
            ));
        }
        for end in answers.local_ends() {
            let (Some(first), Some(own)) = (answers.set(end).first(), answers.answering(end, name)) else {
                continue;
            };
            if first.section == own.section || is_alike(configuration, first, own) {
                continue;
            }
            let next = match first.client_name().filter(|name| first.names_exactly(name)) {
                Some(known) => format!(
                    "run again with --domain {known} --alias {name} and a certificate for both, or choose another \
                     port for it with --port"
                ),
                None => "give it a ServerName and run again with --domain of that name and --alias of the address, \
                         or choose another port with --port"
                    .to_string(),
            };
            return Err(refuse(
                RefusalCode::AddressCertificateHidden,
                say![
                    "clients that use an IP address send no name in the TLS handshake, so on port ",
                    request.port,
                    " they would get the certificate of the first virtual host, ",
                    named(configuration, first),
                    ", instead of that for ",
                    name,
                ],
                "; ",
                next,
            ));
        }
    }
    Ok(())
}

/// Does a listener of the port take connections over IPv6?
fn takes_ipv6(answers: &Answers<'_>, port: u16) -> bool {
    let listens = answers.active_listens();
    let mut addresses = listens
        .iter()
        .filter(|listen| listen.port == port)
        .map(|listen| listen.address.as_deref());
    addresses.any(|address| address.is_none_or(|address| address.parse::<Ipv4Addr>().is_err()))
}

/// Do both show the same certificate under the same terms?
fn is_alike(configuration: &Configuration, one: &VirtualHost, other: &VirtualHost) -> bool {
    let names = [
        "SSLCertificateFile",
        "SSLCertificateKeyFile",
        "SSLCertificateChainFile",
        "SSLProtocol",
        "SSLCipherSuite",
        "SSLVerifyClient",
    ];
    let value = |host: &VirtualHost, name: &str| {
        let entry = configuration.setting(host.section, name)?;
        Some(configuration.arguments(entry))
    };
    names.iter().all(|name| value(one, name) == value(other, name))
}

#[cfg(test)]
mod tests {
    use super::name_lines;

    #[test]
    fn an_ipv6_address_is_never_a_server_name() {
        let lines = |names: &[&str]| name_lines(names).join("\n");
        assert_eq!(
            lines(&["a.test", "b.test"]),
            "ServerName a.test\nServerAlias b.test"
        );
        assert_eq!(lines(&["192.0.2.7"]), "ServerName 192.0.2.7");
        assert_eq!(lines(&["::1"]), "ServerName ipv6---1.invalid\nServerAlias ::1");
        assert_eq!(
            lines(&["2001:db8::7", "b.test", "192.0.2.7"]),
            "ServerName b.test\nServerAlias 2001:db8::7 192.0.2.7"
        );
    }
}
