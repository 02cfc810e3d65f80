//! `disable` as a user runs it: right after `enable` every byte and link is as before, edits made since stay, and
//! what others need stays.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::case::Case;
use crate::support::files::{self, snapshot};
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;

/// The tree without what runs leave beside it: backups, and certificates that were made.
fn state(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = snapshot(root);
    found.retain(|name, _| !name.contains("esync-ssl-backup") && !name.ends_with('/'));
    found
}

/// Every case that turns HTTPS on comes back to its first byte.
#[test]
fn every_case_comes_back() {
    let only = std::env::var("ESYNC_SSL_CASE").unwrap_or_default();
    let mut failures = Vec::new();
    let mut enabled = 0;
    for case in Case::all() {
        if case.said.status != 0 || !case.is_for_this_platform() || !case.name.contains(&only) {
            continue;
        }
        let set_up = case.set_up();
        let root = &set_up.root;
        let before = state(root);
        let enable = esync_ssl()
            .args(&set_up.args)
            .arg("--yes")
            .folder(set_up.folder.path())
            .run();
        if enable.code != Some(0) || state(root) == before {
            continue;
        }
        enabled += 1;
        let disable = || -> Outcome {
            esync_ssl()
                .args(["disable", "--yes", "--root"])
                .arg(root)
                .folder(set_up.folder.path())
                .run()
        };
        let outcome = disable();
        let mut after = state(root);
        after.retain(|name, _| before.contains_key(name) || !name.starts_with("conf/ssl/"));
        if outcome.code != Some(0) || after != before {
            let mut text = format!("=== {}: {}\n", case.name, outcome.report());
            for (name, bytes) in &after {
                let old = before.get(name).map_or(&b""[..], |old| old);
                if old != bytes {
                    let (old, new) = (old.escape_ascii().to_string(), bytes.escape_ascii().to_string());
                    let lines = |text: &str| text.replace("\\n", "\\n\n");
                    text += &similar::TextDiff::from_lines(lines(&old), lines(&new))
                        .unified_diff()
                        .header(name, name)
                        .to_string();
                }
            }
            failures.push(text);
            continue;
        }
        let again = disable();
        if again.code != Some(0) || !again.stdout_text().contains("Nothing needs to change") {
            failures.push(format!("=== {}: again: {}", case.name, again.report()));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(!only.is_empty() || enabled > 35, "{enabled} cases");
}

/// A server root of the test's own.
struct Server {
    folder: tempfile::TempDir,
}

const PLAIN: &str = "ServerRoot \"{root}\"\nLoadModule authz_core_module modules/mod_authz_core.so\n\
                     #LoadModule ssl_module modules/mod_ssl.so\n#LoadModule alias_module modules/mod_alias.so\n\
                     Listen 80\nServerName main.test\n";

impl Server {
    fn new(main: &str) -> Server {
        let folder = files::folder();
        let server = Server { folder };
        for module in [
            "authz_core",
            "ssl",
            "alias",
            "rewrite",
            "headers",
            "socache_shmcb",
            "macro",
        ] {
            files::write(&server.root().join(format!("modules/mod_{module}.so")), "");
        }
        fs::create_dir_all(server.root().join("logs")).expect("the folder of the logs");
        server.write(main);
        server
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("server")
    }

    fn main(&self) -> PathBuf {
        self.root().join("conf").join("httpd.conf")
    }

    fn write(&self, text: &str) {
        let root = self.root().display().to_string().replace('\\', "/");
        files::write(&self.main(), text.replace("{root}", &root));
    }

    fn text(&self) -> String {
        fs::read_to_string(self.main()).expect("the main file")
    }

    /// Changes the main file as people do.
    fn edit(&self, from: &str, to: &str) {
        let text = self.text();
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        files::write(&self.main(), text.replacen(from, to, 1));
    }

    fn enable(&self, domain: &str, more: &[&str]) {
        let program = esync_ssl().args(["enable", "--yes", "--self-signed", "--domain", domain]);
        program
            .args(more)
            .arg("--root")
            .arg(self.root())
            .run()
            .expect_code(0);
    }

    fn disable(&self, arguments: &[&str]) -> Outcome {
        let program = esync_ssl().arg("disable").args(arguments);
        program.arg("--root").arg(self.root()).run()
    }

    fn off(&self, arguments: &[&str]) -> Outcome {
        self.disable(&[&["--yes"], arguments].concat()).expect_code(0)
    }

    fn forget_backups(&self) {
        fs::remove_dir_all(self.root().join("conf/esync-ssl-backup")).expect("the backups");
    }
}

const OWN_TLS: &str = "<VirtualHost *:443>\n    ServerName own.test\n    SSLEngine on\n    SSLCertificateFile own.crt\n    \
                       SSLCertificateKeyFile own.key\n</VirtualHost>\n";

#[test]
fn what_people_changed_meanwhile_stays() {
    let server = Server::new(PLAIN);
    let original = server.text();
    server.enable("a.test", &["--http", "redirect"]);
    server.edit(
        "ServerName main.test\n",
        "ServerName main.test\nServerAdmin me@main.test\n",
    );
    server.edit(
        "SSLEngine on\n",
        "SSLEngine on\n    # for the audit\n    SSLVerifyDepth 3\n",
    );
    server.edit("Listen 443\n", "  Listen   443\n");
    server.off(&[]);
    let wanted = original.replace(
        "ServerName main.test\n",
        "ServerName main.test\nServerAdmin me@main.test\n",
    );
    assert_eq!(server.text(), wanted);
}

#[test]
fn a_section_that_was_moved_or_lost_its_comment_goes() {
    let server = Server::new(PLAIN);
    let original = server.text();
    server.enable("a.test", &[]);
    let text = server.text();
    let at = text.find("\n# HTTPS for").expect("the comment");
    let (rest, section) = text.split_at(at);
    // To another place of the file, indented.
    let section: String = section.lines().map(|line| format!("\t{line}\n")).collect();
    files::write(
        &server.main(),
        rest.replace("Listen 443\n", &format!("{}\nListen 443\n", section.trim_end())),
    );
    server.off(&[]);
    assert_eq!(server.text().replace("\t\n", ""), original);
    server.write(PLAIN);
    server.enable("a.test", &[]);
    server.edit("# HTTPS for a.test, added by esync-ssl\n", "");
    server.off(&["--domain", "a.test"]);
    assert_eq!(server.text(), original);
}

#[test]
fn a_virtual_host_of_others_goes_by_force_only() {
    let main = format!(
        "{}Listen 443\n{OWN_TLS}",
        PLAIN.replace("#LoadModule ssl", "LoadModule ssl")
    );
    let server = Server::new(&main);
    let original = server.text();
    let outcome = server.disable(&["--yes", "--domain", "own.test"]).expect_code(4);
    assert!(
        outcome
            .stderr_text()
            .contains("--force DISABLE-NOT-OURS deletes it"),
        "{}",
        outcome.report()
    );
    assert_eq!(server.text(), original);
    server.off(&[]);
    assert_eq!(server.text(), original);
    // Without a domain it would be anybody's.
    server
        .disable(&["--yes", "--force", "DISABLE-NOT-OURS"])
        .expect_code(2);
    server.off(&["--domain", "own.test", "--force", "DISABLE-NOT-OURS"]);
    let text = server.text();
    assert!(
        !text.contains("own.test") && text.contains("#Listen 443\n"),
        "{text}"
    );
    assert!(text.contains("\n#LoadModule ssl_module"), "{text}");
}

#[test]
fn lines_of_an_own_virtual_host_come_back() {
    let main = format!(
        "{}Listen 443\n{OWN_TLS}",
        PLAIN.replace("#LoadModule ssl", "LoadModule ssl")
    );
    let server = Server::new(&main);
    for file in ["own.crt", "own.key"] {
        files::write(&server.root().join(file), "");
    }
    let original = server.text();
    server.enable("own.test", &["--http", "keep"]);
    assert_ne!(server.text(), original);
    server.edit("SSLEngine on\n", "SSLEngine on\n    SSLVerifyDepth 3\n");
    server.off(&["--domain", "own.test"]);
    let with = original.replace("SSLEngine on\n", "SSLEngine on\n    SSLVerifyDepth 3\n");
    assert_eq!(server.text(), with);
    let again = server.off(&["--domain", "own.test"]);
    assert!(
        again.stdout_text().contains("Nothing needs to change"),
        "{}",
        again.report()
    );
    assert!(
        again
            .stderr_text()
            .contains("--force DISABLE-NOT-OURS deletes it"),
        "{}",
        again.report()
    );
}

/// `--http off` switches listeners off, also those whose port is a variable; so do those that move.
#[test]
fn listeners_with_variables_come_back() {
    let plain = PLAIN.replace(
        "Listen 80\n",
        "Define P 80\nDefine E 0.0.0.0:81\nListen ${P}\nListen ${E} http\n",
    );
    for main in [plain.clone(), plain.replace("Listen ${E} http\n", "Listen 443\n")] {
        let server = Server::new(&main);
        let original = server.text();
        server.enable("a.test", &["--http", "off"]);
        assert!(!server.text().contains("\nListen ${P}"), "{}", server.text());
        server.off(&[]);
        assert_eq!(server.text(), original);
    }
}

/// Somebody listens on HTTP again meanwhile, by the variable's value.
#[test]
fn a_listener_with_a_variable_does_not_come_back_twice() {
    let server = Server::new(&PLAIN.replace("Listen 80\n", "Define P 80\nListen ${P}\nListen 443\n"));
    server.enable("a.test", &["--http", "off"]);
    server.edit("#Listen ${P}\n", "#Listen ${P}\nListen 80\n");
    server.off(&[]);
    let text = server.text();
    assert!(text.contains("\n#Listen ${P}\nListen 80\n"), "{text}");
}

#[test]
fn what_others_need_stays() {
    let server = Server::new(PLAIN);
    server.enable("a.test", &[]);
    server.edit("# HTTPS for a.test", &format!("{OWN_TLS}\n# HTTPS for a.test"));
    let outcome = server.off(&[]);
    let text = server.text();
    assert!(
        text.contains("\nListen 443\n") && text.contains("\nLoadModule ssl_module"),
        "{text}"
    );
    assert!(text.contains(OWN_TLS) && !text.contains("a.test"), "{text}");
    assert!(
        outcome
            .stderr_text()
            .contains("stays for the virtual host own.test"),
        "{}",
        outcome.report()
    );
}

#[test]
fn domains_go_one_by_one() {
    let server = Server::new(PLAIN);
    let original = server.text();
    for order in [["a.test", "b.test"], ["b.test", "a.test"]] {
        server.enable("a.test", &["--http", "redirect", "--alias", "alias.a.test"]);
        server.enable("b.test", &["--http", "redirect", "--hsts"]);
        let refused = server
            .disable(&["--yes", "--domain", "alias.a.test"])
            .expect_code(4);
        assert!(
            refused.stderr_text().contains("--domain a.test"),
            "{}",
            refused.report()
        );
        server.off(&["--domain", order[0]]);
        let text = server.text();
        assert!(
            text.contains(order[1]) && !text.contains(&format!("ServerName {}", order[0])),
            "{text}"
        );
        assert!(text.contains("stands in for the main server"), "{text}");
        server.enable(order[1], &["--http", "redirect"]);
        assert_eq!(server.text(), text, "the other domain lacks something");
        server.off(&["--domain", order[1]]);
        assert_eq!(server.text(), original, "{order:?}");
    }
}

/// The virtual host that answers HTTP for both has the redirect of the first: it is not the second one's content.
#[test]
fn a_domain_behind_anothers_redirect_stays() {
    let server = Server::new(&format!(
        "{PLAIN}<VirtualHost *:80>\n    DocumentRoot /a\n</VirtualHost>\n"
    ));
    let original = server.text();
    server.enable("a.test", &["--http", "redirect"]);
    server.enable("b.test", &["--http", "keep"]);
    assert_eq!(
        server.text().matches("https://a.test/").count(),
        1,
        "{}",
        server.text()
    );
    server.off(&["--domain", "a.test"]);
    let text = server.text();
    assert!(
        text.contains("ServerName b.test") && !text.contains("ServerName a.test"),
        "{text}"
    );
    server.off(&["--domain", "b.test"]);
    assert_eq!(server.text(), original);
}

#[test]
fn lines_of_a_file_inside_a_virtual_host_come_back() {
    let server = Server::new(&format!(
        "{PLAIN}LoadModule ssl_module modules/mod_ssl.so\nListen 443\n<VirtualHost *:443>\n    ServerName a.test\n    \
         Include conf/tls.conf\n</VirtualHost>\n"
    ));
    let extra = server.root().join("conf/tls.conf");
    let text =
        "SSLEngine on\nSSLProtocol all -SSLv3\nSSLCertificateFile own.crt\nSSLCertificateKeyFile own.key\n";
    files::write(&extra, text);
    let original = server.text();
    server.enable("a.test", &["--profile", "intermediate"]);
    let there = || fs::read_to_string(&extra).expect("the file");
    assert_ne!(there(), text);
    server.off(&[]);
    assert_eq!(there(), text);
    assert_eq!(server.text(), original);
}

/// What a macro says where mod_ssl is there was there before, as the line that uses it.
#[test]
fn a_macro_that_only_mod_ssl_wakes_needs_nothing() {
    let macros = "LoadModule macro_module modules/mod_macro.so\n<IfModule ssl_module>\n<Macro Port>\nListen 8080\n\
                  </Macro>\nUse Port\n</IfModule>\n";
    let server = Server::new(&format!("{PLAIN}{macros}"));
    let original = server.text();
    server.enable("a.test", &["--http", "keep"]);
    server.off(&[]);
    assert_eq!(server.text(), original);
}

/// It listens for HTTPS, although the main server would speak HTTP there at other addresses.
#[test]
fn http_off_leaves_another_domains_listener_for_https_alone() {
    let server = Server::new(&PLAIN.replace("Listen 80\n", "Listen 8443\n"));
    server.enable("a.test", &["--http", "off", "--port", "8443"]);
    server.edit("<VirtualHost *:8443>", "<VirtualHost 192.0.2.7:8443>");
    let text = server.text();
    server.enable("b.test", &["--http", "off"]);
    assert!(server.text().contains("\nListen 8443\n"), "{}", server.text());
    server.off(&["--domain", "b.test"]);
    assert_eq!(server.text(), text);
}

#[test]
fn without_backups_the_configuration_decides() {
    let server = Server::new(PLAIN);
    let original = server.text();
    server.enable("a.test", &[]);
    server.forget_backups();
    let outcome = server.off(&[]);
    assert_eq!(server.text(), original);
    assert!(
        outcome.stdout_text().contains("nothing else listens"),
        "{}",
        outcome.report()
    );
    server.enable("a.test", &["--http", "redirect"]);
    server.forget_backups();
    server.off(&[]);
    let text = server.text();
    // What nobody remembers is switched off, and the module for redirects stays.
    assert!(
        text.contains("\nListen 80\n#Listen 443\n") && text.contains("\n#LoadModule ssl_module"),
        "{text}"
    );
    assert!(
        text.contains("\nLoadModule alias_module") && !text.contains("VirtualHost"),
        "{text}"
    );
}

#[test]
fn a_comment_above_somebody_elses_section_is_no_leave_to_delete_it() {
    let server = Server::new(&format!(
        "{PLAIN}# HTTPS for a.test, added by esync-ssl\n<VirtualHost *:80>\n    ServerName b.test\n</VirtualHost>\n"
    ));
    let original = server.text();
    let outcome = server.off(&[]);
    assert!(
        outcome.stdout_text().contains("Nothing needs to change"),
        "{}",
        outcome.report()
    );
    assert_eq!(server.text(), original);
}

#[test]
fn a_section_in_an_inactive_condition_goes_too() {
    let server = Server::new(PLAIN);
    let original = server.text();
    server.enable("a.test", &[]);
    server.edit("# HTTPS for", "<IfDefine LATER>\n# HTTPS for");
    server.edit("</VirtualHost>\n", "</VirtualHost>\n</IfDefine>\n");
    server.off(&[]);
    assert_eq!(
        server.text(),
        format!("{original}<IfDefine LATER>\n</IfDefine>\n")
    );
}

#[test]
fn bytes_that_are_no_text_come_back() {
    let server = Server::new(PLAIN);
    let text = server.text().into_bytes();
    let mut latin: Vec<u8> = b"# gr\xfc\xdfe\r\n".to_vec();
    latin.extend(
        String::from_utf8(text)
            .expect("text")
            .replace('\n', "\r\n")
            .into_bytes(),
    );
    latin.extend(b"# no end");
    files::write(&server.main(), &latin);
    for http in ["off", "keep", "redirect"] {
        let stapling = ["--ocsp-stapling", "--force", "CERT-NO-RESPONDER"];
        server.enable("a.test", &[&["--http", http, "--hsts"][..], &stapling].concat());
        assert_ne!(fs::read(server.main()).expect("the main file"), latin);
        server.off(&[]);
        assert_eq!(fs::read(server.main()).expect("the main file"), latin, "{http}");
    }
}

#[test]
fn looking_writes_nothing() {
    let server = Server::new(PLAIN);
    server.disable(&["--dry-run", "--exit-code"]).expect_code(0);
    server.enable("a.test", &[]);
    let before = files::snapshot(&server.root());
    server.disable(&["--dry-run"]).expect_code(0);
    server.disable(&["--dry-run", "--exit-code"]).expect_code(3);
    // Nobody to ask.
    server.disable(&[]).expect_code(14);
    let outcome = server.disable(&["--json", "--dry-run"]).expect_code(0);
    assert_eq!(files::snapshot(&server.root()), before);
    assert_eq!(outcome.envelope()["result"], "would-change");
    let document = outcome.data();
    assert!(
        document["changes"].as_array().expect("changes").len() >= 3,
        "{document}"
    );
    let outcome = server.disable(&["--json", "--yes"]).expect_code(0);
    assert_eq!(outcome.envelope()["result"], "written");
    let document = outcome.data();
    assert!(document["backup"].is_string(), "{document}");
    let outcome = server.disable(&["--json", "--yes"]).expect_code(0);
    assert!(
        outcome.stdout_text().contains("\"unchanged\""),
        "{}",
        outcome.report()
    );
    server.disable(&["--domain", "a b"]).expect_code(1);
}

/// Certificates and keys are nobody's to delete.
#[test]
fn certificates_stay_and_restore_brings_https_back() {
    let server = Server::new(PLAIN);
    server.enable("a.test", &[]);
    let enabled = server.text();
    server.off(&[]);
    for file in ["a.test.crt", "a.test.key"] {
        assert!(server.root().join("conf/ssl").join(file).is_file(), "{file}");
    }
    let restore = esync_ssl()
        .args(["restore", "--yes", "--root"])
        .arg(server.root());
    restore.run().expect_code(0);
    assert_eq!(server.text(), enabled);
    server.off(&[]);
    assert!(!server.text().contains("a.test"));
}

/// What people made a macro of is theirs, and said so.
#[test]
fn a_section_that_became_a_macro_is_told() {
    let main = PLAIN.replace(
        "Listen 80\n",
        "LoadModule macro_module modules/mod_macro.so\nListen 80\n",
    );
    let server = Server::new(&main);
    server.enable("a.test", &["--http", "keep"]);
    server.edit("<VirtualHost *:443>", "<Macro Tls $name>\n<VirtualHost *:443>");
    server.edit("</VirtualHost>\n", "</VirtualHost>\n</Macro>\nUse Tls a.test\n");
    server.edit("    ServerName a.test\n", "    ServerName $name\n");
    let text = server.text();
    for arguments in [&[][..], &["--domain", "a.test"]] {
        let outcome = server.disable(&[&["--yes"], arguments].concat());
        let outcome = outcome.expect_code(0);
        let said = outcome.stderr_text();
        assert!(said.contains("stays for the virtual host a.test"), "{said}");
        let macros = said.contains("comes from macro 'tls' (defined on line ");
        assert!(macros || arguments.is_empty(), "{said}");
        assert_eq!(server.text(), text);
    }
}

/// Edited meanwhile behind its link, and by a line that moved.
#[cfg(unix)]
#[test]
fn a_site_behind_a_link_comes_back_with_its_edits() {
    let server = Server::new(&format!("{PLAIN}IncludeOptional conf/sites-enabled/*.conf\n"));
    let conf = server.root().join("conf");
    let site = conf.join("sites-available/a.conf");
    let text = "<VirtualHost *:80>\n    ServerName a.test\n    DocumentRoot /a\n</VirtualHost>\n";
    files::write(&site, text);
    fs::create_dir(conf.join("sites-enabled")).expect("a folder");
    let link = conf.join("sites-enabled/a.conf");
    std::os::unix::fs::symlink("../sites-available/a.conf", &link).expect("a link");
    let original = server.text();
    server.enable("a.test", &[]);
    let edited = fs::read_to_string(&link).expect("the site");
    let edited = edited.replacen("    DocumentRoot /a\n", "    DocumentRoot /b\n    # mine\n", 1);
    fs::write(&link, edited).expect("the site, edited");
    // The link gets another name.
    fs::rename(&link, conf.join("sites-enabled/000-a.conf")).expect("the link, renamed");
    server.off(&[]);
    let back = fs::read_to_string(&site).expect("the site");
    assert_eq!(
        back,
        text.replace("DocumentRoot /a\n", "DocumentRoot /b\n    # mine\n")
    );
    assert_eq!(server.text(), original);
    assert!(conf.join("sites-enabled/000-a.conf").is_symlink());
}
