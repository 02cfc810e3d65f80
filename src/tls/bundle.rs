//! Key, certificate and chain of one server, put together from whatever files they came in.
//!
//! Writes no file and judges nothing; what it yields is what Apache reads in every version 2.4: the leaf alone,
//! the chain alone, the key without pass-phrase.

use zeroize::Zeroizing;

use super::certificate::Certificate;
use super::chain::Chain;
use super::pkcs12::Archive;
use super::private_key::PrivateKey;

/// What one server gets.
#[derive(Debug)]
pub struct Bundle {
    /// The private key; none in a p7b archive.
    pub key: Option<PrivateKey>,
    /// The server's certificate.
    pub leaf: Certificate,
    /// Its issuers, from the leaf's upwards, without the root.
    pub chain: Vec<Certificate>,
    /// Certificates that were there too and are not sent: the root, strangers.
    pub left_out: Vec<Certificate>,
}

impl Bundle {
    /// Puts together what stood in several files. `certificates` are those of the certificate file and of the
    /// chain file, in that order; `None` when there is none.
    ///
    /// The key decides which certificate is the leaf. When none of the others belongs to its chain, they are kept
    /// as they came, so that whoever judges the result sees that they are wrong.
    pub fn assemble(certificates: Vec<Certificate>, key: Option<PrivateKey>) -> Option<Bundle> {
        let public = key.as_ref().and_then(PrivateKey::public_key);
        let order = Chain::order(&certificates, public)?;
        let take = |at: &usize| certificates.get(*at).cloned();
        let leaf = take(&order.leaf)?;
        let mut chain: Vec<Certificate> = order.intermediates.iter().filter_map(take).collect();
        let mut spare: Vec<Certificate> = order.spare.iter().filter_map(take).collect();
        spare.retain(|certificate| *certificate != leaf && !chain.contains(certificate));
        if chain.is_empty() && order.root.is_none() && !leaf.is_self_issued() {
            chain.append(&mut spare);
        }
        let left_out = order.root.iter().filter_map(take).chain(spare).collect();
        Some(Bundle {
            key,
            leaf,
            chain,
            left_out,
        })
    }

    /// What was in an archive.
    pub fn of_archive(archive: Archive) -> Bundle {
        Bundle {
            key: archive.key,
            leaf: archive.leaf,
            chain: archive.chain,
            left_out: archive.root.into_iter().chain(archive.spare).collect(),
        }
    }

    /// The private key as one PEM block without pass-phrase. Wiped when dropped.
    pub fn key_pem(&self) -> Option<Zeroizing<String>> {
        self.key.as_ref().map(PrivateKey::to_pem)
    }

    /// The leaf alone, for `SSLCertificateFile`.
    pub fn certificate_pem(&self) -> String {
        self.leaf.to_pem()
    }

    /// The chain alone, for `SSLCertificateChainFile`, which every Apache 2.4 reads; `None` when it is empty.
    pub fn chain_pem(&self) -> Option<String> {
        let text: String = self.chain.iter().map(Certificate::to_pem).collect();
        (!text.is_empty()).then_some(text)
    }

    /// A name for its files: the certificate's first name, in characters that every file system takes.
    pub fn file_name(&self) -> String {
        let name = self
            .leaf
            .dns_names
            .first()
            .map_or(self.leaf.title(), String::as_str);
        let name: String = name
            .replace('*', "wildcard")
            .chars()
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => c.to_ascii_lowercase(),
                _ => '_',
            })
            .take(100)
            .collect();
        let name = name.trim_matches('.');
        if name.is_empty() {
            "server".into()
        } else {
            name.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::chain::tests::made;

    #[test]
    fn a_heap_becomes_leaf_and_chain() {
        let root = made("root", true, None);
        let lower = made("lower", true, Some(&root.issuer));
        let leaf = made("*.leaf.example", false, Some(&lower.issuer));
        let stranger = made("stranger", true, None);
        let heap = [&root, &lower, &leaf, &leaf].map(|made| made.certificate.clone());
        let bundle = Bundle::assemble(heap.to_vec(), None).unwrap();
        assert_eq!(bundle.leaf, leaf.certificate);
        assert_eq!(bundle.chain, [lower.certificate]);
        assert_eq!(bundle.left_out, [root.certificate]);
        assert_eq!(bundle.file_name(), "wildcard.leaf.example");
        let wrong = vec![leaf.certificate, stranger.certificate.clone()];
        assert_eq!(
            Bundle::assemble(wrong, None).unwrap().chain,
            [stranger.certificate]
        );
        assert!(Bundle::assemble(Vec::new(), None).is_none());
    }
}
