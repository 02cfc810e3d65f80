//! The proof of a plan: that the result does what was asked, and leaves alone what was not. Edits nothing.

pub(super) mod broken;
mod unchanged;
pub(super) mod woken;
mod woken_lines;

use crate::httpd::Configuration;

use super::address;
use super::answer::Answers;
use super::plan::PlanError;
use super::request::Request;
use unchanged::{others_are_unchanged, refuse_tls_on_http_ports, sets_are_unchanged};

/// Are all of them there after edits, in their order? Mostly they are, and need not be told apart.
fn all_are_there<T>(before: &[T], after: &[T], is_same: impl Fn(&T, &T) -> bool) -> bool {
    let mut after = after.iter();
    before.iter().all(|old| after.any(|new| is_same(old, new)))
}

/// The domain is answered over TLS, nothing is wrong that was not wrong before, and every other virtual host keeps
/// what it had.
pub(super) fn prove(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let answers = Answers::new(result, request);
    if !answers.served() {
        return Err(PlanError::Unproven(format!(
            "{} would not be answered over TLS",
            request.domain
        )));
    }
    woken::prove(original, result, request)?;
    woken_lines::refuse_woken_lines(original, result, request)?;
    refuse_tls_on_http_ports(original, result, request)?;
    sets_are_unchanged(original, result, request)?;
    address::refuse_hidden(result, &answers, request)?;
    others_are_unchanged(original, result, request)
}
