//! Every directory under `fixtures/cases` is carried out: first as a dry run, then for real, then once more.
//!
//! A case directory holds `case.toml` (what is run, and the exit status), `in/` (the server root, unless the case
//! names a tree under `fixtures/`), `out/` (every file that is different or new afterwards), `preview.txt` and
//! `messages.txt` (stdout and stderr of the dry run), and `refusal.json` (what programs are told) where it is refused.
//! What cannot be the same in every run is written as `{root}` and the like, see `support/normal.rs`.
//!
//! With `ESYNC_SSL_UPDATE_CASES=1` the expectations are written anew instead of compared (to be reviewed by a
//! person, `git diff fixtures/cases`); exit statuses and the rules that hold for all cases are checked all the same.
//! It does not ask whether Apache takes the result; `apache/cases.rs` does.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::SystemTime;

use crate::support::case::{Case, SetUp};
use crate::support::files::snapshot;
use crate::support::normal::Normaliser;
use crate::support::{process, program};
use serde_json::Value;

/// Where the program leaves the files as they were.
const BACKUP: &str = "conf/esync-ssl-backup/";

macro_rules! groups {
    ($($group:ident)*) => {
        /// The first words of the names of all cases: each is a test of its own.
        const GROUPS: &[&str] = &[$(stringify!($group)),*];
        $(#[test] fn $group() { carry_out(stringify!($group)); })*
    };
}

groups! { bad bytes comment continued domain enabled esync hosts listen module root section }

#[test]
fn every_case_is_in_a_group() {
    for case in Case::all() {
        assert!(
            GROUPS.contains(&group_of(&case)),
            "{}: add its first word to the groups of this file",
            case.name
        );
    }
}

fn group_of(case: &Case) -> &str {
    case.name.split('-').next().unwrap_or_default()
}

/// Carries out all cases of a group and reports every failure at the end.
fn carry_out(group: &str) {
    let update = std::env::var_os("ESYNC_SSL_UPDATE_CASES").is_some_and(|value| value == "1");
    let mut failures = Vec::new();
    let mut carried_out = 0;
    for case in Case::all().iter().filter(|case| group_of(case) == group) {
        if !case.is_for_this_platform() {
            println!("not for this platform: {}", case.name);
            continue;
        }
        carried_out += 1;
        let mut trial = Trial::new(case, update);
        trial.dry_run();
        trial.refusal();
        trial.run();
        trial.run_again();
        if !trial.failures.is_empty() {
            failures.push(format!(
                "=== case {}: {}\n{}",
                case.name,
                case.said.about,
                trial.failures.join("\n")
            ));
        }
    }
    let failed = failures.len();
    assert!(
        failures.is_empty(),
        "{failed} of {carried_out} cases failed\n\n{}\n",
        failures.join("\n")
    );
}

/// One case being carried out.
struct Trial<'a> {
    case: &'a Case,
    update: bool,
    set_up: SetUp,
    normaliser: Normaliser,
    /// The server root before anything ran.
    before: BTreeMap<String, Vec<u8>>,
    failures: Vec<String>,
}

impl<'a> Trial<'a> {
    fn new(case: &'a Case, update: bool) -> Self {
        let set_up = case.set_up();
        let normaliser = Normaliser::new(&set_up.root);
        let before = snapshot(&set_up.root);
        Trial {
            case,
            update,
            set_up,
            normaliser,
            before,
            failures: Vec::new(),
        }
    }

    /// `--dry-run` shows the preview and touches nothing.
    fn dry_run(&mut self) {
        let said = &self.case.said;
        let output = self.unchanged_by("--dry-run", said.dry_run_status.unwrap_or(said.status));
        self.compare("preview.txt", &output.stdout);
        self.compare("messages.txt", &output.stderr);
    }

