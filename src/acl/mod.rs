//! Access lists of Windows: who may read or write a file or folder, and what a private one gets when it is made.
//!
//! A security descriptor is looked at as the text that Windows itself writes for it (SDDL), so that judging it is a
//! function of a text. Only `windows.rs` and `directory.rs` ask or tell the system.

use std::path::Path;

mod account;
mod descriptor;
#[cfg(windows)]
mod directory;
#[cfg(windows)]
mod windows;

pub use account::{Account, Sid};
pub use descriptor::{Descriptor, Scope};
#[cfg(windows)]
pub use windows::{
    create_file, create_folder, descriptor, for_system, is_run_by_system_or_us, objection, own_descriptor,
    own_objection, remedy_at, us,
};

/// Who may read a private file besides its owner, the system and the administrators; they may do no more than read it.
/// On other systems the owner alone decides.
pub type Readers = Vec<Sid>;

/// The descriptor of a private file or folder: protected from what the folder above gives on.
pub fn private(readers: &[Sid], is_folder: bool) -> String {
    let inherit = if is_folder { "OICI" } else { "" };
    let full = [Sid::OWNER_RIGHTS, Sid::SYSTEM, Sid::ADMINISTRATORS];
    let full = full.iter().map(|sid| format!("(A;{inherit};FA;;;{sid})"));
    let read = readers
        .iter()
        .filter(|sid| **sid != Sid::known(Sid::SYSTEM))
        .map(|sid| format!("(A;{inherit};FR;;;{sid})"));
    format!("D:P{}", full.chain(read).collect::<String>())
}

/// Who may read a key that should not, and the command that ends it; nothing where only owner, system, administrators,
/// we and the account of the service may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The accounts, for people.
    pub who: String,
    /// What to type.
    pub fix: String,
    /// They are a group that systems have for this.
    pub is_customary: bool,
}

impl Exposure {
    /// Judges the descriptor of a key at `path`.
    pub fn of(
        descriptor: &Descriptor,
        path: &str,
        service: Option<&Account>,
        us: Option<&Sid>,
    ) -> Option<Exposure> {
        let reader = service.and_then(|account| account.sid.as_ref());
        let trusted: Vec<&Sid> = descriptor.owner.iter().chain(reader).chain(us).collect();
        let others = descriptor.readers(&trusted);
        if others.is_empty() {
            return None;
        }
        Some(Exposure {
            who: names(&others),
            fix: restriction(path, reader, &others),
            is_customary: false,
        })
    }
}

/// The `icacls` line that leaves a key to owner, system, administrators and one reader. Identities stand by number,
/// because their names are translated.
fn restriction(path: &str, reader: Option<&Sid>, others: &[Sid]) -> String {
    let mut line = format!(
        "icacls \"{path}\" /inheritance:r /grant:r *{}:F *{}:F *{}:F",
        Sid::OWNER_RIGHTS,
        Sid::SYSTEM,
        Sid::ADMINISTRATORS
    );
    if let Some(reader) = reader.filter(|sid| **sid != Sid::known(Sid::SYSTEM)) {
        line += &format!(" *{reader}:R");
    }
    let removed: String = others.iter().map(|sid| format!(" *{sid}")).collect();
    format!("{line} /remove:g{removed}")
}

/// The `icacls` line that leaves a folder and everything in it to its owner, the system and the administrators.
pub fn closing(folder: &Path) -> String {
    format!(
        "icacls \"{}\" /reset /t && icacls \"{0}\" /inheritance:r /grant:r *{}:(OI)(CI)F *{}:(OI)(CI)F *{}:(OI)(CI)F",
        folder.display(),
        Sid::OWNER_RIGHTS,
        Sid::SYSTEM,
        Sid::ADMINISTRATORS
    )
}

