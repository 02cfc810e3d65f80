//! What pebble of Debian does not have: profiles, when to renew, addresses, waits that the CA asks for.

use std::time::Duration;

use esync_ssl::acme::{
    Challenge, ChallengeKind, Error, Order, Problem, ProblemKind, Registration, Step, Wanted, certificate_id,
};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::scripted::{MINUTE, World, certificate_key, wanted};
use crate::support::scripted_ca::Reply;

#[test]
fn the_ca_says_what_it_has() {
    let world = World::start();
    let client = world.client();
    let directory = client.directory();
    assert!(
        directory
            .terms_of_service
            .as_deref()
            .is_some_and(|url| url.ends_with("/terms"))
    );
    assert_eq!(directory.caa_identities, ["ca.example"]);
    assert_eq!(directory.profiles["shortlived"], "six days");
    assert!(directory.tells_when_to_renew() && !directory.external_account_required);
    let registration = Registration {
        contact: &["mailto:admin@a.example".to_owned()],
        terms_agreed: true,
        external: None,
    };
    let account = client.register(&world.key, &registration).expect("an account");
    assert_eq!(account.contact, registration.contact);
    assert_eq!(world.ca.payload("/account")["termsOfServiceAgreed"], true);
}

#[test]
fn a_profile_is_ordered_only_where_the_ca_has_it() {
    let world = World::start();
    let mut order = wanted(&["a.example"]);
    order.profile = Some("shortlived".to_owned());
    world.obtain(&order).expect("a certificate");
    assert_eq!(world.ca.payload("/order")["profile"], "shortlived");
    order.profile = Some("longlived".to_owned());
    let error = world.obtain(&order).expect_err("no such profile");
    let text = error.to_string();
    assert!(
        text.contains("`longlived`") && text.contains("classic, shortlived"),
        "{text}"
    );
    assert_eq!(world.ca.count("/order"), 1);
    world.obtain(&wanted(&["a.example"])).expect("a certificate");
    assert_eq!(world.ca.payload("/order").get("profile"), None);
}

#[test]
fn addresses_get_certificates_too() {
    let world = World::start();
    let issued = world
        .obtain(&wanted(&["192.0.2.7", "[2001:db8::1]", "bücher.example"]))
        .expect("a certificate");
    assert_eq!(issued.certificate.addresses.len(), 2);
    assert_eq!(
        world.ca.payload("/order")["identifiers"],
        json!([
            {"type": "ip", "value": "192.0.2.7"},
            {"type": "ip", "value": "2001:db8::1"},
            {"type": "dns", "value": "xn--bcher-kva.example"},
        ])
    );
}

#[test]
fn the_ca_says_when_to_renew() {
    let world = World::start();
    let issued = world.obtain(&wanted(&["a.example"])).expect("a certificate");
    let certificate = &issued.certificate;
    let id = certificate_id(certificate.der()).expect("its name");
    // The zero byte that keeps the number positive is a part of it: 00 87 65 43 21.
    assert!(id.ends_with(".AIdlQyE"), "{id}");
    let client = world.client();
    let info = client.renewal_info(&id).expect("an answer").expect("a window");
    assert_eq!(world.ca.count(&format!("/ari/{id}")), 1);
    assert_eq!(info.start, datetime!(2031-02-03 04:05:06 UTC));
    assert_eq!(info.end, datetime!(2031-02-05 03:05:06.5 UTC));
    assert_eq!(info.retry_after, Some(21600));
    assert_eq!(info.explanation.as_deref(), Some("https://ca.example/why"));

    let replacing = Wanted {
        replaces: Some(id.clone()),
        ..wanted(&["a.example"])
    };
    world.obtain(&replacing).expect("another");
    assert_eq!(world.ca.payload("/order")["replaces"], json!(id));
    world
        .ca
        .next("/order", 1, Reply::problem(409, "alreadyReplaced", "it was"));
    let error = world.obtain(&replacing).expect_err("replaced before");
    assert!(matches!(&error, Error::Refused(problem) if problem.kind() == ProblemKind::AlreadyReplaced));
    // Who does not tell when to renew gets no `replaces` either.
    world.ca.state().directory["renewalInfo"] = Value::Null;
    assert_eq!(world.client().renewal_info(&id), Ok(None));
    world.obtain(&replacing).expect("another");
    assert_eq!(world.ca.payload("/order").get("replaces"), None);
}

