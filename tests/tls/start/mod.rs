//! Whole configurations staged before a real Apache: does it start, does `httpd -t` see why not, does
//! `esync-ssl check`? The cases are in `cases.txt`; files that they name are made by [`files`].
//!
//! Prints the figures of the README; with `ESYNC_SSL_TEST_VERBOSE` a line for every case. `ESYNC_SSL_TEST_EVERY=1` stages all of
//! them under wine, too.

mod case;
mod files;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, RwLock};
use std::time::{Duration, Instant};

use self::case::{Case, Told};
use crate::httpd;
use crate::support;
use crate::support::network::Network;
use crate::support::process::{self, Outcome};

/// On Windows all stages have one network: none is started while others look at the ports.
static PORTS: RwLock<()> = RwLock::new(());

/// What the world and `check` say of a case.
struct Verdict {
    id: String,
    title: String,
    starts: bool,
    /// `httpd -t` refuses.
    syntax: bool,
    /// `check --no-rehearsal` says that the server does not start.
    rules: bool,
    /// `check` does, its rehearsal included.
    check: bool,
    codes: String,
    log: String,
    told: Told,
    listed: bool,
}

impl Verdict {
    /// `check` says what the world says, as early as it can.
    fn agrees(&self) -> bool {
        let expected = (
            !self.starts && self.told != Told::Never,
            !self.starts && self.told == Told::ByRules,
        );
        (self.check, self.rules) == expected
    }

    fn line(&self) -> String {
        format!(
            "{:<6} {:<7} -t {:<5} rules {:<5} check {:<5} {} [{}]",
            self.id,
            if self.starts { "starts" } else { "stops" },
            self.syntax,
            self.rules,
            self.check,
            self.title,
            self.codes
        )
    }
}

#[test]
fn check_knows_what_does_not_start() {
    let wanted = std::env::var("ESYNC_SSL_TEST_CASE").unwrap_or_default();
    let cases: Vec<Case> = case::all(include_str!("cases.txt"))
        .into_iter()
        .filter(|case| case.id.contains(&wanted) && case.is_of_system())
        .step_by(support::one_of(2))
        .collect();
    let made = files::make();
    let queue = Mutex::new(cases.iter());
    let verdicts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Ports 80 and 443 of its own; on Windows those of all, one after the other.
                let network = Network::enter();
                assert!(
                    network.isolated || cfg!(windows),
                    "this test needs root for a network of its own"
                );
                loop {
                    let Some(case) = queue.lock().unwrap().next() else {
                        break;
                    };
                    let verdict = stage(case, made.path());
                    verdicts.lock().unwrap().push(verdict);
                }
            });
        }
    });
    let mut verdicts = verdicts.into_inner().unwrap();
    verdicts.sort_by(|a, b| a.id.cmp(&b.id));
    // Where all the others are at work too, a server may be late with what it fails at.
    let _network = Network::enter();
    for verdict in verdicts.iter_mut().filter(|verdict| !verdict.agrees()) {
        let case = cases.iter().find(|case| case.id == verdict.id).unwrap();
        let again = stage(case, made.path());
        if again.agrees() {
            println!("agreed only alone: {}", verdict.line());
            *verdict = again;
        }
    }
    report(&verdicts);
}

/// Of these cases: what their cause may be called.
const CAUSES: [(&str, &[&str]); 47] = [
    ("K01", &["KEY-PASSPHRASE"]),
    ("K04", &["KEY-PASSPHRASE"]),
    ("K09", &["PASSPHRASE-WRONG", "REHEARSAL-FAILED"]),
    ("K12", &["PASSPHRASE-DIALOG"]),
    ("K16", &["KEY-CIPHER-UNKNOWN"]),
    ("K20", &["FILE-EMPTY"]),
    ("K24", &["KEY-NOT-A-KEY"]),
    ("K25", &["KEY-NOT-A-KEY"]),
    ("K30", &["KEY-UTF16"]),
    ("K31", &["KEY-DAMAGED"]),
    ("K34", &["KEY-MISMATCH"]),
    ("K34-rsa", &["KEY-MISMATCH"]),
    ("K39", &["KEY-SEVERAL"]),
    ("K40", &["KEY-NOT-A-KEY"]),
    ("K42", &["KEY-WEAK"]),
    ("C01", &["FILE-MISSING"]),
    ("C02", &["FILE-EMPTY"]),
    ("C03", &["FILE-NOT-REGULAR"]),
    ("C09", &["CERT-UTF16"]),
    ("C11", &["CERT-DAMAGED"]),
    ("C13", &["CERT-NOT-A-CERTIFICATE"]),
    ("C16", &["SIGNATURE-WEAK"]),
    ("H02", &["CHAIN-LEAF-NOT-FIRST"]),
    ("H07", &["FILE-MISSING"]),
    ("H12", &["CHAIN-FILE-DAMAGED"]),
    ("H22", &["CERT-GLUED"]),
    ("M01", &["MODULE-NOT-LOADED"]),
    ("M03", &["MODULE-MISSING"]),
    ("M08", &["SESSION-CACHE"]),
    ("M11", &["DIRECTIVE-UNKNOWN"]),
    ("M12", &["DIRECTIVE-VALUE"]),
    ("M13", &["DIRECTIVE-VALUE"]),
    ("M18", &["TLS-CIPHERS", "REHEARSAL-FAILED"]),
    ("M22", &["DIRECTIVE-PLACE"]),
    ("M24", &["STAPLING"]),
    ("M31", &["CLIENT-CA-UNREADABLE"]),
    ("M39", &["CERT-NOT-NAMED"]),
    ("P03", &["VARIABLE-UNDEFINED"]),
    ("P12", &["LOG-FOLDER"]),
    ("P14", &["SERVER-ROOT"]),
    ("P17", &["SECTION-NOT-CLOSED"]),
    ("P20", &["CONFIG-ENCODING"]),
    ("V08", &["LISTEN-TWICE"]),
    ("V11", &["LISTEN-MISSING"]),
    ("V26", &["ADDRESS-NOT-HERE"]),
    ("V28", &["DIRECTIVE-VALUE"]),
    ("N08", &["LISTEN-TWICE"]),
];

