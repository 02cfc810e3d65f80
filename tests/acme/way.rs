//! On the way to a CA: connections that break, last, or lead elsewhere; TLS, redirects, proxies.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use esync_ssl::acme::{Client, Https, MAX_BODY, Obstacle, Proxy, Session, Settings, SystemClock};
use serde_json::json;

use crate::scripted::{Impatient, World, obstacle, settings, wanted};
use crate::support::network::HeldPort;
use crate::support::process::{finish, this_test};
use crate::support::scripted_ca::{Reply, ScriptedCa};

#[test]
fn answers_that_do_not_come_through() {
    let world = World::start();
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"status\":".to_vec();
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(MAX_BODY + 10)).into_bytes();
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}".to_vec();
    let head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{{}}", "a".repeat(200_000)).into_bytes();
    let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n".to_vec();
    for (what, bytes, expected) in [
        ("nothing", Vec::new(), &[Obstacle::CutOff][..]),
        ("cut off", cut, &[Obstacle::CutOff]),
        ("endless", endless, &[Obstacle::TooLong]),
        ("announced", announced, &[Obstacle::TooLong, Obstacle::CutOff]),
        ("head", head, &[Obstacle::TooLong]),
        (
            "not HTTP",
            b"220 mail.example ESMTP\r\n\r\n".to_vec(),
            &[Obstacle::NotHttp, Obstacle::CutOff],
        ),
        ("chunks", chunks, &[Obstacle::NotHttp]),
    ] {
        world.ca.next("/order", 1, Reply::Bytes(bytes));
        let error = world.obtain(&wanted(&["a.example"])).expect_err(what);
        assert!(expected.contains(&obstacle(&error)), "{what}: {error:?}");
        assert!(!error.is_decided(), "{what}");
    }
}

#[test]
fn slow_bytes_end_in_bounded_time() {
    let world = World::start();
    let short = Settings {
        whole: Duration::from_secs(1),
        ..settings(&world.ca)
    };
    let https = Https::new(&short).expect("a transport");
    let slow = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(5000)).into_bytes();
    let head = format!("HTTP/1.1 200 OK\r\nX: {}", "a".repeat(5000)).into_bytes();
    for (path, bytes) in [("/dir", slow), ("/dir", head)] {
        world
            .ca
            .next(path, 1, Reply::Slowly(bytes, Duration::from_millis(20)));
        let start = Instant::now();
        let error = Client::connect(&https, &world.clock, &world.ca.directory).expect_err("too slow");
        assert_eq!(obstacle(&error), Obstacle::TimedOut, "{error:?}");
        assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    }
}

/// As while Apache is stopped: who waits for the end of it waits no longer, whatever each request might take by itself.
#[test]
fn what_is_bounded_as_a_whole_ends_in_that_time() {
    let world = World::start();
    let clock = SystemClock::default();
    let client = Client::connect(&world.https, &clock, &world.ca.directory).expect("the directory");
    let session = world.session(&client);
    let slow = format!("HTTP/1.1 200 OK\r\n\r\n{}", " ".repeat(5000)).into_bytes();
    world
        .ca
        .next("/order", 1, Reply::Slowly(slow, Duration::from_millis(20)));
    let start = Instant::now();
    client.within(Duration::from_secs(1), || {
        for _ in 0..2 {
            let error = session.order(&wanted(&["a.example"])).expect_err("too slow");
            assert_eq!(obstacle(&error), Obstacle::TimedOut, "{error:?}");
        }
    });
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    // What would come too late is not asked, and afterwards a request has its usual time.
    assert_eq!(world.ca.count("/order"), 1);
    session.order(&wanted(&["a.example"])).expect("an order");
}

#[test]
fn nobody_there_is_said_so() {
    let clock = Impatient::default();
    let socket = HeldPort::at((Ipv4Addr::LOCALHOST, 0));
    let port = socket.address().port();
    drop(socket);
    let world = World::start();
    let url = format!("https://127.0.0.1:{port}/dir");
    let error = Client::connect(&world.https, &clock, &url).expect_err("nobody there");
    assert_eq!(obstacle(&error), Obstacle::NoConnection);
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
    let error =
        Client::connect(&world.https, &clock, "https://no-such-host.invalid/dir").expect_err("no such host");
    assert_eq!(obstacle(&error), Obstacle::NoAddress, "{error:?}");
}

#[test]
fn a_ca_that_is_not_trusted_gets_nothing() {
    let (world, other) = (World::start(), ScriptedCa::start());
    let error = Client::connect(&world.https, &world.clock, &other.directory).expect_err("another root");
    assert_eq!(obstacle(&error), Obstacle::Tls, "{error:?}");
    assert!(error.to_string().contains("root certificate"), "{error}");
    let another_name = world.ca.directory.replace("127.0.0.1", "127.0.0.2");
    let error = Client::connect(&world.https, &world.clock, &another_name).expect_err("another name");
    assert!(
        matches!(obstacle(&error), Obstacle::Tls | Obstacle::NoConnection),
        "{error:?}"
    );
    assert!(other.state().asked.is_empty());
}

