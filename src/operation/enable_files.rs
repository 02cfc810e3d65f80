//! Which certificate files `enable` names, and which of them it makes. Knows no directives.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::Failure;
use super::file_action::{FileAction, Reported};
use super::find::Loaded;
use super::job::Job;
use super::judge_files::{self, Server};
use super::key_files::{Origin, judged, without_key};
use super::names::file_name;
use super::new_files::{KEY_READERS, NewFiles, left_out};
use super::obtain::{Found, Placed, State, Wanted, placed};
use super::pass_phrase::PassPhrases;
use super::questions::Voice;
use crate::apply::{NameChange, NewFile};
use crate::check::tls_files::{File, TlsFiles as Judged};
use crate::check::{Code, Finding, Severity};
use crate::foreign;
use crate::httpd::SERVER;
use crate::mod_ssl::tls_hosts;
use crate::quoted::quoted;
use crate::refusal::{Refusal, RefusalCode, say};
use crate::shown::printable;
use crate::tls::bundle::Bundle;
use crate::tls::certificate::Certificate;
use crate::tls::issue::{DEFAULT_DAYS, KeyType, self_signed};

/// Which certificate files a site gets.
pub enum Files {
    /// Those that are there, where they are.
    Named {
        /// The certificate.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
        /// The intermediate certificates.
        chain: Option<PathBuf>,
    },
    /// Put into the server's folder.
    Installed(Box<Material>),
    /// Made there, to try things out.
    SelfSigned,
    /// Made by an authority that is asked for it, and put there.
    Ordered(Box<Wanted>),
}

/// The certificate files of the request, on this machine.
pub struct TlsFiles {
    /// `SSLCertificateFile`.
    pub certificate: PathBuf,
    /// `SSLCertificateKeyFile`.
    pub key: PathBuf,
    /// `SSLCertificateChainFile`.
    pub chain: Option<PathBuf>,
    /// Those of them that do not exist yet.
    pub create: NewFiles,
    /// What people should know about them.
    pub notes: Vec<String>,
    /// Where no chain comes with the certificate: those of the certificate that it replaces, as far as they fit it.
    pub fitting_chains: Vec<Vec<u8>>,
    /// What the rules look at; nothing while key and certificate are not made yet.
    judged: Option<Judged>,
    self_signed: bool,
    /// Where those go that an authority makes.
    ordered: Option<Placed>,
}

/// Certificate, key and chain that are to be put into the server's folder, read and opened: whoever has to type a
/// pass-phrase does so before anything waits for it.
pub struct Material {
    /// Themselves.
    pub bundle: Bundle,
    /// What they come from.
    pub origin: Origin,
}

impl Material {
    /// Reads and opens them.
    ///
    /// # Errors
    /// As [`Origin::open`].
    pub fn open(origin: Origin, phrases: &PassPhrases, voice: &dyn Voice) -> Result<Material, Failure> {
        let bundle = origin.open(phrases, voice)?;
        Ok(Material { bundle, origin })
    }
}

impl TlsFiles {
    /// The files that are named, those that are put into the server's folder, or those to be made.
    pub fn of(files: &Files, loaded: &Loaded, names: &[String], job: Job) -> Result<TlsFiles, Failure> {
        let name = &file_name(&names[0]);
        let mut found = match files {
            Files::Ordered(wanted) => {
                let state = State::of(loaded, job.world.disk);
                let server = Server::of(Some(loaded), job.place);
                match placed(wanted, loaded, server, names, (&state, (job.world.now)()))? {
                    Found::Kept(files, note) => {
                        let chain = files.chain.as_deref();
                        let mut found = Self::named(&files.certificate, &files.key, chain, loaded)?;
                        found.notes.push(note);
                        Ok(found)
                    }
                    Found::New(new) => {
                        let (placed, create, note) = *new;
                        let mut found = Self::to_be_ordered(placed, create);
                        found.notes.extend(note);
                        Ok(found)
                    }
                }
            }
            Files::Installed(material) => Self::installed(material, loaded, name),
            Files::SelfSigned => Self::self_signed(loaded, name),
            Files::Named {
                certificate,
                key,
                chain,
            } => Self::named(certificate, key, chain.as_deref(), loaded),
        }?;
        found.keep_fitting_chains(loaded, names);
        Ok(found)
    }

