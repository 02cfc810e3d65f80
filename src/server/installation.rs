//! Where the server's configuration is: from flags, the environment, what runs, or the usual places. Reads no
//! configuration.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::binary::{Binary, Silence};
use super::candidates::{self, Candidate, Found, MAIN_FILES};
use super::same_file::same;
#[cfg(windows)]
use super::windows_places;
use super::{envvars, retry_missing};
use crate::foreign;
use crate::place;
use crate::quoted::quoted;
use crate::refusal::Advised;
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

/// Why no installation was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound(pub Advised);

impl NotFound {
    fn new(cause: impl Into<String>, fix: impl Into<String>) -> NotFound {
        NotFound(Advised::new(cause, "; ", fix))
    }
}

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NotFound {}

/// Server roots that are looked for when nothing is said; on Windows on every drive.
#[cfg(windows)]
const USUAL_ROOTS: [&str; 5] = [
    OWN_ROOT,
    "Apache24",
    "xampp\\apache",
    "Program Files\\Apache24",
    "httpd-2.4",
];
/// Where eSync has its tree, on any drive.
#[cfg(windows)]
const OWN_ROOT: &str = "eSync\\Apache24";
/// Server roots that are looked for when nothing is said.
#[cfg(not(windows))]
const USUAL_ROOTS: [&str; 5] = [
    "/usr/local/apache2",
    "/etc/httpd",
    "/etc/apache2",
    "/opt/lampp",
    "/usr/local/etc/apache24",
];

/// Those, and how each is told.
#[cfg(windows)]
fn usual_roots() -> Vec<(PathBuf, String)> {
    let drives = windows_places::drives();
    let on_drives = drives.iter().flat_map(|drive| {
        let roots = USUAL_ROOTS.iter().map(|root| Path::new(drive).join(root));
        roots.map(|root| (root, USUAL.to_owned()))
    });
    let installed = windows_places::installed().into_iter();
    let installed =
        installed.map(|(program, folder)| (folder, format!("the installed program \"{program}\"")));
    on_drives.chain(installed).collect()
}

/// Those, and how each is told.
#[cfg(not(windows))]
fn usual_roots() -> Vec<(PathBuf, String)> {
    let roots = USUAL_ROOTS.iter();
    roots.map(|root| (root.into(), USUAL.to_owned())).collect()
}

const USUAL: &str = "one of the usual places";

/// The usual places, for people.
#[cfg(windows)]
fn usual_places() -> String {
    let on = |drive: &str| USUAL_ROOTS.map(|root| format!("{drive}{root}")).join(", ");
    let others: Vec<String> = windows_places::drives().into_iter().skip(1).collect();
    match others.is_empty() {
        true => on("C:\\"),
        false => format!("{}, and the same on {}", on("C:\\"), others.join(", ")),
    }
}

/// The usual places, for people.
#[cfg(not(windows))]
fn usual_places() -> String {
    USUAL_ROOTS.join(", ")
}

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

    /// All that are found where nobody named one, for somebody who can choose.
    pub fn all() -> Vec<Installation> {
        all().0
    }
}

/// The installations that are found where nobody named one, in the first of the steps that has any, each once; and which
/// programs were not asked for theirs, and why.
fn all() -> (Vec<Installation>, Vec<String>) {
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
        let roots = usual_roots().into_iter();
        found = roots
            .filter_map(|(root, found_by)| below(&root, &found_by).ok())
            .collect();
    }
    let mut once: Vec<Installation> = Vec::new();
    for one in found {
        if !once.iter().any(|other| same(&other.main, &one.main)) {
            once.push(one);
        }
    }
    (once, passed_over)
}

/// Looks for an installation that nobody named.
fn search() -> Result<Installation, NotFound> {
    let (mut once, passed_over) = all();
    // On a machine of eSync its own tree is the one that is meant.
    #[cfg(windows)]
    if let Some(own) = once.iter().position(|one| {
        let drives = windows_places::drives().into_iter();
        drives
            .map(|drive| Path::new(&drive).join(OWN_ROOT))
            .any(|own| same(&one.root, &own))
    }) {
        return Ok(once.swap_remove(own));
    }
    match once.len() {
        0 => Err(nowhere(&passed_over)),
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
            let list = list.collect::<Vec<_>>().join("\n  ");
            Err(NotFound::new(
                "there are several Apache servers on this machine",
                format!("choose one:\n  {list}{}", here("\n  ")),
            ))
        }
    }
}

