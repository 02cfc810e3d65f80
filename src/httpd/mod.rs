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
mod expression;
mod facts;
mod glance;
mod include;
pub mod known;
mod line;
mod listen;
mod macros;
mod module;
mod parallel;
mod path;
mod platform;
mod problem;
mod reach;
mod reader;
mod scan;
mod source;
mod truth;
mod variable;
mod virtual_host;
mod virtual_hosts;
mod walk;
pub mod word;

pub use bytes::Bytes;
pub use configuration::Configuration;
pub use document::{Commented, Document, LineEnding};
pub use edit::{Edit, Overlap, apply};
pub use entry::{Entry, EntryId, FileId, MacroPlace, ReadFile, SERVER, Section, SectionId};
pub use facts::{Facts, Version};
pub use include::places as include_places;
pub use line::Line;
pub use listen::{Listen, parse_listen};
pub use module::{LoadModule, Modules, source_name};
pub use path::{is_absolute, normalize, resolve, strip_prefix};
pub use platform::Platform;
pub use problem::{Phase, Problem, Severity};
pub use reach::Reach;
pub use scan::{LineKind, trim};
pub use source::{Kind, Source, bytes_path, host_bytes, read_file, real_path};
pub use truth::Truth;
pub use variable::Variables;
pub use virtual_host::{Address, Host, VirtualHost, in_url, is_nobodys};
pub use walk::names_no_protocol;
