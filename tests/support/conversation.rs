//! Somebody who answers the questions of a program at its terminal, key by key.

use std::io::Write;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;

use super::terminal::Terminal;

/// Enter.
pub const ENTER: &str = "\r";
/// Esc.
pub const ESC: &str = "\x1b";
/// Ctrl-C.
pub const CTRL_C: &str = "\x03";

/// The program at its terminal, and what it has shown.
pub struct Conversation {
    at: Terminal,
    said: String,
    /// How much of that was there when the last answer was given.
    answered: usize,
}

impl Conversation {
    /// Starts a program at a terminal that is its own, and has no colours.
    #[track_caller]
    pub fn start(mut command: Command) -> Conversation {
        command.env("NO_COLOR", "1");
        Conversation::start_wide(command, 200)
    }

    /// Starts a program at a terminal of so many columns.
    #[track_caller]
    pub fn start_wide(command: Command, columns: u16) -> Conversation {
        let mut own = Command::new("setsid");
        own.arg("--ctty").arg(command.get_program());
        own.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => own.env(name, value),
                None => own.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            own.current_dir(folder);
        }
        own.env("TERM", "xterm");
        let at = Terminal::start(own);
        let size = rustix::termios::Winsize {
            ws_row: 50,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        rustix::termios::tcsetwinsize(at.typed.as_fd(), size).expect("a size");
        Conversation {
            at,
            said: String::new(),
            answered: 0,
        }
    }

    /// What was written to the terminal, with all that moves its cursor and colours it.
    pub fn written(&self) -> &str {
        &self.said
    }

    /// What was shown, without what only moves the cursor.
    pub fn said(&self) -> String {
        strip_str(&self.said).to_string().replace('\r', "")
    }

    /// Waits for a question since the last answer, and gives one.
    #[track_caller]
    pub fn answer(&mut self, question: &str, keys: &str) {
        self.wait_for(question);
        self.answered = self.said.len();
        self.at.typed.write_all(keys.as_bytes()).expect("an answer");
    }

    /// Waits for words since the last answer.
    #[track_caller]
    pub fn wait_for(&mut self, words: &str) {
        self.wait_for_one(&[words]);
    }

    /// The same, for the first of several that comes: which one it is.
    #[track_caller]
    pub fn wait_for_one(&mut self, words: &[&str]) -> usize {
        let start = Instant::now();
        let found = loop {
            let since = strip_str(&self.said[self.answered..]).to_string();
            if let Some(at) = words.iter().position(|words| since.contains(words)) {
                break at;
            }
            assert!(
                start.elapsed() < Duration::from_secs(90),
                "{words:?}:\n{}",
                self.said()
            );
            match self.at.shown.recv_timeout(Duration::from_secs(90)) {
                Ok(bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no {words:?} ({error}):\n{}", self.said()),
            }
        };
        // The whole frame of a question is there before somebody answers it.
        while let Ok(bytes) = self.at.shown.recv_timeout(Duration::from_millis(30)) {
            self.said.push_str(&String::from_utf8_lossy(&bytes));
        }
        found
    }

    /// Whether what is typed is shown, and Ctrl-C a signal, as a shell leaves a terminal.
    pub fn is_as_before(&self) -> bool {
        use nix::sys::termios::{LocalFlags, tcgetattr};
        let wanted = LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG;
        tcgetattr(&self.at.typed).is_ok_and(|settings| settings.local_flags.contains(wanted))
    }

    /// Waits for its end: its status, and all that was shown.
    #[track_caller]
    pub fn end(mut self) -> (Option<i32>, String) {
        (self.status(), self.said())
    }

    /// Waits for its end: its status.
    #[track_caller]
    pub fn status(&mut self) -> Option<i32> {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.at.child.try_wait().expect("its state") {
                break status;
            }
            assert!(start.elapsed() < Duration::from_secs(90), "{}", self.said());
            while let Ok(bytes) = self.at.shown.try_recv() {
                self.said.push_str(&String::from_utf8_lossy(&bytes));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(self.is_as_before(), "the terminal:\n{}", self.said());
        while let Ok(bytes) = self.at.shown.recv_timeout(Duration::from_millis(300)) {
            self.said.push_str(&String::from_utf8_lossy(&bytes));
        }
        status.code()
    }
}
