//! The command line as scripts see it.

use crate::support;
use crate::support::program::esync_ssl;

#[test]
fn version_is_printed() {
    let outcome = esync_ssl().arg("--version").run().expect_code(0);
    assert_eq!(
        outcome.stdout_text().trim_end(),
        concat!("esync-ssl ", env!("CARGO_PKG_VERSION"))
    );
    assert!(outcome.stderr.is_empty(), "{}", outcome.report());
}

/// What follows the name of the program where it is the subject of a sentence.
const PROSE: [&str; 8] = ["is", "was", "has", "did", "made", "does", "already", "from"];

/// Advice names commands in many texts; each of them must be one.
#[test]
fn commands_that_are_advised_exist() {
    let commands = |words: &[&str]| -> Vec<String> {
        let help = esync_ssl()
            .args(words)
            .arg("--help")
            .run()
            .expect_code(0)
            .stdout_text();
        let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        list.take_while(|line| !line.is_empty())
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .collect()
    };
    let (all, of_cert) = (commands(&[]), commands(&["cert"]));
    assert!(all.len() > 10 && of_cert.len() > 4, "{all:?} {of_cert:?}");
    let mut folders = vec![support::program::native(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut wrong = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            // A backslash at the end of a line joins it with the next one.
            let lines: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            let text = lines.concat();
            for after in text.split("esync-ssl ").skip(1) {
                let is_word = |c: char| c.is_ascii_lowercase() || c == '-';
                let word = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
                let first = word(after);
                let second = after
                    .strip_prefix("cert ")
                    .map(word)
                    .filter(|word| !word.is_empty() && !word.starts_with('-'));
                let is_known = first.is_empty()
                    || first.starts_with('-')
                    || PROSE.contains(&first.as_str())
                    || all.contains(&first) && second.as_ref().is_none_or(|word| of_cert.contains(word));
                if !is_known {
                    wrong.push(format!(
                        "{}: {first} {}",
                        path.display(),
                        second.unwrap_or_default()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_main_file_that_is_none_is_said_to_be_none() {
    let folder = support::files::folder();
    for (bytes, words) in [
        (&b"hello world\n"[..], "Invalid command 'hello'"),
        (
            b"\x7fELF\x02\x01\x01\0\0\n\0\0\n",
            "is no configuration of Apache",
        ),
        (b"", "no listening sockets available"),
        (b"# nothing\n", "no listening sockets available"),
        (b"\xff\xfeL\0i\0s\0t\0e\0n\0 \0x\0\n\0", "UTF-16"),
    ] {
        support::files::write(&folder.path().join("conf/httpd.conf"), bytes);
        for command in [
            &["status"][..],
            &["dump"],
            &["enable", "-n", "--self-signed", "--domain", "a.example"],
        ] {
            let outcome = esync_ssl().args(command).arg("--root").arg(folder.path()).run();
            let outcome = outcome.expect_code(4);
            assert!(outcome.stderr_text().contains(words), "{}", outcome.report());
        }
    }
}
