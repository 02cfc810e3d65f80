//! Nobody gains a right through us, and nobody keeps us waiting. SECURITY.md says what is guarded, and names these tests.

mod backups;
mod disk;
mod execute;
mod lock;
mod processes;
mod read;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod text;
mod wait;

/// The program in a world that fails, in a child process; not a test of its own.
#[test]
fn child() {
    support::faulty::child();
}
