//! What libtest does, for test programs that are something else as well and therefore have a `main` of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// When tests run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// One after the other.
    Each,
    /// All at once: they wait most of the time.
    AtOnce,
}

/// Runs these tests, or those that the command line names, says what libtest would, and ends.
pub fn run<T: Copy + Send + Sync>(all: &[(&str, T)], turns: Turns, test: impl Fn(T) + Sync) -> ! {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let is_wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let wanted = all.iter().filter(|(name, _)| is_wanted(name));
    let begun = Instant::now();
    let one = |(name, which): &(&str, T)| {
        let done = catch_unwind(AssertUnwindSafe(|| test(*which))).is_ok();
        println!("test {name} ... {}", if done { "ok" } else { "FAILED" });
        done
    };
    let ends: Vec<bool> = match turns {
        Turns::Each => wanted.map(one).collect(),
        Turns::AtOnce => std::thread::scope(|scope| {
            let running: Vec<_> = wanted.map(|wanted| scope.spawn(|| one(wanted))).collect();
            running
                .into_iter()
                .map(|running| running.join().unwrap_or(false))
                .collect()
        }),
    };
    let passed = ends.iter().filter(|done| **done).count();
    let failed = ends.len() - passed;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let took = begun.elapsed().as_secs_f64();
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in \
         {took:.2}s"
    );
    std::process::exit(i32::from(failed > 0));
}
