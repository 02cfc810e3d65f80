//! Lines by which the server asks itself, or sends clients to itself, at a port where plain HTTP stops or only redirects
//! afterwards. Edits nothing.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::httpd::{Address, Configuration, Entry, Listen, Truth, VirtualHost};

use super::asleep::is_reached;
use super::existing::{REDIRECTS, in_virtual_host, says, text};
use super::redirection::{Side, Url, has_flag, redirects, texts};
use super::request::{Http, Request};
use super::site::site;
use super::site_candidates::secure;

/// More are counted only.
const MOST: usize = 5;

/// Directives whose addresses are servers that are asked.
const BACKENDS: [&str; 4] = ["ProxyPass", "ProxyPassMatch", "BalancerMember", "SetHandler"];

/// What becomes of a request there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nothing listens there anymore.
    Nobody,
    /// It is sent to HTTPS.
    Redirect,
}

/// What to know of such lines.
pub(super) fn told(original: &Configuration, result: &Configuration, request: &Request) -> Vec<String> {
    let listens = original.listens().iter();
    let listens = listens.filter(|listen| listen.truth == Truth::True && listen.port != request.port);
    let stopping: Vec<&Listen> = listens
        .filter(|listen| !is_taken(result, listen.ip(), listen.port))
        .collect();
    if stopping.is_empty() && request.http != Some(Http::Redirect) {
        return Vec::new();
    }
    let is_new = secure(original, request).next().is_none();
    let ports = Ports {
        original,
        result,
        request,
        stopping,
        names: OnceCell::new(),
        ips: OnceCell::new(),
        copied: site(original, request).ok().flatten().filter(|_| is_new),
    };
    let names = BACKENDS.iter().chain(&REDIRECTS).chain(&["ErrorDocument"]);
    let mut found: Vec<_> = names
        .flat_map(|name| original.named(name))
        .filter(|(_, entry)| entry.truth == Truth::True)
        .filter_map(|(id, entry)| ports.led(entry).map(|led| (id, entry, led)))
        .collect();
    found.sort_unstable_by_key(|(id, ..)| *id);
    let lines = found.iter().take(MOST);
    let mut told: Vec<String> = lines.map(|(_, entry, led)| ports.text(entry, led)).collect();
    if let Some(more) = found.len().checked_sub(MOST).filter(|more| *more > 0) {
        told.push(format!("and {more} more lines lead there"));
    }
    told
}

/// Where a line leads.
struct Led {
    port: u16,
    end: End,
    /// The server itself asks, and no client.
    is_backend: bool,
}

/// The ports of this machine before and after.
struct Ports<'a> {
    original: &'a Configuration,
    result: &'a Configuration,
    request: &'a Request,
    /// The listeners for HTTP that go.
    stopping: Vec<&'a Listen>,
    /// The virtual hosts by their names, without wildcards, when a line asks for one.
    names: OnceCell<HashMap<String, &'a VirtualHost>>,
    /// The addresses of this machine that the configuration speaks of, when a line asks for one.
    ips: OnceCell<HashSet<IpAddr>>,
    /// The virtual host of which that for HTTPS is a copy now.
    copied: Option<VirtualHost>,
}

impl<'a> Ports<'a> {
    fn active(&self) -> impl Iterator<Item = &'a VirtualHost> + use<'a> {
        let hosts = self.original.virtual_hosts().iter();
        hosts.filter(|host| host.truth == Truth::True)
    }

