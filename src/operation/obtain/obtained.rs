//! What came of an order: the files that are made of it, and what is kept of it when they are there.

use std::path::Path;

use time::OffsetDateTime;

use super::super::failure::Failure;
use super::files::{Placed, due};
use super::managed::{Installed, Source};
use super::state::State;
use super::wanted::Adopted;
use crate::apply::{NameChange, NewFile};
use crate::renewal::{Attempt, Outcome};
use crate::tls::bundle::Bundle;

/// A certificate with its key and its issuers.
pub struct Obtained {
    /// Themselves.
    pub bundle: Bundle,
    installed: Installed,
    name: String,
    /// Its key is in the file already.
    keeps_key: bool,
}

impl Obtained {
    /// What came of an order whose files are called so.
    pub(super) fn new(bundle: Bundle, installed: Installed, name: String) -> Obtained {
        Obtained {
            bundle,
            installed,
            name,
            keeps_key: false,
        }
    }

    /// What others ordered, and is to take the place of what is kept under this name.
    pub fn of_source(
        bundle: Bundle,
        (source, names): (&Source, Vec<String>),
        name: &str,
        keeps_key: bool,
    ) -> Obtained {
        let installed = Installed::of_source(source.clone(), names, &bundle.leaf);
        Obtained {
            bundle,
            installed,
            name: name.to_owned(),
            keeps_key,
        }
    }

    /// What puts it into the files that Apache reads.
    pub fn changes(&self, placed: &Placed) -> Vec<NameChange> {
        let files = self.files(placed).into_iter();
        let files = files.filter(|file| !(self.keeps_key && file.path == placed.key));
        files.map(|file| placed.change(file)).collect()
    }

    fn files(&self, placed: &Placed) -> Vec<NewFile> {
        let file = |path: &Path, pem: &str, private| NewFile {
            path: path.to_path_buf(),
            bytes: pem.as_bytes().to_vec().into(),
            private,
        };
        let (certificate, issuers) = (self.bundle.certificate_pem(), self.bundle.chain_pem());
        let mut key = self.bundle.key_pem().map(|pem| file(&placed.key, &pem, true));
        if let (true, Some(key), Some(there)) = (self.keeps_key, &mut key, placed.there(&placed.key)) {
            key.bytes = there.clone();
        }
        let mut files: Vec<NewFile> = key.into_iter().collect();
        match &placed.chain {
            Some(chain) => {
                files.push(file(&placed.certificate, &certificate, false));
                // Apache wants a certificate there, whichever.
                files.push(file(chain, issuers.as_ref().unwrap_or(&certificate), false));
            }
            None => files.push(file(
                &placed.certificate,
                &(certificate + issuers.as_deref().unwrap_or_default()),
                false,
            )),
        }
        files
    }

    /// From whom it was taken over, with its names.
    pub fn adopted(&self) -> Option<(&Adopted, &[String])> {
        Some((self.installed.way.adopted.as_ref()?, &self.installed.names))
    }

    /// When it is to be renewed, as far as its life says; nothing where others decide that.
    pub fn due(&self) -> Option<OffsetDateTime> {
        self.installed.source.is_none().then(|| due(&self.bundle.leaf))
    }

    /// Notes where it goes. That says something only once its certificate is there, so it is noted before: a run that is
    /// killed after it was installed would else install it once more.
    ///
    /// # Errors
    /// When that cannot be noted.
    pub fn goes_to(&self, placed: &Placed, state: &State) -> Result<(), Failure> {
        let files = self.files(placed);
        let bytes = |path: &Path| {
            let file = files.iter().find(|file| file.path == path);
            file.map_or(&[][..], |file| &file.bytes)
        };
        let both = [&placed.certificate, &placed.key].map(|path| (&**path, bytes(path)));
        let chain = placed.chain.as_deref().map(|path| (path, bytes(path)));
        state.is_coming(&self.name, self.installed.clone().at(both, chain))
    }

    /// It is installed, and its order is over. What cannot be removed of it does no harm: it is given up when the next
    /// certificate is due.
    pub fn is_installed(&self, state: &State, now: OffsetDateTime) {
        if let Ok(Some(mut managed)) = state.managed(&self.name) {
            let at = managed.history.true_time(now, None);
            managed.history.note(Attempt {
                at,
                outcome: Outcome::Renewed,
                is_issued: self.installed.source.is_none(),
                why: None,
            });
            managed.next = self.due().map(OffsetDateTime::unix_timestamp);
            let _ = state.keep_managed(&self.name, &managed);
        }
        let _ = state.forget_order(&self.name);
    }
}
