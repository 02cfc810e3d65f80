//! `esync-ssl enable` as its user meets it: questions, exit statuses, documents, refusals, and that nothing is
//! written that was not agreed to. What exactly changes in a configuration, `cases.rs` says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support;
use crate::support::certificates::Authority;
use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::{Program, esync_ssl};
use esync_ssl::exit_status::ExitStatus;
use esync_ssl::httpd::{Configuration, Facts, Platform, Source, host_bytes, normalize, resolve};
use serde_json::Value;

const DOMAIN: &str = "esync.example.com";
/// What a configuration file must never get from a command line.
const INJECTED: &str = "Listen 6666";

/// The small fixture in a temporary folder, with certificates beside the server root.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = files::folder();
        files::copy_tree(&files::fixture("small"), &folder.path().join("Apache24"));
        Authority::write_server(&folder.path().join("certificates"), DOMAIN);
        Site { folder }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    fn main(&self) -> PathBuf {
        self.root().join("conf").join("httpd.conf")
    }

    fn certificate(&self, name: &str) -> PathBuf {
        self.folder.path().join("certificates").join(name)
    }

    /// `enable` with a certificate, and no word yet on whether to write.
    fn enable(&self) -> Program {
        self.enable_for(
            DOMAIN,
            &self.certificate("server.crt"),
            &self.certificate("server.key"),
        )
    }

    fn enable_for(&self, domain: &str, certificate: &Path, key: &Path) -> Program {
        let program = esync_ssl()
            .args(["enable", "--domain", domain, "--root"])
            .arg(self.root());
        program.arg("--cert").arg(certificate).arg("--key").arg(key)
    }

    fn self_signed(&self) -> Program {
        let program = esync_ssl().args(["enable", "--self-signed", "--domain", DOMAIN, "--root"]);
        program.arg(self.root())
    }

    fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        files::snapshot(self.folder.path())
    }

    /// Runs the program and makes sure that it ends with that status, says something, and changes nothing at all.
    #[track_caller]
    fn unchanged_by(&self, program: Program, status: i32) -> Outcome {
        // On Windows the file of the lock stays, in its folder.
        let of_lock = |name: &str| {
            ["esync-ssl-backup/", "esync-ssl-backup/lock"]
                .iter()
                .any(|end| name.ends_with(end))
        };
        let snapshot = || -> BTreeMap<String, Vec<u8>> {
            let all = self.snapshot().into_iter();
            all.filter(|(name, _)| !(cfg!(windows) && of_lock(name)))
                .collect()
        };
        let before = snapshot();
        let outcome = program.run().expect_code(status);
        let after = snapshot();
        let names = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after), "{}", outcome.report());
        assert!(before == after, "a file changed: {}", outcome.report());
        if status != 0 && status != 3 {
            assert!(
                outcome.stderr_text().len() > 20,
                "no word about it: {}",
                outcome.report()
            );
        }
        outcome
    }

    /// The arguments of all active directives of that name, as Apache would read them.
    fn arguments(&self, name: &str) -> Vec<Vec<Vec<u8>>> {
        let main = normalize(&host_bytes(&self.main()), Platform::HOST);
        let source = Source::new(self.root(), Platform::HOST);
        let read = Configuration::read(&main, source, Facts::assumed(Platform::HOST)).expect("the main file");
        read.named(name)
            .map(|(_, entry)| read.arguments(entry).to_vec())
            .collect()
    }
}

#[track_caller]
fn json(outcome: &Outcome) -> Value {
    outcome.data()
}

#[test]
fn without_a_terminal_nothing_is_written() {
    let site = Site::new();
    for program in [site.enable(), site.self_signed(), site.enable().arg("--json")] {
        let outcome = site.unchanged_by(program, 14);
        assert!(outcome.report().contains("--yes"), "{}", outcome.report());
    }
}

#[test]
fn dry_run_writes_and_creates_nothing() {
    let site = Site::new();
    for program in [site.enable(), site.self_signed()] {
        let outcome = site.unchanged_by(program.arg("--dry-run"), 0);
        assert!(
            outcome.stdout_text().contains("+Listen 443"),
            "{}",
            outcome.report()
        );
        assert!(!outcome.stdout_text().contains("PRIVATE KEY"));
    }
}

#[test]
fn exit_code_tells_whether_there_would_be_changes() {
    let site = Site::new();
    site.unchanged_by(site.enable().args(["--dry-run", "--exit-code"]), 3);
    site.enable().arg("--yes").run().expect_code(0);
    site.unchanged_by(site.enable().args(["--dry-run", "--exit-code"]), 0);
    let again = site.unchanged_by(site.enable().arg("--yes"), 0);
    assert!(
        again.stdout_text().contains("Nothing needs to change"),
        "{}",
        again.report()
    );
}

#[test]
fn second_run_leaves_what_was_reformatted_alone() {
    let site = Site::new();
    site.enable().arg("--yes").run().expect_code(0);
    let text = fs::read_to_string(site.main()).expect("the main file");
    let (start, end) = (
        text.find("<VirtualHost").expect("ours"),
        text.find("</VirtualHost>").expect("its end"),
    );
    let ours = &text[start..end + "</VirtualHost>".len()];
    let moved = ours
        .replace("    ", "\t\t")
        .replace("VirtualHost", "virtualhost")
        .replace("SSLEngine on", "sslengine   \\\n  On");
    let text = format!(
        "{moved}\n\n{}",
        text.replace(ours, "").replace("Listen 443", "  listen \"443\"  ")
    );
    fs::write(site.main(), text).expect("the main file written");
    site.unchanged_by(site.enable().arg("--yes"), 0);
}

