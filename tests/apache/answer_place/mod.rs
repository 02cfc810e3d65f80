//! The answer place on sites that take the path from certificate authorities, before a real Apache: the token comes, or
//! the line that keeps it is named before anything is written; the site's own pages are what they were; and `disable`
//! gives back every byte.
//!
//! The sites are texts in `fixtures/answer-places`; the first 23 are those that stop the usual guides.
#![cfg(target_os = "linux")]

mod enable;
mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use esync_ssl::change::{Action, AnswerPlace, Disable, Plan, PlanError, Record, Version};
use esync_ssl::httpd::{Configuration, Facts, Platform, Source, host_bytes, real_path};
use esync_ssl::operation::{Loaded, NoteCode, Progress, Where, answers};

use self::site::{SetUp, Site};
use crate::layouts::probe::{Reply, ask};
use crate::support::apache::{Apache, Httpd};
use crate::support::files::fixture;
use crate::support::network::Network;

const TOKEN: &str = "kx-0_Zm9yYW55dG9rZW4Ab9";
const PATHS: [&str; 9] = [
    "/",
    "/index.html",
    "/page",
    "/old",
    "/x/",
    "/.well-known/other",
    "/.well-known/acme-challenge",
    "/nothing",
    "/.hidden",
];

/// How a site ended.
enum End {
    Came,
    Named,
}

#[test]
fn certificate_authorities_are_answered_on_hostile_sites() {
    let Some(httpd) = Httpd::find() else { return };
    let only = std::env::var("ESYNC_SSL_SITE").unwrap_or_default();
    let folder = fs::read_dir(fixture("answer-places")).expect("fixtures/answer-places");
    let mut names: Vec<String> = folder
        .map(|entry| entry.expect("a site").path())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| name.contains(&only))
        .collect();
    names.sort();
    let run = |from: usize| {
        let _network = Network::enter();
        let own = names.iter().skip(from).step_by(2);
        let one = |name: &String| {
            let end = std::panic::catch_unwind(|| carry_out(name, &httpd));
            let end = end.unwrap_or_else(|_| Err(format!("=== {name}: it panics")));
            (name.clone(), end)
        };
        own.map(one).collect::<Vec<_>>()
    };
    let ends: BTreeMap<String, Result<End, String>> = std::thread::scope(|scope| {
        let threads = [0, 1].map(|from| scope.spawn(move || run(from)));
        let ends = threads.into_iter();
        ends.flat_map(|thread| thread.join().expect("a thread that ends"))
            .collect()
    });
    let failures: Vec<&String> = ends.values().filter_map(|end| end.as_ref().err()).collect();
    let count = ends.len();
    let came = ends.values().filter(|end| matches!(end, Ok(End::Came))).count();
    let named = ends.values().filter(|end| matches!(end, Ok(End::Named))).count();
    println!("{came} of {count} answered, {named} named");
    assert!(
        failures.is_empty(),
        "{} of {count} failed\n{}",
        failures.len(),
        failures
            .iter()
            .map(|text| text.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
}

fn carry_out(name: &str, httpd: &Httpd) -> Result<End, String> {
    let path = fixture("answer-places").join(format!("{name}.txt"));
    let text = fs::read_to_string(&path).expect("a site");
    let site = Site::parse(name, &text);
    let set_up = site.set_up(httpd);
    let trial = Trial {
        site: &site,
        set_up: &set_up,
        httpd,
        end: match &site.listen {
            Some(_) => "::1",
            None => "127.0.0.1",
        }
        .parse()
        .expect("an address"),
    };
    trial.run().map_err(|error| {
        let main = fs::read(&set_up.main).unwrap_or_default();
        format!("=== {name}: {error}\n{}", String::from_utf8_lossy(&main))
    })
}

struct Trial<'a> {
    site: &'a Site,
    set_up: &'a SetUp,
    httpd: &'a Httpd,
    end: IpAddr,
}

