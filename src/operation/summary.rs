//! What a plan comes to, in a few lines for people: files, and what stops working for whom.

use super::file_action::Action;
use super::plan_report::Report;
use crate::change::{Effect, Http};
use crate::wording::count;

/// What is said of a change before it is agreed to. `http` is what was asked for, if anything was.
pub fn of_plan(report: &Report, effect: &Effect, http: Option<Option<Http>>) -> Vec<String> {
    let mut lines = vec![names(report)];
    if let Some(http) = http {
        lines.push(on(effect, http));
    } else {
        lines.push(off(effect));
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The files and links.
fn names(report: &Report) -> String {
    let is_link = |reason: &Option<String>| {
        reason
            .as_ref()
            .is_some_and(|reason| reason.starts_with("link to "))
    };
    let of = |action: Action, links: bool| -> Vec<&str> {
        let all = report.files.iter().filter(|file| file.action == action);
        let those = all.filter(|file| is_link(&file.reason) == links || action != Action::Create);
        those.map(|file| &*file.path).collect()
    };
    let (files, gone) = (of(Action::Modify, false), of(Action::Remove, true));
    let parts = [
        counted(&files, "file", ["changes", "change"]),
        counted(&of(Action::Create, false), "file", ["is made", "are made"]),
        counted(&of(Action::Create, true), "link", ["is made", "are made"]),
        counted(&gone, "link", ["goes", "go"]),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// So many of them, by name where they are few.
fn counted(names: &[&str], noun: &str, [one, more]: [&str; 2]) -> Option<String> {
    const FEW: usize = 3;
    let verb = if names.len() == 1 { one } else { more };
    let what = format!("{} {verb}", count(names.len(), noun));
    match names.len() {
        0 => None,
        number if number <= FEW => Some(format!("{what} ({})", names.join(", "))),
        _ => Some(what),
    }
}

/// What HTTPS for a site changes for those who use HTTP today.
fn on(effect: &Effect, http: Option<Http>) -> String {
    let stops = ports(&effect.http_stops);
    let stays = ports(&effect.http_stays);
    match (http, stops.as_str(), stays.as_str()) {
        (_, "", "") => String::new(),
        (Some(Http::Redirect), "", stays) => format!(
            "HTTP on {stays} sends this site's visitors to HTTPS: devices that post and follow no redirect go silent"
        ),
        (_, "", stays) => format!("HTTP on {stays} continues as before"),
        (chosen, stops, _) => {
            let verb = if effect.http_stops.len() == 1 {
                "stops"
            } else {
                "stop"
            };
            let silent = "devices that post over HTTP go silent";
            match chosen {
                // Whoever has chosen knows the others.
                Some(_) => format!("HTTP on {stops} {verb}: {silent}"),
                None => format!(
                    "HTTP on {stops} {verb} (--http off, the default): {silent}. --http keep lets both answer, --http redirect \
                     sends visitors to HTTPS"
                ),
            }
        }
    }
}

/// What the end of HTTPS changes for those who use it.
fn off(effect: &Effect) -> String {
    let (stops, begins) = (ports(&effect.https_stops), ports(&effect.http_begins));
    let stops = match stops.as_str() {
        "" => String::new(),
        ports => format!("HTTPS on {ports} stops: browsers and devices that use https:// get no answer"),
    };
    match (stops.as_str(), begins.as_str()) {
        (stops, "") => stops.to_owned(),
        ("", begins) => format!("HTTP on {begins} is back"),
        (stops, begins) => format!("{stops}; HTTP on {begins} is back"),
    }
}

fn ports(ports: &[u16]) -> String {
    let all: Vec<String> = ports.iter().map(u16::to_string).collect();
    all.join(" and ")
}
