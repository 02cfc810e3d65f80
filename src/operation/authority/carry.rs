//! Accounts that come from another program or machine, or go there.

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::super::environment::{Where, World};
use super::super::failure::Failure;
use super::super::file_action::{FileAction, Reported};
use super::super::find::Loaded;
use super::super::new_files::{Outcome, exists};
use super::super::obtain::{Authority, State, Wanted, refused, unusable_file};
use super::super::progress::Progress;
use super::super::questions::Voice;
use super::account::{Report, alone, keep, refuse_none};
use super::ask;
use crate::acme::{AccountKey, AccountStatus};
use crate::apply::{create_private, others_at};
use crate::foreign;
use crate::place::{self, ShownPath};
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::shown::{printable, shown};

/// Folders below the one that is named, in which other programs have their accounts.
const DEPTH: usize = 5;
/// Names of a folder that are looked at.
const MANY: usize = 1000;

/// Copies the account of this server into a folder: its key, and what is known of it.
///
/// # Errors
/// Refused where there is no account, or a file is there already.
pub fn export(
    authority: &Authority,
    folder: &Path,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Outcome, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    let state = State::of(&loaded, world.disk);
    refuse_none(authority, &state)?;
    let Some((key, kept)) = state.account(authority)? else {
        return Err(Failure::error(anyhow::anyhow!("the account is gone")));
    };
    let folder = place::absolute(folder).map_err(|error| {
        Failure::of_system(format!("the folder {}", shown(folder)), &error, "name another")
    })?;
    let mut files = vec![(
        "key.pem",
        Zeroizing::new(key.to_pem().as_bytes().to_vec()),
        format!("private key of the account at {authority}, for its owner only"),
    )];
    if let Some(kept) = kept {
        let text = serde_json::to_vec_pretty(&kept).map_err(Failure::error)?;
        let what = "what is known of the account".to_owned();
        files.push(("account.json", Zeroizing::new(text), what));
    }
    for (name, ..) in &files {
        if folder.join(name).symlink_metadata().is_ok() {
            return Err(exists(Place::path(folder.join(name))));
        }
    }
    let (mut told, mut notes) = (Vec::new(), Vec::new());
    if let Some(others) = others_at(&folder.join("key.pem")) {
        let note = format!("{others}, so accounts other than root can change what is written there");
        notes.push(printable(note.as_bytes()));
    }
    for (name, bytes, reason) in files {
        let path = folder.join(name);
        create_private(&path, &bytes)?;
        let file = shown(&path);
        told.push(FileAction::create(Reported { file, reason }));
    }
    Ok(Outcome {
        result: "written",
        files: told,
        kept: Vec::<ShownPath>::new(),
        notes,
    })
}

/// Takes an account over that another program or machine has: its key is looked for at `from`, and the account that
/// belongs to it at the authority. One that is there already is moved away where that is forced. Whether anything changed is
/// told as well.
///
/// # Errors
/// Refused where no key or account is found, or another is there; what the authority says.
pub fn import(
    wanted: &Wanted,
    (from, force): (&Path, bool),
    place: &Where,
    world: &World,
    voice: &dyn Voice,
) -> Result<(Report, bool), Failure> {
    let (loaded, _locks) = alone(place, world, voice)?;
    loaded.refuse_included(State::of(&loaded, world.disk).folder())?;
    let state = State::of(&loaded, world.disk);
    let authority = &wanted.authority;
    let path = key_file(from, authority)?;
    let key = read_key(&path)?;
    let present = state.account(authority)?.map(|(key, _)| key);
    let is_same = present
        .as_ref()
        .is_some_and(|present| present.thumbprint() == key.thumbprint());
    if present.is_some() && !is_same && !force {
        return Err(another(authority, &state));
    }
    let account = ask(wanted, voice, |client| {
        client.find(&key).map_err(|error| refused(error, authority, None))
    })?;
    let account = account.ok_or_else(|| unknown(authority, &path))?;
    if account.status != AccountStatus::Valid {
        return Err(Failure::refused(Refusal::new(
            RefusalCode::NoAccount,
            format!("the account {} at {authority} is closed", account.url),
            "; ",
            "esync-ssl enable --acme makes a new one",
        )));
    }
    let mut moved = None;
    if !is_same {
        moved = state.set_aside_account(authority)?;
        state.keep_account_key(authority, &key)?;
    }
    keep(authority, &account, &state)?;
    let report = Report::new(authority, &account, &state).moving(moved);
    Ok((report, !is_same))
}

