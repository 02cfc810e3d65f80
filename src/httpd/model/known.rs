//! The directives of httpd 2.4 and its standard modules: who provides them, what arguments they take, where they may
//! stand. Knows no values.
//!
//! The table, `directives.txt`, was made by asking httpd 2.4.71 (`-L`, and one trial of each directive) and has the
//! Windows directives added by hand.

use std::sync::OnceLock;

use crate::httpd::eval::condition::Condition;

/// How httpd checks the number of arguments before the module sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// The module gets the rest of the line and splits it as it likes; no check.
    Raw,
    /// Exactly one.
    One,
    /// Exactly two.
    Two,
    /// Exactly three.
    Three,
    /// One or two.
    OneTwo,
    /// One to three.
    OneTwoThree,
    /// One or three.
    OneThree,
    /// Two or three.
    TwoThree,
    /// One or more.
    Iterate,
    /// Two or more.
    Iterate2,
    /// `On` or `Off`; whatever follows is ignored.
    Flag,
}

/// Where a directive may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// At server level and in virtual hosts.
    pub server: bool,
    /// In `<Directory>` and the like.
    pub directory: bool,
    /// In `.htaccess` files.
    pub htaccess: bool,
    /// Not in virtual hosts, whatever `server` says.
    pub global_only: bool,
    /// Not in `<Directory>`, `<Files>` and `<If>`, whatever `directory` says.
    pub not_in_folders: bool,
}

/// One directive of one module.
#[derive(Clone, Debug)]
pub struct Known {
    /// As httpd spells it; sections start with `<`.
    pub name: &'static str,
    /// Index for [`module_name`].
    pub module: u8,
    /// Its arguments.
    pub arity: Arity,
    /// Where it may stand.
    pub places: Places,
    /// Carried out while reading: nothing is left to do afterwards.
    pub acts_while_reading: bool,
    /// A conditional section that is decided while reading.
    pub is_condition: bool,
    /// The next entry of the table is the same directive of another module.
    same_name_follows: bool,
}

const ACT_WHILE_READING: [&str; 11] = [
    "Define",
    "UnDefine",
    "ServerRoot",
    "LoadModule",
    "LoadFile",
    "Include",
    "IncludeOptional",
    "Use",
    "UndefMacro",
    "DefaultRuntimeDir",
    "UNCList",
];

/// Allowed at server level and in `<Location>` only, although the table says `<Directory>` too.
const NOT_IN_FOLDERS: [&str; 7] = [
    "Alias",
    "ScriptAlias",
    "CacheEnable",
    "CacheDisable",
    "ProxyPass",
    "ProxyPassMatch",
    "ProxyPassReverse",
];

struct Table {
    modules: Vec<&'static str>,
    entries: Vec<Known>,
    /// Open addressing: 1 + index of the first entry of a name, or 0.
    slots: Vec<u16>,
    /// Of `<IfModule` and `<IfDefine`.
    conditionals: [u16; 2],
}

/// The source file name of a module, such as `mod_ssl.c`.
pub fn module_name(module: u8) -> &'static str {
    table().modules.get(module as usize).copied().unwrap_or("")
}

/// All modules of the table, by index.
pub fn modules() -> &'static [&'static str] {
    &table().modules
}

/// The entries for a name, in any case (sections with their `<`): more than one where several modules provide it,
/// none where no standard module does.
pub fn find(name: &[u8]) -> &'static [Known] {
    let Some(first) = first(name) else { return &[] };
    let entries = &table().entries[first..];
    let more = entries.iter().take_while(|entry| entry.same_name_follows).count();
    &entries[..=more]
}

/// The entry for a name that one module alone provides, and its index for [`entry`].
pub fn single(name: &[u8]) -> Option<(u16, &'static Known)> {
    let index = first(name)?;
    let known = &table().entries[index];
    (!known.same_name_follows).then_some((index as u16, known))
}

/// The name of every entry.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    table().entries.iter().map(|known| known.name)
}

/// How many entries there are.
pub fn count() -> usize {
    table().entries.len()
}

/// An entry by its index.
pub fn entry(index: u16) -> &'static Known {
    &table().entries[index as usize]
}

/// Index of `<IfDefine`, or else of `<IfModule`.
pub fn conditional(is_define: bool) -> u16 {
    table().conditionals[usize::from(is_define)]
}

/// Index of the first entry for a name.
fn first(name: &[u8]) -> Option<usize> {
    let table = table();
    let mask = table.slots.len() - 1;
    let mut at = hash(name) & mask;
    loop {
        let index = table.slots[at].checked_sub(1).map(usize::from)?;
        let known = table.entries[index].name.as_bytes();
        if known == name || known.eq_ignore_ascii_case(name) {
            return Some(index);
        }
        at = (at + 1) & mask;
    }
}

