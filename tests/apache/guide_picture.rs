//! The picture of the guide in the README is what it shows.

use std::fs;
use std::path::Path;

use regex::Regex;

use crate::picture;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::conversation::{Conversation, ENTER};

/// Writes the picture anew.
const UPDATE: &str = "ESYNC_SSL_UPDATE_PICTURE";
const COLUMNS: u16 = 120;
/// In place of the server root of the test: as long, so that lines break where they did.
const ROOT: &str = "/opt/esync-data-server/www/Apache24";

#[test]
fn the_picture_of_the_readme_is_what_is_shown() {
    let Some(site) = ApacheSite::running("CustomLog logs/access.log common\n") else {
        return;
    };
    site.authority.leaf("esync", &[DOMAIN]);
    let program = site.command(&["guide"]).folder(site.folder.path());
    let mut command = program.into_command();
    command.env_remove("NO_COLOR");
    let mut talk = Conversation::start_wide(command, COLUMNS);
    let file = |name: &str| {
        let path = site.folder.path().join("certificates").join(name);
        format!("{}\r", path.display())
    };
    talk.answer("Is this the server?", ENTER);
    talk.answer("What certificate is there?", ENTER);
    talk.answer("File of the certificate:", &file("esync.crt"));
    talk.answer("File of the private key:", &file("esync.key"));
    let intermediates = file("intermediate.pem");
    talk.answer("File of the intermediate certificates:", &intermediates);
    talk.answer("By which name do clients reach this site?", ENTER);
    talk.answer("What becomes of HTTP?", "2\r");
    talk.answer("Restart Apache afterwards", ENTER);
    talk.answer("Apply these changes?", "1\r");
    talk.answer("Save the answers", ENTER);
    let root = site.root().display().to_string();
    let folder = site.folder.path().display().to_string();
    assert_eq!(root.len(), ROOT.len(), "TMPDIR is to be as usual: {root}");
    assert_eq!(talk.status(), Some(0), "{}", talk.said());
    let parent = Path::new(ROOT).parent().expect("a folder").display().to_string();
    let text = talk.written().replace(&root, ROOT).replace(&folder, &parent);
    let of_this_run = [
        (r"20[0-9]{2}-[0-9]{2}-[0-9]{2}", "2027-03-23"),
        (r"20[0-9]{6}T[0-9]{6}Z(\.[0-9]+)?", "20261224T120000Z"),
        (r"after [0-9.]+ s", "after 1.8 s"),
    ];
    let text = of_this_run.iter().fold(text, |text, (found, instead)| {
        let found = Regex::new(found).expect("a pattern");
        found.replace_all(&text, *instead).into_owned()
    });
    let picture = picture::of_terminal(&text, COLUMNS);
    assert!(picture.contains(DOMAIN) && !picture.contains("PRIVATE KEY"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide.svg");
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        fs::write(&path, &picture).expect("docs/guide.svg is written");
        return;
    }
    let known = fs::read_to_string(&path).expect("docs/guide.svg");
    assert!(
        known == picture,
        "the guide shows something else; {UPDATE}=1 makes the picture anew:\n{}",
        talk.said()
    );
}
