//! Whether the records by which names are proven are there for everybody: the name servers of their zone are asked
//! themselves, as what others know may be old.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::super::failure::{Failure, not_interrupted};
use super::super::progress::{Progress, during};
use super::state::Record;
use crate::acme::{Clock, SystemClock};
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::deadline::{Deadline, resolve};
use crate::server::dns::{Kind, PORT, ask, lookup};
use crate::wording::count;

/// So many servers of a zone are asked.
const SERVERS: usize = 8;
/// How long finding them may take, and asking all of them once.
const ROUND: Duration = Duration::from_secs(6);
/// How often they are asked.
const PAUSE: Duration = Duration::from_secs(1);

/// What the servers of a zone show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// All that answer show it.
    There,
    /// One that answers does not.
    Lacking(SocketAddr),
    /// None answers, or none is known.
    Unknown,
}

/// Waits until all name servers show all records, for so long at most; where they cannot be asked, so long.
///
/// # Errors
/// Refused where they do not; the run was interrupted.
pub fn wait(records: &[Record], patience: Duration, progress: &dyn Progress) -> Result<(), Failure> {
    let clock = SystemClock::default();
    let pause = |length| match clock.pause(length) {
        Ok(()) => Ok(()),
        Err(_) => not_interrupted(),
    };
    let mut zones: BTreeMap<&str, (String, Vec<SocketAddr>)> = BTreeMap::new();
    during(progress, "Looking for the records in DNS", || {
        for record in records {
            not_interrupted()?;
            zones
                .entry(&record.name)
                .or_insert_with(|| servers_of(&record.name));
        }
        loop {
            let seen: Vec<(&Record, Seen)> = records
                .iter()
                .map(|record| {
                    let (name, servers) = &zones[&*record.name];
                    (record, seen(name, &record.value, servers))
                })
                .collect();
            if seen.iter().all(|(_, seen)| *seen == Seen::There) {
                return Ok(());
            }
            let left = patience.saturating_sub(clock.elapsed());
            let lacking = seen.iter().find_map(|(record, seen)| match seen {
                Seen::Lacking(server) => Some((*record, *server)),
                _ => None,
            });
            match lacking {
                Some((record, server)) if left.is_zero() => return Err(not_there(record, server, patience)),
                // Nobody is asked in vain.
                None => {
                    tell_unknown(patience, progress);
                    return pause(left);
                }
                Some(_) => pause(left.min(PAUSE))?,
            }
        }
    })
}

fn seconds(patience: Duration) -> String {
    count(
        usize::try_from(patience.as_secs()).unwrap_or(usize::MAX),
        "second",
    )
}

fn tell_unknown(patience: Duration, progress: &dyn Progress) {
    let words = format!(
        "note: the name servers of the zone could not be asked whether they show the records, so {} are waited instead (--dns-wait)",
        seconds(patience)
    );
    progress.note(NoteCode::NotTried, &words);
}

fn not_there(record: &Record, server: SocketAddr, patience: Duration) -> Failure {
    let cause = format!(
        "the name server {} does not show the TXT record {} with the value {} {} after it was made, so the authority was not asked",
        server.ip(),
        record.name,
        record.value,
        seconds(patience)
    );
    let fix = "correct the program of --dns-hook, or give the servers more time with --dns-wait SECONDS";
    Failure::refused(Refusal::new(RefusalCode::DnsHookFailed, cause, "; ", fix))
}

/// The name that a record really stands at, and the servers of its zone.
fn servers_of(record: &str) -> (String, Vec<SocketAddr>) {
    let deadline = Deadline::within(ROUND);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    // It may stand in another zone, where the program may write.
    let led = lookup(record, Kind::Cname, deadline).and_then(|all| all.into_iter().next());
    let name = led.map_or_else(|| record.trim_end_matches('.').to_owned(), text);
    let mut zone = &*name;
    // Those of whole top-level domains know none of the records.
    while zone.contains('.') {
        let found = lookup(zone, Kind::Ns, deadline).unwrap_or_default();
        if !found.is_empty() {
            let ends = found.into_iter().flat_map(|server| resolve(&text(server), PORT));
            let ends = ends.take(SERVERS).collect();
            return (name, ends);
        }
        zone = zone.split_once('.').map_or("", |(_, rest)| rest);
    }
    (name, Vec::new())
}

fn seen(name: &str, value: &str, servers: &[SocketAddr]) -> Seen {
    let deadline = Deadline::within(ROUND);
    let mut all = Seen::Unknown;
    for server in servers {
        match ask(*server, name, Kind::Txt, false, deadline) {
            Ok(answer) if answer.records.iter().any(|text| text == value.as_bytes()) => all = Seen::There,
            Ok(answer) if matches!(answer.code, 0 | 3) => return Seen::Lacking(*server),
            _ => {}
        }
    }
    all
}
