//! The Task Scheduler. That of wine takes tasks and removes them, and neither runs them nor tells anything of them, with the
//! exit status of success; so what is looked at is whether a task is there to be removed.

use std::process::{Command, Stdio};

use crate::alone;
use crate::support::site::Site;

/// Whether a task was there, which is removed.
fn removed(name: &str) -> bool {
    let mut schtasks = Command::new("schtasks.exe");
    let schtasks = schtasks.args(["/delete", "/tn", name, "/f"]);
    schtasks
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("schtasks")
        .success()
}

#[test]
fn the_task_scheduler_takes_the_task_and_loses_it_again() {
    let _alone = alone();
    let site = Site::new();
    let run = |word: &str| {
        let words = ["schedule", word, "--yes", "--json"];
        site.run(&words).run().expect_code(0).envelope()
    };
    let told = run("on");
    assert_eq!(told["result"], "written", "{told}");
    let name = told["data"]["name"].as_str().expect("its name").to_owned();
    let file = site.root().join("conf/esync-ssl-acme/schedule.xml");
    let bytes = std::fs::read(&file).expect("its text");
    let letters = bytes[2..]
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text = String::from_utf16(&letters.collect::<Vec<u16>>()).expect("UTF-16");
    assert_eq!(bytes[..2], [0xff, 0xfe]);
    assert!(text.contains("<Arguments>renew --scheduled --root "), "{text}");
    assert_eq!(run("off")["result"], "written");
    assert!(!file.exists());
    assert!(!removed(&name), "it was there still");
    run("on");
    assert!(removed(&name), "it was not there");
}
