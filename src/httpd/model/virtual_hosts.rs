//! Listeners and virtual hosts of a configuration: which there are, which one answers, and what is in force in it. Resolves
//! no host names.

use std::collections::HashMap;
use std::net::IpAddr;

use super::configuration::Configuration;
use super::entry::{Entry, EntryId, SERVER, SectionId};
use super::listen::{Listen, parse_listen};
use super::truth::Truth;
use super::virtual_host::{Address, Host, VirtualHost, host_part};
use crate::httpd::text::word;

impl Configuration {
    /// A `Listen` that is not plainly inactive and cannot be read, such as one with an undefined variable.
    pub fn unreadable_listen(&self) -> Option<&Entry> {
        let mut listens = self.named("Listen").map(|(_, entry)| entry);
        listens.find(|entry| {
            entry.truth != Truth::False
                && self.context(entry) == SERVER
                && parse_listen(&self.arguments(entry)).is_none()
        })
    }

    /// Every `Listen` that can be read, inactive ones included.
    pub fn listens(&self) -> &[Listen] {
        self.index.listens.get_or_init(|| self.collect_listens())
    }

    fn collect_listens(&self) -> Vec<Listen> {
        self.named("Listen")
            .filter(|(_, entry)| self.context(entry) == SERVER)
            .filter_map(|(id, entry)| {
                let (address, port, protocol) = parse_listen(&self.arguments(entry))?;
                Some(Listen {
                    address,
                    port,
                    protocol,
                    truth: entry.truth,
                    entry: id,
                })
            })
            .collect()
    }

    /// Every virtual host, in order, inactive ones included.
    pub fn virtual_hosts(&self) -> Vec<VirtualHost> {
        let main = self.main_server_name();
        // The port in the main server's name counts for the virtual hosts behind it only.
        let mut ports = self
            .named("ServerName")
            .filter(|(_, entry)| entry.truth == Truth::True && self.context(entry) == SERVER)
            .map(|(id, entry)| {
                let port = self.arguments(entry).first().and_then(|name| host_part(name).1);
                (id, port)
            })
            .peekable();
        let mut port = None;
        let sections = (0..).zip(&self.sections).skip(1);
        let by_opening: HashMap<EntryId, SectionId> =
            sections.map(|(id, section)| (section.opening, id)).collect();
        // Elsewhere Apache refuses one, or passes over all that is around it.
        let found = self
            .named("<VirtualHost")
            .filter(|(_, entry)| self.context(entry) == SERVER);
        found
            .filter_map(|(opening, _)| {
                while let Some((_, own)) = ports.next_if(|(id, _)| *id < opening) {
                    port = own;
                }
                Some(self.virtual_host(*by_opening.get(&opening)?, opening, main.as_deref(), port))
            })
            .collect()
    }

    fn virtual_host(
        &self,
        section: SectionId,
        opening: EntryId,
        main: Option<&str>,
        main_port: Option<u16>,
    ) -> VirtualHost {
        let entry = self.entry(opening);
        let argument = self.section_argument(entry);
        let addresses = word::words(&argument)
            .filter_map(|w| Address::parse(&w.value, || main_port))
            .collect::<Vec<_>>();
        let inherits = addresses.iter().any(|address| address.host == Host::Any);
        let mut host = VirtualHost {
            section,
            entry: opening,
            addresses,
            server_name: None,
            aliases: Vec::new(),
            truth: entry.truth,
        };
        for inner in self.inside(section) {
            if inner.truth < entry.truth {
                continue;
            }
            if self.is_named(inner, "ServerName") {
                if let [name] = self.arguments(inner).as_slice() {
                    host.server_name = Some(host_part(name).0);
                }
            } else if self.is_named(inner, "ServerAlias") {
                let all = self.arguments(inner).into_iter();
                host.aliases
                    .extend(all.map(|alias| String::from_utf8_lossy(&alias).into_owned()));
            }
        }
        if host.server_name.is_none() && inherits {
            host.server_name = main.map(str::to_string);
        }
        host
    }
}

