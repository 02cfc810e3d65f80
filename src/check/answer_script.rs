//! What a rehearsal of answers to certificate authorities plays: all that decides in a configuration what a path shows, as
//! it is at one address, and nothing that writes, starts or asks anything. Runs nothing.

use std::net::IpAddr;
use std::path::Path;

use crate::change::AnswerPlace;
use crate::httpd::{
    Configuration, Entry, SERVER, SectionId, Truth, VirtualHost, host_bytes, known, resolve, source_name,
    trim, word::quote,
};
use crate::server::rehearsal::ERROR_LOG;

/// Where the server that rehearses may write, listens, and has the answers.
pub struct Stage<'a> {
    /// A folder of its own.
    pub folder: &'a Path,
    /// A free port of the loopback.
    pub port: u16,
    /// The folder of the answers meanwhile.
    pub answers: &'a Path,
}

/// Modules that decide what a path shows, and start nothing.
const MODULES: [&str; 30] = [
    "access_compat_module",
    "actions_module",
    "alias_module",
    "allowmethods_module",
    "auth_basic_module",
    "auth_digest_module",
    "authn_core_module",
    "authn_file_module",
    "authz_core_module",
    "authz_groupfile_module",
    "authz_host_module",
    "authz_owner_module",
    "authz_user_module",
    "autoindex_module",
    "dir_module",
    "env_module",
    "filter_module",
    "headers_module",
    "mime_module",
    "negotiation_module",
    "proxy_module",
    "proxy_http_module",
    "proxy_balancer_module",
    "rewrite_module",
    "setenvif_module",
    "speling_module",
    "ssl_module",
    "unixd_module",
    "userdir_module",
    "vhost_alias_module",
];

/// Modules that others need to start.
const NEEDED: [&str; 4] = ["mpm_", "slotmem_", "socache_", "lbmethod_"];

/// What counts of the core.
const CORE: [&str; 17] = [
    "AcceptPathInfo",
    "AccessFileName",
    "AllowEncodedSlashes",
    "AllowOverride",
    "AllowOverrideList",
    "DocumentRoot",
    "ErrorDocument",
    "ForceType",
    "HttpProtocolOptions",
    "MergeSlashes",
    "Options",
    "ServerAlias",
    "ServerName",
    "ServerPath",
    "SetHandler",
    "UseCanonicalName",
    "UseCanonicalPhysicalPort",
];

/// What does not count of the other modules: providers that may not be there, and what is kept between requests.
const LEFT_OUT: [&str; 8] = [
    "AuthBasicProvider",
    "AuthDigestProvider",
    "AuthDigestShmemSize",
    "BalancerPersist",
    "ProxyHCTemplate",
    "ProxySet",
    "RewriteMap",
    "CookieTracking",
];

/// Who may be let in by modules that every server has.
const PROVIDERS: [&str; 14] = [
    "all",
    "not",
    "env",
    "method",
    "expr",
    "ip",
    "host",
    "forward-dns",
    "local",
    "user",
    "valid-user",
    "group",
    "file-owner",
    "file-group",
];

/// The sections that count.
const SECTIONS: [&str; 17] = [
    "<Directory",
    "<DirectoryMatch",
    "<Files",
    "<FilesMatch",
    "<Location",
    "<LocationMatch",
    "<If",
    "<ElseIf",
    "<Else",
    "<Limit",
    "<LimitExcept",
    "<RequireAll",
    "<RequireAny",
    "<RequireNone",
    "<Proxy",
    "<ProxyMatch",
    "<IfModule",
];

/// A configuration that shows the paths as the server does at an address and port (`None`: one that no virtual host names).
/// Nothing when it depends on something unknown.
pub fn script(
    configuration: &Configuration,
    place: &AnswerPlace,
    end: Option<IpAddr>,
    stage: &Stage<'_>,
) -> Option<Vec<u8>> {
    let mut script = Writer {
        configuration,
        place,
        stage,
        text: Vec::new(),
        open: Vec::new(),
    };
    script.modules()?;
    let folder = slashes(stage.folder);
    let below = |name: &str| [&folder[..], b"/", name.as_bytes()].concat();
    script.line("ServerRoot", &[configuration.server_root().to_vec()])?;
    script.line("Listen", &[format!("127.0.0.1:{}", stage.port).into_bytes()])?;
    script.line("PidFile", &[below("httpd.pid")])?;
    script.line("ErrorLog", &[below(ERROR_LOG)])?;
    script.line("DefaultRuntimeDir", std::slice::from_ref(&folder))?;
    if cfg!(unix) {
        script.line("Mutex", &[[b"file:", &folder[..]].concat(), b"default".to_vec()])?;
    }
    for name in ["User", "Group"] {
        if let Some(entry) = configuration.setting(SERVER, name) {
            script.line(name, &configuration.arguments(entry))?;
        }
    }
    script.main()?;
    for host in configuration.address_set(end, place.port).iter() {
        script.host(host)?;
    }
    Some(script.text)
}

struct Writer<'a> {
    configuration: &'a Configuration,
    place: &'a AnswerPlace,
    stage: &'a Stage<'a>,
    text: Vec<u8>,
    /// The sections that are open.
    open: Vec<SectionId>,
}

