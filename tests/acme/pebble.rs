//! Against pebble, in a network of its own.

use std::time::Duration;

use esync_ssl::acme::{
    Account, AccountKey, ChallengeKind, Client, Error, Https, Issued, Order, ProblemKind, Proxy,
    Registration, Session, Settings, Step, SystemClock, Wanted, dns_record, new_certificate_key,
};
use esync_ssl::tls::certificate::Link;
use esync_ssl::tls::issue::KeyType;
use esync_ssl::tls::private_key::PrivateKey;

use crate::answers::Answers;
use crate::support::pebble::{Options, Pebble};

const PATIENCE: Duration = Duration::from_secs(60);

/// A test CA, how it is reached, and who answers it.
pub struct World {
    pub pebble: Pebble,
    https: Https,
    clock: SystemClock,
    answers: Answers,
}

impl World {
    pub fn start(options: &Options) -> Option<World> {
        let pebble = Pebble::start(options)?;
        let https = Https::new(&Settings {
            roots: vec![pebble.root.clone()],
            system_roots: false,
            proxy: Proxy::Direct,
            ..Settings::default()
        });
        Some(World {
            https: https.expect("a transport"),
            clock: SystemClock::default(),
            answers: Answers::listen(pebble.network.http, pebble.network.https),
            pebble,
        })
    }

    pub fn with(environment: &[(&'static str, &'static str)]) -> Option<World> {
        World::start(&Options {
            environment: environment.to_vec(),
            ..Options::default()
        })
    }

    pub fn client(&self) -> Client<'_> {
        Client::connect(&self.https, &self.clock, &self.pebble.directory).expect("the directory")
    }

    fn prove(&self, session: &Session<'_>, order: &mut Order, kind: &ChallengeKind) {
        let open = session.authorizations(order).expect("the authorisations");
        let open: Vec<_> = open.into_iter().filter(|one| !one.is_valid()).collect();
        for one in &open {
            self.answers.lay_out(session.key(), one, kind);
        }
        order.answering();
        for one in &open {
            session
                .respond(one.challenge(kind).expect("offered"))
                .expect("told to look");
        }
        session.wait_ready(order, PATIENCE).expect("proven");
        assert_eq!(order.step, Step::Ready);
    }

    pub fn obtain(
        &self,
        session: &Session<'_>,
        names: &[&str],
        kind: &ChallengeKind,
    ) -> (Issued, PrivateKey) {
        let mut order = session.order(&wanted(names)).expect("an order");
        if order.step < Step::Ready {
            self.prove(session, &mut order, kind);
        }
        let key = new_certificate_key(KeyType::P256).expect("a key");
        (finish(session, &mut order, &key), key)
    }
}

pub fn wanted(names: &[&str]) -> Wanted {
    Wanted {
        names: names.iter().map(|&name| name.to_owned()).collect(),
        ..Wanted::default()
    }
}

fn finish(session: &Session<'_>, order: &mut Order, key: &PrivateKey) -> Issued {
    order.finalizing();
    session.finalize(order, key).expect("finalized");
    session.wait_made(order, PATIENCE).expect("made");
    session
        .fetch(order, key.public_key().expect("a public key"))
        .expect("fetched")
}

pub fn registered(client: &Client<'_>, key: &AccountKey) -> Account {
    let registration = Registration {
        terms_agreed: true,
        ..Registration::default()
    };
    client.register(key, &registration).expect("an account")
}

