//! Our reading against the real Apache's: for the fixtures, for configurations made at random, and for the files
//! that Debian's packages install. Every difference is a bug of ours. It starts no server.
//!
//! `ESYNC_SSL_TEST_SEED` repeats a run (the failure names it), `ESYNC_SSL_TEST_CASES` sets how many are made.

mod compare;
#[cfg(unix)]
mod debian;
mod expressions;
mod generator;
mod oracle;
pub mod random;
mod real_files;
mod verdicts;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use esync_ssl::httpd::{Configuration, Facts, Platform, Source};
use esync_ssl::server::binary::Binary;

use self::generator::Case;
use self::oracle::{Answer, Verdict};
use crate::support;
use crate::support::apache::Httpd;
use crate::support::files::forward;

/// As many threads as keep two processors busy: each waits for Apache most of the time.
const THREADS: usize = 4;

/// The one that this Apache is for.
const PLATFORM: Platform = if cfg!(windows) {
    Platform::Windows
} else {
    Platform::Unix
};

struct Judge {
    httpd: Httpd,
    facts: Facts,
}

impl Judge {
    fn find() -> Option<Judge> {
        let httpd = Httpd::find()?;
        let description = Binary::at(&httpd.binary)
            .expect("a program that may be run")
            .describe()
            .expect("httpd describes itself");
        let facts = description.facts(PLATFORM, Vec::new(), BTreeMap::new());
        Some(Judge { httpd, facts })
    }

    /// What differs between Apache's reading and ours.
    fn compare(&self, root: &Path, main: &Path, given: Given) -> Outcome {
        let Given {
            flags,
            environment,
            before,
        } = given;
        let theirs = oracle::ask(&self.httpd, root, main, |mut ask| {
            for directive in before {
                ask = ask.before(directive);
            }
            for flag in flags {
                ask = ask.define(flag);
            }
            for (name, value) in environment {
                ask = ask.env(name, value);
            }
            ask
        });
        let mut facts = self.facts.clone();
        facts.flags = flags.iter().map(|flag| flag.clone().into_bytes()).collect();
        facts
            .flags
            .extend(oracle::FLAGS.iter().map(|flag| flag.as_bytes().to_vec()));
        let own = environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in oracle::ENVIRONMENT.into_iter().chain(own) {
            facts.environment.insert(name.into(), value.into());
        }
        let source = Source::new(root.to_owned(), PLATFORM);
        let main = forward(main);
        let ours = Configuration::read(main.as_bytes(), source, facts).expect("a main file");
        let differences = compare::differences(&ours, &theirs, &generator::HOST_NAMES);
        Outcome { theirs, differences }
    }

    /// The same for a generated case, which is written to `root` first.
    fn judge(&self, root: &Path, case: &Case) -> Outcome {
        write(root, case, &self.httpd);
        let main = root.join("main.conf");
        let given = Given {
            flags: &case.flags,
            environment: &case.environment,
            before: &[],
        };
        self.compare(root, &main, given)
    }

    /// Leaves lines and files out as long as a difference remains.
    fn shrink(&self, root: &Path, mut case: Case) -> Case {
        let mut tries = 0;
        let mut differs = |case: &Case| {
            tries += 1;
            tries < 600 && !self.judge(root, case).differences.is_empty()
        };
        for at in (1..case.files.len()).rev() {
            let mut smaller = case.clone();
            smaller.files.remove(at);
            if differs(&smaller) {
                case = smaller;
            }
        }
        for file in 0..case.files.len() {
            let mut size = 8;
            while size > 0 {
                let mut at = 0;
                loop {
                    let lines: Vec<&[u8]> = case.files[file].1.split_inclusive(|&b| b == b'\n').collect();
                    if at >= lines.len() {
                        break;
                    }
                    let rest = [&lines[..at], &lines[(at + size).min(lines.len())..]]
                        .concat()
                        .concat();
                    let mut smaller = case.clone();
                    smaller.files[file].1 = rest;
                    if differs(&smaller) {
                        case = smaller;
                    } else {
                        at += size;
                    }
                }
                size /= 2;
            }
        }
        case
    }
}

/// What Apache is told besides a configuration.
#[derive(Clone, Copy, Default)]
struct Given<'a> {
    flags: &'a [String],
    environment: &'a [(String, String)],
    /// Directives in front of the main file.
    before: &'a [String],
}

struct Outcome {
    theirs: Answer,
    differences: Vec<String>,
}

