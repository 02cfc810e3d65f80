//! What libtest does, for test programs that are something else as well and therefore have a `main` of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Runs these tests one after the other, or those that the command line names, says what libtest would, and ends.
pub fn run<T: Copy>(all: &[(&str, T)], test: impl Fn(T)) -> ! {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let begun = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    for (name, which) in all {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let done = catch_unwind(AssertUnwindSafe(|| test(*which)));
        println!("test {name} ... {}", if done.is_ok() { "ok" } else { "FAILED" });
        *(if done.is_ok() { &mut passed } else { &mut failed }) += 1;
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let took = begun.elapsed().as_secs_f64();
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in \
         {took:.2}s"
    );
    std::process::exit(i32::from(failed > 0));
}
