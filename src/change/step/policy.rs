//! What a new TLS virtual host says beside its names and files. Decides nothing about where it stands.

use crate::httpd::{Configuration, Entry, SERVER, Truth};

use super::super::existing::{MOD_ALIAS, named_at, says};
use super::super::mozilla;
use super::super::plan::{PlanError, refuse};
use super::super::redirection::{Names, Rule};
use super::super::refusal::{Place, RefusalCode, say};
use super::super::request::{Profile, Request};

/// A directive that the TLS virtual host is to have.
pub(super) struct Wanted {
    /// Its name.
    pub name: &'static str,
    /// Its arguments as they are written.
    pub arguments: String,
    /// Why, for people.
    pub reason: String,
}

/// Protocols and ciphers of a level of Mozilla's, in words that every Apache 2.4 with OpenSSL 1.0.1 or later takes:
/// protocols are switched off by name, and ciphers that a library does not know are skipped by it.
///
/// # Errors
/// The level needs a later Apache.
pub(super) fn profile(configuration: &Configuration, profile: Profile) -> Result<Vec<Wanted>, PlanError> {
    let version = configuration.facts().version;
    if profile == Profile::Modern && version.at_least(36) == Some(false) {
        return Err(refuse(
            RefusalCode::ProfileTooNew,
            format!(
                "--profile modern means TLS 1.3 only, which Apache {version} does not have (2.4.36 and later do)"
            ),
            "; ",
            "use --profile intermediate",
        ));
    }
    let level = profile.level();
    let mut ciphers = level.ciphers.join(":");
    // OpenSSL 3 refuses TLS 1.0 and 1.1 at its usual level; 1.0 takes no such word.
    if profile == Profile::Old && version.at_least(52) == Some(true) {
        ciphers += ":@SECLEVEL=0";
    }
    let reason = format!(
        "protocols and ciphers at the level \"{}\" of Mozilla's guideline {}",
        profile.word(),
        mozilla::VERSION
    );
    let wanted = |name, arguments: String| Wanted {
        name,
        arguments,
        reason: reason.clone(),
    };
    let mut all = vec![wanted("SSLProtocol", level.protocols.to_string())];
    if !ciphers.is_empty() {
        all.push(wanted("SSLCipherSuite", ciphers));
    }
    all.push(wanted("SSLHonorCipherOrder", level.order.to_string()));
    Ok(all)
}

/// What was asked for beside a certificate.
///
/// # Errors
/// The level needs a later Apache.
pub(super) fn asked_for(configuration: &Configuration, request: &Request) -> Result<Vec<Wanted>, PlanError> {
    let mut all = match request.profile {
        Some(level) => profile(configuration, level)?,
        None => Vec::new(),
    };
    if request.stapling {
        all.push(Wanted {
            name: "SSLUseStapling",
            arguments: "on".into(),
            reason: "send a proof that the certificate is not revoked".into(),
        });
    }
    if request.http2 {
        all.push(Wanted {
            name: PROTOCOLS,
            arguments: "h2 http/1.1".into(),
            reason: "offer HTTP/2 beside HTTP/1.1".into(),
        });
    }
    if let Some(seconds) = request.hsts {
        all.push(Wanted {
            name: "Header",
            arguments: format!("always set {HSTS} \"max-age={seconds}\""),
            reason: format!("tell browsers to use HTTPS only for the next {seconds} seconds"),
        });
    }
    Ok(all)
}

/// What is spoken over a connection (core, since 2.4.17).
pub(super) const PROTOCOLS: &str = "Protocols";

/// The header that tells browsers to come back over HTTPS only (RFC 6797).
pub(super) const HSTS: &str = "Strict-Transport-Security";

/// What a new virtual host says: what was asked for, and protocols and ciphers in any case, less what the server has
/// set for all its virtual hosts at least as strictly.
///
/// # Errors
/// The level needs a later Apache.
pub(super) fn lines(configuration: &Configuration, request: &Request) -> Result<Vec<Vec<u8>>, PlanError> {
    let mut all = Vec::new();
    if request.profile.is_none() {
        all = profile(configuration, Profile::default())?;
        if protocols_are_strict(configuration) {
            all.retain(|wanted| wanted.name != "SSLProtocol");
        }
    }
    all.extend(asked_for(configuration, request)?);
    Ok(all
        .into_iter()
        .map(|wanted| format!("{} {}", wanted.name, wanted.arguments).into_bytes())
        .collect())
}

/// The one thing of the main server that a virtual host does not inherit by itself: its rewrite rules (mod_rewrite,
/// `config_server_merge`: without the option Inherit a virtual host has its own alone).
pub(super) fn inherited_rewrites(configuration: &Configuration) -> &'static [&'static str] {
    if rewrites(configuration) {
        &["RewriteEngine on", "RewriteOptions Inherit"]
    } else {
        &[]
    }
}

/// Does the main server allow TLS 1.2 or later only?
fn protocols_are_strict(configuration: &Configuration) -> bool {
    let Some(entry) = configuration.setting(SERVER, "SSLProtocol") else {
        return false;
    };
    let words = configuration.arguments(entry);
    let is = |word: &[u8], names: &[&str]| {
        names
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    !words.is_empty()
        && words.iter().enumerate().all(|(at, word)| match word.as_slice() {
            // The words start from nothing, not from the default: `-` and `+` change what those before have left, a bare
            // word replaces it (ssl_engine_config.c, `ssl_cmd_protocol_parse`).
            [b'-', rest @ ..] => at > 0 || is(rest, &["all"]),
            [b'+', rest @ ..] => at > 0 && is(rest, &["TLSv1.2", "TLSv1.3"]),
            word => is(word, &["TLSv1.2", "TLSv1.3"]),
        })
}

/// Refuses when what every virtual host inherits would send its clients back to where they are: redirects of mod_alias. Rules
/// of mod_rewrite can be left out.
pub(super) fn refuse_loop(configuration: &Configuration, request: &Request) -> Result<(), PlanError> {
    let names = Names(request.names().collect());
    let active = named_at(configuration, SERVER, &MOD_ALIAS).filter(|entry| entry.truth == Truth::True);
    for entry in active {
        let (name, arguments) = (configuration.name(entry), configuration.arguments(entry));
        let rule = Rule::new(&name, &arguments, None, &[]);
        if rule.is_some_and(|rule| rule.is_endless(&names, request.port)) {
            return Err(refuse(
                RefusalCode::RedirectLoop,
                say![
                    "the main server redirects to https at ",
                    Place::of(configuration, entry),
                    "; the new virtual host would inherit that and redirect to itself forever",
                ],
                ". ",
                "Move the redirect into a virtual host for HTTP (<VirtualHost *:80>), then run again",
            ));
        }
    }
    Ok(())
}

fn rewrites(configuration: &Configuration) -> bool {
    let engine = configuration.setting(SERVER, "RewriteEngine");
    engine.is_some_and(|entry| says(configuration, entry, "on"))
        && server_level(configuration, "RewriteRule").next().is_some()
}

fn server_level<'a>(
    configuration: &'a Configuration,
    name: &str,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let named = configuration.named_in(SERVER, name).map(|(_, entry)| entry);
    named.filter(|entry| entry.truth == Truth::True)
}
