//! Who answers a certificate authority that looks whether names are ours: ourselves, on a port that nobody else has.
//! Knows no configuration.

pub mod listener;

pub use listener::{ListenError, Listener, Tokens};
