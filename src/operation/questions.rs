//! What an operation asks, and how it says what it does.

use std::io;

use zeroize::Zeroizing;

use super::Failure;
use super::progress::Progress;
use crate::refusal::{Refusal, RefusalCode};

/// Who answers an operation. By default nobody is there.
pub trait Questions {
    /// Whether there is somebody who can agree to what is shown.
    fn can_ask(&self) -> bool {
        false
    }

    /// Whether the answer is yes; nothing when the run is to end.
    fn agrees(&self, _question: &str) -> Option<bool> {
        Some(false)
    }

    /// What somebody types to a question; nothing when the run is to end.
    fn reply(&self, _question: &str) -> Option<String> {
        Some(String::new())
    }

    /// The same of a question whose usual answer is yes.
    fn accepts(&self, _question: &str) -> Option<bool> {
        Some(false)
    }

    /// The pass-phrase of something; nothing where nobody can be asked.
    ///
    /// # Errors
    /// When it cannot be asked for; of the kind `Interrupted` when the run is to end.
    fn pass_phrase(&self, _what: &str) -> io::Result<Option<Zeroizing<String>>> {
        Ok(None)
    }
}

/// Whom an operation talks to that may have to ask.
pub trait Voice: Progress + Questions {}

impl<T: Progress + Questions> Voice for T {}

/// Says nothing, and nobody is there to answer.
pub struct Silent;

impl Progress for Silent {}

impl Questions for Silent {}

/// Asks. Anything but yes means no.
///
/// # Errors
/// Refused when the answer is not yes.
pub fn confirm(question: &str, questions: &dyn Questions) -> Result<(), Failure> {
    confirm_or(
        "give --yes to apply the changes, or --dry-run to only show them",
        question,
        false,
        questions,
    )
}

/// The same unless told not to, with what to do where nobody is there to ask.
///
/// # Errors
/// Refused when the answer is not yes.
pub fn confirm_or(
    unasked: &'static str,
    question: &str,
    yes: bool,
    questions: &dyn Questions,
) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !questions.can_ask() {
        return Err(Failure::refused(Refusal::new(
            RefusalCode::NobodyToAsk,
            "there is no terminal to ask for confirmation, so nothing was written",
            "; ",
            unasked,
        )));
    }
    match questions.agrees(question) {
        None => Err(Failure::interrupted().into_interrupted()),
        Some(true) => Ok(()),
        Some(false) => {
            let cause = "nothing was written, because the answer was not yes";
            Err(Failure::refused(Refusal::new(
                RefusalCode::Declined,
                cause,
                "",
                "",
            )))
        }
    }
}
