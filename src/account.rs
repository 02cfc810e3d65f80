//! Accounts of Unix by their numbers: whom we trust among them, who else may write something, and how people call them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::foreign;

/// Root, or the account that we run as.
pub fn is_root_or_us(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

/// Whether nobody else is in a group: root's, or the private one that many systems give each account. One that several
/// accounts have for their own, such as `users`, is not ours, nor is what root was started with.
fn is_our_group(group: u32) -> bool {
    let us = rustix::process::geteuid().as_raw();
    let is_own = || group == rustix::process::getegid().as_raw() && (group == us || is_private(us, group));
    group == 0 || us != 0 && is_own()
}

/// Is a group called as the account is, with nobody in it but that one?
fn is_private(user: u32, group: u32) -> bool {
    let name = named("/etc/group", group);
    let members = field("/etc/group", group, 3);
    name.is_some()
        && name == named("/etc/passwd", user)
        && members.is_some_and(|all| all.is_empty())
        && !has_others(user, group)
}

/// Has another account that group for its own?
fn has_others(user: u32, group: u32) -> bool {
    let bytes = foreign::read(Path::new("/etc/passwd"), foreign::CERTIFICATE).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.lines().any(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok());
        number(3) == Some(group) && number(2) != Some(user)
    })
}

/// Who else than root and we may write something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Its owner, who may also let anybody.
    Owner(u32),
    /// Everybody.
    All,
    /// Accounts or groups in its access list.
    Listed,
    /// Its group.
    Group(u32),
}

impl Writer {
    /// The one rule of who else may write, by owner, group and permission bits. `list` tells the access list, or nothing
    /// where it cannot be told.
    pub fn of(user: u32, group: u32, mode: u32, list: impl FnOnce() -> Option<Vec<u8>>) -> Option<Writer> {
        // With an access list, the bits of the group are the most that anybody in it may do.
        let by_group = mode & 0o020 != 0;
        if !is_root_or_us(user) {
            Some(Writer::Owner(user))
        } else if mode & 0o002 != 0 {
            Some(Writer::All)
        } else if by_group && !is_our_group(group) {
            Some(Writer::Group(group))
        } else if by_group && list().is_none_or(|list| names_others(&list)) {
            Some(Writer::Listed)
        } else {
            None
        }
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Writer::Owner(user) => write!(f, "belongs to {}", self::user(*user)),
            Writer::All => f.write_str("may be written by everybody"),
            Writer::Listed => f.write_str("may be written by accounts in its access list"),
            Writer::Group(group) => write!(f, "may be written by {}", self::group(*group)),
        }
    }
}

/// What Linux calls the access list of a file.
pub const ACCESS_LIST: &str = "system.posix_acl_access";

/// The bytes of an access list as a call fetches them, none where there is no list; nothing where it cannot be told.
pub fn access_list(fetch: impl FnOnce(&mut [u8]) -> rustix::io::Result<usize>) -> Option<Vec<u8>> {
    use rustix::io::Errno;
    // The longest that Linux has.
    let mut list = vec![0; 64 << 10];
    let length = match fetch(&mut list) {
        Ok(length) => length,
        Err(Errno::NODATA | Errno::NOTSUP) => 0,
        Err(_) => return None,
    };
    list.truncate(length);
    Some(list)
}

/// Whether a POSIX access list lets a named account or group write that is not ours.
fn names_others(list: &[u8]) -> bool {
    const USER: u16 = 2;
    const GROUP: u16 = 8;
    const WRITE: u16 = 2;
    // Four bytes of version, then tag, rights and number of each entry.
    let (entries, _) = list.get(4..).unwrap_or_default().as_chunks::<8>();
    entries.iter().any(|&[a, b, c, d, e, f, g, h]| {
        let (tag, rights) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        let number = u32::from_le_bytes([e, f, g, h]);
        rights & WRITE != 0
            && (tag == USER && !is_root_or_us(number) || tag == GROUP && !is_our_group(number))
    })
}

