//! No answer of a CA does harm: it ends in a refusal that says what is wrong.

use std::time::Duration;

use esync_ssl::acme::{Client, Error, ExternalAccount, Obstacle, Step};
use rcgen::KeyPair;
use serde_json::{Value, json};

use crate::scripted::{MINUTE, World, certificate_key, obstacle, wanted};
use crate::support::scripted_ca::Reply;

fn html(status: u16) -> Reply {
    Reply::Http(
        status,
        Vec::new(),
        b"<!DOCTYPE html><h1>\x1b[31mLog in</h1>".to_vec(),
    )
}

#[test]
fn web_pages_are_no_answers() {
    let world = World::start();
    for path in ["/dir", "/account", "/order"] {
        for status in [200, 403, 503] {
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
            assert!(!error.is_decided(), "{path} {status}");
            if status != 200 {
                assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
            }
        }
    }
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
        // The two lines with the number that is secret; the public key behind it is sent.
        for line in pem.lines().skip(1).take(2) {
            assert!(!shown.contains(line) && !asked.contains(line), "{line}");
        }
    }
    assert!(
        !shown.contains("115, 101, 99") && !shown.contains("c2VjcmV0"),
        "{shown}"
    );
}