    /// A certificate that was renewed without naming a chain goes on with the chain that is there, if it fits.
    fn keep_fitting_chains(&mut self, loaded: &Loaded, names: &[String]) {
        let (None, Some(leaf)) = (&self.chain, self.leaf()) else {
            return;
        };
        self.fitting_chains = judge_files::fitting_chains(loaded, &self.certificate, &leaf, names);
        let source = loaded.configuration.source();
        self.notes.extend(self.fitting_chains.iter().map(|chain| {
            let chain = loaded.show(&source.host_path(chain));
            format!("the chain {chain} stays: the issuer of the new certificate is in it")
        }));
    }

    /// The certificate, where it is there and can be read.
    fn leaf(&self) -> Option<Certificate> {
        let mut certificates = self.judged.as_ref()?.certificate.contents.certificates();
        Certificate::from_item(certificates.next()?).ok()
    }

    /// An authority makes them, and they go there.
    fn to_be_ordered(placed: Placed, create: NewFiles) -> TlsFiles {
        TlsFiles {
            certificate: placed.certificate.clone(),
            key: placed.key.clone(),
            chain: placed.chain.clone(),
            create,
            notes: Vec::new(),
            fitting_chains: Vec::new(),
            judged: None,
            self_signed: false,
            ordered: Some(placed),
        }
    }

    /// Where those go that an authority is still to make.
    pub fn ordered(&self) -> Option<&Placed> {
        self.ordered.as_ref()
    }

    /// The files stay where they are.
    fn named(
        certificate: &Path,
        key: &Path,
        chain: Option<&Path>,
        loaded: &Loaded,
    ) -> Result<TlsFiles, Failure> {
        let service = loaded.service_account();
        let load = |path: &Path| File::load(path).for_service(service);
        for (path, option, what) in [
            (Some(certificate), "--cert", "certificate"),
            (Some(key), "--key", "private key"),
            (chain, "--chain", "chain"),
        ] {
            if let Some(path) = path {
                readable(path, option, what)?;
            }
        }
        Ok(TlsFiles {
            judged: Some(Judged {
                certificate: load(certificate),
                key: Some(load(key)),
                chain: chain.map(load),
            }),
            certificate: certificate.into(),
            key: key.into(),
            chain: chain.map(PathBuf::from),
            create: NewFiles::default(),
            notes: Vec::new(),
            fitting_chains: Vec::new(),
            self_signed: false,
            ordered: None,
        })
    }

    /// The files are put into the server's folder for them.
    fn installed(material: &Material, loaded: &Loaded, name: &str) -> Result<TlsFiles, Failure> {
        let Material { bundle, origin } = material;
        let (create, placed) = NewFiles::of_bundle(bundle, loaded, name)?;
        if !create.is_empty() {
            loaded.refuse_included(&loaded.tls_folder())?;
        }
        let [certificate, key, chain] = &origin.names();
        Ok(TlsFiles {
            certificate: placed.certificate,
            key: placed.key.ok_or_else(|| without_key(certificate))?,
            chain: placed.chain,
            create,
            notes: left_out(bundle).into_iter().collect(),
            fitting_chains: Vec::new(),
            judged: Some(judged(bundle, certificate, key, chain)),
            self_signed: false,
            ordered: None,
        })
    }