impl Trial<'_> {
    fn run(&self) -> Result<End, String> {
        let original = self.set_up.files();
        let before = {
            let _server = self.start()?;
            self.pages()
        };
        let plan = match Plan::answer_place(&self.read(), &self.place()) {
            Ok(plan) => plan,
            Err(PlanError::Refused(refusal)) => return self.named(&refusal.to_string()),
            Err(error) => return Err(error.to_string()),
        };
        if self.site.is_named {
            return Err("it was to be named".to_owned());
        }
        self.rehearsed(&plan)?;
        write(&plan);
        let after = self.set_up.files();
        self.texts(&original, &after)?;
        {
            let _server = self.start()?;
            self.token()?;
            self.probed()?;
            let pages = self.pages();
            if pages != before {
                let differs = before
                    .iter()
                    .filter(|(key, reply)| pages.get(*key) != Some(*reply));
                let differs: Vec<_> = differs.map(|(key, reply)| (key, reply, pages.get(key))).collect();
                return Err(format!("pages are others: {differs:?}"));
            }
        }
        let again = Plan::answer_place(&self.read(), &self.place()).map_err(|error| error.to_string())?;
        if !again.is_empty() {
            return Err(format!("a second run changes {:?}", again.changes));
        }
        self.back(&plan, &original, &after)?;
        Ok(End::Came)
    }

    fn named(&self, said: &str) -> Result<End, String> {
        let is_named = !self.set_up.here.is_empty()
            && self.set_up.here.iter().all(|place| said.contains(place.as_str()));
        match self.site.is_named && is_named {
            true => self.rehearsed_in_vain().map(|()| End::Named),
            false => Err(format!("refused: {said}")),
        }
    }

    /// `disable` gives back every byte, with a record and without one.
    fn back(
        &self,
        plan: &Plan,
        original: &BTreeMap<String, Vec<u8>>,
        after: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), String> {
        for records in [vec![record(plan, &self.site.names)], Vec::new()] {
            let (main, source, facts) = self.given();
            let back = Plan::disable(&main, &source, &facts, &Disable::default(), &records)
                .map_err(|error| format!("disable: {error}"))?;
            write(&back);
            let now = self.set_up.files();
            // That a file ended without a line end is known by a record only.
            let is_same = match records.is_empty() {
                true => now
                    .iter()
                    .all(|(name, bytes)| original[name].trim_ascii_end() == bytes.trim_ascii_end()),
                false => now == *original,
            };
            if !is_same {
                let text = |files: &BTreeMap<String, Vec<u8>>| {
                    files
                        .values()
                        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                        .collect::<String>()
                };
                return Err(format!(
                    "disable ({} records) leaves\n{}",
                    records.len(),
                    text(&now)
                ));
            }
            for (name, bytes) in after {
                fs::write(self.set_up.root.join("conf").join(name), bytes).expect("a file");
            }
        }
        Ok(())
    }

    fn texts(
        &self,
        before: &BTreeMap<String, Vec<u8>>,
        after: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), String> {
        let count = |files: &BTreeMap<String, Vec<u8>>, text: &str| {
            let texts = files
                .values()
                .map(|bytes| String::from_utf8_lossy(bytes).matches(text).count());
            texts.sum::<usize>()
        };
        let is_new = |text: &String| count(after, text) > count(before, text);
        if let Some(text) = self.set_up.has.iter().find(|text| !is_new(text)) {
            return Err(format!("no file has {text:?}"));
        }
        match self.set_up.lacks.iter().find(|text| is_new(text)) {
            Some(text) => Err(format!("a file has {text:?}")),
            None => Ok(()),
        }
    }

    /// The edited configuration answers in a rehearsal, before anything is written.
    fn rehearsed(&self, plan: &Plan) -> Result<(), String> {
        let loaded = self.loaded();
        let edited = answers::edited(&loaded, plan).ok_or("the result cannot be read")?;
        let place = AnswerPlace::of(&edited, self.site.names.clone());
        let found =
            answers::rehearse(&loaded, &edited, &place, &Told).map_err(|error| error.error.to_string())?;
        let found = found.ok_or("it was not rehearsed")?;
        let names: BTreeSet<&String> = found.iter().map(|probed| &probed.name).collect();
        if names != self.site.names.iter().collect() {
            return Err(format!("rehearsed were {names:?}"));
        }
        let wrong = found
            .iter()
            .find_map(|probed| probed.finding(&loaded, &edited, &place));
        wrong.map_or(Ok(()), |finding| {
            Err(format!("{} {}", finding.summary, finding.cause))
        })
    }

    /// What was named is what a rehearsal shows, and is told for a check as well.
    fn rehearsed_in_vain(&self) -> Result<(), String> {
        let loaded = self.loaded();
        let place = self.place();
        let found = answers::rehearse(&loaded, &loaded.configuration, &place, &Told)
            .map_err(|error| error.error.to_string())?;
        let found = found.ok_or("it was not rehearsed")?;
        if found.iter().all(|probed| probed.wrong.is_none()) {
            return Err("the rehearsal shows nothing wrong".to_owned());
        }
        let computed = answers::computed(&loaded, &loaded.configuration, &place);
        let places = computed.iter().filter_map(|finding| finding.place.as_ref());
        let places: Vec<String> = places.map(ToString::to_string).collect();
        match self
            .set_up
            .here
            .iter()
            .find(|here| !places.iter().any(|place| place.ends_with(here.as_str())))
        {
            Some(here) => Err(format!("{here} is not among {places:?}")),
            None => Ok(()),
        }
    }

    /// The running server shows a probe at every address of this machine.
    fn probed(&self) -> Result<(), String> {
        let (loaded, place) = (self.loaded(), self.place());
        let found = answers::answers_probe(&loaded, &loaded.configuration, &place, &Told);
        let found = found.map_err(|error| error.error.to_string())?;
        let addresses: BTreeSet<_> = found.iter().filter_map(|probed| probed.address).collect();
        if !addresses.contains(&(self.end, 80).into()) {
            return Err(format!("asked at {addresses:?}"));
        }
        let left = fs::read_dir(self.set_up.root.join("conf/esync-ssl-acme/answers")).expect("answers");
        if left.count() > 0 {
            return Err("a probe is left".to_owned());
        }
        match found.iter().find(|probed| probed.wrong.is_some()) {
            Some(probed) => Err(format!("{probed:?}")),
            None => Ok(()),
        }
    }

    fn loaded(&self) -> Loaded {
        let place = Where {
            root: Some(self.set_up.root.clone()),
            httpd: Some(self.httpd.binary.clone()),
            ..Where::default()
        };
        Loaded::find(&place)
            .map_err(|error| error.error.to_string())
            .expect("a server")
    }

    /// The token comes for each name.
    fn token(&self) -> Result<(), String> {
        let file = self.set_up.root.join("conf/esync-ssl-acme/answers").join(TOKEN);
        fs::write(&file, "the answer").expect("an answer");
        for name in &self.site.names {
            let reply = ask(
                self.end,
                80,
                false,
                name,
                &format!("/.well-known/acme-challenge/{TOKEN}"),
            );
            if reply.body().map(String::as_str) != Some("the answer") {
                return Err(format!("{name}: {reply:?}"));
            }
        }
        fs::remove_file(&file).expect("an answer that goes");
        Ok(())
    }

    fn pages(&self) -> BTreeMap<(String, &'static str), Reply> {
        let names = self
            .site
            .names
            .iter()
            .map(String::as_str)
            .chain(["other.test", "nobody.test"]);
        let asked = names.flat_map(|name| PATHS.map(|path| (name.to_owned(), path)));
        asked
            .map(|(name, path)| {
                let reply = ask(self.end, 80, false, &name, path);
                ((name, path), reply)
            })
            .collect()
    }

    fn start(&self) -> Result<Apache, String> {
        let ask = self.httpd.ask(&self.set_up.root, &self.set_up.main);
        let ports: &[u16] = if self.end.is_ipv4() { &[80] } else { &[] };
        let server = ask.start(ports)?;
        let start = Instant::now();
        while std::net::TcpStream::connect((self.end, 80)).is_err()
            && start.elapsed() < Duration::from_secs(20)
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    fn place(&self) -> AnswerPlace {
        AnswerPlace::of(&self.read(), self.site.names.clone())
    }

    fn read(&self) -> Configuration {
        let (main, source, facts) = self.given();
        Configuration::read(&main, source, facts).expect("the main file")
    }

    fn given(&self) -> (Vec<u8>, Source, Facts) {
        let source = Source::new(self.set_up.root.clone(), Platform::HOST);
        (
            host_bytes(&self.set_up.main),
            source,
            Facts::assumed(Platform::HOST),
        )
    }
}

/// A run of `enable` as the backup tells it.
fn record(plan: &Plan, names: &[String]) -> Record {
    let versions = plan.files.iter().map(|file| Version {
        path: real_path(&file.path),
        before: file.before.to_vec(),
        after: file.after.to_vec(),
    });
    Record {
        action: Action::Enable,
        domains: names.to_vec(),
        files: versions.collect(),
        made: plan.links.clone(),
        ..Record::default()
    }
}

/// Prints what an operation says.
struct Told;

impl Progress for Told {
    fn note(&self, _: NoteCode, text: &str) {
        println!("{text}");
    }
}

fn write(plan: &Plan) {
    for file in &plan.files {
        let path: &Path = &file.path;
        fs::write(path, &**file.after).expect("a file");
    }
}
