//! The main file and all it includes, evaluated in Apache's order: what other parts ask. [`super::reader`] fills it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::bytes::Bytes;
use super::entries::Entries;
use super::line::trim;
use super::module::{LoadModule, Modules};
use super::problem::Problem;
use super::word::words;
use super::{Document, Facts, Listen, Source, Truth, Variables, VirtualHost, reader};

/// Index of a file in [`Configuration::files`].
pub type FileId = u32;
/// Index of an entry in [`Configuration::entries`].
pub type EntryId = u32;
/// Index of a section in [`Configuration::sections`].
pub type SectionId = u32;

/// The section that encloses everything: the server level.
pub const SERVER: SectionId = 0;

/// Everything that was read, active or not, and what follows from it.
#[derive(Debug)]
pub struct Configuration {
    pub(super) files: Vec<ReadFile>,
    pub(super) entries: Entries,
    pub(super) sections: Vec<Section>,
    pub(super) texts: Vec<Text>,
    pub(super) problems: Vec<Problem>,
    pub(super) load_modules: Vec<LoadModule>,
    pub(super) modules: Modules,
    pub(super) variables: Variables,
    pub(super) server_root: Vec<u8>,
    pub(super) source: Source,
    pub(super) facts: Facts,
    pub(super) index: Index,
}

/// What questions about the whole need again and again, gathered at the first one.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_name: OnceLock<HashMap<Vec<u8>, Vec<EntryId>>>,
    server_level: OnceLock<Vec<EntryId>>,
    /// The last active directive of each name at the server level.
    settings: OnceLock<HashMap<Vec<u8>, EntryId>>,
    pub listens: OnceLock<Vec<Listen>>,
    /// The virtual hosts as the check saw them, kept only because they need not be given back before all else.
    pub checked: OnceLock<Vec<VirtualHost>>,
    /// Whether a line is of the server level, by file and line.
    levels: OnceLock<Vec<Vec<Truth>>>,
}

/// One reading of a file. A file that is included twice is read twice.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// Its name as Apache prints it.
    pub name: Vec<u8>,
    /// Its path on this machine.
    pub host: PathBuf,
    /// Its bytes and lines.
    pub document: Arc<Document>,
    /// File and line (index) of the `Include` that led here; `None` for the main file.
    pub included_from: Option<(FileId, u32)>,
    /// Is it really read?
    pub truth: Truth,
}

/// A directive or the opening of a section.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The file.
    pub file: FileId,
    /// The line (index in the file's document). In a macro, the line of the `Use`.
    pub line: u32,
    /// The innermost section around it.
    pub section: SectionId,
    /// 0, or 1 + the index of its text where that differs from the file's.
    pub(super) text: u32,
    /// Does Apache see it?
    pub truth: Truth,
    /// It opens a section.
    pub opens: bool,
}

/// A section: from its opening to its closing line.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The section around it.
    pub parent: SectionId,
    /// Its opening; `u32::MAX` for the server level.
    pub opening: EntryId,
    /// The line that closes it: an index in the document of the file where it was opened, or `None` when it is
    /// closed by the end of the file or of a macro.
    pub closing: Option<u32>,
    /// Conditionals that Apache decides while reading: their content belongs to the section around them.
    pub transparent: bool,
    /// How many sections stand around it.
    pub(super) depth: u16,
    /// Does Apache see what is inside?
    pub truth: Truth,
}

/// The text of an entry where it is not the file's: variables substituted, or out of a macro.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub bytes: Vec<u8>,
    pub place: Option<MacroPlace>,
}

/// Where a line of an expanded macro stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacroPlace {
    /// Apache's name for the place: `macro 'n' (defined on line L of "F") used on line M of "G"`.
    pub name: Arc<str>,
    /// Line in the body, from 1.
    pub line: u32,
}

impl Configuration {
    /// Reads the main file (an absolute path of the configuration) and everything it includes.
    ///
    /// # Errors
    /// Only when the main file itself cannot be read; all else becomes a [`Problem`].
    pub fn read(main: &[u8], source: Source, facts: Facts) -> std::io::Result<Configuration> {
        let bytes = source.read(main)?;
        if bytes.len() >= u32::MAX as usize {
            return Err(std::io::Error::other("it is larger than 4 GiB"));
        }
        Ok(Configuration::from_bytes(main, bytes, source, facts))
    }

    /// The same with the bytes of the main file (less than 4 GiB), which need not be read again.
    pub fn from_bytes(main: &[u8], bytes: impl Into<Bytes>, source: Source, facts: Facts) -> Configuration {
        reader::read(main, bytes.into(), source, facts)
    }

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
    pub fn problems(&self) -> &[Problem] {
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
        let index = self.index.by_name.get_or_init(|| {
            let mut index: HashMap<Vec<u8>, Vec<EntryId>> = HashMap::new();
            for (id, entry) in (0..).zip(self.entries.iter()) {
                let name = self.name(entry).to_ascii_lowercase();
                index.entry(name).or_default().push(id);
            }
            index
        });
        let ids = index
            .get(name.to_ascii_lowercase().as_bytes())
            .map(Vec::as_slice)
            .unwrap_or_default();
        ids.iter().map(|id| (*id, self.entry(*id)))
    }

