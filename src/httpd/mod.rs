//! Apache's configuration language: bytes to lines to what Apache sees. Knows no TLS policy, terminal or process.
//!
//! [`Document`] is one file, [`Configuration`] the main file with all it includes, evaluated in Apache's order.
//! Changes are [`Edit`]s: byte ranges with their replacement and reason.

mod buffer;
mod bytes;
mod condition;
mod configuration;
mod document;
mod edit;
mod entries;
mod entry;
mod facts;
pub(crate) mod glance;
mod include;
pub mod known;
mod line;
mod listen;
mod macros;
mod module;
pub(crate) mod parallel;
mod path;
mod platform;
mod problem;
mod reader;
mod scan;
mod source;
mod truth;
mod variable;
mod virtual_host;
mod virtual_hosts;
pub mod word;

pub use bytes::Bytes;
pub use configuration::Configuration;
pub use document::{Commented, Document, LineEnding};
pub use edit::{Edit, Overlap, apply};
pub use entry::{Entry, EntryId, FileId, MacroPlace, ReadFile, SERVER, Section, SectionId};
pub use facts::{Facts, Version};
pub use include::places as include_places;
pub use line::Line;
pub(crate) use listen::is_no_host;
pub use listen::{Listen, parse_listen};
pub use module::{LoadModule, Modules, source_name};
pub use path::{is_absolute, normalize, resolve, strip_prefix};
pub use platform::Platform;
pub(crate) use problem::escape;
pub use problem::{Phase, Problem, Severity};
pub use scan::{LineKind, trim};
pub use source::{Kind, Source, bytes_path, host_bytes, read_file, real_path};
pub use truth::Truth;
pub use variable::Variables;
pub use virtual_host::{Address, Host, VirtualHost, in_url, is_nobodys};
pub(crate) use virtual_host::{host_part, matches_alias, without_scheme};
