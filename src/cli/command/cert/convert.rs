//! `esync-ssl cert decrypt-key` and `cert import`: what administrators have, made into what Apache reads.

use crate::cli::arguments::{DecryptKey, Import};
use crate::cli::printer::Printer;
use crate::cli::render::new_files;
use crate::exit_status::ExitStatus;
use crate::operation::Failure;
use crate::operation::key_files;
use crate::operation::{NewFiles, base_name, left_out, private_key};
use crate::tls::Error;
use crate::tls::container::Contents;
use crate::tls::private_key::PrivateKey;

/// Runs `cert decrypt-key`.
pub fn decrypt_key(arguments: &DecryptKey, printer: &Printer) -> Result<ExitStatus, Failure> {
    let (input, output) = (&arguments.input, &arguments.output);
    if output.symlink_metadata().is_ok() {
        return Err(Failure::refused(format!(
            "{output} exists already, and nothing is overwritten; choose another name, or move it away"
        )));
    }
    let bytes = key_files::bytes(input, "key")?;
    let key = match PrivateKey::read(&bytes, None) {
        Err(Error::Encrypted(_)) => {
            let phrases = arguments.pass_phrase.read()?;
            phrases.open(&format!("the key {input}"), printer, |phrase| {
                PrivateKey::read(&bytes, Some(phrase.as_bytes()))
            })?
        }
        Err(error) => return Err(key_files::named(input, error)),
        Ok(_) => {
            return Err(Failure::refused(format!(
                "the key in {input} has no pass-phrase; use the file as it is"
            )));
        }
    };
    let mut notes = Vec::new();
    if Contents::recognise(&bytes).items.len() > 1 {
        notes.push(format!("only the first private key of {input} was taken over"));
    }
    let mut files = NewFiles::default();
    files.add(
        output.as_std_path(),
        output.to_string(),
        format!("{}, without pass-phrase", private_key(&key)),
        key.to_pem().as_bytes(),
        true,
    )?;
    new_files::tell(&files.finish(false, notes)?, printer);
    Ok(ExitStatus::Done)
}

/// Runs `cert import`.
pub fn import(arguments: &Import, printer: &Printer) -> Result<ExitStatus, Failure> {
    let phrases = arguments.pass_phrase.read()?;
    let bundle = key_files::archive(&arguments.file, &phrases, printer)?;
    let name = base_name(arguments.name.as_deref(), &bundle)?;
    let mut notes: Vec<String> = left_out(&bundle).into_iter().collect();
    if bundle.key.is_none() {
        notes.push(format!(
            "{} holds no private key; it is where the request for the certificate was made",
            arguments.file
        ));
    }
    let mut files = NewFiles::default();
    files.add_bundle(&bundle, arguments.out_dir.as_std_path(), &name, &|path| {
        path.display().to_string()
    })?;
    new_files::tell(&files.finish(false, notes)?, printer);
    Ok(ExitStatus::Done)
}
