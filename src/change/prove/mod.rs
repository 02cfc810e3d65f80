//! The proof of a plan: that the result does what was asked, and leaves alone what was not. Edits nothing.

pub(super) mod broken;
mod unchanged;
pub(super) mod woken;
mod woken_lines;

use crate::httpd::Configuration;
use crate::parallel::in_parallel;

use super::address;
use super::answer::Answers;
use super::plan::PlanError;
use super::request::Request;
use unchanged::{others_are_unchanged, refuse_tls_on_http_ports, sets_are_unchanged};

/// Are all of them there after edits, in their order? Mostly they are, and need not be told apart.
fn all_are_there<T>(
    mut before: impl Iterator<Item = T>,
    mut after: impl Iterator<Item = T>,
    is_same: impl Fn(&T, &T) -> bool,
) -> bool {
    before.all(|old| after.any(|new| is_same(&old, &new)))
}

/// The domain is answered over TLS, nothing is wrong that was not wrong before, and every other virtual host keeps
/// what it had.
pub(super) fn prove(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    if !Answers::new(result, request).served() {
        return Err(PlanError::Unproven(format!(
            "{} would not be answered over TLS",
            request.domain
        )));
    }
    // Side by side; the first that fails is told.
    let proofs: [Proof; 6] = [
        woken::prove,
        woken_lines::refuse_woken_lines,
        refuse_tls_on_http_ports,
        sets_are_unchanged,
        |_, result, request| address::refuse_hidden(result, request),
        others_are_unchanged,
    ];
    let proved = in_parallel(proofs.len(), |proof| proofs[proof](original, result, request));
    proved.into_iter().collect()
}

/// Compares a configuration with what it is after a request.
type Proof = fn(&Configuration, &Configuration, &Request) -> Result<(), PlanError>;
