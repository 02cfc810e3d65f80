//! A security descriptor, read from its text: `O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)`.

use super::account::Sid;
use super::names;

const READ_DATA: u32 = 0x1;
/// In a folder: make a file.
const WRITE_DATA: u32 = 0x2;
/// In a folder: make a folder.
const APPEND_DATA: u32 = 0x4;
const DELETE_CHILD: u32 = 0x40;
const WRITE_ATTRIBUTES: u32 = 0x100;
const DELETE: u32 = 0x1_0000;
const WRITE_DAC: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
/// Who has these gives himself any other.
const MASTERY: u32 = WRITE_DAC | WRITE_OWNER;

/// Who owns a file or folder, and what its access list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Its owner.
    pub owner: Option<Sid>,
    /// Without a list everybody may do everything.
    entries: Option<Vec<Entry>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    allows: bool,
    /// It is for what lies below alone.
    only_below: bool,
    rights: u32,
    who: Sid,
}

/// What writing means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A file: its bytes, or another in its place.
    File,
    /// A symbolic link or a junction: where it leads, or another in its place.
    Link,
    /// A folder: the names in it, and itself.
    Folder,
    /// The top of a drive, where every account makes folders of its own.
    Drive,
    /// A folder with what will lie in it: its list says what that inherits.
    Below,
    /// A folder above what matters: itself, and what lies in it already.
    Above,
}

impl Descriptor {
    /// Reads the text of a descriptor. Nothing when it is not understood: then nothing may be concluded from it.
    pub fn parse(text: &str) -> Option<Descriptor> {
        let mut found = Descriptor {
            owner: None,
            entries: None,
        };
        let mut rest = text.trim();
        while !rest.is_empty() {
            let part = rest.get(..2)?;
            let end = end_of_part(&rest[2..])? + 2;
            let value = &rest[2..end];
            match part {
                "O:" => found.owner = Some(Sid::parse(value)?),
                "G:" | "S:" => {}
                "D:" => found.entries = entries(value)?,
                _ => return None,
            }
            rest = &rest[end..];
        }
        Some(found)
    }

    /// Who may read it, or help himself to it, besides the administrative, `trusted` and those who are nobody.
    pub fn readers(&self, trusted: &[&Sid]) -> Vec<Sid> {
        self.holders(READ_DATA | MASTERY, false, trusted)
    }

    /// Who may write it, or help himself to it, besides the administrative, `trusted` and those who are nobody.
    pub fn writers(&self, scope: Scope, trusted: &[&Sid]) -> Vec<Sid> {
        let rights = DELETE | MASTERY | WRITE_DATA;
        match scope {
            Scope::File => self.holders(rights | APPEND_DATA, false, trusted),
            // Either of the two suffices to have it lead elsewhere.
            Scope::Link => self.holders(rights | APPEND_DATA | WRITE_ATTRIBUTES, false, trusted),
            Scope::Drive => self.holders(rights | DELETE_CHILD, false, trusted),
            Scope::Above => self.holders(DELETE | MASTERY | DELETE_CHILD, false, trusted),
            Scope::Folder => self.holders(rights | APPEND_DATA | DELETE_CHILD, false, trusted),
            Scope::Below => self.holders(rights | APPEND_DATA | DELETE_CHILD, true, trusted),
        }
    }

    /// Whether a service's account may read it; its groups are known. Nothing is said of accounts of people.
    pub fn is_closed_to_service(&self, account: &Sid) -> bool {
        account.groups_of_service().is_some() && !self.lets_read(account)
    }

    pub(super) fn lets_read(&self, account: &Sid) -> bool {
        let groups = account.groups_of_service().unwrap_or_default();
        let is_meant = |sid: &Sid| sid == account || groups.iter().any(|group| *sid == Sid::known(group));
        let Some(entries) = &self.entries else { return true };
        for entry in entries.iter().filter(|entry| !entry.only_below) {
            if is_meant(&entry.who) && entry.rights & READ_DATA != 0 {
                return entry.allows;
            }
        }
        false
    }

