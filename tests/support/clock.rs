//! Another time for a program.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

/// The library that moves the clock of a program.
fn preload() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let mut files = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    files.find(|file| file.is_file())
}

/// The variables for a program that is to live then, as faketime writes it. None, and a word about it, where that is not
/// installed.
pub fn of_program(when: &str) -> Option<Vec<(&'static str, OsString)>> {
    let Some(preload) = preload() else {
        super::skip("faketime is not installed");
        return None;
    };
    Some(vec![
        ("LD_PRELOAD", preload.into()),
        ("FAKETIME", when.into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ("NO_FAKE_STAT", "1".into()),
    ])
}
