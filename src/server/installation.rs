//! Where the server's configuration is: from flags, the environment, or the usual places. Reads no configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::binary::Binary;
use super::envvars;

/// A server root and its main file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The server root, as given or found, made absolute.
    pub root: PathBuf,
    /// The main file.
    pub main: PathBuf,
    /// How it was found, for people: `--root`, `ESYNC_SSL_ROOT`, …
    pub found_by: String,
}

/// Why no installation was found; a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound(pub String);

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFound {}

/// Main files below a server root, in the order in which they are looked for.
const MAIN_FILES: [&str; 3] = ["conf/httpd.conf", "apache2.conf", "httpd.conf"];

/// Server roots that are looked for when nothing is said.
#[cfg(windows)]
const USUAL_ROOTS: [&str; 5] = [
    "C:\\eSync\\Apache24",
    "C:\\Apache24",
    "C:\\xampp\\apache",
    "C:\\Program Files\\Apache24",
    "C:\\httpd-2.4",
];
/// Server roots that are looked for when nothing is said.
#[cfg(not(windows))]
const USUAL_ROOTS: [&str; 5] = [
    "/usr/local/apache2",
    "/etc/httpd",
    "/etc/apache2",
    "/opt/lampp",
    "/usr/local/etc/apache24",
];

/// Binaries below a server root, and where distributions have them.
#[cfg(windows)]
const BINARIES: [&str; 1] = ["bin\\httpd.exe"];
/// Binaries below a server root, and where distributions have them.
#[cfg(not(windows))]
const BINARIES: [&str; 4] = [
    "bin/httpd",
    "/usr/sbin/httpd",
    "/usr/sbin/apache2",
    "/usr/local/sbin/httpd",
];

impl Installation {
    /// The binary that most likely serves this installation. A distribution's binary is taken only for the
    /// distribution's own server root.
    pub fn binary(&self) -> Option<Binary> {
        let distribution = ["/etc/apache2", "/etc/httpd"]
            .iter()
            .any(|root| self.root == Path::new(root));
        BINARIES
            .iter()
            .map(|name| self.root.join(name))
            .find(|path| path.is_file() && (distribution || path.starts_with(&self.root)))
            .map(Binary::new)
    }

    /// The environment that the server is started with, as far as files tell it: Debian's `envvars`.
    pub fn environment(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        std::fs::read(self.root.join("envvars"))
            .map(|bytes| envvars::parse(&bytes))
            .unwrap_or_default()
    }

    /// Finds the installation: a server root or a main file given by hand, else `ESYNC_SSL_ROOT` (its value comes
    /// in as `variable`), else the first of the usual places that has a main file.
    pub fn find(
        root: Option<&Path>,
        main: Option<&Path>,
        variable: Option<&Path>,
    ) -> Result<Installation, NotFound> {
        match (root, main, variable) {
            (root, Some(main), _) => with_main(root, main),
            (Some(root), None, _) => below(root, "--root"),
            (None, None, Some(root)) => below(root, "ESYNC_SSL_ROOT"),
            (None, None, None) => USUAL_ROOTS
                .iter()
                .map(Path::new)
                .find_map(|root| below(root, "one of the usual places").ok())
                .ok_or_else(|| {
                    NotFound(format!(
                        "no Apache configuration in the usual places ({}); name the server root with --root, or the \
                         main file with --config",
                        USUAL_ROOTS.join(", ")
                    ))
                }),
        }
    }
}

fn below(root: &Path, found_by: &str) -> Result<Installation, NotFound> {
    let absolute = absolute(root)?;
    if !absolute.is_dir() {
        return Err(NotFound(format!(
            "the server root {} ({found_by}) is not a folder; check the path",
            root.display()
        )));
    }
    let main = MAIN_FILES.iter().map(|name| join(&absolute, name)).find(|path| path.is_file()).ok_or_else(|| {
        NotFound(format!(
            "no Apache configuration below {} ({found_by}): none of {} is there; name the main file with --config",
            root.display(),
            MAIN_FILES.join(", ")
        ))
    })?;
    Ok(Installation {
        root: absolute,
        main,
        found_by: found_by.into(),
    })
}

fn with_main(root: Option<&Path>, main: &Path) -> Result<Installation, NotFound> {
    let path = absolute(main)?;
    if path.is_dir() {
        return Err(NotFound(format!(
            "{} is a folder; --config takes the main file, --root a folder",
            main.display()
        )));
    }
    if !path.is_file() {
        return Err(NotFound(format!(
            "the main file {} (--config) does not exist; check the path",
            main.display()
        )));
    }
    let root = match root {
        Some(root) => absolute(root)?,
        None => {
            let folder = path.parent().unwrap_or(&path);
            let in_conf = folder
                .file_name()
                .is_some_and(|name| name.eq_ignore_ascii_case("conf"));
            if in_conf {
                folder.parent().unwrap_or(folder).to_path_buf()
            } else {
                folder.to_path_buf()
            }
        }
    };
    Ok(Installation {
        root,
        main: path,
        found_by: "--config".into(),
    })
}

fn absolute(path: &Path) -> Result<PathBuf, NotFound> {
    std::path::absolute(path)
        .map_err(|error| NotFound(format!("the path {} cannot be used: {error}", path.display())))
}

/// Joined with this system's separators, so that paths print in one style.
fn join(root: &Path, name: &str) -> PathBuf {
    name.split('/')
        .fold(root.to_path_buf(), |path, part| path.join(part))
}
