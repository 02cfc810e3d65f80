//! What is wanted: for which names, from which folder, on which port. Decides nothing.

use crate::httpd::Configuration;

pub use crate::acme::CHALLENGES;

/// The folder of the answers, below the server root.
pub const ANSWERS: &str = "conf/esync-ssl-acme/answers";

/// A wish that Apache answers certificate authorities over HTTP: `http://NAME/.well-known/acme-challenge/TOKEN` shows the
/// file TOKEN of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerPlace {
    /// The names that are asked for, in the form of [`domain_name`](crate::change::domain_name).
    pub names: Vec<String>,
    /// The folder, as Apache sees it: absolute, with `/` between its parts and none at its end.
    pub folder: Vec<u8>,
    /// The port that is asked; authorities ask 80.
    pub port: u16,
}

impl AnswerPlace {
    /// For some names, in the usual folder of the server, on port 80.
    pub fn of(configuration: &Configuration, names: impl IntoIterator<Item = String>) -> AnswerPlace {
        let mut folder = configuration.server_root().to_vec();
        if folder.last() != Some(&b'/') {
            folder.push(b'/');
        }
        folder.extend_from_slice(ANSWERS.as_bytes());
        AnswerPlace {
            names: names.into_iter().collect(),
            folder,
            port: 80,
        }
    }
}
