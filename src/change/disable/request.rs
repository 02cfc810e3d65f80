//! What the administrator wants gone. Decides nothing.

use crate::refusal::RefusalCode;

/// A wish for HTTPS to go.
#[derive(Clone, Debug, Default)]
pub struct Disable {
    /// The domains, in the form of [`domain_name`](crate::change::domain_name); none for all that `enable` was run for.
    pub domains: Vec<String>,
    /// Refusals that are overridden: those of [`Disable::FORCIBLE`], by which virtual hosts of the domains go that
    /// `enable` did not write.
    pub forced: Vec<RefusalCode>,
}

impl Disable {
    /// The refusals that can be overridden.
    pub const FORCIBLE: [RefusalCode; 2] = [RefusalCode::DisableNotOurs, RefusalCode::DisableChangedForOther];

    /// Is the domain meant?
    pub(super) fn means(&self, domain: &str) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }
}
