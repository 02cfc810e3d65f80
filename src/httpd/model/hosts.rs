//! The index of the virtual hosts: what is found about all of them in one pass. Finds nothing itself.

use std::collections::HashMap;
use std::hash::Hash;
use std::path::{Path, PathBuf};
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
    named: Found<String>,
    /// The same by places.
    at: Found<(PathBuf, u32)>,
}

impl Hosts {
    /// The active ones that have a name, be it by a wildcard, as indices in order.
    pub fn named(&self, name: &str) -> Arc<[u32]> {
        self.named.once(name.to_owned(), || {
            let all = (0..).zip(&self.all);
            let found = all.filter(|(_, host)| host.truth == Truth::True && host.has_name(name));
            found.map(|(index, _)| index).collect()
        })
    }

    /// Those at a line of a file, as indices in order, which are looked for once.
    pub fn at(&self, (file, line): (&Path, u32), look: impl FnOnce() -> Arc<[u32]>) -> Arc<[u32]> {
        self.at.once((file.to_owned(), line), look)
    }
}

/// What somebody has asked for, as indices.
#[derive(Debug, Default)]
struct Found<K>(Mutex<HashMap<K, Arc<[u32]>>>);

impl<K: Eq + Hash> Found<K> {
    /// What was found, or is found now.
    fn once(&self, key: K, look: impl FnOnce() -> Arc<[u32]>) -> Arc<[u32]> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&key) {
            return found.clone();
        }
        let found = look();
        known().insert(key, found.clone());
        found
    }
}
