//! Help, completions and manual pages, as shells and readers of manuals take them.

#[cfg(unix)]
use std::process::Command;

use crate::support::files;
use crate::support::program::esync_ssl;
#[cfg(target_os = "linux")]
use crate::support::site::Site;

fn help(words: &[&str]) -> String {
    esync_ssl()
        .args(words)
        .env("COLUMNS", "80")
        .run()
        .expect_code(0)
        .stdout_text()
}

#[test]
fn short_help_fits_a_screen_and_leads_to_the_rest() {
    let text = help(&["enable", "-h"]);
    assert!(text.lines().count() <= 24, "{text}");
    assert!(text.contains("--help tells all options"), "{text}");
    let whole = help(&["enable", "--help"]);
    for part in [
        "Site:",
        "Certificate:",
        "TLS:",
        "Writing:",
        "Server:",
        "Output:",
        "Examples:",
        "Exit status:",
    ] {
        assert!(whole.lines().any(|line| line == part), "{part}\n{whole}");
    }
    assert_eq!(whole, help(&["help", "enable"]));
}

/// A script, in a file of a folder that is a home without settings.
#[cfg(unix)]
fn script(shell: &str) -> (tempfile::TempDir, String) {
    let folder = files::folder();
    let path = folder.path().join("script");
    files::write(
        &path,
        esync_ssl()
            .args(["completions", shell])
            .run()
            .expect_code(0)
            .stdout,
    );
    let path = path.display().to_string();
    (folder, path)
}

