//! How messages are written (CONTRIBUTING.md, "Style of messages"): no text in the sources or in what users read first has
//! a word of the list there that is not to be used.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::Value;

/// What is not to be said, and what is said in its place: the table of CONTRIBUTING.md.
fn avoided() -> Vec<(String, String)> {
    let text = read("CONTRIBUTING.md");
    let (_, table) = text.split_once("| not | but |").expect("the table of words");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<(String, String)> = rows
        .flat_map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let [not, but] = cells[..] else {
                panic!("not two cells: {row}")
            };
            not.split(", ")
                .map(|words| (words.to_lowercase(), but.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(rows.len() > 30, "{}", rows.len());
    rows
}

/// The comments that are printed by `--help`, each in one line, with the number of the line in which it begins.
fn comments(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut last = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(words) = line.trim().strip_prefix("///") {
            match found.last_mut() {
                Some((_, before)) if last + 1 == number => *before += words,
                _ => found.push((number, words.to_owned())),
            }
            last = number;
        }
    }
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The string literals of a source, each in one line, with the number of the line in which it begins. Those of unit tests
/// are left out, as are comments.
fn literals(text: &str) -> Vec<(usize, String)> {
    let token = r##"(?s)//[^\n]*|b?r#".*?"#|b?r"[^"]*"|(b?"((?:\\.|[^"\\])*)")|b?'(?:\\.[^']*|[^'\\])'"##;
    let token = Regex::new(token).unwrap();
    let joined = Regex::new(r"\\\n\s*").unwrap();
    let own = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let found = token.captures_iter(own).filter_map(|found| {
        let words = found.get(2)?;
        let line = own[..words.start()].matches('\n').count() + 1;
        Some((line, joined.replace_all(words.as_str(), "").into_owned()))
    });
    found.collect()
}

/// Whether these words occur as whole words; `words` in lower case.
fn says(text: &str, words: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(words).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + words.len()..]);
        let starts = !is_letter(words.chars().next()) || !is_letter(before.chars().last());
        starts && (!is_letter(words.chars().last()) || !is_letter(behind.chars().next()))
    })
}

#[test]
fn messages_are_in_the_style_of_the_house() {
    let avoided = avoided();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let mut wrong = Vec::new();
    // The one place that takes it out.
    let is_judged = |file: &&PathBuf| !file.ends_with("tests.rs") && !file.ends_with("wording.rs");
    for file in files.iter().filter(is_judged) {
        let text = fs::read_to_string(file).expect("a source");
        let is_help = file.starts_with(root.join("src/cli/arguments"));
        let comments = if is_help { comments(&text) } else { Vec::new() };
        for (line, words) in literals(&text).into_iter().chain(comments) {
            let lower = words.to_lowercase();
            let is_apaches = ["ah0", "invalid command"]
                .iter()
                .any(|start| lower.starts_with(start));
            let found = avoided.iter().filter(|(not, _)| !is_apaches && says(&lower, not));
            for (not, but) in found {
                let shown = file.strip_prefix(root).unwrap_or(file).display();
                wrong.push(format!("{shown}:{line}: not {not:?} but {but:?}: {words}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} texts:\n{}", wrong.len(), wrong.join("\n"));
}

/// The pages that users read.
fn manual() -> Vec<String> {
    let docs = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).expect("docs");
    let names = docs.map(|page| page.expect("a page").file_name().into_string().expect("a name"));
    let pages = names
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"));
    ["README.md".to_owned(), "SECURITY.md".to_owned()]
        .into_iter()
        .chain(pages)
        .collect()
}

/// A page, or a heading of one.
#[test]
fn what_the_manual_leads_to_is_there() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut wrong = Vec::new();
    for file in manual() {
        let text = read(&file);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join(&file).parent().expect("a folder").to_owned();
        for found in link.captures_iter(&text) {
            let to = found[1].to_owned();
            if to.contains("://") {
                continue;
            }
            let (page, heading) = to.split_once('#').unwrap_or((&to, ""));
            let path = if page.is_empty() {
                root.join(&file)
            } else {
                folder.join(page)
            };
            let is_there = match heading.is_empty() {
                true => path.exists(),
                false => fs::read_to_string(&path).is_ok_and(|text| anchors(&text).any(|one| one == heading)),
            };
            if !is_there {
                wrong.push(format!("{file}: {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Headings as links name them: in small letters, hyphens for spaces, nothing else that is no letter.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| {
        let kept = line.trim_start_matches('#').trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[test]
fn what_users_read_is_in_the_same_words() {
    let avoided = avoided();
    let mut wrong = Vec::new();
    let tests = Regex::new("`[a-z_]+::[a-z_:]+`").unwrap();
    for file in manual() {
        // What the program prints has lines of configurations in it, which are not ours.
        let text = read(&file);
        let own: String = text.split("```").step_by(2).collect();
        let own = tests.replace_all(&own, "");
        for part in own.split("\n\n") {
            let lower = part.replace('\n', " ").to_lowercase();
            for (not, but) in avoided.iter().filter(|(not, _)| says(&lower, not)) {
                wrong.push(format!("{file}: not {not:?} but {but:?}: {part}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The schemas are printed by `esync-ssl schema`.
#[test]
fn what_programs_get_is_explained_in_the_same_words() {
    fn descriptions(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(
                    fields
                        .get("description")
                        .and_then(Value::as_str)
                        .map(str::to_owned),
                );
                fields.values().for_each(|inner| descriptions(inner, found));
            }
            Value::Array(all) => all.iter().for_each(|inner| descriptions(inner, found)),
            _ => {}
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema/1");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the schemas") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|end| end == "json") {
            let text = fs::read_to_string(&path).expect("a schema");
            descriptions(&serde_json::from_str(&text).expect("JSON"), &mut found);
        }
    }
    assert!(found.len() > 100, "{}", found.len());
    found.sort();
    found.dedup();
    let avoided = avoided();
    let wrong = found.iter().flat_map(|text| {
        let lower = text.replace('\n', " ").to_lowercase();
        let of = avoided.iter().filter(move |(not, _)| says(&lower, not));
        of.map(move |(not, but)| format!("not {not:?} but {but:?}: {text}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn literals_are_found_with_their_lines() {
    let text = "// \"a comment\"\nlet a = \"one \\\n    text\";\nlet b = '\"'; let c = \"two\";\n#[cfg(test)]\nmod tests { \"three\" }";
    assert_eq!(literals(text), [(2, "one text".into()), (4, "two".into())]);
    let text = "/// One\n/// text.\nx: u8,\n\n    /// Two.\n";
    assert_eq!(comments(text), [(1, " One text.".into()), (5, " Two.".into())]);
}
