//! `enable --acme --adopt` on Windows, before a real Apache as a service that shows a certificate of win-acme's: it is rehearsed, then
//! taken over, and nothing of win-acme is touched; its task is told until it is gone. What it keeps is written here by what
//! its documentation and its users show: it needs .NET, and Let's Encrypt or another authority.
#![cfg(windows)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::served::{World, YES, in_turn};
use crate::support::apache_site::DOMAIN;
use crate::support::files::{forward, snapshot, write};
use crate::support::process::Outcome;

const ID: &str = "Qx3vFZ2kP0aWm7";
const TASK: &str = "win-acme renew (acme-v02.api.letsencrypt.org)";

/// Its task, in the folder of the Task Scheduler, taken away at the end.
struct Task(PathBuf);

impl Task {
    fn make() -> Task {
        let system = std::env::var("SystemRoot").expect("the folder of Windows");
        let file = Path::new(&system).join(r"System32\Tasks").join(TASK);
        write(&file, "<Task/>");
        Task(file)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn told(outcome: &Outcome) -> String {
    outcome.stderr_text() + &outcome.stdout_text()
}

#[test]
fn a_certificate_of_win_acme_is_taken_over() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    world.ca.state().pending = true;
    let around = world.site.folder.path();
    let (pem, data) = (around.join("pem"), around.join("data"));
    let [leaf, key] =
        [&world.site.leaf.certificate, &world.site.leaf.key].map(|file| fs::read(file).expect("a file"));
    for (end, bytes) in [("crt", &leaf), ("chain", &leaf), ("key", &key)] {
        write(&pem.join(format!("{DOMAIN}-{end}.pem")), bytes);
    }
    let certificate = pem.join(format!("{DOMAIN}-chain.pem"));
    let settings = json!({
        "Id": ID,
        "LastFriendlyName": format!("[Manual] {DOMAIN}"),
        "TargetPluginOptions": {"CommonName": DOMAIN, "AlternativeNames": [DOMAIN], "Plugin": "manual"},
        "StorePluginOptions": [{"Path": pem.display().to_string(), "Plugin": "pemfiles"}],
        "History": [{"Date": "2026-11-01T09:00:00Z", "Success": true}],
    });
    let renewal = data
        .join(r"win-acme\acme-v02.api.letsencrypt.org")
        .join(format!("{ID}.renewal.json"));
    write(&renewal, format!("{settings:#}"));
    let task = Task::make();
    let enable = world.site.command(&[
        "enable",
        "--domain",
        DOMAIN,
        "--http",
        "keep",
        "--yes",
        "--restart",
    ]);
    let enable = enable.arg("--cert").arg(&certificate).arg("--key");
    enable
        .arg(pem.join(format!("{DOMAIN}-key.pem")))
        .run()
        .expect_code(0);
    let with_data = |words: &[&str]| world.site.command(words).env("ProgramData", &data).run();
    let seen = with_data(&["certificates"]).expect_code(0);
    assert!(told(&seen).contains("renewed by win-acme ("), "{}", seen.report());
    let before = (snapshot(&pem), snapshot(&data));
    let adopts = world
        .command(&[&YES[..], &["--adopt"]].concat())
        .env("ProgramData", &data);
    let done = adopts.run().expect_code(0);
    for words in [
        "taken over from win-acme".to_owned(),
        "ACME-TWO-CLIENTS".to_owned(),
        format!("wacs --cancel --id {ID}"),
        format!("schtasks /change /disable /tn \"{TASK}\""),
    ] {
        assert!(told(&done).contains(&words), "{words}: {}", done.report());
    }
    // One on trial, one that is served.
    assert_eq!(world.ca.made(), 2);
    assert_eq!((snapshot(&pem), snapshot(&data)), before);
    let main = || fs::read_to_string(world.site.root().join("conf/httpd.conf")).expect("the configuration");
    assert!(!main().contains(&forward(&certificate)), "{}", main());
    let has_finding = || {
        let seen = world.site.command(&["certificates", "--json"]).run().envelope();
        let all = seen["findings"].as_array().expect("findings").clone();
        all.iter().any(|one| one["code"] == "ACME-TWO-CLIENTS")
    };
    assert!(has_finding());
    drop(task);
    assert!(!has_finding());
    world
        .site
        .command(&["restore", "--yes", "--restart"])
        .run()
        .expect_code(0);
    assert!(
        main().contains(&forward(&certificate)) || main().contains(&certificate.display().to_string()),
        "{}",
        main()
    );
}
