//! The index of the virtual hosts: what is found about all of them in one pass. Finds nothing itself.

use std::sync::OnceLock;

use super::address_sets::AddressSets;
use super::virtual_host::VirtualHost;

/// The virtual hosts, and what is asked about them again and again.
#[derive(Debug, Default)]
pub struct Hosts {
    /// In order.
    pub all: Vec<VirtualHost>,
    /// Of each of them.
    pub tls: Vec<TlsSettings>,
    /// By address and name, when somebody has asked.
    pub sets: OnceLock<AddressSets>,
}

/// What a virtual host says itself about speaking TLS.
#[derive(Clone, Copy, Debug, Default)]
pub struct TlsSettings {
    /// The last active `SSLEngine`: whether it is on, if that can be read.
    pub engine: Option<Option<bool>>,
    /// There is an active `SSLCertificateFile`.
    pub certificate: bool,
}
