//! What there is to ask: a configuration and its parts, the table of directives, files, paths and facts about the server.

pub mod address_sets;
pub mod configuration;
pub mod entries;
pub mod entry;
pub mod facts;
pub mod hosts;
pub mod known;
mod levels;
pub mod listen;
pub mod module;
pub mod path;
pub mod platform;
pub mod source;
pub mod spot;
pub mod texts;
pub mod truth;
pub mod virtual_host;
pub mod virtual_hosts;
