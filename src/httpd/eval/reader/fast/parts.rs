//! A long stretch of a file in which nothing acts while reading, in parts: several processors read one each. What a part
//! hangs on does not change in it, and is known before. Where that turns out to be wrong, the file is read on in order.

use std::ops::Range;
use std::sync::Arc;

use super::super::lines::Lines;
use super::super::{Frame, Reader};
use crate::httpd::eval::macros::Macros;
use crate::httpd::model::configuration::Configuration;
use crate::httpd::model::entry::{EntryId, FileId, SERVER, SectionId};
use crate::httpd::model::truth::Truth;
use crate::httpd::text::document::Document;
use crate::httpd::text::scan::LineKind;
use crate::parallel::{self, Ahead, processors};

impl Reader {
    /// Reads as much of the file as can be read so; nothing is open behind it.
    pub(in super::super) fn read_in_parts(&mut self, lines: &mut Lines, frames: &mut Vec<Frame>) {
        let parts = worthwhile(&lines.document);
        let Some((first, ahead)) = parts.split_first().filter(|(_, ahead)| !ahead.is_empty()) else {
            return;
        };
        self.read_lines(lines, frames, first.start);
        if self.stopped || !stands_at(first.start, lines, frames) {
            return;
        }
        let acted = self.acted;
        let (file, document, truth) = (lines.file, lines.document.clone(), frames[0].truth);
        let known = self.for_part();
        let read = |n: usize| known.for_part().read_part(file, &document, &ahead[n], truth);
        let parts = Ahead::new(ahead.len(), read);
        parts.with_helpers(processors() - 1, || {
            self.read_lines(lines, frames, first.end);
            for (n, part) in ahead.iter().enumerate() {
                if self.stopped || self.acted != acted || !stands_at(part.start, lines, frames) {
                    return;
                }
                let Some((read, used)) = parts.take(n) else { return };
                if !self.budget.join(used) {
                    return;
                }
                self.append(read, frames[0].section);
                (lines.line, lines.next) = (part.end - 1, part.end);
            }
        });
    }

    /// One that knows what this one knows and has read nothing.
    fn for_part(&self) -> Reader {
        let c = &self.c;
        Reader {
            c: Configuration {
                files: Vec::new(),
                entries: Default::default(),
                sections: c.sections[..1].to_vec(),
                texts: Default::default(),
                problems: Vec::new(),
                load_modules: Vec::new(),
                modules: c.modules.clone(),
                variables: c.variables.clone(),
                server_root: c.server_root.clone(),
                source: c.source.clone(),
                facts: c.facts.clone(),
                index: Default::default(),
            },
            macros: Macros::default(),
            depth: self.depth,
            macro_lines: 0,
            budget: self.budget.of_part(),
            stopped: false,
            acted: 0,
            in_part: true,
        }
    }

    /// What it finds in a part, if that can be read alone; with the bytes by which variables lengthened it.
    fn read_part(
        mut self,
        file: FileId,
        document: &Arc<Document>,
        part: &Range<usize>,
        truth: Truth,
    ) -> Option<(Configuration, u64)> {
        let before = self.budget.lengthened();
        let mut lines = Lines::of(file, document.clone());
        lines.next = part.start;
        let mut frames = vec![Frame::around(SERVER, truth)];
        self.c.entries.reserve(part.len());
        self.read_lines(&mut lines, &mut frames, part.end);
        let used = self.budget.lengthened() - before;
        (!self.stopped && stands_at(part.end, &lines, &frames)).then_some((self.c, used))
    }

