//! Why a request is not carried out, for programs.

use crate::refusal::Refusal;
use crate::shown::printable;

/// A refusal for programs: its code, the places that it names, and the two halves of its text.
pub fn parts(refusal: &Refusal) -> serde_json::Value {
    let places = refusal.places().into_iter().map(|place| {
        let file = printable(&place.name);
        serde_json::json!({ "file": file, "line": place.line })
    });
    serde_json::json!({
        "code": refusal.code,
        "places": places.collect::<Vec<_>>(),
        "cause": printable(refusal.cause.to_string().as_bytes()),
        "fix": printable(refusal.fix.to_string().as_bytes()),
    })
}
