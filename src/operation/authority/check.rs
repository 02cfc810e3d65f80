//! The questions that precede an order, and no order: what would keep an authority from making a certificate.

use std::net::{IpAddr, ToSocketAddrs};

use super::super::answers::{self, Probed};
use super::super::environment::{Where, World};
use super::super::failure::{Failure, not_interrupted};
use super::super::find::Loaded;
use super::super::names::{domain_names, is_wildcard, wildcard_names};
use super::super::obtain::{self, State, Wanted, Way};
use super::super::ports::Holder;
use super::super::progress::Progress;
use super::super::{ordered, plan_report, running};
use super::ask;
use super::checked::{Address, Answering, Asked, Named, Port, Reached, Report};
use crate::change::{AnswerPlace, Plan};
use crate::exit_status::ExitStatus;
use crate::finding::{Code, Finding, Place, Severity};
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};
use crate::renewal::CLOCK;
use crate::server::local_addresses::is_local;
use crate::server::port::listeners_on;
use crate::shown::shown;
use crate::wording::as_sentence;

/// Asks what precedes an order. Of the server nothing is written but a probe that goes again at once.
///
/// # Errors
/// When the configuration cannot be read, or who has the ports is not known.
pub fn run(
    names: &[String],
    wanted: &Wanted,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    let (wildcards, names): (Vec<String>, Vec<String>) =
        names.iter().cloned().partition(|name| is_wildcard(name));
    let names = domain_names(names.iter().map(|name| ("the name", name)))?;
    let all = Wanted {
        wildcards: wildcard_names(&wildcards)?,
        ..wanted.clone()
    };
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    let state = State::of(&loaded, world.disk);
    let mut looked = Looked::default();
    let mut named = Vec::new();
    for name in &names {
        looked.judge(
            obtain::refuse_impossible(wanted, std::slice::from_ref(name), progress),
            Code::AcmeNameUnusable,
        )?;
        named.push(looked.addresses(name, wanted));
    }
    if !all.wildcards.is_empty() {
        looked.judge(obtain::refuse_names(&all, &[]), Code::AcmeNameUnusable)?;
    }
    let mut ports = Vec::new();
    match running::is_elsewhere(&loaded) {
        true => progress.note(
            NoteCode::NotTried,
            "note: the configuration is that of another machine, so who would answer there was not looked at",
        ),
        false => {
            ports = ports_of(&loaded)?;
            looked.answering(&loaded, &names, wanted, progress)?;
        }
    }
    not_interrupted()?;
    let reached = looked.reach(&all.names(&names), wanted, progress)?;
    let has_account = match state.account(&wanted.authority) {
        Ok(found) => Some(found.is_some()),
        Err(failure) if failure.status == ExitStatus::NotPermitted => None,
        Err(failure) => return Err(failure),
    };
    let Looked {
        mut findings,
        answering,
        probes,
    } = looked;
    Finding::worst_first(&mut findings);
    Ok(Report {
        authority: wanted.authority.to_string(),
        directory: wanted.authority.directory().to_owned(),
        reached,
        has_account,
        names: named,
        ports,
        answering,
        probes,
        counts: findings.iter().map(Finding::level).collect(),
        findings,
    })
}

/// Who has the ports that an authority looks at.
fn ports_of(loaded: &Loaded) -> Result<Vec<Port>, Failure> {
    let numbers = [443, 80];
    let listeners = listeners_on(numbers.map(|port| (None, port))).map_err(|why| {
        let fix = "run again as root or Administrator";
        Failure::with_advice(running::not_looked_at(&why), fix)
    })?;
    let server = running::server(loaded);
    let port = |port| Port {
        port,
        holders: running::holders(loaded, &server, (None, port), &listeners)
            .iter()
            .map(Holder::of)
            .collect(),
    };
    Ok(numbers.map(port).into())
}

/// What was found so far.
#[derive(Default)]
struct Looked {
    findings: Vec<Finding>,
    answering: Vec<Answering>,
    probes: Vec<Asked>,
}

