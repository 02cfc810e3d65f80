//! The list of all entries, in pieces that are put together without copying them: there may be millions.

use std::ops::Index;

use super::entry::{Entry, EntryId};

/// The entries of a configuration, in Apache's order.
#[derive(Debug)]
pub struct Entries {
    /// Never empty, and only the last one grows: each with the number of entries before it.
    pieces: Vec<(EntryId, Vec<Entry>)>,
}

impl Default for Entries {
    fn default() -> Self {
        Entries {
            pieces: vec![(0, Vec::new())],
        }
    }
}

impl Entries {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.pieces
            .last()
            .map_or(0, |(start, piece)| *start as usize + piece.len())
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        if let Some((_, piece)) = self.pieces.last_mut() {
            piece.reserve(more);
        }
    }

    /// Adds one at the end.
    pub fn push(&mut self, entry: Entry) {
        if let Some((_, piece)) = self.pieces.last_mut() {
            piece.push(entry);
        }
    }

    /// Adds others at the end.
    pub fn append(&mut self, more: Entries) {
        for (_, piece) in more.pieces.into_iter().filter(|(_, piece)| !piece.is_empty()) {
            self.pieces.push((self.len() as EntryId, piece));
        }
    }

    /// One of them.
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        let (piece, at) = self.position(id);
        self.pieces[piece].1.get(at)
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.pieces.iter().flat_map(|(_, piece)| piece)
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.pieces.iter_mut().flat_map(|(_, piece)| piece)
    }

    /// Those from one of them on.
    pub fn from(&self, first: EntryId) -> impl Iterator<Item = &Entry> {
        let (piece, at) = self.position(first);
        let begun = self.pieces[piece].1.get(at..).unwrap_or_default();
        let more = self.pieces[piece + 1..].iter().flat_map(|(_, piece)| piece);
        begun.iter().chain(more)
    }

    /// Piece and index in it.
    fn position(&self, id: EntryId) -> (usize, usize) {
        let piece = match self.pieces.len() {
            1 => 0,
            _ => self
                .pieces
                .partition_point(|(start, _)| *start <= id)
                .saturating_sub(1),
        };
        (piece, (id - self.pieces[piece].0) as usize)
    }
}

impl Index<EntryId> for Entries {
    type Output = Entry;

    fn index(&self, id: EntryId) -> &Entry {
        let (piece, at) = self.position(id);
        &self.pieces[piece].1[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::fast::glance::Glance;
    use crate::httpd::{SERVER, Truth};

    fn entries(lines: std::ops::Range<u32>) -> Entries {
        let mut entries = Entries::default();
        for line in lines {
            entries.push(Entry {
                file: 0,
                line,
                section: SERVER,
                text: 0,
                truth: Truth::True,
                opens: false,
                glance: Glance::NOTHING,
            });
        }
        entries
    }

    #[test]
    fn pieces_are_one_list() {
        let mut all = Entries::default();
        for part in [0..3, 3..3, 3..7, 7..8] {
            all.append(entries(part));
        }
        assert_eq!(all.len(), 8);
        for id in 0..8 {
            assert_eq!(all[id].line, id);
            let rest: Vec<_> = all.from(id).map(|entry| entry.line).collect();
            assert_eq!(rest, (id..8).collect::<Vec<_>>());
        }
        assert!(all.get(8).is_none() && all.get(EntryId::MAX).is_none());
        assert_eq!(all.from(9).count(), 0);
        assert!(all.iter().rev().map(|entry| entry.line).eq((0..8).rev()));
    }
}
