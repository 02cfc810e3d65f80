//! Which virtual host serves the domain without TLS today: the site that HTTPS is wanted for. Edits nothing.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::httpd::{Address, Configuration, SectionId, Spot, Truth, VirtualHost};
use crate::mod_ssl::speaks_tls;

use super::existing::NOBODY;
use super::plan::{PlanError, refuse};
use super::redirection::{only_leads_to_itself, redirects_everything};
use super::refusal::{Place, RefusalCode, Text, named, say};
use super::request::Request;
use super::site_candidates::{candidates, content, exactly_named, secure};

/// The virtual host whose content is to be served over TLS; `None`: that of the main server.
///
/// It is the one that was named by the administrator; or the one that answers the domain by its name; or, where nobody
/// has the name, a first virtual host, which answers whatever nobody else does, be it under another name.
///
/// # Errors
/// Several are as likely, or the one named by place is none.
pub(super) fn site(
    configuration: &Configuration,
    request: &Request,
) -> Result<Option<VirtualHost>, PlanError> {
    if let Some((file, line)) = &request.site {
        return named_by_place(configuration, file, *line).map(Some);
    }
    let mut found = likely(configuration, request);
    match found.as_slice() {
        [] => Ok(None),
        [_] => Ok(found.pop().cloned()),
        _ => {
            let hosts = found.iter().map(|host| say!["  ", named(configuration, host)]);
            Err(refuse(
                RefusalCode::SiteAmbiguous,
                say![
                    "several virtual hosts answer ",
                    &request.domain,
                    " over HTTP:\n",
                    Text::joined(hosts, "\n"),
                ],
                "\n",
                say![
                    "say which site is wanted over HTTPS, for example --vhost ",
                    Place::of(configuration, configuration.entry(found[0].entry)),
                ],
            ))
        }
    }
}

/// The virtual hosts that may be the site; of one that has the domain by a wildcard, and those that have it for their own name
/// on another port, nobody knows which is meant.
fn likely<'a>(configuration: &'a Configuration, request: &Request) -> Vec<&'a VirtualHost> {
    let mut found = candidates(configuration, request, false);
    if let [only] = found[..]
        && only.has_name(&request.domain)
        && !only.names_exactly(&request.domain)
    {
        let own = content(configuration, only.section);
        let others = exactly_named(configuration, request).into_iter();
        found.extend(others.filter(|host| content(configuration, host.section) != own));
    }
    found
}

/// Refuses while several answer the domain as the defaults of their addresses, or one by a wildcard and another by its own
/// name: when a listener has moved, that is not seen anymore.
pub(super) fn refuse_several(configuration: &Configuration, request: &Request) -> Result<(), PlanError> {
    let found = likely(configuration, request);
    let is_new = secure(configuration, request).next().is_none();
    let is_default = |host: &&VirtualHost| !host.has_name(&request.domain);
    let is_own = |host: &&VirtualHost| host.names_exactly(&request.domain);
    let is_mixed = found.first().is_some_and(|first| !is_own(first)) && found.iter().any(is_own);
    let is_unclear = found.len() > 1 && (is_mixed || found.iter().all(is_default));
    match request.site.is_none() && is_new && is_unclear {
        true => site(configuration, request).map(|_| ()),
        false => Ok(()),
    }
}

/// The place of the site, to find it again when its listener has moved.
pub(super) fn place_of(configuration: &Configuration, request: &Request) -> Option<(PathBuf, u32)> {
    if secure_home(configuration, request).is_some() {
        return None;
    }
    let host = site(configuration, request).ok()??;
    let entry = configuration.entry(host.entry);
    let file = configuration.file(entry.file).host.clone();
    Some((file, configuration.line_number(entry)))
}

/// The whole path of the file that the site was named by. Files of others that end in what was typed do not move its
/// line.
pub(super) fn whole_path(configuration: &Configuration, file: &Path, line: u32) -> PathBuf {
    match named_by_place(configuration, file, line) {
        Ok(host) => {
            let entry = configuration.entry(host.entry);
            configuration.file(entry.file).host.clone()
        }
        // It is not there, or not yet.
        Err(_) => file.to_owned(),
    }
}

/// The addresses at which alone the site answers, if they are single ones.
pub(super) fn scope(configuration: &Configuration, request: &Request) -> Option<Vec<IpAddr>> {
    let named;
    // HTTPS is there already, and where it is spoken, the domain is at home.
    if request.site.is_none()
        && let Some(home) = secure_home(configuration, request)
    {
        return Some(home);
    }
    let site = match &request.site {
        Some((file, line)) => {
            named = named_by_place(configuration, file, *line).ok()?;
            &named
        }
        // One that only redirects says as well where the domain is at home.
        None => match candidates(configuration, request, true).as_slice() {
            [only] => *only,
            _ => return None,
        },
    };
    let mut addresses = site.addresses.clone();
    if only_leads_to_itself(configuration, request, site) {
        // Where HTTPS is spoken for the domain already is home too, and a redirect may have come at one address first.
        let secure = configuration
            .hosts_named(&request.domain)
            .filter(|host| speaks_tls(configuration, host) && host.names_exactly(&request.domain));
        let own = secure.flat_map(|host| &host.addresses).cloned();
        addresses.extend(own.filter(|address| address.port.is_none_or(|port| port == request.port)));
    }
    single(&addresses)
}

