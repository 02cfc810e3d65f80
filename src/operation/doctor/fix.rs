//! `--fix`: carries out what helps, one by one, each asked for, each through the transaction of its own operation.

use std::path::PathBuf;

use super::super::enable;
use super::super::enable_files::Files;
use super::super::environment::{Where, World, Writing};
use super::super::find::Loaded;
use super::super::questions::{Voice, confirm_or};
use super::super::{Failure, restart, restore, schedule};
use super::remedy::{Chain, chain};
use super::report::{FixResult, Fixed, Remedy, Report};
use super::{Diagnosis, Request, diagnose};
use crate::change::Http;
use crate::check::Finding;
use crate::exit_status::ExitStatus;
use crate::shown::{sentence, shown};

/// What to do where nobody is there to ask.
const UNASKED: &str = "give --yes to do what helps without questions, or leave out --fix to only look";

/// Offers what helps, one by one, and looks again after each.
///
/// # Errors
/// As [`run`](super::run); that nobody is there to ask.
pub fn fix(
    request: &Request,
    yes: bool,
    place: &Where,
    (world, voice): (&World, &dyn Voice),
) -> Result<Report, Failure> {
    let mut fixes: Vec<Fixed> = Vec::new();
    // Of one kind there may be several: a chain for each certificate.
    let mut offered: Vec<(Remedy, Option<PathBuf>)> = Vec::new();
    let mut is_first = true;
    loop {
        let loaded = Loaded::find(place)?;
        if is_first {
            loaded.introduce(voice);
        }
        is_first = false;
        let Diagnosis {
            mut report,
            groups,
            looked,
        } = diagnose(request, loaded, world, voice)?;
        let next = report.causes.iter().zip(&groups).find_map(|(cause, group)| {
            let remedy = cause.remedy?;
            let chain = chain(group, &looked.loaded).filter(|_| remedy == Remedy::CompleteChain);
            let key = (remedy, chain.as_ref().map(|chain| chain.certificate.clone()));
            (!offered.contains(&key)).then_some((key, chain, cause.finding.clone()))
        });
        let Some((key, chain, finding)) = next else {
            report.fixes = fixes;
            return Ok(report);
        };
        voice.talk(&told(&finding, offered.len() + 1));
        let remedy = key.0;
        offered.push(key);
        fixes.push(carry_out(remedy, chain, yes, place, (world, voice))?);
    }
}

/// What is wrong, before it is asked whether to correct it.
fn told(finding: &Finding, number: usize) -> String {
    let place = finding.place.as_ref().map(|place| format!(" ({place})"));
    let words = format!("{}{}", finding.summary, place.unwrap_or_default());
    format!("{number}. {}: {}", finding.code, sentence(&words))
}

/// Does one thing, if it is agreed to.
fn carry_out(
    remedy: Remedy,
    chain: Option<Chain>,
    yes: bool,
    place: &Where,
    (world, voice): (&World, &dyn Voice),
) -> Result<Fixed, Failure> {
    let ask = |question: &str| confirm_or(UNASKED, question, yes, voice);
    let writing = Writing {
        yes,
        restart: true,
        ..Writing::default()
    };
    let result = match (remedy, chain) {
        (Remedy::Recover, _) => {
            ask("Put back what was there before the run that was killed?").and_then(|()| {
                let recovered = restore::recover(&[], &writing, place, world, voice)?;
                recovered.found.warn(voice);
                Ok("what was there before the run that was killed is back".to_owned())
            })
        }
        (Remedy::CompleteChain, Some(chain)) => complete(&chain, &writing, place, (world, voice)),
        (Remedy::CompleteChain, None) => Ok("the chain is complete".to_owned()),
        (Remedy::Restart, _) => ask("Restart Apache now?").and_then(|()| {
            let restarted = restart::run(&restart::Request::default(), place, world, voice)?;
            let word = if restarted.was_running {
                "restarted"
            } else {
                "started"
            };
            Ok(format!(
                "{} was {word} and serves what is configured",
                restarted.service
            ))
        }),
        (Remedy::Schedule, _) => {
            let request = schedule::Request {
                yes,
                ..schedule::Request::default()
            };
            schedule::on(&request, place, world, voice).map(|_| "renewal is scheduled".to_owned())
        }
    };
    let (result, message) = match result {
        Ok(message) => (FixResult::Done, message),
        Err(failure) if failure.status == ExitStatus::Declined => {
            (FixResult::Declined, failure.error.to_string())
        }
        // Whoever ends the run, or is not there, is asked nothing more; what could not be put back is no part of an answer.
        Err(failure)
            if [
                ExitStatus::Interrupted,
                ExitStatus::NobodyToAsk,
                ExitStatus::NotRestored,
            ]
            .contains(&failure.status) =>
        {
            return Err(failure);
        }
        Err(failure) => (FixResult::Failed, format!("{:#}", failure.error)),
    };
    Ok(Fixed {
        remedy,
        result,
        message,
    })
}

/// Names the intermediates that are in a file beside, as `enable` does.
fn complete(
    chain: &Chain,
    writing: &Writing,
    place: &Where,
    (world, voice): (&World, &dyn Voice),
) -> Result<String, Failure> {
    let files = Files::Named {
        certificate: chain.certificate.clone(),
        key: chain.key.clone(),
        chain: Some(chain.chain.clone()),
    };
    let request = enable::Request {
        port: chain.port,
        http: Some(Http::Keep),
        in_place: true,
        ..enable::Request::new(vec![chain.name.clone()], files)
    };
    // It is noted as what it is: `disable` finds it again.
    let world = &World {
        command: Vec::new(),
        ..*world
    };
    enable::run(&request, writing, place, world, voice)?;
    Ok(format!(
        "{} sends the certificates of {} as well",
        chain.name,
        shown(&chain.chain)
    ))
}
