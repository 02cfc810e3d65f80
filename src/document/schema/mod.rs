//! JSON Schemas (2020-12) of what programs get. `tests` makes them from the types themselves and keeps them in `all.json`, from
//! which the program takes them: what makes schemas is in no program that is shipped.

use serde_json::{Map, Value, json};

/// The schemas of all commands, each below its key, with all that they refer to.
const ALL: &str = include_str!("all.json");

/// Every command as it is typed. `version` is `--version`, too, the empty word a command line that names no command.
const COMMANDS: [&str; 49] = [
    "",
    "acme",
    "acme account",
    "acme account deactivate",
    "acme account export",
    "acme account import",
    "acme account roll-key",
    "acme account show",
    "acme check",
    "acme revoke",
    "apply",
    "backups",
    "cert",
    "cert decrypt-key",
    "cert import",
    "cert inspect",
    "cert install",
    "cert request",
    "cert self-signed",
    "certificates",
    "check",
    "completions",
    "devices",
    "disable",
    "doctor",
    "dsc",
    "dsc get",
    "dsc schema",
    "dsc set",
    "dsc test",
    "dump",
    "enable",
    "explain",
    "guide",
    "lint",
    "man",
    "ports",
    "renew",
    "report",
    "restart",
    "restore",
    "schedule",
    "schedule off",
    "schedule on",
    "schedule show",
    "schema",
    "status",
    "verify",
    "version",
];

/// Every command that has a schema, as it is typed.
pub fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.into_iter()
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
    COMMANDS.contains(&command).then(|| part(of_all(), command))
}

/// The schema that every document fits which any command prints with `--json`: exactly one of its parts, by `command`.
pub fn of_all() -> Map<String, Value> {
    serde_json::from_str(ALL).expect("it is written by a test")
}

/// The part of one command, with what it refers to.
fn part(mut all: Map<String, Value>, command: &str) -> Map<String, Value> {
    let mut definitions = fields(all.remove("$defs"));
    let schema = Value::Object(fields(definitions.remove(&key(command))));
    let mut needed = Map::new();
    gather(&schema, &mut definitions, &mut needed);
    let mut schema = fields(Some(schema));
    schema.insert("$defs".into(), Value::Object(needed));
    head(&format!("esync-ssl {command} --json"), schema)
}

fn fields(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Takes what a schema refers to over into what is needed.
fn gather(schema: &Value, definitions: &mut Map<String, Value>, needed: &mut Map<String, Value>) {
    match schema {
        Value::Object(fields) => {
            let name = fields.get("$ref").and_then(Value::as_str);
            let name = name.and_then(|reference| reference.strip_prefix("#/$defs/"));
            if let Some((name, found)) = name.and_then(|name| definitions.remove_entry(name)) {
                gather(&found, definitions, needed);
                needed.insert(name, found);
            }
            fields
                .values()
                .for_each(|inner| gather(inner, definitions, needed));
        }
        Value::Array(all) => all.iter().for_each(|inner| gather(inner, definitions, needed)),
        _ => {}
    }
}

fn head(title: &str, mut schema: Map<String, Value>) -> Map<String, Value> {
    schema.insert(
        "$schema".into(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".into(), json!(title));
    schema
}

#[cfg(test)]
mod tests;
