//! What is rare in a file, seen before its lines are looked at one by one. Knows no lines.

use memchr::memchr;

use crate::httpd::text::scan::find_reference;

/// Looks through a file for what is rare, a block before its lines are split, so that it is still at hand then.
pub struct Scout<'a> {
    source: &'a [u8],
    looked: usize,
    /// A NUL was seen.
    pub nul: bool,
    /// Where the next `${` stands of those that were seen.
    reference: Option<usize>,
}

impl<'a> Scout<'a> {
    /// One that has seen nothing, and begins there.
    pub fn new(source: &'a [u8], from: usize) -> Self {
        Scout {
            source,
            looked: from,
            nul: false,
            reference: None,
        }
    }

    /// Looks at least as far as that.
    pub fn look_up_to(&mut self, end: usize) {
        const BLOCK: usize = 64 << 10;
        while self.looked < end {
            let from = self.looked;
            self.looked = (from + BLOCK).min(self.source.len());
            self.nul |= memchr(0, &self.source[from..self.looked]).is_some();
            if self.reference.is_none() {
                self.find_reference(from);
            }
        }
    }

    /// Does `${` stand before this place, and behind the last that was asked for?
    pub fn refers_before(&mut self, end: usize) -> bool {
        let refers = self.reference.is_some_and(|at| at < end);
        if refers {
            self.find_reference(end);
        }
        refers
    }

    fn find_reference(&mut self, from: usize) {
        // Its second byte may stand in the next block.
        let across = (self.looked + 1).min(self.source.len());
        self.reference = find_reference(&self.source[from..across]).map(|at| from + at);
    }
}