    /// Who, other than the administrative and `us`, owns it or may write it: the end of a sentence.
    pub fn objection(&self, scope: Scope, us: Option<&Sid>) -> Option<String> {
        if let Some(owner) = self.foreign_owner(us) {
            return Some(format!("belongs to {}", owner.name()));
        }
        let trusted: Vec<&Sid> = us.into_iter().collect();
        let others = self.writers(scope, &trusted);
        (!others.is_empty()).then(|| format!("may be written by {}", names(&others)))
    }

    /// Whether its owner is neither administrative nor `us`. An owner may always change the list.
    pub fn is_owned_by_others(&self, us: Option<&Sid>) -> bool {
        self.foreign_owner(us).is_some()
    }

    fn foreign_owner(&self, us: Option<&Sid>) -> Option<&Sid> {
        let is_ours = |owner: &&Sid| owner.is_administrative() || Some(*owner) == us;
        self.owner.as_ref().filter(|owner| !is_ours(owner))
    }

    fn holders(&self, rights: u32, also_below: bool, trusted: &[&Sid]) -> Vec<Sid> {
        let Some(entries) = &self.entries else {
            return vec![Sid::everyone()];
        };
        let mut found: Vec<Sid> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let who = &entry.who;
            if !entry.allows
                || entry.only_below && !also_below
                || who.is_administrative()
                || who.is_nobody()
                || trusted.contains(&who)
                || found.contains(who)
            {
                continue;
            }
            // What was denied before, to this one or to everybody, stays denied.
            let denied = entries[..at]
                .iter()
                .filter(|before| !before.allows && before.only_below == entry.only_below)
                .filter(|before| before.who == *who || before.who == Sid::everyone())
                .fold(0, |denied, before| denied | before.rights);
            if entry.rights & rights & !denied != 0 {
                found.push(who.clone());
            }
        }
        found
    }
}

/// Where the next `O:`, `G:`, `D:` or `S:` begins, outside of entries.
fn end_of_part(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' => at += end_of_entry(&text[at..])?,
            b'O' | b'G' | b'D' | b'S' if bytes.get(at + 1) == Some(&b':') => return Some(at),
            _ => at += 1,
        }
    }
    Some(at)
}

/// The length of an entry in parentheses; conditions in it have their own, and words in quotes.
fn end_of_entry(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The entries behind the flags of a list: nothing for no list at all.
#[allow(clippy::option_option)]
fn entries(text: &str) -> Option<Option<Vec<Entry>>> {
    let begin = text.find('(').unwrap_or(text.len());
    match &text[..begin] {
        flags if flags.ends_with("NO_ACCESS_CONTROL") => return Some(None),
        flags if flags.bytes().all(|byte| byte.is_ascii_uppercase()) => {}
        _ => return None,
    }
    let mut rest = &text[begin..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let end = end_of_entry(rest).filter(|_| rest.starts_with('('))?;
        found.extend(entry(&rest[1..end - 1])?);
        rest = &rest[end..];
    }
    Some(Some(found))
}

/// One entry; nothing in it for kinds that neither allow nor deny.
#[allow(clippy::option_option)]
fn entry(text: &str) -> Option<Option<Entry>> {
    let mut fields = text.splitn(7, ';');
    let [kind, flags, rights] = [fields.next()?, fields.next()?, fields.next()?];
    let who = Sid::parse(fields.nth(2)?)?;
    let allows = match kind {
        // Whether a condition holds is not known: it is taken to hold where that lets somebody in.
        "A" | "OA" | "XA" | "ZA" => true,
        "D" | "OD" => false,
        "XD" => return Some(None),
        _ => return None,
    };
    Some(Some(Entry {
        allows,
        only_below: flags.as_bytes().chunks(2).any(|flag| flag == b"IO"),
        rights: mask(rights)?,
        who,
    }))
}

/// Rights as a number, those for any kind of object as what they mean for files.
fn mask(text: &str) -> Option<u32> {
    let mut mask = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None if text.starts_with(|c: char| c.is_ascii_digit()) => text.parse().ok()?,
        None => letters(text)?,
    };
    for (generic, rights) in [
        (0x1000_0000, 0x1f_01ff),
        (0x2000_0000, 0x12_00a0),
        (0x4000_0000, 0x12_0116),
        (0x8000_0000, 0x12_0089),
        // As much as possible.
        (0x0200_0000, 0x1f_01ff),
    ] {
        if mask & generic != 0 {
            mask |= rights;
        }
    }
    Some(mask)
}

