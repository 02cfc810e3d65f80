//! Accounts and groups by their number, which is the same whatever language the system speaks.

use std::fmt;

use sha1::{Digest, Sha1};

/// A security identifier, such as `S-1-5-18`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid(String);

/// Number, SDDL's abbreviation and English name of identities that are the same on every machine.
const KNOWN: [(&str, &str, &str); 22] = [
    ("S-1-1-0", "WD", "Everyone"),
    ("S-1-3-0", "CO", "CREATOR OWNER"),
    ("S-1-3-1", "CG", "CREATOR GROUP"),
    (Sid::OWNER_RIGHTS, "OW", "OWNER RIGHTS"),
    ("S-1-5-2", "NU", "Network"),
    ("S-1-5-4", "IU", "Interactive"),
    (SERVICE, "SU", "Service"),
    ("S-1-5-7", "AN", "Anonymous"),
    ("S-1-5-11", "AU", "Authenticated Users"),
    ("S-1-5-12", "RC", "Restricted"),
    (Sid::SYSTEM, "SY", r"NT AUTHORITY\SYSTEM"),
    (LOCAL_SERVICE, "LS", r"NT AUTHORITY\LOCAL SERVICE"),
    (NETWORK_SERVICE, "NS", r"NT AUTHORITY\NETWORK SERVICE"),
    ("S-1-5-33", "WR", "Write Restricted"),
    (Sid::ADMINISTRATORS, "BA", "Administrators"),
    ("S-1-5-32-545", "BU", "Users"),
    ("S-1-5-32-546", "BG", "Guests"),
    ("S-1-5-32-547", "PU", "Power Users"),
    ("S-1-5-32-549", "SO", "Server Operators"),
    ("S-1-5-32-551", "BO", "Backup Operators"),
    ("S-1-15-2-1", "AC", "All Application Packages"),
    (TRUSTED_INSTALLER, "", r"NT SERVICE\TrustedInstaller"),
];

const SERVICE: &str = "S-1-5-6";
const LOCAL_SERVICE: &str = "S-1-5-19";
const NETWORK_SERVICE: &str = "S-1-5-20";
const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

impl Sid {
    /// Whoever owns the file.
    pub const OWNER_RIGHTS: &str = "S-1-3-4";
    /// The system, as which services run that have no account of their own.
    pub const SYSTEM: &str = "S-1-5-18";
    /// The administrators of the machine.
    pub const ADMINISTRATORS: &str = "S-1-5-32-544";

    /// One of the numbers above.
    pub fn known(number: &str) -> Sid {
        Sid(number.to_owned())
    }

    /// A number, or an abbreviation of SDDL. Of those that hang on a domain (`LA`, `DA`) the abbreviation stays.
    pub fn parse(text: &str) -> Option<Sid> {
        let is_number = text.strip_prefix("S-1-").is_some_and(|rest| {
            rest.split('-')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        });
        let is_short = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let known = || KNOWN.iter().find(|(_, short, _)| *short == text);
        match (is_number, is_short) {
            (true, _) => Some(Sid(text.to_owned())),
            (_, true) => Some(Sid(known().map_or(text, |(number, ..)| number).to_owned())),
            _ => None,
        }
    }

    /// The name of an account or group: what every machine has, in English as all that we say; others as this machine
    /// knows them.
    pub fn name(&self) -> String {
        if let Some((.., name)) = KNOWN.iter().find(|(number, ..)| *number == self.0) {
            return (*name).to_owned();
        }
        #[cfg(windows)]
        if let Some(name) = super::directory::name(&self.0) {
            return name;
        }
        self.0.clone()
    }

    /// Whether it may do everything anyhow: the system, the administrators (also those of the own domain, in its
    /// abbreviations, and the machine's first account), and what installs Windows.
    pub(super) fn is_administrative(&self) -> bool {
        let fixed = [
            Self::SYSTEM,
            Self::ADMINISTRATORS,
            TRUSTED_INSTALLER,
            "LA",
            "DA",
            "EA",
        ];
        fixed.contains(&self.0.as_str())
    }

    /// Whether it is nobody by itself: a place-holder for who makes a file in a folder, or for its owner; a package of
    /// programs, which may do nothing that its user may not.
    pub(super) fn is_nobody(&self) -> bool {
        ["S-1-3-0", "S-1-3-1", Self::OWNER_RIGHTS].contains(&self.0.as_str())
            || ["S-1-15-2-", "S-1-15-3-"]
                .iter()
                .any(|packages| self.0.starts_with(packages))
    }

    /// Everybody, also those who are not known.
    pub(super) fn everyone() -> Sid {
        Sid::known("S-1-1-0")
    }

    /// Groups in which a service's account is without anybody having put it there. Nothing for accounts of people.
    pub(super) fn groups_of_service(&self) -> Option<&'static [&'static str]> {
        let is_service = [LOCAL_SERVICE, NETWORK_SERVICE, Self::SYSTEM].contains(&self.0.as_str());
        (is_service || self.0.starts_with("S-1-5-80-"))
            .then_some(&["S-1-1-0", "S-1-5-11", "S-1-5-32-545", SERVICE, "S-1-5-80-0"][..])
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The account that a service runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name, as `icacls` takes it.
    pub name: String,
    /// Its number, where it is known.
    pub sid: Option<Sid>,
}

