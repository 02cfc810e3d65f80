//! Does HTTPS answer what HTTP answered? Two answers to one request, compared. Asks nobody, and keeps no words of a page.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use crate::change::Url;
use crate::finding::{Code, Finding, Severity};
use crate::httpd::in_url;
use crate::server::http::Answer;
use crate::shown::sentence;

/// An answer, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub status: u16,
    /// `Location`.
    pub location: Option<String>,
    /// `Content-Type`.
    pub kind: Option<String>,
    /// `Content-Length`.
    pub length: Option<u64>,
    /// It is a file as it lies on the disk.
    pub is_file: bool,
    /// What it showed, where that was looked at and was the same twice.
    pub page: Option<Page>,
}

/// A page by its words, each of which is only known by a number that means nothing after this run. What names its scheme or
/// its port is the same over both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page(Vec<u64>);

/// Makes pages that can be compared with each other.
#[derive(Debug, Default)]
pub struct Pages(RandomState);

/// One request, and where it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The names that are served over HTTPS.
    pub names: &'a [String],
    /// The one that is asked for.
    pub name: &'a str,
    /// What is asked for.
    pub path: &'a str,
    /// The port of HTTP.
    pub http: u16,
    /// The port of HTTPS.
    pub https: u16,
    /// HTTP sends the names to HTTPS now.
    pub redirects: bool,
}

impl Pages {
    /// The page in these bytes of an answer from this port.
    pub fn page(&self, bytes: &[u8], port: u16) -> Page {
        let port = port.to_string();
        let words = bytes.split(|byte| !byte.is_ascii_alphanumeric() && byte.is_ascii());
        let words = words.filter(|word| !word.is_empty() && *word != port.as_bytes());
        let words = words.map(|word| match word.eq_ignore_ascii_case(b"https") {
            true => b"http".to_vec(),
            false => word.to_ascii_lowercase(),
        });
        Page(words.map(|word| self.0.hash_one(word)).collect())
    }
}

impl Page {
    /// May it be the same page, of which a program says something else at times: do they share more than half of their
    /// words?
    fn is_akin(&self, other: &Page) -> bool {
        let [own, others] = [self, other].map(|page| page.0.iter().copied().collect::<HashSet<u64>>());
        let shared = own.intersection(&others).count();
        2 * shared > own.union(&others).count()
    }
}

impl Seen {
    /// Of an answer, without its page.
    pub fn of(answer: &Answer) -> Seen {
        Seen {
            status: answer.status,
            location: answer.location.clone(),
            kind: answer.kind.clone(),
            length: answer.length,
            is_file: answer.is_file,
            page: None,
        }
    }

    /// It sends the client elsewhere.
    pub fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status) && self.location.is_some()
    }

    /// For people: `200 text/html, 5 bytes`, `301 to http://a.test/`.
    pub fn describe(&self) -> String {
        let mut text = self.status.to_string();
        if let Some(location) = self.location.as_ref().filter(|_| self.is_redirect()) {
            return format!("{text} to {}", sentence(location));
        }
        if let Some(kind) = &self.kind {
            text += &format!(" {}", sentence(kind));
        }
        if let Some(length) = self.length {
            text += &format!(", {length} bytes");
        }
        text
    }
}

/// How the answer over HTTPS differs from that over HTTP, by its code; `None`: it does not. Without an answer `before`, as
/// HTTP only led to HTTPS, what is broken by itself counts; without one `after`, nobody answered.
pub fn difference(before: Option<&Seen>, after: Option<&Seen>, way: &Way<'_>) -> Option<Code> {
    let Some(after) = after else {
        return before.map(|_| Code::HttpsDiffers);
    };
    if way.is_loop(after, true) && !before.is_some_and(|before| way.is_loop(before, false)) {
        return Some(Code::HttpsLoops);
    }
    if after.status >= 500 && before.is_none_or(|before| before.status < 500) {
        return Some(Code::HttpsFails);
    }
    let before = before?;
    let class = |seen: &Seen| seen.status / 100;
    let differs = Some(Code::HttpsDiffers);
    if class(before) != class(after) || before.is_redirect() != after.is_redirect() {
        return differs;
    }
    if before.is_redirect() {
        return differs.filter(|_| !way.leads_alike(before, after));
    }
    if class(before) != 2 {
        return None;
    }
    if let (Some(page), Some(other)) = (&before.page, &after.page)
        && page != other
        && (before.is_file || !page.is_akin(other))
    {
        return Some(Code::HttpsOtherContent);
    }
    let kind = |seen: &Seen| {
        seen.kind
            .as_ref()
            .map(|kind| kind.replace(' ', "").to_ascii_lowercase())
    };
    let is_alike =
        kind(before) == kind(after) && (before.page.is_some() || is_near(before.length, after.length));
    differs.filter(|_| !is_alike)
}

