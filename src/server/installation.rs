//! Where the server's configuration is: from flags, the environment, what runs, or the usual places. Reads no
//! configuration.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::binary::{Binary, Silence};
use super::candidates::{self, Candidate, Found, MAIN_FILES};
use super::same_file::same;
use super::{envvars, retry_missing};
use crate::foreign;
use crate::quoted::quoted;
use crate::wording::reason;

/// A server root and its main file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The server root, as given or found, made absolute.
    pub root: PathBuf,
    /// The main file.
    pub main: PathBuf,
    /// How it was found, for people: `--root`, `ESYNC_SSL_ROOT`, …
    pub found_by: String,
    /// The service or running process that serves it: its binary, flags and environment.
    pub served_by: Option<Candidate>,
    /// Programs that were not asked, and why.
    pub passed_over: Vec<String>,
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
    ///
    /// # Errors
    /// When that may not be run.
    pub fn binary(&self) -> Result<Option<Binary>, Silence> {
        if let Some(candidate) = &self.served_by {
            return Binary::at(&candidate.binary).map(Some);
        }
        let distribution = ["/etc/apache2", "/etc/httpd"]
            .iter()
            .any(|root| self.root == Path::new(root));
        BINARIES
            .iter()
            .map(|name| self.root.join(name))
            .find(|path| path.is_file() && (distribution || path.starts_with(&self.root)))
            .map(|path| Binary::at(&path))
            .transpose()
    }

    /// Flags (`-D`) that the server is started with, as far as its service or process tells them.
    pub fn flags(&self) -> &[String] {
        self.served_by.as_ref().map_or(&[], |candidate| &candidate.flags)
    }

    /// The environment that the server is started with: that of its process, or Debian's `envvars`.
    pub fn environment(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        if let Some(environment) = self
            .served_by
            .as_ref()
            .and_then(|candidate| candidate.environment.clone())
        {
            return environment;
        }
        foreign::read(&self.envvars(), foreign::ENVVARS)
            .map(|bytes| envvars::parse(&bytes))
            .unwrap_or_default()
    }

    /// Debian's file with the environment of the server, which need not be there.
    pub fn envvars(&self) -> PathBuf {
        self.root.join("envvars")
    }

    /// Finds the installation: a server root or a main file given by hand, else `ESYNC_SSL_ROOT` (its value comes
    /// in as `variable`), else the service or running process of an Apache, else what an httpd binary was made for,
    /// else one of the usual places. Of several in one of these steps none is taken. Where both configuration and
    /// `httpd` are given, no other program is run.
    pub fn find(
        root: Option<&Path>,
        main: Option<&Path>,
        variable: Option<&Path>,
        httpd: Option<&Path>,
    ) -> Result<Installation, NotFound> {
        let given = match (root, main, variable) {
            (root, Some(main), _) => with_main(root, main)?,
            (Some(root), None, _) => below(root, "--root")?,
            (None, None, Some(root)) => below(root, "ESYNC_SSL_ROOT")?,
            (None, None, None) => return search(),
        };
        let served_by = candidates::serving(&given.root, &given.main, httpd);
        Ok(Installation { served_by, ..given })
    }
}

/// Looks for an installation that nobody named.
fn search() -> Result<Installation, NotFound> {
    let of = |candidate: Candidate, runs: bool| Installation {
        root: candidate.root.clone(),
        main: candidate.main.clone(),
        found_by: candidate.found_by.clone(),
        served_by: runs.then_some(candidate),
        passed_over: Vec::new(),
    };
    let mut passed_over: Vec<String> = Vec::new();
    let mut take = |found: Found, runs: bool| -> Vec<Installation> {
        passed_over.extend(found.passed_over.iter().map(Silence::to_string));
        found.candidates.into_iter().map(|one| of(one, runs)).collect()
    };
    let mut found = take(candidates::services(), true);
    if found.is_empty() {
        found = take(candidates::binaries(), false);
    }
    if found.is_empty() {
        let roots = USUAL_ROOTS.iter().map(Path::new);
        found = roots
            .filter_map(|root| below(root, "one of the usual places").ok())
            .collect();
    }
    let mut once: Vec<Installation> = Vec::new();
    for one in found {
        if !once.iter().any(|other| same(&other.main, &one.main)) {
            once.push(one);
        }
    }
    // On a machine of eSync its own tree is the one that is meant.
    if cfg!(windows)
        && let Some(own) = once
            .iter()
            .position(|one| same(&one.root, Path::new(USUAL_ROOTS[0])))
    {
        return Ok(once.swap_remove(own));
    }
    match once.len() {
        0 => Err(NotFound(format!(
            "no Apache configuration in the usual places ({}); name the server root with --root, or the main file with \
             --config{}",
            USUAL_ROOTS.join(", "),
            passed_over
                .iter()
                .map(|why| format!("\n  {why}"))
                .collect::<String>()
        ))),
        1 => Ok(Installation {
            passed_over,
            ..once.swap_remove(0)
        }),
        _ => {
            let list = once.iter().map(|one| {
                format!(
                    "--root {} --config {} ({})",
                    quoted(&one.root),
                    quoted(&one.main),
                    one.found_by
                )
            });
            Err(NotFound(format!(
                "there are several Apache servers on this machine; choose one:\n  {}",
                list.collect::<Vec<_>>().join("\n  ")
            )))
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
    let there = || {
        MAIN_FILES
            .iter()
            .map(|name| join(&absolute, name))
            .find(|path| path.is_file())
    };
    let main = retry_missing::find(|| there().ok_or_else(|| ErrorKind::NotFound.into())).map_err(|_| {
        NotFound(format!(
            "no Apache configuration below {} ({found_by}): none of {} exists; name the main file with --config",
            root.display(),
            MAIN_FILES.join(", ")
        ))
    })?;
    Ok(Installation {
        root: absolute,
        main,
        found_by: found_by.into(),
        served_by: None,
        passed_over: Vec::new(),
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
    if !retry_missing::find(|| path.metadata()).is_ok_and(|metadata| metadata.is_file()) {
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
        served_by: None,
        passed_over: Vec::new(),
    })
}

fn absolute(path: &Path) -> Result<PathBuf, NotFound> {
    std::path::absolute(path).map_err(|error| {
        NotFound(format!(
            "the path {} cannot be used: {}",
            path.display(),
            reason(&error)
        ))
    })
}

/// Joined with this system's separators, so that paths print in one style.
fn join(root: &Path, name: &str) -> PathBuf {
    name.split('/')
        .fold(root.to_path_buf(), |path, part| path.join(part))
}
