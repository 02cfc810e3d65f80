//! `report --html`: a page that somebody hands to others. What it looks like, `looks` says.

use std::fs;
#[cfg(unix)]
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::files::write;
#[cfg(unix)]
use crate::support::program::binary;
use crate::support::program::esync_ssl;
use crate::support::site::Site;

/// What would load, run or send something.
const ALIVE: [&str; 9] = [
    "<script",
    "<link",
    "<img",
    "<iframe",
    "src=",
    "href=",
    "@import",
    "url(",
    "javascript:",
];

/// The page, written beside the server root.
fn page(site: &Site) -> String {
    let file = site.beside("page.html");
    let name = file.display().to_string();
    site.run(&["report", "--html", &name, "--yes"])
        .run()
        .expect_code(0);
    let text = fs::read_to_string(&file).expect("the page");
    fs::remove_file(&file).expect("the page");
    is_inert(&text);
    text
}

#[track_caller]
fn is_inert(text: &str) {
    assert!(
        text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>"),
        "{text}"
    );
    for word in ALIVE {
        assert!(!text.contains(word), "{word}: {text}");
    }
    // Handlers are attributes.
    let tags = text
        .split('<')
        .skip(1)
        .map(|part| part.split('>').next().unwrap_or_default());
    for tag in tags {
        assert!(
            !tag.split_whitespace()
                .any(|word| word.starts_with("on") && word.contains('=')),
            "{tag}"
        );
    }
    let unseen = |c: char| c.is_control() && c != '\n' && c != '\t' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(unseen));
}

/// What was taken out of the configuration since may be in use elsewhere; the changes still have it.
#[test]
fn a_password_that_was_replaced_since_is_not_on_the_page() {
    let site = Site::new();
    let host = "\n<VirtualHost *:80>\nServerName esync.example.com\nDefine DB_PASSWORD OldSecret1\n\
                <If \"%{HTTP:X-Token} == 'OldSecret2'\">\n</If>\n</VirtualHost>\n";
    write(&site.main(), site.text() + host);
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    write(&site.main(), site.text().replace("OldSecret", "NewSecret"));
    let text = page(&site);
    assert!(
        text.contains("+    Define DB_PASSWORD") || text.contains("+Define DB_PASSWORD"),
        "{text}"
    );
    assert!(
        !text.contains("OldSecret") && !text.contains("NewSecret"),
        "{text}"
    );
}

#[test]
fn a_page_holds_what_its_reader_looks_for() {
    let site = Site::new();
    let bare = page(&site);
    assert!(bare.contains("this program has changed nothing"), "{bare}");
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    let text = page(&site);
    for words in [
        "HTTPS of esync.example.com",
        "Who answers",
        "Listeners, virtual hosts and certificates",
        "HTTP answers as well",
        "Certificates and their ends",
        "Lives of certificates",
        "What was found",
        "What was changed",
        "+Listen 443",
        "https://esync.example.com",
        "m2u.talk2m.com",
        "default-src &#39;none&#39;",
    ] {
        let other = words.replace("&#39;", "'");
        assert!(text.contains(words) || text.contains(&other), "{words}: {text}");
    }
    let key = fs::read_to_string(site.beside("certificates").join("server.key")).expect("the key");
    let mut lines = key.lines().filter(|line| !line.starts_with('-'));
    assert!(lines.all(|line| !text.contains(line)), "a line of the key");
}

/// As `doctor` tells it, whoever names the file.
#[test]
fn one_fault_is_one_cause_on_the_page() {
    let site = Site::new();
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    fs::remove_file(site.beside("certificates").join("server.crt")).expect("the certificate");
    let text = page(&site);
    assert_eq!(text.matches("<code>FILE-MISSING</code>").count(), 1, "{text}");
    let told: Value = site.run(&["doctor", "--json"]).run().expect_code(12).data();
    let errors = &told["error_count"];
    assert_eq!(*errors, 1, "{told}");
    assert!(text.contains("<b>1 error</b>"), "{text}");
    // In the map as well: the virtual host and its certificate.
    assert!(text.contains("<rect class=\"bad\""), "{text}");
    let listed = site
        .run(&["report", "--html", "-", "--dry-run"])
        .run()
        .expect_code(0);
    let listed = listed.stdout_text();
    assert!(
        listed.contains("1 certificate\n") && listed.contains(" cause"),
        "{listed}"
    );
}

