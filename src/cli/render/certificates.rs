//! Certificates with their lives, for people.

use std::fmt::Write as _;

use crate::operation::certificates::{Report, Served, Told};
use crate::operation::renewers::By;
use crate::renewal::Outcome;
use crate::shown::{cell, sentence};
use crate::wording::count;

/// Each certificate with what is known of it.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for told in &report.certificates {
        let names = match told.names.is_empty() {
            true => "cannot be read".to_owned(),
            false => told.names.join(", "),
        };
        let _ = writeln!(text, "\x1b[1m{}\x1b[0m: {}", cell(&told.file), sentence(&names));
        for line in [life(told), served(told), renewer(told), last(told)]
            .into_iter()
            .flatten()
        {
            let _ = writeln!(text, "  {}", sentence(&line));
        }
    }
    if text.is_empty() {
        text += "This Apache uses no certificate.\n";
    }
    if let Some(schedule) = &report.schedule {
        text += &super::schedule::text(schedule);
    }
    text
}

fn life(told: &Told) -> Option<String> {
    let (end, rest) = (told.not_after?, told.rest_seconds?);
    let issuer = told.issuer.as_deref().unwrap_or_default();
    let span = |seconds: u64| match seconds / 3600 {
        hours @ 0..48 => count(usize::try_from(hours).unwrap_or_default(), "hour"),
        hours => count(usize::try_from(hours / 24).unwrap_or_default(), "day"),
    };
    let left = match rest < 0 {
        true => format!("ended {} ago", span(rest.unsigned_abs())),
        false => format!("{} left", span(rest.unsigned_abs())),
    };
    Some(format!("valid until {} ({left}), issued by {issuer}", end.date()))
}

fn served(told: &Told) -> Option<String> {
    let places: Vec<String> = told.used_by.iter().map(ToString::to_string).collect();
    let at = match places.is_empty() {
        true => String::new(),
        false => format!(" ({})", places.join(", ")),
    };
    Some(match told.served {
        Served::Yes => format!("served{at}"),
        Served::Other => format!("clients are shown another one{at}: esync-ssl restart"),
        Served::Silent => format!("nobody answers with it now{at}"),
        Served::NotUsed => "stored; no virtual host has it".to_owned(),
    })
}

fn renewer(told: &Told) -> Option<String> {
    if told.renewer.by == By::Nobody {
        return Some(format!(
            "renewed by nobody{}; to have it renewed from a file or folder: esync-ssl renew NAME --from PATH",
            told.renewer
                .remark
                .as_ref()
                .map_or(String::new(), |remark| format!(" ({remark})"))
        ));
    }
    let mut text = match &told.source {
        Some(source) => format!("renews itself from {source}, by esync-ssl renew"),
        None => format!("renewed by {}", told.renewer.by.name()),
    };
    if let Some(settings) = &told.renewer.settings {
        let _ = write!(text, " ({settings})");
    }
    if let (Some(due), Some(rule)) = (told.due, told.rule) {
        let _ = write!(text, ", due on {} ({})", due.date(), rule.words());
    }
    if let Some(next) = told.next.filter(|next| Some(*next) != told.due) {
        let _ = write!(text, ", next try on {}", next.date());
    }
    if let Some(remark) = &told.renewer.remark {
        let _ = write!(text, "; {remark}");
    }
    Some(text)
}

fn last(told: &Told) -> Option<String> {
    let last = told.last.as_ref()?;
    if last.outcome == Outcome::Renewed {
        return Some(format!("last renewed on {}", last.at.date()));
    }
    let why = last.why.as_deref().unwrap_or("no reason is known");
    Some(format!(
        "renewal failed {}, the last time on {}: {why}",
        count(told.failure_count, "time"),
        last.at.date()
    ))
}
