//! The page about one server.

use std::collections::HashSet;

use maud::{Markup, html};

use super::ends::{Bar, ends};
use super::frame::{self, Part, Whole, tone, whole};
use super::map::map;
use crate::cli::render::ways::left;
use crate::finding::Place;
use crate::operation::certificates::{Served, Told};
use crate::operation::doctor::Cause;
use crate::operation::page::{Changed, Page};
use crate::operation::picture::Way;
use crate::operation::renewers::By;
use crate::severity::{Counts, Level};
use crate::shown::{cell, cut, printable, sentence};
use crate::wording::count;

/// Causes that are shown, the worst of them; and so many on paper.
const CAUSES: usize = 100;
const PRINTED: usize = 30;
/// Rows of a table.
const ROWS: usize = 500;
/// Further places of one cause; and so many on paper.
const PLACES: usize = 8;
const PRINTED_PLACES: usize = 3;
/// Bytes of one diff.
const DIFF: usize = 40_000;

/// The page. `complete`: makes the commands in a text such as can be typed anywhere.
pub fn page(of: &Page, complete: &dyn Fn(&str) -> String) -> Whole {
    let ink = Ink { of, complete };
    let parts = [
        ink.map(),
        ink.certificates(),
        ink.findings(),
        ink.changes(),
        ink.devices(),
    ];
    whole(&ink.title(), &ink.top(), &parts, of.now)
}

/// What is written about, and how others' words get onto the page: without secrets, and such that they steer nothing.
struct Ink<'a> {
    of: &'a Page,
    complete: &'a dyn Fn(&str) -> String,
}

