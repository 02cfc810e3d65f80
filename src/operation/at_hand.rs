//! Certificate files that somebody has at hand, each looked at as soon as it is named: what it is, for whom, until when, and
//! whether the key belongs to it. The whole is judged again by the rules of `check` before anything is written.

use camino::{Utf8Path, Utf8PathBuf};
use time::OffsetDateTime;

use super::Failure;
use super::certificate_source::key_of;
use super::key_files::{self, named, without_key};
use super::names::client_name;
use super::questions::Silent;
use crate::server::handshake::{Roots, Trust};
use crate::tls::Error;
use crate::tls::bundle::Bundle;
use crate::tls::certificate::Certificate;
use crate::tls::chain::{Chain, End};
use crate::tls::container::{Contents, Encoding, Kind, Shape};
use crate::tls::name::{Name, is_covered_by};
use crate::tls::pkcs12::Archive;
use crate::tls::private_key::PrivateKey;

/// A certificate as it was found in a file.
#[derive(Clone, Debug, Default)]
pub struct AtHand {
    /// The file.
    pub path: Utf8PathBuf,
    /// What it says, for people: a line each.
    pub lines: Vec<String>,
    /// The names that clients accept it for.
    pub names: Vec<String>,
    /// The file with its private key: itself, or one beside it.
    pub key: Option<Utf8PathBuf>,
    /// The issuer whose certificate clients need, and the file does not hold.
    pub lacks: Option<String>,
    /// Apache cannot read the file as it is.
    pub is_converted: bool,
    /// It is an archive, which holds the key as well.
    pub is_archive: bool,
}

/// A file with a private key.
#[derive(Clone, Debug, Default)]
pub struct KeyAtHand {
    /// What it is, for people.
    pub line: String,
    /// Apache cannot read the file as it is: it is under a pass-phrase, or in another form.
    pub is_converted: bool,
}

/// What is under a pass-phrase, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened<T> {
    /// It was opened, or needs none.
    Open(T),
    /// It needs one, or another one.
    Locked,
}

/// The certificate of a file.
///
/// # Errors
/// When it cannot be read or holds none.
pub fn certificate(path: &Utf8Path) -> Result<AtHand, Failure> {
    let bytes = key_files::bytes(path, "certificate")?;
    let contents = Contents::recognise(&bytes);
    if contents.items.iter().any(|item| item.kind == Kind::Pfx) {
        return Ok(AtHand {
            path: path.to_owned(),
            is_archive: true,
            ..AtHand::default()
        });
    }
    let none = || {
        let cause = format!("{path} holds no certificate: it is {}", contents.describe());
        Failure::with_advice(cause, "name the file with the certificate")
    };
    let all = Certificate::read_all(&bytes).map_err(|_| none())?;
    let order = Chain::order(&all, None).ok_or_else(none)?;
    let key = key_of(path, &Silent).ok().map(|(key, _)| key);
    Ok(AtHand {
        key,
        is_converted: is_converted(&contents) || order.leaf != 0,
        lacks: lacks(&all, &order),
        ..told(path, &all[order.leaf])
    })
}

/// The private key of a file, which must be that of a certificate.
///
/// # Errors
/// When it cannot be read, holds none, or is that of another certificate.
pub fn key(
    path: &Utf8Path,
    certificate: &Utf8Path,
    phrase: Option<&str>,
) -> Result<Opened<KeyAtHand>, Failure> {
    let bytes = key_files::bytes(path, "key")?;
    let (key, is_locked) = match PrivateKey::read(&bytes, None) {
        Err(Error::Encrypted(_)) => match phrase {
            None => return Ok(Opened::Locked),
            Some(phrase) => match PrivateKey::read(&bytes, Some(phrase.as_bytes())) {
                Err(Error::WrongPassPhrase) => return Ok(Opened::Locked),
                read => (read.map_err(|error| named(path, error))?, true),
            },
        },
        read => (read.map_err(|error| named(path, error))?, false),
    };
    let bytes_of_certificate = key_files::bytes(certificate, "certificate")?;
    let all = Certificate::read_all(&bytes_of_certificate).map_err(|error| named(certificate, error))?;
    if !all.iter().any(|one| key.matches(&one.public_key) != Some(false)) {
        return Err(Failure::with_advice(
            format!("the key {path} belongs to another certificate than {certificate}"),
            "name the key that was made with the request for this certificate",
        ));
    }
    let kind = key.kind();
    Ok(Opened::Open(KeyAtHand {
        line: format!("Private key   {kind}; it belongs to the certificate"),
        is_converted: is_locked || is_converted(&Contents::recognise(&bytes)),
    }))
}

