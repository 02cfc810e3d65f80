//! Files and places that messages of Apache name. Opens none of them.

use std::sync::LazyLock;

use regex::Regex;

/// What a message names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// A certificate file.
    pub certificate: Option<String>,
    /// A private key file.
    pub key: Option<String>,
    /// A configuration file and line.
    pub place: Option<(String, usize)>,
}

static PAIR: LazyLock<Regex> = LazyLock::new(|| pattern(r" from (.+) and (.+) do not match"));
static KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:private key file |private key \S+, check |\(key file |SSLCertificateKeyFile: file ')([^'\n]+?)(?:\)|'.*)?$",
    )
});
static CERTIFICATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:certificate file |certificate from file |certificate \S+(?: \(with chain\))?, check |SSLCertificateFile: file ')([^'\n]+?)(?:'.*)?$",
    )
});
static PLACE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m) on line (\d+) of ([^\n]+?):(?:$| )"));
static DEFINED: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)(?:defined at |\()([^\n(]+):(\d+)\)?$"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern that compiles")
}

/// The files and places in a message.
pub fn named(message: &str) -> Named {
    let mut found = Named::default();
    let get = |captures: regex::Captures<'_>, at: usize| captures.get(at).map(|part| plain(part.as_str()));
    if let Some(pair) = PAIR.captures(message) {
        found.certificate = pair.get(1).map(|part| plain(part.as_str()));
        found.key = get(pair, 2);
        return found;
    }
    found.key = KEY.captures(message).and_then(|captures| get(captures, 1));
    found.certificate = CERTIFICATE
        .captures(message)
        .and_then(|captures| get(captures, 1));
    let place = |captures: regex::Captures<'_>, file: usize, line: usize| {
        Some((
            plain(captures.get(file)?.as_str()),
            captures.get(line)?.as_str().parse().ok()?,
        ))
    };
    found.place = (PLACE.captures(message).and_then(|captures| place(captures, 2, 1))).or_else(|| {
        DEFINED
            .captures(message)
            .and_then(|captures| place(captures, 1, 2))
    });
    found
}

/// A path without Apache's escapes: `\\` and `\xNN`.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 2..at + 4)
            .and_then(|two| std::str::from_utf8(two).ok());
        match (bytes[at], bytes.get(at + 1)) {
            (b'\\', Some(b'\\')) => {
                out.push(b'\\');
                at += 2;
            }
            (b'\\', Some(b'x')) if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) => {
                out.push(byte);
                at += 4;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_places() {
        let pair =
            named("Certificate and private key a:443:0 from C:\\\\x\\\\a.crt and /b c/k.key do not match");
        assert_eq!(pair.certificate.as_deref(), Some("C:\\x\\a.crt"));
        assert_eq!(pair.key.as_deref(), Some("/b c/k.key"));
        for (message, expected) in [
            ("Init: Can't open server private key file /x/k", "/x/k"),
            (
                "Failed to configure encrypted (?) private key a:443:0, check /x/k",
                "/x/k",
            ),
            (
                "Init: SSLPassPhraseDialog builtin is not supported on Win32 (key file C:/x/k)",
                "C:/x/k",
            ),
        ] {
            assert_eq!(named(message).key.as_deref(), Some(expected), "{message}");
        }
        for (message, expected) in [
            (
                "Failed to configure certificate a:443:0 (with chain), check /x/\\xc3\\xbc",
                "/x/ü",
            ),
            ("Init: Unable to read server certificate from file /x/c", "/x/c"),
            ("Init: Can't open server certificate file /x/c", "/x/c"),
            (
                "Syntax error on line 30 of /a/b.conf:\nSSLCertificateFile: file '/x/c' does not exist or is empty",
                "/x/c",
            ),
        ] {
            assert_eq!(named(message).certificate.as_deref(), Some(expected), "{message}");
        }
        let syntax = named("Syntax error on line 27 of C:/a/httpd.conf:\nInvalid command 'x'");
        assert_eq!(syntax.place, Some(("C:/a/httpd.conf".into(), 27)));
        let hint = named(
            "Server should be SSL-aware but has no certificate configured [Hint: SSLCertificateFile] (/a/b.conf:27)",
        );
        assert_eq!(hint.place, Some(("/a/b.conf".into(), 27)));
    }
}
