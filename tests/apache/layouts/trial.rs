//! One layout put to the test: what every name got before, `enable`, and what every name gets afterwards.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::layout::{Layout, SetUp};
use super::place::{CHALLENGE, PAGE, Place, Replies};
use super::probe::{Reply, ask, digest};
use super::same::parts;
use crate::support::apache::{Apache, Ask, Httpd};
use crate::support::files::fixture;
use crate::support::network::Network;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;

/// How often a client is sent on within HTTPS.
const HOPS: usize = 5;

/// How a trial ended well.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Enabled,
    /// Refused with this text, and nothing was changed.
    Refused(String),
    /// Apache does not start with the layout as it is.
    NeverStarted,
}

/// Carries out several, by two threads with a network of their own. Panics with all that was wrong.
pub fn carry_out_files(names: &[String], httpd: &Httpd) {
    let run = |from: usize| {
        let network = Network::enter();
        let own = names.iter().skip(from).step_by(2);
        own.filter_map(|name| carry_out_file(name, httpd, &network).err())
            .collect::<Vec<String>>()
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads = [0, 1].map(|from| scope.spawn(move || run(from)));
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a thread that ends"))
            .collect()
    });
    assert!(
        failures.is_empty(),
        "{} of {} failed\n{}",
        failures.len(),
        names.len(),
        failures.join("\n")
    );
}

/// Carries out `fixtures/layouts/NAME.txt`, which may say that the command refuses.
pub fn carry_out_file(name: &str, httpd: &Httpd, network: &Network) -> Result<(), String> {
    let path = fixture("layouts").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let layout = Layout::parse(name, &text);
    if !layout.is_of_system() {
        return Ok(());
    }
    let mut modes = vec![layout.clone()];
    if !layout.modes.is_empty() {
        modes = layout.modes.iter().map(|mode| layout.in_mode(mode)).collect();
    }
    for layout in &modes {
        match carry_out(layout, httpd, network)? {
            End::Enabled if layout.refused.is_none() => {}
            End::Refused(_) if layout.refused.is_some() => {}
            end => return Err(format!("=== {}: {end:?}", layout.name)),
        }
    }
    Ok(())
}

/// Carries a layout out. The error says what was wrong.
pub fn carry_out(layout: &Layout, httpd: &Httpd, network: &Network) -> Result<End, String> {
    let set_up = layout.set_up(httpd, network);
    let trial = Trial {
        layout,
        network,
        set_up: &set_up,
        ask: httpd.ask(&set_up.root, &set_up.main),
        is_told: Cell::new(false),
        sites_told: RefCell::default(),
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
            if !shown.starts_with("tls") && (!shown.starts_with("sites/") || shown.ends_with(".htaccess")) {
                text += &format!("--- {shown}\n{}\n", String::from_utf8_lossy(&bytes));
            }
        }
        text
    })
}

/// Sets a layout up, turns HTTPS on as it says, and starts its server.
pub fn enabled(name: &str, httpd: &Httpd, network: &Network) -> (SetUp, Apache) {
    let text = std::fs::read_to_string(fixture("layouts").join(format!("{name}.txt"))).expect("a layout");
    let layout = Layout::parse(name, &text);
    let set_up = layout.set_up(httpd, network);
    let trial = Trial {
        layout: &layout,
        network,
        set_up: &set_up,
        ask: httpd.ask(&set_up.root, &set_up.main),
        is_told: Cell::new(false),
        sites_told: RefCell::default(),
    };
    trial.enable().expect_code(0);
    let server = trial.start().expect("it starts");
    (set_up, server)
}

/// The files, and their lines, that only one side has.
fn differences(before: &[(PathBuf, Vec<u8>)], after: &[(PathBuf, Vec<u8>)]) -> String {
    let lines = |files: &[(PathBuf, Vec<u8>)]| {
        let of = |(path, bytes): &(PathBuf, Vec<u8>)| {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n');
            lines
                .enumerate()
                .map(|(at, line)| format!("{}:{} {}", path.display(), at + 1, line.escape_ascii()))
                .collect::<Vec<String>>()
        };
        files.iter().flat_map(of).collect::<Vec<String>>()
    };
    let (before, after) = (lines(before), lines(after));
    let only = |sign: &str, own: &[String], other: &[String]| {
        let own = own.iter().filter(|line| !other.contains(line)).take(12);
        own.map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    only("was", &before, &after) + &only("is", &after, &before)
}

/// A layout on disk, and who is asked.
pub struct Trial<'a> {
    pub layout: &'a Layout,
    pub network: &'a Network,
    pub set_up: &'a SetUp,
    ask: Ask,
    /// It was told that HTTPS answers one path otherwise.
    is_told: Cell<bool>,
    /// The lines that tell that HTTPS does not show what HTTP shows.
    pub sites_told: RefCell<Vec<String>>,
}