/// What a shell says to these commands; `$1` is the script. Nothing where there is no such shell.
#[cfg(unix)]
fn said_by(shell: &str, arguments: &[&str], commands: &str) -> Option<String> {
    use crate::support::skip;
    let (home, path) = script(shell);
    let mut command = Command::new(shell);
    command
        .args(arguments)
        .arg(commands)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path());
    // fish has no name of the program before the arguments.
    command.args(["shell", &path].iter().skip(usize::from(shell == "fish")));
    match command.output() {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && told.is_empty(), "{shell}: {told}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(_) => {
            skip(&format!("there is no {shell} here; tests/run installs it"));
            None
        }
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_options_and_values() {
    let commands = r#". "$1"; complete -p esync-ssl
        f=$(complete -p esync-ssl); f=${f#*-F }; f=${f%% *}
        try() { COMP_WORDS=(esync-ssl "$@"); COMP_CWORD=$#; $f esync-ssl "${!#}" "${COMP_WORDS[$#-1]}"; echo "${COMPREPLY[@]}"; }
        try ena; try enable --cop; try enable --http re; try cert dec"#;
    let Some(said) = said_by("bash", &["--norc", "-c"], commands) else {
        return;
    };
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].contains("-F _esync"), "{said}");
    assert_eq!(
        lines[1..],
        ["enable", "--copy-certs", "redirect", "decrypt-key"],
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn zsh_loads_completions() {
    let commands = r#"autoload -U compinit; compinit -u -D; . "$1"; print -r -- $_comps[esync-ssl]; whence -w _esync-ssl"#;
    let Some(said) = said_by("zsh", &["-f", "-c"], commands) else {
        return;
    };
    assert_eq!(said, "_esync-ssl\n_esync-ssl: function\n");
}

#[cfg(unix)]
#[test]
fn fish_completes_commands_and_options() {
    let commands = r#"source $argv[1]; complete -C "esync-ssl ena"; complete -C "esync-ssl enable --cop""#;
    let Some(said) = said_by("fish", &["-c"], commands) else {
        return;
    };
    let first: Vec<&str> = said.lines().filter_map(|line| line.split('\t').next()).collect();
    assert_eq!(first, ["enable", "--copy-certs"], "{said}");
}

#[test]
fn completions_for_other_shells_come_too() {
    for (shell, part) in [
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        let script = esync_ssl()
            .args(["completions", shell])
            .run()
            .expect_code(0)
            .stdout_text();
        assert!(
            script.contains(part) && script.contains("--copy-certs"),
            "{shell}: {script}"
        );
    }
    esync_ssl().args(["completions", "csh"]).run().expect_code(2);
    esync_ssl().arg("completions").run().expect_code(2);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let program = crate::support::program::binary();
    for words in ["completions bash", "completions zsh", "enable --help"] {
        let commands = format!("\"$0\" {words} | head -1 >&2; exit ${{PIPESTATUS[0]}}");
        let output = Command::new("bash")
            .args(["-c", &commands])
            .arg(&program)
            .output()
            .expect("bash");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            (output.status.code(), told.lines().count()),
            (Some(0), 1),
            "{words}: {told}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_no_success() {
    let site = Site::new();
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("it")
    };
    let run = |program: crate::support::program::Program, status: i32| {
        let output = program.into_command().stdout(full()).output().expect("a run");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{told}");
        let words = "esync-ssl: error: the answer could not be written to the standard output: ";
        assert!(told.contains(words) && told.contains("no space left"), "{told}");
        told
    };
    for words in [
        "status",
        "status --json",
        "lint",
        "lint --json",
        "check --json",
        "dump",
        "explain",
        "backups",
        "enable --domain a.test --self-signed -n",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let told = run(site.run(&words), 1);
        assert!(!told.contains("was done"), "{told}");
    }
    for words in [
        "completions bash",
        "completions bash --json",
        "schema",
        "enable --help",
        "--version --json",
    ] {
        run(esync_ssl().args(words.split(' ')), 1);
    }
    // An answer that says what is wrong keeps its status.
    files::write(&site.main(), site.text() + "Nonsense on\n");
    run(site.run(&["lint"]), 12);
    let site = Site::new();
    let told = run(site.enable(), 1);
    assert!(told.contains("; what was asked for was done"), "{told}");
    assert!(site.text().contains("SSLEngine on"), "{}", site.text());
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = files::folder();
    let pages = folder.path().join("share/man1");
    let man = || {
        esync_ssl()
            .arg("man")
            .arg(&pages)
            .env("SOURCE_DATE_EPOCH", "1767225600")
    };
    man().run().expect_code(0);
    let written = files::snapshot(&pages);
    for name in [
        "esync-ssl.1",
        "esync-ssl-enable.1",
        "esync-ssl-cert.1",
        "esync-ssl-cert-inspect.1",
    ] {
        let page = String::from_utf8_lossy(&std::fs::read(pages.join(name)).expect(name)).into_owned();
        let title = name.trim_end_matches(".1").to_uppercase();
        assert!(
            page.contains(&format!(".TH {title} 1 2026-01-01 \"esync-ssl ")),
            "{page}"
        );
        for section in [
            "NAME",
            "SYNOPSIS",
            "OPTIONS",
            "ENVIRONMENT",
            "FILES",
            "EXAMPLES",
            "\"SEE ALSO\"",
        ] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{name}: {section}");
        }
    }
    let enable = std::fs::read_to_string(pages.join("esync-ssl-enable.1")).expect("a page");
    assert!(
        enable.contains("\n.SH \"EXIT STATUS\"\n.TP\n\\fB0\\fR\n"),
        "{enable}"
    );
    assert!(enable.contains("\n.SS Certificate\n"), "{enable}");
    // The same once more, and nothing over other files.
    man().run().expect_code(0);
    files::write(&pages.join("esync-ssl-lint.1"), "of somebody else\n");
    std::fs::remove_file(pages.join("esync-ssl-enable.1")).expect("a page is removed");
    man().run().expect_code(4);
    assert!(!pages.join("esync-ssl-enable.1").exists(), "{}", written.len());
    let wrong = esync_ssl()
        .arg("man")
        .arg(folder.path().join("other"))
        .env("SOURCE_DATE_EPOCH", "soon");
    assert!(
        wrong
            .run()
            .expect_code(1)
            .stderr_text()
            .contains("SOURCE_DATE_EPOCH")
    );
    assert!(!folder.path().join("other").exists());
}

#[cfg(unix)]
#[test]
fn mandoc_finds_nothing_wrong_with_the_pages() {
    let folder = files::folder();
    esync_ssl().arg("man").arg(folder.path()).run().expect_code(0);
    let pages: Vec<_> = std::fs::read_dir(folder.path())
        .expect("pages")
        .flatten()
        .map(|page| page.path())
        .collect();
    assert!(pages.len() > 20, "{pages:?}");
    match Command::new("mandoc")
        .args(["-Tlint", "-Wwarning"])
        .args(&pages)
        .output()
    {
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && told.is_empty(), "{told}");
        }
        Err(_) => crate::support::skip("there is no mandoc here; tests/run installs it"),
    }
}
