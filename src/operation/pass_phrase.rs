//! Pass-phrases: from a file, from standard input, or asked for without echo. Never from the command line, which
//! other users can read.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use camino::Utf8Path;
use zeroize::Zeroizing;

use super::Failure;
use super::questions::Voice;
use crate::apply::read_own;
use crate::check::tls_files::File;
use crate::foreign::{self, NotText};
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::shown::shown;
use crate::tls::Error;

/// How long a pipe may take that is named as the file; somebody may be asked behind it.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is asked when the answer was wrong.
const TRIES: usize = 3;

/// Reads them only once one is needed.
pub type ReadPhrases<'a> = &'a dyn Fn() -> Result<PassPhrases, Failure>;

/// Where pass-phrases come from in this run.
pub struct PassPhrases {
    given: Option<Zeroizing<String>>,
}

impl PassPhrases {
    /// None at all.
    pub fn none() -> PassPhrases {
        PassPhrases { given: None }
    }

    /// One that somebody has typed.
    pub fn typed(phrase: Zeroizing<String>) -> PassPhrases {
        PassPhrases { given: Some(phrase) }
    }

    /// Reads the file or standard input, if one was named.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: Option<&Utf8Path>) -> Result<PassPhrases, Failure> {
        let given = match file {
            None => None,
            Some(path) if path == "-" => Some(of_input(std::io::stdin().lock())?),
            Some(path) => Some(of_file(path)?),
        };
        Ok(PassPhrases { given })
    }

    /// That of a file which is read again and again without anybody who looks: nobody but its owner may read it.
    ///
    /// # Errors
    /// Refused where others may read or write it; when it cannot be read.
    pub fn of_kept(path: &Path) -> Result<PassPhrases, Failure> {
        if let Some(open) = File::load(path).exposure() {
            let cause = say![
                Place::path(path),
                format!(" holds a pass-phrase, and {} may read it", open.who)
            ];
            return Err(Failure::refused(Refusal::new(
                RefusalCode::PassPhraseFileOpen,
                cause,
                "; close it: ",
                open.fix,
            )));
        }
        let bytes = read_own(path, foreign::PASS_PHRASE)
            .map(Zeroizing::new)
            .map_err(|error| {
                let what = format!("the pass-phrase file {} cannot be read", shown(path));
                Failure::of_system(what, &error, "check the path, and that nobody else may write it")
            })?;
        Ok(PassPhrases {
            given: Some(first_line(&bytes, &shown(path))?),
        })
    }

    /// The pass-phrase that was given in a file, if one was.
    pub fn given(&self) -> Option<&str> {
        self.given.as_ref().map(|given| given.as_str())
    }

    /// Opens something with the pass-phrase. `what` names it for people, such as `the key server.key`.
    pub fn open<T>(
        &self,
        what: &str,
        voice: &dyn Voice,
        attempt: impl Fn(&str) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let failed = |error: Error| match error {
            Error::WrongPassPhrase => Failure::refused(Refusal::new(
                RefusalCode::PassPhraseUnfit,
                format!("{what}: the pass-phrase is wrong"),
                "; ",
                "try again with the right one",
            )),
            error => Failure::error(anyhow::Error::from(error).context(what.to_owned())),
        };
        if let Some(given) = &self.given {
            return attempt(given).map_err(failed);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = match voice.pass_phrase(what) {
                // Ctrl-C, which is a letter like others while nothing is shown.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    return Err(Failure::interrupted().into_interrupted());
                }
                other => other.map_err(|error| {
                    let what = "the pass-phrase could not be asked for";
                    Failure::of_system(what, &error, "give --passphrase-file FILE")
                })?,
            };
            let Some(answer) = answer else {
                return Err(Failure::refused(Refusal::new(
                    RefusalCode::PassPhraseNotAsked,
                    say![
                        what,
                        " is protected by a pass-phrase, and there is no terminal to ask for it"
                    ],
                    "; ",
                    "give --passphrase-file FILE, or --passphrase-file - to read it from standard input",
                )));
            };
            match attempt(&answer) {
                Err(Error::WrongPassPhrase) if tries < TRIES => {
                    voice.talk("That is not the pass-phrase; try again.");
                }
                result => return result.map_err(failed),
            }
        }
    }
}

/// That of a regular file, or of a pipe that was named on purpose.
fn of_file(path: &Utf8Path) -> Result<Zeroizing<String>, Failure> {
    let read = match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            foreign::read_pipe(path.as_std_path(), foreign::PASS_PHRASE, PATIENCE)
        }
        _ => foreign::read(path.as_std_path(), foreign::PASS_PHRASE).map(Zeroizing::new),
    };
    let bytes = read.map_err(|error| {
        let what = format!("the pass-phrase file {path} (--passphrase-file) cannot be read");
        Failure::of_system(what, &error, "check the path")
    })?;
    first_line(&bytes, path.as_str())
}

/// That of the standard input.
fn of_input(input: impl Read) -> Result<Zeroizing<String>, Failure> {
    let shown = "standard input";
    let bytes = foreign::read_up_to(input, foreign::PASS_PHRASE)
        .with_context(|| format!("the pass-phrase cannot be read from {shown}"))?;
    first_line(&bytes, shown)
}

/// The first line without its end; a byte order mark, as Notepad and PowerShell write it, is not part of it.
fn first_line(bytes: &[u8], shown: &str) -> Result<Zeroizing<String>, Failure> {
    let first = match foreign::is_utf16(bytes) {
        true => bytes,
        false => bytes.split(|&byte| byte == b'\n').next().unwrap_or_default(),
    };
    let mut text = foreign::text(first).map_err(|why| not_text(why, shown))?;
    let end = text.find('\n').unwrap_or(text.len());
    text.truncate(end);
    if text.ends_with('\r') {
        text.pop();
    }
    Ok(text)
}

fn not_text(why: NotText, shown: &str) -> Failure {
    match why {
        NotText::BrokenUtf16 => Failure::with_advice(
            format!("the pass-phrase in {shown} begins as UTF-16, but is not UTF-16 to its end"),
            "save the file again, as UTF-8",
        ),
        NotText::NotUtf8 => Failure::with_advice(
            format!(
                "the pass-phrase in {shown} is not UTF-8: in a file saved as ANSI, as Notepad and PowerShell 5 do it, \
                 letters such as \u{e4} are not certain"
            ),
            "save the file as UTF-8",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_pass_phrase() {
        for (bytes, wanted) in [
            (&b"secret"[..], "secret"),
            (b"secret\r\nmore\n", "secret"),
            (b"\xef\xbb\xbf a b \n", " a b "),
            (b"", ""),
            // "..." > file in PowerShell 5, and what only ends wrongly behind the first line.
            (b"\xff\xfes\0\xe4\0\r\0\n\0", "s\u{e4}"),
            (b"\xfe\xff\0a\0 \0\n\0b", "a "),
            (b"secret\n\xe9", "secret"),
        ] {
            assert_eq!(first_line(bytes, "x").unwrap().as_str(), wanted);
        }
        for (bytes, words) in [(&b"caf\xe9"[..], "saved as ANSI"), (b"\xff\xfec\0a", "UTF-16")] {
            let failure = first_line(bytes, "x").unwrap_err();
            let said = format!("{:#}", failure.error);
            assert!(!said.contains("caf") && said.contains(words), "{said}");
        }
    }
}
