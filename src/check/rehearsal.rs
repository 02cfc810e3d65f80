//! What a rehearsal plays: a small configuration with exactly the TLS directives that a virtual host has, and what
//! they need. Runs nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::finding::{Code, Finding, Severity};
use crate::httpd::{
    Address, Configuration, Entry, SERVER, SectionId, Truth, VirtualHost, host_bytes, real_path, resolve,
    word::quote,
};
use crate::mod_ssl::speaks_tls;
use crate::server::rehearsal::{ERROR_LOG, Refusal};

/// Where the server that rehearses may write, and listens.
pub struct Stage<'a> {
    /// A folder of its own.
    pub folder: &'a Path,
    /// A free port of the loopback.
    pub port: u16,
    /// The configured program may tell pass-phrases.
    pub dialog: bool,
}

/// A configuration to play, and where its lines come from.
#[derive(Default)]
pub struct Script<'a> {
    /// The configuration.
    pub text: Vec<u8>,
    /// The entry that each line was taken from; nothing for what only the rehearsal needs.
    pub lines: Vec<Option<&'a Entry>>,
}

/// The section that answers a name on a port over TLS: a virtual host's, or the server level. One that has the name
/// goes before one that is only the first, be it at single addresses.
pub fn answering(configuration: &Configuration, hosts: &[VirtualHost], port: u16, name: &str) -> SectionId {
    let single = hosts.iter().flat_map(|host| &host.addresses).map(Address::ip);
    let mut ends: Vec<Option<IpAddr>> = single.collect();
    ends.push(None);
    ends.sort_unstable();
    ends.dedup();
    let answers = |end: &Option<IpAddr>| configuration.answering(*end, port, name);
    let speaks_tls = |host: &&VirtualHost| speaks_tls(configuration, host);
    let secure = || ends.iter().filter_map(answers).filter(speaks_tls);
    let named = secure().find(|host| host.has_name(name));
    named
        .or_else(|| secure().next())
        .map_or(SERVER, |host| host.section)
}

/// A configuration with the TLS directives of a section; `moved` are files that are elsewhere than they will be, by
/// real path. Nothing when a value cannot be written down, or hangs on something unknown.
///
/// Left out is what would need a client certificate. Caches and mutexes go to the rehearsal's own folder, and stapling
/// asks nobody.
pub fn script<'c>(
    configuration: &'c Configuration,
    section: SectionId,
    name: &str,
    place: &Stage,
    moved: &BTreeMap<PathBuf, PathBuf>,
) -> Option<Script<'c>> {
    let mut script = Writer {
        configuration,
        place,
        moved,
        script: Script::default(),
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
    script.line(b"ErrorLog", &[below(ERROR_LOG)])?;
    script.line(b"DefaultRuntimeDir", std::slice::from_ref(&folder))?;
    script.line(b"DocumentRoot", std::slice::from_ref(&folder))?;
    if cfg!(unix) {
        script.line(b"Mutex", &[[b"file:", &folder[..]].concat(), b"default".to_vec()])?;
    }
    for entry in configuration.inside(SERVER) {
        let is = |name: &str| configuration.is_named(entry, name);
        // On Windows they are in a section for a module that is not there.
        if entry.truth != Truth::False && (is("User") || is("Group")) {
            script.copy(entry)?;
        }
    }
    script.tls(SERVER)?;
    if section != SERVER {
        script.raw(format!("<VirtualHost 127.0.0.1:{}>", place.port).as_bytes());
        // `ServerName` cannot say a pattern or an IPv6 address; there is only this one to answer.
        if let Some(name) = quote(name.as_bytes()).ok().filter(|_| !name.contains(['*', ':'])) {
            script.raw(&[b"ServerName ", &name[..]].concat());
        }
        script.tls(section)?;
        if configuration.setting(section, "SSLEngine").is_none() {
            // By the protocol of its listener.
            script.line(b"SSLEngine", &[b"on".to_vec()])?;
        }
        script.raw(b"</VirtualHost>");
    }
    Some(script.script)
}

struct Writer<'a, 'c> {
    configuration: &'c Configuration,
    place: &'a Stage<'a>,
    moved: &'a BTreeMap<PathBuf, PathBuf>,
    script: Script<'c>,
}