#[test]
fn usage_errors_are_told_apart() {
    let site = Site::new();
    let root = site.root().display().to_string();
    let named = ["enable", "--domain", DOMAIN, "--root", &root];
    for more in [
        &[][..],
        &["--cert", "a.crt"],
        &["--self-signed", "--cert", "a", "--key", "b"],
        &["--self-signed", "--port", "0"],
        &["--self-signed", "--port", "65536"],
        &["--self-signed", "--http", "maybe"],
        &["--self-signed", "--yes", "--dry-run"],
        &["--self-signed", "--exit-code"],
        &["--self-signed", "Listen 6666"],
    ] {
        site.unchanged_by(esync_ssl().args(named).args(more), 2);
    }
    for arguments in [&["enable"][..], &["frobnicate"], &[]] {
        site.unchanged_by(esync_ssl().args(arguments), 2);
    }
}

#[test]
fn statuses_in_help_and_manual_are_those_of_the_program() {
    let (number, meaning) = ExitStatus::BY_SIGNAL;
    let wanted: Vec<(String, String)> = ExitStatus::ALL
        .iter()
        .map(|(status, meaning)| (status.code().to_string(), (*meaning).to_string()))
        .chain([(number.to_owned(), meaning.to_owned())])
        .collect();
    for arguments in [&["--help"][..], &["enable", "--help"]] {
        let help = esync_ssl().args(arguments).run().expect_code(0).stdout_text();
        let (_, list) = help.split_once("Exit status:").expect("a list of exit statuses");
        let listed = list.lines().filter_map(|line| line.trim().split_once("  "));
        let listed: Vec<(String, String)> = listed
            .map(|(code, meaning)| (code.to_owned(), meaning.trim().to_owned()))
            .collect();
        // A command lists its own.
        let mut wanted = wanted.clone();
        if arguments.len() > 1 {
            wanted.retain(|(code, _)| code != "12");
        }
        assert_eq!(listed, wanted, "{arguments:?}");
    }
    let page = support::program::native(env!("CARGO_MANIFEST_DIR")).join("docs/programs.md");
    let page = fs::read_to_string(page)
        .expect("docs/programs.md")
        .replace('\r', "");
    let (_, section) = page
        .split_once("\n## Exit statuses\n")
        .expect("the section 'Exit statuses'");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.trim().trim_matches('|').split('|').map(str::trim);
        let code = cells.next().filter(|code| code.parse::<u8>().is_ok())?;
        Some((code.to_owned(), cells.next()?.to_owned()))
    });
    assert_eq!(rows.collect::<Vec<_>>(), wanted, "docs/programs.md");
}

#[test]
fn json_is_one_document_with_everything() {
    let site = Site::new();
    let fields = |document: &Value| {
        for change in document["changes"].as_array().expect("changes") {
            for text in ["before", "after", "reason"] {
                assert!(change[text].is_string(), "{text}: {change}");
            }
            assert!(
                change["place"]["line"].as_u64().is_some_and(|line| line > 0),
                "{change}"
            );
        }
        assert!(
            document["files"].is_array() && document["diff"].is_string(),
            "{document}"
        );
    };
    let planned = json(&site.unchanged_by(site.self_signed().args(["--json", "--dry-run"]), 0));
    fields(&planned);
    let listen = planned["changes"].as_array().expect("changes");
    let listen = listen
        .iter()
        .find(|change| change["before"] == "Listen 80")
        .expect("the listener");
    assert_eq!(
        (&listen["after"], &listen["place"]["line"]),
        (&Value::from("Listen 443"), &Value::from(2))
    );
    assert!(
        planned["diff"]
            .as_str()
            .is_some_and(|diff| diff.contains("-Listen 80\n+Listen 443\n"))
    );
    assert_eq!(planned["diffs"][0]["diff"], planned["diff"]);
    assert!(planned["backup"].is_null(), "{planned}");

    let outcome = site.self_signed().args(["--json", "--yes"]).run().expect_code(0);
    assert!(!outcome.stdout_text().contains("PRIVATE"), "the key is printed");
    let done = json(&outcome);
    fields(&done);
    assert_eq!(done["changes"], planned["changes"]);
    assert_eq!(done["files"], planned["files"]);
    let mut actions = Vec::new();
    for file in done["files"].as_array().expect("files") {
        let path = file["path"].as_str().expect("a path");
        assert!(Path::new(path).is_file(), "{path}");
        actions.push(file["action"].as_str().expect("an action"));
    }
    assert_eq!(actions, ["modify", "create", "create"]);
    let backup = PathBuf::from(done["backup"].as_str().expect("a backup"));
    let kept = fs::read(backup.join("conf").join("httpd.conf")).expect("the copy of the main file");
    assert_eq!(
        kept,
        fs::read(files::fixture("small/conf/httpd.conf")).expect("the fixture")
    );

    let again = json(&site.unchanged_by(site.self_signed().args(["--json", "--yes"]), 0));
    assert_eq!(again["changes"].as_array().map(Vec::len), Some(0));
    let failed = site.unchanged_by(
        site.enable_for("a b", Path::new("x"), Path::new("y"))
            .arg("--json"),
        1,
    );
    let failed = json(&failed);
    assert!(
        failed["error"]["message"].is_string() && failed["status"] == 1,
        "{failed}"
    );
}

