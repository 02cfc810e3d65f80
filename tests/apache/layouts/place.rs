//! One name at one address of a layout, before and after: what is wrong with its answers. It asks nobody.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::probe::{Reply, digest};
use super::trial::Trial;
use crate::support::client::bracketed;

/// Where a request goes: address, port, over TLS, name, path.
pub type Question = (IpAddr, u16, bool, String, String);

/// What everybody is asked for, besides the paths of the layout; the redirect must keep all of it.
pub const PAGE: &str = "/index.html?a=b";

/// What stays for certificate authorities in a redirecting virtual host.
pub const CHALLENGE: &str = "/.well-known/acme-challenge/token";

/// All replies by question; nobody listens where nothing was asked.
pub struct Replies(pub BTreeMap<Question, Reply>);

impl Replies {
    pub fn to(&self, question: &Question) -> Reply {
        let found = self.0.get(question);
        found.cloned().unwrap_or(Reply::Refused)
    }
}

/// One name at one address, before and after.
pub struct Place<'a> {
    pub trial: &'a Trial<'a>,
    pub before: &'a Replies,
    pub after: &'a Replies,
    pub ip: IpAddr,
    pub name: &'a str,
    pub path: &'a str,
    pub wanted: &'a [String],
}

impl Place<'_> {
    /// The first thing that is wrong.
    pub fn wrong(&self) -> Option<String> {
        self.other_port().or_else(|| self.http()).or_else(|| self.https())
    }

    fn plain(&self, all: &Replies, name: &str) -> Reply {
        self.on_port(all, self.trial.network.http, name)
    }

    /// Over HTTP on this port.
    fn on_port(&self, all: &Replies, port: u16, name: &str) -> Reply {
        self.plain_at(self.ip, all, port, name)
    }

    pub fn plain_at(&self, ip: IpAddr, all: &Replies, port: u16, name: &str) -> Reply {
        all.to(&(ip, port, false, name.to_owned(), self.path.to_owned()))
    }

    fn secure(&self, all: &Replies, name: &str) -> Reply {
        self.secure_at(self.ip, all, name)
    }

    fn secure_at(&self, ip: IpAddr, all: &Replies, name: &str) -> Reply {
        all.to(&(
            ip,
            self.trial.network.https,
            true,
            name.to_owned(),
            self.path.to_owned(),
        ))
    }

    fn is_wanted(&self) -> bool {
        self.wanted.iter().any(|name| name == self.name)
    }

    /// What is wrong with the answer on the port that is neither: a virtual host of both redirects on both.
    fn other_port(&self) -> Option<String> {
        let port = self.trial.set_up.other;
        let [was, is] = [self.before, self.after].map(|all| self.on_port(all, port, self.name));
        let there = |name: &str| self.on_port(self.before, port, name);
        // Who got the site as its default goes with it, as on the HTTP port.
        let is_default = || {
            let is_address = self.name.parse::<IpAddr>().is_ok();
            was == there(&self.wanted[0]) && (was == there("unknown.test") || is_address)
        };
        let redirected =
            self.path != CHALLENGE && is == self.redirect() && (self.is_wanted() || is_default());
        // Where it is the only one for HTTP, it is the one that goes off.
        let http = self.trial.layout.options("--http");
        let off = is == Reply::Refused && matches!(http.as_slice(), [] | ["off"]) && !self.is_http_heard();
        // As on the HTTP port: a redirecting virtual host inherits the main server's files.
        let inherits = self.path == CHALLENGE && self.is_wanted() && was == there("unknown.test");
        let fine = was == is || off || (redirected || inherits) && http == ["redirect"];
        (!fine).then(|| format!("the other port was {was:?}, is {is:?}"))
    }

    /// Did anything listen on the HTTP port?
    fn is_http_heard(&self) -> bool {
        let asked = self.before.0.keys();
        asked
            .into_iter()
            .any(|(_, port, ..)| *port == self.trial.network.http)
    }

    /// What is wrong with the answer over HTTP.
    fn http(&self) -> Option<String> {
        let (was, is) = (
            self.plain(self.before, self.name),
            self.plain(self.after, self.name),
        );
        let is_address = self.name.parse::<IpAddr>().is_ok();
        let fine = match self.trial.layout.options("--http").first() {
            Some(&"redirect") => {
                let goes = is == self.redirect();
                match (self.is_wanted(), self.path != CHALLENGE) {
                    (true, true) => goes || is == was && !self.has_site_here(),
                    // A redirecting virtual host for a name that nobody had inherits the main server's files.
                    (true, _) => is == was || self.is_nobodys() || self.has_no_host(),
                    // Who got the site as its default goes with it.
                    (false, true) => is == was || goes && self.is_default_here(is_address),
                    (false, _) => is == was,
                }
            }
            Some(&"keep") => is == was,
            _ => is == was || is == Reply::Refused,
        };
        (!fine).then(|| format!("HTTP was {was:?}, is {is:?}"))
    }

    /// Did the name get the site as its default, as its page shows? What it redirects to may hold the name.
    fn is_default_here(&self, is_address: bool) -> bool {
        let page = |name: &str| {
            let question = (
                self.ip,
                self.trial.network.http,
                false,
                name.to_owned(),
                PAGE.to_owned(),
            );
            self.before.to(&question)
        };
        let was = page(self.name);
        was == page(&self.wanted[0]) && (was == page("unknown.test") || is_address)
    }

    fn redirect(&self) -> Reply {
        let port = match self.trial.network.https {
            443 => String::new(),
            port => format!(":{port}"),
        };
        Reply::Http {
            leaf: None,
            status: 301,
            location: Some(format!(
                "https://{}{port}{}",
                bracketed(&self.wanted[0]),
                self.path
            )),
            hsts: None,
            body: String::new(),
        }
    }

    /// HTTPS shows the page here that HTTP showed here.
    fn has_site_here(&self) -> bool {
        let secure = self.secure(self.after, &self.wanted[0]);
        secure.body().is_some() && secure.body() == self.plain(self.before, &self.wanted[0]).body()
    }

    /// The addresses at which the domain is at home: where a virtual host with its name showed its page, over HTTPS
    /// before HTTP on its port and on others, the plain name before one with wildcards, of which either may count; of a site that nobody reached,
    /// where it is shown now; of one that shows no page, where HTTPS answers as HTTP did, or at all.
    fn homes(&self) -> Vec<Vec<IpAddr>> {
        // Its page says where it is; another path may be missing everywhere.
        Place { path: PAGE, ..*self }.homes_by_path()
    }

    fn homes_by_path(&self) -> Vec<Vec<IpAddr>> {
        let (layout, domain) = (self.trial.layout, &self.wanted[0]);
        let network = self.trial.network;
        let (https, http) = ((network.https, true), (network.http, false));
        let other = (self.trial.set_up.other, false);
        let [exact, like] = [layout.own_pages_of(domain), layout.pages_of(domain)];
        let where_shown = |own: &[String], all: &Replies, (port, tls): (u16, bool)| {
            self.ips_where(|ip| {
                [PAGE, CHALLENGE].into_iter().any(|path| {
                    let reply = all.to(&(ip, port, tls, domain.clone(), path.to_owned()));
                    let body = reply.body();
                    body.is_some_and(|body| own.iter().any(|page| body.ends_with(page.as_str())))
                })
            })
        };
        let secure = |ip| self.secure_at(ip, self.after, domain);
        // A virtual host that sends everybody elsewhere shows its page nowhere.
        let redirects = |port: u16, ip: IpAddr| {
            let plain = self.plain_at(ip, self.before, port, domain);
            let is_redirect = matches!(
                &plain,
                Reply::Http {
                    location: Some(_),
                    ..
                }
            );
            is_redirect && self.is_same(&plain, &secure(ip))
        };
        let where_sent = |port: u16| self.ips_where(|ip| redirects(port, ip));
        let searches: [&dyn Fn() -> Vec<Vec<IpAddr>>; 9] = [
            &|| vec![where_shown(&exact, self.before, https)],
            &|| vec![where_shown(&exact, self.before, http)],
            &|| vec![where_shown(&exact, self.before, other)],
            // Over HTTP it may only redirect.
            &|| vec![where_shown(&exact, self.after, https)],
            &|| match exact.is_empty() {
                true => Vec::new(),
                false => vec![where_sent(network.http)],
            },
            // That of the site may have redirected only, beside one with wildcards that had TLS.
            &|| {
                let mut came = where_shown(&like, self.after, https);
                came.retain(|ip| secure(*ip) != self.secure_at(*ip, self.before, domain));
                let there = [https, http].map(|end| where_shown(&like, self.before, end));
                there.into_iter().chain([came]).collect()
            },
            &|| vec![where_shown(&like, self.before, other)],
            &|| match like.is_empty() {
                true => Vec::new(),
                false => vec![where_sent(network.http), where_sent(self.trial.set_up.other)],
            },
            &|| {
                let plain = |ip| self.plain_at(ip, self.before, network.http, domain);
                let same = self.ips_where(|ip| self.is_same(&plain(ip), &secure(ip)));
                let any = self.ips_where(|ip| matches!(secure(ip), Reply::Http { .. }));
                vec![if same.is_empty() { any } else { same }]
            },
        ];
        searches
            .into_iter()
            .map(|search| {
                search()
                    .into_iter()
                    .filter(|homes| !homes.is_empty())
                    .collect::<Vec<_>>()
            })
            .find(|homes| !homes.is_empty())
            .unwrap_or_default()
    }

    fn ips_where(&self, holds: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
        self.trial.ips().into_iter().filter(|ip| holds(*ip)).collect()
    }

    /// Is the name in no virtual host?
    fn has_no_host(&self) -> bool {
        self.trial.layout.pages_of(self.name).is_empty()
    }

    /// Is the answer over HTTP that of a default here, which has the name in it at most?
    fn is_nobodys(&self) -> bool {
        self.is_nobodys_at(self.ip, self.name)
    }

    fn is_nobodys_at(&self, ip: IpAddr, name: &str) -> bool {
        let plain_of = |name: &str| self.plain_at(ip, self.before, self.trial.network.http, name);
        let plain = plain_of(name);
        let own = self.trial.layout.pages_of(name);
        let is_of_others = |body: &String| !own.iter().any(|page| body.ends_with(page.as_str()));
        let is_by_name = !own.is_empty() && plain.body().is_some_and(is_of_others);
        let unknown = plain_of("unknown.test");
        is_by_name || plain == unknown || plain.of_name(name) == unknown.of_name("unknown.test")
    }

    /// Was the domain at home at other addresses only, or the site chosen by its place? Then what answers here may stay.
    pub fn is_home_elsewhere(&self) -> bool {
        let chosen = !self.trial.layout.options("--vhost").is_empty();
        chosen || self.homes().iter().any(|homes| !homes.contains(&self.ip))
    }

    /// Was the domain at home here, and gets no HTTPS at any of its homes?
    fn is_homeless(&self) -> bool {
        let homes = self.homes().into_iter().next().unwrap_or_default();
        let is_refused = |ip: &IpAddr| self.secure_at(*ip, self.after, self.name) == Reply::Refused;
        homes.contains(&self.ip) && homes.iter().all(is_refused)
    }

    /// Has a virtual host the name, or that of the site, that nobody reached?
    fn is_unreached(&self) -> bool {
        [self.name, &self.wanted[0]].into_iter().any(|name| {
            let has_host = !self.trial.layout.pages_of(name).is_empty();
            has_host
                && self
                    .trial
                    .ips()
                    .into_iter()
                    .all(|ip| self.is_nobodys_at(ip, name))
        })
    }

    /// What is wrong with the answer over HTTPS.
    fn https(&self) -> Option<String> {
        let (was, is) = (
            self.secure(self.before, self.name),
            self.secure(self.after, self.name),
        );
        let wrong = |what: &str| Some(format!("{what}: was {was:?}, is {is:?}"));
        if !self.is_wanted() {
            if self.stays_for_others(&was, &is) {
                return None;
            }
            return wrong("HTTPS of another site");
        }
        // Where HTTPS has addresses of its own, they are somebody's decision.
        let listens = |ip| self.secure_at(ip, self.before, self.name) != Reply::Refused;
        let elsewhere = self.trial.ips().into_iter().any(listens);
        let nothing_here = elsewhere || self.plain(self.before, self.name) == Reply::Refused;
        if [&was, &is] == [&Reply::Refused; 2] && nothing_here && !self.is_homeless() {
            return None;
        }
        let nobody = |reply: &Reply| !matches!(reply, Reply::Http { .. });
        let unchanged = was == is || nobody(&was) && nobody(&is);
        if unchanged && self.is_home_elsewhere() {
            return None;
        }
        let Reply::Http { leaf, hsts, .. } = &is else {
            return wrong("no HTTPS");
        };
        if *leaf != Some(digest(&self.trial.set_up.new.der)) {
            return wrong("another certificate");
        }
        if hsts.is_some() != self.trial.layout.args.iter().any(|argument| argument == "--hsts") {
            return wrong("HSTS");
        }
        self.content(&was, &is)
    }

    /// What is wrong with what HTTPS shows of a wanted name.
    fn content(&self, was: &Reply, is: &Reply) -> Option<String> {
        if self.trial.is_otherwise(self.path) {
            return None;
        }
        let wrong = |what: &str| Some(format!("{what}: was {was:?}, is {is:?}"));
        if let (Some(page), Some(body)) = (&self.trial.layout.page, is.body())
            && [PAGE, CHALLENGE].contains(&self.path)
            && !body.ends_with(page)
        {
            return wrong("not the page that was expected");
        }
        // What HTTPS showed already is nobody's measure, and a name that nobody had gets the main server's.
        let is_default = *was == self.secure(self.before, "unknown.test") && !self.has_tls(self.name);
        let is_new = is_default || !matches!(was, Reply::Http { .. });
        if is_new && (!self.is_nobodys() || self.has_one_default()) {
            // A virtual host for HTTPS that answered before stays what it was, and so does a main server that has the name.
            let told = self.trial.sites_told.borrow();
            let of_name = format!("over HTTP {} is answered", self.name);
            let is_named = match was {
                Reply::Http { .. } => !told.is_empty(),
                _ => told.iter().any(|line| line.contains(&of_name)),
            };
            return self.differs(is).filter(|_| !is_named);
        }
        match is.body() {
            Some(body) if !self.is_own_page(body, was) => wrong("another page over HTTPS"),
            None if self.path == PAGE && !self.is_kept(is) && !self.is_unreached() => {
                wrong("no page over HTTPS")
            }
            _ => None,
        }
    }

    /// Does the domain, which no virtual host has, get the same over HTTP wherever that is heard? Then that is its site.
    fn has_one_default(&self) -> bool {
        let plain = |ip| self.plain_at(ip, self.before, self.trial.network.http, self.name);
        let replies = self.trial.ips().into_iter().map(plain);
        let mut heard = replies.filter(|reply| matches!(reply, Reply::Http { .. }));
        let first = heard.next();
        let is_domain = self.name == self.wanted[0] && self.has_no_host();
        is_domain && first.is_some() && heard.all(|reply| Some(&reply) == first.as_ref())
    }

    /// Does a name that nobody wanted secured get over HTTPS what it got?
    fn stays_for_others(&self, was: &Reply, is: &Reply) -> bool {
        // The domain's own virtual host may be the default for others.
        let is_own = *was == self.secure(self.before, &self.wanted[0]);
        // Without a name in the handshake the settings are those of the first virtual host, and Apache answers
        // for no other with others.
        let misdirected =
            self.name.parse::<IpAddr>().is_ok() && matches!(is, Reply::Http { status: 421, .. });
        was.body().is_none() || was == is || is_own || misdirected
    }

    /// Is a page one that the name showed before: over HTTPS, or HTTP at any address or port? A further name shows that of
    /// the first. A redirect showed none. A name that nobody had gets the main server's.
    fn is_own_page(&self, body: &str, was: &Reply) -> bool {
        let network = self.trial.network;
        let mut known = vec![was.clone(), self.secure(self.before, &self.wanted[0])];
        for ip in self.trial.ips() {
            for name in [self.name, &self.wanted[0]] {
                for port in [network.http, self.trial.set_up.other] {
                    known.push(self.plain_at(ip, self.before, port, name));
                }
            }
        }
        let plain = self.plain(self.before, self.name);
        let is_main = body == "main" || body == "token of main";
        let own = self.trial.layout.pages_of(&self.wanted[0]);
        known
            .iter()
            .any(|reply| reply.body().is_some_and(|known| known == body))
            || own.iter().any(|page| body.ends_with(page.as_str()))
            || known.iter().any(|reply| self.leads_here(reply))
            || matches!(
                plain,
                Reply::Http {
                    status: 301 | 302,
                    ..
                }
            )
            || is_main && plain == self.plain(self.before, "unknown.test")
    }
}
