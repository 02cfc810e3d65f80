//! The step that gets the domain answered over TLS: by the virtual host that answers it already, or by a new one.
//! Knows nothing of listeners' lines and modules.

use std::net::IpAddr;

use crate::httpd::{
    Configuration, Document, Edit, Entry, EntryId, FileId, LineKind, Platform, SERVER, SectionId, Truth,
    VirtualHost, real_path, resolve, trim, word,
};

use super::answer::{Answers, names_exactly};
use super::listen::describe;
use super::plan::{PlanError, insert_lines, refuse};
use super::policy;
use super::request::Request;

/// The three directives that name files, with what the request wants of each.
fn files(request: &Request) -> [(&'static str, Option<&[u8]>); 3] {
    [
        ("SSLCertificateFile", Some(&request.certificate)),
        ("SSLCertificateKeyFile", Some(&request.key)),
        ("SSLCertificateChainFile", request.chain.as_deref()),
    ]
}

/// Edits after which the domain is answered over TLS with the request's files; none when it is.
pub(super) fn edits(configuration: &Configuration, request: &Request) -> Result<Vec<Edit>, PlanError> {
    let answers = Answers::new(configuration, request);
    if let Some(host) = answers.undecided() {
        return Err(refuse(format!(
            "what the virtual host {} has to do with port {} cannot be told: its address is a host name, or it hangs \
             on a condition that only the server can decide. Write its IP address, or name the binary with --httpd",
            describe(configuration, host),
            request.port
        )));
    }
    let mut own: Vec<&VirtualHost> = Vec::new();
    let mut uncovered: Vec<Option<IpAddr>> = Vec::new();
    for end in answers.local_ends() {
        let own_here = |host: &&VirtualHost| {
            names_exactly(host, &request.domain)
                && host.addresses.iter().any(|a| a.port == Some(request.port))
        };
        match answers.at(end).filter(own_here) {
            Some(host) if own.iter().any(|known| known.section == host.section) => {}
            Some(host) => own.push(host),
            None => uncovered.push(end),
        }
        refuse_plain(configuration, request, &answers, end, &own)?;
    }
    let mut edits = Vec::new();
    for host in own {
        edits.extend(update(configuration, request, host)?);
    }
    if !uncovered.is_empty() {
        edits.push(add(configuration, request, &answers, &uncovered)?);
    }
    Ok(edits)
}

/// TLS and plain HTTP cannot share a port: the first virtual host of a set decides for all of it.
fn refuse_plain(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    end: Option<IpAddr>,
    own: &[&VirtualHost],
) -> Result<(), PlanError> {
    let set = answers.set(end);
    let plain = set.iter().find(|host| {
        let names_port = host
            .addresses
            .iter()
            .any(|address| address.port == Some(request.port));
        names_port && !configuration.speaks_tls(host) && !own.iter().any(|own| own.section == host.section)
    });
    match plain {
        None => Ok(()),
        Some(host) => Err(refuse(format!(
            "the virtual host {} is for port {} without TLS; TLS and plain HTTP cannot share a port: give that virtual \
             host another port, or choose another with --port",
            describe(configuration, host),
            request.port
        ))),
    }
}

/// Brings the lines of a virtual host that answers the domain in line with the request.
fn update(
    configuration: &Configuration,
    request: &Request,
    host: &VirtualHost,
) -> Result<Vec<Edit>, PlanError> {
    refuse_unknown(configuration, host)?;
    let mut edits = Vec::new();
    let mut missing: Vec<Vec<u8>> = Vec::new();
    if !configuration.speaks_tls(host) {
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
            ([entry], None) if renewed => edits.push(remove(configuration, entry)?),
            (_, None) if !renewed => {}
            (several, Some(wanted))
                if several
                    .iter()
                    .any(|entry| same_file(configuration, entry, wanted)) => {}
            ([first, ..], _) => {
                return Err(refuse(format!(
                    "the virtual host {} has several {name} lines (the first at {}); leave the one that is to be \
                     replaced, then run again",
                    describe(configuration, host),
                    configuration.place(first)
                )));
            }
        }
    }
    if !missing.is_empty() {
        edits.push(complete(configuration, host, missing)?);
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
        Some(entry) => Err(refuse(format!(
            "whether the directive at {} is active depends on a condition that cannot be decided without the server; \
             name the binary with --httpd, or the version with --apache-version",
            configuration.place(entry)
        ))),
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

/// Adds lines to a virtual host: behind its own ServerName, or behind its opening line.
fn complete(
    configuration: &Configuration,
    host: &VirtualHost,
    mut lines: Vec<Vec<u8>>,
) -> Result<Edit, PlanError> {
    let opening = configuration.entry(host.entry);
    editable(configuration, opening)?;
    let anchor = own_settings(configuration, host.section, "ServerName")
        .into_iter()
        .rfind(|entry| {
            entry.file == opening.file && entry.section == host.section && entry.line > opening.line
        });
    let after = anchor.map_or(opening.line, |entry| entry.line);
    if anchor.is_none() {
        // Behind a line of the section the indentation is already the section's.
        let unit = indentation_unit(configuration, opening);
        lines = lines
            .into_iter()
            .map(|line| [unit.as_slice(), &line].concat())
            .collect();
    }
    let reason = "complete the TLS settings of this virtual host".to_string();
    Ok(insert_lines(
        configuration,
        opening.file,
        Some(after),
        &lines,
        reason,
    ))
}

fn what(name: &str) -> &'static str {
    match name {
        "SSLCertificateFile" => "certificate",
        "SSLCertificateKeyFile" => "private key",
        _ => "chain",
    }
}

fn own_settings<'a>(configuration: &'a Configuration, section: SectionId, name: &str) -> Vec<&'a Entry> {
    configuration
        .inside(section)
        .filter(|entry| entry.truth == Truth::True && configuration.is_named(entry, name))
        .collect()
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

