//! `enable --restart` before a real Apache whose site answers otherwise over HTTPS than it did over HTTP: told, or put back.
#![cfg(unix)]

use std::fs;

use crate::support::apache::Httpd;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::client::http_get;
use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use serde_json::Value;

const MODULES: [&str; 6] = [
    "rewrite",
    "auth_basic",
    "authn_core",
    "authn_file",
    "authz_user",
    "include",
];

/// A server whose site has these lines, `.htaccess` read; up.
fn site(lines: &str) -> Option<ApacheSite> {
    let site = stopped(lines)?;
    site.daemon.start();
    Some(site)
}

/// The same before it is up.
fn stopped(lines: &str) -> Option<ApacheSite> {
    let loaded = Httpd::find()?.load(&MODULES);
    let site = ApacheSite::new(&format!(
        "{loaded}CustomLog logs/access_log \"%a %h %m %U %{{Authorization}}i\"\n<Directory \"FOLDER/Apache24/htdocs\">\n\
         AllowOverride All\nRequire all granted\n</Directory>\n<VirtualHost *:PORT>\nServerName {DOMAIN}\nServerAlias \
         www.{DOMAIN}\n{lines}\n</VirtualHost>\n"
    ))?;
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    files::write(&main, text.replace("PORT", &site.network.http.to_string()));
    files::write(&site.root().join("htdocs/other.html"), "something else");
    Some(site)
}

fn keep<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--restart", "--http", "keep"], more].concat()
}

#[track_caller]
fn done(site: &ApacheSite, more: &[&str]) -> (Outcome, Value) {
    let more = [more, &["--json"]].concat();
    let outcome = site.enable(&site.leaf, &more).run().expect_code(0);
    let document = outcome.envelope();
    (outcome, document)
}

/// The differences that are told, each as code and path.
fn told(document: &Value) -> Vec<String> {
    let compared = &document["data"]["server"]["compared"];
    assert!(compared["request_count"].as_u64() > Some(0), "{document}");
    let all = compared["differences"].as_array().expect("differences").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.map(|one| {
        format!(
            "{} {}{}",
            text(&one["code"]),
            text(&one["name"]),
            text(&one["path"])
        )
    })
    .collect()
}

