//! What the server serves, as a person wants to see it first.

use serde::Serialize;

use super::environment::Where;
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, interrupted};
use crate::httpd::{Configuration, Entry, Listen, SERVER, SectionId, Truth};
use crate::lint::{Reach, reach};
use crate::mod_ssl::{speaks_tls, ssl_engine};
use crate::shown::printable;

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
    interrupted::tell(&loaded.installation.root, progress);
    loaded.tell_passed_over(progress);
    loaded.refuse_no_configuration()?;
    Ok(Status::of(&loaded))
}

#[derive(Serialize)]
/// The effective configuration in short.
pub struct Status {
    pub(crate) server_root: String,
    pub(crate) root: String,
    pub(crate) config: String,
    pub(crate) found_by: String,
    /// The account that its service runs as, on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    pub(crate) platform: String,
    pub(crate) apache_version: String,
    pub(crate) told_by: String,
    pub(crate) files: Vec<String>,
    pub(crate) modules: Vec<Module>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) main_server: MainServer,
    pub(crate) virtual_hosts: Vec<Host>,
    pub(crate) problems: usize,
}

#[derive(Serialize)]
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    pub(crate) place: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Listener {
    pub(crate) endpoint: String,
    pub(crate) protocol: String,
    pub(crate) truth: &'static str,
    pub(crate) place: String,
}

/// What answers where no virtual host does.
#[derive(Serialize)]
pub(crate) struct MainServer {
    /// Listeners that it answers on.
    pub(crate) answers: Vec<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) tls: bool,
    pub(crate) certificate: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Host {
    pub(crate) addresses: Vec<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) tls: bool,
    pub(crate) certificate: Option<String>,
    pub(crate) truth: &'static str,
    /// Why it does not answer, or answers less than it says.
    pub(crate) remark: Option<String>,
    pub(crate) place: String,
}

impl Status {
    /// Of a configuration.
    pub fn of(loaded: &Loaded) -> Status {
        let configuration = &loaded.configuration;
        let look = Look {
            loaded,
            configuration,
        };
        let files = configuration.files().iter();
        Status {
            main_server: look.main_server(),
            server_root: printable(configuration.server_root()),
            root: loaded.show(&loaded.installation.root),
            config: loaded.show(&loaded.installation.main),
            found_by: loaded.installation.found_by.clone(),
            account: loaded.service_account().map(|account| account.name.clone()),
            platform: format!("{:?}", loaded.facts.platform),
            apache_version: loaded.facts.version.to_string(),
            told_by: loaded.told_by.clone(),
            files: files.map(|file| loaded.show(&file.host)).collect(),
            modules: MODULES.iter().map(|name| look.module(name)).collect(),
            listeners: configuration
                .listens()
                .iter()
                .map(|listen| look.listener(listen))
                .collect(),
            virtual_hosts: look.virtual_hosts(),
            problems: configuration.problems().len(),
        }
    }
}

/// The parts of a configuration, one by one.
struct Look<'a> {
    loaded: &'a Loaded,
    configuration: &'a Configuration,
}

impl Look<'_> {
    fn place(&self, entry: &Entry) -> String {
        let file = self.loaded.show(&self.configuration.file(entry.file).host);
        format!("{file}:{}", self.configuration.line_number(entry))
    }

    fn certificate(&self, section: SectionId) -> Option<String> {
        let entry = self.configuration.setting(section, "SSLCertificateFile")?;
        let file = self.configuration.arguments(entry).into_iter().next()?;
        Some(printable(&file))
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
            Truth::True if best.is_none() => "built in",
            Truth::True => "loaded",
            Truth::Unknown => "unknown",
            Truth::False => "not loaded",
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
            protocol: listen.effective_protocol().to_string(),
            truth: truth(listen.truth),
            place: self.place(self.configuration.entry(listen.entry)),
        }
    }

    fn virtual_hosts(&self) -> Vec<Host> {
        let configuration = self.configuration;
        let hosts = configuration.virtual_hosts();
        let reached = hosts.iter().zip(reach(configuration, hosts));
        let told = reached.map(|(host, reach)| {
            let tls = speaks_tls(configuration, host);
            let certificate = self.certificate(host.section).filter(|_| tls);
            let bare = (tls && certificate.is_none()).then(|| "no certificate is named".to_string());
            Host {
                addresses: host.addresses.iter().map(ToString::to_string).collect(),
                server_name: host.server_name.clone(),
                aliases: host.aliases.clone(),
                tls,
                certificate,
                truth: truth(host.truth),
                remark: remark(configuration, reach).or(bare),
                place: self.place(configuration.entry(host.entry)),
            }
        });
        told.collect()
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

/// Truth in one word.
pub fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "active",
        Truth::False => "inactive",
        Truth::Unknown => "unknown",
    }
}
