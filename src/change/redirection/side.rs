//! Whom and where HTTPS serves, as the lines of a virtual host for HTTP see it. Edits nothing.

use std::net::IpAddr;

use crate::httpd::{Address, Configuration, Truth, VirtualHost};
use crate::mod_ssl::speaks_tls;

use super::super::existing::has_other_names;
use super::super::request::Request;
use super::expression::as_over_http;
use super::{Asked, Known, Names, Rule, Url, origin};

/// Whom and where HTTPS serves.
pub(in crate::change) struct Side<'a> {
    /// The names of the copy.
    pub own: Names<'a>,
    /// The names that are asked for.
    pub asked: Names<'a>,
    /// What variables hold.
    pub known: Known,
    /// Is that name served over HTTPS at this port, by whatever virtual host?
    pub served: Box<dyn Fn(&str) -> bool + 'a>,
    /// The port of HTTPS.
    pub port: u16,
    /// Those of HTTP that lead to the site.
    pub http: Vec<u16>,
}

impl<'a> Side<'a> {
    /// Of a copy of the site, or without one of a virtual host that inherits from the main server.
    pub fn of(configuration: &'a Configuration, request: &'a Request, site: Option<&'a VirtualHost>) -> Self {
        let port = request.port;
        let mut own: Vec<&str> = request.names().collect();
        let mut http: Vec<u16> = Vec::new();
        if let Some(site) = site {
            if !has_other_names(configuration, request, site) {
                own.extend(site.server_name.iter().chain(&site.aliases).map(String::as_str));
            }
            http.extend(site.addresses.iter().filter_map(|address| address.port));
        }
        http.retain(|port| *port != request.port);
        if http.is_empty() {
            http.push(80);
        }
        Side {
            own: Names(own),
            asked: Names(request.names().collect()),
            known: Known::of(configuration, site),
            served: Box::new(move |name| is_served(configuration, name, port)),
            port,
            http,
        }
    }

    /// The address is one of a name that HTTPS is served for, at a port of HTTP that it is served beside.
    pub fn is_ours(&self, url: &Url<'_>) -> bool {
        let by_variable = ["%{HTTP_HOST}", "%{SERVER_NAME}", "%{HTTP:HOST}"]
            .iter()
            .any(|variable| url.host.eq_ignore_ascii_case(variable));
        // `Host` brings the port.
        (by_variable || self.has_https(url.host))
            && url
                .port
                .is_some_and(|port| self.http.contains(&port) || says_port(url.host))
    }

    fn has_https(&self, host: &str) -> bool {
        self.own.has(host) || (self.served)(host)
    }

    /// An expression that holds over HTTPS as it does over HTTP, where it says something of the way. `negated`: something
    /// turns it around.
    pub fn as_over_http(&self, (text, negated): (&str, bool)) -> Option<String> {
        let host = self.own.0.first().copied().unwrap_or_default();
        let asked = |tls, port| Asked {
            host,
            path: "/",
            tls,
            port,
        };
        let http = self.http.first().copied().unwrap_or(80);
        as_over_http(text, negated, &asked(false, http), &asked(true, self.port))
    }

    /// The address of a rule as it is over HTTPS, where it leads to plain HTTP of names that are served there.
    pub fn target_over_tls(&self, rule: &Rule, target: &str) -> Option<String> {
        let plain = self.known.plainly(target);
        let by_request = |host: &str| host.contains(['%', '$']);
        let url = Url::parse(&plain)?;
        if url.tls {
            return None;
        }
        if !by_request(url.host) && url.port.is_some() {
            return self
                .is_ours(&url)
                .then(|| self.over_tls(target, &Url::parse(target).unwrap_or(url)));
        }
        let http = *self.http.first()?;
        let led = self.led(rule, target, (false, http))?;
        let is_plain = |(host, port, tls): &(String, Option<u16>, bool)| {
            !tls && self.has_https(host) && port.is_some_and(|port| self.http.contains(&port))
        };
        if led.is_empty() {
            return self.is_ours(&url).then(|| self.over_tls(target, &url));
        }
        if !led.iter().all(is_plain) {
            return None;
        }
        let (_, after) = target.split_once("://")?;
        let written = origin(target)?;
        let without_port = match written.rsplit_once(':') {
            Some((before, port)) if port.bytes().all(|b| b.is_ascii_digit()) => before,
            _ => written,
        };
        let (_, host) = without_port.split_once("://")?;
        let rest = &target[written.len()..];
        let mut ways = vec![format!("https://{after}"), format!("https://{host}{rest}")];
        ways.push(format!("https://{host}:{}{rest}", self.port));
        let wanted: Vec<(String, Option<u16>, bool)> = led
            .into_iter()
            .map(|(host, _, _)| (host, Some(self.port), true))
            .collect();
        ways.into_iter()
            .find(|way| self.led(rule, way, (true, self.port)).as_ref() == Some(&wanted))
    }

    /// Where a rule with another address leads clients: host, port, and whether to HTTPS.
    fn led(
        &self,
        rule: &Rule,
        target: &str,
        (tls, port): (bool, u16),
    ) -> Option<Vec<(String, Option<u16>, bool)>> {
        let plain = self.known.plainly(target);
        let rule = rule.clone().to(format!("{}/", origin(&plain)?));
        let sent = rule.sent(&self.asked, tls, port)?;
        let parts = sent.iter().filter_map(|sent| Url::parse(sent));
        let mut led: Vec<_> = parts
            .map(|url| (url.host.to_ascii_lowercase(), url.port, url.tls))
            .collect();
        led.sort();
        led.dedup();
        Some(led)
    }

    /// An address of HTTP as that of HTTPS.
    pub fn over_tls(&self, word: &str, url: &Url<'_>) -> String {
        let rest = &word[word.len() - url.rest.len()..];
        self.origin(url) + rest
    }

    /// `https://HOST`, with the port where it is not the usual one.
    pub fn origin(&self, url: &Url<'_>) -> String {
        match self.port {
            _ if says_port(url.host) => format!("https://{}", url.host),
            443 => format!("https://{}", url.host),
            port => format!("https://{}:{port}", url.host),
        }
    }
}

/// Does a virtual host for HTTPS answer the name wherever HTTP answers it? At one of several addresses, other clients would get
/// another site.
fn is_served(configuration: &Configuration, name: &str, port: u16) -> bool {
    if configuration.modules().has(b"ssl_module") != Truth::True {
        return false;
    }
    let named = configuration.hosts_named(name);
    let (secure, plain): (Vec<&VirtualHost>, Vec<&VirtualHost>) =
        named.partition(|host| speaks_tls(configuration, host));
    let addresses = secure.into_iter().flat_map(|host| &host.addresses);
    let mut addresses = addresses.filter(|address| address.port == Some(port)).peekable();
    if addresses.peek().is_none() {
        return false;
    }
    let Some(ips) = addresses.map(Address::ip).collect::<Option<Vec<IpAddr>>>() else {
        return true;
    };
    let mut plain = plain.into_iter().flat_map(|host| &host.addresses);
    plain.all(|address| address.ip().is_some_and(|ip| ips.contains(&ip)))
}

/// Is it `Host` as the client sent it, with its port?
fn says_port(host: &str) -> bool {
    ["%{HTTP_HOST}", "%{HTTP:HOST}"]
        .iter()
        .any(|variable| host.eq_ignore_ascii_case(variable))
}
