//! The steps to HTTPS, one a file. Each asks whether its goal holds, and if not, gives the changes that are missing.

pub(super) mod copy;
mod debian;
mod guard;
mod http2;
pub(super) mod listen;
pub(super) mod main_rules;
pub(super) mod module;
mod new_host;
mod policy;
mod redirect;
mod staying;
pub(super) mod tls_side;
mod unrolled;
mod update;
mod virtual_host;

use crate::httpd::{Configuration, Edit};

use super::answer_place;
use super::plan::{Act, PlanError};
use super::request::Request;

/// A step: the changes that are missing from a configuration.
pub(super) type Step = fn(&Configuration, &Request) -> Result<Vec<Act>, PlanError>;

/// In their order, each with what it is for.
pub(super) const STEPS: [(&str, Step); 10] = [
    (
        "HTTP is listened on with mod_ssl as well",
        |configuration, request| Ok(acts(staying::edits(configuration, request))),
    ),
    ("mod_ssl is loaded", |configuration, _| module::ssl(configuration)),
    ("mod_headers is loaded where it is needed", module::headers),
    ("mod_http2 is loaded where it is asked for", http2::module),
    (
        "stapling has a cache where it is needed",
        |configuration, request| Ok(module::stapling_cache(configuration, request)),
    ),
    ("the session cache has its module", |configuration, _| {
        module::session_cache(configuration)
    }),
    ("the port is listened on", |configuration, request| {
        listen::edits(configuration, request).map(acts)
    }),
    (
        "a virtual host answers the domain over TLS",
        |configuration, request| virtual_host::edits(configuration, request).map(acts),
    ),
    ("plain HTTP does as asked", redirect::acts),
    (
        "certificate authorities are answered over HTTP",
        answer_place::of_request,
    ),
];

/// Edits as changes.
fn acts(edits: Vec<Edit>) -> Vec<Act> {
    edits.into_iter().map(Act::Edit).collect()
}
