//! What the site answers over HTTP before a change, and whether HTTPS answers the same once the server shows it. Only
//! addresses of this machine are asked, without any name and password, and what a page says is not kept.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use schemars::JsonSchema;
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
use crate::server::deadline::Deadline;
use crate::server::handshake;
use crate::server::http::{Answer, Request};
use crate::shown::sentence;

/// How long one answer is waited for.
pub const ONE_ANSWER: Duration = Duration::from_secs(2);
/// How long all answers of a site are waited for.
pub const ALL_ANSWERS: Duration = Duration::from_secs(8);
/// So much of a page is looked at.
pub const PAGE: usize = 32 << 10;
/// A page that tells the time is another one by then.
const PAUSE: Duration = Duration::from_millis(1100);
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
}

/// What HTTPS answered to requests that HTTP had answered.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "ComparedAnswers")]
pub struct Compared {
    /// How many requests were compared.
    request_count: usize,
    /// Those that HTTPS answers otherwise than HTTP did, less what the plan had named.
    differences: Vec<Difference>,
}

/// A request that HTTPS answers otherwise than HTTP did.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AnswerDifference")]
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
#[derive(Serialize, JsonSchema)]
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
        let client = Client::new(&noted.pages, site.port);
        let mut heard = Vec::new();
        for asked in change::requests(&loaded.configuration, request) {
            if interrupt::came() {
                break;
            }
            let Some(seen) = client.http(&asked) else { continue };
            let before = match way(site, &asked).leads_to_https(&seen) {
                true => client.https(&asked, true),
                false => Some(seen),
            };
            heard.push(Heard { asked, before });
        }
        progress.detail(&match heard.len() {
            0 => format!(
                "{} answers nothing over HTTP now: nothing to compare HTTPS with",
                request.domain
            ),
            count => format!(
                "{}: {count} answers over HTTP taken down, to compare those over HTTPS",
                request.domain
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
        let client = Client::new(&self.pages, site.port);
        let wanted = self.heard.iter();
        let wanted: Vec<&Heard> = wanted
            .filter(|heard| change::is_wanted(&new.configuration, request, &heard.asked))
            .take_while(|_| !interrupt::came())
            .collect();
        let first = wanted.iter().filter_map(|heard| {
            let after = client.after(heard);
            let code = heard.differs(after.as_ref(), site)?;
            Some((*heard, code, after))
        });
        let mut differing: Vec<_> = first.collect();
        if !differing.is_empty() {
            // What the plan named is no news.
            let told = change::announced(&old.configuration, &new.configuration, request);
            differing.retain(|(heard, code, _)| {
                let is_broken = [Code::HttpsFails, Code::HttpsLoops].contains(code);
                is_broken || !told.iter().any(|path| is_below(&heard.asked.path, path))
            });
        }
        Compared {
            request_count: wanted.len(),
            differences: self.confirmed(differing, site),
        }
    }

    /// Those that are so once more: a server may be slow to begin, and some pages are never the same.
    fn confirmed(&self, found: Vec<(&Heard, Code, Option<Seen>)>, site: &Site) -> Vec<Difference> {
        if found.is_empty() || interrupt::came() {
            return Vec::new();
        }
        std::thread::sleep(PAUSE);
        let client = Client::new(&self.pages, site.port);
        let mut all: Vec<Difference> = Vec::new();
        for (heard, _, first) in found {
            let mut after = client.after(heard);
            if let (Some(after), Some(first)) = (&mut after, first)
                && after.page != first.page
            {
                after.page = None;
            }
            let Some(code) = heard.differs(after.as_ref(), site) else {
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

impl Heard {
    fn differs(&self, after: Option<&Seen>, site: &Site) -> Option<Code> {
        difference(self.before.as_ref(), after, &way(site, &self.asked))
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
            count => format!("; {} more answers differ", count - 1),
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
    pages: &'a Pages,
    /// The port of HTTPS.
    port: u16,
    end: Deadline,
}

impl<'a> Client<'a> {
    fn new(pages: &'a Pages, port: u16) -> Client<'a> {
        Client {
            pages,
            port,
            end: Deadline::within(ALL_ANSWERS),
        }
    }

    /// What HTTP answers; a page only where it is the same twice.
    fn http(&self, asked: &Asked) -> Option<Seen> {
        let address = Some(asked.at).filter(|at| is_here(at.ip()))?;
        self.seen(asked, (address, false), true)
    }

    /// What HTTPS answers at the same address.
    fn https(&self, asked: &Asked, with_page: bool) -> Option<Seen> {
        let address = SocketAddr::new(asked.at.ip(), self.port);
        self.seen(asked, (address, true), with_page)
    }

    /// What HTTPS answers now, with its page where that of HTTP is known.
    fn after(&self, heard: &Heard) -> Option<Seen> {
        let before = heard.before.as_ref();
        self.https(&heard.asked, before.is_some_and(|before| before.page.is_some()))
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
        let deadline = Deadline::within(self.end.left().ok()?.min(ONE_ANSWER));
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
        answer.ok()
    }
}

/// Does this machine have the address, so that nobody else is asked?
fn is_here(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}
