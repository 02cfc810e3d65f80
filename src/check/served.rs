//! What the running server shows to clients, and whether they trust it.

use time::OffsetDateTime;

use super::certificate::check;
use super::generation::Generation;
use super::question::Question;
use super::tls_files::{File, TlsFiles};
use crate::finding::{Code, Finding, Place, Severity};
use crate::server::handshake::{Failure, Roots, Seen, Trust};
use crate::tls::certificate::Certificate;

/// Whom clients trust, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Certificates that were named (`--ca`), or the public authorities and nobody else, as a gateway does.
    Known,
    /// What this machine trusts. Clients may have an authority of their own besides.
    ThisMachine,
}

/// What a client with this name meets.
#[derive(Clone, Copy, Debug)]
pub struct Meeting<'a> {
    /// The name that it uses, or the address.
    pub name: Option<&'a str>,
    /// The time.
    pub now: OffsetDateTime,
    /// Certificates that clients trust by arrangement (`--ca`).
    pub anchors: &'a [Certificate],
    /// Whether these clients may trust somebody else besides.
    pub whom: Whom,
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
    trust(&seen.trust, &chain, meeting.whom, meeting.anchors, &mut found);
    if let Some((wanted, file)) = meeting.on_disk
        && wanted.der() != leaf.der()
    {
        found.push(other_than_disk(leaf, file, meeting));
    }
    Finding::worst_first(&mut found);
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

/// The same of certificates that will be served, for clients that trust what this machine trusts.
pub fn judge_trust(chain: &[Certificate], roots: &Roots, found: &mut Vec<Finding>) {
    let ders: Vec<Vec<u8>> = chain
        .iter()
        .map(|certificate| certificate.der().to_vec())
        .collect();
    trust(&roots.judge(&ders), chain, Whom::ThisMachine, &[], found);
    Finding::worst_first(found);
}

/// Whether clients trust what is served: one rule for files, for a server that was restarted, and for one that runs.
fn trust(
    trust: &Trust,
    chain: &[Certificate],
    whom: Whom,
    anchors: &[Certificate],
    found: &mut Vec<Finding>,
) {
    let (Some(leaf), Some(last)) = (chain.first(), chain.last()) else {
        return;
    };
    // What was said about certificates says it better.
    let told = found.iter().any(|finding| finding.severity.is_error());
    let these = if anchors.is_empty() {
        "this machine trusts"
    } else {
        "--ca names"
    };
    match trust {
        Trust::Trusted => {
            // A root that clients have needs no sending, and a chain that is whole for them is not incomplete.
            found.retain(|finding| !matches!(finding.code, Code::ChainMissing | Code::CertSelfSigned));
        }
        // The rules for files have said it, unless it is an authority's as well; strict clients refuse those by another word.
        _ if leaf.is_self_issued()
            && whom == Whom::ThisMachine
            && found.iter().any(|finding| finding.code == Code::CertSelfSigned) => {}
        _ if leaf.is_self_issued() && (whom == Whom::ThisMachine || *trust == Trust::UnknownIssuer) => {
            found.retain(|finding| finding.code != Code::CertSelfSigned);
            found.push(Finding::new(
                Code::CertSelfSigned,
                whom.severity(),
                "clients do not trust the certificate: it is self-signed",
                format!("It is not among the certificates that {these}."),
                "Install it as trusted on every client, or get a certificate from an authority: esync-ssl cert request.",
            ));
        }
        Trust::UnknownIssuer => {
            if found.iter().any(|finding| SAYS_WHY.contains(&finding.code)) {
                return;
            }
            found.push(untrusted(&last.issuer, chain.len(), whom, these));
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

/// What is wrong with a chain that leads to nobody says more than that it does.
const SAYS_WHY: [Code; 5] = [
    Code::ChainMissing,
    Code::ChainNotSent,
    Code::ChainWrong,
    Code::ChainSignature,
    Code::ChainFileNoCertificate,
];

impl Whom {
    /// How bad it is that they do not trust a certificate.
    fn severity(self) -> Severity {
        match self {
            Whom::Known => Severity::BreaksClients,
            Whom::ThisMachine => Severity::WorksButWrong,
        }
    }
}

/// An authority that clients do not trust, or only those that were told to.
fn untrusted(issuer: &str, sent: usize, whom: Whom, these: &str) -> Finding {
    let served = match sent {
        1 => "One certificate is served, and".to_owned(),
        _ => format!("{sent} certificates are served, and the last one"),
    };
    let (summary, fix) = match whom {
        Whom::Known => (
            "clients do not trust the certificate".to_owned(),
            "Serve the intermediates as the authority gave them; for an authority of your own, name its root with --ca.",
        ),
        Whom::ThisMachine => (
            format!("clients must trust {issuer}"),
            "Nothing, where all clients have that authority, such as that of your company: esync-ssl verify --ca FILE looks \
             as they do. Otherwise serve the intermediates as the authority gave them, or have a certificate made by a public \
             one: esync-ssl cert request.",
        ),
    };
    let cause = format!("{served} was issued by {issuer}, which is none of those that {these}.");
    Finding::new(Code::ServedUntrusted, whom.severity(), summary, cause, fix)
}

/// `Protocols` offers HTTP/2, and a client that knows it gets something else.
pub fn http2_not_agreed(agreed: Option<&str>, place: Option<Place>) -> Finding {
    let got = agreed.unwrap_or("none, which means http/1.1");
    let mut finding = Finding::new(
        Code::Http2NotAgreed,
        Severity::WorksButWrong,
        "HTTP/2 is configured and not spoken",
        format!(
            "Protocols names h2, and the server agrees on {got}. mod_http2 is not loaded, or the MPM is prefork (AH10034), \
             or Apache was not restarted since, or the first virtual host of the address says otherwise."
        ),
        "esync-ssl enable --http2 loads mod_http2 or says why it cannot; then esync-ssl restart.",
    );
    finding.place = place;
    finding
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
