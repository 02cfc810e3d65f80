//! The content of a virtual host for HTTP as that of one for HTTPS: its lines as they are, less those that must not
//! be there twice and those that send clients to HTTPS. Decides nothing about addresses and certificates.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::httpd::{Configuration, Entry, Truth, VirtualHost, trim};

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
    let naming = Naming::of(configuration, request, site);
    let left_out = left_out(configuration, request, site, &naming)?;
    let document = &configuration.file(opening.file).document;
    let kept = lines.filter(|line| !left_out.contains(line));
    let lines = kept
        .map(|line| {
            let raw = document.raw(line as usize);
            let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
            raw.strip_suffix(b"\r").unwrap_or(raw).to_vec()
        })
        .collect();
    let names = naming.lines(request, site);
    Ok(Copied { lines, names })
}

/// What the copy cannot keep of the lines that say names.
struct Naming {
    /// The original's names are not those of the request.
    other_names: bool,
    /// Its ServerName says a port: `name:80` is what links to itself would say.
    other_port: bool,
}

impl Naming {
    fn of(configuration: &Configuration, request: &Request, site: &VirtualHost) -> Self {
        let own_name = own_settings(configuration, site.section, "ServerName").pop();
        Naming {
            other_names: own_name.is_none() || !site.names_exactly(&request.domain),
            other_port: own_name.is_some_and(|entry| configuration.rest(entry).contains(&b':')),
        }
    }

    /// Does a directive of that name stay behind?
    fn drops(&self, name: &[u8]) -> bool {
        (self.other_names || self.other_port) && is_one_of(name, &["ServerName"])
            || self.other_names && is_one_of(name, &["ServerAlias"])
    }

    /// The lines that are written instead.
    fn lines(&self, request: &Request, site: &VirtualHost) -> Vec<String> {
        let mut aliases: Vec<&str> = request.names().collect();
        if self.other_names {
            return name_lines(&aliases);
        }
        let mut names = Vec::new();
        if let (true, Some(name)) = (self.other_port, &site.server_name) {
            names.push(format!("ServerName {name}"));
        }
        aliases.retain(|name| !site.has_name(name));
        if !aliases.is_empty() {
            names.push(format!("ServerAlias {}", aliases.join(" ")));
        }
        names
    }
}

/// The lines of a virtual host that its copy does not get.
fn left_out(
    configuration: &Configuration,
    request: &Request,
    site: &VirtualHost,
    naming: &Naming,
) -> Result<BTreeSet<u32>, PlanError> {
    let opening = configuration.entry(site.entry);
    let own = site.server_name.iter().chain(&site.aliases).map(String::as_str);
    let names: Vec<&str> = own.chain(request.names()).collect();
    let mut left_out: BTreeSet<u32> = BTreeSet::new();
    // RewriteCond holds for the next RewriteRule alone and goes with it (mod_rewrite: a rule takes those since the last).
    let mut conditions: Vec<u32> = Vec::new();
    for entry in within(configuration, site) {
        let name = configuration.name(entry);
        if is_one_of(&name, &["RewriteCond"]) {
            conditions.push(entry.line);
            continue;
        }
        let conditions = std::mem::take(&mut conditions);
        let redirects = redirects_names(configuration, entry, &names);
        let is_own = is_one_of(&name, &OWN);
        if !(redirects || is_own || is_one_of(&name, &DEFINED_ONCE) || naming.drops(&name)) {
            continue;
        }
        if entry.file == opening.file && configuration.macro_place(entry).is_none() {
            left_out.insert(entry.line);
            if redirects && is_one_of(&name, &["RewriteRule"]) {
                left_out.extend(conditions);
            }
        } else if entry.truth != Truth::False && !is_own && !is_one_of(&name, &["ServerAlias"]) {
            return Err(refuse_from_elsewhere(configuration, site, entry));
        }
    }
    Ok(left_out)
}

/// Does the line send clients to one of the names?
fn redirects_names(configuration: &Configuration, entry: &Entry, names: &[&str]) -> bool {
    // One of ours may be there for another name of the same virtual host.
    let ours = ALL_BUT_CHALLENGES.trim_matches('"').as_bytes();
    let arguments = configuration.arguments(entry);
    is_one_of(&configuration.name(entry), &REDIRECTS)
        && arguments.iter().any(|word| leads_to(word, names) || word == ours)
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

fn refuse_from_elsewhere(configuration: &Configuration, site: &VirtualHost, entry: &Entry) -> PlanError {
    refuse(
        RefusalCode::DefinedElsewhere,
        say![
            "the virtual host ",
            named(configuration, site),
            " takes `",
            String::from_utf8_lossy(&configuration.name(entry)).into_owned(),
            "` from ",
            Place::of(configuration, entry),
            ", which must not apply to its HTTPS side too",
        ],
        "; ",
        "move that line into the virtual host itself, then run again",
    )
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
