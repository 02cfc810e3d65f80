//! `enable` on servers as people have them, before a real Apache that is asked by requests: every name at every
//! address gets the same site as before, and those that were wanted get theirs over TLS with the right certificate.
//!
//! The layouts are texts in `fixtures/layouts`, and made at random.

mod layout;
mod place;
pub mod probe;
mod random;
mod same;
pub mod trial;

use self::trial::{End, carry_out, carry_out_files};
use crate::differential::random::Random;
use crate::support::apache::Httpd;
use crate::support::files::fixture;
use crate::support::network::Network;
use crate::support::one_of;

#[test]
fn layouts_as_people_have_them() {
    let Some(httpd) = Httpd::find() else { return };
    let only = std::env::var("ESYNC_SSL_LAYOUT").unwrap_or_default();
    let mut names: Vec<String> = std::fs::read_dir(fixture("layouts"))
        .expect("fixtures/layouts")
        .map(|entry| entry.expect("a layout").path())
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| name.contains(&only))
        .collect();
    names.sort();
    let names: Vec<String> = names.into_iter().step_by(one_of(24)).collect();
    println!("{} layouts", names.len());
    carry_out_files(&names, &httpd);
}

/// Zero wrong sites, and no server that does not start any more; `ESYNC_SSL_SEED` repeats a run.
#[test]
fn layouts_at_random() {
    let Some(httpd) = Httpd::find() else { return };
    let network = Network::enter().with_usual_ports();
    let from_environment = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    // The same ones at every run, so that a failure is that of a change; others by hand.
    let seed = from_environment("ESYNC_SSL_SEED").unwrap_or(1);
    let count = from_environment("ESYNC_SSL_LAYOUTS").unwrap_or(if cfg!(windows) { 3 } else { 24 });
    println!("ESYNC_SSL_SEED={seed}, {count} layouts");
    let (mut enabled, mut refused, mut dead, mut failures) = (0, 0, 0, Vec::new());
    for at in 0..count {
        let mut dice = Random::new(seed + at);
        let layout = random::layout(&format!("seed {}", seed + at), &mut dice);
        match carry_out(&layout, &httpd, &network) {
            Ok(End::Enabled) => enabled += 1,
            Ok(End::Refused(said)) => {
                refused += 1;
                let reason = said.split_once("refused: ").map_or(&*said, |(_, reason)| reason);
                println!("{}: {}", layout.name, reason.trim_end());
            }
            Ok(End::NeverStarted) => dead += 1,
            Err(error) => {
                println!("{}", error.lines().next().unwrap_or_default());
                failures.push(error);
            }
        }
    }
    println!("{enabled} enabled, {refused} refused, {dead} did not start before");
    assert!(
        failures.is_empty(),
        "{} of {count} failed; ESYNC_SSL_SEED={seed}\n{}",
        failures.len(),
        failures.join("\n")
    );
    // Where nearly all are refused nothing is tested; a single one may be.
    assert!(
        count == 1 || 2 * enabled >= refused,
        "{enabled} enabled, {refused} refused"
    );
}
