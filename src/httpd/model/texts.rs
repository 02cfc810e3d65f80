//! The texts of entries where they are not those of the file: variables substituted, or out of a macro. They stand one
//! behind the other in one piece of memory, as there may be millions.

use super::entry::MacroPlace;

/// All of them. They are numbered from 1, so that 0 is none.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    all: Vec<Text>,
    places: Vec<MacroPlace>,
}

#[derive(Clone, Copy, Debug)]
struct Text {
    /// Where it ends, and the next one begins.
    end: usize,
    /// 0, or 1 + the index of its place.
    place: u32,
}

impl Texts {
    /// How many there are: the number of the last one.
    pub fn len(&self) -> u32 {
        self.all.len() as u32
    }

    /// Adds one, and gives its number.
    pub fn push(&mut self, bytes: &[u8], place: Option<&MacroPlace>) -> u32 {
        self.places.extend(place.cloned());
        self.bytes.extend_from_slice(bytes);
        self.all.push(Text {
            end: self.bytes.len(),
            place: place.map_or(0, |_| self.places.len() as u32),
        });
        self.len()
    }

    /// Adds others, whose numbers go on behind.
    pub fn append(&mut self, more: Texts) {
        let (bytes, places) = (self.bytes.len(), self.places.len() as u32);
        self.bytes.extend_from_slice(&more.bytes);
        self.places.extend(more.places);
        self.all.extend(more.all.into_iter().map(|text| Text {
            end: text.end + bytes,
            place: if text.place > 0 { text.place + places } else { 0 },
        }));
    }

    /// The text of that number; `None` for 0.
    pub fn bytes(&self, number: u32) -> Option<&[u8]> {
        let text = self.get(number)?;
        let start = self.get(number - 1).map_or(0, |before| before.end);
        Some(&self.bytes[start..text.end])
    }

    /// Where it stands in a macro, if it came out of one.
    pub fn place(&self, number: u32) -> Option<&MacroPlace> {
        let place = self.get(number)?.place.checked_sub(1)?;
        self.places.get(place as usize)
    }

    fn get(&self, number: u32) -> Option<&Text> {
        self.all.get(number.checked_sub(1)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_goes_on_behind() {
        let place = |line| MacroPlace {
            name: "m".into(),
            line,
        };
        let mut all = Texts::default();
        for first in [1, 3] {
            let mut part = Texts::default();
            assert_eq!(part.push(b"ab", None), 1);
            assert_eq!(part.push(&[b'c'; 3][..first as usize], Some(&place(first))), 2);
            all.append(part);
        }
        let texts: Vec<_> = (0..=all.len()).map(|number| all.bytes(number)).collect();
        assert_eq!(
            texts,
            [None, Some(&b"ab"[..]), Some(b"c"), Some(b"ab"), Some(b"ccc")]
        );
        let places: Vec<_> = (0..=5)
            .map(|number| all.place(number).map(|place| place.line))
            .collect();
        assert_eq!(places, [None, None, Some(1), None, Some(3), None]);
    }
}
