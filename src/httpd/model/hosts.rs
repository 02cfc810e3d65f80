//! The index of the virtual hosts: what is found about all of them in one pass. Finds nothing itself.

use std::sync::OnceLock;

use super::address_sets::AddressSets;
use super::virtual_host::VirtualHost;

/// The virtual hosts, and what is asked about them again and again.
#[derive(Debug, Default)]
pub struct Hosts {
    /// In order.
    pub all: Vec<VirtualHost>,
    /// By address and name, when somebody has asked.
    pub sets: OnceLock<AddressSets>,
}
