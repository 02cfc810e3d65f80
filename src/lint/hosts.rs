//! What the pass gathers about virtual hosts, to be judged when all of them are known. Judges none.

use crate::httpd::{EntryId, Truth, VirtualHost};

/// What was gathered about virtual hosts and the main server.
#[derive(Default)]
pub struct Hosts {
    /// None, where only errors are looked for: addresses and names matter to who answers, which is told in warnings.
    pub all: Vec<VirtualHost>,
    /// TLS of each, in the same order.
    pub tls: Vec<HostTls>,
    /// TLS of the main server.
    pub main: Tls,
    /// The main server's `ServerName` lines, in order, and the port in each.
    pub ports: Vec<(EntryId, Option<u16>)>,
    /// Addresses written without a port: virtual host and address, by index. They get the main server's.
    pub portless: Vec<(usize, usize)>,
}

/// The settings that decide whether a server speaks TLS.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tls {
    /// `SSLEngine`, and its place.
    pub engine: Option<(bool, EntryId)>,
    /// There is an `SSLCertificateFile`.
    pub certificate: bool,
}

/// Those of a virtual host.
#[derive(Clone, Copy, Debug)]
pub struct HostTls {
    /// Its opening line.
    pub opening: EntryId,
    /// Does Apache see it?
    pub truth: Truth,
    /// Its last `ServerName`.
    pub name: Option<EntryId>,
    pub settings: Tls,
}

impl Hosts {
    /// The settings of the virtual host around a directive, or of the main server.
    pub fn tls(&mut self, host: Option<u32>) -> &mut Tls {
        match host.and_then(|host| self.tls.get_mut(host as usize)) {
            Some(tls) => &mut tls.settings,
            None => &mut self.main,
        }
    }

    /// Adds what was gathered behind it.
    pub fn append(&mut self, more: Hosts) {
        let before = self.all.len();
        self.portless.extend(
            more.portless
                .iter()
                .map(|(host, address)| (before + host, *address)),
        );
        if before == 0 {
            self.all = more.all;
        } else {
            self.all.extend(more.all);
        }
        self.tls.extend(more.tls);
        self.ports.extend(more.ports);
        self.main = Tls {
            engine: more.main.engine.or(self.main.engine),
            certificate: self.main.certificate || more.main.certificate,
        };
    }

    /// The port in the main server's name counts for the virtual hosts behind it only.
    pub fn fill_in_ports(&mut self) {
        for (host, address) in self.portless.drain(..) {
            let host = &mut self.all[host];
            let before = self.ports.partition_point(|(name, _)| *name < host.entry);
            host.addresses[address].port = before.checked_sub(1).and_then(|last| self.ports[last].1);
        }
    }
}
