//! What runs another program that renews certificates: timers of systemd, tables of cron, tasks of Windows. Read only.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::renewers::By;
use crate::foreign;
use crate::quoted::word;
use crate::shown::shown;

/// Files of one folder that are looked at.
const MOST: usize = 300;
/// Where cron has its tables and its programs, below the root of the system.
const TABLES: [&str; 8] = [
    "etc/crontab",
    "etc/cron.d",
    "etc/cron.hourly",
    "etc/cron.daily",
    "etc/cron.weekly",
    "etc/cron.monthly",
    "var/spool/cron",
    "var/spool/cron/crontabs",
];
/// Where systemd has the timers that are on.
const TIMERS: &str = "etc/systemd/system/timers.target.wants";

/// What runs a program again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The file.
    pub file: PathBuf,
    /// The line in it, counted from 1; none where it is the whole of it.
    pub line: Option<usize>,
    /// What turns it off: a command, or an edit.
    pub off: String,
}

impl Schedule {
    /// All that run this program. `root`: that of the system.
    pub fn all(by: By, root: &Path) -> Vec<Schedule> {
        let program = match by {
            By::Certbot => "certbot",
            By::AcmeSh => "acme.sh",
            By::Lego => "lego",
            By::WinAcme => return tasks(root),
            By::EsyncSsl | By::ModMd | By::Nobody => return Vec::new(),
        };
        let mut all = timers(program, root);
        for table in TABLES {
            let path = root.join(table);
            let files = match path.is_dir() {
                true => entries(&path),
                false => vec![path],
            };
            for file in files {
                all.extend(lines(program, &file, root));
            }
        }
        all
    }
}

/// What runs other programs below the root of a system, each program looked for once.
pub struct Schedules {
    root: PathBuf,
    known: HashMap<By, Option<Schedule>>,
}

impl Schedules {
    /// Of the system with this root.
    pub fn below(root: &Path) -> Schedules {
        Schedules {
            root: root.to_path_buf(),
            known: HashMap::new(),
        }
    }

    /// The first that runs this program.
    pub fn first(&mut self, by: By) -> Option<&Schedule> {
        let root = &self.root;
        let first = self.known.entry(by);
        first
            .or_insert_with(|| Schedule::all(by, root).into_iter().next())
            .as_ref()
    }
}

fn timers(program: &str, root: &Path) -> Vec<Schedule> {
    let all = entries(&root.join(TIMERS)).into_iter();
    let named = all.filter_map(|file| {
        let unit = file.file_name()?.to_str()?.to_owned();
        let off = format!("systemctl disable --now {}", word(&unit));
        let is_it = unit.contains(program.trim_end_matches(".sh")) && unit.ends_with(".timer");
        is_it.then_some(Schedule {
            file,
            line: None,
            off,
        })
    });
    named.collect()
}

/// The lines of a table, or of a program that cron runs, which name it.
fn lines(program: &str, file: &Path, root: &Path) -> Vec<Schedule> {
    let bytes = foreign::read(file, foreign::NOTE).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let has_systemd = root.join("run/systemd/system").is_dir();
    let runs = |line: &str| {
        let is_left_to_systemd = has_systemd && line.contains("-d /run/systemd/system");
        !line.trim_start().starts_with('#') && names(line, program) && !is_left_to_systemd
    };
    let found = text.lines().enumerate().filter(|(_, line)| runs(line));
    found
        .map(|(number, _)| Schedule {
            file: file.to_path_buf(),
            line: Some(number + 1),
            off: format!("put `#` before line {} of {}", number + 1, shown(file)),
        })
        .collect()
}

/// Whether a word of a line, or the end of a path in it, is that program.
fn names(line: &str, program: &str) -> bool {
    let mut words = line.split(|letter: char| letter.is_whitespace() || "\"'/;&|()".contains(letter));
    words.any(|word| word == program)
}

fn tasks(root: &Path) -> Vec<Schedule> {
    let folder = match std::env::var_os("SystemRoot") {
        Some(system) if cfg!(windows) => PathBuf::from(system).join("System32").join("Tasks"),
        _ => root.join("Tasks"),
    };
    let all = entries(&folder).into_iter();
    let named = all.filter_map(|file| {
        let task = file.file_name()?.to_str()?.to_owned();
        let is_it = task.starts_with("win-acme") || task.starts_with("simple-acme");
        is_it.then(|| Schedule {
            off: format!("schtasks /change /disable /tn \"{task}\""),
            line: None,
            file,
        })
    });
    named.collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).take(MOST).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn each_by_where_it_stands() {
        let root = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(&format!("{TIMERS}/certbot.timer"), "");
        put(&format!("{TIMERS}/apt-daily.timer"), "");
        let debian = "# certbot\n0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system && certbot -q renew\n";
        put("etc/cron.d/certbot", debian);
        put(
            "var/spool/cron/crontabs/root",
            "# m h\n7 0 * * * \"/root/.acme.sh\"/acme.sh --cron > /dev/null\n",
        );
        put("etc/cron.d/legolas", "1 1 * * * root legolas\n");
        put("Tasks/win-acme renew (acme-v02.api.letsencrypt.org)", "");
        let all = |by| Schedule::all(by, root.path());
        let off = |by| -> Vec<String> { all(by).into_iter().map(|one| one.off).collect() };
        assert_eq!(all(By::Certbot).len(), 2);
        fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        assert_eq!(off(By::Certbot), ["systemctl disable --now certbot.timer"]);
        assert_eq!(all(By::AcmeSh)[0].line, Some(2));
        assert_eq!(all(By::Lego), []);
        if cfg!(unix) {
            assert_eq!(
                off(By::WinAcme),
                ["schtasks /change /disable /tn \"win-acme renew (acme-v02.api.letsencrypt.org)\""]
            );
        }
    }
}
