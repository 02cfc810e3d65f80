//! All or nothing: whatever fails and whenever a run is killed, files and server are the old or the new ones.

mod disk;
mod server;
#[path = "../support/mod.rs"]
mod support;

/// The program in a world that fails, in a child process; not a test of its own.
#[test]
fn child() {
    support::faulty::child();
}
