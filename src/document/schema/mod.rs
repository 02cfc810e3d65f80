//! JSON Schemas (2020-12) of what programs get, derived from the types themselves. A field that is gone or another than
//! before breaks whoever reads it: `fixtures/schema` keeps them, and a test compares.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{Completion, Dump, Envelope, SCHEMA, Version};
use crate::operation::authority::{account, checked, revoke};
use crate::operation::{
    LogReport, Outcome, PlanReport, backups, certificates, check, devices, doctor, dsc, inspect, lint, ports,
    report, restart, restore, schedule, simulate, status, verify,
};

/// How the schema of a command's document is made.
type Make = fn(&mut SchemaGenerator) -> Schema;

/// Every command as it is typed, with the document that it prints with `--json`. `version` is `--version`, too, the empty
/// word a command line that names no command.
const COMMANDS: [(&str, Make); 49] = [
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

/// Every command that has a schema, as it is typed.
pub fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|(command, _)| *command)
}

/// What the schema of a command is called where that must be one word: `cert-inspect`; `no-command` for the document of a
/// command line that names none.
pub fn key(command: &str) -> String {
    match command {
        "" => "no-command".into(),
        _ => command.replace(' ', "-"),
    }
}

/// The schema of what a command prints with `--json`, also when it fails; none of a command that is not known.
pub fn of_command(command: &str) -> Option<Map<String, Value>> {
    let (name, make) = COMMANDS.iter().find(|(name, _)| *name == command)?;
    let mut generator = generator();
    let mut schema = document(name, *make, &mut generator);
    schema.insert("$defs".into(), Value::Object(generator.take_definitions(true)));
    Some(head(&format!("esync-ssl {name} --json"), schema))
}

/// The schema that every document fits which any command prints with `--json`: exactly one of its parts, by `command`.
pub fn of_all() -> Map<String, Value> {
    let mut generator = generator();
    let mut parts = Map::new();
    for (name, make) in COMMANDS {
        let schema = document(name, make, &mut generator);
        parts.insert(key(name), Value::Object(schema));
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

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().for_serialize().into_generator()
}

/// The document of one command, whose name is known.
fn document(command: &str, make: Make, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut schema = match make(generator).to_value() {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        let fixed = [("schema", json!(SCHEMA)), ("command", json!(command))];
        for (name, value) in fixed {
            if let Some(property) = properties.get_mut(name).and_then(Value::as_object_mut) {
                property.insert("const".into(), value);
            }
        }
    }
    schema
}

fn head(title: &str, mut schema: Map<String, Value>) -> Map<String, Value> {
    schema.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".into(), json!(title));
    schema
}
