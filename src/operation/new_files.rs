//! Files that commands make: never over an existing one, keys for their owner only. Decides no names.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use super::failure::{Failure, ended};

use super::file_action::{FileAction, Reported};
use super::find::{Loaded, unusable};
use super::names::dated;
use crate::acl::Account;
use crate::apply::{NewFile, Others, RealDisk, Shared, create_all, may_be_created, others_at};
use crate::foreign;
use crate::httpd::Source;
use crate::interrupt::Hold;
use crate::place::{self, ShownPath};
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::server::service;
use crate::shown::printable;
use crate::tls::bundle::Bundle;
use crate::tls::certificate::Certificate;
use crate::tls::private_key::PrivateKey;

/// So many certificates of one name that begin on one day find names for their files.
const MOST_OF_A_DAY: u32 = 99;

/// Files that are to be made.
#[derive(Default)]
pub struct NewFiles {
    files: Vec<New>,
    /// Files that are there already with the very bytes they should have.
    kept: Vec<String>,
    /// How the disk is seen, where it is not as it is.
    seen: Option<Source>,
    /// The main file of the server that they are for, where that is known.
    main: Option<PathBuf>,
    /// Whether they may go where others may write.
    shared_folders: Shared,
}

struct New {
    /// Nothing while its bytes are not made yet.
    file: Option<NewFile>,
    told: Reported,
}

/// Where the parts of a bundle go.
pub struct Placed {
    /// `NAME.crt`.
    pub certificate: PathBuf,
    /// `NAME.key`, if there is a key.
    pub key: Option<PathBuf>,
    /// `NAME.chain.crt`, if there is a chain.
    pub chain: Option<PathBuf>,
}

impl NewFiles {
    /// None yet, of a configuration.
    pub fn of(loaded: &Loaded) -> NewFiles {
        NewFiles {
            seen: Some(loaded.source.clone()),
            main: Some(loaded.installation.main.clone()),
            ..NewFiles::default()
        }
    }

    /// Adds a file. One that is there already with these bytes is left alone.
    ///
    /// # Errors
    /// Refused when there is a file of that name with other bytes.
    pub fn add(&mut self, path: &Path, pem: &str, told: Reported) -> Result<(), Failure> {
        self.put(path, pem, false, told)
    }

    /// The same with a private key.
    ///
    /// # Errors
    /// As [`NewFiles::add`].
    pub fn add_key(&mut self, path: &Path, pem: &str, told: Reported) -> Result<(), Failure> {
        self.put(path, pem, true, told)
    }

    fn put(&mut self, path: &Path, pem: &str, private: bool, told: Reported) -> Result<(), Failure> {
        let path = place::absolute(path).map_err(|error| unusable(path, &error))?;
        let is_taken = match &self.seen {
            Some(source) => source.is_taken(&path),
            None => path.symlink_metadata().is_ok(),
        };
        if is_taken {
            let same = foreign::read(&path, foreign::CERTIFICATE)
                .map(Zeroizing::new)
                .is_ok_and(|old| **old == *pem.as_bytes());
            if !same {
                return Err(exists(Place::file(path, told.file.as_bytes())));
            }
            self.kept.push(told.file);
            return Ok(());
        }
        let file = NewFile {
            path,
            bytes: Zeroizing::new(pem.as_bytes().to_vec()),
            private,
        };
        self.files.push(New {
            file: Some(file),
            told,
        });
        Ok(())
    }

    /// Tells of a file whose bytes are made later, by others.
    pub fn announce(&mut self, told: Reported) {
        self.files.push(New { file: None, told });
    }

    /// Adds key, certificate and chain as `NAME.key`, `NAME.crt` and `NAME.chain.crt` in a folder; `show` tells how
    /// people know a path.
    pub fn add_bundle(
        &mut self,
        bundle: &Bundle,
        folder: &Path,
        name: &str,
        show: &dyn Fn(&Path) -> String,
    ) -> Result<Placed, Failure> {
        let at = |end: &str| folder.join(format!("{name}.{end}"));
        let told = |path: &Path, reason: String| Reported {
            file: show(path),
            reason,
        };
        let certificate = at("crt");
        let key = match (&bundle.key, bundle.key_pem()) {
            (Some(key), Some(pem)) => {
                let path = at("key");
                self.add_key(&path, &pem, told(&path, private_key(key)))?;
                Some(path)
            }
            _ => None,
        };
        let what = format!("certificate of {}", bundle.leaf.title());
        let pem = bundle.certificate_pem();
        self.add(&certificate, &pem, told(&certificate, what))?;
        let chain = match bundle.chain_pem() {
            Some(pem) => {
                let path = at("chain.crt");
                let names: Vec<&str> = bundle.chain.iter().map(Certificate::title).collect();
                let what = format!("chain: {}", names.join(", "));
                self.add(&path, &pem, told(&path, what))?;
                Some(path)
            }
            None => None,
        };
        Ok(Placed {
            certificate,
            key,
            chain,
        })
    }