/// A line that may be edited for one virtual host: not out of a macro, and not read a second time for another.
fn editable(configuration: &Configuration, entry: &Entry) -> Result<(), PlanError> {
    if configuration.macro_place(entry).is_some() {
        return Err(refuse(format!(
            "the virtual host that answers comes out of a macro used at {}; it is not edited: change the macro by hand",
            configuration.place(entry)
        )));
    }
    let file = real_path(&configuration.file(entry.file).host);
    let twin = configuration.entries().iter().find(|other| {
        (other.file, other.section) != (entry.file, entry.section)
            && other.line == entry.line
            && other.truth != Truth::False
            && real_path(&configuration.file(other.file).host) == file
    });
    match twin {
        None => Ok(()),
        Some(other) => {
            let around = configuration.opening(configuration.context(other));
            Err(refuse(format!(
                "the line at {} also holds for another part of the configuration{}; it is not edited for one alone: \
                 give this virtual host lines of its own, then run again",
                configuration.place(entry),
                around
                    .map(|entry| format!(" ({})", configuration.place(entry)))
                    .unwrap_or_default()
            )))
        }
    }
}

fn replace_argument(
    configuration: &Configuration,
    entry: &Entry,
    argument: &[u8],
    reason: &str,
) -> Result<Edit, PlanError> {
    editable(configuration, entry)?;
    let file = configuration.file(entry.file);
    let line = entry.line as usize;
    let (span, replacement) = match file.document.word_spans(line).as_deref() {
        Some([_, first, .., last]) => (first.start..last.end, argument.to_vec()),
        Some([_, only]) => (only.clone(), argument.to_vec()),
        _ => {
            let mut text = file.document.indentation(line).to_vec();
            text.extend(configuration.name(entry));
            text.push(b' ');
            text.extend_from_slice(argument);
            text.extend_from_slice(file.document.line_ending().as_bytes());
            (file.document.lines()[line].span(), text)
        }
    };
    Ok(Edit {
        file: file.host.clone(),
        span,
        replacement,
        reason: reason.to_string(),
    })
}

