//! What entries of error logs mean: one row for each cause. The first row that fits an entry is taken.
//!
//! Rows go by Apache's, OpenSSL's and the operating system's numbers. Words are Apache's own, which it does not translate.

mod server;
mod tls;

pub use server::SERVER;
pub use tls::TLS;

use crate::check::{Code, Severity};

/// One cause and its fix.
pub struct Known {
    /// Apache's numbers, one of which the entry has; none: does not matter.
    pub apache: &'static [&'static str],
    /// OpenSSL's numbers, one of which stands with the entry; none: does not matter.
    pub openssl: &'static [&'static str],
    /// Numbers of the operating system, one of which the entry has; none: does not matter.
    pub os: &'static [u32],
    /// Words that the message has, one of them; none: does not matter.
    pub words: &'static [&'static str],
    /// Which finding it is.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub summary: &'static str,
    /// Why.
    pub cause: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// The module that is not there, as in [`Finding::module`](crate::finding::Finding::module).
    pub module: Option<&'static str>,
}

/// A row that goes by Apache's numbers alone; the rest is filled in with [`Known::with`] and the like.
const fn row(
    apache: &'static [&'static str],
    code: Code,
    severity: Severity,
    [summary, cause, fix]: [&'static str; 3],
) -> Known {
    Known {
        apache,
        openssl: &[],
        os: &[],
        words: &[],
        code,
        severity,
        summary,
        cause,
        fix,
        module: None,
    }
}

impl Known {
    /// The same, for entries with one of these.
    const fn openssl(self, openssl: &'static [&'static str]) -> Known {
        Known { openssl, ..self }
    }
    /// The same, for entries with one of these.
    const fn os(self, os: &'static [u32]) -> Known {
        Known { os, ..self }
    }
    /// The same, for entries with one of these.
    const fn words(self, words: &'static [&'static str]) -> Known {
        Known { words, ..self }
    }
    /// The same, of a module that is not there.
    const fn without(self, module: &'static str) -> Known {
        Known {
            module: Some(module),
            ..self
        }
    }
}
