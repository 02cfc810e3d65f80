//! Ctrl-C, a closed console and the signals that ask a program to end. It ends at once, unless something is under way
//! that must not stay half done: whoever is at that keeps a [`Hold`], looks at [`came`] where it waits, and tidies up.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::exit_status::ExitStatus;

/// Somebody wants the program to end, and it has not yet.
static CAME: AtomicBool = AtomicBool::new(false);
/// Undos under way, which nothing may stop.
static UNDOING: AtomicUsize = AtomicUsize::new(0);
/// An answer to a program was written to its end.
static WRITTEN: AtomicBool = AtomicBool::new(false);
static STATE: Mutex<State> = Mutex::new(State {
    holds: 0,
    settled: None,
    document: None,
    answered: None,
    restore: None,
});

/// Makes the document of a run that ends early.
pub type Document = Box<dyn Fn(&str, ExitStatus) -> String + Send>;

struct State {
    /// What would stay half done.
    holds: usize,
    /// How the run ends whatever comes now: all that it does has been done.
    settled: Option<ExitStatus>,
    /// A program reads the answer, which is made so of words and a status.
    document: Option<Document>,
    /// It has got one, or the beginning of it, which tells this status.
    answered: Option<ExitStatus>,
    /// Sets the terminal as it was before somebody was asked there for what is not shown.
    restore: Option<Box<dyn Fn() + Send>>,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on what would end the program is noticed. Once, by the program itself.
pub fn listen() {
    // Where it cannot be noticed it ends the program as before, and the next run tidies up.
    let _ = system::listen();
}

/// How an end is told: to a program also as a document. What makes it waits for nobody.
pub fn answers_by(document: Option<Document>) {
    state().document = document;
}

/// An answer to a program is written from now on: no other one follows, and the run ends with the status that it tells.
pub fn answers(status: ExitStatus) {
    state().answered = Some(status);
}

/// The answer was written.
pub fn answered() {
    WRITTEN.store(true, Ordering::Release);
}

/// How the terminal is set is kept while somebody is asked there for what is not shown, and is so again should the program
/// end meanwhile.
#[derive(Debug)]
pub struct Terminal(());

impl Terminal {
    /// As it is now.
    pub fn keep() -> Terminal {
        state().restore = system::terminal();
        Terminal(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        state().restore = None;
    }
}

/// Whether the program is to end, asked by whoever waits and keeps a [`Hold`]. Not while something is undone.
pub fn came() -> bool {
    CAME.load(Ordering::Acquire) && UNDOING.load(Ordering::Acquire) == 0
}

/// Is something under way that must not stay half done?
pub fn is_held() -> bool {
    state().holds > 0
}

/// All that this run does has been done, and what is left is to say so. Who interrupts that gets this status.
pub fn settle(status: ExitStatus) {
    let mut state = state();
    state.settled = Some(status);
    CAME.store(false, Ordering::Release);
}

/// There is more to do after all: what was settled was a part of it.
pub fn go_on() {
    state().settled = None;
}

/// Something is under way that must not stay half done. With the last one the program ends, if it is to.
#[derive(Debug)]
pub struct Hold(());

impl Hold {
    /// Begins it.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Hold {
        state().holds += 1;
        Hold(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = state();
        state.holds -= 1;
        if state.holds == 0 && came() {
            end(&state);
        }
    }
}

/// Something is being undone, which nothing stops.
#[derive(Debug)]
pub struct Undoing(());

impl Undoing {
    /// Begins it.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Undoing {
        UNDOING.fetch_add(1, Ordering::AcqRel);
        Undoing(())
    }
}

impl Drop for Undoing {
    fn drop(&mut self) {
        UNDOING.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Somebody wants the program to end.
fn arrive() {
    // Kept to the end: nothing begins meanwhile.
    let state = state();
    if UNDOING.load(Ordering::Acquire) > 0 {
        soon(|| say("interrupted; what was started is being undone, please wait"));
        return;
    }
    CAME.store(true, Ordering::Release);
    if state.holds == 0 {
        end(&state);
    }
}

fn end(state: &State) -> ! {
    if let Some(restore) = &state.restore {
        restore();
    }
    let words = match state.settled {
        None => "interrupted; nothing was changed",
        Some(ExitStatus::Done) => "interrupted; what was asked for had been done",
        Some(ExitStatus::Interrupted) => "interrupted; what was started has been undone",
        Some(_) => "interrupted while it was told what became of the run",
    };
    // Half a document is none.
    let start = std::time::Instant::now();
    while state.answered.is_some() && !WRITTEN.load(Ordering::Acquire) && start.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = state.answered.filter(|_| WRITTEN.load(Ordering::Acquire));
    let status = told.or(state.settled).unwrap_or(ExitStatus::Interrupted);
    let document = state.document.as_ref().filter(|_| state.answered.is_none());
    let document = document.map(|document| document(words, status));
    // How it ends may be settled and not yet said, or said in part: twice is better than never.
    let is_told = told.is_some();
    // Whoever reads us may have stopped, with the output locked by what it does not take.
    soon(move || {
        if let Some(document) = document {
            let _ = writeln!(std::io::stdout(), "{document}");
        }
        if !is_told {
            say(words);
        }
    });
    std::process::exit(i32::from(status.code()))
}

/// How long a reader is waited for that may have stopped.
const PATIENCE: Duration = Duration::from_millis(500);

/// Does what may wait for ever, and does not wait for it long.
fn soon(act: impl FnOnce() + Send + 'static) {
    let _ = aside(act).recv_timeout(PATIENCE);
}

/// Does something beside everything else; what is returned tells when it is done, or that it could not be begun.
fn aside(act: impl FnOnce() + Send + 'static) -> std::sync::mpsc::Receiver<()> {
    let (sender, done) = std::sync::mpsc::channel();
    // Where the system gives no thread, the sender goes with what was to be done.
    let _ = std::thread::Builder::new().spawn(move || {
        act();
        let _ = sender.send(());
    });
    done
}

/// Says something while something is under way that must not stay half done: whoever reads us may have stopped, and is
/// not waited for once the program is to end, or for longer than `most`. Whether it was said.
pub fn say_patiently(most: Option<Duration>, act: impl FnOnce() + Send + 'static) -> bool {
    if !is_held() {
        act();
        return true;
    }
    let done = aside(act);
    let start = std::time::Instant::now();
    loop {
        match done.recv_timeout(Duration::from_millis(100)) {
            Ok(()) => return true,
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return false,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                let ends = CAME.load(Ordering::Acquire) || most.is_some_and(|most| start.elapsed() > most);
                if ends {
                    return false;
                }
            }
        }
    }
}

/// A terminal that was closed takes nothing any more.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "\nesync-ssl: {words}");
}

/// A line that somebody types; nothing when the program is to end instead.
pub fn read_line() -> Option<String> {
    let (sender, typed) = std::sync::mpsc::channel();
    // Left behind in its wait when something else comes first.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        let _ = sender.send(line);
    });
    loop {
        match typed.recv_timeout(Duration::from_millis(50)) {
            Ok(line) => return Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) if came() => return None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return Some(String::new()),
        }
    }
}

