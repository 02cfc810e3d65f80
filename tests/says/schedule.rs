//! `schedule`: what it writes into folders of the system, what it takes away again, and what it sees. Those folders are this
//! test's own. Of the schedulers, cron itself is run; systemd is asked whether it understands the units, and a script stands
//! in for `systemctl`, as no systemd runs where tests run.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use esync_ssl::server::schedule::{File, Kind, Task};
use serde_json::Value;

use crate::support::files::write;
use crate::support::mounts::CRON;
use crate::support::program::binary;
use crate::support::site::Site;
use crate::support::stranger::executable;
use crate::support::{files, mounts, skip};

/// A machine with cron and without systemd, and a server on it.
fn with_cron() -> Option<Site> {
    mounts::with_cron().then(Site::new)
}

fn in_cron() -> Vec<PathBuf> {
    let entries = fs::read_dir(CRON).expect("the folder of cron");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

fn shown(site: &Site, status: i32) -> Value {
    site.run(&["schedule", "show", "--json"])
        .run()
        .expect_code(status)
        .data()
}

/// Turns it on, and what that says.
#[track_caller]
fn turned_on(site: &Site) -> Value {
    let told = site
        .run(&["schedule", "on", "--yes", "--json"])
        .run()
        .expect_code(0)
        .envelope();
    assert_eq!(
        (&told["result"], &told["data"]["state"]),
        (&"written".into(), &"on".into()),
        "{told}"
    );
    told
}

#[test]
fn cron_gets_one_file_and_loses_it_again() {
    let Some(site) = with_cron() else { return };
    assert_eq!(shown(&site, 0)["state"], "off");
    let dry = site.run(&["schedule", "on", "--dry-run"]).run().expect_code(0);
    let preview = dry.stdout_text();
    assert!(
        preview.contains("* * * root ") && preview.contains(" renew --scheduled --root "),
        "{preview}"
    );
    site.run(&["schedule", "on"]).run().expect_code(14);
    assert!(in_cron().is_empty());

    let told = turned_on(&site);
    // It was run once, with the command that cron has, and kept how that ended.
    assert_eq!(told["data"]["last_run"]["status"], 0, "{told}");
    let [file] = &in_cron()[..] else {
        panic!("{:?}", in_cron())
    };
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o644);
    let text = fs::read_to_string(file).unwrap();
    let root = site.root().canonicalize().unwrap();
    let command = format!(
        "{} renew --scheduled --root {}",
        binary().display(),
        root.display()
    );
    assert!(text.contains(&format!(" * * * root {command} ")), "{text}");
    let again = site
        .run(&["schedule", "on", "--yes", "--json"])
        .run()
        .expect_code(0)
        .envelope();
    assert_eq!(again["result"], "unchanged", "{again}");
    assert_eq!(shown(&site, 0)["state"], "on");

    // What somebody edited is told, and neither overwritten nor taken away.
    write(file, format!("{text}# by hand\n"));
    let told = shown(&site, 12);
    assert_eq!(told["state"], "broken");
    assert!(
        told["problems"][0].as_str().unwrap().contains("was edited since"),
        "{told}"
    );
    for word in ["on", "off"] {
        let told = site
            .run(&["schedule", word, "--yes", "--json"])
            .run()
            .expect_code(4)
            .envelope();
        assert_eq!(told["error"]["code"], "SCHEDULE-EDITED", "{told}");
    }
    write(file, &text);
    let other = Path::new(CRON).join("esync-ssl-renew-of-another-server");
    write(&other, &text);
    site.run(&["schedule", "off", "--dry-run"]).run().expect_code(0);
    assert_eq!(in_cron().len(), 2);
    site.run(&["schedule", "off", "--yes"]).run().expect_code(0);
    assert_eq!(in_cron(), [other]);
    let told = site
        .run(&["schedule", "off", "--yes", "--json"])
        .run()
        .expect_code(0)
        .envelope();
    assert_eq!(told["result"], "unchanged");
    assert_eq!(shown(&site, 0)["state"], "off");
}

