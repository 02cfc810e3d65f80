//! The account at an authority, made once, and its terms, to which somebody must agree.

use std::path::Path;

use super::super::failure::Failure;
use super::super::questions::Voice;
use super::refused::{refused, unusable_file};
use super::state::{KeptAccount, State};
use super::wanted::{Authority, Wanted};
use crate::acme::{
    Account, AccountKey, AccountStatus, Client, ExternalAccount, Https, Proxy, Registration, Settings,
    SystemClock,
};
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::refusal::{Refusal, RefusalCode};
use crate::tls::certificate::Certificate;

/// A way to the authority.
///
/// # Errors
/// When a file of certificates that it is to trust cannot be used.
pub fn transport(wanted: &Wanted) -> Result<Https, Failure> {
    let mut settings = Settings::default();
    if let Some(path) = &wanted.authority_root {
        let bytes = foreign::read(path, foreign::CERTIFICATE)
            .map_err(|error| unusable_file("--ca-root", path, &crate::wording::reason(&error)))?;
        let all = Certificate::read_all(&bytes)
            .map_err(|error| unusable_file("--ca-root", path, &error.to_string()))?;
        settings.roots = all.iter().map(|root| root.der().to_vec()).collect();
    }
    if let Some(proxy) = &wanted.proxy {
        settings.proxy = Proxy::Url(proxy.clone());
    }
    Https::new(&settings).map_err(|error| refused(error.into(), &wanted.authority, None))
}

/// Asks for agreement to the terms, where they were not agreed to before: once, and while nothing is held up by it.
///
/// # Errors
/// Refused where nobody agrees; that the authority cannot be reached.
pub fn agree_to_terms(
    wanted: &Wanted,
    state: &State,
    unattended: bool,
    voice: &dyn Voice,
) -> Result<bool, Failure> {
    if wanted.agrees_to_terms {
        return Ok(true);
    }
    if let Some((_, Some(kept))) = state.account(&wanted.authority)?
        && kept.account.status == AccountStatus::Valid
    {
        return Ok(true);
    }
    let (https, clock) = (transport(wanted)?, SystemClock::default());
    let client = Client::connect(&https, &clock, wanted.authority.directory())
        .map_err(|error| refused(error, &wanted.authority, None))?;
    let Some(terms) = &client.directory().terms_of_service else {
        return Ok(false);
    };
    if unattended || !voice.can_ask() {
        let cause = format!("{} wants its terms to be agreed to: {terms}", wanted.authority);
        return Err(Failure::refused(Refusal::new(
            RefusalCode::TermsNotAgreed,
            cause,
            "; ",
            "read them, then run again with --agree-terms",
        )));
    }
    let question = format!("Do you agree to the terms of {} at {terms}?", wanted.authority);
    match voice.agrees(&question) {
        None => Err(Failure::interrupted().into_interrupted()),
        Some(true) => Ok(true),
        Some(false) => Err(Failure::refused(Refusal::new(
            RefusalCode::Declined,
            "nothing was written, because the terms were not agreed to",
            "",
            "",
        ))),
    }
}

/// The account of this server at the authority: the one that is kept, or a new one. Its key is on the disk before the
/// authority hears of it.
pub(super) fn account(
    client: &Client<'_>,
    wanted: &Wanted,
    authority: &Authority,
    agreed: bool,
    state: &State,
) -> Result<(AccountKey, Account), Failure> {
    let failed = |error| refused(error, authority, None);
    settle_key(client, authority, state)?;
    let (key, kept) = match state.account(authority)? {
        Some(found) => found,
        None => {
            let key = AccountKey::generate().map_err(failed)?;
            state.keep_account_key(authority, &key)?;
            (key, None)
        }
    };
    if let Some(kept) = kept.filter(|kept| kept.account.status == AccountStatus::Valid) {
        return Ok((key, kept.account));
    }
    let external = match &wanted.external_account {
        Some((identifier, file)) => Some(external(identifier, file)?),
        None => None,
    };
    let contact: Vec<String> = wanted
        .email
        .iter()
        .map(|address| format!("mailto:{address}"))
        .collect();
    let registration = Registration {
        contact: &contact,
        terms_agreed: agreed,
        external: external.as_ref(),
    };
    let account = client.register(&key, &registration).map_err(failed)?;
    if account.status != AccountStatus::Valid {
        let cause = format!("the account of this server at {authority} is closed");
        let folder = crate::shown::shown(state.folder());
        let advice = format!("move its folder below {folder} away, then run again: a new one is made");
        return Err(Failure {
            status: ExitStatus::AuthorityRefused,
            ..Failure::with_advice(cause, advice)
        });
    }
    let terms = client.directory().terms_of_service.clone().filter(|_| agreed);
    let identifier = wanted
        .external_account
        .as_ref()
        .map(|(identifier, _)| identifier.clone());
    state.keep_account(
        authority,
        &KeptAccount::new(authority, terms, identifier, account.clone()),
    )?;
    Ok((key, account))
}

/// Ends a change of keys that was killed half way: the authority says which of both the account has.
///
/// # Errors
/// That the authority cannot be asked, or a key cannot be written.
pub fn settle_key(client: &Client<'_>, authority: &Authority, state: &State) -> Result<(), Failure> {
    let Some(next) = state.next_account_key(authority)? else {
        return Ok(());
    };
    let found = client
        .find(&next)
        .map_err(|error| refused(error, authority, None))?;
    if found.is_some() {
        state.keep_account_key(authority, &next)?;
    }
    state.forget_next_account_key(authority)
}

/// What binds the account to one that the authority knows. The key is never shown.
fn external(identifier: &str, file: &Path) -> Result<ExternalAccount, Failure> {
    let bytes = foreign::read(file, foreign::CERTIFICATE)
        .map(zeroize::Zeroizing::new)
        .map_err(|error| unusable_file("--eab-key-file", file, &crate::wording::reason(&error)))?;
    let text = foreign::text(&bytes).ok();
    text.and_then(|text| ExternalAccount::new(identifier, text.trim()))
        .ok_or_else(|| {
            let why = "it does not hold a key of letters, digits, `-` and `_` (base64url)";
            unusable_file("--eab-key-file", file, why)
        })
}
