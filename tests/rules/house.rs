//! The law of the house, judged by the `use` lines and paths in `src/`: a file imports only from its own floor or from
//! floors below, no files import each other in a circle, and no command imports a command.
//!
//! What breaks the law today stands in `tests/house-allowed.txt`. That list may only shrink: a line that is no longer
//! needed fails the test as a new breach does. `ESYNC_SSL_HOUSE_UPDATE=1` writes it anew.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first; parts of one floor do not know each other. What stands in no folder is for all of them.
const FLOORS: [&[&str]; 8] = [
    &[
        "account",
        "acl",
        "codes",
        "differences",
        "exit_status",
        "failure_code",
        "finding",
        "foreign",
        "inherited",
        "interrupt",
        "note_code",
        "parallel",
        "place",
        "quoted",
        "refusal",
        "refusal_code",
        "severity",
        "shown",
        "trail",
        "wording",
    ],
    &["httpd", "tls", "apply", "undo"],
    &["acme", "mod_ssl"],
    &["answer", "lint", "renewal", "server"],
    &["change"],
    &["check"],
    &["operation"],
    &["document"],
];
/// Above all floors.
const TOP: &str = "cli";

/// Where the commands are, each a file or a folder.
const COMMANDS: &str = "cli::command::";

/// The modules of the crate by path: `["httpd", "text", "line"]` is src/httpd/text/line.rs.
type Modules = BTreeMap<Vec<String>, PathBuf>;

#[test]
fn imports_run_down_and_in_no_circle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules = modules(&source);
    let imports: BTreeMap<String, BTreeSet<String>> = modules
        .iter()
        .map(|(module, file)| {
            let text = code(&fs::read_to_string(file).expect("a source file"));
            (name(module), imports(module, &text, &modules))
        })
        .collect();
    let mut breaches = BTreeSet::new();
    for (from, all) in &imports {
        for to in all {
            if runs_up(from, to) {
                breaches.insert(format!("up: {from} -> {to}"));
            }
            if let (Some(one), Some(other)) = (command(from), command(to))
                && one != other
            {
                breaches.insert(format!("command: {from} -> {to}"));
            }
        }
    }
    for circle in circles(&imports) {
        breaches.insert(format!("circle: {}", circle.join(" ")));
    }
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/house-allowed.txt");
    if std::env::var_os("ESYNC_SSL_HOUSE_UPDATE").is_some() {
        let text: String = breaches.iter().map(|breach| format!("{breach}\n")).collect();
        fs::write(&list, text).expect("the list");
        return;
    }
    let allowed = fs::read_to_string(&list).expect("the list of what is allowed");
    let allowed: BTreeSet<String> = allowed.lines().map(str::to_owned).collect();
    let members = |breach: &str| -> BTreeSet<String> {
        let names = breach.strip_prefix("circle: ").unwrap_or_default().split(' ');
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    // What is left of a circle is no new one.
    let is_left = |breach: &str| {
        let left = members(breach);
        !left.is_empty() && allowed.iter().any(|known| left.is_subset(&members(known)))
    };
    let new: Vec<&String> = breaches
        .difference(&allowed)
        .filter(|breach| !is_left(breach))
        .collect();
    let mended: Vec<&String> = allowed.difference(&breaches).collect();
    assert!(
        new.is_empty(),
        "these imports break the law of the house:\n{new:#?}"
    );
    assert!(
        mended.is_empty(),
        "these are mended; take them out of tests/house-allowed.txt:\n{mended:#?}"
    );
}

/// What ARCHITECTURE.md says that always holds names the suites that guard it, and these are there.
#[test]
fn each_invariant_names_its_suites() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(folder.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, holds) = text
        .split_once("## What always holds")
        .expect("what always holds");
    let holds = holds.split("\n## ").next().unwrap_or_default();
    let invariants: Vec<String> = holds.split("\n\n").flat_map(numbered).collect();
    assert_eq!(invariants.len(), 10, "{invariants:#?}");
    for invariant in invariants {
        let suites = invariant.split('`').skip(1).step_by(2);
        let is_there = |suite: &str| {
            let suite = suite.replace("::", "/");
            ["", ".rs"]
                .iter()
                .any(|end| folder.join("tests").join(format!("{suite}{end}")).exists())
        };
        assert!(suites.clone().any(is_there), "{invariant}");
        let missing = suites.clone().find(|name| name.contains("::") && !is_there(name));
        assert_eq!(missing, None, "{invariant}");
    }
}

/// The items of a numbered list.
fn numbered(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in text.lines() {
        if line
            .split_once(". ")
            .is_some_and(|(number, _)| number.parse::<u8>().is_ok())
        {
            items.push(line.to_owned());
        } else if let Some(last) = items.last_mut() {
            last.push_str(line);
        }
    }
    items
}

