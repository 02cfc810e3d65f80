//! What the text of one line says by itself: whether it is a directive of the table that is written without any fault
//! or trap. Found while a file is split, as most lines are of that kind and need no second look. Says of the lines that
//! it does not understand only whether they may act while reading; all of them are looked at properly.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::httpd::model::known::{self, Arity, Known};
use crate::httpd::text::scan::{LineKind, find_space, is_space, trim, trim_start};
use memchr::memchr2;

/// What a glance at a line has shown. There may be millions of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance(u16);

impl Glance {
    /// It does not act while reading, as it stands: a variable in its name may change that. Else nothing is known.
    pub const NOTHING: Glance = Glance(0);
    const MAY_ACT: Glance = Glance(u16::MAX);

    /// A conditional; which one, and its index in [`Tests`], follow.
    const TEST: u16 = 0x8000;
    const DEFINE: u16 = 0x4000;

    /// The directive of the table that it is, written without fault; or the section that it closes.
    pub fn known(self) -> Option<&'static Known> {
        self.known_index().map(known::entry)
    }

    /// The index of that directive in the table.
    pub fn known_index(self) -> Option<u16> {
        match self.0 {
            0 | u16::MAX => None,
            test if test & Glance::TEST != 0 => Some(known::conditional(test & Glance::DEFINE != 0)),
            index => Some(index - 1),
        }
    }

    /// Its index in [`Tests`]: conditionals of one text have the same.
    pub fn test(self) -> Option<usize> {
        let is_test = self.0 & Glance::TEST != 0 && !self.may_act();
        is_test.then_some((self.0 & (Glance::DEFINE - 1)) as usize)
    }

    /// A conditional of the table with its index in [`Tests`], if they had room for it.
    fn of_test(known: u16, index: Option<usize>) -> Glance {
        let is_define = known::entry(known).name == "<IfDefine";
        match index {
            Some(index) if is_define => Glance(Glance::TEST | Glance::DEFINE | index as u16),
            Some(index) => Glance(Glance::TEST | index as u16),
            None => Glance(known + 1),
        }
    }

    /// Where variables are to be substituted, less is certain.
    pub fn before_substitution(self) -> Glance {
        match self.known() {
            Some(_) => Glance::NOTHING,
            None => self,
        }
    }

    /// May it act while reading, as it stands and conditionals excepted? Errs on the side of yes.
    pub fn may_act(self) -> bool {
        self == Glance::MAY_ACT
    }
}

/// The texts of the conditionals of a file. Hardly any of a thousand asks for something new, so that each is decided once.
#[derive(Clone, Debug, Default)]
pub struct Tests {
    texts: HashMap<Vec<u8>, usize, RandomState>,
}

impl Tests {
    /// The index of a text; there is room for some thousand.
    fn index(&mut self, text: &[u8]) -> Option<usize> {
        const MOST: usize = 10_000;
        let next = self.texts.len();
        match self.texts.get(text) {
            Some(index) => Some(*index),
            None if next == MOST => None,
            None => {
                self.texts.insert(text.to_vec(), next);
                Some(next)
            }
        }
    }

    /// Adds others; what is returned says what a glance that has its index from there is here.
    pub fn append(&mut self, more: Tests) -> impl Fn(Glance) -> Glance + use<> {
        let mut more: Vec<_> = more.texts.into_iter().collect();
        more.sort_unstable_by_key(|(_, index)| *index);
        let moved: Vec<_> = more.iter().map(|(text, _)| self.index(text)).collect();
        move |glance| match glance.test() {
            Some(index) => Glance::of_test(known::conditional(glance.0 & Glance::DEFINE != 0), moved[index]),
            None => glance,
        }
    }
}

/// Looks at the trimmed text of a line. What it says holds as long as no variable is substituted in the line.
pub fn look(kind: LineKind, text: &[u8], tests: &mut Tests) -> Glance {
    #[cfg(test)]
    if tests::OFF.get() {
        return Glance::MAY_ACT;
    }
    if matches!(kind, LineKind::Blank | LineKind::Comment) {
        return Glance::NOTHING;
    }
    let (known, may_act): (_, fn(&[u8]) -> bool) = match kind {
        LineKind::Directive => (directive(text), may_act),
        LineKind::SectionClosing => (closed(text), |_| false),
        _ => (section(text), |text| {
            !matches!(
                text,
                [b'<', b'a'..=b'l' | b'A'..=b'L' | b'n'..=b'z' | b'N'..=b'Z', ..]
            )
        }),
    };
    match known {
        Some(index) => match known::entry(index).is_condition && kind == LineKind::SectionOpening {
            true => Glance::of_test(index, tests.index(text)),
            false => Glance(index + 1),
        },
        None if may_act(text) => Glance::MAY_ACT,
        None => Glance::NOTHING,
    }
}

