//! Work that falls into parts, on several processors at once. Knows no part.

use std::sync::OnceLock;
use std::thread;

/// How many parts can be worked on at once.
pub fn processors() -> usize {
    // To find out takes longer than to read a small file.
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Does each part on a thread of its own; what they give, in order.
pub fn in_parallel<P: Send, T: Send>(
    parts: impl IntoIterator<Item = P>,
    work: impl Fn(P) -> T + Sync,
) -> Vec<T> {
    let mut parts = parts.into_iter();
    let first = parts.next();
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        // One is done here; often there is no other.
        let first = first.map(work);
        let others = others.into_iter().map(|other| match other.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        first.into_iter().chain(others).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        assert_eq!(in_parallel(0..5, |n| n * n), [0, 1, 4, 9, 16]);
        assert!(in_parallel(0..0, |n| n).is_empty());
    }
}
