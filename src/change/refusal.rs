//! Refusals that speak of a configuration: where its lines are, and what its virtual hosts are called.

use std::path::Path;

use crate::httpd::{Configuration, Entry, FileId, Spot, VirtualHost};

pub(super) use crate::refusal::{Counted, Place, Refusal, RefusalCode, Text, say};

impl Place {
    /// Where an entry stands.
    pub(crate) fn of(configuration: &Configuration, entry: &Entry) -> Self {
        Place::in_file(configuration, entry.file, Some(entry.line))
    }

    /// Where a problem is: a line, or a file as a whole.
    pub(super) fn at(configuration: &Configuration, spot: &Spot) -> Self {
        Place::in_file(configuration, spot.file, (!spot.is_whole()).then_some(spot.line))
    }

    /// A line, by its index in a file's document, or the file as a whole.
    fn in_file(configuration: &Configuration, file: FileId, line: Option<u32>) -> Self {
        let read = configuration.file(file);
        Place {
            file: read.host.clone(),
            name: read.name.clone(),
            line: line.map(|line| read.document.number(line as usize)),
            counted: match configuration.source().is_edited() {
                true => Counted::Edited,
                false => Counted::OnDisk,
            },
        }
    }

    /// The place of the site as the request has it now.
    pub(super) fn asked(file: &Path, line: u32) -> Self {
        Place {
            file: file.to_owned(),
            name: file.display().to_string().into_bytes(),
            line: Some(line),
            counted: Counted::AsAsked,
        }
    }
}

/// A sentence about a line, in which other lines of the configuration are named: those are places as well.
pub(super) fn sentence(configuration: &Configuration, words: &str) -> Text {
    let mut text = Text::default();
    let mut rest = words;
    while let Some((before, place, behind)) = first_place(configuration, rest) {
        text = text.and(before).and(place);
        rest = behind;
    }
    text.and(rest)
}

fn first_place<'a>(configuration: &Configuration, words: &'a str) -> Option<(&'a str, Place, &'a str)> {
    let found = configuration
        .files()
        .iter()
        .enumerate()
        .filter_map(|(file, read)| {
            let name = String::from_utf8_lossy(&read.name);
            let at = words.find(&*name)?;
            let number = words[at + name.len()..].strip_prefix(':')?;
            let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
            let line: u32 = number[..digits].parse().ok()?;
            Some((at, file, line, &number[digits..]))
        });
    let (at, file, line, behind) = found.min_by_key(|(at, ..)| *at)?;
    let place = Place {
        line: Some(line),
        ..Place::in_file(configuration, file as FileId, None)
    };
    Some((&words[..at], place, behind))
}

/// Name and place of a virtual host.
pub(super) fn named(configuration: &Configuration, host: &VirtualHost) -> Text {
    let name = host.server_name.as_deref().unwrap_or("(no ServerName)");
    let place = Place::of(configuration, configuration.entry(host.entry));
    say![name, " at ", place]
}
