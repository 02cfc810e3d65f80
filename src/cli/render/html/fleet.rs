//! The page about many servers.

use maud::{Markup, html};

use super::ends::{Bar, ends};
use super::frame::{Part, Whole, moment, tone, whole};
use crate::cli::render::ways::left;
use crate::operation::fleet::{Fleet, Known};
use crate::shown::{cell, sentence};
use crate::wording::count;

/// Bars of the picture.
const FIRST: usize = 25;
/// Rows of one table.
const ROWS: usize = 2000;

/// The page.
pub fn page(of: &Fleet) -> Whole {
    let parts = [first(of), at_risk(of), clocks(of), unread(of), all(of)];
    let title = format!("Certificates of {}", count(of.summary.server_count, "server"));
    whole(&title, &top(of), &parts, of.now)
}

fn top(of: &Fleet) -> Markup {
    let told = &of.summary;
    let tile = |is_well: bool, bad: &'static str| if is_well { "good" } else { bad };
    let (certificates, documents) = (
        count(told.certificate_count, "certificate"),
        count(told.unread.len(), "document"),
    );
    let tiles = [
        (
            tile(told.ended_count == 0, "bad"),
            format!("{} ended", told.ended_count),
            format!("Of {certificates}"),
        ),
        (
            tile(told.ending_count == 0, "bad"),
            format!("{} end soon", told.ending_count),
            "In an eighth of their life, or a few days".into(),
        ),
        (
            tile(told.risk_count == 0, "warn"),
            format!("{} at risk", told.risk_count),
            "Unless somebody does something".into(),
        ),
        (
            tile(told.clock_count == 0 && told.unread.is_empty(), "warn"),
            format!("{} to look at", count(told.clock_count, "clock")),
            format!("And {documents} of no use"),
        ),
    ];
    html! {
        p.lead { "As of " (moment(of.now)) ", by the clock of the machine that made this page." }
        ul.tiles {
            @for (tone, first, second) in &tiles { li class=(tone) { b { (first) } (second) } }
        }
    }
}

fn at_risk(of: &Fleet) -> Part {
    let all: Vec<&Known> = of
        .certificates
        .iter()
        .filter(|known| known.risk.is_some())
        .collect();
    Part {
        title: "Who has to do something",
        count: (all.len(), "certificate"),
        body: html! {
            @if let Some((day, most)) = of.shortening {
                p.lead {
                    "From " (day) " on, certificates of public authorities live " (most) " days at most. What is renewed by hand \
                     and lives longer today is listed here; an authority of your own may do as before."
                }
            }
            @if all.is_empty() { p { "Nobody, as far as the documents tell." } } @else {
                table {
                    thead { tr { th { "Server" } th { "Names" } th { "Ends" } th { "Why" } } }
                    tbody { @for known in all.iter().take(ROWS) { tr {
                        td { (cell(&known.server)) } td { (names(known)) } td { (end(known, of)) }
                        td { (sentence(known.risk.as_deref().unwrap_or_default())) }
                    } } }
                }
                (more(all.len()))
            }
        },
    }
}

fn clocks(of: &Fleet) -> Part {
    Part {
        title: "Clocks",
        count: (of.clocks.len(), "clock"),
        body: html! {
            @if of.clocks.is_empty() { p { "No clock is known to be wrong." } } @else {
                table {
                    thead { tr { th { "Server" } th { "Its time when it looked" } th { "What is the case" } } }
                    tbody { @for clock in of.clocks.iter().take(ROWS) { tr {
                        td { (cell(&clock.server)) } td { (moment(clock.looked)) } td { (sentence(&clock.words)) }
                    } } }
                }
                (more(of.clocks.len()))
            }
        },
    }
}

fn first(of: &Fleet) -> Part {
    let bars = of.certificates.iter().take(FIRST).map(|known| Bar {
        name: cell(&format!("{}: {}", known.server, first_name(known))),
        from: known.life.not_before,
        to: known.life.not_after,
        tone: tone(Some(known.urgency)),
        words: left(known.life.rest(of.now)),
    });
    let bars: Vec<Bar> = bars.collect();
    Part {
        title: "What ends first",
        count: (bars.len(), "certificate"),
        body: html! {
            @match ends(&bars, of.now) {
                Some(picture) => { (picture) }
                None => { p { "No certificate is in the documents." } }
            }
        },
    }
}

fn all(of: &Fleet) -> Part {
    Part {
        title: "All certificates by their ends",
        count: (of.certificates.len(), "certificate"),
        body: html! {
            @if of.certificates.is_empty() { p { "There is none." } } @else {
                table {
                    thead { tr { th { "Server" } th { "Names" } th { "Ends" } th { "Issued by" } th { "Renewed by" } } }
                    tbody { @for known in of.certificates.iter().take(ROWS) { tr {
                        td { (cell(&known.server)) @if known.is_not_served { br; span.badge.warn { "not served" } } }
                        td { (names(known)) br; code.soft { (cell(&known.file)) } }
                        td { (end(known, of)) } td { (cell(&known.issuer)) } td { (cell(&known.renewer)) }
                    } } }
                }
                (more(of.certificates.len()))
            }
        },
    }
}

fn unread(of: &Fleet) -> Part {
    let all = &of.summary.unread;
    Part {
        title: "Documents of no use",
        count: (all.len(), "document"),
        body: html! {
            @if all.is_empty() { p { "None; all were read." } } @else {
                table {
                    thead { tr { th { "File" } th { "Why" } } }
                    tbody { @for one in all.iter().take(ROWS) { tr {
                        td { code { (cell(&one.file)) } } td { (sentence(&one.reason)) }
                    } } }
                }
                (more(all.len()))
            }
        },
    }
}

fn more(all: usize) -> Markup {
    html! { @if all > ROWS { p.soft { "And " (all - ROWS) " more." } } }
}

fn first_name(known: &Known) -> &str {
    known.names.first().unwrap_or(&known.file)
}

fn names(known: &Known) -> String {
    match known.names.is_empty() {
        true => "no name".into(),
        false => cell(&known.names.join(", ")),
    }
}

fn end(known: &Known, of: &Fleet) -> Markup {
    html! {
        span.day { (known.life.not_after.date()) } br;
        span class={ "badge " (tone(Some(known.urgency))) } { (left(known.life.rest(of.now))) }
    }
}
