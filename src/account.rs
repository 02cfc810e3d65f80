//! Accounts of Unix by their numbers: whom we trust among them, and how people call them.

use std::path::{Path, PathBuf};

use crate::foreign;

/// Root, or the account that we run as.
pub fn is_root_or_us(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

/// An account as people know it: `nobody (uid 65534)`, or its number alone.
pub fn user(id: u32) -> String {
    named("/etc/passwd", id).map_or(format!("uid {id}"), |name| format!("{name} (uid {id})"))
}

/// The name of a group.
pub fn group(id: u32) -> Option<String> {
    named("/etc/group", id)
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
        let name = group(id);
        let is_private = || {
            let members = field("/etc/group", id, 3);
            name.is_some() && name == named("/etc/passwd", owner) && members.is_some_and(|all| all.is_empty())
        };
        if id == 0 || is_private() {
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
        assert_eq!(group(0).as_deref(), Some("root"));
        assert_eq!(Group::of(0, 0), None);
        let unknown = Group::of(0, 4_000_000_001).expect("a group");
        assert_eq!((&*unknown.name, unknown.is_of_system), ("4000000001", false));
    }
}
