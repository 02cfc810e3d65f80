//! `esync-ssl guide` at a terminal, where there is no certificate yet.

use crate::enable::World;
use crate::support::apache_site::DOMAIN;
use crate::support::conversation::{Conversation, ENTER};
use crate::support::pebble::Options;

#[test]
fn nothing_at_hand_and_an_authority_that_is_asked() {
    let Some(world) = World::start(&Options::default(), "") else {
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
    talk.answer("terms", "1\r");
    talk.answer("Apply these changes?", "1\r");
    // Where there is a scheduler.
    if talk.wait_for_one(&["Schedule renewal?", "Save the answers"]) == 0 {
        talk.answer("Schedule renewal?", "2\r");
    }
    talk.answer("Save the answers", ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(world.made(), 1, "{said}");
    assert!(world.certificate().contains("BEGIN CERTIFICATE"));
    assert!(
        said.contains(&format!("enable --domain {DOMAIN} --acme --ca ")),
        "{said}"
    );
    assert!(said.contains("--yes --agree-terms"), "{said}");
}
