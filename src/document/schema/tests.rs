//! What programs may rely on: the schemas are what the types say and those under `fixtures/schema`, and no field of any
//! document goes or becomes another.
//!
//! `ESYNC_SSL_UPDATE_SCHEMAS=1` writes the schemas anew, and adds to `fields.txt` what is new. It takes nothing out of that
//! list: whoever takes a field from programs takes its line out by hand, and raises `SCHEMA` in `src/document/mod.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::*;
use crate::document::{Completion, Dump, Envelope, SCHEMA, Version};
use crate::operation::authority::{account, checked, revoke};
use crate::operation::{
    LogReport, Outcome, PlanReport, backups, certificates, check, devices, doctor, dsc, inspect, lint, ports,
    report, restart, restore, schedule, simulate, status, verify,
};

/// How the schema of a command's document is made.
type Make = fn(&mut SchemaGenerator) -> Schema;

/// Every command with the document that it prints with `--json`.
const DOCUMENTS: [(&str, Make); COMMANDS.len()] = [
    ("", of::<()>),
    ("acme", of::<()>),
    ("acme account", of::<()>),
    ("acme account deactivate", of::<account::Report>),
    ("acme account export", of::<Outcome>),
    ("acme account import", of::<account::Report>),
    ("acme account roll-key", of::<account::Report>),
    ("acme account show", of::<account::Report>),
    ("acme check", of::<checked::Report>),
    ("acme revoke", of::<revoke::Report>),
    ("apply", of::<PlanReport>),
    ("backups", of::<backups::Listed>),
    ("cert", of::<()>),
    ("cert decrypt-key", of::<Outcome>),
    ("cert import", of::<Outcome>),
    ("cert inspect", of::<inspect::Report>),
    ("cert install", of::<Outcome>),
    ("cert request", of::<Outcome>),
    ("cert self-signed", of::<Outcome>),
    ("certificates", of::<certificates::Report>),
    ("check", of::<check::Report>),
    ("completions", of::<Completion>),
    ("devices", of::<devices::Report>),
    ("disable", of::<PlanReport>),
    ("doctor", of::<doctor::Report>),
    ("dsc", of::<()>),
    ("dsc get", of::<dsc::Instance>),
    ("dsc schema", of::<Map<String, Value>>),
    ("dsc set", of::<dsc::Instance>),
    ("dsc test", of::<dsc::Instance>),
    ("dump", Dump::json_schema),
    ("enable", of::<PlanReport>),
    ("explain", of::<LogReport>),
    ("guide", of::<()>),
    ("lint", of::<lint::Report>),
    ("man", of::<Outcome>),
    ("ports", of::<ports::Report>),
    ("renew", of::<simulate::Answer>),
    ("report", of::<report::Report>),
    ("restart", of::<restart::Report>),
    ("restore", of::<restore::Told>),
    ("schedule", of::<()>),
    ("schedule off", of::<schedule::Report>),
    ("schedule on", of::<schedule::Report>),
    ("schedule show", of::<schedule::Report>),
    ("schema", of::<Map<String, Value>>),
    ("status", of::<status::Status>),
    ("verify", of::<verify::Report>),
    ("version", of::<Version>),
];

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    Envelope::<T>::json_schema(generator)
}

/// What `of_all` is to give.
fn made() -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut parts = Map::new();
    for (command, make) in DOCUMENTS {
        let mut schema = fields(Some(make(&mut generator).to_value()));
        let fixed = [("schema", json!(SCHEMA)), ("command", json!(command))];
        for (name, value) in fixed {
            schema["properties"][name]["const"] = value;
        }
        parts.insert(key(command), Value::Object(schema));
    }
    let each = parts
        .keys()
        .map(|key| json!({ "$ref": format!("#/$defs/{key}") }));
    let each: Vec<Value> = each.collect();
    parts.extend(generator.take_definitions(true));
    let mut schema = Map::new();
    schema.insert("oneOf".into(), Value::Array(each));
    schema.insert("$defs".into(), Value::Object(parts));
    head("esync-ssl --json", schema)
}

/// All schemas by the names of their files.
fn all() -> BTreeMap<String, Map<String, Value>> {
    let made = made();
    let each = commands().map(|command| (format!("{}.json", key(command)), part(made.clone(), command)));
    each.collect()
}

/// In one line each what is defined, so that a change is seen as such.
fn in_lines(schema: &Map<String, Value>) -> String {
    let line = |(name, value): (&String, &Value)| format!("{}:{value}", json!(name));
    let definitions: Vec<String> = fields(schema.get("$defs").cloned()).iter().map(line).collect();
    let others = schema.iter().filter(|(name, _)| *name != "$defs");
    let mut lines = vec![format!("\"$defs\":{{\n{}\n}}", definitions.join(",\n"))];
    lines.extend(others.map(line));
    format!("{{{}}}\n", lines.join(",\n"))
}

/// Where the schemas are kept, made where they are written for the first time.
fn folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("fixtures/schema").join(SCHEMA.to_string());
    if is_update() {
        fs::create_dir_all(&folder).expect("the folder");
    }
    folder
}

fn is_update() -> bool {
    std::env::var_os("ESYNC_SSL_UPDATE_SCHEMAS").is_some_and(|value| value == "1")
}

/// A file is as it was made; or it is written so.
fn is_kept(file: &Path, text: &str) {
    if is_update() {
        fs::write(file, text).expect("the schema");
    }
    let kept = fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept.replace("\r\n", "\n") == text,
        "{} is another now; if that is meant: ESYNC_SSL_UPDATE_SCHEMAS=1 cargo test --lib schema",
        file.display()
    );
}

#[test]
fn the_program_has_what_the_types_say() {
    assert!(DOCUMENTS.iter().map(|(command, _)| *command).eq(COMMANDS));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/document/schema/all.json");
    is_kept(&file, &in_lines(&made()));
}

#[test]
fn a_schema_has_what_it_refers_to_and_nothing_else() {
    for command in COMMANDS {
        let schema = Value::Object(of_command(command).expect("a schema"));
        let text = schema.to_string();
        for name in fields(schema.get("$defs").cloned()).keys() {
            assert!(text.contains(&format!("\"#/$defs/{name}\"")), "{command}: {name}");
        }
        // That nothing is missing is found where references are followed.
        walk(&schema, &[&schema], "", &mut BTreeMap::new());
    }
    assert_eq!(of_command("enabel"), None);
}

#[test]
fn schemas_are_those_that_are_kept() {
    let folder = folder();
    let known = all();
    for (name, schema) in &known {
        let text = format!("{}\n", serde_json::to_string_pretty(schema).expect("JSON"));
        is_kept(&folder.join(name), &text);
    }
    let entries = fs::read_dir(&folder).expect("the schemas");
    let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
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