#[test]
fn what_a_configuration_says_is_text() {
    let site = Site::new();
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    let more = "\nDefine DB_PASSWORD Pomegranate\n<VirtualHost *:443>\nServerName \
                \"<script>alert(1)</script>\"\nServerAlias \"<img src=x onerror=alert(1)>\" \u{202e}moc.test\nSSLEngine on\nSSLCertificateFile \"conf/<svg onload=alert(1)>.crt\"\n</VirtualHost>\n\
                <VirtualHost *:80>\nServerName a\u{1b}[31m.test\n</VirtualHost>\n";
    fs::write(site.main(), site.text() + more).expect("the main file");
    let file = site.beside("page.html");
    let name = file.display().to_string();
    site.run(&["report", "--html", &name, "--yes"])
        .run()
        .expect_code(0);
    let text = fs::read_to_string(&file).expect("the page");
    assert!(text.contains("&lt;script&gt;"), "{text}");
    assert!(
        text.contains("\\xe2\\x80\\xaemoc.test") && text.contains("a\\x1b[31m.test"),
        "{text}"
    );
    assert!(!text.contains("Pomegranate"), "{text}");
    // Behind what is escaped nothing is left that lives.
    let plain = text.replace("&lt;img src=", "").replace("&lt;svg onload=", "");
    is_inert(&plain);
}

#[test]
fn a_page_is_written_as_carefully_as_a_report() {
    let site = Site::new();
    let file = site.beside("page.html");
    let name = file.display().to_string();
    let listed = site
        .run(&["report", "--html", &name, "--dry-run"])
        .run()
        .expect_code(0);
    assert!(
        listed.stdout_text().contains("Who answers"),
        "{}",
        listed.report()
    );
    assert!(!file.exists());
    site.run(&["report", "--html", &name]).run().expect_code(14);
    assert!(!file.exists());
    fs::write(&file, "mine").expect("a file");
    site.run(&["report", "--html", &name, "--yes"])
        .run()
        .expect_code(4);
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
    let told = site
        .run(&["report", "--html", "-", "--json"])
        .run()
        .expect_code(0);
    let told: Value = told.data();
    assert!(
        told["text"].as_str().expect("the page").starts_with("<!DOCTYPE"),
        "{told}"
    );
    assert_eq!(told["sections"][0]["title"], "Who answers");
    assert!(told.get("fleet").is_none());
}

/// What `certificates --json` prints, of a server with one certificate.
fn document(name: &str, days: i64, by: &str, looked: i64) -> Value {
    let moment = |days: i64| {
        let moment = time_of(days);
        moment
            .format(&time::format_description::well_known::Rfc3339)
            .expect("a moment")
    };
    json!({
        "schema": 1, "command": "certificates", "version": "0.1.0", "status": 0, "error": null,
        "data": { "schedule": null, "certificates": [{
            "file": "/etc/ssl/a.crt", "names": [name], "issuer": "CN=Test", "not_before": moment(days - 365),
            "not_after": moment(days), "rest_seconds": (days - looked) * 86_400, "used_by": [{}], "served": "yes",
            "renewer": { "by": by }, "source": null, "failure_count": 0, "what_comes_later": [1]
        }] }
    })
}

fn time_of(days: i64) -> time::OffsetDateTime {
    (time::OffsetDateTime::now_utc() + time::Duration::days(days))
        .replace_nanosecond(0)
        .expect("a second")
}

