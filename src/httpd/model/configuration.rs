//! The main file and all it includes, evaluated in Apache's order: what other parts ask. The reader fills it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;

use super::entries::Entries;
use super::entry::{Entry, EntryId, FileId, MacroPlace, ReadFile, SERVER, Section, SectionId};
use super::facts::Facts;
use super::hosts::Hosts;
use super::known;
use super::listen::Listen;
use super::module::{LoadModule, Modules};
use super::path::resolve;
use super::source::Source;
use super::spot::Spot;
use super::texts::Texts;
use super::truth::Truth;
use super::virtual_host::Address;
use crate::finding::Finding;
use crate::httpd::eval::include::may_enter;
use crate::httpd::eval::variable::Variables;
use crate::httpd::text::scan::trim;
use crate::httpd::text::word::words;

/// Everything that was read, active or not, and what follows from it.
#[derive(Debug)]
pub struct Configuration {
    pub(in crate::httpd) files: Vec<ReadFile>,
    pub(in crate::httpd) entries: Entries,
    pub(in crate::httpd) sections: Vec<Section>,
    pub(in crate::httpd) texts: Texts,
    pub(in crate::httpd) problems: Vec<Finding<Spot>>,
    pub(in crate::httpd) load_modules: Vec<LoadModule>,
    pub(in crate::httpd) modules: Modules,
    pub(in crate::httpd) variables: Variables,
    pub(in crate::httpd) server_root: Vec<u8>,
    pub(in crate::httpd) source: Source,
    pub(in crate::httpd) facts: Facts,
    pub(in crate::httpd) index: Index,
}

/// What questions about the whole need again and again, gathered at the first one.
#[derive(Debug, Default)]
pub(in crate::httpd) struct Index {
    by_name: OnceLock<ByName>,
    server_level: OnceLock<Vec<EntryId>>,
    pub listens: OnceLock<Vec<Listen>>,
    /// The active ones of them, by index, as virtual hosts write their addresses.
    pub listens_at: OnceLock<HashMap<Address, Vec<usize>>>,
    pub hosts: OnceLock<Hosts>,
    /// Whether lines are of the server level, by file: from which line on.
    pub levels: OnceLock<Vec<Vec<(u32, Truth)>>>,
}

/// Entries by their names.
#[derive(Debug)]
struct ByName {
    /// Directives that one module alone provides, by their index in the table.
    known: Vec<Named>,
    /// All others, in lower case.
    others: HashMap<Vec<u8>, Named>,
}

/// The entries of one name.
#[derive(Clone, Debug, Default)]
pub(in crate::httpd) struct Named {
    /// All of them, in order.
    pub all: Vec<EntryId>,
    /// Those of the server level.
    pub server_level: Vec<EntryId>,
    /// The last active one of those.
    pub setting: Option<EntryId>,
}

impl Configuration {
    /// The files, in the order in which Apache opened them; the main file is the first.
    pub fn files(&self) -> &[ReadFile] {
        &self.files
    }

    /// One file.
    pub fn file(&self, id: FileId) -> &ReadFile {
        &self.files[id as usize]
    }

