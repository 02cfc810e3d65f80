//! What to edit to turn HTTPS on: one step a file, and the plan that puts them together and proves itself. And what to
//! edit to turn it off again: `disable`. Pure: reads configurations, writes nothing.

mod address;
mod answer;
mod awake;
mod broken;
mod copy;
mod debian;
mod disable;
mod edit_lines;
mod enable;
mod existing;
mod listen;
mod module;
mod new_host;
mod plan;
mod policy;
mod proof;
mod redirect;
mod request;
mod site;
mod text;
mod update;
mod virtual_host;
mod work;

pub use disable::{Action, Disable, Record, Version};
pub use plan::{FileChange, LineChange, Link, Plan, PlanError};
pub use request::{Http, Profile, Request, domain_name};
