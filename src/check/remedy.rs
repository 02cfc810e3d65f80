//! Commands of ours that put certificate files right, with the names of the files that are judged.

use super::question::Question;
use crate::quoted::{quoted, word};
use crate::tls::certificate::Certificate;

impl Question<'_> {
    /// `enable` with copies of these files as Apache reads them: as PEM, in order, without a pass-phrase. Nothing where
    /// no private key is known.
    fn copy_certs(&self) -> Option<String> {
        let files = self.files;
        let key = match &files.key {
            Some(key) => key,
            None if files.certificate.contents.keys().next().is_some() => &files.certificate,
            None => return None,
        };
        Some(enable_copies(
            self.known_name().as_deref(),
            &files.certificate.path,
            &key.path,
            files.chain.as_ref().map(|chain| chain.path.as_str()),
        ))
    }

    /// By hand, or else by a copy that we write.
    pub(super) fn or_copy(&self, by_hand: &str) -> String {
        match self.copy_certs() {
            Some(command) => format!("{by_hand} Or use --copy-certs, which writes a correct copy: {command}"),
            None => by_hand.to_owned(),
        }
    }

    /// A copy of the key without its pass-phrase.
    pub(super) fn without_pass_phrase(&self) -> String {
        match self.copy_certs() {
            Some(command) => {
                format!(
                    "Use --copy-certs, which asks for the pass-phrase and writes a copy without it: {command}"
                )
            }
            None => "Use --copy-certs, which asks for the pass-phrase and writes a copy without it.".into(),
        }
    }

    /// `enable` with an archive that was named as something else.
    pub(super) fn pfx(&self, archive: &str) -> String {
        format!(
            "Use --pfx, which takes key, certificate and chain out of it: esync-ssl enable --domain {} --pfx {}",
            domain(self.known_name().as_deref()),
            quoted(archive)
        )
    }

    /// A new key with a request for a certificate.
    pub(super) fn new_request(&self) -> String {
        format!(
            "esync-ssl cert request --domain {}",
            domain(self.known_name().as_deref())
        )
    }

    /// What clients call the server, or else what its certificate is for.
    fn known_name(&self) -> Option<String> {
        let named = self.server_name.or(self.aliases.first().map(String::as_str));
        named.map(str::to_owned).or_else(|| {
            let all = self.files.certificate.contents.certificates();
            let mut all = all.filter_map(|item| Certificate::from_item(item).ok());
            all.find_map(|certificate| certificate.first_name().map(str::to_owned))
        })
    }
}

/// `enable` with copies of these files.
pub(super) fn enable_copies(name: Option<&str>, certificate: &str, key: &str, chain: Option<&str>) -> String {
    let mut command = format!(
        "esync-ssl enable --domain {} --cert {} --key {}",
        domain(name),
        quoted(certificate),
        quoted(key)
    );
    if let Some(chain) = chain {
        command.push_str(&format!(" --chain {}", quoted(chain)));
    }
    command + " --copy-certs"
}

fn domain(known: Option<&str>) -> String {
    known.map_or("NAME".into(), word)
}

/// Certificates out of an archive that has no key or is named as a chain.
pub(super) fn cert_import(archive: &str) -> String {
    format!(
        "Unpack it, then name the files that this writes: esync-ssl cert import {}",
        quoted(archive)
    )
}
