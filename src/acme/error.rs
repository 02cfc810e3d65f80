//! What can go wrong with a CA, as values. None ever carries bytes of a private key.

use std::fmt;
use std::time::Duration;

use super::clock::Interrupted;
use super::problem::Problem;
use super::transport::TransportError;
use super::words::{sentence, word};
use crate::tls;
use crate::wording::count;

/// Why a step did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no answer. Whether the CA got the request is not known; ask with [`super::Session::refresh`].
    Transport(TransportError),
    /// The CA refuses, and says why.
    Refused(Box<Problem>),
    /// The CA gave the order up: it will never lead to a certificate.
    OrderFailed(Box<Rejection>),
    /// The answer is not one of ACME: a web page, something missing, an address that is not asked.
    Unexpected(Unexpected),
    /// The certificate is not the one that was ordered.
    ForeignCertificate(String),
    /// The CA was not done within the time limit; the order can be resumed.
    NotYet {
        /// What was waited for, as the end of "the CA has not ...".
        what: &'static str,
        /// How long the CA wants us to wait before we ask again.
        retry_after: Option<Duration>,
    },
    /// The CA does not have what is asked for: a profile, accounts by key.
    NotOffered(String),
    /// A step out of its turn, such as finalizing an order before it was said to be prepared.
    OutOfTurn(&'static str),
    /// A name, key or request of ours cannot be used.
    Own(tls::Error),
    /// The key cannot be an account key; why, as the end of a sentence.
    AccountKey(&'static str),
    /// The program is to end.
    Interrupted,
}

/// Why an order failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejection {
    /// What the CA says of the order as a whole.
    pub order: Option<Problem>,
    /// What it says of single names.
    pub names: Vec<RejectedName>,
}

/// A name that did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedName {
    /// The name.
    pub name: String,
    /// The challenge that failed, such as `http-01`.
    pub challenge: String,
    /// What the CA says.
    pub problem: Problem,
}

/// An answer that is not one of ACME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpected {
    /// The address that was asked; printable.
    pub url: String,
    /// The HTTP status; 0 when the answer was not judged by it.
    pub status: u16,
    /// What is wrong with the answer, as the end of a sentence; printable.
    pub what: String,
    /// The answer's `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl Unexpected {
    pub(super) fn new(url: &str, what: &str) -> Unexpected {
        Unexpected {
            url: word(url),
            status: 0,
            what: sentence(what),
            retry_after: None,
        }
    }
}

impl Error {
    pub(super) fn unexpected(url: &str, what: &str) -> Error {
        Error::Unexpected(Unexpected::new(url, what))
    }

    /// Whether this is a decision, of the CA or our own, so that trying again changes nothing by itself. What is not decided
    /// may succeed later: the CA could not be reached, is not done, has trouble, or somebody else answered for it.
    pub fn is_decided(&self) -> bool {
        match self {
            Error::Refused(problem) => problem.status < 500,
            Error::Transport(_) | Error::Unexpected(_) | Error::NotYet { .. } | Error::Interrupted => false,
            _ => true,
        }
    }

    /// How long the CA wants us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Refused(problem) => problem.retry_after.map(Duration::from_secs),
            Error::Unexpected(answer) => answer.retry_after,
            Error::NotYet { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Transport(error) => error.fmt(f),
            Error::Refused(problem) => write!(f, "the CA refuses: {problem}"),
            Error::OrderFailed(rejection) => rejection.fmt(f),
            Error::Unexpected(answer) => {
                let Unexpected {
                    url, status, what, ..
                } = answer;
                write!(f, "{url} does not answer as a CA does: ")?;
                match status {
                    0 => f.write_str(what)?,
                    status => write!(f, "HTTP status {status} and {what}")?,
                }
                f.write_str("; check the address of the CA, or try again later")
            }
            Error::ForeignCertificate(why) => {
                write!(
                    f,
                    "the CA sent a certificate that was not ordered: {why}; order again"
                )
            }
            Error::NotYet { what, retry_after } => {
                write!(f, "the CA has not {what} within the time limit; ")?;
                match retry_after {
                    Some(wait) => {
                        let seconds = usize::try_from(wait.as_secs()).unwrap_or(usize::MAX);
                        write!(f, "it asks to try again in {}", count(seconds, "second"))
                    }
                    None => f.write_str("try again later"),
                }
            }
            Error::NotOffered(what) => f.write_str(what),
            Error::OutOfTurn(what) => f.write_str(what),
            Error::Own(error) => error.fmt(f),
            Error::AccountKey(why) => write!(f, "the key cannot be an account key: {why}"),
            Error::Interrupted => f.write_str("the program was asked to end"),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the CA rejected the order: ")?;
        let names = self.names.iter().map(|rejected| {
            let RejectedName {
                name,
                challenge,
                problem,
            } = rejected;
            format!("{name} ({challenge}): {problem}")
        });
        let all: Vec<String> = names.chain(self.order.iter().map(ToString::to_string)).collect();
        match all.is_empty() {
            true => f.write_str("it gave no reason"),
            false => f.write_str(&all.join("; ")),
        }
    }
}

impl std::error::Error for Error {}

impl From<TransportError> for Error {
    fn from(error: TransportError) -> Self {
        Error::Transport(error)
    }
}

impl From<tls::Error> for Error {
    fn from(error: tls::Error) -> Self {
        Error::Own(error)
    }
}

impl From<Interrupted> for Error {
    fn from(_: Interrupted) -> Self {
        Error::Interrupted
    }
}
