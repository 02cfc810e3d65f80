//! The problems of a configuration, in the manner of a compiler.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use crate::finding::{Finding, Level};
use crate::httpd::{Configuration, Spot};
use crate::operation::Loaded;
use crate::operation::lint::{includes, numbers, place};
use crate::severity::Counts;
use crate::shown::{printable, sentence};
use crate::wording::count;

/// Longer lines are cut, so that one of 16 MiB does not fill the screen.
const WIDTH: usize = 200;

/// The problems for people; `quiet`: errors only.
pub fn text(loaded: &Loaded, problems: &[Finding<Spot>], quiet: bool) -> String {
    let counts: Counts = problems.iter().map(Finding::level).collect();
    let mut text = String::new();
    let told = || problems.iter().filter(|problem| !quiet || problem.is_error());
    let mut equal: HashMap<_, usize> = HashMap::new();
    for problem in told() {
        *equal.entry(kind(problem)).or_default() += 1;
    }
    let mut folded = HashSet::new();
    for problem in told() {
        let places = equal[&kind(problem)];
        if places <= MOST_EQUAL {
            print(&mut text, loaded, problem, None);
        } else if folded.insert(kind(problem)) {
            print(&mut text, loaded, problem, Some(places));
        }
    }
    if !quiet || counts.error_count > 0 {
        let files = loaded.configuration.files().len();
        text += &summary(counts, quiet, files);
    }
    text
}

/// What is told of more places than these is told once, with their number.
const MOST_EQUAL: usize = 20;

/// What is the same in equal problems of several places.
fn kind(problem: &Finding<Spot>) -> (&'static str, &str, bool) {
    (problem.rule, &problem.summary, problem.is_error())
}

/// One problem, or that of so many places, of which this is the first.
fn print(text: &mut String, loaded: &Loaded, problem: &Finding<Spot>, places: Option<usize>) {
    let clean = |text: &str| sentence(text).replace('\n', " ");
    let configuration = &loaded.configuration;
    let (word, colour) = match problem.level() {
        Level::Error => ("error", "31"),
        Level::Warning => ("warning", "33"),
        Level::Note => ("note", "36"),
    };
    let unsure = if problem.uncertain {
        " (if a condition applies that is not known here)"
    } else {
        ""
    };
    let place = clean(&place(loaded, &problem.place).to_string());
    let places = places.map(|places| format!(": {} places, first {place}", thousands(places)));
    let _ = writeln!(
        text,
        "\x1b[1m{}:\x1b[0m \x1b[1;{colour}m{word}[{}]\x1b[0m: {}{}{unsure}",
        place,
        problem.rule,
        clean(&problem.summary),
        places.unwrap_or_default()
    );
    source(text, configuration, &problem.place);
    if let Some(apache) = &problem.apache
        && *apache != problem.summary
    {
        let _ = writeln!(text, "  = Apache says: {}", clean(apache));
    }
    if problem.level() == Level::Note {
        let _ = writeln!(text, "  = {}", clean(&problem.cause));
    }
    if let Some(place) = &problem.place.macro_place {
        let _ = writeln!(text, "  = in line {} of {}", place.line, clean(&place.name));
    }
    for from in includes(loaded, problem.place.file) {
        let _ = writeln!(text, "  = included from {}", clean(&from.to_string()));
    }
    text.push('\n');
}

/// `30,000`
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// The line, with marks under what is meant.
fn source(text: &mut String, configuration: &Configuration, spot: &Spot) {
    let document = &configuration.file(spot.file).document;
    let Some(line) = document.lines().get(spot.line as usize) else {
        return;
    };
    let Some((number, last)) = numbers(configuration, spot) else {
        return;
    };
    let raw = document.raw(spot.line as usize);
    let start = line.start as usize;
    let width = last.to_string().len().max(3);
    let margin = " ".repeat(width);
    let mut at = 0;
    for (n, physical) in raw.split_inclusive(|b| *b == b'\n').take(4).enumerate() {
        // What cannot be shown is not looked at.
        let visible = &physical[..physical.len().min(4 * WIDTH)];
        let shown = printable(visible).trim_end().replace('\t', " ");
        let cut: String = shown.chars().take(WIDTH).collect();
        let dots = if cut.len() < shown.len() { "…" } else { "" };
        let _ = writeln!(text, "{:>width$} | {cut}{dots}", number as usize + n);
        let (from, to) = match &spot.span {
            Some(span) => (span.start.saturating_sub(start), span.end.saturating_sub(start)),
            None => (0, if n == 0 { physical.len() } else { 0 }),
        };
        if from < at + physical.len() && to > at {
            let own = physical;
            let from = from.saturating_sub(at).max(blanks(own));
            let to = (to - at).min(own.trim_ascii_end().len());
            if from < to {
                let columns = |bytes: &[u8]| printable(&bytes[..bytes.len().min(4 * WIDTH)]).chars().count();
                let before = columns(&own[..from]);
                let under = columns(&own[from..to]);
                if before < WIDTH {
                    let marks = "^".repeat(under.min(WIDTH - before));
                    let _ = writeln!(text, "{margin} | {}{marks}", " ".repeat(before));
                }
            }
        }
        at += physical.len();
    }
}

fn blanks(line: &[u8]) -> usize {
    line.len() - line.trim_ascii_start().len()
}

fn summary(counts: Counts, quiet: bool, files: usize) -> String {
    let mut text = count(counts.error_count, "error");
    if !quiet {
        text += ", ";
        text += &count(counts.warning_count, "warning");
    }
    if !quiet && counts.note_count > 0 {
        text += ", ";
        text += &count(counts.note_count, "note");
    }
    format!("{text} in {}\n", count(files, "file"))
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_as_people_read_them() {
        for (number, text) in [
            (21, "21"),
            (999, "999"),
            (1000, "1,000"),
            (30_000, "30,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }
}