fn remove(configuration: &Configuration, entry: &Entry) -> Result<Edit, PlanError> {
    editable(configuration, entry)?;
    let file = configuration.file(entry.file);
    Ok(Edit {
        file: file.host.clone(),
        span: file.document.lines()[entry.line as usize].span(),
        replacement: Vec::new(),
        reason: "this chain belongs to the certificate that goes; give --chain for the new one".into(),
    })
}

/// A new virtual host for the given local ends, behind everything else in the main file.
fn add(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    ends: &[Option<IpAddr>],
) -> Result<Edit, PlanError> {
    policy::refuse_loop(configuration, request)?;
    if ends.contains(&None)
        && answers.set(None).is_empty()
        && answers.is_listened_on()
        && configuration.ssl_engine(SERVER)
    {
        return Err(refuse(format!(
            "the main server itself speaks TLS on port {}, and would answer no other name any more beside a virtual \
             host; move its SSL lines into a <VirtualHost _default_:{}> first, then run again",
            request.port, request.port
        )));
    }
    let (file, after) = place(configuration, request, answers, ends)?;
    let domain = &request.domain;
    let addresses = addresses(answers, request.port, ends);
    let mut body = vec![
        format!("ServerName {domain}").into_bytes(),
        b"SSLEngine on".to_vec(),
    ];
    for (name, wanted) in files(request) {
        if let Some(wanted) = wanted {
            body.push(setting(name, wanted)?);
        }
    }
    body.extend(policy::lines(configuration));
    let reason = format!("serve {domain} over TLS; everything else is inherited from the main server");
    let unit = unit_of(&configuration.file(file).document);
    let mut lines = vec![
        format!("# HTTPS for {domain}, added by esync-ssl").into_bytes(),
        format!("<VirtualHost {}>", addresses.join(" ")).into_bytes(),
    ];
    lines.extend(body.into_iter().map(|line| [unit.as_slice(), &line].concat()));
    lines.push(b"</VirtualHost>".to_vec());
    Ok(insert_at_server_level(configuration, file, after, lines, reason))
}

/// The addresses of the new virtual host: `*`, and those that some virtual host names, at which `*` would not be
/// asked.
fn addresses(answers: &Answers<'_>, port: u16, ends: &[Option<IpAddr>]) -> Vec<String> {
    let mut addresses = Vec::new();
    for end in ends {
        let text = match end {
            Some(IpAddr::V6(ip)) if answers.is_named(IpAddr::V6(*ip)) => format!("[{ip}]:{port}"),
            Some(ip) if answers.is_named(*ip) => format!("{ip}:{port}"),
            _ => format!("*:{port}"),
        };
        if !addresses.contains(&text) {
            addresses.push(text);
        }
    }
    addresses
}

/// Where the new virtual host goes: behind all others, so that it becomes the default of no address, except that a
/// wildcard alias which would take the name must come after it.
fn place(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    ends: &[Option<IpAddr>],
) -> Result<(FileId, Option<u32>), PlanError> {
    let sets: Vec<Vec<&VirtualHost>> = ends.iter().map(|end| answers.competitors(*end)).collect();
    let takes_name = |host: &&&VirtualHost| host.has_name(&request.domain);
    let catch_all = sets
        .iter()
        .flatten()
        .filter(takes_name)
        .min_by_key(|host| host.entry);
    let unclosed = first_unclosed(configuration);
    let before: Option<EntryId> = match (catch_all, unclosed) {
        (Some(host), _) => Some(host.entry),
        (None, unclosed) => unclosed,
    };
    let Some(before) = before else {
        let lines = configuration.file(0).document.lines().len() as u32;
        return Ok((0, lines.checked_sub(1)));
    };
    if let Some(first) = sets
        .iter()
        .filter_map(|set| set.first())
        .find(|first| first.entry >= before)
    {
        return Err(refuse(match catch_all {
            Some(host) => format!(
                "the virtual host {} answers {} by a wildcard ServerAlias, and a virtual host before it would become \
                 the default instead of {}; add `ServerAlias {}` to the former to have it updated, or narrow its alias",
                describe(configuration, host),
                request.domain,
                describe(configuration, first),
                request.domain
            ),
            None => format!(
                "the section at {} is never closed, and holds the virtual host {}; close it, then run again",
                configuration.place(configuration.entry(before)),
                describe(configuration, first)
            ),
        }));
    }
    let entry = configuration.entry(before);
    editable(configuration, entry)?;
    if configuration.is_server_level(entry.file, entry.line) != Truth::True {
        return Err(refuse(format!(
            "a virtual host for {} must come before {}, which stands inside another section; move it, then run again",
            request.domain,
            configuration.place(entry)
        )));
    }
    Ok((entry.file, entry.line.checked_sub(1)))
}

