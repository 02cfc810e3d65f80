//! What is kept of authorities between runs, in `conf/esync-ssl-acme`: accounts, orders under way, and which certificates
//! came of them. Files for people and for copying; nobody but the owner reads them, and no `Include` does.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::failure::Failure;
use super::super::find::{Loaded, settings_folder};
use super::managed::{Installed, Managed};
use super::wanted::Authority;
use crate::acme::{Account, AccountKey, Order};
use crate::apply::{self, Disk, Name, Readable, read_own};
use crate::foreign;
use crate::shown::shown;
use crate::tls::private_key::PrivateKey;

/// The folder.
pub struct State<'a> {
    disk: &'a dyn Disk,
    folder: PathBuf,
}

/// An account at an authority.
#[derive(Serialize, Deserialize)]
pub struct KeptAccount {
    schema: u32,
    /// The directory of the authority.
    pub directory: String,
    /// The terms that were agreed to, if it has any.
    pub terms: Option<String>,
    /// What the authority knows its owner by.
    pub external_account: Option<String>,
    /// As the authority tells of it.
    pub account: Account,
}

/// An order that is not over.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptOrder {
    schema: u32,
    /// The directory of the authority.
    pub directory: String,
    /// The account that ordered.
    pub account: String,
    /// How far it has come.
    pub order: Order,
}

/// What failed lately.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Failures {
    schema: u32,
    /// The directory of the authority.
    directory: String,
    /// When the authority found that a name is not ours, the latest last (seconds since 1970).
    pub at: Vec<i64>,
    /// Before this it wants to hear nothing (seconds since 1970).
    pub not_before: Option<i64>,
}

/// A record that a program was asked to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The program.
    pub program: Name,
    /// Where it stands, with a full stop at its end, as in files of zones.
    pub name: String,
    /// Its text.
    pub value: String,
}

/// Records in DNS that are not taken out yet.
#[derive(Default, Serialize, Deserialize)]
struct KeptRecords {
    schema: u32,
    records: Vec<Record>,
}

/// A key that an account is to have.
const NEXT_KEY: &str = "next-key.pem";

/// The form in which all is kept.
const SCHEMA: u32 = 1;

/// What files of ours are at most long, a chain among them.
const LIMIT: u64 = foreign::CERTIFICATE;

impl KeptAccount {
    /// Of an authority.
    pub fn new(
        authority: &Authority,
        terms: Option<String>,
        external: Option<String>,
        account: Account,
    ) -> Self {
        KeptAccount {
            schema: SCHEMA,
            directory: authority.directory().to_owned(),
            terms,
            external_account: external,
            account,
        }
    }
}

impl KeptOrder {
    pub fn new(authority: &Authority, account: &str, order: Order) -> Self {
        KeptOrder {
            schema: SCHEMA,
            directory: authority.directory().to_owned(),
            account: account.to_owned(),
            order,
        }
    }
}

impl<'a> State<'a> {
    /// Of a server.
    pub fn of(loaded: &Loaded, disk: &'a dyn Disk) -> State<'a> {
        State::below(&loaded.source_root(), disk)
    }

    /// Of a server root, whatever its configuration says.
    pub fn below(root: &Path, disk: &'a dyn Disk) -> State<'a> {
        let folder = settings_folder(root).join("esync-ssl-acme");
        State { disk, folder }
    }

    /// The same, by itself.
    pub fn in_folder(folder: PathBuf, disk: &'a dyn Disk) -> State<'a> {
        State { disk, folder }
    }

    /// Removes what killed runs left half written of it.
    pub fn sweep(&self) {
        let below = |folder: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            folders.map(|entry| entry.path()).collect()
        };
        let first = below(&self.folder);
        let second: Vec<PathBuf> = first.iter().flat_map(|folder| below(folder)).collect();
        for folder in [self.folder.clone()].iter().chain(&first).chain(&second) {
            apply::sweep_own(self.disk, folder);
        }
    }

    /// Itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The account at an authority with its key, as far as they are there.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn account(
        &self,
        authority: &Authority,
    ) -> Result<Option<(AccountKey, Option<KeptAccount>)>, Failure> {
        let folder = self.account_folder(authority);
        let path = folder.join("key.pem");
        let Some(pem) = self.read(&path)? else {
            return Ok(None);
        };
        let key = AccountKey::read(&pem).map_err(|error| unusable(&path, &error))?;
        let kept: Option<KeptAccount> = self.read_json(&folder.join("account.json"))?;
        let kept = kept.filter(|kept| kept.directory == authority.directory());
        Ok(Some((key, kept)))
    }

    /// Keeps a key, before the authority hears of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_account_key(&self, authority: &Authority, key: &AccountKey) -> Result<(), Failure> {
        self.put(
            &self.account_folder(authority).join("key.pem"),
            key.to_pem().as_bytes(),
        )
    }