/// An account as people know it: `nobody (uid 65534)`, or its number alone.
pub fn user(id: u32) -> String {
    named("/etc/passwd", id).map_or(format!("uid {id}"), |name| format!("{name} (uid {id})"))
}

/// The group of something as people know it: `its group adm (gid 4)`, or its number alone.
pub fn group(id: u32) -> String {
    named("/etc/group", id).map_or(format!("its group, gid {id}"), |name| {
        format!("its group {name} (gid {id})")
    })
}

/// Numbers below it are for accounts and groups of the system.
const FIRST_OF_PEOPLE: u32 = 1000;

/// A group in which others may be than root and the owner of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name or number.
    pub name: String,
    /// The system has it for services, as ssl-cert; "users" is everybody.
    pub is_of_system: bool,
}

impl Group {
    /// That of a file with this owner; nothing for root's, and for the private one that many systems give each account.
    pub fn of(owner: u32, id: u32) -> Option<Group> {
        let name = named("/etc/group", id);
        if id == 0 || is_private(owner, id) {
            return None;
        }
        Some(Group {
            is_of_system: id < FIRST_OF_PEOPLE && name.as_deref().is_some_and(|name| name != "users"),
            name: name.unwrap_or_else(|| id.to_string()),
        })
    }
}

/// Whether a path is at somebody's home, or at that of this account.
pub fn is_at_home(user: u32, path: &Path) -> bool {
    let own = field("/etc/passwd", user, 5).map(PathBuf::from);
    let own = own.filter(|home| home.parent().is_some());
    path.starts_with("/home") || own.is_some_and(|home| path.starts_with(home))
}

/// The name of a number in the lines `NAME:x:NUMBER:...`.
fn named(file: &str, id: u32) -> Option<String> {
    field(file, id, 0)
}

/// A field of the line of a number.
fn field(file: &str, id: u32, at: usize) -> Option<String> {
    let bytes = foreign::read(Path::new(file), foreign::CERTIFICATE).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_it = fields.get(2)?.parse() == Ok(id);
        is_it.then(|| fields.get(at).map(|field| (*field).to_owned()))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_numbers() {
        assert_eq!(user(0), "root (uid 0)");
        assert_eq!(user(4_000_000_001), "uid 4000000001");
        assert_eq!(group(0), "its group root (gid 0)");
        assert_eq!(group(4_000_000_001), "its group, gid 4000000001");
        assert_eq!(Group::of(0, 0), None);
        let unknown = Group::of(0, 4_000_000_001).expect("a group");
        assert_eq!((&*unknown.name, unknown.is_of_system), ("4000000001", false));
    }

    #[test]
    fn owner_mode_group_and_list_decide() {
        let us = rustix::process::geteuid().as_raw();
        let stranger = us + 4711;
        // user:stranger:rwx
        let mut list = vec![2, 0, 0, 0, 2, 0, 7, 0];
        list.extend(stranger.to_le_bytes());
        for (user, group, mode, list, expected) in [
            (us, 0, 0o755, &[][..], None),
            (0, 0, 0o775, &[], None),
            (0, 4711, 0o755, &[], None),
            (0, 4711, 0o775, &[], Some(Writer::Group(4711))),
            (0, 0, 0o777, &[], Some(Writer::All)),
            (0, 0, 0o1777, &[], Some(Writer::All)),
            (stranger, 0, 0o700, &[], Some(Writer::Owner(stranger))),
            (0, 0, 0o775, &list, Some(Writer::Listed)),
            // The mask takes it away.
            (0, 0, 0o755, &list, None),
        ] {
            let found = Writer::of(user, group, mode, || Some(list.to_vec()));
            assert_eq!(found, expected, "{user} {group} {mode:o} {list:?}");
        }
        assert_eq!(Writer::of(0, 0, 0o770, || None), Some(Writer::Listed));
    }
}
