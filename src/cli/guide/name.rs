//! Which names a site can have.

use super::answers::{Answers, Looks};
use crate::operation::at_hand::covers;

/// A name that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The name.
    pub name: String,
    /// Where it comes from, for people.
    pub from: &'static str,
}

/// Those of the certificate, of the configuration and of the machine that the certificate is valid for; the ones that both
/// know first.
pub fn offered(look: &dyn Looks, known: &Answers) -> Vec<Offer> {
    const MOST: usize = 12;
    let certificate = known.certificate.as_ref().map(|found| found.names.as_slice());
    let configured = known.server.as_ref().map_or(&[][..], |server| &server.names);
    let is_plain = |name: &&String| !name.contains('*');
    let mut offers: Vec<Offer> = Vec::new();
    let mut offer = |name: &String, from| {
        let is_covered =
            certificate.is_none_or(|names| names.is_empty() || covers(names, name).unwrap_or(false));
        if is_covered && !offers.iter().any(|offer| offer.name == *name) && offers.len() < MOST {
            offers.push(Offer {
                name: name.clone(),
                from,
            });
        }
    };
    for name in configured.iter().filter(is_plain) {
        offer(
            name,
            match certificate {
                Some(_) => "the certificate is for it, and the configuration names it",
                None => "the configuration names it",
            },
        );
    }
    for name in certificate.into_iter().flatten().filter(is_plain) {
        offer(name, "the certificate is for it");
    }
    if let Some(host) = look.host().filter(|host| host.contains('.')) {
        offer(&host, "this machine is called so");
    }
    offers
}

/// A name as it was typed.
///
/// # Errors
/// When it is not one, or the certificate is not valid for it.
pub fn judged(typed: &str, known: &Answers) -> Result<String, String> {
    let names = known.certificate.as_ref().map_or(&[][..], |found| &found.names);
    let is_covered = covers(names, typed).map_err(|failure| {
        let words = format!("{:#}", failure.error);
        words.strip_prefix("--domain ").unwrap_or(&words).to_owned()
    })?;
    match is_covered || names.is_empty() {
        true => Ok(typed.to_owned()),
        false => Err(format!(
            "The certificate is not valid for {typed}; it is for {}",
            names.join(", ")
        )),
    }
}
