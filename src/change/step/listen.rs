//! The step that gets the port listened on, and HTTP switched off where that is asked. Knows no certificates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::httpd::{Address, Configuration, Edit, Listen, Truth, VirtualHost};

use super::super::answer::Answers;
use super::super::edit_lines::{at_port, comment_out, insert_lines, move_listen, server_root_line};
use super::super::existing::is_nameless;
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, Text, named, say};
use super::super::request::{Http, Request};
use super::super::site::site;
use super::guard;

/// Edits after which something listens on the request's port and HTTP is as asked; none when it is so.
pub(super) fn edits(configuration: &Configuration, request: &Request) -> Result<Vec<Edit>, PlanError> {
    let answers = Answers::new(configuration, request);
    // Where TLS is spoken already, the listeners are somebody's decision, and so is HTTP beside it; only an explicit
    // word changes that.
    let decided = answers.port_speaks_tls();
    let homes = answers.homes_without_listener();
    if homes.is_empty() && decided && request.http != Some(Http::Off) {
        return Ok(Vec::new());
    }
    let step = Step::new(configuration, request, &answers);
    let edits = if !homes.is_empty() {
        vec![step.at_homes(&homes)?]
    } else if request.http_stays() || step.plain.is_empty() {
        step.keep()?
    } else {
        step.off()?
    };
    if !edits.is_empty() {
        undecided(configuration, &answers, request)?;
    }
    Ok(edits)
}

/// Virtual hosts that `--http off` leaves without a listener, to be told about.
pub(in crate::change) fn losing_hosts(configuration: &Configuration, request: &Request) -> Vec<VirtualHost> {
    let answers = Answers::new(configuration, request);
    let step = Step::new(configuration, request, &answers);
    step.losers().into_iter().cloned().collect()
}

/// Refuses to add or move listeners beside one that cannot be told.
fn undecided(
    configuration: &Configuration,
    answers: &Answers<'_>,
    request: &Request,
) -> Result<(), PlanError> {
    if let Some(entry) = configuration.unreadable_listen() {
        return Err(refuse(
            RefusalCode::ListenUnreadable,
            say![
                "the Listen at ",
                Place::of(configuration, entry),
                " cannot be read (an undefined variable?), so it is unknown what can be added next to it",
            ],
            "; ",
            "write its port, then run again",
        ));
    }
    let unknown = answers
        .listens
        .iter()
        .find(|listen| listen.truth == Truth::Unknown && (listen.port == request.port || listen.port == 80));
    match unknown {
        None => Ok(()),
        Some(unknown) => Err(refuse(
            RefusalCode::ListenUndecided,
            say![
                "whether ",
                quoted(configuration, unknown),
                " is active depends on a condition that cannot be decided without the server",
            ],
            "; ",
            "name the httpd binary with --httpd, or move the line out of the condition",
        )),
    }
}

/// A listener as it is written, and where.
fn quoted(configuration: &Configuration, listen: &Listen) -> Text {
    let place = Place::of(configuration, configuration.entry(listen.entry));
    say!["`Listen ", listen.endpoint(), "` at ", place]
}

/// The listeners that serve HTTP and are meant by `--http`: those on port 80, or else the only one there is.
pub(super) fn plain_http<'a>(answers: &'a Answers<'_>, request: &Request) -> Vec<&'a Listen> {
    let http: Vec<&Listen> = answers
        .active_listens()
        .into_iter()
        .filter(|listen| {
            listen.port != request.port
                && listen.effective_protocol() != "https"
                && !answers.listener_speaks_tls(listen)
        })
        .collect();
    let on_80: Vec<&Listen> = http.iter().copied().filter(|listen| listen.port == 80).collect();
    match http.as_slice() {
        _ if !on_80.is_empty() => on_80,
        // With the HTTPS port listened on already, another port than 80 is somebody's own choice and does not go off.
        [only] if !answers.is_listened_on() || request.http == Some(Http::Redirect) => vec![only],
        _ => Vec::new(),
    }
}

/// Listeners for the port that a flag would switch on with which the server is not started, each with that flag.
pub(in crate::change) fn sleeping(configuration: &Configuration, port: u16) -> Vec<(&Listen, String)> {
    let listens = configuration.listens().iter();
    let asleep = listens.filter(|listen| listen.truth == Truth::False && listen.port == port);
    asleep
        .filter_map(|listen| Some((listen, guard::flag(configuration, listen)?)))
        .collect()
}

