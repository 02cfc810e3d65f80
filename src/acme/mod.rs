//! ACME (RFC 8555): how a certificate authority is asked for a certificate. The protocol, and nothing else: no Apache, no
//! configuration, no files, no terminal. Who answers the CA's challenges, and where things are stored, is decided above.
//!
//! Everything blocks, every step is one call, and what must survive the program is a value: [`AccountKey`] (PEM),
//! [`Account`], [`Order`] and [`RenewalInfo`] (serde). Whatever a CA sends may be hostile; texts of it are printable.
//!
//! A worked sequence. `store` writes, syncs and renames; `lay_out` and `take_away` are whoever answers challenges:
//!
//! ```no_run
//! use std::time::Duration;
//! use esync_ssl::acme::{AccountKey, ChallengeKind, Client, Error, Https, Order, Registration, Session, Settings};
//! use esync_ssl::acme::{Step, SystemClock, Wanted, new_certificate_key};
//! use esync_ssl::tls::issue::KeyType;
//! # fn store(_: &str, _: &str) {}
//! # fn json(_: &Order) -> String { String::new() }
//! # fn lay_out(_: &str, _: &str) {}
//! # fn take_away() {}
//! # fn main() -> Result<(), Error> {
//! let (https, clock) = (Https::new(&Settings::default())?, SystemClock::default());
//! let client = Client::connect(&https, &clock, "https://acme-staging-v02.api.letsencrypt.org/directory")?;
//! // Ask the user about client.directory().terms_of_service, and look at client.clock_ahead().
//!
//! let key = AccountKey::generate()?;
//! store("account key", key.to_pem());
//! let registration = Registration { terms_agreed: true, ..Registration::default() };
//! let account = client.register(&key, &registration)?; // or client.find(&key)? after a lost answer
//! let session = Session::new(&client, &key, &account.url);
//!
//! // A later run reads the order that it finds stored and begins with session.refresh(&mut order)?.
//! let wanted = Wanted { names: vec!["www.example.com".into()], ..Wanted::default() };
//! let mut order = session.order(&wanted)?;
//! store("order", &json(&order));
//!
//! let patience = Duration::from_secs(120);
//! if order.step < Step::Ready {
//!     let authorizations = session.authorizations(&order)?;
//!     let open = authorizations.iter().filter(|authorization| !authorization.is_valid());
//!     let challenges: Vec<_> = open.filter_map(|one| one.challenge(&ChallengeKind::Http01)).collect();
//!     for challenge in &challenges {
//!         lay_out(&challenge.token, &key.key_authorization(&challenge.token));
//!     }
//!     order.answering();
//!     store("order", &json(&order));
//!     for challenge in &challenges {
//!         session.respond(challenge)?;
//!     }
//!     let result = session.wait_ready(&mut order, patience);
//!     take_away();
//!     result?;
//! }
//!
//! let certificate_key = new_certificate_key(KeyType::P256)?; // or the stored one, when the order is Finalizing or later
//! store("certificate key", &certificate_key.to_pem());
//! order.finalizing();
//! store("order", &json(&order));
//! session.finalize(&mut order, &certificate_key)?;
//! session.wait_made(&mut order, patience)?;
//! store("order", &json(&order));
//! let public = certificate_key.public_key().expect("a key that was just made has its public part");
//! let issued = session.fetch(&mut order, public)?;
//! store("order", &json(&order)); // the chain is in it
//! store("certificate", &issued.chain_pem());
//! # Ok(())
//! # }
//! ```

mod account;
mod authorization;
mod base64url;
mod challenge_certificate;
mod client;
mod clock;
mod date;
mod directory;
mod error;
mod https;
mod issued;
mod jws;
mod key;
mod order;
mod ordering;
mod problem;
mod renewal;
mod transport;
mod url;
mod words;

pub use account::{Account, AccountStatus, Registration, Session};
pub use authorization::{Authorization, CHALLENGES, Challenge, ChallengeKind, Status, dns_record};
pub use challenge_certificate::{ALPN, ChallengeCertificate, server_name};
pub use client::Client;
pub use clock::{Clock, Interrupted, SystemClock};
pub use directory::Directory;
pub use error::{Error, RejectedName, Rejection, Unexpected};
pub use https::{Https, Proxy, Settings};
pub use issued::Issued;
pub use jws::ExternalAccount;
pub use key::AccountKey;
pub use order::{Order, Step, Wanted};
pub use problem::{Problem, ProblemKind, Subproblem};
pub(crate) use renewal::written;
pub use renewal::{RenewalInfo, certificate_id};
pub use transport::{MAX_BODY, Method, Obstacle, Reply, Request, Transport, TransportError};

pub use crate::tls::issue::private_key as new_certificate_key;
