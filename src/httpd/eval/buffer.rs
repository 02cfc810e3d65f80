//! httpd's line buffer, as far as it loses text: a last line that fills it exactly, without a line end, is dropped
//! when the buffer grows and the file turns out to be at its end. Says nothing about any other line.

/// Buffers up to this size come from a pool, larger ones straight from the allocator in pages.
const POOLED: usize = 2048;
const PAGE: usize = 4096;
/// What the allocator and the buffer keep of each allocation for themselves.
const OVERHEAD: usize = 57;

/// The buffer of one file, or of one conditional that holds: each has its own.
#[derive(Debug)]
pub(in crate::httpd) struct Buffer {
    /// How many bytes it takes before it must grow.
    limit: usize,
    /// Nothing else was allocated since it was made, so that it can grow where it is.
    alone: bool,
}

impl Buffer {
    /// A new one.
    pub fn new() -> Self {
        Buffer {
            limit: 206,
            alone: true,
        }
    }

    /// Takes the bytes of a logical line and says whether it is lost, should it be the last of its file.
    pub fn loses(&mut self, raw: &[u8]) -> bool {
        let (mut joined, mut full_at) = (0, 0);
        let mut lost = false;
        for physical in raw.split_inclusive(|&b| b == b'\n') {
            let text = physical.strip_suffix(b"\n");
            while joined + physical.len() > self.limit
                || (joined + physical.len() == self.limit && text.is_none())
            {
                full_at = self.limit;
                self.grow();
            }
            let carried = text.map(|text| text.strip_suffix(b"\r").unwrap_or(text));
            match carried.and_then(|text| text.strip_suffix(b"\\")) {
                Some(text) => joined += text.len(),
                None => joined += physical.len(),
            }
            lost = joined == full_at && full_at > 0;
        }
        lost
    }

    /// Notes that a line was worked on: from now on the buffer moves when it grows.
    pub fn disturb(&mut self) {
        self.alone = false;
    }

    fn grow(&mut self) {
        let size = self.limit + 1;
        let wanted = 2 * size + 1;
        self.limit = if wanted > POOLED {
            let pages = (wanted + OVERHEAD).div_ceil(PAGE).max(2);
            pages * PAGE - OVERHEAD - 1
        } else {
            let wanted = wanted.next_multiple_of(8);
            if self.alone { size + wanted - 1 } else { wanted - 2 }
        };
        // What it has now was allocated last.
        self.alone = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_at_which_httpd_loses_a_line() {
        let lost = |alone: bool| -> Vec<usize> {
            let loses = |size: &usize| {
                let mut buffer = Buffer::new();
                if !alone {
                    buffer.disturb();
                }
                buffer.loses(&vec![b'x'; *size])
            };
            (1..40_000).filter(loses).collect()
        };
        assert_eq!(lost(true), [206, 622, 1870, 8134, 16326, 32710]);
        assert_eq!(lost(false), [206, 414, 1246, 8134, 16326, 32710]);
        let mut buffer = Buffer::new();
        assert!(!buffer.loses(&[b'x'; 205]));
        assert!(!buffer.loses(&[&[b'x'; 205][..], b"\n"].concat()));
        assert!(buffer.loses(&[&[b'x'; 206][..], b"\\\n"].concat()));
    }
}