    /// Programs are told the code of a refusal, and as its places what its text names.
    fn refusal(&mut self) {
        if self.case.said.status != 4 {
            return;
        }
        let output = self.start(&["--dry-run", "--json"]);
        let document: Value = match serde_json::from_slice(&output.stdout) {
            Ok(document) => document,
            Err(error) => return self.failures.push(format!("--json: no document: {error}")),
        };
        let refusal = &document["error"];
        let [code, cause, fix] =
            ["code", "message", "fix"].map(|part| refusal[part].as_str().unwrap_or_default());
        if code.is_empty() || cause.is_empty() {
            self.failures.push(format!("--json: {document} is no refusal"));
        }
        let error = &format!("{cause} {fix}");
        let name = |place: &Value| {
            let file = place["file"].as_str().unwrap_or_default();
            let line = place["line"].as_u64()?;
            // People are shown it as the configuration has it, on Windows with slashes.
            Some(format!("{file}:{line}").replace('\\', "/"))
        };
        let mut places: Vec<String> = refusal["places"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(name)
            .collect();
        places.sort();
        let in_text = regex::Regex::new(r"\S+\.conf:[0-9]+").expect("a pattern");
        let named = in_text.find_iter(error);
        let mut named: Vec<String> = named.map(|found| found.as_str().replace('\\', "/")).collect();
        named.sort_unstable();
        named.dedup();
        if places != named {
            self.failures.push(format!(
                "--json: the places are {places:?}, and the text names {named:?}"
            ));
        }
        let text = serde_json::to_string_pretty(refusal).expect("it was read") + "\n";
        self.compare("refusal.json", text.as_bytes());
    }

    /// `--yes` makes exactly the changes in `out/`, and keeps what was there before.
    fn run(&mut self) {
        let output = self.start(&["--yes"]);
        self.check_status("--yes", &output, self.case.said.status);
        let after = snapshot(&self.set_up.root);
        let mut different = BTreeMap::new();
        for (name, bytes) in &after {
            if name.ends_with('/') || name.starts_with(BACKUP) {
                continue;
            }
            let old = self.before.get(name);
            if old == Some(bytes) {
                continue;
            }
            different.insert(name.clone(), self.normaliser.apply(bytes));
            if let Some(old) = old
                && !has_backup(&after, name, old)
            {
                self.failures
                    .push(format!("--yes: no copy of the old {name} in {BACKUP}"));
            }
        }
        for name in self.before.keys().filter(|name| !after.contains_key(*name)) {
            self.failures.push(format!("--yes: {name} is gone"));
        }
        if different.is_empty() && after.keys().any(|name| name.starts_with(BACKUP)) {
            self.failures
                .push("--yes: a backup, although nothing changed".to_owned());
        }
        self.compare_tree(&different);
    }

    /// A second `--yes` finds nothing to do, or refuses for the same reason.
    fn run_again(&mut self) {
        self.unchanged_by("--yes", self.case.said.status);
    }

    /// Starts the program and makes sure that nothing at all was written.
    fn unchanged_by(&mut self, flag: &str, status: i32) -> Output {
        let folder = self.set_up.folder.path().to_path_buf();
        let before = (snapshot(&folder), times(&folder));
        let output = self.start(&[flag]);
        self.check_status(flag, &output, status);
        let after = (snapshot(&folder), times(&folder));
        for (name, bytes) in &after.0 {
            match before.0.get(name) {
                None => self
                    .failures
                    .push(format!("{flag}: nothing should be written, but {name} is new")),
                Some(old) if old != bytes => {
                    let diff = difference(old, bytes);
                    self.failures
                        .push(format!("{flag}: nothing should change, but {name} did:\n{diff}"));
                }
                Some(_) if before.1.get(name) != after.1.get(name) => {
                    self.failures
                        .push(format!("{flag}: {name} was written again, with the same bytes"));
                }
                Some(_) => {}
            }
        }
        for name in before.0.keys().filter(|name| !after.0.contains_key(*name)) {
            self.failures.push(format!("{flag}: {name} is gone"));
        }
        output
    }

    /// Runs the program with the arguments of the case and `flags`, away from this system's settings and Apache.
    fn start(&self, flags: &[&str]) -> Output {
        let mut command = program::command();
        // Elsewhere the path is left as it is: Windows looks there for the libraries of a program as well.
        if cfg!(unix) {
            command.env("PATH", self.set_up.folder.path());
        }
        command
            .args(&self.set_up.args)
            .args(flags)
            .current_dir(self.set_up.folder.path())
            .stdin(Stdio::null());
        process::output(&mut command).expect("the program starts")
    }

    fn check_status(&mut self, flag: &str, output: &Output, wanted: i32) {
        if output.status.code() != Some(wanted) {
            self.failures.push(format!(
                "{flag}: {}, but the status should be {wanted}\nstdout:\n{}stderr:\n{}",
                output.status,
                readable(&self.normaliser.apply(&output.stdout)),
                readable(&self.normaliser.apply(&output.stderr)),
            ));
        }
    }

    /// Compares an output with the file of the case, or writes that file.
    fn compare(&mut self, file: &str, output: &[u8]) {
        let path = self.case.path().join(file);
        let output = self.normaliser.apply(output);
        if self.update {
            fs::write(&path, output).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            return;
        }
        match fs::read(&path) {
            Ok(wanted) if wanted == output => {}
            Ok(wanted) => self
                .failures
                .push(format!("{file} differs:\n{}", difference(&wanted, &output))),
            Err(error) => self.failures.push(format!(
                "{file}: {error}; ESYNC_SSL_UPDATE_CASES=1 writes it. The output is:\n{}",
                readable(&output)
            )),
        }
    }

    /// Compares the changed files with `out/`, or writes that folder.
    fn compare_tree(&mut self, different: &BTreeMap<String, Vec<u8>>) {
        let folder = self.case.path().join("out");
        if self.update {
            if folder.exists() {
                fs::remove_dir_all(&folder).expect("the old out/ goes");
            }
            for (name, bytes) in different {
                let path = folder.join(name);
                fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder of out/");
                fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
            return;
        }
        let mut wanted = if folder.exists() {
            snapshot(&folder)
        } else {
            BTreeMap::new()
        };
        wanted.retain(|name, _| !name.ends_with('/'));
        for (name, bytes) in different {
            match wanted.remove(name) {
                Some(expected) if expected == *bytes => {}
                Some(expected) => {
                    self.failures.push(format!(
                        "--yes: {name} differs:\n{}",
                        difference(&expected, bytes)
                    ));
                }
                None => {
                    let old = self.before.get(name).map_or(&[][..], |old| old);
                    let diff = difference(old, bytes);
                    self.failures
                        .push(format!("--yes: {name} should not change, but did:\n{diff}"));
                }
            }
        }
        for name in wanted.keys() {
            self.failures
                .push(format!("--yes: {name} should change, but did not"));
        }
    }
}

/// Whether the backup folder holds `old`, the former bytes of the file `name`, under a name that tells which it was.
fn has_backup(after: &BTreeMap<String, Vec<u8>>, name: &str, old: &[u8]) -> bool {
    let file_name = name.rsplit('/').next().unwrap_or(name);
    after
        .iter()
        .any(|(backup, bytes)| backup.starts_with(BACKUP) && backup.contains(file_name) && bytes == old)
}

/// When each file below `folder` was last written.
fn times(folder: &Path) -> BTreeMap<String, SystemTime> {
    let names = snapshot(folder).into_keys().filter(|name| !name.ends_with('/'));
    names
        .map(|name| {
            let written = fs::metadata(folder.join(&name)).and_then(|metadata| metadata.modified());
            (name, written.expect("the time of a file"))
        })
        .collect()
}

/// A unified diff from what was expected to what came, with every odd byte spelled out.
fn difference(expected: &[u8], came: &[u8]) -> String {
    let (expected, came) = (readable(expected), readable(came));
    similar::TextDiff::from_lines(expected.as_str(), came.as_str())
        .unified_diff()
        .header("expected", "came")
        .to_string()
}

/// The bytes line by line, with carriage returns and everything that is not ASCII spelled out.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => text.push_str(&format!("{}\n", plain(line))),
            None => text.push_str(&format!("{}(no line end)\n", plain(line))),
        }
    }
    text
}

/// Like `escape_ascii`, but quotes and single backslashes stay as they are.
fn plain(line: &[u8]) -> String {
    line.iter()
        .map(|&byte| match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            b'\t' => "\t".to_owned(),
            other => other.escape_ascii().to_string(),
        })
        .collect()
}