impl Writer<'_> {
    fn modules(&mut self) -> Option<()> {
        for module in self.configuration.load_modules() {
            let name = String::from_utf8_lossy(&module.identifier).into_owned();
            let counts =
                MODULES.contains(&name.as_str()) || NEEDED.iter().any(|start| name.starts_with(start));
            if !counts || module.truth == Truth::False {
                continue;
            }
            if module.truth == Truth::Unknown {
                return None;
            }
            let platform = self.configuration.facts().platform;
            let file = resolve(&module.server_root, &module.file, platform);
            self.line("LoadModule", &[module.identifier.clone(), file])?;
        }
        Some(())
    }

    fn main(&mut self) -> Option<()> {
        let is_in_host = |entry: &Entry| {
            let mut around = self.configuration.ancestors(entry);
            around.any(|(_, section)| {
                let opening = self.configuration.entry(section.opening);
                self.configuration.is_named(opening, "<VirtualHost")
            })
        };
        let entries: Vec<&Entry> = self
            .configuration
            .entries()
            .filter(|entry| !is_in_host(entry) && !self.configuration.is_named(entry, "<VirtualHost"))
            .collect();
        self.entries(entries, SERVER)
    }

    fn host(&mut self, host: &VirtualHost) -> Option<()> {
        self.raw(format!("<VirtualHost 127.0.0.1:{}>", self.stage.port).as_bytes());
        let all = self.configuration.entries_from(host.entry + 1);
        let own = all.take_while(|entry| self.configuration.is_within(entry.section, host.section));
        let entries: Vec<&Entry> = own.collect();
        self.entries(entries, host.section)?;
        self.raw(b"</VirtualHost>");
        Some(())
    }

    fn entries(&mut self, entries: Vec<&Entry>, base: SectionId) -> Option<()> {
        for entry in entries {
            if entry.opens || entry.truth == Truth::False || !self.counts(entry) {
                continue;
            }
            let sections = self
                .configuration
                .ancestors(entry)
                .take_while(|(id, _)| *id != base);
            let mut chain = Vec::new();
            for (id, section) in sections {
                if !section.transparent {
                    chain.push((id, self.configuration.entry(section.opening)));
                }
            }
            let is_known = |(_, opening): &(SectionId, &Entry)| {
                SECTIONS
                    .iter()
                    .any(|name| self.configuration.is_named(opening, name))
            };
            if !chain.iter().all(is_known) {
                continue;
            }
            if entry.truth == Truth::Unknown {
                return None;
            }
            chain.reverse();
            self.enter(&chain);
            self.copy(entry)?;
        }
        self.enter(&[]);
        Some(())
    }

    /// Closes and opens sections until these are open.
    fn enter(&mut self, chain: &[(SectionId, &Entry)]) {
        let same = self
            .open
            .iter()
            .zip(chain)
            .take_while(|(open, (id, _))| *open == id)
            .count();
        while self.open.len() > same {
            let opening = self.open.pop().and_then(|id| self.configuration.opening(id));
            let name = opening.map_or_else(Vec::new, |opening| self.configuration.name(opening));
            self.raw(
                &[
                    b"</",
                    name.trim_ascii_start().strip_prefix(b"<").unwrap_or(&name),
                    b">",
                ]
                .concat(),
            );
        }
        for (id, opening) in &chain[same..] {
            let text = self.moved(trim(&self.configuration.text(opening)));
            self.raw(&text);
            self.open.push(*id);
        }
    }

    fn counts(&self, entry: &Entry) -> bool {
        let is = |names: &[&str]| names.iter().any(|name| self.configuration.is_named(entry, name));
        if is(&CORE) {
            return true;
        }
        let name = self.configuration.name(entry);
        let is_of_tls = name.to_ascii_lowercase().starts_with(b"ssl");
        if is(&LEFT_OUT) || is_of_tls && !is(&["SSLRequireSSL", "SSLRequire"]) {
            return false;
        }
        known::find(&name).iter().any(|known| {
            let source = known::module_name(known.module);
            let is_loaded = self.configuration.modules().has(source.as_bytes()) == Truth::True;
            let is_one = |module: &&str| source_name(module.as_bytes()) == source.as_bytes();
            is_loaded && source != "mod_unixd.c" && MODULES.iter().any(is_one)
        })
    }

    fn copy(&mut self, entry: &Entry) -> Option<()> {
        let is_require = self.configuration.is_named(entry, "Require");
        let first = self
            .configuration
            .arguments(entry)
            .into_iter()
            .next()
            .unwrap_or_default();
        let is_ours = |own: &&str| first.eq_ignore_ascii_case(own.as_bytes());
        if is_require && !PROVIDERS.iter().any(is_ours) {
            self.raw(b"Require all denied");
            return Some(());
        }
        let text = self.moved(trim(&self.configuration.text(entry)));
        if text.contains(&b'\n') {
            return None;
        }
        self.raw(&text);
        Some(())
    }

    /// With the folder of the answers where it is meanwhile, also as mod_rewrite's lines have it.
    fn moved(&self, text: &[u8]) -> Vec<u8> {
        let mut escaped = Vec::new();
        for byte in &self.place.folder {
            if matches!(byte, b'$' | b'%' | b'\\') {
                escaped.push(b'\\');
            }
            escaped.push(*byte);
        }
        let there = slashes(self.stage.answers);
        let mut out = text.to_vec();
        for own in [&self.place.folder, &escaped] {
            if let Some(at) = memchr::memmem::find(&out, own) {
                out = [&out[..at], &there, &out[at + own.len()..]].concat();
            }
        }
        out
    }

    fn line(&mut self, name: &str, arguments: &[Vec<u8>]) -> Option<()> {
        let mut line = name.as_bytes().to_vec();
        for argument in arguments {
            line.push(b' ');
            line.extend(quote(argument).ok()?);
        }
        self.raw(&line);
        Some(())
    }

    fn raw(&mut self, line: &[u8]) {
        self.text.extend(line);
        self.text.push(b'\n');
    }
}

fn slashes(path: &Path) -> Vec<u8> {
    let bytes = host_bytes(path).into_iter();
    bytes
        .map(|byte| if byte == b'\\' { b'/' } else { byte })
        .collect()
}