#[test]
fn a_refusal_is_told_to_programs_in_parts() {
    let site = Site::new();
    // The line that loads mod_ssl comes behind the first one, and moves all that follows.
    let main = "LoadModule alias_module modules/mod_alias.so\nListen 80\nListen 8080\n\
                <VirtualHost *:80>\nServerName esync.example.com\nDocumentRoot one\n</VirtualHost>\n\
                <VirtualHost 127.0.0.1:80>\nServerName esync.example.com\nDocumentRoot two\n</VirtualHost>\n";
    fs::write(site.main(), main).expect("the main file");
    files::write(&site.root().join("modules/mod_ssl.so"), "");
    let shown = |line: u32| format!("{}:{line}", site.main().display().to_string().replace('\\', "/"));
    let told = |flags: &[&str]| {
        let told = site.unchanged_by(
            site.enable()
                .args(["--json", "--yes", "--http", "keep"])
                .args(flags),
            4,
        );
        json(&told)
    };
    let told_of = |document: &Value| -> (String, Vec<String>) {
        let place = |place: &Value| {
            let file = place["file"].as_str().expect("a file").replace('\\', "/");
            format!("{file}:{}", place["line"])
        };
        let refusal = &document["error"];
        let places = refusal["places"].as_array().expect("places");
        let code = refusal["code"].as_str().expect("a code").to_owned();
        (code, places.iter().map(place).collect())
    };
    let ambiguous = told(&[]);
    let places = vec![shown(4), shown(8)];
    assert_eq!(
        told_of(&ambiguous),
        ("SITE-AMBIGUOUS".to_owned(), places.clone()),
        "{ambiguous}"
    );
    let whole = ambiguous["error"]["message"].as_str().expect("an error");
    assert!(whole.replace('\\', "/").contains(&shown(8)), "{whole}");
    // A path that is not the whole one is told as the file that it means.
    let nowhere = told(&["--vhost", "conf/httpd.conf:3"]);
    let typed = vec![shown(3)];
    assert_eq!(
        told_of(&nowhere),
        ("SITE-NOT-THERE".to_owned(), [typed, places].concat()),
        "{nowhere}"
    );
}

#[test]
fn a_site_is_found_by_the_end_of_its_path_whatever_moves_in_others() {
    let site = Site::new();
    let main =
        "LoadModule ssl_module modules/mod_ssl.so\nInclude conf/a/site.conf\nInclude conf/b/site.conf\n";
    fs::write(site.main(), main).expect("the main file");
    files::write(&site.root().join("modules/mod_ssl.so"), "");
    // A line comes into the first one, which has the same name.
    files::write(&site.root().join("conf/a/site.conf"), "Listen 80\n");
    let host = "<VirtualHost *:80>\nServerName esync.example.com\n</VirtualHost>\n";
    files::write(&site.root().join("conf/b/site.conf"), host);
    let run = site
        .enable()
        .args(["--http", "keep", "--dry-run", "--vhost", "site.conf:3"]);
    site.unchanged_by(run, 0);
}

#[test]
fn server_root_of_the_environment_is_taken_and_named() {
    let site = Site::new();
    let run = || esync_ssl().args(["enable", "--self-signed", "--dry-run", "--domain", DOMAIN]);
    let outcome = site.unchanged_by(run().env("ESYNC_SSL_ROOT", site.root()), 0);
    let said = outcome.stderr_text();
    assert!(
        said.contains("ESYNC_SSL_ROOT") && said.contains("Apache24"),
        "{}",
        outcome.report()
    );
    // The flag is stronger.
    let flag = run()
        .arg("--root")
        .arg(site.root())
        .env("ESYNC_SSL_ROOT", "/nowhere");
    let outcome = site.unchanged_by(flag, 0);
    assert!(outcome.stderr_text().contains("--root"), "{}", outcome.report());
    let outcome = site.unchanged_by(run().env("ESYNC_SSL_ROOT", site.folder.path().join("nowhere")), 1);
    assert!(
        outcome.stderr_text().contains("ESYNC_SSL_ROOT"),
        "{}",
        outcome.report()
    );
}

#[test]
fn existing_key_or_certificate_is_never_overwritten() {
    for (there, missing) in [("key", "crt"), ("crt", "key")] {
        let site = Site::new();
        let file = site
            .root()
            .join("conf")
            .join("ssl")
            .join(format!("{DOMAIN}.{there}"));
        files::write(&file, "precious");
        let outcome = site.unchanged_by(site.self_signed().arg("--yes"), 4);
        let said = outcome.stderr_text();
        assert!(
            said.contains(&format!("{DOMAIN}.{missing}")),
            "{}",
            outcome.report()
        );
    }
    // Both there, and good: they are used.
    let site = Site::new();
    site.self_signed().arg("--yes").run().expect_code(0);
    let key = site.root().join("conf").join("ssl").join(format!("{DOMAIN}.key"));
    let before = fs::read(&key).expect("the key");
    fs::copy(files::fixture("small/conf/httpd.conf"), site.main()).expect("the configuration anew");
    site.self_signed().arg("--yes").run().expect_code(0);
    assert_eq!(before, fs::read(&key).expect("the key"));
}

