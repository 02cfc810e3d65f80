//! What the administrator wants gone. Decides nothing.

/// A wish for HTTPS to go.
#[derive(Clone, Debug, Default)]
pub struct Disable {
    /// The domains, in the form of [`domain_name`](crate::change::domain_name); none for all that `enable` was run for.
    pub domains: Vec<String>,
    /// Virtual hosts of the domains go that `enable` did not write.
    pub force: bool,
}

impl Disable {
    /// Is the domain meant?
    pub(super) fn means(&self, domain: &str) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain))
    }
}
