//! What can be restored. Reads no configuration.

use std::path::Path;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::environment::Where;
use super::environment::World;
use super::interrupted::{backups_of, stores};
use super::progress::Progress;
use super::{Failure, taken};
use crate::apply::Backup;
use crate::place::{Moment, ShownPath};
use crate::shown::{printable, shown};

/// What can be restored.
///
/// # Errors
/// When there is no server, or it cannot be listed.
pub fn run(place: &Where, world: &World, progress: &dyn Progress) -> Result<Listed, Failure> {
    let root = taken::introduce(place, progress)?;
    list(&root, place, world)
}

/// The backups of a server root.
///
/// # Errors
/// When they cannot be listed.
pub fn list(root: &Path, place: &Where, world: &World) -> Result<Listed, Failure> {
    let mut listed = Listed {
        root: shown(root),
        backups: Vec::new(),
        unfinished: None,
        back: String::new(),
    };
    for store in stores(root, world.disk) {
        let found = backups_of(&store)?;
        listed.unfinished = listed.unfinished.or(store.unfinished());
        let done = found
            .iter()
            .filter(|backup| listed.unfinished.as_ref() != Some(&backup.id));
        listed
            .backups
            .extend(done.map(|backup| Line::of(backup, (world.now)())));
    }
    if let Some(newest) = listed.backups.last() {
        listed.back = format!("esync-ssl restore {}{}", newest.id, taken::options(place, root));
    }
    Ok(listed)
}

/// The backups of a server root.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "BackupsReport"))]
pub struct Listed {
    #[serde(skip)]
    pub(crate) root: String,
    /// The backups, in the order of their time.
    pub(crate) backups: Vec<Line>,
    /// The id of a run that was interrupted; null where none is to be undone.
    pub(crate) unfinished: Option<String>,
    /// The command that goes back to before the newest.
    #[serde(skip)]
    pub(crate) back: String,
}

/// What a run of a writing command changed, and can be put back.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Backup"))]
pub(crate) struct Line {
    /// What `restore` calls it.
    pub(crate) id: String,
    /// When it was made; null where its record does not tell.
    pub(crate) time: Option<Moment>,
    /// How long ago that was, and when by the clock here.
    #[serde(skip)]
    pub(crate) age: String,
    /// The command line that changed something.
    pub(crate) command: String,
    /// Why, change by change.
    pub(crate) reasons: Vec<String>,
    /// The files that were changed.
    pub(crate) files: Vec<ShownPath>,
    /// Those of the files that somebody changed since.
    pub(crate) changed_since: Vec<ShownPath>,
}

impl Line {
    fn of(backup: &Backup, now: OffsetDateTime) -> Line {
        let manifest = &backup.manifest;
        Line {
            id: backup.id.clone(),
            age: age(&manifest.time, now),
            time: Moment::parse(&manifest.time),
            command: printable(manifest.command.get(1..).unwrap_or_default().join(" ").as_bytes()),
            reasons: manifest
                .reasons
                .iter()
                .map(|reason| printable(reason.as_bytes()))
                .collect(),
            files: manifest
                .entries
                .iter()
                .map(|entry| shown(&entry.path.path()).into())
                .collect(),
            changed_since: backup
                .changed_since()
                .iter()
                .map(|path| shown(path).into())
                .collect(),
        }
    }
}

/// How long ago a time is, with that time by the clock of this machine.
fn age(time: &str, now: OffsetDateTime) -> String {
    let Ok(time) = OffsetDateTime::parse(time, &Rfc3339) else {
        return printable(time.as_bytes());
    };
    let passed = now - time;
    let (number, unit) = match (passed.whole_days(), passed.whole_hours(), passed.whole_minutes()) {
        (days @ 1.., _, _) => (days, "day"),
        (_, hours @ 1.., _) => (hours, "hour"),
        (_, _, minutes @ 1..) => (minutes, "minute"),
        _ => (0, ""),
    };
    let ago = match number {
        0 => "just now".to_owned(),
        1 => format!("1 {unit} ago"),
        _ => format!("{number} {unit}s ago"),
    };
    let local = time.to_offset(UtcOffset::local_offset_at(time).unwrap_or(UtcOffset::UTC));
    let form = format_description!(
        "[year]-[month]-[day] [hour]:[minute] [offset_hour sign:mandatory]:[offset_minute]"
    );
    format!("{ago}, {}", local.format(form).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_in_words() {
        let now = OffsetDateTime::parse("2026-01-05T12:00:00Z", &Rfc3339).unwrap();
        for (time, words) in [
            ("2026-01-05T11:59:30.5Z", "just now, "),
            ("2026-01-05T11:59:00Z", "1 minute ago, "),
            ("2026-01-05T09:30:00Z", "2 hours ago, "),
            ("2026-01-03T09:30:00Z", "2 days ago, 2026-01-0"),
            // A clock that was set back.
            ("2026-01-06T09:30:00Z", "just now, "),
            ("whenever", "whenever"),
        ] {
            assert!(age(time, now).starts_with(words), "{}", age(time, now));
        }
    }
}
