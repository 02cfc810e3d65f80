//! What there is to see on this machine, for the guide.

use std::env;

use camino::{Utf8Path, Utf8PathBuf};

use super::answers::{Answers, Chosen, Looks, place_of};
use super::words::is_copied;
use super::{dropped, plain};
use crate::check::Finding;
use crate::foreign;
use crate::operation::at_hand::{self, AtHand, KeyAtHand, Opened};
use crate::operation::survey::{self, Survey};
use crate::operation::{Failure, Where, World, foreseen, posts, schedule};
use crate::server::installation::Installation;

/// Looks at the disk, the system's services and its processes.
pub struct Eyes<'a> {
    /// What the command line says of the server.
    pub place: &'a Where,
    /// The clock and the services.
    pub world: &'a World<'a>,
}

impl Eyes<'_> {
    fn place(&self, chosen: Option<&Chosen>) -> Where {
        place_of(self.place, chosen)
    }
}

fn words(failure: Failure) -> String {
    plain::failure(&failure)
}

impl Looks for Eyes<'_> {
    fn server(&self, chosen: Option<&Chosen>) -> Result<Survey, String> {
        survey::of(&self.place(chosen), self.world).map_err(words)
    }

    fn servers(&self) -> Vec<Installation> {
        Installation::all()
    }

    fn foreseen(&self, known: &Answers) -> Vec<Finding> {
        let Some(certificate) = &known.certificate else {
            return Vec::new();
        };
        let names = known.name.iter().chain(known.aliases.iter().flatten());
        let mut names: Vec<String> = names.cloned().collect();
        // One without any name is none for whatever name the site has.
        if names.is_empty() && certificate.names.is_empty() {
            let of_server = known.server.as_ref().map(Survey::names).unwrap_or_default();
            names.extend(of_server.first().map(|name| (*name).to_owned()));
        }
        let opened = known.key.as_ref().filter(|(_, key)| key.is_some());
        let known_files = foreseen::Known {
            certificate: &certificate.path,
            is_archive: certificate.is_archive,
            key: opened.map(|(path, _)| &**path),
            chain: known.chain.iter().flatten().map(|path| &**path).next(),
            phrase: known.phrase.as_ref(),
            is_copied: is_copied(known),
            names: &names,
        };
        // What cannot be looked at, the command tells.
        foreseen::of(&known_files, &self.place(known.chosen.as_ref()), self.world).unwrap_or_default()
    }

    fn certificate(&self, path: &Utf8Path) -> Result<AtHand, String> {
        at_hand::certificate(path).map_err(words)
    }

    fn key(
        &self,
        path: &Utf8Path,
        certificate: &Utf8Path,
        phrase: Option<&str>,
    ) -> Result<Opened<KeyAtHand>, String> {
        at_hand::key(path, certificate, phrase).map_err(words)
    }

    fn chain(&self, path: &Utf8Path, certificate: &Utf8Path) -> Result<String, String> {
        at_hand::chain(path, certificate).map_err(words)
    }

    fn archive(&self, path: &Utf8Path, phrase: Option<&str>) -> Result<Opened<AtHand>, String> {
        at_hand::archive(path, phrase).map_err(words)
    }

    fn renews(&self, chosen: Option<&Chosen>) -> Option<bool> {
        schedule::is_on(&self.place(chosen), self.world)
    }

    fn posts(&self, chosen: Option<&Chosen>) -> Option<String> {
        posts::of(&self.place(chosen), self.world).ok()?.told()
    }

    fn host(&self) -> Option<String> {
        let name = match cfg!(windows) {
            true => format!(
                "{}.{}",
                env::var("COMPUTERNAME").ok()?,
                env::var("USERDNSDOMAIN").ok()?
            ),
            false => {
                let bytes = foreign::read("/proc/sys/kernel/hostname".as_ref(), foreign::NOTE).ok()?;
                String::from_utf8(bytes).ok()?
            }
        };
        Some(name.trim().to_ascii_lowercase())
    }

    fn folder(&self) -> Utf8PathBuf {
        let current = env::current_dir().unwrap_or_default();
        // There a program is that was started as administrator.
        let system = env::var_os("SystemRoot").filter(|_| cfg!(windows));
        let is_of_system = system.is_some_and(|system| current.starts_with(system));
        let home = env::var("USERPROFILE").ok().filter(|_| is_of_system);
        let current = Utf8PathBuf::from_path_buf(current).unwrap_or_else(|_| ".".into());
        home.map_or(current, Utf8PathBuf::from)
    }

    fn path(&self, typed: &str) -> Utf8PathBuf {
        let home = env::var(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).ok();
        dropped::path(typed, home.as_deref(), &|path| Utf8Path::new(path).exists())
    }

    fn is_folder(&self, path: &Utf8Path) -> bool {
        path.is_dir()
    }
}
