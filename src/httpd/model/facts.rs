//! What only the server knows: version, built-in modules, `-D` flags, environment. They come in as an argument;
//! this file asks nobody.

use std::collections::BTreeMap;

use super::platform::Platform;

/// A version of httpd; the last part may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// 2 in 2.4.71
    pub major: u32,
    /// 4 in 2.4.71
    pub minor: u32,
    /// 71 in 2.4.71
    pub patch: Option<u32>,
}

impl Version {
    /// Reads `2.4` or `2.4.71`.
    pub fn parse(text: &str) -> Option<Version> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = Version {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next().flatten(),
        };
        (text.split('.').count() <= 3 && (version.patch.is_some() || text.split('.').count() == 2))
            .then_some(version)
    }

    /// Is it at least 2.4.`patch`? `None` when that hangs on the part that is unknown.
    pub fn at_least(&self, patch: u32) -> Option<bool> {
        match (self.major, self.minor).cmp(&(2, 4)) {
            std::cmp::Ordering::Less => Some(false),
            std::cmp::Ordering::Greater => Some(true),
            std::cmp::Ordering::Equal => self.patch.map(|have| have >= patch),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

/// Facts about the server that will read the configuration.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its platform.
    pub platform: Platform,
    /// Its version.
    pub version: Version,
    /// Source file names of the modules compiled in, such as `mod_so.c`.
    pub built_in: Vec<String>,
    /// `built_in` was asked from the binary. Otherwise a module of `SOMETIMES_BUILT_IN` that is not loaded is
    /// neither there nor absent, but unknown.
    pub built_in_is_certain: bool,
    /// Flags given with `-D`.
    pub flags: Vec<Vec<u8>>,
    /// Where mod_mime looks for the types of files without a `TypesConfig`: `AP_TYPES_CONFIG_FILE`, which Debian and others
    /// change; `None` where it was not asked.
    pub types_config: Option<Vec<u8>>,
    /// Where the number of the parent process is without a `PidFile`: `DEFAULT_PIDLOG`, which Debian and Red Hat change;
    /// `None` where it was not asked.
    pub pid_file: Option<Vec<u8>>,
    /// Environment variables of the server.
    pub environment: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Modules that some builds for Unix have compiled in and others load.
pub const SOMETIMES_BUILT_IN: [&str; 8] = [
    "mod_watchdog.c",
    "mod_log_config.c",
    "mod_logio.c",
    "mod_version.c",
    "mod_unixd.c",
    "event.c",
    "worker.c",
    "prefork.c",
];

impl Facts {
    /// What holds for a usual server of that platform, when there is no binary to ask: some 2.4, the modules that
    /// every build has compiled in, no flags, no environment.
    pub fn assumed(platform: Platform) -> Self {
        let built_in: &[&str] = match platform {
            Platform::Unix => &["core.c", "mod_so.c", "http_core.c"],
            Platform::Windows => &["core.c", "mod_win32.c", "mpm_winnt.c", "http_core.c", "mod_so.c"],
        };
        Facts {
            platform,
            version: Version {
                major: 2,
                minor: 4,
                patch: None,
            },
            built_in: built_in.iter().map(|name| name.to_string()).collect(),
            built_in_is_certain: platform == Platform::Windows,
            flags: Vec::new(),
            pid_file: None,
            types_config: (platform == Platform::Windows).then(|| b"conf/mime.types".to_vec()),
            environment: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse_and_compare() {
        let version = Version::parse("2.4.7").unwrap();
        assert_eq!(version.at_least(8), Some(false));
        assert_eq!(version.at_least(7), Some(true));
        assert_eq!(Version::parse("2.4").unwrap().at_least(8), None);
        assert_eq!(Version::parse("2.2.34").unwrap().at_least(0), Some(false));
        for bad in ["", "2", "2.x", "2.4.x", "2.4.1.1"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