    /// Key and certificate are made, or were made by an earlier run.
    fn self_signed(loaded: &Loaded, name: &str) -> Result<TlsFiles, Failure> {
        let folder = loaded.tls_folder();
        let certificate = folder.join(format!("{name}.crt"));
        let key = folder.join(format!("{name}.key"));
        let mut create = NewFiles::of(loaded);
        let mut found = None;
        match [&certificate, &key].map(|path| loaded.source.is_taken(path)) {
            [true, true] => {
                let service = loaded.service_account();
                let load = |path: &Path| {
                    let mut file = File::load(path).for_service(service);
                    file.path = loaded.show(path);
                    file
                };
                let there = load(&certificate);
                refuse_of_authority(&there, &certificate, &key, loaded)?;
                found = Some(Judged {
                    certificate: there,
                    key: Some(load(&key)),
                    chain: None,
                });
            }
            [false, false] => {
                loaded.refuse_included(&folder)?;
                create.announce(Reported {
                    file: loaded.show(&key),
                    reason: format!("new private key (EC P-256), {KEY_READERS}"),
                });
                create.announce(Reported {
                    file: loaded.show(&certificate),
                    reason: format!(
                        "new self-signed certificate, valid for {DEFAULT_DAYS} days; browsers warn about it"
                    ),
                });
            }
            [there, _] => {
                let [is, lacks] = if there {
                    [&certificate, &key]
                } else {
                    [&key, &certificate]
                };
                return Err(Failure::refused(Refusal::new(
                    RefusalCode::HalfAPair,
                    say![
                        loaded.place(is),
                        " exists but ",
                        loaded.place(lacks),
                        " does not; nothing is overwritten"
                    ],
                    ": ",
                    "move it away, or name both files with --cert and --key",
                )));
            }
        }
        Ok(TlsFiles {
            certificate,
            key,
            chain: None,
            create,
            notes: Vec::new(),
            fitting_chains: Vec::new(),
            judged: found,
            self_signed: true,
            ordered: None,
        })
    }

    /// What the rules say about them for all names.
    pub fn check(&self, loaded: &Loaded, server: Server, names: &[String]) -> Vec<Finding> {
        let Some(judged) = &self.judged else {
            return Vec::new();
        };
        let mut found = judge_files::of_names(names, |name| {
            let mut judged = judged.clone();
            judged.chain = judged.chain.or_else(|| self.chain_that_stays(loaded, name));
            judge_files::files(loaded, server, &judged, Some(name))
        });
        // Who asks for it knows.
        found.retain(|finding| !(self.self_signed && finding.code == Code::CertSelfSigned));
        found
    }

    fn chain_that_stays(&self, loaded: &Loaded, name: &str) -> Option<File> {
        judge_files::chain_that_stays(loaded, &self.certificate, &self.fitting_chains, name)
    }

    /// The certificate names no OCSP responder, so there is nothing that the server could staple: Apache logs AH02218 and
    /// goes on without. `SSLStaplingForceURL` names one in its stead.
    pub fn without_responder(&self, loaded: &Loaded, names: &[String]) -> Option<Finding> {
        let names_one = match &self.judged {
            Some(_) => self.leaf().is_none_or(|leaf| !leaf.ocsp.is_empty()),
            None => !self.self_signed,
        };
        let configuration = &loaded.configuration;
        let own = tls_hosts(configuration).filter(|host| names.iter().any(|name| host.has_name(name)));
        let mut sections = own.map(|host| host.section).chain([SERVER]);
        let is_forced =
            sections.any(|section| configuration.setting(section, "SSLStaplingForceURL").is_some());
        (!names_one && !is_forced).then(|| {
            let finding = Finding::new(
                Code::CertNoResponder,
                Severity::WorksButWrong,
                "the certificate names no OCSP responder",
                "The server has nowhere to fetch the proof from that stapling sends. Apache starts, logs it and staples nothing; \
                 many authorities have no responder, and self-signed certificates never have one.",
                "Leave --ocsp-stapling out.",
            );
            finding
                .logged(&["AH02218", "AH02567"])
                .at(&loaded.show(&self.certificate), None)
        })
    }