#[test]
fn backups_are_never_read_as_configuration() {
    for pattern in [
        "Include conf/",
        "Include conf/*",
        "Include conf/*/*",
        "Include conf/*/*/conf",
    ] {
        let site = Site::new();
        // A main file outside of the included folder, else it would include itself.
        let main = site.root().join("httpd.conf");
        let text = fs::read_to_string(site.main()).expect("the main file");
        files::write(&main, text.clone() + pattern + "\n");
        fs::remove_file(site.main()).expect("the main file goes elsewhere");
        files::write(
            &site.root().join("conf").join("a").join("more.conf"),
            "# nothing\n",
        );
        let program = esync_ssl().args(["enable", "--self-signed", "--yes", "--domain", DOMAIN, "--config"]);
        let outcome = program.arg(&main).arg("--root").arg(site.root()).run();
        if outcome.code == Some(4) {
            continue;
        }
        let outcome = outcome.expect_code(0);
        let read = normalize(&host_bytes(&main), Platform::HOST);
        let source = Source::new(site.root(), Platform::HOST);
        let read = Configuration::read(&read, source, Facts::assumed(Platform::HOST)).expect("the main file");
        let backups: Vec<&Path> = read
            .files()
            .iter()
            .map(|file| file.host.as_path())
            .filter(|path| path.to_string_lossy().contains("esync-ssl-backup"))
            .collect();
        assert!(backups.is_empty(), "{pattern}: {backups:?}\n{}", outcome.report());
    }
}

#[test]
fn utf16_is_refused() {
    for mark in [&b"\xff\xfe"[..], b"\xfe\xff"] {
        let site = Site::new();
        let text = fs::read_to_string(site.main()).expect("the main file");
        let units = text.encode_utf16();
        let bytes: Vec<u8> = if mark[0] == 0xff {
            units.flat_map(u16::to_le_bytes).collect()
        } else {
            units.flat_map(u16::to_be_bytes).collect()
        };
        files::write(&site.main(), [mark, &bytes].concat());
        let outcome = site.unchanged_by(site.self_signed().arg("--yes"), 4);
        assert!(outcome.stderr_text().contains("UTF-16"), "{}", outcome.report());
    }
}

#[test]
fn a_domain_cannot_bring_in_a_directive() {
    let site = Site::new();
    let label = "a".repeat(64);
    for domain in [
        "esync.example.com\nListen 6666",
        "esync.example.com\r\nListen 6666",
        "esync.example.com\rListen 6666",
        "esync.example.com\"\nListen 6666",
        "esync.example.com>",
        "esync.example.com Listen",
        "${LISTEN}",
        "esync.${X}.com",
        "esync\\.example.com",
        "'esync.example.com'",
        "esync.example.com#",
        "../../esync",
        "..\\esync",
        "esync.example.com/",
        "%{HTTP_HOST}",
        "*.example.com",
        "",
        ".",
        "\u{2028}Listen",
        &label,
    ] {
        let outcome = esync_ssl()
            .args(["enable", "--yes", "--self-signed", "--domain", domain, "--root"])
            .arg(site.root());
        let outcome = site.unchanged_by(outcome, 1);
        assert!(outcome.stderr_text().contains("--domain"), "{}", outcome.report());
    }
}

#[test]
fn a_path_cannot_bring_in_a_directive() {
    let mut names = vec![
        "${X}.crt",
        "${SRVROOT}",
        "it's.crt",
        "a b.crt",
        "#a.crt",
        "%{X}.crt",
        "$1.crt",
        "zert-\u{fc}.crt",
    ];
    if cfg!(unix) {
        names.extend([
            "a\nListen 6666\n.crt",
            "a\rb.crt",
            "a\"b.crt",
            "a\" \"b.crt",
            "\"a.crt",
            "a>b.crt",
            "a\\.crt",
            "a\\",
            "a\\\\\"b.crt",
            "|prog.crt",
            "a\tb.crt",
            "a<b>.crt",
            " a.crt ",
        ]);
    }
    for name in names {
        for swap in [false, true] {
            let site = Site::new();
            let mut pair = [site.certificate("server.crt"), site.certificate("server.key")];
            let odd = site.root().join("conf").join(name);
            fs::copy(&pair[usize::from(swap)], &odd).unwrap_or_else(|error| panic!("{name:?}: {error}"));
            pair[usize::from(swap)] = odd.clone();
            let before = site.snapshot();
            let outcome = site.enable_for(DOMAIN, &pair[0], &pair[1]).arg("--yes").run();
            if matches!(outcome.code, Some(1 | 4)) {
                assert!(before == site.snapshot(), "{name:?}: {}", outcome.report());
                continue;
            }
            let outcome = outcome.expect_code(0);
            let directive = ["SSLCertificateFile", "SSLCertificateKeyFile"][usize::from(swap)];
            let written = site.arguments(directive);
            let [arguments] = written.as_slice() else {
                panic!("{name:?}: {written:?}: {}", outcome.report())
            };
            let [path] = arguments.as_slice() else {
                panic!("{name:?} became several arguments: {}", outcome.report())
            };
            let root = normalize(&host_bytes(&site.root()), Platform::HOST);
            let (have, want) = (
                resolve(&root, path, Platform::HOST),
                normalize(&host_bytes(&odd), Platform::HOST),
            );
            assert_eq!(
                String::from_utf8_lossy(&have),
                String::from_utf8_lossy(&want),
                "{name:?}: {}",
                outcome.report()
            );
            assert_eq!(site.arguments("Listen"), [[b"443".to_vec()]], "{name:?}");
            let text = fs::read(site.main()).expect("the main file");
            assert!(
                !String::from_utf8_lossy(&text)
                    .lines()
                    .any(|line| line == INJECTED),
                "{name:?}"
            );
        }
    }
}

