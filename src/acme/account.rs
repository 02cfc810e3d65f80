//! Accounts at a CA (RFC 8555, 7.3): made, found again by their key, changed, given up.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::error::Error;
use super::jws::{self, ExternalAccount, Signer};
use super::key::AccountKey;
use super::problem::ProblemKind;
use super::words::word;

/// Contacts that are kept.
const MAX_CONTACTS: usize = 20;

/// An account as the CA tells of it; to be stored beside its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its address, which names it in every request.
    pub url: String,
    /// Whether it can be used.
    pub status: AccountStatus,
    /// Whom the CA writes to, such as `mailto:admin@example.com`. Some CAs do not store it and tell nothing.
    pub contact: Vec<String>,
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// It can.
    Valid,
    /// Its owner has given it up.
    Deactivated,
    /// The CA has closed it.
    Revoked,
}

/// What a new account is made with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registration<'a> {
    /// Whom the CA writes to, such as `mailto:admin@example.com`.
    pub contact: &'a [String],
    /// Whether the CA's terms ([`super::Directory::terms_of_service`]) are agreed to.
    pub terms_agreed: bool,
    /// What the CA gave its customer, where it wants that.
    pub external: Option<&'a ExternalAccount>,
}

impl Client<'_> {
    /// A new account for this key, or the one that it has: a request whose answer was lost can be repeated.
    pub fn register(&self, key: &AccountKey, wanted: &Registration<'_>) -> Result<Account, Error> {
        let url = &self.directory().new_account;
        let mut payload = json!({"termsOfServiceAgreed": wanted.terms_agreed});
        if !wanted.contact.is_empty() {
            payload["contact"] = json!(wanted.contact);
        }
        if let Some(external) = wanted.external {
            payload["externalAccountBinding"] = external.binding(key, url);
        }
        let answer = self.post(Signer::Key(key), url, Some(&payload))?;
        self.account(answer)
    }

    /// The account that this key has, if any.
    pub fn find(&self, key: &AccountKey) -> Result<Option<Account>, Error> {
        let url = &self.directory().new_account;
        let payload = json!({"onlyReturnExisting": true});
        match self.post(Signer::Key(key), url, Some(&payload)) {
            Ok(answer) => self.account(answer).map(Some),
            Err(Error::Refused(problem)) if problem.kind() == ProblemKind::AccountDoesNotExist => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn account(&self, answer: Answer) -> Result<Account, Error> {
        let url = answer.location()?;
        self.check_url(&answer.url, &url)?;
        read(&url, &answer)
    }
}

/// Requests of one account. What it orders is in [`super::Order`].
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    client: &'a Client<'a>,
    key: &'a AccountKey,
    url: &'a str,
}

impl<'a> Session<'a> {
    /// Of the account with this key at this address. Nothing is asked yet.
    pub fn new(client: &'a Client<'a>, key: &'a AccountKey, url: &'a str) -> Self {
        Session { client, key, url }
    }

    /// The key that the account has.
    pub fn key(&self) -> &AccountKey {
        self.key
    }

    /// What asks the CA.
    pub fn client(&self) -> &Client<'a> {
        self.client
    }

    pub(super) fn signer(&self) -> Signer<'_> {
        Signer::Account(self.key, self.url)
    }

    /// A request at an address that the CA named.
    pub(super) fn post(&self, url: &str, payload: Option<&Value>) -> Result<Answer, Error> {
        self.client.check_url(self.url, url)?;
        self.client.post(self.signer(), url, payload)
    }

    /// The account as the CA has it now.
    pub fn account(&self) -> Result<Account, Error> {
        read(self.url, &self.post(self.url, None)?)
    }

    /// Other contacts, such as `mailto:admin@example.com`; none takes them away.
    pub fn update_contact(&self, contact: &[String]) -> Result<Account, Error> {
        read(
            self.url,
            &self.post(self.url, Some(&json!({"contact": contact})))?,
        )
    }

    /// Gives the account up. This cannot be undone, and its certificates stay valid.
    pub fn deactivate(&self) -> Result<Account, Error> {
        read(
            self.url,
            &self.post(self.url, Some(&json!({"status": "deactivated"})))?,
        )
    }

    /// From now on the account has this key, which must be stored **before**: when the answer is lost, only
    /// [`Client::find`] tells which of the two keys it has.
    pub fn roll_key(&self, new: &AccountKey) -> Result<(), Error> {
        let directory = self.client.directory();
        let url = directory.key_change.as_deref();
        let url =
            url.ok_or_else(|| Error::NotOffered("this CA cannot change the key of an account".to_owned()))?;
        let payload = json!({"account": self.url, "oldKey": self.key.jwk()});
        self.post(url, Some(&jws::inner(new, url, &payload)?))?;
        Ok(())
    }
}

fn read(url: &str, answer: &Answer) -> Result<Account, Error> {
    let value = answer.json()?;
    let contact = value.get("contact").and_then(Value::as_array);
    let contact = contact.into_iter().flatten().filter_map(Value::as_str);
    let status = match value.get("status").and_then(Value::as_str) {
        Some("valid") => AccountStatus::Valid,
        Some("deactivated") => AccountStatus::Deactivated,
        Some("revoked") => AccountStatus::Revoked,
        _ => return Err(Error::unexpected(&answer.url, "the account has no known status")),
    };
    Ok(Account {
        url: url.to_owned(),
        status,
        contact: contact.take(MAX_CONTACTS).map(word).collect(),
    })
}
