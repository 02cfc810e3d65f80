//! The evaluated configuration, for programs.
//!
//! The schema is part of the interface; see docs/server.md. Fields are only ever added.

use serde::Serialize;

use super::find::Loaded;
use super::lint::{includes, numbers};
use crate::finding::{Finding, Level, Phase};
use crate::httpd::{Configuration, Entry, Spot, Truth};
use crate::place::ShownPath;

/// The directives of files whose path ends like `file`, and of the name `directive`.
pub fn document(
    loaded: &Loaded,
    found: &[Finding<Spot>],
    file: Option<&str>,
    directive_name: Option<&str>,
) -> Document {
    let configuration = &loaded.configuration;
    let wanted = |entry: &Entry| {
        let in_file = file.is_none_or(|end| {
            let name = text(&configuration.file(entry.file).name);
            name.ends_with(&end.replace('\\', "/"))
        });
        let named = directive_name.is_none_or(|name| {
            let own = configuration.name(entry);
            let own = own.strip_prefix(b"<").unwrap_or(&own);
            own.eq_ignore_ascii_case(name.trim_start_matches('<').trim_end_matches('>').as_bytes())
        });
        in_file && named
    };
    let directives = configuration.entries().filter(|entry| wanted(entry));
    Document {
        server_root: text(configuration.server_root()),
        files: configuration
            .files()
            .iter()
            .map(|file| File {
                name: text(&file.name),
                path: loaded.show(&file.host).into(),
                truth: file.truth,
                included_from: file.included_from.map(|(from, line)| IncludeLine {
                    file: from,
                    line: configuration.file(from).document.number(line as usize),
                }),
            })
            .collect(),
        defines: configuration
            .variables()
            .all()
            .into_iter()
            .map(|(name, value)| Define {
                name: text(name),
                value: value.map(text),
            })
            .collect(),
        directives: directives.map(|entry| directive(configuration, entry)).collect(),
        problems: problems(loaded, found),
    }
}

/// The evaluated configuration. Its fields stand beside those of the envelope, where they were before there was one, and
/// are only ever added; what other commands call otherwise keeps its name here.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Document {
    /// `ServerRoot` as the configuration spells it.
    server_root: String,
    /// All files, in the order in which they are read.
    files: Vec<File>,
    /// All variables.
    defines: Vec<Define>,
    /// The directives that were chosen, in Apache's order.
    directives: Vec<Directive>,
    /// What `lint` finds, in the words that `lint` had before there was one shape of all findings.
    problems: Vec<Problem>,
}

/// How much was dumped.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DumpSummary"))]
pub struct Summary {
    /// How many files the configuration has.
    pub file_count: usize,
    /// How many directives were chosen.
    pub directive_count: usize,
    /// How many problems there are.
    pub problem_count: usize,
}

impl Document {
    /// How much it is.
    pub fn summary(&self) -> Summary {
        Summary {
            file_count: self.files.len(),
            directive_count: self.directives.len(),
            problem_count: self.problems.len(),
        }
    }
}

/// A file of the configuration.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ReadFile"))]
struct File {
    /// As Apache spells it.
    name: String,
    /// Where it is on this machine.
    path: ShownPath,
    /// Whether it is read.
    truth: Truth,
    /// The line that includes it; null for the main file.
    included_from: Option<IncludeLine>,
}

/// A line that includes a file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct IncludeLine {
    /// Index in `files`.
    file: u32,
    /// The line, counted from 1.
    line: u32,
}

/// A variable.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Define {
    /// What it is called.
    name: String,
    /// What it stands for; null where it is only defined.
    value: Option<String>,
}

