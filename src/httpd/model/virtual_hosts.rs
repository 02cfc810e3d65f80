//! Listeners and virtual hosts of a configuration: which there are, which one answers, and what is in force in it. Resolves
//! no host names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use super::address_sets::{AddressSets, in_parts};
use super::configuration::{Configuration, Named, section_argument};
use super::entry::{Entry, EntryId, FileId, ReadFile, SERVER, SectionId};
use super::hosts::Hosts;
use super::listen::{Listen, parse_listen};
use super::source::real_path;
use super::truth::Truth;
use super::virtual_host::{Address, Host, VirtualHost, host_part};
use crate::httpd::text::scan::text_of;
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

    /// Those that Apache sees.
    pub fn active_listens(&self) -> impl Iterator<Item = &Listen> + Clone {
        self.listens().iter().filter(|listen| listen.truth == Truth::True)
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
    pub fn virtual_hosts(&self) -> &[VirtualHost] {
        &self.hosts().all
    }

    /// The active virtual hosts that have a name, be it by a wildcard, in order.
    pub(crate) fn hosts_named(&self, name: &str) -> impl Iterator<Item = &VirtualHost> + use<'_> {
        let hosts = self.hosts();
        let named = hosts.named(name);
        (0..named.len()).map(move |at| &hosts.all[named[at] as usize])
    }

    /// The active virtual hosts, in order, whose lines in a file have that one. Of the file the end of its path is enough.
    pub(crate) fn hosts_at(&self, file: &Path, line: u32) -> impl Iterator<Item = &VirtualHost> + use<'_> {
        let hosts = self.hosts();
        let found = hosts.at((file, line), || self.find_hosts_at(file, line));
        (0..found.len()).map(move |at| &hosts.all[found[at] as usize])
    }

    fn find_hosts_at(&self, file: &Path, line: u32) -> Arc<[u32]> {
        let real = real_path(file);
        // Of ten thousand files most have another last name.
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        let is_meant = |read: &ReadFile| {
            let host = read.host.as_os_str().as_encoded_bytes();
            host.ends_with(name) && read.host.ends_with(file) || read.real().as_os_str() == real.as_os_str()
        };
        // Asked of each file once, though it may have all the virtual hosts.
        let mut latest: Option<(FileId, bool)> = None;
        let mut is_in = |id: FileId| match latest {
            Some((last, is_in)) if last == id => is_in,
            _ => latest.insert((id, is_meant(self.file(id)))).1,
        };
        let stands_there = |host: &VirtualHost| {
            let entry = self.entry(host.entry);
            let first = self.line_number(entry);
            if first > line {
                return false;
            }
            let last = match self.sections[host.section as usize].closing {
                Some(closing) => self.file(entry.file).document.number(closing as usize),
                // All of it stands at one line.
                None if self.macro_place(entry).is_some() => first,
                None => u32::MAX,
            };
            (first..=last).contains(&line)
        };
        let mut is_here = |host: &VirtualHost| {
            let entry = self.entry(host.entry);
            // Physical lines are at least as many as logical ones.
            let may_be = host.truth == Truth::True && entry.line < line;
            may_be && is_in(entry.file) && stands_there(host)
        };
        let all = (0..).zip(&self.hosts().all);
        all.filter(|(_, host)| is_here(host))
            .map(|(index, _)| index)
            .collect()
    }

    fn hosts(&self) -> &Hosts {
        self.index.hosts.get_or_init(|| self.collect_hosts())
    }

    fn collect_hosts(&self) -> Hosts {
        // The port in the main server's name counts for the virtual hosts behind it only: `get_addresses` reads what the
        // main server has got by then.
        let names = self.named_in(SERVER, "ServerName");
        let mut ports = names
            .filter(|(_, entry)| entry.truth == Truth::True)
            .map(|(id, entry)| {
                (
                    id,
                    self.arguments(entry).first().and_then(|name| host_part(name).1),
                )
            });
        let mut next = ports.next();
        let mut port = None;
        let mut openings = Vec::new();
        let mut sections = (0..).zip(&self.sections).skip(1);
        // Elsewhere Apache refuses one, or passes over all that is around it.
        for (opening, _) in self.named_in(SERVER, "<VirtualHost") {
            let Some((section, _)) = sections.find(|(_, section)| section.opening == opening) else {
                break;
            };
            while let Some((_, own)) = next.filter(|(id, _)| *id < opening) {
                port = own;
                next = ports.next();
            }
            openings.push((section, opening, port));
        }
        let main = self.main_server_name();
        let main = main.as_deref();
        let read = |part: &[(SectionId, EntryId, Option<u16>)]| -> Vec<VirtualHost> {
            let mut names = ["ServerName", "ServerAlias"].map(|name| Following::of(self, name));
            let hosts = part.iter();
            hosts
                .map(|(section, opening, port)| {
                    let own = names.each_mut().map(|name| name.inside(self, *section, *opening));
                    self.virtual_host((*section, *opening, *port), own, main)
                })
                .collect()
        };
        let mut hosts = Hosts::default();
        hosts.all.reserve_exact(openings.len());
        for mut part in in_parts(usize::MAX, &openings, read) {
            hosts.all.append(&mut part);
        }
        hosts
    }

    /// One virtual host. Where its tag names no port, it has the main server's; without a name, on `*`, the main server's too.
    /// `names` and `aliases` are its lines that may say them.
    fn virtual_host(
        &self,
        (section, opening, port): (SectionId, EntryId, Option<u16>),
        [names, aliases]: [&[EntryId]; 2],
        main: Option<&str>,
    ) -> VirtualHost {
        let entry = self.entry(opening);
        let text = self.text(entry);
        let words = word::words(section_argument(&text));
        let addresses = words.filter_map(|w| Address::parse(&w.value, || port));
        // There may be a hundred thousand of them, most with one address.
        let mut host = VirtualHost {
            section,
            entry: opening,
            addresses: Vec::with_capacity(1),
            server_name: None,
            aliases: Vec::new(),
            truth: entry.truth,
        };
        host.addresses.extend(addresses);
        for text in self.texts_of(names, section, entry.truth) {
            let mut arguments = word::words(&text).skip(1);
            if let (Some(name), None) = (arguments.next(), arguments.next()) {
                host.server_name = Some(host_part(&name.value).0);
            }
        }
        for text in self.texts_of(aliases, section, entry.truth) {
            let aliases = word::words(&text).skip(1);
            host.aliases.extend(aliases.map(|alias| text_of(&alias.value)));
        }
        host.addresses.shrink_to_fit();
        host.aliases.shrink_to_fit();
        // `ap_fini_vhost_config`, after all is read: the main server's name where an address is `*`. Elsewhere that of
        // the address in DNS, which is not asked here.
        let inherits = || host.addresses.iter().any(|address| address.host == Host::Any);
        if host.server_name.is_none() && inherits() {
            host.server_name = main.map(str::to_string);
        }
        host
    }
}

