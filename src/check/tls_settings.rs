//! What of a virtual host's TLS settings stops the start although `httpd -t` accepts them.
//!
//! Certificates and keys have rules of their own; what only the server's OpenSSL knows is left to a rehearsal.

use std::path::PathBuf;

use super::generation::Generation;
use super::tls_files::{File, Trouble};
use super::tls_host::TlsHost;
use crate::finding::{Code, Finding, Severity};
use crate::httpd::{Configuration, Entry, EntryId, SERVER, Truth, resolve};
use crate::lint::names_no_protocol;
use crate::tls::container::Encoding;

/// A finding, and the directive that it is about.
pub type About = (Option<EntryId>, Finding);

/// Everything about one virtual host.
pub fn check(configuration: &Configuration, host: &TlsHost, server: Generation) -> Vec<About> {
    let missing = host.has_certificate(configuration, server);
    let missing = missing.map(|finding| (host.entry, finding));
    let rules = [protocols, stapling, client_authorities, super::dialog::check].into_iter();
    missing
        .into_iter()
        .chain(rules.filter_map(|rule| rule(configuration, host)))
        .collect()
}

fn stops(code: Code, summary: &str, cause: impl Into<String>, fix: &str, logged: &'static str) -> Finding {
    Finding::new(code, Severity::StopsStart, summary, cause, fix).logged(&[logged])
}

/// The last directive of that name that counts for a virtual host, with its number.
fn setting<'a>(configuration: &'a Configuration, host: &TlsHost, name: &str) -> Option<(EntryId, &'a Entry)> {
    let in_effect = configuration.setting(host.section, name)?;
    configuration
        .named(name)
        .find(|(_, entry)| std::ptr::eq(*entry, in_effect))
}

fn protocols(configuration: &Configuration, host: &TlsHost) -> Option<About> {
    let (id, entry) = setting(configuration, host, "SSLProtocol")?;
    names_no_protocol(&configuration.arguments(entry)).then(|| {
        let finding = stops(
            Code::TlsProtocols,
            "no TLS protocol is left",
            "SSLProtocol removes all of them.",
            "Write: SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1",
            "AH02231",
        );
        (Some(id), finding)
    })
}

fn stapling(configuration: &Configuration, host: &TlsHost) -> Option<About> {
    let there = configuration
        .inside(SERVER)
        .any(|entry| entry.truth != Truth::False && configuration.is_named(entry, "SSLStaplingCache"));
    (host.stapling && !there).then(|| {
        let finding = stops(
            Code::Stapling,
            "stapling has no cache",
            "SSLUseStapling is on, but there is no SSLStaplingCache.",
            "Add outside all virtual hosts: SSLStaplingCache \"shmcb:logs/stapling(32768)\"",
            "AH01958",
        );
        (
            setting(configuration, host, "SSLUseStapling").map(|(id, _)| id),
            finding,
        )
    })
}

/// The path that a directive names, on this machine; nothing when it is elsewhere.
fn path(configuration: &Configuration, written: &[u8]) -> Option<PathBuf> {
    let full = resolve(
        configuration.server_root(),
        written,
        configuration.facts().platform,
    );
    let source = configuration.source();
    (!source.is_foreign(&full)).then(|| source.host_path(&full))
}

/// Whom client certificates may come from: OpenSSL wants at least one certificate in the file, and no broken block.
fn client_authorities(configuration: &Configuration, host: &TlsHost) -> Option<About> {
    let (id, entry) = setting(configuration, host, "SSLCACertificateFile")?;
    let file = File::load(&path(configuration, configuration.arguments(entry).first()?)?);
    let is_there = match &file.bytes {
        Ok(bytes) => !bytes.is_empty(),
        Err(trouble) => *trouble == Trouble::TooLarge,
    };
    if !is_there {
        // `httpd -t` tells.
        return None;
    }
    let contents = &file.contents;
    let readable = contents.encoding != Encoding::Utf16
        && contents.certificates().any(|item| item.block.is_some())
        && contents.certificates().all(|item| item.fault.is_none());
    (!readable).then(|| {
        let finding = stops(
            Code::ClientCaUnreadable,
            "the file with the authorities of client certificates cannot be used",
            format!("{} is {}.", file.path, contents.describe()),
            "Name a PEM file with the certificates of these authorities, or remove SSLCACertificateFile.",
            "AH01895",
        );
        (Some(id), finding)
    })
}