/// A name of the table that differs from this one by a letter or two.
pub fn similar(name: &[u8]) -> Option<&'static str> {
    let near = |known: &&Known| known.name.len().abs_diff(name.len()) <= 2;
    let measured = table().entries.iter().filter(near).map(|known| {
        let distance = distance(known.name.as_bytes(), name);
        (distance, known.name)
    });
    let (distance, found) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2 && distance * 3 <= name.len()).then_some(found)
}

/// How many letters must be put in, taken out or changed.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(!x.eq_ignore_ascii_case(y));
            corner = row[j + 1];
            row[j + 1] = change.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Over the length and eight bytes at either end; the bit in which upper and lower case differ is set in all of them.
fn hash(name: &[u8]) -> usize {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let (first, last) = match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (name.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0),
    };
    let mixed =
        (first | CASE).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (last | CASE) ^ (name.len() as u64) << 40;
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| parse(include_str!("directives.txt")))
}

/// Lines `MODULE` start a group; lines ` NAME ARITY PLACES` belong to it. `#` starts a comment.
fn parse(text: &'static str) -> Table {
    let mut modules = Vec::new();
    let mut entries = Vec::with_capacity(1024);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split_ascii_whitespace();
        let Some(first) = parts.next() else { continue };
        if !line.starts_with(' ') {
            modules.push(first);
            continue;
        }
        let (Some(arity), Some(places)) = (parts.next().and_then(arity), parts.next()) else {
            continue;
        };
        entries.push(Known {
            name: first,
            module: (modules.len().saturating_sub(1)) as u8,
            arity,
            places: Places {
                server: places.contains('s'),
                directory: places.contains('d'),
                htaccess: places.contains('h'),
                global_only: places.contains('g'),
                not_in_folders: NOT_IN_FOLDERS.contains(&first),
            },
            acts_while_reading: ACT_WHILE_READING.contains(&first),
            is_condition: Condition::by_name(first.trim_start_matches('<').as_bytes()).is_some(),
            same_name_follows: false,
        });
    }
    entries.sort_by_cached_key(|entry| entry.name.to_ascii_lowercase());
    let mut slots = vec![0u16; 4096];
    for index in 0..entries.len() {
        let same = |other: Option<&Known>| {
            other.is_some_and(|other| other.name.eq_ignore_ascii_case(entries[index].name))
        };
        let follows = same(entries.get(index + 1));
        if !index
            .checked_sub(1)
            .is_some_and(|before| same(entries.get(before)))
        {
            let mut at = hash(entries[index].name.as_bytes()) & 4095;
            while slots[at] != 0 {
                at = (at + 1) & 4095;
            }
            slots[at] = index as u16 + 1;
        }
        entries[index].same_name_follows = follows;
    }
    let index = |name| entries.iter().position(|entry| entry.name == name);
    let conditionals = ["<IfModule", "<IfDefine"].map(|name| index(name).unwrap_or_default() as u16);
    Table {
        modules,
        entries,
        slots,
        conditionals,
    }
}

fn arity(word: &str) -> Option<Arity> {
    Some(match word {
        "r" => Arity::Raw,
        "1" => Arity::One,
        "2" => Arity::Two,
        "3" => Arity::Three,
        "12" => Arity::OneTwo,
        "123" => Arity::OneTwoThree,
        "13" => Arity::OneThree,
        "23" => Arity::TwoThree,
        "+" => Arity::Iterate,
        "++" => Arity::Iterate2,
        "f" => Arity::Flag,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conditionals_are_in_the_table() {
        let names = [false, true].map(|is_define| entry(conditional(is_define)).name);
        assert_eq!(names, ["<IfModule", "<IfDefine"]);
    }

    #[test]
    fn names_are_found_in_any_case() {
        let found = find(b"sslengine");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "SSLEngine");
        assert_eq!(module_name(found[0].module), "mod_ssl.c");
        assert!(find(b"<VIRTUALHOST")[0].places.server);
        assert!(find(b"NoSuchDirective").is_empty());
        assert!(find(b"").is_empty());
        assert!(find(b"StartServers").len() >= 3);
    }

    #[test]
    fn every_line_of_the_table_is_understood() {
        let text = include_str!("directives.txt");
        let lines = text.lines().filter(|line| line.starts_with(' ')).count();
        assert_eq!(table().entries.len(), lines);
        assert!(table().modules.len() < 256 && lines < 2048);
        assert!(
            table()
                .entries
                .iter()
                .all(|entry| !find(entry.name.as_bytes()).is_empty())
        );
    }
}