#[test]
fn many_servers_on_one_page() {
    let site = Site::new();
    let folder = site.beside("fleet");
    fs::create_dir(&folder).expect("a folder");
    let put = |name: &str, text: String| fs::write(folder.join(name), text).expect("a document");
    put("good.json", document("good.test", 300, "certbot", 0).to_string());
    put("hand.json", document("hand.test", 200, "nobody", 0).to_string());
    put("gone.json", document("gone.test", -3, "certbot", 0).to_string());
    put(
        "ahead.json",
        document("ahead.test", 100, "certbot", 30).to_string(),
    );
    put(
        "hostile.json",
        document("<script>alert(1)</script>\u{202e}", 50, "certbot", 0).to_string(),
    );
    put("broken.json", "{\"schema\": 1,".into());
    put("deep.json", "[".repeat(100_000));
    put(
        "other.json",
        json!({ "schema": 1, "command": "check" }).to_string(),
    );
    put(
        "later.json",
        json!({ "schema": 9, "command": "certificates" }).to_string(),
    );
    put(
        "odd.json",
        document("x", 50, "certbot", 0)
            .to_string()
            .replace("rest_seconds\":", "rest_seconds\":-9223372036854775808,\"z\":"),
    );
    put("not-a-document.txt", "no".into());
    let (file, folder) = (site.beside("fleet.html"), folder.display().to_string());
    let name = file.display().to_string();
    let words = ["report", "--html", &name, "--yes", "--json", "--fleet", &folder];
    let told: Value = esync_ssl().args(words).run().expect_code(0).data();
    let text = fs::read_to_string(&file).expect("the page");
    is_inert(&text);
    let fleet = &told["fleet"];
    assert_eq!(fleet["ended_count"], 1, "{told}");
    assert_eq!(fleet["risk_count"], 1, "{told}");
    assert!(fleet["clock_count"].as_u64() >= Some(1), "{told}");
    assert_eq!(fleet["unread"].as_array().expect("a list").len(), 4, "{told}");
    for words in [
        "gone.test",
        "ended 3 days ago",
        "ahead by",
        "times a year",
        "&lt;script&gt;",
        "broken.json",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let first = text.find("All certificates").expect("the list");
    assert!(text[first..].find("gone.test") < text[first..].find("good.test"));
    let empty = site.beside("empty");
    fs::create_dir(&empty).expect("a folder");
    let words = [
        "report",
        "--html",
        "-",
        "--fleet",
        empty.to_str().expect("a path"),
    ];
    let none = esync_ssl().args(words).run().expect_code(1);
    assert!(
        none.stderr_text().contains("certificates --json"),
        "{}",
        none.report()
    );
}

#[test]
fn five_hundred_servers_are_a_page_at_once() {
    let site = Site::new();
    let folder = site.beside("fleet");
    fs::create_dir(&folder).expect("a folder");
    for number in 0..500 {
        let text = document(&format!("h{number}.test"), 20 + number % 300, "nobody", 0).to_string();
        fs::write(folder.join(format!("h{number}.json")), text).expect("a document");
    }
    let folder = folder.display().to_string();
    let (page, took) = measured(&["report", "--html", "-", "--fleet", &folder]);
    println!("500 servers: {} ms", took.as_millis());
    // Unoptimised, too.
    assert!(
        took < Duration::from_secs(if cfg!(windows) { 20 } else { 2 }),
        "{took:?}"
    );
    assert!(page.contains("h499.test"));
}

/// What a run prints, and its processor time: how long it takes where nothing else is done, as it does one thing after another.
#[cfg(unix)]
fn measured(words: &[&str]) -> (String, Duration) {
    let mut command = Command::new("/bin/sh");
    command.env_clear().args(["-c", "\"$@\" && times >&2", "sh"]);
    let run = command.arg(binary()).args(words).output().expect("a shell");
    assert!(run.status.success(), "{run:?}");
    let said = String::from_utf8(run.stderr).expect("UTF-8");
    // Of the shell, and of what it started: `0m0.180s 0m0.020s`.
    let times = said.lines().last().expect("times").split_whitespace();
    let seconds = times.map(|time| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').expect("a time");
        let [minutes, seconds] = [minutes, seconds].map(|part| part.parse::<f64>().expect("a number"));
        minutes * 60.0 + seconds
    });
    let page = String::from_utf8(run.stdout).expect("UTF-8");
    (page, Duration::from_secs_f64(seconds.sum()))
}

/// The same with all the time that passes: what is started under wine is no child of a shell.
#[cfg(windows)]
fn measured(words: &[&str]) -> (String, Duration) {
    let began = std::time::Instant::now();
    let page = esync_ssl().args(words).run().expect_code(0).stdout_text();
    (page, began.elapsed())
}
