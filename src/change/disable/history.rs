//! Where the lines of a file come from: traced back through what earlier runs recorded, so that what a run of
//! `enable` wrote is known wherever it stands now, and with it what stood there before. Text only; evaluates nothing.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;

use crate::differences::{self, DiffOp};
use crate::httpd::{Document, LineKind, Platform};

use super::marks::{Block, redirect_of, words};
use super::pair_lines::{From, Run, is_ended, only_in_first, remaining};
use super::record::{Action, Place, Record};

/// The lines of one file as they are now, with their past.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// One for each line.
    pub lines: Vec<Trace>,
    /// Lines that `enable` took out.
    pub gone: Vec<Gone>,
    /// Lines that it wrote and that are not there any more, with their records.
    pub lost: Vec<(usize, Vec<u8>)>,
}

/// Where a line comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    /// What runs of `enable` did to it, the latest first.
    pub past: Vec<Past>,
    /// It belongs to a virtual host that a run added: the record, and where the virtual host stood then.
    pub section: Option<Place>,
    /// It was there before every run on record.
    pub original: bool,
    /// It was the last line of its file, without a line end: how it ended then.
    pub end: Option<Vec<u8>>,
    /// A run of `disable` put it back.
    undone: bool,
}

/// What one run did to a line.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// The index of the record.
    pub record: usize,
    /// What stood there before, line ending included; nothing when the line was added.
    pub old: Option<Vec<u8>>,
    /// What the run wrote.
    pub new: Vec<u8>,
    /// A blank line between others and this section of the record.
    pub beside: Option<Place>,
}

/// A line that a run took out.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    /// The index of the record.
    pub record: usize,
    /// The line behind which it stood.
    pub after: Option<usize>,
    /// The line.
    pub old: Vec<u8>,
}

/// What one run did to the file that is traced.
struct Step {
    /// The index of the record.
    record: usize,
    action: Action,
    before: Document,
    after: Document,
}

/// Traces every line of a file back through the records, the oldest of which is the first.
pub(super) fn trace(records: &[Record], file: &Path, now: &Document, platform: Platform) -> Traces {
    let document = |bytes: &Vec<u8>| Document::new(bytes.clone(), platform);
    let versions = records.iter().enumerate();
    let versions = versions.flat_map(|(at, record)| record.files.iter().map(move |version| (at, version)));
    let versions = versions.filter(|(_, version)| version.path == file);
    let steps: Vec<Step> = versions
        .map(|(record, version)| Step {
            record,
            action: records[record].action,
            before: document(&version.before),
            after: document(&version.after),
        })
        .collect();
    let count = now.lines().len();
    let mut traces = Traces {
        lines: vec![Trace::default(); count],
        ..Traces::default()
    };
    let mut cursor: Vec<Option<usize>> = (0..count).map(Some).collect();
    let (mut state, mut left) = (now, steps.len());
    loop {
        left = earliest(&steps[..left], state);
        let Some(step) = left.checked_sub(1).map(|at| &steps[at]) else {
            break;
        };
        if step.after.bytes() != state.bytes() {
            let origin = by_hand(&step.after, state);
            for line in &mut cursor {
                *line = line.and_then(|at| origin[at]);
            }
            state = &step.after;
            continue;
        }
        traces.back(step, &mut cursor);
        (state, left) = (&step.before, left - 1);
    }
    for (line, cursor) in traces.lines.iter_mut().zip(&cursor) {
        line.original = cursor.is_some();
    }
    traces
}

/// How many steps led to a state: a file that is again as it was owes nothing to what happened between.
fn earliest(steps: &[Step], state: &Document) -> usize {
    for (at, step) in steps.iter().enumerate() {
        if step.before.bytes() == state.bytes() {
            return at;
        }
        if step.after.bytes() == state.bytes() {
            return at + 1;
        }
    }
    steps.len()
}

