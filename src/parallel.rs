//! Work that falls into parts, on several processors at once. Knows no part.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// How many parts can be worked on at once.
pub fn processors() -> usize {
    // To find out takes longer than to read a small file.
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, usize::from))
}

/// Into how many parts a work falls best of which no more than so many are worth it: into more than there are
/// processors, as not all of them are free all the time.
pub fn parts(worthwhile: usize) -> usize {
    match processors() {
        1 => 1,
        processors => worthwhile.clamp(1, processors * 4),
    }
}

/// Does so many parts, on all processors; what they give, in order.
pub fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let ahead = Ahead::new(count, work);
    ahead.with_helpers(processors().min(count).saturating_sub(1), || {
        (0..count).map(|part| ahead.take(part)).collect()
    })
}

/// Parts that are needed one after the other, done ahead by whoever has time for it.
pub struct Ahead<T, W> {
    work: W,
    count: usize,
    next: AtomicUsize,
    done: Mutex<Vec<Option<thread::Result<T>>>>,
    ready: Condvar,
}

impl<T: Send, W: Fn(usize) -> T + Sync> Ahead<T, W> {
    /// `count` parts, none of them done.
    pub fn new(count: usize, work: W) -> Self {
        Ahead {
            work,
            count,
            next: AtomicUsize::new(0),
            done: Mutex::new((0..count).map(|_| None).collect()),
            ready: Condvar::new(),
        }
    }

    /// Takes parts while so many other threads do them ahead. Where the system gives no thread, all is done here.
    pub fn with_helpers<R>(&self, count: usize, taking: impl FnOnce() -> R) -> R {
        thread::scope(|scope| {
            for _ in 0..count {
                if thread::Builder::new()
                    .spawn_scoped(scope, || self.help())
                    .is_err()
                {
                    break;
                }
            }
            let taken = taking();
            // Whoever stopped early needs no more.
            self.next.store(self.count, Ordering::Relaxed);
            taken
        })
    }

    fn help(&self) {
        while let Some(part) = self.claim() {
            self.carry_out(part);
        }
    }

    /// What a part gives. Parts may be asked for once each; until this one is there, others are done.
    pub fn take(&self, part: usize) -> T {
        loop {
            let mut done = self.done();
            match done[part].take() {
                Some(Ok(result)) => return result,
                Some(Err(panic)) => resume_unwind(panic),
                None => {}
            }
            match self.claim() {
                Some(claimed) => {
                    drop(done);
                    self.carry_out(claimed);
                }
                None => drop(self.ready.wait_while(done, |done| done[part].is_none())),
            }
        }
    }

    fn claim(&self) -> Option<usize> {
        let part = self.next.fetch_add(1, Ordering::Relaxed);
        (part < self.count).then_some(part)
    }

    fn carry_out(&self, part: usize) {
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(part)));
        self.done()[part] = Some(result);
        self.ready.notify_all();
    }

    fn done(&self) -> MutexGuard<'_, Vec<Option<thread::Result<T>>>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        assert_eq!(in_parallel(5, |n| n * n), [0, 1, 4, 9, 16]);
        assert!(in_parallel(0, |n| n).is_empty());
    }

    #[test]
    fn what_is_done_ahead_is_there_when_it_is_needed() {
        for helpers in 0..4 {
            let ahead = Ahead::new(100, |n| n * n);
            assert!(ahead.with_helpers(helpers, || (0..60).all(|n| ahead.take(n) == n * n)));
        }
    }

    #[test]
    #[should_panic(expected = "part 3")]
    fn a_panic_reaches_whoever_needs_the_part() {
        let ahead = Ahead::new(5, |n| assert_ne!(n, 3, "part {n}"));
        ahead.with_helpers(1, || (0..5).for_each(|n| ahead.take(n)));
    }
}
