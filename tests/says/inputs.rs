//! What is not typed: variables, answer files, and what shells make of a line. And how much is said.

use std::fs;

use crate::support::files::{self, write};
use crate::support::process::says;
use crate::support::program::{Program, esync_ssl};
use crate::support::site::Site;

/// The example of the manual, where it would lie.
fn unattended(site: &Site) -> String {
    let text = fs::read(files::fixture("answers/esync.toml")).expect("the example");
    let path = site.beside("esync.toml");
    write(&path, text);
    path.display().to_string()
}

#[test]
fn the_example_of_the_manual_is_carried_out() {
    let page = crate::support::program::native(env!("CARGO_MANIFEST_DIR")).join("docs/answer-file.md");
    let page = fs::read_to_string(page)
        .expect("docs/answer-file.md")
        .replace('\r', "");
    let example = fs::read_to_string(files::fixture("answers/esync.toml")).expect("the example");
    assert!(
        page.contains(example.trim()),
        "docs/answer-file.md shows another example"
    );
    let site = Site::new();
    let answers = unattended(&site);
    // Wherever it is started.
    let run = || {
        esync_ssl()
            .folder(std::env::temp_dir())
            .env("ESYNC_SSL_JSON", "no")
    };
    let printed = run()
        .args(["enable", "--answers", &answers, "--print-answers"])
        .run()
        .expect_code(0);
    assert!(
        printed.stdout_text().contains("yes = true"),
        "{}",
        printed.report()
    );
    assert!(site.backups().is_empty());
    run().args(["enable", "--answers", &answers]).run().expect_code(0);
    let text = site.text();
    assert!(
        text.contains("Listen 443") && text.contains("Listen 80"),
        "{text}"
    );
    assert!(text.contains("esync.example.com"), "{text}");
    // What was printed does the same.
    write(&site.beside("printed.toml"), printed.stdout);
    let again = run()
        .env("ESYNC_SSL_ANSWERS", site.beside("printed.toml"))
        .arg("enable")
        .run();
    let again = again.expect_code(0);
    assert!(
        again.stdout_text().contains("Nothing needs to change"),
        "{}",
        again.report()
    );
}

#[test]
fn a_backup_knows_the_domain_that_nobody_typed() {
    let site = Site::new();
    let before = site.text();
    let by_variables = |command: &str| {
        esync_ssl()
            .arg(command)
            .env("ESYNC_SSL_ROOT", site.root())
            .env("ESYNC_SSL_DOMAIN", "a.example")
            .env("ESYNC_SSL_SELF_SIGNED", "1")
            .env("ESYNC_SSL_YES", "true")
    };
    by_variables("enable").run().expect_code(0);
    let listed = site.run(&["backups"]).run().expect_code(0).stdout_text();
    assert!(listed.contains("--domain=a.example"), "{listed}");
    by_variables("disable").run().expect_code(0);
    assert_eq!(site.text(), before);
}

#[test]
fn wrong_answers_end_with_status_2_and_their_place() {
    let site = Site::new();
    let path = site.beside("a.toml");
    for (text, words) in [
        ("[enable]\nprot = 8443\n", "a.toml:2: unknown key prot"),
        ("passphrase = 'hunter2'\n", "passphrase-file"),
        ("port = '8443'\n", "a.toml:1: port takes a number"),
    ] {
        write(&path, text);
        let outcome = site.run(&["status"]).arg("--answers").arg(&path).run();
        let program = site.run(&["status"]).env("ESYNC_SSL_ANSWERS", &path).run();
        for outcome in [outcome, program] {
            let outcome = outcome.expect_code(2);
            let said = outcome.stderr_text();
            assert!(
                said.contains(words) && !said.contains("hunter2"),
                "{}",
                outcome.report()
            );
        }
    }
    let outcome = site
        .self_signed()
        .env("ESYNC_SSL_PORT", "many")
        .run()
        .expect_code(2);
    assert!(
        outcome.stderr_text().contains("ESYNC_SSL_PORT"),
        "{}",
        outcome.report()
    );
    assert!(
        outcome.stderr_text().contains("from 1 to 65535")
            && outcome.stderr_text().contains("Usage: esync-ssl enable "),
        "{}",
        outcome.report()
    );
    write(&path, "[enable]\nport = 0\n");
    let outcome = site
        .self_signed()
        .arg("--answers")
        .arg(&path)
        .run()
        .expect_code(2);
    assert!(
        outcome.stderr_text().contains("Usage: esync-ssl enable "),
        "{}",
        outcome.report()
    );
    // It is of no other command.
    site.run(&["status"])
        .env("ESYNC_SSL_PORT", "many")
        .run()
        .expect_code(0);
}

