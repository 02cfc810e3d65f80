//! Rules for the chain as THIS server will send it.
//!
//! From 2.4.8 on that is the rest of the certificate file, unless a chain file is given, which then is all;
//! before, it is the chain file only. Knows no trust store: where the chain ends, clients decide.

use super::profile::{date, refusing_level, refusing_level_of_key, stops};
use super::question::{Question, Served, readable};
use super::remedy::cert_import;
use super::tls_files::File;
use crate::finding::{Code, Finding, Severity};
use crate::tls::certificate::{Certificate, Link};
use crate::tls::chain::{Chain, End};
use crate::tls::container::{Encoding, Fault, Kind, Shape};
use crate::tls::pem::Margin;
use crate::tls::public_key::KeyKind;

pub(super) fn check(question: &Question<'_>, served: Option<&Served>, findings: &mut Vec<Finding>) {
    let from_file = match &question.files.chain {
        None => None,
        Some(file) if !readable(file, "SSLCertificateChainFile", findings) => return,
        Some(file) => match read(question, file, findings) {
            Some(certificates) => Some((file, certificates)),
            // The server does not come as far as sending anything.
            None => return,
        },
    };
    let Some(served) = served else { return };
    if from_file.is_none() && served.rest_is_broken {
        return;
    }
    let sent = behind(
        question,
        served,
        from_file.as_ref().map(|(_, read)| read.as_slice()),
    );
    let place = from_file
        .as_ref()
        .map_or(&question.files.certificate.path, |(file, _)| &file.path);
    let mut add = |finding: Finding| findings.push(finding.at(place, None));
    let leaf = &served.leaf;
    let heap: Vec<Certificate> = std::iter::once(leaf).chain(sent).cloned().collect();
    let chain = Chain::from_leaf(&heap, 0);
    if let Some((file, read)) = &from_file
        && read.is_empty()
        && file.path != question.files.certificate.path
    {
        add(no_certificate(question, file, needs_issuer(question, leaf)));
        return;
    }
    if let Some(finding) = end(question, served, &heap, &chain) {
        add(finding);
    }
    order(question, &heap, &chain, &mut add);
    for at in &chain.intermediates {
        if let Some(issuer) = heap.get(*at) {
            issuers(question, issuer, from_file.is_some(), &mut add);
        }
    }
}

/// What is sent behind the server's own certificate.
fn behind<'a>(
    question: &Question<'_>,
    served: &'a Served,
    from_file: Option<&'a [Certificate]>,
) -> &'a [Certificate] {
    match from_file {
        Some(read) => read,
        None if question.server.reads_chain_from_certificate_file() => &served.rest,
        None => &[],
    }
}

/// The certificates as the server will send them, its own first; none where it does not come as far.
pub(super) fn sent(question: &Question<'_>, served: &Served) -> Vec<Certificate> {
    let read = match &question.files.chain {
        None => None,
        Some(file) => match read(question, file, &mut Vec::new()) {
            Some(read) => Some(read),
            None => return Vec::new(),
        },
    };
    let behind = behind(question, served, read.as_deref());
    std::iter::once(&served.leaf).chain(behind).cloned().collect()
}

/// Clients know neither the certificate itself nor its issuer.
fn needs_issuer(question: &Question<'_>, leaf: &Certificate) -> bool {
    !leaf.is_self_issued() && !question.anchors.iter().any(|anchor| issued(leaf, anchor))
}

/// Why clients do not come from the leaf to a root. `heap`: the leaf and what is sent behind it.
fn end(question: &Question<'_>, served: &Served, heap: &[Certificate], chain: &Chain) -> Option<Finding> {
    let leaf = &served.leaf;
    let sent = &heap[1..];
    match &chain.end {
        End::Issuer(_) if !needs_issuer(question, leaf) => None,
        End::Issuer(issuer) if chain.intermediates.is_empty() => {
            // Perhaps the issuer is at hand, but where this Apache does not look.
            let unsent = !sent.iter().eq(served.rest.iter())
                && served.rest.iter().any(|certificate| issued(leaf, certificate));
            Some(if unsent {
                not_sent(question)
            } else if sent.iter().all(|certificate| certificate.der() == leaf.der()) {
                missing(question, leaf, issuer)
            } else {
                of_others(issuer, sent)
            })
        }
        End::WrongSignature(child, issuer) => Some(Finding::new(
            Code::ChainSignature,
            Severity::BreaksClients,
            "a signature in the chain is wrong",
            format!(
                "{} names {} as its issuer, but was not signed with that certificate's key: it comes from another \
                 CA of the same name, or is an old one.",
                heap.get(*child).map_or("", Certificate::title),
                heap.get(*issuer).map_or("", Certificate::title),
            ),
            "Ask the CA for the intermediate certificates of this certificate.",
        )),
        End::Root | End::SelfSigned | End::Issuer(_) => None,
    }
}

fn issued(certificate: &Certificate, by: &Certificate) -> bool {
    matches!(certificate.issued_by(by), Link::Verified | Link::Unverifiable)
}

