//! The running server of a configuration: what it is told to be, gathered for the parts that look at it.

use std::net::IpAddr;

use super::environment::{World, Writing};
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, own_doing, way_on};
use crate::change::LineChange;
use crate::check::port::{Wanted, not_here, wanted};
use crate::check::{Code, Finding, Place};
use crate::httpd::{Listen, Platform, SERVER, Truth, resolve};
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::port::{Listener, Process, listeners_on};
use crate::server::service::{self, Server, State};

/// The server of a configuration.
pub fn server(loaded: &Loaded) -> Server {
    let configuration = &loaded.configuration;
    let named = configuration
        .setting(SERVER, "PidFile")
        .and_then(|entry| configuration.arguments(entry).into_iter().next());
    let shares_pid_file = named.is_none() && loaded.facts.pid_file.is_some();
    let named = named
        .or_else(|| loaded.facts.pid_file.clone())
        .unwrap_or_else(|| b"logs/httpd.pid".to_vec());
    let full = resolve(configuration.server_root(), &named, loaded.facts.platform);
    Server {
        binary: loaded.binary.as_ref().ok().cloned().flatten(),
        root: loaded.installation.root.clone(),
        main: loaded.installation.main.clone(),
        pid_file: configuration.source().host_path(&full),
        shares_pid_file,
        flags: loaded.facts.flags.clone(),
        environment: loaded.environment().clone(),
        obstacle: None,
    }
}

/// The same, to be told to start or stop.
pub fn to_be_told(loaded: &Loaded) -> Server {
    Server {
        obstacle: loaded.obstacle(),
        ..server(loaded)
    }
}

/// Whether it is known to be stopped, where it is to be restarted. The service itself is asked once, when it is to be told.
pub fn is_stopped(loaded: &Loaded, writing: &Writing, world: &World) -> bool {
    let is_known = || match cfg!(windows) {
        true => (world.service)(server(loaded)).state() == Ok(State::Stopped),
        false => server(loaded).parent().is_none(),
    };
    writing.restarts() && is_known()
}

/// Whether the server of a configuration of this machine is up, as far as its PidFile or its service tells.
pub fn is_up(server: &Server) -> bool {
    let is_running = || service::of(server.clone()).state() == Ok(State::Running);
    server.parent().is_some() || cfg!(windows) && is_running()
}

/// Every active `Listen` with its holders.
pub fn ports<'a>(loaded: &'a Loaded, server: &Server, listeners: &'a [Listener]) -> Vec<Wanted<'a>> {
    wanted(&loaded.configuration, listeners, &own(server, true))
}

/// Who holds a port on an address (`None`: any), and whether that is this very server.
pub fn holders<'a>(
    loaded: &Loaded,
    server: &Server,
    (address, port): (Option<IpAddr>, u16),
    listeners: &'a [Listener],
) -> Vec<(&'a Listener, bool)> {
    let mut listens = loaded.configuration.listens().iter();
    let is_wanted = listens.any(|listen| listen.truth != Truth::False && listen.port == port);
    crate::check::port::holders(address, port, listeners, &own(server, is_wanted))
}

/// The addresses and ports of its active `Listen` lines, and one more port.
pub fn ends(loaded: &Loaded, port: Option<u16>) -> Vec<(Option<IpAddr>, u16)> {
    let active = loaded.configuration.active_listens();
    let ends = active.map(|listen| (listen.bound(), listen.port));
    ends.chain(port.map(|port| (None, port))).collect()
}

/// What keeps this configuration from its ports now. A configuration of another machine wants none here.
///
/// # Errors
/// Why it is not known who listens.
pub fn port_findings(loaded: &Loaded) -> Result<Vec<Finding>, String> {
    if is_elsewhere(loaded) {
        return Ok(Vec::new());
    }
    let listeners = listeners_on(ends(loaded, None))?;
    let server = server(loaded);
    ports(loaded, &server, &listeners)
        .iter()
        .filter_map(|wanted| {
            let finding = wanted.check(loaded.facts.platform)?;
            Some(Ok(loaded.at_entry(wanted.listen.entry, finding)))
        })
        .collect()
}

/// That nobody looked whether ports are free, where that is so.
pub fn not_looked_at(why: &str) -> String {
    format!("whether the ports are free was not looked at: {why}")
}

/// Who keeps this server from listening on a port, by these `Listen` lines: at their addresses, or at all where none of them
/// is for it.
///
/// # Errors
/// Why it is not known who listens.
pub fn taken_port(loaded: &Loaded, (listens, port): (&[Listen], u16)) -> Result<Option<Finding>, String> {
    let listens = listens.iter().filter(|listen| listen.port == port);
    let mut ends: Vec<(Option<IpAddr>, String)> = listens
        .map(|listen| (listen.bound(), listen.endpoint()))
        .collect();
    if ends.is_empty() {
        ends.push((None, port.to_string()));
    }
    let listeners = listeners_on(ends.iter().map(|(address, _)| (*address, port)))?;
    let server = server(loaded);
    let mut taken = ends.iter().filter_map(|(address, endpoint)| {
        let holders = holders(loaded, &server, (*address, port), &listeners);
        crate::check::port::taken(*address, endpoint, &holders, loaded.facts.platform)
    });
    Ok(taken.find(|finding| finding.severity.is_error()))
}