#[test]
fn the_program_that_is_told_is_kept_until_another_one_or_none() {
    let Some(site) = with_cron() else { return };
    let (first, second) = (site.beside("first"), site.beside("second"));
    for program in [&first, &second] {
        executable(program, "#!/bin/sh\nexit 0\n");
    }
    let on = |more: &[&str], status| {
        let program = site.run(&["schedule", "on", "--yes", "--json"]).args(more);
        program.run().expect_code(status).envelope()
    };
    let path = |program: &Path| program.display().to_string();
    fs::set_permissions(&first, fs::Permissions::from_mode(0o777)).unwrap();
    let told = on(&["--hook", &path(&first)], 4);
    assert_eq!(told["error"]["code"], "PROGRAM-OF-OTHERS", "{told}");
    assert!(in_cron().is_empty());
    fs::set_permissions(&first, fs::Permissions::from_mode(0o755)).unwrap();
    let told = on(&["--hook", &path(&first)], 0);
    assert_eq!(told["data"]["hook"], path(&first), "{told}");
    // Given again without it, it stays; another one takes its place, and that alone is a change.
    let told = on(&[], 0);
    assert_eq!(
        (&told["result"], &told["data"]["hook"]),
        (&"unchanged".into(), &path(&first).into())
    );
    let told = on(&["--hook", &path(&second)], 0);
    assert_eq!(
        (&told["result"], &told["data"]["hook"]),
        (&"written".into(), &path(&second).into())
    );
    assert_eq!(shown(&site, 0)["hook"], path(&second));
    fs::remove_file(&second).unwrap();
    assert_eq!(shown(&site, 12)["state"], "broken");
    site.run(&["schedule", "off", "--yes"]).run().expect_code(0);
    assert_eq!(shown(&site, 0)["hook"], Value::Null);
}

#[test]
fn a_window_is_kept_until_it_is_turned_off() {
    let Some(site) = with_cron() else { return };
    let on = |words: &[&str]| {
        let run = site.run(&["schedule", "on", "--yes", "--json"]).args(words);
        run.run().expect_code(0).envelope()["result"].clone()
    };
    assert_eq!(on(&["--window", "23:00-01:00"]), "written");
    let [file] = &in_cron()[..] else {
        panic!("{:?}", in_cron())
    };
    let text = || fs::read_to_string(file).expect("the file");
    assert!(text().contains(" --window 23:00-01:00"), "{}", text());
    let line = text();
    let line = line.lines().find(|line| line.contains(" root ")).expect("a line");
    let times: Vec<u32> = line
        .split([' ', ','])
        .take(3)
        .map(|time| time.parse().expect("a number"))
        .collect();
    assert!(times[0] < 60 && times[1] == 11 && times[2] == 23, "{line}");
    assert_eq!(shown(&site, 0)["state"], "on");
    assert_eq!(on(&[]), "unchanged");
    assert_eq!(on(&["--window", "02:00-05:00"]), "written");
    assert_eq!(
        shown(&site, 0)["command"]
            .as_array()
            .and_then(|words| words.last()),
        Some(&"02:00-05:00".into())
    );
    site.run(&["schedule", "off", "--yes"]).run().expect_code(0);
    assert_eq!(on(&[]), "written");
    assert!(!text().contains("--window"), "{}", text());
}

