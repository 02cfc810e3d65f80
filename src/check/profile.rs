//! Rules for what the server's certificate is: strength, dates, purposes, extensions.
//!
//! Looks at the leaf alone; its issuers are the chain's rules.

use super::expiry;
use super::generation::OpenSsl;
use super::question::{Question, Served};
use crate::finding::{Code, Finding, Severity};
use crate::renewal::Life;
use crate::tls::certificate::{Certificate, SignatureDigest};
use crate::tls::public_key::{Curve, KeyKind};

pub(super) fn check(question: &Question<'_>, served: &Served, findings: &mut Vec<Finding>) {
    let leaf = &served.leaf;
    let mut add = |finding: Finding| {
        findings.push(finding.at(&question.files.certificate.path, served.line));
    };
    strength(question, leaf, &mut add);
    signature(question, leaf, &mut add);
    validity(question, leaf, &mut add);
    purposes(question, leaf, &mut add);
}

/// Security level from which on OpenSSL refuses something of this strength in bits; `None`: never.
fn refusing_level_of_bits(bits: u32, openssl: OpenSsl) -> Option<u8> {
    const WANTED: [u32; 5] = [80, 112, 128, 192, 256];
    let refusing = WANTED.iter().position(|wanted| bits < *wanted)?;
    (openssl != OpenSsl::V1_0).then_some(refusing as u8 + 1)
}

/// Security level from which on OpenSSL refuses a signature with this digest; `None`: never.
pub(super) fn refusing_level(digest: &SignatureDigest, openssl: OpenSsl) -> Option<u8> {
    let bits = match digest {
        // 3.0 counts what is known to be broken; 1.1 half of the length.
        SignatureDigest::Md2 | SignatureDigest::Md4 | SignatureDigest::Md5 if openssl == OpenSsl::V3 => 39,
        SignatureDigest::Md2 | SignatureDigest::Md4 | SignatureDigest::Md5 => 64,
        SignatureDigest::Sha1 if openssl == OpenSsl::V3 => 63,
        SignatureDigest::Sha1 => 80,
        SignatureDigest::Sha224 => 112,
        SignatureDigest::Sha256 => 128,
        SignatureDigest::Sha384 => 192,
        SignatureDigest::Sha512 | SignatureDigest::Intrinsic | SignatureDigest::Other(_) => return None,
    };
    refusing_level_of_bits(bits, openssl)
}

/// Security level from which on OpenSSL refuses a key of this kind; `None`: never, or not known.
pub(super) fn refusing_level_of_key(kind: &KeyKind, openssl: OpenSsl) -> Option<u8> {
    let bits = match kind {
        KeyKind::Rsa { bits } | KeyKind::RsaPss { bits } => strength_of_rsa(*bits, openssl),
        KeyKind::Ec(Curve::P256) | KeyKind::Ed25519 => 128,
        KeyKind::Ec(Curve::P384) => 192,
        KeyKind::Ed448 => 224,
        KeyKind::Ec(Curve::Other(oid)) if oid == "1.2.840.10045.3.1.1" => 96,
        _ => return None,
    };
    refusing_level_of_bits(bits, openssl)
}

/// How OpenSSL counts: 3.0 by the formula of SP 800-56B, appendix D, to a multiple of eight; 1.1 by steps.
fn strength_of_rsa(bits: usize, openssl: OpenSsl) -> u32 {
    match bits {
        15360.. => 256,
        7680.. => 192,
        3072.. => 128,
        2048.. => 112,
        _ if openssl == OpenSsl::V3 => {
            let x = bits as f64 * std::f64::consts::LN_2;
            let strength = (1.923 * (x * x.ln() * x.ln()).cbrt() - 4.69) / std::f64::consts::LN_2;
            ((strength.max(0.0) as u32) + 4) & !7
        }
        1024.. => 80,
        _ => 0,
    }
}

pub(super) fn stops(question: &Question<'_>, refusing: Option<u8>) -> bool {
    refusing.is_some_and(|level| question.server.security_level >= level)
}

fn new_key(question: &Question<'_>) -> String {
    format!("Make a new key and request: {}", question.new_request())
}

fn strength(question: &Question<'_>, leaf: &Certificate, add: &mut impl FnMut(Finding)) {
    let kind = &leaf.public_key.kind;
    let refused = stops(question, refusing_level_of_key(kind, question.server.openssl));
    match kind {
        KeyKind::Rsa { bits } | KeyKind::RsaPss { bits } if *bits < 2048 => {
            add(severe_if(refused, &["AH02562"], |severity| {
                Finding::new(
                    Code::KeyWeak,
                    severity,
                    format!("the key is too short: {kind}"),
                    "Clients, and OpenSSL at its usual security level, refuse RSA keys below 2048 bits.",
                    new_key(question),
                )
            }));
        }
        _ if refused => {
            let finding = Finding::new(
                Code::KeyWeak,
                Severity::StopsStart,
                format!("the key is too weak for this server: {kind}"),
                format!(
                    "OpenSSL is at security level {}, which refuses it.",
                    question.server.security_level
                ),
                format!(
                    "Lower @SECLEVEL in SSLCipherSuite, or make a stronger key: {}",
                    question.new_request()
                ),
            );
            add(finding.logged(&["AH02562"]));
        }
        KeyKind::Ec(Curve::Explicit | Curve::Other(_)) | KeyKind::Dsa | KeyKind::Other(_) => {
            add(Finding::new(
                Code::KeyUnusable,
                Severity::BreaksClients,
                format!("clients cannot use this kind of key: {kind}"),
                "TLS clients offer RSA, P-256, P-384, P-521 and Ed25519 with named curves. The server starts \
                 without a warning, and no client can connect.",
                new_key(question),
            ));
        }
        _ => {}
    }
}

