//! HTTPS is turned on and off through the library alone: no command line, no terminal, no document.

use std::cell::RefCell;

use crate::support::site::{DOMAIN, Site};
use esync_ssl::change;
use esync_ssl::exit_status::ExitStatus;
use esync_ssl::operation::enable::{self, Request};
use esync_ssl::operation::{
    Files, Preview, Progress, Questions, Silent, Where, World, Writing, by_words, disable,
};

fn place(site: &Site) -> Where {
    Where {
        root: Some(site.root()),
        ..Where::default()
    }
}

fn request(site: &Site) -> Request {
    let file = |name: &str| site.beside("certificates").join(name);
    let files = Files::Named {
        certificate: file("server.crt"),
        key: file("server.key"),
        chain: None,
    };
    Request::new(vec![DOMAIN.to_uppercase()], files)
}

#[test]
fn https_is_turned_on_and_off() {
    let site = Site::new();
    let before = site.snapshot();
    let (place, world) = (place(&site), World::real());
    let yes = Writing {
        yes: true,
        ..Writing::default()
    };
    let preview = Writing {
        dry_run: true,
        ..Writing::default()
    };

    let would = enable::run(&request(&site), &preview, &place, &world, &Silent).expect("a preview");
    assert_eq!(would.result, "would-change");
    assert_eq!(site.snapshot(), before);

    let report = enable::run(&request(&site), &yes, &place, &world, &Silent).expect("it is turned on");
    assert_eq!(report.result, "written");
    assert_eq!(report.diff, would.diff);
    assert!(site.text().contains("SSLEngine on"), "{}", site.text());
    let again = enable::run(&request(&site), &yes, &place, &world, &Silent).expect("it is on");
    assert_eq!(again.result, "unchanged");

    let request = disable::Request {
        off: change::Disable {
            domains: vec![DOMAIN.to_owned()],
            forced: Vec::new(),
        },
        asked_for: by_words,
    };
    let report = disable::run(&request, &yes, &place, &world, &Silent).expect("it is turned off");
    assert_eq!(report.result, "written");
    assert_eq!(site.snapshot(), before);
}

/// Somebody who looks at what is shown, and answers.
#[derive(Default)]
struct Somebody {
    agrees: bool,
    shown: RefCell<Vec<String>>,
    questions: RefCell<Vec<String>>,
}

impl Progress for Somebody {
    fn preview(&self, preview: &Preview) {
        self.shown.borrow_mut().extend(preview.lines.iter().cloned());
    }
}

impl Questions for Somebody {
    fn can_ask(&self) -> bool {
        true
    }

    fn agrees(&self, question: &str) -> Option<bool> {
        self.questions.borrow_mut().push(question.to_owned());
        Some(self.agrees)
    }
}

#[test]
fn whoever_is_there_is_asked() {
    let site = Site::new();
    let before = site.snapshot();
    let run = |somebody: &Somebody| {
        let (place, world) = (place(&site), World::real());
        enable::run(&request(&site), &Writing::default(), &place, &world, somebody)
    };
    let no = Somebody::default();
    let failure = run(&no).err().expect("the answer was no");
    assert_eq!(failure.status, ExitStatus::Refused);
    assert_eq!(site.snapshot(), before);
    assert_eq!(no.questions.borrow().len(), 1);
    assert!(!no.shown.borrow().is_empty());

    let yes = Somebody {
        agrees: true,
        ..Somebody::default()
    };
    let report = run(&yes).expect("the answer was yes");
    assert_eq!(report.result, "written");
    assert_eq!(yes.questions.borrow().len(), 1);
}
