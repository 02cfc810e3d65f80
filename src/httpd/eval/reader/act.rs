//! The directives that act while reading, those that open files and macros excepted.

use super::lines::Lines;
use super::{REFUSED, Reader};
use crate::finding::Finding;
use crate::httpd::model::entry::{Entry, EntryId};
use crate::httpd::model::module::LoadModule;
use crate::httpd::model::truth::Truth;
use crate::httpd::model::{known, path};
use crate::httpd::text::word::words;

impl Reader {
    /// Carries out a directive that acts while reading; all others wait for the walk.
    /// Which section it stands in does not matter: `execute_now` (config.c) comes before sections mean anything.
    pub(super) fn act(&mut self, name: &[u8], rest: &[u8], entry: Entry, lines: &mut Lines) {
        if !matches!(
            name.first(),
            Some(b'S' | b's' | b'D' | b'd' | b'U' | b'u' | b'I' | b'i' | b'L' | b'l')
        ) {
            return;
        }
        if known::find(name).iter().any(|known| known.acts_while_reading) {
            self.acted += 1;
            if self.in_part {
                self.stopped = true;
                return;
            }
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("Define") {
            self.define(rest, entry, lines);
        } else if is("UnDefine") {
            if let Some([name]) = self.take::<1>("UnDefine", rest, entry, lines)
                && self.is_variable_name(&name, entry, lines)
            {
                self.c.variables.undefine(&name, entry.truth);
            }
        } else if is("ServerRoot") {
            self.server_root(rest, entry, lines);
        } else if is("LoadModule") {
            self.load_module(rest, entry, lines);
        } else if is("Include") || is("IncludeOptional") {
            self.include(rest, entry, lines, is("IncludeOptional"));
        } else if is("Use") && self.c.modules.has(b"macro_module") != Truth::False {
            self.use_macro(rest, entry, lines);
        } else if is("UndefMacro") && self.c.modules.has(b"macro_module") != Truth::False {
            let name = words(rest)
                .next()
                .map(|w| w.value.into_owned())
                .unwrap_or_default();
            self.macros.undefine(&name);
        }
    }

    /// Exactly N arguments, none of them empty.
    pub(super) fn take<const N: usize>(
        &mut self,
        name: &str,
        rest: &[u8],
        entry: Entry,
        lines: &Lines,
    ) -> Option<[Vec<u8>; N]> {
        let all: Vec<Vec<u8>> = words(rest).map(|w| w.value.into_owned()).collect();
        let complete = all.iter().all(|word| !word.is_empty());
        let arguments = <[Vec<u8>; N]>::try_from(all).ok().filter(|_| complete);
        if arguments.is_none() {
            let count = ["no", "one argument", "two arguments"]
                .get(N)
                .copied()
                .unwrap_or_default();
            self.problem(
                lines,
                entry.truth,
                Finding {
                    rule: "arguments",
                    apache: Some(format!("{name} takes {count}")),
                    summary: format!("`{name}` takes {count}"),
                    ..REFUSED
                },
            );
        }
        arguments
    }

    fn define(&mut self, rest: &[u8], entry: Entry, lines: &Lines) {
        let all: Vec<Vec<u8>> = words(rest).map(|w| w.value.into_owned()).collect();
        let (name, value) = match all.as_slice() {
            [name] if !name.is_empty() => (name, None),
            // An empty second word of TAKE12 counts as none.
            [name, value] if !name.is_empty() => (name, Some(value.as_slice()).filter(|v| !v.is_empty())),
            _ => {
                return self.problem(
                    lines,
                    entry.truth,
                    Finding {
                        rule: "arguments",
                        apache: Some("Define takes 1-2 arguments".into()),
                        summary: "`Define` takes a name and optionally a value; put a value with blanks in \
                             quotation marks"
                            .into(),
                        ..REFUSED
                    },
                );
            }
        };
        if !self.is_variable_name(name, entry, lines) {
            return;
        }
        self.c.variables.define(name, value, entry.truth);
    }

    fn is_variable_name(&mut self, name: &[u8], entry: Entry, lines: &Lines) -> bool {
        let colon = name.contains(&b':');
        if colon {
            self.problem(
                lines,
                entry.truth,
                Finding {
                    rule: "variable-name",
                    apache: Some("Variable name must not contain ':'".into()),
                    summary: "the name of a variable must not contain a colon".into(),
                    ..REFUSED
                },
            );
        }
        !colon
    }

    fn server_root(&mut self, rest: &[u8], entry: Entry, lines: &Lines) {
        let Some([root]) = self.take::<1>("ServerRoot", rest, entry, lines) else {
            return;
        };
        let root = path::normalize(&root, self.c.source.platform);
        if !path::is_absolute(&root, self.c.source.platform) {
            return self.problem(
                lines,
                entry.truth,
                Finding {
                    rule: "server-root",
                    apache: Some("ServerRoot must be a valid directory".into()),
                    summary: "the server root must be an absolute path".into(),
                    ..REFUSED
                },
            );
        }
        if entry.truth == Truth::True {
            self.c.source.enter_root(&root);
            self.c.server_root = root;
        }
    }

    pub(super) fn load_module(&mut self, rest: &[u8], entry: Entry, lines: &Lines) {
        let arguments = if entry.truth == Truth::False {
            let all: Vec<Vec<u8>> = words(rest).map(|w| w.value.into_owned()).collect();
            <[Vec<u8>; 2]>::try_from(all).ok()
        } else {
            self.take::<2>("LoadModule", rest, entry, lines)
        };
        let Some([identifier, file]) = arguments else {
            return;
        };
        if entry.truth != Truth::False {
            self.c.modules.load(&identifier, entry.truth);
        }
        let id = (self.c.entries.len() - 1) as EntryId;
        let server_root = self.c.server_root.clone();
        self.c.load_modules.push(LoadModule {
            identifier,
            file,
            truth: entry.truth,
            entry: id,
            server_root,
        });
    }
}
