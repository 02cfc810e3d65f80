//! Accounts of Unix by their numbers: whom we trust among them, and how people call them.

use std::path::Path;

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

/// The name of a number in the lines `NAME:x:NUMBER:...`.
fn named(file: &str, id: u32) -> Option<String> {
    let bytes = foreign::read(Path::new(file), foreign::CERTIFICATE).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
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