    /// Keeps what the authority tells of an account.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_account(&self, authority: &Authority, account: &KeptAccount) -> Result<(), Failure> {
        self.put_json(&self.account_folder(authority).join("account.json"), account)
    }

    /// A key that the account is to have, or has since a run that was killed.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn next_account_key(&self, authority: &Authority) -> Result<Option<AccountKey>, Failure> {
        let path = self.account_folder(authority).join(NEXT_KEY);
        let Some(pem) = self.read(&path)? else {
            return Ok(None);
        };
        AccountKey::read(&pem)
            .map(Some)
            .map_err(|error| unusable(&path, &error))
    }

    /// Keeps such a key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_next_account_key(&self, authority: &Authority, key: &AccountKey) -> Result<(), Failure> {
        let path = self.account_folder(authority).join(NEXT_KEY);
        self.put(&path, key.to_pem().as_bytes())
    }

    /// It is the key of the account now, or never will be.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget_next_account_key(&self, authority: &Authority) -> Result<(), Failure> {
        let path = self.account_folder(authority).join(NEXT_KEY);
        Ok(apply::remove(self.disk, &path)?)
    }

    /// Moves an account out of the way; nothing of it is lost. Where it is then.
    ///
    /// # Errors
    /// When that fails; the account is where it was.
    pub fn set_aside_account(&self, authority: &Authority) -> Result<Option<PathBuf>, Failure> {
        let Some((key, kept)) = self.account(authority)? else {
            return Ok(None);
        };
        let folder = self.account_folder(authority);
        let mut all = (1..).map(|number| folder.join(format!("replaced-{number}")));
        let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
        let aside = all.find(is_free).unwrap_or_else(|| folder.join("replaced"));
        self.put(&aside.join("key.pem"), key.to_pem().as_bytes())?;
        if let Some(kept) = kept {
            self.put_json(&aside.join("account.json"), &kept)?;
        }
        for file in ["account.json", "key.pem"] {
            apply::remove(self.disk, &folder.join(file))?;
        }
        Ok(Some(aside))
    }

    pub(super) fn order(&self, name: &str) -> Result<Option<KeptOrder>, Failure> {
        self.read_json(&self.order_folder(name).join("order.json"))
    }

    pub(super) fn keep_order(&self, name: &str, order: &KeptOrder) -> Result<(), Failure> {
        self.put_json(&self.order_folder(name).join("order.json"), order)
    }

    /// An order that could not be kept is not placed.
    pub(super) fn refuse_shared_order(&self, name: &str) -> Result<(), Failure> {
        Ok(apply::refuse_shared(&self.order_folder(name).join("order.json"))?)
    }

    pub(super) fn order_key(&self, name: &str) -> Result<Option<PrivateKey>, Failure> {
        let path = self.order_folder(name).join("key.pem");
        let Some(pem) = self.read(&path)? else {
            return Ok(None);
        };
        PrivateKey::read(&pem, None)
            .map(Some)
            .map_err(|error| unusable(&path, &error))
    }

    pub(super) fn keep_order_key(&self, name: &str, key: &PrivateKey) -> Result<(), Failure> {
        self.put(&self.order_folder(name).join("key.pem"), key.to_pem().as_bytes())
    }

    /// The order is over: first the order goes, so that none is ever there without its key.
    pub(super) fn forget_order(&self, name: &str) -> Result<(), Failure> {
        for file in ["order.json", "key.pem"] {
            apply::remove(self.disk, &self.order_folder(name).join(file))?;
        }
        Ok(())
    }

    /// Those of that authority.
    pub(super) fn failures(&self, authority: &Authority, name: &str) -> Result<Failures, Failure> {
        let failures: Option<Failures> = self.read_json(&self.order_folder(name).join("failures.json"))?;
        let of_it = failures.filter(|failures| failures.directory == authority.directory());
        Ok(of_it.unwrap_or_default())
    }

    /// Until when an authority wants to be left alone about a name (seconds since 1970).
    pub fn quiet_until(&self, authority: &Authority, name: &str) -> Option<i64> {
        self.failures(authority, name).ok()?.not_before
    }

    pub(super) fn keep_failures(
        &self,
        authority: &Authority,
        name: &str,
        failures: Failures,
    ) -> Result<(), Failure> {
        let failures = Failures {
            schema: SCHEMA,
            directory: authority.directory().to_owned(),
            ..failures
        };
        self.put_json(&self.order_folder(name).join("failures.json"), &failures)
    }

    /// Records in DNS that are there, or may be.
    pub(super) fn records(&self) -> Result<Vec<Record>, Failure> {
        let kept: Option<KeptRecords> = self.read_json(&self.records_file())?;
        Ok(kept.unwrap_or_default().records)
    }

    pub(super) fn keep_records(&self, records: &[Record]) -> Result<(), Failure> {
        if records.is_empty() {
            return Ok(apply::remove(self.disk, &self.records_file())?);
        }
        let kept = KeptRecords {
            schema: SCHEMA,
            records: records.to_vec(),
        };
        self.put_json(&self.records_file(), &kept)
    }

    /// The certificate of this name ([`file_name`](crate::operation::file_name) of its first), as its files show it.
    ///
    /// # Errors
    /// When what is kept of it cannot be read.
    pub fn managed(&self, name: &str) -> Result<Option<Managed>, Failure> {
        let managed: Option<Managed> = self.read_json(&self.managed_file(name))?;
        Ok(managed.map(Managed::settled))
    }

    /// The names of all of them.
    pub fn all_managed(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.join("managed"));
        let names = entries.into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    /// Notes where a certificate is about to be written.
    pub(super) fn is_coming(&self, name: &str, coming: Installed) -> Result<(), Failure> {
        let mut managed = self
            .managed(name)?
            .unwrap_or_else(|| Managed::new(coming.clone()));
        managed.coming = Some(coming);
        self.keep_managed(name, &managed)
    }

    /// Keeps what is known of a certificate.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_managed(&self, name: &str, managed: &Managed) -> Result<(), Failure> {
        self.put_json(&self.managed_file(name), managed)
    }

    /// A further file in the folder, if it is there.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn kept(&self, file: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        self.read(&self.folder.join(file))
    }

    /// Keeps such a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, file: &str, bytes: &[u8]) -> Result<(), Failure> {
        self.put(&self.folder.join(file), bytes)
    }

    /// Whether such a file is longer than what is read of any.
    pub fn is_too_long(&self, file: &str) -> bool {
        let metadata = self.folder.join(file).symlink_metadata();
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.len() > LIMIT)
    }

    /// Gives such a file the name of another, which is gone then.
    ///
    /// # Errors
    /// When that fails; both are as they were.
    pub fn rename(&self, file: &str, to: &str) -> Result<(), Failure> {
        Ok(apply::rename(self.disk, &self.folder.join(file), to)?)
    }

    /// It is not needed anymore.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self, file: &str) -> Result<(), Failure> {
        Ok(apply::remove(self.disk, &self.folder.join(file))?)
    }

    /// A certificate is nothing of ours anymore.
    ///
    /// # Errors
    /// When what is kept of it cannot be removed.
    pub fn forget_managed(&self, name: &str) -> Result<(), Failure> {
        Ok(apply::remove(self.disk, &self.managed_file(name))?)
    }

    /// Where an account is.
    pub fn account_folder(&self, authority: &Authority) -> PathBuf {
        self.folder.join("accounts").join(authority.folder())
    }

    fn order_folder(&self, name: &str) -> PathBuf {
        self.folder.join("orders").join(name)
    }

    fn records_file(&self) -> PathBuf {
        self.folder.join("dns-records.json")
    }

    /// Where that is.
    pub fn managed_file(&self, name: &str) -> PathBuf {
        self.folder.join("managed").join(format!("{name}.json"))
    }

    /// A file of ours, if it is there: not one that others could have put there.
    fn read(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        match read_own(path, LIMIT) {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let what = format!("{} cannot be used", shown(path));
                Err(Failure::of_system(what, &error, "correct that, or move it away"))
            }
        }
    }

    /// What cannot be understood is as good as not there: another version made it, or the disk lost it.
    fn read_json<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, Failure> {
        let bytes = self.read(path)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn put_json(&self, path: &Path, value: &impl Serialize) -> Result<(), Failure> {
        let text =
            serde_json::to_vec_pretty(value).map_err(|error| Failure::error(anyhow::Error::from(error)))?;
        self.put(path, &text)
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let mark = self.folder.join("README.txt");
        // Also where a run was killed at it, whose half file goes then.
        if !mark.exists() {
            // Open, as Apache has to get to the answers in it; what is closed lies below.
            apply::put(self.disk, &mark, README.as_bytes(), Readable::ByAll)?;
        }
        Ok(apply::put(self.disk, path, bytes, Readable::ByOwner)?)
    }
}

/// What people find there.
const README: &str = "\
Made by esync-ssl: accounts at certificate authorities, orders under way, and which
certificates came of them. The folder can be copied to another machine. Keep it closed:
whoever has the keys in accounts/ can act in your name.
";

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    let cause = format!("{} cannot be used: {why}", shown(path));
    Failure::with_advice(cause, "move it away, then run again: a new one is made")
}
