//! Certificates that are no longer to be trusted.

use camino::Utf8Path;
use serde::Serialize;

use super::super::environment::{Where, World};
use super::super::failure::Failure;
use super::super::find::Loaded;
use super::super::key_files::{bytes, key, named};
use super::super::obtain::{State, Wanted, refused};
use super::super::pass_phrase::PassPhrases;
use super::super::questions::{Voice, confirm_or};
use super::account::{found, refuse_none};
use super::ask;
use crate::acme::{AccountKey, Session};
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::shown::sentence;
use crate::tls::certificate::{Certificate, colon_hex};

/// Why a certificate is revoked (RFC 5280, 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// None is given.
    Unspecified,
    /// Others may have the key.
    KeyCompromise,
    /// Another certificate took its place.
    Superseded,
    /// The names are not served anymore.
    CessationOfOperation,
}

impl Reason {
    /// Its number.
    fn code(self) -> u8 {
        match self {
            Reason::Unspecified => 0,
            Reason::KeyCompromise => 1,
            Reason::Superseded => 4,
            Reason::CessationOfOperation => 5,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Reason::Unspecified => "unspecified",
            Reason::KeyCompromise => "key-compromise",
            Reason::Superseded => "superseded",
            Reason::CessationOfOperation => "cessation-of-operation",
        }
    }
}

/// What is revoked, and how.
pub struct Request<'a> {
    /// The certificate, or its chain, whose first counts.
    pub certificate: &'a Utf8Path,
    /// Its own key, with which no account is needed.
    pub key: Option<(&'a Utf8Path, &'a PassPhrases)>,
    /// Why.
    pub reason: Reason,
    /// Nobody is asked.
    pub yes: bool,
}

/// A certificate that was revoked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeRevokeReport"))]
pub struct Report {
    /// The authority, in words.
    pub(crate) authority: String,
    /// The address of its directory.
    directory: String,
    /// The names of the certificate.
    pub(crate) names: Vec<String>,
    /// Its serial number, in hexadecimal digits.
    pub(crate) serial: String,
    /// SHA-256 over it, in hexadecimal digits with colons.
    sha256: String,
    /// Why it was revoked: `unspecified`, `key-compromise`, `superseded` or `cessation-of-operation`.
    reason: String,
    /// `account`, or `key` where its own key signed the request.
    by: String,
}

/// Revokes a certificate, by the account of this server or by the certificate's own key.
///
/// # Errors
/// Refused where nobody agrees, or the key is that of another; what the authority says.
pub fn run(
    request: &Request,
    wanted: &Wanted,
    place: &Where,
    world: &World,
    voice: &dyn Voice,
) -> Result<Report, Failure> {
    let path = request.certificate;
    let mut all = Certificate::read_all(&bytes(path, "certificate")?).map_err(|error| named(path, error))?;
    let certificate = all.remove(0);
    match request.key {
        Some((path, phrases)) => {
            let own = key(path, phrases, voice)?;
            if !own
                .public_key()
                .is_some_and(|public| public.same_key(&certificate.public_key))
            {
                return Err(of_another(path, request.certificate));
            }
            let own = AccountKey::from_key(&own).map_err(|error| refused(error, &wanted.authority, None))?;
            revoke(request, wanted, &certificate, voice, Signer::Own(&own))
        }
        None => {
            let loaded = Loaded::find(place)?;
            loaded.introduce(voice);
            let state = State::of(&loaded, world.disk);
            refuse_none(&wanted.authority, &state)?;
            revoke(request, wanted, &certificate, voice, Signer::Account(&state))
        }
    }
}

/// Who asks for it.
#[derive(Clone, Copy)]
enum Signer<'a> {
    Own(&'a AccountKey),
    Account(&'a State<'a>),
}

fn revoke(
    request: &Request,
    wanted: &Wanted,
    certificate: &Certificate,
    voice: &dyn Voice,
    signer: Signer<'_>,
) -> Result<Report, Failure> {
    let authority = &wanted.authority;
    let names = names(certificate);
    let question = format!(
        "Have {authority} revoke the certificate for {} (serial number {}, valid until {})? Browsers refuse it then, for ever.",
        names.join(", "),
        certificate.serial,
        certificate.not_after.date()
    );
    let unasked = "give --yes to have it revoked";
    confirm_or(unasked, &question, request.yes, voice)?;
    let (der, code) = (certificate.der(), request.reason.code());
    ask(wanted, voice, |client| {
        let revoked = match signer {
            Signer::Own(key) => client.revoke_with_its_key(der, key, code),
            Signer::Account(state) => {
                let (key, account) = found(client, authority, state)?;
                Session::new(client, &key, &account.url).revoke(der, code)
            }
        };
        revoked.map_err(|error| refused(error, authority, None))
    })?;
    Ok(Report {
        authority: authority.to_string(),
        directory: authority.directory().to_owned(),
        names,
        serial: certificate.serial.clone(),
        sha256: colon_hex(&certificate.sha256()),
        reason: request.reason.word().to_owned(),
        by: match signer {
            Signer::Own(_) => "key".to_owned(),
            Signer::Account(_) => "account".to_owned(),
        },
    })
}

fn names(certificate: &Certificate) -> Vec<String> {
    let addresses = certificate.addresses.iter().map(ToString::to_string);
    let written = certificate.dns_names.iter().map(|name| sentence(name));
    let names: Vec<String> = written.chain(addresses).collect();
    match names.is_empty() {
        true => vec![certificate.title().to_owned()],
        false => names,
    }
}

fn of_another(key: &Utf8Path, certificate: &Utf8Path) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::KeyOfAnother,
        say![
            "the key in ",
            Place::path(key),
            " is not that of the certificate in ",
            Place::path(certificate)
        ],
        "; ",
        "name the key that belongs to it, or leave --key out to revoke it by the account",
    ))
}
