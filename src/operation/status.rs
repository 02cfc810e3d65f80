//! What the server serves, as a person wants to see it first.

use serde::Serialize;
use time::OffsetDateTime;

use super::environment::Where;
use super::expiring::{self, Expiring};
use super::find::Loaded;
use super::own_doing::Off;
use super::picture::{self, Way};
use super::progress::Progress;
use super::{Failure, lint};
use crate::finding::{Finding, Place};
use crate::httpd::{
    Configuration, Entry, Listen, Platform, SERVER, SectionId, Truth, VirtualHost, in_parts, resolve,
};
use crate::lint::{Reach, reach};
use crate::mod_ssl::{Engines, ssl_engine};
use crate::place::ShownPath;
use crate::severity::Counts;
use crate::shown::printable;

/// Of so many virtual hosts the warnings are counted and the ways looked at: that takes as long as all the rest.
const QUICKLY_COUNTED: usize = 1000;

/// How many errors are told.
const NAMED: usize = 3;

/// The modules that matter for HTTPS and for what people do around it.
const MODULES: [&str; 6] = [
    "ssl_module",
    "socache_shmcb_module",
    "headers_module",
    "rewrite_module",
    "alias_module",
    "http2_module",
];

/// Looks at what a server serves.
///
/// # Errors
/// When there is no configuration.
pub fn run(place: &Where, progress: &dyn Progress) -> Result<Status, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.record(progress);
    loaded.refuse_no_configuration()?;
    Ok(Status::of(&loaded))
}

/// The effective configuration in short.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "StatusReport"))]
pub struct Status {
    /// `ServerRoot` as the configuration spells it, which may be of another machine; where it is on this one, `root` of
    /// the document says.
    pub(crate) server_root: String,
    /// The server root on this machine.
    #[serde(skip)]
    pub(crate) root: String,
    /// The main file.
    #[serde(skip)]
    pub(crate) config: String,
    /// How the server was found, in words.
    pub(crate) found_by: String,
    /// The account that its service runs as, on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The system that the server is for.
    pub(crate) platform: Platform,
    /// The version of Apache as far as it is known, such as `2.4` or `2.4.58`.
    pub(crate) apache_version: String,
    /// How that is known, in words.
    pub(crate) told_by: String,
    /// All files of the configuration, in the order in which they are read.
    pub(crate) files: Vec<ShownPath>,
    /// The modules that matter for HTTPS and for what people do around it.
    pub(crate) modules: Vec<Module>,
    /// Every `Listen`.
    pub(crate) listeners: Vec<Listener>,
    /// What answers where no virtual host does.
    pub(crate) main_server: MainServer,
    /// Every virtual host.
    pub(crate) virtual_hosts: Vec<Host>,
    /// Every way of clients: who listens, what answers there, with which certificate, and how HTTP reaches it. Null where
    /// there are too many virtual hosts to look at each.
    pub(crate) ways: Option<Vec<Way>>,
    /// What comes before all of that.
    #[serde(skip)]
    pub(crate) expiring: Vec<Expiring>,
    /// How many errors and warnings there are, as `lint` counts them; the warnings of very many virtual hosts are left
    /// to it.
    pub(crate) problem_count: usize,
    /// How many of these are errors.
    pub(crate) error_count: usize,
    /// How many are warnings; null where they were not counted.
    pub(crate) warning_count: Option<usize>,
    /// What keeps Apache from starting, the first few.
    pub(crate) stops_start: Vec<Finding>,
}

/// A module of the server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Module {
    /// Its name as in `LoadModule`.
    pub(crate) name: &'static str,
    /// Whether the server has it.
    pub(crate) state: ModuleState,
    /// Its `LoadModule` line; null where there is none.
    pub(crate) place: Option<Place>,
}

/// Whether a server has a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ModuleState {
    /// It is part of the program.
    BuiltIn,
    /// A `LoadModule` loads it.
    Loaded,
    /// It depends on a condition that could not be decided.
    Unknown,
    /// It is not there.
    NotLoaded,
}

