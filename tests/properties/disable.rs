//! What holds for every input, tried on generated ones: `disable` leads back to every byte from which `enable` came, one
//! domain after the other or all at once, and what was written by hand since stays.

use crate::generated::{self, DOMAIN, Generated, config, generated, given, told_as_on_disk};
use crate::support::files;
use esync_ssl::change::{Action, Disable, Http, Plan, PlanError, Record, Request, Version};
use esync_ssl::httpd::{Configuration, Facts, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use similar::TextDiff;

proptest! {
    #![proptest_config(config(384))]

    #[test]
    fn disable_leads_back(tree in generated(), wish in wish(DOMAIN), certain in any::<bool>()) {
        let mut server = Server::new(&tree, certain);
        let original = server.files();
        if !server.enable(&wish)? {
            return Ok(());
        }
        server.disable(&[])?;
        same(&server.files(), &original)?;
        prop_assert!(server.plan(&[])?.is_empty(), "a second time there is more to change");
    }

    #[test]
    fn two_domains_in_either_order(
        tree in generated(),
        first in wish(DOMAIN),
        second in wish("second.example.com"),
        swapped in any::<bool>(),
        by_name in any::<bool>(),
        certain in any::<bool>(),
    ) {
        let mut server = Server::new(&tree, certain);
        let original = server.files();
        if !server.enable(&first)? || !server.enable(&second)? {
            return Ok(());
        }
        let enabled = server.files();
        let mut domains = [first.domain.as_str(), second.domain.as_str()];
        if swapped {
            domains.reverse();
        }
        // One without TLS may not come before the other on its port.
        if server.is_refused(&domains[..1]) {
            server.disable(&[])?;
            return same(&server.files(), &original);
        }
        server.disable(&domains[..1])?;
        prop_assert!(server.plan(&domains[..1])?.is_empty(), "a second time there is more to change");
        let other = if swapped { &first } else { &second };
        server.serves(other)?;
        if by_name {
            server.disable(&domains[1..])?;
        } else {
            server.disable(&[])?;
        }
        same(&server.files(), &original)
            .map_err(|error| TestCaseError::fail(format!("{error}\nenabled:\n{}", shown(&enabled))))?;
    }

    #[test]
    fn what_was_written_by_hand_stays(
        tree in generated(),
        wish in wish(DOMAIN),
        places in vec(any::<proptest::sample::Index>(), 1..5),
        indented in any::<bool>(),
        certain in any::<bool>(),
    ) {
        let mut server = Server::new(&tree, certain);
        let original = server.files();
        if !server.enable(&wish)? {
            return Ok(());
        }
        let main = server.root.path().join("conf/httpd.conf");
        let mut lines: Vec<Vec<u8>> = std::fs::read(&main)
            .expect("the main file")
            .split_inclusive(|&b| b == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        // Not into the last line: one without an end would not be the same with another behind it.
        for (number, place) in places.iter().enumerate() {
            let at = place.index(lines.len());
            if at > 0 && lines[at - 1].trim_ascii_end().ends_with(b"\\") {
                continue;
            }
            lines.insert(at, format!("# by hand {number}\n").into_bytes());
        }
        if indented {
            for line in lines.iter_mut().filter(|line| line.starts_with(b"Listen")) {
                line.splice(0..0, *b"  ");
            }
        }
        files::write(&main, lines.concat());
        match server.disable(&[]) {
            Ok(()) => {}
            Err(error) => return Err(error),
        }
        let plain = |files: &Files| -> Vec<(String, Vec<u8>)> {
            let by_hand = |line: &&[u8]| !line.starts_with(b"# by hand");
            let text = |bytes: &[u8]| -> Vec<u8> {
                let kept: Vec<&[u8]> = bytes.split_inclusive(|&b| b == b'\n').filter(by_hand).collect();
                let text = if indented { kept.concat().replace_all(b"  Listen", b"Listen") } else { kept.concat() };
                // A last line without an end gets one when something is written behind it.
                text.trim_ascii_end().to_vec()
            };
            files.iter().map(|(name, bytes)| (name.clone(), text(bytes))).collect()
        };
        let (now, then) = (plain(&server.files()), plain(&original));
        same(&now.into_iter().collect(), &then.into_iter().collect())?;
    }
}

trait ReplaceAll {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl ReplaceAll for [u8] {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut text = self.to_vec();
        while let Some(at) = text.windows(from.len()).position(|window| window == from) {
            text.splice(at..at + from.len(), to.iter().copied());
        }
        text
    }
}

type Files = std::collections::BTreeMap<String, Vec<u8>>;

/// A wish that does not name a place: the second one would find other lines there.
fn wish(domain: &'static str) -> impl Strategy<Value = Request> {
    generated::wish(domain).prop_map(|wish| Request { site: None, ..wish })
}

/// A server root with the records of what was done to it.
struct Server {
    root: tempfile::TempDir,
    /// What is built in is known, as on Windows, where nothing but the core is.
    certain: bool,
    records: Vec<Record>,
}

impl Server {
    fn new(tree: &Generated, certain: bool) -> Server {
        Server {
            root: tree.write(),
            certain,
            records: Vec::new(),
        }
    }

    fn given(&self) -> (Vec<u8>, Source, Facts) {
        let (main, source, mut facts) = given(self.root.path());
        facts.built_in_is_certain = self.certain;
        // An MPM that `Listen` belongs to, and what the conditionals ask.
        let built_in = ["event.c", "mod_version.c"];
        facts.built_in.extend(built_in.map(str::to_owned));
        (main, source, facts)
    }

    fn files(&self) -> Files {
        let mut found = files::snapshot(self.root.path());
        found.retain(|name, _| name.ends_with(".conf"));
        found
    }

    /// Carries a plan out, if it is not refused.
    fn enable(&mut self, request: &Request) -> Result<bool, TestCaseError> {
        let (main, source, facts) = self.given();
        match enable((main, source, facts), request) {
            Ok(plan) => {
                self.carry_out(plan, Action::Enable, vec![request.domain.clone()]);
                Ok(true)
            }
            Err(PlanError::Refused(refusal)) => told_as_on_disk(&refusal, request).map(|()| false),
            // What `enable` should do is another test's.
            Err(_) => Ok(false),
        }
    }

    fn carry_out(&mut self, plan: Plan, action: Action, domains: Vec<String>) {
        let mut record = Record {
            action,
            domains,
            ..Record::default()
        };
        for file in plan.files {
            files::write(&file.path, &**file.after);
            record.files.push(Version {
                path: esync_ssl::httpd::real_path(&file.path),
                before: file.before.to_vec(),
                after: file.after.to_vec(),
            });
        }
        self.records.push(record);
    }

    /// A refusal names lines that are there.
    fn try_plan(&self, domains: &[&str]) -> Result<Plan, PlanError> {
        let (main, source, facts) = self.given();
        let request = Disable {
            domains: domains.iter().map(|name| (*name).to_owned()).collect(),
            forced: Vec::new(),
        };
        let plan = Plan::disable(&main, &source, &facts, &request, &self.records);
        if let Err(PlanError::Refused(refusal)) = &plan {
            told_as_on_disk(refusal, &Request::default()).expect("places on disk");
        }
        plan
    }

    fn is_refused(&self, domains: &[&str]) -> bool {
        matches!(self.try_plan(domains), Err(PlanError::Refused(_)))
    }

    fn plan(&self, domains: &[&str]) -> Result<Plan, TestCaseError> {
        self.try_plan(domains).map_err(|error| {
            TestCaseError::fail(format!("disable {domains:?}: {error}\n{}", shown(&self.files())))
        })
    }

    fn disable(&mut self, domains: &[&str]) -> Result<(), TestCaseError> {
        let plan = self.plan(domains)?;
        self.carry_out(
            plan,
            Action::Disable,
            domains.iter().map(|name| (*name).to_owned()).collect(),
        );
        Ok(())
    }

    /// The domain still has all that it needs: turning HTTPS on again changes nothing.
    fn serves(&self, request: &Request) -> Result<(), TestCaseError> {
        let (main, source, facts) = self.given();
        // What the other one did to HTTP is undone, whether this one wanted the same or not.
        let request = Request {
            http: Some(Http::Keep),
            ..request.clone()
        };
        let plan = enable((main, source, facts), &request);
        let lacks = match &plan {
            Ok(plan) => plan.changes.iter().map(|change| change.reason.clone()).collect(),
            Err(error) => error.to_string(),
        };
        prop_assert!(
            lacks.is_empty(),
            "{} lacks {}:\n{}",
            request.domain,
            lacks,
            shown(&self.files())
        );
        Ok(())
    }
}

fn shown(files: &Files) -> String {
    let mut text = String::new();
    for (name, bytes) in files {
        text += &format!("--- {name}\n");
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            text += &format!("{}\n", line.escape_ascii());
        }
    }
    text
}

fn same(now: &Files, then: &Files) -> Result<(), TestCaseError> {
    if now == then {
        return Ok(());
    }
    let (now, then) = (shown(now), shown(then));
    let diff = TextDiff::from_lines(&then, &now);
    Err(TestCaseError::fail(format!(
        "not as before:\n{}",
        diff.unified_diff().context_radius(8)
    )))
}

/// Plans on what is on the disk now.
fn enable((main, source, facts): (Vec<u8>, Source, Facts), request: &Request) -> Result<Plan, PlanError> {
    let configuration = Configuration::read(&main, source, facts).expect("a main file that can be read");
    Plan::enable(&configuration, request)
}