pub fn kind_of(error: &Error) -> ProblemKind {
    match error {
        Error::Refused(problem) => problem.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn certificates_are_obtained_over_each_way_of_answering() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    assert!(
        client
            .directory()
            .terms_of_service
            .as_deref()
            .is_some_and(|url| url.starts_with("data:"))
    );
    let ahead = client.clock_ahead().expect("a date");
    assert!(ahead.abs() <= time::Duration::seconds(5), "{ahead}");
    let key = AccountKey::generate().expect("a key");
    let account = registered(&client, &key);
    let session = Session::new(&client, &key, &account.url);
    let names = ["a.example", "www.a.example", "b.example"];
    for kind in [ChallengeKind::Http01, ChallengeKind::TlsAlpn01] {
        let (issued, _) = world.obtain(&session, &names, &kind);
        let mut theirs = issued.certificate.dns_names.clone();
        theirs.sort();
        assert_eq!(theirs, ["a.example", "b.example", "www.a.example"]);
        assert_eq!(issued.certificate.issued_by(&issued.issuers[0]), Link::Verified);
    }
}

#[test]
fn a_wildcard_is_proven_by_a_record() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    let key = AccountKey::generate().expect("a key");
    let account = registered(&client, &key);
    let session = Session::new(&client, &key, &account.url);
    let mut order = session.order(&wanted(&["*.wild.example"])).expect("an order");
    let authorization = session.authorizations(&order).expect("authorisations").remove(0);
    assert!(authorization.wildcard && authorization.challenge(&ChallengeKind::Http01).is_none());
    let challenge = authorization.challenge(&ChallengeKind::Dns01).expect("dns-01");
    let record = dns_record(&key, &challenge.token);
    let host = "_acme-challenge.wild.example.";
    world
        .pebble
        .dns("set-txt", &serde_json::json!({"host": host, "value": record}));
    order.answering();
    session.respond(challenge).expect("told to look");
    session.wait_ready(&mut order, PATIENCE).expect("proven");
    let certificate_key = new_certificate_key(KeyType::P256).expect("a key");
    let issued = finish(&session, &mut order, &certificate_key);
    assert_eq!(issued.certificate.dns_names, ["*.wild.example"]);
}

#[test]
fn half_of_all_nonces_may_be_refused() {
    let Some(world) = World::with(&[("PEBBLE_WFE_NONCEREJECT", "50")]) else {
        return;
    };
    let client = world.client();
    let key = AccountKey::generate().expect("a key");
    let account = registered(&client, &key);
    let session = Session::new(&client, &key, &account.url);
    world.obtain(&session, &["a.example", "b.example"], &ChallengeKind::Http01);
    assert!(world.pebble.log().contains("nonce"), "{}", world.pebble.log());
}

#[test]
fn what_was_proven_before_needs_no_answer() {
    for reuse in ["0", "50", "100"] {
        let Some(world) = World::with(&[("PEBBLE_AUTHZREUSE", reuse)]) else {
            return;
        };
        let client = world.client();
        let key = AccountKey::generate().expect("a key");
        let account = registered(&client, &key);
        let session = Session::new(&client, &key, &account.url);
        let names = ["a.example", "b.example"];
        world.obtain(&session, &names, &ChallengeKind::Http01);
        let mut order = session.order(&wanted(&names)).expect("an order");
        session.refresh(&mut order).expect("an answer");
        let all = session.authorizations(&order).expect("authorisations");
        let proven = all.iter().filter(|one| one.is_valid()).count();
        assert_eq!(order.step == Step::Ready, proven == names.len(), "{all:?}");
        // By chance, pebble takes one of a hundred also where it is to take none.
        assert!(proven == names.len() || reuse != "100", "{all:?}");
        world.obtain(&session, &names, &ChallengeKind::TlsAlpn01);
    }
}

#[test]
fn the_ca_says_itself_why_an_order_failed() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    let key = AccountKey::generate().expect("a key");
    let account = registered(&client, &key);
    let session = Session::new(&client, &key, &account.url);
    let mut order = session
        .order(&wanted(&["good.example", "bad.example"]))
        .expect("an order");
    let all = session.authorizations(&order).expect("authorisations");
    order.answering();
    for one in &all {
        let kind = ChallengeKind::Http01;
        if one.ordered_name() == "good.example" {
            world.answers.lay_out(&key, one, &kind);
        }
        session
            .respond(one.challenge(&kind).expect("offered"))
            .expect("told to look");
    }
    let error = session
        .wait_ready(&mut order, PATIENCE)
        .expect_err("nobody answers for it");
    let Error::OrderFailed(rejection) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(rejection.names.len(), 1, "{rejection:?}");
    assert_eq!(rejection.names[0].name, "bad.example");
    assert_eq!(rejection.names[0].problem.kind(), ProblemKind::Unauthorized);
    let text = error.to_string();
    assert!(
        text.contains("bad.example (http-01): ") && text.contains("404"),
        "{text}"
    );
    let error = session
        .order(&wanted(&["blocked.example"]))
        .expect_err("by its policy");
    assert_eq!(kind_of(&error), ProblemKind::RejectedIdentifier);
}