fn signature(question: &Question<'_>, leaf: &Certificate, add: &mut impl FnMut(Finding)) {
    let digest = &leaf.signature_digest;
    let refused = stops(question, refusing_level(digest, question.server.openssl));
    // OpenSSL does not look at the signature of a self-signed certificate.
    if (digest.is_broken() || refused) && !leaf.is_self_issued() {
        add(severe_if(refused, &["AH02562", "AH02561"], |severity| {
            Finding::new(
                Code::SignatureWeak,
                severity,
                format!("the certificate is signed with {digest}"),
                "Clients, and OpenSSL at its usual security level, refuse signatures with it.",
                "Get a new certificate, signed with SHA-256.",
            )
        }));
    }
}

/// A finding about what clients refuse, and where this server refuses it too, with the lines of its log.
fn severe_if(refused: bool, logged: &[&'static str], finding: impl Fn(Severity) -> Finding) -> Finding {
    if refused {
        finding(Severity::StopsStart).logged(logged)
    } else {
        finding(Severity::BreaksClients)
    }
}

fn validity(question: &Question<'_>, leaf: &Certificate, add: &mut impl FnMut(Finding)) {
    let now = question.now;
    if now >= leaf.not_before {
        expiry::judge(Life::of(leaf), now, None).into_iter().for_each(add);
        return;
    }
    add(Finding::new(
        Code::CertNotYetValid,
        Severity::BreaksClients,
        format!("the certificate is not valid before {}", date(leaf.not_before)),
        format!(
            "It is valid from {} to {}. Apache starts with it and does not warn.",
            date(leaf.not_before),
            date(leaf.not_after)
        ),
        "Wait until then, or set this machine's clock if it is wrong.",
    ));
}

/// What helps where a certificate is for something else.
const REISSUE: &str = "Get a new certificate, for TLS servers.";

/// Whether the key may do what a handshake needs.
fn key_usage(leaf: &Certificate, add: &mut impl FnMut(Finding)) {
    let Some(usage) = leaf.key_usage.filter(|usage| !usage.digital_signature) else {
        return;
    };
    let severity = match usage.key_encipherment || usage.key_agreement {
        true => Severity::WorksButWrong,
        false => Severity::BreaksClients,
    };
    add(Finding::new(
        Code::CertKeyUsage,
        severity,
        "the certificate's key may not sign",
        "Its key usage lacks digitalSignature, which current TLS handshakes need.",
        REISSUE,
    ));
}

fn purposes(question: &Question<'_>, leaf: &Certificate, add: &mut impl FnMut(Finding)) {
    if leaf.ca == Some(true) {
        add(Finding::new(
            Code::CertIsCa,
            Severity::BreaksClients,
            "the server's certificate is that of a certificate authority",
            "Its basic constraints say that it is a CA. Some clients accept that, others refuse it.",
            "Use the certificate that was made for this server, not the CA's own.",
        )
        .logged(&["AH01906"]));
    }
    if leaf
        .purposes
        .is_some_and(|purposes| !purposes.server && !purposes.any)
    {
        add(Finding::new(
            Code::CertNoServerAuth,
            Severity::BreaksClients,
            "the certificate is not meant for servers",
            "Its extended key usage lacks serverAuth. Apache does not warn, clients refuse it.",
            REISSUE,
        ));
    }
    key_usage(leaf, add);
    let unknown = leaf.unknown_critical.join(", ");
    if !unknown.is_empty() {
        add(Finding::new(
            Code::CertCriticalExtension,
            Severity::BreaksClients,
            "the certificate has a critical extension that clients do not know",
            format!("Clients must refuse it because of {unknown}."),
            "Get a new certificate without this extension.",
        ));
    }
    if leaf.must_staple && !question.stapling {
        add(Finding::new(
            Code::CertMustStaple,
            Severity::WorksButWrong,
            "the certificate requires stapling, and stapling is off",
            "Clients that respect this refuse the connection when the server sends no OCSP answer.",
            "Set SSLUseStapling on in the virtual host, and SSLStaplingCache outside it.",
        ));
    }
    if leaf.is_self_issued() && leaf.ca != Some(true) && !question.anchors.contains(leaf) {
        add(Finding::new(
            Code::CertSelfSigned,
            Severity::WorksButWrong,
            "the certificate is self-signed",
            "Every client refuses it or warns, unless it is set up to trust it.",
            format!(
                "It is fine for a trial. For users, get one from a CA: {}",
                question.new_request()
            ),
        ));
    }
}

/// Day and time in UTC, as people read it.
pub(super) fn date(moment: time::OffsetDateTime) -> String {
    let moment = moment.to_offset(time::UtcOffset::UTC);
    format!(
        "{} {:02}:{:02} UTC",
        moment.date(),
        moment.hour(),
        moment.minute()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_is_counted_as_openssl_counts() {
        let level = |bits: usize, openssl| refusing_level_of_key(&KeyKind::Rsa { bits }, openssl);
        for (bits, expected) in [
            (512, Some(1)),
            (1024, Some(2)),
            (2047, Some(3)),
            (2048, Some(3)),
            (3072, Some(4)),
        ] {
            assert_eq!(level(bits, OpenSsl::V3), expected, "{bits}");
        }
        assert_eq!(level(1536, OpenSsl::V1_1), Some(2));
        assert_eq!(level(512, OpenSsl::V1_0), None);
        assert_eq!(refusing_level(&SignatureDigest::Sha1, OpenSsl::V1_1), Some(2));
        assert_eq!(refusing_level(&SignatureDigest::Sha1, OpenSsl::V3), Some(1));
        assert_eq!(refusing_level(&SignatureDigest::Sha256, OpenSsl::V3), Some(4));
    }
}