#[test]
fn missing_and_unfit_files_are_named() {
    let site = Site::new();
    let (certificate, key) = (site.certificate("server.crt"), site.certificate("server.key"));
    let empty = site.certificate("empty.pem");
    files::write(&empty, "");
    for bad in [
        site.certificate("gone.pem"),
        site.folder.path().to_path_buf(),
        empty,
    ] {
        for (certificate, key) in [(&bad, &key), (&certificate, &bad)] {
            let before = site.snapshot();
            let outcome = site.enable_for(DOMAIN, certificate, key).arg("--yes").run();
            assert!(matches!(outcome.code, Some(1 | 4)), "{}", outcome.report());
            assert!(before == site.snapshot(), "{}", outcome.report());
            let name = bad.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(outcome.stderr_text().contains(&name), "{}", outcome.report());
        }
    }
    let wrong = |option: &str, value: PathBuf| {
        let program = esync_ssl().args(["enable", "--yes", "--self-signed", "--domain", DOMAIN, option]);
        site.unchanged_by(program.arg(value), 1);
    };
    wrong("--root", site.folder.path().join("nowhere"));
    wrong("--root", site.root().join("modules"));
    wrong("--root", site.main());
    wrong("--config", site.root());
    wrong("--config", site.root().join("nothing.conf"));
}

#[test]
fn read_only_file_stays_as_it_is() {
    let site = Site::new();
    let set = |readonly: bool| {
        let mut permissions = fs::metadata(site.main()).expect("the main file").permissions();
        permissions.set_readonly(readonly);
        fs::set_permissions(site.main(), permissions).expect("its permissions");
    };
    set(true);
    for program in [site.enable(), site.self_signed()] {
        let outcome = site.unchanged_by(program.arg("--yes"), 4);
        assert!(
            outcome.stderr_text().contains("httpd.conf"),
            "{}",
            outcome.report()
        );
    }
    set(false);
}

#[test]
fn colour_is_for_terminals_only() {
    let site = Site::new();
    let outcome = site.unchanged_by(site.enable().arg("--dry-run"), 0);
    assert!(!outcome.stdout.contains(&0x1b) && !outcome.stderr.contains(&0x1b));
    let outcome = site.unchanged_by(site.enable().args(["--dry-run", "--color", "always"]), 0);
    assert!(outcome.stdout.contains(&0x1b), "{}", outcome.report());
}

/// Unix only: file modes, links, another user, and a terminal to answer at.
#[cfg(unix)]
mod unix {
    use std::io::Write;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::support::terminal::Terminal;

    /// The program at a terminal of its own.
    struct Session {
        at: Terminal,
        said: String,
    }

    impl Session {
        fn start(arguments: &[&str], root: &Path, no_color: bool) -> Self {
            let mut command = support::program::command();
            command.args(["enable", "--self-signed", "--domain", DOMAIN, "--root"]);
            command.arg(root).args(arguments).env("TERM", "xterm-256color");
            if no_color {
                command.env("NO_COLOR", "1");
            }
            Session {
                at: Terminal::start(command),
                said: String::new(),
            }
        }

        /// Reads on until the question stands there.
        #[track_caller]
        fn wait_for_question(&mut self) {
            while !self.said.ends_with("[y/N] ") {
                match self.at.shown.recv_timeout(Duration::from_secs(30)) {
                    Ok(bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                    Err(error) => panic!("no question ({error}):\n{}", self.said),
                }
            }
        }

        /// Answers, where the run goes on.
        #[track_caller]
        fn say(&mut self, text: &str) {
            self.said.clear();
            self.at.typed.write_all(text.as_bytes()).expect("an answer");
        }

        /// Answers and gives the exit status and all that was said.
        #[track_caller]
        fn answer(mut self, text: &str) -> (Option<i32>, String) {
            self.at.typed.write_all(text.as_bytes()).expect("an answer");
            self.end()
        }

        #[track_caller]
        fn end(mut self) -> (Option<i32>, String) {
            let start = Instant::now();
            let status = loop {
                if let Some(status) = self.at.child.try_wait().expect("the state of a child process") {
                    break status;
                }
                if start.elapsed() > Duration::from_secs(30) {
                    let _ = self.at.child.kill();
                    let _ = self.at.child.wait();
                    panic!("it does not end:\n{}", self.said);
                }
                std::thread::sleep(Duration::from_millis(5));
            };
            while let Ok(bytes) = self.at.shown.recv_timeout(Duration::from_secs(5)) {
                self.said.push_str(&String::from_utf8_lossy(&bytes));
            }
            (status.code(), self.said)
        }
    }

