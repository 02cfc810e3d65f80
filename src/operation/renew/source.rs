//! What a file or a folder has from which a certificate is renewed: the newest pair that is newer than the one that is served.
//! Others may write there: nothing of it is followed, run or trusted, and what is taken is judged like any other certificate.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::super::failure::{Failure, not_interrupted};
use super::super::key_files;
use super::super::obtain::{Source, Standing};
use super::super::pass_phrase::PassPhrases;
use super::super::questions::Silent;
use super::settled::{is_passing, settled};
use super::there::{There, unusable};
use crate::apply::{Folder, Kind, Place};
use crate::exit_status::ExitStatus;
use crate::interrupt;
use crate::quoted::{quoted, word};
use crate::refusal::{self, Refusal, RefusalCode, say};
use crate::server::trust::Judge;
use crate::shown::{printable, shown};
use crate::tls::Error;
use crate::tls::bundle::Bundle;
use crate::tls::certificate::Certificate;
use crate::tls::chain::{Chain, End};
use crate::tls::container::{Contents, Fault, Item};
use crate::tls::name::{Coverage, Name, coverage};
use crate::tls::pkcs12::Archive;
use crate::tls::private_key::PrivateKey;
use crate::wording::reason;

/// So many files are looked at; whoever has more there has them there for something else.
pub const MOST: usize = 100;
/// So long is looked. Archives may ask for any computation.
pub const LONGEST: Duration = Duration::from_secs(60);
/// So many names are looked at, of whatever.
pub const LISTED: usize = 10_000;

/// A certificate that takes the place of the one that is served.
pub struct New {
    /// Itself, with its key and its issuers.
    pub bundle: Bundle,
    /// Where it is.
    pub file: PathBuf,
    /// Its key is the one that is there.
    pub keeps_key: bool,
}

/// What one file holds.
struct Read {
    path: PathBuf,
    certificates: Vec<Certificate>,
    keys: Vec<PrivateKey>,
}

/// What is looked for, and where.
struct Look<'a> {
    source: &'a Source,
    standing: &'a Standing,
    names: &'a [String],
    now: OffsetDateTime,
    begun: Instant,
}

/// The certificate that is to take the place of the one that stands; nothing where there is none that is newer.
///
/// # Errors
/// Refused where others may write there and nobody said that they may; where what is there cannot be used.
pub fn look(
    source: &Source,
    standing: &Standing,
    names: &[String],
    now: OffsetDateTime,
) -> Result<Option<New>, Failure> {
    Look {
        source,
        standing,
        names,
        now,
        begun: Instant::now(),
    }
    .find()
}