/// The intermediate certificates of a file, which must be those of a certificate: whom it leads to, for people.
///
/// # Errors
/// When it cannot be read, holds no certificate, or none of them issued that one.
pub fn chain(path: &Utf8Path, certificate: &Utf8Path) -> Result<String, Failure> {
    let read = |path: &Utf8Path, what: &str| {
        let bytes = key_files::bytes(path, what)?;
        Certificate::read_all(&bytes).map_err(|error| named(path, error))
    };
    let mut all = read(certificate, "certificate")?;
    let leaf = Chain::order(&all, None).map_or(0, |order| order.leaf);
    all.append(&mut read(path, "chain")?);
    let order = Chain::from_leaf(&all, leaf);
    let issuers = order.intermediates.iter().chain(&order.root);
    let titles: Vec<&str> = issuers.map(|at| all[*at].title()).collect();
    if titles.is_empty() {
        return Err(Failure::with_advice(
            format!("no certificate in {path} issued {certificate}"),
            "name the file with the intermediate certificates that came with it",
        ));
    }
    Ok(format!("Chain         {}", titles.join(", ")))
}

/// Certificate and key of a PFX archive.
///
/// # Errors
/// When it cannot be read, or holds no key.
pub fn archive(path: &Utf8Path, phrase: Option<&str>) -> Result<Opened<AtHand>, Failure> {
    let bytes = key_files::bytes(path, "archive")?;
    let archive = match Archive::read(&bytes, phrase.unwrap_or_default()) {
        Err(Error::WrongPassPhrase) => return Ok(Opened::Locked),
        read => read.map_err(|error| named(path, error))?,
    };
    let bundle = Bundle::of_archive(archive);
    let Some(key) = &bundle.key else {
        return Err(without_key(path.as_str()));
    };
    let mut found = told(path, &bundle.leaf);
    found
        .lines
        .push(format!("Private key   {}; it is in the archive", key.kind()));
    Ok(Opened::Open(AtHand {
        key: Some(path.to_owned()),
        is_converted: true,
        is_archive: true,
        ..found
    }))
}

/// Whether a certificate with these names is valid for that name.
///
/// # Errors
/// Why that is not a name of a server.
pub fn covers(names: &[String], name: &str) -> Result<bool, Failure> {
    let name = client_name(name)?;
    let parsed = Name::parse(&name).map_err(Failure::error)?;
    Ok(is_covered_by(names, &parsed))
}

/// The issuer whose certificate has to be sent along and is not there. A root is not sent: who trusts it has it. What follows
/// intermediate certificates that are there is one, as `check` takes it; and what this machine trusts is.
fn lacks(all: &[Certificate], order: &Chain) -> Option<String> {
    let End::Issuer(issuer) = &order.end else {
        return None;
    };
    let leaf = all[order.leaf].der().to_vec();
    let is_complete = || {
        !order.intermediates.is_empty() || Roots::self_issued_of_platform().judge(&[leaf]) == Trust::Trusted
    };
    (!is_complete()).then(|| issuer.clone())
}

fn told(path: &Utf8Path, leaf: &Certificate) -> AtHand {
    let now = OffsetDateTime::now_utc();
    let (begins, ends) = (leaf.not_before.date(), leaf.not_after.date());
    let validity = match () {
        () if now > leaf.not_after => format!("{ends}: it is over, and clients refuse it"),
        () if now < leaf.not_before => {
            format!("{ends}; it begins on {begins}, and clients refuse it until then")
        }
        () => format!("{ends} ({} days)", (leaf.not_after - now).whole_days()),
    };
    let issuer = match leaf.is_self_issued() {
        true => "itself: browsers warn about it".to_owned(),
        false => leaf.issuer.clone(),
    };
    let names = match leaf.names() {
        names if names.is_empty() => "none, so no browser accepts it".to_owned(),
        names => names.join(", "),
    };
    AtHand {
        path: path.to_owned(),
        lines: vec![
            format!("Certificate   {}", leaf.subject),
            format!("Names         {names}"),
            format!("Issued by     {issuer}"),
            format!("Valid until   {validity}"),
        ],
        names: leaf.names(),
        ..AtHand::default()
    }
}

/// Is it in a form that Apache does not read?
fn is_converted(contents: &Contents) -> bool {
    contents.shape != Shape::Pem || contents.encoding != Encoding::Plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::chain::tests::made;
    use crate::tls::pem;

    #[test]
    fn a_chain_is_asked_for_unless_only_the_root_is_missing() {
        let root = made("root", true, None);
        let middle = made("middle", true, Some(&root.issuer));
        let leaf = made("leaf.example", false, Some(&middle.issuer));
        let [root, middle, leaf] = [root, middle, leaf].map(|signer| signer.certificate);
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8PathBuf::from_path_buf(folder.path().join("a.crt")).unwrap();
        for (all, wanted) in [
            (&[&leaf][..], Some("middle")),
            (&[&middle, &leaf], None),
            (&[&leaf, &middle, &root], None),
            (&[&leaf, &root], Some("middle")),
            (&[&root], None),
        ] {
            let text: String = all
                .iter()
                .map(|certificate| pem::encode("CERTIFICATE", certificate.der()).to_string())
                .collect();
            std::fs::write(&path, text).unwrap();
            let lacks = certificate(&path).unwrap().lacks.unwrap_or_default();
            assert!(lacks.contains(wanted.unwrap_or_default()), "{lacks}");
            assert_eq!(lacks.is_empty(), wanted.is_none(), "{lacks}");
        }
    }
}
