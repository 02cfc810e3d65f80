//! What one run did to one file: the two texts laid beside each other, so that a line that was changed is paired with
//! the one that it was. Knows no other run.

use std::collections::HashMap;

use crate::differences::{self, DiffOp};
use crate::httpd::{Document, LineKind};

use super::marks::{Block, blocks, words};

/// Where a line of the state after a run comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Same(usize),
    Changed(usize),
    /// It came; between others and the section at that line, if it is blank.
    New(Option<usize>),
    /// It came as part of the section with its marker at that line.
    Section(usize),
}

/// What a run did to a file.
pub(super) struct Run {
    /// For each line afterwards where it comes from.
    pub lines: Vec<From>,
    /// Lines that went, and the line of the state after the run behind which each stood.
    pub gone: Vec<(usize, Option<usize>)>,
}

impl Run {
    pub fn between(before: &Document, after: &Document) -> Run {
        let (cut_before, cut) = (only_in_first(before, after), only_in_first(after, before));
        let raw = |document: &Document, line: usize| document.raw(line).to_vec();
        let (old, old_at) = remaining(before, &cut_before, raw);
        let (new, new_at) = remaining(after, &cut, raw);
        let mut run = Run {
            lines: vec![From::New(None); after.lines().len()],
            gone: Vec::new(),
        };
        let pairs = Pairs::new((before, &old, &old_at), (after, &new, &new_at));
        for (from, to) in pairs.all() {
            match (from, to) {
                (Some(from), Some(to)) if old[from] == new[to] => {
                    run.lines[new_at[to]] = From::Same(old_at[from]);
                }
                (Some(from), Some(to)) => run.lines[new_at[to]] = From::Changed(old_at[from]),
                (Some(from), None) => run.gone.push((old_at[from], None)),
                _ => {}
            }
        }
        run.place_gone();
        for block in &cut {
            run.mark(after, block);
        }
        run
    }

    /// Behind which line each of those that went stood: behind the one before it, or where that went as well, that
    /// one's.
    fn place_gone(&mut self) {
        let now: HashMap<usize, usize> = (0..)
            .zip(&self.lines)
            .filter_map(|(at, from)| match from {
                From::Same(old) | From::Changed(old) => Some((*old, at)),
                _ => None,
            })
            .collect();
        for (old, behind) in &mut self.gone {
            *behind = (0..*old).rev().find_map(|above| now.get(&above).copied());
        }
    }

    /// The lines of a section that came, and the blank ones around it.
    fn mark(&mut self, after: &Document, block: &Block) {
        let lines = block.lines();
        self.lines[lines.clone()].fill(From::Section(block.marker));
        let blank = |line: &usize| after.lines()[*line].kind == LineKind::Blank;
        let above = (0..lines.start).rev().take_while(blank);
        let below = (lines.end..after.lines().len()).take_while(blank);
        for line in above.chain(below) {
            if self.lines[line] == From::New(None) {
                self.lines[line] = From::New(Some(block.marker));
            }
        }
    }
}

/// Did a run only end that line, the last one of the file?
pub(super) fn is_ended(before: &Document, old: usize, new: &[u8]) -> bool {
    let raw = before.raw(old);
    old + 1 == before.lines().len() && new.len() > raw.len() && new.starts_with(raw)
}

/// The marked sections of a document that another does not have.
pub(super) fn only_in_first(document: &Document, other: &Document) -> Vec<Block> {
    let text = |document: &Document, line: usize| document.text(line).to_vec();
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    for block in blocks(other) {
        *known.entry(text(other, block.marker)).or_default() += 1;
    }
    let mut found = blocks(document);
    found.retain(|block| match known.get_mut(&text(document, block.marker)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    found
}

/// The lines outside of sections, as something to compare by, and where they are.
pub(super) fn remaining<T>(
    document: &Document,
    cut: &[Block],
    key: impl Fn(&Document, usize) -> T,
) -> (Vec<T>, Vec<usize>) {
    let inside = |line: &usize| cut.iter().any(|block| block.lines().contains(line));
    let at: Vec<usize> = (0..document.lines().len()).filter(|line| !inside(line)).collect();
    (at.iter().map(|line| key(document, *line)).collect(), at)
}

/// A text as lines, and which lines of its document they are.
type Side<'a> = (&'a Document, &'a [Vec<u8>], &'a [usize]);

/// What a line is about: a directive, commented out or not, whatever its arguments are, except that a module stays the
/// same one.
type About = Option<Vec<Vec<u8>>>;

/// Two texts laid beside each other at the least cost.
struct Pairs<'a> {
    old: Side<'a>,
    new: Side<'a>,
    about: [Vec<About>; 2],
}

/// A pair of lines, or one without a partner.
type Pair = (Option<usize>, Option<usize>);

/// More than that many pairs are not weighed against each other.
const MOST: usize = 1 << 20;

const ENDED: u32 = 1;
const CHANGED: u32 = 2;
const BLANK: u32 = 3;
const CAME: u32 = 4;
const WENT: u32 = 5;

impl<'a> Pairs<'a> {
    fn new(old: Side<'a>, new: Side<'a>) -> Self {
        let about =
            [old, new].map(|(document, _, at)| at.iter().map(|line| about(document, *line)).collect());
        Pairs { old, new, about }
    }

