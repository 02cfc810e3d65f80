//! Renewal without hands, offered with what ordered the certificate.

use super::environment::{Where, World};
use super::failure::Failure;
use super::questions::Voice;
use super::schedule::{self, IsOn, Request};
use crate::exit_status::ExitStatus;
use crate::note_code::NoteCode;

/// How renewal is scheduled beside something else.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// It was asked for. Else it is offered, where somebody is there.
    pub is_asked_for: bool,
    /// What somebody answered before, who is not asked again.
    pub answered: Option<bool>,
    /// Nobody is asked.
    pub yes: bool,
    /// Nothing is written.
    pub dry_run: bool,
}

impl Offer {
    /// Has what was ordered renewed twice a day. What kept it from it, where it was asked for; else that is a note.
    pub fn make(self, place: &Where, world: &World, voice: &dyn Voice) -> Option<Failure> {
        if !self.is_asked_for && (self.yes || self.dry_run || !voice.can_ask()) {
            return None;
        }
        let not_scheduled = || {
            let words = "note: renewal is not scheduled; esync-ssl schedule on does it later";
            voice.note(NoteCode::NotScheduled, words);
            None
        };
        if self.answered == Some(false) {
            return not_scheduled();
        }
        let request = Request {
            yes: self.yes || self.answered == Some(true),
            dry_run: self.dry_run,
            ..Request::default()
        };
        let failure = match schedule::on(&request, place, world, voice) {
            Ok(report) if report.result == "written" && report.state == IsOn::Broken => {
                Failure::with_advice(report.problems.join("; "), "esync-ssl schedule show tells more")
                    .after("renewal is scheduled, and does not work yet")
            }
            Ok(_) => return None,
            Err(failure) if failure.status == ExitStatus::Declined => return not_scheduled(),
            Err(failure) => failure,
        };
        if self.is_asked_for {
            return Some(failure);
        }
        voice.note(NoteCode::NotScheduled, &format!("note: {:#}", failure.error));
        None
    }
}
