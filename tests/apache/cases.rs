//! Apache takes the server root of every case: as it is before the run, and with `out/` laid over it.
//!
//! A file of ours that Apache does not take would prove nothing, and an output that it does not take is the fault
//! this tool must never make. Modules are those of the machine; no server is started.

use std::fs;
use std::path::Path;

use crate::support::apache::Httpd;
use crate::support::case::Case;
use crate::support::files::{copy_tree, forward, snapshot};
use crate::support::one_of;

/// `out/` of the case over the tree at `root`; false if there is none.
fn lay_out_over(case: &Case, root: &Path) -> bool {
    let out = case.path().join("out");
    if !out.exists() {
        return false;
    }
    copy_tree(&out, root);
    for (name, bytes) in snapshot(&out) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Keys and certificates made by the run are not kept in out/. Apache only looks whether they are there.
        if text.starts_with("-----{a ") {
            continue;
        }
        if text.contains("{root}") {
            fs::write(root.join(&name), text.replace("{root}", &forward(root))).expect("a file of out/");
        }
    }
    true
}

#[test]
fn apache_takes_every_case_before_and_after() {
    let Some(httpd) = Httpd::find() else { return };
    let mut failures = Vec::new();
    let (mut before, mut after) = (0, 0);
    for case in Case::all().into_iter().step_by(one_of(3)) {
        // A byte order mark is skipped on Windows only.
        if !case.said.apache || !case.is_for_this_platform() {
            println!("not a configuration for this Apache: {}", case.name);
            continue;
        }
        let set_up = case.set_up();
        httpd.bring_modules(&set_up.root);
        before += 1;
        if let Err(said) = httpd.accepts(&set_up.root) {
            failures.push(format!("=== {} before the run:\n{said}", case.name));
            continue;
        }
        let set_up = case.set_up();
        if lay_out_over(&case, &set_up.root) {
            after += 1;
            httpd.bring_modules(&set_up.root);
            if let Err(said) = httpd.accepts(&set_up.root) {
                failures.push(format!("=== {} after the run:\n{said}", case.name));
            }
        }
    }
    println!("asked Apache {before} times before and {after} times after the run");
    assert!(failures.is_empty(), "Apache refuses:\n{}", failures.join("\n"));
}
