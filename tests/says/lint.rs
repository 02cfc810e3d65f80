//! `lint` as people and scripts see it: every class of problem that httpd has a message for, the traps that httpd
//! says nothing about, and how they are printed. The configurations are small and each holds one problem.

use std::fs;

use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;

/// A server root with a main file that starts with what keeps other complaints away.
struct Root {
    folder: tempfile::TempDir,
}

const PRELUDE: &str =
    "Listen 8080\nServerName main.test\nErrorLog \"|cat\"\nLoadModule ssl_module modules/mod_ssl.so\n";
const PRELUDE_LINES: u64 = 4;

impl Root {
    fn new(main: impl AsRef<[u8]>) -> Self {
        let folder = files::folder();
        for module in [
            "ssl",
            "alias",
            "macro",
            "proxy_http",
            "rewrite",
            "version",
            "mpm_event",
            "mpm_worker",
        ] {
            files::write(&folder.path().join(format!("modules/mod_{module}.so")), "");
        }
        files::write(&folder.path().join("conf/httpd.conf"), main);
        Root { folder }
    }

    fn lint(&self, arguments: &[&str]) -> Outcome {
        esync_ssl()
            .args(["lint", "--apache-version", "2.4.62", "--root"])
            .arg(self.folder.path())
            .args(arguments)
            .run()
    }

    fn json(&self) -> serde_json::Value {
        self.lint(&["--json"]).envelope()
    }
}

/// Text, code, line behind the prelude, and whether it stops Apache.
type Case = (&'static str, &'static str, u64, bool);

