//! Three-valued truth of a condition. Decides nothing.

use serde::Serialize;

/// Does a condition hold? Programs are told of what it guards whether that is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Truth {
    /// It does not: what it guards is inactive.
    #[serde(rename = "inactive")]
    False,
    /// It depends on something that only the server knows and that we could not ask.
    #[serde(rename = "unknown")]
    Unknown,
    /// It does.
    #[serde(rename = "active")]
    True,
}

impl Truth {
    /// Both.
    pub fn and(self, other: Truth) -> Truth {
        self.min(other)
    }

    /// Either.
    pub fn or(self, other: Truth) -> Truth {
        self.max(other)
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Truth::True } else { Truth::False }
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}
