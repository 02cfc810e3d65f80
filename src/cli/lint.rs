//! `esync-ssl lint`: the problems of a configuration, in the manner of a compiler. Finds none itself.

use std::fmt::Write as _;

use serde::Serialize;

use super::arguments::{Global, Lint};
use super::printer::Printer;
use super::settings::Loaded;
use super::{Failure, interrupted};
use crate::exit_status::ExitStatus;
use crate::httpd::{Configuration, FileId, Phase, Problem, Severity};
use crate::shown::{printable, sentence};

/// Longer lines are cut, so that one of 16 MiB does not fill the screen.
const WIDTH: usize = 200;

/// Runs the command.
pub fn run(arguments: &Lint, global: &Global, printer: &Printer) -> Result<ExitStatus, Failure> {
    let loaded = Loaded::find(global)?;
    interrupted::tell(&loaded.installation.root, printer);
    loaded.tell_passed_over(printer);
    loaded.refuse_private_keys()?;
    let mut problems = match arguments.quiet && !global.json {
        true => loaded.configuration.errors(),
        false => loaded.configuration.check(),
    };
    let errors = problems.iter().filter(|problem| is_error(problem)).count();
    if global.json {
        let warnings = problems.len() - errors;
        if arguments.quiet {
            problems.retain(is_error);
        }
        printer.document(&Document {
            errors,
            warnings,
            problems: reports(&loaded, &problems),
        });
    } else {
        printer.answer(&text(&loaded, &problems, arguments.quiet));
    }
    // The process ends: to give memory back piece by piece would only take time.
    std::mem::forget(loaded);
    Ok(ExitStatus::of_errors(errors))
}

/// The problems for people; `quiet`: errors only.
pub(super) fn text(loaded: &Loaded, problems: &[Problem], quiet: bool) -> String {
    let errors = problems.iter().filter(|problem| is_error(problem)).count();
    let mut text = String::new();
    for problem in problems.iter().filter(|problem| !quiet || is_error(problem)) {
        print(&mut text, loaded, problem);
    }
    if !quiet || errors > 0 {
        let files = loaded.configuration.files().len();
        text += &summary(errors, problems.len() - errors, quiet, files);
    }
    text
}

/// One that certainly stops Apache. What hangs on a condition that could not be decided does not count.
fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error && !problem.uncertain
}

#[derive(Serialize)]
struct Document {
    errors: usize,
    warnings: usize,
    problems: Vec<Report>,
}

/// A problem for programs. `phase` says when Apache notices: `reading` and `checking` are seen by `httpd -t`,
/// `starting` is not.
#[derive(Serialize)]
pub(super) struct Report {
    file: String,
    first_line: u32,
    last_line: u32,
    code: &'static str,
    severity: &'static str,
    phase: &'static str,
    apache: Option<String>,
    message: String,
    /// Matters only if a condition holds that could not be decided.
    uncertain: bool,
    /// The `Include` lines that lead to the file, innermost first.
    included_from: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    macro_line: Option<String>,
}

/// The problems as programs get them.
pub(super) fn reports(loaded: &Loaded, problems: &[Problem]) -> Vec<Report> {
    let configuration = &loaded.configuration;
    problems
        .iter()
        .map(|problem| {
            let (first_line, last_line) = numbers(configuration, problem);
            Report {
                file: loaded.show(&configuration.file(problem.file).host),
                first_line,
                last_line,
                code: problem.code,
                severity: if is_error(problem) { "error" } else { "warning" },
                phase: match problem.phase {
                    Phase::Reading => "reading",
                    Phase::Checking => "checking",
                    Phase::Starting => "starting",
                },
                apache: problem.apache.clone(),
                message: problem.message.clone(),
                uncertain: problem.uncertain,
                included_from: includes(loaded, problem.file),
                macro_line: problem
                    .macro_place
                    .as_ref()
                    .map(|place| format!("line {} of {}", place.line, place.name)),
            }
        })
        .collect()
}

/// Numbers of the first and last physical line; 1 in an empty file.
fn numbers(configuration: &Configuration, problem: &Problem) -> (u32, u32) {
    let document = &configuration.file(problem.file).document;
    let line = problem.line as usize;
    if line >= document.lines().len() {
        return (1, 1);
    }
    let number = document.number(line);
    (number, document.last_number(line).max(number))
}

/// The `Include` lines that lead to a file, innermost first.
fn includes(loaded: &Loaded, mut file: FileId) -> Vec<String> {
    let mut chain = Vec::new();
    while let Some((from, line)) = loaded.configuration.file(file).included_from {
        let read = loaded.configuration.file(from);
        let number = read.document.number(line as usize);
        chain.push(format!("{}:{number}", loaded.show(&read.host)));
        file = from;
    }
    chain
}

fn print(text: &mut String, loaded: &Loaded, problem: &Problem) {
    let clean = |text: &str| sentence(text).replace('\n', " ");
    let configuration = &loaded.configuration;
    let file = configuration.file(problem.file);
    let (number, last) = numbers(configuration, problem);
    let (word, colour) = if is_error(problem) {
        ("error", "31")
    } else {
        ("warning", "33")
    };
    let unsure = if problem.uncertain {
        " (if a condition holds that could not be decided)"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "\x1b[1m{}:{number}:\x1b[0m \x1b[1;{colour}m{word}[{}]\x1b[0m: {}{unsure}",
        clean(&loaded.show(&file.host)),
        problem.code,
        clean(&problem.message)
    );
    source(text, configuration, problem, number, last);
    if let Some(apache) = &problem.apache
        && *apache != problem.message
    {
        let _ = writeln!(text, "  = Apache says: {}", clean(apache));
    }
    if let Some(place) = &problem.macro_place {
        let _ = writeln!(text, "  = in line {} of {}", place.line, clean(&place.name));
    }
    for from in includes(loaded, problem.file) {
        let _ = writeln!(text, "  = included from {}", clean(&from));
    }
    text.push('\n');
}

/// The line, with marks under what is meant.
fn source(text: &mut String, configuration: &Configuration, problem: &Problem, number: u32, last: u32) {
    let document = &configuration.file(problem.file).document;
    let Some(line) = document.lines().get(problem.line as usize) else {
        return;
    };
    let raw = document.raw(problem.line as usize);
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
        let (from, to) = match &problem.span {
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

fn summary(errors: usize, warnings: usize, quiet: bool, files: usize) -> String {
    let of = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let mut text = of(errors, "error");
    if !quiet {
        text += ", ";
        text += &of(warnings, "warning");
    }
    format!("{text} in {}\n", of(files, "file"))
}
