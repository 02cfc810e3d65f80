//! `esync-ssl report`: everything support asks for, and no secret.

use std::fs;

use crate::support::site::Site;
use serde_json::Value;

#[test]
fn what_is_inside_is_listed_and_written_once() {
    let site = Site::new();
    let file = site.beside("report.txt");
    let name = file.display().to_string();
    let listed = site
        .run(&["report", "--dry-run", &name])
        .run()
        .expect_code(0)
        .stdout_text();
    for section in [
        "versions", "layout", "status", "lint", "httpd -t", "logs", "backups",
    ] {
        assert!(listed.contains(section), "{section}: {listed}");
    }
    assert!(!file.exists());
    // Nobody is there to ask.
    site.run(&["report", &name]).run().expect_code(14);
    assert!(!file.exists());

    let written = site.run(&["report", "--yes", &name]).run().expect_code(0);
    assert!(
        written.stderr_text().contains("The report holds:"),
        "{}",
        written.report()
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with(&format!("Report of esync-ssl {}", env!("CARGO_PKG_VERSION"))),
        "{text}"
    );
    // 2026-11-29 03:47:59 +00:00
    let (first, _) = text.split_once('\n').unwrap();
    let (_, date) = first.split_once(", ").unwrap();
    let shape: String = date
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    assert_eq!(shape.replace('-', "+"), "0000+00+00 00:00:00 +00:00", "{first}");
    assert!(
        text.contains("==== status ====") && text.contains("Listeners"),
        "{text}"
    );
    assert!(!text.contains('\x1b'));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn no_report_is_written_over_a_file() {
    let site = Site::new();
    let file = site.beside("report.txt");
    let name = file.display().to_string();
    fs::write(&file, "mine").unwrap();
    let before = fs::read(&file).unwrap();
    for more in [&["--yes"][..], &["--dry-run"]] {
        let refused = site
            .run(&[&["report", &name][..], more].concat())
            .run()
            .expect_code(4);
        assert!(refused.stderr_text().contains("already"), "{}", refused.report());
    }
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_report_goes_where_one_stands_or_to_the_terminal() {
    let site = Site::new();
    // In the folder where one stands, unless it is said.
    let folder = site.beside("here");
    fs::create_dir(&folder).unwrap();
    site.run(&["report", "--yes"])
        .folder(&folder)
        .run()
        .expect_code(0);
    let made: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    let made = made[0].to_string_lossy();
    assert!(
        made.starts_with("esync-ssl-report-2") && made.ends_with(".txt"),
        "{made}"
    );

    let shown = site.run(&["report", "-"]).run().expect_code(0);
    assert!(
        shown.stdout_text().contains("==== backups ===="),
        "{}",
        shown.report()
    );
    let json = site.run(&["report", "-", "--json"]).run().expect_code(0);
    let json: Value = json.data();
    assert!(
        json["text"].as_str().unwrap().contains("==== layout ===="),
        "{json}"
    );
    assert_eq!(json["sections"][0]["title"], "versions");
}

#[cfg(unix)]
#[test]
fn no_secret_gets_in() {
    use crate::support::files;
    use crate::support::running::{NAME, Site};

    let Some(site) = Site::new() else { return };
    // Every secret holds this word.
    const WORD: &str = "Pomegranate";
    let secret = |number: usize| format!("{WORD}{number}");
    files::write(
        &site.root().join("conf/users"),
        format!("bob:$apr1$abcdefgh${WORD}\n"),
    );
    files::write(
        &site.root().join("say"),
        format!("#!/bin/sh\necho {}\n", secret(1)),
    );
    let hosts = format!(
        "{modules}SetEnv DB_LOGIN {s2}\n#SetEnv OLD \"{s3} {s3}\"\n<IfDefine NOBODY>\nSetEnv X {s4}\n</IfDefine>\n\
         RequestHeader set X-Upstream \"{s5}\"\nDefine DB_PASSWORD {s6}\nSetEnvIf X-Api-Key \"^{s7}$\" it_is_known\n\
         ProxyPass /a http://user:{s8}@127.0.0.1:9/\nProxyPass /b ajp://127.0.0.1:9/ secret={s9}\n\
         RewriteCond %{{HTTP_COOKIE}} \"sid={s10}\"\nRewriteRule ^/c$ http://user:{s8}@127.0.0.1/?key={s11} [R]\n\
         <Location /private>\nAuthType Basic\nAuthName x\nAuthUserFile conf/users\nRequire expr \"%{{HTTP:Authorization}} == '{s12}'\"\n</Location>\n\
         # a comment goes on \\\nSetEnv SWALLOWED {s13}\nSetEnv CONTINUED \\\n    {s14}\nListen {port} https\n\
         SetEnv TOO MANY {s15} WORDS\n<VirtualHost *:1>\nServerName {s16}.example.com\n</VirtualHost>\n{host}",
        modules = site.httpd.load(&[
            "env",
            "setenvif",
            "headers",
            "proxy",
            "proxy_http",
            "proxy_ajp",
            "rewrite",
            "auth_basic",
            "authn_core",
            "authn_file",
            "authz_user",
            "authz_host"
        ]),
        s2 = secret(2),
        s3 = secret(3),
        s4 = secret(4),
        s5 = secret(5),
        s6 = secret(6),
        s7 = secret(7),
        s8 = secret(8),
        s9 = secret(9),
        s10 = secret(10),
        s11 = secret(11),
        s12 = secret(12),
        s13 = secret(13),
        s14 = secret(14),
        s15 = secret(15),
        s16 = "plain",
        port = site.network.https,
        host = site.host(
            NAME,
            "server",
            &format!(
                "SSLPassPhraseDialog \"exec:{}/say {}\"\n",
                site.root().display(),
                secret(17)
            )
        ),
    );
    site.configure(&hosts);
    // A key among the files that are read as configuration.
    let key = fs::read_to_string(site.root().join("conf/server.key")).unwrap();
    files::write(&site.root().join("conf/more/key.pem"), &key);
    let main = site.root().join("conf/httpd.conf");
    files::write(
        &main,
        fs::read_to_string(&main).unwrap() + "Include conf/more/*\n",
    );
    let stamp = "[Mon Mar 02 06:48:34.299944 2026]";
    files::write(
        &site.root().join("logs/error_log"),
        format!(
            "{stamp} [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.58 (Unix) OpenSSL/3.0.13 configured -- resuming normal operations\n\
             {stamp} [core:error] [pid 1] [client 10.0.0.9:1] AH00128: File does not exist: /srv/a?key={0}, referer: https://x.example.com/?sid={0}\n\
             {stamp} [cgi:error] [pid 1] AH01215: stderr from /x: login with password '{0} x' failed\n\
             {stamp} [cgi:error] [pid 1] AH01215: Authorization: Basic {0}==: /x\n\
             {stamp} [cgi:error] [pid 1] AH01215: Set-Cookie: a=1; sid={0}; b=2: /x\n\
             {stamp} [dumpio:trace7] [pid 1] mod_dumpio.c(100): mod_dumpio:  dumpio_in (data-HEAP): a={0}&b=2\n\
             {stamp} [proxy:error] [pid 1] AH00940: HTTP: disabled connection for http://bob:{0}@10.0.0.2/\n\
             {stamp} [php:error] [pid 1] PHP Warning: connect({s2}) failed in /srv/x.php\n\
             {stamp} [lua:error] [pid 1] {{\"token\": \"{0}\", \"n\": 1}} Bearer {0}.{0}\n",
            secret(30),
            s2 = secret(2),
        ),
    );
    let file = site.folder.path().join("report.txt");
    let run = site.run(&["report", "--yes", file.to_str().unwrap()], 0);
    let text = fs::read_to_string(&file).unwrap();
    for line in text.lines().chain(run.stderr_text().lines()) {
        assert!(!line.contains(WORD), "{line}");
        // Not even the end of a key.
        for part in key.lines().filter(|part| !part.starts_with('-')) {
            assert!(!line.contains(part), "{line}");
        }
    }
    // What support needs is still there.
    for words in [
        "OpenSSL        OpenSSL/3.0.13",
        "Server version: Apache/",
        "==== httpd -t ====",
        "AH00526",
        "AH00128: File does not exist: /srv/a?[removed]",
        "10.0.0.9:1",
        NAME,
        "issuer",
        "There are no backups",
        "plain.example.com",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.matches("[removed]").count() > 10, "{text}");
}
