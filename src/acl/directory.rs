//! Names and numbers of accounts, as this machine and its domain know them.

use winsafe::{
    ConvertSidToStringSid, ConvertStringSidToSid, GetComputerName, LookupAccountName, LookupAccountSid,
};

/// The name of an account or group, with its domain unless that is a part of Windows.
pub fn name(number: &str) -> Option<String> {
    let number = ConvertStringSidToSid(number).ok()?;
    let (name, domain, _) = LookupAccountSid(None, &number).ok()?;
    if name.is_empty() {
        return None;
    }
    let is_plain = domain.is_empty() || domain.eq_ignore_ascii_case("BUILTIN");
    Some(if is_plain {
        name
    } else {
        format!("{domain}\\{name}")
    })
}

/// The number of an account; `.` is this machine.
pub fn number(domain: &str, user: &str) -> Option<String> {
    let domain = match domain {
        "." => GetComputerName().ok()?,
        domain => domain.to_owned(),
    };
    let name = if domain.is_empty() {
        user.to_owned()
    } else {
        format!("{domain}\\{user}")
    };
    let (_, sid, _) = LookupAccountName(None, &name).ok()?;
    ConvertSidToStringSid(&sid).ok()
}
