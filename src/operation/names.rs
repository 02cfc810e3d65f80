//! Names as they are typed.

use anyhow::anyhow;

use super::Failure;
use crate::change::domain_name;
use crate::shown::printable;
use crate::tls::name::Name;

/// A name that clients type: a domain or an address.
pub fn client_name(typed: &str) -> Result<String, Failure> {
    if let Ok(name @ Name::Ip(_)) = Name::parse(typed) {
        return Ok(name.to_string());
    }
    domain_name(typed).map_err(|reason| not_a_name("--domain", typed, &reason))
}

fn not_a_name(option: &str, typed: &str, reason: &str) -> Failure {
    let inner = typed
        .strip_prefix(['\'', '"', '\u{2018}', '\u{201c}'])
        .and_then(|rest| rest.strip_suffix(['\'', '"', '\u{2019}', '\u{201d}']));
    let inner = inner.filter(|inner| domain_name(inner).is_ok());
    // cmd takes single ones for a part of the word.
    let hint = inner.map(|inner| format!("; give it without the quotation marks: {inner}"));
    Failure::error(anyhow!(
        "{option} {}: {reason}{}",
        printable(format!("{typed:?}").as_bytes()),
        hint.unwrap_or_default()
    ))
}

/// The names of options, each once.
///
/// # Errors
/// When one is no domain name.
pub fn domain_names<'a>(
    typed: impl IntoIterator<Item = (&'a str, &'a String)>,
) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for (option, typed) in typed {
        let name = domain_name(typed).map_err(|reason| not_a_name(option, typed, &reason))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Is it of the form `*.example.com`?
pub fn is_wildcard(name: &str) -> bool {
    name.starts_with("*.")
}

/// The same of names of that form.
///
/// # Errors
/// When what stands behind the star is no domain name.
pub fn wildcard_names(typed: &[String]) -> Result<Vec<String>, Failure> {
    let behind: Vec<String> = typed
        .iter()
        .map(|name| name.trim_start_matches("*.").to_owned())
        .collect();
    let names = domain_names(behind.iter().map(|name| ("--alias *.", name)))?;
    Ok(names.iter().map(|name| format!("*.{name}")).collect())
}

/// The first part of file names that belong to a day.
pub fn dated(name: &str, day: time::Date) -> String {
    format!(
        "{name}-{:04}{:02}{:02}",
        day.year(),
        u8::from(day.month()),
        day.day()
    )
}

/// The first part of file names, made from a domain name or address: Windows takes no colon.
pub fn file_name(domain: &str) -> String {
    let name: String = domain
        .replace('*', "wildcard")
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-._".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    name.trim_matches('.').to_owned()
}
