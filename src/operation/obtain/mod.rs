//! A certificate that an authority makes while the command waits (ACME, RFC 8555): what is asked for, who answers the
//! authority, what is kept between runs, and the order from its begin to the certificate. Edits no configuration.

mod account;
mod answering;
mod caa;
mod dns_hook;
mod dns_record;
mod files;
mod hand_over;
mod managed;
mod mod_md;
mod names;
mod obtained;
mod order;
mod refused;
mod state;
mod wanted;

pub use answering::Way;
pub use dns_hook::PATIENCE as DNS_HOOK_PATIENCE;
pub use hand_over::LONGEST as STOPPED_AT_MOST;
pub use wanted::{Adopted, AnswerBy, Authority, DnsHook, Renewal, Wanted, mail_address};

pub(super) use account::{agree_to_terms, settle_key, transport};
pub(super) use answering::ways;
pub(super) use caa::{caa_unknown, refuse_forbidden};
pub(super) use files::{Found, NotOurs, Placed, Standing, placed, standing};
pub(super) use managed::{Installed, Managed, Source};
pub(super) use names::{refuse_impossible, refuse_names};
pub(super) use obtained::Obtained;
pub(super) use order::{WRONG_CLOCK, fetched, obtain};
pub(super) use refused::{refused, unusable_file};
pub(super) use state::{KeptAccount, State};
