//! What the site answers over HTTP before a change, and whether HTTPS answers the same once the server shows it. Only
//! addresses of this machine are asked, without any name and password, and what a page says is not kept.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use serde::Serialize;

use super::expectation::Site;
use super::failure::Failure;
use super::find::Loaded;
use super::progress::Progress;
use crate::change::{self, Asked};
use crate::check::same_answer::{Page, Pages, Seen, Way, difference, finding};
use crate::check::{Code, Finding};
use crate::httpd::in_url;
use crate::interrupt;
use crate::note_code::NoteCode;
use crate::server::deadline::{ALL_ANSWERS, Deadline, ONE_ANSWER};
use crate::server::handshake;
use crate::server::http::{Answer, Request};
use crate::shown::sentence;
use crate::wording::count;

/// So much of a page is looked at.
const PAGE: usize = 32 << 10;
/// A page that tells the time is another one by then.
const PAUSE: Duration = Duration::from_millis(1100);
/// How often a client is sent on before it is given up.
const HOPS: usize = 6;
/// More differences are counted only.
const MOST_TOLD: usize = 8;

/// What a site answered over HTTP.
#[derive(Default)]
pub struct Noted {
    heard: Vec<Heard>,
    pages: Pages,
}

/// One answer to one request over HTTP.
struct Heard {
    asked: Asked,
    /// None where HTTP only leads to HTTPS, which nobody spoke yet.
    before: Option<Seen>,
    /// It led back to itself.
    loops: bool,
}

/// What HTTPS answered to requests that HTTP had answered.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ComparedAnswers"))]
pub struct Compared {
    /// How many requests were compared.
    request_count: usize,
    /// Those that HTTPS answers otherwise than HTTP did, less what the plan had named.
    differences: Vec<Difference>,
}

/// A request that HTTPS answers otherwise than HTTP did.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AnswerDifference"))]
struct Difference {
    /// What kind of difference it is.
    code: Code,
    /// The name that was asked for.
    name: String,
    /// The path that was asked for.
    path: String,
    /// The address that was asked over HTTP.
    address: String,
    /// What HTTP had answered; null where it only led to HTTPS.
    http: Option<AnswerHead>,
    /// What HTTPS answers; null where nothing came.
    https: Option<AnswerHead>,
    #[serde(skip)]
    finding: Finding,
}

/// The head of an answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct AnswerHead {
    /// Its status.
    status: u16,
    /// Where it leads to; null where it does not.
    location: Option<String>,
    /// Its `Content-Type`; null where it has none.
    content_type: Option<String>,
    /// Its `Content-Length`; null where it has none.
    length: Option<u64>,
}

impl AnswerHead {
    fn of(seen: &Seen) -> AnswerHead {
        let shown = |text: &Option<String>| text.as_deref().map(sentence);
        AnswerHead {
            status: seen.status,
            location: shown(&seen.location),
            content_type: shown(&seen.kind),
            length: seen.length,
        }
    }
}

impl Noted {
    /// Takes down what a site answers.
    pub fn of(loaded: &Loaded, site: &Site, progress: &dyn Progress) -> Noted {
        let mut noted = Noted::default();
        let Some(request) = &site.asked else { return noted };
        let client = Client::new(site, &noted.pages, ONE_ANSWER);
        let mut heard = Vec::new();
        for asked in change::requests(&loaded.configuration, request) {
            if interrupt::came() {
                break;
            }
            let Some(seen) = client.http(&asked) else { continue };
            let only_leads = way(site, &asked).leads_to_https(&seen);
            heard.push(Heard {
                loops: client.loops(&asked, &seen, false),
                before: match only_leads {
                    true => client.https(&asked, true),
                    false => Some(seen),
                },
                asked,
            });
        }
        progress.detail(&match heard.len() {
            0 => format!(
                "{} answers nothing over HTTP that HTTPS could be compared with",
                request.domain
            ),
            number => format!(
                "{}: {} of HTTP, to compare those of HTTPS with",
                request.domain,
                count(number, "answer")
            ),
        });
        noted.heard = heard;
        noted
    }

    /// Asks the same over HTTPS, of a server that shows the configuration `new` in the place of `old`.
    pub fn compare(&self, old: &Loaded, new: &Loaded, site: &Site) -> Compared {
        let Some(request) = site.asked.as_ref().filter(|_| !self.heard.is_empty()) else {
            return Compared::default();
        };
        let client = Client::new(site, &self.pages, ONE_ANSWER);
        let mut request_count = 0;
        let mut differing = Vec::new();
        let wanted = self.heard.iter();
        for heard in wanted.filter(|heard| change::is_wanted(&new.configuration, request, &heard.asked)) {
            let after = client.after(heard);
            if interrupt::came() || client.is_late() {
                break;
            }
            request_count += 1;
            differing.extend(
                client
                    .differs(heard, after.as_ref())
                    .map(|code| (heard, code, after)),
            );
        }
        if !differing.is_empty() {
            // What the plan named is no news.
            let told = change::announced(&old.configuration, &new.configuration, request);
            differing.retain(|(heard, code, _)| {
                let is_broken = [Code::HttpsFails, Code::HttpsLoops].contains(code);
                is_broken || !told.iter().any(|path| is_below(&heard.asked.path, path))
            });
        }
        Compared {
            request_count,
            differences: self.confirmed(differing, site),
        }
    }

