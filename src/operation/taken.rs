//! Which server a command takes: told to people and to programs by every command that reads or restores one.

use std::path::{Path, PathBuf};

use super::environment::Where;
use super::find::{Loaded, installation, root};
use super::progress::{Progress, Taken};
use super::{Failure, interrupted, next_steps};
use crate::note_code::NoteCode;
use crate::server::installation::{Installation, server_root};
use crate::server::same_file::same;
use crate::shown::shown;

impl Loaded {
    /// Tells programs which server was taken, and people what they might not expect: that a run left it half changed,
    /// that another one is meant, that programs were not run. Who shows root and main file himself needs no more.
    pub fn record(&self, progress: &dyn Progress) {
        interrupted::tell(&self.installation.root, progress);
        let taken = taken(&self.installation);
        progress.server(&taken);
        tell_other(&taken, &self.place, progress);
        self.tell_passed_over(progress);
    }

    /// The options that name this server again, for commands that people type; none where it is found without.
    pub fn options(&self) -> String {
        options(&self.place, &self.installation.root)
    }
}

fn taken(installation: &Installation) -> Taken {
    Taken {
        root: installation.root.clone(),
        config: Some(installation.main.clone()),
        found_by: installation.found_by.clone(),
    }
}

/// Finds the server root without reading any configuration, and tells which one was taken; first, that a run left it half
/// changed.
///
/// # Errors
/// When there is none.
pub fn introduce(place: &Where, progress: &dyn Progress) -> Result<PathBuf, Failure> {
    let taken = located(place)?;
    interrupted::tell(&taken.root, progress);
    tell(&taken, place, progress);
    Ok(taken.root)
}

/// The same for what undoes what a run left, and says so itself.
///
/// # Errors
/// When there is none.
pub fn introduce_undoing(place: &Where, progress: &dyn Progress) -> Result<PathBuf, Failure> {
    let taken = located(place)?;
    tell(&taken, place, progress);
    Ok(taken.root)
}

/// What is taken, looked for once: that may ask services and programs.
fn located(place: &Where) -> Result<Taken, Failure> {
    match installation(place) {
        Ok(found) if place.root.is_none() => Ok(taken(&found)),
        Ok(found) => Ok(Taken {
            root: root(place)?,
            ..taken(&found)
        }),
        Err(_) => Ok(Taken {
            root: root(place)?,
            config: None,
            found_by: "--root".into(),
        }),
    }
}

fn tell(taken: &Taken, place: &Where, progress: &dyn Progress) {
    progress.server(taken);
    let words = format!("Server root: {} ({})", shown(&taken.root), taken.found_by);
    progress.note(NoteCode::ServerRoot, &words);
    if let Some(main) = &taken.config {
        progress.note(NoteCode::MainFile, &format!("Main file:   {}", shown(main)));
    }
    tell_other(taken, place, progress);
}

/// The options that have to be typed again to mean the same server, with a blank before each.
pub fn options(place: &Where, root: &Path) -> String {
    let mut place = place.clone();
    for named in place.root.iter_mut().chain(&mut place.usual_root) {
        *named = root.to_path_buf();
    }
    next_steps::options(&place)
}

/// Somebody who stands in a server root and names none may mean that one.
fn tell_other(taken: &Taken, place: &Where, progress: &dyn Progress) {
    if place.root.is_some() || place.config.is_some() {
        return;
    }
    let Ok(folder) = std::env::current_dir() else {
        return;
    };
    let Some((root, main)) = server_root(&folder) else {
        return;
    };
    let is_taken = taken.config.as_ref().is_some_and(|config| same(config, &main));
    if !is_taken && !same(&root, &taken.root) {
        let words = format!(
            "note: the folder you are in, {}, is a server root as well; --root . takes it",
            shown(&folder)
        );
        progress.note(NoteCode::OtherServerRoot, &words);
    }
}