    /// Those that are there, with the bytes that were judged.
    pub fn read(&self) -> Vec<(PathBuf, Zeroizing<Vec<u8>>)> {
        let Some(judged) = &self.judged else {
            return Vec::new();
        };
        if !self.create.is_empty() {
            return Vec::new();
        }
        let files = [
            Some((&self.certificate, &judged.certificate)),
            judged.key.as_ref().map(|key| (&self.key, key)),
        ];
        let read = files
            .into_iter()
            .flatten()
            .filter_map(|(path, file)| Some((path.clone(), file.bytes.as_ref().ok()?.clone())));
        read.collect()
    }

    /// What makes the files that are to be made. Keys are made only now: a preview needs none. Those that an authority is still
    /// to make have a self-signed certificate in their stead.
    pub fn into_changes(self, names: &[String], now: OffsetDateTime) -> Result<Vec<NameChange>, Failure> {
        if !self.self_signed && self.ordered.is_none() || self.create.is_empty() {
            return Ok(self
                .create
                .into_files()
                .into_iter()
                .map(NameChange::from)
                .collect());
        }
        let made = self_signed(names, KeyType::P256, DEFAULT_DAYS, now).map_err(|error| {
            let cause = format!("no self-signed certificate could be made: {error}");
            Failure::error(anyhow::anyhow!("{cause}; give --cert and --key instead"))
        })?;
        let file = |path, pem: &str, private| NewFile {
            path,
            bytes: pem.as_bytes().to_vec().into(),
            private,
        };
        let chain = self.chain.map(|path| file(path, &made.certificate_pem, false));
        let pair = [
            file(self.key, &made.key_pem, true),
            file(self.certificate, &made.certificate_pem, false),
        ];
        let files = pair.into_iter().chain(chain);
        Ok(match &self.ordered {
            Some(placed) => files.map(|file| placed.change(file)).collect(),
            None => files.map(NameChange::from).collect(),
        })
    }

    /// How the files that are to be made are told: those that take the place of others change.
    pub fn actions(&self) -> Vec<FileAction> {
        let replaces = self
            .ordered
            .as_ref()
            .is_some_and(|placed| !placed.before.is_empty());
        let make = match replaces {
            true => FileAction::replace,
            false => FileAction::create,
        };
        self.create.report().into_iter().map(make).collect()
    }
}

/// What an authority made is not taken for what was asked for, and not overwritten either.
fn refuse_of_authority(there: &File, certificate: &Path, key: &Path, loaded: &Loaded) -> Result<(), Failure> {
    let first = there.contents.certificates().next();
    let leaf = first.and_then(|item| Certificate::from_item(item).ok());
    let Some(leaf) = leaf.filter(|leaf| !leaf.is_self_issued()) else {
        return Ok(());
    };
    Err(Failure::refused(Refusal::new(
        RefusalCode::FileExists,
        say![
            loaded.place(certificate),
            format!(
                " is there already and is not self-signed: {} issued it, and nothing is overwritten",
                printable(leaf.issuer.as_bytes())
            )
        ],
        "; ",
        format!(
            "use it with --cert {} --key {} in place of --self-signed, or move both away",
            quoted(certificate),
            quoted(key)
        ),
    )))
}

/// A file that Apache could read: regular, not empty.
fn readable(path: &Path, option: &str, what: &str) -> Result<(), Failure> {
    let shown = path.display();
    let cannot = |act: &str| format!("the {what} file {shown} ({option}) cannot be {act}");
    let metadata = std::fs::metadata(path)
        .map_err(|error| Failure::of_system(cannot("read"), &error, "check the path"))?;
    let problem = if let Some(other) = foreign::what_else(&metadata) {
        format!("is {other}")
    } else if metadata.len() == 0 {
        "is empty".into()
    } else {
        foreign::open(path)
            .map_err(|error| Failure::of_system(cannot("opened"), &error, "check who may read it"))?;
        return Ok(());
    };
    Err(Failure::error(anyhow::anyhow!(
        "the {what} file {shown} ({option}) {problem}; name the {what}'s PEM file"
    )))
}
