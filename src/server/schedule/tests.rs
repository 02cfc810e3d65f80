use super::*;

fn task() -> Task {
    Task {
        name: "esync-ssl-renew-1f2e3d4c".to_owned(),
        purpose: "Renew the certificates of the Apache in /srv/100% & more".to_owned(),
        program: "/opt/e sync/esync-ssl".to_owned(),
        arguments: [
            "renew",
            "--scheduled",
            "--root",
            r#"/srv/100% $a "b" 'c' <d> & \e"#,
        ]
        .map(str::to_owned)
        .to_vec(),
        minute: 3 * 60 + 17,
        window: None,
    }
}

#[test]
fn files_of_cron() {
    let [file] = &task().files(Kind::Cron, Path::new("/x"))[..] else {
        panic!("one file")
    };
    assert_eq!(file.path, Path::new("/etc/cron.d/esync-ssl-renew-1f2e3d4c"));
    assert_eq!(hand(file.text.as_bytes()), Hand::Ours);
    let lines: Vec<&str> = file.text.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "# Renew the certificates of the Apache in /srv/100% & more",
            "SHELL=/bin/sh",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            r#"17 3,15 * * * root '/opt/e sync/esync-ssl' renew --scheduled --root '/srv/100\% $a "b" '\''c'\'' <d> & \e'"#,
        ]
    );
}

/// By a shell, after cron took its `%` out, the words are what they were.
#[cfg(unix)]
#[test]
fn a_shell_reads_the_line_of_cron_as_it_was_meant() {
    let printing = Task {
        program: "/usr/bin/printf".to_owned(),
        arguments: ["%s\n".to_owned()].into_iter().chain(task().arguments).collect(),
        ..task()
    };
    // The line feed is for this test; paths have none.
    let text = cron::file(&printing);
    let (_, line) = text.split_once(" * * * root ").expect("a line");
    let line = line.replace("\\%", "%");
    let said = std::process::Command::new("/bin/sh")
        .args(["-c", &line])
        .output()
        .unwrap();
    let words = String::from_utf8(said.stdout).unwrap();
    assert_eq!(words.lines().collect::<Vec<_>>(), task().arguments);
}

#[test]
fn units_of_systemd() {
    let files = task().files(Kind::Systemd, Path::new("/x"));
    let [service, timer] = &files[..] else {
        panic!("two files")
    };
    assert_eq!(
        service.path,
        Path::new("/etc/systemd/system/esync-ssl-renew-1f2e3d4c.service")
    );
    let start = r#"ExecStart="/opt/e sync/esync-ssl" "renew" "--scheduled" "--root" "/srv/100%% $$a \"b\" 'c' <d> & \\e""#;
    assert!(service.text.contains(&format!("\n{start}\n")), "{}", service.text);
    assert!(
        service
            .text
            .contains("\nDescription=Renew the certificates of the Apache in /srv/100%% & more\n")
    );
    assert!(
        timer
            .text
            .contains("\nOnCalendar=*-*-* 03,15:17:00\nRandomizedDelaySec=1h\nPersistent=true\n")
    );
    assert!(
        files
            .iter()
            .all(|file| hand(&file.bytes(Kind::Systemd)) == Hand::Ours)
    );
}

#[test]
fn a_task_of_windows() {
    let task = Task {
        program: r"C:\Program Files\esync-ssl\esync-ssl.exe".to_owned(),
        arguments: ["renew", "--root", r"C:\eSync & Co\Apache24"]
            .map(str::to_owned)
            .to_vec(),
        ..task()
    };
    let files = task.files(Kind::TaskScheduler, Path::new("own"));
    let [file] = &files[..] else { panic!("one file") };
    assert_eq!(file.path, Path::new("own").join("schedule.xml"));
    for part in [
        r"<Command>C:\Program Files\esync-ssl\esync-ssl.exe</Command>",
        r#"<Arguments>renew --root "C:\eSync &amp; Co\Apache24"</Arguments>"#,
        "<StartBoundary>2026-01-01T15:17:00</StartBoundary>",
        "<RandomDelay>PT1H</RandomDelay>",
        "<StartWhenAvailable>true</StartWhenAvailable>",
        "<ExecutionTimeLimit>PT30M</ExecutionTimeLimit>",
        "<UserId>S-1-5-18</UserId>",
    ] {
        assert!(file.text.contains(part), "{part}\n{}", file.text);
    }
    let bytes = file.bytes(Kind::TaskScheduler);
    assert_eq!(bytes[..4], [0xff, 0xfe, b'<', 0]);
}

#[test]
fn what_a_scheduler_would_read_otherwise_is_not_written() {
    for (kind, word, is_writable) in [
        (Kind::Cron, "/a/%b", true),
        (Kind::Cron, "/a\nb", false),
        (Kind::Systemd, "/a\tb", false),
        (Kind::TaskScheduler, r"C:\%TEMP%\a", false),
        (Kind::TaskScheduler, r"C:\$(Arg0)", false),
        (Kind::TaskScheduler, r"C:\a b", true),
    ] {
        assert_eq!(unwritable(kind, word).is_none(), is_writable, "{kind:?} {word}");
    }
}

#[test]
fn both_times_of_the_day() {
    for (minute, times) in [(0, [(0, 0), (12, 0)]), (719, [(11, 59), (23, 59)])] {
        assert_eq!(Task { minute, ..task() }.times(), times);
    }
}

#[test]
fn one_of_both_times_is_in_the_window_and_what_is_late_as_well() {
    for (from, length) in [(120, 180), (23 * 60, 120), (0, 1), (600, 1439), (1430, 30)] {
        for minute in [0, 7, 197, 719] {
            let task = Task {
                minute,
                window: Some((from, length)),
                ..task()
            };
            let [one, other] = task.times().map(|(hour, minute)| hour * 60 + minute);
            assert_eq!((one + 720) % 1440, other % 1440);
            let is_in = |at: u32| (at + 1440 - from) % 1440 < length;
            let first = if is_in(one) { one } else { other };
            assert!(
                is_in(first) && is_in((first + task.late()) % 1440),
                "{from} {length} {minute}"
            );
            assert!(systemd::timer(&task).contains(&format!(
                "RandomizedDelaySec={}",
                match task.late() {
                    60 => "1h".to_owned(),
                    late => format!("{late}min"),
                }
            )));
        }
    }
}

/// What a package brings runs under what `schedule on` writes, and is missed and late like it.
#[test]
fn the_units_of_packages_have_the_same_settings() {
    let settings = |text: &str| -> Vec<String> {
        let own = [
            "[Unit]",
            "Description=",
            "Documentation=",
            "ExecStart=",
            "OnCalendar=",
            "#",
        ];
        let lines = text
            .lines()
            .filter(|line| !own.iter().any(|own| line.starts_with(own)));
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    for (packed, written) in [
        (
            include_str!("../../../packaging/linux/esync-ssl-renew.service"),
            systemd::service(&task()),
        ),
        (
            include_str!("../../../packaging/linux/esync-ssl-renew.timer"),
            systemd::timer(&task()),
        ),
    ] {
        assert_eq!(settings(packed), settings(&written));
    }
}
