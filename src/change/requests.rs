//! What clients ask the domain's site for over HTTP: the paths that its configuration names, under each of its names, at each
//! address at which it answers. Asks nobody.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use regex::Regex;

use crate::httpd::word::words;
use crate::httpd::{Configuration, Entry, EntryId, Listen, Truth, VirtualHost, is_nobodys};
use crate::mod_ssl::speaks_tls;

use super::existing::stands_in;
use super::redirection::texts;
use super::request::Request;
use super::site;

/// More requests are not made of one site.
const MOST_REQUESTS: usize = 32;
/// More addresses are not asked.
const MOST_ENDS: usize = 8;

/// Directives whose first argument that is a path is what clients ask for.
const BY_PATH: [&str; 8] = [
    "Alias",
    "ScriptAlias",
    "WSGIScriptAlias",
    "ProxyPass",
    "JkMount",
    "Redirect",
    "RedirectPermanent",
    "RedirectTemp",
];

/// Directives whose first argument that is a pattern takes it.
const BY_PATTERN: [&str; 6] = [
    "AliasMatch",
    "ScriptAliasMatch",
    "WSGIScriptAliasMatch",
    "ProxyPassMatch",
    "RedirectMatch",
    "RewriteRule",
];

/// Sections for what is below a path, or what a pattern takes.
const SECTIONS: [&str; 2] = ["<Location", "<LocationMatch"];

/// Handlers whose pages tell of the server itself, and so are never the same twice.
const OF_THE_SERVER: [&str; 4] = ["server-status", "server-info", "balancer-manager", "ldap-status"];

/// One request over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Where the site answers it.
    pub at: SocketAddr,
    /// The name that is asked for.
    pub name: String,
    /// What is asked for, from its `/` on.
    pub path: String,
}

/// What is asked of the site of a request: `/` under each name at each address first, then all paths, of which there may be
/// more than are asked.
pub fn requests(configuration: &Configuration, request: &Request) -> Vec<Asked> {
    let ends = ends(configuration, request);
    let Some((_, host)) = ends.first() else {
        return Vec::new();
    };
    let (names, paths) = (names(request, *host), paths(configuration, *host));
    let asked = |path: &String, name: &String, at: SocketAddr| Asked {
        at,
        name: name.clone(),
        path: path.clone(),
    };
    // A name that another virtual host answered, or nobody had, showed another site.
    let answers = |name: &String, (at, host): &(SocketAddr, Option<&VirtualHost>)| {
        let answering = configuration.answering(Some(at.ip()), at.port(), name);
        answering.map(|host| host.section) == host.map(|host| host.section)
    };
    let everywhere = |path: &String| -> Vec<Asked> {
        let each = names
            .iter()
            .flat_map(|name| ends.iter().map(move |end| (name, end)));
        let own = each.filter(|(name, end)| answers(name, end));
        own.map(|(name, end)| asked(path, name, end.0)).collect()
    };
    let mut all = everywhere(&paths[0]);
    all.extend(paths.iter().map(|path| asked(path, &names[0], ends[0].0)));
    all.extend(paths.iter().flat_map(everywhere));
    let mut seen = HashSet::new();
    all.retain(|asked| seen.insert(asked.clone()));
    all.truncate(MOST_REQUESTS);
    all
}

/// Is it to be answered over HTTPS as well? The names of the request are, and others that their virtual host for HTTPS has.
pub fn is_wanted(result: &Configuration, request: &Request, asked: &Asked) -> bool {
    let answering = |name: &str| result.answering(Some(asked.at.ip()), request.port, name);
    let is_same = |host: &VirtualHost| {
        let own = answering(&client_name(&request.domain));
        own.is_some_and(|own| own.section == host.section) && host.has_name(&asked.name)
    };
    let mut names = request.names().map(client_name);
    names.any(|name| name == asked.name) || answering(&asked.name).is_some_and(is_same)
}

/// A name that a client may ask for.
fn client_name(name: &str) -> String {
    name.replace('*', "www").replace('?', "x")
}

