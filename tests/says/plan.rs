//! A plan in a file: saved by a dry run, looked at, and applied byte for byte, or not at all.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::{BACKUPS, DOMAIN, Site, text};

const SELF_SIGNED: [&str; 4] = ["enable", "--self-signed", "--domain", DOMAIN];

fn file(site: &Site) -> PathBuf {
    site.beside("plan.json")
}

/// Saves the plan of `enable` with a certificate, which stays where it is.
#[track_caller]
fn saved(site: &Site, more: &[&str]) -> Outcome {
    let words = site.enable_arguments().into_iter().filter(|word| word != "--yes");
    let dry = ["--dry-run", "--save-plan"];
    esync_ssl().args(words).args(dry).arg(file(site)).args(more).run()
}

#[track_caller]
fn apply(site: &Site, more: &[&str], status: i32) -> Outcome {
    let outcome = esync_ssl().arg("apply").arg(file(site)).args(more).run();
    outcome.expect_code(status)
}

fn json(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.report()))
}

fn plan(site: &Site) -> Value {
    serde_json::from_slice(&fs::read(file(site)).expect("the plan")).expect("a document")
}

#[test]
fn a_plan_is_applied_byte_for_byte() {
    let (planned, direct) = (Site::new(), Site::new());
    let before = planned.snapshot();
    let outcome = saved(&planned, &["--json"]).expect_code(0);
    assert!(before == planned.snapshot(), "{}", outcome.report());
    let document = json(&outcome);
    assert_eq!(document["data"]["plan"], text(&file(&planned)));
    assert_eq!(document["result"], "would-change");
    let plan = plan(&planned);
    assert_eq!(plan["schema"], 1);
    assert_eq!(plan["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(plan["root"], text(&planned.root()));
    let read: Vec<&str> = plan["reads"]
        .as_array()
        .expect("what was read")
        .iter()
        .filter_map(|read| read["path"].as_str())
        .collect();
    assert!(read.iter().any(|path| path.ends_with("httpd.conf")), "{read:?}");
    assert!(read.iter().any(|path| path.ends_with("server.key")), "{read:?}");
    // Who looks at it again is asked; nobody is here.
    apply(&planned, &[], 14);
    assert!(before == planned.snapshot());
    let shown = apply(&planned, &["--dry-run"], 0);
    assert!(shown.stdout_text().contains("+Listen 443"), "{}", shown.report());
    assert!(before == planned.snapshot());
    let done = apply(&planned, &["--yes"], 0);
    assert!(
        done.stdout_text().contains("Undo: esync-ssl restore"),
        "{}",
        done.report()
    );
    direct.enable().run().expect_code(0);
    let place_of = |site: &Site| text(&site.beside("")).replace('\\', "/");
    let here = planned.text().replace(&place_of(&planned), "");
    assert_eq!(here, direct.text().replace(&place_of(&direct), ""));
    // Once more: that was done.
    let again = apply(&planned, &["--yes"], 15);
    assert!(
        again.stderr_text().contains("applied already"),
        "{}",
        again.report()
    );
    // What it turned on is on record as such.
    planned.run(&["disable", "--yes"]).run().expect_code(0);
    assert_eq!(planned.snapshot(), before);
}

/// Whatever was read for it: the main file, an included one, a new one, certificate and key.
#[test]
fn a_plan_is_not_applied_when_something_changed() {
    let sites = |site: &Site, name: &str| site.root().join("conf/sites").join(name);
    let other = |path: PathBuf| {
        let bytes = fs::read_to_string(&path).expect("a file") + "# changed\n";
        files::write(&path, bytes);
    };
    type Harm<'a> = (&'a str, &'a str, &'a dyn Fn(&Site));
    let harms: [Harm; 7] = [
        ("httpd.conf", "was changed", &|site| other(site.main())),
        ("a.conf", "was changed", &|site| other(sites(site, "a.conf"))),
        ("b.conf", "is new", &|site| {
            files::write(&sites(site, "b.conf"), "# new\n")
        }),
        ("a.conf", "is gone", &|site| {
            fs::remove_file(sites(site, "a.conf")).expect("a file")
        }),
        ("httpd.conf", "is gone", &|site| {
            fs::remove_file(site.main()).expect("a file")
        }),
        ("server.crt", "was changed", &|site| {
            other(site.beside("certificates/server.crt"))
        }),
        ("server.key", "was changed", &|site| {
            other(site.beside("certificates/server.key"))
        }),
    ];
    for (name, what, harm) in harms {
        let site = Site::new();
        files::write(&sites(&site, "a.conf"), "# the first\n");
        files::write(&site.main(), site.text() + "IncludeOptional conf/sites/*.conf\n");
        saved(&site, &[]).expect_code(0);
        harm(&site);
        let before = site.snapshot();
        let outcome = apply(&site, &["--yes"], 15);
        let said = outcome.stderr_text();
        let last = said.lines().last().unwrap_or_default();
        assert!(
            last.contains(name) && last.contains(what) && last.contains("--save-plan"),
            "{name}: {}",
            outcome.report()
        );
        let document = json(&apply(&site, &["--yes", "--json"], 15));
        assert_eq!(document["error"]["code"], "PLAN-CHANGED", "{document}");
        assert!(before == site.snapshot(), "{}", outcome.report());
    }
}

/// Keys are read again from where they come from, or made when the plan is applied.
#[test]
fn no_private_key_is_in_a_plan() {
    let secrets = |site: &Site| {
        let key = fs::read_to_string(site.beside("certificates/server.key")).expect("the key");
        let line = key.lines().nth(1).expect("a line of the key").to_owned();
        let plan = fs::read_to_string(file(site)).expect("the plan");
        assert!(!plan.contains("PRIVATE KEY") && !plan.contains(&line), "{plan}");
        // The same as base64 of the whole file.
        use base64ct::{Base64, Encoding};
        let whole = Base64::encode_string(key.as_bytes());
        assert!(!plan.contains(&whole[..40]), "{plan}");
    };
    for more in [&["--copy-certs"][..], &["--in-place"]] {
        let site = Site::new();
        saved(&site, more).expect_code(0);
        secrets(&site);
        apply(&site, &["--yes"], 0);
        let copies = site
            .root()
            .join("conf/ssl")
            .join(format!("{DOMAIN}.key"))
            .exists();
        assert_eq!(copies, more == ["--copy-certs"]);
    }
    let site = Site::new();
    let dry = ["--dry-run", "--save-plan"];
    site.run(&SELF_SIGNED)
        .args(dry)
        .arg(file(&site))
        .run()
        .expect_code(0);
    secrets(&site);
    assert!(!site.root().join("conf/ssl").exists());
    apply(&site, &["--yes"], 0);
    assert!(
        site.root()
            .join("conf/ssl")
            .join(format!("{DOMAIN}.key"))
            .exists()
    );
    for (name, bytes) in files::snapshot(&site.root().join(BACKUPS)) {
        assert!(!String::from_utf8_lossy(&bytes).contains("PRIVATE KEY"), "{name}");
    }
}

#[test]
fn disable_has_plans_as_well() {
    let site = Site::new();
    let before = site.snapshot();
    site.enable().run().expect_code(0);
    let dry = ["--dry-run", "--save-plan"];
    let save = || site.run(&["disable"]).args(dry).arg(file(&site)).run();
    save().expect_code(0);
    // What is on record decides as well.
    let enabled = site.snapshot();
    site.run(&["restore", "--yes"]).run().expect_code(0);
    site.run(&["restore", "--yes"]).run().expect_code(0);
    assert!(enabled == site.snapshot());
    apply(&site, &["--yes"], 15);
    // A plan of ours makes way for the next one.
    save().expect_code(0);
    apply(&site, &["--yes"], 0);
    assert_eq!(before, site.snapshot());
}

#[test]
fn what_is_no_plan_is_neither_applied_nor_overwritten() {
    let site = Site::new();
    for (bytes, code) in [("nothing", "NO-PLAN"), ("{\"schema\":1}", "NO-PLAN")] {
        files::write(&file(&site), bytes);
        let document = json(&apply(&site, &["--yes", "--json"], 4));
        assert_eq!(document["error"]["code"], code, "{document}");
        let outcome = saved(&site, &["--json"]).expect_code(4);
        assert_eq!(json(&outcome)["error"]["code"], "FILE-EXISTS");
        assert_eq!(fs::read_to_string(file(&site)).expect("a file"), bytes);
    }
    let site = Site::new();
    apply(&site, &["--yes"], 1);
    saved(&site, &[]).expect_code(0);
    let elsewhere = Site::new();
    let outcome = apply(&site, &["--yes", "--root", &text(&elsewhere.root())], 15);
    assert!(
        outcome.stderr_text().contains("the plan is for"),
        "{}",
        outcome.report()
    );
    // The bytes are compared with what would be done: who changes them changes nothing.
    let mut plan = plan(&site);
    plan["changes"][0]["after"]["base64"] = "TGlzdGVuIDY2NjYK".into();
    fs::write(file(&site), plan.to_string()).expect("the plan");
    let outcome = apply(&site, &["--yes"], 15);
    assert!(!site.text().contains("6666"), "{}", outcome.report());
}

#[cfg(unix)]
#[test]
fn a_plan_that_others_could_have_written_is_not_applied() {
    use crate::support::others::{give, is_root, mode};
    use std::os::unix::fs::{MetadataExt, symlink};
    if !is_root() {
        return;
    }
    let site = Site::new();
    saved(&site, &[]).expect_code(0);
    let mode_of = |path: PathBuf| fs::metadata(path).expect("the plan").mode() & 0o777;
    assert_eq!(mode_of(file(&site)), 0o600);
    let refused = || {
        let document = json(&apply(&site, &["--yes", "--json"], 4));
        assert_eq!(document["error"]["code"], "PLAN-NOT-OURS", "{document}");
    };
    mode(&file(&site), 0o666);
    refused();
    mode(&file(&site), 0o600);
    give(&file(&site));
    refused();
    // A link of theirs to one of ours.
    let folder = site.beside("theirs");
    fs::create_dir(&folder).expect("a folder");
    fs::remove_file(file(&site)).expect("the plan");
    saved(&site, &[]).expect_code(0);
    fs::rename(file(&site), site.beside("ours.json")).expect("a name");
    symlink(site.beside("ours.json"), folder.join("plan.json")).expect("a link");
    give(&folder);
    let outcome = esync_ssl()
        .arg("apply")
        .arg(folder.join("plan.json"))
        .args(["--yes", "--json"])
        .run();
    assert_eq!(json(&outcome.expect_code(4))["error"]["code"], "PLAN-NOT-OURS");
    fs::rename(site.beside("ours.json"), file(&site)).expect("a name");
    apply(&site, &["--yes"], 0);
}

/// A plan is looked at and applied wherever somebody is then.
#[test]
fn a_plan_can_be_applied_and_made_again_from_any_folder() {
    let site = Site::new();
    let here = site.beside("");
    let root = site.root();
    let root = root.file_name().and_then(|name| name.to_str()).expect("a name");
    let words = [
        &SELF_SIGNED[..],
        &["--root", root, "-n", "--save-plan", "plan.json"],
    ]
    .concat();
    let said = esync_ssl().args(&words).folder(&here).run().expect_code(0);
    let whole = text(&file(&site));
    assert!(
        said.stdout_text()
            .contains(&format!("Plan: plan.json\nNext: esync-ssl apply {whole}\n")),
        "{}",
        said.report()
    );
    let told = esync_ssl()
        .args(&words)
        .arg("--json")
        .folder(&here)
        .run()
        .envelope();
    assert_eq!(told["data"]["plan"], text(&file(&site)), "{told}");
    assert_eq!(told["data"]["next"], format!("esync-ssl apply {whole}"), "{told}");
    files::write(&site.main(), site.text() + "# edited\n");
    let fix = apply(&site, &["--yes", "--json"], 15).envelope();
    let fix = fix["error"]["fix"].as_str().expect("what helps");
    for whole in [site.root(), file(&site)] {
        assert!(fix.contains(&text(&whole)), "{fix}");
    }
    // The very command makes it again, in another folder.
    #[cfg(unix)]
    {
        let command = fix.split("apply that: ").nth(1).expect("a command");
        let mut shell = std::process::Command::new("sh");
        let status = shell
            .args(["-c", command])
            .current_dir("/")
            .status()
            .expect("a shell");
        assert!(status.success(), "{command}");
        apply(&site, &["--yes"], 0);
    }
}