fn letters(text: &str) -> Option<u32> {
    let mut mask = 0;
    for two in text.as_bytes().chunks(2) {
        mask |= match two {
            b"GA" => 0x1000_0000,
            b"GX" => 0x2000_0000,
            b"GW" => 0x4000_0000,
            b"GR" => 0x8000_0000,
            b"FA" | b"KA" => 0x1f_01ff,
            b"FR" => 0x12_0089,
            b"FW" => 0x12_0116,
            b"FX" => 0x12_00a0,
            b"RC" => 0x2_0000,
            b"SD" => DELETE,
            b"WD" => WRITE_DAC,
            b"WO" => WRITE_OWNER,
            b"CC" => READ_DATA,
            b"DC" => WRITE_DATA,
            b"LC" => APPEND_DATA,
            b"SW" => 0x8,
            b"RP" => 0x10,
            b"WP" => 0x20,
            b"DT" => DELETE_CHILD,
            b"LO" => 0x80,
            b"CR" => 0x100,
            _ => return None,
        };
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stock folders of Windows 10 and 11, in Windows' own words.
    const DRIVE: &str = "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464G:S-1-5-80-956008885-3418522649-\
                         1831038044-1853292631-2271478464D:PAI(A;;LC;;;AU)(A;OICIIO;SDGXGWGR;;;AU)(A;OICI;FA;;;SY)\
                         (A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
    const OLDER_DRIVE: &str = "O:BAG:SYD:AI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)\
                               (A;CI;LC;;;BU)(A;CIIO;DC;;;BU)(A;;0x1200a9;;;WD)";
    const PROGRAM_FILES: &str = "O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464G:SYD:PAI(A;;FA;;;S-1-5-80-\
                                 956008885-3418522649-1831038044-1853292631-2271478464)(A;CIIO;GA;;;S-1-5-80-956008885-\
                                 3418522649-1831038044-1853292631-2271478464)(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)\
                                 (A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)\
                                 (A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)(A;OICIIO;GXGR;;;AC)(A;;0x1200a9;;;S-1-15-2-2)";
    /// What an administrator's new folder right below C: gets.
    const BELOW_DRIVE: &str = "O:BAG:S-1-5-21-1-2-3-513D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)\
                               (A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)";

    fn parse(text: &str) -> Descriptor {
        Descriptor::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn stock_folders() {
        let objection = |text: &str, scope| parse(text).objection(scope, None);
        assert_eq!(objection(DRIVE, Scope::Drive), None);
        assert_eq!(objection(OLDER_DRIVE, Scope::Drive), None);
        assert_eq!(objection(PROGRAM_FILES, Scope::Folder), None);
        assert_eq!(objection(PROGRAM_FILES, Scope::Below), None);
        let users = Some("may be written by Authenticated Users".to_owned());
        assert_eq!(objection(BELOW_DRIVE, Scope::Folder), users);
        assert_eq!(objection(BELOW_DRIVE, Scope::Below), users);
        assert_eq!(objection(BELOW_DRIVE, Scope::Drive), users);
        // What lies below is written although the folder is not.
        let below = "O:BAD:PAI(A;OICI;FA;;;BA)(A;OICIIO;GW;;;BU)";
        assert_eq!(objection(below, Scope::Folder), None);
        assert_eq!(
            objection(below, Scope::Below).as_deref(),
            Some("may be written by Users")
        );
    }

    #[test]
    fn who_may_write() {
        let us = Sid::parse("S-1-5-21-1-2-3-1001").unwrap();
        let objection = |text: &str| parse(text).objection(Scope::File, Some(&us));
        for ours in [
            "O:BAD:P(A;;FA;;;BA)(A;;FRFX;;;WD)",
            "O:S-1-5-21-1-2-3-1001D:(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FA;;;SY)",
            "O:LAD:(A;;FA;;;LA)(A;;FA;;;DA)",
            // An empty list lets nobody.
            "O:SYD:P",
            "O:SYD:P(D;;FA;;;WD)(A;;FA;;;BU)",
            "O:SYD:P(A;;GA;;;S-1-15-3-1024-1-2)(A;;0x1200a9;;;BU)S:AI(AU;SAFA;FA;;;WD)",
        ] {
            assert_eq!(objection(ours), None, "{ours}");
        }
        for (text, why) in [
            (
                "O:S-1-5-21-1-2-3-1002D:P(A;;FA;;;SY)",
                "belongs to S-1-5-21-1-2-3-1002",
            ),
            ("O:BUD:P(A;;FA;;;SY)", "belongs to Users"),
            (
                "O:S-1-5-80-1-2-3-4-5D:P(A;;FA;;;SY)",
                "belongs to S-1-5-80-1-2-3-4-5",
            ),
            ("O:BAD:P(A;;FW;;;BU)", "may be written by Users"),
            ("O:BAD:P(A;;SD;;;IU)", "may be written by Interactive"),
            ("O:BAD:P(A;;WO;;;WD)", "may be written by Everyone"),
            (
                "O:BAD:P(A;;0x4;;;S-1-5-21-1-2-3-1002)",
                "may be written by S-1-5-21-1-2-3-1002",
            ),
            (
                "O:BAD:P(A;;0x40000000;;;NS)",
                r"may be written by NT AUTHORITY\NETWORK SERVICE",
            ),
            (
                "O:BAD:P(A;;GA;;;S-1-5-21-9-9-9-512)",
                "may be written by S-1-5-21-9-9-9-512",
            ),
            (
                "O:BAD:P(D;;WD;;;WD)(A;;FA;;;BU)(A;;FW;;;PU)",
                "may be written by Users and Power Users",
            ),
            // A denial that comes too late, or that is for others.
            ("O:BAD:P(A;;FA;;;BU)(D;;FA;;;WD)", "may be written by Users"),
            ("O:BAD:P(D;;FA;;;BG)(A;;FA;;;BU)", "may be written by Users"),
            ("O:BAD:P(D;OICIIO;FA;;;WD)(A;;FA;;;BU)", "may be written by Users"),
            (
                "O:BAD:P(XD;;FA;;;WD;(@User.a))(A;;FA;;;BU)",
                "may be written by Users",
            ),
            ("O:BAD:NO_ACCESS_CONTROL", "may be written by Everyone"),
            ("O:BA", "may be written by Everyone"),
        ] {
            assert_eq!(objection(text).as_deref(), Some(why), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_no_descriptor() {
        for text in [
            "nonsense",
            "O:",
            "O:BAD:(A;;FA;;;SY",
            "O:BAD:(A;;FA;;SY)",
            "O:BAD:(A;;QQ;;;SY)",
            "O:BAD:(Q;;FA;;;SY)",
            "O:BAD:(A;;0xZZ;;;SY)",
            "O:BAD:)",
            "O:BAD:(A;;FA;;;SY))",
            "X:BA",
            "O:\u{e4}",
        ] {
            assert_eq!(Descriptor::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_service_reads_through_its_groups() {
        let service = Sid::parse("S-1-5-20").unwrap();
        let of = |text: &str| parse(text).is_closed_to_service(&service);
        assert!(of("O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)"));
        assert!(of("O:BAD:P(D;;FR;;;NS)(A;;FA;;;WD)"));
        assert!(of("O:BAD:P(A;OICIIO;FA;;;NS)(A;;FX;;;BU)"));
        assert!(!of("O:BAD:P(A;;FA;;;SY)(A;;FR;;;NS)"));
        assert!(!of("O:BAD:AI(A;ID;0x1200a9;;;BU)"));
        // In which groups a person is, is not known.
        assert!(!parse("O:BAD:P").is_closed_to_service(&Sid::parse("S-1-5-21-1-2-3-1001").unwrap()));
    }
}