/// A directive.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Directive {
    /// Index in `files`.
    file: u32,
    /// The first physical line, counted from 1.
    line: u32,
    /// The last physical line.
    last_line: u32,
    /// What it is called; of a section with its `<`.
    name: String,
    /// Its words; of a section what stands in its tag.
    arguments: Vec<String>,
    /// Its arguments as Apache stores them, variables substituted.
    raw: String,
    /// It is the tag that opens a section.
    opens_section: bool,
    /// Whether it is active.
    truth: Truth,
    /// The openings of the sections around it, outermost first.
    sections: Vec<String>,
    /// Where it stands in a macro; missing where it came out of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    macro_line: Option<String>,
}

/// A problem. `phase` says when Apache notices: `reading` and `checking` are seen by `httpd -t`, `starting` is not.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Problem {
    /// The file.
    file: ShownPath,
    /// The first physical line, counted from 1.
    first_line: u32,
    /// The last physical line.
    last_line: u32,
    /// What the rule is called; `rule` of a finding.
    code: &'static str,
    /// How bad it is; `level` of a finding.
    severity: ProblemSeverity,
    /// When Apache notices.
    phase: Option<Phase>,
    /// Apache's message, or its fixed part; null where it says nothing.
    apache: Option<String>,
    /// What is wrong.
    message: String,
    /// Matters only if a condition holds that could not be decided.
    uncertain: bool,
    /// The `Include` lines that lead to the file, innermost first, each as `FILE:LINE`.
    included_from: Vec<String>,
    /// Where it stands in a macro; missing where it came out of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    macro_line: Option<String>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum ProblemSeverity {
    /// It certainly stops the start.
    Error,
    /// It does not, or that is not certain.
    Warning,
}

fn problems(loaded: &Loaded, problems: &[Finding<Spot>]) -> Vec<Problem> {
    let problem = |problem: &Finding<Spot>| {
        let configuration = &loaded.configuration;
        let (first_line, last_line) = numbers(configuration, &problem.place).unwrap_or((1, 1));
        let included = includes(loaded, problem.place.file).into_iter();
        let macro_place = problem.place.macro_place.as_ref();
        Problem {
            file: loaded.show(&configuration.file(problem.place.file).host).into(),
            first_line,
            last_line,
            code: problem.rule,
            severity: match problem.is_error() {
                true => ProblemSeverity::Error,
                false => ProblemSeverity::Warning,
            },
            phase: problem.phase,
            apache: problem.apache.clone(),
            message: problem.summary.clone(),
            uncertain: problem.uncertain,
            included_from: included
                .map(|place| format!("{}:{}", place.file.absolute(), place.line.unwrap_or_default()))
                .collect(),
            macro_line: macro_place.map(|place| format!("line {} of {}", place.line, place.name)),
        }
    };
    // There is no older word for a note.
    let told = problems.iter().filter(|problem| problem.level() != Level::Note);
    told.map(problem).collect()
}

fn directive(configuration: &Configuration, entry: &Entry) -> Directive {
    let document = &configuration.file(entry.file).document;
    let line = entry.line as usize;
    let mut sections: Vec<String> = configuration
        .ancestors(entry)
        .map(|(_, section)| {
            let opening = configuration.entry(section.opening);
            let name = text(&configuration.name(opening));
            let argument = text(&configuration.section_argument(opening));
            if argument.is_empty() {
                format!("{name}>")
            } else {
                format!("{name} {argument}>")
            }
        })
        .collect();
    sections.reverse();
    let arguments = if entry.opens {
        let argument = configuration.section_argument(entry);
        if argument.is_empty() {
            Vec::new()
        } else {
            vec![argument]
        }
    } else {
        configuration.arguments(entry)
    };
    Directive {
        file: entry.file,
        line: document.number(line),
        last_line: document.last_number(line),
        name: text(&configuration.name(entry)),
        arguments: arguments.iter().map(|argument| text(argument)).collect(),
        raw: text(&configuration.rest(entry)),
        opens_section: entry.opens,
        truth: entry.truth,
        sections,
        macro_line: configuration
            .macro_place(entry)
            .map(|place| format!("line {} of {}", place.line, place.name)),
    }
}

/// JSON is text: bytes that are not UTF-8 become U+FFFD.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
