//! Mozilla's levels of TLS as data. What of them a server can be told is decided elsewhere.
//!
//! From <https://ssl-config.mozilla.org/guidelines/6.0.json>.

/// The version of the guideline.
pub(super) const VERSION: &str = "6.0";

/// The first group for the key exchange at every level. It is not written: see [`notes`](super::notes).
pub(super) const HYBRID: &str = "X25519MLKEM768";

/// A level.
pub(super) struct Level {
    /// `SSLProtocol`. Protocols are switched off by name, as an Apache without TLS 1.3 does not know its name.
    pub protocols: &'static str,
    /// `SSLCipherSuite` for TLS 1.2 and earlier; those of TLS 1.3 are OpenSSL's own, which the guideline wants too.
    pub ciphers: &'static [&'static str],
    /// `SSLHonorCipherOrder`
    pub order: &'static str,
}

/// TLS 1.3 only.
pub(super) const MODERN: Level = Level {
    protocols: "-all +TLSv1.3",
    ciphers: &[],
    order: "off",
};

/// TLS 1.2 and later. Without DHE since 6.0: its groups are costly for the server, and clients that have nothing better
/// are gone.
pub(super) const INTERMEDIATE: Level = Level {
    protocols: "all -SSLv3 -TLSv1 -TLSv1.1",
    ciphers: &[
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ],
    order: "off",
};

/// TLS 1.0 and later. The guideline has no such level any more: it is that of 5.8, without DHE like the others.
pub(super) const OLD: Level = Level {
    protocols: "all -SSLv3",
    ciphers: &[
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-RSA-AES128-SHA256",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA384",
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA256",
        "AES256-SHA256",
        "AES128-SHA",
        "AES256-SHA",
        "DES-CBC3-SHA",
    ],
    order: "on",
};
