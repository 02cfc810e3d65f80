//! What mod_ssl wakes up or sends to sleep when it is loaded: sections that hang on it, with all that is in them. Edits
//! nothing.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use crate::finding::Finding;
use crate::httpd::{Address, Configuration, Entry, Listen, Spot, Truth, VirtualHost, is_nobodys, resolve};
use crate::lint;

use super::super::existing::{key, secured};
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, named, say};
use super::super::request::{Http, Request};
use super::super::unfinished::missing_file;
use super::all_are_there;
use super::broken::{awakened, errors, is_misplaced, refuse_no_start};

/// Refuses where Apache would not start any more, or something of others would be lost or get in the way.
pub(super) fn prove(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    if let Some(problem) = errors(result).next() {
        return Err(awakened(result, problem));
    }
    refuse_lost_modules(original, result)?;
    refuse_lost_listeners(original, result, request)?;
    let left = lint::errors(result);
    refuse_awakened_errors(original, result, &left)?;
    refuse_bare_hosts(original, result, request)?;
    refuse_lost_hosts(original, result)?;
    refuse_awakened_hosts(original, result, request)?;
    refuse_no_start(original, result, &left, request)
}

/// A module that is loaded only where mod_ssl is not would take its directives with it.
fn refuse_lost_modules(original: &Configuration, result: &Configuration) -> Result<(), PlanError> {
    let lost = original.load_modules().iter().find(|module| {
        module.truth == Truth::True && result.modules().has(&module.identifier) != Truth::True
    });
    match lost {
        None => Ok(()),
        Some(module) => Err(refuse(
            RefusalCode::LostModule,
            say![
                "with mod_ssl loaded, ",
                String::from_utf8_lossy(&module.identifier).into_owned(),
                " is not loaded anymore, because its LoadModule line at ",
                Place::of(original, original.entry(module.entry)),
                " depends on a condition such as `<IfModule !ssl_module>`",
            ],
            "; ",
            "move it out of the condition, then run again",
        )),
    }
}

/// A listener that is there only where mod_ssl is not.
fn refuse_lost_listeners(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    if request.http == Some(Http::Off) {
        return Ok(());
    }
    let sleeping = |configuration: &Configuration, listen: &Listen| {
        let same = configuration.listens().iter().filter(|other| {
            other.truth != Truth::True && (&other.address, other.port) == (&listen.address, listen.port)
        });
        same.count()
    };
    let is_open = |listen: &Listen| {
        let mut open = result.active_listens();
        open.any(|other| {
            other.port == listen.port && (other.is_wildcard() || other.address == listen.address)
        })
    };
    let active = original.active_listens();
    let mut lost =
        active.filter(|listen| sleeping(result, listen) > sleeping(original, listen) && !is_open(listen));
    match lost.next() {
        None => Ok(()),
        Some(listen) => Err(refuse(
            RefusalCode::LostListener,
            say![
                "with mod_ssl loaded, nothing listens on ",
                listen.endpoint(),
                " anymore, because its Listen line at ",
                Place::of(original, original.entry(listen.entry)),
                " depends on a condition such as `<IfModule !ssl_module>`",
            ],
            "; ",
            "move it out of the condition, or add --http keep or --http off, then run again",
        )),
    }
}

/// What Apache refuses when it carries the directives out, such as a `Listen` in a virtual host that only counts with
/// mod_ssl. What the values of directives lead to is not judged: the tree may be another machine's, and our certificate
/// may not have been made yet.
fn refuse_awakened_errors(
    original: &Configuration,
    result: &Configuration,
    left: &[Finding<Spot>],
) -> Result<(), PlanError> {
    let is_refused = |problem: &&Finding<Spot>| problem.is_error() && is_misplaced(problem);
    let Some(problem) = left.iter().find(is_refused) else {
        return Ok(());
    };
    Err(match lint::errors(original).iter().find(is_refused) {
        // Told with all others.
        Some(_) => return Ok(()),
        None => awakened(result, problem),
    })
}

/// TLS virtual hosts that the plan brings to life must have a certificate, or Apache will not start.
fn refuse_bare_hosts(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let before: HashSet<_> = secured(original).map(|host| key(original, host)).collect();
    for host in secured(result) {
        if before.contains(&key(result, host)) {
            continue;
        }
        // The domain's own files may be made only when the request is carried out.
        let is_own = host.names_exactly(&request.domain);
        let problem = match result.setting(host.section, "SSLCertificateFile") {
            None => "has no SSLCertificateFile".to_string(),
            Some(entry) => match missing_file(result, entry) {
                Some(file) if !is_own => format!("names the certificate {file}, which does not exist"),
                _ if has_key(result, host, entry) => continue,
                _ => "names no private key for its certificate".to_string(),
            },
        };
        return Err(refuse(
            RefusalCode::WokenBareHost,
            say![
                "with HTTPS on, the virtual host ",
                named(result, host),
                " speaks TLS too, but ",
                problem,
                ", and Apache would not start",
            ],
            "; ",
            "give it a certificate and key, or remove it, then run again",
        ));
    }
    Ok(())
}

