//! A certificate that came of an authority, as it is kept: what was asked for, where it is, and what became of its renewals.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::super::names::is_wildcard;
use super::wanted::{Adopted, AnswerBy, DnsHook, Wanted};
use crate::acme::certificate_id;
use crate::apply::{Name, checksum};
use crate::foreign;
use crate::renewal::{Decision, History, Known, Life, Look, Told, draw, due};
use crate::tls::certificate::{Certificate, colon_hex};

/// The form in which it is kept.
const SCHEMA: u32 = 1;

/// A certificate that came of an order and was installed, and what became of its renewals.
#[derive(Clone, Serialize, Deserialize)]
pub struct Managed {
    schema: u32,
    /// As it is installed.
    #[serde(flatten)]
    pub installed: Installed,
    /// As a run leaves it that may have been killed. Noted before anything is written: which of both is the case, the files
    /// show.
    #[serde(default)]
    pub coming: Option<Installed>,
    /// What was tried, and what the authority said.
    #[serde(default)]
    pub history: History,
    /// When it is looked at next, as it was decided last (seconds since 1970).
    #[serde(default)]
    pub next: Option<i64>,
}

/// What was asked for, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The directory of the authority.
    pub directory: String,
    /// The names that were wanted.
    pub names: Vec<String>,
    /// The kind of certificate, by the authority's word.
    pub profile: Option<String>,
    /// `SSLCertificateFile`.
    pub certificate: Name,
    /// `SSLCertificateKeyFile`.
    pub key: Name,
    /// `SSLCertificateChainFile`.
    pub chain: Option<Name>,
    /// SHA-256 over the certificate.
    pub sha256: String,
    /// SHA-256 over these files, to see whether somebody else changed them; nothing where an earlier version wrote this.
    #[serde(default)]
    pub checksums: Vec<String>,
    /// How the authority is asked.
    #[serde(default)]
    pub way: KeptWay,
    /// Where the next one comes from, where no authority is asked for it.
    #[serde(default)]
    pub source: Option<Source>,
}

/// Where certificates come from that others order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// A file, or a folder into which somebody puts files.
    pub path: Name,
    /// Which of both it was when it was named: the other one does not take its place. Nothing where an earlier version wrote this.
    #[serde(default)]
    pub is_folder: Option<bool>,
    /// The file with the pass-phrase of what is put there.
    #[serde(default)]
    pub pass_phrase: Option<Name>,
    /// Others than root and this account may write there: that was said to be meant.
    #[serde(default)]
    pub others_may_write: bool,
}

/// How an authority is asked, for orders without anybody who says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptWay {
    /// The file with root certificates that are trusted as well.
    pub authority_root: Option<Name>,
    /// The HTTP proxy, unless a password is in its address: that is in no record.
    pub proxy: Option<String>,
    /// Whom the authority may write to.
    pub email: Vec<String>,
    /// Its terms were agreed to.
    pub agrees_to_terms: bool,
    /// Who answers.
    pub answer: AnswerBy,
    /// The program that answers in DNS.
    #[serde(default)]
    pub dns_hook: Option<KeptHook>,
    /// From whom it was taken over.
    #[serde(default)]
    pub adopted: Option<Adopted>,
}

/// A program that answers in DNS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHook {
    /// Where it is.
    pub program: Name,
    /// Seconds in which the name servers are to show a record.
    pub patience: u64,
}

impl Managed {
    /// One that nothing else is known of.
    pub fn new(installed: Installed) -> Managed {
        Managed {
            schema: SCHEMA,
            installed,
            coming: None,
            history: History::default(),
            next: None,
        }
    }

    /// The same with what is the case, as far as the files show it.
    pub fn settled(mut self) -> Managed {
        if let Some(coming) = self.coming.take_if(|coming| coming.leaf().is_some()) {
            self.installed = coming;
        }
        self
    }

    /// When it is looked at next, as it was decided last.
    pub fn next_look(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.next?).ok()
    }

    /// What the authority said of this certificate, if that is the one that it was asked about.
    pub fn told(&self, leaf: &Certificate) -> Option<&Told> {
        self.history.told(&certificate_id(leaf.der()).ok()?)
    }

    /// Whether the certificate that is there is to be renewed.
    pub fn due(&self, leaf: &Certificate, look: &Look) -> Decision {
        let known = Known {
            life: Life::of(leaf),
            ca: self.told(leaf).and_then(|told| told.info.as_ref()),
            draw: draw(leaf.der()),
            history: &self.history,
        };
        due(&known, look)
    }
}

