//! A certificate that an authority makes while the command waits (ACME, RFC 8555): what is asked for, who answers the
//! authority, what is kept between runs, and the order from its begin to the certificate. Edits no configuration.

mod account;
mod answering;
mod files;
mod names;
mod order;
mod refused;
mod state;
mod wanted;

pub use answering::Way;
pub use wanted::{AnswerBy, Authority, Wanted};

pub(super) use account::{agree_to_terms, settle_key, transport};
pub(super) use answering::ways;
pub(super) use files::{Found, NotOurs, Placed, Standing, life, placed, standing};
pub(super) use names::{refuse_impossible, refuse_names};
pub(super) use order::{CLOCK, Obtained, obtain};
pub(super) use refused::{refused, unusable_file};
pub(super) use state::{KeptAccount, Managed, State};