/// Is there a private key for a certificate: by a directive, or in the certificate's own file?
fn has_key(configuration: &Configuration, host: &VirtualHost, certificate: &Entry) -> bool {
    if configuration
        .setting(host.section, "SSLCertificateKeyFile")
        .is_some()
    {
        return true;
    }
    let source = configuration.source();
    let arguments = configuration.arguments(certificate);
    arguments.first().is_some_and(|argument| {
        let full = resolve(configuration.server_root(), argument, source.platform);
        source.is_foreign(&full)
            || source
                .read(&full)
                .is_ok_and(|bytes| memchr::memmem::find(&bytes, b"PRIVATE KEY-----").is_some())
    })
}

/// Virtual hosts of other ports that come to life with a module would take requests from those that answer them now.
fn refuse_awakened_hosts(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    type Key<'a> = (&'a OsStr, &'a [Address], Option<&'a str>, &'a [String]);
    fn others(configuration: &Configuration, port: u16) -> impl Iterator<Item = (Key<'_>, &VirtualHost)> {
        let hosts = configuration.virtual_hosts().iter().filter(move |host| {
            let elsewhere = host.addresses.iter().any(|address| address.port != Some(port));
            host.truth == Truth::True && elsewhere
        });
        hosts.map(|host| {
            let (file, addresses, name) = key(configuration, host);
            ((file, addresses, name, host.aliases.as_slice()), host)
        })
    }
    let asleep =
        LazyCell::new(|| [original, result].map(|configuration| by_opening_line(configuration, false)));
    let mut known = others(original, request.port).map(|(key, _)| key).peekable();
    for (key, host) in others(result, request.port) {
        if known.peek() == Some(&key) {
            known.next();
            continue;
        }
        let is_ours = |name: &String| is_nobodys(name) || request.names().any(|own| own == name);
        let main = result.main_server_name();
        let inherited = |name: &String| main.as_ref() == Some(name);
        let mut names = host.server_name.iter().chain(&host.aliases);
        let line = opening_line(result, host);
        let [slept, sleeps] = &*asleep;
        let woke = slept.get(&line).map_or(0, Vec::len) > sleeps.get(&line).map_or(0, Vec::len);
        let redirects = request.http == Some(Http::Redirect) && !woke;
        if redirects && names.all(|name| is_ours(name) || inherited(name)) {
            continue;
        }
        return Err(refuse(
            RefusalCode::WokenHost,
            say![
                "with mod_ssl loaded, the virtual host ",
                named(result, host),
                " becomes active on another port than ",
                request.port,
                ", and could take requests from those that answer them now",
            ],
            "; ",
            "move it out of the condition around it, or remove it, then run again",
        ));
    }
    Ok(())
}

/// A virtual host that an `<IfModule !ssl_module>` takes away answers no more, be it the domain's own.
pub(in crate::change) fn refuse_lost_hosts(
    original: &Configuration,
    result: &Configuration,
) -> Result<(), PlanError> {
    let [before, after] = [original, result].map(|configuration| {
        let hosts = configuration.virtual_hosts().iter();
        let active = hosts.filter(|host| host.truth == Truth::True);
        active.map(|host| opening_line(configuration, host))
    });
    if all_are_there(before, after, |old, new| old == new) {
        return Ok(());
    }
    let [before, after] = [original, result].map(|configuration| by_opening_line(configuration, true));
    for host in original.virtual_hosts() {
        let line = opening_line(original, host);
        let count = |hosts: &HashMap<_, Vec<_>>| hosts.get(&line).map_or(0, Vec::len);
        if count(&after) >= count(&before) {
            continue;
        }
        return Err(refuse(
            RefusalCode::LostHost,
            say![
                "with mod_ssl loaded, the virtual host ",
                named(original, host),
                " would go, because it depends on a condition such as `<IfModule !ssl_module>`",
            ],
            "; ",
            "move it out of the condition, then run again",
        ));
    }
    Ok(())
}

/// The active or inactive virtual hosts by their opening lines: the variables of inactive ones have no values.
fn by_opening_line(
    configuration: &Configuration,
    active: bool,
) -> HashMap<(&OsStr, &[u8]), Vec<&VirtualHost>> {
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    let hosts = configuration.virtual_hosts().iter();
    for host in hosts.filter(|host| (host.truth == Truth::True) == active) {
        all.entry(opening_line(configuration, host))
            .or_default()
            .push(host);
    }
    all
}

fn opening_line<'a>(configuration: &'a Configuration, host: &VirtualHost) -> (&'a OsStr, &'a [u8]) {
    let entry = configuration.entry(host.entry);
    let file = configuration.file(entry.file);
    (file.host.as_os_str(), file.document.raw(entry.line as usize))
}

/// Refuses where a second run would see more of the domain's own than this one, because it becomes active only now.
pub(in crate::change) fn refuse_second_look(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> PlanError {
    let before: HashSet<_> = secured(original).map(|host| key(original, host)).collect();
    let slept = by_opening_line(original, false);
    let woken = secured(result).find(|host| {
        host.names_exactly(&request.domain)
            && !before.contains(&key(result, host))
            && slept.contains_key(&opening_line(result, host))
    });
    match woken {
        None => PlanError::Unproven("a second run would find more to change".into()),
        Some(host) => refuse(
            RefusalCode::WokenSecond,
            say![
                "with mod_ssl loaded, the virtual host ",
                named(result, host),
                " becomes active and answers ",
                &request.domain,
                " as well",
            ],
            "; ",
            "remove it, or make it active first by loading mod_ssl with your own LoadModule line, then run again",
        ),
    }
}
