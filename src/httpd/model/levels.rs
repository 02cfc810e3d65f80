//! Which lines of a file are of the server level: all in one pass, as there may be millions. Stores nothing.

use super::configuration::Configuration;
use super::entry::FileId;
use super::truth::Truth;

impl Configuration {
    /// Does Apache read this line of a file as a directive of the server level, were it one? Lines inside sections
    /// other than conditionals that hold do not count.
    pub fn is_server_level(&self, file: FileId, line: u32) -> Truth {
        let levels = self.index.levels.get_or_init(|| self.levels());
        level_at(&levels[file as usize], line)
    }

    /// From which lines of each file on which is of the server level, and how certainly: all sections in one pass.
    fn levels(&self) -> Vec<Vec<(u32, Truth)>> {
        // How many sections more there are around from a line on: false ones, undecided ones.
        let mut around: Vec<Vec<(u32, i32, i32)>> = vec![Vec::new(); self.files.len()];
        // Up to where all lines of a file are in a false one, so that what is in that does not matter.
        let mut settled: Vec<u32> = vec![0; self.files.len()];
        for section in self.sections.iter().skip(1) {
            let truth = if section.transparent {
                section.truth
            } else {
                Truth::False
            };
            let opening = self.entry(section.opening);
            let file = opening.file as usize;
            let first = opening.line + 1;
            let behind = section.closing.map_or(u32::MAX, |closing| closing + 1);
            if truth == Truth::True || first >= behind || behind <= settled[file] {
                continue;
            }
            let (no, unknown) = ((truth == Truth::False) as i32, (truth == Truth::Unknown) as i32);
            if no > 0 {
                settled[file] = behind;
            }
            around[file].push((first, no, unknown));
            around[file].push((behind, -no, -unknown));
        }
        let level = |mut changes: Vec<(u32, i32, i32)>, truth: Truth| -> Vec<(u32, Truth)> {
            changes.sort_unstable();
            let mut sum = (0, 0);
            let levels = changes.into_iter().map(|(line, no, unknown)| {
                sum = (sum.0 + no, sum.1 + unknown);
                let level = match sum {
                    (1.., _) => Truth::False,
                    (_, 1..) => Truth::Unknown.and(truth),
                    _ => truth,
                };
                (line, level)
            });
            std::iter::once((0, truth)).chain(levels).collect()
        };
        let mut levels: Vec<Vec<(u32, Truth)>> = Vec::with_capacity(self.files.len());
        for (changes, file) in around.into_iter().zip(&self.files) {
            // What a virtual host includes is its own.
            let outside = file.included_from.and_then(|(outer, line)| {
                let levels = levels.get(outer as usize)?;
                Some(level_at(levels, line))
            });
            let truth = outside.map_or(file.truth, |outside| outside.and(file.truth));
            levels.push(level(changes, truth));
        }
        levels
    }
}

/// What holds at a line.
fn level_at(levels: &[(u32, Truth)], line: u32) -> Truth {
    let before = levels.partition_point(|(from, _)| *from <= line);
    // The first of them holds from the start.
    levels[before.saturating_sub(1)].1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::httpd::{Facts, Platform, Source};

    /// By the words of [`Configuration::is_server_level`], one section after the other.
    fn level(c: &Configuration, line: u32) -> Truth {
        let sections = c.sections.iter().skip(1).filter(|section| {
            let opening = c.entry(section.opening).line;
            opening < line && section.closing.is_none_or(|closing| line <= closing)
        });
        sections.fold(Truth::True, |truth, section| match section.transparent {
            true => truth.and(section.truth),
            false => Truth::False,
        })
    }

    proptest! {
        #[test]
        fn all_lines_at_once_as_one_by_one(
            lines in prop::collection::vec(prop::sample::select(vec![
                "<IfDefine YES>", "<IfDefine !YES>", "</IfDefine>", "<IfModule other_module>", "</IfModule>",
                "<VirtualHost *:80>", "</VirtualHost>", "<Directory /x>", "</Directory>", "KeepAlive On",
            ]), 0..20),
        ) {
            let text = format!("Define YES\n{}\n", lines.join("\n"));
            let source = Source::new("/none".into(), Platform::HOST);
            let facts = Facts::assumed(Platform::HOST);
            let c = Configuration::from_bytes(b"/none/httpd.conf", text.into_bytes(), source, facts);
            for line in 0..c.file(0).document.lines().len() as u32 {
                prop_assert_eq!(c.is_server_level(0, line), level(&c, line), "{} of {:?}", line, lines);
            }
        }
    }
}