    fn all(&self) -> Vec<Pair> {
        let (old, new) = (self.old.1, self.new.1);
        if old.len() * new.len() <= MOST {
            return self.weighed(0..old.len(), 0..new.len());
        }
        let mut pairs = Vec::new();
        for op in differences::between(old, new) {
            let (from, to) = (op.old_range(), op.new_range());
            match op {
                DiffOp::Equal { .. } => pairs.extend(from.map(Some).zip(to.map(Some))),
                _ if from.len() * to.len() <= MOST => pairs.extend(self.weighed(from, to)),
                _ => {
                    pairs.extend(from.map(|line| (Some(line), None)));
                    pairs.extend(to.map(|line| (None, Some(line))));
                }
            }
        }
        pairs
    }

    /// What it costs to take a line for another.
    fn cost(&self, from: usize, to: usize) -> Option<u32> {
        let (old, new) = (&self.old.1[from], &self.new.1[to]);
        if old == new {
            return Some(0);
        }
        if is_ended(self.old.0, self.old.2[from], new) {
            return Some(ENDED);
        }
        let same = self.about[0][from].is_some() && self.about[0][from] == self.about[1][to];
        same.then_some(CHANGED)
    }

    fn came(&self, to: usize) -> u32 {
        match self.new.1[to].trim_ascii() {
            b"" => BLANK,
            _ => CAME,
        }
    }

    fn weighed(&self, from: std::ops::Range<usize>, to: std::ops::Range<usize>) -> Vec<Pair> {
        let width = to.len() + 1;
        // The cost of what remains from each pair of places on.
        let mut cost = vec![0u32; (from.len() + 1) * width];
        let at = |i: usize, j: usize| (i - from.start) * width + (j - to.start);
        for j in to.clone().rev() {
            cost[at(from.end, j)] = cost[at(from.end, j + 1)] + self.came(j);
        }
        for i in from.clone().rev() {
            cost[at(i, to.end)] = cost[at(i + 1, to.end)] + WENT;
            for j in to.clone().rev() {
                let pair = self.cost(i, j).map(|own| own + cost[at(i + 1, j + 1)]);
                let single = (cost[at(i + 1, j)] + WENT).min(cost[at(i, j + 1)] + self.came(j));
                cost[at(i, j)] = pair.map_or(single, |pair| pair.min(single));
            }
        }
        let (mut i, mut j) = (from.start, to.start);
        let mut pairs = Vec::new();
        while i < from.end || j < to.end {
            let now = cost[at(i, j)];
            let pairs_up = i < from.end
                && j < to.end
                && self
                    .cost(i, j)
                    .is_some_and(|own| own + cost[at(i + 1, j + 1)] == now);
            if pairs_up {
                pairs.push((Some(i), Some(j)));
                (i, j) = (i + 1, j + 1);
            } else if j < to.end && cost[at(i, j + 1)] + self.came(j) == now {
                pairs.push((None, Some(j)));
                j += 1;
            } else {
                pairs.push((Some(i), None));
                i += 1;
            }
        }
        pairs
    }
}

fn about(document: &Document, line: usize) -> About {
    let mut words = match document.lines()[line].kind {
        LineKind::Comment => document.commented(line)?.words,
        LineKind::Directive => words(document, line),
        _ => return None,
    };
    words.first_mut()?.make_ascii_lowercase();
    words.truncate(if words[0] == b"loadmodule" { 2 } else { 1 });
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::Platform;

    /// For each line afterwards the number of the one that it was, `+` for a new one; then those that went.
    fn told(before: &str, after: &str) -> String {
        let document = |text: &str| Document::new(text.as_bytes().to_vec(), Platform::Unix);
        let run = Run::between(&document(before), &document(after));
        let mut all: Vec<String> = run
            .lines
            .iter()
            .map(|from| match from {
                From::Same(old) => old.to_string(),
                From::Changed(old) => format!("~{old}"),
                From::New(None) => "+".into(),
                From::New(Some(_)) => "_".into(),
                From::Section(_) => "s".into(),
            })
            .collect();
        all.extend(run.gone.iter().map(|(old, behind)| format!("-{old}@{behind:?}")));
        all.join(" ")
    }

    #[test]
    fn a_changed_line_is_paired_with_the_right_one() {
        assert_eq!(told("Listen 80\nx\n", "Listen 443\nx\n"), "~0 1");
        assert_eq!(
            told("SSLEngine on\nSSLEngine off\n", "SSLEngine on\nSSLEngine on\n"),
            "0 ~1"
        );
        assert_eq!(told("Listen 80\n", "#Listen 80\nListen 443\n"), "~0 +");
        assert_eq!(
            told(
                "#LoadModule a x\n#LoadModule b y\n",
                "#LoadModule a x\nLoadModule b y\n"
            ),
            "0 ~1"
        );
        assert_eq!(told("a 1\nchain c\nb 2\n", "a 1\nb 2\n"), "0 2 -1@Some(0)");
    }

    #[test]
    fn the_end_of_a_last_line_is_no_new_line() {
        let section = "# HTTPS for a, added by esync-ssl\n<VirtualHost *:443>\n</VirtualHost>\n";
        let before = "<IfModule a>\n<IfModule b>\nListen 80\n</IfModule>\n</IfModule>";
        let after = format!("<IfModule a>\n<IfModule b>\nListen 443\n</IfModule>\n</IfModule>\n\n{section}");
        assert_eq!(told(before, &after), "0 1 ~2 3 ~4 _ s s s");
        assert_eq!(told("#Listen 443", "Listen 443\n#Listen 443\n"), "+ ~0");
    }
}
