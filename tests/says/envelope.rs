//! The one document that programs get, whatever command and whatever comes of it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::process::{self, Outcome, finish};
use crate::support::program::{Program, esync_ssl};
use crate::support::site::{DOMAIN, Site};

/// Looks at the envelope of a run that ended with this status and result.
#[track_caller]
fn told(program: Program, status: i32, result: &str) -> Value {
    let outcome = program.arg("--json").run().expect_code(status);
    envelope(&outcome, result)
}

#[track_caller]
fn envelope(outcome: &Outcome, result: &str) -> Value {
    let told = outcome.envelope();
    let report = || outcome.report();
    assert_eq!(told["schema"], 1, "{}", report());
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"), "{}", report());
    assert_eq!(told["result"], result, "{}", report());
    for path in ["root", "config"] {
        let is_absolute = |path: &str| Path::new(path).is_absolute();
        assert!(
            told[path].is_null() || told[path].as_str().is_some_and(is_absolute),
            "{}",
            report()
        );
    }
    let places = told["findings"].as_array().expect("findings").iter();
    let places = places.map(|finding| &finding["place"]);
    for place in places
        .chain([&told["error"]["place"]])
        .filter(|place| !place.is_null())
    {
        let file = place["file"].as_str().expect("a file");
        assert!(Path::new(file).is_absolute(), "{file}: {}", report());
        assert!(
            place.get("line").is_some() && place.get("last_line").is_some(),
            "{place}"
        );
    }
    let is_fine = [
        "ok",
        "errors-found",
        "unchanged",
        "would-change",
        "written",
        "restored",
        "recovered",
    ];
    if is_fine.contains(&result) && told["error"].is_null() {
        assert!(!told["data"].is_null(), "{}", report());
    } else {
        for text in ["code", "message"] {
            let is_said = |text: &str| !text.is_empty();
            assert!(told["error"][text].as_str().is_some_and(is_said), "{}", report());
        }
        assert!(told["error"].get("fix").is_some() && told["error"]["places"].is_array());
    }
    everything_is_told(&told, outcome);
    told
}

/// What people read on stderr stands in the document as well.
#[track_caller]
fn everything_is_told(told: &Value, outcome: &Outcome) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut all = String::new();
    for note in told["notes"].as_array().expect("notes") {
        assert!(
            note["code"].as_str().is_some_and(|code| !code.is_empty()),
            "{note}"
        );
        all += &format!("{}\n", words(note["message"].as_str().expect("a message")));
    }
    for finding in told["findings"].as_array().expect("findings") {
        all += &format!("{}\n", words(finding["summary"].as_str().expect("a summary")));
    }
    all += &words(told["error"]["message"].as_str().unwrap_or_default());
    for line in outcome.stderr_text().lines() {
        let line = words(line.strip_prefix("esync-ssl: ").unwrap_or(line));
        // What kind of line it is, is said by where it stands.
        let is_kind = |kind: &str| {
            let kind = kind.split('[').next().unwrap_or_default();
            ["note", "warning", "error", "refused"].contains(&kind)
                || kind.chars().all(|c| c.is_uppercase() || c == '-')
        };
        let line = match line.split_once(": ") {
            Some((kind, rest)) if is_kind(kind) => rest.to_owned(),
            _ => line,
        };
        assert!(
            all.contains(&line),
            "{line:?} is told to people only: {}",
            outcome.report()
        );
    }
}

