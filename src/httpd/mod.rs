//! Apache's configuration language: bytes to lines to what Apache sees. Knows no TLS policy, terminal or process.
//!
//! [`Document`] is one file, [`Configuration`] the main file with all it includes, evaluated in Apache's order.
//! Changes are [`Edit`]s: byte ranges with their replacement and reason.
//!
//! `text` has files, lines, words and edits of them; `eval` does what Apache does while it reads them; `model` is what
//! there is to ask afterwards; `fast` makes it quick and changes nothing. What a directive means is judged elsewhere.

mod eval;
mod fast;
mod model;
mod text;

pub use eval::include::places as include_places;
pub use eval::variable::Variables;
pub(crate) use fast::glance;
pub(crate) use model::address_sets::{AddressSets, in_parts};
pub use model::configuration::Configuration;
pub use model::entry::{Entry, EntryId, FileId, MacroPlace, ReadFile, SERVER, Section, SectionId};
pub use model::facts::{Facts, Version};
pub use model::known;
pub(crate) use model::listen::is_no_host;
pub use model::listen::{Listen, parse_listen};
pub use model::module::{LoadModule, Modules, source_name};
pub use model::path::{is_absolute, names_syslog, normalize, resolve, strip_prefix};
pub use model::platform::Platform;
pub(crate) use model::source::KeptFiles;
pub use model::source::{Kind, Source, bytes_path, host_bytes, read_file, real_path};
pub use model::spot::Spot;
pub(crate) use model::spot::escape;
pub use model::truth::Truth;
pub use model::virtual_host::{Address, Host, VirtualHost, in_url, is_nobodys};
pub(crate) use model::virtual_host::{host_part, matches_alias, without_scheme};
pub use model::virtual_hosts::Competitors;
pub use text::document::{Commented, Document, LineEnding};
pub use text::edit::{Edit, Overlap};
pub use text::line::Line;
pub(crate) use text::scan::find_reference;
pub use text::scan::{LineKind, trim};
pub use text::word;