/// The names of the request, and those of the virtual host that has them.
fn names(request: &Request, host: Option<&VirtualHost>) -> Vec<String> {
    let mut names: Vec<String> = request.names().map(client_name).collect();
    let own = host
        .into_iter()
        .flat_map(|host| host.server_name.iter().chain(&host.aliases));
    for name in own.filter(|name| !name.contains(['*', '?']) && !is_nobodys(name)) {
        let name = name.to_ascii_lowercase();
        if host.is_some_and(|host| host.has_name(&request.domain)) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Where the site answers over HTTP, with its virtual host; none is the main server.
fn ends<'a>(
    configuration: &'a Configuration,
    request: &Request,
) -> Vec<(SocketAddr, Option<&'a VirtualHost>)> {
    let site = site::site(configuration, request).ok().flatten();
    let listens = configuration.listens().iter().filter(|listen| {
        listen.truth == Truth::True && listen.port != request.port && listen.effective_protocol() != "https"
    });
    let mut all: Vec<(SocketAddr, Option<&VirtualHost>)> = Vec::new();
    let mut seen = HashSet::new();
    for listen in listens {
        for ip in addresses(configuration, listen) {
            let at = SocketAddr::new(ip, listen.port);
            let host = configuration.answering(Some(ip), listen.port, &client_name(&request.domain));
            let speaks_tls = host.is_some_and(|host| speaks_tls(configuration, host));
            if !speaks_tls && seen.insert(at) {
                all.push((at, host));
            }
        }
    }
    let section = |host: &Option<&VirtualHost>| host.map(|host| host.section);
    match site.map(|site| site.section) {
        Some(site) => all.retain(|(_, host)| section(host) == Some(site)),
        // It is the main server's, or nothing but a redirect to HTTPS is left of it. What is shown of another site to all
        // that has no name there is not.
        None => {
            all.retain(|(_, host)| {
                host.is_none_or(|host| host.has_name(&request.domain) || stands_in(configuration, host))
            });
            let own = |(_, host): &(SocketAddr, Option<&VirtualHost>)| {
                host.is_some_and(|host| host.has_name(&request.domain))
            };
            if all.iter().any(own) {
                all.retain(own);
            }
            let usual = all.iter().find(|(at, _)| at.port() == 80).or(all.first());
            let usual = usual.map(|(at, host)| (at.port(), section(host)));
            all.retain(|(at, host)| Some((at.port(), section(host))) == usual);
        }
    }
    all.truncate(MOST_ENDS);
    all
}

/// The addresses of this machine at which a listener is reached, as far as the configuration tells them apart.
fn addresses(configuration: &Configuration, listen: &Listen) -> Vec<IpAddr> {
    if let Some(ip) = listen.ip() {
        return vec![ip];
    }
    let only_v4 = listen.is_all_of(&Ipv4Addr::UNSPECIFIED.into());
    let only_v6 = listen.is_all_of(&Ipv6Addr::UNSPECIFIED.into());
    let is_reached = |ip: &IpAddr| !(only_v4 && ip.is_ipv6() || only_v6 && ip.is_ipv4());
    let hosts = configuration.virtual_hosts().iter();
    let named = hosts
        .filter(|host| host.truth == Truth::True)
        .flat_map(|host| &host.addresses)
        .filter(|address| address.port.is_none_or(|port| port == listen.port))
        .filter_map(|address| address.ip());
    let mut all: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    all.extend(named);
    all.retain(is_reached);
    all
}

/// The paths that the lines for a virtual host name, its own and those that it has of the main server; `/` comes first.
fn paths(configuration: &Configuration, host: Option<&VirtualHost>) -> Vec<String> {
    let mut all = vec!["/".to_owned()];
    let is_host = |entry: EntryId| configuration.is_named(configuration.entry(entry), "<VirtualHost");
    let is_own = |entry: &Entry| {
        let mut sections = configuration.ancestors(entry);
        let home = sections.find(|(_, section)| is_host(section.opening));
        entry.truth == Truth::True
            && home.is_none_or(|(home, _)| host.is_some_and(|host| host.section == home))
    };
    let mut lines: Vec<_> = BY_PATH
        .iter()
        .chain(&BY_PATTERN)
        .chain(&SECTIONS)
        .flat_map(|name| configuration.named(name))
        .filter(|(_, entry)| is_own(entry))
        .collect();
    // What the virtual host says itself comes before what it inherits.
    let inherits =
        |entry: &Entry| host.is_some_and(|host| !configuration.is_within(entry.section, host.section));
    lines.sort_by_key(|(id, entry)| (inherits(entry), *id));
    for (id, entry) in lines {
        // Each is at least one request.
        if all.len() == MOST_REQUESTS {
            break;
        }
        if !tells_of_the_server(configuration, id)
            && let Some(path) = path_of(configuration, entry)
            && !all.contains(&path)
        {
            all.push(path);
        }
    }
    all
}

/// The path that a line is about, or one that its pattern takes; nothing where it has none, or none that is known.
pub(super) fn path_of(configuration: &Configuration, entry: &Entry) -> Option<String> {
    let is = |names: &[&str]| names.iter().any(|name| configuration.is_named(entry, name));
    let given: Vec<Vec<u8>> = match is(&SECTIONS) {
        // The bracket at its end is none of its words.
        true => {
            let argument = configuration.section_argument(entry);
            words(&argument).map(|word| word.value.into_owned()).collect()
        }
        false if is(&BY_PATH) || is(&BY_PATTERN) => configuration.arguments(entry),
        false => return None,
    };
    let given = texts(&given);
    match given.first()?.as_str() {
        "~" => sample(given.get(1)?),
        // Its status may come first.
        status if is(&["RedirectMatch"]) && is_status(status) => sample(given.get(1)?),
        pattern if is(&BY_PATTERN) || is(&["<LocationMatch"]) => sample(pattern),
        _ => {
            let path = given.iter().take(2).find(|word| word.starts_with('/'))?;
            usable(path.split('*').next().unwrap_or_default())
        }
    }
}

/// Is it what a redirect may say first of itself?
fn is_status(word: &str) -> bool {
    let words = ["permanent", "temp", "seeother", "gone"];
    words.contains(&word.to_ascii_lowercase().as_str()) || word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A path that a pattern takes, as far as one is found by what it begins with.
fn sample(pattern: &str) -> Option<String> {
    let known = Regex::new(pattern).ok()?;
    let literal = pattern.trim_start_matches('^');
    let end = literal
        .find(['(', '[', '.', '*', '+', '?', '$', '|'])
        .unwrap_or(literal.len());
    let end = match literal[..end].ends_with('\\') {
        true => end - 1,
        false => end,
    };
    let mut literal = literal[..end].replace('\\', "");
    if !literal.starts_with('/') {
        literal.insert(0, '/');
    }
    let tries = ["", "x", "/", "/x", "1"].map(|behind| format!("{literal}{behind}"));
    // In a folder's context the path has no slash before it.
    let takes = |path: &&String| known.is_match(path) || known.is_match(&path[1..]);
    tries.iter().find(takes).and_then(|path| usable(path))
}

/// A path that can be asked for as it is written.
fn usable(path: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"%?#\"<>\\^`{|}".contains(&byte);
    (path.starts_with('/') && path.len() < 256 && path.bytes().all(is_plain)).then(|| path.to_owned())
}

/// Is it a section that hands what is below it to a handler that tells of the server itself?
fn tells_of_the_server(configuration: &Configuration, opening: EntryId) -> bool {
    let mut sections = (0..).zip(configuration.sections());
    let Some((section, _)) = sections.find(|(_, section)| section.opening == opening) else {
        return false;
    };
    let handlers = configuration.named_in(section, "SetHandler");
    handlers
        .flat_map(|(_, entry)| configuration.arguments(entry))
        .any(|word| {
            OF_THE_SERVER
                .iter()
                .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::{Facts, Platform, Source};

    fn configuration(text: &str) -> Configuration {
        let source = Source::new("/none".into(), Platform::HOST);
        let facts = Facts::assumed(Platform::HOST);
        Configuration::from_bytes(b"/none/httpd.conf", text.as_bytes().to_vec(), source, facts)
    }

    fn asked(text: &str, names: &[&str]) -> Vec<String> {
        let request = Request {
            domain: names[0].to_owned(),
            aliases: names[1..].iter().map(|name| (*name).to_owned()).collect(),
            port: 443,
            ..Request::default()
        };
        let all = requests(&configuration(text), &request);
        let shown = all
            .iter()
            .map(|asked| format!("{} {} {}", asked.at, asked.name, asked.path));
        shown.collect()
    }

    /// The paths that are asked for of a virtual host with these lines.
    fn paths_of(lines: &str) -> Vec<String> {
        let text =
            format!("Listen 127.0.0.1:80\n<VirtualHost *:80>\nServerName a.test\n{lines}\n</VirtualHost>\n");
        let all = asked(&text, &["a.test"]);
        let paths = all
            .iter()
            .filter_map(|line| line.strip_prefix("127.0.0.1:80 a.test "));
        paths.map(str::to_owned).collect()
    }

    #[test]
    fn the_paths_that_lines_name() {
        for (lines, paths) in [
            ("", vec!["/"]),
            ("Alias /icons/ /srv/icons/", vec!["/", "/icons/"]),
            ("Redirect permanent /old http://b.test/", vec!["/", "/old"]),
            ("Redirect / http://b.test/", vec!["/"]),
            (
                "ProxyPass /app http://127.0.0.1:8080/\nProxyPass /app/img !",
                vec!["/", "/app", "/app/img"],
            ),
            (
                "<Location /x>\nProxyPass http://127.0.0.1:8080/\n</Location>",
                vec!["/", "/x"],
            ),
            ("<Location ~ \"^/(a|b)/\">\n</Location>", vec!["/"]),
            ("<LocationMatch ^/p/[0-9]+>\n</LocationMatch>", vec!["/", "/p/1"]),
            (
                "RedirectMatch 301 ^/blog(/.*)?$ http://b.test$1",
                vec!["/", "/blog"],
            ),
            ("RedirectMatch gone ^/dead$", vec!["/", "/dead"]),
            ("RewriteRule ^old/(.*)$ /new/$1 [R]", vec!["/", "/old/"]),
            ("RewriteRule \\.php$ - [F]", vec!["/"]),
            ("JkMount /jsp/* worker", vec!["/", "/jsp/"]),
            ("Alias \"/with blank\" /srv", vec!["/"]),
            (
                "<Location /server-status>\nSetHandler server-status\n</Location>",
                vec!["/"],
            ),
            ("<IfDefine NONE>\nAlias /never /srv\n</IfDefine>", vec!["/"]),
        ] {
            assert_eq!(paths_of(lines), paths, "{lines}");
        }
    }

    #[test]
    fn each_name_at_each_address_and_no_more_than_are_asked() {
        let text = "Listen 80\nListen 443 https\n<VirtualHost *:80>\nServerName a.test\nServerAlias www.a.test *.b.test\n\
                    Alias /x /srv\n</VirtualHost>\nAlias /icons/ /srv/icons/\n<VirtualHost *:80>\nServerName b.test\nAlias /y \
                    /srv\n</VirtualHost>\n";
        let all = asked(text, &["a.test"]);
        let expected: Vec<String> = [
            ("127.0.0.1", "a.test", "/"),
            ("[::1]", "a.test", "/"),
            ("127.0.0.1", "www.a.test", "/"),
            ("[::1]", "www.a.test", "/"),
            ("127.0.0.1", "a.test", "/x"),
            ("127.0.0.1", "a.test", "/icons/"),
        ]
        .map(|(ip, name, path)| format!("{ip}:80 {name} {path}"))
        .into();
        assert_eq!(all[..expected.len()], expected);
        assert_eq!(all.len(), 12);
        let many: String = (0..99).map(|number| format!("Alias /{number} /srv\n")).collect();
        assert_eq!(
            asked(&format!("Listen 80\n{many}"), &["a.test"]).len(),
            MOST_REQUESTS
        );
    }

    #[test]
    fn where_the_site_answers_and_nobody_else() {
        let text = "Listen 80\nListen 8080\nListen 0.0.0.0:81\n<VirtualHost 10.0.0.1:80>\nServerName a.test\n</VirtualHost>\n\
                    <VirtualHost *:8080>\nServerName a.test\n</VirtualHost>\n";
        assert_eq!(asked(text, &["a.test"]), ["10.0.0.1:80 a.test /"]);
        // Nothing but the main server, on port 80 where there is such a one.
        let main = "Listen 8080\nListen [::]:80\nServerName a.test\n";
        assert_eq!(asked(main, &["a.test"]), ["[::1]:80 a.test /"]);
        assert_eq!(
            asked("Listen 443 https\nServerName a.test\n", &["a.test"]),
            [""; 0]
        );
    }
}