/// The commands that leave those who may write something the right to read and run it, and give it to the administrators
/// where it is somebody else's.
pub fn remedy(path: &str, descriptor: &Descriptor, scope: Scope, us: Option<&Sid>) -> String {
    let mut commands = Vec::new();
    // Without it the command follows a link.
    let itself = if scope == Scope::Link { " /L" } else { "" };
    let mut command = |words: String| commands.push(format!("icacls \"{path}\" {words}{itself}"));
    if descriptor.is_owned_by_others(us) {
        command(format!("/setowner *{}", Sid::ADMINISTRATORS));
    }
    let trusted: Vec<&Sid> = us.into_iter().collect();
    let writers = descriptor.writers(scope, &trusted);
    if !writers.is_empty() {
        let below = match scope {
            Scope::File | Scope::Link => "",
            Scope::Folder | Scope::Drive | Scope::Below | Scope::Above => "(OI)(CI)",
        };
        let grants: String = writers.iter().map(|sid| format!(" *{sid}:{below}RX")).collect();
        command("/inheritance:d".into());
        command(format!("/grant:r{grants}"));
    }
    commands.join(" && ")
}

/// `Everyone`, `Everyone and Users`, `Everyone, Users and bob`.
pub fn names(sids: &[Sid]) -> String {
    let names: Vec<String> = sids.iter().map(Sid::name).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Descriptor {
        Descriptor::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn what_is_private_is_for_owner_system_administrators_and_the_service() {
        let service = Account::of_service(r"NT AUTHORITY\NetworkService");
        let reader = service.sid.clone().unwrap();
        let text = private(&[reader.clone(), Sid::known(Sid::SYSTEM)], false);
        assert_eq!(
            text,
            "D:P(A;;FA;;;S-1-3-4)(A;;FA;;;S-1-5-18)(A;;FA;;;S-1-5-32-544)(A;;FR;;;S-1-5-20)"
        );
        let made = parse(&format!("O:S-1-5-21-1-2-3-1001{text}"));
        assert_eq!(
            made.readers(&[made.owner.as_ref().unwrap()]),
            std::slice::from_ref(&reader)
        );
        assert_eq!(made.writers(Scope::File, &[made.owner.as_ref().unwrap()]), []);
        assert!(made.lets_read(&reader));
        assert_eq!(Exposure::of(&made, "x", Some(&service), None), None);
        assert!(Exposure::of(&made, "x", None, None).is_some());
        assert!(private(&[], true).contains("(A;OICI;FA;;;S-1-5-18)"));
    }

    #[test]
    fn a_key_that_others_may_read() {
        let us = Sid::parse("S-1-5-21-1-2-3-1001").unwrap();
        let of = |text: &str| Exposure::of(&parse(text), r"C:\a b\x.key", None, Some(&us));
        for closed in [
            "O:BAD:PAI(A;;FA;;;SY)(A;;FA;;;BA)",
            "O:S-1-5-21-1-2-3-1002D:P(A;;FA;;;S-1-5-21-1-2-3-1002)(A;;FR;;;S-1-5-21-1-2-3-1001)",
            // To be run or deleted is not to be read.
            "O:BAD:P(A;;SDRC;;;BU)(A;;0x20;;;WD)",
            "O:BAD:P(D;;FR;;;WD)(A;;FR;;;BU)",
        ] {
            assert_eq!(of(closed), None, "{closed}");
        }
        let open =
            of("O:BAD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)").unwrap();
        assert_eq!(open.who, "Users and Authenticated Users");
        assert_eq!(
            open.fix,
            r#"icacls "C:\a b\x.key" /inheritance:r /grant:r *S-1-3-4:F *S-1-5-18:F *S-1-5-32-544:F /remove:g *S-1-5-32-545 *S-1-5-11"#
        );
        // Who may change the list may read; no list at all lets everybody; one for a single account is one too many.
        for (text, who) in [
            ("O:BAD:P(A;;WD;;;BU)", "Users"),
            ("O:BAD:P(A;;GA;;;WD)", "Everyone"),
            ("O:BAD:P(A;;GR;;;AN)", "Anonymous"),
            // What is denied is only reading.
            ("O:BAD:P(D;;FR;;;WD)(A;;FA;;;BU)", "Users"),
            ("O:BA", "Everyone"),
            ("O:BAD:NO_ACCESS_CONTROL", "Everyone"),
            ("O:BAD:P(A;;FR;;;S-1-5-21-1-2-3-4711)", "S-1-5-21-1-2-3-4711"),
            (
                "O:BAD:P(XA;;FR;;;WD;(Member_of {SID(BA)} && (@User.a == \"x)\")))(A;;FR;;;BU)",
                "Everyone and Users",
            ),
        ] {
            assert_eq!(of(text).map(|open| open.who).as_deref(), Some(who), "{text}");
        }
    }
}