fn read_key(path: &Path) -> Result<AccountKey, Failure> {
    let bytes = foreign::read(path, foreign::CERTIFICATE)
        .map(Zeroizing::new)
        .map_err(|error| unusable_file("the account key", path, &crate::wording::reason(&error)))?;
    AccountKey::read(&bytes).map_err(|error| unusable_file("the account key", path, &error.to_string()))
}

/// The one key of an account at a path: itself, or below it under the names that programs use.
fn key_file(from: &Path, authority: &Authority) -> Result<PathBuf, Failure> {
    let metadata = fs::metadata(from)
        .map_err(|error| unusable_file("the account", from, &crate::wording::reason(&error)))?;
    if !metadata.is_dir() {
        return Ok(from.to_path_buf());
    }
    let mut all = Vec::new();
    look_below(from, DEPTH, &mut all);
    all.sort();
    if all.len() > 1 {
        // Programs keep accounts by the host of the authority.
        let host = authority.folder();
        let is_of_host = |path: &&PathBuf| path.iter().any(|part| part.to_string_lossy() == host.as_str());
        let of_host: Vec<PathBuf> = all.iter().filter(is_of_host).cloned().collect();
        if !of_host.is_empty() {
            all = of_host;
        }
    }
    match all.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::refused(Refusal::new(
            RefusalCode::AccountKeyNotFound,
            say!["there is no key of an account below ", Place::path(from)],
            "; ",
            "name the file with the key: private_key.json of certbot, account.key of acme.sh, keys/ADDRESS.key of lego, or \
             key.pem of ours",
        ))),
        several => {
            let names = several.iter().map(|path| say![Place::path(path)]);
            let cause = say!["several accounts are there: ", Text::joined(names, ", ")];
            let fix = "name the one that is meant";
            Err(Failure::refused(Refusal::new(
                RefusalCode::AccountKeyNotFound,
                cause,
                "; ",
                fix,
            )))
        }
    }
}

fn look_below(folder: &Path, depth: usize, all: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let is_keys = folder.file_name().is_some_and(|name| name == "keys");
    for entry in entries.take(MANY).flatten() {
        let path = entry.path();
        // What a link leads to is found where it is.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 0 {
            look_below(&path, depth - 1, all);
        }
        let name = entry.file_name();
        let is_key = ["private_key.json", "account.key", "key.pem"]
            .iter()
            .any(|known| name == *known)
            || is_keys && path.extension().is_some_and(|end| end == "key");
        if kind.is_file() && is_key {
            all.push(path);
        }
    }
}

fn another(authority: &Authority, state: &State) -> Failure {
    let folder = state.account_folder(authority);
    Failure::refused(Refusal::new(
        RefusalCode::AccountExists,
        say![
            format!("this server has another account at {authority} already, in "),
            Place::path(folder)
        ],
        "; ",
        "give --force to move it into a folder beside, where nothing of it is lost",
    ))
}

fn unknown(authority: &Authority, path: &Path) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::NoAccount,
        say![
            format!("{authority} knows no account with the key in "),
            Place::path(path)
        ],
        "; ",
        "name the authority that it was made at with --ca, or another file",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_other_programs_have_them() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let of = |name: &str| key_file(&folder.path().join(name), &Authority::LetsEncrypt);
        let host = "acme-v02.api.letsencrypt.org";
        for (root, file) in [
            (
                "certbot",
                format!("certbot/accounts/{host}/directory/1a2b/private_key.json"),
            ),
            ("acme.sh", format!("acme.sh/ca/{host}/directory/account.key")),
            (
                "lego",
                format!("lego/accounts/{host}/a@b.example/keys/a@b.example.key"),
            ),
            ("ours", "ours/key.pem".to_owned()),
        ] {
            let path = put(&file);
            assert_eq!(of(root).unwrap(), path);
            assert_eq!(of(&file).unwrap(), path);
        }
        // Beside that of another authority.
        put("certbot/accounts/acme-staging-v02.api.letsencrypt.org/directory/2/private_key.json");
        assert!(of("certbot").unwrap().ends_with("1a2b/private_key.json"));
        put(&format!("certbot/accounts/{host}/directory/3/private_key.json"));
        for unfit in ["certbot", "lego/accounts/nobody", "."] {
            assert!(of(unfit).is_err(), "{unfit}");
        }
    }
}
