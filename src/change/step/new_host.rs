//! A new TLS virtual host for the domain: what it says and where it stands.

use std::net::IpAddr;

use crate::httpd::{Configuration, Edit, EntryId, FileId, SERVER, Truth, VirtualHost};
use crate::mod_ssl::ssl_engine;

use super::super::address::name_lines;
use super::super::answer::Answers;
use super::super::edit_lines::{editable, insert_at_server_level};
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, Text, named, say};
use super::super::request::Request;
use super::super::site;
use super::super::text::{bytes, indented, setting, unit_of};
use super::update::files;
use super::{copy, policy};

/// A new virtual host for the given local ends, behind everything else in the main file.
pub(super) fn add(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    ends: &[Option<IpAddr>],
) -> Result<Edit, PlanError> {
    policy::refuse_loop(configuration, request)?;
    if ends.contains(&None)
        && answers.set(None).is_empty()
        && answers.is_listened_on()
        && ssl_engine(configuration, SERVER)
    {
        return Err(refuse(
            RefusalCode::MainServerSpeaksTls,
            format!(
                "the main server itself speaks TLS on port {}, and would answer no other name any more beside a \
                 virtual host",
                request.port
            ),
            "; ",
            format!(
                "move its SSL lines into a <VirtualHost _default_:{}> first, then run again",
                request.port
            ),
        ));
    }
    let site = site::site(configuration, request)?;
    let aliases: Vec<&str> = request.aliases.iter().map(String::as_str).collect();
    let section = site.as_ref().map_or(SERVER, |site| site.section);
    site::refuse_other_sites(configuration, request, &aliases, section)?;
    let domain = &request.domain;
    let tls = tls_lines(configuration, request)?;
    let (body, base, unit);
    let mut reason;
    match &site {
        Some(site) => {
            let copied = copy::body(configuration, request, site)?;
            let opening = configuration.entry(site.entry);
            let document = &configuration.file(opening.file).document;
            base = document.indentation(opening.line as usize).to_vec();
            let own = copy::indentation(&copied.lines).map(<[u8]>::to_vec);
            unit = own.unwrap_or_else(|| [base.as_slice(), &unit_of(document)].concat());
            let mut lines = indented(&bytes(&copied.names), &unit);
            lines.extend(copied.lines);
            lines.extend(indented(&tls, &unit));
            body = lines;
            reason = format!(
                "serve the site of {domain} over TLS, as the virtual host at {} does without",
                configuration.place(opening)
            );
        }
        None => {
            base = Vec::new();
            unit = unit_of(&configuration.file(0).document);
            let mut lines = bytes(&name_lines(&request.names().collect::<Vec<_>>()));
            lines.extend(tls);
            lines.extend(bytes(policy::inherited_rewrites(configuration)));
            body = indented(&lines, &unit);
            reason = format!("serve {domain} over TLS; everything else is inherited from the main server");
        }
    }
    if body.iter().any(|line| line.ends_with(b".invalid")) {
        reason += "; its ServerName is a name that nobody asks for, as Apache takes no IPv6 address there";
    }
    let (file, after) = match &site {
        Some(site) => beside(configuration, request, answers, ends, site)?,
        None => place(configuration, &request.names().collect::<Vec<_>>(), answers, ends)?,
    };
    let addresses = addresses(answers, request.port, ends);
    let mut lines = indented(
        &[
            format!("# HTTPS for {domain}, added by esync-ssl").into_bytes(),
            format!("<VirtualHost {}>", addresses.join(" ")).into_bytes(),
        ],
        &base,
    );
    lines.extend(body);
    lines.push([base.as_slice(), b"</VirtualHost>"].concat());
    Ok(insert_at_server_level(configuration, file, after, lines, reason))
}

fn tls_lines(configuration: &Configuration, request: &Request) -> Result<Vec<Vec<u8>>, PlanError> {
    let mut lines = vec![b"SSLEngine on".to_vec()];
    for (name, wanted) in files(request) {
        if let Some(wanted) = wanted {
            lines.push(setting(name, wanted)?);
        }
    }
    lines.extend(policy::lines(configuration, request)?);
    Ok(lines)
}

