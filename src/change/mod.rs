//! What to edit to turn HTTPS on: `step`, put together by `enable` as a plan that proves itself by `prove`. And what to
//! edit to turn it off again: `disable`. Pure: reads configurations, writes nothing.

mod address;
mod answer;
mod answer_place;
mod asleep;
mod challenge;
mod default_site;
mod disable;
mod edit_lines;
mod effect;
mod enable;
mod existing;
mod mozilla;
mod notes;
mod outside;
mod over_http;
mod own_answers;
mod own_port;
mod plan;
mod prove;
mod redirection;
mod refusal;
mod request;
mod requests;
mod shown;
mod site;
mod site_candidates;
mod step;
mod text;
mod unfinished;
mod work;

pub use answer_place::{Answering, Taking, answering};
pub use challenge::{ANSWERS, AnswerPlace, CHALLENGES};
pub use disable::{Action, Disable, Record, Version};
pub use effect::Effect;
pub use notes::announced;
pub use over_http::{OverHttp, leads_to_https, over_http};
pub use plan::{FileChange, LineChange, Link, Plan, PlanError};
pub(crate) use redirection::Url;
pub use request::{Http, Profile, Request, domain_name};
pub use requests::{Asked, is_wanted, requests};
