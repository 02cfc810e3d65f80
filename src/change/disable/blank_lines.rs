//! Blank lines that came with what goes, and the end of the file. Comes last.

use std::collections::BTreeSet;

use super::decide::{Decision, line_ending};

impl Decision<'_> {
    /// Blank lines that came with what goes, and the line end that the last line of a file had to get.
    pub(super) fn blanks(&mut self) {
        let found = self.found;
        let end = self.is_end();
        let touched: BTreeSet<usize> = self.lines.keys().map(|(file, _)| *file).collect();
        for (file, line) in found.written() {
            let traces = &found.files[file].traces;
            let Some(past) = traces.lines[line].past.last() else {
                continue;
            };
            if past.old.is_some() || !found.is_blank(file, line) || !touched.contains(&file) {
                continue;
            }
            let goes = match past.beside {
                Some(place) => {
                    let mut own =
                        (0..traces.lines.len()).filter(|at| traces.lines[*at].section == Some(place));
                    own.all(|at| matches!(self.lines.get(&(file, at)), Some((None, _))))
                }
                None => end,
            };
            if goes {
                let neighbour = [line.checked_sub(1), Some(line + 1)].into_iter().flatten();
                let reasons = neighbour.filter_map(|at| self.lines.get(&(file, at)));
                let reason = reasons.map(|(_, reason)| reason.clone()).next();
                self.remove(
                    (file, line),
                    reason.unwrap_or_else(|| "a blank line that was added".into()),
                );
            }
        }
        for file in touched {
            self.end_of_file(file);
        }
    }

    fn end_of_file(&mut self, file: usize) {
        let found = self.found;
        let document = found.files[file].document;
        let stays = |line: &usize| !matches!(self.lines.get(&(file, *line)), Some((None, _)));
        let Some(last) = (0..document.lines().len()).rev().find(stays) else {
            return;
        };
        let path = &found.configuration.file(found.files[file].id).host;
        let at = document.span(last).end;
        let inserted = self
            .decided
            .edits
            .iter()
            .any(|edit| &edit.file == path && edit.span.start >= at);
        let Some(end) = found.files[file].traces.lines[last].end.clone() else {
            return;
        };
        if inserted {
            return;
        }
        let unended = |text: &[u8]| text[..text.len() - line_ending(text).len()].to_vec();
        if let Some((Some(new), _)) = self.lines.get_mut(&(file, last)) {
            *new = unended(new);
            return;
        }
        let raw = document.raw(last);
        let new = if raw.starts_with(&end) { end } else { unended(raw) };
        if new != raw {
            let reason = "the last line ends as it did before".into();
            self.lines.insert((file, last), (Some(new), reason));
        }
    }
}