#[test]
fn a_window_that_makes_no_sense_is_none() {
    let world = World::start();
    let client = world.client();
    for window in [
        json!(null),
        json!({"start": "soon", "end": "later"}),
        json!({"start": "2031-02-03T04:05:06Z"}),
        json!({"start": "2031-02-03T04:05:06Z", "end": "2031-02-03T04:05:06Z"}),
        json!({"start": "99999-02-03T04:05:06Z", "end": 5}),
    ] {
        world
            .ca
            .always("/ari/x.y", Reply::json(200, &json!({"suggestedWindow": window})));
        assert!(
            matches!(client.renewal_info("x.y"), Err(Error::Unexpected(_))),
            "{window}"
        );
    }
}

#[test]
fn too_many_requests_are_told_with_the_time_to_wait() {
    let world = World::start();
    let refusal = || Reply::problem(429, "rateLimited", "too many certificates (5) already issued");
    let refused = |reply| {
        world.ca.next("/order", 1, reply);
        world.obtain(&wanted(&["a.example"])).expect_err("too many")
    };
    let error = refused(refusal().with("Retry-After", "3600"));
    assert!(matches!(&error, Error::Refused(problem) if problem.kind() == ProblemKind::RateLimited));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(
        error
            .to_string()
            .contains("too many certificates (5) already issued (rateLimited)"),
        "{error}"
    );
    let dated = refusal()
        .with("Date", "Sun, 06 Nov 2033 08:00:00 GMT")
        .with("Retry-After", "Sun, 06 Nov 2033 09:30:00 GMT");
    assert_eq!(refused(dated).retry_after(), Some(Duration::from_secs(5400)));
    assert_eq!(refused(refusal()).retry_after(), None);
    // The clock of that answer is noticed.
    let client = world.client();
    assert_eq!(client.clock_ahead(), None);
    world.ca.next(
        "/o/0",
        1,
        Reply::Http(
            200,
            vec![("Date", "Sun, 06 Nov 2033 08:00:00 GMT".to_owned())],
            Vec::new(),
        ),
    );
    let mut order = world
        .session(&client)
        .order(&wanted(&["a.example"]))
        .expect("an order");
    let _ = world.session(&client).refresh(&mut order);
    assert!(
        client
            .clock_ahead()
            .is_some_and(|ahead| ahead > time::Duration::days(30))
    );
}

#[test]
fn the_ca_sets_the_pace_of_waiting() {
    let world = World::start();
    world.ca.state().pending = true;
    let client = world.client();
    let session = world.session(&client);
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    let pending = Reply::json(200, &world.ca.state_of(&order)).with("Retry-After", "7");
    world.ca.next("/o/0", 3, pending.clone());
    let all = session.authorizations(&order).expect("authorisations");
    session.respond(&all[0].challenges[0]).expect("told to look");
    session.wait_ready(&mut order, MINUTE).expect("proven");
    assert_eq!(world.clock.pauses.take(), [Duration::from_secs(7); 3]);
    // Longer than we can wait: at once, with the time to store.
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    world.ca.always(
        "/o/1",
        Reply::json(200, &world.ca.state_of(&order)).with("Retry-After", "86400"),
    );
    let error = session.wait_ready(&mut order, MINUTE).expect_err("not today");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(86400)));
    assert!(matches!(error, Error::NotYet { .. }) && !error.is_decided());
    assert!(world.clock.pauses.take().is_empty());
    // `Retry-After: 0` does not make us ask thousands of times.
    world.ca.always(
        "/o/1",
        Reply::json(200, &world.ca.state_of(&order)).with("Retry-After", "0"),
    );
    let before = world.ca.count("/o/1");
    assert!(session.wait_ready(&mut order, MINUTE).is_err());
    assert!(world.ca.count("/o/1") - before < 300);
}

