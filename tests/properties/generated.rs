//! Server roots and wishes for HTTPS, made at random, for the tests of what holds for all of them.

use std::fmt;
use std::path::Path;

use esync_ssl::change::{Http, Profile, Request};
use esync_ssl::httpd::{Facts, Platform, Source, host_bytes, normalize};
use esync_ssl::refusal::Refusal;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::support::files;

pub const DOMAIN: &str = "esync.example.com";

/// The same cases at every run, so that a failure is that of a change; others with `PROPTEST_RNG_SEED`, more with
/// `PROPTEST_CASES`, which are others each time.
pub fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if is_set("PROPTEST_CASES") || is_set("PROPTEST_RNG_SEED") {
        return ProptestConfig {
            cases: if is_set("PROPTEST_CASES") {
                default.cases
            } else {
                cases
            },
            ..default
        };
    }
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        ..default
    }
}

/// What reading and planning take, for a server root.
pub fn given(root: &Path) -> (Vec<u8>, Source, Facts) {
    let main = normalize(&host_bytes(&root.join("conf").join("httpd.conf")), Platform::HOST);
    (
        main,
        Source::new(root.to_path_buf(), Platform::HOST),
        Facts::assumed(Platform::HOST),
    )
}

/// A refusal has as places what its text names, and their lines are those on disk, whatever was edited before it.
pub fn told_as_on_disk(refusal: &Refusal, request: &Request) -> Result<(), TestCaseError> {
    let text = refusal.to_string();
    let in_text = regex::Regex::new(r"[^\s(]+\.conf:[0-9]+").expect("a pattern");
    let mut named: Vec<&str> = in_text.find_iter(&text).map(|found| found.as_str()).collect();
    named.sort_unstable();
    named.dedup();
    let places = refusal.places();
    let lines = places.iter().filter(|place| place.line.is_some());
    let mut shown: Vec<String> = lines.map(|place| place.to_string()).collect();
    shown.sort_unstable();
    prop_assert_eq!(&shown, &named, "{}: {}", refusal.code, text);
    let asked = request.site.clone();
    for place in places {
        let Some(number) = place.line else { continue };
        if place.file.is_relative() {
            // As it was asked for.
            prop_assert_eq!(Some((place.file.clone(), number)), asked.clone(), "{}", text);
            continue;
        }
        let bytes = std::fs::read(&place.file).expect("a file of the tree");
        let mut lines = bytes.split(|&b| b == b'\n');
        let line = lines.nth(number as usize - 1).unwrap_or_default();
        let line = line.trim_ascii_start();
        prop_assert!(
            !line.is_empty() && (!line.starts_with(b"#") || text.contains("is commented out")),
            "{} names the line {:?}: {}",
            refusal.code,
            String::from_utf8_lossy(line),
            text
        );
    }
    Ok(())
}

/// A wish for [`DOMAIN`].
pub fn request(http: Option<Http>, port: u16) -> Request {
    Request {
        domain: DOMAIN.into(),
        port,
        http,
        certificate: b"conf/ssl/server.crt".to_vec(),
        key: b"conf/ssl/server.key".to_vec(),
        chain: None,
        ..Request::default()
    }
}

/// What somebody may ask for.
pub fn wish(domain: &'static str) -> impl Strategy<Value = Request> {
    let http = vec![None, Some(Http::Off), Some(Http::Keep), Some(Http::Redirect)];
    let profile = vec![None, None, Some(Profile::Intermediate), Some(Profile::Old)];
    let own = format!("alias.{domain}");
    let aliases = [
        "",
        "",
        &own,
        "www.example.com",
        "other.example.com new.example.com",
        "www.example.net",
    ];
    (
        proptest::sample::select(http),
        proptest::sample::select(vec![443, 443, 443, 8443]),
        proptest::sample::select(aliases.map(str::to_owned).to_vec()),
        proptest::sample::select(profile),
        proptest::option::weighted(0.3, Just(300)),
        proptest::bool::weighted(0.3),
        proptest::bool::weighted(0.3),
        proptest::option::weighted(0.2, 1..30u32),
    )
        .prop_map(
            move |(http, port, aliases, profile, hsts, stapling, chain, line)| Request {
                domain: domain.into(),
                site: line.map(|line| ("conf/httpd.conf".into(), line)),
                aliases: aliases.split_whitespace().map(str::to_owned).collect(),
                profile,
                hsts,
                stapling,
                chain: chain.then(|| b"conf/ssl/chain.crt".to_vec()),
                ..request(http, port)
            },
        )
}

