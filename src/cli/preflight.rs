//! What is known before Apache is told to restart: whether it would start again.

use super::Failure;
use super::check::judge_hosts;
use super::judge::Server;
use super::printer::Printer;
use super::settings::Loaded;
use super::{findings, running};
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Severity};

/// Refuses while anything is known that keeps the server from starting: the running one would be lost. `left` says
/// how things are then.
pub fn refuse_no_start(
    loaded: &Loaded,
    forced: &[Code],
    left: &str,
    printer: &Printer,
) -> Result<(), Failure> {
    let judge = Server::of(Some(loaded), &loaded.global);
    let hosts = TlsHost::all(&loaded.configuration);
    let (checked, _) = judge_hosts(loaded, judge, &hosts, None, None);
    let mut found: Vec<Finding> = checked.into_iter().flat_map(|checked| checked.findings).collect();
    found.extend(running::port_findings(loaded));
    found.extend(running::configuration_findings(loaded));
    refuse(found, forced, left, printer)
}

/// Refuses when the server's own httpd does not come up with the TLS settings as they are: what only it can tell, such
/// as ciphers that its library does not know.
pub fn refuse_failed_rehearsal(
    loaded: &Loaded,
    forced: &[Code],
    left: &str,
    printer: &Printer,
) -> Result<(), Failure> {
    let judge = Server::of(Some(loaded), &loaded.global);
    let hosts = TlsHost::all(&loaded.configuration);
    let (checked, _) = judge_hosts(loaded, judge, &hosts, None, Some(printer));
    let found = checked.into_iter().flat_map(|checked| checked.findings);
    let failed = found.filter(|finding| finding.code == Code::RehearsalFailed);
    refuse(failed.collect(), forced, left, printer)
}

fn refuse(mut found: Vec<Finding>, forced: &[Code], left: &str, printer: &Printer) -> Result<(), Failure> {
    found.retain(|finding| finding.severity == Severity::StopsStart);
    found.dedup();
    let open: Vec<&Finding> = findings::errors(&found, forced).collect();
    if open.is_empty() {
        return Ok(());
    }
    let mut codes: Vec<&str> = open.iter().map(|finding| finding.code.word()).collect();
    codes.dedup();
    let codes = codes.join(", ");
    printer.talk(findings::lines(&found, forced).trim_end());
    Err(Failure {
        findings: found,
        ..Failure::refused(format!("Apache would not start again: {codes}. {left}"))
    })
}
