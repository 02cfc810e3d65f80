//! What a rehearsal plays: a small configuration with exactly the TLS directives that a virtual host has, and what
//! they need. Runs nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::finding::{Code, Finding, Severity};
use crate::httpd::{
    Configuration, Entry, SERVER, SectionId, Truth, VirtualHost, host_bytes, real_path, resolve, word::quote,
};

/// Where the server that rehearses may write, and listens.
pub struct Place<'a> {
    /// A folder of its own.
    pub folder: &'a Path,
    /// A free port of the loopback.
    pub port: u16,
}

/// The section that answers a name on a port: a virtual host's, or the server level.
pub fn answering(configuration: &Configuration, hosts: &[VirtualHost], port: u16, name: &str) -> SectionId {
    configuration
        .answering(hosts, None, port, name)
        .map_or(SERVER, |host| host.section)
}

/// A configuration with the TLS directives of a section; `moved` are files that are elsewhere than they will be, by
/// real path. Nothing when a value cannot be written down, or hangs on something unknown.
///
/// Left out is what would need a client certificate. Caches and mutexes go to the rehearsal's own folder, and stapling
/// asks nobody.
pub fn script(
    configuration: &Configuration,
    section: SectionId,
    name: &str,
    place: &Place,
    moved: &BTreeMap<PathBuf, PathBuf>,
) -> Option<Vec<u8>> {
    let mut script = Script {
        configuration,
        place,
        moved,
        text: Vec::new(),
    };
    script.modules()?;
    let folder = host_bytes(place.folder);
    let folder: Vec<u8> = folder
        .iter()
        .map(|&byte| if byte == b'\\' { b'/' } else { byte })
        .collect();
    let below = |name: &str| [&folder[..], b"/", name.as_bytes()].concat();
    script.line(b"ServerRoot", &[configuration.server_root().to_vec()])?;
    script.line(b"ServerName", &[b"localhost".to_vec()])?;
    script.line(b"Listen", &[format!("127.0.0.1:{}", place.port).into_bytes()])?;
    script.line(b"PidFile", &[below("httpd.pid")])?;
    script.line(b"ErrorLog", &[below("error.log")])?;
    script.line(b"DefaultRuntimeDir", std::slice::from_ref(&folder))?;
    script.line(b"DocumentRoot", std::slice::from_ref(&folder))?;
    if cfg!(unix) {
        script.line(b"Mutex", &[[b"file:", &folder[..]].concat(), b"default".to_vec()])?;
    }
    for entry in configuration.inside(SERVER) {
        let is = |name: &str| configuration.is_named(entry, name);
        if is("User") || is("Group") {
            script.copy(entry)?;
        }
    }
    script.tls(SERVER)?;
    if section != SERVER {
        script
            .text
            .extend(format!("<VirtualHost 127.0.0.1:{}>\n", place.port).bytes());
        if let Some(name) = quote(name.as_bytes()).ok().filter(|_| !name.contains('*')) {
            script.text.extend([b"ServerName ", &name[..], b"\n"].concat());
        }
        script.tls(section)?;
        if configuration.setting(section, "SSLEngine").is_none() {
            // By the protocol of its listener.
            script.line(b"SSLEngine", &[b"on".to_vec()])?;
        }
        script.text.extend(b"</VirtualHost>\n");
    }
    Some(script.text)
}

struct Script<'a> {
    configuration: &'a Configuration,
    place: &'a Place<'a>,
    moved: &'a BTreeMap<PathBuf, PathBuf>,
    text: Vec<u8>,
}

impl Script<'_> {
    fn modules(&mut self) -> Option<()> {
        const NEEDED: [&[u8]; 3] = [b"mpm_", b"socache_", b"slotmem_"];
        for module in self.configuration.load_modules() {
            let id = &module.identifier;
            let is_needed = NEEDED.iter().any(|start| id.starts_with(start))
                || [&b"ssl_module"[..], b"unixd_module", b"authz_core_module"].contains(&&id[..]);
            if !is_needed || module.truth == Truth::False {
                continue;
            }
            if module.truth == Truth::Unknown {
                return None;
            }
            let platform = self.configuration.facts().platform;
            let file = resolve(&module.server_root, &module.file, platform);
            self.line(b"LoadModule", &[id.clone(), file])?;
        }
        Some(())
    }

    /// The TLS directives of a section.
    fn tls(&mut self, section: SectionId) -> Option<()> {
        const LEFT_OUT: [&str; 2] = ["SSLVerifyClient", "SSLVerifyDepth"];
        let mut stapling = false;
        for entry in self.configuration.inside(section) {
            let name = self.configuration.name(entry).to_ascii_lowercase();
            if !name.starts_with(b"ssl") || entry.opens || entry.truth == Truth::False {
                continue;
            }
            if entry.truth == Truth::Unknown {
                return None;
            }
            let is = |name: &str| self.configuration.is_named(entry, name);
            if LEFT_OUT.iter().any(|name| is(name)) {
                continue;
            }
            stapling |= is("SSLUseStapling");
            if is("SSLSessionCache") || is("SSLStaplingCache") {
                self.cache(entry)?;
            } else {
                self.copy(entry)?;
            }
        }
        if stapling {
            // Nobody is there: the answer comes at once, and the handshake does not wait for it.
            self.line(b"SSLStaplingForceURL", &[b"http://127.0.0.1:1/".to_vec()])?;
        }
        Some(())
    }

    /// A cache in a file of its own: the running server's must not be touched.
    fn cache(&mut self, entry: &Entry) -> Option<()> {
        let name = self.configuration.name(entry);
        let mut arguments = self.configuration.arguments(entry);
        if let Some(first) = arguments.first_mut() {
            let kind = first
                .split(|&byte| byte == b':')
                .next()
                .unwrap_or_default()
                .to_vec();
            if [&b"shmcb"[..], b"dbm"].contains(&&kind.to_ascii_lowercase()[..]) {
                let file = self
                    .place
                    .folder
                    .join(String::from_utf8_lossy(&name).into_owned());
                let size: &[u8] = if kind.eq_ignore_ascii_case(b"shmcb") {
                    b"(512000)"
                } else {
                    b""
                };
                let path = host_bytes(&file)
                    .iter()
                    .map(|&b| if b == b'\\' { b'/' } else { b })
                    .collect::<Vec<_>>();
                *first = [&kind[..], b":", &path, size].concat();
            }
        }
        self.line(&name, &arguments)
    }

    fn copy(&mut self, entry: &Entry) -> Option<()> {
        let mut arguments = self.configuration.arguments(entry);
        if let [path] = &mut arguments[..] {
            let platform = self.configuration.facts().platform;
            let full = resolve(self.configuration.server_root(), path, platform);
            let host = real_path(&self.configuration.source().host_path(&full));
            if let Some(elsewhere) = self.moved.get(&host) {
                *path = host_bytes(elsewhere);
            }
        }
        self.line(&self.configuration.name(entry), &arguments)
    }

    fn line(&mut self, name: &[u8], arguments: &[Vec<u8>]) -> Option<()> {
        self.text.extend(name);
        for argument in arguments {
            self.text.push(b' ');
            self.text.extend(quote(argument).ok()?);
        }
        self.text.push(b'\n');
        Some(())
    }
}

/// What a failed rehearsal means; `said` is what the server said.
pub fn finding(severity: Severity, summary: &str, said: &str) -> Finding {
    Finding::new(
        Code::RehearsalFailed,
        severity,
        summary,
        if said.is_empty() {
            "It said nothing about it."
        } else {
            said
        },
        "Correct what the server names. If it is known to be harmless, go on with --no-rehearsal",
    )
}
