//! Which generation of Apache and OpenSSL a judgement is about.
//!
//! Does not find it out: that is for who knows the installed server.

use std::fmt;

/// The server in question. Both numbers decide what a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Version of httpd, e.g. `(2, 4, 7)`.
    pub apache: (u32, u32, u32),
    /// The OpenSSL that mod_ssl uses.
    pub openssl: OpenSsl,
    /// OpenSSL's security level (`@SECLEVEL`): refuses weak keys and signatures from 1 on. 1.0.x has none.
    pub security_level: u8,
    /// Whether it runs on Windows, where Apache cannot ask for a pass-phrase (AH02577).
    pub windows: bool,
}

/// Generations of OpenSSL that differ in what they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OpenSsl {
    /// 1.0.x, as with Apache of 2014: no byte order mark before certificates, no scrypt, no Ed25519.
    V1_0,
    /// 1.1.x.
    V1_1,
    /// 3.0 or later: no DES, MD5 and RC2 in protected keys.
    V3,
}

impl fmt::Display for OpenSsl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OpenSsl::V1_0 => "1.0",
            OpenSsl::V1_1 => "1.1",
            OpenSsl::V3 => "3",
        })
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.apache;
        let system = if self.windows { " on Windows" } else { "" };
        write!(
            f,
            "Apache {major}.{minor}.{patch} with OpenSSL {}{system}",
            self.openssl
        )
    }
}

impl Generation {
    /// What is taken for granted about a server of which only the version of httpd is known, if that: the
    /// OpenSSL that its usual builds had. Without a version, [`Generation::OF_2014`] on Windows and
    /// [`Generation::CURRENT`] elsewhere.
    pub fn assumed(apache: Option<(u32, u32, u32)>, windows: bool) -> Generation {
        let Some(apache) = apache else {
            return if windows { Self::OF_2014 } else { Self::CURRENT };
        };
        // mod_ssl knows OpenSSL 1.1 since 2.4.26; distributions went to 3 with 2.4.52, Windows builds with 2.4.55.
        let openssl = if apache < (2, 4, 26) {
            OpenSsl::V1_0
        } else if apache < (2, 4, if windows { 55 } else { 52 }) {
            OpenSsl::V1_1
        } else {
            OpenSsl::V3
        };
        // OpenSSL's own default is 1; distributions raise it.
        let security_level = match (openssl, windows) {
            (OpenSsl::V1_0, _) => 0,
            (_, true) => 1,
            (_, false) => 2,
        };
        Generation {
            apache,
            openssl,
            security_level,
            windows,
        }
    }

    /// Apache 2.4.7 with OpenSSL 1.0.2 on Windows, as eSync of 2014 ships it.
    pub const OF_2014: Generation = Generation {
        apache: (2, 4, 7),
        openssl: OpenSsl::V1_0,
        security_level: 0,
        windows: true,
    };

    /// A present-day Apache with OpenSSL 3 at security level 2, as Debian and others set it.
    pub const CURRENT: Generation = Generation {
        apache: (2, 4, 66),
        openssl: OpenSsl::V3,
        security_level: 2,
        windows: false,
    };

    /// From 2.4.8 on, certificates behind the first one in `SSLCertificateFile` are read and sent.
    pub fn reads_chain_from_certificate_file(&self) -> bool {
        self.apache >= (2, 4, 8)
    }

    /// Before 2.4.8 the certificate may be DER, indented or bare base64; later readers want plain PEM.
    pub fn reads_any_certificate_form(&self) -> bool {
        !self.reads_chain_from_certificate_file()
    }

    /// A byte order mark hides the first certificate from OpenSSL 1.0.
    pub fn loses_block_behind_mark(&self) -> bool {
        self.openssl == OpenSsl::V1_0
    }

    /// What the log says when a key is under a pass-phrase.
    pub(crate) fn pass_phrase_codes(&self) -> &'static [&'static str] {
        match (self.windows, self.reads_chain_from_certificate_file()) {
            (true, true) => &["AH02577"],
            (true, false) => &["AH02245"],
            (false, true) => &["AH02578"],
            (false, false) => &["AH02246"],
        }
    }

    /// `later` from 2.4.8 on, `earlier` before.
    pub(crate) fn logs(&self, later: &'static str, earlier: &'static str) -> [&'static str; 1] {
        [if self.reads_chain_from_certificate_file() {
            later
        } else {
            earlier
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_assumed() {
        assert_eq!(Generation::assumed(None, true), Generation::OF_2014);
        assert_eq!(Generation::assumed(Some((2, 4, 7)), true), Generation::OF_2014);
        assert_eq!(Generation::assumed(None, false), Generation::CURRENT);
        assert_eq!(Generation::assumed(Some((2, 4, 66)), false), Generation::CURRENT);
        let between = Generation::assumed(Some((2, 4, 41)), true);
        assert_eq!((between.openssl, between.security_level), (OpenSsl::V1_1, 1));
        assert_eq!(between.to_string(), "Apache 2.4.41 with OpenSSL 1.1 on Windows");
    }
}
