//! How lines that do something else over HTTPS are told: what they do there, and the shortest edit that helps. Judges none.

use crate::httpd::{Configuration, Entry};
use crate::shown::cut;

use super::super::redirection::Side;
use super::super::refusal::Place;
use super::super::requests::path_of;
use super::layers::Layer;
use super::section::written;
use super::verdict::Verdict;

/// A line that does something else over HTTPS.
pub(super) struct Told {
    pub place: Place,
    /// The line, and what it does there.
    pub what: String,
    /// The shortest edit that helps.
    pub fix: String,
    /// All below it may be answered otherwise.
    pub path: String,
    /// Clients are sent on without end, for certain.
    pub is_endless: bool,
    /// There was no HTTPS before that did so already.
    pub is_new: bool,
}

impl Told {
    /// A line that was judged.
    pub fn of(layer: &Layer<'_>, entry: &Entry, verdict: Verdict, side: &Side<'_>) -> Told {
        let line = shown(layer.configuration, entry);
        let rewrites = layer.configuration.is_named(entry, "RewriteRule");
        let is_usual = side.port == 443 && side.http.contains(&80);
        let only_http = match rewrites {
            true => "add `RewriteCond %{HTTPS} !=on` above it and its conditions".to_owned(),
            false => format!("write `<If \"%{{HTTPS}} != 'on'\">`, `{line}` and `</If>` instead"),
        };
        let (what, fix) = match verdict {
            Verdict::Endless => ("redirects HTTPS to itself without end", &*only_http),
            Verdict::MayBeEndless => (
                "redirects HTTPS to itself without end, wherever its other conditions hold",
                &*only_http,
            ),
            Verdict::ToAndFro => (
                "redirects HTTPS to HTTP, which redirects to HTTPS again, without end",
                "remove it",
            ),
            Verdict::ToTheSame => (
                "redirects HTTPS back to the same place over plain HTTP",
                "remove it",
            ),
            Verdict::ToPlain if rewrites && is_usual => (
                "redirects HTTPS back to plain HTTP",
                "write `%{REQUEST_SCHEME}://` instead of `http://` there",
            ),
            Verdict::ToPlain => (
                "redirects HTTPS back to plain HTTP",
                "write the https address there",
            ),
            Verdict::PlainOnly => (
                "holds over plain HTTP only, so that HTTPS does something else",
                "if it is wanted over HTTPS, remove what asks for HTTP there",
            ),
            Verdict::TlsOnly => (
                "holds over HTTPS only, so that HTTPS does something else than HTTP did",
                "if it is not wanted there, remove it",
            ),
        };
        Told {
            place: Place::of(layer.configuration, entry),
            what: format!("`{line}` {what}"),
            fix: fix.to_owned(),
            path: path(layer, entry),
            is_endless: [Verdict::Endless, Verdict::ToAndFro].contains(&verdict),
            is_new: false,
        }
    }

    /// A line that says something of plain HTTP, and what it is to say of HTTPS.
    pub fn in_words(layer: &Layer<'_>, entry: &Entry, instead: &[u8], why: &str) -> Told {
        let line = shown(layer.configuration, entry);
        let instead = String::from_utf8_lossy(instead);
        let instead = cut(&instead, LINE);
        Told {
            place: Place::of(layer.configuration, entry),
            what: format!("`{line}` holds for HTTPS too, where it is not so ({why})"),
            fix: format!(
                "to correct this, add `<If \"%{{HTTPS}} == 'on'\">`, `{instead}` and `</If>` behind it"
            ),
            path: path(layer, entry),
            is_endless: false,
            is_new: false,
        }
    }
}

fn path(layer: &Layer<'_>, entry: &Entry) -> String {
    let own = path_of(layer.configuration, entry).filter(|_| layer.within.front.is_none());
    own.unwrap_or_else(|| match &*layer.within.path {
        "" => "/".to_owned(),
        path => path.to_owned(),
    })
}

/// Bytes of a line that are shown.
const LINE: usize = 400;

fn shown(configuration: &Configuration, entry: &Entry) -> String {
    cut(&written(configuration, entry), LINE).into_owned()
}

/// A line of a result, as it is numbered in the original: the edits leave these lines alone.
pub(super) fn place_before(original: &Configuration, result: &Configuration, place: &Place) -> Place {
    let numbers = |configuration: &Configuration, line: Option<&[u8]>| -> Vec<(u32, Vec<u8>)> {
        let file = configuration.files_at(&place.file).next();
        let document = file.map(|(_, read)| &read.document);
        let lines = document.into_iter().flat_map(|document| {
            (0..document.lines().len()).map(move |at| (document.number(at), document.raw(at).to_vec()))
        });
        lines
            .filter(|(_, raw)| line.is_none_or(|line| line == raw))
            .collect()
    };
    let before = || {
        let all = numbers(result, None);
        let (_, raw) = all.iter().find(|(number, _)| Some(*number) == place.line)?;
        let same = numbers(result, Some(raw));
        let at = same.iter().position(|(number, _)| Some(*number) == place.line)?;
        let then = numbers(original, Some(raw));
        // Those that were copied stand behind.
        then.get(at).or(then.last()).map(|(number, _)| *number)
    };
    let line = before();
    Place {
        line: line.or(place.line),
        ..place.clone()
    }
}
