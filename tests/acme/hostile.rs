//! No answer of a CA does harm: it ends in a refusal that says what is wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use esync_ssl::acme::{
    AccountKey, Client, Error, ExternalAccount, Https, MAX_BODY, Obstacle, Proxy, Reply as Answer, Request,
    Session, Settings, Step, Transport, TransportError, Wanted,
};
use proptest::prelude::*;
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::scripted::{Impatient, MINUTE, World, certificate_key, settings, wanted};
use crate::support::scripted_ca::{Reply, ScriptedCa};

fn obstacle(error: &Error) -> Obstacle {
    match error {
        Error::Transport(error) => error.obstacle,
        other => panic!("{other:?}"),
    }
}

fn html(status: u16) -> Reply {
    Reply::Http(
        status,
        Vec::new(),
        b"<!DOCTYPE html><h1>\x1b[31mLog in</h1>".to_vec(),
    )
}

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

#[test]
fn nobody_there_is_said_so() {
    let clock = Impatient::default();
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = socket.local_addr().expect("its address").port();
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
fn web_pages_are_no_answers() {
    let world = World::start();
    for path in ["/dir", "/account", "/order"] {
        for (status, is_decided) in [(200, true), (403, true), (503, false)] {
            world.ca.next(path, 1, html(status).with("Retry-After", "30"));
            let result = world.connect().and_then(|client| {
                client.find(&world.key)?;
                world.session(&client).order(&wanted(&["a.example"])).map(|_| ())
            });
            let error = result.expect_err("a web page");
            assert!(
                matches!(error, Error::Unexpected(_)),
                "{path} {status}: {error:?}"
            );
            let text = error.to_string();
            assert!(
                text.contains("a web page") && text.contains(path) && !text.contains('\u{1b}'),
                "{text}"
            );
            assert_eq!(error.is_decided(), is_decided, "{path} {status}");
            if status != 200 {
                assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
            }
        }
    }
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

#[test]
fn a_directory_leads_only_to_https() {
    let world = World::start();
    let good = world.ca.state().directory.clone();
    for name in [
        "newNonce",
        "newAccount",
        "newOrder",
        "revokeCert",
        "keyChange",
        "renewalInfo",
    ] {
        let urls = [
            "http://127.0.0.1/x",
            "file:///etc/passwd",
            "https://",
            "",
            "javascript:alert(1)",
            "https://a\r\nb/",
        ];
        for url in urls.map(Value::from) {
            world.ca.state().directory = good.clone();
            world.ca.state().directory[name] = url.clone();
            let error = world.connect().expect_err("no such address");
            assert!(matches!(error, Error::Unexpected(_)), "{name} {url}: {error:?}");
        }
    }
    for name in ["newNonce", "newAccount", "newOrder"] {
        for value in [json!(null), json!(5), json!({}), json!(["https://a.example/"])] {
            world.ca.state().directory = good.clone();
            world.ca.state().directory[name] = value;
            let error = world.connect().expect_err("something is missing");
            assert!(error.to_string().contains(name), "{error}");
        }
    }
    // What is only told may be missing or odd.
    world.ca.state().directory = good;
    world.ca.state().directory["meta"] = json!({"profiles": [1], "caaIdentities": "x", "externalAccountRequired": "yes", "termsOfService": {}});
    let client = world.client();
    assert_eq!(client.directory().terms_of_service, None);
    assert!(client.directory().profiles.is_empty() && !client.directory().external_account_required);
    for url in [
        "http://192.0.2.1/dir",
        "ftp://a.example/",
        "https://user@a.example/",
        "dir",
    ] {
        assert!(
            matches!(
                Client::connect(&world.https, &world.clock, url),
                Err(Error::Unexpected(_))
            ),
            "{url}"
        );
    }
}

#[test]
fn orders_lead_only_to_https_and_to_what_was_ordered() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    let good = json!({
        "status": "ready", "authorizations": [], "finalize": format!("{}/f/0", world.ca.state().base),
        "identifiers": [{"type": "dns", "value": "a.example"}],
    });
    let place = format!("{}/o/0", world.ca.state().base);
    let order = |body: Value, location: &str| {
        world
            .ca
            .next("/order", 1, Reply::json(201, &body).with("Location", location));
        session.order(&wanted(&["a.example"]))
    };
    assert_eq!(order(good.clone(), &place).expect("an order").step, Step::Ready);
    // A path alone is at the host that was asked.
    assert_eq!(order(good.clone(), "/o/0").expect("an order").url, place);
    for location in [
        "http://127.0.0.1/o/0",
        "//a.example/o",
        "o/0",
        "file:///o",
        "https://a b/",
    ] {
        assert!(
            matches!(order(good.clone(), location), Err(Error::Unexpected(_))),
            "{location}"
        );
    }
    for (name, value) in [
        ("status", json!(null)),
        ("status", json!("done")),
        ("status", json!("valid")),
        ("finalize", json!(7)),
        ("identifiers", json!([{"type": "dns", "value": "b.example"}])),
        ("identifiers", json!([])),
        ("identifiers", json!(["a.example"])),
        ("identifiers", json!([{"type": "email", "value": "a.example"}])),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        let result = order(bad.clone(), &place);
        assert!(matches!(result, Err(Error::Unexpected(_))), "{bad}: {result:?}");
    }
    for (name, value) in [
        ("finalize", "http://127.0.0.1/f"),
        ("certificate", "http://127.0.0.1/c"),
    ] {
        let mut bad = good.clone();
        bad[name] = json!(value);
        bad["status"] = json!(if name == "finalize" { "ready" } else { "valid" });
        let mut taken = order(bad, &place).expect("not asked yet");
        taken.finalizing();
        let key = certificate_key();
        let result = session.finalize(&mut taken, &key).and_then(|()| {
            session
                .fetch(&mut taken, key.public_key().expect("a key"))
                .map(|_| ())
        });
        assert!(matches!(result, Err(Error::Unexpected(_))), "{name}: {result:?}");
    }
}

#[test]
fn tokens_are_names_of_files_and_nothing_else() {
    let world = World::start();
    world.ca.state().pending = true;
    let client = world.client();
    let session = world.session(&client);
    let order = session.order(&wanted(&["a.example"])).expect("an order");
    let long = "a".repeat(5000);
    for token in [
        "",
        "../../../etc/passwd",
        "a/b",
        "a\\b",
        "a b",
        ".",
        "a.b",
        "a\n",
        "ä",
        "CON:",
        long.as_str(),
    ] {
        let body = json!({
            "status": "pending", "identifier": {"type": "dns", "value": "a.example"},
            "challenges": [{"type": "http-01", "url": "https://a.example/c", "status": "pending", "token": token}],
        });
        world.ca.always("/a/0/0", Reply::json(200, &body));
        let result = session.authorizations(&order);
        assert!(
            matches!(result, Err(Error::Unexpected(_))),
            "{token:?}: {result:?}"
        );
    }
    for body in [
        json!({"status": "pending", "identifier": {"type": "dns", "value": "b.example"}, "challenges": []}),
        json!({"status": "pending", "identifier": {"type": "dns", "value": "a.example"}, "wildcard": true}),
        json!({"status": "pending", "challenges": []}),
        json!({"identifier": {"type": "dns", "value": "a.example"}}),
        json!([]),
    ] {
        world.ca.always("/a/0/0", Reply::json(200, &body));
        let result = session.authorizations(&order);
        assert!(matches!(result, Err(Error::Unexpected(_))), "{body}: {result:?}");
    }
}

#[test]
fn foreign_certificates_are_refused() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    let refused = |prepare: &dyn Fn()| {
        prepare();
        let mut order = session
            .order(&wanted(&["a.example", "b.example"]))
            .expect("an order");
        let error = world
            .finish(&session, &mut order, &certificate_key())
            .expect_err("a foreign one");
        assert!(order.chain.is_none());
        error.to_string()
    };
    let text = refused(&|| world.ca.state().other_names = Some(vec!["a.example".to_owned()]));
    assert!(text.contains("it is not for b.example"), "{text}");
    world.ca.state().other_names = None;
    let text = refused(&|| world.ca.state().other_key = true);
    assert!(text.contains("it is for another key"), "{text}");
    world.ca.state().other_key = false;
    let own = KeyPair::generate().expect("a key");
    let valid = world.ca.certificate(&["a.example", "b.example"], &own);
    let damaged = valid.replacen("MII", "MIJ", 1);
    for (body, words) in [
        (String::new(), "not a chain"),
        ("<html>".to_owned(), "not a chain"),
        (own.serialize_pem() + &valid, "something else"),
        (valid.clone() + &own.serialize_pem(), "something else"),
        (damaged, "damaged"),
        (valid[..valid.len() / 3].to_owned(), "damaged"),
        (valid.repeat(20), "not a chain"),
        (valid, "another key"),
    ] {
        let nr = world.ca.count("/order");
        let reply = Reply::Http(200, Vec::new(), body.into_bytes());
        let text = refused(&|| world.ca.always(&format!("/cert/{nr}"), reply.clone()));
        assert!(
            text.contains(words) && !text.contains("PRIVATE"),
            "{words}: {text}"
        );
    }
}