    #[test]
    fn only_yes_is_yes() {
        // 0x04 is what the terminal sends for the end of the input.
        for answer in ["n\n", "\n", "no\n", "No \n", "\x04"] {
            let site = Site::new();
            let before = site.snapshot();
            let mut session = Session::start(&[], &site.root(), false);
            session.wait_for_question();
            let (status, said) = session.answer(answer);
            assert_eq!(status, Some(13), "{answer:?}: {said}");
            assert!(before == site.snapshot(), "{answer:?}: {said}");
        }
        // What is neither is asked again.
        for answer in ["x\n", "yesterday\n"] {
            let site = Site::new();
            let before = site.snapshot();
            let mut session = Session::start(&[], &site.root(), false);
            session.wait_for_question();
            session.say(answer);
            session.wait_for_question();
            assert!(session.said.contains("must be y or n"), "{}", session.said);
            let (status, said) = session.answer("n\n");
            assert_eq!(status, Some(13), "{answer:?}: {said}");
            assert!(before == site.snapshot(), "{answer:?}: {said}");
        }
        for answer in ["y\n", "Y\n", "yes\n"] {
            let site = Site::new();
            let mut session = Session::start(&[], &site.root(), false);
            session.wait_for_question();
            let (status, said) = session.answer(answer);
            assert_eq!(status, Some(0), "{answer:?}: {said}");
            assert_eq!(
                site.arguments("Listen"),
                [[b"443".to_vec()]],
                "{answer:?}: {said}"
            );
        }
    }

    #[test]
    fn a_file_changed_before_the_answer_is_not_overwritten() {
        let site = Site::new();
        let mut session = Session::start(&[], &site.root(), false);
        session.wait_for_question();
        let changed = fs::read_to_string(site.main()).expect("the main file") + "# by somebody else\n";
        files::write(&site.main(), changed);
        let before = site.snapshot();
        session.say("y\n");
        // What is to be done now is shown, and asked for.
        session.wait_for_question();
        let (status, said) = session.answer("n\n");
        assert_eq!(status, Some(13), "{said}");
        assert!(
            said.contains("another program changed the files") && before == site.snapshot(),
            "{said}"
        );
    }

    #[test]
    fn terminal_gets_colour_unless_it_is_declined() {
        let site = Site::new();
        let (status, said) = Session::start(&["--dry-run"], &site.root(), false).end();
        assert!(
            status == Some(0) && said.contains("\x1b[32m+Listen 443"),
            "{said}"
        );
        for (arguments, no_color) in [
            (&["--dry-run"][..], true),
            (&["--dry-run", "--color", "never"], false),
        ] {
            let (status, said) = Session::start(arguments, &site.root(), no_color).end();
            assert!(status == Some(0) && !said.contains('\x1b'), "{said}");
            assert!(said.contains("+Listen 443"), "{said}");
        }
    }

    #[test]
    fn control_characters_of_a_file_do_not_reach_the_terminal() {
        let site = Site::new();
        let text = fs::read_to_string(site.main()).expect("the main file");
        files::write(
            &site.main(),
            text.replace("Listen 80\n", "Listen 80\n# \x1b]0;pwned\x07\x1b[2J\n"),
        );
        let (_, said) = Session::start(&["--dry-run"], &site.root(), true).end();
        assert!(
            said.contains("pwned") && !said.contains(['\x1b', '\x07']),
            "{said:?}"
        );
    }