impl Ink<'_> {
    fn short(&self, text: &str) -> String {
        cell(&self.of.clean(text))
    }

    fn prose(&self, text: &str) -> String {
        sentence(&self.of.clean(&(self.complete)(text)))
    }

    /// What people call the server.
    fn title(&self) -> String {
        let ways = self.of.status.ways.as_deref().unwrap_or_default();
        let tls = ways.iter().find(|way| way.tls).and_then(|way| way.names.first());
        let name = tls.or(self.of.status.main_server.server_name.as_ref());
        match name {
            Some(name) => format!("HTTPS of {}", self.short(name)),
            None => "HTTPS of an Apache server".into(),
        }
    }

    fn top(&self) -> Markup {
        let status = &self.of.status;
        let facts = [
            ("Server root", self.short(&status.root)),
            ("Main file", self.short(&status.config)),
            (
                "Apache",
                self.short(&format!("{} ({})", status.apache_version, status.told_by)),
            ),
            ("System", self.short(&self.of.system)),
            ("As of", frame::moment(self.of.now)),
        ];
        html! {
            dl.facts { @for (name, value) in facts { dt { (name) } dd { (value) } } }
            ul.tiles {
                @for (tone, first, second) in [self.health(), self.next_end(), self.sites(), self.renewal()] {
                    li class=(tone) { b { (first) } (second) }
                }
            }
        }
    }

    fn health(&self) -> Tile {
        let levels = self.of.causes.iter().map(|cause| cause.finding.level());
        let counts: Counts = levels.collect();
        let errors = count(counts.error_count, "error");
        let warnings = count(counts.warning_count, "warning");
        match (counts.error_count, counts.warning_count) {
            _ if self.of.not_judged.is_some() => ("warn", "Not judged".into(), "See what was found".into()),
            (0, 0) => (
                "good",
                "No problems found".into(),
                "By the rules of this program".into(),
            ),
            (0, _) => ("warn", warnings, "And no errors".into()),
            (_, 0) => ("bad", errors, "Of the start or of what clients get".into()),
            _ => ("bad", errors, format!("And {warnings}")),
        }
    }

    fn next_end(&self) -> Tile {
        let used = self.of.certificates.certificates.iter();
        let mut ending = used.filter(|told| !told.used_by.is_empty() && told.rest_seconds.is_some());
        match ending.next() {
            None => (
                "none",
                "No certificate".into(),
                "None is used that can be read".into(),
            ),
            Some(told) => {
                let day = told
                    .not_after
                    .map(|end| end.date().to_string())
                    .unwrap_or_default();
                let name = self.short(&name_of(told));
                (tone(told.urgency), rest_of(told), format!("Until {day}: {name}"))
            }
        }
    }

    fn sites(&self) -> Tile {
        let Some(ways) = &self.of.status.ways else {
            let hosts = count(self.of.status.virtual_hosts.len(), "virtual host");
            return ("none", hosts, "Too many to look at each".into());
        };
        // One that several listeners lead to is one.
        let sites = |is_meant: &dyn Fn(&Way) -> bool| {
            let meant = ways.iter().filter(|way| is_meant(way));
            let places = meant.map(|way| way.place.as_ref().map(ToString::to_string));
            places.collect::<HashSet<_>>().len()
        };
        let tls = sites(&|way| way.tls);
        let bare = sites(&|way| !way.tls && !way.leads_to_https);
        let tone = if bare == 0 && tls > 0 { "good" } else { "note" };
        let second = match bare {
            0 => "No site answers over HTTP only".into(),
            _ => format!("And {} without TLS", count(bare, "site")),
        };
        (tone, format!("{} over HTTPS", count(tls, "site")), second)
    }

    fn renewal(&self) -> Tile {
        let used = self.of.certificates.certificates.iter();
        let used: Vec<&Told> = used.filter(|told| !told.used_by.is_empty()).collect();
        let by_hand = used.iter().filter(|told| told.renewer.by == By::Nobody).count();
        match (used.len(), by_hand, self.of.is_scheduled()) {
            (0, _, _) => ("none", "Nothing to renew".into(), "No certificate is used".into()),
            (_, 0, Some(false)) => (
                "bad",
                "Nothing renews them".into(),
                "esync-ssl schedule on changes that".into(),
            ),
            (_, 0, _) => (
                "good",
                "Renewed without hands".into(),
                "All certificates in use".into(),
            ),
            (all, hands, _) => (
                "warn",
                "Renewed by hand".into(),
                format!("{hands} of {}", count(all, "certificate")),
            ),
        }
    }

    fn map(&self) -> Part {
        let ways = self.of.status.ways.as_deref().unwrap_or_default();
        let pictures = map(ways, &|text| self.short(text));
        Part {
            title: "Who answers",
            count: (ways.len(), "way"),
            body: html! {
                @match (pictures.is_empty(), &self.of.status.ways) {
                    (false, _) => { p.lead { "From the listener to the virtual host and its certificate." } @for picture in &pictures { (picture) } }
                    (true, None) => { p { "There are too many virtual hosts for a picture; esync-ssl status lists them." } }
                    (true, Some(_)) => { p { "Nothing listens." } }
                }
            },
        }
    }

    fn certificates(&self) -> Part {
        let all = &self.of.certificates.certificates;
        let bars: Vec<Bar> = all.iter().filter_map(|told| self.bar(told)).collect();
        Part {
            title: "Certificates and their ends",
            count: (all.len(), "certificate"),
            body: html! {
                @if let Some(picture) = ends(&bars, self.of.now) { (picture) }
                @if all.is_empty() { p { "This Apache uses no certificate." } } @else { (self.table(all)) }
                @if all.len() > ROWS { p.soft { "And " (all.len() - ROWS) " more." } }
            },
        }
    }

    fn bar(&self, told: &Told) -> Option<Bar> {
        Some(Bar {
            name: self.short(&name_of(told)),
            from: told.not_before?.into(),
            to: told.not_after?.into(),
            tone: tone(told.urgency),
            words: rest_of(told),
        })
    }

    fn table(&self, all: &[Told]) -> Markup {
        html! {
            table {
                thead { tr { th { "Names" } th { "Valid" } th { "Issued by" } th { "Served" } th { "Renewed by" } } }
                tbody {
                    @for told in all.iter().take(ROWS) {
                        tr {
                            td { (self.short(&names_of(told))) br; code.soft { (self.short(&told.file)) } }
                            td {
                                @if let (Some(from), Some(to)) = (told.not_before, told.not_after) {
                                    span.day { (from.date()) } " to " span.day { (to.date()) } br; span class={ "badge " (tone(told.urgency)) } { (rest_of(told)) }
                                } @else { "cannot be read" }
                            }
                            td { (self.short(told.issuer.as_deref().unwrap_or_default())) }
                            td { (served(told.served)) }
                            td { (told.renewer.by.name()) }
                        }
                    }
                }
            }
        }
    }

    fn findings(&self) -> Part {
        let all = &self.of.causes;
        let left_out = all.len().saturating_sub(CAUSES);
        let more = |number: usize| format!("And {} more; esync-ssl doctor tells the worst of all.", number);
        Part {
            title: "What was found",
            count: (all.len(), "cause"),
            body: html! {
                @if let Some(why) = &self.of.not_judged { p { "The files were not judged: " (self.prose(why)) } }
                @if all.is_empty() && self.of.not_judged.is_none() { p { "No problems found." } }
                @for (number, cause) in all.iter().take(CAUSES).enumerate() { (self.cause(cause, number >= PRINTED)) }
                @if left_out > 0 { p.soft.seen { (more(left_out)) } }
                @if all.len() > PRINTED { p.soft.printed { (more(all.len() - PRINTED)) } }
                @if self.of.more_finding_count > 0 {
                    p.soft { (count(self.of.more_finding_count, "more finding")) " of the same kinds; esync-ssl check and esync-ssl lint show all." }
                }
            },
        }
    }

    /// One. On paper a late one is left out.
    fn cause(&self, cause: &Cause, is_late: bool) -> Markup {
        let finding = &cause.finding;
        let tone = match finding.level() {
            Level::Error => "bad",
            Level::Warning => "warn",
            Level::Note => "note",
        };
        let late = if is_late { " seen" } else { "" };
        html! {
            article class={ (tone) (late) } {
                h3 { span class={ "badge " (tone) } { (finding.severity) } (self.prose(&finding.summary)) }
                p.soft {
                    code { (finding.code) }
                    @if let Some(place) = &finding.place { " in " code { (self.short(&place.to_string())) } }
                }
                (self.elsewhere(&cause.places))
                @if !finding.cause.is_empty() { p { (self.prose(&finding.cause)) } }
                @for effect in &cause.effects {
                    p.soft { "So: " (self.prose(&effect.summary)) @if let Some(place) = &effect.place { " " code { (self.short(&place.to_string())) } } }
                }
                @if !finding.fix.is_empty() { p.fix { (self.prose(&finding.fix)) } }
            }
        }
    }

    /// Where else the same is so.
    fn elsewhere(&self, places: &[Place]) -> Markup {
        let more = |shown: usize| format!("and {} more", places.len() - shown);
        html! {
            @if !places.is_empty() {
                ul.places {
                    @for (number, place) in places.iter().take(PLACES).enumerate() {
                        li.seen[number >= PRINTED_PLACES] { code.soft { (self.short(&place.to_string())) } }
                    }
                    @if places.len() > PLACES { li.soft.seen { (more(PLACES)) } }
                    @if places.len() > PRINTED_PLACES { li.soft.printed { (more(PRINTED_PLACES)) } }
                }
            }
        }
    }

    fn changes(&self) -> Part {
        let (shown, all) = (&self.of.changes, self.of.change_count);
        Part {
            title: "What was changed",
            count: (shown.len(), "change"),
            body: html! {
                @if let Some(why) = &self.of.changes_unknown { p { "What was changed is not known: " (why) "." } }
                @else if shown.is_empty() { p { "There are no backups here: this program has changed nothing." } }
                @for change in shown { (self.change(change)) }
                @if all > shown.len() { p.soft { "And " (all - shown.len()) " before them; esync-ssl backups lists all." } }
            },
        }
    }

    fn change(&self, change: &Changed) -> Markup {
        let time = change.time.map(|time| time.to_string());
        html! {
            article.change {
                h3 { (self.short(time.as_deref().unwrap_or(&change.id))) }
                p { code { (self.short(&change.command)) } }
                @for reason in change.reasons.iter().take(ROWS) { p.soft { (self.prose(reason)) } }
                @match &change.diff {
                    Some(diff) => { (self.diff(diff)) }
                    None => { @for file in change.files.iter().take(ROWS) { p { code { (self.short(file)) } } } }
                }
            }
        }
    }

    fn diff(&self, diff: &str) -> Markup {
        let text = printable(cut(&self.of.clean(diff), DIFF).as_bytes());
        let class = |line: &str| match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => "head",
            [b'@', b'@', ..] => "hunk",
            [b'+', ..] => "add",
            [b'-', ..] => "del",
            _ => "same",
        };
        html! {
            @if !text.trim().is_empty() {
                pre.diff { @for line in text.lines() { span class=(class(line)) { (line) } } }
            }
        }
    }

    fn devices(&self) -> Part {
        let all = &self.of.devices;
        Part {
            title: "What to type into devices",
            count: (all.len(), "name"),
            body: html! {
                @if all.is_empty() { p { "No name is served over HTTPS yet." } } @else {
                    table {
                        thead { tr {
                            th { "In eCatcher, menu Account > M2U: URL of your eSync server" }
                            th { "On the eWON, Data Management: Server URL" }
                        } }
                        tbody { @for settings in all { tr {
                            td { code { (self.short(&settings.m2u_url)) } } td { code { (settings.ewon_server_url) } }
                        } } }
                    }
                    p.soft { "Where devices post to a path, it is added to the first address. esync-ssl devices asks whether their \
                              data would arrive." }
                }
            },
        }
    }
}

/// How a tile is painted, and what stands in it.
type Tile = (&'static str, String, String);

/// The name of a certificate that says most.
fn name_of(told: &Told) -> String {
    told.names
        .first()
        .cloned()
        .unwrap_or_else(|| told.file.to_string())
}

/// All names of it, as far as they have room.
fn names_of(told: &Told) -> String {
    match (told.names.is_empty(), told.not_after) {
        (true, None) => "cannot be read".into(),
        (true, Some(_)) => "no name".into(),
        (false, _) => told.names.join(", "),
    }
}

fn rest_of(told: &Told) -> String {
    match told.rest_seconds {
        Some(rest) => left(time::Duration::seconds(rest)),
        None => "cannot be read".into(),
    }
}

fn served(served: Served) -> &'static str {
    match served {
        Served::Yes => "yes",
        Served::Other => "clients are shown another one",
        Served::Silent => "nobody answers now",
        Served::NotUsed => "no; it is only stored",
    }
}