/// Those listeners by which the domain's site is reached; others are not its own. All, where none leads there and HTTPS
/// is not there yet.
fn leading_to_site<'a>(
    configuration: &Configuration,
    request: &Request,
    listens: Vec<&'a Listen>,
) -> Vec<&'a Listen> {
    let is_there = configuration
        .listens()
        .iter()
        .any(|listen| listen.truth == Truth::True && listen.port == request.port);
    // The only one there is is all, whoever answers there.
    if listens.len() < 2 && !is_there {
        return listens;
    }
    let Ok(site) = site(configuration, request) else {
        return listens;
    };
    let site = site.map(|site| site.section);
    let ends = |listen: &Listen| -> Vec<Option<IpAddr>> {
        if !listen.is_wildcard() {
            return vec![listen.ip()];
        }
        let active = configuration
            .virtual_hosts()
            .iter()
            .filter(|host| host.truth == Truth::True);
        let named = active.flat_map(|host| &host.addresses).filter_map(Address::ip);
        std::iter::once(None).chain(named.map(Some)).collect()
    };
    let leads = |listen: &&&Listen| {
        ends(listen).into_iter().any(|end| {
            let answers = configuration.answering(end, listen.port, &request.domain);
            answers.map(|host| host.section) == site
        })
    };
    let own: Vec<&Listen> = listens.iter().filter(leads).copied().collect();
    if own.is_empty() && !is_there { listens } else { own }
}

struct Step<'a> {
    configuration: &'a Configuration,
    request: &'a Request,
    active: Vec<&'a Listen>,
    plain: Vec<&'a Listen>,
    /// The site is at home at single addresses, and the port is listened on at all of them.
    at_home: bool,
}

/// How the HTTPS port stands at the address of a listener.
enum Cover<'a> {
    /// It is listened on there.
    Covered,
    /// It can be listened on there.
    Free,
    /// A listener for part of the address would stand in the way at start.
    Blocked(&'a Listen),
}

impl<'a> Step<'a> {
    fn new(configuration: &'a Configuration, request: &'a Request, answers: &'a Answers<'_>) -> Self {
        Step {
            configuration,
            request,
            active: answers.active_listens(),
            plain: leading_to_site(configuration, request, plain_http(answers, request)),
            at_home: answers.is_at_home(),
        }
    }

    /// The port is listened on where HTTP is, beside it.
    fn keep(&self) -> Result<Vec<Edit>, PlanError> {
        let mut missing: Vec<&Listen> = Vec::new();
        for listen in &self.plain {
            match self.cover(listen) {
                Cover::Covered => {}
                Cover::Free => missing.push(listen),
                Cover::Blocked(other) => return Err(self.blocked(listen, other)),
            }
        }
        if self.plain.is_empty() && !self.active.iter().any(|listen| listen.port == self.request.port) {
            missing = self.active.clone();
            return Ok(vec![self.beside(&missing)]);
        }
        Ok(if missing.is_empty() {
            Vec::new()
        } else {
            vec![self.beside(&missing)]
        })
    }

    /// Each HTTP listener becomes one for HTTPS, or goes where there is one already.
    fn off(&self) -> Result<Vec<Edit>, PlanError> {
        let losers = self.losers();
        if self.request.http.is_none() && !losers.is_empty() {
            let hosts = losers
                .iter()
                .map(|host| say!["  ", named(self.configuration, host)]);
            return Err(refuse(
                RefusalCode::HttpHostsLeftBare,
                say![
                    "switching HTTP off (the default) would leave virtual hosts without a listener:\n",
                    Text::joined(hosts, "\n"),
                ],
                "\n",
                "choose --http keep (HTTP and HTTPS side by side) or --http off",
            ));
        }
        let mut edits = Vec::new();
        for listen in &self.plain {
            match self.cover(listen) {
                Cover::Covered => edits.push(self.drop(listen)?),
                Cover::Free if !self.may_clash(listen) => edits.push(self.switch(listen)?),
                // The line that moves would clash with the one that may wake up; a guarded one does not.
                Cover::Free => {
                    edits.push(self.drop(listen)?);
                    edits.push(self.behind(&[listen], &[at_port(listen, self.request.port)]));
                }
                Cover::Blocked(other) => return Err(self.blocked(listen, other)),
            }
        }
        Ok(edits)
    }

