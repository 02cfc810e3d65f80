//! The account of this server at an authority: shown, given up, with another key.

use std::path::PathBuf;

use serde::Serialize;

use super::super::claim::Claim;
use super::super::environment::{Where, World};
use super::super::failure::Failure;
use super::super::find::{self, Loaded};
use super::super::obtain::{Authority, KeptAccount, State, Wanted, refused, settle_key};
use super::super::progress::Progress;
use super::super::questions::{Voice, confirm_or};
use super::ask;
use crate::acme::{Account, AccountKey, AccountStatus, Client, Session};
use crate::apply::Lock;
use crate::place::ShownPath;
use crate::refusal::{Refusal, RefusalCode};
use crate::shown::shown;

/// An account at a certificate authority. Its key is told nowhere.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeAccountReport"))]
pub struct Report {
    /// The authority, in words.
    pub(crate) authority: String,
    /// The address of its directory.
    directory: String,
    /// The address of the account, which names it.
    pub(crate) url: String,
    /// `valid`, `deactivated` (given up by its owner) or `revoked` (closed by the authority).
    pub(crate) status: String,
    /// Whom the authority writes to, such as `mailto:admin@example.com`; some tell nothing of it.
    pub(crate) contact: Vec<String>,
    /// The folder in which it is kept.
    pub(crate) folder: ShownPath,
    /// Where an account was moved that is not used anymore: this one, where it was given up, or the one whose place it took; null
    /// where none was moved.
    pub(crate) moved_to: Option<ShownPath>,
}

impl Report {
    pub(super) fn new(authority: &Authority, account: &Account, state: &State) -> Report {
        let status = match account.status {
            AccountStatus::Valid => "valid",
            AccountStatus::Deactivated => "deactivated",
            AccountStatus::Revoked => "revoked",
        };
        Report {
            authority: authority.to_string(),
            directory: authority.directory().to_owned(),
            url: account.url.clone(),
            status: status.to_owned(),
            contact: account.contact.clone(),
            folder: shown(&state.account_folder(authority)).into(),
            moved_to: None,
        }
    }

    pub(super) fn moving(self, folder: Option<PathBuf>) -> Report {
        Report {
            moved_to: folder.map(|folder| shown(&folder).into()),
            ..self
        }
    }
}

/// Shows the account as the authority has it.
///
/// # Errors
/// Refused where there is none; that the authority cannot be asked.
pub fn show(
    wanted: &Wanted,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    let state = State::of(&loaded, world.disk);
    let authority = &wanted.authority;
    refuse_none(authority, &state)?;
    let account = ask(wanted, progress, |client| {
        let (key, kept) = found(client, authority, &state)?;
        Session::new(client, &key, &kept.url)
            .account()
            .map_err(|error| refused(error, authority, None))
    })?;
    Ok(Report::new(authority, &account, &state))
}

/// Gives the account up, for ever. It is moved aside, so that the next order makes another one.
///
/// # Errors
/// Refused where there is none, or nobody agrees; what the authority says.
pub fn deactivate(
    wanted: &Wanted,
    yes: bool,
    place: &Where,
    world: &World,
    voice: &dyn Voice,
) -> Result<Report, Failure> {
    let (loaded, _locks) = alone(place, world, voice)?;
    let state = State::of(&loaded, world.disk);
    let authority = &wanted.authority;
    refuse_none(authority, &state)?;
    ask(wanted, voice, |client| {
        let (key, kept) = found(client, authority, &state)?;
        let question = format!(
            "Give up the account {} at {authority} for ever? Its certificates stay valid, and cannot be renewed by it.",
            kept.url
        );
        confirm_or("give --yes to give the account up", &question, yes, voice)?;
        let session = Session::new(client, &key, &kept.url);
        let account = session
            .deactivate()
            .map_err(|error| refused(error, authority, None))?;
        keep(authority, &account, &state)?;
        let moved = state.set_aside_account(authority)?;
        Ok(Report::new(authority, &account, &state).moving(moved))
    })
}

/// Gives the account another key. Both are on the disk while nobody knows which of them it has.
///
/// # Errors
/// Refused where there is none; what the authority says.
pub fn roll_key(wanted: &Wanted, place: &Where, world: &World, voice: &dyn Voice) -> Result<Report, Failure> {
    let (loaded, _locks) = alone(place, world, voice)?;
    let state = State::of(&loaded, world.disk);
    let authority = &wanted.authority;
    refuse_none(authority, &state)?;
    ask(wanted, voice, |client| {
        settle_key(client, authority, &state)?;
        let (key, account) = found(client, authority, &state)?;
        let next = AccountKey::generate().map_err(|error| refused(error, authority, None))?;
        state.keep_next_account_key(authority, &next)?;
        if let Err(error) = Session::new(client, &key, &account.url).roll_key(&next) {
            if error.is_decided() {
                state.forget_next_account_key(authority)?;
            }
            return Err(refused(error, authority, None));
        }
        state.keep_account_key(authority, &next)?;
        state.forget_next_account_key(authority)?;
        Ok(Report::new(authority, &account, &state))
    })
}

/// The configuration, while no other run is at work on the same server.
pub(super) fn alone(
    place: &Where,
    world: &World,
    voice: &dyn Progress,
) -> Result<(Loaded, Vec<Lock>), Failure> {
    let claim = Claim {
        place,
        world,
        voice,
        patience: 0,
    };
    let root = find::root(place)?;
    let mut locks = claim.alone(&root)?;
    let mut loaded = Loaded::find(place)?;
    if loaded.installation.root != root {
        // Only the configuration says which server root its main file belongs to.
        locks.extend(claim.alone(&loaded.installation.root)?);
        loaded = loaded.again()?;
    }
    loaded.introduce(voice);
    Ok((loaded, locks.into_iter().map(|(_, lock)| lock).collect()))
}

/// The key of the account, and what was told of it last; a run that was killed may have kept the key alone.
pub(super) fn found(
    client: &Client<'_>,
    authority: &Authority,
    state: &State,
) -> Result<(AccountKey, Account), Failure> {
    let (key, kept) = state.account(authority)?.ok_or_else(|| none(authority))?;
    if let Some(kept) = kept {
        return Ok((key, kept.account));
    }
    let account = client
        .find(&key)
        .map_err(|error| refused(error, authority, None))?;
    account
        .map(|account| (key, account))
        .ok_or_else(|| none(authority))
}

/// Keeps what the authority tells of the account, beside what is known of it.
pub(super) fn keep(authority: &Authority, account: &Account, state: &State) -> Result<(), Failure> {
    let kept = state.account(authority)?.and_then(|(_, kept)| kept);
    let kept = match kept {
        Some(mut kept) => {
            kept.account = account.clone();
            kept
        }
        None => KeptAccount::new(authority, None, None, account.clone()),
    };
    state.keep_account(authority, &kept)
}

/// Nobody is asked where it is known that there is no account.
pub(super) fn refuse_none(authority: &Authority, state: &State) -> Result<(), Failure> {
    match state.account(authority)? {
        Some(_) => Ok(()),
        None => Err(none(authority)),
    }
}

fn none(authority: &Authority) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::NoAccount,
        format!("this server has no account at {authority}"),
        "; ",
        "esync-ssl enable --acme makes one, esync-ssl acme account import takes one over, and --ca names another authority",
    ))
}
