//! The installed server: where its configuration is. Knows not what to change.

pub mod binary;
mod envvars;
pub mod error_log;
pub mod installation;
pub mod run;
pub mod system_log;
