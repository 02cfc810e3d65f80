//! Layouts of servers, and what they are put to the test with; shared by several tests.
#![allow(dead_code)]

pub mod layout;
mod place;
mod probe;
pub mod trial;
