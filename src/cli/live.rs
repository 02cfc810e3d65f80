//! The one living line of a long step: what is done and for how long, on a terminal, in its last line, which everything
//! else that is printed takes away first.

use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

static LINE: Mutex<Line> = Mutex::new(Line {
    step: 0,
    under_way: None,
    shown: 0,
});
static CHANGED: Condvar = Condvar::new();

/// What takes less is not worth a line.
const SHORT: Duration = Duration::from_millis(150);
/// Whoever reads us may have stopped; nobody waits for that.
const PATIENCE: Duration = Duration::from_millis(200);

struct Line {
    /// Which step it is, of all so far.
    step: u64,
    /// What is done now, and since when.
    under_way: Option<(String, Instant)>,
    /// How many characters stand there.
    shown: usize,
}

impl Line {
    fn erase(&mut self) {
        if self.shown > 0 {
            let mut stderr = std::io::stderr();
            let _ = write!(stderr, "\r{}\r", " ".repeat(self.shown)).and_then(|()| stderr.flush());
            self.shown = 0;
        }
    }

    fn draw(&mut self) {
        let Some((what, since)) = &self.under_way else {
            return;
        };
        let text = match since.elapsed().as_secs() {
            0 => format!("{what} …"),
            seconds => format!("{what} … ({seconds} s)"),
        };
        // A full line would wrap, and only its last part be taken away.
        let most = super::width::of_terminal(super::width::stderr()).saturating_sub(1);
        let text: String = text.chars().take(most).collect();
        let length = text.chars().count();
        let rest = " ".repeat(self.shown.saturating_sub(length));
        let mut stderr = std::io::stderr();
        let _ = write!(stderr, "\r{text}{rest}").and_then(|()| stderr.flush());
        self.shown = length.max(self.shown);
    }
}

/// A step begins; one before it is over.
pub fn begin(what: &str) {
    let Some(mut line) = lock_soon() else { return };
    line.step += 1;
    line.under_way = Some((what.to_owned(), Instant::now()));
    let step = line.step;
    drop(line);
    CHANGED.notify_all();
    // Where the system gives no thread, there is no line.
    let _ = std::thread::Builder::new().spawn(move || show(step));
}

/// It is over.
pub fn end() {
    let Some(mut line) = lock_soon() else { return };
    line.step += 1;
    line.under_way = None;
    line.erase();
    drop(line);
    CHANGED.notify_all();
}

/// Does something without the line, which comes again if its step is still under way.
pub fn without(act: impl FnOnce()) {
    let mut line = lock();
    line.erase();
    act();
}

/// Shows a step as long as it is the one under way.
fn show(step: u64) {
    let mut line = lock();
    let mut pause = SHORT;
    while line.step == step {
        let waited = CHANGED.wait_timeout(line, pause);
        line = waited.unwrap_or_else(PoisonError::into_inner).0;
        if line.step == step {
            line.draw();
        }
        pause = Duration::from_millis(500);
    }
}

fn lock() -> MutexGuard<'static, Line> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_soon() -> Option<MutexGuard<'static, Line>> {
    let start = Instant::now();
    loop {
        match LINE.try_lock() {
            Ok(line) => return Some(line),
            Err(TryLockError::Poisoned(line)) => return Some(line.into_inner()),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