impl Traces {
    /// From the state after a run to that before it.
    fn back(&mut self, step: &Step, cursor: &mut [Option<usize>]) {
        let (record, before, after) = (step.record, &step.before, &step.after);
        let run = Run::between(before, after);
        let enables = step.action == Action::Enable;
        if enables {
            self.find_gone(step, &run, cursor);
        }
        for (trace, cursor) in self.lines.iter_mut().zip(cursor) {
            let Some(line) = *cursor else { continue };
            let past = |old: Option<usize>, beside: Option<usize>| Past {
                record,
                old: old.map(|old| before.raw(old).to_vec()),
                new: after.raw(line).to_vec(),
                beside: beside.map(|marker| (record, marker)),
            };
            *cursor = match run.lines[line] {
                From::Same(old) => Some(old),
                From::Changed(old) if enables => {
                    let is_ended = is_ended(before, old, after.raw(line));
                    if is_ended || !before.raw(old).ends_with(b"\n") {
                        trace.end = Some(before.raw(old).to_vec());
                    }
                    if !is_ended && !trace.undone {
                        trace.past.push(past(Some(old), None));
                    }
                    Some(old)
                }
                // What was put back already is not put back again.
                From::Changed(old) if step.action == Action::Disable => {
                    trace.undone = true;
                    Some(old)
                }
                From::New(beside) if enables => {
                    trace.past.push(past(None, beside));
                    None
                }
                From::Section(marker) => {
                    trace.section = enables.then_some((record, marker));
                    None
                }
                From::Changed(_) | From::New(_) => None,
            };
        }
    }

    fn find_gone(&mut self, step: &Step, run: &Run, cursor: &[Option<usize>]) {
        let mut now: BTreeMap<usize, usize> = BTreeMap::new();
        for (at, line) in cursor.iter().enumerate() {
            if let Some(line) = line {
                now.insert(*line, at);
            }
        }
        for (line, from) in run.lines.iter().enumerate() {
            if matches!(from, From::Changed(_) | From::New(_)) && !now.contains_key(&line) {
                self.lost.push((step.record, step.after.raw(line).to_vec()));
            }
        }
        for (old, behind) in &run.gone {
            let behind = behind.and_then(|after| now.range(..=after).next_back());
            self.gone.push(Gone {
                record: step.record,
                after: behind.map(|(_, at)| *at),
                old: step.before.raw(*old).to_vec(),
            });
        }
    }
}

/// For each line of a file, the line that it was before people edited the file: the same text, in whatever indentation
/// and line ending, also where it was moved.
fn by_hand(before: &Document, after: &Document) -> Vec<Option<usize>> {
    let kept = |block: &Block, other: &Document| {
        // Without its comment a section is still the one with that certificate, or that redirect.
        let (document, lines) = (
            if std::ptr::eq(other, after) { before } else { after },
            block.lines(),
        );
        let telling = telling(document, lines);
        !telling.is_empty() && (0..other.lines().len()).any(|line| telling.contains(&normal(other, line)))
    };
    let mut cut = only_in_first(before, after);
    cut.retain(|block| !kept(block, after));
    let (old, old_at) = remaining(before, &cut, normal);
    let (new, new_at) = remaining(after, &[], normal);
    let mut origin = vec![None; after.lines().len()];
    let mut lost: HashMap<&[u8], Vec<usize>> = HashMap::new();
    let mut came: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for op in differences::between(&old, &new) {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = op
        {
            for at in 0..len {
                origin[new_at[new_index + at]] = Some(old_at[old_index + at]);
            }
            continue;
        }
        for at in op.old_range() {
            lost.entry(&old[at]).or_default().push(old_at[at]);
        }
        for at in op.new_range() {
            came.entry(&new[at]).or_default().push(new_at[at]);
        }
    }
    for (text, from) in lost {
        if let ([from], Some([to])) = (&from[..], came.get(text).map(Vec::as_slice))
            && !text.is_empty()
        {
            origin[*to] = Some(*from);
        }
    }
    origin
}

