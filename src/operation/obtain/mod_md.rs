//! Apache's mod_md as a mere answerer on port 443: it shows whatever lies in its store for a name, at once, whether it manages
//! that name or not, where `Protocols` has acme-tls/1. How the store is laid out is documented nowhere, so it is tried by a
//! handshake before the authority is asked.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::super::answer_probe::Probe;
use super::super::answers;
use super::super::failure::{Failure, not_interrupted};
use super::super::find::Loaded;
use super::wanted::Authority;
use crate::acme::{ALPN, ChallengeCertificate};
use crate::apply::{self, Disk, Last, NewFile, Place, RealDisk, Shared, create_all};
use crate::change::AnswerPlace;
use crate::httpd::{SERVER, Truth, resolve};
use crate::interrupt::Hold;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::deadline::{Deadline, ONE_ANSWER};
use crate::server::handshake;
use crate::shown::sentence;
use crate::tls::issue::KeyType;
use crate::tls::name::Name;

/// Where it looks.
const PORT: u16 = 443;
/// What says that a folder of the store is ours.
const OURS: &str = "esync-ssl";
/// How it calls the files, and which key it wants in them: it knows the kinds by `MDPrivateKeys`, and Apache shows what is of
/// the kind of the virtual host's own key.
const KINDS: [(KeyType, &str); 3] = [
    (KeyType::P256, ""),
    (KeyType::Rsa2048, ""),
    (KeyType::P256, ".secp256r1"),
];

/// Whether Apache has it.
pub fn is_loaded(loaded: &Loaded) -> bool {
    loaded.configuration.modules().has(b"md_module") == Truth::True
}

/// What lies in its store, and goes when this goes.
pub struct Shown {
    folders: Vec<PathBuf>,
    // Last: before the program may end, they are gone.
    _hold: Hold,
}

/// Refuses where it does not show a probe for each name.
///
/// # Errors
/// As [`Shown::lay`].
pub fn refuse_silent(loaded: &Loaded, names: &[String], authority: &Authority) -> Result<(), Failure> {
    let probe = Probe::new().map_err(Failure::error)?;
    let names: Result<Vec<Name>, _> = names.iter().map(|name| Name::parse(name)).collect();
    let names = names.map_err(|error| Failure::error(anyhow::anyhow!("{error}")))?;
    let all: Vec<(&Name, &str)> = names.iter().map(|name| (name, probe.body.as_str())).collect();
    Shown::lay(&all, loaded, authority).map(|_| ())
}

impl Shown {
    /// Puts an answer for each name, with its key authorisation, into the store, and sees that it is shown at every address of
    /// this machine.
    ///
    /// # Errors
    /// Refused where it is not shown: then nothing of it stays.
    pub fn lay(all: &[(&Name, &str)], loaded: &Loaded, authority: &Authority) -> Result<Shown, Failure> {
        let store = store(loaded);
        let mut shown = Shown {
            folders: Vec::new(),
            _hold: Hold::new(),
        };
        if !store.is_dir() {
            let why = format!("{} is not there", loaded.show(&store));
            return Err(silent(&why, authority));
        }
        for one in all {
            shown.lay_one(&store, one, loaded, authority)?;
        }
        Ok(shown)
    }

    fn lay_one(
        &mut self,
        store: &Path,
        (name, authorization): &(&Name, &str),
        loaded: &Loaded,
        authority: &Authority,
    ) -> Result<(), Failure> {
        let mut why = "nobody listens there".to_owned();
        for (kind, end) in KINDS {
            not_interrupted()?;
            let made = ChallengeCertificate::new(name, authorization, kind);
            let made = made.map_err(|error| Failure::error(anyhow::anyhow!("{error}")))?;
            let folder = store.join(made.server_name());
            sweep(&folder);
            if folder.exists() {
                let why = format!("mod_md itself is at work for {name}");
                return Err(silent(&why, authority));
            }
            self.folders.push(folder.clone());
            put(&folder, &made, end)?;
            let places = AnswerPlace {
                port: PORT,
                ..AnswerPlace::of(&loaded.configuration, vec![name.to_string()])
            };
            let addresses = answers::addresses(&loaded.configuration, &places);
            let hidden = addresses.iter().find_map(|address| hidden(*address, &made));
            match hidden {
                None if !addresses.is_empty() => return Ok(()),
                None => {}
                Some(words) => why = words,
            }
            sweep(&folder);
        }
        Err(silent(&why, authority))
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        for folder in &self.folders {
            sweep(folder);
        }
    }
}

/// Where it keeps what it answers with.
fn store(loaded: &Loaded) -> PathBuf {
    let configuration = &loaded.configuration;
    let named = configuration
        .setting(SERVER, "MDStoreDir")
        .and_then(|entry| configuration.arguments(entry).into_iter().next())
        .unwrap_or_else(|| b"md".to_vec());
    let full = resolve(configuration.server_root(), &named, loaded.facts.platform);
    configuration.source().host_path(&full).join("challenges")
}

fn files(folder: &Path, end: &str) -> [PathBuf; 2] {
    ["pubcert", "privkey"].map(|what| folder.join(format!("acme-tls-alpn-01-{what}{end}.pem")))
}

/// The account of the server reads them; the folder around is closed to all others.
fn put(folder: &Path, made: &ChallengeCertificate, end: &str) -> Result<(), Failure> {
    let [certificate, key] = files(folder, end);
    let file = |path: PathBuf, text: &str| NewFile {
        path,
        bytes: text.as_bytes().to_vec().into(),
        private: false,
    };
    let all = [
        file(folder.join(OURS), ""),
        file(key, &made.key_pem()),
        file(certificate, &made.certificate_pem()),
    ];
    Ok(create_all(&RealDisk, &all, &[], Shared::Allowed)?)
}

/// Takes a folder of ours away, also one that a killed run left. What stays does no harm: mod_md removes it at its next start.
fn sweep(folder: &Path) {
    if !folder.join(OURS).is_file() {
        return;
    }
    let all = KINDS.iter().flat_map(|(_, end)| files(folder, end));
    for file in all.chain([folder.join(OURS)]) {
        let _ = apply::remove(&RealDisk, &file);
    }
    if let Ok(place) = Place::of(folder, Last::Keep) {
        let _ = RealDisk.remove_folder(&place);
    }
}

/// What an authority would see there instead; nothing where it would see this one.
fn hidden(address: SocketAddr, made: &ChallengeCertificate) -> Option<String> {
    let seen = handshake::shown_by(address, made.server_name(), ALPN, Deadline::within(ONE_ANSWER));
    match seen {
        Ok(all) if all.iter().all(|shown| shown == made.certificate_der()) => None,
        Ok(_) => Some(format!("another certificate is shown at {address}")),
        Err(handshake::Failure::NotConnected(why)) => {
            Some(format!("nobody answers at {address}: {}", sentence(&why)))
        }
        Err(other) => Some(format!(
            "no certificate for an authority is shown at {address}: {}",
            sentence(&other.to_string())
        )),
    }
}

fn silent(why: &str, authority: &Authority) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::NobodyAnswers,
        format!("mod_md does not answer {authority}, which was not asked for that reason: {why}"),
        "; ",
        "see that acme-tls/1 is among its Protocols (Protocols http/1.1 acme-tls/1) and restart Apache where it does not run with \
         this configuration yet, or run again with --answer handover",
    ))
}
