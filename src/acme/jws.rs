//! Signed requests: JWS in its flattened form (RFC 7515, 7.2.2; RFC 8555, 6.2), and the MAC that binds an account of the
//! CA's customers to a key (RFC 8555, 7.3.4).

use std::fmt;

use ring::hmac;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::base64url;
use super::error::Error;
use super::key::AccountKey;

/// As whom a request is signed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signer<'a> {
    /// By a key that has no account yet, or is that of a certificate.
    Key(&'a AccountKey),
    /// By the account at this address.
    Account(&'a AccountKey, &'a str),
}

impl Signer<'_> {
    fn key(&self) -> &AccountKey {
        match self {
            Signer::Key(key) | Signer::Account(key, _) => key,
        }
    }
}

/// A request to `url`. No payload is a reading request (POST-as-GET).
pub(super) fn signed(
    signer: Signer<'_>,
    nonce: &str,
    url: &str,
    payload: Option<&Value>,
) -> Result<Value, Error> {
    let mut head = head(signer, url);
    head["nonce"] = json!(nonce);
    flattened(signer.key(), &head, payload)
}

/// The request inside a change of keys: signed by the new key, without a nonce (RFC 8555, 7.3.5).
pub(super) fn inner(new: &AccountKey, url: &str, payload: &Value) -> Result<Value, Error> {
    flattened(new, &head(Signer::Key(new), url), Some(payload))
}

fn head(signer: Signer<'_>, url: &str) -> Value {
    let algorithm = signer.key().algorithm();
    match signer {
        Signer::Key(key) => json!({"alg": algorithm, "url": url, "jwk": key.jwk()}),
        Signer::Account(_, account) => json!({"alg": algorithm, "url": url, "kid": account}),
    }
}

fn flattened(key: &AccountKey, head: &Value, payload: Option<&Value>) -> Result<Value, Error> {
    let (head, payload) = parts(head, payload);
    let signature = key.sign(format!("{head}.{payload}").as_bytes())?;
    Ok(json!({"protected": head, "payload": payload, "signature": base64url::encode(&signature)}))
}

fn parts(head: &Value, payload: Option<&Value>) -> (String, String) {
    let encoded = |value: &Value| base64url::encode(value.to_string().as_bytes());
    (encoded(head), payload.map(encoded).unwrap_or_default())
}

/// What a CA gives its customers so that they can make an account: a key identifier and a MAC key.
#[derive(Clone)]
pub struct ExternalAccount {
    key_id: String,
    mac_key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ExternalAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalAccount")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl ExternalAccount {
    /// From the texts that the CA shows; the MAC key is base64url, and ordinary base64 is taken too. `None` when it is
    /// neither, or empty.
    pub fn new(key_id: &str, mac_key: &str) -> Option<ExternalAccount> {
        let mac_key = base64url::decode(mac_key).filter(|key| !key.is_empty())?;
        Some(ExternalAccount {
            key_id: key_id.trim().to_owned(),
            mac_key,
        })
    }

    /// The key identifier, which is no secret.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Binds the account to the key that it will have.
    pub(super) fn binding(&self, key: &AccountKey, url: &str) -> Value {
        let head = json!({"alg": "HS256", "kid": self.key_id, "url": url});
        let (head, payload) = parts(&head, Some(&key.jwk()));
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &self.mac_key);
        let mac = hmac::sign(&mac_key, format!("{head}.{payload}").as_bytes());
        json!({"protected": head, "payload": payload, "signature": base64url::encode(mac.as_ref())})
    }
}