impl Account {
    /// The account in a service's `ObjectName`; nothing there means the system.
    pub fn of_service(object_name: &str) -> Account {
        let bare = object_name.trim();
        let (domain, user) = bare.split_once('\\').unwrap_or(("", bare));
        let fixed = |number: &str| {
            let sid = Sid::known(number);
            let name = KNOWN.iter().find(|(known, ..)| *known == number);
            Account {
                name: name.map_or(number, |(.., name)| name).to_owned(),
                sid: Some(sid),
            }
        };
        let is = |domains: &[&str], users: &[&str]| {
            let among = |list: &[&str], word: &str| list.iter().any(|one| one.eq_ignore_ascii_case(word));
            among(domains, domain) && among(users, user)
        };
        let authority = ["", ".", "NT AUTHORITY"];
        if is(&authority, &["", "LocalSystem", "SYSTEM"]) {
            return fixed(Sid::SYSTEM);
        }
        if is(&authority, &["LocalService", "LOCAL SERVICE"]) {
            return fixed(LOCAL_SERVICE);
        }
        if is(&authority, &["NetworkService", "NETWORK SERVICE"]) {
            return fixed(NETWORK_SERVICE);
        }
        if domain.eq_ignore_ascii_case("NT SERVICE") {
            return Account {
                name: format!(r"NT SERVICE\{user}"),
                sid: Some(virtual_account(user)),
            };
        }
        Account {
            name: bare.strip_prefix(r".\").unwrap_or(bare).to_owned(),
            sid: look_up(domain, user),
        }
    }

    /// Whether it is the system itself, which may do everything on this machine.
    pub fn is_system(&self) -> bool {
        self.sid.as_ref().is_some_and(|sid| sid.0 == Sid::SYSTEM)
    }

    /// Who must be let read what only some may read.
    pub fn readers(account: Option<&Account>) -> super::Readers {
        account
            .and_then(|account| account.sid.clone())
            .into_iter()
            .collect()
    }

    /// The command that lets it read a file.
    pub fn grant(account: Option<&Account>, path: &str) -> String {
        let name = account.map_or(r"NT AUTHORITY\SYSTEM", |account| &account.name);
        format!("icacls \"{path}\" /grant \"{name}:R\"")
    }
}

/// The number of `NT SERVICE\name`: made from the name, whether there is such a service or not.
fn virtual_account(service: &str) -> Sid {
    let name: Vec<u8> = service
        .to_uppercase()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let digest: [u8; 20] = Sha1::digest(&name).into();
    let (words, _) = digest.as_chunks::<4>();
    let parts: String = words
        .iter()
        .map(|word| format!("-{}", u32::from_le_bytes(*word)))
        .collect();
    Sid(format!("S-1-5-80{parts}"))
}

#[cfg(windows)]
fn look_up(domain: &str, user: &str) -> Option<Sid> {
    Sid::parse(&super::directory::number(domain, user)?)
}

#[cfg(not(windows))]
fn look_up(_domain: &str, _user: &str) -> Option<Sid> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_services() {
        for (object_name, name, sid) in [
            ("LocalSystem", r"NT AUTHORITY\SYSTEM", Some(Sid::SYSTEM)),
            ("", r"NT AUTHORITY\SYSTEM", Some(Sid::SYSTEM)),
            (r".\LocalSystem", r"NT AUTHORITY\SYSTEM", Some(Sid::SYSTEM)),
            (
                r"nt authority\networkservice",
                r"NT AUTHORITY\NETWORK SERVICE",
                Some("S-1-5-20"),
            ),
            (
                r"NT AUTHORITY\LocalService",
                r"NT AUTHORITY\LOCAL SERVICE",
                Some("S-1-5-19"),
            ),
            (
                r"NT Service\trustedinstaller",
                r"NT SERVICE\trustedinstaller",
                Some(TRUSTED_INSTALLER),
            ),
        ] {
            let account = Account::of_service(object_name);
            assert_eq!(account.name, name, "{object_name}");
            assert_eq!(account.sid.map(|sid| sid.0).as_deref(), sid, "{object_name}");
        }
        // A person called like a service of the system is none.
        let person = Account::of_service(r"EXAMPLE\NetworkService");
        assert_ne!(person.sid, Some(Sid::known(NETWORK_SERVICE)));
        assert_eq!(person.name, r"EXAMPLE\NetworkService");
        assert_eq!(Account::of_service(r".\apache").name, "apache");
        assert_eq!(
            Account::grant(Some(&person), "a.key"),
            r#"icacls "a.key" /grant "EXAMPLE\NetworkService:R""#
        );
        assert_eq!(
            Account::grant(None, "a.key"),
            r#"icacls "a.key" /grant "NT AUTHORITY\SYSTEM:R""#
        );
    }

    #[test]
    fn numbers_and_abbreviations() {
        assert_eq!(Sid::parse("BU"), Sid::parse("S-1-5-32-545"));
        assert_eq!(Sid::parse("DU").map(|sid| sid.to_string()).as_deref(), Some("DU"));
        for bad in ["", "bu", "B", "BUX", "S-1-", "S-1-5-", "S-1-5-1)(A;;FA;;;WD"] {
            assert_eq!(Sid::parse(bad), None, "{bad}");
        }
    }
}
