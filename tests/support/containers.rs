//! Certificates and keys in the containers that administrators bring: PFX, p7b, a key under a pass-phrase.
//! Made in Rust, so that the Windows tests have them too.

use std::path::Path;

use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::pkcs5::pbes2::Parameters;

use super::certificates::pem;

/// The binary structure in the first block of a PEM file.
pub fn der(file: &Path) -> Vec<u8> {
    let text = std::fs::read(file).expect("a PEM file");
    let blocks = esync_ssl::tls::pem::blocks(&text);
    blocks.first().expect("a PEM block").der.to_vec()
}

/// A PFX with the key and the certificates, the leaf first.
pub fn pfx(key: &Path, certificates: &[&Path], pass_phrase: &str) -> Vec<u8> {
    let key = PrivateKey::from_der(&der(key)).expect("a key");
    let certificates = certificates
        .iter()
        .map(|file| Certificate::from_der(&der(file)).expect("a certificate"));
    let mut store = KeyStore::new();
    let chain = PrivateKeyChain::new("id", key, certificates);
    store.add_entry("leaf", KeyStoreEntry::PrivateKeyChain(chain));
    let writer = store
        .writer(pass_phrase)
        .encryption_algorithm(EncryptionAlgorithm::PbeWithHmacSha256AndAes256)
        .mac_algorithm(MacAlgorithm::HmacSha256);
    let writer = writer.encryption_iterations(100).mac_iterations(100);
    writer.write().expect("an archive")
}

/// A p7b in PEM with the certificates in this order (RFC 2315, certificates only).
pub fn p7b(certificates: &[&Path]) -> String {
    let certificates: Vec<Vec<u8>> = certificates.iter().map(|file| der(file)).collect();
    let data = value(0x06, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01]]);
    let signed_data = value(0x06, &[&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]]);
    let parts: Vec<&[u8]> = certificates.iter().map(Vec::as_slice).collect();
    let body = value(
        0x30,
        &[
            &value(0x02, &[&[1]]),
            &value(0x31, &[]),
            &value(0x30, &[&data]),
            &value(0xa0, &parts),
            &value(0x31, &[]),
        ],
    );
    pem("PKCS7", &value(0x30, &[&signed_data, &value(0xa0, &[&body])]))
}

/// The key as PKCS#8 under a pass-phrase (PBKDF2, AES-256).
pub fn encrypted_key(key: &Path, pass_phrase: &str) -> String {
    let der = der(key);
    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(1000, &[7; 16], [9; 16]);
    let key = PrivateKeyInfoRef::try_from(der.as_slice()).expect("a key in PKCS#8");
    let encrypted = key.encrypt_with_params(parameters.expect("parameters"), pass_phrase);
    pem(
        "ENCRYPTED PRIVATE KEY",
        encrypted.expect("an encrypted key").as_bytes(),
    )
}

fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut bytes = vec![tag];
    match body.len() {
        short @ 0..=0x7f => bytes.push(short as u8),
        long => bytes.extend([0x83, (long >> 16) as u8, (long >> 8) as u8, long as u8]),
    }
    bytes.extend(body);
    bytes
}
