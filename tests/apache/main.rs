//! What we read and what we change, before a real Apache: it accepts the same, serves the same, and nobody gets another site.
//!
//! Each test with a server has a network of its own, on Windows ports of its own, so that they run beside each other.

#[cfg(unix)]
mod address;
mod answer_place;
mod article;
mod cases;
mod commit;
// The texts of users are carried out on Unix only, as these take long.
#[cfg(unix)]
mod complaints;
#[cfg(unix)]
mod devices;
mod differential;
mod doctor;
mod enable;
mod explain;
mod fixture_tree;
// A terminal is made as Unix has them; the flows themselves are tested in src/cli/guide on both systems.
#[cfg(unix)]
mod guide;
#[cfg(unix)]
mod guide_debian;
#[cfg(unix)]
mod guide_picture;
#[cfg(unix)]
mod hazards;
mod httpd;
mod layouts;
#[cfg(unix)]
mod newer;
#[cfg(unix)]
mod picture;
mod restart;
// A server without a service is told by its PidFile and by signals.
#[cfg(unix)]
mod running_server;
#[cfg(unix)]
mod same_answers;
#[path = "../support/mod.rs"]
mod support;
