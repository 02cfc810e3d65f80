//! Bringing a virtual host that answers the domain over TLS in line with the request, where it stands.

use crate::httpd::{Configuration, Edit, Entry, Platform, Truth, VirtualHost, resolve, word};
use crate::mod_ssl::speaks_tls;

use super::super::edit_lines::{Spot, insert_into, remove, replace_argument};
use super::super::existing::own_settings;
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, named, say};
use super::super::request::Request;
use super::super::site;
use super::super::text::{quoted, setting, what};
use super::policy;

/// The three directives that name files, with what the request wants of each.
pub(super) fn files(request: &Request) -> [(&'static str, Option<&[u8]>); 3] {
    [
        ("SSLCertificateFile", Some(&request.certificate)),
        ("SSLCertificateKeyFile", Some(&request.key)),
        ("SSLCertificateChainFile", request.chain.as_deref()),
    ]
}

/// Brings the lines of a virtual host that answers the domain in line with the request.
pub(super) fn update(
    configuration: &Configuration,
    request: &Request,
    host: &VirtualHost,
) -> Result<Vec<Edit>, PlanError> {
    refuse_unknown(configuration, host)?;
    let mut edits = Vec::new();
    let mut missing: Vec<Vec<u8>> = Vec::new();
    if !speaks_tls(configuration, host) {
        match own_settings(configuration, host.section, "SSLEngine").last() {
            Some(entry) => {
                edits.push(replace_argument(
                    configuration,
                    entry,
                    b"on",
                    "switch TLS on in this virtual host",
                )?);
            }
            None => missing.push(b"SSLEngine on".to_vec()),
        }
    }
    let certificates = own_settings(configuration, host.section, "SSLCertificateFile");
    let renewed = !certificates
        .iter()
        .any(|entry| same_file(configuration, entry, &request.certificate));
    for (name, wanted) in files(request) {
        let present = own_settings(configuration, host.section, name);
        match (present.as_slice(), wanted) {
            ([], None) => {}
            ([], Some(wanted)) => missing.push(setting(name, wanted)?),
            ([entry], Some(wanted)) => {
                if !same_file(configuration, entry, wanted) {
                    let written = quoted(name, wanted)?;
                    let reason = format!("use the new {} for {}", what(name), all_names(host));
                    edits.push(replace_argument(configuration, entry, &written, &reason)?);
                }
            }
            // The chain of the old certificate does not fit a new one; that of the same one stays.
            ([entry], None) if renewed => {
                let reason = "this chain belongs to the certificate that goes; give --chain for the new one";
                edits.push(remove(configuration, entry, reason)?);
            }
            (_, None) if !renewed => {}
            (several, Some(wanted))
                if several
                    .iter()
                    .any(|entry| same_file(configuration, entry, wanted)) => {}
            ([first, ..], _) => {
                return Err(refuse(
                    RefusalCode::SeveralLines,
                    say![
                        "the virtual host ",
                        named(configuration, host),
                        " has several ",
                        name,
                        " lines (the first at ",
                        Place::of(configuration, first),
                        ")",
                    ],
                    "; ",
                    "leave the one that is to be replaced, then run again",
                ));
            }
        }
    }
    for wanted in policy::asked_for(configuration, request)? {
        let same_kind = |entry: &&Entry| {
            let words = configuration.arguments(entry);
            let has = |what: &str| {
                words
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(what.as_bytes()))
            };
            match wanted.name {
                "Header" => has(policy::HSTS),
                // Those of TLS 1.3 are a list of their own.
                "SSLCipherSuite" => !has("TLSv1.3"),
                _ => true,
            }
        };
        let present = own_settings(configuration, host.section, wanted.name);
        match present.iter().rfind(|entry| same_kind(entry)) {
            Some(entry) => {
                let now = configuration.arguments(entry);
                let then: Vec<Vec<u8>> = word::words(wanted.arguments.as_bytes())
                    .map(|word| word.value.into_owned())
                    .collect();
                if now != then {
                    edits.push(replace_argument(
                        configuration,
                        entry,
                        wanted.arguments.as_bytes(),
                        &wanted.reason,
                    )?);
                }
            }
            None => missing.push(format!("{} {}", wanted.name, wanted.arguments).into_bytes()),
        }
    }
    let unknown: Vec<&str> = request.names().filter(|name| !host.has_name(name)).collect();
    if !unknown.is_empty() {
        site::refuse_other_sites(configuration, request, &unknown, host.section)?;
        missing.insert(0, format!("ServerAlias {}", unknown.join(" ")).into_bytes());
    }
    if !missing.is_empty() {
        let reason = "complete the TLS settings of this virtual host".to_string();
        edits.push(insert_into(configuration, host, Spot::Name, missing, reason)?);
    }
    Ok(edits)
}

/// A TLS directive under a condition that cannot be decided may be there or not; a second one would add to it.
fn refuse_unknown(configuration: &Configuration, host: &VirtualHost) -> Result<(), PlanError> {
    let unknown = configuration.inside(host.section).find(|entry| {
        entry.truth == Truth::Unknown && configuration.name(entry).to_ascii_lowercase().starts_with(b"ssl")
    });
    match unknown {
        None => Ok(()),
        Some(entry) => Err(refuse(
            RefusalCode::DirectiveUndecided,
            say![
                "whether the directive at ",
                Place::of(configuration, entry),
                " is active depends on a condition that cannot be decided without the server",
            ],
            "; ",
            "name the binary with --httpd, or the version with --apache-version",
        )),
    }
}

fn all_names(host: &VirtualHost) -> String {
    let names: Vec<&str> = host
        .server_name
        .iter()
        .chain(&host.aliases)
        .map(String::as_str)
        .collect();
    names.join(", ")
}

/// Does the directive name that file, in whatever spelling?
fn same_file(configuration: &Configuration, entry: &Entry, wanted: &[u8]) -> bool {
    let platform = configuration.source().platform;
    let full = |path: &[u8]| resolve(configuration.server_root(), path, platform);
    configuration.arguments(entry).first().is_some_and(|have| {
        let (have, wanted) = (full(have), full(wanted));
        have == wanted
            || configuration.source().host_path(&have) == configuration.source().host_path(&wanted)
            || platform == Platform::Windows && have.eq_ignore_ascii_case(&wanted)
    })
}