#[test]
fn processing_for_ever_ends_and_is_taken_up_later() {
    let world = World::start();
    world.ca.state().processing = usize::MAX;
    let client = world.client();
    let session = world.session(&client);
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    let key = certificate_key();
    let error = world.finish(&session, &mut order, &key).expect_err("not yet");
    assert!(matches!(error, Error::NotYet { .. }), "{error:?}");
    assert!(world.ca.count("/o/0") < 20, "{}", world.ca.count("/o/0"));
    assert_eq!(order.step, Step::Finalizing);
    let stored = serde_json::to_string(&order).expect("stored");
    world.ca.state().processing = 2;
    let mut order: Order = serde_json::from_str(&stored).expect("read again");
    let client = world.client();
    let session = world.session(&client);
    session.refresh(&mut order).expect("an answer");
    world.finish(&session, &mut order, &key).expect("a certificate");
    assert_eq!(
        world.ca.count("/f/0"),
        2,
        "the second was refused as not ready, and that was no failure"
    );
}

#[test]
fn challenges_of_unknown_kinds_keep_their_names() {
    let world = World::start();
    world.ca.state().pending = true;
    let client = world.client();
    let session = world.session(&client);
    let order = session.order(&wanted(&["a.example"])).expect("an order");
    let all = session.authorizations(&order).expect("authorisations");
    let kinds: Vec<String> = all[0].challenges.iter().map(|one| one.kind.to_string()).collect();
    assert_eq!(kinds, ["http-01", "tls-alpn-01", "new-kind-07"]);
    assert!(all[0].challenge(&ChallengeKind::Dns01).is_none());
    assert!(
        all[0]
            .challenge(&ChallengeKind::Other("new-kind-07".to_owned()))
            .is_some()
    );
}

#[test]
fn the_ca_explains_an_order_that_failed_and_steers_no_terminal() {
    let world = World::start();
    world.ca.state().pending = true;
    let client = world.client();
    let session = world.session(&client);
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    let problem = |kind: &str, detail: &str| json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail});
    let mut failed = world.ca.state_of(&order);
    failed["status"] = json!("invalid");
    failed["error"] = problem("unauthorized", "the order failed");
    world.ca.always("/o/0", Reply::json(200, &failed));
    world.ca.always(
        "/a/0/0",
        Reply::json(200, &json!({
            "status": "invalid",
            "identifier": {"type": "dns", "value": "a.example"},
            "challenges": [{"type": "http-01", "url": "x", "token": "t", "status": "invalid",
                "error": problem("connection", "192.0.2.7: \u{1b}[2J\u{202e}Fetching\r\nerror: all is well")}],
        })),
    );
    let error = session.wait_ready(&mut order, MINUTE).expect_err("it failed");
    let Error::OrderFailed(rejection) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(rejection.names[0].problem.kind(), ProblemKind::Connection);
    assert_eq!(
        rejection.order.as_ref().map(Problem::kind),
        Some(ProblemKind::Unauthorized)
    );
    let text = format!("{error} {error:?}");
    assert!(text.contains("a.example (http-01): 192.0.2.7: "), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\r', '\n']), "{text:?}");
}