#[test]
fn a_lost_answer_makes_no_second_certificate() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    let key = certificate_key();
    for processing in [0, 3] {
        let nr = world.ca.count("/order");
        let mut order = session.order(&wanted(&["a.example"])).expect("an order");
        world.ca.state().processing = processing;
        order.finalizing();
        world.ca.next(&format!("/f/{nr}"), 1, Reply::Lost);
        let error = session.finalize(&mut order, &key).expect_err("no answer");
        assert_eq!(obstacle(&error), Obstacle::CutOff);
        // Whether it is asked again or looked after, the certificate is the one that was made.
        if processing == 0 {
            session.refresh(&mut order).expect("an answer");
            assert_eq!(order.step, Step::Made);
        }
        session.finalize(&mut order, &key).expect("under way");
        session.wait_made(&mut order, MINUTE).expect("made");
        session
            .fetch(&mut order, key.public_key().expect("a key"))
            .expect("fetched");
    }
    // A request that never arrived is sent again, with the same key.
    let nr = world.ca.count("/order");
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    order.finalizing();
    world.ca.next(&format!("/f/{nr}"), 1, Reply::Bytes(Vec::new()));
    session.finalize(&mut order, &key).expect_err("no answer");
    session.refresh(&mut order).expect("an answer");
    assert_eq!(order.step, Step::Finalizing);
    world.finish(&session, &mut order, &key).expect("a certificate");
    // Nothing was made: the refusal stays one.
    let nr = world.ca.count("/order");
    world.ca.state().pending = true;
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    order.finalizing();
    let error = session.finalize(&mut order, &key).expect_err("not proven");
    assert!(error.to_string().contains("orderNotReady"), "{error}");
    assert_eq!(world.ca.count(&format!("/f/{nr}")), 1);
}

