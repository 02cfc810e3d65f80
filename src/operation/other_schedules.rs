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
const TABLES: [&str; 6] = [
    "etc/crontab",
    "etc/cron.d",
    "etc/cron.hourly",
    "etc/cron.daily",
    "etc/cron.weekly",
    "etc/cron.monthly",
];
/// Where it has a table for each account, named after it.
const SPOOLS: [&str; 2] = ["var/spool/cron", "var/spool/cron/crontabs"];
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
    /// All that run this program. `root`: that of the system. `owner`: the account of its settings, whose own table counts beside
    /// that of root: what others have there is no matter of this server.
    pub fn all(by: By, root: &Path, owner: Option<u32>) -> Vec<Schedule> {
        let program = match by {
            By::Certbot => "certbot",
            By::AcmeSh => "acme.sh",
            By::Lego => "lego",
            By::WinAcme => return tasks(root),
            By::EsyncSsl | By::ModMd | By::Nobody => return Vec::new(),
        };
        let tables = TABLES.iter().map(|table| root.join(table));
        let tables = tables.flat_map(|path| match path.is_dir() {
            true => entries(&path, |_| true),
            false => vec![path],
        });
        let spools = SPOOLS.iter().map(|spool| root.join(spool));
        let spools = spools.flat_map(|path| entries(&path, |table| is_of(table, owner)));
        let files = tables.chain(spools);
        let in_tables = files.flat_map(|file| lines(program, &file, root));
        timers(program, root).into_iter().chain(in_tables).collect()
    }
}

/// What runs other programs below the root of a system, each program looked for once.
pub struct Schedules {
    root: PathBuf,
    known: HashMap<(By, Option<u32>), Option<Schedule>>,
}

impl Schedules {
    /// Of the system with this root.
    pub fn below(root: &Path) -> Schedules {
        Schedules {
            root: root.to_path_buf(),
            known: HashMap::new(),
        }
    }

    /// The first that runs this program, which has these settings.
    pub fn first(&mut self, by: By, settings: &Path) -> Option<&Schedule> {
        let (root, owner) = (&self.root, owner(settings));
        let first = self.known.entry((by, owner));
        first
            .or_insert_with(|| Schedule::all(by, root, owner).into_iter().next())
            .as_ref()
    }
}

/// Whose a file is.
#[cfg(unix)]
fn owner(file: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().ok().map(|metadata| metadata.uid())
}

/// Whose a file is: there is no cron.
#[cfg(not(unix))]
fn owner(_file: &Path) -> Option<u32> {
    None
}

/// Whether a table of cron is that of root or of this account, which owns it. Some crons have root own all of them.
fn is_of(table: &Path, account: Option<u32>) -> bool {
    let account = account.filter(|account| *account != 0);
    table.ends_with("root") || (account.is_some() && owner(table) == account)
}

fn timers(program: &str, root: &Path) -> Vec<Schedule> {
    // Among its words: `certbot-renew.timer`, `snap.certbot.renew.timer`, and no `legolas.timer`.
    let program = program.trim_end_matches(".sh");
    let is_named = |unit: &str| {
        let mut words = unit.split(|letter: char| !letter.is_alphanumeric());
        words.any(|word| word == program)
    };
    let all = entries(&root.join(TIMERS), |_| true).into_iter();
    let named = all.filter_map(|file| {
        let unit = file.file_name()?.to_str()?.to_owned();
        let off = format!("systemctl disable --now {}", word(&unit));
        let is_it = unit.ends_with(".timer") && is_named(&unit);
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
    let all = entries(&folder, |_| true).into_iter();
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

/// The first of those that count.
fn entries(folder: &Path, counts: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut all: Vec<PathBuf> = paths.filter(|path| counts(path)).collect();
    all.sort();
    all.truncate(MOST);
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
        put(&format!("{TIMERS}/legolas.timer"), "");
        // What another account has there is its own matter.
        let alice = "var/spool/cron/crontabs/alice";
        put(alice, "1 1 * * * lego renew\n");
        put("Tasks/win-acme renew (acme-v02.api.letsencrypt.org)", "");
        let all = |by| Schedule::all(by, root.path(), None);
        let off = |by| -> Vec<String> { all(by).into_iter().map(|one| one.off).collect() };
        assert_eq!(all(By::Certbot).len(), 2);
        fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        assert_eq!(off(By::Certbot), ["systemctl disable --now certbot.timer"]);
        assert_eq!(all(By::AcmeSh)[0].line, Some(2));
        assert_eq!(all(By::Lego), []);
        #[cfg(unix)]
        {
            let table = root.path().join(alice);
            let of_owner = || Schedule::all(By::Lego, root.path(), owner(&table)).len();
            // Only root can give it to somebody.
            if owner(root.path()) == Some(0) {
                assert_eq!(of_owner(), 0);
                std::os::unix::fs::chown(&table, Some(4711), None).unwrap();
            }
            assert_eq!(of_owner(), 1);
        }
        if cfg!(unix) {
            assert_eq!(
                off(By::WinAcme),
                ["schtasks /change /disable /tn \"win-acme renew (acme-v02.api.letsencrypt.org)\""]
            );
        }
    }
}