    /// The readings of a file on this machine's path.
    pub fn files_at<'a>(&'a self, host: &'a Path) -> impl Iterator<Item = (FileId, &'a ReadFile)> {
        (0..).zip(&self.files).filter(move |(_, file)| file.host == host)
    }

    /// All directives and section openings in Apache's order, inactive ones included.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many there are.
    pub fn entry_count(&self) -> usize {
        self.entries.len()
    }

    /// Those from one of them on.
    pub fn entries_from(&self, first: EntryId) -> impl Iterator<Item = &Entry> {
        self.entries.from(first)
    }

    /// One of them.
    pub fn entry(&self, id: EntryId) -> &Entry {
        &self.entries[id]
    }

    /// The sections; [`SERVER`] is the first.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// What is wrong with the text.
    pub fn problems(&self) -> &[Finding<Spot>] {
        &self.problems
    }

    /// Every `LoadModule`, in order, inactive ones included.
    pub fn load_modules(&self) -> &[LoadModule] {
        &self.load_modules
    }

    /// The modules after the last line.
    pub fn modules(&self) -> &Modules {
        &self.modules
    }

    /// The variables after the last line.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The server root after the last line, as the configuration spells it.
    pub fn server_root(&self) -> &[u8] {
        &self.server_root
    }

    /// The server root in force at a line, which a relative file there hangs on.
    pub fn server_root_at(&self, line: EntryId) -> Vec<u8> {
        let before = self.named("ServerRoot").take_while(|(id, _)| *id < line);
        let in_force = before.filter(|(_, entry)| entry.truth == Truth::True).last();
        let named = in_force.and_then(|(_, entry)| self.arguments(entry).into_iter().next());
        let platform = self.source.platform;
        named
            .map(|root| super::path::normalize(&root, platform))
            .filter(|root| super::path::is_absolute(root, platform))
            .unwrap_or_else(|| self.source.initial_root())
    }

    /// Where the bytes came from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What was assumed or known about the server.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Entries with that name (case does not matter; sections with their `<`).
    pub fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = (EntryId, &'a Entry)> + use<'a> {
        let all = self.by_name(name).map_or(&[][..], |named| &named.all);
        all.iter().map(|id| (*id, self.entry(*id)))
    }

    /// What the index has for a name.
    pub(in crate::httpd) fn by_name(&self, name: &str) -> Option<&Named> {
        let index = self.index.by_name.get_or_init(|| self.collect_names());
        match known::single(name.as_bytes()) {
            Some((directive, _)) => index.known.get(directive as usize),
            None => index.others.get(name.to_ascii_lowercase().as_bytes()),
        }
    }

    fn collect_names(&self) -> ByName {
        let mut index = ByName {
            known: vec![Named::default(); known::count()],
            others: HashMap::new(),
        };
        for (id, entry) in (0..).zip(self.entries.iter()) {
            // Most lines are known since they were split.
            let named = match entry.glance.known_index() {
                Some(directive) => &mut index.known[directive as usize],
                None => {
                    let name = self.name(entry);
                    match known::single(&name) {
                        Some((directive, _)) => &mut index.known[directive as usize],
                        None => index.others.entry(name.to_ascii_lowercase()).or_default(),
                    }
                }
            };
            named.all.push(id);
            if self.context(entry) == SERVER {
                named.server_level.push(id);
                if entry.truth == Truth::True {
                    named.setting = Some(id);
                }
            }
        }
        index.known.iter_mut().for_each(|named| named.all.shrink_to_fit());
        index
    }

    /// Entries of the server level, conditionals that Apache decides while reading seen through.
    pub(in crate::httpd) fn server_level(&self) -> &[EntryId] {
        self.index.server_level.get_or_init(|| {
            (0..)
                .zip(self.entries.iter())
                .filter(|(_, entry)| self.context(entry) == SERVER)
                .map(|(id, _)| id)
                .collect()
        })
    }

    /// Has the entry that name?
    pub fn is_named(&self, entry: &Entry, name: &str) -> bool {
        if let Some(known) = entry.glance.known() {
            return known.name.eq_ignore_ascii_case(name);
        }
        self.name(entry).eq_ignore_ascii_case(name.as_bytes())
    }

    /// The whole text of an entry: joined, trimmed, and with variables substituted where it is active.
    pub fn text(&self, entry: &Entry) -> Cow<'_, [u8]> {
        match self.texts.bytes(entry.text) {
            Some(own) => Cow::Borrowed(own),
            None => self.files[entry.file as usize].document.text(entry.line as usize),
        }
    }

    /// Its place in a macro, if it came out of one.
    pub fn macro_place(&self, entry: &Entry) -> Option<&MacroPlace> {
        self.texts.place(entry.text)
    }

    /// Its name: the first word. That of a section opening starts with `<` and has no `>`.
    pub fn name(&self, entry: &Entry) -> Vec<u8> {
        let text = self.text(entry);
        let mut name = words(&text)
            .next()
            .map(|w| w.value.into_owned())
            .unwrap_or_default();
        strip_one_bracket(&mut name);
        name
    }

    /// What follows the name, not split into words.
    pub fn rest(&self, entry: &Entry) -> Vec<u8> {
        let text = self.text(entry);
        let mut words = words(&text);
        words.next();
        // Blanks at the end can only come out of a variable, and Apache keeps those.
        words.rest().to_vec()
    }

    /// The arguments, split into words.
    pub fn arguments(&self, entry: &Entry) -> Vec<Vec<u8>> {
        words(&self.text(entry))
            .skip(1)
            .map(|w| w.value.into_owned())
            .collect()
    }

    /// The argument of a section.
    pub fn section_argument(&self, entry: &Entry) -> Vec<u8> {
        section_argument(&self.text(entry)).to_vec()
    }

    /// The innermost section around an entry that is not a conditional decided while reading.
    pub fn context(&self, entry: &Entry) -> SectionId {
        let mut id = entry.section;
        while self.sections[id as usize].transparent {
            id = self.sections[id as usize].parent;
        }
        id
    }

    /// The sections around an entry, innermost first, without the server level.
    pub fn ancestors(&self, entry: &Entry) -> impl Iterator<Item = (SectionId, &Section)> {
        let mut id = entry.section;
        std::iter::from_fn(move || {
            if id == SERVER {
                return None;
            }
            let section = (id, &self.sections[id as usize]);
            id = section.1.parent;
            Some(section)
        })
    }

    /// The opening entry of a section; `None` for the server level.
    pub fn opening(&self, section: SectionId) -> Option<&Entry> {
        self.entries.get(self.sections[section as usize].opening)
    }

    /// An `Include` or `IncludeOptional` that would read files put into a folder (an absolute path of the
    /// configuration); those in false conditionals do not count.
    pub fn include_into(&self, folder: &[u8]) -> Option<&Entry> {
        let includes = self.named("Include").chain(self.named("IncludeOptional"));
        includes
            .map(|(_, entry)| entry)
            .filter(|entry| entry.truth != Truth::False)
            .find(|entry| {
                self.arguments(entry).first().is_some_and(|argument| {
                    let pattern = resolve(&self.server_root, argument, self.source.platform);
                    may_enter(&pattern, folder)
                })
            })
    }

    /// Number of the first physical line of an entry.
    pub fn line_number(&self, entry: &Entry) -> u32 {
        self.files[entry.file as usize]
            .document
            .number(entry.line as usize)
    }

    /// `FILE:LINE`, for people.
    pub fn place(&self, entry: &Entry) -> String {
        format!(
            "{}:{}",
            String::from_utf8_lossy(&self.file(entry.file).name),
            self.line_number(entry)
        )
    }
}

/// The argument of a section: what stands between its name and the last `>` of the line.
pub(super) fn section_argument(text: &[u8]) -> &[u8] {
    let mut words = words(text);
    words.next();
    let rest = words.rest();
    let end = memchr::memrchr(b'>', rest).unwrap_or(rest.len());
    trim(&rest[..end])
}

/// Apache drops one `>` at the end of the first word unless it starts with `</` (or any byte and a slash).
pub(in crate::httpd) fn strip_one_bracket(name: &mut Vec<u8>) {
    if name.get(1) != Some(&b'/') && name.last() == Some(&b'>') {
        name.pop();
    }
}
