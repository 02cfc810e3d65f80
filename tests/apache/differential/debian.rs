//! Files that people wrote: what Debian's packages bring for Apache. Makes none up.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use esync_ssl::httpd::Document;

use super::oracle::Verdict;
use super::real_files::note;
use super::{Given, Judge, PLATFORM};
use crate::support;
use crate::support::files::{copy_tree, folder, snapshot};
use crate::support::process;

/// Modules that Debian's snippets need, in an order in which they can be loaded.
const FIRST: [&str; 6] = ["mpm_event", "proxy", "dav", "session", "cache", "ldap"];
/// Modules that want more than to be loaded, or another MPM.
const NEVER: [&str; 8] = [
    "mpm_event",
    "mpm_prefork",
    "mpm_worker",
    "cgi",
    "unixd",
    "systemd",
    "lua",
    "suexec",
];

#[test]
fn files_of_debian_packages_read_as_apache_reads_them() {
    let Some(judge) = Judge::find() else { return };
    let Some(packages) = debian_snippets() else { return };
    let modules = all_modules(&judge);
    let mut failures = Vec::new();
    let (mut asked, mut accepted, mut directives) = (0, 0, 0);
    let work = folder();
    let root = work.path();
    for package in fs::read_dir(packages).expect("the packages").flatten() {
        if !package.path().is_dir() {
            continue;
        }
        let name = package.file_name().to_string_lossy().into_owned();
        let tree = root.join(&name);
        copy_tree(&package.path(), &tree);
        for (file, bytes) in snapshot(&tree) {
            let path = tree.join(&file);
            if !path.is_file() {
                continue;
            }
            let document = Document::new(bytes.clone(), PLATFORM);
            let joined: Vec<&[u8]> = (0..document.lines().len())
                .map(|line| document.raw(line))
                .collect();
            assert_eq!(joined.concat(), bytes, "{name}/{file} does not round-trip");
            let main = root.join("main.conf");
            let text = format!(
                "{modules}ServerName localhost\nErrorLog /dev/null\nInclude \"{}\"\n",
                path.display()
            );
            // The main file of Debian brings its own modules; what it includes lies beside it.
            let (server_root, main) = if file.ends_with("etc/apache2/apache2.conf") {
                let folder = path.parent().expect("a folder").to_owned();
                fs::create_dir_all(folder.join("mods-enabled")).expect("a folder");
                fs::write(folder.join("mods-enabled/all.load"), &modules).expect("a file");
                (folder, path.clone())
            } else {
                fs::write(&main, text).expect("the main file");
                (root.to_owned(), main)
            };
            let environment = ENVIRONMENT.map(|(name, value)| (name.to_string(), value.to_string()));
            let outcome = judge.compare(
                &server_root,
                &main,
                Given {
                    environment: &environment,
                    ..Given::default()
                },
            );
            asked += 1;
            accepted += usize::from(outcome.theirs.verdict == Verdict::Accepted);
            directives += outcome.theirs.directives.len();
            note(&mut failures, &format!("{name}/{file}"), outcome);
        }
    }
    println!("{asked} files, {accepted} accepted and compared in full: {directives} directives");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(accepted > 100, "too few to say anything");
}

/// What Debian's `envvars` sets.
const ENVIRONMENT: [(&str, &str); 5] = [
    ("APACHE_RUN_USER", "www-data"),
    ("APACHE_RUN_GROUP", "www-data"),
    ("APACHE_LOG_DIR", "/var/log"),
    ("APACHE_RUN_DIR", "/tmp"),
    ("APACHE_PID_FILE", "/tmp/none.pid"),
];

/// LoadModule lines for every module of this machine that can be loaded without more ado.
fn all_modules(judge: &Judge) -> String {
    let mut names: Vec<String> = snapshot(&judge.httpd.modules)
        .into_keys()
        .filter_map(|file| Some(file.strip_prefix("mod_")?.strip_suffix(".so")?.to_string()))
        .filter(|name| !NEVER.contains(&name.as_str()) && !FIRST.contains(&name.as_str()))
        .collect();
    names.sort();
    let first = FIRST
        .iter()
        .filter(|name| judge.httpd.can_load(&format!("mod_{name}")))
        .map(|name| name.to_string());
    let all: Vec<String> = first.chain(names).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    judge.httpd.load(&all)
}

/// The folder into which `tests/debian-snippets` unpacked the packages. On other systems there is nothing to ask.
fn debian_snippets() -> Option<PathBuf> {
    if !Path::new("/usr/bin/apt-get").exists() {
        support::skip("no apt-get to fetch Debian's packages with");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/debian-snippets");
    let outcome = process::finish(&mut Command::new(script), Duration::from_secs(600)).expect_code(0);
    let text = outcome.stdout_text();
    Some(PathBuf::from(text.lines().last().expect("the folder")))
}
