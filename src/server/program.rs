//! The programs that we run. There is no other way to run one.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::{Environment, system_folders};
use super::trust::{Distrust, Judge};
use crate::httpd::bytes_path;

/// So much of a script the system itself reads for what runs it.
const SCRIPT: u64 = 256;

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
        for needed in libraries(&real).iter().chain(&interpreter(&real)) {
            judge.judge(needed).map_err(|distrust| distrust.of(path))?;
        }
        Ok(Program {
            real,
            path: path.to_path_buf(),
        })
    }

    /// A program of the system, such as `systemctl`, out of the system's own folders: the search path is not asked.
    ///
    /// # Errors
    /// Why the one that is there may not be run; nothing where there is none.
    pub fn of_system(name: &str) -> Result<Program, Option<Distrust>> {
        let folders = system_folders();
        let paths = folders.iter().map(|folder| folder.join(name));
        let mut distrusted = None;
        for path in paths.filter(|path| path.is_file()) {
            match Program::at(&path) {
                Ok(program) => return Ok(program),
                Err(distrust) => _ = distrusted.get_or_insert(distrust),
            }
        }
        Err(distrusted)
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
/// `lib` or `lib64` beside its folder, when that is `bin`. Those of the system are the system's.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let Some(folder) = program.parent() else {
        return Vec::new();
    };
    if system_folders().iter().any(|system| folder == system) {
        return Vec::new();
    }
    let folders = match folder.parent() {
        _ if cfg!(windows) => vec![folder.to_path_buf()],
        Some(root) if folder.ends_with("bin") || folder.ends_with("sbin") => {
            vec![root.join("lib"), root.join("lib64")]
        }
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
    let entries = folders.iter().flat_map(std::fs::read_dir).flatten().flatten();
    let found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_library).collect();
    [folders, found].concat()
}

/// What runs it if it is a script, as some httpd are that set something up first.
fn interpreter(program: &Path) -> Option<PathBuf> {
    use std::io::Read;
    let mut begin = Vec::new();
    let file = std::fs::File::open(program).ok()?;
    file.take(SCRIPT).read_to_end(&mut begin).ok()?;
    let line = begin.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    words.next().map(bytes_path)
}
