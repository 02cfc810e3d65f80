//! What we read and what we change, before a real Apache: it accepts the same, serves the same, and nobody gets another site.
//!
//! Each test with a server has a network of its own, so that they run beside each other.
#![cfg(unix)]

mod address;
mod answer_place;
mod article;
mod cases;
mod commit;
mod complaints;
mod devices;
mod differential;
mod enable;
mod explain;
mod fixture_tree;
mod hazards;
mod httpd;
mod layouts;
mod restart;
mod running_server;
mod same_answers;
#[path = "../support/mod.rs"]
mod support;
