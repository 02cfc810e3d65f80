//! Answers that nobody chose: none makes the protocol panic, hang, or say what steers a terminal.

use std::cell::RefCell;
use std::sync::OnceLock;

use esync_ssl::acme::{AccountKey, Client, Reply, Request, Session, Transport, TransportError, Wanted};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scripted::{Impatient, MINUTE, certificate_key};

/// Replys from a list, over and over.
struct Canned(RefCell<(usize, Vec<Reply>)>);

impl Transport for Canned {
    fn send(&self, _: &Request<'_>) -> Result<Reply, TransportError> {
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

fn reply() -> impl Strategy<Value = Reply> {
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
        Reply {
            status,
            headers,
            body,
        }
    })
}

proptest! {
    #[test]
    fn any_answers_are_survived(answers in prop::collection::vec(reply(), 1..12)) {
        let good = Reply {
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
    static KEY: OnceLock<AccountKey> = OnceLock::new();
    KEY.get_or_init(|| AccountKey::generate().expect("a key"))
}
