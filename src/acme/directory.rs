//! Where a CA has what, and what it says of itself (RFC 8555, 7.1.1).

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::Error;
use super::url::Urls;
use super::words::{sentence, word};

/// Profiles, or names of a CA, that are kept.
const MAX_ENTRIES: usize = 50;

/// A CA's directory. All texts are the CA's, printable, and on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Its own address.
    pub url: String,
    pub(super) new_nonce: String,
    pub(super) new_account: String,
    pub(super) new_order: String,
    pub(super) revoke_cert: Option<String>,
    pub(super) key_change: Option<String>,
    pub(super) renewal_info: Option<String>,
    /// Where the terms are that one has to agree to.
    pub terms_of_service: Option<String>,
    /// The names that a domain's CAA records must have for this CA.
    pub caa_identities: Vec<String>,
    /// Whether an account needs key identifier and MAC key of the CA.
    pub external_account_required: bool,
    /// Profiles of certificates, with what the CA says of each.
    pub profiles: BTreeMap<String, String>,
}

impl Directory {
    pub(super) fn read(url: &str, value: &Value, urls: Urls) -> Result<Directory, Error> {
        let optional = |name: &str| match value.get(name).and_then(Value::as_str) {
            Some(found) => match urls.check(found) {
                Ok(()) => Ok(Some(found.to_owned())),
                Err(why) => Err(Error::unexpected(url, &format!("its {name} {why}"))),
            },
            None => Ok(None),
        };
        let needed = |name: &str| {
            optional(name)?.ok_or_else(|| Error::unexpected(url, &format!("its directory has no {name}")))
        };
        let meta = value.get("meta").unwrap_or(&Value::Null);
        let identities = meta.get("caaIdentities").and_then(Value::as_array);
        let identities = identities.into_iter().flatten().filter_map(Value::as_str);
        let profiles = meta.get("profiles").and_then(Value::as_object);
        let profiles = profiles.into_iter().flatten().take(MAX_ENTRIES);
        let external = meta.get("externalAccountRequired").and_then(Value::as_bool);
        Ok(Directory {
            url: url.to_owned(),
            new_nonce: needed("newNonce")?,
            new_account: needed("newAccount")?,
            new_order: needed("newOrder")?,
            revoke_cert: optional("revokeCert")?,
            key_change: optional("keyChange")?,
            renewal_info: optional("renewalInfo")?,
            terms_of_service: meta.get("termsOfService").and_then(Value::as_str).map(word),
            caa_identities: identities.take(MAX_ENTRIES).map(word).collect(),
            external_account_required: external.unwrap_or(false),
            profiles: profiles
                .map(|(name, what)| (word(name), sentence(what.as_str().unwrap_or_default())))
                .collect(),
        })
    }

    /// Whether the CA tells when to renew (RFC 9773), and takes `replaces` in orders.
    pub fn tells_when_to_renew(&self) -> bool {
        self.renewal_info.is_some()
    }
}
