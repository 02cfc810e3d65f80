//! What to edit to turn HTTPS on: one step a file, and the plan that puts them together and proves itself. Pure:
//! reads configurations, writes nothing.

mod answer;
mod listen;
mod module;
mod plan;
mod policy;
mod proof;
mod request;
mod virtual_host;

pub use plan::{Change, FileChange, Plan, PlanError};
pub use request::{Http, Request, domain_name};
