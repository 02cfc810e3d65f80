//! A server that nobody names, before the real places: in a mount namespace of the test's own, other things lie there.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use crate::support;
use crate::support::apache::Httpd;
use crate::support::files;
use crate::support::process::{self, Outcome, says};
use crate::support::program::binary;
use serde_json::Value;

/// Lays the folders of a test over this machine's, and takes away its binaries but one. Nothing of it is seen outside.
const PLACES: &str = r#"set -e
for httpd in /usr/sbin/apache2 /usr/sbin/httpd; do
    [ "$HTTPD" = "$httpd" ] || [ ! -e "$httpd" ] || mount --bind /dev/null "$httpd"
done
mkdir "$PLACES/all"
cp -R /etc "$PLACES/all/etc"
rm -rf "$PLACES/all/etc/apache2" "$PLACES/all/etc/httpd"
mkdir -p "$PLACES/all/usr/local" "$PLACES/all/opt"
[ ! -d "$PLACES/put" ] || cp -R "$PLACES/put/." "$PLACES/all"
for folder in /etc /usr/local /opt; do mount --bind "$PLACES/all$folder" $folder; done
exec "$@"
"#;

/// A machine with what the test puts into its places.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    /// Nothing where namespaces are not to be had.
    fn new() -> Option<Machine> {
        let machine = Machine {
            folder: files::folder(),
        };
        // Wherever it was built, it is there.
        fs::hard_link(binary(), machine.program())
            .or_else(|_| fs::copy(binary(), machine.program()).map(drop))
            .expect("a copy");
        let tried = machine.run(None, &["true"]);
        if tried.code != Some(0) {
            support::skip(&format!("no mount namespace: {}", tried.stderr_text().trim()));
            return None;
        }
        Some(machine)
    }

    /// A configuration with one line of its own, so that it is known again.
    fn put(&self, file: &str) {
        files::write(
            &self.folder.path().join("put").join(&file[1..]),
            "ServerName machines.example.com\nListen 8080\n",
        );
    }

    /// Runs a program there; `httpd` alone is left of this machine's.
    fn run(&self, httpd: Option<&Path>, words: &[&str]) -> Outcome {
        let mut command = std::process::Command::new("unshare");
        let user: &[&str] = if nix::unistd::geteuid().is_root() {
            &[]
        } else {
            &["--map-root-user"]
        };
        command
            .args(user)
            .args(["--mount", "sh", "-c", PLACES, "sh"])
            .args(words);
        command.env("PLACES", self.folder.path());
        command.env("HTTPD", httpd.unwrap_or(Path::new("")));
        command.env_remove("ESYNC_SSL_ROOT");
        let _ = fs::remove_dir_all(self.folder.path().join("all"));
        support::process::finish(&mut command, std::time::Duration::from_secs(60))
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("esync-ssl")
    }

    /// `check`, which says what it found.
    fn check(&self, httpd: Option<&Path>) -> Outcome {
        self.run(
            httpd,
            &[self.program().to_str().expect("text"), "check", "--json"],
        )
    }
}

/// Root, main file and how they were found, as it says it; such a server lacks this and that.
#[track_caller]
fn found(outcome: &Outcome, root: &str, how: &str, main: &str) {
    assert!(matches!(outcome.code, Some(0 | 12)), "{}", outcome.report());
    says(
        outcome,
        &[
            &format!("Server root: {root} ({how})\n"),
            &format!("Main file:   {main}\n"),
        ],
    );
}

/// It was asked for its version.
fn is_asked(outcome: &Outcome) -> bool {
    let answer: Value = outcome.data();
    answer["server"]["apache_version_assumed"] == false
}

#[test]
fn where_a_binary_was_made_for() {
    let (Some(machine), Some(httpd)) = (Machine::new(), Httpd::find()) else {
        return;
    };
    let mut settings = std::process::Command::new(&httpd.binary);
    let settings = process::output(settings.arg("-V")).expect("an answer");
    let settings = String::from_utf8(settings.stdout).expect("text");
    let define = |name: &str| {
        let rest = settings
            .split(&format!("-D {name}=\""))
            .nth(1)
            .expect("a setting");
        rest.split('"').next().expect("its value").to_owned()
    };
    let (root, main) = (define("HTTPD_ROOT"), define("SERVER_CONFIG_FILE"));
    let main = Path::new(&root).join(main).display().to_string();
    machine.put(&main);
    // Before any of the usual places.
    machine.put("/opt/lampp/conf/httpd.conf");
    let outcome = machine.check(Some(&httpd.binary));
    found(&outcome, &root, &format!("{} -V", httpd.binary.display()), &main);
    assert!(is_asked(&outcome), "{}", outcome.report());
}

#[test]
fn a_binary_that_was_made_for_elsewhere() {
    let (Some(machine), Some(httpd)) = (Machine::new(), Httpd::find()) else {
        return;
    };
    machine.put("/usr/local/apache2/conf/httpd.conf");
    let copy = machine.folder.path().join("put/usr/local/apache2/bin/httpd");
    fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder");
    fs::copy(&httpd.binary, copy).expect("a copy");
    for other in [None, Some(&*httpd.binary)] {
        let outcome = machine.check(other);
        found(
            &outcome,
            "/usr/local/apache2",
            "one of the usual places",
            "/usr/local/apache2/conf/httpd.conf",
        );
        assert!(is_asked(&outcome), "{}", outcome.report());
    }
}

#[test]
fn the_usual_places() {
    for (root, main) in [
        ("/usr/local/apache2", "conf/httpd.conf"),
        ("/etc/httpd", "conf/httpd.conf"),
        ("/etc/apache2", "apache2.conf"),
        ("/etc/apache2", "httpd.conf"),
        ("/opt/lampp", "conf/httpd.conf"),
        ("/usr/local/etc/apache24", "httpd.conf"),
    ] {
        let Some(machine) = Machine::new() else { return };
        let main = format!("{root}/{main}");
        machine.put(&main);
        let outcome = machine.check(None);
        found(&outcome, root, "one of the usual places", &main);
        assert!(!is_asked(&outcome), "{}", outcome.report());
    }
}

#[test]
fn several_or_none() {
    let Some(machine) = Machine::new() else { return };
    says(
        &machine.check(None).expect_code(1),
        &[
            "no Apache configuration in the usual places (/usr/local/apache2, ",
            "--root",
            "--config",
        ],
    );
    machine.put("/etc/httpd/conf/httpd.conf");
    machine.put("/opt/lampp/conf/httpd.conf");
    says(
        &machine.check(None).expect_code(1),
        &[
            "several Apache servers",
            "--root /etc/httpd --config /etc/httpd/conf/httpd.conf (one of the usual places)",
            "--root /opt/lampp --config /opt/lampp/conf/httpd.conf",
        ],
    );
}

/// Whoever stands in a server root that is in none of the usual places learns how to take it.
#[test]
fn the_current_folder_is_offered_where_nothing_is_found() {
    let Some(machine) = Machine::new() else { return };
    machine.put("/opt/mine/conf/httpd.conf");
    let program = machine.program();
    let status = |json: &str| {
        let line = format!("cd /opt/mine && exec {} status {json}", program.display());
        machine.run(None, &["sh", "-c", &line]).expect_code(1)
    };
    let words = "--root . takes the server root that you are in, /opt/mine";
    says(
        &status(""),
        &["no Apache configuration in the usual places", words],
    );
    let told = status("--json").envelope();
    assert_eq!(told["error"]["fix"], words, "{told}");
    let message = told["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("no Apache configuration in the usual places ("));
}
