//! One layout put to the test: what every name got before, `enable`, and what every name gets afterwards.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

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
        self.off_again(&original, &before)?;
        Ok(End::Enabled)
    }

    /// `disable` gives every byte and link back, and the server answers as it did.
    fn off_again(&self, original: &[(PathBuf, Vec<u8>)], before: &Replies) -> Result<(), String> {
        let outcome = self.disable();
        if outcome.code != Some(0) || self.set_up.files() != original {
            return Err(format!("disable does not lead back: {}", outcome.report()));
        }
        let server = self
            .start()
            .map_err(|error| format!("Apache does not start after disable: {error}"))?;
        if self.ask_everything(&server).0 != before.0 {
            return Err("after disable the answers are others".to_owned());
        }
        let again = self.disable();
        if again.code != Some(0) || !again.stdout_text().contains("Nothing needs to change") {
            return Err(format!(
                "a second disable is not without effect: {}",
                again.report()
            ));
        }
        Ok(())
    }

    fn disable(&self) -> Outcome {
        let file = |path: &Path| path.display().to_string();
        esync_ssl()
            .args(["disable", "--yes", "--root", &file(&self.set_up.root)])
            .args(["--config", &file(&self.set_up.main)])
            .run()
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

    /// Asks while the server runs.
    fn ask_everything(&self, _server: &Apache) -> Replies {
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
        Replies(all)
    }

    /// A site of single addresses is not served at others: what was written for it says which.
    fn is_wanted_at(&self, ip: IpAddr) -> bool {
        let files = self.set_up.files();
        let texts = files.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes));
        let mut addresses: Vec<String> = Vec::new();
        for text in texts {
            let mut lines = text.lines().skip_while(|line| !line.contains("# HTTPS for"));
            if let Some(line) = lines.nth(1) {
                addresses.extend(
                    line.split([' ', '<', '>'])
                        .filter(|word| word.contains(':'))
                        .map(str::to_owned),
                );
            }
        }
        let here = |address: &String| address.starts_with(&ip.to_string()) || address.starts_with('*');
        addresses.is_empty() || addresses.iter().any(here)
    }

    fn compare(&self, before: &Replies, after: &Replies) -> Result<(), String> {
        let wanted = self.layout.wanted();
        for ip in self.ips() {
            for name in self.layout.names() {
                for path in [PAGE, CHALLENGE] {
                    let place = Place {
                        trial: self,
                        before,
                        after,
                        ip,
                        name: &name,
                        path,
                        wanted: &wanted,
                    };
                    let other = self.set_up.other;
                    let wrong = if before.get(ip, other, false, &name, path)
                        != after.get(ip, other, false, &name, path)
                    {
                        Some("the other port".to_owned())
                    } else {
                        place.http().or_else(|| place.https())
                    };
                    if let Some(what) = wrong {
                        return Err(format!("{name}{path} at {ip}: {what}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// All replies by question; nobody listens where nothing was asked.
struct Replies(BTreeMap<Question, Reply>);

impl Replies {
    fn get(&self, ip: IpAddr, port: u16, tls: bool, name: &str, path: &'static str) -> Reply {
        let found = self.0.get(&(ip, port, tls, name.to_owned(), path));
        found.cloned().unwrap_or(Reply::Refused)
    }
}

/// One name at one address, before and after.
struct Place<'a> {
    trial: &'a Trial<'a>,
    before: &'a Replies,
    after: &'a Replies,
    ip: IpAddr,
    name: &'a str,
    path: &'static str,
    wanted: &'a [String],
}

impl Place<'_> {
    fn plain(&self, all: &Replies, name: &str) -> Reply {
        all.get(self.ip, self.trial.network.http, false, name, self.path)
    }

    fn secure(&self, all: &Replies, name: &str) -> Reply {
        all.get(self.ip, self.trial.network.https, true, name, self.path)
    }

    fn is_wanted(&self) -> bool {
        self.wanted.iter().any(|name| name == self.name)
    }

    /// What is wrong with the answer over HTTP.
    fn http(&self) -> Option<String> {
        let (was, is) = (
            self.plain(self.before, self.name),
            self.plain(self.after, self.name),
        );
        let site = self.plain(self.before, &self.wanted[0]);
        // Names that nobody has get a default at each address.
        let nobodys = self.plain(self.before, "unknown.test");
        let fine = match self.trial.layout.options("--http").first() {
            Some(&"redirect") => {
                let goes = is == self.redirect();
                match (self.is_wanted(), self.path) {
                    (true, PAGE) => goes || is == was && !self.has_site_here(),
                    // A redirecting virtual host for a name that nobody had inherits the main server's files.
                    (true, _) => is == was || was == nobodys,
                    // Who got the site as its default goes with it.
                    (false, PAGE) => is == was || goes && was == site && was == nobodys,
                    (false, _) => is == was,
                }
            }
            Some(&"keep") => is == was,
            _ => is == was || is == Reply::Refused,
        };
        (!fine).then(|| format!("HTTP was {was:?}, is {is:?}"))
    }

    fn redirect(&self) -> Reply {
        let port = match self.trial.network.https {
            443 => String::new(),
            port => format!(":{port}"),
        };
        Reply::Http {
            leaf: None,
            status: 301,
            location: Some(format!("https://{}{port}{}", self.wanted[0], self.path)),
            hsts: None,
            body: String::new(),
        }
    }

    /// HTTPS shows the page here that HTTP showed here.
    fn has_site_here(&self) -> bool {
        let secure = self.secure(self.after, &self.wanted[0]);
        secure.body().is_some() && secure.body() == self.plain(self.before, &self.wanted[0]).body()
    }

    /// What is wrong with the answer over HTTPS.
    fn https(&self) -> Option<String> {
        let (was, is) = (
            self.secure(self.before, self.name),
            self.secure(self.after, self.name),
        );
        let wrong = |what: &str| Some(format!("{what}: was {was:?}, is {is:?}"));
        if !self.is_wanted() {
            // The domain's own virtual host may be the default for others.
            let is_own = was == self.secure(self.before, &self.wanted[0]);
            let fine = was.body().is_none() || was == is || is_own;
            return if fine {
                None
            } else {
                wrong("HTTPS of another site")
            };
        }
        if !self.trial.is_wanted_at(self.ip) {
            return None;
        }
        let Reply::Http {
            leaf,
            status: 200,
            body,
            hsts,
            ..
        } = &is
        else {
            return wrong("no HTTPS");
        };
        if *leaf != Some(digest(&self.trial.set_up.new.der)) {
            return wrong("another certificate");
        }
        if hsts.is_some() != self.trial.layout.args.iter().any(|argument| argument == "--hsts") {
            return wrong("HSTS");
        }
        // Its page is one that it showed before: over HTTPS, or HTTP at any address or port; a further name shows
        // that of the first. A redirect showed none. A name that nobody had gets the main server's.
        let network = self.trial.network;
        let mut known = vec![was.clone()];
        for ip in self.trial.ips() {
            for name in [self.name, &self.wanted[0]] {
                for port in [network.http, self.trial.set_up.other] {
                    known.push(self.before.get(ip, port, false, name, self.path));
                }
            }
        }
        let plain = self.plain(self.before, self.name);
        let is_main = body == "main" || body == "token of main";
        let fine = known.iter().any(|reply| reply.body() == Some(body))
            || matches!(
                plain,
                Reply::Http {
                    status: 301 | 302,
                    ..
                }
            )
            || is_main && plain == self.plain(self.before, "unknown.test");
        if fine {
            None
        } else {
            wrong("another page over HTTPS")
        }
    }
}