/// What Apache takes from the chain file: certificates up to the end; a broken block stops the start, and a
/// file without any PEM certificate passes as an empty chain.
fn read(question: &Question<'_>, file: &File, findings: &mut Vec<Finding>) -> Option<Vec<Certificate>> {
    if file.contents.encoding == Encoding::Utf16 || file.contents.shape != Shape::Pem {
        return Some(Vec::new());
    }
    let mut certificates = Vec::new();
    for item in &file.contents.items {
        let (line, margin) = item
            .block
            .as_ref()
            .map_or((None, Margin::None), |block| (Some(block.line), block.margin));
        if !margin.is_seen() || item.fault == Some(Fault::WrongLabel) {
            continue;
        }
        if margin == Margin::ByteOrderMark && question.server.loses_block_behind_mark() {
            findings.push(
                Finding::new(
                    Code::CertByteOrderMark,
                    Severity::BreaksClients,
                    "a byte order mark hides a certificate of the chain",
                    "OpenSSL 1.0 does not see a certificate after the bytes EF BB BF, so it is not sent.",
                    "Save the file as ANSI, or as UTF-8 without a byte order mark.",
                )
                .at(&file.path, line),
            );
            continue;
        }
        let glued = margin == Margin::PreviousEnd;
        let broken = match item.fault {
            Some(fault @ Fault::Pem(_)) => Some(fault.describe()),
            _ if glued => Some("begins on the line on which the one before it ends"),
            _ => None,
        };
        let certificate = match (broken, item.kind.is_certificate()) {
            (None, false) => continue,
            (None, true) => Certificate::from_item(item).map_err(|_| "is damaged: its bytes cannot be read"),
            (Some(reason), _) => Err(reason),
        };
        match certificate {
            Ok(certificate) => certificates.push(certificate),
            Err(reason) => {
                findings.push(
                    Finding::new(
                        Code::ChainFileDamaged,
                        Severity::StopsStart,
                        "the chain file cannot be read completely",
                        format!(
                            "The block on this line {reason}. Apache's log gives neither file nor reason."
                        ),
                        "Copy the file again from where it came from.",
                    )
                    .at(&file.path, line)
                    .logged(&["AH01903"]),
                );
                return None;
            }
        }
    }
    if file.path == question.files.certificate.path && !certificates.is_empty() {
        // Apache passes over the leaf when both directives name one file.
        certificates.remove(0);
    }
    Some(certificates)
}

fn no_certificate(question: &Question<'_>, file: &File, needed: bool) -> Finding {
    let found = match file.contents.items.first().map(|item| &item.kind) {
        Some(Kind::Pkcs7 | Kind::Pfx) => cert_import(&file.path),
        Some(kind) if kind.is_certificate() => {
            question.or_copy(
                "Save it as PEM (\"Base-64 encoded X.509\"), in ANSI or UTF-8, with each BEGIN at the start of a line.",
            )
        }
        _ => "Name a PEM file with the CA's intermediate certificates, or remove the directive.".into(),
    };
    Finding::new(
        Code::ChainFileNoCertificate,
        if needed {
            Severity::BreaksClients
        } else {
            Severity::WorksButWrong
        },
        "the chain file holds no certificate that Apache can read",
        format!(
            "It is {}. Apache treats it as an empty chain and says nothing.",
            file.contents.describe()
        ),
        found,
    )
}

fn not_sent(question: &Question<'_>) -> Finding {
    if question.files.chain.is_some() {
        Finding::new(
            Code::ChainNotSent,
            Severity::BreaksClients,
            "the chain inside the certificate file is not sent",
            "With SSLCertificateChainFile, Apache ignores everything after the first certificate in \
             SSLCertificateFile, and the issuer is not in the chain file.",
            "Remove SSLCertificateChainFile, or name a file with the whole chain in it.",
        )
    } else {
        Finding::new(
            Code::ChainNotSent,
            Severity::BreaksClients,
            "this Apache does not send the chain inside the certificate file",
            "Before 2.4.8, Apache reads only the first certificate of SSLCertificateFile.",
            "Put the intermediate certificates into a separate file and name it in SSLCertificateChainFile.",
        )
    }
}

fn of_others(issuer: &str, sent: &[Certificate]) -> Finding {
    Finding::new(
        Code::ChainWrong,
        Severity::BreaksClients,
        "the chain does not belong to the certificate",
        format!(
            "The certificate was issued by {issuer}; the chain holds: {}.",
            sent.iter().map(Certificate::title).collect::<Vec<_>>().join(", ")
        ),
        "Get the intermediate certificate whose subject is the certificate's issuer from the CA.",
    )
}