#[test]
fn commands_that_look() {
    let site = Site::new();
    let run = |words: &[&str]| site.run(words);
    let status = told(run(&["status"]), 0, "ok");
    assert_eq!(status["command"], "status");
    assert_eq!(status["root"], site.root().display().to_string());
    assert_eq!(status["config"], site.main().display().to_string());
    assert_eq!(
        (&status["changed"], &status["restart_needed"]),
        (&false.into(), &false.into())
    );
    told(run(&["backups"]), 0, "ok");
    told(run(&["lint"]), 0, "ok");
    told(run(&["check"]), 0, "ok");
    // Wine shows no ports.
    if cfg!(unix) {
        told(run(&["ports"]), 0, "ok");
    }
    told(run(&["report", "-"]), 0, "ok");
    told(run(&["report", "-n"]), 0, "would-change");
    let dump = told(run(&["dump"]), 0, "ok");
    // Its answer stands where it was before there was an envelope.
    let directives = dump["directives"].as_array().expect("directives");
    assert_eq!(dump["data"]["directive_count"], directives.len());
    let certificate = site.beside("certificates").join("server.crt");
    told(esync_ssl().args(["cert", "inspect"]).arg(&certificate), 0, "ok");
    let away = ["--address", "127.0.0.1:1", "--domain", DOMAIN];
    let seen = told(run(&["verify"]).args(away), 12, "errors-found");
    assert!(
        !seen["findings"].as_array().expect("findings").is_empty(),
        "{seen}"
    );
    let devices = [
        "devices",
        "--path",
        "/in",
        "--address",
        "127.0.0.1:1",
        "--domain",
        DOMAIN,
    ];
    told(run(&devices), 12, "errors-found");
}

#[test]
fn commands_that_look_where_something_is_wrong() {
    let site = Site::new();
    let text = site.text();
    std::fs::write(site.main(), text + "Include conf/none.conf\n").expect("the main file");
    let lint = told(site.run(&["lint"]), 12, "errors-found");
    let place = &lint["findings"][0]["place"];
    assert_eq!(place["file"], site.main().display().to_string(), "{lint}");
    assert_eq!(place["line"], place["last_line"], "{lint}");
    assert!(lint["error"].is_null(), "{lint}");
    // All that is wrong, as data, and the refusal names the first.
    let refused = told(site.enable(), 4, "refused");
    assert_eq!(refused["error"]["code"], "CONFIG-BROKEN", "{refused}");
    let mut found = refused["findings"].as_array().expect("findings").iter();
    assert!(found.any(|finding| &finding["place"] == place), "{refused}");
    assert_eq!(
        refused["error"]["place"]["line"],
        *place.get("line").expect("a line")
    );
    let nowhere = site.beside("nowhere");
    for command in [
        "status", "lint", "dump", "check", "ports", "report", "verify", "restart", "enable", "disable",
    ] {
        let more: &[&str] = match command {
            "enable" => &["--self-signed", "--domain", DOMAIN],
            _ => &[],
        };
        let program = esync_ssl().arg(command).args(more).arg("--root").arg(&nowhere);
        let failed = told(program, 1, "failed");
        assert_eq!(failed["error"]["code"], "NO-SERVER", "{failed}");
        assert_eq!(failed["command"], command);
        assert!(failed["root"].is_null() && failed["data"].is_null(), "{failed}");
    }
    let unread = told(esync_ssl().args(["cert", "inspect"]).arg(&nowhere), 1, "failed");
    assert_eq!(unread["error"]["code"], "IO", "{unread}");
    let nothing = told(
        esync_ssl().args(["cert", "inspect"]).arg(site.main()),
        12,
        "errors-found",
    );
    assert_eq!(
        nothing["findings"][0]["code"], "CERT-NOT-A-CERTIFICATE",
        "{nothing}"
    );
    assert!(nothing["data"]["files"].is_array(), "{nothing}");
}

/// `enable` with a certificate that is made, and nobody's agreement.
fn made(site: &Site, more: &[&str]) -> Program {
    site.run(&["enable", "--self-signed", "--domain", DOMAIN])
        .args(more)
}