const PROBLEMS: &[Case] = &[
    // Names
    ("Listne 81", "unknown-directive", 1, true),
    ("RewriteEngine on", "unknown-directive", 1, true),
    ("Options Indexes +ExecCGI", "options-mixed", 1, true),
    (
        "SSLCACertificateFile conf/${NO_SUCH}.crt",
        "tls-file",
        1,
        cfg!(windows),
    ),
    ("<Nowhere x>\n</Nowhere>", "unknown-directive", 1, true),
    // Number of arguments
    ("ServerAdmin", "arguments", 1, true),
    ("ServerAdmin \"\"", "arguments", 1, true),
    ("ServerAdmin a b", "arguments", 1, true),
    ("KeepAlive", "arguments", 1, true),
    ("KeepAlive perhaps", "arguments", 1, true),
    ("Define", "arguments", 1, true),
    ("Define a b c", "arguments", 1, true),
    ("Include", "arguments", 1, true),
    (
        "Define CONF C:\\conf\\\nServerSignature Off",
        "arguments",
        1,
        true,
    ),
    // Section tags
    ("<Directory /x", "section-not-closed", 1, true),
    ("<Directory /x\n</Directory>", "opening-tag", 1, true),
    ("<Directory>\n</Directory>", "opening-tag", 1, true),
    ("<Directory /a /b>\n</Directory>", "opening-tag", 1, true),
    ("<If true == true>\n</If>", "opening-tag", 1, true),
    ("<IfDefine X\nListen 81", "opening-tag", 1, true),
    ("<IfDefine>\n</IfDefine>", "opening-tag", 1, true),
    ("<If true>\n</If>\n<Else x>\n</Else>", "opening-tag", 3, true),
    // Balance
    ("</Directory>", "closing-without-opening", 1, true),
    (
        "<Directory /x>\n</Location>\n</Directory>",
        "closing-mismatch",
        2,
        true,
    ),
    (
        "<Directory /x>\n</Directory\nServerAdmin x",
        "closing-tag",
        2,
        true,
    ),
    ("<Directory /x>\nOptions None", "section-not-closed", 1, true),
    (
        "<IfDefine !NO>\nServerAdmin x\n</IfDefine> # NO",
        "closing-without-opening",
        3,
        true,
    ),
    ("<IfDefine NO>\nServerAdmin x", "section-not-closed", 1, true),
    (
        "<IfDefine NO>\n<a href=x>\n</IfDefine>",
        "closing-mismatch",
        1,
        true,
    ),
    // Context
    ("<Directory /x>\nListen 81\n</Directory>", "context", 2, true),
    (
        "<VirtualHost *:8080>\nListen 81\n</VirtualHost>",
        "context",
        2,
        true,
    ),
    (
        "<VirtualHost *:8080>\n<VirtualHost *:8080>\n</VirtualHost>\n</VirtualHost>",
        "context",
        2,
        true,
    ),
    ("<Else>\n</Else>", "else-without-if", 1, true),
    // Variables
    ("ServerAdmin ${NOWHERE}", "undefined-variable", 1, false),
    ("Define a:b c", "variable-name", 1, true),
    // Conditions
    // Built in on Unix, a module of its own on Windows.
    (
        "LoadModule version_module modules/mod_version.so\n<IfVersion >=2.4>\n</IfVersion>",
        "version-test",
        2,
        true,
    ),
    (
        "LoadModule version_module modules/mod_version.so\n<IfVersion 2.4.1.1>\n</IfVersion>",
        "version-test",
        2,
        true,
    ),
    // Include
    ("Include gone.conf", "include-missing", 1, true),
    ("Include gone/*.conf", "include-missing", 1, true),
    ("Include conf/*.nothing", "include-missing", 1, true),
    ("Include conf/httpd.conf", "include-depth", 1, true),
    // Macros
    (
        "LoadModule macro_module modules/mod_macro.so\nUse m",
        "macro",
        2,
        true,
    ),
    (
        "LoadModule macro_module modules/mod_macro.so\n<Macro m $a>\n</Macro>\nUse m",
        "macro",
        4,
        true,
    ),
    (
        "LoadModule macro_module modules/mod_macro.so\n<Macro m>\nServerAdmin x",
        "section-not-closed",
        2,
        true,
    ),
    (
        "LoadModule macro_module modules/mod_macro.so\n<Macro m x\n</Macro>",
        "opening-tag",
        2,
        true,
    ),
    (
        "LoadModule macro_module modules/mod_macro.so\n<Macro m>\n</Macro>\nUndefMacro m\nUse m",
        "macro",
        5,
        true,
    ),
    // Listen
    ("Listen 0", "listen", 1, true),
    ("Listen 127.0.0.1", "listen", 1, true),
    ("Listen 81 http # comment", "listen", 1, true),
    ("Listen *:8080", "listen-duplicate", 1, true),
    (
        "Listen localhost:90\nListen 127.0.0.1:90",
        "listen-overlap",
        2,
        false,
    ),
    // Modules
    (
        "LoadModule gone_module modules/mod_gone.so",
        "load-module",
        1,
        true,
    ),
    (
        "LoadModule ssl_module modules/mod_ssl.so",
        "loaded-twice",
        1,
        false,
    ),
    ("LoadModule alias_module", "arguments", 1, true),
    ("LoadModule folder_module conf/", "load-module", 1, true),
    // Virtual hosts and names
    ("<VirtualHost 8080>\n</VirtualHost>", "host-address", 1, true),
    ("<VirtualHost *:0>\n</VirtualHost>", "host-address", 1, true),
    (
        "<VirtualHost *:8080,*:81>\n</VirtualHost>",
        "dead-address",
        1,
        false,
    ),
    (
        "<VirtualHost *:8080>\nServerName *.a.test\n</VirtualHost>",
        "server-name",
        2,
        true,
    ),
    (
        "<VirtualHost *:8080>\nServerName a.test:99999\n</VirtualHost>",
        "server-name",
        2,
        true,
    ),
    ("ServerAlias b.test", "server-name", 1, true),
    ("NameVirtualHost *:8080", "no-effect", 1, false),
    // mod_ssl
    ("SSLEngine perhaps", "tls-setting", 1, true),
    ("SSLProtocol TLSv9", "tls-setting", 1, true),
    ("SSLProtocol +SSLv2", "tls-setting", 1, true),
    ("SSLOptions +Everything", "tls-setting", 1, true),
    ("SSLVerifyClient sometimes", "tls-setting", 1, true),
    ("SSLCertificateFile conf/gone.pem", "tls-file", 1, true),
    ("SSLCACertificatePath conf/gone", "tls-file", 1, true),
    ("SSLSessionCache shmcb:cache(512000)", "tls-cache", 1, true),
    // Paths, and what somebody wrote to stop Apache
    ("DocumentRoot gone", "document-root", 1, true),
    (
        "<VirtualHost *:8080>\nDocumentRoot gone\n</VirtualHost>",
        "document-root",
        2,
        false,
    ),
    ("ErrorLog gone/error.log", "log-folder", 1, true),
    ("Error \"do not use\"", "error-directive", 1, true),
    ("<If \"%{HTTP_HOST == 'a'\">\n</If>", "expression", 1, true),
    ("Port 80", "obsolete", 1, true),
];

