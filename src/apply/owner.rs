//! Owner and mode of files, and who else may write to a folder: whoever is neither root nor the account that we run as.

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use crate::account::Writer;
use crate::quoted::quoted;

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
    who: Who,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    /// On Unix; with the permission bits.
    #[cfg(unix)]
    Writer(Writer, u32),
    /// On Windows, where owner and access list are all there is: the end of a sentence.
    #[cfg(windows)]
    Objection(String),
}

impl Others {
    /// What was found on Windows.
    #[cfg(windows)]
    pub(super) fn by_list(folder: &Path, why: String) -> Others {
        Others {
            folder: folder.to_path_buf(),
            who: Who::Objection(why),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The owner of the folder, where that is not root and not us.
    pub fn owner(&self) -> Option<u32> {
        match self.who {
            #[cfg(unix)]
            Who::Writer(Writer::Owner(uid), _) => Some(uid),
            _ => None,
        }
    }

    /// What is to be typed so that nobody else may write there.
    pub fn remedy(&self) -> String {
        let folder = quoted(&self.folder);
        match &self.who {
            #[cfg(unix)]
            Who::Writer(Writer::Owner(user), _) if crate::account::is_at_home(*user, &self.folder) => {
                "it is in a home folder and is not changed: choose another folder".to_owned()
            }
            #[cfg(unix)]
            Who::Writer(Writer::Owner(_), _) => format!("chown root {folder}; chmod go-w {folder}"),
            #[cfg(unix)]
            Who::Writer(Writer::Listed, _) => format!("setfacl -b {folder}; chmod go-w {folder}"),
            #[cfg(unix)]
            Who::Writer(..) => format!("chmod go-w {folder}"),
            #[cfg(windows)]
            Who::Objection(_) => {
                format!(
                    "takeown /a /r /f {folder} && {}",
                    crate::acl::closing(&self.folder)
                )
            }
        }
    }

    /// Why nothing in it is believed.
    pub(super) fn distrust(&self) -> String {
        let take_over = match self.who {
            #[cfg(unix)]
            Who::Writer(..) => {
                let folder = quoted(&self.folder);
                format!("chown -hR root {folder}; chmod -R go-w {folder}")
            }
            #[cfg(windows)]
            Who::Objection(_) => self.remedy(),
        };
        format!(
            "{self}, and could have put anything there; check its content, then move the folder away, or take it \
             over: {take_over}"
        )
    }
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        match &self.who {
            #[cfg(unix)]
            Who::Writer(writer @ (Writer::Owner(_) | Writer::Listed), _) => write!(f, "{folder} {writer}"),
            #[cfg(unix)]
            Who::Writer(writer, mode) => write!(f, "{folder} {writer} (mode {mode:04o})"),
            #[cfg(windows)]
            Who::Objection(why) => write!(f, "{folder} {why}"),
        }
    }
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

/// Who else may write to a folder. `list` tells its access list.
#[cfg(unix)]
pub(super) fn of(
    folder: &Path,
    attributes: Attributes,
    list: impl FnOnce() -> Option<Vec<u8>>,
) -> Option<Others> {
    let Attributes { mode, uid, gid } = attributes;
    let mode = mode.unwrap_or_default();
    let writer = Writer::of(uid.unwrap_or_default(), gid.unwrap_or_default(), mode, list)?;
    Some(Others {
        folder: folder.to_path_buf(),
        who: Who::Writer(writer, mode),
    })
}