impl Configuration {
    /// The texts of those lines that stand in a section itself and hold at least so certainly.
    fn texts_of<'a>(
        &'a self,
        lines: &'a [EntryId],
        section: SectionId,
        least: Truth,
    ) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let lines = lines.iter().map(|id| self.entry(*id));
        let own = lines.filter(move |own| own.truth >= least && self.context(own) == section);
        own.map(|own| self.text(own))
    }
}

/// The lines of one name, from one section to the next.
struct Following<'a> {
    left: Option<&'a [EntryId]>,
    all: &'a [EntryId],
}

impl<'a> Following<'a> {
    fn of(configuration: &'a Configuration, name: &str) -> Self {
        let all = configuration.by_name(name).map_or(&[][..], |named| &named.all);
        Following { left: None, all }
    }

    /// Those inside a section that comes behind the one asked for before, with all that is in it.
    fn inside(
        &mut self,
        configuration: &Configuration,
        section: SectionId,
        opening: EntryId,
    ) -> &'a [EntryId] {
        // The first one of a part stands anywhere.
        let left = self.left.unwrap_or_else(|| {
            let before = self.all.partition_point(|id| *id <= opening);
            &self.all[before..]
        });
        let before = left.iter().take_while(|id| **id <= opening).count();
        let left = &left[before..];
        let is_inside = |id: &&EntryId| configuration.is_within(configuration.entry(**id).section, section);
        let (inside, left) = left.split_at(left.iter().take_while(is_inside).count());
        self.left = Some(left);
        inside
    }
}

/// Virtual hosts that compete for the same connections, in order.
#[derive(Clone, Copy, Debug)]
pub struct Competitors<'a> {
    all: &'a [VirtualHost],
    members: &'a [u32],
}