/// There is none in the usual places; programs there that were not asked are named.
fn nowhere(passed_over: &[String]) -> NotFound {
    let why = passed_over.iter().map(|why| format!("\n  {why}"));
    let fix = match here("").as_str() {
        "" => "name the server root with --root, or the main file with --config",
        here => here,
    }
    .to_owned();
    NotFound::new(
        format!("no Apache configuration in the usual places ({})", usual_places()),
        fix + &why.collect::<String>(),
    )
}

/// Whoever stands in a server root may mean that one.
fn here(before: &str) -> String {
    let folder = std::env::current_dir().ok();
    let Some((root, _)) = folder.and_then(|folder| server_root(&folder)) else {
        return String::new();
    };
    format!(
        "{before}--root . takes the server root that you are in, {}",
        root.display()
    )
}

fn below(root: &Path, found_by: &str) -> Result<Installation, NotFound> {
    let absolute = absolute(root)?;
    if !absolute.is_dir() {
        return Err(NotFound::new(
            format!("the server root {} ({found_by}) is not a folder", root.display()),
            "check the path",
        ));
    }
    let there = || server_root(&absolute).ok_or_else(|| ErrorKind::NotFound.into());
    let (root, main) = retry_missing::find(there).map_err(|_| {
        NotFound::new(
            format!(
                "no Apache configuration below {} ({found_by}): none of {} exists",
                root.display(),
                MAIN_FILES.join(", ")
            ),
            "name the main file with --config",
        )
    })?;
    let found_by = match absolute.strip_prefix(&root) {
        Ok(part) if !part.as_os_str().is_empty() => {
            format!("{found_by} names its folder {}", part.display())
        }
        _ => found_by.into(),
    };
    Ok(Installation {
        root,
        main,
        found_by,
        served_by: None,
        passed_over: Vec::new(),
    })
}

/// The server root that a folder is, or is a part of, with its main file: people name `conf`, or one of Debian's folders
/// beside the main file, where the folder above is meant.
pub fn server_root(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    const PARTS: [&str; 10] = [
        "extra",
        "conf.d",
        "conf.modules.d",
        "conf-available",
        "conf-enabled",
        "mods-available",
        "mods-enabled",
        "sites-available",
        "sites-enabled",
        "vhosts.d",
    ];
    let is_named = |name: &str| {
        let own = folder.file_name();
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let main = main_files(folder).find(|path| path.is_file());
    let Some(main) = main else {
        let above = folder
            .parent()
            .filter(|_| PARTS.iter().any(|name| is_named(name)))?;
        return server_root(above);
    };
    // A server root may be called conf as well; it has more than a configuration then.
    let is_root = ["conf", "modules", "logs", "bin"]
        .iter()
        .any(|name| folder.join(name).is_dir());
    let above = folder.parent().filter(|_| is_named("conf") && !is_root);
    Some((above.unwrap_or(folder).to_path_buf(), main))
}

fn main_files(root: &Path) -> impl Iterator<Item = PathBuf> {
    MAIN_FILES.iter().map(|name| join(root, name))
}

fn with_main(root: Option<&Path>, main: &Path) -> Result<Installation, NotFound> {
    let path = absolute(main)?;
    if path.is_dir() {
        return Err(NotFound::new(
            format!("{} is a folder", main.display()),
            "--config takes the main file, --root a folder",
        ));
    }
    if !retry_missing::find(|| path.metadata()).is_ok_and(|metadata| metadata.is_file()) {
        return Err(NotFound::new(
            format!("the main file {} (--config) does not exist", main.display()),
            "check the path",
        ));
    }
    let root = match root {
        Some(root) => {
            let root = absolute(root)?;
            server_root(&root).map_or(root, |(root, _)| root)
        }
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
    place::absolute(path).map_err(|error| {
        NotFound::new(
            format!("the path {} cannot be used: {}", path.display(), reason(&error)),
            "check it",
        )
    })
}

/// Joined with this system's separators, so that paths print in one style.
fn join(root: &Path, name: &str) -> PathBuf {
    name.split('/')
        .fold(root.to_path_buf(), |path, part| path.join(part))
}
