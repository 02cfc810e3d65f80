//! What was asked for, as a plan keeps it: enough to ask for the very same again.

use std::path::PathBuf;

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use super::enable_files::{Files, Material};
use super::environment::Where;
use super::failure::Failure;
use super::key_files::Origin;
use super::pass_phrase::PassPhrases;
use super::questions::Voice;
use crate::apply::Name;
use crate::change::{self, Http, Profile};
use crate::httpd::Version;
use crate::place;

/// What was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub(super) enum Asked {
    /// See `enable`'s request.
    Enable {
        names: Vec<String>,
        files: Sources,
        port: u16,
        http: Option<Http>,
        vhost: Option<(Name, u32)>,
        profile: Option<Profile>,
        hsts: Option<u32>,
        stapling: bool,
        http2: bool,
        #[serde(default)]
        strict: bool,
        forced: Vec<String>,
    },
    /// See [`change::Disable`].
    Disable {
        domains: Vec<String>,
        forced: Vec<String>,
    },
}

/// Where certificate and key come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub(super) enum Sources {
    /// They are used where they are.
    InPlace {
        cert: Name,
        key: Name,
        chain: Option<Name>,
    },
    /// They are copied from there.
    Copied {
        cert: String,
        key: String,
        chain: Option<String>,
    },
    /// They are taken out of an archive.
    Archive { pfx: String },
    /// They are made.
    SelfSigned,
}

/// Where the configuration was looked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Place {
    root: Option<Name>,
    usual_root: Option<Name>,
    config: Option<Name>,
    httpd: Option<Name>,
    define: Vec<String>,
    apache_version: Option<String>,
}

impl Place {
    pub(super) fn of(place: &Where) -> Place {
        let name = |path: &Option<PathBuf>| path.as_ref().map(|path| Name::from(&*place::whole(path)));
        Place {
            root: name(&place.root),
            usual_root: name(&place.usual_root),
            config: name(&place.config),
            httpd: name(&place.httpd),
            define: place.define.clone(),
            apache_version: place.apache_version.map(|version| version.to_string()),
        }
    }

    pub(super) fn to_where(&self) -> Where {
        let path = |name: &Option<Name>| name.as_ref().map(Name::path);
        Where {
            root: path(&self.root),
            usual_root: path(&self.usual_root),
            config: path(&self.config),
            httpd: path(&self.httpd),
            define: self.define.clone(),
            apache_version: self.apache_version.as_deref().and_then(Version::parse),
        }
    }
}

impl Sources {
    pub(super) fn of(files: &Files) -> Sources {
        let text = |path: &Utf8PathBuf| place::whole(path.as_std_path()).to_string_lossy().into_owned();
        match files {
            // No plan of it is saved.
            Files::SelfSigned | Files::Ordered(_) => Sources::SelfSigned,
            Files::Named {
                certificate,
                key,
                chain,
            } => Sources::InPlace {
                cert: Name::from(&*place::whole(certificate)),
                key: Name::from(&*place::whole(key)),
                chain: chain.as_ref().map(|chain| Name::from(&*place::whole(chain))),
            },
            Files::Installed(material) => match &material.origin {
                Origin::Archive(pfx) => Sources::Archive { pfx: text(pfx) },
                Origin::Files(cert, key, chain) => Sources::Copied {
                    cert: text(cert),
                    key: text(key),
                    chain: chain.as_ref().map(text),
                },
            },
        }
    }

    /// The files that are read for it.
    fn paths(&self) -> Vec<PathBuf> {
        let path = |text: &String| PathBuf::from(text);
        match self {
            Sources::SelfSigned => Vec::new(),
            Sources::Archive { pfx } => vec![path(pfx)],
            Sources::Copied { cert, key, chain } => {
                let all = [cert, key].into_iter().chain(chain);
                all.map(path).collect()
            }
            Sources::InPlace { cert, key, chain } => {
                let all = [cert, key].into_iter().chain(chain);
                all.map(Name::path).collect()
            }
        }
    }

    pub(super) fn open(&self, phrases: &PassPhrases, voice: &dyn Voice) -> Result<Files, Failure> {
        let origin = match self {
            Sources::SelfSigned => return Ok(Files::SelfSigned),
            Sources::InPlace { cert, key, chain } => {
                return Ok(Files::Named {
                    certificate: cert.path(),
                    key: key.path(),
                    chain: chain.as_ref().map(Name::path),
                });
            }
            Sources::Archive { pfx } => Origin::Archive(pfx.into()),
            Sources::Copied { cert, key, chain } => {
                Origin::Files(cert.into(), key.into(), chain.as_ref().map(Utf8PathBuf::from))
            }
        };
        Ok(Files::Installed(Box::new(Material::open(
            origin, phrases, voice,
        )?)))
    }
}

impl Asked {
    /// Keys are made when it is carried out.
    pub(super) fn makes_keys(&self) -> bool {
        matches!(
            self,
            Asked::Enable {
                files: Sources::SelfSigned,
                ..
            }
        )
    }

    /// The certificates and keys that are read for it.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        match self {
            Asked::Enable { files, .. } => files.paths(),
            Asked::Disable { .. } => Vec::new(),
        }
    }

    /// What `disable` was asked for.
    pub(super) fn disable(&self) -> Option<change::Disable> {
        match self {
            Asked::Disable { domains, forced } => {
                let codes = change::Disable::FORCIBLE.into_iter();
                Some(change::Disable {
                    domains: domains.clone(),
                    forced: codes
                        .filter(|code| forced.iter().any(|word| word == code.word()))
                        .collect(),
                })
            }
            Asked::Enable { .. } => None,
        }
    }
}
