//! Expressions of `<If>` made at random, judged by the real Apache and by us. Names of functions and variables that it does
//! not know, and patterns that do not compile, are not ours to judge.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use esync_ssl::httpd::{Configuration, Facts, Source, word};
use esync_ssl::lint::errors;

use super::random::Random;
use super::{PLATFORM, THREADS, setting};
use crate::support;
use crate::support::apache::Httpd;
use crate::support::files::forward;

const SOUND: [&str; 10] = [
    "true",
    "false",
    "%{HTTP_HOST} == 'a'",
    "%{REQUEST_URI} =~ /x/i",
    "-f '/a'",
    "not true",
    "5 -gt -4",
    "'a' -in {'a', \"b\"}",
    "tolower('A' . $1) = 'a%{req:X}'",
    "'a' -strmatch 'b*'",
];
const JOINTS: [&str; 7] = [" && ", " || ", " and ", "||", " or", " ", ""];
const PARTS: [&str; 62] = [
    "%{",
    "}",
    "'",
    "\"",
    "==",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "=~",
    "!~",
    "-eq",
    "lt",
    "in",
    "-in",
    "and",
    "or",
    "not",
    "!",
    "&",
    "|",
    ".",
    "(",
    ")",
    "{",
    ",",
    ":",
    "-f",
    "-n",
    "-strmatch",
    "tolower(",
    "tolower",
    "5",
    "-5",
    "5a",
    "$1",
    "$x",
    "/x/",
    "m#y#",
    "m_z_",
    "m_",
    "mx",
    "/",
    "\\",
    "'\\101'",
    "'\\8'",
    "'\\400'",
    "'\\1234'",
    "%{tolower:x}",
    "%{tolower:}",
    "%{tolower:\"a\"}",
    "_",
    "-_x",
    "-",
    "\t",
    "#",
    "@",
    "1.2",
    "truefalse",
    " ",
];

fn expression(random: &mut Random) -> String {
    if random.percent(30) {
        let number = 1 + random.below(7);
        return (0..number).map(|_| random.of(&PARTS)).collect();
    }
    let mut text = random.of(&SOUND).to_string();
    for _ in 0..random.below(4) {
        text += random.of(&JOINTS);
        text += random.of(&SOUND);
    }
    for _ in 0..random.below(3) {
        let at = random.below(text.len() + 1);
        if random.percent(50) {
            text.insert_str(at, random.of(&PARTS));
        } else {
            let end = (at + 1 + random.below(3)).min(text.len());
            text.replace_range(at..end, "");
        }
    }
    text
}

#[test]
fn expressions_parse_as_apache_parses_them() {
    let Some(httpd) = Httpd::find() else { return };
    let cases = setting("ESYNC_SSL_TEST_EXPRESSIONS", if cfg!(windows) { 40 } else { 400 });
    let first = setting("ESYNC_SSL_TEST_SEED", std::process::id().into());
    println!("ESYNC_SSL_TEST_SEED={first} ESYNC_SSL_TEST_EXPRESSIONS={cases}");
    let modules = httpd.load(&["mpm_event", "authz_core"]);
    let (next, accepted) = (AtomicU64::new(0), AtomicUsize::new(0));
    let different: Mutex<Vec<String>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let folder = support::files::folder();
                let root = folder.path();
                let main = root.join("main.conf");
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= cases {
                        return;
                    }
                    let expression = expression(&mut Random::new(first + number));
                    // Neither stands in a word as it is: a control character, and what would be a variable of the
                    // configuration.
                    let expression = expression.replace('\t', " ").replace("${", "$");
                    let quoted = word::quote_path(expression.as_bytes());
                    let quoted = String::from_utf8(quoted.expect("a word")).expect("text");
                    let text = format!(
                        "{modules}\nListen 127.0.0.1:1\nErrorLog error.log\nServerName a.test\n<If {quoted}>\n</If>\n"
                    );
                    fs::write(&main, &text).expect("a file");
                    let outcome = httpd.ask(root, &main).syntax();
                    let said = outcome.stderr_text();
                    let beyond = ["does not exist", "Failed to compile", "requires subnet"];
                    let names = beyond.iter().any(|what| said.contains(what));
                    let beyond = names && !said.contains("syntax error");
                    if beyond {
                        continue;
                    }
                    let theirs = outcome.code == Some(0);
                    accepted.fetch_add(usize::from(theirs), Ordering::Relaxed);
                    let source = Source::new(root.to_owned(), PLATFORM);
                    let name = forward(&main);
                    let facts = Facts::assumed(PLATFORM);
                    let ours = Configuration::from_bytes(name.as_bytes(), text.into_bytes(), source, facts);
                    let refusal = errors(&ours).into_iter().next();
                    let words = refusal.as_ref().and_then(|refusal| refusal.apache.as_deref());
                    let words = words.and_then(|apache| apache.split_once("clause: "));
                    let alike = names || words.is_none_or(|(_, words)| said.contains(words));
                    if theirs != refusal.is_none() || !alike {
                        let ours = refusal.map_or("we take it".to_string(), |problem| problem.summary);
                        let mut different = different.lock().expect("no panic in a thread");
                        different.push(format!("{expression:?} (seed {}): {said} {ours}", first + number));
                    }
                }
            });
        }
    });
    println!("{accepted:?} of {cases} are sound");
    let different = different.into_inner().expect("no panic in a thread");
    assert!(different.is_empty(), "{}", different.join("\n"));
}