/// Pages whose words are not known are as long as each other, within reason.
fn is_near(one: Option<u64>, other: Option<u64>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return true;
    };
    one.abs_diff(other) <= 1024.max(one.max(other) / 2)
}

impl Way<'_> {
    /// Does HTTP send this very request to HTTPS?
    pub fn leads_to_https(&self, before: &Seen) -> bool {
        let there = self.there(before, false);
        before.is_redirect() && there.is_some_and(|there| there.is_at(true, self.name, self.https, self.path))
    }

    /// The name and path that an answer leads on to, where that is the site itself, asked for in the same way.
    pub fn leads_on(&self, seen: &Seen, tls: bool) -> Option<(String, String)> {
        let there = self.there(seen, tls).filter(|_| seen.is_redirect())?;
        let is_own = self.names.iter().any(|name| in_url(name) == there.host);
        let is_same = match tls {
            true => {
                there.tls && there.port == Some(self.https)
                    || self.redirects && !there.tls && there.port == Some(self.http)
            }
            false => !there.tls && there.port == Some(self.http),
        };
        let is_plain = there.path.bytes().all(|byte| byte.is_ascii_graphic());
        let name = there.host.trim_matches(['[', ']']).to_owned();
        (is_own && is_same && is_plain).then_some((name, there.path))
    }

    /// Does an answer lead back to what was asked for, by way of HTTP or not?
    fn is_loop(&self, seen: &Seen, tls: bool) -> bool {
        let Some(there) = self.there(seen, tls).filter(|_| seen.is_redirect()) else {
            return false;
        };
        let is_at = |tls, port| there.is_at(tls, self.name, port, self.path);
        match tls {
            true => is_at(true, self.https) || self.redirects && is_at(false, self.http),
            false => is_at(false, self.http),
        }
    }

    /// Do both redirects lead to one place, in its form for HTTPS where it is one of ours?
    fn leads_alike(&self, before: &Seen, after: &Seen) -> bool {
        let (Some(before), Some(after)) = (self.there(before, false), self.there(after, true)) else {
            return before.location == after.location;
        };
        if (&before.host, &before.rest) != (&after.host, &after.rest) {
            return false;
        }
        let is_ours = self.names.iter().any(|name| in_url(name) == before.host);
        match (before.tls, after.tls) {
            (false, true) if [Some(80), Some(self.http)].contains(&before.port) => {
                [Some(443), Some(self.https)].contains(&after.port)
            }
            (false, false) if is_ours && before.port == Some(self.http) => false,
            (false, true) => before.port == after.port,
            (one, other) => one == other && before.port == after.port,
        }
    }

    /// Where an answer leads.
    fn there(&self, seen: &Seen, tls: bool) -> Option<There> {
        let location = seen.location.as_deref()?;
        let (scheme, port) = match tls {
            true => ("https", self.https),
            false => ("http", self.http),
        };
        let host = in_url(self.name);
        let whole = match location {
            _ if location.starts_with("//") => format!("{scheme}:{location}"),
            _ if location.starts_with('/') => format!("{scheme}://{host}:{port}{location}"),
            _ => location.to_owned(),
        };
        let url = Url::parse(&whole)?;
        let rest = url.rest.split('#').next().unwrap_or_default();
        let path = match rest.starts_with('/') {
            true => rest.to_owned(),
            false => format!("/{rest}"),
        };
        Some(There {
            tls: url.tls,
            host: url.host.to_ascii_lowercase(),
            port: url.port,
            // Where to go afterwards is often said in it.
            rest: path.replace("https", "http"),
            path,
        })
    }
}