    /// Adds what the part behind it holds; it stands in that section.
    fn append(&mut self, mut part: Configuration, around: SectionId) {
        let depth = self.c.sections[around as usize].depth;
        let sections = self.c.sections.len() as SectionId - 1;
        let entries = self.c.entries.len() as EntryId;
        let texts = self.c.texts.len();
        let moved = |section: SectionId| match section {
            SERVER => around,
            own => own + sections,
        };
        for entry in part.entries.iter_mut() {
            entry.section = moved(entry.section);
            if entry.text > 0 {
                entry.text += texts;
            }
        }
        for section in &mut part.sections[1..] {
            section.parent = moved(section.parent);
            section.depth += depth;
            section.opening += entries;
        }
        for load in &mut part.load_modules {
            load.entry += entries;
        }
        self.c.entries.append(part.entries);
        self.c.sections.extend_from_slice(&part.sections[1..]);
        self.c.texts.append(part.texts);
        self.c.problems.append(&mut part.problems);
        self.c.load_modules.append(&mut part.load_modules);
    }
}

/// Is this line the next one to be read, with nothing open around it in its file?
fn stands_at(line: usize, lines: &Lines, frames: &[Frame]) -> bool {
    lines.next == line && lines.macros.is_empty() && frames.len() == 1
}

/// The parts that are worth it, if any.
fn worthwhile(document: &Document) -> Vec<Range<usize>> {
    /// Fewer lines are not worth a thread.
    const SMALL: usize = 10_000;
    #[cfg(test)]
    if let Some(most) = tests::MOST.get() {
        return parts(document, most);
    }
    match parallel::parts(document.lines().len() / SMALL) {
        1 => Vec::new(),
        most => parts(document, most),
    }
}

