//! What administrators have, made into what Apache reads.

use camino::Utf8Path;

use super::Failure;
use super::key_files::{archive, bytes, named};
use super::new_files::{NewFiles, Outcome, Reported, base_name, exists, left_out, private_key};
use super::pass_phrase::{PassPhrases, ReadPhrases};
use super::questions::Voice;
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::tls::Error;
use crate::tls::container::Contents;
use crate::tls::private_key::PrivateKey;

/// Takes the pass-phrase off a key; `phrases` are read when it has one.
///
/// # Errors
/// When it has none, or the new file is there already.
pub fn decrypt_key(
    input: &Utf8Path,
    output: &Utf8Path,
    phrases: ReadPhrases,
    voice: &dyn Voice,
) -> Result<Outcome, Failure> {
    if output.symlink_metadata().is_ok() {
        return Err(exists(Place::path(output)));
    }
    let bytes = bytes(input, "key")?;
    let key = match PrivateKey::read(&bytes, None) {
        Err(Error::Encrypted(_)) => phrases()?.open(&format!("the key {input}"), voice, |phrase| {
            PrivateKey::read(&bytes, Some(phrase.as_bytes()))
        })?,
        Err(error) => return Err(named(input, error)),
        Ok(_) => {
            return Err(Failure::refused(Refusal::new(
                RefusalCode::KeyNotProtected,
                say!["the key in ", Place::path(input), " has no pass-phrase"],
                "; ",
                "use the file as it is",
            )));
        }
    };
    let mut notes = Vec::new();
    if Contents::recognise(&bytes).items.len() > 1 {
        notes.push(format!("only the first private key of {input} was used"));
    }
    let mut files = NewFiles::default();
    let told = Reported {
        file: output.to_string(),
        reason: format!("{}, without pass-phrase", private_key(&key)),
    };
    files.add_key(output.as_std_path(), &key.to_pem(), told)?;
    files.finish(false, notes)
}

/// Takes an archive apart into a folder, under the first part of names.
///
/// # Errors
/// When it cannot be opened, or a file is there already.
pub fn import(
    file: &Utf8Path,
    folder: &Utf8Path,
    name: Option<&str>,
    phrases: &PassPhrases,
    voice: &dyn Voice,
) -> Result<Outcome, Failure> {
    let bundle = archive(file, phrases, voice)?;
    let name = base_name(name, &bundle)?;
    let mut notes: Vec<String> = left_out(&bundle).into_iter().collect();
    if bundle.key.is_none() {
        notes.push(format!(
            "{file} holds no private key; the key is where the certificate request was made"
        ));
    }
    let mut files = NewFiles::default();
    files.add_bundle(&bundle, folder.as_std_path(), &name, &|path| {
        path.display().to_string()
    })?;
    files.finish(false, notes)
}
