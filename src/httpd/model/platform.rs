//! The system that a configuration is written for. Asks nobody.

use serde::Serialize;

/// On which system the configuration is used, which need not be the one we run on. Decides about byte order marks,
/// drive letters and slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Linux and other Unix systems.
    Unix,
    /// Windows.
    Windows,
}

impl Platform {
    /// The one this program was built for.
    pub const HOST: Platform = if cfg!(windows) {
        Platform::Windows
    } else {
        Platform::Unix
    };
}