#[test]
fn commands_that_write() {
    let site = Site::new();
    let dry = told(made(&site, &["--dry-run"]), 0, "would-change");
    assert_eq!(
        (&dry["changed"], &dry["restart_needed"]),
        (&true.into(), &false.into())
    );
    let notes = dry["notes"].as_array().expect("notes");
    let not_tried = notes
        .iter()
        .find(|note| note["code"] == "NOT-TRIED")
        .expect("what was not tried");
    assert!(
        not_tried["message"].as_str().expect("words").contains("httpd -t"),
        "{dry}"
    );
    told(made(&site, &["--dry-run", "--exit-code"]), 3, "would-change");
    let nobody = told(made(&site, &[]), 14, "refused");
    assert_eq!(nobody["error"]["code"], "NOBODY-TO-ASK");

    let done = told(site.enable(), 0, "written");
    assert_eq!(
        (&done["changed"], &done["restart_needed"]),
        (&true.into(), &true.into())
    );
    let notes = done["notes"].as_array().expect("notes");
    assert!(
        notes.iter().any(|note| note["code"] == "NOT-TESTED"),
        "no httpd: {done}"
    );
    let again = told(site.enable(), 0, "unchanged");
    assert_eq!(
        (&again["changed"], &again["restart_needed"]),
        (&false.into(), &false.into())
    );
    told(site.run(&["restore", "-n"]), 0, "would-change");
    told(site.run(&["restore", "--yes", "nothing"]), 4, "refused");
    let restored = told(site.run(&["restore", "--yes"]), 0, "restored");
    assert_eq!(
        (&restored["changed"], &restored["restart_needed"]),
        (&true.into(), &true.into())
    );
    told(site.run(&["restore", "--recover"]), 0, "unchanged");
    told(site.run(&["disable", "--yes"]), 0, "unchanged");
    told(site.run(&["restart"]), 4, "refused");

    let out = site.beside("out");
    let [certificate, key] = ["a.crt", "a.key"].map(|name| site.beside(name));
    let make = ["cert", "self-signed", "--domain", DOMAIN, "--out-cert"];
    let make = || {
        esync_ssl()
            .args(make)
            .arg(&certificate)
            .arg("--out-key")
            .arg(&key)
    };
    told(make(), 0, "written");
    told(make(), 4, "refused");
    let import = esync_ssl()
        .args(["cert", "import"])
        .arg(&certificate)
        .arg("--out-dir")
        .arg(&out);
    told(import, 1, "failed");
    told(
        esync_ssl().args(["cert", "decrypt-key"]).arg(&key).arg(&out),
        4,
        "refused",
    );
}

#[test]
fn wrong_command_lines() {
    let wrong = told(esync_ssl().args(["enable", "--domian", DOMAIN]), 2, "failed");
    assert_eq!(wrong["command"], "enable");
    assert_eq!(wrong["error"]["code"], "USAGE");
    assert!(
        wrong["error"]["fix"]
            .as_str()
            .expect("a fix")
            .contains("--domain"),
        "{wrong}"
    );
    assert_eq!(told(esync_ssl().arg("enbale"), 2, "failed")["command"], "");
    assert_eq!(
        told(esync_ssl().args(["cert", "inspect"]), 2, "failed")["command"],
        "cert inspect"
    );
    told(esync_ssl(), 2, "failed");
    // Before the command as well, and text where nobody asks for a document.
    let before = esync_ssl()
        .args(["--json", "lint", "--no-such"])
        .run()
        .expect_code(2);
    envelope(&before, "failed");
    let text = esync_ssl().args(["lint", "--no-such"]).run().expect_code(2);
    assert!(
        text.stdout.is_empty() && text.stderr_text().contains("Usage:"),
        "{}",
        text.report()
    );
}

