//! The place from which Apache answers certificate authorities over HTTP, written once: a folder, and in each server that
//! answers one of the names the lines by which `http://NAME/.well-known/acme-challenge/TOKEN` shows a file of it, whatever
//! else the server does with that path. No more lines than it needs, and none that wakes rules which sleep.

mod acts;
mod computed;
mod insert;
mod lines;
mod need;
mod plan;
mod reach;
mod servers;
mod takers;

pub(super) use acts::of_request;
pub use computed::{Answering, Taking, answering};