/// A main file and one that it may include.
#[derive(Clone)]
pub struct Generated {
    pub main: Vec<u8>,
    pub extra: Vec<u8>,
}

impl Generated {
    /// As a server root in a temporary folder.
    pub fn write(&self) -> tempfile::TempDir {
        let root = files::folder();
        files::write(&root.path().join("conf").join("httpd.conf"), &self.main);
        files::write(
            &root.path().join("conf").join("extra").join("site.conf"),
            &self.extra,
        );
        for module in ["ssl", "socache_shmcb", "headers", "alias", "rewrite"] {
            let module = format!("mod_{module}.so");
            files::write(&root.path().join("modules").join(module), "");
        }
        root
    }
}

/// Line by line, to be read by people.
impl fmt::Debug for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, bytes) in [
            ("conf/httpd.conf", &self.main),
            ("conf/extra/site.conf", &self.extra),
        ] {
            writeln!(f, "\n--- {name}")?;
            for line in bytes.split_inclusive(|&b| b == b'\n') {
                writeln!(f, "{}", line.escape_ascii())?;
            }
        }
        Ok(())
    }
}

/// Configurations as people have them, and a little worse.
pub fn generated() -> impl Strategy<Value = Generated> {
    let ending = || proptest::sample::select(vec![vec!["\n"], vec!["\r\n"], vec!["\n", "\r\n", "\r\n"]]);
    (
        vec(block(true), 0..14),
        vec(block(false), 0..5),
        ending(),
        ending(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(main, extra, main_ending, extra_ending, main_final, extra_final)| Generated {
                main: written(&main.concat(), &main_ending, main_final),
                extra: written(&extra.concat(), &extra_ending, extra_final),
            },
        )
}

/// The lines with the endings in turn; the last one perhaps without.
fn written(lines: &[String], endings: &[&str], finished: bool) -> Vec<u8> {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let ending = endings[at % endings.len()];
        text.push_str(&line.replace('\n', ending));
        if finished || at + 1 < lines.len() {
            text.push_str(ending);
        }
    }
    text.into_bytes()
}

/// One thing of a configuration, as lines; `\n` inside a line is a line end as well.
fn block(main: bool) -> BoxedStrategy<Vec<String>> {
    let plain = prop_oneof![line(), line(), line(), host()];
    let nested = plain.prop_recursive(2, 12, 4, |inner| {
        let content = vec(inner, 0..4).prop_map(|blocks| blocks.concat());
        let opening = proptest::sample::select(vec![
            ("IfModule", "ssl_module"),
            ("IfModule", "!ssl_module"),
            ("IfModule", "mod_ssl.c"),
            ("IfModule", "mpm_event_module"),
            ("IfDefine", "SSL"),
            ("IfDefine", "!SSL"),
            ("IfVersion", ">= 2.4"),
            ("ifmodule", "nowhere_module"),
        ]);
        (opening, content, any::<bool>()).prop_map(|((name, argument), content, indented)| {
            let mut lines = vec![format!("<{name} {argument}>")];
            let indentation = if indented { "  " } else { "" };
            lines.extend(content.iter().map(|line| format!("{indentation}{line}")));
            lines.push(format!("</{name}>"));
            lines
        })
    });
    if main {
        let include = proptest::sample::select(vec![
            "Include conf/extra/site.conf",
            "IncludeOptional conf/extra/*.conf",
            "Include \"conf/extra/\"",
            "#Include conf/extra/site.conf",
        ]);
        prop_oneof![8 => nested, 1 => include.prop_map(|line| vec![line.to_owned()])].boxed()
    } else {
        nested.boxed()
    }
}