fn missing(question: &Question<'_>, leaf: &Certificate, issuer: &str) -> Finding {
    let mut fix = if question.server.reads_chain_from_certificate_file() {
        "Append the CA's intermediate certificates to SSLCertificateFile, or name them in \
         SSLCertificateChainFile."
    } else {
        "Name a file with the CA's intermediate certificates in SSLCertificateChainFile."
    }
    .to_owned();
    if let Some(url) = leaf.issuer_urls.first() {
        fix.push_str(&format!(" The issuer's certificate is at {url}"));
    }
    // A private root may issue for servers itself, and clients have it. No public one does.
    let public = leaf.transparency || leaf.issuer_urls.iter().any(|url| url.starts_with("http"));
    if public || !question.anchors.is_empty() {
        Finding::new(
            Code::ChainMissing,
            Severity::BreaksClients,
            "the intermediate certificate is missing",
            format!(
                "The certificate was issued by {issuer}, and nothing else is sent. Only clients that already have \
                 this issuer can verify it; some browsers do."
            ),
            fix,
        )
    } else {
        Finding::new(
            Code::ChainMissing,
            Severity::WorksButWrong,
            "no intermediate certificate is sent",
            format!(
                "The certificate was issued by {issuer}. That is fine if this is a root that clients trust, such \
                 as your company's; otherwise they refuse the connection."
            ),
            "If clients do not trust it, name a file with the CA's intermediate certificates in \
             SSLCertificateChainFile: esync-ssl enable takes it as --chain FILE.",
        )
    }
}

/// Things that clients of today tolerate.
fn order(question: &Question<'_>, heap: &[Certificate], chain: &Chain, add: &mut impl FnMut(Finding)) {
    let leaf = heap.get(chain.leaf).map(Certificate::der);
    let path: Vec<usize> = chain.intermediates.iter().copied().chain(chain.root).collect();
    if !path.is_sorted() {
        add(Finding::new(
            Code::ChainOrder,
            Severity::WorksButWrong,
            "the certificates of the chain are not in order",
            "Each must come after the one it has issued; otherwise strict clients give up.",
            question.or_copy("Put them in order: the server's certificate, its issuer, the issuer's issuer."),
        ));
    }
    let (copies, strangers): (Vec<_>, Vec<_>) = chain
        .spare
        .iter()
        .filter_map(|at| heap.get(*at))
        .partition(|certificate| Some(certificate.der()) == leaf);
    if !copies.is_empty() {
        add(Finding::new(
            Code::ChainLeafRepeated,
            Severity::WorksButWrong,
            "the server's certificate is sent twice",
            "It is in the chain as well.",
            "Remove it from the chain.",
        ));
    }
    if !strangers.is_empty() && !chain.intermediates.is_empty() {
        let names: Vec<&str> = strangers.iter().map(|certificate| certificate.title()).collect();
        add(Finding::new(
            Code::ChainSpare,
            Severity::Advice,
            "certificates that do not belong to the chain are sent",
            format!("Not needed: {}.", names.join(", ")),
            "Remove them.",
        ));
    }
    if let Some(root) = chain.root.and_then(|at| heap.get(at)) {
        add(Finding::new(
            Code::ChainRootIncluded,
            Severity::Advice,
            "the root certificate is sent, which no client needs",
            format!(
                "{} is self-signed; clients trust their own copy of it or none.",
                root.title()
            ),
            "Remove it from the chain; it does no harm if it stays.",
        ));
    }
}

/// An intermediate certificate that is used.
fn issuers(question: &Question<'_>, issuer: &Certificate, own_file: bool, add: &mut impl FnMut(Finding)) {
    if question.now > issuer.not_after || question.now < issuer.not_before {
        add(Finding::new(
            Code::ChainExpired,
            Severity::BreaksClients,
            format!("the intermediate certificate {} is not valid now", issuer.title()),
            format!(
                "It is valid from {} to {}.",
                date(issuer.not_before),
                date(issuer.not_after)
            ),
            "Get the current intermediate certificate from the CA.",
        ));
    }
    if issuer.ca != Some(true) {
        add(Finding::new(
            Code::ChainWrong,
            Severity::BreaksClients,
            format!("{} may not issue certificates", issuer.title()),
            "Its basic constraints do not say that it is a CA, so clients refuse what it has signed.",
            "Get the intermediate certificate whose subject is the certificate's issuer from the CA.",
        ));
    }
    let openssl = question.server.openssl;
    let short = match issuer.public_key.kind {
        KeyKind::Rsa { bits } if bits < 2048 => {
            refusing_level_of_key(&issuer.public_key.kind, openssl).or(Some(u8::MAX))
        }
        _ => None,
    };
    let weak = if issuer.signature_digest.is_broken() {
        refusing_level(&issuer.signature_digest, openssl).or(Some(u8::MAX))
    } else {
        None
    };
    if short.is_some() || weak.is_some() {
        // Certificates of a chain file are not held against the security level at the start.
        let stops = !own_file && (stops(question, short) || stops(question, weak));
        let logged: &[&'static str] = if stops { &["AH02562"] } else { &[] };
        let finding = Finding::new(
            Code::ChainWeakSignature,
            if stops {
                Severity::StopsStart
            } else {
                Severity::BreaksClients
            },
            format!("the intermediate certificate {} is too weak", issuer.title()),
            format!(
                "Its key is {}, its signature uses {}.",
                issuer.public_key.kind, issuer.signature_digest
            ),
            "Get the current intermediate certificate from the CA.",
        );
        add(finding.logged(logged));
    }
}