#[test]
fn other_refusals_keep_their_kind_and_their_names() {
    let world = World::start();
    for (kind, expected) in [
        ("caa", ProblemKind::Caa),
        ("dns", ProblemKind::Dns),
        ("userActionRequired", ProblemKind::UserActionRequired),
        ("externalAccountRequired", ProblemKind::ExternalAccountRequired),
        ("somethingNew", ProblemKind::Other),
    ] {
        world
            .ca
            .next("/order", 1, Reply::problem(403, kind, "in the CA's words"));
        let error = world.obtain(&wanted(&["a.example"])).expect_err("refused");
        assert!(
            matches!(&error, Error::Refused(problem) if problem.kind() == expected),
            "{error:?}"
        );
        assert!(error.is_decided() && error.to_string().contains("in the CA's words"));
    }
    let body = json!({
        "type": "urn:ietf:params:acme:error:userActionRequired",
        "detail": "terms have changed",
        "instance": "https://ca.example/terms-2",
        "subproblems": [{"type": "urn:ietf:params:acme:error:caa", "detail": "forbidden", "identifier": {"type": "dns", "value": "b.example"}}],
    });
    world.ca.next("/order", 1, Reply::json(403, &body));
    match world.obtain(&wanted(&["a.example"])) {
        Err(Error::Refused(problem)) => {
            assert_eq!(problem.instance.as_deref(), Some("https://ca.example/terms-2"));
            assert_eq!(problem.subproblems[0].name, "b.example");
            assert_eq!(problem.subproblems[0].problem.kind(), ProblemKind::Caa);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn older_and_other_forms_of_http_are_read() {
    let world = World::start();
    let client = world.client();
    let session = world.session(&client);
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    let body = world.ca.state_of(&order).to_string();
    let until_the_end = format!("HTTP/1.0 200 OK\r\nReplay-Nonce: n1\r\n\r\n{body}");
    let (start, rest) = body.split_at(10);
    let chunks = format!(
        "HTTP/1.1 200 OK\r\nreplay-nonce: n2\r\nTransfer-Encoding: chunked\r\n\r\na;x=y\r\n{start}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
        rest.len()
    );
    for form in [until_the_end, chunks] {
        world.ca.next("/o/0", 1, Reply::Bytes(form.into_bytes()));
        session.refresh(&mut order).expect("an answer");
    }
    assert_eq!(
        world.ca.count("/nonce"),
        0,
        "each answer had a nonce for the next request"
    );
}

/// It was told by a run that was killed, or looked for another order: a name that is proven by then is no failure.
#[test]
fn a_name_that_is_proven_before_the_ca_is_told_is_good() {
    let world = World::start();
    world.ca.state().pending = true;
    let client = world.client();
    let session = world.session(&client);
    let mut order = session
        .order(&wanted(&["a.example", "b.example"]))
        .expect("an order");
    let all = session.authorizations(&order).expect("authorisations");
    let challenges: Vec<&Challenge> = all.iter().map(|one| &one.challenges[0]).collect();
    let words = "Cannot update challenge with status valid, only status pending";
    world.ca.always("/c/0/0", Reply::problem(400, "malformed", words));
    // It refuses, and nothing is proven.
    let error = session.respond_to_all(&order, &challenges).expect_err("refused");
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(world.ca.count("/c/0/1"), 0);
    world.ca.prove();
    session
        .respond_to_all(&order, &challenges)
        .expect("they are proven");
    session.wait_ready(&mut order, MINUTE).expect("ready");
    assert_eq!(order.step, Step::Ready);
}

/// The order stays open, and the authorisation says that it failed.
#[test]
fn an_order_that_is_left_open_is_explained_too() {
    let world = World::start();
    world.ca.state().pending = true;
    let client = world.client();
    let session = world.session(&client);
    let mut order = session.order(&wanted(&["a.example"])).expect("an order");
    let failed = json!({
        "status": "invalid",
        "identifier": {"type": "dns", "value": "a.example"},
        "challenges": [{"type": "http-01", "url": "x", "token": "t", "status": "invalid",
            "error": {"type": "urn:ietf:params:acme:error:dns", "detail": "no such name"}}],
    });
    world.ca.always("/a/0/0", Reply::json(200, &failed));
    let error = session.wait_ready(&mut order, MINUTE).expect_err("it failed");
    assert!(
        matches!(error, Error::OrderFailed(_)) && error.to_string().contains("no such name"),
        "{error}"
    );
}