/// The first section of the main file that is never closed: what stands behind its opening belongs to it.
fn first_unclosed(configuration: &Configuration) -> Option<EntryId> {
    let sections = configuration.sections().iter().skip(1);
    sections
        .filter(|section| section.closing.is_none())
        .map(|section| section.opening)
        .filter(|opening| {
            let entry = configuration.entry(*opening);
            entry.file == 0 && configuration.macro_place(entry).is_none()
        })
        .min()
}

fn insert_at_server_level(
    configuration: &Configuration,
    file: FileId,
    after: Option<u32>,
    mut lines: Vec<Vec<u8>>,
    reason: String,
) -> Edit {
    let document = &configuration.file(file).document;
    let follows_text = after.is_some_and(|line| !trim(document.raw(line as usize)).is_empty());
    if follows_text {
        lines.insert(0, Vec::new());
    }
    if after.map_or(0, |line| line as usize + 1) < document.lines().len() {
        lines.push(Vec::new());
    }
    let mut edit = insert_lines(configuration, file, None, &lines, reason);
    if let Some(line) = after {
        let at = document.lines()[line as usize].span().end;
        edit.span = at..at;
        let mut text = document.separator_after(line as usize);
        text.append(&mut edit.replacement);
        edit.replacement = text;
    }
    edit
}

fn setting(name: &str, file: &[u8]) -> Result<Vec<u8>, PlanError> {
    Ok([name.as_bytes(), b" ", &quoted(name, file)?].concat())
}

fn quoted(name: &str, file: &[u8]) -> Result<Vec<u8>, PlanError> {
    word::quote_path(file).map_err(|reason| {
        refuse(format!(
            "the {} file {} cannot be named in a configuration: {reason}; rename it",
            what(name),
            String::from_utf8_lossy(file).escape_debug()
        ))
    })
}

/// What the section's own lines are indented by, relative to its opening: as its first line has it.
fn indentation_unit(configuration: &Configuration, opening: &Entry) -> Vec<u8> {
    let document = &configuration.file(opening.file).document;
    let line = opening.line as usize;
    let next = if line + 1 < document.lines().len() {
        document.indentation(line + 1)
    } else {
        b""
    };
    match next.strip_prefix(document.indentation(line)) {
        Some(unit) if !unit.is_empty() => unit.to_vec(),
        _ => unit_of(document),
    }
}

/// One level of indentation as the file has it: what the first indented line behind a section's opening adds to it;
/// four blanks where there is none.
fn unit_of(document: &Document) -> Vec<u8> {
    let lines = document.lines();
    let inside = (1..lines.len()).filter(|line| {
        lines[line - 1].kind == LineKind::SectionOpening && lines[*line].kind == LineKind::Directive
    });
    let mut units = inside.filter_map(|line| {
        document
            .indentation(line)
            .strip_prefix(document.indentation(line - 1))
            .filter(|unit| !unit.is_empty())
    });
    units.next().unwrap_or(b"    ").to_vec()
}
