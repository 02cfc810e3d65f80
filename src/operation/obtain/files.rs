//! Where the files of an ordered certificate go, and which of an earlier order are still good.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::super::failure::Failure;
use super::super::file_action::Reported;
use super::super::find::Loaded;
use super::super::judge_files::Server;
use super::super::names::{dated, file_name};
use super::super::new_files::{KEY_READERS, NewFiles};
use super::managed::{Installed, Managed};
use super::state::State;
use super::wanted::Wanted;
use crate::apply::{Name, NameChange, NewFile, checksum};
use crate::foreign;
use crate::renewal::{Life, when};
use crate::tls::certificate::Certificate;
use crate::tls::private_key::PrivateKey;
use crate::wording::reason;

/// Where they go.
#[derive(Clone)]
pub struct Placed {
    /// `SSLCertificateFile`.
    pub certificate: PathBuf,
    /// `SSLCertificateKeyFile`.
    pub key: PathBuf,
    /// `SSLCertificateChainFile`, where Apache wants the issuers there.
    pub chain: Option<PathBuf>,
    /// What is there and is replaced; nothing where the files are new.
    pub before: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
}

impl Placed {
    /// The bytes that are there now.
    pub fn there(&self, path: &Path) -> Option<&Zeroizing<Vec<u8>>> {
        let found = self.before.iter().find(|(known, _)| known == path);
        found.map(|(_, bytes)| bytes)
    }

    /// The change that puts this file there.
    pub fn change(&self, file: NewFile) -> NameChange {
        match self.there(&file.path) {
            Some(before) => NameChange::renew(file.path, before.clone(), file.bytes, file.private),
            None => NameChange::from(file),
        }
    }
}

/// The files of a certificate as a run of ours left them.
pub struct Standing {
    /// Themselves, to be replaced.
    pub placed: Placed,
    /// The certificate.
    pub leaf: Certificate,
}

/// Why the files of a certificate are not overwritten.
#[derive(Debug)]
pub struct NotOurs {
    /// Which of them.
    pub path: PathBuf,
    /// What is the matter with it, to be said after its name.
    pub why: String,
}

/// What is known of the files of a certificate before it is ordered.
pub enum Found {
    /// It need not be: that of an earlier order is good, and why.
    Kept(Placed, String),
    /// Where new files go, which are told, and what is to be said of those that are there.
    New(Box<(Placed, NewFiles, Option<String>)>),
}

/// The files of the certificate: those of an earlier order that need not be renewed yet, or where new ones go.
pub fn placed(
    wanted: &Wanted,
    loaded: &Loaded,
    server: Server,
    names: &[String],
    (state, now): (&State, OffsetDateTime),
) -> Result<Found, Failure> {
    let name = file_name(&names[0]);
    let managed = state.managed(&name)?;
    if let Some(kept) = managed
        .as_ref()
        .and_then(|managed| kept(wanted, names, managed, now))
    {
        return Ok(kept);
    }
    loaded.refuse_included(&loaded.tls_folder())?;
    loaded.refuse_included(state.folder())?;
    // Where it loses a name, who else is served by these files keeps them.
    let managed = managed.filter(|managed| managed.installed.names.iter().all(|name| names.contains(name)));
    let (placed, note) = match managed.map(|managed| standing(&managed.installed)) {
        Some(Ok(standing)) => (standing.placed, None),
        Some(Err(not_ours)) => {
            let words = format!(
                "{} {}, so nothing of it is overwritten: the certificate goes into files of its own",
                loaded.show(&not_ours.path),
                not_ours.why
            );
            (free(loaded, server, &name, now), Some(words))
        }
        None => (free(loaded, server, &name, now), None),
    };
    let create = announced(&placed, wanted, names, loaded);
    Ok(Found::New(Box::new((placed, create, note))))
}

/// New files: what is there serves until they do.
fn free(loaded: &Loaded, server: Server, name: &str, now: OffsetDateTime) -> Placed {
    let folder = loaded.tls_folder();
    let has_chain_file = !server.generation.reads_chain_from_certificate_file();
    let at = |name: &str| Placed {
        certificate: folder.join(format!("{name}.crt")),
        key: folder.join(format!("{name}.key")),
        chain: has_chain_file.then(|| folder.join(format!("{name}.chain.crt"))),
        before: Vec::new(),
    };
    let is_free = |placed: &Placed| {
        let all = [
            Some(&placed.certificate),
            Some(&placed.key),
            placed.chain.as_ref(),
        ];
        !all.into_iter().flatten().any(|path| loaded.source.is_taken(path))
    };
    let day = dated(name, now.date());
    let mut tries = [name.to_owned(), day.clone()]
        .into_iter()
        .chain((2..1000).map(|number| format!("{day}-{number}")))
        .map(|name| at(&name));
    tries.find(is_free).unwrap_or_else(|| at(name))
}

