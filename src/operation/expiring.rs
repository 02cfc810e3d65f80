//! What is said before anything else, by commands that a person gives anyway: which certificates end soon, whose renewal fails,
//! and that nothing renews them. It needs no scheduler, so it is told where none works.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::certificate_files;
use super::find::Loaded;
use super::obtain::{Managed, State};
use super::progress::Progress;
use super::schedule::{self, IsOn};
use crate::apply::RealDisk;
use crate::check::expiry::{Failing, judge};
use crate::finding::{Code, Finding, Severity};
use crate::httpd::{Truth, resolve};
use crate::note_code::NoteCode;
use crate::place::Moment;
use crate::renewal::{Life, Urgency, urgency};
use crate::server::same_file::identity;

/// A certificate of which something is to be said.
pub struct Expiring {
    /// How urgent it is.
    pub urgency: Urgency,
    /// In a line.
    pub line: String,
    /// The same with all that is known.
    pub finding: Finding,
}

/// So many are told in lines.
const NAMED: usize = 5;

/// The files of certificates that a configuration names, each once. One look at each line and none at what it belongs to: there
/// may be as many as there are virtual hosts, and this is asked by every command.
fn files(loaded: &Loaded) -> HashSet<PathBuf> {
    let configuration = &loaded.configuration;
    let platform = configuration.facts().platform;
    let lines = configuration.named("SSLCertificateFile");
    let named = lines.filter(|(_, entry)| entry.truth == Truth::True);
    let named = named.filter_map(|(_, entry)| configuration.arguments(entry).into_iter().next());
    let named: HashSet<Vec<u8>> = named.collect();
    let full = |file: &Vec<u8>| resolve(configuration.server_root(), file, platform);
    let source = configuration.source();
    named.iter().map(|file| source.host_path(&full(file))).collect()
}

/// What is to be said of the certificates that a configuration names, the most urgent first.
pub fn of(loaded: &Loaded, now: OffsetDateTime) -> Vec<Expiring> {
    let ours = ours(loaded);
    let files = files(loaded);
    let ended = files.iter().filter_map(|file| look(loaded, file, &ours, now));
    let mut ended: Vec<(OffsetDateTime, Expiring)> = ended.collect();
    ended.sort_by(|(end, one), (other_end, other)| {
        let both = other.urgency.cmp(&one.urgency).then(end.cmp(other_end));
        both.then_with(|| one.line.cmp(&other.line))
    });
    ended.into_iter().map(|(_, one)| one).collect()
}

/// The certificates that came of orders, by the [`identity`] of their files.
fn ours(loaded: &Loaded) -> HashMap<PathBuf, (String, Managed)> {
    let state = State::of(loaded, &RealDisk);
    let all = state.all_managed().into_iter();
    let all = all.filter_map(|name| Some((state.managed(&name).ok()??, name)));
    all.map(|(managed, name)| {
        let file = identity(&managed.installed.certificate.path());
        (file, (name, managed))
    })
    .collect()
}

fn look(
    loaded: &Loaded,
    file: &Path,
    ours: &HashMap<PathBuf, (String, Managed)>,
    now: OffsetDateTime,
) -> Option<(OffsetDateTime, Expiring)> {
    let leaf = certificate_files::leaf(file)?;
    // What is not valid yet is no matter of its end.
    let life = Some(Life::of(&leaf)).filter(|life| life.not_before <= now)?;
    let failing = ours.get(&identity(file)).and_then(|(name, managed)| {
        let failures = managed.history.failures_in_a_row();
        let last = failures.last()?;
        Some(Failing {
            name: name.clone(),
            times: failures.len(),
            last: Moment::from(last.at).date(),
            why: last
                .why
                .clone()
                .unwrap_or_else(|| "no reason is known".to_owned()),
            next: managed.next_look().map(|next| Moment::from(next).date()),
        })
    });
    let finding = judge(life, now, failing.as_ref())?;
    let shown = loaded.show(file);
    let mut line = format!("{} ({shown}): {}", leaf.title(), finding.summary);
    if let Some(failing) = &failing {
        line = match finding.code {
            Code::RenewalFails => format!("{} ({shown}): {}", leaf.title(), failing.words()),
            _ => format!("{line}; {}", failing.words()),
        };
    }
    let one = Expiring {
        urgency: urgency(life, now),
        line: crate::shown::sentence(&line),
        finding: finding.at(&shown, None),
    };
    Some((life.not_after, one))
}

/// The lines that come before all else; louder with less life.
pub fn lines(all: &[Expiring]) -> Vec<String> {
    let word = |urgency| match urgency {
        Urgency::None | Urgency::Notice => "note",
        Urgency::Warning => "warning",
        Urgency::Error | Urgency::Over => "error",
    };
    let mut lines: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|one| format!("{}: {}", word(one.urgency), one.line))
        .collect();
    if let Some(more) = all.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(format!("and {more} more: esync-ssl certificates shows all"));
    }
    lines
}