    /// A bundle in the server's folder below the first name that is free, or has these very files already: `name`, or where
    /// other files have it, such as those of the certificate that this one renews, `name` with the day on which the new
    /// certificate begins, and a number where several begin on one day.
    pub fn of_bundle(bundle: &Bundle, loaded: &Loaded, name: &str) -> Result<(NewFiles, Placed), Failure> {
        let named = |name: &str| {
            let mut files = NewFiles::of(loaded);
            let placed = files.add_bundle(bundle, &loaded.tls_folder(), name, &|path| loaded.show(path))?;
            Ok((files, placed))
        };
        let dated = dated(name, bundle.leaf.not_before.date());
        let numbered = (2..=MOST_OF_A_DAY).map(|number| format!("{dated}-{number}"));
        let others = [dated.clone()].into_iter().chain(numbered);
        named(name).or_else(|refused| {
            let mut found = others.map(|name| named(&name));
            found.find_map(Result::ok).ok_or(refused)
        })
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What is to be written.
    pub fn report(&self) -> Vec<Reported> {
        self.files.iter().map(|new| new.told.clone()).collect()
    }

    /// For a transaction with other changes.
    pub fn into_files(self) -> Vec<NewFile> {
        self.files.into_iter().filter_map(|new| new.file).collect()
    }

    /// The folders of these files to which others than root and this account may write.
    fn shared(&self) -> Vec<Others> {
        let files = self.files.iter().filter_map(|new| new.file.as_ref());
        let mut shared: Vec<Others> = files.filter_map(|file| others_at(&file.path)).collect();
        shared.dedup();
        shared
    }

    /// Refuses to put keys where a server reads them and others may write: now, so that a preview says so as well, and when
    /// they are written.
    pub fn refuse_shared(&mut self) -> Result<(), Failure> {
        self.shared_folders = Shared::Refused;
        match self.shared().first() {
            Some(others) => {
                let cause = format!(
                    "nothing was written, because no private key is written where accounts other than root and \
                     this one may write: {others}"
                );
                let fix = format!("Remove their rights ({}), then run again", others.remedy());
                let refusal = Refusal::new(RefusalCode::KeyFolderOpen, cause, ". ", fix);
                Err(Failure::refused(refusal.about([Place::path(others.folder())])))
            }
            None => Ok(()),
        }
    }

    /// Writes all of them, or none.
    fn write(self) -> Result<(), Failure> {
        let readers = Account::readers(service::account(self.main.as_deref()).as_ref());
        let _hold = Hold::new();
        let shared = self.shared_folders;
        ended(create_all(&RealDisk, &self.into_files(), &readers, shared).map_err(Failure::from))
    }

    /// Writes all of them unless it is a dry run.
    ///
    /// # Errors
    /// When they cannot be written, and none is there.
    pub fn finish(self, dry_run: bool, mut notes: Vec<String>) -> Result<Outcome, Failure> {
        for others in self.shared() {
            let note = format!("{others}, so accounts other than root can change what is written there");
            notes.push(printable(note.as_bytes()));
        }
        let outcome = Outcome {
            result: match (self.is_empty(), dry_run) {
                (true, _) => "unchanged",
                (false, true) => "would-change",
                (false, false) => "written",
            },
            files: self.report().into_iter().map(FileAction::create).collect(),
            kept: self.kept.iter().map(|file| file.as_str().into()).collect(),
            notes,
        };
        if dry_run {
            let shared = self.shared_folders;
            may_be_created(&self.into_files(), shared)?;
        } else {
            self.write()?;
        }
        Ok(outcome)
    }
}

/// What became of files that are made.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NewFilesReport"))]
pub struct Outcome {
    /// `unchanged`, `would-change` or `written`.
    #[serde(skip)]
    pub result: &'static str,
    /// The files that come.
    pub files: Vec<FileAction>,
    /// Those that are there already with the very bytes they should have.
    pub kept: Vec<ShownPath>,
    /// What people should know beside.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// Refused, as a new file would take the place of another.
pub fn exists(place: Place) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::FileExists,
        say![place, " exists already, and nothing is overwritten"],
        "; ",
        "choose another name, or move it away",
    ))
}

/// Who may read a new key, in words. On Windows the account of Apache's service as well.
pub const KEY_READERS: &str = if cfg!(windows) {
    "readable by its owner, SYSTEM, Administrators and the account of Apache's service only"
} else {
    "readable by its owner only"
};

/// A new key in words.
pub fn private_key(key: &PrivateKey) -> String {
    format!("private key ({}), {KEY_READERS}", key.kind())
}

/// What was in the files and is not used.
pub fn left_out(bundle: &Bundle) -> Option<String> {
    let names: Vec<&str> = bundle.left_out.iter().map(Certificate::title).collect();
    (!names.is_empty()).then(|| format!("left out, because servers do not send it: {}", names.join(", ")))
}

/// The first part of file names: as typed, or made from a certificate.
pub fn base_name(typed: Option<&str>, bundle: &Bundle) -> Result<String, Failure> {
    match typed {
        None => Ok(bundle.file_name()),
        Some(name) if name.is_empty() || name.contains(['/', '\\', ':']) || name.starts_with('.') => {
            Err(Failure::error(anyhow::anyhow!(
                "--name {name:?} cannot start a file name; give a name without folders, such as esync-2026"
            )))
        }
        Some(name) => Ok(name.to_owned()),
    }
}
