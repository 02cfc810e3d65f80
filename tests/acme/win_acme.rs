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

/// What it keeps in a folder of data for programs, and writes for Apache into another; the certificate with its issuers.
fn keeps(world: &World, data: &Path, pem: &Path) -> PathBuf {
    let [leaf, key] =
        [&world.site.leaf.certificate, &world.site.leaf.key].map(|file| fs::read(file).expect("a file"));
    for (end, bytes) in [("crt", &leaf), ("chain", &leaf), ("key", &key)] {
        write(&pem.join(format!("{DOMAIN}-{end}.pem")), bytes);
    }
    let settings = json!({
        "Id": ID,
        "LastFriendlyName": format!("[Manual] {DOMAIN}"),
        "TargetPluginOptions": {"CommonName": DOMAIN, "AlternativeNames": [DOMAIN], "Plugin": "manual"},
        "StorePluginOptions": [{"Path": pem.display().to_string(), "Plugin": "pemfiles"}],
        "History": [{"Date": "2026-11-01T09:00:00Z", "Success": true}],
    });
    let folder = data.join(r"win-acme\acme-v02.api.letsencrypt.org");
    write(
        &folder.join(format!("{ID}.renewal.json")),
        format!("{settings:#}"),
    );
    pem.join(format!("{DOMAIN}-chain.pem"))
}

/// Whether it is told that two programs renew the certificate.
#[track_caller]
fn has_rival(world: &World) -> bool {
    let seen = world.site.command(&["certificates", "--json"]).run().envelope();
    let all = seen["findings"].as_array().expect("findings");
    all.iter().any(|one| one["code"] == "ACME-TWO-CLIENTS")
}

#[test]
fn a_certificate_of_win_acme_is_taken_over() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    world.ca.state().pending = true;
    let around = world.site.folder.path();
    let (pem, data) = (around.join("pem"), around.join("data"));
    let certificate = keeps(&world, &data, &pem);
    let task = Task::make();
    let enable = [
        "enable",
        "--domain",
        DOMAIN,
        "--http",
        "keep",
        "--yes",
        "--restart",
    ];
    let enable = world.site.command(&enable).arg("--cert").arg(&certificate);
    let key = pem.join(format!("{DOMAIN}-key.pem"));
    enable.arg("--key").arg(key).run().expect_code(0);
    let seen = world.site.command(&["certificates"]).env("ProgramData", &data);
    let seen = seen.run().expect_code(0);
    assert!(told(&seen).contains("renewed by win-acme ("), "{}", seen.report());
    let before = (snapshot(&pem), snapshot(&data));
    let adopts = world.command(&[&YES[..], &["--adopt"]].concat());
    let done = adopts.env("ProgramData", &data).run().expect_code(0);
    for words in [
        "taken over from win-acme",
        "ACME-TWO-CLIENTS",
        &format!("wacs --cancel --id {ID}"),
        &format!("schtasks /change /disable /tn \"{TASK}\""),
    ] {
        assert!(told(&done).contains(words), "{words}: {}", done.report());
    }
    // One on trial, one that is served.
    assert_eq!(world.ca.made(), 2);
    assert_eq!((snapshot(&pem), snapshot(&data)), before);
    let main = || fs::read_to_string(world.site.root().join("conf/httpd.conf")).expect("the configuration");
    // As it was typed, or as configurations spell it.
    let spelled = [forward(&certificate), certificate.display().to_string()];
    let is_theirs = || spelled.iter().any(|path| main().contains(path));
    assert!(!is_theirs() && has_rival(&world), "{}", main());
    drop(task);
    assert!(!has_rival(&world));
    let undo = world.site.command(&["restore", "--yes", "--restart"]).run();
    assert_eq!(undo.code, Some(0), "{}", undo.report());
    assert!(is_theirs(), "{}", main());
}
