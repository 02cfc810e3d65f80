//! What certificate and key files are, for people.

use std::fmt::Write as _;

use crate::operation::inspect;
use crate::shown::{printable, sentence};

/// For people.
pub fn text(report: &inspect::Report) -> String {
    let mut text = String::new();
    for file in &report.files {
        let _ = writeln!(text, "{}: {}", file.file, file.what);
        for part in &file.items {
            write(part, &mut text);
        }
        text.push('\n');
    }
    for pair in &report.together.pairs {
        let _ = writeln!(text, "#{} belongs to certificate #{}", pair.key, pair.certificate);
    }
    for chain in &report.together.chains {
        let order = std::iter::once(&chain.leaf)
            .chain(&chain.intermediates)
            .chain(&chain.root);
        let order: Vec<String> = order.map(|id| format!("#{id}")).collect();
        let end = match (chain.end, &chain.missing) {
            (_, Some(missing)) => format!("its issuer is not here: {missing}"),
            ("wrong-signature", _) => "the signature of the last one is wrong".into(),
            ("root", _) => "the last one is a root".into(),
            _ => "self-signed".into(),
        };
        let _ = writeln!(text, "chain: {} ({end})", order.join(", issued by "));
    }
    printable(text.as_bytes())
}

fn write(part: &inspect::Part, text: &mut String) {
    let line = part.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let inside = if part.in_archive { ", in the archive" } else { "" };
    let _ = writeln!(text, "  #{} {}{line}{inside}", part.id, part.what);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "     {name:<12} {}", sentence(value));
    };
    if let Some(problem) = &part.problem {
        row("problem", problem);
    }
    if let Some(certificate) = &part.certificate {
        row("subject", &certificate.subject);
        row("names", &listed(&certificate.names));
        row("issuer", &certificate.issuer);
        let validity = match certificate.validity {
            "valid" => "",
            "expired" => " (expired)",
            _ => " (not valid yet)",
        };
        row(
            "valid",
            &format!(
                "{} to {}{validity}",
                certificate.not_before, certificate.not_after
            ),
        );
        let kind = match (certificate.ca, certificate.self_signed) {
            (true, true) => "root of a certificate authority",
            (true, false) => "certificate authority (intermediate)",
            (false, true) => "self-signed",
            (false, false) => "server or client",
        };
        row("kind", kind);
        row("key", &certificate.public_key.kind);
        row("signed with", &certificate.signature_digest);
        row("serial", &certificate.serial);
        row("SHA-256", &certificate.sha256);
        row("SHA-1", &certificate.sha1);
    }
    if let Some(request) = &part.request {
        row("subject", &request.subject);
        row("names", &listed(&request.names));
        row("key", &request.public_key.kind);
    }
    if let Some(key) = &part.key {
        row("key", &key.kind);
    }
    let key = part
        .key
        .as_ref()
        .or(part.request.as_ref().map(|request| &request.public_key));
    if let Some(sha256) = key.and_then(|key| key.public_sha256.as_deref()) {
        row("public key", &format!("SHA-256 {sha256}"));
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}