/// Each step is taken by a new client, which knows only what was stored.
#[test]
fn an_order_is_taken_up_by_another_process_after_each_step() {
    let Some(world) = World::with(&[]) else { return };
    let pem = AccountKey::generate().expect("a key").to_pem().to_string();
    let url = registered(&world.client(), &AccountKey::read(pem.as_bytes()).expect("a key")).url;
    let mut stored = String::new();
    let certificate_key = new_certificate_key(KeyType::P256).expect("a key").to_pem();
    let kind = ChallengeKind::Http01;
    for step in 0..9 {
        let client = world.client();
        let key = AccountKey::read(pem.as_bytes()).expect("a key");
        let session = Session::new(&client, &key, &url);
        let own = PrivateKey::read(certificate_key.as_bytes(), None).expect("a key");
        if step == 0 {
            let order = session
                .order(&wanted(&["a.example", "b.example"]))
                .expect("an order");
            stored = serde_json::to_string(&order).expect("stored");
            continue;
        }
        let mut order: Order = serde_json::from_str(&stored).expect("read again");
        session.refresh(&mut order).expect("asked where it is");
        match step {
            1 => {
                for one in session.authorizations(&order).expect("authorisations") {
                    world.answers.lay_out(&key, &one, &kind);
                }
                order.answering();
            }
            // Killed after the CA was told of one name; it is told again.
            2 | 3 => {
                let all = session.authorizations(&order).expect("authorisations");
                for one in all.iter().take(step - 1).filter(|one| !one.is_valid()) {
                    // It may refuse to be told twice, or what it has looked at meanwhile, which the order then shows to be
                    // harmless.
                    for _ in 0..2 {
                        let _ = session.respond(one.challenge(&kind).expect("offered"));
                    }
                }
            }
            4 => session.wait_ready(&mut order, PATIENCE).expect("proven"),
            5 => order.finalizing(),
            6 => session.finalize(&mut order, &own).expect("finalized"),
            7 => session.wait_made(&mut order, PATIENCE).expect("made"),
            _ => {
                let public = own.public_key().expect("a public key");
                let issued = session.fetch(&mut order, public).expect("fetched");
                assert_eq!(session.fetch(&mut order, public).expect("again"), issued);
                assert_eq!(order.step, Step::Issued);
            }
        }
        stored = serde_json::to_string(&order).expect("stored");
    }
    assert!(
        stored.contains("BEGIN CERTIFICATE") && !stored.contains("PRIVATE"),
        "{stored}"
    );
}

#[test]
fn an_address_is_proven_by_both_ways() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    let key = AccountKey::generate().expect("a key");
    let account = registered(&client, &key);
    let session = Session::new(&client, &key, &account.url);
    for kind in [ChallengeKind::Http01, ChallengeKind::TlsAlpn01] {
        let (issued, _) = world.obtain(&session, &["127.0.0.1"], &kind);
        assert_eq!(issued.certificate.addresses, [std::net::Ipv4Addr::LOCALHOST]);
    }
}

#[test]
fn long_chains_are_fetched_whole() {
    let Some(world) = World::with(&[("PEBBLE_CHAIN_LENGTH", "3")]) else {
        return;
    };
    let client = world.client();
    let key = AccountKey::generate().expect("a key");
    let account = registered(&client, &key);
    let session = Session::new(&client, &key, &account.url);
    let (issued, _) = world.obtain(&session, &["a.example"], &ChallengeKind::Http01);
    assert_eq!(issued.issuers.len(), 3);
    assert_eq!(issued.issuers[0].issued_by(&issued.issuers[1]), Link::Verified);
    assert_eq!(issued.chain_pem().matches("BEGIN CERTIFICATE").count(), 4);
}
