//! `esync-ssl version`.

use std::fmt::Write as _;

use crate::cli::printer::Printer;
use crate::document::{End, Ending, Version};
use crate::exit_status::ExitStatus;

/// Runs the command.
pub fn run(printer: &Printer) -> ExitStatus {
    let version = Version::of_this();
    printer.verbatim(&text(&version));
    printer.document(End::of(Ending::Ok), &version);
    ExitStatus::Done
}

fn text(version: &Version) -> String {
    let mut text = format!("esync-ssl {}\ntarget: {}\n", version.version, version.target);
    let commit = version.commit.as_deref().unwrap_or("not recorded in this build");
    let _ = writeln!(text, "commit: {commit}");
    if let Some(date) = &version.date {
        let _ = writeln!(text, "date: {date}");
    }
    if !version.features.is_empty() {
        let _ = writeln!(text, "features: {}", version.features.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_a_build_is_said() {
        let mut version = Version::of_this();
        (version.commit, version.date) = (None, None);
        assert!(text(&version).ends_with("\ncommit: not recorded in this build\n"));
        version.commit = Some("abc".into());
        version.date = Some("2026-11-30T13:23:20Z".into());
        assert!(text(&version).ends_with("\ncommit: abc\ndate: 2026-11-30T13:23:20Z\n"));
    }
}