impl Look<'_> {
    fn find(&self) -> Result<Option<New>, Failure> {
        let (files, is_folder) = self.files()?;
        let phrases = self.phrases()?;
        let (mut read, mut trouble) = (Vec::new(), None);
        for file in &files {
            match self.read(file, &phrases) {
                Ok(Some(one)) => read.push(one),
                Ok(None) => {}
                Err(failure) if failure.status == ExitStatus::Interrupted => {
                    return Err(failure);
                }
                Err(failure) => {
                    trouble.get_or_insert(failure);
                }
            }
        }
        let newest = self.newest(&read, is_folder)?;
        let newest = newest.map(|(leaf, file)| (leaf.clone(), file.to_path_buf()));
        match (newest, trouble) {
            (Some(newest), trouble) => self.with_key(newest, read, trouble).map(Some),
            (None, Some(trouble)) => Err(trouble),
            (None, None) => Ok(None),
        }
    }

    /// The files to look at, and whether they are those of a folder, where links, folders and what is no file are passed over.
    fn files(&self) -> Result<(Vec<Place>, bool), Failure> {
        let path = self.source.path.path();
        let there = There::open(self.source)?;
        self.refuse_others(&path)?;
        match there {
            // Where the certificate is not there yet, neither is anything else.
            There::Nothing => Ok((Vec::new(), false)),
            There::File(place) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let beside = [
                    format!("{stem}.key"),
                    format!("{stem}-key.pem"),
                    "privkey.pem".to_owned(),
                    format!("{stem}.chain.crt"),
                    format!("{stem}-chain.pem"),
                    "chain.pem".to_owned(),
                ];
                let beside = beside.map(|name| place.folder.place(name));
                let beside = beside.into_iter().filter(|one| !matches!(one.look(), Ok(None)));
                Ok(([place.clone()].into_iter().chain(beside).collect(), false))
            }
            There::Folder(folder) => Ok((self.listed(&folder)?, true)),
        }
    }

    fn listed(&self, folder: &Folder) -> Result<Vec<Place>, Failure> {
        let path = self.source.path.path();
        let mut names = folder.some_names(LISTED + 1).map_err(|error| {
            let cause = format!("{} cannot be looked through ({})", shown(&path), reason(&error));
            unusable(cause, "check who may read it")
        })?;
        let too_many = |most: usize| {
            let cause = format!("more than {most} files are in {}", shown(&path));
            unusable(cause, "have a folder for certificates alone")
        };
        if names.len() > LISTED {
            return Err(too_many(LISTED));
        }
        names.sort();
        let names = names.into_iter().filter(|name| !is_passing(Path::new(name)));
        let places = names.map(|name| folder.place(name));
        let is_file = |place: &Place| matches!(place.look(), Ok(Some(found)) if found.kind == Kind::File);
        let files: Vec<Place> = places.filter(is_file).take(MOST + 1).collect();
        match files.len() > MOST {
            true => Err(too_many(MOST)),
            false => Ok(files),
        }
    }

    /// Who may write there may replace the certificate: root and we alone, unless it was said that others may.
    fn refuse_others(&self, path: &Path) -> Result<(), Failure> {
        if self.source.others_may_write {
            return Ok(());
        }
        Judge::default().judge(path).map(|_| ()).map_err(|distrust| {
            let cause = say![
                refusal::Place::path(&distrust.subject),
                format!(
                    " is not used, because {} it ({distrust}): who may write there could replace the certificate",
                    distrust.charge()
                )
            ];
            let fix = format!(
                "{}; or let them: {} --force OTHERS-WRITE",
                distrust.advice(),
                self.again()
            );
            let refusal = Refusal::new(RefusalCode::SourceOfOthers, cause, "; to correct this: ", fix);
            Failure::refused(refusal.about([refusal::Place::path(&distrust.culprit)]))
        })
    }

    /// The command that names this source.
    fn again(&self) -> String {
        let name = self.names.first().map_or("NAME", String::as_str);
        format!(
            "esync-ssl renew {} --from {}",
            word(name),
            quoted(self.source.path.path())
        )
    }

    fn phrases(&self) -> Result<PassPhrases, Failure> {
        match &self.source.pass_phrase {
            Some(file) => PassPhrases::of_kept(&file.path()),
            None => Ok(PassPhrases::none()),
        }
    }

    /// What a file holds; nothing where that has nothing to do with certificates.
    fn read(&self, place: &Place, phrases: &PassPhrases) -> Result<Option<Read>, Failure> {
        let path = &*place.path();
        self.refuse_others(path)?;
        if self.begun.elapsed() > LONGEST {
            let cause = format!(
                "{} was not looked at: what was before it took too long",
                shown(path)
            );
            return Err(unusable(cause, "take away there what is no certificate"));
        }
        let bytes = settled(place, path, self.begun)?;
        let contents = Contents::recognise(&bytes);
        let is_meant = ["pfx", "p12", "pem", "crt", "cer", "der", "key", "p7b", "p7c"];
        let end = path.extension().unwrap_or_default().to_ascii_lowercase();
        if contents.items.is_empty() && !is_meant.iter().any(|known| end == *known) {
            return Ok(None);
        }
        let broken = |item: &&Item| {
            matches!(
                item.fault,
                Some(Fault::Pem(_) | Fault::Incomplete | Fault::Damaged)
            )
        };
        if contents.items.is_empty() || contents.items.iter().any(|item| broken(&item)) {
            let cause = format!("{} cannot be used: it is {}", shown(path), contents.describe());
            return Err(unusable(cause, "put it there again, whole, or take it away"));
        }
        // For people only.
        let name = Utf8PathBuf::from(shown(path));
        if contents.archive().is_some() {
            let read = |phrase: &str| in_time(&bytes, phrase, self.begun + LONGEST);
            let bundle = key_files::archive_by(&name, &bytes, phrases, &Silent, &read);
            not_interrupted()?;
            let bundle = bundle?;
            let issuers = bundle.chain.into_iter().chain(bundle.left_out);
            return Ok(Some(Read {
                path: path.to_path_buf(),
                certificates: [bundle.leaf].into_iter().chain(issuers).collect(),
                keys: bundle.key.into_iter().collect(),
            }));
        }
        let certificates = match contents.certificates().next() {
            Some(_) => Certificate::read_all(&bytes).map_err(|error| key_files::named(&name, error))?,
            None => Vec::new(),
        };
        let keys = match contents.keys().next() {
            Some(_) => vec![key_files::key_of(&name, &bytes, phrases, &Silent)?],
            None => Vec::new(),
        };
        Ok(Some(Read {
            path: path.to_path_buf(),
            certificates,
            keys,
        }))
    }

    /// The newest of those that are newer than the one that is served, with its file. In a folder may be those of others.
    fn newest<'r>(
        &self,
        read: &'r [Read],
        is_folder: bool,
    ) -> Result<Option<(&'r Certificate, &'r Path)>, Failure> {
        let old = begins(&self.standing.leaf);
        let is_meant = |one: &Certificate| {
            one.ca != Some(true)
                && begins(one) > old
                && (!is_folder || self.names.iter().any(|name| covers(one, name)))
        };
        let all = read.iter().flat_map(|file| {
            let all = file.certificates.iter().filter(|one| is_meant(one));
            all.map(|one| (one, &*file.path))
        });
        newest_of(&all.collect::<Vec<_>>(), self.now)
    }

    /// With the key that belongs to it, of any of the files or the one that is there, and with its issuers.
    fn with_key(
        &self,
        (leaf, file): (Certificate, PathBuf),
        read: Vec<Read>,
        trouble: Option<Failure>,
    ) -> Result<New, Failure> {
        let fits = |key: &PrivateKey| key.matches(&leaf.public_key) == Some(true);
        let (mut keys, mut pool) = (Vec::new(), Vec::new());
        for one in read {
            keys.extend(one.keys);
            pool.extend(one.certificates);
        }
        let there = keys.into_iter().find(fits);
        let keeps_key = there.is_none();
        let before = &self.standing.placed.before;
        let own = || {
            let (_, bytes) = before.get(1)?;
            PrivateKey::read(bytes, None).ok().filter(fits)
        };
        let Some(key) = there.or_else(own) else {
            let cause = format!(
                "{} holds a new certificate, but its private key is neither there nor the one that the server has",
                shown(&file)
            );
            let fix = "put the key there as well, or a PFX archive with both";
            return Err(trouble.unwrap_or_else(|| unusable(cause, fix)));
        };
        let known = before
            .iter()
            .filter_map(|(_, bytes)| Certificate::read_all(bytes).ok());
        let known: Vec<Certificate> = known.flatten().collect();
        let had_issuers = known.len() > 1;
        let heap = [leaf.clone()].into_iter().chain(pool);
        let heap: Vec<Certificate> = heap.chain(known).collect();
        let chain = Chain::from_leaf(&heap, 0);
        // As where only some of the files are there yet.
        if let (true, true, End::Issuer(issuer)) = (had_issuers, chain.intermediates.is_empty(), &chain.end) {
            let cause = format!(
                "{} holds a new certificate, but its issuer {} is not there, while the one before is sent with its own",
                shown(&file),
                printable(issuer.as_bytes())
            );
            return Err(unusable(
                cause,
                "put the certificates of its issuers there as well",
            ));
        }
        let issuers = chain.intermediates;
        Ok(New {
            bundle: Bundle {
                key: Some(key),
                leaf,
                chain: issuers.iter().filter_map(|at| heap.get(*at).cloned()).collect(),
                left_out: Vec::new(),
            },
            file,
            keeps_key,
        })
    }
}

