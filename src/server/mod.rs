//! The installed server: where its configuration is. Knows not what to change.

pub mod binary;
mod envvars;
pub mod handshake;
pub mod installation;
pub mod rehearsal;