/// Could the line begin with a directive that acts while reading, or with a quoted or escaped word that needs a closer
/// look?
fn may_act(text: &[u8]) -> bool {
    let Some(head) = text.first_chunk::<3>() else {
        return true;
    };
    match [head[0] | 0x20, head[1] | 0x20, head[2] | 0x20] {
        // ServerRoot, but not ServerName and ServerAlias
        [b's', b'e', b'r'] => text.get(6).is_none_or(|b| matches!(b, b'r' | b'R' | b'\\')),
        [b'd', b'e', b'f']
        | [b'u', b'n', b'd']
        | [b'u', b's', b'e']
        | [b'i', b'n', b'c']
        | [b'l', b'o', b'a'] => true,
        [first, second, third] => {
            !(first.is_ascii_lowercase() && second.is_ascii_lowercase() && third.is_ascii_lowercase())
        }
    }
}

fn directive(text: &[u8]) -> Option<u16> {
    let (name, rest) = split_name(text);
    let (index, known) = known::single(name)?;
    if known.acts_while_reading {
        return None;
    }
    let good = match known.arity {
        Arity::Raw => memchr::memchr(b'#', rest).is_none(),
        Arity::Flag => rest.eq_ignore_ascii_case(b"on") || rest.eq_ignore_ascii_case(b"off"),
        arity => count(rest).is_some_and(|count| takes(arity, count)),
    };
    good.then_some(index)
}

/// Sections are read further by others in the spelling of the table only.
fn section(text: &[u8]) -> Option<u16> {
    let (name, rest) = split_name(text);
    let (index, known) = known::single(name)?;
    let argument = rest.strip_suffix(b">")?;
    if known.name.as_bytes() != name || argument.contains(&b'>') {
        return None;
    }
    let count = match argument {
        [b'~', next, pattern @ ..] if is_space(*next) => count(trim(pattern))?,
        _ => count(trim(argument))?,
    };
    let good = match known.name {
        "<VirtualHost" => count > 0,
        "<IfModule" | "<IfDefine" => count == 1,
        _ => count == 1 && takes_one_path(known),
    };
    good.then_some(index)
}

/// The section that a text closes which is its closing tag and no more.
fn closed(text: &[u8]) -> Option<u16> {
    let name = text.strip_prefix(b"</")?.strip_suffix(b">")?;
    let mut opening = [b'<'; 32];
    opening.get_mut(1..=name.len())?.copy_from_slice(name);
    let (index, _) = known::single(&opening[..=name.len()])?;
    Some(index)
}

/// Sections whose argument is one path, name or pattern, which is not judged.
pub fn takes_one_path(known: &Known) -> bool {
    matches!(
        known.name,
        "<Directory" | "<DirectoryMatch" | "<Location" | "<LocationMatch" | "<Files" | "<FilesMatch"
    )
}

/// The first word of a trimmed text, and what follows the blanks behind it.
pub fn split_name(text: &[u8]) -> (&[u8], &[u8]) {
    let (name, rest) = text.split_at(find_space(text));
    (name, trim_start(rest))
}

/// The number of words, if they are written without an empty one, an open quote or what looks like a comment.
fn count(text: &[u8]) -> Option<usize> {
    let (mut at, mut count) = (0, 0);
    while let Some(&first) = text.get(at) {
        match first {
            b'#' => return None,
            b'"' | b'\'' => {
                let start = at + 1;
                at = start;
                loop {
                    at += memchr2(first, b'\\', text.get(at..)?)?;
                    if text[at] == first {
                        break;
                    }
                    let escapes = text.get(at + 1).is_some_and(|&b| b == first || b == b'\\');
                    at += if escapes { 2 } else { 1 };
                }
                if at == start {
                    return None;
                }
                at += 1;
            }
            _ => at += find_space(&text[at..]),
        }
        count += 1;
        while text.get(at).is_some_and(|&b| is_space(b)) {
            at += 1;
        }
    }
    Some(count)
}

fn takes(arity: Arity, count: usize) -> bool {
    match arity {
        Arity::Raw | Arity::Flag => false,
        Arity::One => count == 1,
        Arity::Two => count == 2,
        Arity::Three => count == 3,
        Arity::OneTwo => (1..=2).contains(&count),
        Arity::OneTwoThree => (1..=3).contains(&count),
        Arity::OneThree => count == 1 || count == 3,
        Arity::TwoThree => (2..=3).contains(&count),
        Arity::Iterate => count >= 1,
        Arity::Iterate2 => count >= 2,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// Nothing is seen at a glance, so that all of it is looked at properly.
        pub static OFF: Cell<bool> = const { Cell::new(false) };
    }
}
