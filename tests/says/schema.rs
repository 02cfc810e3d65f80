//! What programs may rely on: the schemas are those under `fixtures/schema`, and no field of any document goes or becomes
//! another.
//!
//! `ESYNC_SSL_UPDATE_SCHEMAS=1` writes the schemas anew, and adds to `fields.txt` what is new. It takes nothing out of that
//! list: whoever takes a field from programs takes its line out by hand, and raises `SCHEMA` in `src/document/mod.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use esync_ssl::document::{SCHEMA, schema};
use serde_json::{Map, Value};

use crate::support::contract;
use crate::support::files::fixture;
use crate::support::program::esync_ssl;

/// Where the schemas are kept, made where they are written for the first time.
fn folder() -> PathBuf {
    let folder = fixture("small").with_file_name("schema").join(SCHEMA.to_string());
    if is_update() {
        fs::create_dir_all(&folder).expect("the folder");
    }
    folder
}

fn is_update() -> bool {
    std::env::var_os("ESYNC_SSL_UPDATE_SCHEMAS").is_some_and(|value| value == "1")
}

/// All schemas by the names of their files.
fn all() -> BTreeMap<String, Map<String, Value>> {
    let each = schema::commands().map(|command| {
        let schema = schema::of_command(command).expect("a schema");
        (format!("{}.json", schema::key(command)), schema)
    });
    each.collect()
}

#[test]
fn schemas_are_those_that_are_kept() {
    let folder = folder();
    for (name, schema) in all() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"));
        let file = folder.join(&name);
        if is_update() {
            fs::write(&file, &text).expect("the schema");
        }
        let kept = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept.replace("\r\n", "\n") == text,
            "{name} is another now; if that is meant: ESYNC_SSL_UPDATE_SCHEMAS=1 cargo test --test says schema::"
        );
    }
    let entries = fs::read_dir(&folder).expect("the schemas");
    let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
    let known = all();
    let stray: Vec<String> = names
        .filter(|name| name != "fields.txt" && !known.contains_key(name))
        .collect();
    assert!(stray.is_empty(), "of no command: {stray:?}");
}

/// The list is of fields as programs meet them, whatever the schemas look like.
#[test]
fn no_field_goes_or_becomes_another() {
    let file = folder().join("fields.txt");
    let kept = fs::read_to_string(&file).unwrap_or_default();
    let kept: BTreeSet<String> = kept.lines().map(str::to_owned).collect();
    let mut found = BTreeSet::new();
    for (name, schema) in all() {
        let schema = Value::Object(schema);
        let mut fields = BTreeMap::new();
        walk(&schema, &[&schema], "", &mut fields);
        let command = name.trim_end_matches(".json");
        found.extend(
            fields
                .iter()
                .map(|(pointer, kind)| format!("{command} {pointer} {kind}")),
        );
    }
    if is_update() {
        let lines: BTreeSet<&String> = kept.union(&found).collect();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&file, text).expect("the list");
    } else {
        let new: Vec<&String> = found.difference(&kept).collect();
        assert!(
            new.is_empty(),
            "not in fields.txt yet (ESYNC_SSL_UPDATE_SCHEMAS=1 adds them): {new:#?}"
        );
    }
    let lost: Vec<&String> = kept.difference(&found).collect();
    assert!(
        lost.is_empty(),
        "programs rely on these, which are gone or of another type: {lost:#?}"
    );
}

/// Every field below some alternatives of a schema, with its type; words where only those can stand.
fn walk(root: &Value, alternatives: &[&Value], pointer: &str, fields: &mut BTreeMap<String, String>) {
    let mut plain = Vec::new();
    alternatives.iter().for_each(|one| flatten(root, one, &mut plain));
    let mut kinds = BTreeSet::new();
    let mut inner: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for one in &plain {
        match &one["type"] {
            Value::String(kind) => _ = kinds.insert(kind.clone()),
            Value::Array(all) => kinds.extend(all.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
        let words = one["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .chain(one.get("const"));
        kinds.extend(words.map(ToString::to_string));
        for (name, field) in one["properties"].as_object().into_iter().flatten() {
            inner.entry(name.clone()).or_default().push(field);
        }
        if let Some(items) = one.get("items") {
            inner.entry("*".into()).or_default().push(items);
        }
    }
    if !pointer.is_empty() {
        let kinds: Vec<String> = kinds.into_iter().collect();
        fields.insert(pointer.to_owned(), kinds.join("|"));
    }
    for (name, alternatives) in inner {
        walk(root, &alternatives, &format!("{pointer}/{name}"), fields);
    }
}

/// A schema as its alternatives, with references followed.
fn flatten<'a>(root: &'a Value, schema: &'a Value, plain: &mut Vec<&'a Value>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root
            .pointer(reference.trim_start_matches('#'))
            .expect("a definition");
        flatten(root, target, plain);
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        for one in schema[word].as_array().into_iter().flatten() {
            flatten(root, one, plain);
        }
    }
    plain.push(schema);
}

#[test]
fn schemas_are_printed_and_are_schemas() {
    let whole = esync_ssl().arg("schema").run().expect_code(0);
    let whole: Value = serde_json::from_slice(&whole.stdout).expect("one document");
    let whole = jsonschema::draft202012::new(&whole).expect("a schema of 2020-12");
    for command in schema::commands().filter(|command| !command.is_empty()) {
        let printed = esync_ssl()
            .arg("schema")
            .args(command.split(' '))
            .run()
            .expect_code(0);
        let printed: Value = serde_json::from_slice(&printed.stdout).expect("one document");
        assert!(jsonschema::draft202012::new(&printed).is_ok(), "{command}");
        assert_eq!(printed["properties"]["command"]["const"], command);
    }
    // Both forms of a schema take what is printed, and not what is another.
    let told = esync_ssl().args(["--version", "--json"]).run().expect_code(0);
    let told = contract::document(&told.stdout);
    assert!(whole.is_valid(&told), "{told}");
    let mut other = told.clone();
    other["command"] = "enable".into();
    assert!(!whole.is_valid(&other));
    let mut other = told;
    other.as_object_mut().expect("an object").remove("findings");
    assert!(!whole.is_valid(&other));
}

#[test]
fn a_command_that_is_not_there_is_a_wrong_command_line() {
    let run = esync_ssl()
        .args(["schema", "cert", "inspct"])
        .run()
        .expect_code(2);
    assert!(
        run.stderr_text().contains("esync-ssl schema cert inspect"),
        "{}",
        run.report()
    );
    let run = esync_ssl()
        .args(["schema", "enabel", "--json"])
        .run()
        .expect_code(2);
    let told = contract::document(&run.stdout);
    assert_eq!(told["error"]["code"], "USAGE");
    let run = esync_ssl()
        .args(["schema", "enable", "--json"])
        .run()
        .expect_code(0);
    let told = contract::document(&run.stdout);
    assert_eq!(told["data"]["title"], "esync-ssl enable --json");
}
