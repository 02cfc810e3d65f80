//! Another user of this machine who means harm, and programs that note who runs them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::others::{NOBODY, mode};
use super::{files, process};

/// A file where programs note each of their runs: the user, and what it was called with.
pub struct Notes {
    file: PathBuf,
}

impl Notes {
    /// An empty one that everybody may write.
    pub fn new(file: PathBuf) -> Self {
        files::write(&file, "");
        let notes = Notes { file };
        notes.clear();
        notes
    }

    /// All lines of them.
    pub fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).expect("the notes");
        text.lines().map(str::to_owned).collect()
    }

    /// Those of runs by root.
    pub fn by_root(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| line.starts_with("0 "));
        lines
    }

    /// Forgets them.
    pub fn clear(&self) {
        fs::write(&self.file, "").expect("the notes");
        mode(&self.file, 0o666);
    }

    /// A script that passes for httpd 2.4, notes its runs, and writes its environment beside the notes when it is to
    /// test a configuration.
    pub fn httpd(&self, path: &Path) {
        let script = format!(
            "#!/bin/sh\necho \"$(id -u) $*\" >> '{notes}'\ncase $1 in\n\
             -v|-V) echo 'Server version: Apache/2.4.58 (Unix)'; exit 0;;\n\
             -l) printf 'Compiled in modules:\\n  core.c\\n  mod_so.c\\n'; exit 0;;\nesac\n\
             case \" $* \" in *' -t '*) env > '{notes}.environment';; esac\n",
            notes = self.file.display()
        );
        executable(path, &script);
    }

    /// What the script had in its environment.
    pub fn environment(&self) -> Vec<String> {
        let text =
            fs::read_to_string(format!("{}.environment", self.file.display())).expect("its environment");
        text.lines().map(str::to_owned).collect()
    }

    /// Another program that notes its runs and fails.
    pub fn program(&self, path: &Path) {
        let notes = self.file.display();
        executable(
            path,
            &format!("#!/bin/sh\necho \"$(id -u) $0 $*\" >> '{notes}'\nexit 1\n"),
        );
    }

    /// Compiled code that notes its runs and, but for root, waits for ever: a program, or a library to be loaded before
    /// another's. None where there is no compiler.
    pub fn compiled(&self, path: &Path, is_library: bool) -> Option<()> {
        let code = "#include <stdio.h>\n#include <string.h>\n#include <unistd.h>\n\
             static void note(const char *words, int waits) {\n\
             FILE *notes = fopen(NOTES, \"a\");\n\
             if (notes) { fprintf(notes, \"%d %s\\n\", (int) getuid(), words); fclose(notes); }\n\
             while (waits) pause();\n}\n\
             #ifdef LIBRARY\n__attribute__((constructor)) static void loaded(void) { note(\"loaded\", getuid() != 0); }\n\
             #else\nint main(int count, char **words) {\n\
             int starts = count > 1 && !strcmp(words[1], \"-k\");\n\
             note(count > 1 ? words[1] : \"\", starts);\n\
             puts(\"Server version: Apache/2.4.58 (Unix)\\n -D HTTPD_ROOT=\\\"/\\\"\\n -D SERVER_CONFIG_FILE=\\\"x\\\"\");\n\
             return 0;\n}\n#endif\n";
        let source = path.with_extension("c");
        files::write(&source, code);
        let mut compile = Command::new("cc");
        compile
            .arg(format!("-DNOTES=\"{}\"", self.file.display()))
            .args(if is_library {
                &["-DLIBRARY", "-shared", "-fPIC"][..]
            } else {
                &[]
            })
            .arg("-o")
            .arg(path)
            .arg(&source);
        if Command::new("cc").arg("--version").output().is_err() {
            super::skip("no C compiler");
            return None;
        }
        process::finish(&mut compile, Duration::from_secs(60)).expect_code(0);
        Some(())
    }
}

/// Writes a script that may be run.
pub fn executable(path: &Path, script: &str) {
    // Under another name: a file that is open for writing cannot be run.
    let waiting = path.with_extension("new");
    files::write(&waiting, script);
    mode(&waiting, 0o755);
    fs::rename(&waiting, path).expect("its name");
}

/// A process that ends with this.
pub struct Background(Child);

impl Background {
    /// Starts it, and waits until what it is to do first is done.
    #[track_caller]
    pub fn start(command: &mut Command, until: impl Fn() -> bool) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a process");
        let background = Background(child);
        let start = Instant::now();
        while !until() {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{command:?} does not start"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        background
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command of the other user.
pub fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    let number = NOBODY.to_string();
    command
        .args(["--reuid", &number, "--regid", &number, "--clear-groups", "--"])
        .arg(program);
    command
}
