//! `esync-ssl guide` at a terminal, where there is no certificate yet.

use crate::enable::World;
use crate::endings::in_cron;
use crate::served;
use crate::support::apache_site::DOMAIN;
use crate::support::conversation::{Conversation, ENTER};
use crate::support::mounts;
use crate::support::pebble::Options;

const SCHEDULE: &str = "Have the certificate renewed before it ends?";

#[test]
fn nothing_at_hand_and_an_authority_that_is_asked() {
    let world = || World::start(&Options::default(), "");
    let Some(world) = mounts::with_cron().then(world).flatten() else {
        return;
    };
    let program = world.site.command(&["guide"]).folder(world.site.folder.path());
    let mut talk = Conversation::start(program.into_command());
    talk.answer("Is this the server?", ENTER);
    talk.answer("What certificate is there?", "3\r");
    talk.answer("Which authority makes the certificate?", "2\r");
    talk.answer(
        "Address of its ACME directory:",
        &format!("{}\r", world.pebble.directory),
    );
    let root = world.pebble.root_file().display().to_string();
    talk.answer("File of its root certificate:", &format!("{root}\r"));
    talk.answer("By which name do clients reach this site?", ENTER);
    talk.answer("What becomes of HTTP?", "2\r");
    talk.answer("Restart Apache afterwards", ENTER);
    talk.answer(SCHEDULE, ENTER);
    talk.answer("terms", "1\r");
    talk.answer("Apply these changes?", "1\r");
    talk.answer("Save the answers", ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(world.made(), 1, "{said}");
    assert!(world.certificate().contains("BEGIN CERTIFICATE"));
    assert!(
        said.contains(&format!("enable --domain {DOMAIN} --acme --ca ")),
        "{said}"
    );
    assert!(said.contains(" --schedule --http keep --restart "), "{said}");
    assert!(said.contains("--yes --agree-terms"), "{said}");
    let [line] = &in_cron()[..] else {
        panic!("{:?}", in_cron())
    };
    assert!(line.contains(" renew --scheduled --root "), "{line}");
}

/// Who says no is not asked again after the changes.
#[test]
fn renewal_is_not_scheduled_where_somebody_said_no() {
    let Some(world) = mounts::with_cron().then(|| served::World::start(false)).flatten() else {
        return;
    };
    let folder = world.site.folder.path();
    let program = world.site.command(&["guide"]).folder(folder);
    let mut talk = Conversation::start(program.into_command());
    talk.answer("Is this the server?", ENTER);
    talk.answer("What certificate is there?", "3\r");
    talk.answer("Which authority makes the certificate?", "2\r");
    talk.answer(
        "Address of its ACME directory:",
        &format!("{}\r", world.ca.directory),
    );
    talk.answer(
        "File of its root certificate:",
        &format!("{}\r", folder.join("ca.pem").display()),
    );
    talk.answer("By which name do clients reach this site?", ENTER);
    talk.answer("What becomes of HTTP?", "2\r");
    talk.answer("Restart Apache afterwards", ENTER);
    talk.answer(SCHEDULE, "2\r");
    talk.answer("terms", "1\r");
    talk.answer("Apply these changes?", "1\r");
    talk.answer("Save the answers", ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(
        said.contains("renewal is not scheduled; esync-ssl schedule on"),
        "{said}"
    );
    assert!(!said.contains(" --schedule "), "{said}");
    assert_eq!((world.ca.made(), in_cron()), (1, vec![]));
}
