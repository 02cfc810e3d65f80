//! What is different at a terminal: questions with a usual answer, the living line of a long step, lines that are broken at
//! words. Elsewhere there is none of it.
#![cfg(unix)]

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::support::program;
use crate::support::site::{DOMAIN, Site, text};
use crate::support::terminal::Terminal;

/// The program at a terminal so wide.
struct Session {
    at: Terminal,
    said: String,
}

impl Session {
    fn start(site: &Site, words: &[String], width: u16) -> Session {
        let mut command = program::command();
        command.args(words).arg("--root").arg(site.root());
        command.env("TERM", "xterm").env("NO_COLOR", "1");
        let at = Terminal::start(command);
        set_width(&at.typed, width);
        Session {
            at,
            said: String::new(),
        }
    }

    #[track_caller]
    fn wait_for(&mut self, end: &str) {
        while !self.said.ends_with(end) {
            match self.at.shown.recv_timeout(Duration::from_secs(30)) {
                Ok(bytes) => self.said.push_str(&String::from_utf8_lossy(&bytes)),
                Err(error) => panic!("no {end:?} ({error}):\n{}", self.said),
            }
        }
    }

    #[track_caller]
    fn answer(&mut self, text: &str) {
        self.at.typed.write_all(text.as_bytes()).expect("an answer");
    }

