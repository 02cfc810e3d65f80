//! Where the files of an ordered certificate go, and which of an earlier order are still good.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::super::failure::Failure;
use super::super::file_action::Reported;
use super::super::find::Loaded;
use super::super::judge_files::Server;
use super::super::names::{dated, file_name};
use super::super::new_files::{KEY_READERS, NewFiles};
use super::state::{Managed, State};
use super::wanted::Wanted;
use crate::acme::when;
use crate::foreign;
use crate::tls::certificate::Certificate;

/// Where they go.
#[derive(Clone)]
pub struct Placed {
    /// `SSLCertificateFile`.
    pub certificate: PathBuf,
    /// `SSLCertificateKeyFile`.
    pub key: PathBuf,
    /// `SSLCertificateChainFile`, where Apache wants the issuers there.
    pub chain: Option<PathBuf>,
}

/// What is known of the files of a certificate before it is ordered.
pub enum Found {
    /// It need not be: that of an earlier order is good, and why.
    Kept(Placed, String),
    /// Where new files go, which are told.
    New(Placed, NewFiles),
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
    if let Some(kept) = kept(wanted, names, (state, now))? {
        return Ok(kept);
    }
    let folder = loaded.tls_folder();
    loaded.refuse_included(&folder)?;
    loaded.refuse_included(state.folder())?;
    let has_chain_file = !server.generation.reads_chain_from_certificate_file();
    let at = |name: &str| Placed {
        certificate: folder.join(format!("{name}.crt")),
        key: folder.join(format!("{name}.key")),
        chain: has_chain_file.then(|| folder.join(format!("{name}.chain.crt"))),
    };
    let is_free = |placed: &Placed| {
        let mut all = [
            Some(&placed.certificate),
            Some(&placed.key),
            placed.chain.as_ref(),
        ]
        .into_iter()
        .flatten();
        !all.any(|path| loaded.source.is_taken(path))
    };
    // Nothing is overwritten: what is there serves until the new files do.
    let day = dated(&name, now.date());
    let mut tries = [name.clone(), day.clone()]
        .into_iter()
        .chain((2..1000).map(|number| format!("{day}-{number}")))
        .map(|name| at(&name));
    let placed = tries.find(is_free).unwrap_or_else(|| at(&name));
    let mut create = NewFiles::of(loaded);
    create.announce(Reported {
        file: loaded.show(&placed.key),
        reason: format!("new private key (EC P-256), {KEY_READERS}"),
    });
    let issuers = if has_chain_file { "" } else { ", with its issuers" };
    create.announce(Reported {
        file: loaded.show(&placed.certificate),
        reason: format!(
            "certificate for {} from {}{issuers}",
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
    Ok(Found::New(placed, create))
}

/// Those of an earlier order, if they are as it left them and live on for a while.
fn kept(
    wanted: &Wanted,
    names: &[String],
    (state, now): (&State, OffsetDateTime),
) -> Result<Option<Found>, Failure> {
    let Some(managed) = state.managed(&file_name(&names[0]))? else {
        return Ok(None);
    };
    let Some(leaf) = leaf(&managed) else {
        return Ok(None);
    };
    let is_good = managed.directory == wanted.authority.directory()
        && managed.profile == wanted.profile
        && names
            .iter()
            .chain(&wanted.wildcards)
            .all(|name| managed.names.contains(name))
        && !is_over(&leaf, now);
    if !is_good {
        return Ok(None);
    }
    let note = format!(
        "the certificate from {} is there already, and is good until {}; none is ordered",
        wanted.authority,
        leaf.not_after.date()
    );
    let placed = Placed {
        certificate: managed.certificate.path(),
        key: managed.key.path(),
        chain: managed.chain.as_ref().map(|chain| chain.path()),
    };
    Ok(Some(Found::Kept(placed, note)))
}

/// The certificate that was installed, if its file still holds it.
fn leaf(managed: &Managed) -> Option<Certificate> {
    let read = |path: &Path| foreign::read(path, foreign::CERTIFICATE).ok();
    let all = Certificate::read_all(&read(&managed.certificate.path())?).ok()?;
    let leaf = all.into_iter().next()?;
    let is_it = crate::tls::certificate::colon_hex(&leaf.sha256()) == managed.sha256;
    (is_it && read(&managed.key.path()).is_some()).then_some(leaf)
}

/// Whether a certificate, the first of these in PEM, is to be renewed already.
pub(super) fn is_due(chain: &str, now: OffsetDateTime) -> bool {
    let all = Certificate::read_all(chain.as_bytes()).unwrap_or_default();
    all.first().is_none_or(|leaf| is_over(leaf, now))
}

fn is_over(leaf: &Certificate, now: OffsetDateTime) -> bool {
    when(leaf.not_before, leaf.not_after, None, 0).at <= now
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