/// The parts of an address, in one form.
struct There {
    tls: bool,
    host: String,
    port: Option<u16>,
    /// Path and what is asked for behind it.
    path: String,
    /// The same, whatever scheme it speaks of.
    rest: String,
}

impl There {
    fn is_at(&self, tls: bool, name: &str, port: u16, path: &str) -> bool {
        let host = in_url(name);
        (self.tls, &*self.host, self.port, &*self.path) == (tls, &*host, Some(port), path)
    }
}

/// The same as a finding, with both answers.
pub fn finding(code: Code, before: Option<&Seen>, after: Option<&Seen>, way: &Way<'_>) -> Finding {
    let url = |scheme: &str, port: u16, usual: u16| match port == usual {
        true => format!("{scheme}://{}{}", in_url(way.name), way.path),
        false => format!("{scheme}://{}:{port}{}", in_url(way.name), way.path),
    };
    let (http, https) = (url("http", way.http, 80), url("https", way.https, 443));
    let said = |seen: Option<&Seen>, none: &str| seen.map_or(none.to_owned(), Seen::describe);
    let both = format!(
        "HTTP answered {}, HTTPS answers {}",
        said(before, "with a redirect to it"),
        said(after, "nothing")
    );
    let what = match code {
        Code::HttpsLoops => format!("{https} leads to itself without end"),
        Code::HttpsFails => format!("{https} fails"),
        Code::HttpsOtherContent => format!("{https} shows other content than {http} did"),
        _ => format!("{https} answers otherwise than {http} did"),
    };
    let severity = match code {
        Code::HttpsDiffers => Severity::WorksButWrong,
        _ => Severity::BreaksClients,
    };
    Finding::new(
        code,
        severity,
        format!("{what}: {both}"),
        "What the virtual host for HTTPS does with this request is not what that for HTTP did.",
        "Compare both virtual hosts, and correct the one for HTTPS.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way<'a>(path: &'a str, names: &'a [String]) -> Way<'a> {
        Way {
            names,
            name: "a.test",
            path,
            http: 80,
            https: 443,
            redirects: false,
        }
    }

    fn answer(status: u16, location: &str) -> Seen {
        Seen {
            status,
            location: (!location.is_empty()).then(|| location.to_owned()),
            kind: Some("text/html".into()),
            ..Seen::default()
        }
    }

    /// How answers to `/x` differ, by status and target.
    fn code(before: (u16, &str), after: (u16, &str)) -> Option<Code> {
        let names = ["a.test".to_owned(), "www.a.test".to_owned()];
        let (before, after) = (answer(before.0, before.1), answer(after.0, after.1));
        difference(Some(&before), Some(&after), &way("/x", &names))
    }

    #[test]
    fn the_same_in_its_form_for_https() {
        for same in [
            [(200, ""), (204, "")],
            [(401, ""), (401, "")],
            [(404, ""), (403, "")],
            [(500, ""), (503, "")],
            [(301, "http://a.test/x/"), (301, "https://a.test/x/")],
            [(302, "http://www.a.test"), (302, "https://www.a.test/")],
            [(302, "/x/"), (302, "https://a.test/x/")],
            [(302, "http://a.test:8080/"), (302, "http://a.test:8080/")],
            [(302, "http://b.test/"), (302, "http://b.test/")],
            [(302, "http://b.test/"), (302, "https://b.test/")],
            [(302, "https://b.test/"), (302, "https://b.test/")],
            [
                (302, "/login?to=http://a.test/"),
                (302, "/login?to=https://a.test/"),
            ],
        ] {
            assert_eq!(code(same[0], same[1]), None, "{same:?}");
        }
    }

    #[test]
    fn what_differs() {
        for (before, after, expected) in [
            ((200, ""), (503, ""), Code::HttpsFails),
            ((404, ""), (500, ""), Code::HttpsFails),
            ((200, ""), (301, "https://a.test/x"), Code::HttpsLoops),
            ((200, ""), (301, "/x"), Code::HttpsLoops),
            ((200, ""), (301, "https://b.test/"), Code::HttpsDiffers),
            ((200, ""), (404, ""), Code::HttpsDiffers),
            ((200, ""), (301, "http://a.test/x"), Code::HttpsDiffers),
            (
                (301, "http://a.test/y"),
                (301, "http://a.test/y"),
                Code::HttpsDiffers,
            ),
            (
                (301, "http://a.test:8080/y"),
                (301, "https://a.test/y"),
                Code::HttpsDiffers,
            ),
            (
                (301, "http://a.test/y"),
                (301, "https://a.test/z"),
                Code::HttpsDiffers,
            ),
            ((301, "https://a.test/y"), (200, ""), Code::HttpsDiffers),
        ] {
            assert_eq!(code(before, after), Some(expected), "{before:?} {after:?}");
        }
    }

    #[test]
    fn what_leads_on_and_back() {
        let names = ["a.test".to_owned(), "www.a.test".to_owned()];
        let way = way("/x", &names);
        let back = answer(301, "http://a.test/x");
        let redirects = Way {
            redirects: true,
            ..way
        };
        assert_eq!(
            difference(Some(&answer(200, "")), Some(&back), &redirects),
            Some(Code::HttpsLoops)
        );
        let on = |location, tls| way.leads_on(&answer(301, location), tls);
        assert_eq!(
            on("https://www.a.test/y?z", true),
            Some(("www.a.test".into(), "/y?z".into()))
        );
        assert_eq!(on("/y", false), Some(("a.test".into(), "/y".into())));
        assert_eq!(on("http://a.test/y", true), None);
        assert_eq!(on("https://b.test/y", true), None);
        assert_eq!(on("https://a.test:8443/y", true), None);
        // HTTP did so itself.
        assert_eq!(code((301, "http://a.test/x"), (301, "https://a.test/x")), None);
        assert_eq!(
            difference(Some(&answer(200, "")), None, &way),
            Some(Code::HttpsDiffers)
        );
        // Only led to HTTPS, of which nothing was known.
        assert!(way.leads_to_https(&answer(301, "https://a.test/x")));
        assert!(!way.leads_to_https(&answer(301, "https://a.test/y")));
        assert_eq!(difference(None, Some(&answer(404, "")), &way), None);
        assert_eq!(
            difference(None, Some(&answer(502, "")), &way),
            Some(Code::HttpsFails)
        );
        assert_eq!(difference(None, None, &way), None);
    }

    #[test]
    fn pages_by_their_words() {
        let (names, pages) = (["a.test".to_owned()], Pages::default());
        let code = |is_file, before: &str, after: &str| {
            let [before, after] = [(before, 80), (after, 443)].map(|(text, port)| Seen {
                page: Some(pages.page(text.as_bytes(), port)),
                is_file,
                ..answer(200, "")
            });
            difference(Some(&before), Some(&after), &way("/", &names))
        };
        let other = Some(Code::HttpsOtherContent);
        assert_eq!(code(true, "hello", "hello"), None);
        assert_eq!(code(true, "site a of ours", "site b of ours"), other);
        assert_eq!(code(false, "site a of ours", "site b of ours"), None);
        assert_eq!(code(false, "backend one", "it works"), other);
        assert_eq!(
            code(true, "http://a.test:80/ Port 80", "https://a.test:443/ Port 443"),
            None
        );
        assert_eq!(code(false, "", "it works"), other);
    }

    #[test]
    fn kinds_and_lengths() {
        let names = ["a.test".to_owned()];
        let code = |kind: &str, length| {
            let before = Seen {
                length: Some(5000),
                ..answer(200, "")
            };
            let after = Seen {
                length: Some(length),
                kind: Some(kind.into()),
                ..answer(200, "")
            };
            difference(Some(&before), Some(&after), &way("/", &names))
        };
        assert_eq!(code("text/html", 6000), None);
        assert_eq!(code("text/html", 20000), Some(Code::HttpsDiffers));
        assert_eq!(code("text/plain", 5000), Some(Code::HttpsDiffers));
    }

    #[test]
    fn both_answers_are_named() {
        let names = ["a.test".to_owned()];
        let way = Way {
            https: 8443,
            ..way("/x", &names)
        };
        let found = finding(
            Code::HttpsFails,
            Some(&answer(200, "")),
            Some(&answer(503, "")),
            &way,
        );
        assert_eq!(
            found.summary,
            "https://a.test:8443/x fails: HTTP answered 200 text/html, HTTPS answers 503 text/html"
        );
    }
}