    #[track_caller]
    fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.at.child.try_wait().expect("its state") {
                break status;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{}", self.said);
            while let Ok(bytes) = self.at.shown.try_recv() {
                self.said.push_str(&String::from_utf8_lossy(&bytes));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        while let Ok(bytes) = self.at.shown.recv_timeout(Duration::from_secs(5)) {
            self.said.push_str(&String::from_utf8_lossy(&bytes));
        }
        (status.code(), self.said)
    }
}

fn set_width(terminal: &File, width: u16) {
    let size = rustix::termios::Winsize {
        ws_row: 40,
        ws_col: width,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(terminal.as_fd(), size).expect("a width");
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// `enable` with a certificate in somebody's folder, and no word on whether to write.
fn enable(site: &Site, more: &[&str]) -> Vec<String> {
    let file = |name: &str| text(&site.beside("certificates").join(name));
    let (crt, key) = (file("server.crt"), file("server.key"));
    let all = ["enable", "--domain", DOMAIN, "--cert", &crt, "--key", &key];
    words(&[&all[..], more].concat())
}

const OFFER: &str = "conf/ssl? [Y/n] ";

#[test]
fn certificates_of_a_work_folder_are_offered_to_be_copied() {
    let copy = |site: &Site| {
        site.root()
            .join("conf/ssl")
            .join(format!("{DOMAIN}.key"))
            .exists()
    };
    for (answer, copies) in [("\n", true), ("y\n", true), ("n\n", false), ("x\ny\n", true)] {
        let site = Site::new();
        let mut session = Session::start(&site, &enable(&site, &[]), 200);
        session.wait_for(OFFER);
        session.answer(answer);
        session.wait_for("[y/N] ");
        session.answer("y\n");
        let (status, said) = session.end();
        assert_eq!(status, Some(0), "{said}");
        let asked = answer.lines().count();
        assert_eq!(said.matches(OFFER).count(), asked, "{said}");
        assert!(!said.contains("stay there"), "{said}");
        assert_eq!(copy(&site), copies, "{said}");
        let line = format!("conf/ssl/{DOMAIN}.crt");
        assert_eq!(site.text().contains(&line), copies, "{}", site.text());
    }
    // Who said so is not asked.
    for (more, copies) in [("--in-place", false), ("--copy-certs", true)] {
        let site = Site::new();
        let mut session = Session::start(&site, &enable(&site, &[more]), 200);
        session.wait_for("[y/N] ");
        session.answer("y\n");
        let (status, said) = session.end();
        assert!(status == Some(0) && !said.contains("[Y/n]"), "{said}");
        assert_eq!(copy(&site), copies);
    }
    // Nor is it asked again about a certificate that is in use where it is; nobody else is asked at all.
    let site = Site::new();
    let outcome = site.enable().run().expect_code(0);
    let note = "--copy-certs copies them into";
    assert!(outcome.stderr_text().contains(note), "{}", outcome.report());
    assert!(!copy(&site));
    let (status, said) = Session::start(&site, &enable(&site, &[]), 200).end();
    assert!(
        status == Some(0) && said.contains("Nothing needs to change"),
        "{said}"
    );
    let site = Site::new();
    let outcome = site.enable().arg("--in-place").run().expect_code(0);
    assert!(!outcome.stderr_text().contains(note), "{}", outcome.report());
}

/// A stand-in for httpd that takes its time.
#[test]
fn a_long_step_has_one_living_line() {
    let site = Site::new();
    let httpd = text(&site.stand_in("sleep 2; exit 0"));
    let more = ["--in-place", "--no-rehearsal", "--dry-run", "--httpd", &httpd];
    let (status, said) = Session::start(&site, &enable(&site, &more), 200).end();
    assert_eq!(status, Some(0), "{said:?}");
    let line = "\rTesting with httpd -t …";
    assert!(said.contains(line), "{said:?}");
    assert!(said.contains(&format!("{line} (1 s)")), "{said:?}");
    // It is taken away before anything else is said.
    let behind = said.rsplit(line).next().expect("what follows").to_owned();
    let blank = behind
        .split_once('\r')
        .map(|(_, rest)| rest.trim_start_matches(' '));
    assert!(blank.is_some_and(|rest| rest.starts_with('\r')), "{said:?}");
    assert!(
        said.lines()
            .all(|line| !line.contains("Testing") || line.starts_with('\r')),
        "{said:?}"
    );
    // A pipe gets nothing of it, nor does a program.
    for flags in [&[][..], &["--json"]] {
        let program = program::esync_ssl().args(enable(&site, &more)).args(flags);
        let outcome = program.arg("--root").arg(site.root()).run().expect_code(0);
        let all = outcome.stdout_text() + &outcome.stderr_text();
        assert!(!all.contains('\r') && !all.contains("Testing"), "{all:?}");
    }
}

#[test]
fn the_last_before_the_question_is_what_it_comes_to() {
    for width in [60, 100] {
        let site = Site::new();
        let mut session = Session::start(&site, &enable(&site, &["--in-place"]), width);
        session.wait_for("[y/N] ");
        session.answer("n\n");
        let (_, said) = session.end();
        let said = said.replace('\r', "");
        let (above, _) = said.split_once("Apply these changes?").expect("the question");
        let (diff, summary) = above.rsplit_once("\n\n").expect("the diff before it");
        assert!(diff.contains("+Listen 443"), "{said}");
        let whole = summary.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "1 file changes",
            "HTTP on 80 stops (--http off, the default): devices that post over HTTP go silent",
            "--http keep",
            "--http redirect",
        ] {
            assert!(whole.contains(part), "{part}: {summary}");
        }
        let is_long = |line: &&str| line.chars().count() > usize::from(width) && line.trim().contains(' ');
        assert_eq!(summary.lines().find(is_long), None, "{summary}");
    }
}

/// Sentences are broken at words, and what follows stands below the text; a pipe gets them whole.
#[test]
fn all_that_is_said_fits_the_terminal() {
    const WIDTH: u16 = 60;
    let fits = |said: &str, words: &str| {
        let said = said.replace('\r', "");
        let is_long = |line: &&str| {
            // A question is behind its answer; one word may be longer; changes of files are shown as they are.
            let is_one = !line.trim_start_matches([' ', '-', '>', '+']).contains(' ');
            line.chars().count() > usize::from(WIDTH) && !is_one && !line.contains("esync-ssl ")
        };
        let prose = said.split("\n--- ").next().unwrap_or_default().to_owned();
        assert_eq!(prose.lines().find(is_long), None, "{words}: {said}");
        said
    };
    let site = Site::new();
    let certificates = enable(&site, &[]);
    let mut session = Session::start(&site, &certificates, WIDTH);
    session.wait_for("[Y/n] ");
    session.answer("n\n");
    session.wait_for("[y/N] ");
    session.answer("n\n");
    let said = fits(&session.end().1, "the work folder, findings, a refusal");
    assert!(
        said.contains("\n  cause: The certificate was issued by CN=esync-ssl test"),
        "{said}"
    );
    assert!(said.contains("\n         "), "below its text: {said}");

    let mut session = Session::start(&site, &words(&["enable", "--domain", DOMAIN]), WIDTH);
    session.wait_for("Number [none]: ");
    session.answer("\n");
    let said = fits(&session.end().1, "the choices");
    assert!(
        said.contains("\n  3  files in another form: DER, or a key under a\n     pass-phrase"),
        "{said}"
    );

    for line in [
        &["restore", "no-such-backup"][..],
        &["check"],
        &["verify"],
        &["explain"],
    ] {
        let (_, said) = Session::start(&site, &words(line), WIDTH).end();
        fits(&said, line[0]);
    }
    // As it is where nobody looks.
    let piped = site
        .run(&[
            "enable",
            "--domain",
            DOMAIN,
            "--self-signed",
            "--ocsp-stapling",
            "-n",
        ])
        .run();
    let refused = piped
        .stderr_text()
        .lines()
        .any(|line| line.contains("refused") && line.len() > 100);
    assert!(refused, "{}", piped.report());
}

/// Who was never asked for a yes did not say no.
#[test]
fn an_answer_that_is_missing_is_named_as_what_it_is() {
    const END: &str = "\u{4}";
    let site = Site::new();
    let of = |line: &[&str], asked: &[(&str, &str)]| {
        let mut session = Session::start(&site, &words(line), 200);
        for (question, answer) in asked {
            session.wait_for(question);
            session.answer(answer);
        }
        let (status, said) = session.end();
        assert_eq!(status, Some(13), "{said}");
        assert!(!said.contains("was not yes"), "{said}");
        said.replace('\r', "")
    };
    let (name, number) = (["enable", "--self-signed"], ["enable", "--domain", DOMAIN]);
    let domain = "Domain name or address that clients use: ";
    let place = "Number [none]: ";
    let file = "Certificate file [none]: ";
    for (line, asked, what) in [
        (&name[..], &[(domain, "\n")][..], "name"),
        (&name, &[(domain, END)], "name"),
        (&number, &[(place, "\n")], "certificate"),
        (&number, &[(place, END)], "certificate"),
        (&number, &[(place, "1\n"), (file, "\n")], "certificate"),
        (&number, &[(place, "1\n"), (file, END)], "certificate"),
    ] {
        let said = of(line, asked);
        let words = format!("no {what} was given, and nothing was written");
        assert!(said.contains(&words), "{said}");
        let is_alone =
            |told: &&str| told.contains(&words) && !told.contains(" [none]") && !told.contains("use:");
        assert!(said.lines().any(|told| is_alone(&told)), "{said}");
    }
}

#[test]
fn a_file_is_taken_with_the_quotation_marks_around_it() {
    let site = Site::new();
    let file = |name: &str| text(&site.beside("certificates").join(name));
    for (left, right) in [("'", "'"), ("\"", "\""), ("\u{201c}", "\u{201d}")] {
        let mut session = Session::start(&site, &words(&["enable", "--domain", DOMAIN, "-n"]), 200);
        for (question, answer) in [
            ("Number [none]: ", "1".to_owned()),
            (
                "Certificate file [none]: ",
                format!("{left}{}{right}", file("server.crt")),
            ),
            ("belongs to it]: ", format!("{left}{}{right}", file("server.key"))),
            ("certificates [none]: ", String::new()),
        ] {
            session.wait_for(question);
            session.answer(&format!("{answer}\n"));
        }
        let (status, said) = session.end();
        assert_eq!(status, Some(0), "{said}");
    }
}