/// What goes there, for people.
fn announced(placed: &Placed, wanted: &Wanted, names: &[String], loaded: &Loaded) -> NewFiles {
    let instead = match placed.before.is_empty() {
        true => "",
        false => ", instead of the one that is there",
    };
    let mut create = NewFiles::of(loaded);
    create.announce(Reported {
        file: loaded.show(&placed.key),
        reason: format!("new private key (EC P-256), {KEY_READERS}{instead}"),
    });
    let issuers = match placed.chain {
        Some(_) => "",
        None => ", with its issuers",
    };
    create.announce(Reported {
        file: loaded.show(&placed.certificate),
        reason: format!(
            "certificate for {} from {}{issuers}{instead}",
            wanted.names(names).join(", "),
            wanted.authority
        ),
    });
    if let Some(chain) = &placed.chain {
        create.announce(Reported {
            file: loaded.show(chain),
            reason: format!("its issuers, from {}", wanted.authority),
        });
    }
    create
}

/// Those of an earlier order, if they are as it left them and live on for a while.
fn kept(wanted: &Wanted, names: &[String], managed: &Managed, now: OffsetDateTime) -> Option<Found> {
    let installed = &managed.installed;
    let leaf = installed.leaf()?;
    foreign::read(&installed.key.path(), foreign::CERTIFICATE)
        .map(Zeroizing::new)
        .ok()?;
    let mut all = names.iter().chain(&wanted.wildcards);
    let is_good = installed.directory == wanted.authority.directory()
        && installed.profile == wanted.profile
        && all.all(|name| installed.names.contains(name))
        && !is_over(&leaf, now);
    if !is_good {
        return None;
    }
    let note = format!(
        "the certificate from {} is there already, and is good until {}; none is ordered",
        wanted.authority,
        leaf.not_after.date()
    );
    Some(Found::Kept(placed_at(installed), note))
}

fn placed_at(installed: &Installed) -> Placed {
    Placed {
        certificate: installed.certificate.path(),
        key: installed.key.path(),
        chain: installed.chain.as_ref().map(Name::path),
        before: Vec::new(),
    }
}

/// The files of a certificate, if nobody but us changed them.
///
/// # Errors
/// Which of them somebody did.
pub fn standing(installed: &Installed) -> Result<Standing, NotOurs> {
    let mut before: Vec<(PathBuf, Zeroizing<Vec<u8>>)> = Vec::new();
    for (number, path) in installed.files().enumerate() {
        let not_ours = |why: String| NotOurs {
            path: path.clone(),
            why,
        };
        let found = path.symlink_metadata();
        if found.is_ok_and(|found| !found.is_file()) {
            return Err(not_ours("is not a file anymore".to_owned()));
        }
        let bytes = foreign::read(&path, foreign::CERTIFICATE).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| not_ours(format!("cannot be read ({})", reason(&error))))?;
        let known = installed.checksums.get(number);
        if known.is_some_and(|known| *known != checksum(&bytes)) {
            return Err(not_ours("was changed by somebody else".to_owned()));
        }
        before.push((path, bytes));
    }
    let leaf = before.first().and_then(|(_, bytes)| installed.leaf_in(bytes));
    let leaf = leaf.ok_or_else(|| NotOurs {
        path: installed.certificate.path(),
        why: "holds another certificate than the one that was put there".to_owned(),
    })?;
    let public = before
        .get(1)
        .and_then(|(_, bytes)| PrivateKey::read(bytes, None).ok());
    let public = public.and_then(|key| key.public_key().cloned());
    if !public.is_some_and(|public| public.same_key(&leaf.public_key)) {
        return Err(NotOurs {
            path: installed.key.path(),
            why: "does not hold the key of the certificate anymore".to_owned(),
        });
    }
    let placed = Placed {
        before,
        ..placed_at(installed)
    };
    Ok(Standing { placed, leaf })
}

/// Whether a certificate, the first of these in PEM, is to be renewed already.
pub(super) fn is_due(chain: &str, now: OffsetDateTime) -> bool {
    let all = Certificate::read_all(chain.as_bytes()).unwrap_or_default();
    all.first().is_none_or(|leaf| is_over(leaf, now))
}

fn is_over(leaf: &Certificate, now: OffsetDateTime) -> bool {
    due(leaf) <= now
}

/// When a certificate is to be renewed, as far as its life says.
pub(super) fn due(leaf: &Certificate) -> OffsetDateTime {
    when(Life::of(leaf), None, 0).at
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::tls::issue::{KeyType, self_signed};

    #[test]
    fn two_thirds_of_its_life() {
        let now = OffsetDateTime::now_utc();
        let made = self_signed(&["a.example".to_owned()], KeyType::P256, 90, now).unwrap();
        assert!(!is_due(&made.certificate_pem, now + Duration::days(50)));
        assert!(is_due(&made.certificate_pem, now + Duration::days(70)));
        assert!(is_due("", now));
    }
}