impl VirtualHost {
    /// Is the name its own, by `ServerName` or an alias without wildcards, so that it is no catch-all for it?
    pub(crate) fn names_exactly(&self, name: &str) -> bool {
        let mut own = self.server_name.iter().chain(&self.aliases);
        own.any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Name and place, for people.
    pub(crate) fn describe(&self, configuration: &Configuration) -> String {
        let name = self.server_name.as_deref().unwrap_or("(no ServerName)");
        format!(
            "{name} at {}",
            configuration.place(configuration.entry(self.entry))
        )
    }
}

impl Configuration {
    /// Directives directly in a section, or in conditionals in it that Apache decides while reading.
    pub fn inside(&self, section: SectionId) -> Box<dyn Iterator<Item = &Entry> + '_> {
        if section == SERVER {
            return Box::new(self.server_level().iter().map(|id| self.entry(*id)));
        }
        // Entries of a section stand together; the first one outside ends it.
        let from = self.sections[section as usize].opening + 1;
        Box::new(
            self.entries
                .from(from)
                .take_while(move |entry| self.is_within(entry.section, section))
                .filter(move |entry| self.context(entry) == section),
        )
    }

    /// Is a section the other one, or inside it?
    pub fn is_within(&self, mut section: SectionId, outer: SectionId) -> bool {
        while section != outer {
            if section == SERVER {
                return false;
            }
            section = self.sections[section as usize].parent;
        }
        true
    }

    /// The virtual host that answers a request for `name` which arrives at `ip` (`None`: an address that no virtual
    /// host names) and `port`: `None` is the main server. Only active virtual hosts count. The rules are those of
    /// httpd's `vhost.c`: the nearest address set, in it the first one with the name, else its first.
    pub fn answering<'a>(
        &self,
        hosts: &'a [VirtualHost],
        ip: Option<IpAddr>,
        port: u16,
        name: &str,
    ) -> Option<&'a VirtualHost> {
        let set = self.address_set(hosts, ip, port);
        set.iter()
            .find(|host| host.has_name(name))
            .or_else(|| set.first())
            .copied()
    }

    /// The virtual hosts that compete for connections to `ip` and `port`, in order.
    pub fn address_set<'a>(
        &self,
        hosts: &'a [VirtualHost],
        ip: Option<IpAddr>,
        port: u16,
    ) -> Vec<&'a VirtualHost> {
        let closeness =
            |host: &VirtualHost| host.addresses.iter().filter_map(|a| a.closeness(ip, port)).max();
        let active = || hosts.iter().filter(|host| host.truth == Truth::True);
        let Some(nearest) = active().filter_map(closeness).max() else {
            return Vec::new();
        };
        let within = |host: &&VirtualHost| {
            host.addresses
                .iter()
                .any(|address| address.closeness(ip, port) == Some(nearest))
        };
        active().filter(within).collect()
    }

    /// The last active setting of a directive in a section, or else in the main server.
    pub fn setting(&self, section: SectionId, name: &str) -> Option<&Entry> {
        let own = || {
            self.inside(section)
                .filter(|entry| entry.truth == Truth::True && self.is_named(entry, name))
                .last()
        };
        let main = || self.server_setting(name);
        if section == SERVER {
            main()
        } else {
            own().or_else(main)
        }
    }

    /// Is `SSLEngine on` in effect in a section (own or inherited from the main server)?
    pub fn ssl_engine(&self, section: SectionId) -> bool {
        self.engine_setting(section) == Some(true)
    }

    fn engine_setting(&self, section: SectionId) -> Option<bool> {
        let words = self.arguments(self.setting(section, "SSLEngine")?);
        words.first().map(|value| value.eq_ignore_ascii_case(b"on"))
    }

    /// Does a virtual host speak TLS: by `SSLEngine on`, or without that directive because it has a certificate and
    /// one of its addresses is, as address and port, a listener whose protocol is https?
    pub fn speaks_tls(&self, host: &VirtualHost) -> bool {
        if let Some(engine) = self.engine_setting(host.section) {
            return engine;
        }
        if self.setting(host.section, "SSLCertificateFile").is_none() {
            return false;
        }
        self.has_https_listener(host)
    }

    /// Is one of its addresses, as address and port, a listener whose protocol is https?
    pub(crate) fn has_https_listener(&self, host: &VirtualHost) -> bool {
        let listens = self.listens();
        let mut https = listens
            .iter()
            .filter(|l| l.truth == Truth::True && l.effective_protocol() == "https");
        https.any(|listen| {
            host.addresses.iter().any(|address| {
                let same_address = match &address.host {
                    Host::Any => listen.is_wildcard(),
                    Host::Ip(ip) => listen.ip() == Some(*ip),
                    Host::Name(name) => listen.address.as_deref() == Some(name),
                };
                same_address && address.port == Some(listen.port)
            })
        })
    }

    /// Host part of the main server's `ServerName`.
    pub fn main_server_name(&self) -> Option<String> {
        let name = self.setting(SERVER, "ServerName")?;
        Some(host_part(self.arguments(name).first()?).0)
    }
}
