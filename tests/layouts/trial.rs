//! One layout put to the test: what every name got before, `enable`, and what every name gets afterwards.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use super::layout::{Layout, SetUp};
use super::probe::{Reply, ask, digest};
use super::support::apache::{Apache, Ask, Httpd};
use super::support::network::Network;
use super::support::process::Outcome;
use super::support::program::esync_ssl;

/// Where a request goes: address, port, over TLS, name, path.
type Question = (IpAddr, u16, bool, String, &'static str);

const PAGE: &str = "/index.html?a=b";
const CHALLENGE: &str = "/.well-known/acme-challenge/token";

/// How a trial ended well.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Enabled,
    /// Refused with this text, and nothing was changed.
    Refused(String),
    /// Apache does not start with the layout as it is.
    NeverStarted,
}

/// Carries a layout out. The error says what was wrong.
pub fn carry_out(layout: &Layout, httpd: &Httpd, network: &Network) -> Result<End, String> {
    let set_up = layout.set_up(httpd, network);
    let trial = Trial {
        layout,
        network,
        set_up: &set_up,
        ask: httpd.ask(&set_up.root, &set_up.main),
    };
    trial.run().map_err(|error| {
        let mut text = format!(
            "=== {}: {error}\narguments: {}\n",
            layout.name,
            layout.args.join(" ")
        );
        for (path, bytes) in set_up.files() {
            let shown = path
                .strip_prefix(&set_up.root)
                .unwrap_or(&path)
                .display()
                .to_string();
            if !shown.starts_with("tls") && !shown.starts_with("sites/") {
                text += &format!("--- {shown}\n{}\n", String::from_utf8_lossy(&bytes));
            }
        }
        text
    })
}

struct Trial<'a> {
    layout: &'a Layout,
    network: &'a Network,
    set_up: &'a SetUp,
    ask: Ask,
}

