//! What kind of fault a rule tells, and what helps. Judges nothing.

use crate::finding::{Code, Finding};
use crate::httpd::Spot;

/// Rules that bear on whether the server starts. All others tell faults of the text.
const KINDS: [(&str, Code, &str); 20] = [
    (
        "no-listen",
        Code::ListenMissing,
        "Add Listen 443 to the main file.",
    ),
    ("listen", Code::DirectiveValue, "Correct the line: Listen 443."),
    (
        "listen-duplicate",
        Code::ListenTwice,
        "Keep one of the two Listen lines.",
    ),
    (
        "listen-overlap",
        Code::ListenTwice,
        "Keep one of the two Listen lines.",
    ),
    (
        "log-folder",
        Code::LogFolder,
        "Create the folder, or correct the path.",
    ),
    (
        "log-name",
        Code::LogFolder,
        "Name another file: ErrorLog logs/error.log.",
    ),
    (
        "load-module",
        Code::ModuleMissing,
        "Correct the path in LoadModule, or install the module.",
    ),
    (
        "loaded-twice",
        Code::ModuleTwice,
        "Remove one of the two LoadModule lines.",
    ),
    (
        "mpm",
        Code::ModuleMissing,
        "Load exactly one MPM: LoadModule mpm_event_module modules/mod_mpm_event.so.",
    ),
    (
        "server-root",
        Code::ServerRoot,
        "Correct ServerRoot, or Define SRVROOT.",
    ),
    (
        "document-root",
        Code::DocumentRoot,
        "Correct the path, or create the folder.",
    ),
    ("dead-address", Code::VhostAddress, "Write <VirtualHost *:443>."),
    ("host-address", Code::VhostAddress, "Write <VirtualHost *:443>."),
    ("tls-setting", Code::DirectiveValue, "Correct the line."),
    ("tls-file", Code::FileMissing, "Correct the path."),
    (
        "tls-without-certificate",
        Code::CertNotNamed,
        "Add SSLCertificateFile and SSLCertificateKeyFile.",
    ),
    (
        "types-config",
        Code::FileMissing,
        "Correct TypesConfig, or put the file there.",
    ),
    (
        "module-needed",
        Code::ModuleMissing,
        "Load the module, or take out the one that needs it.",
    ),
    (
        "options-mixed",
        Code::DirectiveValue,
        "Write + or - before each option, or before none.",
    ),
    (
        "undefined-variable",
        Code::VariableUndefined,
        "Define it earlier, or write the value itself.",
    ),
];

/// Of rules of the text whose words say neither why nor what helps: both. All others say it themselves.
const TEXT: [(&str, &str, &str); 17] = [
    (
        "dead-host",
        "Of the virtual hosts for the address and port of a request, the most specific address first, the first one with \
         the name answers.",
        "Give it an address, a port with a Listen, and a name that no virtual host before it has; or remove it.",
    ),
    (
        "hides-others",
        "Where a virtual host names the address of a request, those for `*` are not asked, whatever their name.",
        "Write the same address into all of them, or `*`.",
    ),
    (
        "tls-and-plain",
        "The first virtual host of an address and port decides whether TLS is spoken there.",
        "Give one of them another port, or both SSLEngine on with a certificate.",
    ),
    (
        "before-its-module",
        "Apache asks whether the module is there when it reads this line, and does not come back to it.",
        "Move it behind the LoadModule line.",
    ),
    (
        "module-order",
        "A module can use only what was loaded before it.",
        "Move its LoadModule line behind that of the module that it needs.",
    ),
    (
        "unknown-directive",
        "Neither Apache nor a module that is loaded has a directive of that name.",
        "Correct the name, load the module that has it, or remove the line.",
    ),
    (
        "include-missing",
        "Include needs a file that is there; IncludeOptional does not.",
        "Correct the path, put the file there, or write IncludeOptional.",
    ),
    (
        "include-elsewhere",
        "What it says is not known here.",
        "Run this where the file is.",
    ),
    ("log-syslog", "", "Name a file: ErrorLog logs/error.log."),
    ("include-unreadable", "", "Correct the permissions of the file."),
    (
        "ignored-words",
        "",
        "Remove the rest of the line, or write it in a line of its own.",
    ),
    ("ignored-line", "", "Remove the empty word, or the line."),
    (
        "closing-without-opening",
        "",
        "Remove the line, or add the opening tag.",
    ),
    (
        "closing-mismatch",
        "",
        "Close sections in the order opposite to that in which they were opened.",
    ),
    ("closing-tag", "", "Add `>` at the end of the line."),
    ("open-quote", "", "Add the closing quotation mark."),
    (
        "tls-optional",
        "Since Apache 2.4.64 it means off.",
        "Write SSLEngine on, with a certificate.",
    ),
];

/// Says of a finding which kind of fault it is, and what helps.
pub(super) fn fill_in(finding: &mut Finding<Spot>) {
    if let Some((_, code, fix)) = KINDS.iter().find(|(rule, ..)| *rule == finding.rule) {
        finding.code = *code;
        finding.fix = (*fix).into();
    }
    if let Some((_, cause, fix)) = TEXT.iter().find(|(rule, ..)| *rule == finding.rule) {
        (finding.cause, finding.fix) = ((*cause).into(), (*fix).into());
    }
}
