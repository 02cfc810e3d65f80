//! Owner and mode of files, and who else may write to a folder: whoever is neither root nor the account that we run as.

use std::fmt;
use std::path::{Path, PathBuf};

/// Owner and mode of a file, as far as the system has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attributes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

/// A folder to which somebody else may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Others {
    folder: PathBuf,
    attributes: Attributes,
    /// An access list lets them.
    by_list: bool,
    /// What is wrong on Windows, where owner and access list are all there is: the end of a sentence.
    windows: Option<String>,
}

impl Others {
    /// What was found on Windows.
    #[cfg(windows)]
    pub(super) fn by_list(folder: &Path, why: String) -> Others {
        Others {
            folder: folder.to_path_buf(),
            attributes: Attributes::default(),
            by_list: true,
            windows: Some(why),
        }
    }

    /// The owner of the folder, where that is not root and not us.
    pub fn owner(&self) -> Option<u32> {
        self.attributes.uid.filter(|&uid| !is_ours(Some(uid)))
    }

    /// What is to be typed so that nobody else may write there.
    pub fn remedy(&self) -> String {
        let folder = self.folder.display();
        if self.windows.is_some() {
            return format!(
                "takeown /a /r /f \"{folder}\" && {}",
                crate::acl::closing(&self.folder)
            );
        }
        match self.owner() {
            Some(_) => format!("chown root {folder}; chmod go-w {folder}"),
            None if self.by_list => format!("setfacl -b {folder}; chmod go-w {folder}"),
            None => format!("chmod go-w {folder}"),
        }
    }

    /// Why nothing in it is believed.
    pub(super) fn distrust(&self) -> String {
        let take_over = match self.windows {
            Some(_) => self.remedy(),
            None => format!(
                "chown -R root {folder}; chmod -R go-w {folder}",
                folder = self.folder.display()
            ),
        };
        format!(
            "{self}, and could have put anything there; look at what is inside, then move the folder away, or take it \
             over: {take_over}"
        )
    }
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        if let Some(why) = &self.windows {
            return write!(f, "{folder} {why}");
        }
        let mode = self.attributes.mode.unwrap_or_default();
        match (self.owner(), mode & 0o002 != 0, self.by_list) {
            (Some(uid), ..) => write!(f, "{folder} belongs to {}", person(uid)),
            (None, true, _) => write!(f, "{folder} may be written by everybody (mode {mode:04o})"),
            (None, false, true) => write!(f, "{folder} may be written by accounts in its access list"),
            (None, false, false) => write!(
                f,
                "{folder} may be written by the group {} (mode {mode:04o})",
                self.attributes.gid.unwrap_or_default()
            ),
        }
    }
}

/// An account as people know it.
fn person(uid: u32) -> String {
    #[cfg(unix)]
    return crate::account::user(uid);
    #[cfg(not(unix))]
    format!("uid {uid}")
}

/// Whether an owner is root or the account that we run as. Where there are no such numbers, access lists decide.
#[cfg(unix)]
pub(super) fn is_ours(uid: Option<u32>) -> bool {
    uid.is_none_or(crate::account::is_root_or_us)
}

#[cfg(not(unix))]
pub(super) fn is_ours(_uid: Option<u32>) -> bool {
    true
}

/// Who else may write to a folder. Its group may be root's or ours. `list` tells its access list.
#[cfg(unix)]
pub(super) fn of(folder: &Path, attributes: Attributes, list: impl Fn() -> Vec<u8>) -> Option<Others> {
    let mode = attributes.mode.unwrap_or_default();
    let is_our_group = |gid: u32| gid == 0 || gid == rustix::process::getegid().as_raw();
    let by_group = mode & 0o020 != 0;
    // With an access list, the bits of the group are the most that anybody in it may do.
    let by_list = by_group && names_others(&list(), is_our_group);
    let is_open = !is_ours(attributes.uid)
        || mode & 0o002 != 0
        || by_group && !attributes.gid.is_some_and(is_our_group)
        || by_list;
    is_open.then(|| Others {
        folder: folder.to_path_buf(),
        attributes,
        by_list,
        windows: None,
    })
}

/// Whether a POSIX access list lets a named account or group write that is not ours.
#[cfg(unix)]
fn names_others(list: &[u8], is_our_group: impl Fn(u32) -> bool) -> bool {
    const USER: u16 = 2;
    const GROUP: u16 = 8;
    const WRITE: u16 = 2;
    // Four bytes of version, then tag, rights and number of each entry.
    let (entries, _) = list.get(4..).unwrap_or_default().as_chunks::<8>();
    entries.iter().any(|&[a, b, c, d, e, f, g, h]| {
        let (tag, rights) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let number = u32::from_le_bytes([e, f, g, h]);
        rights & WRITE != 0
            && (tag == USER && !is_ours(Some(number)) || tag == GROUP && !is_our_group(number))
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn owner_mode_group_and_list_decide() {
        let us = rustix::process::geteuid().as_raw();
        let judge = |uid: u32, gid: u32, mode: u32, list: &[u8]| {
            let attributes = Attributes {
                mode: Some(mode),
                uid: Some(uid),
                gid: Some(gid),
            };
            of(Path::new("/x"), attributes, || list.to_vec()).is_some()
        };
        let stranger = us + 4711;
        // user:stranger:rwx
        let mut list = vec![2, 0, 0, 0, 2, 0, 7, 0];
        list.extend(stranger.to_le_bytes());
        for (uid, gid, mode, list, expected) in [
            (us, 0, 0o755, &[][..], false),
            (0, 0, 0o775, &[], false),
            (0, 4711, 0o755, &[], false),
            (0, 4711, 0o775, &[], true),
            (0, 0, 0o777, &[], true),
            (0, 0, 0o1777, &[], true),
            (stranger, 0, 0o700, &[], true),
            (0, 0, 0o775, &list, true),
            // The mask takes it away.
            (0, 0, 0o755, &list, false),
        ] {
            assert_eq!(
                judge(uid, gid, mode, list),
                expected,
                "{uid} {gid} {mode:o} {list:?}"
            );
        }
    }
}
