//! Who listens, which virtual host answers there, with which certificate until when, and how HTTP gets there: every way of a
//! client through a configuration.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use super::find::Loaded;
use crate::change::{OverHttp, leads_to_https, over_http};
use crate::finding::Place;
use crate::foreign;
use crate::httpd::{Address, Configuration, Host, Listen, SERVER, SectionId, Truth, VirtualHost, resolve};
use crate::mod_ssl::{Engines, ssl_engine};
use crate::place::{Moment, ShownPath};
use crate::renewal::{Life, Urgency, urgency};
use crate::tls::certificate::Certificate;

/// A way of clients: from a listener to what answers there.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Way {
    /// What `Listen` says: a port, or an address and a port.
    pub listener: String,
    /// The number of the port.
    pub port: u16,
    /// The names that are answered, the `ServerName` first; empty where nothing names it.
    pub names: Vec<String>,
    /// The opening line of the virtual host; null for the main server.
    pub place: Option<Place>,
    /// It speaks TLS.
    pub tls: bool,
    /// Its certificate file; null without TLS or where none is named.
    pub certificate: Option<ShownPath>,
    /// The last moment of that certificate; null where it cannot be read.
    pub not_after: Option<Moment>,
    /// How urgent its renewal is; null where it cannot be read.
    pub urgency: Option<Urgency>,
    /// How much of its life is left, negative where it is over.
    #[serde(skip)]
    pub rest: Option<Duration>,
    /// Its certificate file cannot be read by anybody: it is not there, or holds none.
    #[serde(skip)]
    pub is_broken: bool,
    /// How HTTP reaches it; null without TLS, or without a name.
    pub over_http: Option<OverHttp>,
    /// Without TLS: it sends all who ask for its name to HTTPS.
    pub leads_to_https: bool,
}

/// All ways, in the order of the listeners, those of one in the order of the configuration.
pub fn ways(loaded: &Loaded, now: OffsetDateTime) -> Vec<Way> {
    ways_of(loaded, now, &|_| true)
}

/// The same to virtual hosts that are meant; the main server has its ways too.
pub fn ways_of(loaded: &Loaded, now: OffsetDateTime, is_meant: &dyn Fn(&VirtualHost) -> bool) -> Vec<Way> {
    let configuration = &loaded.configuration;
    let look = Look {
        loaded,
        configuration,
        engines: Engines::of(configuration),
        now,
    };
    let mut read = HashMap::new();
    let mut ways = Vec::new();
    let hosts = configuration.virtual_hosts().iter();
    let hosts: Vec<&VirtualHost> = hosts
        .filter(|host| host.truth == Truth::True && is_meant(host))
        .collect();
    for listen in configuration.active_listens() {
        let answering = hosts.iter().filter(|host| answers(configuration, host, listen));
        ways.extend(answering.map(|host| look.host(host, listen, &mut read)));
        if configuration.address_set(listen.ip(), listen.port).is_empty() {
            ways.push(look.main_server(listen, &mut read));
        }
    }
    ways
}

/// Are connections to a listener among those that a virtual host is there for?
fn answers(configuration: &Configuration, host: &VirtualHost, listen: &Listen) -> bool {
    let is_at = |address: &Address| {
        address.port.is_none_or(|port| port == listen.port)
            && match &address.host {
                Host::Ip(ip) => listen.takes(*ip),
                // At an address that others name only they answer.
                Host::Any => configuration
                    .address_set(listen.ip(), listen.port)
                    .first()
                    .is_some_and(|first| first.addresses.iter().any(|other| other.host == Host::Any)),
                Host::Name(name) => listen.is_wildcard() || listen.address.as_deref() == Some(name.as_str()),
            }
    };
    host.addresses.iter().any(is_at)
}

/// What certificate files yield, by their paths.
type Read = HashMap<PathBuf, Seen>;

/// What a certificate file yields.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// The life of its certificate; nothing where that cannot be read.
    life: Option<Life>,
    /// Nobody can read one there.
    is_broken: bool,
}

impl Seen {
    fn of(path: &Path) -> Seen {
        match foreign::read(path, foreign::CERTIFICATE) {
            Ok(bytes) => {
                let life = Certificate::first(&bytes).as_ref().map(Life::of);
                Seen {
                    life,
                    is_broken: life.is_none(),
                }
            }
            // What is closed to this account is not to Apache.
            Err(error) => Seen {
                life: None,
                is_broken: error.kind() != ErrorKind::PermissionDenied,
            },
        }
    }
}

struct Look<'a> {
    loaded: &'a Loaded,
    configuration: &'a Configuration,
    engines: Engines<'a>,
    now: OffsetDateTime,
}

impl Look<'_> {
    fn host(&self, host: &VirtualHost, listen: &Listen, read: &mut Read) -> Way {
        let configuration = self.configuration;
        let tls = self.engines.speak_tls(host);
        let name = host.client_name();
        let served = name.filter(|_| tls);
        let names = host.server_name.iter().chain(&host.aliases);
        Way {
            names: names.cloned().collect(),
            place: Some(self.loaded.place_of(configuration.entry(host.entry))),
            over_http: served.map(|name| over_http(configuration, name, host, listen.port)),
            leads_to_https: !tls && name.is_some_and(|name| leads_to_https(configuration, host, name)),
            ..self.way(listen, host.section, tls, read)
        }
    }

    fn main_server(&self, listen: &Listen, read: &mut Read) -> Way {
        let tls = ssl_engine(self.configuration, SERVER);
        Way {
            names: self.configuration.main_server_name().into_iter().collect(),
            ..self.way(listen, SERVER, tls, read)
        }
    }

    /// With what a section says of its certificate.
    fn way(&self, listen: &Listen, section: SectionId, tls: bool, read: &mut Read) -> Way {
        let named = self.certificate(section).filter(|_| tls);
        let (certificate, Seen { life, is_broken }) = match named {
            Some((shown, path)) => {
                let look = || Seen::of(&path);
                (Some(shown), *read.entry(path.clone()).or_insert_with(look))
            }
            None => (None, Seen::default()),
        };
        Way {
            listener: listen.endpoint(),
            port: listen.port,
            names: Vec::new(),
            place: None,
            tls,
            certificate,
            not_after: life.map(|life| life.not_after.into()),
            urgency: life.map(|life| urgency(life, self.now)),
            rest: life.map(|life| life.rest(self.now)),
            is_broken,
            over_http: None,
            leads_to_https: false,
        }
    }

    /// The first certificate file that holds for a section, as people see it and as this machine opens it.
    fn certificate(&self, section: SectionId) -> Option<(ShownPath, PathBuf)> {
        let configuration = self.configuration;
        let entry = configuration.setting(section, "SSLCertificateFile")?;
        let file = configuration.arguments(entry).into_iter().next()?;
        let full = resolve(configuration.server_root(), &file, self.loaded.facts.platform);
        let path = configuration.source().host_path(&full);
        Some((self.loaded.show(&path).into(), path))
    }
}