#[test]
fn a_variable_that_is_no_flag_is_told() {
    let site = Site::new();
    let said = |name: &str| {
        let outcome = site.run(&["status", "--verbose"]).env(name, "x").run();
        outcome.expect_code(0).stderr_text()
    };
    let words = said("ESYNC_SSL_DOMIAN");
    assert!(
        words.contains("ESYNC_SSL_DOMIAN is no flag") && words.contains("ESYNC_SSL_DOMAIN is one"),
        "{words}"
    );
    assert!(!said("ESYNC_SSL_DOMAIN").contains("is no flag"));
}

#[cfg(unix)]
#[test]
fn an_answer_file_that_others_may_write_is_not_taken() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    let path = site.beside("a.toml");
    write(&path, "http = 'keep'\n");
    site.run(&["status"])
        .arg("--answers")
        .arg(&path)
        .run()
        .expect_code(0);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o606)).expect("rights");
    let outcome = site
        .run(&["status"])
        .arg("--answers")
        .arg(&path)
        .run()
        .expect_code(2);
    assert!(
        outcome.stderr_text().contains("may be written by everybody"),
        "{}",
        outcome.report()
    );
}

#[test]
fn quiet_says_answers_and_refusals_only() {
    let site = Site::new();
    let outcome = site.self_signed().arg("--quiet").run().expect_code(0);
    assert_eq!(outcome.stderr_text(), "", "{}", outcome.report());
    assert!(
        outcome.stdout_text().contains("Listen 443"),
        "{}",
        outcome.report()
    );
    let refused = site
        .run(&["restore", "nothing", "-q", "--yes"])
        .run()
        .expect_code(4);
    assert!(
        refused.stderr_text().starts_with("esync-ssl: refused: "),
        "{}",
        refused.report()
    );
    let other = site.enable_arguments().into_iter();
    let other = other.map(|word| word.replace("esync.example.com", "b.example"));
    let refused = esync_ssl().args(other).arg("-q").run().expect_code(4);
    let said = refused.stderr_text();
    assert!(
        said.contains("error[NAME-NOT-COVERED]") && !said.contains("Server root"),
        "{said}"
    );
    site.run(&["status", "-q", "-v"]).run().expect_code(2);
}

#[test]
fn verbose_says_what_was_read_and_decided() {
    let site = Site::new();
    for command in [
        &["status"][..],
        &["lint"],
        &["check", "--no-rehearsal"],
        &["dump"],
        &["ports"],
    ] {
        let outcome = site.run(&[command, &["-v"]].concat()).run();
        let said = outcome.stderr_text();
        assert!(said.contains("taken because of --root"), "{}", outcome.report());
        assert!(
            said.contains("- read ") && said.contains("httpd.conf"),
            "{}",
            outcome.report()
        );
    }
    let outcome = site.self_signed().args(["-v", "--dry-run"]).run();
    // --yes is typed there.
    outcome.expect_code(2);
    let outcome = site.self_signed().arg("-v").run().expect_code(0);
    let said = outcome.stderr_text();
    for words in [
        "step: mod_ssl is loaded: 1 change",
        "plain HTTP does as asked: nothing to do",
    ] {
        assert!(said.contains(words), "{said}");
    }
    let outcome = site.run(&["status", "--json", "-v"]).run().expect_code(0);
    serde_json::from_str::<serde_json::Value>(&outcome.stdout_text())
        .expect("a document and no other answer");
}

