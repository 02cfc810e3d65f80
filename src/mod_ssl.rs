//! What mod_ssl makes of a configuration: which of its servers speak TLS. Judges nothing and opens no certificate.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::httpd::word::words;
use crate::httpd::{Configuration, Entry, SERVER, SectionId, Truth, VirtualHost};

/// Is `SSLEngine on` in effect in a section (own or inherited from the main server)?
pub fn ssl_engine(configuration: &Configuration, section: SectionId) -> bool {
    let setting = configuration.setting(section, "SSLEngine");
    setting.and_then(|entry| is_on(configuration, entry)) == Some(true)
}

/// Does a virtual host of this configuration speak TLS: by `SSLEngine on`, or without that directive because it has a
/// certificate and one of its addresses is, as address and port, a listener whose protocol is https?
pub fn speaks_tls(configuration: &Configuration, host: &VirtualHost) -> bool {
    let setting = |name| configuration.setting(host.section, name);
    speaks(configuration, host, setting("SSLEngine"), || {
        setting("SSLCertificateFile").is_some()
    })
}

/// The same by the settings that are in effect there.
fn speaks(
    configuration: &Configuration,
    host: &VirtualHost,
    engine: Option<&Entry>,
    has_certificate: impl FnOnce() -> bool,
) -> bool {
    match engine.and_then(|entry| is_on(configuration, entry)) {
        Some(engine) => engine,
        None => has_certificate() && has_https_listener(configuration, host),
    }
}

/// What decides which virtual hosts speak TLS, gathered for those who ask that of all of them.
pub struct Engines<'a> {
    configuration: &'a Configuration,
    /// The last `SSLEngine` of each section.
    engines: Last<'a>,
    /// The last `SSLCertificateFile` of each.
    certificates: Last<'a>,
}

/// The last active lines of one name, by their sections.
struct Last<'a>(HashMap<SectionId, &'a Entry, RandomState>);

impl<'a> Last<'a> {
    fn of(configuration: &'a Configuration, name: &str) -> Self {
        let named = configuration.named(name).map(|(_, entry)| entry);
        let active = named.filter(|entry| entry.truth == Truth::True);
        Last(
            active
                .map(|entry| (configuration.context(entry), entry))
                .collect(),
        )
    }

    /// What is in effect in a section.
    fn setting(&self, section: SectionId) -> Option<&'a Entry> {
        self.0.get(&section).or_else(|| self.0.get(&SERVER)).copied()
    }
}

impl<'a> Engines<'a> {
    /// Those of a configuration.
    pub fn of(configuration: &'a Configuration) -> Self {
        Engines {
            configuration,
            engines: Last::of(configuration, "SSLEngine"),
            certificates: Last::of(configuration, "SSLCertificateFile"),
        }
    }

    /// The same as [`speaks_tls`].
    pub fn speak_tls(&self, host: &VirtualHost) -> bool {
        let engine = self.engines.setting(host.section);
        speaks(self.configuration, host, engine, || {
            self.certificates.setting(host.section).is_some()
        })
    }
}

/// The active virtual hosts that speak TLS, in the order of the configuration.
pub fn tls_hosts(configuration: &Configuration) -> impl Iterator<Item = &VirtualHost> {
    let engines = Engines::of(configuration);
    let hosts = configuration.virtual_hosts().iter();
    hosts.filter(move |host| host.truth == Truth::True && engines.speak_tls(host))
}

/// Is one of its addresses, as address and port, a listener whose protocol is https?
pub fn has_https_listener(configuration: &Configuration, host: &VirtualHost) -> bool {
    let mut listens = host
        .addresses
        .iter()
        .flat_map(|address| configuration.listens_at(address));
    listens.any(|listen| listen.effective_protocol() == "https")
}

/// Whether a switch is on, if it says.
fn is_on(configuration: &Configuration, entry: &Entry) -> Option<bool> {
    let text = configuration.text(entry);
    let first = words(&text).nth(1);
    first.map(|word| word.value.eq_ignore_ascii_case(b"on"))
}

#[cfg(test)]
mod tests {
    use super::{Engines, speaks_tls};
    use crate::httpd::{Configuration, Facts, Platform, Source};

    #[test]
    fn a_virtual_host_speaks_tls_by_its_engine_or_by_certificate_and_listener() {
        let speaks = |main: &str, own: &str| {
            let text = format!(
                "Listen 8443 https\nListen 80\n{main}\n<VirtualHost *:8443>\n{own}\n</VirtualHost>\n"
            );
            let source = Source::new("/none".into(), Platform::HOST);
            let facts = Facts::assumed(Platform::HOST);
            let c = Configuration::from_bytes(b"/none/httpd.conf", text.into_bytes(), source, facts);
            let host = &c.virtual_hosts()[0];
            assert_eq!(speaks_tls(&c, host), Engines::of(&c).speak_tls(host));
            speaks_tls(&c, host)
        };
        assert!(!speaks("", ""));
        assert!(speaks("", "SSLEngine on"));
        assert!(speaks("SSLEngine on", ""));
        assert!(!speaks(
            "SSLEngine on",
            "<IfDefine !none>\nSSLEngine off\n</IfDefine>"
        ));
        assert!(!speaks("", "SSLEngine on\nSSLEngine off"));
        assert!(speaks(
            "",
            "SSLEngine off\nsslengine ON\n<IfDefine none>\nSSLEngine off\n</IfDefine>"
        ));
        assert!(speaks("", "SSLCertificateFile a.crt"));
        assert!(speaks("SSLCertificateFile a.crt", ""));
        assert!(!speaks("SSLCertificateFile a.crt", "SSLEngine off"));
        assert!(!speaks("", "<Location />\nSSLEngine on\n</Location>"));
    }
}