/// What httpd accepts without a word, and hardly anybody means.
const TRAPS: &[Case] = &[
    (
        "# paths end in C:\\\nServerAdmin x",
        "comment-continues",
        1,
        false,
    ),
    ("# one line\rServerAdmin x", "lone-return", 1, false),
    ("ServerAdmin x\0y", "nul", 1, false),
    ("ServerAdmin \"x", "open-quote", 1, false),
    ("KeepAlive On Off", "ignored-words", 1, false),
    ("\"\" ServerAdmin x", "ignored-line", 1, false),
    ("<IfDefine !X> # a -> b\n</IfDefine>", "text-after-tag", 1, false),
    (
        "<Location /x> ServerAdmin x\n</Location>",
        "text-after-tag",
        1,
        false,
    ),
    (
        "<IfDefine !X> ServerAdmin x\n</IfDefine>",
        "text-after-tag",
        1,
        false,
    ),
    (
        "<VirtualHost *:8080>\nServerName a.test\n</VirtualHost>\n<VirtualHost 127.0.0.1:8080>\nServerName b.test\n\
         </VirtualHost>",
        "hides-others",
        4,
        false,
    ),
    ("<Location \"/x>\n</Location>", "open-quote", 1, false),
    ("Define EMPTY \"\"", "empty-define", 1, false),
    ("<IfDefine !X>\nServerAdmin x", "unclosed-condition", 1, false),
    (
        "Use m\nLoadModule macro_module modules/mod_macro.so",
        "before-its-module",
        1,
        false,
    ),
    // Windows may bind both.
    ("Listen 127.0.0.1:8080", "listen-overlap", 1, cfg!(unix)),
    ("<VirtualHost *:99>\n</VirtualHost>", "dead-host", 1, false),
    (
        "<VirtualHost *:8080>\nServerName a.test\nServerAlias *.test\n</VirtualHost>\n\
         <VirtualHost *:8080>\nServerName b.test\n</VirtualHost>",
        "dead-host",
        5,
        false,
    ),
    (
        "<VirtualHost *:8080>\nServerAlias a # b\n</VirtualHost>",
        "comment-as-argument",
        2,
        false,
    ),
    ("SSLProtocol TLSv1.2 TLSv1.3", "tls-protocol-signs", 1, false),
    ("SSLProtocol -all", "tls-no-protocol", 1, false),
    ("SSLProtocol", "tls-no-protocol", 1, false),
    ("SSLEngine optional", "tls-optional", 1, false),
    (
        "<VirtualHost *:8080>\nSSLEngine on\n</VirtualHost>",
        "tls-without-certificate",
        2,
        true,
    ),
    (
        "<VirtualHost *:8080>\nServerName a.test\n</VirtualHost>\n<VirtualHost *:8080>\nServerName b.test\n\
         SSLEngine on\nSSLCertificateFile conf/httpd.conf\n</VirtualHost>",
        "tls-and-plain",
        4,
        false,
    ),
];