#[test]
fn redirects_are_not_followed() {
    let (world, other) = (World::start(), ScriptedCa::start());
    for status in [301, 302, 303, 307, 308] {
        for path in ["/dir", "/order"] {
            world.ca.next(
                path,
                1,
                Reply::json(status, &json!({})).with("Location", &other.directory),
            );
            let error = world.obtain(&wanted(&["a.example"])).expect_err("a redirect");
            assert!(error.to_string().contains("a redirect to "), "{error}");
        }
    }
    assert!(other.state().asked.is_empty());
}

/// An HTTP proxy that wants a password; it says what it was asked.
fn proxy() -> (u16, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let _ = tell.send(head.clone());
                let mut client = reader.into_inner();
                // user:secret
                if !head.contains("Basic dXNlcjpzZWNyZXQ=") {
                    let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
                    return;
                }
                let target = head.split(' ').nth(1).unwrap_or_default();
                let Ok(mut server) = TcpStream::connect(target) else {
                    return;
                };
                let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
                let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let _ = std::io::copy(&mut server, &mut client);
                let _ = client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    (port, told)
}

#[test]
fn a_proxy_is_used_and_its_password_is_told_to_nobody() {
    let world = World::start();
    let (port, told) = proxy();
    let through = |password: &str| {
        let proxy = Proxy::Url(format!("http://user:{password}@127.0.0.1:{port}"));
        assert!(!format!("{proxy:?}").contains("secret"));
        let settings = Settings {
            proxy,
            ..settings(&world.ca)
        };
        assert!(!format!("{settings:?}").contains("secret"));
        Https::new(&settings).expect("a transport")
    };
    let https = through("secret");
    assert!(!format!("{https:?}").contains("secret"));
    let client = Client::connect(&https, &world.clock, &world.ca.directory).expect("through the proxy");
    Session::new(&client, &world.key, &world.account)
        .order(&wanted(&["a.example"]))
        .expect("an order");
    let host = world.ca.directory.replace("https://", "").replace("/dir", "");
    assert!(
        told.recv()
            .expect("it was asked")
            .starts_with(&format!("CONNECT {host} HTTP/1.1\r\n"))
    );
    let https = through("secret-but-wrong");
    let error = Client::connect(&https, &world.clock, &world.ca.directory).expect_err("wrong password");
    assert_eq!(obstacle(&error), Obstacle::Proxy, "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(text.contains("407") && !text.contains("secret"), "{text}");
    for url in [
        "http://user:secret@",
        "socks5://user:secret@127.0.0.1:1",
        "http://user:secret@a b",
    ] {
        let settings = Settings {
            proxy: Proxy::Url(url.to_owned()),
            ..settings(&world.ca)
        };
        let error = Https::new(&settings).expect_err("no such proxy");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn a_proxy_that_says_nothing_ends_in_bounded_time() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || stream.read_to_end(&mut Vec::new()));
        }
    });
    let world = World::start();
    let settings = Settings {
        proxy: Proxy::Url(format!("http://127.0.0.1:{port}")),
        connect: Duration::from_secs(1),
        ..settings(&world.ca)
    };
    let https = Https::new(&settings).expect("a transport");
    let start = Instant::now();
    let error = Client::connect(&https, &world.clock, &world.ca.directory).expect_err("nothing");
    assert_eq!(obstacle(&error), Obstacle::NoConnection, "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

/// What the environment says is said to a child: it is one for all tests of this process.
#[test]
fn a_proxy_of_the_environment_is_used() {
    let (port, told) = proxy();
    let mut child = this_test("way::in_an_environment_with_a_proxy");
    child.env("HTTPS_PROXY", format!("http://user:secret@127.0.0.1:{port}"));
    child
        .env_remove("ALL_PROXY")
        .env_remove("all_proxy")
        .env_remove("no_proxy");
    child.env("NO_PROXY", "localhost").env(IN_CHILD, "yes");
    finish(&mut child, Duration::from_secs(60)).expect_code(0);
    let asked: Vec<String> = told.try_iter().collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("CONNECT 127.0.0.1:"), "{asked:?}");
}

const IN_CHILD: &str = "ESYNC_SSL_TEST_PROXY";

#[test]
fn in_an_environment_with_a_proxy() {
    if std::env::var_os(IN_CHILD).is_none() {
        return;
    }
    let world = World::start();
    let settings = Settings {
        proxy: Proxy::Environment,
        ..settings(&world.ca)
    };
    let https = Https::new(&settings).expect("a transport");
    Client::connect(&https, &world.clock, &world.ca.directory).expect("through the proxy");
    let unproxied = world.ca.directory.replace("127.0.0.1", "localhost");
    Client::connect(&https, &world.clock, &unproxied).expect("without");
}
