//! What kind of fault a rule tells, and what helps. Judges nothing.

use crate::finding::{Code, Finding};
use crate::httpd::Spot;

/// Rules that bear on whether the server starts. All others tell faults of the text.
const KINDS: [(&str, Code, &str); 19] = [
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

/// Says of a finding which kind of fault it is, and what helps.
pub(super) fn fill_in(finding: &mut Finding<Spot>) {
    if let Some((_, code, fix)) = KINDS.iter().find(|(rule, ..)| *rule == finding.rule) {
        finding.code = *code;
        finding.fix = (*fix).into();
    }
}
