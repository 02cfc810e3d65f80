//! Every command tells which server it took, to people and to programs.

use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::{Site, text};
use serde_json::Value;

/// Every command that reads a configuration, with a status that is to be expected of a server without TLS and httpd.
const COMMANDS: [&[&str]; 10] = [
    &["lint"],
    &["status"],
    &["backups"],
    &["ports"],
    &["check"],
    &["explain"],
    &["dump"],
    &["verify"],
    &["disable", "-n"],
    &["restore", "--recover", "--yes"],
];

fn json(outcome: &Outcome) -> Value {
    outcome.envelope()
}

#[test]
fn root_and_main_file_are_told() {
    let site = Site::new();
    let (root, main) = (text(&site.root()), text(&site.main()));
    for words in COMMANDS {
        let said = site.run(words).run();
        let all = said.stdout_text() + &said.stderr_text();
        assert!(
            all.contains(&root) && all.contains(&main),
            "{words:?}: {}",
            said.report()
        );
        let told = json(&site.run(words).arg("--json").run());
        assert_eq!(
            (&told["root"], &told["config"]),
            (&Value::from(&*root), &Value::from(&*main)),
            "{words:?}: {told}"
        );
        // As it is, and not as it was typed.
        let below = root.strip_suffix("Apache24").unwrap();
        for typed in [
            "Apache24",
            "certificates/../Apache24",
            "./certificates/.././Apache24/.",
        ] {
            let run = esync_ssl()
                .folder(below)
                .args(words)
                .args(["--root", typed, "--json"]);
            let told = json(&run.run());
            assert_eq!(
                (&told["root"], &told["config"]),
                (&Value::from(&*root), &Value::from(&*main)),
                "{words:?} {typed}"
            );
            let others = [&told["findings"], &told["data"], &told["error"]];
            for part in others {
                assert!(!part.to_string().contains("/../"), "{words:?} {typed}: {part}");
            }
        }
    }
    let quiet = site.run(&["lint", "--quiet"]).run();
    assert!(quiet.stderr.is_empty(), "{}", quiet.report());
}

#[test]
fn the_folder_of_the_configuration_stands_for_its_root() {
    let site = Site::new();
    files::write(&site.root().join("conf/extra/x.conf"), "# nothing\n");
    let (root, main) = (text(&site.root()), text(&site.main()));
    for part in ["conf", "conf/", "conf/extra"] {
        let status = esync_ssl()
            .args(["status", "--root"])
            .arg(site.root().join(part))
            .run()
            .expect_code(0);
        let named = format!(
            "(--root names its folder {})",
            part.trim_end_matches('/')
                .replace('/', std::path::MAIN_SEPARATOR_STR)
        );
        let said = status.stdout_text();
        assert!(
            said.contains(&format!("{root} {named}")) && said.contains(&main),
            "{part}: {said}"
        );
    }
    // As people see it who stand there.
    for (folder, part) in [(site.root(), "conf"), (site.root().join("conf"), ".")] {
        let told = json(
            &esync_ssl()
                .folder(folder)
                .args(["lint", "--json", "--root", part])
                .run(),
        );
        assert_eq!(told["root"], Value::from(&*root), "{told}");
    }
    let on = [
        "enable",
        "--self-signed",
        "--yes",
        "--domain",
        "a.example.com",
        "--root",
    ];
    esync_ssl()
        .args(on)
        .arg(site.root().join("conf"))
        .run()
        .expect_code(0);
    assert_eq!(site.backups().len(), 1, "below the root, where everybody looks");
    let listed = json(
        &esync_ssl()
            .args(["backups", "--json", "--root"])
            .arg(site.root().join("conf"))
            .run(),
    );
    assert_eq!(
        listed["data"]["backups"].as_array().map(Vec::len),
        Some(1),
        "{listed}"
    );
}

#[test]
fn debians_folders_stand_for_their_root() {
    let folder = files::folder();
    let root = folder.path().join("apache2");
    files::write(
        &root.join("apache2.conf"),
        "Listen 80\nInclude sites-enabled/*.conf\n",
    );
    files::write(&root.join("sites-enabled/a.conf"), "# nothing\n");
    let told = esync_ssl()
        .args(["lint", "--json", "--root"])
        .arg(root.join("sites-enabled"))
        .run();
    assert_eq!(json(&told)["root"], Value::from(text(&root)));
    // A folder that is no part of one is not taken for it.
    files::write(&root.join("others/a"), "");
    esync_ssl()
        .args(["lint", "--root"])
        .arg(root.join("others"))
        .run()
        .expect_code(1);
}

#[test]
fn a_server_root_called_conf_is_one() {
    let folder = files::folder();
    let root = folder.path().join("conf");
    files::write(&root.join("httpd.conf"), "Listen 80\n");
    files::write(&root.join("modules/x"), "");
    let told = esync_ssl().args(["lint", "--json", "--root"]).arg(&root).run();
    assert_eq!(json(&told)["root"], Value::from(text(&root)));
}

#[test]
fn whoever_stands_in_another_server_root_is_told() {
    let (site, other) = (Site::new(), Site::new());
    let note = "--root . takes it";
    let run = |folder| {
        let program = esync_ssl().folder(folder).env("ESYNC_SSL_ROOT", site.root());
        program.args(["status"]).run().expect_code(0)
    };
    for folder in [other.root(), other.root().join("conf")] {
        let said = run(folder);
        assert!(said.stderr_text().contains(note), "{}", said.report());
    }
    for folder in [site.root(), site.root().join("conf"), site.beside("certificates")] {
        let said = run(folder);
        assert!(!said.stderr_text().contains(note), "{}", said.report());
    }
    let program = esync_ssl()
        .folder(other.root())
        .env("ESYNC_SSL_ROOT", site.root());
    let told = json(&program.args(["status", "--json"]).run().expect_code(0));
    assert_eq!(told["notes"][0]["code"], "OTHER-SERVER-ROOT", "{told}");
    // Who names one knows.
    let named = site.run(&["status"]).folder(other.root()).run().expect_code(0);
    assert!(!named.stderr_text().contains(note), "{}", named.report());
}
