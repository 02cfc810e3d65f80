//! What earlier runs did on purpose, so that nobody is advised to undo it.

use std::collections::HashMap;

use super::find::Loaded;
use super::interrupted::stores;
use crate::apply::{Backup, Content, RealDisk};
use crate::check::{Code, Finding, Severity};
use crate::httpd::{Document, Platform, Spot, VirtualHost, word};
use crate::lint::{self, Reach};
use crate::mod_ssl::speaks_tls;

/// What every section that we write begins with, behind the names.
const MARK: &[u8] = b", added by esync-ssl";

/// Virtual hosts for HTTP that nothing listens for any more, since `enable` switched HTTP off, need nothing.
pub fn noted(loaded: &Loaded, mut found: Vec<Finding<Option<Spot>>>) -> Vec<Finding<Option<Spot>>> {
    let is_left = |finding: &&mut Finding<Option<Spot>>| {
        finding.code == Code::ListenMissing && finding.severity == Severity::WorksButWrong
    };
    let mut left = found.iter_mut().filter(is_left).peekable();
    if left.peek().is_none() {
        return found;
    }
    let off = Off::of(loaded);
    for finding in left {
        if let Some(host) = host_at(loaded, finding.place.as_ref()) {
            off.note(finding, host);
        }
    }
    found
}

/// The same of all problems of the text, as `lint` finds them.
pub fn problems(loaded: &Loaded) -> Vec<Finding<Spot>> {
    let configuration = &loaded.configuration;
    let mut found = lint::check(configuration);
    let mut dead = found
        .iter_mut()
        .filter(|finding| finding.rule == "dead-host")
        .peekable();
    if dead.peek().is_none() {
        return found;
    }
    let off = Off::of(loaded);
    let hosts = configuration
        .virtual_hosts()
        .iter()
        .zip(lint::reach(configuration));
    let hosts =
        hosts.filter(|(host, reach)| *reach == Reach::NothingListens && !speaks_tls(configuration, host));
    let mut by_line: HashMap<_, &VirtualHost> = HashMap::new();
    for (host, _) in hosts {
        let entry = configuration.entry(host.entry);
        by_line.entry((entry.file, entry.line)).or_insert(host);
    }
    // One that comes out of a macro is at no line of its own.
    for finding in dead.filter(|finding| finding.place.macro_place.is_none()) {
        if let Some(host) = by_line.get(&(finding.place.file, finding.place.line)) {
            off.note(finding, host);
        }
    }
    found
}

fn host_at<'a>(loaded: &'a Loaded, spot: Option<&Spot>) -> Option<&'a VirtualHost> {
    let configuration = &loaded.configuration;
    let mut hosts = configuration.virtual_hosts().iter();
    hosts.find(|host| spot == Some(&Spot::of(configuration.entry(host.entry))))
}

/// Which ports `enable` gave up.
pub struct Off {
    /// With the day, the latest last.
    ports: Vec<(u16, String)>,
    /// There are no records, and our sections are there.
    is_marked: bool,
}

impl Off {
    /// By the records, or by our lines where there are none.
    pub fn of(loaded: &Loaded) -> Off {
        let stores = stores(&loaded.installation.root, &RealDisk);
        let backups: Vec<Backup> = stores
            .iter()
            .flat_map(|store| store.backups().unwrap_or_default())
            .collect();
        let by_enable = |backup: &&Backup| backup.manifest.command.iter().any(|word| word == "enable");
        let ports = backups.iter().filter(by_enable).flat_map(|backup| {
            let day = backup.manifest.time.get(..10).unwrap_or_default();
            given_up(backup, loaded.facts.platform).map(move |port| (port, format!(" on {day}")))
        });
        let mut files = loaded.configuration.files().iter();
        Off {
            ports: ports.collect(),
            is_marked: backups.is_empty()
                && files.any(|file| memchr::memmem::find(file.document.bytes(), MARK).is_some()),
        }
    }

    /// Why nothing listens for a virtual host, in a sentence, where that was done on purpose.
    pub fn why(&self, host: &VirtualHost) -> Option<String> {
        let mut ports = host.addresses.iter().filter_map(|address| address.port);
        let (port, since) = ports.find_map(|port| Some((port, self.since(port)?)))?;
        Some(format!(
            "esync-ssl enable switched HTTP on port {port} off{since}"
        ))
    }

    /// Says of a finding about a virtual host that it is as it was to be.
    fn note<P>(&self, finding: &mut Finding<P>, host: &VirtualHost) {
        let Some(why) = self.why(host) else {
            return;
        };
        let name = host.server_name.as_deref().unwrap_or("without a name");
        finding.severity = Severity::Advice;
        finding.summary = format!("the virtual host {name} is no longer served over HTTP");
        finding.cause = format!("{why}, as it was to; nothing listens there, and HTTPS is served instead.");
        finding.fix = "Nothing needs to be done; the virtual host may stay.".into();
    }

    /// Since when, in words.
    fn since(&self, port: u16) -> Option<&str> {
        let last = self.ports.iter().rfind(|(own, _)| *own == port);
        last.map(|(_, since)| since.as_str())
            .or((self.is_marked && port == 80).then_some(""))
    }
}

/// Ports that files listened on before, and not after.
fn given_up(backup: &Backup, platform: Platform) -> impl Iterator<Item = u16> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for entry in backup.manifest.entries.iter().filter(|entry| !entry.tls) {
        for (state, ports) in [(&entry.before, &mut before), (&entry.after, &mut after)] {
            if let Some(Content::File(bytes)) = backup.content(state) {
                ports.extend(listened(bytes.to_vec(), platform));
            }
        }
    }
    before.into_iter().filter(move |port| !after.contains(port))
}

/// The ports in the `Listen` lines of a file, active or not.
fn listened(bytes: Vec<u8>, platform: Platform) -> Vec<u16> {
    let document = Document::new(bytes, platform);
    let port = |line: usize| {
        let text = document.text(line);
        let mut words = word::words(&text);
        let name = words.next()?;
        let end = words.next()?.value;
        let end = String::from_utf8_lossy(&end).into_owned();
        let is_listen = name.value.eq_ignore_ascii_case(b"Listen");
        end.rsplit(':').next()?.parse().ok().filter(|_| is_listen)
    };
    (0..document.lines().len()).filter_map(port).collect()
}