/// Right behind the site that it serves, where it takes nobody's place and nobody takes its name; else behind all
/// others.
fn beside(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    ends: &[Option<IpAddr>],
    site: &VirtualHost,
) -> Result<(FileId, Option<u32>), PlanError> {
    let closing = copy::closing_line(configuration, site)?;
    let file = configuration.entry(site.entry).file;
    let fits = ends.iter().all(|end| {
        let set = answers.competitors(*end);
        let is_default = set.first().is_some_and(|first| first.entry > site.entry);
        let loses = set
            .iter()
            .any(|host| host.entry <= site.entry && taken_name(host, request.names()).is_some());
        // The copy has the names of the site, and those behind it may have some of them for HTTPS.
        let takes = set
            .iter()
            .any(|host| host.entry > site.entry && (share_name(site, host) || share_name(host, site)));
        !is_default && !loses && !takes
    });
    // Behind its closing line is the level of its opening.
    let opening = configuration.entry(site.entry).line;
    if fits && configuration.is_server_level(file, opening) == Truth::True {
        return Ok((file, Some(closing)));
    }
    place(configuration, &request.names().collect::<Vec<_>>(), answers, ends)
}

/// The addresses of the new virtual host: `*`, and those that some virtual host names, at which `*` would not be
/// asked.
pub(super) fn addresses(answers: &Answers<'_>, port: u16, ends: &[Option<IpAddr>]) -> Vec<String> {
    // A single address that nobody names would be taken from the `*` of others.
    let is_single =
        |ip: IpAddr| answers.is_named(ip) || answers.is_scoped() && answers.set(Some(ip)).is_empty();
    let mut addresses = Vec::new();
    for end in ends {
        let text = match end {
            Some(IpAddr::V6(ip)) if is_single(IpAddr::V6(*ip)) => format!("[{ip}]:{port}"),
            Some(ip) if is_single(*ip) => format!("{ip}:{port}"),
            _ => format!("*:{port}"),
        };
        if !addresses.contains(&text) {
            addresses.push(text);
        }
    }
    addresses
}

/// The first of the names that the virtual host would take.
fn taken_name<'a>(host: &VirtualHost, mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.find(|name| host.has_name(name))
}

/// Does the first have one of the other's names, be it by a wildcard?
fn share_name(host: &VirtualHost, other: &VirtualHost) -> bool {
    let mut names = other.server_name.iter().chain(&other.aliases);
    names.any(|name| host.has_name(name))
}

/// Where a new virtual host goes: behind all others, so that it becomes the default of no address, except that a
/// wildcard alias which would take one of its names must come after it.
pub(super) fn place(
    configuration: &Configuration,
    names: &[&str],
    answers: &Answers<'_>,
    ends: &[Option<IpAddr>],
) -> Result<(FileId, Option<u32>), PlanError> {
    let sets: Vec<Vec<&VirtualHost>> = ends.iter().map(|end| answers.competitors(*end)).collect();
    let takes_name = |host: &&&VirtualHost| taken_name(host, names.iter().copied()).is_some();
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
        return Err(match catch_all {
            Some(host) => {
                let name = taken_name(host, names.iter().copied()).unwrap_or_default();
                let of_other = match host.entry == first.entry {
                    true => Text::default(),
                    false => say![" of ", named(configuration, first)],
                };
                refuse(
                    RefusalCode::NameTakenByWildcard,
                    say![
                        "the virtual host ",
                        named(configuration, host),
                        " answers ",
                        name,
                        " by a wildcard ServerAlias, and a virtual host before it would become the default instead",
                        of_other,
                    ],
                    "; ",
                    format!(
                        "add `ServerAlias {name}` to the one with the wildcard to have it updated, or narrow its alias"
                    ),
                )
            }
            None => refuse(
                RefusalCode::SectionUnclosed,
                say![
                    "the section at ",
                    Place::of(configuration, configuration.entry(before)),
                    " is never closed, and holds the virtual host ",
                    named(configuration, first),
                ],
                "; ",
                "close it, then run again",
            ),
        });
    }
    let entry = configuration.entry(before);
    editable(configuration, entry)?;
    if configuration.is_server_level(entry.file, entry.line) != Truth::True {
        return Err(refuse(
            RefusalCode::InsideSection,
            say![
                "a virtual host for ",
                names.join(" and "),
                " must come before ",
                Place::of(configuration, entry),
                ", which stands inside another section",
            ],
            "; ",
            "move it, then run again",
        ));
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