/// All that is found of them, before what else was found; what is the same is there once.
pub fn first(all: &[Expiring], found: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = all.iter().map(|one| one.finding.clone()).collect();
    let codes = [Code::CertExpired, Code::CertExpiresSoon, Code::RenewalFails];
    let (ends, others): (Vec<Finding>, Vec<Finding>) = found.partition(|one| codes.contains(&one.code));
    // Where a rule says in which line it begins, that is the one.
    let known: HashSet<End> = ends.iter().map(end).collect();
    findings.retain(|one| !known.contains(&end(one)));
    findings.into_iter().chain(ends).chain(others).collect()
}

/// What findings about the end of one file have in common: what it is, and the file.
type End = (Code, Option<String>);

fn end(finding: &Finding) -> End {
    (
        finding.code,
        finding.place.as_ref().map(|place| place.file.to_string()),
    )
}

/// Says them beside an answer.
pub fn tell(all: &[Expiring], progress: &dyn Progress) {
    for line in lines(all) {
        progress.note(NoteCode::CertificateEnds, &line);
    }
}

/// Puts what is known of renewals where the rules for files found the end of a certificate; what no file rule knows comes
/// back.
pub fn complete<'a>(all: &[Expiring], found: impl Iterator<Item = &'a mut Finding>) -> Vec<Finding> {
    // There may be as many of both as there are virtual hosts.
    let known: HashMap<End, &Finding> = all
        .iter()
        .rev()
        .map(|one| (end(&one.finding), &one.finding))
        .collect();
    for finding in found {
        if let Some(one) = known.get(&end(finding)) {
            finding.cause.clone_from(&one.cause);
            finding.fix.clone_from(&one.fix);
        }
    }
    let alone = all.iter().filter(|one| one.finding.code == Code::RenewalFails);
    alone.map(|one| one.finding.clone()).collect()
}

/// Whether what came of orders and is used is renewed without hands. Where nothing of the kind is there, nothing is asked.
pub fn unscheduled(loaded: &Loaded, now: OffsetDateTime) -> Option<Finding> {
    let ours = ours(loaded);
    let is_ours = |file: &PathBuf| ours.contains_key(&identity(file));
    if ours.is_empty() || !files(loaded).iter().any(is_ours) {
        return None;
    }
    // What does not answer is told by `schedule show`; a machine without a scheduler has another one's.
    let seen = schedule::seen(loaded, &RealDisk);
    let on = "esync-ssl schedule on";
    match seen {
        Ok(report) if report.state == IsOn::On => None,
        Ok(report) if report.state == IsOn::Broken => Some(Finding::new(
            Code::ScheduleBroken,
            Severity::WorksButWrong,
            "the scheduled renewal of certificates does not work",
            format!("{}.", report.problems.join(". ")),
            "Correct that; esync-ssl schedule show tells whether it works then.",
        )),
        // Somebody else's scheduler runs it.
        _ if schedule::ran_lately(loaded, &RealDisk, now) => None,
        Ok(_) => Some(Finding::new(
            Code::RenewalNotScheduled,
            Severity::WorksButWrong,
            "nothing renews the certificates that were ordered here",
            "They are renewed only when somebody runs esync-ssl renew, and end otherwise.",
            format!("Have it done twice a day: {on}"),
        )),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(code: Code, file: &str, cause: &str) -> Finding {
        Finding::new(code, Severity::WorksButWrong, "it ends", cause, "renew it").at(file, None)
    }

    #[test]
    fn each_file_is_told_once_with_what_is_known_of_its_renewal() {
        let files: Vec<String> = (0..20_000).map(|number| format!("/ssl/{number}.crt")).collect();
        let expiring = files.iter().map(|file| Expiring {
            urgency: Urgency::Warning,
            line: String::new(),
            finding: ends(Code::CertExpiresSoon, file, "the renewal fails"),
        });
        let all: Vec<Expiring> = expiring.collect();
        let mut found: Vec<Finding> = files
            .iter()
            .map(|file| ends(Code::CertExpiresSoon, file, "its time"))
            .collect();
        found.push(ends(Code::CertExpired, &files[0], "its time"));
        let began = std::time::Instant::now();
        assert_eq!(complete(&all, found.iter_mut()), []);
        assert!(found[..20_000].iter().all(|one| one.cause == "the renewal fails"));
        assert_eq!(found[20_000].cause, "its time");
        assert_eq!(first(&all, found.into_iter()).len(), 20_001);
        // Each against every other would be 400 million comparisons.
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }
}
