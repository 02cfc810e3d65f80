//! What is known of a server before anybody is asked about it: where it is, whether it runs, what it listens on, what its
//! sites are called, and whether this account may write there.

use std::collections::HashSet;
use std::hash::Hash;
use std::path::{Path, PathBuf};

use super::environment::{Where, World};
use super::find::Loaded;
use super::ports::USUAL;
use super::{Failure, lint, running, work_folder};
use crate::change::domain_name;
use crate::httpd::{Listen, Platform, Truth, is_nobodys};
use crate::mod_ssl::Engines;
use crate::server::service::State;
use crate::shown::shown;

/// A server as it was found.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The server root, as people know it.
    pub root: String,
    /// The main file, as people know it.
    pub main: String,
    /// Folders whose files stay where they are: the server root, and where files of servers are kept.
    pub kept: Vec<PathBuf>,
    /// How it was found, in words.
    pub found_by: String,
    /// Whether it runs; nothing where this account cannot see that, or the configuration is of another machine.
    pub runs: Option<bool>,
    /// The ports of its listeners for HTTP.
    pub http: Vec<u16>,
    /// Those for HTTPS.
    pub https: Vec<u16>,
    /// What each of its sites is called, those without TLS first.
    pub sites: Vec<Vec<String>>,
    /// Who has the usual port of HTTPS.
    pub taken: Option<Taken>,
    /// How many virtual hosts answer without TLS.
    pub plain_hosts: usize,
    /// What keeps Apache from starting as it is.
    pub broken: Option<String>,
    /// What this account may not write.
    pub closed: Option<String>,
}

/// The usual port of HTTPS, which another program has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Who has it, for people.
    pub by: String,
    /// A port that nobody has, if there is one among those that are usual instead.
    pub instead: Option<u16>,
}

/// The ports that servers have HTTPS on where the usual one is taken.
const INSTEAD: [u16; 3] = [8443, 9443, 10443];

impl Survey {
    /// What its sites are called, each name once.
    pub fn names(&self) -> Vec<&str> {
        once(self.sites.iter().flatten().map(String::as_str))
    }
}

/// Looks at a server. Nothing is run but what finds it.
///
/// # Errors
/// When there is none, or none that can be told from others.
pub fn of(place: &Where, world: &World) -> Result<Survey, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.refuse_no_configuration()?;
    let configuration = &loaded.configuration;
    let active: Vec<_> = configuration.active_listens().collect();
    let engines = Engines::of(configuration);
    let hosts = configuration.virtual_hosts().iter();
    let hosts = hosts.filter(|host| host.truth != Truth::False);
    let (secure, plain): (Vec<_>, Vec<_>) = hosts.partition(|host| engines.speak_tls(host));
    let secured: HashSet<u16> = secure
        .iter()
        .flat_map(|host| host.addresses.iter().filter_map(|address| address.port))
        .collect();
    let is_secure = |port: &u16| secured.contains(port);
    let all = |wanted: bool| {
        let ports = active
            .iter()
            .filter(|listen| (listen.effective_protocol() == "https" || is_secure(&listen.port)) == wanted);
        once(ports.map(|listen| listen.port))
    };
    let of_hosts = plain.iter().chain(&secure);
    let of_hosts = of_hosts.map(|host| host.server_name.iter().chain(&host.aliases).cloned().collect());
    let of_main = configuration.main_server_name().into_iter().collect();
    let sites = of_hosts.chain([of_main]).map(|names: Vec<String>| {
        let names = names.into_iter();
        once(names.filter(|name| !is_nobodys(name) && domain_name(name).is_ok()))
    });
    let main = &loaded.installation.main;
    let broken = lint::findings(&loaded, crate::lint::errors(configuration));
    let closed = closed(main);
    let runs = runs(&loaded, world).filter(|runs| *runs || closed.is_none());
    Ok(Survey {
        root: loaded.show(&loaded.installation.root),
        main: loaded.show(main),
        kept: [vec![loaded.installation.root.clone()], work_folder::kept()].concat(),
        found_by: loaded.installation.found_by.clone(),
        runs,
        http: all(false),
        https: all(true),
        taken: taken(&loaded, &active),
        sites: sites.filter(|names| !names.is_empty()).collect(),
        plain_hosts: plain.len(),
        broken: broken.first().map(|finding| finding.summary.clone()),
        closed: closed.map(|path| shown(&path)),
    })
}

/// Each once, where it comes first.
fn once<T: Clone + Eq + Hash>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut known = HashSet::new();
    all.filter(|one| known.insert(one.clone())).collect()
}

/// Who has the port that HTTPS would be on. One that this server listens on already is its own.
fn taken(loaded: &Loaded, active: &[&Listen]) -> Option<Taken> {
    let is_own = |port: u16| active.iter().any(|listen| listen.port == port);
    if running::is_elsewhere(loaded) || is_own(USUAL) {
        return None;
    }
    let taken = running::taken_port(loaded, (&[], USUAL)).ok()??;
    let is_free =
        |port: &u16| !is_own(*port) && running::taken_port(loaded, (&[], *port)).is_ok_and(|by| by.is_none());
    Some(Taken {
        by: taken.cause.trim_end_matches('.').to_owned(),
        instead: INSTEAD.into_iter().find(is_free),
    })
}

fn runs(loaded: &Loaded, world: &World) -> Option<bool> {
    if running::is_elsewhere(loaded) || loaded.facts.platform != Platform::HOST {
        return None;
    }
    let server = running::server(loaded);
    Some(match cfg!(windows) {
        true => (world.service)(server).state() == Ok(State::Running),
        false => server.parent().is_some(),
    })
}

/// The main file, or its folder, where this account may not write there. Nothing is written to find out.
#[cfg(unix)]
fn closed(main: &Path) -> Option<PathBuf> {
    use rustix::fs::{Access, AtFlags, CWD, accessat};
    let is_closed = |path: &&Path| accessat(CWD, *path, Access::WRITE_OK, AtFlags::EACCESS).is_err();
    let all = [Some(main), main.parent()];
    all.into_iter().flatten().find(is_closed).map(Path::to_path_buf)
}

/// The same. Without the rights of an administrator the file cannot be opened to write; opening it changes nothing.
#[cfg(windows)]
fn closed(main: &Path) -> Option<PathBuf> {
    let is_marked = std::fs::metadata(main).is_ok_and(|metadata| metadata.permissions().readonly());
    let opened = std::fs::OpenOptions::new().write(true).open(main);
    let is_closed =
        !is_marked && opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied);
    is_closed.then(|| main.to_path_buf())
}