impl Trial<'_> {
    fn run(&self) -> Result<End, String> {
        let original = self.set_up.files();
        let before = match (self.start(), self.layout.never_starts) {
            (Err(_), true) => Replies(BTreeMap::new()),
            (Err(_), false) => return Ok(End::NeverStarted),
            (Ok(_), true) => return Err("Apache starts with it as it is".to_owned()),
            (Ok(server), false) => self.ask_everything(&server),
        };
        let outcome = self.enable();
        if outcome.code == Some(4) {
            if self.set_up.files() != original {
                return Err(format!("it refused and changed files: {}", outcome.report()));
            }
            let said = outcome.stderr_text();
            return match &self.set_up.refused {
                Some(expected) if !said.contains(expected) => {
                    Err(format!("it refused for another reason: {said}"))
                }
                _ => Ok(End::Refused(said)),
            };
        }
        if outcome.code != Some(0) || self.layout.refused.is_some() {
            return Err(format!("not the end that was expected: {}", outcome.report()));
        }
        self.told(&outcome, &self.set_up.told_first)?;
        let enabled = self.set_up.files();
        let (after, endless) = {
            let server = self
                .start()
                .map_err(|error| format!("Apache does not start afterwards: {error}"))?;
            let after = self.ask_everything(&server);
            let endless = self.endless(&before, &after);
            (after, endless)
        };
        match self.layout.never_starts {
            true => self.served(&after)?,
            false => self.compare(&before, &after)?,
        }
        if let Some(what) = endless {
            return Err(what);
        }
        self.awake(&after)?;
        self.texts(&original, &enabled)?;
        let again = self.enable();
        if again.code != Some(0)
            || !again.stdout_text().contains("Nothing needs to change")
            || self.set_up.files() != enabled
        {
            return Err(format!("a second run is not without effect: {}", again.report()));
        }
        self.told(&again, &[])?;
        self.off_again(&original, &before)?;
        Ok(End::Enabled)
    }

    /// What is to be told, and what is not. `besides`: by this run only.
    fn told(&self, outcome: &Outcome, besides: &[String]) -> Result<(), String> {
        let said = outcome.stderr_text();
        let unless = self
            .layout
            .unless
            .as_deref()
            .unwrap_or_default()
            .trim_start_matches('/');
        let is_of_it = |line: &str| line.contains("HTTPS") && line.contains(unless);
        self.is_told.set(said.lines().any(is_of_it));
        let is_other = ["does not have it", "does not show the same"];
        let lines = said
            .lines()
            .filter(|line| is_other.iter().any(|words| line.contains(words)));
        *self.sites_told.borrow_mut() = lines.map(str::to_owned).collect();
        let mut wanted = self.set_up.told.iter().chain(besides);
        // Paths are written with slashes in layouts.
        let by_slash = said.replace('\\', "/");
        let has =
            |text: &String| said.contains(text.as_str()) || cfg!(windows) && by_slash.contains(text.as_str());
        let lacks = wanted.find(|text| !has(text));
        let untold = self.layout.untold.iter().find(|text| has(text));
        match (lacks, untold) {
            (None, None) => Ok(()),
            (Some(text), _) => Err(format!("it is not told that {text}: {said}")),
            (_, Some(text)) => Err(format!("it is told that {text}: {said}")),
        }
    }

    /// Is it told that HTTPS answers the path otherwise?
    pub fn is_otherwise(&self, path: &str) -> bool {
        let paths = self.layout.otherwise.iter();
        let unless = self.layout.unless.iter().filter(|_| self.is_told.get());
        paths.chain(unless).any(|own| path.starts_with(own.as_str()))
    }

    /// What the layout says about the texts.
    fn texts(&self, before: &[(PathBuf, Vec<u8>)], after: &[(PathBuf, Vec<u8>)]) -> Result<(), String> {
        let has = |wanted: &String| {
            after
                .iter()
                .any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(wanted.as_str()))
        };
        if let Some(text) = self.set_up.shows.iter().find(|text| !has(text)) {
            return Err(format!("no file has {text:?}"));
        }
        if let Some(text) = self.set_up.lacks.iter().find(|text| has(text)) {
            return Err(format!("a file has {text:?}"));
        }
        for path in &self.layout.same {
            let path = self.set_up.root.join(path);
            let of = |files: &[(PathBuf, Vec<u8>)]| files.iter().find(|(other, _)| *other == path).cloned();
            let (was, is) = (of(before), of(after));
            if was.is_none() || was != is {
                return Err(format!("{} is not the same any more", path.display()));
            }
        }
        Ok(())
    }

    /// `disable` gives every byte and link back, and the server answers as it did.
    fn off_again(&self, original: &[(PathBuf, Vec<u8>)], before: &Replies) -> Result<(), String> {
        let outcome = self.disable();
        let back = self.set_up.files();
        if outcome.code != Some(0) || back != original {
            return Err(format!(
                "disable does not lead back: {}\n{}",
                outcome.report(),
                differences(original, &back)
            ));
        }
        if !self.layout.never_starts {
            let server = self
                .start()
                .map_err(|error| format!("Apache does not start after disable: {error}"))?;
            if self.ask_everything(&server).0 != before.0 {
                return Err("after disable the answers are others".to_owned());
            }
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

    pub fn ips(&self) -> Vec<IpAddr> {
        // Of the third one no layout has a word.
        ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"]
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
                    for path in self.paths() {
                        let reply = ask(ip, port, tls, &name, path);
                        all.insert((ip, port, tls, name.clone(), path.to_owned()), reply);
                    }
                }
            }
        }
        Replies(all)
    }

    /// The page, what certificate authorities ask for, and what the layout says.
    fn paths(&self) -> Vec<&str> {
        let own = self.layout.paths.iter().map(String::as_str);
        [PAGE, CHALLENGE].into_iter().chain(own).collect()
    }

    /// Asks while the server runs: who is sent on without end within HTTPS, that was not there before?
    fn endless(&self, before: &Replies, after: &Replies) -> Option<String> {
        for ((ip, port, tls, name, path), reply) in &after.0 {
            let was = before.0.get(&(*ip, *port, *tls, name.clone(), path.clone()));
            let is_told = !tls || self.is_otherwise(path);
            if is_told || matches!(was, Some(Reply::Http { .. })) || !self.layout.wanted().contains(name) {
                continue;
            }
            let (mut reply, mut hops) = (reply.clone(), 0);
            while let Reply::Http {
                location: Some(location),
                ..
            } = &reply
            {
                let Some(("https", host, to, rest)) = parts(location) else {
                    break;
                };
                if to != *port || !self.layout.wanted().iter().any(|name| name == host) {
                    break;
                }
                hops += 1;
                if hops > HOPS {
                    return Some(format!(
                        "{name}{path} at {ip} leads on without end, to {location}"
                    ));
                }
                reply = ask(*ip, to, true, host, if rest.is_empty() { "/" } else { rest });
            }
        }
        None
    }

    /// With the flag that the layout names it starts, too, and serves the names as without it.
    fn awake(&self, after: &Replies) -> Result<(), String> {
        let Some(flag) = &self.layout.wakes else {
            return Ok(());
        };
        let server = self.ask.clone().define(flag).start(&[]);
        let server = server.map_err(|error| format!("Apache does not start with -D {flag}: {error}"))?;
        let awake = self.ask_everything(&server);
        let wanted = self.layout.wanted();
        let mut served = after.0.iter().filter(|((.., name, _), _)| wanted.contains(name));
        match served.find(|(question, reply)| awake.0.get(question) != Some(reply)) {
            Some((question, _)) => Err(format!("with -D {flag} the answer to {question:?} is another")),
            None => Ok(()),
        }
    }

    /// Where nothing was before: every wanted name shows the page over HTTPS.
    fn served(&self, after: &Replies) -> Result<(), String> {
        let page = self.layout.page.as_deref().unwrap_or_default();
        for name in self.layout.wanted() {
            let question = (self.ips()[0], self.network.https, true, name, PAGE.to_owned());
            match after.to(&question) {
                Reply::Http {
                    leaf,
                    status: 200,
                    body,
                    ..
                } if leaf == Some(digest(&self.set_up.new.der)) && body.ends_with(page) => {}
                other => return Err(format!("the answer to {question:?} is {other:?}")),
            }
        }
        Ok(())
    }

    fn compare(&self, before: &Replies, after: &Replies) -> Result<(), String> {
        let wanted = self.layout.wanted();
        for ip in self.ips() {
            for name in self.layout.names() {
                for path in self.paths() {
                    let place = Place {
                        trial: self,
                        before,
                        after,
                        ip,
                        name: &name,
                        path,
                        wanted: &wanted,
                    };
                    if let Some(what) = place.wrong() {
                        return Err(format!("{name}{path} at {ip}: {what}"));
                    }
                }
            }
        }
        Ok(())
    }
}