/// The files of a case with the folders and links that every case has.
fn write(root: &Path, case: &Case, httpd: &Httpd) {
    if root.exists() {
        fs::remove_dir_all(root).expect("the former case removed");
    }
    for folder in ["in/sub", "in2/s.d", "other/in", "other/leaf", "leaf/d", "empty"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    // Nobody has links there on Windows.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("in2", root.join("link")).expect("a link to a folder");
        std::os::unix::fs::symlink("leaf/1.conf", root.join("link.conf")).expect("a link to a file");
    }
    for (at, (name, bytes)) in case.files.iter().enumerate() {
        let prelude = if at == 0 { prelude(case) } else { Vec::new() };
        let bytes = [&prelude[..], bytes].concat();
        fs::write(root.join(name), fill_in(&bytes, root, httpd)).expect("a file of the case");
    }
}

/// What the main file starts with. Windows has no `/dev`.
fn prelude(case: &Case) -> Vec<u8> {
    let text = String::from_utf8_lossy(&case.prelude);
    match cfg!(windows) {
        true => text.replace("/dev/null", "error.log").into_bytes(),
        false => case.prelude.clone(),
    }
}

/// `@ROOT@` and `@MODULES@`, which differ from run to run.
fn fill_in(bytes: &[u8], root: &Path, httpd: &Httpd) -> Vec<u8> {
    let mut result = bytes.to_vec();
    for (name, path) in [("@ROOT@", root), ("@MODULES@", &*httpd.modules)] {
        let path = forward(path);
        let mut done = Vec::new();
        let mut rest = &result[..];
        while let Some(at) = rest.windows(name.len()).position(|w| w == name.as_bytes()) {
            done.extend_from_slice(&rest[..at]);
            done.extend_from_slice(path.as_bytes());
            rest = &rest[at + name.len()..];
        }
        done.extend_from_slice(rest);
        result = done;
    }
    result
}

fn show(case: &Case) -> String {
    let mut text = format!(
        "flags {:?}, environment {:?}\n--- at the start of the main file\n{}",
        case.flags,
        case.environment,
        String::from_utf8_lossy(&case.prelude)
    );
    for (name, bytes) in &case.files {
        text.push_str(&format!("--- {name}\n"));
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            text.push_str(&format!("{}\n", line.escape_ascii()));
        }
    }
    text
}

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(value) => value
            .parse()
            .unwrap_or_else(|_| panic!("{name} must be a number")),
        Err(_) => default,
    }
}

#[test]
fn random_configurations_read_as_apache_reads_them() {
    let Some(judge) = Judge::find() else { return };
    let cases = setting("ESYNC_SSL_TEST_CASES", if cfg!(windows) { 60 } else { 2000 });
    let clock = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |now| now.as_secs() * 1_000_000)
    };
    let first = setting("ESYNC_SSL_TEST_SEED", clock());
    println!("ESYNC_SSL_TEST_SEED={first} ESYNC_SSL_TEST_CASES={cases}");
    let next = AtomicU64::new(0);
    let [accepted, refused, later] = [const { AtomicUsize::new(0) }; 3];
    let directives = AtomicUsize::new(0);
    let failures: Mutex<Vec<(u64, Case, Vec<String>)>> = Mutex::new(Vec::new());
    let modules = judge.httpd.load(&["mpm_event", "info", "autoindex"]);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let folder = support::files::folder();
                let root = folder.path().join("root");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let enough = failures.lock().expect("no panic in a thread").len() >= 5;
                    if number >= cases || enough {
                        return;
                    }
                    let case = generator::generate(first + number, &modules);
                    let outcome = judge.judge(&root, &case);
                    let count = match outcome.theirs.verdict {
                        Verdict::Accepted => &accepted,
                        Verdict::RefusedReading => &refused,
                        Verdict::RefusedLater => &later,
                    };
                    count.fetch_add(1, Ordering::Relaxed);
                    directives.fetch_add(outcome.theirs.directives.len(), Ordering::Relaxed);
                    if !outcome.differences.is_empty() {
                        let small = judge.shrink(&root, case);
                        let differences = judge.judge(&root, &small).differences;
                        failures.lock().expect("no panic in a thread").push((
                            first + number,
                            small,
                            differences,
                        ));
                    }
                }
            });
        }
    });
    println!(
        "{accepted:?} accepted with {directives:?} directives, {refused:?} refused while reading, {later:?} refused later"
    );
    let failures = failures.into_inner().expect("no panic in a thread");
    for (seed, case, differences) in &failures {
        println!(
            "\n===== ESYNC_SSL_TEST_SEED={seed} ESYNC_SSL_TEST_CASES=1\n{}",
            show(case)
        );
        println!("{}", differences.join("\n"));
    }
    assert!(
        failures.is_empty(),
        "we and Apache disagree; the cases are above, made smaller"
    );
}
