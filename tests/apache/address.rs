//! Domains that are IPv6 addresses, before a real Apache: what it takes for one, and the whole way on, seen, and off.
#![cfg(target_os = "linux")]

use std::net::TcpListener;

use crate::support;
use crate::support::apache::Httpd;
use crate::support::apache_site::ApacheSite;
use crate::support::client::http_get;
use crate::support::files;
use crate::support::network::HeldPort;

const ADDRESS: &str = "2001:db8::7";

/// The evidence for what `change/address.rs` says, and that `lint` knows it too.
#[test]
fn apache_takes_an_ipv6_address_as_an_alias_only() {
    let Some(httpd) = Httpd::find() else { return };
    let folder = files::folder();
    let file = folder.path().join("conf/httpd.conf");
    for (names, refused) in [
        ("ServerName 2001:db8::7", Some("outside the appropriate range")),
        ("ServerName ::1", Some("outside the appropriate range")),
        ("ServerName [2001:db8::7]", Some("Invalid ServerName")),
        ("ServerName [2001:db8::7]:443", Some("Invalid ServerName")),
        ("ServerName 2001:443::7", None),
        ("ServerAlias 2001:db8::7", None),
    ] {
        let text = format!(
            "ServerRoot \"{}\"\n{}ServerName main.test\nListen 8443\n<VirtualHost *:8443>\n{names}\n</VirtualHost>\n",
            folder.path().display(),
            httpd.load(&["mpm_event", "authz_core", "unixd"]),
        );
        files::write(&file, text);
        std::fs::create_dir_all(folder.path().join("logs")).expect("the logs");
        let said = httpd.ask(folder.path(), &file).syntax();
        let lint = support::program::esync_ssl()
            .args(["lint", "--root"])
            .arg(folder.path())
            .run();
        match refused {
            Some(words) => {
                assert!(said.stderr_text().contains(words), "{names}: {}", said.report());
                assert!(lint.report().contains(words), "{names}: {}", lint.report());
            }
            None => {
                said.expect_code(0);
                let is_warned = lint.report().contains("put it into `ServerAlias`");
                assert_eq!(is_warned, names.starts_with("ServerName"), "{}", lint.report());
            }
        }
    }
}

#[test]
fn an_ipv6_address_is_served_and_off_again() {
    let Some(httpd) = Httpd::find() else { return };
    let Some(site) = ApacheSite::running(&httpd.load(&["rewrite"])) else {
        return;
    };
    let (files, answers) = (site.files(), site.answers());
    let leaf = site.authority.leaf_without_chain("address", &[ADDRESS]);
    let more = ["--http", "redirect", "--restart"];
    let done = site.enable_with("[2001:DB8:0::7]", &leaf, &leaf, &more).run();
    let done = done.expect_code(0).stdout_text();
    assert!(done.contains("answers as configured"), "{done}");
    let again = site
        .enable_with(ADDRESS, &leaf, &leaf, &more)
        .run()
        .expect_code(0);
    assert!(
        again.stdout_text().contains("Nothing needs to change"),
        "{}",
        again.report()
    );

    let shown = site
        .client()
        .get(site.network.https, ADDRESS, "/")
        .expect("an answer");
    assert_eq!((shown.status, shown.body.as_slice()), (200, &b"hello"[..]));
    assert_eq!(shown.tls.expect("TLS").leaf, leaf.der);
    let sent = http_get(site.network.http, ADDRESS, "/a?b").expect("an answer");
    let port = match site.network.https {
        443 => String::new(),
        port => format!(":{port}"),
    };
    assert_eq!(sent.status, 301, "{}", sent.head);
    assert_eq!(
        sent.header("Location"),
        Some(format!("https://[{ADDRESS}]{port}/a?b").as_str())
    );
    // Who asks for another name over HTTP is not sent anywhere.
    assert_eq!(site.answers()[0], answers[0]);

    let authority = site.authority.root().display().to_string();
    for typed in [ADDRESS, "[2001:DB8::7]"] {
        let seen = site
            .command(&["verify", "--domain", typed, "--ca", &authority])
            .run()
            .expect_code(0)
            .stdout_text();
        assert!(seen.contains(&format!("{ADDRESS} at ")), "{seen}");
        assert!(seen.contains("0 errors, 0 warnings"), "{seen}");
        assert!(seen.contains(&format!("301 to https://[{ADDRESS}]")), "{seen}");
    }

    let off = ["disable", "--yes", "--restart", "--domain", "[2001:db8::7]"];
    site.command(&off).run().expect_code(0);
    let mut now = site.files();
    now.retain(|name, _| !name.contains("esync-ssl-backup"));
    assert_eq!(now, files);
    assert_eq!(site.answers(), answers);
}

/// Where Apache listens on single addresses, what others have on others is in nobody's way.
#[test]
fn a_port_is_asked_about_at_the_addresses_of_apache() {
    let Some(site) = ApacheSite::new("") else { return };
    if !site.network.isolated {
        support::skip("without a network of its own");
        return;
    }
    let main = site.root().join("conf/httpd.conf");
    let text = std::fs::read_to_string(&main).expect("the main file");
    files::write(&main, text.replace("\nListen 80\n", "\nListen 127.0.1.5:80\n"));
    site.daemon.start();
    let only_ipv6 = |word: &str| std::fs::write("/proc/sys/net/ipv6/bindv6only", word).is_ok();
    let dry = || {
        let words = [
            "enable",
            "--domain",
            "a.example.com",
            "--self-signed",
            "--http",
            "keep",
        ];
        let program = site.command(&words);
        program.args(["--dry-run", "--no-rehearsal"])
    };
    for end in ["127.0.1.5:443", "0.0.0.0:443", "[::]:443"] {
        let _socket = HeldPort::at(end);
        let refused = dry().run().expect_code(4);
        assert!(
            refused
                .stderr_text()
                .contains("127.0.1.5:443 is taken by another program"),
            "{end}: {}",
            refused.report()
        );
    }
    // As nginx has it, where the settings of this network can be written.
    let _all_of_ipv6 = only_ipv6("1").then(|| TcpListener::bind("[::]:443").expect("the port"));
    only_ipv6("0");
    let _others = TcpListener::bind("127.0.1.3:443").expect("the port");
    dry().run().expect_code(0);
    let done = site.enable(&site.leaf, &["--http", "keep", "--restart"]).run();
    done.expect_code(0);
    let both = ["127.0.1.5:80", "127.0.1.5:443"];
    assert!(both.iter().all(|end| std::net::TcpStream::connect(end).is_ok()));
    // As it is seen by who looks, too.
    let seen = site.command(&["check"]).run();
    assert!(!seen.stdout_text().contains("PORT-TAKEN"), "{}", seen.report());
}