/// A `Listen`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Listener {
    /// What `Listen` says: a port, or an address and a port.
    pub(crate) endpoint: String,
    /// The number of the port.
    pub(crate) port: u16,
    /// `http`, `https`, or another that `Listen` names.
    pub(crate) protocol: String,
    /// Whether it is active.
    pub(crate) truth: Truth,
    /// The line.
    pub(crate) place: Place,
}

/// What answers where no virtual host does.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MainServer {
    /// Endpoints of the listeners that it answers on.
    pub(crate) answers: Vec<String>,
    /// What it is called; null where nothing names it.
    pub(crate) server_name: Option<String>,
    /// It speaks TLS.
    pub(crate) tls: bool,
    /// Its certificate file; null without TLS or where none is named.
    pub(crate) certificate: Option<ShownPath>,
}

/// A virtual host.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VirtualHost"))]
pub(crate) struct Host {
    /// Addresses and ports as `<VirtualHost>` names them.
    pub(crate) addresses: Vec<String>,
    /// What it is called; null where nothing names it.
    pub(crate) server_name: Option<String>,
    /// Its other names.
    pub(crate) aliases: Vec<String>,
    /// It speaks TLS.
    pub(crate) tls: bool,
    /// Its certificate file; null without TLS or where none is named.
    pub(crate) certificate: Option<ShownPath>,
    /// Whether it is active.
    pub(crate) truth: Truth,
    /// Why it does not answer, or answers less than it says, in words; null where it does.
    pub(crate) remark: Option<String>,
    /// It does not answer because it was to be so.
    #[serde(skip)]
    pub(crate) is_meant: bool,
    /// Its opening line.
    pub(crate) place: Place,
}

impl Status {
    /// Of a configuration.
    pub fn of(loaded: &Loaded) -> Status {
        let configuration = &loaded.configuration;
        let files = configuration.files().iter();
        let counts_all = configuration.virtual_hosts().len() <= QUICKLY_COUNTED;
        let problems = match counts_all {
            true => lint::problems(loaded),
            false => crate::lint::errors(configuration),
        };
        let mut stops: Vec<_> = problems
            .iter()
            .filter(|problem| problem.is_error())
            .cloned()
            .collect();
        let counts: Counts = problems.iter().map(Finding::level).collect();
        let (error_count, warning_count) = (counts.error_count, counts.warning_count);
        stops.truncate(NAMED);
        let look = Look {
            loaded,
            configuration,
        };
        let now = OffsetDateTime::now_utc();
        Status {
            error_count,
            warning_count: counts_all.then_some(warning_count),
            stops_start: lint::findings(loaded, stops),
            problem_count: error_count + warning_count,
            main_server: look.main_server(),
            server_root: printable(configuration.server_root()),
            root: loaded.show(&loaded.installation.root),
            config: loaded.show(&loaded.installation.main),
            found_by: loaded.installation.found_by.clone(),
            account: loaded.service_account().map(|account| account.name.clone()),
            platform: loaded.facts.platform,
            apache_version: loaded.facts.version.to_string(),
            told_by: loaded.told_by.clone(),
            files: files.map(|file| loaded.show(&file.host).into()).collect(),
            modules: MODULES.iter().map(|name| look.module(name)).collect(),
            listeners: configuration
                .listens()
                .iter()
                .map(|listen| look.listener(listen))
                .collect(),
            virtual_hosts: look.virtual_hosts(),
            ways: counts_all.then(|| picture::ways(loaded, now)),
            expiring: expiring::of(loaded, now),
        }
    }
}

/// The parts of a configuration, one by one.
struct Look<'a> {
    loaded: &'a Loaded,
    configuration: &'a Configuration,
}

