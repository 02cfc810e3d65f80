//! What HTTPS is to answer where HTTP answered so: the same page and status, and redirects in their https form. It asks
//! nobody.

use std::net::IpAddr;

use super::place::{PAGE, Place};
use super::probe::Reply;

impl Place<'_> {
    /// What is wrong with the answer of a wanted name over HTTPS, measured by what HTTP answered; nothing where HTTP is
    /// no measure.
    pub fn differs(&self, is: &Reply) -> Option<String> {
        let Reply::Http { location, .. } = is else {
            return None;
        };
        if let Some(location) = location
            && self.is_plain_of_ours(location)
        {
            return Some(format!("HTTPS leads back to {location}"));
        }
        let known = self.measures();
        if known.is_empty() || known.iter().any(|was| self.is_same(was, is)) {
            return None;
        }
        Some(format!("HTTP was {:?}, HTTPS is {is:?}", known[0]))
    }

    /// Is it no page because HTTP showed none?
    pub fn is_kept(&self, is: &Reply) -> bool {
        // A site that is chosen by the name (VirtualDocumentRoot) has none for a further one at its own address.
        let measures = self.measures_at(&self.trial.ips());
        let none = measures.iter().filter(|was| was.body().is_none());
        none.into_iter().any(|was| self.is_same(was, is)) || self.has_no_folder(is)
    }

    /// Has a further name no folder in a site that shows each name one of its own (VirtualDocumentRoot)?
    fn has_no_folder(&self, is: &Reply) -> bool {
        let label = self.name.split('.').next().unwrap_or_default();
        matches!(is, Reply::Http { status: 404, .. })
            && self.name != self.wanted[0]
            && self.trial.layout.is_by_folder()
            && !self.trial.set_up.root.join("sites").join(label).exists()
    }

    /// Does it lead to HTTPS of the very place that is asked?
    pub fn leads_here(&self, reply: &Reply) -> bool {
        let location = match reply {
            Reply::Http { location, .. } => location.as_deref().map(plainly),
            _ => None,
        };
        let here = |name: &String| self.here(name);
        location.is_some_and(|location| self.wanted.iter().map(here).any(|here| here == location))
    }

    fn here(&self, name: &str) -> String {
        let https = self.trial.network.https;
        plainly(&format!("https://{}:{https}{}", bracket(name), self.path))
    }

    /// What HTTP answered, first that to the name itself; a further name may show what the first one showed.
    fn measures(&self) -> Vec<Reply> {
        let mut ips = vec![self.ip];
        if self.is_home_elsewhere() {
            ips.extend(self.trial.ips());
        }
        self.measures_at(&ips)
    }

    fn measures_at(&self, ips: &[std::net::IpAddr]) -> Vec<Reply> {
        let network = self.trial.network;
        let ports = [network.http, self.trial.set_up.other];
        let mut all = Vec::new();
        for name in [self.name, &self.wanted[0]] {
            for ip in ips {
                let replies = ports.map(|port| self.plain_at(*ip, self.before, port, name));
                all.extend(
                    replies
                        .into_iter()
                        .filter(|reply| matches!(reply, Reply::Http { .. })),
                );
            }
        }
        all
    }

    pub fn is_same(&self, was: &Reply, is: &Reply) -> bool {
        let (
            Reply::Http {
                status,
                location,
                body,
                ..
            },
            Reply::Http {
                status: status_now,
                location: location_now,
                body: body_now,
                ..
            },
        ) = (was, is)
        else {
            return false;
        };
        let Some(location) = location else {
            return (status, body) == (status_now, body_now) && location_now.is_none();
        };
        let wanted = self.in_https_form(location);
        let now = location_now.as_deref().map(plainly);
        // Of a name that has HTTPS at one address only, nobody knows where clients come in.
        let is_either = self.is_plain_of(location, |name| self.has_tls_at(false, name))
            && now
                .as_deref()
                .is_some_and(|now| in_https(location, self.trial.network.https) == now);
        let goes_there = status == status_now && (now.as_ref() == Some(&wanted) || is_either);
        let led_here = self.led_here(&wanted) || self.is_shown_as(&wanted, is);
        goes_there || led_here && location_now.as_deref().map(plainly).as_ref() != Some(&wanted)
    }

    /// Did HTTP lead to the very place that is asked, or to another of the names that HTTP led there as well? Then
    /// HTTPS shows what is there.
    fn led_here(&self, target: &str) -> bool {
        let network = self.trial.network;
        self.wanted.iter().any(|name| {
            let here = self.here(name);
            let led = self.plain_at(self.ip, self.before, network.http, name);
            let leads = matches!(led, Reply::Http { location: Some(to), .. } if plainly(&to) == target);
            here == target && (name == self.name || leads)
        })
    }

    /// Is the answer that of the place where HTTP led, by another name of the same virtual host for HTTPS? It would lead
    /// there without end.
    fn is_shown_as(&self, target: &str, is: &Reply) -> bool {
        let Some(("https", host, port, path)) = parts(target) else {
            return false;
        };
        let there = (self.ip, port, true, host.to_owned(), path.to_owned());
        port == self.trial.network.https && path == self.path && self.after.to(&there) == *is
    }

    fn in_https_form(&self, location: &str) -> String {
        let https = self.trial.network.https;
        match self.is_plain_of_ours(location) {
            true => in_https(location, https),
            false => plainly(location),
        }
    }

    /// Is it the plain address of a name that is served over HTTPS wherever that is heard?
    fn is_plain_of_ours(&self, location: &str) -> bool {
        self.is_plain_of(location, |name| self.has_tls_at(true, name))
    }

    /// Is it the plain address of a name that was wanted, or is like that?
    fn is_plain_of(&self, location: &str, is_one: impl Fn(&str) -> bool) -> bool {
        let Some((scheme, host, port, _)) = parts(location) else {
            return false;
        };
        let name = host.trim_matches(['[', ']']);
        let is_wanted = self.wanted.iter().any(|wanted| wanted == name);
        scheme == "http" && port == self.trial.network.http && (is_wanted || is_one(name))
    }

    /// Does another virtual host show its own page over HTTPS here?
    pub fn has_tls(&self, name: &str) -> bool {
        self.shows_over_tls(self.ip, name) == Some(true)
    }

    /// Does it so at some address that is heard, or at all?
    fn has_tls_at(&self, everywhere: bool, name: &str) -> bool {
        let ips = self.trial.ips().into_iter();
        let shown: Vec<bool> = ips.filter_map(|ip| self.shows_over_tls(ip, name)).collect();
        shown.contains(&true) && !(everywhere && shown.contains(&false))
    }

    /// Is its own page shown over HTTPS there? `None`: nobody listens.
    fn shows_over_tls(&self, ip: IpAddr, name: &str) -> Option<bool> {
        let own = self.trial.layout.own_pages_of(name);
        let https = self.trial.network.https;
        let shown = self
            .before
            .to(&(ip, https, true, name.to_owned(), PAGE.to_owned()));
        let is_own = |body: &String| own.iter().any(|page| body.ends_with(page.as_str()));
        (shown != Reply::Refused).then(|| shown.body().is_some_and(is_own))
    }
}

/// A plain address in its https form.
fn in_https(location: &str, port: u16) -> String {
    match parts(location) {
        Some((_, host, _, rest)) => plainly(&format!("https://{host}:{port}{rest}")),
        None => location.to_owned(),
    }
}

fn bracket(name: &str) -> String {
    crate::support::client::bracketed(name).to_string()
}

/// Scheme, host, port and all behind it.
pub fn parts(location: &str) -> Option<(&str, &str, u16, &str)> {
    let (scheme, rest) = location.split_once("://")?;
    let (host, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let usual = if scheme == "https" { 443 } else { 80 };
    match host.rsplit_once(':').filter(|(_, port)| !port.contains(']')) {
        Some((host, port)) => Some((scheme, host, port.parse().ok()?, rest)),
        None => Some((scheme, host, usual, rest)),
    }
}

/// An address with its port, however it is written.
fn plainly(location: &str) -> String {
    match parts(location) {
        Some((scheme, host, port, rest)) => format!("{scheme}://{host}:{port}{rest}"),
        None => location.to_owned(),
    }
}