/// Ways to make or read a file that say neither who may write the new one nor how much is read at most, and where they may
/// stand nevertheless.
const BARE: [(&str, &[&str]); 6] = [
    ("fs::write(", &[]),
    ("File::create(", &[]),
    ("create_dir_all(", &[]),
    // The lock of a backup folder, which has been found to be ours.
    (".create(true)", &["apply::folder::windows"]),
    ("fs::read(", &[]),
    // What the system says of ourselves.
    ("read_to_string(", &["interrupt"]),
];

#[test]
fn no_file_is_made_for_all_or_read_without_a_limit() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for (module, file) in modules(&source) {
        let text = code(&fs::read_to_string(file).expect("a source file"));
        for (way, places) in BARE {
            if text.contains(way) && !places.contains(&&*name(&module)) {
                found.push(format!("{way} in {}", name(&module)));
            }
        }
    }
    assert!(
        found.is_empty(),
        "take create_new with a mode, or foreign::read with a limit: {found:#?}"
    );
}

/// A list of public members tells of none that it is not needed any more; programs match its words all the same.
#[test]
fn each_reason_to_refuse_is_explained_and_made_somewhere() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let all: Vec<String> = modules(&source)
        .values()
        .map(|file| code(&fs::read_to_string(file).expect("a source file")))
        .collect();
    let list = fs::read_to_string(source.join("refusal_code.rs")).expect("the list");
    let lines: Vec<&str> = list.lines().map(str::trim).collect();
    let members = lines.windows(2).filter_map(|pair| {
        let (member, _) = pair[1].split_once(" = \"")?;
        Some((member, pair[0].starts_with("/// ")))
    });
    let (mut count, mut wrong) = (0, Vec::new());
    for (member, is_explained) in members {
        count += 1;
        let made = format!("RefusalCode::{member}");
        let follows = |text: &str| !text.starts_with(char::is_alphanumeric);
        if !is_explained || !all.iter().any(|text| text.split(&made).skip(1).any(follows)) {
            wrong.push(member);
        }
    }
    assert!(count > 80 && wrong.is_empty(), "of {count}: {wrong:#?}");
}

/// What a directive of mod_ssl means is asked above the language; its table of directives only names them.
#[test]
fn the_language_has_no_word_of_tls() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (module, file) in modules(&source) {
        let text = code(&fs::read_to_string(file).expect("a source file")).to_ascii_lowercase();
        let has = |word: &str| module[0] == "httpd" && text.contains(word);
        assert!(!has("ssl") && !has("tls"), "{}", name(&module));
    }
}

/// The protocol of CAs is the same whatever asks them, answers them and keeps what they send.
#[test]
fn the_protocol_of_cas_knows_nothing_but_certificates() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules = modules(&source);
    let mut count = 0;
    for (module, file) in modules.iter().filter(|(module, _)| module[0] == "acme") {
        count += 1;
        let text = code(&fs::read_to_string(file).expect("a source file"));
        for word in [
            "fs::",
            "env::var",
            "process::",
            "println!",
            "print!",
            "stdin",
            "stderr",
            "apache",
            "httpd",
        ] {
            assert!(!text.to_lowercase().contains(word), "{word} in {}", name(module));
        }
        for to in imports(module, &text, &modules) {
            let floor = to.split("::").next().unwrap_or_default();
            let is_known = ["acme", "tls", "interrupt", "shown", "trail", "wording"].contains(&floor);
            assert!(is_known, "{} -> {to}", name(module));
        }
    }
    assert!(count > 10, "{count}");
}

fn modules(source: &Path) -> Modules {
    let mut found = Modules::new();
    let mut folders = vec![source.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path
                .strip_prefix(source)
                .expect("below the source")
                .with_extension("");
            let mut parts: Vec<String> = relative
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            if parts.last().is_some_and(|last| last == "mod") {
                parts.pop();
            }
            // Unit tests in a file of their own, and the roots of the crate, import what they like.
            let is_apart = ["tests", "lib", "main"].contains(&parts.last().map_or("", String::as_str));
            if path.extension().is_some_and(|kind| kind == "rs") && !is_apart {
                found.insert(parts, path);
            }
        }
    }
    found
}