impl Looked {
    /// What an order would be refused for is found here, and the look goes on.
    fn judge<T>(&mut self, result: Result<T, Failure>, code: Code) -> Result<Option<T>, Failure> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(failure) => {
                self.findings.push(finding(failure, code)?);
                Ok(None)
            }
        }
    }

    /// Where a name leads to. That it is another machine is no fault: a router may stand between.
    fn addresses(&mut self, name: &str, wanted: &Wanted) -> Named {
        let ends = match name.parse::<IpAddr>() {
            Ok(ip) => vec![ip],
            Err(_) => (name, 80)
                .to_socket_addrs()
                .map(|ends| ends.map(|end| end.ip()).collect())
                .unwrap_or_default(),
        };
        let mut addresses: Vec<Address> = Vec::new();
        for ip in ends {
            let (address, here) = (ip.to_string(), is_local(ip));
            if addresses.iter().all(|known| known.address != address) {
                addresses.push(Address { address, here });
            }
        }
        let elsewhere: Vec<&str> = addresses
            .iter()
            .filter(|address| !address.here)
            .map(|address| address.address.as_str())
            .collect();
        // A record proves a name wherever it leads to.
        if !elsewhere.is_empty() && wanted.dns_hook.is_none() {
            let summary = format!(
                "{name} leads to {}, which is not an address of this machine",
                elsewhere.join(", ")
            );
            let cause = format!("{} looks there for an answer.", wanted.authority);
            let fix = "If it is that of your router, have ports 80 and 443 forwarded to this machine; else correct the A or AAAA \
                       record.";
            self.findings.push(Finding::new(
                Code::AcmeNameElsewhere,
                Severity::Advice,
                summary,
                cause,
                fix,
            ));
        }
        Named {
            name: name.to_owned(),
            addresses,
        }
    }

    fn answering(
        &mut self,
        loaded: &Loaded,
        names: &[String],
        wanted: &Wanted,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let ways = self.judge(obtain::ways(loaded, wanted), Code::AcmePortsTaken)?;
        let ways = ways.unwrap_or_default();
        self.answering = ways
            .iter()
            .map(|way| Answering {
                by: match way {
                    Way::Apache => "apache".to_owned(),
                    Way::OwnTls | Way::OwnHttp => "esync-ssl".to_owned(),
                    Way::Dns => "dns-hook".to_owned(),
                    Way::Handover => "handover".to_owned(),
                    Way::ModMd => "mod_md".to_owned(),
                },
                port: way.port(),
                challenge: way.challenge().to_string(),
            })
            .collect();
        match ways.first() {
            Some(Way::Apache) => self.apache(loaded, &ordered::place(loaded, names), progress),
            _ => Ok(()),
        }
    }

    /// Whether Apache answers: by its configuration, and by a probe where it is told to already; else by a rehearsal of
    /// what an order would write.
    fn apache(
        &mut self,
        loaded: &Loaded,
        place: &AnswerPlace,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        let configuration = &loaded.configuration;
        let computed = answers::computed(loaded, configuration, place);
        let is_taken = !computed.is_empty();
        self.findings.extend(computed);
        if is_taken {
            return Ok(());
        }
        let plan = Plan::answer_place(configuration, place);
        let plan = plan.map_err(|error| plan_report::failure(error, loaded));
        let Some(plan) = self.judge(plan, Code::AcmeNotAnswered)? else {
            return Ok(());
        };
        if plan.files.is_empty() && plan.links.is_empty() {
            match answers::answers_probe(loaded, configuration, place, progress) {
                Ok(probed) => self.probed(&probed, |one| one.finding(loaded, configuration, place)),
                Err(failure) if failure.status == ExitStatus::NotPermitted => {
                    let words = "note: Apache was not asked for a probe, as this account may not write it; run again as root or \
                                 Administrator";
                    progress.note(NoteCode::NotTried, words);
                }
                Err(failure) => return Err(failure),
            }
            return Ok(());
        }
        if let Some(after) = answers::edited(loaded, &plan)
            && let Some(probed) = answers::rehearse(loaded, &after, place, progress)?
        {
            self.probed(&probed, |one| one.finding(loaded, &after, place));
        }
        Ok(())
    }

    fn probed(&mut self, probed: &[Probed], finding: impl Fn(&Probed) -> Option<Finding>) {
        self.findings.extend(probed.iter().filter_map(finding));
        self.probes.extend(probed.iter().map(|one| Asked {
            name: one.name.clone(),
            address: one.address.map(|address| address.to_string()),
            wrong: one.wrong.as_ref().map(answers::Wrong::words),
        }));
    }

    /// Whether the authority can be reached, what its clock says, and whether the domains let it make certificates. Nothing is
    /// ordered.
    fn reach(
        &mut self,
        names: &[String],
        wanted: &Wanted,
        progress: &dyn Progress,
    ) -> Result<Option<Reached>, Failure> {
        let told = ask(wanted, progress, |client| {
            let directory = client.directory();
            let lacks = wanted
                .profile
                .as_ref()
                .filter(|profile| !directory.profiles.contains_key(*profile));
            let profiles: Vec<String> = directory.profiles.keys().cloned().collect();
            Ok((
                directory.terms_of_service.clone(),
                client.clock_ahead(),
                lacks.map(|_| profiles),
                directory.caa_identities.clone(),
            ))
        });
        let Some((terms, ahead, profiles, identities)) = self.judge(told, Code::AcmeNotReached)? else {
            return Ok(None);
        };
        let forbidden = obtain::refuse_forbidden(names, &identities, &wanted.authority);
        if let Some(unknown) = self.judge(forbidden, Code::AcmeForbidden)?
            && !unknown.is_empty()
        {
            progress.note(
                NoteCode::NotTried,
                &obtain::caa_unknown(&unknown, &wanted.authority),
            );
        }
        if let (Some(profile), Some(profiles)) = (&wanted.profile, profiles) {
            let summary = format!("{} has no certificate profile `{profile}`", wanted.authority);
            let fix = match profiles.is_empty() {
                true => "Leave --ca-profile out.".to_owned(),
                false => format!(
                    "Leave --ca-profile out, or choose one of {}.",
                    profiles.join(", ")
                ),
            };
            let severity = Severity::BreaksClients;
            self.findings
                .push(Finding::new(Code::AcmeNotReached, severity, summary, "", fix));
        }
        if let Some(ahead) = ahead.filter(|ahead| ahead.abs() > CLOCK) {
            self.findings.push(wrong_clock(ahead, wanted));
        }
        Ok(Some(Reached {
            terms,
            clock_ahead: ahead.map(time::Duration::whole_seconds),
        }))
    }
}

