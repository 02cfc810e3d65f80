//! Desired states with a certificate of an authority, as Microsoft DSC asks for them, before a real Apache and pebble.

use serde_json::{Value, json};

use crate::enable::World;
use crate::support::apache_site::DOMAIN;
use crate::support::clock;
use crate::support::dsc::Dsc;
use crate::support::pebble::Options;

impl World {
    fn desired(&self) -> Value {
        json!({
            "domain": DOMAIN,
            "root": self.site.root().display().to_string(),
            "http": "keep",
            "restart": true,
            "acme": {
                "ca": self.pebble.directory,
                "caRoot": self.pebble.root_file().display().to_string(),
                "agreeTerms": true,
                "email": ["admin@example.com"],
                "answer": "auto",
            },
        })
    }
}

#[test]
fn a_certificate_is_ordered_once_and_again_when_it_is_due() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let mut dsc = Dsc::new();
    dsc.more = vec!["--httpd".into(), world.site.httpd.binary.clone().into()];
    let wanted = world.desired();
    let before = world.site.files();
    assert_eq!(dsc.get(&wanted)["_exist"], false);
    assert!(!dsc.test(&wanted));
    let changed = dsc.set("whatIf", &wanted).expect("what would be");
    assert!(changed.contains(&"_exist".to_owned()), "{changed:?}");
    assert_eq!(
        (world.site.files(), world.made()),
        (before, 0),
        "it is only looked"
    );

    let changed = dsc.set("set", &wanted).expect("it is set");
    assert!(changed.contains(&"notAfter".to_owned()), "{changed:?}");
    assert_eq!(world.made(), 1);
    let files = world.site.files();
    assert!(dsc.test(&wanted));
    assert_eq!(dsc.set("whatIf", &wanted).expect("again"), Vec::<String>::new());
    assert_eq!(dsc.set("set", &wanted).expect("again"), Vec::<String>::new());
    assert_eq!(
        (world.site.files(), world.made()),
        (files, 1),
        "one that is good stays"
    );

    // One more name is another certificate.
    let mut more = wanted.clone();
    more["aliases"] = json!(["further.example.com"]);
    assert!(!dsc.test(&more));

    let Some(late) = clock::of_program("+4y") else {
        return;
    };
    dsc.environment = late;
    assert!(!dsc.test(&wanted), "it is due");
    let then = dsc.method("whatIf", &wanted).expect("what would be");
    let told = then["_metadata"]["whatIf"].to_string();
    assert!(told.contains("instead of the one that is there"), "{then}");
}
