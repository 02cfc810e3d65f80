//! A certificate authority without an order: what would come of one, the account of this server, and certificates that are
//! no longer to be trusted.

pub mod account;
pub mod carry;
pub mod check;
pub mod checked;
pub mod revoke;

use super::failure::Failure;
use super::obtain::{Wanted, refused, transport};
use super::progress::{Progress, during};
use crate::acme::{Client, SystemClock};

/// Asks an authority, whose directory is read first.
///
/// # Errors
/// That it cannot be reached, and those of the questions.
fn ask<T>(
    wanted: &Wanted,
    progress: &dyn Progress,
    questions: impl FnOnce(&Client<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (https, clock) = (transport(wanted)?, SystemClock::default());
    let client = during(progress, &format!("Asking {}", wanted.authority), || {
        Client::connect(&https, &clock, wanted.authority.directory())
    });
    questions(&client.map_err(|error| refused(error, &wanted.authority, None))?)
}
