//! What holds for every input, tried on generated ones: reading is lossless, planning touches nothing beside what it
//! announces, and a plan carried out leaves nothing to plan. Whether Apache accepts results, other tests ask.

use std::path::Path;

use crate::generated::{DOMAIN, Generated, config, generated, given, request, told_as_on_disk, wish};
use crate::support::files;
use esync_ssl::change::{Plan, PlanError, Request};
use esync_ssl::httpd::{Configuration, Document, Facts, Platform, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use similar::{ChangeTag, TextDiff};

/// Arbitrary bytes, with many of those that mean something to Apache.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "\n",
        "\r\n",
        "\r",
        "\\",
        "\\\n",
        "\\\r\n",
        "#",
        "\"",
        "'",
        "${",
        "}",
        "${A}",
        "<",
        ">",
        "</",
        "/>",
        " ",
        "\t",
        "\0",
        "\u{feff}",
        "%",
        "*:443",
        "80",
        "Listen ",
        "Define A x\n",
        "Include ",
        "conf/*.conf",
        "conf/httpd.conf",
        "LoadModule ssl_module modules/mod_ssl.so",
        "<VirtualHost *:443>",
        "</VirtualHost>",
        "<IfModule ",
        "!ssl_module>",
        "</IfModule>",
        "<IfDefine A>",
        "</IfDefine>",
        "ServerName ",
        "SSLEngine on",
        "Use M a b",
        "<Macro M $a ${b}>",
        "</Macro>",
        "<If \"%{A} == 1\">",
        "<IfVersion >= 2.4>",
        "ServerRoot ",
        "UnDefine A",
    ];
    let piece = prop_oneof![
        4 => proptest::sample::select(PIECES).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn reading_is_lossless(input in bytes(), windows in any::<bool>()) {
        let platform = if windows { Platform::Windows } else { Platform::Unix };
        let document = Document::new(input.clone(), platform);
        prop_assert_eq!(document.bytes(), &input[..]);
        let mark = if windows && input.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut joined = input[..mark].to_vec();
        for line in 0..document.lines().len() {
            prop_assert!(!document.raw(line).is_empty(), "line {} is nothing", line);
            joined.extend_from_slice(document.raw(line));
            // Views of a line hold for every line.
            document.text(line);
            document.commented(line);
            document.word_spans(line);
            document.separator_after(line);
        }
        prop_assert_eq!(joined, input, "the lines do not make up the file");
    }

    #[test]
    fn evaluating_never_panics(input in bytes(), included in bytes()) {
        let tree = Generated { main: input, extra: included };
        let root = tree.write();
        let (main, source, facts) = given(root.path());
        let configuration = Configuration::read(&main, source.clone(), facts.clone()).expect("a main file that exists");
        configuration.listens();
        configuration.virtual_hosts();
        configuration.load_modules();
        // Whatever the answer is, it must come.
        let _ = Plan::enable(&configuration, &request(None, 443));
    }
}

proptest! {
    #![proptest_config(config(384))]

    #[test]
    fn enable_changes_what_it_says_and_twice_equals_once(
        tree in generated(),
        request in wish(DOMAIN),
        certain in any::<bool>(),
    ) {
        let root = tree.write();
        let (main, source, mut facts) = given(root.path());
        facts.built_in_is_certain = certain;
        let plan = match enable((main.clone(), source.clone(), facts.clone()), &request) {
            Ok(plan) => plan,
            Err(PlanError::Refused(refusal)) => return told_as_on_disk(&refusal, &request),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        for file in &plan.files {
            let on_disk = std::fs::read(&file.path).expect("a file of the tree");
            prop_assert_eq!(&*file.before, &on_disk);
            prop_assert_ne!(&file.before, &file.after);
            announced(&plan, &file.path, &file.before, &file.after)?;
        }
        if request.site.is_some() {
            // The lines have moved: the place may be another virtual host's now.
            return Ok(());
        }
        for file in &plan.files {
            files::write(&file.path, &**file.after);
        }
        let again = enable((main.clone(), source.clone(), facts.clone()), &request);
        let again = again.map_err(|error| TestCaseError::fail(format!("the second time: {error}")))?;
        prop_assert!(again.is_empty(), "the second time there is more to change: {:?}", again.changes);
    }
}

/// Every line that goes is in the `before` of a change of that file, every line that comes in an `after`; so all other
/// bytes are unchanged.
fn announced(plan: &Plan, path: &Path, before: &[u8], after: &[u8]) -> Result<(), TestCaseError> {
    fn lines(bytes: &[u8]) -> Vec<&[u8]> {
        bytes.split_inclusive(|&b| b == b'\n').collect()
    }
    let changes = || plan.changes.iter().filter(|change| change.file == path);
    let (old, new) = (lines(before), lines(after));
    let diff = TextDiff::from_slices(&old, &new);
    let mut come: Vec<&[u8]> = Vec::new();
    let mut gone: Vec<&[u8]> = Vec::new();
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => come.push(change.value()),
            ChangeTag::Delete => gone.push(change.value()),
            ChangeTag::Equal => {}
        }
    }
    for line in come.iter().filter(|line| !line.trim_ascii().is_empty()) {
        let said = changes().any(|change| {
            lines(&change.after)
                .iter()
                .any(|l| l.trim_ascii() == line.trim_ascii())
        });
        // The last line may get the line ending that it had not.
        let ended = old
            .last()
            .is_some_and(|last| !last.ends_with(b"\n") && line.starts_with(last));
        prop_assert!(
            said || ended,
            "comes unannounced: {}\n{:#?}",
            line.escape_ascii(),
            plan.changes
        );
    }
    for line in gone {
        let said = changes().any(|change| {
            lines(&change.before)
                .iter()
                .any(|l| l.trim_ascii() == line.trim_ascii())
        });
        let ended = old.last() == Some(&line) && come.iter().any(|new| new.starts_with(line));
        prop_assert!(
            said || ended,
            "goes unannounced: {}\n{:#?}",
            line.escape_ascii(),
            plan.changes
        );
    }
    Ok(())
}

/// Plans on what is on the disk now.
fn enable((main, source, facts): (Vec<u8>, Source, Facts), request: &Request) -> Result<Plan, PlanError> {
    let configuration = Configuration::read(&main, source, facts).expect("a main file that can be read");
    Plan::enable(&configuration, request)
}
