//! The programs that we run. There is no other way to run one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::{Environment, system_folders};
use super::trust::{Distrust, Judge};

/// A program that may be run: nobody but root and we can have put it there.
#[derive(Clone, Debug)]
pub struct Program {
    /// As it was named.
    path: PathBuf,
    /// Where it really is.
    real: PathBuf,
}

impl Program {
    /// The program at a path.
    ///
    /// # Errors
    /// Why it may not be run.
    pub fn at(path: &Path) -> Result<Program, Distrust> {
        let mut judge = Judge::default();
        let real = judge.judge(path)?;
        for library in libraries(&real) {
            judge.judge(&library).map_err(|distrust| Distrust {
                subject: path.to_path_buf(),
                ..distrust
            })?;
        }
        Ok(Program {
            real,
            path: path.to_path_buf(),
        })
    }

    /// A program of the system, such as `systemctl`, out of the system's own folders: the search path is not asked.
    pub fn of_system(name: &str) -> Option<Program> {
        let folders = system_folders();
        let paths = folders.iter().map(|folder| folder.join(name));
        let there = paths.filter(|path| path.is_file());
        there.filter_map(|path| Program::at(&path).ok()).next()
    }

    /// Its path, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A run of it, being prepared: with this environment and no other, away from the current folder, which may be
    /// anybody's.
    pub fn command(&self, environment: &Environment) -> Command {
        let mut command = Command::new(&self.real);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::arg0(&mut command, &self.path);
        let folder = if cfg!(windows) { self.real.parent() } else { None };
        command.current_dir(folder.unwrap_or(Path::new("/")));
        environment.hand_to(&mut command);
        command
    }
}

/// The libraries that lie where a program that was built with its own looks for them: beside it on Windows, elsewhere in
/// `lib` beside its folder, when that is `bin`. Those of the system are the system's.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let Some(folder) = program.parent() else {
        return Vec::new();
    };
    if system_folders().iter().any(|system| folder == system) {
        return Vec::new();
    }
    let folder = match folder.parent() {
        _ if cfg!(windows) => folder.to_path_buf(),
        Some(root) if folder.ends_with("bin") || folder.ends_with("sbin") => root.join("lib"),
        _ => return Vec::new(),
    };
    let is_library = |path: &PathBuf| {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        name.ends_with(if cfg!(windows) { ".dll" } else { ".so" }) || (cfg!(unix) && name.contains(".so."))
    };
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let found = entries.map(|entry| entry.path()).filter(is_library);
    std::iter::once(folder).chain(found).collect()
}