    fn cover(&self, listen: &Listen) -> Cover<'a> {
        let wanted = Listen {
            port: self.request.port,
            ..listen.clone()
        };
        let there = || {
            self.active
                .iter()
                .copied()
                .filter(|other| other.port == self.request.port)
        };
        let covers = |other: &Listen| {
            other.address == wanted.address
                || other.address.is_none()
                || other.is_all_of(&Ipv6Addr::UNSPECIFIED.into())
                || (other.is_wildcard() && wanted.ip().is_none_or(|ip| ip.is_ipv4()))
                || (wanted.ip().is_some() && wanted.ip() == other.ip())
        };
        if there().any(covers) {
            return Cover::Covered;
        }
        match there().find(|other| other.overlaps(&wanted)) {
            None => Cover::Free,
            // The rest is not wanted.
            Some(_) if self.at_home => Cover::Covered,
            Some(other) => Cover::Blocked(other),
        }
    }

    fn blocked(&self, listen: &Listen, other: &Listen) -> PlanError {
        refuse(
            RefusalCode::ListenPartial,
            say![
                quoted(self.configuration, other),
                " covers only some of the addresses that listen for HTTP (",
                quoted(self.configuration, listen),
                "), and Apache cannot listen on the others next to it",
            ],
            "; ",
            format!(
                "change it to `Listen {}`, then run again",
                at_port(listen, self.request.port)
            ),
        )
    }

    /// Active virtual hosts that can be reached only through the listeners that go.
    fn losers(&self) -> Vec<&VirtualHost> {
        let goes = |listen: &Listen| self.plain.iter().any(|plain| plain.entry == listen.entry);
        let stays = |address: &Address| {
            self.active.iter().any(|listen| {
                listen.port != self.request.port
                    && !goes(listen)
                    && address.port.is_none_or(|port| port == listen.port)
                    && address.ip().is_none_or(|ip| listen.takes(ip))
            })
        };
        // The site itself is served over HTTPS instead; under another name than the domain it is not.
        let is_served =
            |host: &VirtualHost| host.has_name(&self.request.domain) || is_nameless(self.configuration, host);
        let own = site(self.configuration, self.request).ok().flatten();
        let own = own.filter(is_served);
        let hosts = self.configuration.virtual_hosts().iter().filter(|host| {
            let reached = host.addresses.iter().any(|address| {
                self.plain.iter().any(|plain| {
                    address.port.is_none_or(|port| port == plain.port)
                        && address.ip().is_none_or(|ip| plain.takes(ip))
                })
            });
            let is_tls = |address: &Address| address.port == Some(self.request.port);
            let remains = host
                .addresses
                .iter()
                .any(|address| is_tls(address) || stays(address));
            let is_own = own.as_ref().is_some_and(|own| own.section == host.section);
            host.truth == Truth::True && reached && !remains && !is_own
        });
        hosts.collect()
    }

    /// `Listen 80` becomes `Listen 443`: the port inside the argument changes, the rest of the line stays.
    fn switch(&self, listen: &Listen) -> Result<Edit, PlanError> {
        self.editable(listen)?;
        let target = at_port(listen, self.request.port);
        let reason = format!(
            "listen for HTTPS on {target} instead of HTTP on {}",
            listen.endpoint()
        );
        Ok(move_listen(
            self.configuration,
            listen,
            self.request.port,
            "https",
            reason,
        ))
    }

    /// Would a listener for HTTPS that is switched off stand in the way of one in that place?
    fn may_clash(&self, listen: &Listen) -> bool {
        let wanted = Listen {
            port: self.request.port,
            ..listen.clone()
        };
        let all = sleeping(self.configuration, self.request.port);
        all.iter().any(|(other, _)| other.overlaps(&wanted))
    }

    /// A listener that is no longer wanted is commented out.
    fn drop(&self, listen: &Listen) -> Result<Edit, PlanError> {
        self.editable(listen)?;
        let reason = format!("stop listening for HTTP on {}", listen.endpoint());
        Ok(comment_out(self.configuration, listen.entry, reason))
    }

    fn editable(&self, listen: &Listen) -> Result<(), PlanError> {
        let entry = self.configuration.entry(listen.entry);
        match self.configuration.macro_place(entry) {
            None => Ok(()),
            Some(_) => Err(refuse(
                RefusalCode::FromMacro,
                say![
                    "`Listen ",
                    listen.endpoint(),
                    "` comes from a macro used at ",
                    Place::of(self.configuration, entry),
                    " and is not edited",
                ],
                "; ",
                "move it out of the macro, or use --http keep",
            )),
        }
    }

    /// New `Listen` lines behind their siblings: one for each address, or one for all addresses.
    fn beside(&self, siblings: &[&Listen]) -> Edit {
        let mut endpoints: Vec<Listen> = Vec::new();
        for listen in siblings.iter().copied().filter(|listen| self.is_in_file(listen)) {
            let wanted = Listen {
                port: self.request.port,
                protocol: None,
                ..listen.clone()
            };
            let clashes = |known: &Listen| known.overlaps(&wanted) && !is_family_pair(known, &wanted);
            if wanted.is_wildcard() {
                // One for all addresses takes the place of those for single ones.
                endpoints.retain(|known| known.is_wildcard() || !clashes(known));
            }
            if !endpoints.iter().any(clashes) {
                endpoints.push(wanted);
            }
        }
        let mut endpoints: Vec<String> = endpoints.iter().map(Listen::endpoint).collect();
        if endpoints.is_empty() {
            endpoints.push(self.request.port.to_string());
        }
        self.behind(siblings, &endpoints)
    }

    /// New `Listen` lines for the addresses of the site, beside those of others for the port.
    fn at_homes(&self, homes: &[IpAddr]) -> Result<Edit, PlanError> {
        let port = self.request.port;
        // One that nothing listens on by itself may be none of this machine, and Apache would not start.
        let is_bound = |ip: &&IpAddr| self.active.iter().any(|listen| listen.ip() == Some(**ip));
        let endpoints = |homes: &mut dyn Iterator<Item = &IpAddr>| -> Vec<String> {
            homes.map(|ip| SocketAddr::new(*ip, port).to_string()).collect()
        };
        let bound = endpoints(&mut homes.iter().filter(is_bound));
        if bound.is_empty() {
            return Err(refuse(
                RefusalCode::ListenNotBound,
                format!(
                    "the site of {} is at addresses where nothing listens on port {port}, while something listens \
                     on that port at others",
                    self.request.domain
                ),
                "; ",
                format!(
                    "add `Listen {}` if that is an address of this machine, then run again",
                    endpoints(&mut homes.iter()).join("` and `Listen ")
                ),
            ));
        }
        let mut siblings = self.active.clone();
        siblings.retain(|listen| listen.port == port);
        Ok(self.behind(&siblings, &bound))
    }

    /// `Listen` lines behind the last of some, or else behind the server root. They stand together: `0.0.0.0` and
    /// `[::]` start only when nothing stands between them.
    fn behind(&self, siblings: &[&Listen], endpoints: &[String]) -> Edit {
        let sleeping = sleeping(self.configuration, self.request.port);
        let mut reason = format!("listen for HTTPS on {}", endpoints.join(" and "));
        if let Some((first, _)) = sleeping.first() {
            let place = self.configuration.place(self.configuration.entry(first.entry));
            reason += &format!(", unless the `Listen {}` at {place} does", first.endpoint());
        }
        let lines = guard::lines(sleeping.into_iter().map(|(_, flag)| flag), endpoints);
        let last = siblings.iter().rfind(|listen| self.is_in_file(listen));
        let (file, line) = match last.map(|listen| self.configuration.entry(listen.entry)) {
            Some(last) => (last.file, Some(last.line)),
            None => (0, server_root_line(self.configuration)),
        };
        insert_lines(self.configuration, file, line, &lines, reason)
    }

    /// It stands in a file, and does not come out of a macro.
    fn is_in_file(&self, listen: &Listen) -> bool {
        let entry = self.configuration.entry(listen.entry);
        self.configuration.macro_place(entry).is_none()
    }
}

/// `0.0.0.0` and `[::]` side by side: one for each family, which Apache can bind together when they are adjacent.
fn is_family_pair(a: &Listen, b: &Listen) -> bool {
    let [v4, v6]: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    a.is_all_of(&v4) && b.is_all_of(&v6) || a.is_all_of(&v6) && b.is_all_of(&v4)
}
