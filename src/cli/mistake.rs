//! Mistakes of this program: a panic ends a run as any other failure does.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

/// What the last panic said, and where.
static SAID: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic of this process is not printed by itself, as whoever catches it tells it.
pub fn keep_quiet() {
    set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(|place| format!("{}:{}: ", place.file(), place.line()));
        let said = format!("{}{}", place.unwrap_or_default(), words(panic.payload()));
        *SAID.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }));
}

/// Does something; an error is what a panic in it said.
pub fn caught<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|payload| {
        let said = SAID.lock().unwrap_or_else(PoisonError::into_inner).take();
        said.unwrap_or_else(|| words(&*payload).to_owned())
    })
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("for a reason that it does not say")
}