    /// Those that are so once more: a server may be slow to begin, and some pages are never the same.
    fn confirmed(&self, found: Vec<(&Heard, Code, Option<Seen>)>, site: &Site) -> Vec<Difference> {
        let mut all: Vec<Difference> = Vec::new();
        if found.is_empty() || interrupt::came() {
            return all;
        }
        std::thread::sleep(PAUSE);
        let client = Client::new(site, &self.pages, ALL_ANSWERS);
        for (heard, _, first) in found {
            let mut after = client.after(heard);
            if interrupt::came() || client.is_late() && !all.is_empty() {
                break;
            }
            if let (Some(after), Some(first)) = (&mut after, first)
                && after.page != first.page
            {
                after.page = None;
            }
            let Some(code) = client.differs(heard, after.as_ref()) else {
                continue;
            };
            let Asked { at, name, path } = &heard.asked;
            // The other addresses answer alike.
            if all
                .iter()
                .any(|one| (&one.name, &one.path, one.code) == (name, path, code))
            {
                continue;
            }
            let before = heard.before.as_ref();
            all.push(Difference {
                code,
                name: name.clone(),
                path: path.clone(),
                address: at.to_string(),
                http: before.map(AnswerHead::of),
                https: after.as_ref().map(AnswerHead::of),
                finding: finding(code, before, after.as_ref(), &way(site, &heard.asked)),
            });
        }
        all
    }
}

impl Compared {
    /// Why everything goes back, if it does; `strict`: for any difference. What is forced stays.
    pub fn failure(&self, strict: bool, forced: &[Code]) -> Option<Failure> {
        let counts =
            |one: &&Difference| (strict || one.code != Code::HttpsDiffers) && !forced.contains(&one.code);
        let all: Vec<&Finding> = self
            .differences
            .iter()
            .filter(counts)
            .map(|one| &one.finding)
            .collect();
        let more = match all.len() {
            0 | 1 => String::new(),
            some => format!(" (and {} more)", some - 1),
        };
        let first = all.first()?;
        let words = anyhow::anyhow!(
            "HTTPS does not show what HTTP showed: {}{more}; correct the virtual host for HTTPS, or keep it as it is with \
             --force {}",
            first.summary,
            first.code
        );
        Some(Failure {
            findings: all.into_iter().cloned().collect(),
            ..Failure::error(words)
        })
    }

    /// Tells every difference.
    pub fn tell(&self, progress: &dyn Progress) {
        for one in self.differences.iter().take(MOST_TOLD) {
            progress.note(NoteCode::HttpsDiffers, &format!("note: {}", one.finding.summary));
        }
        if self.differences.len() > MOST_TOLD {
            let more = self.differences.len() - MOST_TOLD;
            let words = format!("note: {more} more answers over HTTPS are not those that HTTP gave");
            progress.note(NoteCode::HttpsDiffers, &words);
        }
    }

    /// For programs; nothing where nothing was compared.
    pub fn reported(self) -> Option<Compared> {
        (self.request_count > 0).then_some(self)
    }
}

/// Is it that path, or below it?
fn is_below(path: &str, outer: &str) -> bool {
    let rest = path.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || outer.ends_with('/') || rest.starts_with('/'))
}

fn way<'a>(site: &'a Site, asked: &'a Asked) -> Way<'a> {
    Way {
        names: &site.names,
        name: &asked.name,
        path: &asked.path,
        http: asked.at.port(),
        https: site.port,
        redirects: site.redirects,
    }
}

/// Who asks.
struct Client<'a> {
    site: &'a Site,
    pages: &'a Pages,
    /// How long one answer is waited for.
    patience: Duration,
    end: Deadline,
    /// Where nobody listens.
    silent: RefCell<Vec<SocketAddr>>,
}