#[test]
fn nothing_is_finalized_before_the_key_is_said_to_be_stored() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    let key = certificate_key();
    assert!(matches!(
        session.finalize(&mut order, &key),
        Err(Error::OutOfTurn(_))
    ));
    let public = key.public_key().expect("a key");
    assert!(matches!(
        session.fetch(&mut order, public),
        Err(Error::OutOfTurn(_))
    ));
    assert_eq!(world.ca.count("/f/0"), 0);
    for names in [&[][..], &["a b"], &["*.*.example"]] {
        assert!(
            matches!(session.order(&wanted(names)), Err(Error::Own(_))),
            "{names:?}"
        );
    }
}

#[test]
fn nonces_are_asked_for_only_so_often() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    world
        .ca
        .next("/order", 5, Reply::problem(400, "badNonce", "too old"));
    session
        .order(&wanted(&["a.example"]))
        .expect("an order in the end");
    assert_eq!(world.ca.count("/order"), 6);
    world
        .ca
        .always("/order", Reply::problem(400, "badNonce", "too old"));
    let error = session.order(&wanted(&["a.example"])).expect_err("never");
    assert!(error.to_string().contains("badNonce"), "{error}");
    assert!(world.ca.count("/order") < 40);
    // No nonce, or none that can be one.
    for nonce in ["", "a b", "ä", &"a".repeat(5000)] {
        let world = World::start();
        world.ca.always(
            "/nonce",
            Reply::Http(200, vec![("Replay-Nonce", nonce.to_owned())], Vec::new()),
        );
        let directory = world.ca.state().directory.clone();
        world
            .ca
            .always("/dir", Reply::json(200, &directory).with("Replay-Nonce", nonce));
        let error = world.obtain(&wanted(&["a.example"])).expect_err("no nonce");
        assert!(error.to_string().contains("Replay-Nonce"), "{error}");
        assert_eq!(world.ca.count("/order"), 0);
    }
}

#[test]
fn a_wait_survives_some_stumbles_and_not_many() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    let key = certificate_key();
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    world.ca.next("/o/0", 2, Reply::Bytes(Vec::new()));
    world.ca.state().processing = 1;
    world.finish(&session, &mut order, &key).expect("a certificate");
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    world.ca.always("/o/1", html(502));
    world.ca.state().processing = 1;
    let error = world.finish(&session, &mut order, &key).expect_err("never");
    assert!(matches!(error, Error::Unexpected(_)), "{error:?}");
    assert!(world.ca.count("/o/1") < 10);
    let mut gone = session.order(&wanted(&["a.example"])).expect("an order");
    world
        .ca
        .always("/o/2", Reply::problem(404, "malformed", "no such order"));
    match session.refresh(&mut gone) {
        Err(Error::Refused(problem)) => assert!(problem.is_gone()),
        other => panic!("{other:?}"),
    }
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
fn no_key_is_shown() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    let external = ExternalAccount::new("kid", "c2VjcmV0").expect("a key");
    let key = certificate_key();
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    world.finish(&session, &mut order, &key).expect("a certificate");
    let shown = format!(
        "{:?} {client:?} {session:?} {external:?} {key:?} {order:?}",
        world.key
    );
    let asked = format!("{:?}", world.ca.state().asked);
    for pem in [world.key.to_pem(), &key.to_pem()] {
        for line in pem.lines().filter(|line| !line.is_empty()) {
            assert!(!shown.contains(line) && !asked.contains(line), "{line}");
        }
    }
    assert!(
        !shown.contains("115, 101, 99") && !shown.contains("c2VjcmV0"),
        "{shown}"
    );
}

