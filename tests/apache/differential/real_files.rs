//! Files that people wrote: the trees of our fixtures. Makes none up.

use super::oracle::Verdict;
use super::{Given, Judge, Outcome};
use crate::support::case::Case;
use crate::support::one_of;

#[test]
fn fixtures_read_as_apache_reads_them() {
    let Some(mut judge) = Judge::find() else { return };
    let mut before = Vec::new();
    for (module, source) in [("mpm_event", "event.c"), ("info", "mod_info.c")] {
        if judge.httpd.can_load(&format!("mod_{module}")) {
            before.push(judge.httpd.load(&[module]).trim_end().to_string());
            judge.facts.built_in.push(source.into());
        }
    }
    let mut failures = Vec::new();
    let (mut asked, mut accepted) = (0, 0);
    for case in Case::all().into_iter().step_by(one_of(4)) {
        if !case.said.apache || !case.is_for_this_platform() {
            continue;
        }
        let set_up = case.set_up();
        judge.httpd.bring_modules(&set_up.root);
        let main = set_up.root.join("conf/httpd.conf");
        let outcome = judge.compare(
            &set_up.root,
            &main,
            Given {
                before: &before,
                ..Given::default()
            },
        );
        asked += 1;
        accepted += usize::from(outcome.theirs.verdict == Verdict::Accepted);
        note(&mut failures, &case.name, outcome);
    }
    println!("{asked} fixtures, {accepted} of them accepted and compared in full");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(2 * accepted > asked, "too few to say anything");
}

/// Notes what differs.
pub fn note(failures: &mut Vec<String>, name: &str, outcome: Outcome) {
    if !outcome.differences.is_empty() {
        failures.push(format!("=== {name}\n{}", outcome.differences.join("\n")));
    }
}
