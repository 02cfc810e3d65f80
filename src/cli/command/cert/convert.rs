//! `esync-ssl cert decrypt-key` and `cert import`.

use crate::cli::arguments::{DecryptKey, Import};
use crate::cli::printer::Printer;
use crate::cli::render::new_files;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, convert};

/// Runs `cert decrypt-key`.
pub fn decrypt_key(arguments: &DecryptKey, printer: &Printer) -> Result<ExitStatus, Failure> {
    let (input, output) = (&arguments.input, &arguments.output);
    let made = convert::decrypt_key(input, output, &|| arguments.pass_phrase.read(), printer)?;
    new_files::tell(&made, printer);
    Ok(ExitStatus::Done)
}

/// Runs `cert import`.
pub fn import(arguments: &Import, printer: &Printer) -> Result<ExitStatus, Failure> {
    let phrases = arguments.pass_phrase.read()?;
    let name = arguments.name.as_deref();
    let made = convert::import(&arguments.file, &arguments.out_dir, name, &phrases, printer)?;
    new_files::tell(&made, printer);
    Ok(ExitStatus::Done)
}
