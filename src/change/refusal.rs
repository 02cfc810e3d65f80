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

    /// A line, by its index in a file's document.
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

/// Name and place of a virtual host.
pub(super) fn named(configuration: &Configuration, host: &VirtualHost) -> Text {
    let name = host.server_name.as_deref().unwrap_or("(no ServerName)");
    let place = Place::of(configuration, configuration.entry(host.entry));
    say![name, " at ", place]
}
