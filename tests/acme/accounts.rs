//! Accounts at pebble: made with keys of every kind, found, changed, given up; and what they revoke.

use esync_ssl::acme::{
    AccountKey, AccountStatus, ChallengeKind, Error, ExternalAccount, ProblemKind, Registration, Session,
    new_certificate_key,
};
use esync_ssl::tls::issue::KeyType;

use crate::pebble::{World, kind_of, registered, wanted};
use crate::support::pebble::Options;

#[test]
fn keys_of_other_programs_order_too() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    for (nr, key_type) in [KeyType::Rsa2048, KeyType::P384].into_iter().enumerate() {
        let file = new_certificate_key(key_type).expect("a key").to_pem();
        let key = AccountKey::read(file.as_bytes()).expect("an account key");
        let account = registered(&client, &key);
        let session = Session::new(&client, &key, &account.url);
        let name = format!("k{nr}.example");
        let (issued, _) = world.obtain(&session, &[&name], &ChallengeKind::Http01);
        assert_eq!(issued.certificate.dns_names, [name]);
    }
}

#[test]
fn an_account_is_found_changed_and_given_up() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    let (old, new) = (
        AccountKey::generate().expect("a key"),
        AccountKey::generate().expect("a key"),
    );
    assert_eq!(client.find(&old).expect("an answer"), None);
    let account = registered(&client, &old);
    assert_eq!(registered(&client, &old).url, account.url);
    assert_eq!(
        client.find(&old).expect("an answer").map(|found| found.url),
        Some(account.url.clone())
    );
    let session = Session::new(&client, &old, &account.url);
    let contact = ["mailto:admin@a.example".to_owned()];
    assert_eq!(
        session.update_contact(&contact).expect("changed").contact,
        contact
    );
    assert_eq!(session.account().expect("an answer").contact, contact);
    session.roll_key(&new).expect("another key");
    assert_eq!(client.find(&old).expect("an answer"), None);
    assert_eq!(
        client.find(&new).expect("an answer").map(|found| found.url),
        Some(account.url.clone())
    );
    assert!(session.account().is_err());
    let session = Session::new(&client, &new, &account.url);
    assert_eq!(
        session.deactivate().expect("given up").status,
        AccountStatus::Deactivated
    );
    let error = session
        .order(&wanted(&["a.example"]))
        .expect_err("no account anymore");
    assert_eq!(kind_of(&error), ProblemKind::Unauthorized);
    assert!(error.is_decided());
}

#[test]
fn a_key_of_the_ca_is_needed_where_it_says_so() {
    let mac_key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let options = Options {
        external_accounts: vec![("kid-1", mac_key)],
        ..Options::default()
    };
    let Some(world) = World::start(&options) else {
        return;
    };
    let client = world.client();
    assert!(client.directory().external_account_required);
    let key = AccountKey::generate().expect("a key");
    let register = |external: Option<&ExternalAccount>| {
        client.register(
            &key,
            &Registration {
                terms_agreed: true,
                external,
                ..Registration::default()
            },
        )
    };
    let error = register(None).expect_err("without");
    assert_eq!(kind_of(&error), ProblemKind::ExternalAccountRequired);
    let wrong = ExternalAccount::new("kid-1", "AAAA").expect("a key");
    assert!(register(Some(&wrong)).is_err());
    let right = ExternalAccount::new("kid-1", mac_key).expect("a key");
    assert!(!format!("{right:?}").contains("zWND"));
    assert_eq!(
        register(Some(&right)).expect("an account").status,
        AccountStatus::Valid
    );
}

#[test]
fn terms_that_are_not_agreed_to_make_no_account() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    let key = AccountKey::generate().expect("a key");
    let error = client
        .register(&key, &Registration::default())
        .expect_err("no agreement");
    assert!(
        matches!(error, Error::Refused(_)) && error.to_string().contains("agree"),
        "{error}"
    );
}

#[test]
fn certificates_are_revoked_by_account_and_by_their_key() {
    let Some(world) = World::with(&[]) else { return };
    let client = world.client();
    let key = AccountKey::generate().expect("a key");
    let account = registered(&client, &key);
    let session = Session::new(&client, &key, &account.url);
    let (issued, _) = world.obtain(&session, &["a.example"], &ChallengeKind::Http01);
    session.revoke(issued.certificate.der(), 4).expect("revoked");
    let error = session.revoke(issued.certificate.der(), 4).expect_err("again");
    assert_eq!(kind_of(&error), ProblemKind::AlreadyRevoked);
    let (issued, own) = world.obtain(&session, &["b.example"], &ChallengeKind::Http01);
    let own = AccountKey::from_key(&own).expect("a key that signs");
    let stranger = AccountKey::generate().expect("a key");
    assert!(
        client
            .revoke_with_its_key(issued.certificate.der(), &stranger, 1)
            .is_err()
    );
    client
        .revoke_with_its_key(issued.certificate.der(), &own, 1)
        .expect("revoked");
}