    #[test]
    fn link_and_mode_of_the_main_file_stay() {
        let site = Site::new();
        let real = site.folder.path().join("real.conf");
        fs::rename(site.main(), &real).expect("the main file goes elsewhere");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("its mode");
        symlink("../../real.conf", site.main()).expect("a link");
        site.self_signed().arg("--yes").run().expect_code(0);
        let link = fs::symlink_metadata(site.main()).expect("the link");
        assert!(link.is_symlink(), "the link became a file");
        assert_eq!(
            fs::metadata(&real).expect("the file").permissions().mode() & 0o777,
            0o640
        );
        let text = fs::read_to_string(&real).expect("the file");
        assert!(text.contains("Listen 443"), "{text}");
        let key = site.root().join(format!("conf/ssl/{DOMAIN}.key"));
        assert_eq!(
            fs::metadata(key).expect("the key").permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn owner_of_the_main_file_stays() {
        if !nix::unistd::geteuid().is_root() {
            // Nobody but root can give a file away; there is nothing that could get lost.
            return;
        }
        let site = Site::new();
        chown(site.main(), Some(65534), Some(65534)).expect("another owner");
        site.self_signed().arg("--yes").run().expect_code(0);
        let after = fs::metadata(site.main()).expect("the main file");
        assert_eq!((after.uid(), after.gid()), (65534, 65534));
    }

    /// Runs `enable --self-signed --yes` as somebody to whom modes apply: root may write everywhere.
    fn enable_as_user(site: &Site) -> Outcome {
        let mut command = support::program::command();
        if nix::unistd::geteuid().is_root() {
            // Where the program was built, others may not get to. Not copied by this process: another test may
            // start a program meanwhile, which inherits the open copy, and the system starts no such file.
            let copy = site.folder.path().join("esync-ssl");
            let mut install = std::process::Command::new("install");
            install
                .args(["-m", "755"])
                .arg(support::program::binary())
                .arg(&copy);
            support::process::finish(&mut install, Duration::from_secs(60)).expect_code(0);
            command = std::process::Command::new("setpriv");
            command
                .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
                .arg(copy);
        }
        command.args(["enable", "--self-signed", "--yes", "--domain", DOMAIN, "--root"]);
        support::process::finish(command.arg(site.root()), Duration::from_secs(60))
    }

    fn give_away(site: &Site) {
        if nix::unistd::geteuid().is_root() {
            let user = |path: &Path| chown(path, Some(65534), Some(65534)).expect("another owner");
            user(&site.root());
            for name in files::snapshot(&site.root()).keys() {
                user(&site.root().join(name));
            }
        }
    }

    #[test]
    fn read_only_folder_is_left_alone() {
        for folder in ["conf", "."] {
            let site = Site::new();
            give_away(&site);
            let closed = site.root().join(folder);
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("its mode");
            let before = files::snapshot(&site.root());
            let outcome = enable_as_user(&site);
            let after = files::snapshot(&site.root());
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).expect("its mode");
            if folder == "." {
                // Everything happens in conf/.
                outcome.expect_code(0);
                continue;
            }
            let outcome = outcome.expect_code(8);
            assert!(before == after, "{}", outcome.report());
            assert!(outcome.stderr_text().contains("conf"), "{}", outcome.report());
        }
    }

    #[test]
    fn unreadable_main_file_is_named() {
        let site = Site::new();
        give_away(&site);
        fs::set_permissions(site.main(), fs::Permissions::from_mode(0o000)).expect("its mode");
        let outcome = enable_as_user(&site).expect_code(8);
        assert!(
            outcome.stderr_text().contains("httpd.conf"),
            "{}",
            outcome.report()
        );
        assert!(!site.root().join("conf/ssl").exists(), "{}", outcome.report());
    }
}

/// What only keeps Apache from starting, and `httpd -t` may be content with, is refused as what it is: all of it, unless
/// it is forced, and then it is said.
#[test]
fn what_keeps_apache_from_starting_is_refused_and_named() {
    let site = Site::new();
    let mut text = fs::read(site.main()).unwrap();
    text.extend_from_slice(b"\nErrorLog logs/no/such/error.log\n");
    for port in 1..=6 {
        let port = 8100 + port;
        text.extend_from_slice(format!("Listen {port}\nListen {port}\n").as_bytes());
    }
    fs::write(site.main(), text).unwrap();
    let refused = site.unchanged_by(site.enable().arg("--yes"), 4);
    let words = refused.stderr_text();
    assert!(
        words.contains("Apache does not start with this configuration as it is"),
        "{words}"
    );
    assert!(words.contains("logs/no/such"), "{words}");
    assert!(words.contains("and 2 more"), "{words}");
    // It is for those who know: what certainly stops the start is not offered.
    assert!(!words.contains("--force"), "{words}");
    let half = ["--yes", "--force", "LOG-FOLDER"];
    site.unchanged_by(site.enable().args(half), 4);
    let forced = ["--yes", "--force", "LOG-FOLDER", "--force", "LISTEN-TWICE"];
    let done = site.enable().args(forced).run().expect_code(0);
    let words = done.report();
    assert!(
        words.contains("Apache does not start with this configuration, before and after the change"),
        "{words}"
    );
    // The way back leads where it did not start either.
    let back = esync_ssl()
        .args(["disable", "--dry-run", "--root"])
        .arg(site.root())
        .run()
        .expect_code(0);
    let words = back.report();
    assert!(
        words.contains("Apache did not start with the configuration before esync-ssl was run"),
        "{words}"
    );
    // Done already is not enough either.
    site.unchanged_by(site.enable().arg("--yes"), 4);
}

/// A virtual host that lacks only what the request brings is no reason to refuse.
#[test]
fn what_the_change_cures_is_not_refused() {
    let site = Site::new();
    let mut text = fs::read(site.main()).unwrap();
    let bare =
        format!("\nListen 443\n<VirtualHost *:443>\nServerName {DOMAIN}\nSSLEngine on\n</VirtualHost>\n");
    text.extend_from_slice(bare.as_bytes());
    fs::write(site.main(), text).unwrap();
    site.enable()
        .args(["--yes", "--http", "keep"])
        .run()
        .expect_code(0);
    let lint = esync_ssl()
        .args(["lint", "--quiet", "--root"])
        .arg(site.root())
        .run();
    assert!(
        !lint.stdout_text().contains("tls-without-certificate"),
        "{}",
        lint.report()
    );
}

/// What HTTPS lacks of HTTP is told by every run, also where nothing is left to write.
#[test]
fn a_run_without_changes_tells_what_https_lacks() {
    let site = crate::support::site::Site::new();
    let host = format!(
        "\nLoadModule alias_module modules/mod_alias.so\n<VirtualHost *:80>\nServerName {DOMAIN}\nRedirect /adm https://{DOMAIN}:8443/\n</VirtualHost>\n"
    );
    files::write(&site.main(), site.text() + &host);
    files::write(&site.root().join("modules/mod_alias.so"), "");
    let run = || site.enable().args(["--http", "keep"]).run().expect_code(0);
    let first = run();
    assert!(
        !first.stderr_text().contains("does not have it"),
        "{}",
        first.report()
    );
    let text = site.text();
    let (before, copy) = text.rsplit_once("<VirtualHost").expect("the copy");
    assert!(copy.contains("Redirect /adm"), "{copy}");
    let line = copy
        .lines()
        .find(|line| line.contains("Redirect /adm"))
        .expect("its line");
    files::write(
        &site.main(),
        format!("{before}<VirtualHost{}", copy.replace(line, "")),
    );
    let second = run();
    let said = second.stderr_text();
    assert!(
        said.contains("/adm") && said.contains("does not have it"),
        "{}",
        second.report()
    );
    assert!(
        second.stdout_text().contains("Nothing needs to change"),
        "{}",
        second.report()
    );
}

/// A name that is answered by the default of its address, under another name, gets a copy of it, and that is told with what
/// it does. Names of which the site is not copied are told as well.
#[test]
fn a_name_that_another_answers_as_the_default_is_told() {
    let plan = |hosts: &str| {
        let site = crate::support::site::Site::new();
        files::write(&site.main(), site.text() + hosts);
        let words = site.enable_arguments().into_iter().filter(|word| word != "--yes");
        let outcome = esync_ssl()
            .args(words)
            .args(["--http", "keep", "--dry-run"])
            .run();
        (outcome.stdout_text(), outcome.stderr_text())
    };
    let first = |lines: &str| format!("\n<VirtualHost *:80>\nServerName first.test\n{lines}</VirtualHost>\n");
    let (preview, said) = plan(&first("DocumentRoot htdocs\nErrorDocument 404 none\n"));
    assert!(
        said.contains("answered by the virtual host first.test")
            && said.contains("HTTPS shows a copy of it")
            && said.contains("--vhost"),
        "{said}"
    );
    assert!(preview.contains(&format!("+ServerName {DOMAIN}")), "{preview}");
    assert!(preview.contains("+ErrorDocument 404 none"), "{preview}");
    assert!(!preview.contains("+ServerName first.test"), "{preview}");
    let refusing = "<Location />\nRequire all denied\n</Location>\n";
    let (_, said) = plan(&first(refusing));
    assert!(
        said.contains("which refuses every request as well (`Require all denied` at "),
        "{said}"
    );
    // At which of the addresses the name is asked for, nobody knows.
    let at = |ip: &str| {
        format!("\n<VirtualHost {ip}:80>\nServerName at{ip}.test\nErrorDocument 404 none\n</VirtualHost>\n")
    };
    let (preview, said) = plan(&(at("192.0.2.1") + &at("192.0.2.2")));
    assert!(
        said.contains("HTTPS does not show the same") && said.contains("ServerAlias"),
        "{said}"
    );
    assert!(!preview.contains("+ErrorDocument"), "{preview}");
}

#[test]
fn nothing_to_staple_is_refused_unless_it_is_forced() {
    let site = Site::new();
    // The cache for the proofs needs it.
    files::write(&site.root().join("modules/mod_socache_shmcb.so"), "");
    let run = |more: &[&str]| {
        let program = esync_ssl().args(["enable", "--domain", DOMAIN, "--self-signed", "--ocsp-stapling"]);
        program
            .args(["--yes", "--root"])
            .arg(site.root())
            .args(more)
            .run()
    };
    let before = files::snapshot(&site.root());
    let refused = run(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    refused.expect_code(4);
    assert!(
        said.contains("no OCSP responder") && said.contains("--force CERT-NO-RESPONDER"),
        "{said}"
    );
    assert_eq!(before, files::snapshot(&site.root()));
    run(&["--force", "CERT-NO-RESPONDER"]).expect_code(0);
    let text = fs::read_to_string(site.main()).expect("the main file");
    assert!(text.contains("SSLUseStapling on"), "{text}");
}

#[test]
fn a_narrow_list_of_groups_is_named_and_stays() {
    let site = Site::new();
    let text = fs::read_to_string(site.main()).expect("the main file");
    let run = || {
        let program = esync_ssl().args(["enable", "--domain", DOMAIN, "--self-signed", "--yes", "--root"]);
        let done = program.arg(site.root()).run().expect_code(0);
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    for (list, named) in [
        ("X25519:prime256v1", true),
        ("X25519MLKEM768:X25519:prime256v1", false),
    ] {
        let line = format!("\n<IfModule ssl_module>\nSSLOpenSSLConfCmd Curves {list}\n</IfModule>\n");
        files::write(&site.main(), format!("{text}{line}"));
        let said = run();
        assert_eq!(said.contains("has no X25519MLKEM768"), named, "{said}");
        let after = fs::read_to_string(site.main()).expect("the main file");
        assert!(after.contains(&line), "{after}");
    }
}
