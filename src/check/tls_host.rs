//! Which virtual hosts of a configuration speak TLS, with which files and under which names.
//!
//! Opens none of the files: their paths are those of the configuration.

use super::generation::{Generation, OpenSsl};
use crate::finding::{Code, Finding, Severity};
use crate::httpd::{Configuration, Entry, EntryId, SERVER, SectionId, Truth, resolve};
use crate::mod_ssl::{ssl_engine, tls_hosts};
use crate::quoted::word;

/// A virtual host, or the main server, that speaks TLS.
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
    /// OpenSSL's security level, where its cipher list sets one.
    pub security_level: Option<u8>,
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
    pub fn all(configuration: &Configuration) -> Vec<TlsHost> {
        let mut hosts = Vec::new();
        if ssl_engine(configuration, SERVER) {
            hosts.push(TlsHost {
                server_name: configuration.main_server_name(),
                ..TlsHost::of(configuration, SERVER)
            });
        }
        for host in tls_hosts(configuration) {
            hosts.push(TlsHost {
                entry: Some(host.entry),
                server_name: host.server_name.clone(),
                aliases: host
                    .aliases
                    .iter()
                    .filter(|name| !name.contains(['*', '?']))
                    .cloned()
                    .collect(),
                ..TlsHost::of(configuration, host.section)
            });
        }
        hosts
    }

    /// What a section says about TLS, without its names.
    pub fn of(configuration: &Configuration, section: SectionId) -> TlsHost {
        let value = |name: &str| {
            let entry = configuration.setting(section, name)?;
            configuration.arguments(entry).into_iter().next()
        };
        let is_on = |name: &str| value(name).is_some_and(|value| value.eq_ignore_ascii_case(b"on"));
        let full = |path: &[u8]| resolve(configuration.server_root(), path, configuration.facts().platform);
        let certificates = files(configuration, section, "SSLCertificateFile");
        let keys = files(configuration, section, "SSLCertificateKeyFile");
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
            security_level: security_level(configuration, section),
        }
    }

    /// The server as it is for this virtual host.
    pub fn judged_by(&self, server: Generation) -> Generation {
        Generation {
            security_level: match self.security_level {
                Some(level) if server.openssl != OpenSsl::V1_0 => level,
                _ => server.security_level,
            },
            ..server
        }
    }

    /// Whether it has a certificate at all. mod_md may still bring one.
    pub(super) fn has_certificate(
        &self,
        configuration: &Configuration,
        server: Generation,
    ) -> Option<Finding> {
        let managed = configuration
            .named("MDomain")
            .chain(configuration.named("<MDomainSet"))
            .any(|(_, entry)| entry.truth != Truth::False);
        (self.pairs.is_empty() && !managed).then(|| {
            Finding::new(
                Code::CertNotNamed,
                Severity::StopsStart,
                "TLS is on, but no certificate is named",
                "SSLEngine is on here, but neither this virtual host nor the main server has SSLCertificateFile.",
                format!(
                    "Name the files: esync-ssl enable --domain {} --cert FILE --key FILE. Or remove SSLEngine on.",
                    self.server_name.as_deref().map_or("NAME".into(), word)
                ),
            )
            .logged(&server.logs("AH02572", "AH02240"))
        })
    }
}

/// The files that a directive names for a section: those of the main server, which give way one by one to the
/// section's own.
fn files(configuration: &Configuration, section: SectionId, name: &str) -> Vec<Vec<u8>> {
    let in_section = |section: SectionId| -> Vec<Vec<u8>> {
        active_in(configuration, section, name)
            .filter_map(|entry| configuration.arguments(entry).into_iter().next())
            .collect()
    };
    let own = in_section(section);
    if section == SERVER {
        return own;
    }
    let mut all = in_section(SERVER);
    let count = own.len().min(all.len());
    all.splice(..count, own);
    all
}

/// The active lines of that name in a section itself.
fn active_in<'a>(
    configuration: &'a Configuration,
    section: SectionId,
    name: &str,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let named = configuration.named_in(section, name).map(|(_, entry)| entry);
    named.filter(|entry| entry.truth == Truth::True)
}

/// The security level that the cipher list in effect for a section asks for: `@SECLEVEL=0`.
fn security_level(configuration: &Configuration, section: SectionId) -> Option<u8> {
    let list = |section: SectionId| {
        let entries = active_in(configuration, section, "SSLCipherSuite");
        let lists = entries.filter_map(|entry| match configuration.arguments(entry).as_slice() {
            [list] => Some(list.clone()),
            [protocol, list] if protocol == b"SSL" => Some(list.clone()),
            _ => None,
        });
        lists.last()
    };
    let list = list(section).or_else(|| list(SERVER))?;
    let list = String::from_utf8_lossy(&list).into_owned();
    let (_, level) = list.rsplit_once("@SECLEVEL=")?;
    let level = level.split([':', ',', ' ', ';']).next()?;
    level.parse().ok().filter(|level| *level <= 5)
}
