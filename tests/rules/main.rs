//! What holds for the project itself: its floors, what SECURITY.md says, how its messages are written, and the code that
//! tests stand on.

mod events;
mod ground;
mod house;
mod manual;
mod security;
#[path = "../support/mod.rs"]
mod support;
mod trial;
mod words;
