//! Desired states as Microsoft DSC 3 asks for them, of a server that does not run. `dsc` itself is not run here.

use serde_json::{Value, json};

use crate::support::dsc::Dsc;
use crate::support::files;
use crate::support::network::Network;
use crate::support::program::native;
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

/// Nobody is asked to tell what would be.
#[test]
fn an_authority_is_asked_only_to_make_it_so() {
    // Whoever has the ports that an authority looks at would be in the way.
    let _network = Network::enter();
    let (dsc, site) = (Dsc::new(), Site::new());
    // By which Apache will answer at the next order.
    files::write(&site.root().join("modules/mod_alias.so"), "");
    let before = site.snapshot();
    let mut wanted = desired(&site);
    let own = wanted.as_object_mut().expect("an object");
    own.retain(|name, _| !["cert", "key"].contains(&name.as_str()));
    // There is nobody.
    own.insert(
        "acme".into(),
        json!({ "ca": "https://127.0.0.1:9/directory", "agreeTerms": true, "email": ["admin@example.com"] }),
    );
    own.insert("aliases".into(), json!(["www.example.com"]));
    assert!(!dsc.test(&wanted));
    let state = dsc.method("whatIf", &wanted).expect("what would be");
    let told = state["_metadata"]["whatIf"].to_string();
    assert!(told.contains("from https://127.0.0.1:9/directory"), "{state}");
    assert_eq!(site.snapshot(), before);
    // Names of that form can be proven in DNS alone.
    wanted["aliases"] = json!(["*.example.com"]);
    let failed = dsc.method("test", &wanted).expect_err("refused");
    assert!(
        failed.errors.iter().any(|line| line.contains("*.example.com")),
        "{failed:?}"
    );
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
        json!({ "domain": DOMAIN, "acme": { "eabKey": "x" } }),
        json!({ "domain": DOMAIN, "acme": { "answer": "nobody" } }),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
        let failed = dsc.call(&dsc.manifest["get"], Some(&wrong)).expect_err("refused");
        assert!(failed.errors[0].contains("esync-ssl dsc schema"), "{failed:?}");
    }
    // What no schema says.
    for wrong in [
        json!({ "domain": DOMAIN, "acme": {}, "selfSigned": true }),
        json!({ "domain": DOMAIN, "acme": { "proxy": "http://me:secret@proxy.example.com" } }),
    ] {
        let failed = dsc.method("get", &wrong).expect_err("refused");
        assert!(failed.errors[0].contains("is not a desired state"), "{failed:?}");
        assert!(!failed.errors[0].contains("secret"), "{failed:?}");
    }
    let failed = dsc.call(&dsc.manifest["get"], None).expect_err("refused");
    assert_eq!(failed.status, 1);
}

/// docs/fleets.md shows states that DSC takes.
#[test]
fn what_the_page_shows_is_a_desired_state() {
    let (dsc, site) = (Dsc::new(), Site::new());
    let page = native(env!("CARGO_MANIFEST_DIR")).join("docs/fleets.md");
    let page = std::fs::read_to_string(page).expect("docs/fleets.md");
    let begin = page.find("```json\n").expect("a configuration") + "```json\n".len();
    let text = &page[begin..begin + page[begin..].find("```\n").expect("its end")];
    let configuration: Value = serde_json::from_str(text).expect("JSON");
    let resources = configuration["resources"].as_array().expect("resources");
    assert_eq!(resources.len(), 3);
    for resource in resources {
        assert_eq!(resource["type"], dsc.manifest["type"]);
        // Other names are refused by the schema of configurations.
        let name = resource["name"].as_str().expect("a name");
        assert!(
            name.chars().all(|one| one.is_ascii_alphanumeric() || one == ' '),
            "{name}"
        );
        let mut desired = resource["properties"].clone();
        assert_eq!(desired["root"], r"C:\eSync\Apache24");
        desired["root"] = site.root().display().to_string().into();
        assert_eq!(dsc.get(&desired)["_exist"], false);
    }
}