impl Trial<'_> {
    fn run(&self) -> Result<End, String> {
        let original = self.set_up.files();
        let before = {
            let Ok(server) = self.start() else {
                return Ok(End::NeverStarted);
            };
            self.ask_everything(&server)
        };
        let outcome = self.enable();
        if outcome.code == Some(4) {
            if self.set_up.files() != original {
                return Err(format!("it refused and changed files: {}", outcome.report()));
            }
            let said = outcome.stderr_text();
            return match &self.layout.refused {
                Some(expected) if !said.contains(expected) => {
                    Err(format!("it refused for another reason: {said}"))
                }
                _ => Ok(End::Refused(said)),
            };
        }
        if outcome.code != Some(0) || self.layout.refused.is_some() {
            return Err(format!("not the end that was expected: {}", outcome.report()));
        }
        let enabled = self.set_up.files();
        let after = {
            let server = self
                .start()
                .map_err(|error| format!("Apache does not start afterwards: {error}"))?;
            self.ask_everything(&server)
        };
        self.compare(&before, &after)?;
        let again = self.enable();
        if again.code != Some(0)
            || !again.stdout_text().contains("Nothing needs to change")
            || self.set_up.files() != enabled
        {
            return Err(format!("a second run is not without effect: {}", again.report()));
        }
        Ok(End::Enabled)
    }

    fn start(&self) -> Result<Apache, String> {
        self.ask.start(&[])
    }

    fn enable(&self) -> Outcome {
        let file = |path: &Path| path.display().to_string();
        esync_ssl()
            .args(["enable", "--yes", "--root", &file(&self.set_up.root)])
            .args(["--config", &file(&self.set_up.main)])
            .args(["--port", &self.network.https.to_string()])
            .args(["--cert", &file(&self.set_up.new.certificate)])
            .args(["--key", &file(&self.set_up.new.key)])
            .args(["--force", "CHAIN-MISSING"])
            .args(&self.set_up.args)
            .run()
    }

    fn ips(&self) -> Vec<IpAddr> {
        ["127.0.0.1", "127.0.0.2"]
            .map(|ip| ip.parse().expect("an address"))
            .to_vec()
    }

    fn ask_everything(&self, _server: &Apache) -> BTreeMap<Question, Reply> {
        let mut all = BTreeMap::new();
        for ip in self.ips() {
            for (port, tls) in [
                (self.network.http, false),
                (self.network.https, true),
                (self.set_up.other, false),
            ] {
                if ask(ip, port, tls, "unknown.test", "/") == Reply::Refused {
                    continue;
                }
                for name in self.layout.names() {
                    for path in [PAGE, CHALLENGE] {
                        let reply = ask(ip, port, tls, &name, path);
                        all.insert((ip, port, tls, name.clone(), path), reply);
                    }
                }
            }
        }
        all
    }

    fn compare(
        &self,
        before: &BTreeMap<Question, Reply>,
        after: &BTreeMap<Question, Reply>,
    ) -> Result<(), String> {
        let wanted = self.layout.wanted();
        let http = self.layout.options("--http").first().copied().unwrap_or("off");
        let refused = Reply::Refused;
        let get = |all: &BTreeMap<Question, Reply>, question: &Question| {
            all.get(question).unwrap_or(&refused).clone()
        };
        // The wanted name answers over HTTPS at the address, with a page that HTTP gave there.
        let is_served_at = |ip: IpAddr| {
            let page = |all, port, tls| match get(all, &(ip, port, tls, wanted[0].clone(), PAGE)) {
                Reply::Http { body, .. } => Some(body),
                _ => None,
            };
            let secure = page(after, self.network.https, true);
            secure.is_some() && secure == page(before, self.network.http, false)
        };
        let is_nobodys_site = self.ips().iter().all(|ip| {
            let ask = |name: &str| get(before, &(*ip, self.network.http, false, name.to_owned(), PAGE));
            ask(&wanted[0]) == ask("unknown.test")
        });
        let is_nobodys =
            |name: &str| ["unknown.test", "127.0.0.1"].contains(&name) && !wanted.contains(&name.to_owned());
        for ip in self.ips() {
            for name in self.layout.names() {
                let is_wanted = wanted.contains(&name);
                for path in [PAGE, CHALLENGE] {
                    let question = |port, tls| (ip, port, tls, name.clone(), path);
                    let wrong = |what: &str, was: &Reply, is: &Reply| {
                        Err(format!("{name}{path} at {ip}, {what}: was {was:?}, is {is:?}"))
                    };
                    let plain = question(self.network.http, false);
                    let (was, is) = (get(before, &plain), get(after, &plain));
                    let wanted_question = (ip, self.network.http, false, wanted[0].clone(), path);
                    match http {
                        "redirect" if is_wanted && path == PAGE && was != Reply::Refused && is != was => {
                            let port = match self.network.https {
                                443 => String::new(),
                                port => format!(":{port}"),
                            };
                            let target = format!("https://{}{port}{PAGE}", wanted[0]);
                            match &is {
                                Reply::Http {
                                    status: 301,
                                    location: Some(location),
                                    ..
                                } if *location == target => {}
                                _ => return wrong("redirect", &was, &is),
                            }
                        }
                        "off" if is == Reply::Refused => {}
                        // A name that nobody has got the wanted site, and goes with it.
                        "redirect" if is_nobodys(&name) && was == get(before, &wanted_question) => {}
                        // Where another site answers the name, it goes on doing so.
                        "redirect" if is == was && path == PAGE && is_wanted && !is_served_at(ip) => {}
                        // A redirecting virtual host for a name that nobody had inherits the main server's files.
                        "redirect" if is_wanted && path == CHALLENGE && is_nobodys_site => {}
                        "redirect" if is_wanted && path == PAGE && is_served_at(ip) => {
                            return wrong("no redirect", &was, &is);
                        }
                        _ if is == was => {}
                        _ => return wrong("HTTP", &was, &is),
                    }
                    let other = question(self.set_up.other, false);
                    if get(before, &other) != get(after, &other) {
                        return wrong("other port", &get(before, &other), &get(after, &other));
                    }
                    let secure = question(self.network.https, true);
                    let (tls_was, tls_is) = (get(before, &secure), get(after, &secure));
                    let had_tls = matches!(tls_was, Reply::Http { .. });
                    if !is_wanted {
                        // The domain's own virtual host may be the one for names that nobody has.
                        let own = get(before, &(ip, self.network.https, true, wanted[0].clone(), path));
                        let goes_with_it = tls_was == own && is_nobodys(&name);
                        if had_tls && tls_was != tls_is && !goes_with_it {
                            return wrong("HTTPS of another site", &tls_was, &tls_is);
                        }
                        continue;
                    }
                    // A site of single addresses is not served at others.
                    let by_name = |ip: IpAddr| {
                        let http = self.network.http;
                        get(before, &(ip, http, false, name.clone(), path))
                            != get(before, &(ip, http, false, "unknown.test".into(), path))
                    };
                    let not_here = !by_name(ip) && self.ips().into_iter().any(by_name);
                    if not_here && !is_served_at(ip) {
                        continue;
                    }
                    // Its page is the one that HTTP gave, or HTTPS where it was there by name.
                    let Reply::Http {
                        leaf: Some(leaf),
                        status: 200,
                        body,
                        hsts,
                        ..
                    } = &tls_is
                    else {
                        return wrong("HTTPS", &tls_was, &tls_is);
                    };
                    if *leaf != digest(&self.set_up.new.der) {
                        return wrong("another certificate", &tls_was, &tls_is);
                    }
                    if hsts.is_some() != self.layout.args.iter().any(|argument| argument == "--hsts") {
                        return wrong("HSTS", &tls_was, &tls_is);
                    }
                    let elsewhere = get(before, &other);
                    let nobodys_before = was
                        == get(
                            before,
                            &(ip, self.network.http, false, "unknown.test".into(), path),
                        );
                    let is_main = nobodys_before && body.trim_start_matches("token of ").trim() == "main";
                    let mut anywhere = self
                        .ips()
                        .into_iter()
                        .map(|ip| get(before, &(ip, self.network.http, false, name.clone(), path)));
                    let same = |reply: &Reply| matches!(reply, Reply::Http { status: 200, body: other, .. } if other == body);
                    let redirected = matches!(
                        &was,
                        Reply::Http {
                            status: 301 | 302,
                            ..
                        }
                    );
                    if !(same(&was)
                        || had_tls && same(&tls_was)
                        || redirected
                        || same(&elsewhere)
                        || is_main
                        || anywhere.any(|reply| same(&reply)))
                    {
                        return wrong("another page over HTTPS", &was, &tls_is);
                    }
                }
            }
        }
        Ok(())
    }
}
