//! Where text goes, whoever reads it, and whether an answer got there.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::live;
use crate::interrupt;
use crate::wording::reason;

/// Where something is printed.
#[derive(Clone, Copy)]
pub enum Stream {
    /// For people, to stdout.
    Answer,
    /// For programs, to stdout.
    Document,
    /// To stderr.
    Talk,
}

/// How long a reader of talk may take while something is under way that must not stay half done.
const SLOW: Duration = Duration::from_secs(10);

/// Why an answer was not written, in words.
static LOST: Mutex<Option<String>> = Mutex::new(None);

impl Stream {
    /// Its reader has stopped, and what was written last still waits there: more would wait behind it.
    fn given_up(self) -> &'static AtomicBool {
        static OUT: AtomicBool = AtomicBool::new(false);
        static TALK: AtomicBool = AtomicBool::new(false);
        match self {
            Stream::Answer | Stream::Document => &OUT,
            Stream::Talk => &TALK,
        }
    }

    /// Nothing more is written there.
    pub fn is_given_up(self) -> bool {
        self.given_up().load(Ordering::Relaxed)
    }

    fn give_up(self) {
        self.given_up().store(true, Ordering::Relaxed);
    }
}

/// Writes it there.
pub fn write(stream: Stream, text: &str) {
    if stream.is_given_up() {
        return;
    }
    let text = text.to_owned();
    // What is said while a server is stopped must not keep it from being started again.
    let most = matches!(stream, Stream::Talk).then_some(SLOW);
    let is_said = interrupt::say_patiently(most, move || {
        live::without(|| match stream {
            // What has no colours need not be looked through for them: it may be megabytes.
            Stream::Answer if memchr::memchr(b'\x1b', text.as_bytes()).is_none() => {
                answered(io::stdout().write_all(text.as_bytes()));
            }
            Stream::Answer => answered(anstream::stdout().write_all(text.as_bytes())),
            Stream::Document => answered(writeln!(io::stdout(), "{text}")),
            Stream::Talk => _ = writeln!(anstream::stderr(), "{text}"),
        });
    });
    if !is_said {
        stream.give_up();
    }
}

/// An answer was written to stdout, with this result. A reader that went away is not our failure; a full disk is.
pub fn answered(result: io::Result<()>) {
    let result = result.and_then(|()| io::stdout().flush());
    interrupt::answered();
    if let Err(error) = result
        && error.kind() != ErrorKind::BrokenPipe
    {
        lost().get_or_insert(reason(&error));
    }
}

/// Why the answer was not written, or not all of it; nothing where it was.
pub fn take_lost() -> Option<String> {
    lost().take()
}

fn lost() -> std::sync::MutexGuard<'static, Option<String>> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner)
}
