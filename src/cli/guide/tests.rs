//! Whole conversations with scripted answers, about a server root on the disk, to what is written there.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use time::OffsetDateTime;

use super::question::Kind;
use super::*;
use crate::cli::arguments::Arguments;
use crate::tls::chain::tests::made;
use crate::tls::issue::{self, KeyType};

const DOMAIN: &str = "esync.example.com";

/// How a question is answered.
enum Say {
    /// By the option with these words.
    Option(&'static str),
    Line(String),
    Enter,
    Back,
    CtrlC,
}

/// Answers in their order, each with words that its question must have.
struct Script {
    answers: RefCell<VecDeque<(&'static str, Say)>>,
    said: RefCell<String>,
}

impl Script {
    fn new(answers: Vec<(&'static str, Say)>) -> Script {
        Script {
            answers: RefCell::new(answers.into()),
            said: RefCell::default(),
        }
    }
}

impl Asks for Script {
    fn ask(&self, question: &Question) -> io::Result<Reply> {
        let told = format!("{}\n{}\n", question.told.join("\n"), question.text);
        self.say(&told);
        let next = self.answers.borrow_mut().pop_front();
        let (words, say) = next.unwrap_or_else(|| panic!("not expected:\n{told}"));
        assert!(question.text.contains(words), "{words}:\n{told}");
        Ok(match (say, &question.kind) {
            (Say::CtrlC, _) => Reply::Interrupted,
            (Say::Back, _) => Reply::Back,
            (Say::Enter, Kind::Choice { usual, .. }) => Reply::Chosen(*usual),
            (Say::Enter, Kind::Line { usual, .. }) => Reply::Typed(usual.clone().unwrap_or_default()),
            (Say::Option(part), Kind::Choice { options, .. }) => {
                let at = options.iter().position(|option| option.contains(part));
                Reply::Chosen(at.unwrap_or_else(|| panic!("no {part}: {options:?}")))
            }
            (Say::Line(line), Kind::Secret) => Reply::Secret(line.into()),
            (Say::Line(line), _) => Reply::Typed(line),
            _ => panic!("it is asked in another way:\n{told}"),
        })
    }

    fn say(&self, text: &str) {
        self.said.borrow_mut().push_str(&format!("{text}\n"));
    }
}

/// A server root without a server, and certificates beside it.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Site {
        let site = Site {
            folder: tempfile::tempdir().unwrap(),
        };
        for folder in ["conf", "logs", "modules", "htdocs"] {
            fs::create_dir_all(site.root().join(folder)).unwrap();
        }
        let text = include_str!("../../../fixtures/small/conf/httpd.conf");
        for (name, text) in [
            ("conf/httpd.conf", text),
            ("modules/mod_ssl.so", ""),
            ("modules/mod_authz_core.so", ""),
            ("modules/mod_alias.so", ""),
        ] {
            fs::write(site.root().join(name), text).unwrap();
        }
        let now = OffsetDateTime::now_utc();
        for name in ["server", "other"] {
            let made = issue::self_signed(&[DOMAIN.to_owned()], KeyType::P256, 30, now).unwrap();
            fs::write(site.at(&format!("{name}.crt")), &*made.certificate_pem).unwrap();
            fs::write(site.at(&format!("{name}-its.key")), made.key_pem.as_bytes()).unwrap();
        }
        site
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.root().join("conf/httpd.conf")).unwrap()
    }