#[test]
fn a_program_that_others_may_change_is_not_scheduled() {
    let Some(site) = with_cron() else { return };
    let open = site.beside("open");
    fs::create_dir_all(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let program = open.join("esync-ssl");
    fs::copy(binary(), &program).unwrap();
    let run = Command::new(&program)
        .args(["schedule", "on", "--yes", "--json", "--root"])
        .arg(site.root())
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(
        (run.status.code(), &told["error"]["code"]),
        (Some(4), &"PROGRAM-OF-OTHERS".into()),
        "{told}"
    );
    assert!(in_cron().is_empty());
}

#[test]
fn nothing_is_written_where_others_may_write() {
    let Some(site) = with_cron() else { return };
    fs::set_permissions(CRON, fs::Permissions::from_mode(0o1777)).unwrap();
    for words in [
        &["schedule", "on", "--dry-run", "--json"],
        &["schedule", "on", "--yes", "--json"],
    ] {
        let told = site.run(words).run().expect_code(4).envelope();
        assert_eq!(told["error"]["code"], "PROGRAM-OF-OTHERS", "{told}");
        assert_eq!(told["error"]["places"][1]["file"], CRON, "{told}");
    }
    assert!(in_cron().is_empty());
}

#[test]
fn without_a_scheduler_that_is_said() {
    let Some(site) = with_cron() else { return };
    mounts::lay_memory(Path::new("/etc"));
    let told = site
        .run(&["schedule", "on", "--yes", "--json"])
        .run()
        .expect_code(4)
        .envelope();
    assert_eq!(told["error"]["code"], "NO-SCHEDULER", "{told}");
}

/// cron itself, on a file that we write, with its time changed to every minute.
#[test]
fn cron_carries_out_what_is_written() {
    if !Path::new("/usr/sbin/cron").exists() {
        return skip("no cron; tests/run installs it");
    }
    let Some(site) = with_cron() else { return };
    let folder = site.beside("a b'c%d");
    let mark = folder.join("was here $HOME");
    let program = folder.join("program");
    write(&program, "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$1\"\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let task = task(&program, &[mark.to_str().unwrap(), "100% \"sure\""]);
    let [File { path, text }] = &task.files(Kind::Cron, Path::new(""))[..] else {
        panic!()
    };
    let (head, line) = text.split_once(" * * * root ").expect("a line of cron");
    let head = head.rsplit_once('\n').expect("lines before it").0;
    write(path, format!("{head}\n* * * * * root {line}"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    // Nothing else of this machine is carried out by it.
    mounts::lay_memory(Path::new("/var/spool/cron"));
    let nothing = site.beside("crontab");
    write(&nothing, "");
    if Path::new("/etc/crontab").exists() {
        mounts::lay(&nothing, Path::new("/etc/crontab"));
    }
    let mut cron = Command::new("/usr/sbin/cron").arg("-f").spawn().expect("cron");
    let began = Instant::now();
    while !mark.exists() && began.elapsed() < Duration::from_secs(90) {
        std::thread::sleep(Duration::from_millis(500));
    }
    // What it wrote is there a moment later.
    std::thread::sleep(Duration::from_millis(500));
    cron.kill().expect("an end");
    cron.wait().expect("its end");
    let told = fs::read_to_string(&mark).expect("what the program wrote");
    let expected = [mark.to_str().unwrap(), "100% \"sure\""].join("\n") + "\n";
    assert_eq!(told, expected);
}

fn task(program: &Path, arguments: &[&str]) -> Task {
    Task {
        name: "esync-ssl-renew-1f2e3d4c".to_owned(),
        purpose: "Renew the certificates of the Apache in /srv/100%".to_owned(),
        program: program.to_str().unwrap().to_owned(),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        minute: 197,
        window: None,
    }
}

#[test]
fn systemd_understands_the_units() {
    if !Path::new("/usr/bin/systemd-analyze").exists() {
        return skip("no systemd-analyze");
    }
    let folder = files::folder();
    let task = task(&binary(), &["renew", "--root", "/srv/100% $HOME \"x\" \\y"]);
    let units: Vec<PathBuf> = task
        .files(Kind::Systemd, Path::new(""))
        .iter()
        .map(|file| {
            let path = folder.path().join(file.path.file_name().unwrap());
            write(&path, &file.text);
            path
        })
        .collect();
    let verified = Command::new("/usr/bin/systemd-analyze")
        .arg("verify")
        .args(&units)
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&[verified.stdout, verified.stderr].concat()).into_owned();
    assert!(
        verified.status.success() && !words.contains("esync-ssl"),
        "{words}"
    );
    let times = Command::new("/usr/bin/systemd-analyze")
        .args(["calendar", "--iterations=2", "*-*-* 03,15:17:00"])
        .output()
        .unwrap();
    assert!(times.status.success());
}

/// A `systemctl` that notes what it is asked, and carries out what a service is for.
const SYSTEMCTL: &str = r#"#!/bin/sh
state=STATE
echo "$*" >> $state/asked
eval unit=\${$#}
case $1 in
  daemon-reload) ;;
  enable) touch $state/enabled;;
  restart) touch $state/active;;
  disable) rm -f $state/enabled $state/active;;
  start)
    eval "$(sed -n 's/^ExecStart=//p' /etc/systemd/system/$unit)" > $state/said 2>&1
    echo $? > $state/status; date > $state/ended;;
  show)
    # A service is active only while it runs.
    case $unit in
      *.timer) [ -e $state/active ] && echo ActiveState=active || echo ActiveState=inactive;;
      *) echo ActiveState=inactive; echo Job=0;;
    esac
    [ -e $state/enabled ] && echo UnitFileState=enabled
    echo NeedDaemonReload=no
    echo "ExecMainStatus=$(cat $state/status 2>/dev/null || echo 0)"
    echo "ExecMainExitTimestamp=$(cat $state/ended 2>/dev/null)"
    echo NextElapseUSecRealtime=tomorrow;;
  *) exit 1;;