fn wrong_clock(ahead: time::Duration, wanted: &Wanted) -> Finding {
    let which = if ahead.is_positive() { "behind" } else { "ahead of" };
    let summary = format!(
        "the clock of this machine is {} minutes {which} that of {}",
        ahead.whole_minutes().abs(),
        wanted.authority
    );
    // Nothing is ordered then.
    let severity = match ahead.abs() > obtain::WRONG_CLOCK {
        true => Severity::BreaksClients,
        false => Severity::WorksButWrong,
    };
    Finding::new(
        Code::AcmeClock,
        severity,
        summary,
        "Certificates are judged by it, and a new one may not be valid yet.",
        "Correct the clock.",
    )
}

/// What an order would be refused for, as a finding; the error is what has another reason.
fn finding(failure: Failure, code: Code) -> Result<Finding, Failure> {
    let refusal = failure.error.downcast_ref::<Refusal>();
    let (cause, fix) = match (refusal, failure.advised()) {
        _ if failure.status == ExitStatus::Interrupted => return Err(failure),
        (Some(refusal), _) => (refusal.cause.to_string(), refusal.fix.to_string()),
        (None, Some(advised)) => (advised.cause.clone(), advised.fix.clone()),
        (None, None) => return Err(failure),
    };
    let code = match refusal.map(|refusal| refusal.code) {
        Some(RefusalCode::AcmePathTaken) => Code::AcmePathShadowed,
        Some(RefusalCode::DnsHookFailed) => Code::AcmeNotAnswered,
        _ => code,
    };
    let place = refusal.and_then(|refusal| refusal.places().first().copied());
    Ok(Finding {
        place: place.map(|place| Place::new(shown(&place.file), place.line.map(|line| line as usize))),
        ..Finding::new(code, Severity::BreaksClients, cause, "", as_sentence(&fix))
    })
}
