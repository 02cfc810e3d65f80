//! Folders that new files need, each made below the one that is held open, and gone into without looking its path up.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::disk::Disk;
use super::error::{ApplyError, failed};
use super::folder::{Folder, Place, Way};

/// The folders of one run, each held open once.
#[derive(Default)]
pub(super) struct Folders {
    open: BTreeMap<PathBuf, Folder>,
    made: Vec<Place>,
    /// Only their owner may enter those that are made.
    are_closed: bool,
}

impl Folders {
    /// Only their owner may enter those that are made.
    pub fn closed() -> Folders {
        Folders {
            are_closed: true,
            ..Folders::default()
        }
    }

    /// Lets a way begin at a folder that is held open already, should it be the same one.
    pub fn share(&mut self, way: &mut Way) {
        let folder = &mut way.place.folder;
        match self.open.get(folder.path()) {
            Some(known) if known.is_same(folder) => *folder = known.clone(),
            Some(_) => {}
            None => _ = self.open.insert(folder.path().to_path_buf(), folder.clone()),
        }
    }

    /// The place at the end of a way; its folders are made. What of them `is_fit` refuses is not gone into.
    pub fn make(
        &mut self,
        disk: &dyn Disk,
        way: &Way,
        is_fit: impl Fn(&Place) -> Result<(), ApplyError>,
    ) -> Result<Place, ApplyError> {
        let mut place = way.place.clone();
        is_fit(&place)?;
        for name in &way.below {
            let path = place.path();
            let known = self.made.iter().any(|made| made.path() == path);
            if !known {
                disk.create_folder(&place, self.are_closed)
                    .map_err(failed("create the folder", &path))?;
                self.made.push(place.clone());
                disk.sync_folder(&place.folder)
                    .map_err(failed("write", place.folder.path()))?;
            }
            let folder = match self.open.get(&path) {
                Some(folder) if known => folder.clone(),
                _ => place
                    .folder
                    .enter(&place.name)
                    .map_err(failed("open the folder", &path))?,
            };
            self.open.insert(path, folder.clone());
            place = place.within(folder, name);
            is_fit(&place)?;
        }
        Ok(place)
    }

    /// Removes the folders that were made, as far as nothing is in them.
    pub fn unmake(&self, disk: &dyn Disk) {
        for made in self.made.iter().rev() {
            let _ = disk.remove_folder(made);
        }
    }
}
