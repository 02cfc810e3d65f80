//! What is asked about the files of one virtual host, and what they yield first: whether each can be read at all, and which
//! certificate is served. Every rule about them stands on this.

use time::OffsetDateTime;

use super::generation::Generation;
use super::tls_files::{File, TlsFiles, Trouble};
use crate::acl::Account;
use crate::finding::{Code, Finding, Severity};
use crate::place::ShownPath;
use crate::quoted::quoted;
use crate::tls::certificate::Certificate;

/// What is to be judged, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The files as the configuration names them.
    pub files: &'a TlsFiles,
    /// `ServerName` without scheme and port, or the name that clients will use.
    pub server_name: Option<&'a str>,
    /// `ServerAlias` names, those with Apache's `*` and `?` left out.
    pub aliases: &'a [String],
    /// Which Apache and OpenSSL.
    pub server: Generation,
    /// The time of judgement.
    pub now: OffsetDateTime,
    /// Whether `SSLUseStapling` is on.
    pub stapling: bool,
    /// Whether an `SSLPassPhraseDialog exec:` or `|` program answers for encrypted keys.
    pub pass_phrase_dialog: bool,
    /// Certificates that clients trust by arrangement, such as a company's root.
    pub anchors: &'a [Certificate],
}

impl<'a> Question<'a> {
    /// The files by themselves, without a configuration that says more of them.
    pub fn of_files(
        files: &'a TlsFiles,
        server_name: Option<&'a str>,
        server: Generation,
        now: OffsetDateTime,
    ) -> Question<'a> {
        Question {
            files,
            server_name,
            aliases: &[],
            server,
            now,
            stapling: false,
            pass_phrase_dialog: false,
            anchors: &[],
        }
    }
}

/// What the certificate file yields.
pub(super) struct Served {
    /// The certificate that Apache takes as the server's.
    pub leaf: Certificate,
    /// Line in which it begins.
    pub line: Option<usize>,
    /// Readable certificates behind it in the same file, those that Apache sees.
    pub rest: Vec<Certificate>,
    /// Whether something behind the leaf cannot be read, so that `rest` says nothing about the chain.
    pub rest_is_broken: bool,
}

/// A file that is not there, empty or unreadable stops the start whatever it is for. `true` when there is
/// content to look at.
pub(super) fn readable(file: &File, directive: &str, findings: &mut Vec<Finding>) -> bool {
    let path = &file.path;
    let finding = match &file.bytes {
        Ok(bytes) if !bytes.is_empty() => match file.shut_out() {
            None => return true,
            Some(account) => {
                findings.push(shut_out(file, account, directive));
                return true;
            }
        },
        // What it should hold, it does not.
        Err(Trouble::TooLarge) => return true,
        Ok(_) => Finding::new(
            Code::FileEmpty,
            Severity::StopsStart,
            format!("{directive} names an empty file"),
            "The file has no content; copying or writing it failed.",
            "Copy the file again from where it came from.",
        )
        .logged(&["AH00526"]),
        Err(Trouble::Missing) => Finding::new(
            Code::FileMissing,
            Severity::StopsStart,
            format!("{directive} names a file that does not exist"),
            "Apache resolves a relative path from its server root, not from the configuration file.",
            format!("Correct the path, or put the file at {path}."),
        )
        .logged(&["AH00526"]),
        Err(Trouble::NotRegular) => Finding::new(
            Code::FileNotRegular,
            Severity::StopsStart,
            format!("{directive} names a folder or something else that is not a file"),
            "Apache needs a regular file.",
            "Add the file name to the path.",
        )
        .logged(&["AH00526"]),
        Err(Trouble::InUse) => Finding::new(
            Code::FileUnreadable,
            Severity::StopsStart,
            format!("another program has the file of {directive} open"),
            "It lets nobody else read it, nor would it let Apache.",
            "Close that program, or wait a little, then run again.",
        ),
        Err(Trouble::Closed(reason) | Trouble::Unreadable(reason)) => Finding::new(
            Code::FileUnreadable,
            Severity::StopsStart,
            format!("the file of {directive} cannot be read"),
            format!("The reason: {reason}. The account that starts Apache must be able to read it."),
            if cfg!(windows) {
                Account::grant(file.service.as_ref(), &ShownPath::from(path.as_str()).absolute())
            } else {
                let path = quoted(path);
                format!("chown root {path} && chmod 600 {path}, and start Apache as root")
            },
        ),
    };
    findings.push(finding.at(path, None));
    false
}

/// We may read it, and the service may not: no rehearsal of ours would show that.
fn shut_out(file: &File, account: &Account, directive: &str) -> Finding {
    let name = &account.name;
    Finding::new(
        Code::FileUnreadable,
        Severity::StopsStart,
        format!("the service of Apache may not read the file of {directive}"),
        format!("The service runs as {name}, and the file's access list does not let that account read it."),
        Account::grant(Some(account), &ShownPath::from(file.path.as_str()).absolute()),
    )
    .at(&file.path, None)
}
