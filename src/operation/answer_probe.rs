//! A question that only this machine asks: a token of ours, as a file in a folder, and what a server shows for it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

use super::failure::Failure;
use crate::apply::{self, NewFile, RealDisk, Shared, create_all};
use crate::change::CHALLENGES;
use crate::httpd::in_url;
use crate::server::deadline::Deadline;
use crate::server::handshake;
use crate::server::http::{Answer, Request};
use crate::shown::sentence;

/// A token that nobody knows, and what it is to show: the question of an authority before the authority asks.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The name of the file.
    pub token: String,
    /// What is in it.
    pub body: String,
}

impl Probe {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new() -> io::Result<Probe> {
        let random = || -> io::Result<String> {
            let mut bytes = [0; 16];
            let filled = SystemRandom::new().fill(&mut bytes);
            filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
            Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        };
        Ok(Probe {
            token: format!("probe-{}", random()?),
            body: format!("esync-ssl {}", random()?),
        })
    }

    /// What is asked for.
    pub fn path(&self) -> String {
        format!("{CHALLENGES}{}", self.token)
    }
}

/// A file in the folder of the answers, which goes when this goes.
#[derive(Debug)]
pub struct Laid {
    path: PathBuf,
}

impl Laid {
    /// Puts an answer into the folder, which is made where it is not there; readable for the account of the server.
    ///
    /// # Errors
    /// When it cannot be written, or is there.
    pub fn lay(folder: &Path, token: &str, body: &str) -> Result<Laid, Failure> {
        let file = NewFile {
            path: folder.join(token),
            bytes: body.as_bytes().to_vec().into(),
            private: false,
        };
        let path = file.path.clone();
        create_all(&RealDisk, &[file], &[], Shared::Allowed)?;
        Ok(Laid { path })
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        let _ = apply::remove(&RealDisk, &self.path);
    }
}

/// What came instead of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Nothing, and why.
    Nothing(String),
    /// Another status, and where it leads to.
    Status(u16, Option<String>),
    /// Something else.
    Other,
}

impl Wrong {
    /// For people: `it answers 404`.
    pub fn words(&self) -> String {
        match self {
            Wrong::Nothing(why) => format!("nobody answers: {}", sentence(why)),
            Wrong::Status(status, Some(location)) => {
                format!("it answers {status} and leads to {}", sentence(location))
            }
            Wrong::Status(status, None) => format!("it answers {status}"),
            Wrong::Other => "it shows something else than the answer".into(),
        }
    }
}

/// What one name shows; the error: nobody listens.
pub(super) fn asked(
    address: SocketAddr,
    name: &str,
    probe: &Probe,
    patience: Duration,
) -> io::Result<Option<Wrong>> {
    let (host, path) = (in_url(name), probe.path());
    let request = Request::whole(&host, &path);
    match handshake::plain(address, &request, Deadline::within(patience)) {
        Ok(answer) => Ok(judged(&answer, probe)),
        Err(handshake::Failure::NotConnected(why)) => {
            Err(io::Error::new(io::ErrorKind::ConnectionRefused, why))
        }
        Err(failure) => Ok(Some(Wrong::Nothing(failure.to_string()))),
    }
}

fn judged(answer: &Answer, probe: &Probe) -> Option<Wrong> {
    match answer.status {
        200 if answer.body == probe.body.as_bytes() => None,
        200 => Some(Wrong::Other),
        status => Some(Wrong::Status(status, answer.location.clone())),
    }
}
