//! What a command does: data in, data out. It says how it goes through [`Progress`] and asks through [`Questions`]; what
//! people type, how it is shown and what a document looks like is a matter of the floor above.
//!
//! Each operation is a function `run` in a file of its name; what several of them do lies beside them.

pub mod backups;
pub mod check;
pub mod convert;
pub mod devices;
mod diff;
pub mod disable;
pub mod enable;
mod enable_files;
mod environment;
mod expectation;
pub mod explain;
mod explained;
mod failure;
mod find;
mod httpd_verdict;
pub mod inspect;
pub mod install;
mod interrupted;
pub mod issue;
mod judge_files;
mod judge_hosts;
pub mod key_files;
mod known;
pub mod lint;
mod names;
mod new_files;
mod pass_phrase;
mod plan_report;
pub mod ports;
mod preflight;
mod progress;
mod questions;
mod records;
mod rehearsal;
mod relations;
pub mod report;
pub mod restart;
mod restart_and_prove;
pub mod restore;
mod running;
mod server_folders;
mod service_orders;
pub mod status;
mod turn;
pub mod verify;
mod write;

pub use diff::unified;
pub use enable_files::{Files, Material};
pub use environment::{Pace, Where, World, Writing};
pub use explained::{Explained, Log, LogReport};
pub use failure::{Failure, ended};
pub use find::Loaded;
pub use interrupted::tell as tell_interrupted;
pub use names::{client_name, domain_names, file_name};
pub use new_files::{NewFiles, Outcome, Reported, base_name, left_out, private_key};
pub use pass_phrase::{PassPhrases, ReadPhrases};
pub use plan_report::{Report as PlanReport, ReportedChange};
pub use progress::{Difference, Preview, Progress};
pub use questions::{Questions, Silent, Voice, confirm};
pub use records::by_words;
pub use restart_and_prove::Effect;
pub use turn::Settled;