impl<'a> Competitors<'a> {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = &'a VirtualHost> + Clone {
        let all = self.all;
        self.members.iter().map(move |index| &all[*index as usize])
    }

    /// The same number for the same ones of one configuration, and no other.
    pub(crate) fn identity(self) -> usize {
        match self.members {
            [] => 0,
            members => members.as_ptr() as usize,
        }
    }

    /// Are there none?
    pub fn is_empty(self) -> bool {
        self.members.is_empty()
    }

    /// The one that answers when no name fits.
    pub fn first(self) -> Option<&'a VirtualHost> {
        self.iter().next()
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

    /// Those of them that have that name.
    pub fn named_in<'a>(
        &'a self,
        section: SectionId,
        name: &str,
    ) -> impl Iterator<Item = (EntryId, &'a Entry)> + use<'a> {
        let named = self.by_name(name);
        named
            .into_iter()
            .flat_map(move |named| self.those_in(section, named))
    }

    fn those_in<'a>(
        &'a self,
        section: SectionId,
        named: &'a Named,
    ) -> impl Iterator<Item = (EntryId, &'a Entry)> + use<'a> {
        let ids = match section {
            SERVER => &named.server_level[..],
            _ => {
                let opening = self.sections[section as usize].opening;
                &named.all[named.all.partition_point(|id| *id <= opening)..]
            }
        };
        ids.iter()
            .map(|id| (*id, self.entry(*id)))
            .take_while(move |(_, entry)| self.is_within(entry.section, section))
            .filter(move |(_, entry)| self.context(entry) == section)
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
    pub fn answering(&self, ip: Option<IpAddr>, port: u16, name: &str) -> Option<&VirtualHost> {
        let named = self.address_sets().named(self.virtual_hosts(), ip, port, name);
        match named {
            Some(index) => self.virtual_hosts().get(index as usize),
            None => self.address_set(ip, port).first(),
        }
    }

    /// The virtual hosts that compete for connections to `ip` and `port`, in order.
    pub fn address_set(&self, ip: Option<IpAddr>, port: u16) -> Competitors<'_> {
        Competitors {
            all: self.virtual_hosts(),
            members: self.address_sets().competitors(ip, port),
        }
    }

    /// All virtual hosts by address and by name.
    pub(crate) fn address_sets(&self) -> &AddressSets {
        let hosts = self.hosts();
        hosts.sets.get_or_init(|| AddressSets::of(&hosts.all))
    }

    /// The last active setting of a directive in a section, or else in the main server.
    pub fn setting(&self, section: SectionId, name: &str) -> Option<&Entry> {
        let named = self.by_name(name)?;
        let own = || {
            let own = self.those_in(section, named).map(|(_, entry)| entry);
            own.filter(|entry| entry.truth == Truth::True).last()
        };
        let own = if section == SERVER { None } else { own() };
        own.or_else(|| named.setting.map(|id| self.entry(id)))
    }

    /// The active listeners on an address and port that virtual hosts write like this one.
    pub fn listens_at(&self, address: &Address) -> impl Iterator<Item = &Listen> {
        let by_address = self.index.listens_at.get_or_init(|| self.listens_by_address());
        let at = by_address.get(address).into_iter().flatten();
        at.map(|index| &self.listens()[*index])
    }

    fn listens_by_address(&self) -> HashMap<Address, Vec<usize>> {
        let mut by_address: HashMap<Address, Vec<usize>> = HashMap::new();
        for (index, listen) in self.listens().iter().enumerate() {
            let host = match (&listen.address, listen.ip()) {
                _ if listen.truth != Truth::True => continue,
                _ if listen.is_wildcard() => Host::Any,
                (_, Some(ip)) => Host::Ip(ip),
                (Some(name), None) => Host::Name(name.clone()),
                (None, None) => continue,
            };
            let port = Some(listen.port);
            by_address.entry(Address { host, port }).or_default().push(index);
        }
        by_address
    }

    /// Host part of the main server's `ServerName`.
    pub fn main_server_name(&self) -> Option<String> {
        let name = self.setting(SERVER, "ServerName")?;
        Some(host_part(self.arguments(name).first()?).0)
    }
}

#[cfg(test)]
mod tests {
    use crate::httpd::{Configuration, Facts, Platform, Source};

    /// So many that several processors read some each.
    #[test]
    fn each_has_its_own_names_and_no_others() {
        let host = |n: usize| match n % 3 {
            0 => format!("<VirtualHost *:80>\nServerName h{n}.test\nServerAlias a{n} b{n}\n</VirtualHost>\n"),
            1 => format!(
                "<VirtualHost *:80>\n<Directory /x>\nServerName no.test\n</Directory>\n<IfDefine !none>\nServerAlias \
                 c{n}\n</IfDefine>\nServerAlias d{n}\nServerName h{n}.test\n</VirtualHost>\nServerAlias outside\n"
            ),
            _ => "<VirtualHost *:80>\n</VirtualHost>\n".to_owned(),
        };
        let text: String = (0..5000).map(host).collect();
        let source = Source::new("/none".into(), Platform::HOST);
        let facts = Facts::assumed(Platform::HOST);
        let c = Configuration::from_bytes(b"/none/httpd.conf", text.into_bytes(), source, facts);
        assert_eq!(c.virtual_hosts().len(), 5000);
        for (n, host) in c.virtual_hosts().iter().enumerate() {
            let name = (n % 3 < 2).then(|| format!("h{n}.test"));
            let aliases = match n % 3 {
                0 => vec![format!("a{n}"), format!("b{n}")],
                1 => vec![format!("c{n}"), format!("d{n}")],
                _ => Vec::new(),
            };
            assert_eq!((&host.server_name, &host.aliases), (&name, &aliases));
        }
        for name in ["h3000.test", "A3000", "d4999", "none.test"] {
            let mut hosts = c.virtual_hosts().iter();
            let found = hosts.find(|host| host.has_name(name)).map(|host| host.entry);
            // Twice, as it is kept.
            for _ in 0..2 {
                assert_eq!(c.hosts_named(name).next().map(|host| host.entry), found);
            }
        }
    }
}
