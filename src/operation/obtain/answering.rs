//! Who answers the authority here: by who has the ports that it looks at now.

use super::super::failure::Failure;
use super::super::find::Loaded;
use super::super::running;
use super::wanted::{AnswerBy, Authority};
use crate::acme::{ChallengeCertificate, ChallengeKind};
use crate::answer::{ListenError, Listener, Tokens};
use crate::check::port::describe;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::port::listeners_on;

/// How the authority is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a certificate that we show on port 443.
    OwnTls,
    /// By a file that we serve on port 80.
    OwnHttp,
}

impl Way {
    /// What the authority calls it.
    pub fn challenge(self) -> ChallengeKind {
        match self {
            Way::OwnTls => ChallengeKind::TlsAlpn01,
            Way::OwnHttp => ChallengeKind::Http01,
        }
    }

    /// Where the authority looks; no other port can be told to it.
    pub fn port(self) -> u16 {
        match self {
            Way::OwnTls => 443,
            Way::OwnHttp => 80,
        }
    }

    /// In words, with why it is this one.
    pub fn describe(self, authority: &Authority, names: &[String]) -> String {
        let port = self.port();
        format!(
            "the certificate comes from {authority}, which looks for {} on port {port}; esync-ssl answers there itself for \
             some seconds, as nobody else listens on it now ({})",
            names.join(", "),
            self.challenge()
        )
    }
}

/// Every way that is open now, the best first.
///
/// # Errors
/// Refused where there is none, with who has the ports.
pub fn ways(loaded: &Loaded, by: AnswerBy) -> Result<Vec<Way>, Failure> {
    if by == AnswerBy::Apache {
        return Err(Failure::refused(Refusal::new(
            RefusalCode::NobodyAnswers,
            "Apache cannot answer certificate authorities by itself yet",
            "; ",
            "run again without --answer apache",
        )));
    }
    let all = [Way::OwnTls, Way::OwnHttp];
    let ends = all.iter().map(|way| (None, way.port()));
    let listeners = listeners_on(ends).map_err(|why| {
        let fix = "run again as root or Administrator";
        Failure::with_advice(running::not_looked_at(&why), fix)
    })?;
    let server = running::server(loaded);
    let holders = |way: &Way| running::holders(&server, way.port(), &listeners);
    let open: Vec<Way> = all.into_iter().filter(|way| holders(way).is_empty()).collect();
    if !open.is_empty() {
        return Ok(open);
    }
    let taken = all.iter().map(|way| {
        let holders = holders(way);
        let first = holders.first().map(|(listener, own)| match own {
            true => "this Apache".to_owned(),
            false => describe(listener.process.as_ref()),
        });
        format!("port {} belongs to {}", way.port(), first.unwrap_or_default())
    });
    let taken: Vec<String> = taken.collect();
    Err(Failure::refused(Refusal::new(
        RefusalCode::NobodyAnswers,
        format!(
            "nobody here can answer the certificate authority, which looks at port 443 or 80: {}",
            taken.join(", ")
        ),
        "; ",
        "stop one of them for the moment, or have the certificate made otherwise: esync-ssl cert request",
    )))
}

/// What one name is answered with.
pub(super) struct Answer {
    pub token: String,
    pub key_authorization: String,
    pub name: crate::tls::name::Name,
}

/// Answers as long as what is given back lives.
pub(super) fn answering(way: Way, answers: Vec<Answer>) -> Result<Listener, String> {
    let said = |error: ListenError| error.to_string();
    match way {
        Way::OwnHttp => {
            let tokens = answers
                .into_iter()
                .map(|answer| (answer.token, answer.key_authorization));
            Listener::of_files(tokens.collect::<Tokens>(), way.port()).map_err(said)
        }
        Way::OwnTls => {
            let mut certificates = Vec::new();
            for answer in answers {
                let made = ChallengeCertificate::new(
                    &answer.name,
                    &answer.key_authorization,
                    crate::tls::issue::KeyType::P256,
                );
                certificates.push(made.map_err(|error| error.to_string())?);
            }
            Listener::of_certificates(certificates, way.port()).map_err(said)
        }
    }
}