/// Who asked for a document gets one, wherever that was asked and whatever became of the words.
#[test]
fn wrong_lines_that_ask_for_a_document_in_any_form() {
    for words in [
        &["status", "--root", "C:\\eSync\\Apache24\" --json"][..],
        &["status", "\u{2013}json"],
        &["status", "--json=true"],
        &["status", "--json'"],
    ] {
        let wrong = envelope(&esync_ssl().args(words).run().expect_code(2), "failed");
        assert_eq!(wrong["error"]["code"], "USAGE", "{wrong}");
        assert_eq!(wrong["command"], "status", "{wrong}");
    }
    let fix = envelope(&esync_ssl().args(["status", "\u{2014}json"]).run(), "failed");
    assert_eq!(fix["error"]["fix"], "write it --json");
    let set = esync_ssl()
        .args(["lint", "--no-such"])
        .env("ESYNC_SSL_JSON", "TRUE");
    envelope(&set.run().expect_code(2), "failed");
    let site = Site::new();
    let path = site.beside("a.toml");
    for (text, line, fix) in [
        ("json = true\n[enable]\ndomian = 'x'\n", 3, "domain"),
        ("[enable]\njson = true\n[enabel]\n", 3, "[enable]"),
    ] {
        crate::support::files::write(&path, text);
        let wrong = site.run(&["enable"]).arg("--answers").arg(&path).run();
        let wrong = envelope(&wrong.expect_code(2), "failed");
        assert_eq!(wrong["error"]["place"]["line"], line, "{wrong}");
        assert_eq!(wrong["error"]["fix"], fix, "{wrong}");
    }
    let cert = told(esync_ssl().arg("cert"), 2, "failed");
    assert_eq!(cert["command"], "cert");
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_no_text_is_named() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"/tmp/\xff.crt");
    let wrong = told(esync_ssl().args(["cert", "inspect"]).arg(odd), 2, "failed");
    let message = wrong["error"]["message"].as_str().expect("a message");
    assert!(
        message.contains("argument 3") && message.contains(".crt"),
        "{wrong}"
    );
}

/// A signal that comes while the command line is still read.
#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_at_once() {
    use std::process::Stdio;

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let site = Site::new();
    for pause in (0..40).map(|at| Duration::from_micros(at * 500)) {
        let mut command = site.run(&["status", "--json"]).into_command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = process::start(&mut command).expect("a child");
        std::thread::sleep(pause);
        // It may have ended before.
        let _ = kill(
            Pid::from_raw(child.id().try_into().expect("an id")),
            Signal::SIGINT,
        );
        let output = child.wait_with_output().expect("its end");
        // By the signal itself, before it is noticed; or with a document.
        let code = output.status.code();
        assert!(
            code.is_none() || !output.stdout.is_empty(),
            "{pause:?}: {output:?}"
        );
        if let Some(code) = code {
            let told: Value = serde_json::from_slice(&output.stdout).expect("a document");
            assert_eq!(told["command"], "status");
            assert_eq!(told["status"], code);
        }
    }
}

/// Where others may write, what is offered is what the command takes.
#[cfg(unix)]
#[test]
fn only_what_a_command_takes_is_offered_to_be_forced() {
    use crate::support::others::{is_root, mode};
    if !is_root() {
        return;
    }
    let site = Site::new();
    site.enable().run().expect_code(0);
    // With an MPM: `disable` does not ask Apache about what never started.
    let modules = ["core.c", "mod_so.c", "http_core.c", "event.c"];
    let httpd = crate::support::site::text(&site.stand_in_with(&modules, "exit 0"));
    mode(&site.main(), 0o666);
    for (words, is_offered) in [
        (&["enable", "--self-signed", "--domain", "b.test", "-n"][..], true),
        (&["restart"], true),
        (&["disable", "-n"], false),
    ] {
        let refused = told(site.run(words).args(["--httpd", &httpd]), 4, "refused");
        assert_eq!(refused["error"]["code"], "HTTPD-DISTRUSTED", "{refused}");
        let fix = refused["error"]["fix"].as_str().expect("a fix");
        assert_eq!(
            fix.contains("--force OTHERS-WRITE"),
            is_offered,
            "{words:?}: {fix}"
        );
    }
}

#[test]
fn a_file_in_which_nothing_is_found_is_a_finding() {
    let site = Site::new();
    let path = site.beside("notes.txt");
    crate::support::files::write(&path, "hello\n");
    let program = esync_ssl().args(["cert", "inspect"]).arg(&path);
    let found = told(program, 12, "errors-found");
    assert!(found["error"].is_null(), "{found}");
    assert_eq!(found["findings"][0]["code"], "CERT-NOT-A-CERTIFICATE", "{found}");
}