/// The addresses at which TLS virtual hosts have the domain for their own name, if all of them are single ones.
fn secure_home(configuration: &Configuration, request: &Request) -> Option<Vec<IpAddr>> {
    single(secure(configuration, request).flat_map(|host| &host.addresses))
}

/// The addresses, if there are some and all of them are single ones.
fn single<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Option<Vec<IpAddr>> {
    let all: Option<Vec<IpAddr>> = addresses.into_iter().map(Address::ip).collect();
    all.filter(|all| !all.is_empty())
}

/// Refuses further names under which another site answers over HTTP than that of the domain: HTTPS would show what is
/// served in `section` instead.
pub(super) fn refuse_other_sites(
    configuration: &Configuration,
    request: &Request,
    names: &[&str],
    section: SectionId,
) -> Result<(), PlanError> {
    let site = site(configuration, request)?.map_or(section, |site| site.section);
    let own = [section, site].map(|section| content(configuration, section));
    for name in names {
        let alone = Request {
            domain: name.to_string(),
            ..request.clone()
        };
        let other = candidates(configuration, &alone, false).into_iter().find(|host| {
            // Whoever takes every name has none for its own.
            host.has_name(name)
                && !host.has_name(NOBODY)
                && !own.contains(&content(configuration, host.section))
                && !redirects_everything(configuration, host, name)
        });
        if let Some(host) = other {
            return Err(refuse(
                RefusalCode::NameOfOtherSite,
                say![
                    *name,
                    " is answered by another site than ",
                    &request.domain,
                    ": ",
                    named(configuration, host),
                ],
                "; ",
                format!("run again without it, and then again with --domain {name}"),
            ));
        }
    }
    Ok(())
}

fn named_by_place(configuration: &Configuration, file: &Path, line: u32) -> Result<VirtualHost, PlanError> {
    let hosts = configuration.virtual_hosts();
    let found: Vec<&VirtualHost> = configuration.hosts_at(file, line).collect();
    match found.as_slice() {
        [host] => Ok((*host).clone()),
        [host, others @ ..] => Err(several(configuration, host, others, file, line)),
        [] => {
            let active = hosts.iter().filter(|host| host.truth == Truth::True);
            let mut all: Vec<Text> = active
                .map(|host| say!["  ", named(configuration, host)])
                .collect();
            if all.is_empty() {
                all.push("  none".into());
            }
            Err(refuse(
                RefusalCode::SiteNotThere,
                say!["there is no active virtual host at ", Place::asked(file, line),],
                "; ",
                say!["there are:\n", Text::joined(all, "\n")],
            ))
        }
    }
}

/// Why one place stands for several virtual hosts, and what helps.
fn several(
    configuration: &Configuration,
    host: &VirtualHost,
    others: &[&VirtualHost],
    file: &Path,
    line: u32,
) -> PlanError {
    let entry = |host: &VirtualHost| configuration.entry(host.entry);
    let read = |host: &VirtualHost| configuration.file(entry(host).file);
    let real = read(host).real();
    if others.iter().any(|other| read(other).real() != real) {
        return refuse(
            RefusalCode::SitePathAmbiguous,
            say![
                "--vhost ",
                Place::asked(file, line),
                " fits several virtual hosts",
            ],
            "; ",
            "give the full path of the file",
        );
    }
    let shown = named(configuration, host);
    if others.iter().any(|other| entry(other).file == entry(host).file) {
        return refuse(
            RefusalCode::FromMacro,
            say![
                "a macro makes several virtual hosts at ",
                Place::of(configuration, entry(host)),
                ", ",
                shown,
                " and others; they are not edited",
            ],
            ": ",
            "change the macro by hand, or write the one that is wanted without a macro",
        );
    }
    let all = std::iter::once(host).chain(others.iter().copied());
    let includes = all.filter_map(|host| {
        let (outer, line) = read(host).included_from?;
        Some(Place::at(configuration, &Spot::of_line(outer, line)).into())
    });
    refuse(
        RefusalCode::IncludedTwice,
        say![
            "the virtual host ",
            shown,
            " exists several times, because its file is read more than once, at ",
            Text::joined(includes, " and "),
        ],
        "; ",
        "keep only one of these Include lines, then run again",
    )
}
