//! The step that gets HTTP/2 spoken over TLS: mod_http2 is loaded, where the server carries it. The line that offers it is
//! one of those of the virtual host.

use crate::httpd::{Configuration, Entry, SectionId, Truth};

use super::super::existing::own_settings;
use super::super::plan::{Act, PlanError, refuse};
use super::super::refusal::RefusalCode;
use super::super::request::Request;
use super::module::load;

/// Changes after which mod_http2 is loaded, if the request needs it.
pub(super) fn module(configuration: &Configuration, request: &Request) -> Result<Vec<Act>, PlanError> {
    if !request.http2 {
        return Ok(Vec::new());
    }
    let version = configuration.facts().version;
    if version.at_least(17) == Some(false) {
        return Err(refuse(
            RefusalCode::Http2TooNew,
            format!("--http2 needs mod_http2, which Apache {version} does not have (2.4.17 and later do)"),
            "; ",
            "leave it out",
        ));
    }
    refuse_mpm(configuration)?;
    load(
        configuration,
        "http2_module",
        "it speaks HTTP/2, as asked by --http2",
    )
}

/// mod_http2 needs threads: under prefork it is there and serves nobody (AH10034).
fn refuse_mpm(configuration: &Configuration) -> Result<(), PlanError> {
    let modules = configuration.modules();
    let is_there = |name: &str| modules.has(name.as_bytes()) == Truth::True;
    if ["event.c", "worker.c", "mpm_winnt.c"].into_iter().any(is_there) {
        return Ok(());
    }
    if is_there("prefork.c") {
        return Err(refuse(
            RefusalCode::Http2NotCarried,
            "the server runs the MPM prefork, with which mod_http2 does not speak HTTP/2 (AH10034)",
            "; ",
            "load mpm_event_module in its place (Debian: a2dismod mpm_prefork && a2enmod mpm_event; PHP then runs by \
             php-fpm), or leave --http2 out",
        ));
    }
    Err(refuse(
        RefusalCode::Http2NotCarried,
        "which MPM the server has is not known, and HTTP/2 needs event, worker or winnt",
        "; ",
        "name the binary with --httpd, or leave --http2 out",
    ))
}

/// The protocols that a virtual host would offer by its own lines; several add up (core.c, `set_protocols`).
pub(super) fn own_protocols(configuration: &Configuration, section: SectionId) -> Vec<Vec<u8>> {
    let own = own_settings(configuration, section, "Protocols").into_iter();
    own.flat_map(|entry: &Entry| configuration.arguments(entry))
        .collect()
}

/// The arguments of `Protocols` with HTTP/2 before all others: the server's order decides.
pub(super) fn with_http2(own: &[Vec<u8>]) -> String {
    let others = own.iter().filter(|word| !word.eq_ignore_ascii_case(b"h2"));
    let mut words: Vec<String> = others
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    if !words.iter().any(|word| word.eq_ignore_ascii_case("http/1.1")) {
        words.push("http/1.1".into());
    }
    words.insert(0, "h2".into());
    words.join(" ")
}

/// Is HTTP/2 offered?
pub(super) fn has_http2(protocols: &[Vec<u8>]) -> bool {
    protocols.iter().any(|word| word.eq_ignore_ascii_case(b"h2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http2_goes_before_what_is_offered_already() {
        let own = |line: &str| -> Vec<Vec<u8>> { line.split_whitespace().map(|word| word.into()).collect() };
        for (line, expected) in [
            ("", "h2 http/1.1"),
            ("http/1.1", "h2 http/1.1"),
            ("h2c HTTP/1.1", "h2 h2c HTTP/1.1"),
            ("acme-tls/1", "h2 acme-tls/1 http/1.1"),
        ] {
            assert_eq!(with_http2(&own(line)), expected);
            assert!(!has_http2(&own(line)) && has_http2(&own(expected)));
        }
    }
}