fn begins(one: &Certificate) -> (OffsetDateTime, OffsetDateTime) {
    (one.not_before, one.not_after)
}

/// The newest of those that are valid already. One that is not yet keeps no other: it is meant only where nothing else is there.
fn newest_of<'r>(
    all: &[(&'r Certificate, &'r Path)],
    now: OffsetDateTime,
) -> Result<Option<(&'r Certificate, &'r Path)>, Failure> {
    let has_begun = |one: &Certificate| one.not_before <= now;
    let any = all.iter().any(|(one, _)| has_begun(one));
    let mut newest: Option<(&Certificate, &Path)> = None;
    for &(one, file) in all.iter().filter(|(one, _)| has_begun(one) || !any) {
        match newest {
            Some((best, _)) if begins(best) > begins(one) || best == one => {}
            Some((best, other)) if begins(best) == begins(one) => {
                let cause = format!(
                    "{} and {} hold two certificates that begin and end at the same moment",
                    shown(other),
                    shown(file)
                );
                return Err(unusable(cause, "take one of them away"));
            }
            _ => newest = Some((one, file)),
        }
    }
    Ok(newest)
}

/// An archive, unless opening it takes too long or the run is to end. What computes on then ends with the program.
fn in_time(bytes: &[u8], phrase: &str, until: Instant) -> Result<Archive, Error> {
    let bytes = Zeroizing::new(bytes.to_vec());
    let phrase = Zeroizing::new(phrase.to_owned());
    let (sender, receiver) = mpsc::channel();
    let read = move || drop(sender.send(Archive::read(&bytes, &phrase)));
    if std::thread::Builder::new().spawn(read).is_err() {
        return Err(Error::DamagedArchive("the system let nothing open it"));
    }
    loop {
        match receiver.recv_timeout(Duration::from_millis(250)) {
            Ok(read) => return read,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::DamagedArchive("its structure is broken"));
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() > until || interrupt::came() => {
                return Err(Error::AbsurdEncryption);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Whether clients that want this name accept the certificate.
pub fn covers(certificate: &Certificate, name: &str) -> bool {
    Name::parse(name).is_ok_and(|name| matches!(coverage(certificate, &name), Coverage::Covered(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_not_valid_yet_keeps_no_other() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let made = |begins: i64| {
            let mut wanted = rcgen::CertificateParams::new(["a.example".to_owned()]).unwrap();
            wanted.not_before = now + time::Duration::days(begins);
            wanted.not_after = now + time::Duration::days(90);
            let made = wanted.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            Certificate::from_der(made.der()).unwrap()
        };
        let (before, current, later) = (made(-9), made(-1), made(5));
        let (one, other) = (Path::new("one"), Path::new("other"));
        let newest = |all: &[(&Certificate, &Path)]| {
            newest_of(all, now)
                .ok()
                .flatten()
                .map(|(best, _)| best.not_before)
        };
        let both = [(&later, one), (&current, other), (&before, one)];
        assert_eq!(newest(&both), Some(current.not_before));
        assert_eq!(newest(&[(&later, one)]), Some(later.not_before));
        assert_eq!(newest(&[]), None);
        assert!(newest_of(&[(&current, one), (&made(-1), other)], now).is_err());
    }
}
