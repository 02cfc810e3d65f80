//! What the running server shows to clients.

use time::OffsetDateTime;

use super::certificate::check;
use super::generation::Generation;
use super::question::Question;
use super::tls_files::{File, TlsFiles};
use crate::finding::{Code, Finding, Severity};
use crate::server::handshake::{Failure, Seen, Trust};
use crate::tls::certificate::Certificate;
use crate::wording::count;

/// What a client with this name meets.
#[derive(Clone, Copy, Debug)]
pub struct Meeting<'a> {
    /// The name that it uses, or the address.
    pub name: Option<&'a str>,
    /// The time.
    pub now: OffsetDateTime,
    /// Certificates that clients trust by arrangement (`--ca`).
    pub anchors: &'a [Certificate],
    /// The server's certificate on disk, if it is known, and where.
    pub on_disk: Option<(&'a Certificate, &'a str)>,
    /// The certificates of the other virtual hosts, with what they are called.
    pub others: &'a [(Certificate, String)],
}

/// Judges what was seen.
pub fn judge(seen: &Result<Seen, Failure>, meeting: &Meeting<'_>) -> Vec<Finding> {
    let seen = match seen {
        Ok(seen) => seen,
        Err(failure) => return vec![not_seen(failure)],
    };
    let chain: Vec<Certificate> = seen
        .chain
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    let Some(leaf) = chain.first() else {
        return vec![Finding::new(
            Code::HandshakeFailed,
            Severity::BreaksClients,
            "the server shows no certificate that can be read",
            "The handshake succeeded, but the certificate served is damaged or empty.",
            "Run esync-ssl check: it looks at the files.",
        )];
    };
    let mut found = as_a_file(&chain, meeting);
    trust(seen, &chain, meeting, &mut found);
    if let Some((wanted, file)) = meeting.on_disk
        && wanted.der() != leaf.der()
    {
        found.push(other_than_disk(leaf, file, meeting));
    }
    found.sort_by_key(|finding| finding.severity);
    found
}

/// The rules for certificate files, on what was served.
fn as_a_file(chain: &[Certificate], meeting: &Meeting<'_>) -> Vec<Finding> {
    let text: String = chain.iter().map(Certificate::to_pem).collect();
    let files = TlsFiles {
        certificate: File::from_bytes("as served", text.as_bytes()),
        key: None,
        chain: None,
    };
    let mut found = check(&Question {
        files: &files,
        server_name: meeting.name,
        aliases: &[],
        server: Generation::CURRENT,
        now: meeting.now,
        // Whether it staples shows elsewhere, and the key does not show at all.
        stapling: true,
        pass_phrase_dialog: false,
        anchors: meeting.anchors,
    });
    found.retain(|finding| !matches!(finding.code, Code::KeyNotAKey | Code::NameApacheWarns));
    for finding in &mut found {
        finding.place = None;
        // It runs, whatever would keep another server from starting.
        finding.severity = finding.severity.max(Severity::BreaksClients);
        finding.apache_codes.clear();
    }
    found
}

fn trust(seen: &Seen, chain: &[Certificate], meeting: &Meeting<'_>, found: &mut Vec<Finding>) {
    let (Some(leaf), Some(last)) = (chain.first(), chain.last()) else {
        return;
    };
    // What was said about certificates says it better.
    let told = found.iter().any(|finding| finding.severity.is_error());
    let whom = if meeting.anchors.is_empty() {
        "this machine trusts"
    } else {
        "--ca names"
    };
    match &seen.trust {
        Trust::Trusted => {
            // A root that clients have needs no sending, and a chain that is whole for them is not incomplete.
            found.retain(|finding| !matches!(finding.code, Code::ChainMissing | Code::CertSelfSigned));
        }
        Trust::UnknownIssuer if leaf.is_self_issued() => {
            found.retain(|finding| finding.code != Code::CertSelfSigned);
            found.push(Finding::new(
                Code::CertSelfSigned,
                Severity::BreaksClients,
                "clients do not trust the certificate: it is self-signed",
                format!("It is not among the certificates that {whom}."),
                "Install it as trusted on every client, or get a certificate from an authority: esync-ssl cert \
                 request.",
            ));
        }
        Trust::UnknownIssuer => {
            if found.iter().any(|finding| finding.code == Code::ChainMissing) {
                return;
            }
            found.push(Finding::new(
                Code::ServedUntrusted,
                Severity::BreaksClients,
                "clients do not trust the certificate",
                format!(
                    "The server sends {}; the last one was issued by {}, which is not among those that {whom}.",
                    count(chain.len(), "certificate"),
                    last.issuer
                ),
                "Serve the intermediate certificates as the authority gave them; for your own authority, name its \
                 root with --ca.",
            ));
        }
        Trust::Refused(_) if told => {}
        Trust::Refused(words) => found.push(Finding::new(
            Code::ServedUntrusted,
            Severity::BreaksClients,
            "clients refuse the certificate",
            format!("A strict client reports: {words}."),
            "Get a new certificate: esync-ssl cert request.",
        )),
    }
}

fn other_than_disk(leaf: &Certificate, file: &str, meeting: &Meeting<'_>) -> Finding {
    let served = format!(
        "The certificate served is {} (serial {}).",
        leaf.title(),
        leaf.serial
    );
    match meeting.others.iter().find(|(other, _)| other.der() == leaf.der()) {
        Some((_, whose)) => Finding::new(
            Code::VhostShadowed,
            Severity::BreaksClients,
            "another virtual host answers",
            format!("{served} It belongs to {whose}."),
            "esync-ssl status shows which one answers; remove, rename or move the one that comes first.",
        ),
        None => Finding::new(
            Code::ServedOtherThanDisk,
            Severity::WorksButWrong,
            "the server shows another certificate than the one on disk",
            format!("{served} {file} holds another one: Apache was not restarted since it was changed."),
            "esync-ssl restart",
        ),
    }
}

fn not_seen(failure: &Failure) -> Finding {
    match failure {
        Failure::NotConnected(words) => Finding::new(
            Code::NotListening,
            Severity::BreaksClients,
            "no server answers",
            format!("The connection failed: {words}."),
            "esync-ssl ports shows what listens; start Apache with esync-ssl restart; check the firewalls in \
             between.",
        ),
        Failure::PlainHttp => Finding::new(
            Code::PlainHttp,
            Severity::BreaksClients,
            "the TLS port speaks plain HTTP",
            "The server answers HTTP instead of TLS: SSLEngine is not on in the first virtual host of the port, or \
             Apache was not restarted since.",
            "Run esync-ssl check, which names the virtual host, then esync-ssl restart.",
        ),
        Failure::NoHandshake(words) | Failure::NoAnswer(words) => Finding::new(
            Code::HandshakeFailed,
            Severity::BreaksClients,
            "the TLS handshake fails",
            format!("A client with TLS 1.2 and 1.3 gets: {words}."),
            "SSLProtocol must allow TLSv1.2, and SSLCipherSuite must fit the key: SSLCipherSuite HIGH:!aNULL.",
        ),
    }
}