#[test]
fn the_version_and_the_help() {
    let version = told(esync_ssl().arg("--version"), 0, "ok");
    assert_eq!(version["command"], "version");
    assert_eq!(version["data"]["version"], env!("CARGO_PKG_VERSION"));
    let target = version["data"]["target"].as_str().expect("a target");
    assert!(target.starts_with(std::env::consts::ARCH), "{target}");
    let help = esync_ssl()
        .args(["enable", "--help", "--json"])
        .run()
        .expect_code(0);
    assert!(help.stdout_text().contains("Usage:"), "{}", help.report());
}

/// Runs in a process of its own: what it says goes to the real output.
#[test]
fn panics_when_told_to() {
    let Some(words) = std::env::var_os("TEST_OF_PANIC") else {
        return;
    };
    let world = esync_ssl::cli::World {
        now: &|| panic!("no time at all"),
        ..esync_ssl::cli::World::real()
    };
    esync_ssl::cli::keep_quiet();
    let words = words.to_string_lossy().into_owned();
    let status = esync_ssl::cli::run_in(&world, words.split(' ').map(Into::into));
    std::process::exit(i32::from(status.code()));
}

#[test]
fn a_mistake_of_the_program_ends_a_run_as_any_other_failure() {
    let run = |words: &str| {
        let mut command = process::this_test("envelope::panics_when_told_to");
        command.env("TEST_OF_PANIC", words);
        finish(&mut command, Duration::from_secs(60)).expect_code(1)
    };
    let text = run("esync-ssl report -n");
    let said = text.stderr_text();
    assert!(
        said.contains("no time at all") && said.contains("Please report it"),
        "{}",
        text.report()
    );
    assert!(
        !said.contains("panicked") && said.lines().count() == 1,
        "{}",
        text.report()
    );
    let mut json = run("esync-ssl report -n --json");
    // The frame of the test stands before it.
    let at = json
        .stdout
        .iter()
        .position(|byte| *byte == b'{')
        .expect("a document");
    json.stdout.drain(..at);
    let told = envelope(&json, "failed");
    assert_eq!(
        (&told["error"]["code"], &told["command"]),
        (&"PANIC".into(), &"report".into())
    );
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted() {
    use std::process::Stdio;

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let site = Site::new();
    let program = site.run(&["explain", "-", "--json"]);
    let mut command = program.into_command();
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = process::start(&mut command).expect("a child");
    // As long as it is open, the input has no end.
    let _input = child.stdin.take();
    // It waits for its input by then.
    std::thread::sleep(Duration::from_secs(1));
    let id = Pid::from_raw(child.id().try_into().expect("an id"));
    kill(id, Signal::SIGTERM).expect("a signal");
    let output = child.wait_with_output().expect("its end");
    let outcome = Outcome {
        code: output.status.code(),
        stdout: output.stdout,
        stderr: output.stderr,
        command: "explain -".into(),
    };
    assert_eq!(outcome.code, Some(10), "{}", outcome.report());
    let told = envelope(&outcome, "interrupted");
    assert_eq!(told["error"]["code"], "INTERRUPTED");
    assert_eq!(told["command"], "explain");
}

/// A command's help lists what it can end with, and no more.
#[test]
fn help_lists_the_statuses_of_its_command() {
    let listed = |words: &[&str]| -> Vec<String> {
        let help = esync_ssl()
            .args(words)
            .arg("--help")
            .run()
            .expect_code(0)
            .stdout_text();
        let (_, list) = help.split_once("Exit status:").expect("a list");
        let numbers = list.lines().filter_map(|line| line.split_whitespace().next());
        let numbers = numbers.filter(|word| word.chars().all(|c| c.is_ascii_digit()));
        numbers.map(str::to_owned).collect()
    };
    assert_eq!(
        listed(&["lint"]),
        ["0", "1", "2", "4", "8", "10", "12", "16", "130"]
    );
    assert_eq!(listed(&["backups"]), ["0", "1", "2", "8", "10", "16", "130"]);
    assert!(!listed(&["enable"]).contains(&"12".to_owned()));
    assert_eq!(listed(&[]).len(), 20);
}