    fn named(&self, name: &str) -> Option<&'a VirtualHost> {
        let names = self.names.get_or_init(|| {
            let mut names = HashMap::new();
            for host in self.active() {
                for name in host.server_name.iter().chain(&host.aliases) {
                    names.entry(name.to_ascii_lowercase()).or_insert(host);
                }
            }
            names
        });
        names.get(name).copied()
    }

    fn is_own(&self, ip: &IpAddr) -> bool {
        let ips = self.ips.get_or_init(|| {
            let addresses = self.active().flat_map(|host| &host.addresses);
            let listened = self.original.listens().iter().filter_map(Listen::ip);
            addresses.filter_map(Address::ip).chain(listened).collect()
        });
        ips.contains(ip)
    }

    /// Where a line leads, if that is a port of this machine that does not answer as it did.
    fn led(&self, entry: &Entry) -> Option<Led> {
        let words = texts(&self.original.arguments(entry));
        let is = |name: &str| self.original.is_named(entry, name);
        let is_rule = is("RewriteRule");
        let is_backend =
            BACKENDS.iter().any(|name| is(name)) || is_rule && has_flag(words.get(2), ["P", "PROXY"]);
        // Addresses of WebSockets come in by the same port.
        let plain: Vec<String> = words.iter().take(3).map(|word| as_http(word)).collect();
        let url = plain.iter().find_map(|word| Url::parse(word))?;
        let port = url.port.filter(|_| !url.tls)?;
        let end = self.end(entry, &url, port, is_backend)?;
        let host = in_virtual_host(self.original, entry);
        let is_copied = |host: &VirtualHost| {
            self.copied
                .as_ref()
                .is_some_and(|own| own.section == host.section)
        };
        let is_shown = host.is_none_or(|host| is_reached(self.result, host) || is_copied(host));
        // The copy says https instead.
        let is_changed = || {
            let side = Side::of(self.original, self.request, host);
            !is_backend && host.is_some_and(is_copied) && side.is_ours(&url)
        };
        (is_shown && !is_changed()).then_some(Led {
            port,
            end,
            is_backend,
        })
    }

    fn end(&self, entry: &Entry, url: &Url<'_>, port: u16, is_backend: bool) -> Option<End> {
        let ips = self.ips_of(url.host, port)?;
        let is_stopped = |ip: &Option<IpAddr>| {
            let mut stopping = self.stopping.iter().filter(|listen| listen.port == port);
            stopping.any(|listen| ip.is_none_or(|ip| listen.takes(ip))) && !is_taken(self.result, *ip, port)
        };
        if !ips.is_empty() && ips.iter().all(is_stopped) {
            return Some(End::Nobody);
        }
        // Who is sent to HTTPS by a redirect of this run: a client goes there, the server itself does not.
        if !is_backend || self.request.http != Some(Http::Redirect) {
            return None;
        }
        let keeps = self
            .original
            .setting(self.original.context(entry), "ProxyPreserveHost");
        let is_kept = keeps.is_some_and(|entry| says(self.original, entry, "on"));
        let name = match is_kept || url.host.contains('%') {
            true => self.request.domain.as_str(),
            false => url.host.trim_matches(['[', ']']),
        };
        let [before, after] = [self.original, self.result].map(|configuration| {
            let host = configuration.answering(*ips.first()?, port, name)?;
            redirects(configuration, self.request, host, name).then_some(())
        });
        (before.is_none() && after.is_some()).then_some(End::Redirect)
    }

    /// The local addresses that a host of an address stands for, `None` for whichever; nothing where it may be another
    /// machine.
    fn ips_of(&self, host: &str, port: u16) -> Option<Vec<Option<IpAddr>>> {
        let host = host
            .trim_matches(['[', ']'])
            .trim_end_matches('.')
            .to_ascii_lowercase();
        let loopbacks: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        if host == "localhost" {
            let heard = |ip: &IpAddr| is_taken(self.original, Some(*ip), port);
            return Some(loopbacks.into_iter().filter(heard).map(Some).collect());
        }
        if let Ok(ip) = host.parse::<IpAddr>() {
            let is_ours = ip.is_loopback() || ip.is_unspecified() || self.is_own(&ip);
            return is_ours.then(|| vec![Some(ip).filter(|ip| !ip.is_unspecified())]);
        }
        if ["%{http_host}", "%{server_name}", "%{http:host}", "%{server_addr}"].contains(&host.as_str()) {
            return Some(vec![None]);
        }
        let main = self.original.main_server_name();
        match self.named(&host) {
            Some(found) => Some(found.addresses.iter().map(|address| address.ip()).collect()),
            None if main.is_some_and(|main| main.eq_ignore_ascii_case(&host)) => Some(vec![None]),
            None => self.request.names().any(|name| name == host).then(|| vec![None]),
        }
    }

    fn text(&self, entry: &Entry, led: &Led) -> String {
        let line = format!(
            "`{}` at {}",
            text(self.original, entry),
            self.original.place(entry)
        );
        let port = led.port;
        let way = "--http keep and --http redirect leave the port open";
        match (led.end, led.is_backend) {
            (End::Nobody, true) => format!(
                "{line} asks this server itself on port {port}, where nothing listens anymore: what it passes on fails with \
                 503. {way}"
            ),
            (End::Nobody, false) => format!(
                "{line} sends clients to this server on port {port}, where nothing listens anymore: they reach nobody. {way}"
            ),
            (End::Redirect, _) => format!(
                "{line} asks this server itself on port {port}, where {} is sent to HTTPS now: clients get that redirect \
                 instead of what was passed on. --http keep leaves it as it is",
                self.request.domain
            ),
        }
    }
}

/// Addresses of WebSockets and of handlers as those of HTTP.
fn as_http(word: &str) -> String {
    let word = word.strip_prefix("proxy:").unwrap_or(word);
    match word.get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("ws://") => format!("http://{}", &word[5..]),
        _ => word.to_owned(),
    }
}

/// Does a listener take an address at a port? `None`: that of all, or any of them.
fn is_taken(configuration: &Configuration, ip: Option<IpAddr>, port: u16) -> bool {
    let listens = configuration.listens().iter();
    let mut here = listens.filter(|listen| listen.truth == Truth::True && listen.port == port);
    here.any(|listen| ip.is_none_or(|ip| listen.takes(ip)))
}
