//! Microsoft DSC 3 as a caller: its manifest, its order of calls, and what it makes of outputs, statuses and the standard error
//! (PowerShell/DSC, `command_resource.rs`). `dsc` itself is not run here.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use serde_json::{Map, Value, json};

use crate::support::program::{command, native};
use crate::support::site::{DOMAIN, Site};

/// What a manifest may have on its top, in all of 3.0 to 3.2; `dsc` refuses a file with anything else.
const FIELDS: [&str; 17] = [
    "$schema",
    "type",
    "version",
    "description",
    "tags",
    "get",
    "set",
    "whatIf",
    "test",
    "delete",
    "export",
    "validate",
    "resolve",
    "adapter",
    "kind",
    "exitCodes",
    "schema",
];

/// DSC as far as it concerns one resource.
struct Dsc {
    manifest: Value,
    schema: Value,
}

/// Why a call failed, as DSC shows it.
#[derive(Debug)]
struct Failed {
    status: i32,
    errors: Vec<String>,
}

impl Dsc {
    fn new() -> Dsc {
        let file = native(env!("CARGO_MANIFEST_DIR")).join("packaging/windows/esync.dsc.resource.json");
        let manifest: Value = serde_json::from_slice(&fs::read(file).expect("the manifest")).expect("JSON");
        let mut dsc = Dsc {
            manifest,
            schema: Value::Null,
        };
        let schema = dsc.manifest["schema"]["command"].clone();
        dsc.schema = dsc.call(&schema, None).expect("the schema");
        jsonschema::draft202012::new(&dsc.schema).expect("a schema of 2020-12");
        dsc
    }

