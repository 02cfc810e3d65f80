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
    }
}
