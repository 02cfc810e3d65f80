//! What `enable` would say of the certificate files and names that are known so far, by the very rules by which it refuses them:
//! who is asked for them one by one learns it while another answer is still easy.

use std::path::Path;

use camino::Utf8Path;
use zeroize::Zeroizing;

use super::Failure;
use super::enable_files::{Files, Material, TlsFiles};
use super::environment::{Where, World, Writing};
use super::find::Loaded;
use super::job::Job;
use super::judge_files::{self, Server};
use super::key_files::{self, Origin, judged, named};
use super::names::domain_names;
use super::pass_phrase::PassPhrases;
use super::questions::Silent;
pub use super::way_on::codes as ways_on;
use crate::check::Finding;
use crate::check::tls_files::{File, TlsFiles as Judged};
use crate::tls::bundle::Bundle;
use crate::tls::certificate::Certificate;

/// What is known so far.
pub struct Known<'a> {
    /// The certificate, or the archive.
    pub certificate: &'a Utf8Path,
    /// It is an archive, which holds the key as well.
    pub is_archive: bool,
    /// The key, where it was named and opened.
    pub key: Option<&'a Utf8Path>,
    /// The intermediate certificates, where they were named.
    pub chain: Option<&'a Utf8Path>,
    /// What opens key or archive.
    pub phrase: Option<&'a Zeroizing<String>>,
    /// They are copied into the server's folder, in the form that Apache reads.
    pub is_copied: bool,
    /// The names of the site, where they are known.
    pub names: &'a [String],
}

/// What the rules say.
///
/// # Errors
/// When something of it cannot be read.
pub fn of(known: &Known, place: &Where, world: &World) -> Result<Vec<Finding>, Failure> {
    let loaded = Loaded::find(place)?;
    let server = Server::of(Some(&loaded), place);
    let names = domain_names(known.names.iter().map(|name| ("--domain", name)))?;
    match known.files()? {
        Some(files) if !names.is_empty() => {
            let job = Job {
                place,
                writing: &Writing::default(),
                world,
                voice: &Silent,
            };
            let files = TlsFiles::of(&files, &loaded, &names, job)?;
            Ok(files.check(&loaded, server, &names))
        }
        _ => {
            let files = known.part(&loaded)?;
            let of = |name: Option<&str>| judge_files::files(&loaded, server, &files, name);
            Ok(match names.is_empty() {
                true => of(None),
                false => judge_files::of_names(&names, |name| of(Some(name))),
            })
        }
    }
}

impl Known<'_> {
    /// As `enable` gets them; nothing while the key is not known.
    fn files(&self) -> Result<Option<Files>, Failure> {
        let origin = match (self.is_archive, self.key) {
            (true, _) => Origin::Archive(self.certificate.to_owned()),
            (false, None) => return Ok(None),
            (false, Some(key)) if !self.is_copied => {
                return Ok(Some(Files::Named {
                    certificate: self.certificate.into(),
                    key: key.into(),
                    chain: self.chain.map(Into::into),
                }));
            }
            (false, Some(key)) => Origin::Files(
                self.certificate.to_owned(),
                key.to_owned(),
                self.chain.map(Utf8Path::to_owned),
            ),
        };
        let material = Material::open(origin, &self.phrases(), &Silent)?;
        Ok(Some(Files::Installed(Box::new(material))))
    }

    fn phrases(&self) -> PassPhrases {
        let typed = self.phrase.cloned();
        typed.map_or_else(PassPhrases::none, PassPhrases::typed)
    }

    /// The files by themselves, as far as they are known.
    fn part(&self, loaded: &Loaded) -> Result<Judged, Failure> {
        let whole = match (self.is_archive, self.key) {
            (true, _) => Some(key_files::archive(self.certificate, &self.phrases(), &Silent)?),
            (false, _) if !self.is_copied => None,
            (false, Some(key)) => Some(key_files::files(
                self.certificate,
                key,
                self.chain,
                &self.phrases(),
                &Silent,
            )?),
            (false, None) => {
                let bytes = key_files::bytes(self.certificate, "certificate")?;
                let all = Certificate::read_all(&bytes).map_err(|error| named(self.certificate, error))?;
                Bundle::assemble(all, None)
            }
        };
        let text = |path: Option<&Utf8Path>| path.unwrap_or(self.certificate).to_string();
        if let Some(bundle) = whole {
            let certificate = self.certificate.as_str();
            return Ok(judged(&bundle, certificate, &text(self.key), &text(self.chain)));
        }
        let load = |path: &Utf8Path| {
            let path: &Path = path.as_std_path();
            File::load(path).for_service(loaded.service_account())
        };
        Ok(Judged {
            certificate: load(self.certificate),
            key: self.key.map(load),
            chain: self.chain.map(load),
        })
    }
}