/// The cause comes first, and the same is told as no other error.
#[test]
fn doctor_names_what_does_not_start() {
    let _network = Network::enter();
    let cases: Vec<Case> = case::all(include_str!("cases.txt"));
    let wanted = |id: &str| CAUSES.iter().find(|(known, _)| *known == id);
    let cases = cases.into_iter().filter(|case| case.is_of_system());
    let cases = cases.filter_map(|case| Some((wanted(&case.id)?.1, case)));
    let made = files::make();
    let (mut total, mut wrong) = (0, Vec::new());
    for (codes, case) in cases.step_by(support::one_of(6)) {
        let stage = Stage::new(&case, made.path());
        let mut command = stage.apache();
        command.arg("-X");
        let (starts, log) = starts(command, stage.root());
        assert!(!starts, "{}: {log}", case.id);
        let report = stage.doctor();
        let causes = report["causes"].as_array().expect("causes");
        let told: Vec<(&str, &str)> = causes
            .iter()
            .filter(|cause| cause["level"] == "error")
            .map(|cause| {
                (
                    cause["code"].as_str().unwrap(),
                    cause["summary"].as_str().unwrap(),
                )
            })
            .collect();
        total += 1;
        if told.len() != 1 || !codes.contains(&told[0].0) {
            wrong.push(format!(
                "{} {}: {codes:?}, told {told:#?}\n{log}",
                case.id, case.title
            ));
        }
    }
    println!(
        "doctor: {} of {total} causes named first and once",
        total - wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn report(verdicts: &[Verdict]) {
    let verbose = std::env::var_os("ESYNC_SSL_TEST_VERBOSE").is_some();
    let mut wrong = Vec::new();
    for verdict in verdicts {
        if verbose {
            println!("{}", verdict.line());
        }
        if !verdict.agrees() {
            wrong.push(format!(
                "{}\n    {}",
                verdict.line(),
                verdict.log.replace('\n', "\n    ")
            ));
        }
    }
    let print = |what: &str, chosen: &dyn Fn(&&Verdict) -> bool| {
        let count = |also: fn(&Verdict) -> bool| {
            verdicts
                .iter()
                .filter(chosen)
                .filter(|verdict| also(verdict))
                .count()
        };
        println!(
            "{what}: {} faults that stop the server staged; httpd -t catches {}, esync-ssl check {} ({} of them without \
             a rehearsal); {} configurations that start, {} false alarms",
            count(|verdict| !verdict.starts),
            count(|verdict| !verdict.starts && verdict.syntax),
            count(|verdict| !verdict.starts && verdict.check),
            count(|verdict| !verdict.starts && verdict.rules),
            count(|verdict| verdict.starts),
            count(|verdict| verdict.starts && verdict.check),
        );
    };
    print("listed cases", &|verdict| verdict.listed);
    print("all cases", &|_| true);
    assert!(
        wrong.is_empty(),
        "{} disagreements:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn stage(case: &Case, made: &Path) -> Verdict {
    let stage = Stage::new(case, made);
    let syntax = stage.run(stage.apache().arg("-t"));
    let (rules, codes) = stage.check(&["--no-rehearsal"]);
    // With an error found there is no rehearsal.
    let (rehearsed, more) = if rules {
        (true, codes.clone())
    } else {
        stage.check(&[])
    };
    let mut command = stage.apache();
    command.arg("-X");
    let (starts, log) = {
        let _alone = cfg!(windows).then(|| PORTS.write());
        starts(command, stage.root())
    };
    Verdict {
        id: case.id.clone(),
        title: case.title.clone(),
        starts,
        syntax: syntax.code != Some(0),
        rules,
        check: rehearsed,
        codes: if codes == more {
            codes
        } else {
            format!("{codes} / {more}")
        },
        log: log + &syntax.stderr_text(),
        told: case.told,
        listed: case.listed(),
    }
}

/// The server root of a case.
struct Stage<'a> {
    case: &'a Case,
    folder: tempfile::TempDir,
    main: PathBuf,
}

impl<'a> Stage<'a> {
    fn new(case: &'a Case, made: &Path) -> Self {
        let folder = support::files::folder();
        let root = folder.path();
        support::files::copy_tree(made, &root.join("conf"));
        files::permissions(&root.join("conf"));
        std::fs::create_dir(root.join("logs")).unwrap();
        std::fs::create_dir(root.join("htdocs")).unwrap();
        open(&root.join("logs"));
        let main = root.join("conf/httpd.conf");
        if !case.missing {
            std::fs::write(&main, case.configuration(root)).unwrap();
        }
        Stage { case, folder, main }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A program of the user whom the case speaks of.
    fn as_user(&self, program: &Path) -> Command {
        let none = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
        httpd::ending_with_us(program, if self.case.unprivileged { &none } else { &[] })
    }

    fn apache(&self) -> Command {
        let mut command = self.as_user(&httpd::httpd());
        command.arg("-d").arg(self.root()).arg("-f").arg(&self.main);
        command
    }

    fn run(&self, command: &mut Command) -> Outcome {
        process::finish(command, Duration::from_secs(60))
    }

    /// Whether `check` says that the server does not start, and what it finds.
    fn check(&self, more: &[&str]) -> (bool, String) {
        let mut command = self.as_user(&support::program::binary());
        command
            .args(["check", "--json", "--httpd"])
            .arg(httpd::httpd())
            .arg("--root")
            .arg(self.root())
            .arg("--config")
            .arg(&self.main)
            .args(more);
        let _looking = cfg!(windows).then(|| PORTS.read());
        let mut outcome = self.run(&mut command);
        // Wine does not start every program.
        while cfg!(windows) && outcome.stderr_text().contains("cannot be started") {
            outcome = self.run(&mut command);
        }
        if outcome.code == Some(1) {
            return (true, outcome.stderr_text());
        }
        let report = outcome.data();
        let findings = report["checked"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|checked| checked["findings"].as_array().into_iter().flatten())
            .chain(report["findings"].as_array().into_iter().flatten());
        let mut stops = false;
        let mut codes = Vec::new();
        for finding in findings {
            let severity = finding["severity"].as_str().unwrap_or_default();
            stops |= severity == "stops-start";
            codes.push(format!(
                "{} {severity}",
                finding["code"].as_str().unwrap_or_default()
            ));
        }
        (stops, codes.join(", "))
    }
}

impl Stage<'_> {
    /// What `doctor` says of it.
    fn doctor(&self) -> serde_json::Value {
        let mut command = self.as_user(&support::program::binary());
        command.args(["doctor", "--json", "--httpd"]).arg(httpd::httpd());
        command
            .arg("--root")
            .arg(self.root())
            .arg("--config")
            .arg(&self.main);
        let _looking = cfg!(windows).then(|| PORTS.read());
        self.run(&mut command).data()
    }
}

/// Whether the server is there after its start, and what it wrote.
fn starts(mut command: Command, root: &Path) -> (bool, String) {
    let output = std::fs::File::create(root.join("logs/output")).unwrap();
    command.stdin(Stdio::null());
    command.stdout(output.try_clone().unwrap()).stderr(output);
    let mut child = process::start(&mut command).expect("Apache runs");
    let start = Instant::now();
    let started = loop {
        if child.try_wait().unwrap().is_some() {
            break false;
        }
        // Written when certificates and ports are behind it.
        if root.join("logs/httpd.pid").exists() {
            std::thread::sleep(Duration::from_millis(100));
            break child.try_wait().unwrap().is_none();
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "Apache neither starts nor ends"
        );
        std::thread::sleep(Duration::from_millis(10));
    };
    let _ = child.kill();
    let _ = child.wait();
    let read = |name: &str| {
        let bytes = std::fs::read(root.join("logs").join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    (started, read("output") + &read("error.log"))
}

/// Everybody may write there, as servers of some cases are not root's.
#[cfg(unix)]
fn open(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}

#[cfg(windows)]
fn open(_: &Path) {}
