//! A program at a terminal of its own.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};

/// What sits at the other side.
pub struct Terminal {
    /// The program.
    pub child: Child,
    /// Where answers are typed.
    pub typed: File,
    /// What the program shows, as it comes.
    pub shown: Receiver<Vec<u8>>,
}

impl Terminal {
    /// Starts the program there.
    #[track_caller]
    pub fn start(mut command: Command) -> Terminal {
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let side = || File::from(terminal.slave.try_clone().expect("a second handle"));
        let child = super::process::start(command.stdin(side()).stdout(side()).stderr(side()));
        // It holds the program's side open as well.
        drop(command);
        drop(terminal.slave);
        let typed = File::from(terminal.master);
        let mut reader = typed.try_clone().expect("a second handle");
        let (send, shown) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // The end is an error here: nobody holds the other side any more.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if send.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal {
            child: child.expect("the program starts"),
            typed,
            shown,
        }
    }
}
