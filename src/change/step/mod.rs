//! The steps to HTTPS, one a file. Each asks whether its goal holds, and if not, gives the changes that are missing.

pub(super) mod copy;
mod debian;
mod guard;
mod http2;
pub(super) mod listen;
mod module;
mod new_host;
mod policy;
mod redirect;
mod staying;
pub(super) mod tls_side;
mod unrolled;
mod update;
mod virtual_host;

use crate::httpd::{Configuration, Edit};

use super::plan::{Act, PlanError};
use super::request::Request;

/// A step: the changes that are missing from a configuration.
pub(super) type Step = fn(&Configuration, &Request) -> Result<Vec<Act>, PlanError>;

/// In their order.
pub(super) const STEPS: [Step; 9] = [
    |configuration, request| Ok(acts(staying::edits(configuration, request))),
    |configuration, _| module::ssl(configuration),
    module::headers,
    http2::module,
    |configuration, request| Ok(module::stapling_cache(configuration, request)),
    |configuration, _| module::session_cache(configuration),
    |configuration, request| listen::edits(configuration, request).map(acts),
    |configuration, request| virtual_host::edits(configuration, request).map(acts),
    redirect::acts,
];

/// What each of them is for.
pub(super) const GOALS: [&str; STEPS.len()] = [
    "HTTP is listened on with mod_ssl as well",
    "mod_ssl is loaded",
    "mod_headers is loaded where it is needed",
    "mod_http2 is loaded where it is asked for",
    "stapling has a cache where it is needed",
    "the session cache has its module",
    "the port is listened on",
    "a virtual host answers the domain over TLS",
    "plain HTTP does as asked",
];

/// Edits as changes.
fn acts(edits: Vec<Edit>) -> Vec<Act> {
    edits.into_iter().map(Act::Edit).collect()
}
