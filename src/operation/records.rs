//! What earlier runs did to the configuration, out of the backups: what stood somewhere before. Decides nothing.

use std::path::{Path, PathBuf};

use super::Failure;
use super::environment::Where;
use super::environment::World;
use super::interrupted::{finished_of, stores};
use super::known::KnownFiles;
use crate::apply::{Backup, Content, may_name};
use crate::change::{Action, Link, Record, Version, domain_name};
use crate::httpd::real_path;

/// Reads a command line: what it did, and the domains as they were typed.
pub type AskedFor = fn(&[String]) -> (Action, Vec<String>);

/// All records of a server root, the oldest first, and what is missing in them, for people.
pub fn records(
    root: &Path,
    place: &Where,
    world: &World,
    asked_for: AskedFor,
) -> Result<(Vec<Record>, Vec<String>), Failure> {
    let known = KnownFiles::new(place);
    let mut records = Vec::new();
    let mut missing = Vec::new();
    for store in stores(root, world.disk) {
        for backup in finished_of(&store)? {
            records.push(record(&backup, root, &known, asked_for, &mut missing));
        }
    }
    Ok((records, missing))
}

fn record(
    backup: &Backup,
    root: &Path,
    known: &KnownFiles,
    asked_for: AskedFor,
    missing: &mut Vec<String>,
) -> Record {
    let (action, typed) = asked_for(&backup.manifest.command);
    let domains = typed.iter().filter_map(|name| domain_name(name).ok()).collect();
    let mut record = Record {
        action,
        domains,
        ..Record::default()
    };
    let was = backup.manifest.root.path();
    // A server root that was copied or moved brought its backups along.
    let here = |path: PathBuf| match path.strip_prefix(&was) {
        Ok(rest) => root.join(rest),
        Err(_) => path,
    };
    for entry in backup.manifest.entries.iter().filter(|entry| !entry.tls) {
        let path = here(entry.path.path());
        if !may_name(&path, root, &|path| known.has(path)).unwrap_or(false) {
            missing.push(format!(
                "the backup {} names {}, which is neither below the server root nor read by the configuration, and \
                 is ignored",
                backup.id,
                path.display()
            ));
            continue;
        }
        let (before, after) = (backup.content(&entry.before), backup.content(&entry.after));
        let link = |target| Link {
            path: path.clone(),
            target,
            reason: String::new(),
        };
        match (before, after) {
            (Some(Content::File(before)), Some(Content::File(after))) => record.files.push(Version {
                path: real_path(&here(entry.real.path())),
                before: before.to_vec(),
                after: after.to_vec(),
            }),
            (Some(Content::Absent), Some(Content::Link(target))) => record.made.push(link(target)),
            (Some(Content::Link(target)), Some(Content::Absent)) => record.removed.push(link(target)),
            (Some(_), Some(_)) => {}
            _ => missing.push(format!(
                "the copies of {} in the backup {} are missing or damaged, and are ignored",
                path.display(),
                backup.id
            )),
        }
    }
    record
}

/// What a command line asked for, whatever its version took.
pub fn by_words(words: &[String]) -> (Action, Vec<String>) {
    let is_there = |command: &str| words.iter().any(|word| word == command);
    let action = match (is_there("enable"), is_there("disable")) {
        (true, _) => Action::Enable,
        (false, true) => Action::Disable,
        _ => return (Action::Other, Vec::new()),
    };
    (action, domains(words))
}

fn domains(words: &[String]) -> Vec<String> {
    let pairs = words.windows(2).filter(|pair| pair[0] == "--domain");
    let joined = words.iter().filter_map(|word| word.strip_prefix("--domain="));
    let apart = pairs.map(|pair| pair[1].as_str());
    apart.chain(joined).map(str::to_owned).collect()
}