/// So many parts at most of what stands behind the last line that may act. They begin with virtual hosts, which stand in
/// no other section as a rule.
fn parts(document: &Document, most: usize) -> Vec<Range<usize>> {
    let lines = document.lines();
    // The last line is special where it has no end.
    let end = lines.len().saturating_sub(1);
    let is_host = |line: &usize| {
        let line = lines[*line];
        let known = line.glance.known();
        // A closing tag has the name as well.
        line.kind == LineKind::SectionOpening && known.is_some_and(|known| known.name == "<VirtualHost")
    };
    let acts = lines[..end].iter().rposition(|line| line.glance.may_act());
    let mut starts: Vec<usize> = Vec::with_capacity(most + 1);
    let from = acts.map_or(0, |acts| acts + 1);
    for part in 0..most {
        let near = from + part * (end - from) / most;
        starts.extend((near..end).find(is_host));
    }
    starts.dedup();
    starts.push(end);
    starts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use crate::httpd::glance::tests::OFF;
    use crate::httpd::{Configuration, Document, Entry, Facts, Platform, Source, Truth};

    thread_local! {
        /// In how many parts at most a file is read, however small it is.
        pub static MOST: Cell<Option<usize>> = const { Cell::new(None) };
    }

    fn read(text: &str, most: Option<usize>) -> String {
        MOST.set(most);
        let source = Source::new("/none".into(), Platform::HOST);
        let bytes = text.as_bytes().to_vec();
        let c = Configuration::from_bytes(b"/none/httpd.conf", bytes, source, Facts::assumed(Platform::HOST));
        MOST.set(None);
        let entries: Vec<_> = c.entries().map(Entry::without_glance).collect();
        let texts: Vec<_> = (1..=c.texts.len())
            .map(|number| (c.texts.bytes(number), c.texts.place(number)))
            .collect();
        format!(
            "{entries:?} {:?} {:?} {:?} {:?}",
            c.sections, texts, c.problems, c.load_modules
        )
    }

    fn line() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "<VirtualHost *:80>\nServerName a.test\n</VirtualHost>",
            "<VirtualHost *:81>\nDocumentRoot ${ROOT}\n<Directory /x>\nRequire all granted\n</Directory>\n</VirtualHost>",
            "<VirtualHost *:82>\n<IfModule mod_x.c>\nDefine ROOT /no\n</IfModule>\n</VirtualHost>",
            "<IfModule mod_x.c>\n<VirtualHost *:83>\n</VirtualHost>\n</IfModule>",
            "<IfModule mod_x.c>\nLoadModule z_module z.so\n<VirtualHost *:83>",
            "<IfModule !mod_x.c>",
            "<IfDefine ROOT>\nUnDefine ROOT\n</IfDefine>",
            "<IfDefine ROOT>\nOptions all\n</IfDefine>",
            "<IfDefine !ROOT>\nOptions all\n<IfModule mod_x.c>\n</IfModule>\n</IfDefine>",
            "</IfModule>",
            "<VirtualHost *:84>",
            "</VirtualHost>",
            "ServerAlias a \\\n b",
            "ServerAlias a \\\n ${ROOT}",
            "<VirtualHost *:87>\nServerName ${ROOT}\nServerAlias ${NONE} ${QUOTED}\n<Directory ${ROOT}/x>\n</Directory>\n</VirtualHost>",
            "<Directory ${QUOTED}>\nOptions ${ROOT}\n</Directory>",
            "${ROOT} x",
            "$\\\n{ROOT} x",
            "ServerName $\\\n{ROOT}",
            "</${ROOT}>",
            "<${ROOT}>",
            "<IfDefine ${REST}>\nServerName a.test\n</IfDefine>",
            "Define QUOTED 'a \\\"b >'",
            "Ser${REST} /other",
            "De\\\nfine ROOT /later",
            "Define ROOT /srv",
            "Define REST verRoot",
            "LoadModule x_module x.so",
            "LoadModule macro_module m.so",
            "<Macro m>\n<VirtualHost *:85>\n</VirtualHost>\n</Macro>",
            "Use m",
            "<LuaHookLog x>\n<VirtualHost *:86>\n</LuaHookLog>",
            "LoadModule lua_module l.so",
            "<IfModule !>\n</IfModule>",
            "# comment",
            "",
            "Options none",
            "\"Define\" ROOT /quoted",
        ])
    }

    #[test]
    fn parts_begin_with_opening_tags() {
        let host = "<VirtualHost *:80>\n\tServerName a.test\n</VirtualHost>\n";
        let document = Document::new(
            format!("Define A\n{}", host.repeat(9)).into_bytes(),
            Platform::HOST,
        );
        let starts: Vec<_> = super::parts(&document, 4).iter().map(|part| part.start).collect();
        assert_eq!(starts, [1, 7, 16, 22]);
    }

    #[test]
    fn nothing_is_read_behind_a_recursion() {
        let mut text = "Include /none/loop.conf\nDefine AFTER\n".to_string();
        for _ in 0..20 {
            text += "<VirtualHost *:80>\nServerName a.test\n</VirtualHost>\n";
        }
        let recursion = ("/none/loop.conf".into(), b"Include /none/loop.conf\n".to_vec());
        let source = Source::new("/none".into(), Platform::HOST).with_overlay([recursion].into());
        for most in [None, Some(3)] {
            MOST.set(most);
            let facts = Facts::assumed(Platform::HOST);
            let c = Configuration::from_bytes(
                b"/none/httpd.conf",
                text.clone().into_bytes(),
                source.clone(),
                facts,
            );
            MOST.set(None);
            assert_eq!(c.problems.len(), 1);
            assert_eq!(c.variables.flag(b"AFTER"), Truth::False);
            assert!(c.named("<VirtualHost").next().is_none());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        /// However many parts a file is read in, and without a glance at any line, the same is seen.
        #[test]
        fn parts_hold_what_the_whole_holds(
            lines in prop::collection::vec(line(), 1..30),
            most in 2usize..6,
            end in prop::sample::select(vec!["", "\n", "\nServerAlias \\", "\nServerAlias \\\n"]),
        ) {
            let text = lines.join("\n") + end;
            let whole = read(&text, None);
            prop_assert_eq!(&whole, &read(&text, Some(most)));
            OFF.set(true);
            let looked_at = read(&text, None);
            OFF.set(false);
            prop_assert_eq!(whole, looked_at);
        }
    }
}
