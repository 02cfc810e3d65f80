//! Folders and files of a server that a service of Windows runs: who else may write what it runs with its rights.

use crate::acl::{Account, Descriptor, Scope, Sid, names, remedy};
use crate::finding::{Code, Finding, Severity};

/// A folder or file, and who owns and may write it.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Its path, for people and for `icacls`.
    pub path: String,
    /// What writing it means.
    pub scope: Scope,
    /// Its owner and access list.
    pub descriptor: Descriptor,
}

/// One finding for each that others than the system and administrators may write; `service` is the account that the service
/// runs as, `us` the one that we do.
pub fn check(looked: &[Looked], service: &Account, us: Option<&Sid>) -> Vec<Finding> {
    looked.iter().filter_map(|one| judge(one, service, us)).collect()
}

fn judge(one: &Looked, service: &Account, us: Option<&Sid>) -> Option<Finding> {
    let objection = one.descriptor.objection(one.scope, us)?;
    let path = &one.path;
    let trusted: Vec<&Sid> = us.into_iter().collect();
    let writers = one.descriptor.writers(one.scope, &trusted);
    let gain = if service.is_system() {
        "so whoever can write there gains all rights on this machine"
    } else {
        "so whoever can write there gains the rights of that account, and of the administrator who starts it"
    };
    let what = match one.scope {
        Scope::Above => "The server is below it and could be replaced by another one;",
        Scope::Link => "It leads to something that the server runs, and could be made to lead elsewhere;",
        _ => "The server runs it, or reads from it what to run;",
    };
    let mut cause = format!("{what} the service runs as {}, {gain}.", service.name);
    if !writers.is_empty() && objection.starts_with("belongs") {
        cause += &format!(" It may be written by {} as well.", names(&writers));
    }
    let finding = Finding::new(
        Code::ServerWritable,
        Severity::WorksButWrong,
        format!("{path} {objection}"),
        cause,
        remedy(path, &one.descriptor, one.scope, us),
    );
    Some(finding.at(path, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(path: &str, scope: Scope, text: &str, service: &str) -> Option<Finding> {
        let looked = Looked {
            path: path.into(),
            scope,
            descriptor: Descriptor::parse(text).unwrap(),
        };
        let us = Sid::parse("S-1-5-21-1-2-3-500");
        check(&[looked], &Account::of_service(service), us.as_ref()).pop()
    }

    /// What an administrator's new folder right below C: gets.
    const BELOW_DRIVE: &str = "O:S-1-5-21-1-2-3-500D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)\
                               (A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)";

    #[test]
    fn a_tree_right_below_the_drive() {
        let found = judged(r"C:\eSync\Apache24\bin", Scope::Below, BELOW_DRIVE, "LocalSystem").unwrap();
        assert_eq!(found.code.word(), "SERVER-WRITABLE");
        assert_eq!(found.severity, Severity::WorksButWrong);
        assert_eq!(
            found.summary,
            r"C:\eSync\Apache24\bin may be written by Authenticated Users"
        );
        assert!(found.cause.contains(r"NT AUTHORITY\SYSTEM") && found.cause.contains("all rights"));
        assert_eq!(
            found.fix,
            r#"icacls "C:\eSync\Apache24\bin" /inheritance:d && icacls "C:\eSync\Apache24\bin" /grant:r *S-1-5-11:(OI)(CI)RX"#
        );
        // A junction has a list of its own: it can be led elsewhere, however well that is kept to which it leads.
        let link = judged(r"C:\Apache24", Scope::Link, BELOW_DRIVE, "LocalSystem").unwrap();
        assert!(link.cause.contains("lead elsewhere"), "{}", link.cause);
        assert_eq!(
            link.fix,
            r#"icacls "C:\Apache24" /inheritance:d /L && icacls "C:\Apache24" /grant:r *S-1-5-11:RX /L"#
        );
        let attributes = "O:BAD:P(A;;FA;;;BA)(A;;0x100;;;BU)";
        assert!(judged(r"C:\Apache24", Scope::Link, attributes, "LocalSystem").is_some());
        assert!(judged(r"C:\Apache24", Scope::Folder, attributes, "LocalSystem").is_none());
        // It can be renamed, and another be put in its place.
        assert!(judged(r"C:\eSync", Scope::Above, BELOW_DRIVE, "LocalSystem").is_some());
        let other = judged(r"C:\x", Scope::Below, BELOW_DRIVE, r"NT AUTHORITY\NetworkService").unwrap();
        assert!(
            other.cause.contains(r"NT AUTHORITY\NETWORK SERVICE"),
            "{}",
            other.cause
        );
    }

    #[test]
    fn owners_and_files() {
        let text = "O:S-1-5-21-1-2-3-1001D:(A;;FA;;;BA)(A;;FRFX;;;BU)";
        let found = judged(r"C:\a\httpd.exe", Scope::File, text, "LocalSystem").unwrap();
        assert_eq!(found.summary, r"C:\a\httpd.exe belongs to S-1-5-21-1-2-3-1001");
        assert_eq!(found.fix, r#"icacls "C:\a\httpd.exe" /setowner *S-1-5-32-544"#);
        let text = "O:S-1-5-21-1-2-3-1001D:(A;;FA;;;BA)(A;;FA;;;BU)";
        let found = judged(r"C:\a\httpd.exe", Scope::File, text, "LocalSystem").unwrap();
        assert!(found.cause.ends_with("It may be written by Users as well."));
        assert!(found.fix.ends_with("/grant:r *S-1-5-32-545:RX"), "{}", found.fix);
    }

    #[test]
    fn what_is_in_order() {
        for (scope, text) in [
            (
                Scope::Below,
                "O:BAD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)",
            ),
            (
                Scope::File,
                "O:S-1-5-21-1-2-3-500D:(A;;FA;;;SY)(A;;FA;;;S-1-5-21-1-2-3-500)",
            ),
            // Everybody makes folders below C:, and nobody renames those of others.
            (
                Scope::Above,
                "O:SYD:PAI(A;;LC;;;AU)(A;OICIIO;SDGXGWGR;;;AU)(A;OICI;FA;;;SY)(A;;DC;;;BU)",
            ),
        ] {
            assert!(judged("x", scope, text, "LocalSystem").is_none(), "{text}");
        }
    }
}
