//! Why a request is not carried out, as data: a stable code, the cause and what helps, with the places that they name.
//! Whoever knows the reason makes it; how it is shown is decided at the edge. Refuses nothing itself.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

pub use crate::refusal_code::RefusalCode;

/// A request that is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its reason, for programs.
    pub code: RefusalCode,
    /// Its reason, for people.
    pub cause: Text,
    /// What helps; empty where nothing is known to.
    pub fix: Text,
    /// What stands between them when both are one text.
    joint: &'static str,
    /// What it is about besides the places that it names.
    about: Vec<Place>,
}

impl Refusal {
    /// `joint` stands between cause and fix when both are one text.
    pub(crate) fn new(
        code: RefusalCode,
        cause: impl Into<Text>,
        joint: &'static str,
        fix: impl Into<Text>,
    ) -> Self {
        Refusal {
            code,
            cause: cause.into(),
            fix: fix.into(),
            joint,
            about: Vec::new(),
        }
    }

    /// The same, about places that its text does not name as such: others named them, or they were shown before.
    pub(crate) fn about(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        self.about.extend(places);
        self
    }

    /// The same with more words behind it.
    pub(crate) fn and(mut self, more: impl Into<Text>) -> Self {
        let last = if self.fix == Text::default() {
            &mut self.cause
        } else {
            &mut self.fix
        };
        last.0.extend(more.into().0);
        self
    }

    /// The places that it names or is about, each once, in their order.
    pub fn places(&self) -> Vec<&Place> {
        let mut named = HashSet::new();
        let all = self.cause.places().chain(self.fix.places()).chain(&self.about);
        all.filter(|place| named.insert(*place)).collect()
    }

    pub(crate) fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let parts = self.cause.0.iter_mut().chain(&mut self.fix.0);
        let named = parts.filter_map(|part| match part {
            Part::At(place) => Some(place),
            Part::Words(_) => None,
        });
        named.chain(&mut self.about)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.cause, self.joint, self.fix)
    }
}

impl std::error::Error for Refusal {}

/// What is the case and what helps, where that is no refusal: one text for people, its halves for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advised {
    /// What is the case.
    pub cause: String,
    /// What helps.
    pub fix: String,
    /// It is the system that refused.
    pub of_system: bool,
    /// What stands between them when both are one text.
    joint: &'static str,
}

impl Advised {
    /// `joint` stands between cause and fix when both are one text.
    pub(crate) fn new(cause: impl Into<String>, joint: &'static str, fix: impl Into<String>) -> Self {
        Advised {
            cause: cause.into(),
            fix: fix.into(),
            of_system: false,
            joint,
        }
    }

    /// The same, where the system refused.
    pub(crate) fn by_system(self) -> Self {
        Advised {
            of_system: true,
            ..self
        }
    }
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.cause, self.joint, self.fix)
    }
}

impl std::error::Error for Advised {}

/// Words for people, and places among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Words(String),
    At(Place),
}

impl Text {
    /// The places in it, in their order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::At(place) => Some(place),
            Part::Words(_) => None,
        })
    }

    /// The same with more behind it.
    pub(crate) fn and(mut self, more: impl Into<Text>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    /// Some texts with words between them.
    pub(crate) fn joined(texts: impl IntoIterator<Item = Text>, between: &str) -> Self {
        let mut all = Text::default();
        for (at, text) in texts.into_iter().enumerate() {
            if at > 0 {
                all = all.and(between);
            }
            all = all.and(text);
        }
        all
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Words(words) => f.write_str(words),
            Part::At(place) => place.fmt(f),
        })
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Text(vec![Part::Words(words)])
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<&String> for Text {
    fn from(words: &String) -> Self {
        words.as_str().into()
    }
}

impl From<u16> for Text {
    fn from(number: u16) -> Self {
        number.to_string().into()
    }
}

impl From<Place> for Text {
    fn from(place: Place) -> Self {
        Text(vec![Part::At(place)])
    }
}

/// A text of several parts: words, numbers, places, other texts.
macro_rules! say {
    ($($part:expr),+ $(,)?) => {
        $crate::refusal::Text::default()$(.and($part))+
    };
}

pub(crate) use say;

/// A file, and mostly a line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file on this machine.
    pub file: PathBuf,
    /// The file as it is shown.
    pub name: Vec<u8>,
    /// The line, from 1; none where the whole file is meant.
    pub line: Option<u32>,
    pub(crate) counted: Counted,
}

/// What the number of a line was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    /// In the file as it is on disk.
    OnDisk,
    /// In the file with the edits planned so far.
    Edited,
    /// It is the line of the site in the request, which moves with edits.
    AsAsked,
}

impl Place {
    /// A whole file, with its name as it is shown.
    pub(crate) fn file(file: impl Into<PathBuf>, name: &[u8]) -> Self {
        Place {
            file: file.into(),
            name: name.to_owned(),
            line: None,
            counted: Counted::OnDisk,
        }
    }

    /// A whole file, shown as what it is.
    pub(crate) fn path(file: impl Into<PathBuf>) -> Self {
        let file = file.into();
        let name = file.display().to_string();
        Place::file(file, name.as_bytes())
    }

    /// A line of it as it is on disk; none where it is not known.
    pub(crate) fn line(self, line: Option<u32>) -> Self {
        Place { line, ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        // Configurations spell paths with forward slashes; messages have one kind of separator.
        let shown = if cfg!(windows) {
            name.replace('/', r"\").into()
        } else {
            name
        };
        f.write_str(&shown)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, line: u32) -> Place {
        Place {
            file: file.into(),
            name: file.into(),
            line: Some(line),
            counted: Counted::OnDisk,
        }
    }

    #[test]
    fn a_refusal_is_one_text_and_its_parts() {
        let cause = say!["port ", 443, " is taken at ", at("a", 3), " and ", at("b", 5)];
        let fix = say!["look at ", at("a", 3)];
        let refusal = Refusal::new(RefusalCode::PortSpeaksHttp, cause, "; ", fix);
        assert_eq!(
            refusal.to_string(),
            "port 443 is taken at a:3 and b:5; look at a:3"
        );
        assert_eq!(refusal.fix.to_string(), "look at a:3");
        assert_eq!(refusal.places(), [&at("a", 3), &at("b", 5)]);
        assert_eq!(
            Text::joined([say!["a"], say![at("c", 1)]], ", ").to_string(),
            "a, c:1"
        );
    }

    #[test]
    fn every_reason_has_one_word() {
        let mut words: Vec<&str> = RefusalCode::ALL.iter().map(|(_, word)| *word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), RefusalCode::ALL.len());
    }
}
