//! Pages that are handed on: one file each, with its pictures and styles in it. They run no script and load nothing, which the
//! head of each also forbids; what a configuration says is text in them and nothing else.

mod ends;
mod fleet;
mod frame;
mod map;
mod server;

pub use fleet::page as fleet_page;
pub use frame::Whole;
pub use server::page;
