//! How HTTP reaches a name that is served over HTTPS. Asks nobody, edits nothing.

use std::net::IpAddr;

use serde::Serialize;

use super::redirection::redirects;
use super::request::Request;
use crate::httpd::{Configuration, Listen, SERVER, VirtualHost};
use crate::mod_ssl::{speaks_tls, ssl_engine};

/// What who asks for a name over HTTP gets. The list may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OverHttp {
    /// Nothing listens for HTTP.
    Silent,
    /// They are sent to HTTPS, whatever they ask for.
    Redirected,
    /// Another site answers them, as nothing there has the name.
    Other,
    /// The name is answered over HTTP as well.
    Answered,
}

/// The way of a name that is served over TLS at this port: of several ways the one that is farthest from HTTPS.
pub fn over_http(configuration: &Configuration, name: &str, host: &VirtualHost, port: u16) -> OverHttp {
    let listens = configuration.active_listens();
    let ways = listens.flat_map(|listen| {
        let ends = ends(listen, host);
        ends.into_iter()
            .filter_map(|end| way(configuration, (end, listen.port), name, port))
    });
    ways.max().unwrap_or(OverHttp::Silent)
}

/// Does a virtual host that answers over HTTP send who asks for the name to HTTPS, whatever the path?
pub fn leads_to_https(configuration: &Configuration, host: &VirtualHost, name: &str) -> bool {
    redirects(configuration, &asked(name, 443), host, name)
}

fn asked(name: &str, port: u16) -> Request {
    Request {
        domain: name.to_ascii_lowercase(),
        port,
        ..Request::default()
    }
}

/// The addresses of a virtual host at which a listener is reached; none is any that no virtual host names.
fn ends(listen: &Listen, host: &VirtualHost) -> Vec<Option<IpAddr>> {
    if !listen.is_wildcard() {
        return vec![listen.ip()];
    }
    let mut ends: Vec<Option<IpAddr>> = host.addresses.iter().map(|address| address.ip()).collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// What is got at one address and port; nothing where TLS is spoken there.
fn way(
    configuration: &Configuration,
    (end, at): (Option<IpAddr>, u16),
    name: &str,
    port: u16,
) -> Option<OverHttp> {
    let Some(answering) = configuration.answering(end, at, name) else {
        // The main server has one site, which virtual hosts inherit.
        return (!ssl_engine(configuration, SERVER)).then_some(OverHttp::Answered);
    };
    if speaks_tls(configuration, answering) {
        return None;
    }
    Some(match answering.has_name(name) {
        _ if redirects(configuration, &asked(name, port), answering, name) => OverHttp::Redirected,
        true => OverHttp::Answered,
        false => OverHttp::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::{Facts, Platform, Source};

    #[track_caller]
    fn becomes(http: &str, expected: OverHttp) {
        let text = format!(
            "LoadModule ssl_module x\nLoadModule alias_module x\nLoadModule rewrite_module x\nServerName main.test\n\
             Listen 443\n{http}<VirtualHost *:443>\nServerName a.test\nSSLEngine on\n</VirtualHost>\n"
        );
        let source = Source::new("/none".into(), Platform::HOST);
        let facts = Facts::assumed(Platform::HOST);
        let c = Configuration::from_bytes(b"/none/httpd.conf", text.into_bytes(), source, facts);
        let host = c.virtual_hosts().iter().find(|host| speaks_tls(&c, host));
        let told = over_http(&c, "a.test", host.expect("the host with TLS"), 443);
        assert_eq!(told, expected, "{http}");
    }

    #[test]
    fn ways_from_http_to_a_name() {
        let host = |name: &str, lines: &str| {
            format!("Listen 80\n<VirtualHost *:80>\nServerName {name}\n{lines}</VirtualHost>\n")
        };
        becomes("", OverHttp::Silent);
        becomes("Listen 80\n", OverHttp::Answered);
        becomes(&host("a.test", ""), OverHttp::Answered);
        becomes(&host("b.test", ""), OverHttp::Other);
        let all = "Redirect permanent / https://a.test/\n";
        becomes(&host("a.test", all), OverHttp::Redirected);
        becomes(
            &host("a.test", "Redirect /x https://a.test/x\n"),
            OverHttp::Answered,
        );
        // Of two ports the one that is farther from HTTPS.
        becomes(
            &format!("Listen 8080\n{}", host("a.test", all)),
            OverHttp::Answered,
        );
    }
}