    /// Entries of the server level, conditionals that Apache decides while reading seen through.
    pub(super) fn server_level(&self) -> &[EntryId] {
        self.index.server_level.get_or_init(|| {
            (0..)
                .zip(self.entries.iter())
                .filter(|(_, entry)| self.context(entry) == SERVER)
                .map(|(id, _)| id)
                .collect()
        })
    }

    /// The last active setting of a directive at the server level.
    pub(super) fn server_setting(&self, name: &str) -> Option<&Entry> {
        let settings = self.index.settings.get_or_init(|| {
            let active = self
                .server_level()
                .iter()
                .filter(|id| self.entry(**id).truth == Truth::True);
            active
                .map(|id| (self.name(self.entry(*id)).to_ascii_lowercase(), *id))
                .collect()
        });
        settings
            .get(name.to_ascii_lowercase().as_bytes())
            .map(|id| self.entry(*id))
    }

    /// Has the entry that name?
    pub fn is_named(&self, entry: &Entry, name: &str) -> bool {
        self.name(entry).eq_ignore_ascii_case(name.as_bytes())
    }

    /// The whole text of an entry: joined, trimmed, and with variables substituted where it is active.
    pub fn text(&self, entry: &Entry) -> Cow<'_, [u8]> {
        match entry.text.checked_sub(1) {
            Some(index) => Cow::Borrowed(&self.texts[index as usize].bytes),
            None => self.files[entry.file as usize].document.text(entry.line as usize),
        }
    }

    /// Its place in a macro, if it came out of one.
    pub fn macro_place(&self, entry: &Entry) -> Option<&MacroPlace> {
        self.texts[entry.text.checked_sub(1)? as usize].place.as_ref()
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

    /// The argument of a section: up to the last `>` of the line.
    pub fn section_argument(&self, entry: &Entry) -> Vec<u8> {
        let mut rest = self.rest(entry);
        let end = rest.iter().rposition(|&b| b == b'>').unwrap_or(rest.len());
        rest.truncate(end);
        trim(&rest).to_vec()
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

    /// Does Apache read this line of a file as a directive of the server level, were it one? Lines inside sections
    /// other than conditionals that hold do not count.
    pub fn is_server_level(&self, file: FileId, line: u32) -> Truth {
        let levels = self.index.levels.get_or_init(|| self.levels());
        let own = levels[file as usize].get(line as usize).copied();
        own.unwrap_or(self.file(file).truth)
    }

    /// For each line of each file whether it is of the server level: all sections in one pass.
    fn levels(&self) -> Vec<Vec<Truth>> {
        // How many sections more there are around a line than around the one before: false ones, undecided ones.
        let mut around: Vec<Vec<(i32, i32)>> = self
            .files
            .iter()
            .map(|file| vec![(0, 0); file.document.lines().len() + 1])
            .collect();
        for section in self.sections.iter().skip(1) {
            let truth = if section.transparent {
                section.truth
            } else {
                Truth::False
            };
            let (no, unknown) = ((truth == Truth::False) as i32, (truth == Truth::Unknown) as i32);
            let opening = self.entry(section.opening);
            let lines = &mut around[opening.file as usize];
            let first = opening.line as usize + 1;
            let behind = section
                .closing
                .map_or(lines.len(), |closing| closing as usize + 1);
            if first < behind {
                for (at, sign) in [(first, 1), (behind, -1)] {
                    if let Some(line) = lines.get_mut(at) {
                        *line = (line.0 + sign * no, line.1 + sign * unknown);
                    }
                }
            }
        }
        let level = |lines: Vec<(i32, i32)>, truth: Truth| -> Vec<Truth> {
            let mut sum = (0, 0);
            let levels = lines.into_iter().map(|line| {
                sum = (sum.0 + line.0, sum.1 + line.1);
                match sum {
                    (1.., _) => Truth::False,
                    (_, 1..) => Truth::Unknown.and(truth),
                    _ => truth,
                }
            });
            levels.collect()
        };
        let mut levels: Vec<Vec<Truth>> = Vec::with_capacity(self.files.len());
        for (lines, file) in around.into_iter().zip(&self.files) {
            // What a virtual host includes is its own.
            let outside = file.included_from.and_then(|(outer, line)| {
                let lines: &Vec<Truth> = levels.get(outer as usize)?;
                lines.get(line as usize).copied()
            });
            let truth = outside.map_or(file.truth, |outside| outside.and(file.truth));
            levels.push(level(lines, truth));
        }
        levels
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
                    let pattern = super::resolve(&self.server_root, argument, self.source.platform);
                    super::include::may_enter(&pattern, folder)
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

/// Apache drops one `>` at the end of the first word unless it starts with `</` (or any byte and a slash).
pub(super) fn strip_one_bracket(name: &mut Vec<u8>) {
    if name.get(1) != Some(&b'/') && name.last() == Some(&b'>') {
        name.pop();
    }
}
