//! Changes before a real Apache: what it does not accept, or cannot start with, is not there afterwards.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use crate::support::apache::{Httpd, user};
use crate::support::certificates::{Authority, Leaf};
use crate::support::files::{self, forward};
use crate::support::network::Network;
use crate::support::process::Outcome;
use crate::support::program::{Program, esync_ssl};

const DOMAIN: &str = "esync.example.com";

struct Site {
    folder: tempfile::TempDir,
    httpd: Httpd,
    network: Network,
    leaf: Leaf,
    other: Leaf,
}

impl Site {
    fn new(more: &str) -> Option<Self> {
        let httpd = Httpd::find()?;
        let network = Network::enter();
        let folder = files::folder();
        let root = folder.path().join("Apache24");
        for needed in ["logs", "conf", "htdocs"] {
            fs::create_dir_all(root.join(needed)).expect("a folder of the server root");
        }
        let authority = Authority::new(&folder.path().join("certificates"));
        let modules = forward(&httpd.modules);
        let text = format!(
            "ServerRoot \"{root}\"\n{loaded}#LoadModule ssl_module {modules}/mod_ssl.so\n\
             Include conf/listen.conf\nServerName {DOMAIN}\nDocumentRoot \"{root}/htdocs\"\nPidFile \"{root}/pid\"\n\
             {user}{more}",
            root = forward(&root),
            user = user(),
            loaded = httpd.load(&["mpm_event", "authz_core", "socache_shmcb", "unixd"]) + &unknown(&httpd),
        );
        files::write(&root.join("conf/httpd.conf"), text);
        files::write(
            &root.join("conf/listen.conf"),
            format!("Listen {}\n", network.http),
        );
        Some(Site {
            leaf: authority.leaf("server", &[DOMAIN]),
            other: authority.leaf("other", &[DOMAIN]),
            folder,
            httpd,
            network,
        })
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    fn command(&self, arguments: &[&str]) -> Program {
        let program = esync_ssl().args(arguments).arg("--root").arg(self.root());
        program.arg("--httpd").arg(&self.httpd.binary)
    }

    fn enable(&self, leaf: &Leaf, key: &Leaf) -> Program {
        let port = self.network.https.to_string();
        let program = self.command(&["enable", "--yes", "--domain", DOMAIN, "--port", &port]);
        program
            .arg("--cert")
            .arg(&leaf.certificate)
            .arg("--key")
            .arg(&key.key)
    }

    #[track_caller]
    fn unchanged_by(&self, program: Program, status: i32) -> Outcome {
        let before = files::snapshot_of_server(&self.root());
        let outcome = program.run().expect_code(status);
        let after = files::snapshot_of_server(&self.root());
        assert_eq!(before, after, "{}", outcome.report());
        outcome
    }
}

/// Loads a module that nobody knows, as Debian has some built in: any directive may be its, and only Apache itself knows
/// better.
fn unknown(httpd: &Httpd) -> String {
    let name = "optional_fn_export";
    if httpd.can_load(&format!("mod_{name}")) {
        httpd.load(&[name])
    } else {
        String::new()
    }
}

#[test]
fn what_is_good_is_rehearsed_tested_and_kept() {
    let Some(site) = Site::new("") else { return };
    let start = Instant::now();
    let outcome = site.enable(&site.leaf, &site.leaf).run().expect_code(0);
    let took = start.elapsed();
    let without = Instant::now();
    site.command(&["restore", "--yes"]).run().expect_code(0);
    site.enable(&site.leaf, &site.leaf)
        .arg("--no-rehearsal")
        .run()
        .expect_code(0);
    eprintln!(
        "enable: {took:?}, restore and enable without rehearsal: {:?}",
        without.elapsed()
    );
    assert!(
        !outcome.stderr_text().contains("no rehearsal"),
        "{}",
        outcome.report()
    );
    let root = site.root();
    site.httpd
        .ask(&root, &root.join("conf/httpd.conf"))
        .syntax()
        .expect_code(0);
    assert_eq!(
        files::snapshot(&root.join("logs")).len(),
        0,
        "the rehearsal wrote into the server's logs"
    );
    assert!(!root.join("pid").exists());
    let checked = site.command(&["check"]).run();
    assert!(
        !checked.stdout_text().contains("REHEARSAL"),
        "{}",
        checked.report()
    );
}

/// As every configuration for Windows has it: accounts in a section for a module of Unix.
#[test]
fn accounts_that_are_passed_over_are_not_rehearsed() {
    let section = "<IfModule no_such_module>\nUser nobody-has-it\nGroup nobody-has-it\n</IfModule>\n";
    let Some(site) = Site::new(section) else { return };
    let outcome = site.enable(&site.leaf, &site.leaf).run().expect_code(0);
    assert!(
        !outcome.stderr_text().contains("no rehearsal"),
        "{}",
        outcome.report()
    );
}

/// The virtual host of single addresses is rehearsed, not what answers elsewhere.
#[test]
fn a_site_at_one_address_is_rehearsed() {
    let host =
        |address: &str| format!("<VirtualHost {address}:80>\n    ServerName {DOMAIN}\n</VirtualHost>\n");
    let hosts = host("127.0.0.1") + &host("[::1]");
    let Some(site) = Site::new(&hosts) else { return };
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    files::write(&main, text.replace(":80>", &format!(":{}>", site.network.http)));
    let opening = fs::read_to_string(&main).expect("the main file");
    let opening = opening.lines().position(|line| line.starts_with("<VirtualHost"));
    let place = format!("{}:{}", main.display(), opening.expect("a virtual host") + 1);
    let outcome = site
        .enable(&site.leaf, &site.leaf)
        .args(["--http", "keep", "--vhost", &place])
        .run();
    let outcome = outcome.expect_code(0);
    assert!(
        !outcome.stderr_text().contains("no rehearsal"),
        "{}",
        outcome.report()
    );
}

#[test]
fn a_certificate_that_is_made_is_rehearsed_too() {
    let Some(site) = Site::new("") else { return };
    let port = site.network.https.to_string();
    let arguments = [
        "enable",
        "--yes",
        "--self-signed",
        "--domain",
        DOMAIN,
        "--port",
        &port,
    ];
    let outcome = site.command(&arguments).run().expect_code(0);
    assert!(
        !outcome.stderr_text().contains("no rehearsal"),
        "{}",
        outcome.report()
    );
}

#[test]
fn a_key_that_does_not_match_is_caught_by_the_rehearsal() {
    let Some(site) = Site::new("") else { return };
    // Our own rules say so first; Apache itself is asked when they are overridden.
    let wrong = || {
        site.enable(&site.leaf, &site.other)
            .args(["--force", "KEY-MISMATCH"])
    };
    let outcome = site.unchanged_by(wrong(), 4);
    let said = outcome.stderr_text();
    assert!(
        said.contains("REHEARSAL-FAILED") && said.contains("AH02565"),
        "{}",
        outcome.report()
    );
    // Of files as they will be, not of those that it was tried with.
    assert!(
        !["esync-ssl/rehearsal-", "/proc/"]
            .iter()
            .any(|own| outcome.report().contains(own)),
        "{}",
        outcome.report()
    );
    // A dry run has it as well.
    let dry = |key| {
        let program = site.command(&["enable", "--dry-run", "--domain", DOMAIN]);
        let program = program
            .arg("--cert")
            .arg(&site.leaf.certificate)
            .arg("--key")
            .arg(key);
        program.args(["--force", "KEY-MISMATCH"])
    };
    site.unchanged_by(dry(&site.other.key), 4);
    let good = site.unchanged_by(dry(&site.leaf.key), 0);
    let said = "Went well: a rehearsal and httpd -t.";
    assert!(good.stderr_text().contains(said), "{}", good.report());
    // `httpd -t` does not see it.
    wrong().arg("--no-rehearsal").run().expect_code(0);
    let checked = site.command(&["check"]).run().expect_code(12);
    assert!(
        checked.stdout_text().contains("KEY-MISMATCH"),
        "{}",
        checked.report()
    );
}

/// A dry run shows Apache what is to be written, wherever it stands: included files, links to modules, keys that are not
/// made yet. Nothing of it is where the server looks. Nobody has the links of Debian on Windows.
#[cfg(unix)]
#[test]
fn a_dry_run_asks_apache_about_all_that_would_be_written() {
    let Some(site) = Site::new("") else { return };
    let root = site.root();
    let main = root.join("conf/httpd.conf");
    let port = site.network.https.to_string();
    let enable = |more: &[&str]| {
        let program = site.command(&["enable", "--self-signed", "--domain", DOMAIN, "--port", &port]);
        program.args(more)
    };
    let good = site.unchanged_by(enable(&["--dry-run"]), 0);
    let said = "Went well: a rehearsal and httpd -t.";
    assert!(good.stderr_text().contains(said), "{}", good.report());
    // As Debian has it: a module is a link.
    let text = fs::read_to_string(&main).expect("the main file");
    let line = text
        .lines()
        .find(|line| line.starts_with("#LoadModule ssl_module"));
    let load = line.expect("the module").trim_start_matches('#').to_owned();
    let linked = text.replace(&format!("#{load}\n"), "");
    files::write(
        &main,
        linked + "IncludeOptional mods-enabled/*.load\nIncludeOptional mods-enabled/*.conf\n",
    );
    files::write(&root.join("mods-available/ssl.load"), load + "\n");
    fs::create_dir_all(root.join("mods-enabled")).expect("a folder");
    let good = site.unchanged_by(enable(&["--dry-run"]), 0);
    assert!(good.stderr_text().contains(said), "{}", good.report());
    assert!(good.stdout_text().contains("link to"), "{}", good.report());
    // What it refuses there is refused, and named by its own file and line.
    files::write(
        &root.join("mods-available/ssl.conf"),
        "# ours\nSSLNoSuchDirective on\n",
    );
    let [dry, wet] =
        ["--dry-run", "--yes"].map(|flag| site.unchanged_by(enable(&[flag, "--no-rehearsal"]), 5));
    let words = |outcome: &Outcome| {
        let said = outcome.stderr_text();
        let lines = said
            .lines()
            .filter(|line| line.contains("httpd: ") || line.starts_with("esync-ssl"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(words(&dry), words(&wet), "{}\n{}", dry.report(), wet.report());
    let place = format!("line 2 of {}", root.join("mods-enabled/ssl.conf").display());
    assert!(dry.stderr_text().contains(&place), "{}", dry.report());
    // The rehearsal meets it first; nothing would be gained without it.
    let met = site.unchanged_by(enable(&["--dry-run"]), 4);
    let said = met.stderr_text();
    assert!(
        said.contains("httpd -t does not accept the result either") && !said.contains("--no-rehearsal"),
        "{}",
        met.report()
    );
    fs::remove_file(root.join("mods-available/ssl.conf")).expect("a file");
    enable(&["--yes"]).run().expect_code(0);
    let off = site.unchanged_by(site.command(&["disable", "--dry-run"]), 0);
    assert!(
        off.stderr_text().contains("Went well: httpd -t."),
        "{}",
        off.report()
    );
}

#[test]
fn ciphers_that_openssl_does_not_know_are_caught_by_check() {
    let Some(site) = Site::new("") else { return };
    site.enable(&site.leaf, &site.leaf).run().expect_code(0);
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    let cipher = text
        .lines()
        .find(|line| line.contains("SSLCipherSuite"))
        .expect("ciphers")
        .to_owned();
    let number = text.lines().position(|line| line == cipher).expect("its line") + 1;
    // What it is, for the server and for clients, with the words that tell why.
    for (line, words) in [
        (
            "SSLCipherSuite NO-SUCH-CIPHER",
            &["names no cipher that this OpenSSL knows", "AH01898"][..],
        ),
        (
            "SSLCipherSuite TLSv1.3 NO-SUCH-CIPHER",
            &["names no cipher that this OpenSSL knows", "AH10127"],
        ),
        (
            "SSLProtocol SSLv3",
            &[
                "names a protocol that this Apache or its OpenSSL does not know",
                "AH00526: Syntax error on line ",
            ],
        ),
        (
            "SSLProtocol TLSv1.1",
            &["protocols that current clients no longer use"],
        ),
        (
            "SSLOpenSSLConfCmd Groups no-such-group",
            &["SSLOpenSSLConfCmd asks for something", "AH02407"],
        ),
        (
            "SSLSessionTicketKeyFile conf/short",
            &["is not a key for tickets", "AH02287"],
        ),
    ] {
        fs::write(site.root().join("conf/short"), "short").expect("a file");
        fs::write(&main, text.replace(&cipher, line)).expect("the main file");
        let checked = site.command(&["check"]).run().expect_code(12);
        let said = checked.stdout_text().replace('\\', "/");
        let place = format!("conf/httpd.conf:{number}\n");
        let all = words.iter().copied().chain(["REHEARSAL-FAILED"]);
        let place = (!line.contains("Ticket")).then_some(&*place);
        for words in all.chain(place) {
            assert!(said.contains(words), "{words}: {}", checked.report());
        }
        assert!(!said.contains("esync-ssl/rehearsal-"), "{}", checked.report());
    }
    let skipped = site.command(&["check", "--no-rehearsal"]).run();
    assert!(
        !skipped.stdout_text().contains("REHEARSAL-FAILED"),
        "{}",
        skipped.report()
    );
}

#[test]
fn what_apache_rejects_goes_back() {
    // The module is loaded twice when ours comes, and its directive is then used in a wrong place: only with
    // mod_ssl does Apache look into this condition.
    let Some(site) = Site::new("<IfModule ssl_module>\nIncludeOptional conf/broken.inc\n</IfModule>\n")
    else {
        return;
    };
    // Valid for whoever reads it without knowing what the word means.
    files::write(&site.root().join("conf/broken.inc"), "NoSuchDirective on\n");
    let tested = site.unchanged_by(site.enable(&site.leaf, &site.leaf).arg("--no-rehearsal"), 5);
    let said = tested.stderr_text();
    assert!(
        said.contains("NoSuchDirective") && said.contains("It accepts the configuration as it is now"),
        "{}",
        tested.report()
    );
    site.enable(&site.leaf, &site.leaf)
        .args(["--no-rehearsal", "--no-test"])
        .run()
        .expect_code(0);
}

#[test]
fn what_apache_rejected_before_is_told_apart() {
    let Some(site) = Site::new("NoSuchDirective on\n") else {
        return;
    };
    let outcome = site.enable(&site.leaf, &site.leaf).arg("--no-rehearsal").run();
    assert!(matches!(outcome.code, Some(4 | 5)), "{}", outcome.report());
    assert!(
        outcome.stderr_text().contains("did not accept it before"),
        "{}",
        outcome.report()
    );
}
