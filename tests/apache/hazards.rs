//! What may go wrong when a configuration is edited: 56 known hazards, and for each one how `enable` is tried in it,
//! or why it cannot get there. Layouts run before a real Apache: the result is accepted, every name gets the right
//! site and certificate, and a second run changes nothing.
#![cfg(target_os = "linux")]

use crate::layouts::trial;
use crate::support::apache::Httpd;
use crate::support::files::fixture;
use By::{Layout, Never, Test};

/// How a hazard is covered.
enum By {
    /// By `fixtures/layouts/hazards/hNN.txt`.
    Layout,
    /// By a test or case elsewhere: its file below the repository, and its name.
    Test(&'static str, &'static str),
    /// `enable` does no such thing, and why.
    Never(&'static str),
}

const HAZARDS: [(&str, By); 56] = [
    ("1: a commented LoadModule in a false condition", Layout),
    (
        "2: a commented LoadModule that belongs to the comment above",
        Layout,
    ),
    ("3: a # at the second line of a continued directive", Layout),
    (
        "4: a # at the first line of a continued directive hides all of it",
        Layout,
    ),
    ("5: a directive between the lines of a continued one", Layout),
    ("6: a comment behind a Listen", Layout),
    ("7: a comment behind a ServerAlias", Layout),
    ("8: a comment behind the opening of a section", Layout),
    (
        "9: a comment behind </IfModule>",
        Never("it writes no conditional, opening or closing"),
    ),
    ("10: a > in a comment behind <IfModule>", Layout),
    ("11: a file without a final line end", Layout),
    ("12: a last line that ends in a backslash", Layout),
    ("13: a last line of 206 bytes without a line end", Layout),
    ("14: a virtual host that one of a nearer address hides", Layout),
    ("15: a new virtual host becomes the default", Layout),
    ("16: a wildcard alias before it takes the name", Layout),
    ("17: a Listen that an included file has", Layout),
    ("18: a Listen that overlaps another", Layout),
    ("19: a Listen that a search for text misses", Layout),
    ("20: the first Listen in the text is inactive", Layout),
    ("21: a Listen moves and the virtual host does not", Layout),
    (
        "22: a path that ends in a backslash before a quotation mark",
        Layout,
    ),
    ("23: a path with a backslash without quotes", Layout),
    ("24: a path with blanks or quotation marks", Layout),
    ("25: ${ in a value", Layout),
    ("26: a byte order mark", Test("fixtures/cases/bytes-bom", "bytes")),
    ("27: a lone carriage return", Layout),
    ("28: UTF-16", Test("tests/says/enable.rs", "utf16_is_refused")),
    ("29: a Define after its use", Layout),
    (
        "30: a Define without a value",
        Never("it neither writes nor takes out a Define"),
    ),
    (
        "31: a module before one that it needs",
        Never("the modules that it loads need no other's symbols; what Debian says they need is linked too"),
    ),
    ("32: a second MPM", Never("it loads no MPM")),
    ("33: LoadModule behind the condition that asks for it", Layout),
    (
        "34: mod_macro behind its first use",
        Never("it does not load mod_macro; nor any module that adds directives of reading"),
    ),
    (
        "35: a module goes and its directives stay",
        Never("it takes out no LoadModule"),
    ),
    (
        "36: the opening of a section is commented out alone",
        Never("it comments out Listen only"),
    ),
    ("37: a closing tag in a comment", Layout),
    ("38: the first virtual host in the text is inactive", Layout),
    ("39: SSLEngine at the server level", Layout),
    ("40: a second certificate instead of a new one", Layout),
    ("41: protocols without signs", Layout),
    ("42: backups in a folder that is included", Layout),
    ("43: the order of included files", Layout),
    ("44: an Include relative to the file it stands in", Layout),
    (
        "45: <IfVersion> without a blank",
        Never("it writes no conditional"),
    ),
    ("46: commas between addresses", Layout),
    ("47: a Listen inside a virtual host", Layout),
    ("48: a wildcard as ServerName", Layout),
    ("49: NameVirtualHost", Layout),
    ("50: text in the body of a macro", Layout),
    ("51: a line of prose loses its #", Layout),
    ("52: prose that begins like LoadModule loses its #", Layout),
    ("53: a module that is loaded elsewhere", Layout),
    ("54: a session cache without its module", Layout),
    ("55: a plain virtual host first on the TLS port", Layout),
    ("56: behind a section that is never closed", Layout),
];

fn layout_of(at: usize) -> String {
    format!("hazards/h{:02}", at + 1)
}

#[test]
fn enable_in_each_situation() {
    let Some(httpd) = Httpd::find() else { return };
    let only = std::env::var("ESYNC_SSL_LAYOUT").unwrap_or_default();
    let names: Vec<String> = (0..HAZARDS.len())
        .filter(|at| matches!(HAZARDS[*at].1, Layout))
        .map(layout_of)
        .filter(|name| name.contains(&only))
        .collect();
    trial::carry_out_files(&names, &httpd);
}

#[test]
fn the_table_is_whole() {
    let root = fixture("layouts").join("../..");
    let mut layouts = 0;
    for (at, (about, by)) in HAZARDS.iter().enumerate() {
        assert!(about.starts_with(&format!("{}: ", at + 1)), "{about}");
        match by {
            Layout => {
                layouts += 1;
                let path = fixture("layouts").join(format!("{}.txt", layout_of(at)));
                assert!(path.is_file(), "{about}: {}", path.display());
            }
            Test(place, name) => {
                let place = root.join(place);
                let text = std::fs::read_to_string(&place).unwrap_or_default();
                let there = place.is_dir() || text.contains(&format!("fn {name}("));
                assert!(there, "{about}: {name} in {}", place.display());
            }
            Never(reason) => assert!(!reason.is_empty()),
        }
    }
    let files = std::fs::read_dir(fixture("layouts").join("hazards")).expect("hazards");
    assert_eq!(files.count(), layouts, "each layout is in the table");
}
