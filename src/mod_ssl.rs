//! What mod_ssl makes of a configuration: which of its servers speak TLS. Judges nothing and opens no certificate.

use crate::httpd::word::words;
use crate::httpd::{Configuration, Entry, SectionId, Truth, VirtualHost};

/// Is `SSLEngine on` in effect in a section (own or inherited from the main server)?
pub fn ssl_engine(configuration: &Configuration, section: SectionId) -> bool {
    let setting = configuration.setting(section, "SSLEngine");
    setting.and_then(|entry| is_on(configuration, entry)) == Some(true)
}

/// Does a virtual host of this configuration speak TLS: by `SSLEngine on`, or without that directive because it has a
/// certificate and one of its addresses is, as address and port, a listener whose protocol is https?
pub fn speaks_tls(configuration: &Configuration, host: &VirtualHost) -> bool {
    let setting = |name| configuration.setting(host.section, name);
    match setting("SSLEngine").and_then(|entry| is_on(configuration, entry)) {
        Some(engine) => engine,
        None => setting("SSLCertificateFile").is_some() && has_https_listener(configuration, host),
    }
}

/// The active virtual hosts that speak TLS, in the order of the configuration.
pub fn tls_hosts(configuration: &Configuration) -> impl Iterator<Item = &VirtualHost> {
    let hosts = configuration.virtual_hosts().iter();
    hosts.filter(move |host| host.truth == Truth::True && speaks_tls(configuration, host))
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
    use super::speaks_tls;
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
            speaks_tls(&c, &c.virtual_hosts()[0])
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
