//! Which observations have the same cause: one fault is called by many names, by whoever sees it. What leads to what is
//! one table. Reads nothing.

mod table;

use super::observed::{Observation, Source};
use crate::check::{Code, Finding, Severity};
use crate::severity::Phase;
use table::{Row, TABLE, Tie};

/// What is wrong with a file.
const FILES: &[Code] = &[
    Code::FileMissing,
    Code::FileEmpty,
    Code::FileNotRegular,
    Code::FileUnreadable,
];

/// One cause.
#[derive(Debug)]
pub struct Group {
    /// What it is, by whoever says it best first.
    pub same: Vec<Observation>,
    /// What comes of it.
    pub effects: Vec<Observation>,
}

impl Group {
    /// What it is.
    pub fn lead(&self) -> &Observation {
        &self.same[0]
    }

    /// How bad it is, with all that comes of it.
    pub fn severity(&self) -> Severity {
        let own = self.same.iter().map(Observation::severity).min();
        let own = own.unwrap_or(Severity::Advice);
        // How bad it is that a server does not run depends on whether it was to run.
        let raises = self.lead().code() != Code::ServerStopped;
        let effects = self.effects.iter().filter(|one| raises && !one.is_past);
        effects.map(Observation::severity).fold(own, Ord::min)
    }

    /// Everything that was seen of it.
    pub fn all(&self) -> impl Iterator<Item = &Observation> {
        self.same.iter().chain(&self.effects)
    }

    /// What is told of it.
    pub fn finding(&self) -> Finding {
        let mut finding = self.lead().finding.clone();
        let severity = self.severity();
        finding.uncertain &= severity == self.lead().finding.severity.max(Severity::WorksButWrong);
        if !finding.uncertain {
            finding.severity = severity;
        }
        for one in &self.same {
            for code in &one.finding.apache_codes {
                if !finding.apache_codes.contains(code) {
                    finding.apache_codes.push(code);
                }
            }
        }
        finding
    }

    /// The worst first; of what keeps the server from starting, what Apache meets first.
    fn rank(&self) -> impl Ord + use<> {
        let lead = &self.lead().finding;
        let is_logged = self.all().any(|one| one.by == Source::Explain && !one.is_past);
        (
            // What a killed run left may be what is wrong with all the rest.
            lead.code != Code::RunUnfinished,
            self.severity(),
            !is_logged,
            // Where nothing runs, nobody meets the rest.
            lead.code != Code::ServerStopped,
            lead.phase.unwrap_or(Phase::Starting),
            lead.place.as_ref().is_none_or(|place| place.line.is_none()),
            lead.uncertain,
        )
    }
}

/// Puts together what has the same cause, the worst first.
pub fn causes(observations: Vec<Observation>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for one in observations {
        match groups
            .iter_mut()
            .find(|group| group.same.iter().any(|known| is_same(known, &one)))
        {
            Some(group) => group.same.push(one),
            None => groups.push(Group {
                same: vec![one],
                effects: Vec::new(),
            }),
        }
    }
    for group in &mut groups {
        // Stable: who comes first says it best; but what is wrong with a file, whoever looked at it.
        group
            .same
            .sort_by_key(|one| (one.is_past, one.severity(), one.finding.rule == "tls-file"));
    }
    groups.sort_by_key(Group::rank);
    for row in TABLE {
        fold(&mut groups, &|group| row.has_effect(group), &|cause, effect| {
            row.has_cause(cause) && row.is_tied(cause, effect)
        });
    }
    // What the last start said and is not so anymore is why the server is down, and nothing else.
    let is_past = |group: &Group| group.same.iter().all(|one| one.is_past);
    fold(&mut groups, &is_past, &|cause, _| {
        !is_past(cause) && (cause.lead().stops_start() || cause.lead().code() == Code::ServerStopped)
    });
    groups.sort_by_key(Group::rank);
    groups
}

/// Takes every group that is an effect into the first that leads to it.
fn fold(
    groups: &mut Vec<Group>,
    is_effect: &dyn Fn(&Group) -> bool,
    leads_to: &dyn Fn(&Group, &Group) -> bool,
) {
    let mut at = 0;
    while at < groups.len() {
        let effect = &groups[at];
        let cause = is_effect(effect).then(|| {
            let mut others = groups.iter().enumerate().filter(|(other, _)| *other != at);
            others
                .find(|(_, cause)| leads_to(cause, effect))
                .map(|(cause, _)| cause)
        });
        match cause.flatten() {
            None => at += 1,
            Some(cause) => {
                let effect = groups.remove(at);
                let cause = if cause > at { cause - 1 } else { cause };
                groups[cause].effects.extend(effect.same);
                groups[cause].effects.extend(effect.effects);
            }
        }
    }
}

/// Do both tell of the same thing?
fn is_same(one: &Observation, other: &Observation) -> bool {
    // One rule names the line, the other the file.
    let places = one.finding.place.as_ref().zip(other.finding.place.as_ref());
    let is_named = || places.is_some() && (one.names(other) || other.names(one));
    if FILES.contains(&one.code()) && FILES.contains(&other.code()) && is_named() {
        return true;
    }
    if one.code() != other.code() {
        // Apache reads no line beyond one that stops it: there, different words mean one fault.
        return one.stops_start() && other.stops_start() && one.is_in_line_of(other);
    }
    // Nobody listens there, whichever virtual host is asked for.
    if one.code() == Code::NotListening && one.port.is_some() && one.port == other.port {
        return true;
    }
    // All directives of one module that is not loaded.
    if one.code() == Code::ModuleNotLoaded
        && one.finding.module.is_some()
        && one.finding.module == other.finding.module
    {
        return true;
    }
    let is_one_host = one.host.is_none() || other.host.is_none() || one.is_of_host_of(other);
    places.is_none()
        && one.is_of_nothing()
        && other.is_of_nothing()
        && one.finding.summary == other.finding.summary
        || one.may_be_at(other) && (is_one_host || one.finding.summary == other.finding.summary)
        || one.is_of_host_of(other) && (one.is_of_whole_host() || other.is_of_whole_host())
        || one.by != other.by
            && [one, other]
                .iter()
                .any(|one| one.by == Source::Explain && one.finding.place.is_none())
}

impl Row {
    fn has_cause(&self, group: &Group) -> bool {
        let lead = group.lead();
        !lead.is_past
            && (self.causes.is_empty() || self.causes.contains(&lead.code()))
            && (!self.stops || lead.stops_start())
    }

    fn has_effect(&self, group: &Group) -> bool {
        let lead = group.lead();
        match self.by {
            Some(by) => group.same.iter().all(|one| one.by == by),
            None => self.effects.contains(&lead.code()) || self.rules.contains(&lead.finding.rule),
        }
    }

    fn is_tied(&self, cause: &Group, effect: &Group) -> bool {
        let each = |tied: &dyn Fn(&Observation, &Observation) -> bool| {
            cause
                .same
                .iter()
                .any(|cause| effect.same.iter().any(|effect| tied(cause, effect)))
        };
        match self.tie {
            Tie::Anywhere => true,
            Tie::Port => each(&|cause, effect| cause.port.is_some() && cause.port == effect.port),
            Tie::File => each(&Observation::is_in_file_of),
            Tie::Host => each(&|cause, effect| {
                cause.is_of_host_of(effect)
                    || cause.may_be_at(effect)
                    || cause.is_at_host_of(effect)
                    || effect.is_at_host_of(cause)
                    || cause.host.is_none() && cause.finding.place.is_none()
                    || effect.by == Source::Explain && effect.finding.place.is_none()
            }),
        }
    }
}

#[cfg(test)]
mod tests;