    /// The guide with these answers; what it said as well.
    fn guide(&self, answers: Vec<(&'static str, Say)>) -> (Result<ExitStatus, Failure>, String) {
        let root = self.root();
        let line = ["esync-ssl", "guide", "--quiet", "--root", root.to_str().unwrap()];
        let global = Arguments::parse_from(line).global;
        let printer = Printer::new("guide", false, ColorChoice::Auto, Advice::default())
            .with(Volume::of(&global, false));
        let script = Script::new(answers);
        let (place, world) = (&global.place(), &World::real());
        let guide = Guide {
            global: &global,
            place,
            world,
            printer: &printer,
            asks: &script,
            look: &Eyes { place, world },
        };
        let result = guide.run();
        assert!(script.answers.borrow().is_empty(), "{}", script.said.borrow());
        (result, script.said.take())
    }
}

fn file(path: String) -> Say {
    Say::Line(path)
}

/// Everything up to the name, with PEM files and a key that somebody named.
fn files(site: &Site) -> Vec<(&'static str, Say)> {
    vec![
        ("Is this the server?", Say::Enter),
        ("What certificate is there?", Say::Enter),
        ("File of the certificate:", file(site.at("server.crt"))),
        ("File of the private key:", file(site.at("other-its.key"))),
        (
            "File of the private key:",
            file(format!("\"{}\"", site.at("server-its.key"))),
        ),
        ("By which name", Say::Option(DOMAIN)),
        ("What becomes of HTTP?", Say::Option("Keep")),
        ("Start it afterwards", Say::Option("No")),
    ]
}

#[test]
fn pem_files_to_the_end_with_a_wrong_key_on_the_way() {
    let site = Site::new();
    let answers = site.at("answers.toml");
    let mut script = files(&site);
    script.extend([
        ("Apply these changes?", Say::Option("Yes")),
        ("Save the answers", Say::Option("Yes")),
        ("File:", file(site.at("server.crt"))),
        ("File:", file(answers.clone())),
    ]);
    let (result, said) = site.guide(script);
    assert_eq!(result.unwrap(), ExitStatus::Done, "{said}");
    assert!(said.contains("belongs to another certificate"), "{said}");
    assert!(said.contains("exists already"), "{said}");
    let text = site.text();
    assert!(
        text.contains("SSLEngine on") && text.contains("Listen 80\n"),
        "{text}"
    );
    let key = site.root().join(format!("conf/ssl/{DOMAIN}.key"));
    assert!(key.is_file(), "the files are copied");
    // The file gives the same run, which has nothing to do now.
    let line = ["esync-ssl", "enable", "--answers", &answers].map(OsString::from);
    let line = Line::read(line.to_vec(), &|_| None).unwrap();
    let Command::Enable(enable) = line.arguments.command else {
        panic!("enable")
    };
    assert_eq!(enable.domain, [DOMAIN]);
    assert!(enable.yes && enable.copy_certs && enable.cert.is_some());
    let text = fs::read_to_string(&answers).unwrap();
    assert!(!text.contains("PRIVATE") && !text.contains("pass"), "{text}");
}

#[test]
fn ctrl_c_at_every_question_writes_nothing() {
    let site = Site::new();
    let before = site.text();
    let all = {
        let mut all = files(&site);
        all.push(("Apply these changes?", Say::Enter));
        all.len()
    };
    for at in 0..all {
        let mut script = files(&site);
        script.push(("Apply these changes?", Say::Enter));
        script.truncate(at + 1);
        if let Some(last) = script.last_mut() {
            last.1 = Say::CtrlC;
        }
        let (result, said) = site.guide(script);
        assert_eq!(result.unwrap_err().status, ExitStatus::Interrupted, "{said}");
        assert_eq!(site.text(), before);
        assert!(!site.root().join("conf/ssl").exists(), "{said}");
    }
}

#[test]
fn who_does_not_agree_is_led_back() {
    let site = Site::new();
    let before = site.text();
    let mut script = files(&site);
    script.extend([
        ("Apply these changes?", Say::Option("every line")),
        ("Apply these changes?", Say::Option("No")),
        ("Start it afterwards", Say::Back),
        ("What becomes of HTTP?", Say::Option("Off")),
        ("Start it afterwards", Say::Option("No")),
        ("Apply these changes?", Say::Back),
        ("Start it afterwards", Say::CtrlC),
    ]);
    let (result, said) = site.guide(script);
    assert_eq!(result.unwrap_err().status, ExitStatus::Interrupted, "{said}");
    assert!(
        said.contains("Nothing was written.") && !said.contains("refused"),
        "{said}"
    );
    assert_eq!(site.text(), before);
}

/// As people make one with OpenSSL alone: for no name, and as an authority.
#[test]
fn a_certificate_that_no_client_takes_is_told_at_its_file() {
    let site = Site::new();
    let before = site.text();
    let bare = made("only cn", true, None);
    fs::write(site.at("bare.crt"), bare.certificate.to_pem()).unwrap();
    let name = |answer| ("File of the certificate:", answer);
    let (result, said) = site.guide(vec![
        ("Is this the server?", Say::Enter),
        ("What certificate is there?", Say::Enter),
        name(file(site.at("bare.crt"))),
        ("Use it anyway?", Say::Enter),
        name(file(site.at("server.crt"))),
        ("File of the private key:", file(site.at("server-its.key"))),
        ("By which name", Say::CtrlC),
    ]);
    assert_eq!(result.unwrap_err().status, ExitStatus::Interrupted, "{said}");
    assert!(said.contains("CERT-IS-CA: "), "{said}");
    assert!(!said.contains(" --"), "{said}");
    assert_eq!(site.text(), before);
}

#[test]
fn a_trial_with_a_certificate_that_is_made() {
    let site = Site::new();
    let (result, said) = site.guide(vec![
        ("Is this the server?", Say::Enter),
        ("What certificate is there?", Say::Option("try things out")),
        ("By which name", Say::Option("Another")),
        ("Name or address", Say::Line("not a name".into())),
        ("Name or address", Say::Line(DOMAIN.into())),
        ("What becomes of HTTP?", Say::Option("Redirect")),
        ("Start it afterwards", Say::Option("No")),
        ("Apply these changes?", Say::Option("Yes")),
        ("Save the answers", Say::Enter),
    ]);
    assert_eq!(result.unwrap(), ExitStatus::Done, "{said}");
    assert!(site.text().contains(DOMAIN), "{said}");
}

#[test]
fn a_request_for_an_authority_is_written_where_it_was_said() {
    let site = Site::new();
    let before = site.text();
    let start = |last: Say| {
        vec![
            ("Is this the server?", Say::Enter),
            ("What certificate is there?", Say::Option("request")),
            ("By which name", Say::Option("www.example.com")),
            ("Folder for key", file(site.at(""))),
            ("Write them?", last),
        ]
    };
    let (result, _) = site.guide(start(Say::Option("No")));
    assert_eq!(result.unwrap_err().status, ExitStatus::Declined);
    assert!(!site.folder.path().join("www.example.com.csr").exists());
    let (result, said) = site.guide(start(Say::Enter));
    assert_eq!(result.unwrap(), ExitStatus::Done, "{said}");
    for end in ["csr", "key"] {
        assert!(
            site.folder
                .path()
                .join(format!("www.example.com.{end}"))
                .is_file()
        );
    }
    assert_eq!(site.text(), before);
}