fn line() -> impl Strategy<Value = Vec<String>> {
    const LINES: &[&str] = &[
        "",
        "   ",
        "# a comment",
        "# a comment that goes on \\\nListen 80",
        "#Listen 443",
        "Listen 80",
        "Listen 80",
        "listen 443",
        "Listen 8080",
        "Listen 127.0.0.1:80",
        "Listen [::]:80",
        "Listen 0.0.0.0:80",
        "Listen 443 https",
        "Listen \\\n80",
        "\tListen \"80\"",
        "Listen ${PORT}",
        "Define PORT 8081",
        "Define SSL",
        "UnDefine SSL",
        "#LoadModule ssl_module modules/mod_ssl.so",
        "#LoadModule ssl_module modules/mod_ssl.so",
        "  #  LoadModule ssl_module \"modules/mod_ssl.so\"",
        "##LoadModule ssl_module modules/mod_ssl.so",
        "LoadModule ssl_module modules/mod_ssl.so",
        "#LoadModule socache_shmcb_module modules/mod_socache_shmcb.so",
        "LoadModule dir_module modules/mod_dir.so",
        "#LoadModule ssl_module modules/mod_gone.so",
        "SSLSessionCache shmcb:logs/scache(512000)",
        "ServerName localhost",
        "ServerName \"esync.example.com\"",
        "ServerName esync.example.com:80",
        "DocumentRoot \"htdocs with blank\"",
        "LogFormat \"%h \\\"%r\\\"\" common",
        "LogFormat '%h' \\\n   short",
        "RewriteEngine on",
        "RewriteRule ^/a$ /b",
        "RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R]",
        "Redirect / https://esync.example.com/",
        "LoadModule macro_module modules/mod_macro.so",
        "#LoadModule headers_module modules/mod_headers.so",
        "LoadModule rewrite_module modules/mod_rewrite.so",
        "LoadModule alias_module modules/mod_alias.so",
        "<Macro Site $name $port>\n<VirtualHost *:$port>\nServerName $name\n</VirtualHost>\n</Macro>",
        "Use Site esync.example.com 80",
        "Use Site other.example.com 80",
        "Use Site esync.example.com 443",
        "<Macro Port>\nListen 80\n</Macro>\nUse Port",
        "SSLEngine on",
        "SSLProtocol all -SSLv3",
        "SSLStaplingCache shmcb:logs/stapling",
        "Listen 192.0.2.7:80",
        "Listen 192.0.2.7:443",
        "Listen [2001:db8::7]:80",
        "Define HTTPS 443",
        "Listen ${HTTPS}",
        "<Directory \"/srv\">\n  Require all granted\n</Directory>",
        "<Files \".ht*\">\nRequire all denied\n</Files>",
        "DirectoryIndex index.html \\",
    ];
    proptest::sample::select(LINES).prop_map(|line| line.split('\u{0}').map(str::to_owned).collect())
}

/// A virtual host, which may include the other file.
fn host() -> impl Strategy<Value = Vec<String>> {
    let addresses = proptest::sample::select(vec![
        "*:80",
        "*:443",
        "_default_:443",
        "*",
        "127.0.0.1:443",
        "*:80 *:443",
        "192.0.2.7:80",
        "192.0.2.7:443",
        "[2001:db8::7]:80",
        "*:${HTTPS}",
        "*:8080",
        "*:8443",
    ]);
    let inside = vec![
        "ServerName esync.example.com",
        "ServerName other.example.com",
        "ServerAlias *.example.com",
        "ServerAlias *.example.net",
        "ServerAlias www.example.com esync.example.com",
        "SSLEngine on",
        "SSLEngine off",
        "SSLCertificateFile conf/ssl/server.crt",
        "SSLCertificateFile \"conf/other.crt\"",
        "SSLCertificateKeyFile \"conf/other.key\"",
        "SSLCertificateKeyFile \\\n  conf/other.key",
        "SSLCertificateChainFile conf/chain.crt",
        "DocumentRoot /srv/other",
        "# inside",
        "ServerName \\\n  esync.example.com",
        "Redirect permanent / https://esync.example.com/",
        "RewriteEngine on",
        "RewriteCond %{HTTPS} off\nRewriteRule (.*) https://%{HTTP_HOST}$1 [R=301]",
        "<IfModule ssl_module>\nSSLEngine on\nSSLCertificateFile conf/ssl/server.crt\n</IfModule>",
        "<Location /x>\nRequire all denied\n</Location>",
        "Header always set Strict-Transport-Security \"max-age=5\"",
        "SSLCipherSuite HIGH",
        "Use Port",
        // In that file itself a recursion.
        "Include conf/extra/site.conf",
    ];
    let inside = proptest::sample::select(inside);
    (addresses, vec(inside, 0..6), any::<bool>()).prop_map(|(addresses, inside, indented)| {
        let indentation = if indented { "\t" } else { "" };
        let mut lines = vec![format!("<VirtualHost {addresses}>")];
        lines.extend(inside.iter().map(|line| format!("{indentation}{line}")));
        lines.push("</VirtualHost>".into());
        lines
    })
}