impl Look<'_> {
    fn place(&self, entry: &Entry) -> Place {
        self.loaded.place_of(entry)
    }

    fn certificate(&self, section: SectionId) -> Option<ShownPath> {
        let configuration = self.configuration;
        let entry = configuration.setting(section, "SSLCertificateFile")?;
        let file = configuration.arguments(entry).into_iter().next()?;
        let full = resolve(configuration.server_root(), &file, self.loaded.facts.platform);
        let there = ShownPath::from(self.loaded.show(&configuration.source().host_path(&full)));
        // People see what the line says.
        Some(ShownPath::told_as(printable(&file), there.absolute()))
    }

    fn main_server(&self) -> MainServer {
        let configuration = self.configuration;
        let answers = |listen: &&Listen| {
            listen.truth == Truth::True && configuration.address_set(listen.ip(), listen.port).is_empty()
        };
        let tls = ssl_engine(configuration, SERVER);
        MainServer {
            answers: configuration
                .listens()
                .iter()
                .filter(answers)
                .map(Listen::endpoint)
                .collect(),
            server_name: configuration.main_server_name(),
            tls,
            certificate: self.certificate(SERVER).filter(|_| tls),
        }
    }

    fn module(&self, name: &'static str) -> Module {
        let configuration = self.configuration;
        let loads = configuration
            .load_modules()
            .iter()
            .filter(|load| load.identifier == name.as_bytes());
        let best = loads.max_by_key(|load| load.truth);
        let state = match configuration.modules().has(name.as_bytes()) {
            Truth::True if best.is_none() => ModuleState::BuiltIn,
            Truth::True => ModuleState::Loaded,
            Truth::Unknown => ModuleState::Unknown,
            Truth::False => ModuleState::NotLoaded,
        };
        Module {
            name,
            state,
            place: best.map(|load| self.place(configuration.entry(load.entry))),
        }
    }

    fn listener(&self, listen: &Listen) -> Listener {
        Listener {
            endpoint: listen.endpoint(),
            port: listen.port,
            protocol: listen.effective_protocol().to_string(),
            truth: listen.truth,
            place: self.place(self.configuration.entry(listen.entry)),
        }
    }

    fn virtual_hosts(&self) -> Vec<Host> {
        let configuration = self.configuration;
        let reached = reach(configuration);
        let is_any_left = reached.contains(&Reach::NothingListens);
        let off = is_any_left.then(|| Off::of(self.loaded));
        let hosts: Vec<_> = configuration.virtual_hosts().iter().zip(reached).collect();
        let engines = Engines::of(configuration);
        let tell = |(host, reach): &(&VirtualHost, Reach)| {
            let tls = engines.speak_tls(host);
            let certificate = tls.then(|| self.certificate(host.section)).flatten();
            let off = off.as_ref().filter(|_| *reach == Reach::NothingListens && !tls);
            let meant = off.and_then(|off| off.why(host));
            let bare = (tls && certificate.is_none()).then(|| "no certificate is named".to_string());
            Host {
                addresses: host.addresses.iter().map(ToString::to_string).collect(),
                server_name: host.server_name.clone(),
                aliases: host.aliases.clone(),
                tls,
                certificate,
                truth: host.truth,
                is_meant: meant.is_some(),
                remark: meant.or_else(|| remark(configuration, *reach)).or(bare),
                place: self.place(configuration.entry(host.entry)),
            }
        };
        let told = in_parts(usize::MAX, &hosts, |part| {
            part.iter().map(tell).collect::<Vec<_>>()
        });
        told.into_iter().flatten().collect()
    }
}

/// Why a virtual host is not what it seems.
fn remark(configuration: &Configuration, reach: Reach) -> Option<String> {
    match reach {
        Reach::Answers | Reach::Inactive => None,
        Reach::NothingListens => Some("nothing listens there".into()),
        Reach::ShadowedBy(entry) => Some(format!(
            "shadowed by {}",
            configuration.place(configuration.entry(entry))
        )),
        Reach::NearerAddress => Some("shadowed by virtual hosts with a more specific address".into()),
    }
}
