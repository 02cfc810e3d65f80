//! The index of the virtual hosts: what is found about all of them in one pass. Finds nothing itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::address_sets::AddressSets;
use super::truth::Truth;
use super::virtual_host::VirtualHost;

/// The virtual hosts, and what is asked about them again and again.
#[derive(Debug, Default)]
pub struct Hosts {
    /// In order.
    pub all: Vec<VirtualHost>,
    /// By address and name, when somebody has asked.
    pub sets: OnceLock<AddressSets>,
    /// By the names that somebody has asked for: a job asks for the same few from its first step to its last proof.
    named: Mutex<HashMap<String, Arc<[u32]>>>,
}

impl Hosts {
    /// The active ones that have a name, be it by a wildcard, as indices in order.
    pub fn named(&self, name: &str) -> Arc<[u32]> {
        let known = || self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(name) {
            return found.clone();
        }
        let all = (0..).zip(&self.all);
        let found = all.filter(|(_, host)| host.truth == Truth::True && host.has_name(name));
        let found: Arc<[u32]> = found.map(|(index, _)| index).collect();
        known().insert(name.to_owned(), found.clone());
        found
    }
}
