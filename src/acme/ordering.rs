//! The requests that bring an order from one step to the next. Each is one call, so that the caller can store what it has
//! between them.

use std::time::Duration;

use serde_json::json;

use super::account::Session;
use super::authorization::{Authorization, Challenge, Status};
use super::base64url;
use super::client::Answer;
use super::client::Client;
use super::error::{Error, RejectedName, Rejection};
use super::issued::Issued;
use super::jws::Signer;
use super::key::AccountKey;
use super::order::{Order, Step, Wanted, payload};
use super::problem::ProblemKind;
use crate::tls::issue;
use crate::tls::private_key::PrivateKey;
use crate::tls::public_key::PublicKey;

/// The first pause between two looks where the CA asks for none, and the longest; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The shortest where the CA asks for one: `Retry-After: 0` is no invitation to ask a thousand times.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
/// So many answers in a row may be missing before a wait is given up.
const STUMBLES: u32 = 3;

const PEM: &str = "application/pem-certificate-chain";

impl Session<'_> {
    /// A new order. CAs may give the one that is still open for the same names.
    pub fn order(&self, wanted: &Wanted) -> Result<Order, Error> {
        let directory = self.client().directory();
        if let Some(profile) = &wanted.profile
            && !directory.profiles.contains_key(profile)
        {
            let offered: Vec<&str> = directory.profiles.keys().map(String::as_str).collect();
            let offered = match offered.is_empty() {
                true => "it has none".to_owned(),
                false => format!("it has {}", offered.join(", ")),
            };
            return Err(Error::NotOffered(format!(
                "this CA has no certificate profile `{profile}`; {offered}"
            )));
        }
        let payload = payload(wanted, directory.tells_when_to_renew())?;
        let answer = self.post(&directory.new_order, Some(&payload))?;
        let url = answer.location()?;
        self.client().check_url(&answer.url, &url)?;
        Order::new(url, wanted.clone(), &answer)
    }

    /// Asks where the order stands at the CA, after a restart of the program or an answer that was lost. Never takes it back:
    /// an order that is [`Step::Finalizing`] and still ready at the CA wants [`Session::finalize`] again, with the same key.
    pub fn refresh(&self, order: &mut Order) -> Result<(), Error> {
        self.look(order).map(|_| ())
    }

    fn look(&self, order: &mut Order) -> Result<Answer, Error> {
        let answer = self.post(&order.url, None)?;
        match order.take(&answer) {
            Ok(()) => Ok(answer),
            Err(Error::OrderFailed(rejection)) => Err(Error::OrderFailed(self.explained(order, rejection))),
            Err(error) => Err(error),
        }
    }

    /// Adds what the CA says of single names, as far as it does.
    fn explained(&self, order: &Order, mut rejection: Box<Rejection>) -> Box<Rejection> {
        for authorization in self.authorizations(order).unwrap_or_default() {
            let name = authorization.ordered_name();
            rejection
                .names
                .extend(authorization.challenges.into_iter().filter_map(|challenge| {
                    Some(RejectedName {
                        name: name.clone(),
                        challenge: challenge.kind.to_string(),
                        problem: challenge.error?,
                    })
                }));
        }
        rejection
    }

    /// What the CA wants to see, for each name. Names that are valid already need nothing.
    pub fn authorizations(&self, order: &Order) -> Result<Vec<Authorization>, Error> {
        let ordered: Vec<String> = order.names()?.iter().map(ToString::to_string).collect();
        let mut all = Vec::new();
        for url in &order.authorizations {
            let answer = self.post(url, None)?;
            let authorization = Authorization::read(url, &answer.json()?)?;
            if !ordered.contains(&authorization.ordered_name()) {
                return Err(Error::unexpected(
                    url,
                    "the authorisation is for a name that was not ordered",
                ));
            }
            all.push(authorization);
        }
        Ok(all)
    }

    /// Tells the CA to look, unless it did or is at it.
    pub fn respond(&self, challenge: &Challenge) -> Result<(), Error> {
        if matches!(challenge.status, Status::Valid | Status::Processing) {
            return Ok(());
        }
        self.post(&challenge.url, Some(&json!({}))).map(|_| ())
    }

    /// The same for all of these. That it does not want to look counts only where it still has to: it may have found a name
    /// proven meanwhile, because a run that was killed had told it, or by an order beside this one.
    pub fn respond_to_all(&self, order: &Order, challenges: &[&Challenge]) -> Result<(), Error> {
        for challenge in challenges {
            match self.respond(challenge) {
                Err(Error::Refused(problem))
                    if problem.kind() != ProblemKind::RateLimited
                        && !self.is_awaited(order, challenge)? => {}
                told => told?,
            }
        }
        Ok(())
    }

    /// Whether the CA still wants to be told to look.
    fn is_awaited(&self, order: &Order, challenge: &Challenge) -> Result<bool, Error> {
        let is_it = |one: &&Challenge| (&one.kind, &one.url) == (&challenge.kind, &challenge.url);
        let all = self.authorizations(order)?.into_iter();
        let mut found = all.filter_map(|one| Some((one.status, one.challenges.iter().find(is_it)?.status)));
        Ok(found.all(|both| both == (Status::Pending, Status::Pending)))
    }

    /// Waits until the CA has seen all answers: [`Step::Ready`] or beyond.
    pub fn wait_ready(&self, order: &mut Order, limit: Duration) -> Result<(), Error> {
        self.wait(order, Step::Ready, limit, "validated all names")
    }

    /// Sends the request for the certificate with the key of this pair. Only after [`Order::finalizing`]: the key must be
    /// stored, because the CA may make the certificate although its answer does not arrive.
    pub fn finalize(&self, order: &mut Order, key: &PrivateKey) -> Result<(), Error> {
        if order.step < Step::Finalizing {
            return Err(Error::OutOfTurn("the order is not said to be finalizing"));
        }
        if order.step > Step::Finalizing {
            return Ok(());
        }
        let request = issue::request_for(&order.names()?, key)?;
        let payload = json!({"csr": base64url::encode(&request)});
        match self.post(&order.finalize, Some(&payload)) {
            Ok(answer) => match order.take(&answer) {
                Err(Error::OrderFailed(rejection)) => {
                    Err(Error::OrderFailed(self.explained(order, rejection)))
                }
                result => result,
            },
            // The request before, whose answer was lost, did arrive.
            Err(Error::Refused(problem)) if problem.kind() == ProblemKind::OrderNotReady => {
                let answer = self.look(order)?;
                let is_under_way = order.step > Step::Finalizing || says(&answer, "processing");
                is_under_way.then_some(()).ok_or(Error::Refused(problem))
            }
            Err(error) => Err(error),
        }
    }

    /// Waits until the CA has made the certificate: [`Step::Made`] or beyond.
    pub fn wait_made(&self, order: &mut Order, limit: Duration) -> Result<(), Error> {
        self.wait(order, Step::Made, limit, "made the certificate")
    }

    /// Fetches the certificate that was made, and judges it by what was ordered and by the key. The order then has it in
    /// [`Order::chain`].
    pub fn fetch(&self, order: &mut Order, key: &PublicKey) -> Result<Issued, Error> {
        if let Some(chain) = &order.chain {
            return Issued::read(chain.as_bytes(), &order.names()?, key);
        }
        let Some(url) = order.certificate.clone() else {
            return Err(Error::OutOfTurn("the certificate has not been made"));
        };
        self.client().check_url(&order.url, &url)?;
        let answer = self.client().post_for(self.signer(), &url, None, PEM)?;
        let issued = Issued::read(&answer.reply.body, &order.names()?, key)?;
        order.chain = Some(issued.chain_pem());
        order.step = Step::Issued;
        Ok(issued)
    }

    fn wait(&self, order: &mut Order, until: Step, limit: Duration, what: &'static str) -> Result<(), Error> {
        let clock = self.client().clock();
        let start = clock.elapsed();
        let (mut pause, mut stumbles) = (FIRST_PAUSE, 0);
        loop {
            let (wanted, failed) = match self.look(order) {
                Ok(_) if order.step >= until => return Ok(()),
                Ok(answer) => {
                    stumbles = 0;
                    (answer.retry_after, None)
                }
                Err(error) if is_passing(&error) && stumbles < STUMBLES => {
                    stumbles += 1;
                    (error.retry_after(), Some(error))
                }
                Err(error) => return Err(error),
            };
            let next = wanted.map_or(pause, |wanted| wanted.max(SHORTEST_PAUSE));
            pause = (pause * 2).min(LONGEST_PAUSE);
            if clock.elapsed().saturating_sub(start) + next > limit {
                return Err(failed.unwrap_or_else(|| self.not_yet(order, what, wanted)));
            }
            clock.pause(next)?;
        }
    }

    /// Why a wait was in vain: some CAs leave an order open whose names have failed.
    fn not_yet(&self, order: &Order, what: &'static str, retry_after: Option<Duration>) -> Error {
        let rejection = self.explained(order, Box::default());
        match rejection.names.is_empty() {
            true => Error::NotYet { what, retry_after },
            false => Error::OrderFailed(rejection),
        }
    }

    /// Revokes a certificate that this account ordered, or whose names it has proven. The reason is a number of RFC 5280,
    /// 5.3.1: 0 none, 1 the key is known to others, 4 replaced, 5 not used anymore.
    pub fn revoke(&self, certificate: &[u8], reason: u8) -> Result<(), Error> {
        revoke(self.client(), self.signer(), certificate, reason)
    }
}

impl Client<'_> {
    /// Revokes a certificate (DER) with its own key; no account is needed. For the reason see [`Session::revoke`].
    pub fn revoke_with_its_key(&self, certificate: &[u8], key: &AccountKey, reason: u8) -> Result<(), Error> {
        revoke(self, Signer::Key(key), certificate, reason)
    }
}

fn revoke(client: &Client<'_>, signer: Signer<'_>, certificate: &[u8], reason: u8) -> Result<(), Error> {
    let url = client.directory().revoke_cert.as_deref();
    let url = url.ok_or_else(|| Error::NotOffered("this CA revokes no certificates".to_owned()))?;
    let payload = json!({"certificate": base64url::encode(certificate), "reason": reason});
    client.post(signer, url, Some(&payload)).map(|_| ())
}

/// Whether the next try may succeed: the CA or the network stumbles.
fn is_passing(error: &Error) -> bool {
    matches!(
        error,
        Error::Transport(_) | Error::Refused(_) | Error::Unexpected(_)
    ) && !error.is_decided()
}

fn says(answer: &Answer, status: &str) -> bool {
    answer.json().is_ok_and(|order| order["status"] == status)
}