impl<'c> Writer<'_, 'c> {
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
            self.from(self.configuration.entry(module.entry));
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
            if is("SSLPassPhraseDialog") && !self.place.dialog {
                self.refusing_dialog()?;
            } else if is("SSLSessionCache") || is("SSLStaplingCache") {
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

    /// Nobody is asked: a program that says no stands in.
    fn refusing_dialog(&mut self) -> Option<()> {
        let refuse = ["/bin/false", "/usr/bin/false"];
        match refuse.iter().find(|program| Path::new(program).is_file()) {
            Some(program) => self.line(b"SSLPassPhraseDialog", &[format!("exec:{program}").into_bytes()]),
            None => Some(()),
        }
    }

    /// A cache in a file of its own: the running server's must not be touched.
    fn cache(&mut self, entry: &'c Entry) -> Option<()> {
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
        self.line(&name, &arguments)?;
        self.from(entry);
        Some(())
    }

    fn copy(&mut self, entry: &'c Entry) -> Option<()> {
        let mut arguments = self.configuration.arguments(entry);
        if let [path] = &mut arguments[..] {
            let platform = self.configuration.facts().platform;
            let full = resolve(self.configuration.server_root(), path, platform);
            let host = real_path(&self.configuration.source().host_path(&full));
            if let Some(elsewhere) = self.moved.get(&host) {
                *path = host_bytes(elsewhere);
            }
        }
        self.line(&self.configuration.name(entry), &arguments)?;
        self.from(entry);
        Some(())
    }

    /// Where the last line comes from.
    fn from(&mut self, entry: &'c Entry) {
        if let Some(last) = self.script.lines.last_mut() {
            *last = Some(entry);
        }
    }

    fn line(&mut self, name: &[u8], arguments: &[Vec<u8>]) -> Option<()> {
        let mut line = name.to_vec();
        for argument in arguments {
            line.push(b' ');
            line.extend(quote(argument).ok()?);
        }
        self.raw(&line);
        Some(())
    }

    fn raw(&mut self, line: &[u8]) {
        self.script.text.extend(line);
        self.script.text.push(b'\n');
        self.script.lines.push(None);
    }
}

/// The entry of a section that a cause is about, where no message of the server names its line.
pub fn culprit<'c>(
    configuration: &'c Configuration,
    section: SectionId,
    cause: Code,
    said: &str,
) -> Option<&'c Entry> {
    if let Some(account) = account(said) {
        return configuration.setting(SERVER, account);
    }
    let own = match cause {
        Code::TlsProtocols => "SSLProtocol",
        Code::TlsCiphers => "SSLCipherSuite",
        _ => return None,
    };
    // Of this one there may be many; the server names the one that it dislikes.
    let all = [section, SERVER]
        .into_iter()
        .flat_map(|section| configuration.inside(section));
    let is_command =
        |entry: &&Entry| entry.truth == Truth::True && configuration.is_named(entry, "SSLOpenSSLConfCmd");
    let commands: Vec<&Entry> = all.filter(is_command).collect();
    let is_named = |entry: &Entry| {
        let first = configuration.arguments(entry).into_iter().next();
        first.is_some_and(|first| {
            said.contains(&format!("SSLOpenSSLConfCmd {}", String::from_utf8_lossy(&first)))
        })
    };
    let named = commands.iter().find(|entry| is_named(entry));
    named
        .copied()
        .or_else(|| configuration.setting(section, own))
        .or(commands.first().copied())
}

/// The directive whose account the server does not find, which has nothing to do with TLS.
pub fn account(said: &str) -> Option<&'static str> {
    let all = [("AH00543", "User"), ("AH00544", "Group")];
    let found = all.iter().find(|(code, _)| said.contains(code));
    found.map(|(_, name)| *name)
}

/// Why clients and a server that starts do not come together, by what it refuses them with; where nothing is in its log.
pub fn refused(refusal: Refusal) -> Finding {
    let (code, summary, cause, fix) = match refusal {
        Refusal::Protocol => (
            Code::TlsProtocols,
            "SSLProtocol leaves only protocols that current clients no longer use",
            "They use TLS 1.2 and 1.3.",
            "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1",
        ),
        Refusal::NothingInCommon => (
            Code::TlsCiphers,
            "SSLCipherSuite or SSLOpenSSLConfCmd leaves nothing that current clients can use with this certificate",
            "Ciphers are for one kind of key: ECDSA ones need an EC key, those with RSA in their names an RSA key. \
             Clients no longer accept those without ECDHE, or with RC4 or 3DES.",
            "SSLCipherSuite HIGH:!aNULL, and no SSLOpenSSLConfCmd for ciphers, groups or signatures.",
        ),
    };
    Finding::new(code, Severity::BreaksClients, summary, cause, fix)
}

/// A failed rehearsal, with how to do without it where that leads anywhere.
pub fn or_without(finding: Finding) -> Finding {
    if finding.code != Code::RehearsalFailed {
        return finding;
    }
    let fix = finding.fix.trim_end_matches('.');
    Finding {
        fix: format!("{fix}. If you know that it is harmless, continue with --no-rehearsal"),
        ..finding
    }
}

/// What a failed rehearsal means: `why` as far as it is known, and what the server said.
pub fn finding(severity: Severity, summary: &str, why: Option<Finding>, said: &str) -> Finding {
    let Some(why) = why else {
        let said = if said.is_empty() {
            "httpd printed no reason."
        } else {
            said
        };
        let fix = "Correct what httpd reports.";
        return Finding::new(Code::RehearsalFailed, severity, summary, said, fix);
    };
    let mut cause = why.cause;
    if !said.is_empty() {
        cause = format!("{cause}\n{said}");
    }
    Finding {
        place: why.place,
        apache_codes: why.apache_codes,
        ..Finding::new(
            Code::RehearsalFailed,
            severity,
            format!("{summary}: {}", why.summary),
            cause,
            why.fix,
        )
    }
}
