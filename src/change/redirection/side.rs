//! Whom and where HTTPS serves, as the lines of a virtual host for HTTP see it. Edits nothing.

use crate::httpd::{Configuration, VirtualHost};

use super::super::existing::{has_other_names, secured};
use super::super::request::Request;
use super::{Names, Url};

/// Whom and where HTTPS serves.
pub(in crate::change) struct Side<'a> {
    /// The names of the copy.
    pub own: Names<'a>,
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
            served: Box::new(move |name| {
                let at_port =
                    |host: &VirtualHost| host.addresses.iter().any(|address| address.port == Some(port));
                secured(configuration).any(|host| at_port(host) && host.has_name(name))
            }),
            port,
            http,
        }
    }

    /// The address is one of a name that HTTPS is served for, at a port of HTTP that it is served beside.
    pub fn is_ours(&self, url: &Url<'_>) -> bool {
        let by_variable = ["%{HTTP_HOST}", "%{SERVER_NAME}", "%{HTTP:HOST}"]
            .iter()
            .any(|variable| url.host.eq_ignore_ascii_case(variable));
        (by_variable || self.own.has(url.host) || (self.served)(url.host))
            && url.port.is_some_and(|port| self.http.contains(&port))
    }

    /// An address of HTTP as that of HTTPS.
    pub fn over_tls(&self, word: &str, url: &Url<'_>) -> String {
        let rest = &word[word.len() - url.rest.len()..];
        self.origin(url) + rest
    }

    /// `https://HOST`, with the port where it is not the usual one.
    pub fn origin(&self, url: &Url<'_>) -> String {
        match self.port {
            443 => format!("https://{}", url.host),
            port => format!("https://{}:{port}", url.host),
        }
    }
}
