//! Certificate, key and chain files in every form: what they hold is understood, and what `check` says of them, and of a
//! configuration around them, is what a real Apache does.

mod faults;
mod formats;
mod hostile;
mod httpd;
mod spellings;
// The faults of files, which are staged on Unix, use the rest.
#[cfg_attr(windows, allow(dead_code))]
mod staging;
mod start;
#[path = "../support/mod.rs"]
mod support;
