//! Modules: those compiled in, those loaded, and how `<IfModule>` finds them. Loads nothing.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::entry::EntryId;
use super::facts::{Facts, SOMETIMES_BUILT_IN};
use super::known;
use super::truth::Truth;

/// One `LoadModule` that was read.
#[derive(Clone, Debug)]
pub struct LoadModule {
    /// Such as `ssl_module`.
    pub identifier: Vec<u8>,
    /// The module file, as written (variables substituted).
    pub file: Vec<u8>,
    /// Is the line active?
    pub truth: Truth,
    /// The line.
    pub entry: EntryId,
    /// The server root in force at that line, which a relative file hangs on.
    pub server_root: Vec<u8>,
}

/// The modules at one moment of reading.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    built_in: Vec<String>,
    uncertain: Vec<&'static str>,
    /// By identifier, and by the source name that goes with it.
    loaded: HashMap<Vec<u8>, Truth, RandomState>,
}

impl Modules {
    /// Before the first line is read.
    pub fn new(facts: &Facts) -> Self {
        let uncertain = if facts.built_in_is_certain {
            Vec::new()
        } else {
            SOMETIMES_BUILT_IN
                .iter()
                .copied()
                .filter(|name| !facts.built_in.iter().any(|have| have == name))
                .collect()
        };
        Modules {
            built_in: facts.built_in.clone(),
            uncertain,
            loaded: HashMap::default(),
        }
    }

    /// Notes a `LoadModule`. Apache knows the source name from the module file, which is not opened here.
    pub fn load(&mut self, identifier: &[u8], truth: Truth) {
        for name in [identifier.to_vec(), source_name(identifier)] {
            let known = self.loaded.entry(name).or_insert(truth);
            *known = known.or(truth);
        }
    }

    /// Is the module there? `name` is an identifier (`ssl_module`) or the name of its source file (`mod_ssl.c`),
    /// compared exactly, as `<IfModule>` does.
    pub fn has(&self, name: &[u8]) -> Truth {
        let loaded = self.loaded.get(name).copied().unwrap_or(Truth::False);
        if loaded == Truth::True {
            return loaded;
        }
        let named = |file: &str| file.as_bytes() == name || identifier_of(file).as_bytes() == name;
        if self.built_in.iter().any(|file| named(file)) {
            return Truth::True;
        }
        let guess = if self.uncertain.iter().any(|file| named(file)) {
            Truth::Unknown
        } else {
            Truth::False
        };
        loaded.or(guess)
    }

    /// Is a module loaded that is not one of httpd's own, so that any directive may be its?
    pub fn has_foreign(&self) -> bool {
        let listed = |file: &[u8]| {
            let known = known::modules().iter().chain(&WITHOUT_DIRECTIVES);
            known.into_iter().any(|name| name.as_bytes() == file)
        };
        // Both names of each module are noted.
        let own = |name: &[u8]| listed(name) || listed(&source_name(name));
        self.loaded
            .iter()
            .any(|(identifier, truth)| *truth != Truth::False && !own(identifier))
    }

    /// The source names of all that are there.
    pub fn sources(&self) -> Vec<String> {
        let loaded = self.loaded.iter().filter(|(_, truth)| **truth == Truth::True);
        let names = loaded.map(|(name, _)| String::from_utf8_lossy(name).into_owned());
        let mut all: Vec<String> = names.filter(|name| name.ends_with(".c")).collect();
        all.extend(self.built_in.iter().cloned());
        all.sort();
        all.dedup();
        all
    }

    /// Is a directive of this name there? A module that we do not know may bring any.
    pub fn have_directive(&self, name: &[u8]) -> Truth {
        let found = known::find(name)
            .iter()
            .map(|known| self.has(known::module_name(known.module).as_bytes()))
            .max();
        match found {
            Some(Truth::True) => Truth::True,
            Some(truth) => truth,
            None if self.has_foreign() => Truth::Unknown,
            None => Truth::False,
        }
    }

    /// Is it compiled in?
    pub fn is_built_in(&self, identifier: &[u8]) -> bool {
        self.built_in
            .iter()
            .any(|file| identifier_of(file).as_bytes() == identifier)
    }
}

/// Modules of httpd that have no directive.
const WITHOUT_DIRECTIVES: [&str; 25] = [
    "mod_asis.c",
    "mod_authz_host.c",
    "mod_authz_owner.c",
    "mod_authz_user.c",
    "mod_bucketeer.c",
    "mod_case_filter.c",
    "mod_case_filter_in.c",
    "mod_data.c",
    "mod_lbmethod_bybusyness.c",
    "mod_lbmethod_byrequests.c",
    "mod_lbmethod_bytraffic.c",
    "mod_ldap.c",
    "mod_proxy_ajp.c",
    "mod_proxy_balancer.c",
    "mod_proxy_fdpass.c",
    "mod_proxy_http.c",
    "mod_proxy_http2.c",
    "mod_proxy_uwsgi.c",
    "mod_ratelimit.c",
    "mod_slotmem_plain.c",
    "mod_slotmem_shm.c",
    "mod_socache_dbm.c",
    "mod_socache_shmcb.c",
    "mod_status.c",
    "mod_unique_id.c",
];

/// The identifier of a module compiled in, from the name of its source file.
fn identifier_of(file: &str) -> String {
    let stem = file.strip_suffix(".c").unwrap_or(file);
    match stem {
        "event" | "worker" | "prefork" => format!("mpm_{stem}_module"),
        "core" | "mpm_winnt" => format!("{stem}_module"),
        "http_core" => "http_module".into(),
        _ => format!("{}_module", stem.strip_prefix("mod_").unwrap_or(stem)),
    }
}

/// The source file name that goes with an identifier, by the custom that all of httpd's own modules follow.
pub fn source_name(identifier: &[u8]) -> Vec<u8> {
    let stem = identifier.strip_suffix(b"_module").unwrap_or(identifier);
    match stem {
        b"mpm_event" | b"mpm_worker" | b"mpm_prefork" => [&stem[4..], b".c"].concat(),
        b"mpm_winnt" => b"mpm_winnt.c".to_vec(),
        b"ldap" => b"util_ldap.c".to_vec(),
        _ => [b"mod_", stem, b".c"].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::Platform;

    #[test]
    fn modules_are_found_by_identifier_and_source_name() {
        let mut modules = Modules::new(&Facts::assumed(Platform::Windows));
        modules.load(b"ssl_module", Truth::True);
        modules.load(b"mpm_event_module", Truth::True);
        for name in [
            "ssl_module",
            "mod_ssl.c",
            "core.c",
            "mod_so.c",
            "http_core.c",
            "event.c",
            "so_module",
        ] {
            assert_eq!(modules.has(name.as_bytes()), Truth::True, "{name}");
        }
        for name in [
            "mod_ssl.so",
            "mod_ssl",
            "MOD_SSL.C",
            "mod_mpm_event.c",
            "unixd_module",
        ] {
            assert_eq!(modules.has(name.as_bytes()), Truth::False, "{name}");
        }
    }

    #[test]
    fn without_a_binary_some_modules_stay_unknown() {
        let modules = Modules::new(&Facts::assumed(Platform::Unix));
        assert_eq!(modules.has(b"mod_log_config.c"), Truth::Unknown);
        assert_eq!(modules.has(b"mod_ssl.c"), Truth::False);
    }
}