impl<'a> Client<'a> {
    fn new(site: &'a Site, pages: &'a Pages, patience: Duration) -> Client<'a> {
        Client {
            site,
            pages,
            patience,
            end: Deadline::within(ALL_ANSWERS),
            silent: RefCell::default(),
        }
    }

    /// There is no time left, so that no answer means nothing.
    fn is_late(&self) -> bool {
        self.end.left().is_err()
    }

    /// What HTTP answers; a page only where it is the same twice.
    fn http(&self, asked: &Asked) -> Option<Seen> {
        let address = Some(asked.at).filter(|at| is_here(at.ip()))?;
        self.seen(asked, (address, false), true)
    }

    /// What HTTPS answers at the same address.
    fn https(&self, asked: &Asked, with_page: bool) -> Option<Seen> {
        self.seen(asked, (self.secure(asked), true), with_page)
    }

    /// Where HTTPS answers it.
    fn secure(&self, asked: &Asked) -> SocketAddr {
        SocketAddr::new(asked.at.ip(), self.site.port)
    }

    /// What HTTPS answers now, with its page where that of HTTP is known.
    fn after(&self, heard: &Heard) -> Option<Seen> {
        let before = heard.before.as_ref();
        self.https(&heard.asked, before.is_some_and(|before| before.page.is_some()))
    }

    fn differs(&self, heard: &Heard, after: Option<&Seen>) -> Option<Code> {
        let loops = |after: &Seen| !heard.loops && self.loops(&heard.asked, after, true);
        if after.is_some_and(loops) {
            return Some(Code::HttpsLoops);
        }
        difference(heard.before.as_ref(), after, &way(self.site, &heard.asked))
    }

    /// Does the site send a client round in a circle that begins with this answer? Followed are its own names only, at the
    /// address that was asked.
    fn loops(&self, asked: &Asked, first: &Seen, tls: bool) -> bool {
        let end = (if tls { self.secure(asked) } else { asked.at }, tls);
        let (mut asked, mut seen) = (asked.clone(), first.clone());
        let mut visited = vec![(asked.name.clone(), asked.path.clone())];
        while let Some((name, path)) = way(self.site, &asked).leads_on(&seen, tls) {
            if visited.contains(&(name.clone(), path.clone())) {
                return true;
            }
            visited.push((name.clone(), path.clone()));
            asked = Asked { name, path, ..asked };
            match self.seen(&asked, end, false).filter(|_| visited.len() < HOPS) {
                Some(next) => seen = next,
                None => return false,
            }
        }
        false
    }

    fn seen(&self, asked: &Asked, end: (SocketAddr, bool), with_page: bool) -> Option<Seen> {
        let mut head = self.answer(asked, end, false)?;
        // It takes no HEAD.
        if [405, 501].contains(&head.status) {
            head = self.answer(asked, end, true)?;
        }
        let is_page = with_page && head.status == 200;
        Some(Seen {
            page: is_page.then(|| self.page(asked, end)).flatten(),
            ..Seen::of(&head)
        })
    }

    /// The page, where it is the same twice.
    fn page(&self, asked: &Asked, end: (SocketAddr, bool)) -> Option<Page> {
        let look = || {
            let answer = self
                .answer(asked, end, true)
                .filter(|answer| answer.status == 200)?;
            let body = &answer.body[..answer.body.len().min(PAGE)];
            let (wanted, length) = (answer.length.unwrap_or(0).min(PAGE as u64), body.len() as u64);
            // Cut off on its way, it says nothing.
            (length >= wanted).then(|| self.pages.page(body, end.0.port()))
        };
        let (first, second) = (look()?, look()?);
        (first == second).then_some(first)
    }

    fn answer(&self, asked: &Asked, (address, tls): (SocketAddr, bool), whole: bool) -> Option<Answer> {
        if self.silent.borrow().contains(&address) {
            return None;
        }
        let deadline = Deadline::within(self.end.left().ok()?.min(self.patience));
        let host = match (address.port(), tls) {
            (80, false) | (443, true) => in_url(&asked.name).into_owned(),
            (port, _) => format!("{}:{port}", in_url(&asked.name)),
        };
        let request = match whole {
            true => Request::whole(&host, &asked.path),
            false => Request::look(&host, &asked.path),
        };
        let answer = match tls {
            true => handshake::request(address, Some(&asked.name), &request, deadline),
            false => handshake::plain(address, &request, deadline),
        };
        if let Err(handshake::Failure::NotConnected(_)) = answer {
            self.silent.borrow_mut().push(address);
        }
        answer.ok()
    }
}

/// Does this machine have the address, so that nobody else is asked?
fn is_here(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked() {
        assert!(is_here("127.0.0.1".parse().unwrap()));
        // Wine lets everybody have any address.
        if cfg!(unix) {
            assert!(!is_here("192.0.2.1".parse().unwrap()));
        }
    }

    #[test]
    fn what_was_told_of_a_path_is_told_of_all_below_it() {
        for (path, outer, is) in [
            ("/", "/", true),
            ("/x/y", "/", true),
            ("/x/y", "/x", true),
            ("/x/y", "/x/", true),
            ("/xy", "/x", false),
            ("/", "/x", false),
        ] {
            assert_eq!(is_below(path, outer), is, "{path} {outer}");
        }
    }
}
