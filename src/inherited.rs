//! What a program gets from whoever started it, and cannot work with.

use std::sync::Arc;

use rustix::fs::Mode;
use rustix::process::umask;

/// Mends it. Once, by the program itself, before it starts anything.
pub fn mend() {
    close_new_files();
    see_children();
}

/// Whatever we or a program that we start make anew, others cannot write it. They may read it: a server that is started
/// keeps this, and its documents are for all.
fn close_new_files() {
    let others_write = Mode::WGRP | Mode::WOTH;
    let inherited = umask(others_write);
    umask(inherited | others_write);
}

/// Where the end of children is ignored, the system tells nobody how they ended. What is noticed is not ignored.
fn see_children() {
    // Where it cannot be, the end of a program is not seen, and that is said.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGCHLD, Arc::default());
}