#[test]
fn every_problem_is_found_at_its_line() {
    let mut failures = Vec::new();
    for (text, code, line, stops) in PROBLEMS.iter().chain(TRAPS) {
        let root = Root::new(format!("{PRELUDE}{text}\n"));
        let found = root.json();
        let problems = found["findings"].as_array().expect("a list");
        let expected = |problem: &&serde_json::Value| {
            problem["rule"] == *code && problem["place"]["line"] == PRELUDE_LINES + line
        };
        match problems.iter().find(expected) {
            Some(problem) if *stops != (problem["level"] == "error") => {
                failures.push(format!("{text:?}: wrong level {problem}"));
            }
            Some(_) => {}
            None => failures.push(format!("{text:?}: no {code} at line {line}: {problems:#?}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Each as Apache for Windows takes it: for the name of a file.
#[test]
fn logs_of_windows_are_files_with_names_that_windows_has() {
    for (line, expected) in [
        ("ErrorLog syslog:local1", Some(("log-name", "error"))),
        ("ErrorLog \"logs/a:b.log\"", Some(("log-name", "error"))),
        ("CustomLog \"logs/a?b.log\" common", Some(("log-name", "error"))),
        ("TransferLog C:/logs/a*b.log", Some(("log-name", "error"))),
        ("ErrorLog syslog", Some(("log-syslog", "warning"))),
        ("CustomLog C:/srv/a.log common", None),
        ("ErrorLog \"|C:/a.exe a:b\"", None),
    ] {
        let module = "LoadModule log_config_module modules/mod_log_config.so";
        let root = Root::new(format!(
            "ServerRoot C:/srv\nListen 8080\nServerName a.test\n{module}\n{line}\n"
        ));
        let found = root.json();
        let of_line = found["findings"].as_array().expect("a list").iter();
        let mut of_line = of_line.filter(|finding| finding["place"]["line"] == 5);
        let finding = of_line.next().map(|finding| {
            let word = |name: &str| finding[name].as_str().unwrap_or_default();
            (word("rule"), word("level"))
        });
        assert_eq!(finding, expected, "{line}: {found}");
    }
}

#[test]
fn a_sound_configuration_has_no_problem() {
    let root = Root::new(format!(
        "{PRELUDE}# a comment\n<VirtualHost *:8080>\n  ServerName a.test\n</VirtualHost>\n"
    ));
    let outcome = root.lint(&[]).expect_code(0);
    assert_eq!(outcome.stdout_text(), "0 errors, 0 warnings in 1 file\n");
    assert_eq!(root.lint(&["--quiet"]).expect_code(0).stdout_text(), "");
    let json = root.json();
    assert_eq!(
        (&json["data"]["error_count"], &json["data"]["warning_count"]),
        (&0.into(), &0.into())
    );
}

#[test]
fn all_problems_are_reported_and_not_only_the_first() {
    let root = Root::new(format!("{PRELUDE}Listne 81\nServerAdmin a b\n<Directory /x>\n"));
    let json = root.json();
    let codes: Vec<_> = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|problem| problem["rule"].as_str())
        .collect();
    assert_eq!(codes, ["unknown-directive", "arguments", "section-not-closed"]);
}

#[test]
fn the_line_is_shown_with_marks_under_it() {
    let root = Root::new(format!("{PRELUDE}\tListen *:8080\nDefine E \"\"\n"));
    let outcome = root.lint(&[]).expect_code(12);
    let text = outcome.stdout_text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].contains("httpd.conf:5: error[listen-duplicate]: "),
        "{text}"
    );
    assert_eq!(lines[1], "  5 |  Listen *:8080");
    assert_eq!(lines[2], "    |         ^^^^^^");
    assert_eq!(
        lines[3],
        "  = Apache says: Cannot define multiple Listeners on the same IP:port"
    );
    assert!(text.contains("httpd.conf:6: warning[empty-define]: "), "{text}");
    assert_eq!(lines.last(), Some(&"1 error, 1 warning in 1 file"));
}

#[test]
fn quiet_leaves_warnings_out() {
    let root = Root::new(format!("{PRELUDE}Listne 81\nDefine E \"\"\n"));
    let outcome = root.lint(&["--quiet"]).expect_code(12);
    let text = outcome.stdout_text();
    assert!(text.contains("error[unknown-directive]"), "{text}");
    assert!(text.contains("`Listen` is probably meant"), "{text}");
    assert!(!text.contains("warning"), "{text}");
    assert!(text.ends_with("1 error in 1 file\n"), "{text}");
    let warned = Root::new(format!("{PRELUDE}Define E \"\"\n"));
    assert_eq!(warned.lint(&["--quiet"]).expect_code(0).stdout_text(), "");
    warned.lint(&[]).expect_code(0);
}

#[test]
fn colour_is_only_printed_when_asked_for() {
    let root = Root::new(format!("{PRELUDE}Listne 81\n"));
    assert!(!root.lint(&[]).stdout.contains(&0x1b));
    assert!(root.lint(&["--color", "always"]).stdout.contains(&0x1b));
}

#[test]
fn the_includes_that_lead_to_a_problem_are_named() {
    let root = Root::new(format!("{PRELUDE}Include conf/a.conf\n"));
    let conf = root.folder.path().join("conf");
    fs::write(conf.join("a.conf"), "\nInclude conf/b.conf\n").expect("a file");
    fs::write(conf.join("b.conf"), "\n\nServerAdmin \\\n  a \\\n  b\n").expect("a file");
    let json = root.json();
    let problem = &json["findings"][0];
    assert_eq!(
        (&problem["place"]["line"], &problem["place"]["last_line"]),
        (&3.into(), &5.into())
    );
    let chain = problem["included_from"].as_array().expect("a list");
    let is_at = |at: usize, file: &str, line: u64| {
        let place = &chain[at];
        place["line"] == line && place["file"].as_str().is_some_and(|path| path.ends_with(file))
    };
    assert_eq!(chain.len(), 2);
    assert!(is_at(0, "a.conf", 2) && is_at(1, "httpd.conf", 5), "{chain:?}");
    let text = root.lint(&[]).expect_code(12).stdout_text();
    assert!(text.contains("  3 | ServerAdmin \\\n"), "{text}");
    assert!(text.contains("  = included from "), "{text}");
}

#[test]
fn a_line_that_apache_drops_at_the_end_of_the_file_is_told() {
    let last = |size: usize| {
        let mut main = PRELUDE.as_bytes().to_vec();
        main.extend(b"ServerAdmin ");
        main.resize(PRELUDE.len() + size, b'x');
        Root::new(main).json()["findings"].to_string()
    };
    assert!(last(206).contains("last-line-dropped"));
    assert!(last(414).contains("last-line-dropped"));
    for size in [205, 207, 413, 415] {
        assert_eq!(last(size), "[]", "{size}");
    }
}

#[test]
fn macro_lines_longer_than_their_buffer_are_told() {
    let module = "LoadModule macro_module modules/mod_macro.so\n";
    let long = "x".repeat(9000);
    let body = Root::new(format!(
        "{PRELUDE}{module}<Macro m>\nServerAdmin {long}\n</Macro>\n"
    ));
    assert!(
        body.json()
            .to_string()
            .contains("expected token not found: </Macro>")
    );
    let used = Root::new(format!(
        "{PRELUDE}{module}<Macro m $a>\nServerAdmin $a\n</Macro>\nUse m {long}\n"
    ));
    assert!(used.json().to_string().contains("buffer size too small"));
}

/// Windows skips a byte order mark, Unix takes it for a part of the first word.
#[cfg(unix)]
#[test]
fn a_byte_order_mark_is_named_as_what_it_is() {
    let root = Root::new(format!("\u{feff}{PRELUDE}"));
    let text = root.lint(&[]).expect_code(12).stdout_text();
    assert!(text.contains("byte order mark"), "{text}");
}

#[test]
fn a_private_key_read_as_configuration_is_not_shown() {
    let root = Root::new(format!("{PRELUDE}Include conf/ssl/*\n"));
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----\n";
    files::write(&root.folder.path().join("conf/ssl/a.key"), key);
    for arguments in [&[][..], &["--json"]] {
        let outcome = root.lint(arguments).expect_code(4);
        assert!(outcome.report().contains("private key"), "{}", outcome.report());
        assert!(!outcome.report().contains("MIIEvQ"), "{}", outcome.report());
    }
    let outcome = esync_ssl()
        .arg("dump")
        .arg("--root")
        .arg(root.folder.path())
        .run();
    assert!(!outcome.expect_code(4).report().contains("MIIEvQ"));
}

#[test]
fn what_is_wrong_as_a_whole_stands_at_no_line() {
    let root = Root::new("ServerName main.test\nErrorLog \"|cat\"\n");
    let text = root.lint(&[]).stdout_text();
    let at = text.find("error[no-listen]").expect("no Listen");
    assert!(text[..at].ends_with("httpd.conf: "), "{text}");
    assert!(!text.contains("^^^"), "{text}");
    let json = root.json();
    let findings = json["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|finding| finding["rule"] == "no-listen")
        .unwrap();
    assert!(
        finding["place"]["file"].as_str().unwrap().ends_with("httpd.conf"),
        "{finding}"
    );
    assert_eq!(finding["place"]["line"], serde_json::Value::Null);
}

#[test]
fn many_equal_problems_are_told_once_in_text_and_each_in_json() {
    let text = format!("{PRELUDE}{}", "RewriteEngine on\n".repeat(1200));
    let root = Root::new(text);
    let lint = root.lint(&[]).stdout_text();
    let told: Vec<&str> = lint.lines().filter(|line| line.contains("error[")).collect();
    assert_eq!(told.len(), 1, "{lint}");
    assert!(
        told[0].contains(": 1,200 places, first ") && told[0].ends_with("httpd.conf:5"),
        "{lint}"
    );
    assert!(lint.contains("1200 errors"), "{lint}");
    assert_eq!(root.json()["findings"].as_array().unwrap().len(), 1200);
}
