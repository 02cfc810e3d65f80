//! One CA: its directory, and requests to it with their nonces (RFC 8555, 6). What is asked is elsewhere.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

use super::base64url;
use super::clock::Clock;
use super::date;
use super::directory::Directory;
use super::error::{Error, Unexpected};
use super::jws::{self, Signer};
use super::problem::{Problem, ProblemKind};
use super::transport::{Method, Obstacle, Reply, Request, Transport, TransportError};
use super::url::{self, Urls};
use super::words::word;
use crate::trail;

/// How often one request is repeated with the next nonce. A CA with several machines may refuse many in a row; at one half
/// refused, an order fails once in ten thousand.
const BAD_NONCES: u32 = 20;
/// Nonces that are kept, and bytes of each.
const NONCES: usize = 8;
const NONCE: usize = 512;

const JSON: &str = "application/json";

/// A CA.
pub struct Client<'a> {
    transport: &'a dyn Transport,
    clock: &'a dyn Clock,
    directory: Directory,
    urls: Urls,
    nonces: RefCell<Vec<String>>,
    ahead: Cell<Option<time::Duration>>,
    /// When the answers of what is under way must be there, by the clock's elapsed time.
    until: Cell<Option<Duration>>,
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("directory", &self.directory.url)
            .finish_non_exhaustive()
    }
}

impl<'a> Client<'a> {
    /// Reads the directory at this address: `https`, or for tests `http` on this machine.
    pub fn connect(
        transport: &'a dyn Transport,
        clock: &'a dyn Clock,
        directory: &str,
    ) -> Result<Self, Error> {
        let urls = Urls::of_directory(directory)
            .map_err(|why| Error::unexpected(directory, &format!("this address {why}")))?;
        let request = Request {
            method: Method::Get,
            url: directory,
            accept: JSON,
            body: &[],
            limit: None,
        };
        let answer = Answer::of(&request, transport.send(&request)?, clock.now())?;
        let client = Client {
            transport,
            clock,
            directory: Directory::read(directory, &answer.json()?, urls)?,
            urls,
            nonces: RefCell::default(),
            ahead: Cell::default(),
            until: Cell::default(),
        };
        client.note(&answer.reply);
        Ok(client)
    }

    /// What the CA says of itself.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// By how much the CA's clock is ahead of ours (negative: behind), by the latest answer with a `Date`. It may be off
    /// by the time that the answer took, and by a second.
    pub fn clock_ahead(&self) -> Option<time::Duration> {
        self.ahead.get()
    }

    /// Does something whose requests have an answer within this time, or fail: somebody waits for the end of it.
    pub fn within<T>(&self, limit: Duration, work: impl FnOnce() -> T) -> T {
        self.until.set(Some(self.clock.elapsed() + limit));
        let done = work();
        self.until.set(None);
        done
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock
    }

    /// `Err` when the CA must not send us to this address.
    pub(super) fn check_url(&self, from: &str, url: &str) -> Result<(), Error> {
        self.urls
            .check(url)
            .map_err(|why| Error::unexpected(from, &format!("it names an address that {why}: {url}")))
    }

    /// An unsigned reading request.
    pub(super) fn get(&self, url: &str) -> Result<Answer, Error> {
        let reply = self.send(Method::Get, url, JSON, &[])?;
        Answer::of_status(url, reply, self.clock.now())
    }

    /// A signed request; without a payload it only reads. A refused nonce is replaced.
    pub(super) fn post(
        &self,
        signer: Signer<'_>,
        url: &str,
        payload: Option<&Value>,
    ) -> Result<Answer, Error> {
        self.post_for(signer, url, payload, JSON)
    }

    /// The same for another type of answer.
    pub(super) fn post_for(
        &self,
        signer: Signer<'_>,
        url: &str,
        payload: Option<&Value>,
        accept: &str,
    ) -> Result<Answer, Error> {
        let mut repeated = 0;
        loop {
            let body = jws::signed(signer, &self.nonce()?, url, payload)?.to_string();
            let reply = self.send(Method::Post, url, accept, body.as_bytes())?;
            match Answer::of_status(url, reply, self.clock.now()) {
                Err(Error::Refused(problem))
                    if problem.kind() == ProblemKind::BadNonce && repeated < BAD_NONCES =>
                {
                    repeated += 1;
                }
                result => return result,
            }
        }
    }