    /// One call, as the manifest says: compact JSON in, one line of it out, and lines of JSON on the standard error.
    fn call(&self, method: &Value, input: Option<&Value>) -> Result<Value, Failed> {
        assert_eq!(method["executable"], "esync-ssl");
        let arguments = method["args"].as_array().expect("arguments");
        let mut run = command();
        run.args(arguments.iter().map(|word| word.as_str().expect("a word")));
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

    #[track_caller]
    fn fits(&self, instance: &Value) {
        let validator = jsonschema::draft202012::new(&self.schema).expect("a schema");
        let wrong: Vec<String> = validator
            .iter_errors(instance)
            .map(|error| error.to_string())
            .collect();
        assert!(wrong.is_empty(), "{instance}: {wrong:?}");
    }

    /// A call whose input and answer DSC judges by the schema.
    #[track_caller]
    fn method(&self, name: &str, desired: &Value) -> Result<Value, Failed> {
        self.fits(desired);
        let answer = self.call(&self.manifest[name], Some(desired))?;
        self.fits(&answer);
        Ok(answer)
    }

    #[track_caller]
    fn get(&self, desired: &Value) -> Value {
        self.method("get", desired).expect("the state")
    }

    /// Is it in the desired state?
    #[track_caller]
    fn test(&self, desired: &Value) -> bool {
        assert_eq!(self.manifest["test"]["return"], "state");
        let state = self.method("test", desired).expect("a judgement");
        state["_inDesiredState"].as_bool().expect("a judgement in it")
    }

    /// Sets it, or with `whatIf` does not: the state before, then the call. Which properties are others then.
    #[track_caller]
    fn set(&self, method: &str, desired: &Value) -> Result<Vec<String>, Failed> {
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

fn desired(site: &Site) -> Value {
    let file = |name: &str| site.beside("certificates").join(name).display().to_string();
    json!({
        "domain": DOMAIN, "root": site.root().display().to_string(), "http": "keep",
        "cert": file("server.crt"), "key": file("server.key"),
    })
}

#[test]
fn the_manifest_is_one() {
    let dsc = Dsc::new();
    let manifest = dsc.manifest.as_object().expect("an object");
    for field in manifest.keys() {
        assert!(FIELDS.contains(&field.as_str()), "{field}");
    }
    for field in ["$schema", "type", "version"] {
        assert!(manifest[field].is_string(), "{field}");
    }
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let (names, kind) = manifest["type"]
        .as_str()
        .expect("a type")
        .split_once('/')
        .expect("a slash");
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    assert!(names.split('.').all(is_word) && is_word(kind));
    // Theirs would be shown in the place of our words.
    assert!(manifest.get("exitCodes").is_none());
}

#[test]
fn https_comes_stays_and_goes() {
    let (dsc, site) = (Dsc::new(), Site::new());
    let before = site.snapshot();
    let wanted = desired(&site);
    assert_eq!(dsc.get(&wanted)["_exist"], false);
    assert!(!dsc.test(&wanted));
    let changed = dsc.set("whatIf", &wanted).expect("what would be");
    assert!(
        changed.contains(&"_exist".to_owned()) && changed.contains(&"_metadata".to_owned()),
        "{changed:?}"
    );
    assert_eq!(site.snapshot(), before, "what-if wrote");

    let changed = dsc.set("set", &wanted).expect("it is set");
    assert!(
        changed.contains(&"_exist".to_owned()) && changed.contains(&"certificateFile".to_owned()),
        "{changed:?}"
    );
    let state = dsc.get(&wanted);
    assert_eq!(
        (&state["_exist"], &state["http"]),
        (&json!(true), &json!("keep")),
        "{state}"
    );
    assert!(state["notAfter"].is_string(), "{state}");
    assert!(dsc.test(&wanted));
    let written = site.snapshot();
    assert_eq!(dsc.set("set", &wanted).expect("again"), Vec::<String>::new());
    assert_eq!(dsc.set("whatIf", &wanted).expect("again"), Vec::<String>::new());
    assert_eq!(site.snapshot(), written, "the same again wrote");

    let mut gone = wanted.clone();
    gone["_exist"] = false.into();
    assert!(!dsc.test(&gone));
    assert!(
        dsc.set("whatIf", &gone)
            .expect("what would be")
            .contains(&"_exist".to_owned())
    );
    assert_eq!(site.snapshot(), written);
    dsc.set("set", &gone).expect("it goes");
    assert!(dsc.test(&gone));
    assert_eq!(site.snapshot(), before, "disable brings every byte back");
}

#[test]
fn what_fails_says_why_in_lines_that_are_shown() {
    let (dsc, site) = (Dsc::new(), Site::new());
    let before = site.snapshot();
    let mut wrong = desired(&site);
    wrong["cert"] = site.beside("nowhere.crt").display().to_string().into();
    for method in ["set", "whatIf", "test"] {
        let failed = dsc.method(method, &wrong).expect_err("no such file");
        assert_ne!(failed.status, 0, "{failed:?}");
        assert!(
            failed.errors.iter().any(|line| line.contains("nowhere.crt")),
            "{failed:?}"
        );
    }
    // What is missing is said before anything is read.
    let bare = json!({ "domain": DOMAIN, "root": site.root().display().to_string() });
    let failed = dsc.method("set", &bare).expect_err("no certificate");
    assert!(failed.errors[0].contains("selfSigned"), "{failed:?}");
    let nowhere = json!({ "domain": DOMAIN, "root": site.beside("nowhere").display().to_string() });
    assert_ne!(
        dsc.method("get", &nowhere).expect_err("no server").errors,
        Vec::<String>::new()
    );
    assert_eq!(site.snapshot(), before);
}

#[test]
fn no_secret_and_nothing_unknown_is_taken() {
    let dsc = Dsc::new();
    let validator = jsonschema::draft202012::new(&dsc.schema).expect("a schema");
    for wrong in [
        json!({}),
        json!({ "domain": DOMAIN, "passphrase": "x" }),
        json!({ "domain": DOMAIN, "http": "never" }),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
        let failed = dsc.call(&dsc.manifest["get"], Some(&wrong)).expect_err("refused");
        assert!(failed.errors[0].contains("esync-ssl dsc schema"), "{failed:?}");
    }
    let failed = dsc.call(&dsc.manifest["get"], None).expect_err("refused");
    assert_eq!(failed.status, 1);
}