/// The text without comments and without its unit tests.
fn code(text: &str) -> String {
    let starts = [
        "#[cfg(test)]\nmod tests",
        "#[cfg(all(test, unix))]\nmod tests",
        "    #[cfg(test)]\n    mod tests",
    ];
    let end = starts.iter().filter_map(|start| text.find(start)).min();
    let lines = text[..end.unwrap_or(text.len())].lines();
    lines
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

fn name(module: &[String]) -> String {
    module.join("::")
}

/// The modules that a file takes something from. What a `mod.rs` hands on counts as that of the file it comes from.
fn imports(module: &[String], text: &str, modules: &Modules) -> BTreeSet<String> {
    let is_folder = modules[module].ends_with("mod.rs");
    let mut found = BTreeSet::new();
    for path in paths(text, module, is_folder) {
        if let Some(to) = resolve(&path, modules)
            && to != module
        {
            found.insert(name(&to));
        }
    }
    if is_folder {
        // It names its own files to hand their words on.
        found.retain(|to| !to.starts_with(&format!("{}::", name(module))));
    }
    found
}

/// Every path into the crate in a text, in full.
fn paths(text: &str, module: &[String], is_folder: bool) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(start) {
            let is_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if is_word {
                continue;
            }
            for path in expanded(&text[at..]) {
                let mut full: Vec<String> = module.to_vec();
                let mut rest = &path[..];
                match path[0].as_str() {
                    "crate" => full.clear(),
                    "self" => {
                        if !is_folder {
                            full.pop();
                        }
                    }
                    _ => {
                        full.pop();
                    }
                }
                rest = &rest[1..];
                while rest.first().is_some_and(|word| word == "super") {
                    full.pop();
                    rest = &rest[1..];
                }
                full.extend(rest.iter().cloned());
                found.push(full);
            }
        }
    }
    found
}

/// `a::{b, c::{d, e}}` as the paths it stands for.
fn expanded(text: &str) -> Vec<Vec<String>> {
    fn tree(text: &str, at: &mut usize, before: &[String], found: &mut Vec<Vec<String>>) {
        let mut path = before.to_vec();
        loop {
            let rest = &text[*at..];
            let word = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            if word > 0 {
                path.push(rest[..word].to_owned());
                *at += word;
            } else if rest.starts_with('{') {
                *at += 1;
                loop {
                    *at += text[*at..].len() - text[*at..].trim_start_matches([' ', '\n', ',']).len();
                    if *at >= text.len() || text[*at..].starts_with('}') {
                        *at += 1;
                        return;
                    }
                    let from = *at;
                    tree(text, at, &path, found);
                    if *at == from {
                        *at += 1;
                    }
                }
            } else {
                break;
            }
            if !text[*at..].starts_with("::") {
                break;
            }
            *at += 2;
        }
        if path.len() > before.len() {
            found.push(path);
        }
    }
    let mut found = Vec::new();
    tree(text, &mut 0, &[], &mut found);
    found
}

/// The file that a path leads to; through a `mod.rs` that only hands it on.
fn resolve(path: &[String], modules: &Modules) -> Option<Vec<String>> {
    let longest = (1..=path.len())
        .rev()
        .find(|&n| modules.contains_key(&path[..n]))?;
    let module = &path[..longest];
    let item = path.get(longest);
    let file = &modules[module];
    if let (Some(item), true) = (item, file.ends_with("mod.rs")) {
        let text = code(&fs::read_to_string(file).expect("a source file"));
        for (at, _) in text
            .match_indices("pub use ")
            .chain(text.match_indices("pub(crate) use "))
        {
            let start = at + text[at..].find("use ").unwrap_or_default() + 4;
            for handed in expanded(&text[start..]) {
                if handed.last() == Some(item) && handed.len() > 1 && handed[0] != "crate" {
                    let full: Vec<String> = module.iter().chain(&handed).cloned().collect();
                    return resolve(&full, modules);
                }
            }
        }
    }
    Some(module.to_vec())
}

fn runs_up(from: &str, to: &str) -> bool {
    let part = |module: &str| module.split("::").next().unwrap_or_default().to_owned();
    let floor = |part: &str| {
        let found = FLOORS.iter().position(|floor| floor.contains(&part));
        found.unwrap_or(if part == TOP { FLOORS.len() } else { 0 })
    };
    let (from, to) = (part(from), part(to));
    // The lowest floor is for all, itself included.
    from != to && (floor(&to) > floor(&from) || floor(&to) == floor(&from) && floor(&to) > 0)
}

/// The command that a file belongs to.
fn command(module: &str) -> Option<&str> {
    module.strip_prefix(COMMANDS)?.split("::").next()
}

/// Files that import each other, directly or through others.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reach = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from.to_owned()];
        while let Some(one) = open.pop() {
            for to in imports.get(&one).into_iter().flatten() {
                if seen.insert(to.clone()) {
                    open.push(to.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        imports.keys().map(|module| (module, reach(module))).collect();
    let mut found = BTreeSet::new();
    for (module, all) in &reached {
        let circle: Vec<String> = all
            .iter()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(*module)))
            .cloned()
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}
