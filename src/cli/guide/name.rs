//! Which names a site can have.

use super::answers::{Answers, Looks};
use crate::operation::at_hand::covers;
use crate::operation::client_name;
use crate::operation::survey::Survey;

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
    let configured = known.server.as_ref().map(Survey::names).unwrap_or_default();
    let mut offers: Vec<Offer> = Vec::new();
    let mut offer = |name: &str, from| {
        let is_covered =
            certificate.is_none_or(|names| names.is_empty() || covers(names, name).unwrap_or(false));
        if is_covered && !offers.iter().any(|offer| offer.name == *name) && offers.len() < MOST {
            offers.push(Offer {
                name: name.to_owned(),
                from,
            });
        }
    };
    for name in configured.into_iter().filter(|name| is_plain(name)) {
        offer(
            name,
            match certificate {
                Some(names) if !names.is_empty() => {
                    "the certificate is for it, and the configuration names it"
                }
                _ => "the configuration names it",
            },
        );
    }
    for name in certificate.into_iter().flatten().filter(|name| is_plain(name)) {
        offer(name, "the certificate is for it");
    }
    if let Some(host) = look.host().filter(|host| host.contains('.')) {
        offer(&host, "this machine is called so");
    }
    offers
}

fn is_plain(name: &str) -> bool {
    !name.contains('*')
}

/// The further names that the site can have: those of a certificate that is there which no site has yet; of one that is to be
/// made, those that the site has now. A site that is there keeps all of its names without being told.
pub fn further(known: &Answers) -> Vec<String> {
    let Some(name) = &known.name else {
        return Vec::new();
    };
    let is_it = |other: &String| other.eq_ignore_ascii_case(name);
    let sites = known.server.as_ref().map_or(&[][..], |server| &server.sites);
    let all: Vec<&String> = match &known.certificate {
        Some(certificate) => {
            let is_anybodys = |name: &String| {
                let mut names = sites.iter().flatten();
                names.any(|of_site| of_site.eq_ignore_ascii_case(name))
            };
            certificate
                .names
                .iter()
                .filter(|name| !is_anybodys(name))
                .collect()
        }
        None => sites
            .iter()
            .filter(|site| site.iter().any(is_it))
            .flatten()
            .collect(),
    };
    let mut further: Vec<String> = Vec::new();
    for name in all.into_iter().filter(|name| is_plain(name) && !is_it(name)) {
        if !further.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            further.push(name.clone());
        }
    }
    further
}

/// A name as it was typed.
///
/// # Errors
/// When it is not one.
pub fn judged(typed: &str) -> Result<String, String> {
    client_name(typed).map(|_| typed.to_owned()).map_err(|failure| {
        let words = format!("{:#}", failure.error);
        words.strip_prefix("--domain ").unwrap_or(&words).to_owned()
    })
}

/// Further names as they were typed, with blanks or commas between them.
///
/// # Errors
/// As those of [`judged`], of the first that is not one.
pub fn all_judged(typed: &str) -> Result<Vec<String>, String> {
    let words = typed.split([' ', ',', ';', '\t']).filter(|word| !word.is_empty());
    words.map(judged).collect()
}