#[cfg(unix)]
mod system {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;

    pub fn listen() -> std::io::Result<()> {
        let mut signals = vec![SIGINT, SIGTERM, SIGQUIT];
        if !hangs_on() {
            signals.push(SIGHUP);
        }
        let mut signals = Signals::new(signals)?;
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || signals.forever().for_each(|_| super::arrive()))?;
        Ok(())
    }

    pub fn terminal() -> Option<Box<dyn Fn() + Send>> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let terminal = std::fs::File::open("/dev/tty").ok()?;
        let settings = tcgetattr(&terminal).ok()?;
        Some(Box::new(move || {
            let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
        }))
    }

    /// Started with `nohup`, a closed terminal is no reason to end.
    fn hangs_on() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        ignored.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
    }
}

#[cfg(windows)]
mod system {
    use std::task::Poll;

    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};

    /// Shells set the console themselves when we have ended.
    pub fn terminal() -> Option<Box<dyn Fn() + Send>> {
        None
    }

    /// When the console closes the system waits about five seconds for us, because tokio keeps its handler waiting.
    pub fn listen() -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let entered = runtime.enter();
        let (mut c, mut pause, mut close) = (ctrl_c()?, ctrl_break()?, ctrl_close()?);
        let (mut logoff, mut shutdown) = (ctrl_logoff()?, ctrl_shutdown()?);
        drop(entered);
        let wait = std::future::poll_fn(move |context| -> Poll<()> {
            loop {
                let came = [
                    c.poll_recv(context).is_ready(),
                    pause.poll_recv(context).is_ready(),
                    close.poll_recv(context).is_ready(),
                    logoff.poll_recv(context).is_ready(),
                    shutdown.poll_recv(context).is_ready(),
                ];
                if !came.contains(&true) {
                    return Poll::Pending;
                }
                super::arrive();
            }
        });
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(wait))?;
        Ok(())
    }
}
