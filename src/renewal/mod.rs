//! When certificates are renewed. Pure: what is known of a certificate, what the CA says, what was tried so far and the
//! time go in; a decision with its reason comes out. All lives are inputs, and all times are in seconds: lives get
//! shorter every year.

mod due;
mod history;
mod moment;
mod outlook;
pub mod simulation;
mod urgency;
mod usual_life;
mod window;

pub use due::{Decision, INTERVAL, Known, Look, Reason, due};
pub use history::{Attempt, History, Outcome, Quiet, Told};
pub use moment::{CLOCK, Life, Moment, Rule, draw, when};
pub use outlook::{Outlook, outlook};
pub use urgency::{Urgency, urgency};
pub use usual_life::{next_shortening, usual_life};
pub use window::{Install, Window, install};