/// Answers from a list, over and over.
struct Canned(std::cell::RefCell<(usize, Vec<Answer>)>);

impl Transport for Canned {
    fn send(&self, _: &Request<'_>) -> Result<Answer, TransportError> {
        let mut all = self.0.borrow_mut();
        all.0 += 1;
        let at = all.0 % all.1.len();
        Ok(all.1[at].clone())
    }
}

/// JSON that nearly is an answer: known members, with values of every kind.
fn nearly() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "pending",
            "ready",
            "processing",
            "valid",
            "invalid",
            "https://a.example/x",
            "http-01",
            "dns",
            "a.example",
            "token",
            "urn:ietf:params:acme:error:badNonce",
            "2031-02-03T04:05:06Z",
            "2032-02-03T04:05:06Z",
        ])
        .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "status",
        "newNonce",
        "newAccount",
        "newOrder",
        "renewalInfo",
        "meta",
        "profiles",
        "identifiers",
        "identifier",
        "type",
        "value",
        "authorizations",
        "finalize",
        "certificate",
        "challenges",
        "url",
        "token",
        "error",
        "detail",
        "subproblems",
        "suggestedWindow",
        "start",
        "end",
        "contact",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..9).prop_map(|all| Value::Object(
                all.into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()
            )),
        ]
    })
}

fn reply() -> impl Strategy<Value = Answer> {
    let headers = prop::collection::vec(
        (
            prop::sample::select(vec!["location", "replay-nonce", "retry-after", "date"]),
            prop_oneof![
                "\\PC{0,20}",
                Just("https://a.example/o".to_owned()),
                Just("1".to_owned())
            ],
        ),
        0..5,
    );
    let status = prop_oneof![4 => Just(200_u16), 1 => any::<u16>(), 1 => Just(400_u16)];
    let body = prop_oneof![
        4 => nearly().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..50),
    ];
    (status, headers, body).prop_map(|(status, headers, body)| {
        let mut headers: Vec<(String, String)> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        headers.push(("replay-nonce".to_owned(), "nonce".to_owned()));
        Answer {
            status,
            headers,
            body,
        }
    })
}

proptest! {
    #[test]
    fn any_answers_are_survived(answers in prop::collection::vec(reply(), 1..12)) {
        let good = Answer {
            status: 200,
            headers: vec![("replay-nonce".to_owned(), "nonce".to_owned()), ("location".to_owned(), "https://a.example/o".to_owned())],
            body: json!({
                "newNonce": "https://a.example/n", "newAccount": "https://a.example/a", "newOrder": "https://a.example/o",
                "renewalInfo": "https://a.example/r", "revokeCert": "https://a.example/v", "keyChange": "https://a.example/k",
                "status": "valid", "finalize": "https://a.example/f", "certificate": "https://a.example/c",
            }).to_string().into_bytes(),
        };
        // The directory is the second to be taken from the list.
        let mut all = vec![good.clone(), good];
        all.extend(answers);
        let canned = Canned((0, all).into());
        let clock = Impatient::default();
        let Ok(client) = Client::connect(&canned, &clock, "https://a.example/dir") else { return Ok(()) };
        let key = account_key();
        let mut told = Vec::new();
        told.extend(client.find(key).err());
        let session = Session::new(&client, key, "https://a.example/a");
        told.extend(session.account().err());
        told.extend(client.renewal_info("a.b").err());
        match session.order(&Wanted { names: vec!["a.example".to_owned()], ..Wanted::default() }) {
            Ok(mut order) => {
                told.extend(session.authorizations(&order).err());
                told.extend(session.wait_ready(&mut order, MINUTE).err());
                order.finalizing();
                let key = certificate_key();
                told.extend(session.finalize(&mut order, &key).err());
                told.extend(session.wait_made(&mut order, MINUTE).err());
                told.extend(session.fetch(&mut order, key.public_key().unwrap()).err());
            }
            Err(error) => told.push(error),
        }
        for error in told {
            let text = format!("{error} {:?}", error.retry_after());
            prop_assert!(text.len() < 100_000 && !text.contains(|c: char| c.is_control()), "{text:?}");
        }
    }
}

fn account_key() -> &'static AccountKey {
    static KEY: std::sync::OnceLock<AccountKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| AccountKey::generate().expect("a key"))
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
