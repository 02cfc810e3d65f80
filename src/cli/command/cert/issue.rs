//! `esync-ssl cert self-signed` and `cert request`.

use crate::cli::arguments::{Request, SelfSigned};
use crate::cli::printer::Printer;
use crate::cli::render::new_files;
use crate::exit_status::ExitStatus;
use crate::operation::issue::{self, New};
use crate::operation::{Failure, ReadPhrases};

/// Runs `cert self-signed`.
pub fn self_signed(arguments: &SelfSigned, printer: &Printer) -> Result<ExitStatus, Failure> {
    let new = New {
        domains: &arguments.domains,
        key_type: arguments.key_type.into(),
        out: arguments.out_cert.as_deref(),
        out_key: arguments.out_key.as_deref(),
    };
    new_files::tell(&issue::self_signed(&new, arguments.days)?, printer);
    Ok(ExitStatus::Done)
}

/// Runs `cert request`.
pub fn request(arguments: &Request, printer: &Printer) -> Result<ExitStatus, Failure> {
    let new = New {
        domains: &arguments.domains,
        key_type: arguments.key_type.into(),
        out: arguments.out_request.as_deref(),
        out_key: arguments.out_key.as_deref(),
    };
    let phrases: ReadPhrases = &|| arguments.pass_phrase.read();
    let key = arguments.key.as_deref().map(|key| (key, phrases));
    let made = issue::request(&new, key, printer)?;
    new_files::tell(&made, printer);
    Ok(ExitStatus::Done)
}