    fn nonce(&self) -> Result<String, Error> {
        if let Some(nonce) = self.nonces.borrow_mut().pop() {
            return Ok(nonce);
        }
        let url = &self.directory.new_nonce;
        let reply = self.send(Method::Head, url, JSON, &[])?;
        let nonce = self.nonces.borrow_mut().pop();
        match nonce {
            Some(nonce) => Ok(nonce),
            None => {
                // A refusal says why.
                Answer::of_status(url, reply, self.clock.now())?;
                Err(Error::unexpected(url, "the answer has no usable Replay-Nonce"))
            }
        }
    }

    fn send(&self, method: Method, url: &str, accept: &str, body: &[u8]) -> Result<Reply, Error> {
        // Who wants the program to end waits for no further answer.
        self.clock.pause(Duration::ZERO)?;
        let limit = self
            .until
            .get()
            .map(|until| until.saturating_sub(self.clock.elapsed()));
        if limit == Some(Duration::ZERO) {
            let host = url::host(url);
            return Err(TransportError::new(host, Obstacle::TimedOut, "").into());
        }
        let request = Request {
            method,
            url,
            accept,
            body,
            limit,
        };
        let reply = self.transport.send(&request)?;
        trail::decided(|| format!("CA: {method:?} {} gave {}", word(url), reply.status));
        self.note(&reply);
        Ok(reply)
    }

    /// Keeps what every answer may have: a nonce and the CA's time.
    fn note(&self, reply: &Reply) {
        if let Some(nonce) = reply.header("replay-nonce")
            && nonce.len() <= NONCE
            && base64url::is_plain(nonce)
        {
            let mut nonces = self.nonces.borrow_mut();
            // The latest is taken first; old ones the CA may have forgotten.
            if nonces.len() == NONCES {
                nonces.remove(0);
            }
            nonces.push(nonce.to_owned());
        }
        if let Some(theirs) = date::of_reply(reply) {
            self.ahead.set(Some(theirs - self.clock.now()));
        }
    }
}

/// An answer that is no refusal.
#[derive(Debug)]
pub(super) struct Answer {
    pub url: String,
    pub reply: Reply,
    /// How long the CA wants us to wait before we ask again.
    pub retry_after: Option<Duration>,
}

impl Answer {
    fn of(request: &Request<'_>, reply: Reply, now: OffsetDateTime) -> Result<Answer, Error> {
        Self::of_status(request.url, reply, now)
    }

    fn of_status(url: &str, reply: Reply, now: OffsetDateTime) -> Result<Answer, Error> {
        let retry_after = date::retry_after(&reply, now);
        if (200..300).contains(&reply.status) {
            return Ok(Answer {
                url: url.to_owned(),
                reply,
                retry_after,
            });
        }
        let value: Option<Value> = serde_json::from_slice(&reply.body).ok();
        if let Some(mut problem) = value.as_ref().and_then(Problem::read)
            && reply.status >= 400
        {
            problem.status = reply.status;
            problem.retry_after = retry_after.map(|wait| wait.as_secs());
            return Err(Error::Refused(Box::new(problem)));
        }
        let what = match reply.header("location") {
            Some(to) if reply.status < 400 => format!("a redirect to {}", word(to)),
            _ => described(&reply.body),
        };
        let mut unexpected = Unexpected::new(url, &what);
        unexpected.status = reply.status;
        unexpected.retry_after = retry_after;
        Err(Error::Unexpected(unexpected))
    }

    /// Its body as JSON.
    pub fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.reply.body).map_err(|_| {
            Error::unexpected(
                &self.url,
                &format!("{} instead of JSON", described(&self.reply.body)),
            )
        })
    }

    /// The address of what was made; one without a host is at the host that was asked.
    pub fn location(&self) -> Result<String, Error> {
        match self.reply.header("location") {
            Some(path) if path.starts_with('/') && !path.starts_with("//") => {
                Ok(format!("{}{path}", url::origin(&self.url)))
            }
            Some(location) => Ok(location.to_owned()),
            None => {
                // A web page is told as such.
                self.json()?;
                Err(Error::unexpected(&self.url, "the answer has no Location"))
            }
        }
    }
}

/// What a body is that is not the wanted one.
fn described(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(2000)])
        .trim_start()
        .to_lowercase();
    if body.is_empty() {
        "an empty answer".to_owned()
    } else if start.starts_with("<!doctype html") || start.starts_with("<html") {
        "a web page".to_owned()
    } else if start.starts_with(['{', '[']) {
        "JSON of another kind, or cut off".to_owned()
    } else {
        "something unknown".to_owned()
    }
}
