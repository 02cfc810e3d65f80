//! The content of a virtual host for HTTP as that of one for HTTPS: its lines as they are, less those that must not
//! be there twice and those that send clients to HTTPS. Decides nothing about addresses and certificates.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::httpd::{Configuration, Truth, VirtualHost, trim};

use super::super::address::name_lines;
use super::super::edit_lines::{editable, refuse_unclosed};
use super::super::existing::{ALL_BUT_CHALLENGES, REDIRECTS, leads_to, own_settings, within};
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, named, say};
use super::super::request::Request;

/// Directives that define something for the whole server under a name: a second one is refused by Apache.
const DEFINED_ONCE: [&str; 4] = [
    "WSGIDaemonProcess",
    "WSGIImportScript",
    "FastCgiServer",
    "FastCgiExternalServer",
];

/// Directives of the copy's own.
const OWN: [&str; 4] = [
    "SSLEngine",
    "SSLCertificateFile",
    "SSLCertificateKeyFile",
    "SSLCertificateChainFile",
];

/// A copied body.
pub(super) struct Copied {
    /// Its lines, each with its continuation lines, without the last line ending.
    pub lines: Vec<Vec<u8>>,
    /// The lines that say names and have to be written before them: the original's are not those of the request.
    pub names: Vec<String>,
}

/// The body of a virtual host for HTTP, for one for HTTPS.
///
/// # Errors
/// Its lines cannot be taken from the file as they are: it comes out of a macro, is never closed, or brings in what
/// must not be there twice from another file.
pub(super) fn body(
    configuration: &Configuration,
    request: &Request,
    site: &VirtualHost,
) -> Result<Copied, PlanError> {
    let opening = configuration.entry(site.entry);
    editable(configuration, opening)?;
    let lines = range(configuration, site)?;
    let names: Vec<&str> = site
        .server_name
        .iter()
        .chain(&site.aliases)
        .map(String::as_str)
        .chain(request.names())
        .collect();
    let own_name = own_settings(configuration, site.section, "ServerName").pop();
    let other_names = own_name.is_none() || !site.names_exactly(&request.domain);
    // `name:80` is what links to itself would say.
    let other_port = own_name.is_some_and(|entry| configuration.rest(entry).contains(&b':'));

    let drops_name = |is: &dyn Fn(&[&str]) -> bool| {
        (other_names || other_port) && is(&["ServerName"]) || other_names && is(&["ServerAlias"])
    };

    let mut left_out: BTreeSet<u32> = BTreeSet::new();
    // The conditions of a rule stand right before it.
    let mut conditions: Vec<u32> = Vec::new();
    for entry in within(configuration, site) {
        let name = configuration.name(entry);
        let is = |names: &[&str]| {
            names
                .iter()
                .any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
        };
        if is(&["RewriteCond"]) {
            conditions.push(entry.line);
            continue;
        }
        let arguments = configuration.arguments(entry);
        // One of ours may be there for another name of the same virtual host.
        let ours = ALL_BUT_CHALLENGES.trim_matches('"').as_bytes();
        let redirects = is(&REDIRECTS)
            && arguments
                .iter()
                .any(|word| leads_to(word, &names) || word == ours);
        let rewrites = is(&["RewriteRule"]);
        let conditions = std::mem::take(&mut conditions);
        if !(redirects || is(&DEFINED_ONCE) || is(&OWN) || drops_name(&is)) {
            continue;
        }
        if entry.file != opening.file || configuration.macro_place(entry).is_some() {
            if entry.truth == Truth::False || is(&OWN) || is(&["ServerAlias"]) {
                continue;
            }
            return Err(refuse(
                RefusalCode::DefinedElsewhere,
                say![
                    "the virtual host ",
                    named(configuration, site),
                    " takes `",
                    String::from_utf8_lossy(&name).into_owned(),
                    "` from ",
                    Place::of(configuration, entry),
                    ", which must not hold for its HTTPS side too",
                ],
                "; ",
                "move that line into the virtual host itself, then run again",
            ));
        }
        left_out.insert(entry.line);
        if redirects && rewrites {
            left_out.extend(conditions);
        }
    }

    let document = &configuration.file(opening.file).document;
    let kept = lines.filter(|line| !left_out.contains(line));
    let lines = kept
        .map(|line| {
            let raw = document.raw(line as usize);
            let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
            raw.strip_suffix(b"\r").unwrap_or(raw).to_vec()
        })
        .collect::<Vec<_>>();
    let mut aliases: Vec<&str> = request.names().collect();
    if other_names {
        return Ok(Copied {
            lines,
            names: name_lines(&aliases),
        });
    }
    let mut names = Vec::new();
    if let (true, Some(name)) = (other_port, &site.server_name) {
        names.push(format!("ServerName {name}"));
    }
    aliases.retain(|name| !site.has_name(name));
    if !aliases.is_empty() {
        names.push(format!("ServerAlias {}", aliases.join(" ")));
    }
    Ok(Copied { lines, names })
}

/// The lines between its tags.
fn range(configuration: &Configuration, site: &VirtualHost) -> Result<Range<u32>, PlanError> {
    let opening = configuration.entry(site.entry);
    match configuration.sections()[site.section as usize].closing {
        Some(closing) if closing > opening.line => Ok(opening.line + 1..closing),
        _ => Err(refuse_unclosed(configuration, site)),
    }
}

/// The line behind which its copy goes.
pub(super) fn closing_line(configuration: &Configuration, site: &VirtualHost) -> Result<u32, PlanError> {
    range(configuration, site).map(|lines| lines.end)
}

/// What lines are indented by in the body: as the first one that is indented.
pub(super) fn indentation(lines: &[Vec<u8>]) -> Option<&[u8]> {
    let text = lines.iter().find(|line| {
        let trimmed = trim(line);
        !trimmed.is_empty() && !trimmed.starts_with(b"#")
    })?;
    let length = text.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    Some(&text[..length])
}
