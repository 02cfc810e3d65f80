//! What `esync-ssl schema` prints. That it is what the documents are, the tests of `src/document/schema` see to.

use std::fs;

use esync_ssl::document::{SCHEMA, schema};
use serde_json::Value;

use crate::support::contract;
use crate::support::files::fixture;
use crate::support::program::esync_ssl;

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
        let kept = fixture("schema")
            .join(SCHEMA.to_string())
            .join(format!("{}.json", schema::key(command)));
        let kept = fs::read(&kept).expect("the schema that is kept");
        assert_eq!(
            printed,
            serde_json::from_slice::<Value>(&kept).expect("JSON"),
            "{command}"
        );
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