/// What nobody else's section says.
fn telling(document: &Document, lines: Range<usize>) -> Vec<Vec<u8>> {
    let is_telling = |line: &usize| {
        let is_file = words(document, *line)
            .first()
            .is_some_and(|name| name.eq_ignore_ascii_case(b"SSLCertificateFile"));
        is_file || redirect_of(document, *line).is_some()
    };
    lines
        .filter(is_telling)
        .map(|line| normal(document, line))
        .collect()
}

/// The text of a line without what people change when they tidy up.
pub(super) fn normal(document: &Document, line: usize) -> Vec<u8> {
    match document.lines()[line].kind {
        LineKind::Directive | LineKind::SectionOpening => {
            let mut words = words(document, line);
            if let Some(name) = words.first_mut() {
                name.make_ascii_lowercase();
            }
            words.join(&b' ')
        }
        _ => document.text(line).to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Version;
    use super::*;

    const FILE: &str = "/f";

    fn record(enables: bool, before: &str, after: &str) -> Record {
        Record {
            action: if enables { Action::Enable } else { Action::Other },
            files: vec![Version {
                path: FILE.into(),
                before: before.into(),
                after: after.into(),
            }],
            ..Record::default()
        }
    }

    /// For each line what stood there before all runs; `+` for a line that came, `=` for one that was there.
    fn told(records: &[Record], now: &str) -> Vec<String> {
        let now = Document::new(now.as_bytes().to_vec(), Platform::Unix);
        let traces = trace(records, Path::new(FILE), &now, Platform::Unix);
        let tell = |trace: &Trace| match (trace.past.last(), trace.original, &trace.section) {
            (Some(Past { old: Some(old), .. }), ..) => String::from_utf8_lossy(old).trim().to_owned(),
            (Some(_), ..) => "+".to_owned(),
            (None, true, _) => "=".to_owned(),
            (None, _, Some((record, line))) => format!("{record}:{line}"),
            _ => "?".to_owned(),
        };
        traces.lines.iter().map(tell).collect()
    }

    #[test]
    fn lines_are_found_where_they_are_now() {
        let runs = [record(
            true,
            "a\nListen 80\n#LoadModule x y\nb\n",
            "a\nListen 443\nLoadModule x y\nb\nnew z\n",
        )];
        let now = "top\n\tlisten   \"443\"\r\na\nb\nnew z\nLoadModule x y\n";
        assert_eq!(
            told(&runs, now),
            ["?", "Listen 80", "=", "=", "+", "#LoadModule x y"]
        );
    }

    #[test]
    fn several_runs_lead_back_to_the_first() {
        let runs = [
            record(true, "SSLCertificateFile a\n", "SSLCertificateFile b\n"),
            record(false, "SSLCertificateFile b\nx\n", "SSLCertificateFile b\ny\n"),
            record(true, "SSLCertificateFile b\ny\n", "SSLCertificateFile c\ny\n"),
        ];
        assert_eq!(
            told(&runs, "SSLCertificateFile c\ny\n"),
            ["SSLCertificateFile a", "?"]
        );
        // What was undone meanwhile is not ours any more, even if somebody wrote the same again.
        let undone = record(false, "SSLCertificateFile c\ny\n", "SSLCertificateFile a\n");
        let runs = [&runs[..], &[undone]].concat();
        assert_eq!(
            told(&runs, "SSLCertificateFile a\nSSLCertificateFile c\n"),
            ["=", "?"]
        );
    }

    #[test]
    fn a_section_stays_ours_without_its_comment() {
        let section = "<VirtualHost *:443>\nServerName a\nSSLCertificateFile f\n</VirtualHost>\n";
        let site = "<VirtualHost *:80>\nServerName a\n</VirtualHost>\n";
        let marked = format!("{site}\n# HTTPS for a, added by esync-ssl\n{section}");
        let runs = [record(true, site, &marked)];
        let all = ["=", "=", "=", "+", "0:4", "0:4", "0:4", "0:4", "0:4"];
        assert_eq!(told(&runs, &marked), all);
        let mut without = all.to_vec();
        without.remove(4);
        assert_eq!(told(&runs, &format!("{site}\n{section}")), without);
        assert_eq!(told(&runs, site), ["=", "=", "="]);
    }
}
