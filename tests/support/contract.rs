//! What programs are promised: each document of `--json` fits the schema of its command in `fixtures/schema`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::Value;

use super::files::fixture;

/// The one document of a run, as a program reads it; fails the test unless it fits its schema.
#[track_caller]
pub fn document(stdout: &[u8]) -> Value {
    let text = String::from_utf8_lossy(stdout);
    let value: Value = serde_json::from_slice(stdout)
        .unwrap_or_else(|error| panic!("stdout is not exactly one document: {error}\n{text}"));
    let command = value["command"]
        .as_str()
        .unwrap_or_else(|| panic!("the document names no command:\n{text}"));
    let validator = validator(command);
    let wrong: Vec<String> = validator
        .iter_errors(&value)
        .take(5)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        wrong.is_empty(),
        "the document does not fit the schema of {command:?}:\n{}\n{text}",
        wrong.join("\n")
    );
    // What a log says of another machine stays as it is.
    if command != "explain" {
        whole_paths(&value);
    }
    value
}

/// Every place is told with the whole path of its file, whatever was typed.
#[track_caller]
fn whole_paths(value: &Value) {
    match value {
        Value::Array(all) => all.iter().for_each(whole_paths),
        Value::Object(fields) => {
            if let (Some(file), true) = (fields.get("file"), fields.contains_key("last_line")) {
                let is_whole = |path: &str| path.starts_with(['/', '\\']) || path.get(1..2) == Some(":");
                assert!(file.as_str().is_none_or(is_whole), "no whole path: {value}");
            }
            fields.values().for_each(whole_paths);
        }
        _ => {}
    }
}

/// Looks at the standard output of a run with these arguments, if it is to be a document.
#[track_caller]
pub fn check<'a>(arguments: impl Iterator<Item = &'a OsStr>, stdout: &[u8]) {
    let words: Vec<&OsStr> = arguments.take_while(|word| *word != "--").collect();
    let has = |wanted: &str| words.iter().any(|word| *word == wanted);
    let is_help = ["--help", "-h", "help"].into_iter().any(has);
    // A dump has no other form.
    let is_dump = has("dump") && !has("schema");
    if (has("--json") || is_dump) && !is_help {
        document(stdout);
    }
}

/// That of a command, compiled once.
fn validator(command: &str) -> Arc<Validator> {
    static ALL: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let mut all = ALL
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let found = all.entry(command.to_owned()).or_insert_with(|| {
        let name = esync_ssl::document::schema::key(command);
        let file = fixture("schema/1").join(format!("{name}.json"));
        let text = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let schema: Value = serde_json::from_slice(&text).expect("a schema");
        Arc::new(jsonschema::draft202012::new(&schema).expect("a schema of 2020-12"))
    });
    Arc::clone(found)
}
