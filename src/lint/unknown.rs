//! Names that no module provides which is there: who would, or what may be meant.

use super::walk::Walk;
use crate::finding::{Code, Finding, Phase};
use crate::httpd::known::{self, Known};
use crate::httpd::{Entry, escape, source_name};

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Walk<'_> {
    /// A name that no module provides which is there.
    pub fn unknown(&mut self, entry: Entry, name: &[u8], all: &[Known]) {
        if all.is_empty() && self.table.foreign {
            // It may belong to a module that we do not know.
            return;
        }
        let shown = escape(name);
        let module = all.first().map(|known| known::module_name(known.module));
        let message = match all.first() {
            Some(known) => Some(self.provider(known)),
            None => never_a_name(name).map(str::to_string),
        };
        let fault = match module {
            Some(_) => Code::ModuleNotLoaded,
            None if name.starts_with(MARK) => Code::ConfigEncoding,
            None => Code::DirectiveUnknown,
        };
        if message.is_none() {
            self.unknown.push((self.found.len(), name.to_vec()));
        }
        self.report(
            &entry,
            Some(0),
            Finding {
                rule: "unknown-directive",
                apache: Some(format!(
                    "Invalid command '{shown}', perhaps misspelled or defined by a module not included in the \
                     server configuration"
                )),
                summary: message.unwrap_or_default(),
                fault: Some(fault),
                module,
                ..Finding::refused(Phase::Checking)
            },
        );
    }

    /// Who would provide a directive, and what about its `LoadModule`.
    fn provider(&mut self, known: &Known) -> String {
        let file = known::module_name(known.module);
        let name = known.name;
        let load = self
            .c
            .load_modules()
            .iter()
            .find(|load| source_name(&load.identifier) == file.as_bytes());
        match load {
            Some(load) => format!(
                "`{name}` belongs to {file}, whose LoadModule at {} is inactive",
                self.c.place(self.c.entry(load.entry))
            ),
            None => match self.commented_load(file) {
                Some(place) => {
                    format!("`{name}` belongs to {file}, whose LoadModule at {place} is commented out")
                }
                None => format!("`{name}` belongs to {file}, which is not loaded"),
            },
        }
    }

    /// Where the `LoadModule` of a module stands in a comment.
    fn commented_load(&mut self, file: &'static str) -> Option<String> {
        if let Some(known) = self.commented.get(file) {
            return known.clone();
        }
        let found = self.find_commented_load(file);
        self.commented.insert(file, found.clone());
        found
    }

    fn find_commented_load(&self, file: &str) -> Option<String> {
        self.c.files().iter().find_map(|read| {
            (0..read.document.lines().len()).find_map(|line| {
                let words = read.document.commented(line)?.words;
                let [name, identifier, _] = words.as_slice() else {
                    return None;
                };
                let same =
                    name.eq_ignore_ascii_case(b"LoadModule") && source_name(identifier) == file.as_bytes();
                same.then(|| {
                    let number = read.document.number(line);
                    format!("{}:{number}", String::from_utf8_lossy(&read.name))
                })
            })
        })
    }

    /// Says which names are like the unknown ones; not for all of thousands, as to look for one is slow.
    pub fn guess(&mut self) {
        const MOST: usize = 100;
        for (n, (finding, name)) in std::mem::take(&mut self.unknown).into_iter().enumerate() {
            let shown = escape(&name);
            let similar = (n < MOST).then(|| known::similar(&name)).flatten();
            self.found[finding].summary = match similar {
                Some(similar) => format!("there is no directive `{shown}`; `{similar}` is probably meant"),
                None => format!("no module of Apache has a directive `{shown}`"),
            };
        }
    }
}

/// What is wrong with a first word that cannot be the name of any directive.
fn never_a_name(name: &[u8]) -> Option<&'static str> {
    if name.starts_with(MARK) {
        return Some(
            "the file starts with a byte order mark, which Apache on Unix reads as part of the first word; save it \
             without the mark",
        );
    }
    name.starts_with(b"#")
        .then_some("a `#` that comes from a variable does not start a comment")
}