#[cfg(unix)]
#[test]
fn verbose_says_which_program_is_asked() {
    let site = Site::new();
    let httpd = site.beside("httpd");
    write(&httpd, "#!/bin/sh\necho 'Server version: Apache/2.4.58 (Unix)'\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&httpd, mode).expect("an executable");
    let outcome = site.run(&["status", "-v"]).arg("--httpd").arg(&httpd).run();
    let said = outcome.stderr_text();
    assert!(
        said.contains(&format!("- run: {} -v", httpd.display())),
        "{}",
        outcome.report()
    );
}

#[test]
fn force_without_a_code_names_the_codes() {
    let site = Site::new();
    for (words, code) in [
        (&["restore", "--force"][..], "EDITED-SINCE"),
        (&["restore", "--force", "--yes"], "EDITED-SAME-LINES"),
        (
            &["disable", "--domain", "a.example", "--force"],
            "DISABLE-NOT-OURS",
        ),
        (&["restore", "--force", "KEY-MISMATCH"], "EDITED-SINCE"),
        (&["restart", "--force"], "KEY-MISMATCH"),
    ] {
        let outcome = site.run(words).run();
        let outcome = match words.last() {
            // The next word is taken for the code.
            Some(&"--force") => esync_ssl().args(words).run().expect_code(2),
            _ => outcome.expect_code(2),
        };
        assert!(outcome.stderr_text().contains(code), "{}", outcome.report());
    }
    site.run(&["restore", "--force", "edited-since", "--dry-run"])
        .run()
        .expect_code(4);
}

#[test]
fn what_stops_the_start_is_not_offered_to_be_forced() {
    let site = Site::new();
    crate::support::certificates::Authority::write_server(&site.beside("other"), "esync.example.com");
    let words = site.enable_arguments().into_iter();
    let words: Vec<String> = words
        .map(|word| match word.ends_with("server.key") {
            true => site.beside("other/server.key").display().to_string(),
            false => word,
        })
        .collect();
    let refused = esync_ssl().args(&words).run().expect_code(4);
    let said = refused.stderr_text();
    assert!(
        said.contains("KEY-MISMATCH") && !said.contains("--force"),
        "{said}"
    );
    esync_ssl()
        .args(&words)
        .args(["--force", "KEY-MISMATCH"])
        .run()
        .expect_code(0);
}

fn explained(program: Program, words: &[&str]) {
    says(&program.run().expect_code(2), words);
}

#[test]
fn what_a_shell_left_over_is_repaired_or_explained() {
    let site = Site::new();
    let root = site.root().display().to_string();
    let status = |root: String| esync_ssl().args(["status", "--root", &root]);
    for quoted in [
        format!("'{root}'"),
        format!("\"{root}\""),
        format!("\u{201c}{root}\u{201d}"),
    ] {
        status(quoted.clone()).run().expect_code(0);
        esync_ssl()
            .arg("status")
            .env("ESYNC_SSL_ROOT", quoted)
            .run()
            .expect_code(0);
    }
    // As cmd passes them, around what is no path.
    let enable = || esync_ssl().args(["enable", "--self-signed", "-n", "--root", &root]);
    explained(
        enable().args(["--domain", "a.test", "--port", "'8443'"]),
        &["write it --port 8443"],
    );
    explained(
        enable().args(["--domain", "a.test", "--http='keep'"]),
        &["write it --http=keep"],
    );
    let domain = enable().args(["--domain", "'a.test'"]).run().expect_code(1);
    let said = domain.stderr_text();
    assert!(said.contains("without the quotation marks: a.test"), "{said}");
    explained(
        status(r#"C:\eSync\Apache24" --cert C:\x\server.crt --yes"#.into()),
        &[
            r#"--root "C:\eSync\Apache24" --cert "C:\x\server.crt" --yes"#,
            "backslash",
        ],
    );
    explained(
        esync_ssl().args(["enable", "\u{2013}domain", "a.example"]),
        &["write it --domain"],
    );
}

/// Output in files, as cmd redirects it.
#[cfg(windows)]
#[test]
fn output_goes_where_cmd_redirects_it() {
    use std::os::windows::process::CommandExt;
    let site = Site::new();
    let (out, said) = (site.beside("out.json"), site.beside("said.txt"));
    let mut command = std::process::Command::new("cmd");
    command.raw_arg(format!(
        "/d /s /c \"\"{}\" lint --root \"{}\" --json > \"{}\" 2> \"{}\"\"",
        crate::support::program::binary().display(),
        site.root().display(),
        out.display(),
        said.display()
    ));
    let output = crate::support::process::output(&mut command).expect("a run");
    assert_eq!(output.status.code(), Some(0));
    let document = fs::read(&out).expect("the document");
    let document: serde_json::Value = serde_json::from_slice(&document).expect("one document");
    assert_eq!(document["status"], 0, "{document}");
    let said = fs::read_to_string(&said).expect("what was said");
    assert!(
        said.contains("Server root:") && !said.contains('\u{1b}'),
        "{said}"
    );
}

/// Arguments as cmd passes them: the line as it was typed.
#[cfg(windows)]
#[test]
fn lines_of_cmd_are_repaired_or_explained() {
    use std::os::windows::process::CommandExt;
    let site = Site::new();
    let root = site.root().display().to_string();
    let run = |line: &str| {
        let mut direct = esync_ssl().into_command();
        direct.raw_arg(line);
        let mut by_cmd = std::process::Command::new("cmd");
        by_cmd.raw_arg(format!(
            "/d /s /c \"\"{}\" {line}\"",
            crate::support::program::binary().display()
        ));
        [direct, by_cmd].map(|mut command| crate::support::process::output(&mut command).expect("a run"))
    };
    for line in [
        format!("status --root \"{root}\\\""),
        format!("status --root '{root}'"),
    ] {
        for output in run(&line) {
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{line}: {said}");
        }
    }
    for output in run(&format!(
        "enable --root \"{root}\\\" --domain a.example --self-signed --yes"
    )) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        let right = format!("--root \"{root}\" --domain a.example --self-signed --yes");
        assert!(said.contains(&right), "{said}");
    }
    assert!(site.backups().is_empty());
}