esac
"#;

#[test]
fn systemd_gets_a_service_and_a_timer_and_loses_them_again() {
    let units = Path::new("/etc/systemd/system");
    if !units.is_dir() || !Path::new("/usr/bin/systemctl").exists() {
        return skip("no systemd over which another could be laid");
    }
    if !mounts::isolate() {
        return;
    }
    let site = Site::new();
    mounts::lay_folder("/etc/systemd/system");
    mounts::lay_folder("/run");
    fs::create_dir_all("/run/systemd/system").unwrap();
    let state = site.beside("state");
    fs::create_dir_all(&state).unwrap();
    let systemctl = site.beside("systemctl");
    let script = SYSTEMCTL.replace("STATE", state.to_str().unwrap());
    write(&systemctl, script);
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    mounts::lay(&systemctl, Path::new("/usr/bin/systemctl"));

    let told = turned_on(&site);
    assert_eq!(told["data"]["last_run"]["status"], 0, "{told}");
    assert_eq!(told["data"]["next_run"], "tomorrow", "{told}");
    assert_eq!(fs::read_dir(units).unwrap().count(), 2);
    let asked = fs::read_to_string(state.join("asked")).unwrap();
    let changes: Vec<&str> = asked.lines().filter(|line| !line.starts_with("show")).collect();
    let name = told["data"]["name"].as_str().unwrap();
    assert_eq!(
        changes,
        [
            "daemon-reload".to_owned(),
            format!("enable --no-ask-password {name}.timer"),
            format!("restart --no-ask-password {name}.timer"),
            format!("start --no-block --no-ask-password {name}.service"),
        ]
    );
    // It was turned off behind our back; a last run failed.
    fs::remove_file(state.join("enabled")).unwrap();
    fs::write(state.join("status"), "17").unwrap();
    let told = shown(&site, 12);
    assert_eq!(told["state"], "broken");
    assert_eq!(told["problems"].as_array().unwrap().len(), 2, "{told}");
    site.run(&["schedule", "on", "--yes"]).run().expect_code(0);
    assert_eq!(shown(&site, 0)["state"], "on");
    site.run(&["schedule", "off", "--yes"]).run().expect_code(0);
    assert_eq!(fs::read_dir(units).unwrap().count(), 0);
    assert_eq!(shown(&site, 0)["state"], "off");
}
