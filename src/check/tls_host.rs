//! Which virtual hosts of a configuration speak TLS, with which files and under which names.
//!
//! Opens none of the files: their paths are those of the configuration.

use super::finding::{Code, Finding, Severity};
use super::generation::Generation;
use crate::httpd::{Configuration, Entry, EntryId, SERVER, SectionId, Truth, VirtualHost, resolve};

/// A virtual host, or the main server, with `SSLEngine on`.
#[derive(Clone, Debug)]
pub struct TlsHost {
    /// Its section; the server level for the main server.
    pub section: SectionId,
    /// Its opening line; `None` for the main server.
    pub entry: Option<EntryId>,
    /// Host part of its `ServerName`.
    pub server_name: Option<String>,
    /// Its `ServerAlias` names, those with Apache's `*` and `?` left out.
    pub aliases: Vec<String>,
    /// Its certificates; more than one where it has several types of keys.
    pub pairs: Vec<Pair>,
    /// `SSLCertificateChainFile`, an absolute path of the configuration.
    pub chain: Option<Vec<u8>>,
    /// `SSLUseStapling on`.
    pub stapling: bool,
    /// A program answers for pass-phrases (`SSLPassPhraseDialog`).
    pub pass_phrase_dialog: bool,
}

/// One certificate of a [`TlsHost`]; absolute paths of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// `SSLCertificateFile`.
    pub certificate: Vec<u8>,
    /// `SSLCertificateKeyFile`; without it the key is looked for in the certificate file.
    pub key: Option<Vec<u8>>,
}

impl TlsHost {
    /// Every one that is active, in the order of the configuration, the main server first.
    pub fn all(configuration: &Configuration, server: Generation) -> Vec<TlsHost> {
        let mut hosts = Vec::new();
        if configuration.ssl_engine(SERVER) {
            hosts.push(TlsHost {
                server_name: configuration.main_server_name(),
                ..TlsHost::of(configuration, server, SERVER)
            });
        }
        let active = |host: &VirtualHost| host.truth == Truth::True && configuration.ssl_engine(host.section);
        for host in configuration.virtual_hosts().into_iter().filter(active) {
            hosts.push(TlsHost {
                entry: Some(host.entry),
                server_name: host.server_name,
                aliases: host
                    .aliases
                    .into_iter()
                    .filter(|name| !name.contains(['*', '?']))
                    .collect(),
                ..TlsHost::of(configuration, server, host.section)
            });
        }
        hosts
    }

    /// What a section says about TLS, without its names.
    pub fn of(configuration: &Configuration, server: Generation, section: SectionId) -> TlsHost {
        let value = |name: &str| {
            let entry = configuration.setting(section, name)?;
            configuration.arguments(entry).into_iter().next()
        };
        let is_on = |name: &str| value(name).is_some_and(|value| value.eq_ignore_ascii_case(b"on"));
        let full = |path: &[u8]| resolve(configuration.server_root(), path, configuration.facts().platform);
        let certificates = files(configuration, server, section, "SSLCertificateFile");
        let keys = files(configuration, server, section, "SSLCertificateKeyFile");
        let pairs = certificates.iter().enumerate().map(|(at, certificate)| Pair {
            certificate: full(certificate),
            key: keys.get(at).map(|key| full(key)),
        });
        TlsHost {
            section,
            entry: None,
            server_name: None,
            aliases: Vec::new(),
            pairs: pairs.collect(),
            chain: value("SSLCertificateChainFile").map(|path| full(&path)),
            stapling: is_on("SSLUseStapling"),
            pass_phrase_dialog: value("SSLPassPhraseDialog")
                .is_some_and(|value| value.starts_with(b"exec:") || value.starts_with(b"|")),
        }
    }

    /// What is wrong before any file is looked at. mod_md may still bring a certificate.
    pub fn check(&self, configuration: &Configuration, server: Generation) -> Option<Finding> {
        let managed = configuration
            .named("MDomain")
            .chain(configuration.named("<MDomainSet"))
            .any(|(_, entry)| entry.truth != Truth::False);
        (self.pairs.is_empty() && !managed).then(|| {
            Finding::new(
                Code::CertNotNamed,
                Severity::StopsStart,
                "TLS is on and no certificate is named",
                "SSLEngine is on here, and neither this virtual host nor the main server has SSLCertificateFile.",
                "Add SSLCertificateFile and SSLCertificateKeyFile, or take SSLEngine on away: \
                 esync-ssl enable --domain NAME --cert FILE --key FILE",
            )
            .logged(&server.logs("AH02572", "AH02240"))
        })
    }
}

/// The files that a directive names for a section. From 2.4.8 on those of the main server count as well, in
/// front; before, they give way one by one to the section's own.
fn files(configuration: &Configuration, server: Generation, section: SectionId, name: &str) -> Vec<Vec<u8>> {
    let in_section = |section: SectionId| -> Vec<Vec<u8>> {
        let named = |entry: &&Entry| entry.truth == Truth::True && configuration.is_named(entry, name);
        let entries = configuration.inside(section).filter(named);
        entries
            .filter_map(|entry| configuration.arguments(entry).into_iter().next())
            .collect()
    };
    let own = in_section(section);
    if section == SERVER {
        return own;
    }
    let mut all = in_section(SERVER);
    if server.reads_chain_from_certificate_file() {
        all.extend(own);
    } else {
        let count = own.len().min(all.len());
        all.splice(..count, own);
    }
    all
}
