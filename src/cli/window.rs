//! A window that closes with the program, as one does that a double click opened: what was said last must be readable.

/// Waits for Enter, where the window closes with us.
#[cfg(windows)]
pub fn wait() {
    use std::io::{IsTerminal, Write};
    let is_seen = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let by = crate::server::started_by();
    if is_seen && by.is_some_and(|by| closes(&by)) {
        let _ = write!(std::io::stderr(), "\nPress Enter to close this window. ");
        crate::interrupt::read_line();
    }
}

/// Elsewhere no window belongs to a program.
#[cfg(not(windows))]
pub fn wait() {}

/// Does a window close with a program that this one started? A shell keeps its own open.
#[cfg(any(windows, test))]
fn closes(by: &str) -> bool {
    by.eq_ignore_ascii_case("explorer.exe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_click_opens_a_window_and_a_shell_has_one() {
        assert!(closes("explorer.exe") && closes("Explorer.EXE"));
        for shell in ["cmd.exe", "powershell.exe", "pwsh.exe", "WindowsTerminal.exe", ""] {
            assert!(!closes(shell), "{shell}");
        }
    }
}
