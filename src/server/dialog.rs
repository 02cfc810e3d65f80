//! `SSLPassPhraseDialog`: the program that tells the pass-phrase of keys when the server starts, as root.

use crate::foreign;
use crate::httpd::{Configuration, Truth, resolve};
use crate::tls::container::{Contents, Kind};

/// Directives that name a file in which Apache finds a key.
const HOLD_KEYS: [&str; 2] = ["SSLCertificateKeyFile", "SSLCertificateFile"];

/// The program that a value names, as written; nothing where Apache asks at the terminal.
pub fn program(value: &[u8]) -> Option<&[u8]> {
    let written = value
        .strip_prefix(b"exec:")
        .or_else(|| value.strip_prefix(b"|"))?;
    written.split(|&byte| byte == b' ').next()
}

/// Whether a key that Apache reads is under a pass-phrase, so that the program is run. One that cannot be read may be.
pub fn may_be_run(configuration: &Configuration) -> bool {
    HOLD_KEYS.iter().any(|name| {
        let mut named = configuration.named(name);
        named.any(|(id, entry)| {
            let root = configuration.server_root_at(id);
            let mut files = configuration.arguments(entry).into_iter();
            entry.truth != Truth::False && files.any(|file| is_under_pass_phrase(configuration, &root, &file))
        })
    })
}

fn is_under_pass_phrase(configuration: &Configuration, root: &[u8], file: &[u8]) -> bool {
    let source = configuration.source();
    let path = source.host_path(&resolve(root, file, source.platform));
    let Ok(bytes) = foreign::read(&path, foreign::CERTIFICATE) else {
        return true;
    };
    let bytes = zeroize::Zeroizing::new(bytes);
    let contents = Contents::recognise(&bytes);
    contents
        .keys()
        .any(|key| matches!(key.kind, Kind::EncryptedKey(_)))
}