/// Part of the preflight of commands that will listen on a port: who holds it, unless that is this very server.
pub fn refuse_taken_port(
    loaded: &Loaded,
    wanted: (&[Listen], u16),
    forced: &[Code],
    progress: &dyn Progress,
) -> Result<(), Failure> {
    if forced.contains(&Code::PortTaken) || is_elsewhere(loaded) {
        return Ok(());
    }
    match taken_port(loaded, wanted) {
        Err(why) => {
            progress.note(NoteCode::NotTried, &format!("note: {}", not_looked_at(&why)));
            Ok(())
        }
        Ok(None) => Ok(()),
        Ok(Some(finding)) => {
            // An address says by itself that it is one.
            let first = finding.summary.split(' ').next().unwrap_or_default();
            let port = if first.parse::<u16>().is_ok() { "port " } else { "" };
            let cause = format!("{port}{}: {} Nothing was written", finding.summary, finding.cause);
            let found = std::slice::from_ref(&finding);
            let more = way_on::flags(found, forced).map(|flags| format!("; {flags} continues anyway"));
            let fix = finding.fix.trim_end_matches('.');
            let fix = format!("{fix}{}", more.unwrap_or_default());
            let refusal = Refusal::new(RefusalCode::PortNotFree, cause, ". ", fix);
            Err(Failure::refused_for(refusal, vec![finding], forced))
        }
    }
}

/// Part of the same preflight: each `Listen` on an address that is none of this machine, but those that the changes take
/// out. Apache does not start with one, and `httpd -t` does not know.
pub fn refuse_foreign_addresses(
    loaded: &Loaded,
    changes: &[LineChange],
    forced: &[Code],
    progress: &dyn Progress,
) -> Result<Vec<Finding>, Failure> {
    let is_known = matches!(loaded.binary, Ok(Some(_)));
    if is_elsewhere(loaded) || !is_known {
        return Ok(Vec::new());
    }
    let configuration = &loaded.configuration;
    let goes = |listen: &Listen| {
        let entry = configuration.entry(listen.entry);
        let file = &configuration.file(entry.file).host;
        let line = configuration.line_number(entry) as usize;
        let mut here = changes
            .iter()
            .filter(|change| change.file == *file && change.line == line);
        here.any(|change| change.after.trim_ascii_start().starts_with(b"#"))
    };
    let active = configuration.listens().iter();
    let active = active.filter(|listen| listen.truth == Truth::True && !goes(listen));
    let found: Vec<Finding> = active
        .filter_map(|listen| Some(loaded.at_entry(listen.entry, not_here(listen)?)))
        .collect();
    progress.findings(&found, forced);
    let Some(first) = found.iter().find(|finding| finding.is_open(forced)) else {
        return Ok(found);
    };
    let at = first
        .place
        .as_ref()
        .map_or_else(String::new, |place| format!(" at {place}"));
    let cause = format!(
        "Apache does not start with the Listen{at}, before and after the change: {}. Nothing was written",
        first.summary
    );
    let fix = format!(
        "Correct the line ({}), or give this machine the address, then run again; --force {} continues anyway, for an \
         address that it gets later",
        first.fix,
        first.code.word()
    );
    let refusal = Refusal::new(RefusalCode::ConfigBroken, cause, ". ", fix);
    Err(Failure::refused_for(refusal, found, forced))
}

/// Does the configuration belong to another machine, and want no port of this one?
pub fn is_elsewhere(loaded: &Loaded) -> bool {
    loaded.configuration.source().relocated().is_some() || loaded.facts.platform != Platform::HOST
}

/// Whether a process is this server. `is_wanted`: its configuration names the port.
fn own(server: &Server, is_wanted: bool) -> impl Fn(Option<&Process>) -> bool + '_ {
    // Of a process that belongs to another user nothing is known; while this server runs it is most likely its own.
    let is_likely = is_wanted && is_up(server);
    move |process| process.map_or(is_likely, |process| server.is_own(process))
}

/// What of the configuration itself keeps TLS from working, and who else may write it.
pub fn configuration_findings(loaded: &Loaded) -> Vec<Finding> {
    let placed = own_doing::noted(loaded, crate::check::configuration::check(&loaded.configuration));
    let others = (!is_elsewhere(loaded)).then(|| loaded.written_by_others());
    let others = others.flatten().map(|others| {
        let found = crate::check::configuration::others_write(&others);
        found.at(&loaded.show(others.culprit()), None)
    });
    let placed = placed.into_iter().map(|finding| {
        finding.placed(|spot| {
            let spot = spot?;
            let file = loaded.configuration.file(spot.file);
            let line = (!spot.is_whole()).then(|| file.document.number(spot.line as usize) as usize);
            Some(Place::new(loaded.show(&file.host), line))
        })
    });
    placed.chain(others).collect()
}