/// Everything goes back with this code, and the message names both answers and how to keep it.
#[track_caller]
fn put_back(site: &ApacheSite, more: &[&str], code: &str, words: [&str; 2]) {
    let more = [more, &["--json"]].concat();
    let failed = site
        .nothing_stays_of(site.enable(&site.leaf, &more), 6)
        .envelope();
    assert_eq!(failed["error"]["code"], "PROOF-FAILED", "{failed}");
    assert_eq!(failed["findings"][0]["code"], code, "{failed}");
    let message = failed["error"]["message"].as_str().expect("a message");
    let force = format!("--force {code}");
    for part in [
        words[0],
        words[1],
        &force,
        "Every file is as it was, and Apache runs as it did before",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn what_is_the_same_is_not_mentioned() {
    let lines = format!(
        "Alias /docs FOLDER/Apache24/htdocs\nRedirect /old http://{DOMAIN}/new\nRedirect /away http://other.example.com/\n\
         RewriteEngine on\nRewriteRule ^/gone - [G]\n<Location /secret>\nAuthType Basic\nAuthName secret\nAuthUserFile \
         FOLDER/users\nRequire valid-user\n</Location>"
    );
    for mode in ["keep", "redirect", "off"] {
        let Some(site) = site(&lines) else { return };
        files::write(&site.folder.path().join("users"), "");
        let (_, document) = done(&site, &["--restart", "--http", mode, "--strict"]);
        assert_eq!(told(&document), [""; 0], "{mode}");
        let log = fs::read_to_string(site.root().join("logs/access_log")).expect("the log");
        let has = |words: &str| log.lines().any(|line| line.starts_with(words));
        for path in ["/index.html", "/docs", "/old", "/away", "/gone", "/secret"] {
            assert!(
                has(&format!("127.0.0.1 127.0.0.1 HEAD {path} -")),
                "{path}: {log}"
            );
        }
        assert!(has("127.0.0.1 127.0.0.1 GET /index.html -"), "{log}");
        assert!(!log.contains("GET /secret") && !log.contains("POST"), "{log}");
        assert!(log.lines().all(|line| line.ends_with(" -")), "{log}");
        if std::net::TcpListener::bind("[::1]:0").is_ok() {
            assert!(has("::1 ::1 HEAD /index.html -"), "{log}");
        }
        // Once more there is nothing to write, and what is there is looked at.
        let (_, document) = done(&site, &["--restart", "--http", mode, "--strict"]);
        assert_eq!(document["result"], "unchanged", "{document}");
        assert!(
            document["notes"]
                .as_array()
                .is_some_and(|notes| notes.iter().all(|note| note["code"] != "HTTPS-DIFFERS"))
        );
    }
}

#[test]
fn nothing_is_asked_of_a_server_that_is_left_alone_or_was_stopped() {
    let Some(site) = site("") else { return };
    let log = site.root().join("logs/access_log");
    site.enable(&site.leaf, &["--http", "keep"]).run().expect_code(0);
    assert_eq!(fs::read_to_string(&log).expect("the log"), "");
    site.command(&["restore", "--yes"]).run().expect_code(0);
    site.daemon.tell("stop").expect_code(0);
    site.daemon.wait(|| !site.daemon.runs());
    let (_, document) = done(&site, &["--start", "--http", "keep", "--strict"]);
    assert_eq!(document["data"]["server"]["result"], "started", "{document}");
    assert!(document["data"]["server"].get("compared").is_none(), "{document}");
}

#[test]
fn other_content_is_put_back_unless_it_is_wanted() {
    let Some(site) =
        site("RewriteEngine on\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule ^/$ /other.html")
    else {
        return;
    };
    let words = [
        "shows other content",
        "HTTP answered 200, 5 bytes, HTTPS answers 200, 14 bytes",
    ];
    put_back(&site, &keep(&[]), "HTTPS-OTHER-CONTENT", words);
    put_back(
        &site,
        &["--restart", "--http", "redirect"],
        "HTTPS-OTHER-CONTENT",
        words,
    );
    let (_, document) = done(&site, &keep(&["--force", "HTTPS-OTHER-CONTENT"]));
    let both =
        [DOMAIN.to_owned(), format!("www.{DOMAIN}")].map(|name| format!("HTTPS-OTHER-CONTENT {name}/"));
    assert_eq!(told(&document), both);
}

#[test]
fn what_is_not_in_the_configuration_is_seen_too() {
    let Some(site) = site("") else { return };
    let htaccess = site.root().join("htdocs/.htaccess");
    files::write(
        &htaccess,
        "RewriteEngine on\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=302,L]\n",
    );
    let words = ["leads to itself without end", "HTTPS answers 302 to https://"];
    put_back(&site, &keep(&[]), "HTTPS-LOOPS", words);
    // By way of HTTP, which sends everybody back.
    files::write(
        &htaccess,
        "RewriteEngine on\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule ^ http://%{SERVER_NAME}%{REQUEST_URI} [R=302,L]\n",
    );
    let words = ["leads to itself without end", "HTTPS answers 302 to http://"];
    if site.network.isolated {
        put_back(&site, &["--restart", "--http", "redirect"], "HTTPS-LOOPS", words);
    }
    // By way of another path.
    files::write(
        &htaccess,
        "RewriteEngine on\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule ^$ /there [R=302,L]\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule \
         ^there$ / [R=302,L]\n",
    );
    put_back(
        &site,
        &keep(&[]),
        "HTTPS-LOOPS",
        ["leads to itself without end", "/there"],
    );
    files::write(
        &htaccess,
        "RewriteEngine on\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule ^ - [R=503,L]\n",
    );
    put_back(&site, &keep(&[]), "HTTPS-FAILS", ["fails", "HTTPS answers 503"]);
    fs::remove_file(&htaccess).expect("it goes");
    done(&site, &keep(&["--strict"]));
}

#[test]
fn other_targets_and_kinds_are_told_and_strictly_put_back() {
    let Some(site) = site(
        "RewriteEngine on\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule ^/go$ /second [R,L]\nRewriteRule ^/go$ /first [R,L]\nAlias \
         /kind FOLDER/Apache24/htdocs/other.html\n<If \"%{HTTPS} == 'on' && %{REQUEST_URI} == '/kind'\">\nForceType \
         text/plain\n</If>",
    ) else {
        return;
    };
    put_back(
        &site,
        &keep(&["--strict"]),
        "HTTPS-DIFFERS",
        ["answers otherwise", "HTTP answered"],
    );
    let plain = site.enable(&site.leaf, &keep(&[])).run().expect_code(0);
    let said = plain.stderr_text();
    for words in [
        "/first, HTTPS answers 302 to https://",
        "/second",
        "HTTPS answers 200 text/plain",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    site.command(&["restore", "--yes", "--restart"])
        .run()
        .expect_code(0);
    let (_, document) = done(&site, &keep(&["--strict", "--force", "HTTPS-DIFFERS"]));
    let all = told(&document);
    for path in ["/go", "/kind"] {
        assert!(all.contains(&format!("HTTPS-DIFFERS {DOMAIN}{path}")), "{all:?}");
    }
    let notes = document["notes"].as_array().expect("notes").iter();
    assert_eq!(
        notes.filter(|note| note["code"] == "HTTPS-DIFFERS").count(),
        all.len(),
        "{document}"
    );
}

/// A virtual host for HTTPS that is there already, beside the one for HTTP.
fn beside(site: &ApacheSite, lines: &str) {
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    let loaded = site.httpd.load(&["ssl", "proxy", "proxy_http"]);
    let old = site.authority.leaf_without_chain("old", &[DOMAIN]);
    let host = format!(
        "{loaded}Listen {port}\n<VirtualHost *:{port}>\nServerName {DOMAIN}\nServerAlias www.{DOMAIN}\nSSLEngine \
         on\nSSLCertificateFile {}\nSSLCertificateKeyFile {}\n{lines}\n</VirtualHost>\n",
        old.certificate.display(),
        old.key.display(),
        port = site.network.https
    );
    files::write(&main, text + &host);
    site.daemon.start();
}

#[test]
fn a_virtual_host_for_https_that_is_there_already() {
    let Some(site) = stopped("") else { return };
    beside(&site, "ProxyPass / http://127.0.0.1:9/");
    put_back(&site, &keep(&[]), "HTTPS-FAILS", ["fails", "HTTPS answers 503"]);
}

#[test]
fn what_the_preview_named_is_not_told_again() {
    let Some(site) = stopped("Alias /docs FOLDER/Apache24/htdocs/other.html") else {
        return;
    };
    beside(&site, "");
    let (outcome, document) = done(&site, &keep(&["--strict"]));
    assert_eq!(told(&document), [""; 0], "{document}");
    assert!(
        document.to_string().contains("over HTTP there is `alias /docs"),
        "{}",
        outcome.report()
    );
    let answer = http_get(site.network.http, DOMAIN, "/docs").expect("an answer");
    assert_eq!(answer.body, b"something else");
}

#[test]
fn each_address_is_asked() {
    let Some(site) = site("") else { return };
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    files::write(
        &site.root().join("htdocs/.htaccess"),
        "RewriteEngine on\nRewriteCond %{HTTPS} on\nRewriteCond %{REMOTE_ADDR} ^::1$\nRewriteRule ^ - [R=503,L]\n",
    );
    put_back(&site, &keep(&[]), "HTTPS-FAILS", ["fails", "HTTPS answers 503"]);
}

/// Pages that are never the same, and pages that say how they came, are no other content.
#[test]
fn pages_of_programs() {
    for variable in ["REMOTE_PORT", "REQUEST_SCHEME"] {
        let Some(site) = site("Options +Includes\nSetOutputFilter INCLUDES") else {
            return;
        };
        let page = format!("we greet you by <!--#echo var=\"{variable}\" --> today");
        files::write(&site.root().join("htdocs/index.html"), page);
        let (_, document) = done(&site, &keep(&["--strict"]));
        assert_eq!(told(&document), [""; 0], "{variable}");
    }
}

#[test]
fn a_saved_plan_is_as_strict() {
    let Some(site) = site("") else { return };
    files::write(
        &site.root().join("htdocs/.htaccess"),
        "RewriteEngine on\nRewriteCond %{SSL:SSL_PROTOCOL} TLS\nRewriteRule ^ - [R=404,L]\n",
    );
    let plan = site.folder.path().join("plan");
    let plan = plan.to_str().expect("a path");
    let port = site.network.https.to_string();
    let enable = [
        "enable",
        "--dry-run",
        "--domain",
        DOMAIN,
        "--port",
        &port,
        "--http",
        "keep",
        "--save-plan",
        plan,
    ];
    let enable = |more: &[&str]| {
        let program = site.command(&[&enable, more].concat());
        let program = program.arg("--cert").arg(&site.leaf.certificate);
        program.arg("--key").arg(&site.leaf.key).run().expect_code(0);
    };
    enable(&["--strict"]);
    let apply = || esync_ssl().args(["apply", plan, "--yes", "--restart"]);
    let failed = site.nothing_stays_of(apply(), 6);
    assert!(
        failed.stderr_text().contains("--force HTTPS-DIFFERS"),
        "{}",
        failed.report()
    );
    fs::remove_file(plan).expect("the plan goes");
    enable(&[]);
    let done = apply().run().expect_code(0);
    assert!(
        done.stderr_text().contains("HTTPS answers 404"),
        "{}",
        done.report()
    );
}
