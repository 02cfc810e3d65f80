//! A new TLS virtual host for the domain: what it says and where it stands.

use std::net::IpAddr;

use crate::httpd::{Configuration, Edit, EntryId, FileId, SERVER, Truth, VirtualHost};
use crate::mod_ssl::ssl_engine;

use super::super::address::name_lines;
use super::super::answer::Answers;
use super::super::edit_lines::{editable, insert_at_server_level};
use super::super::existing::is_nameless;
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, Text, named, say};
use super::super::request::Request;
use super::super::site;
use super::super::text::{bytes, indented, setting, unit_of};
use super::update::files;
use super::{copy, http2, main_rules, policy};

/// A new virtual host for the given local ends, behind everything else in the main file.
pub(super) fn add(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    ends: &[Option<IpAddr>],
) -> Result<Edit, PlanError> {
    policy::refuse_loop(configuration, request)?;
    refuse_beside_main_server(configuration, request, answers, ends)?;
    let site = site::site(configuration, request)?;
    let aliases: Vec<&str> = request.aliases.iter().map(String::as_str).collect();
    let section = site.as_ref().map_or(SERVER, |site| site.section);
    site::refuse_other_sites(configuration, request, &aliases, section)?;
    let content = match &site {
        Some(site) => content_of_site(configuration, request, site)?,
        None => content_of_main_server(configuration, request)?,
    };
    let (file, after) = match &site {
        Some(site) => beside(configuration, request, answers, ends, site)?,
        None => place(configuration, &request.names().collect::<Vec<_>>(), answers, ends)?,
    };
    let addresses = addresses(answers, request.port, ends);
    let base = &content.indentation;
    let mut lines = indented(
        &[
            format!("# HTTPS for {}, added by esync-ssl", request.domain).into_bytes(),
            format!("<VirtualHost {}>", addresses.join(" ")).into_bytes(),
        ],
        base,
    );
    let mut reason = content.reason;
    if content.body.iter().any(|line| line.ends_with(b".invalid")) {
        reason += "; its ServerName is a name that nobody asks for, because Apache does not accept an IPv6 address \
             there";
    }
    lines.extend(content.body);
    lines.push([base.as_slice(), b"</VirtualHost>"].concat());
    Ok(insert_at_server_level(configuration, file, after, lines, reason))
}

/// The main server answers at addresses for which there is no virtual host; beside the first one it would answer no name
/// any more (httpd: `ap_update_vhost_given_ip`).
fn refuse_beside_main_server(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    ends: &[Option<IpAddr>],
) -> Result<(), PlanError> {
    let main_answers = ends.contains(&None)
        && answers.set(None).is_empty()
        && answers.is_listened_on()
        && ssl_engine(configuration, SERVER);
    if !main_answers {
        return Ok(());
    }
    Err(refuse(
        RefusalCode::MainServerSpeaksTls,
        format!(
            "the main server itself speaks TLS on port {}, and would not answer any other name anymore next to a \
             virtual host",
            request.port
        ),
        "; ",
        format!(
            "move its SSL lines into a <VirtualHost _default_:{}> first, then run again",
            request.port
        ),
    ))
}

/// What the new virtual host says.
struct Content {
    /// Its lines, indented.
    body: Vec<Vec<u8>>,
    /// What its own tags are indented by.
    indentation: Vec<u8>,
    reason: String,
}

/// That of the site which answers over HTTP, and TLS.
fn content_of_site(
    configuration: &Configuration,
    request: &Request,
    site: &VirtualHost,
) -> Result<Content, PlanError> {
    let mut tls = tls_lines(configuration, request)?;
    if !http2::own_protocols(configuration, site.section).is_empty() {
        // Its line is copied, and brought in line afterwards.
        tls.retain(|line| !line.starts_with(policy::PROTOCOLS.as_bytes()));
    }
    let copied = copy::body(configuration, request, site)?;
    let opening = configuration.entry(site.entry);
    let document = &configuration.file(opening.file).document;
    let indentation = document.indentation(opening.line as usize).to_vec();
    let own = copy::indentation(&copied.lines).map(<[u8]>::to_vec);
    let unit = own.unwrap_or_else(|| [indentation.as_slice(), &unit_of(document)].concat());
    let mut body = indented(&bytes(&copied.names), &unit);
    body.extend(indented(
        &copy::inherited(configuration, request, Some(site)).0,
        &unit,
    ));
    match main_rules::instead(configuration, request, Some(site)) {
        None => body.extend(copied.lines),
        Some(rules) => {
            body.extend(indented(&rules.before, &unit));
            body.extend(main_rules::without_inheriting(copied.lines));
            body.extend(indented(&rules.behind, &unit));
        }
    }
    body.extend(indented(&tls, &unit));
    let mut reason = format!(
        "serve the site of {} over TLS, as the virtual host at {} does without TLS",
        request.domain,
        configuration.place(opening)
    );
    if !site.has_name(&request.domain) && !is_nameless(configuration, site) {
        reason += ", which answers it as the default of its address";
    }
    Ok(Content {
        body,
        indentation,
        reason,
    })
}

/// Names and TLS; everything else comes from the main server.
fn content_of_main_server(configuration: &Configuration, request: &Request) -> Result<Content, PlanError> {
    let mut lines = bytes(&name_lines(&request.names().collect::<Vec<_>>()));
    lines.extend(tls_lines(configuration, request)?);
    match main_rules::instead(configuration, request, None) {
        None => lines.extend(bytes(policy::inherited_rewrites(configuration))),
        Some(rules) => {
            lines.push(b"RewriteEngine on".to_vec());
            lines.extend(rules.before.into_iter().chain(rules.behind));
        }
    }
    lines.extend(copy::inherited(configuration, request, None).0);
    Ok(Content {
        body: indented(&lines, &unit_of(&configuration.file(0).document)),
        indentation: Vec::new(),
        reason: format!(
            "serve {} over TLS; everything else is inherited from the main server",
            request.domain
        ),
    })
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
    let before = catch_all.map(|host| host.entry);
    let Some(before) = before.or_else(|| first_unclosed(configuration)) else {
        let lines = configuration.file(0).document.lines().len() as u32;
        return Ok((0, lines.checked_sub(1)));
    };
    let firsts = sets.iter().filter_map(|set| set.first());
    if let Some(first) = firsts.into_iter().find(|first| first.entry >= before) {
        return Err(match catch_all {
            Some(host) => {
                let name = taken_name(host, names.iter().copied()).unwrap_or_default();
                refuse_wildcard(configuration, host, name, first)
            }
            None => refuse_unclosed_section(configuration, before, first),
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
                ", which is inside another section",
            ],
            "; ",
            "move it, then run again",
        ));
    }
    Ok((entry.file, entry.line.checked_sub(1)))
}

/// A wildcard takes the name, and what comes before its virtual host would be the first of its addresses, which Apache
/// makes the default.
fn refuse_wildcard(
    configuration: &Configuration,
    host: &VirtualHost,
    name: &str,
    first: &VirtualHost,
) -> PlanError {
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
        format!("add `ServerAlias {name}` to the one with the wildcard to update it, or narrow its alias"),
    )
}

fn refuse_unclosed_section(
    configuration: &Configuration,
    opening: EntryId,
    first: &VirtualHost,
) -> PlanError {
    refuse(
        RefusalCode::SectionUnclosed,
        say![
            "the section at ",
            Place::of(configuration, configuration.entry(opening)),
            " is never closed, and holds the virtual host ",
            named(configuration, first),
        ],
        "; ",
        "close it, then run again",
    )
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