impl Installed {
    /// What was wanted of an authority, not yet in any file.
    pub(super) fn new(wanted: &Wanted, agreed: bool, names: &[String], sha256: String) -> Installed {
        let is_secret = |proxy: &String| proxy.contains('@');
        Installed {
            directory: wanted.authority.directory().to_owned(),
            names: names.to_vec(),
            profile: wanted.profile.clone(),
            certificate: Name::from(Path::new("")),
            key: Name::from(Path::new("")),
            chain: None,
            sha256,
            checksums: Vec::new(),
            way: KeptWay {
                authority_root: wanted.authority_root.as_deref().map(kept_path),
                proxy: wanted.proxy.clone().filter(|proxy| !is_secret(proxy)),
                email: wanted.email.clone(),
                agrees_to_terms: agreed,
                answer: wanted.answer,
                adopted: wanted.adopted.clone(),
                dns_hook: wanted.dns_hook.as_ref().map(|hook| KeptHook {
                    program: kept_path(&hook.program),
                    patience: hook.patience.as_secs(),
                }),
            },
            source: None,
        }
    }

    /// One that others ordered, not yet in any file.
    pub fn of_source(source: Source, names: Vec<String>, leaf: &Certificate) -> Installed {
        Installed {
            directory: String::new(),
            names,
            profile: None,
            certificate: Name::from(Path::new("")),
            key: Name::from(Path::new("")),
            chain: None,
            sha256: colon_hex(&leaf.sha256()),
            checksums: Vec::new(),
            way: KeptWay::default(),
            source: Some(source),
        }
    }

    /// The same in these files: certificate, key and chain, each with its bytes.
    pub fn at(self, [certificate, key]: [(&Path, &[u8]); 2], chain: Option<(&Path, &[u8])>) -> Self {
        let all = [certificate, key].into_iter().chain(chain);
        Installed {
            checksums: all.map(|(_, bytes)| checksum(bytes)).collect(),
            certificate: Name::from(certificate.0),
            key: Name::from(key.0),
            chain: chain.map(|(path, _)| Name::from(path)),
            ..self
        }
    }

    /// What is to be ordered again.
    ///
    /// # Errors
    /// What is wrong with the address of the authority.
    pub fn wanted(&self) -> Result<Wanted, String> {
        Ok(Wanted {
            profile: self.profile.clone(),
            authority_root: self.way.authority_root.as_ref().map(Name::path),
            proxy: self.way.proxy.clone(),
            email: self.way.email.clone(),
            agrees_to_terms: self.way.agrees_to_terms,
            answer: self.way.answer,
            adopted: self.way.adopted.clone(),
            dns_hook: self.way.dns_hook.as_ref().map(|hook| DnsHook {
                program: hook.program.path(),
                patience: Duration::from_secs(hook.patience),
            }),
            wildcards: self
                .names
                .iter()
                .filter(|name| is_wildcard(name))
                .cloned()
                .collect(),
            ..Wanted::of(self.directory.parse()?)
        })
    }

    /// The names that the configuration was told of.
    pub fn site_names(&self) -> Vec<String> {
        let names = self.names.iter().filter(|name| !is_wildcard(name));
        names.cloned().collect()
    }

    /// Its files, the certificate first, then the key.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let all = [&self.certificate, &self.key].into_iter().chain(&self.chain);
        all.map(Name::path)
    }

    /// Its certificate, if its file still holds it.
    pub fn leaf(&self) -> Option<Certificate> {
        self.leaf_in(&foreign::read(&self.certificate.path(), foreign::CERTIFICATE).ok()?)
    }

    /// Its certificate, if these bytes begin with it.
    pub(super) fn leaf_in(&self, bytes: &[u8]) -> Option<Certificate> {
        let leaf = Certificate::first(bytes)?;
        (colon_hex(&leaf.sha256()) == self.sha256).then_some(leaf)
    }
}

/// A path that means the same to whoever runs in another folder.
fn kept_path(path: &Path) -> Name {
    let whole = crate::place::absolute(path);
    Name::from(whole.as_deref().unwrap_or(path))
}
