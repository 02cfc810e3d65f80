//! Microsoft DSC 3 as a caller: its manifest, its order of calls, and what it makes of outputs, statuses and the standard error
//! (PowerShell/DSC, `command_resource.rs`). `dsc` itself is not run here.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Map, Value, json};

use super::program::{command, native};

/// DSC as far as it concerns one resource.
pub struct Dsc {
    /// Its manifest.
    pub manifest: Value,
    /// What instances are judged by.
    pub schema: Value,
    /// Further arguments of each call, for servers that are not where they usually are.
    pub more: Vec<OsString>,
    /// Further variables of each call.
    pub environment: Vec<(&'static str, OsString)>,
}

/// Why a call failed, as DSC shows it.
#[derive(Debug)]
pub struct Failed {
    /// Its status.
    pub status: i32,
    /// The lines that are shown.
    pub errors: Vec<String>,
}

impl Dsc {
    /// With the manifest and the schema as they are.
    pub fn new() -> Dsc {
        let file = native(env!("CARGO_MANIFEST_DIR")).join("packaging/windows/esync.dsc.resource.json");
        let manifest: Value = serde_json::from_slice(&fs::read(file).expect("the manifest")).expect("JSON");
        let mut dsc = Dsc {
            manifest,
            schema: Value::Null,
            more: Vec::new(),
            environment: Vec::new(),
        };
        let schema = dsc.manifest["schema"]["command"].clone();
        dsc.schema = dsc.call(&schema, None).expect("the schema");
        jsonschema::draft202012::new(&dsc.schema).expect("a schema of 2020-12");
        dsc
    }

    /// One call, as the manifest says: compact JSON in, one line of it out, and lines of JSON on the standard error.
    pub fn call(&self, method: &Value, input: Option<&Value>) -> Result<Value, Failed> {
        assert_eq!(method["executable"], "esync-ssl");
        let arguments = method["args"].as_array().expect("arguments");
        let mut run = command();
        run.args(arguments.iter().map(|word| word.as_str().expect("a word")));
        run.args(&self.more)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        run.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = run.spawn().expect("the program");
        let mut stdin = child.stdin.take().expect("its input");
        if let Some(input) = input {
            assert_eq!(method["input"], "stdin");
            // A program that does not read it ends first.
            let _ = stdin.write_all(input.to_string().as_bytes());
        }
        drop(stdin);
        let output = child.wait_with_output().expect("its end");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let mut errors = Vec::new();
        for line in said.lines() {
            let trace: Map<String, Value> =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("no trace: {error}: {line}"));
            let (level, words) = trace.iter().next().expect("a level");
            assert_eq!(trace.len(), 1, "{line}");
            assert!(
                ["error", "warn", "info", "debug", "trace"].contains(&level.as_str()),
                "{line}"
            );
            if level == "error" {
                errors.push(words.as_str().expect("words").to_owned());
            }
        }
        let status = output.status.code().expect("a status");
        if status != 0 {
            assert!(output.stdout.is_empty(), "an answer beside an error");
            return Err(Failed { status, errors });
        }
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "not one line: {text}");
        Ok(serde_json::from_str(&text).expect("one document"))
    }

    /// An instance is one by the schema.
    #[track_caller]
    pub fn fits(&self, instance: &Value) {
        let validator = jsonschema::draft202012::new(&self.schema).expect("a schema");
        let wrong: Vec<String> = validator
            .iter_errors(instance)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{instance}: {wrong:?}");
    }

    /// A call whose input and answer DSC judges by the schema.
    #[track_caller]
    pub fn method(&self, name: &str, desired: &Value) -> Result<Value, Failed> {
        self.fits(desired);
        let answer = self.call(&self.manifest[name], Some(desired))?;
        self.fits(&answer);
        Ok(answer)
    }

    /// What is so.
    #[track_caller]
    pub fn get(&self, desired: &Value) -> Value {
        self.method("get", desired).expect("the state")
    }

    /// Is it in the desired state?
    #[track_caller]
    pub fn test(&self, desired: &Value) -> bool {
        assert_eq!(self.manifest["test"]["return"], "state");
        let state = self.method("test", desired).expect("a judgement");
        state["_inDesiredState"].as_bool().expect("a judgement in it")
    }

    /// Sets it, or with `whatIf` does not: the state before, then the call. Which properties are others then.
    #[track_caller]
    pub fn set(&self, method: &str, desired: &Value) -> Result<Vec<String>, Failed> {
        // The resource looks itself whether there is something to do, and takes `_exist`.
        let manifest = &self.manifest[method];
        assert_eq!(
            (&manifest["implementsPretest"], &manifest["handlesExist"]),
            (&json!(true), &json!(true))
        );
        let before = self.get(desired);
        let after = self.method(method, desired)?;
        let after = after.as_object().expect("an object");
        let changed = after.iter().filter(|(name, value)| before[*name] != **value);
        Ok(changed.map(|(name, _)| name.clone()).collect())
    }
}
