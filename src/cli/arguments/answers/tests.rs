//! Where values come from that were not typed, and that an answer file says the same as a command line.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory;
use proptest::prelude::*;

use super::super::flags::{Kind, long_flags, variable};
use super::super::{Arguments, Line};

fn read(words: &[&str], variables: &[(&str, &str)]) -> Result<Line, String> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let words = ["esync-ssl"].iter().chain(words).map(OsString::from).collect();
    let environment = |name: &str| variables.get(name).map(OsString::from);
    Line::read(words, &environment).map_err(|error| error.error.render().to_string())
}

/// The answer file of a line, without its head.
fn answers(words: &[&str], variables: &[(&str, &str)]) -> String {
    let words = [words, &["--print-answers"]].concat();
    let line = read(&words, variables).unwrap_or_else(|why| panic!("{words:?}: {why}"));
    let text = line.answers.expect("answers");
    text.split_once("schema = 1\n").expect("a head").1.to_owned()
}

fn file(folder: &Path, text: impl AsRef<[u8]>) -> String {
    let path = folder.join("answers.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What a file leads to, or why it is none.
fn from_file(text: impl AsRef<[u8]>, command: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), text);
    let line = read(&[command, &["--print-answers", "--answers", &path]].concat(), &[])?;
    let here = folder.path().to_str().unwrap().to_owned();
    let text = line.answers.expect("answers").replace(&here, "HERE");
    Ok(text.split_once("schema = 1\n").expect("a head").1.to_owned())
}

const ENABLE: [&str; 4] = ["enable", "--domain", "a.example", "--self-signed"];

#[test]
fn every_long_flag_has_a_variable() {
    let mut command = Arguments::command();
    command.build();
    let mut checked = 0;
    let mut below = vec![(Vec::new(), &command)];
    while let Some((path, command)) = below.pop() {
        for inner in command
            .get_subcommands()
            .filter(|inner| inner.get_name() != "help")
        {
            below.push(([&path[..], &[inner.get_name()]].concat(), inner));
        }
        if command.has_subcommands() {
            continue;
        }
        for (flag, arg) in long_flags(command).filter(|(flag, _)| !["answers", "root"].contains(flag)) {
            // What it takes is said when it does not.
            let words: Vec<&str> = path.clone();
            let name = variable(flag);
            let wrong = match Kind::of(arg) {
                Kind::Switch | Kind::Number => "nonsense",
                _ => continue,
            };
            let why = read(&words, &[(&name, wrong)]).err().unwrap_or_default();
            assert!(why.contains(&name), "{path:?} {flag}: {why}");
            checked += 1;
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn typed_beats_the_environment_and_that_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "http = 'keep'\nport = 1\nprofile = 'old'\n[enable]\nport = 2\nocsp-stapling = true\n";
    let path = file(folder.path(), text);
    let words = [&ENABLE[..], &["--answers", &path, "--profile", "modern"]].concat();
    let text = answers(
        &words,
        &[("ESYNC_SSL_HTTP", "off"), ("ESYNC_SSL_OCSP_STAPLING", "no")],
    );
    for (line, is_there) in [
        ("http = 'off'", true),
        ("port = 2", true),
        ("profile = 'modern'", true),
        ("ocsp-stapling", false),
    ] {
        assert_eq!(text.contains(line), is_there, "{line}: {text}");
    }
    let text = answers(&ENABLE, &[("ESYNC_SSL_ANSWERS", &path), ("ESYNC_SSL_PORT", "")]);
    assert!(text.contains("port = 2"), "{text}");
}

#[test]
fn what_was_typed_beats_what_it_excludes() {
    let variables = [
        ("ESYNC_SSL_CERT", "a.crt"),
        ("ESYNC_SSL_KEY", "a.key"),
        ("ESYNC_SSL_CHAIN", "a.pem"),
        ("ESYNC_SSL_YES", "1"),
    ];
    let text = answers(&["enable", "--domain", "a", "--pfx", "/x.pfx", "-n"], &variables);
    assert!(
        !text.contains("cert") && !text.contains("key =") && !text.contains("yes"),
        "{text}"
    );
    assert!(text.contains("dry-run = true"), "{text}");
    let text = answers(&ENABLE, &variables);
    assert!(text.contains("self-signed") && !text.contains("chain"), "{text}");
    // Of one place both are meant, and that is said.
    let both = [&variables[..], &[("ESYNC_SSL_PFX", "x.pfx")]].concat();
    let why = read(&["enable", "--domain", "a"], &both)
        .err()
        .expect("a conflict");
    assert!(
        why.contains("ESYNC_SSL_PFX") && why.contains("cannot be used with"),
        "{why}"
    );
    let text = answers(
        &["restore", "--recover"],
        &[("ESYNC_SSL_MERGE", "yes"), ("ESYNC_SSL_DRY_RUN", "1")],
    );
    assert_eq!(text, "\n[restore]\nrecover = true\n");
    let text = answers(&["status", "-q"], &[("ESYNC_SSL_VERBOSE", "1")]);
    assert_eq!(text, "quiet = true\n");
}

#[test]
fn variables_of_other_commands_do_not_disturb() {
    let variables = [
        ("ESYNC_SSL_PORT", "many"),
        ("ESYNC_SSL_DAYS", "x"),
        ("ESYNC_SSL_HELP", "1"),
    ];
    assert_eq!(answers(&["status"], &variables), "");
    assert_eq!(
        answers(
            &["backups"],
            &[("ESYNC_SSL_VERSION", "1"), ("ESYNC_SSL_DATE", "1")]
        ),
        ""
    );
}

#[test]
fn repeated_flags_and_flags_without_a_value() {
    let text = answers(
        &["enable", "--self-signed"],
        &[
            ("ESYNC_SSL_DOMAIN", "a.example, b.example\nc.example"),
            ("ESYNC_SSL_HSTS", "true"),
            ("ESYNC_SSL_RESTART", "Yes"),
            ("ESYNC_SSL_DEFINE", "A,B"),
            ("ESYNC_SSL_FORCE", "chain-missing"),
            ("ESYNC_SSL_START", "0"),
        ],
    );
    for line in [
        "domain = ['a.example', 'b.example', 'c.example']",
        "define = ['A', 'B']",
        "restart = true",
        "hsts = 63072000",
        "force = ['chain-missing']",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("start = false"), "{text}");
    let text = answers(&["cert", "self-signed"], &[("ESYNC_SSL_DOMAIN", "a,b")]);
    assert_eq!(text, "\n[cert.self-signed]\ndomain = ['a', 'b']\n");
}

#[cfg(unix)]
#[test]
fn the_usual_root_stays_weaker_than_a_main_file() {
    let root = ("ESYNC_SSL_ROOT", "'/srv/a'");
    assert_eq!(answers(&["status"], &[root]), "root = '/srv/a'\n");
    assert_eq!(answers(&["status", "--config", "/b"], &[root]), "config = '/b'\n");
    let both = [root, ("ESYNC_SSL_CONFIG", "/b")];
    assert_eq!(answers(&["status"], &both), "root = '/srv/a'\nconfig = '/b'\n");
    let line = read(&["status"], &[root]).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(line.arguments.global.root, None);
    // The file is weaker than the variable.
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "root = '/srv/b'");
    assert_eq!(
        answers(&["status", "--answers", &path], &[root]),
        "root = '/srv/a'\n"
    );
}

#[cfg(unix)]
#[test]
fn files_as_editors_and_shells_write_them() {
    let text = "\u{feff}# \u{e4}\r\ncert = '\"in/a b.crt\"'\r\nkey = 'a.key'\r\n[check]\r\ndomain = \"a.example\"\r\n";
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let expected = "\n[check]\ndomain = 'a.example'\ncert = 'HERE/in/a b.crt'\nkey = 'HERE/a.key'\n";
    for bytes in [text.as_bytes().to_vec(), utf16, big] {
        assert_eq!(from_file(bytes, &["check"]).unwrap(), expected);
    }
    let dash = from_file(
        "[cert.import]\npassphrase-file = '-'\n",
        &["cert", "import", "a.pfx"],
    );
    assert_eq!(dash.unwrap(), "\n[cert.import]\npassphrase-file = '-'\n");
    let date = from_file("since = 2026-03-02\n", &["explain"]);
    assert_eq!(date.unwrap(), "\n[explain]\nsince = '2026-03-02'\n");
}

#[test]
fn what_a_file_must_not_say_is_told_with_its_line() {
    for (text, line, words) in [
        ("\nprot = 443\n", 2, "Did you mean port?"),
        ("[enable]\ncopy_certs = true\n", 2, "Did you mean copy-certs?"),
        ("[check]\npfx = 'a'\n", 2, "check has no such flag"),
        ("[enabel]\n", 1, "Did you mean [enable]?"),
        ("[cert.instal]\n", 1, "Did you mean [cert.install]?"),
        ("schema = 2\n", 1, "schema = 1 only"),
        ("port = '443'\n", 1, "takes a number"),
        ("port = 0\n", 1, "a number from 1 to 65535"),
        ("yes = 'true'\n", 1, "yes = true or yes = false"),
        ("cert = ['a']\n", 1, "one value"),
        ("domain = 5\n", 1, "text in quotes"),
        ("http = 'of'\n", 1, "possible values: off, keep, redirect"),
        ("[enable]\nport = many\n", 2, "this is not TOML"),
        ("cert = \"C:\\eSync\\server.crt\"\n", 1, "'single quotes'"),
        ("cert = \"C:\\temp\\new.crt\"\n", 1, "'single quotes'"),
        ("answers = 'b.toml'\n", 1, "does not lead to another"),
        ("port = 1\nport = 2\n", 2, "this is not TOML"),
    ] {
        let why = from_file(text, &["status"]).expect_err(text);
        assert!(why.contains(&format!("answers.toml:{line}: ")), "{text}: {why}");
        assert!(why.contains(words), "{text}: {why}");
    }
}

#[test]
fn a_pass_phrase_is_refused_and_not_repeated() {
    for key in [
        "passphrase",
        "pass-phrase",
        "password",
        "pfx_password",
        "PASSWD",
        "secret",
        "pwd",
    ] {
        for text in [
            format!("{key} = 'hunter2'\n"),
            format!("[enable]\n{key} = 'hunter2'\n"),
        ] {
            let why = from_file(&text, &["enable"]).expect_err(key);
            assert!(why.contains("passphrase-file"), "{why}");
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
    let why = from_file("passphrase = 'hunter2\n", &["enable"]).unwrap_err();
    assert!(
        why.contains("answers.toml:1") && !why.contains("hunter2"),
        "{why}"
    );
    let why = from_file("passphrase_file = 'a'\n", &["enable"]).unwrap_err();
    assert!(why.contains("Did you mean passphrase-file?"), "{why}");
}

#[cfg(unix)]
#[test]
fn only_files_that_are_ours_alone_decide() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "port = 1\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let why = read(&["status", "--answers", &path], &[])
        .err()
        .expect("a refusal");
    assert!(why.contains("may be written by everybody"), "{why}");
    for (path, word) in [
        ("/dev/zero", "device"),
        ("/", "folder"),
        ("/nowhere/a.toml", "not exist"),
    ] {
        let why = read(&["status", "--answers", path], &[])
            .err()
            .expect("a refusal");
        assert!(why.contains(word), "{why}");
    }
}

/// Texts that are hard to write down.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[a-z'\"\\\\ \\t=#\u{e4}\u{201c}\u{2013}\\[\\]]{1,12}",
        "[1-9][0-9]{0,4}",
        Just("off".to_owned()),
        Just("old".to_owned()),
        Just("p384".to_owned()),
        Just("2h".to_owned()),
        Just("192.0.2.7:443".to_owned()),
        Just("EDITED-SINCE".to_owned()),
        Just("key-mismatch".to_owned()),
        Just("2.4.7".to_owned()),
        Just("a.conf:12".to_owned()),
        Just("-".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn an_answer_file_says_the_same(
        which in any::<prop::sample::Index>(),
        given in prop::collection::vec((any::<prop::sample::Index>(), text()), 0..6),
    ) {
        let mut command = Arguments::command();
        command.build();
        let mut leaves = Vec::new();
        for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
            if !one.has_subcommands() {
                leaves.push((vec![one.get_name()], one));
            }
            for inner in one.get_subcommands().filter(|inner| inner.get_name() != "help") {
                leaves.push((vec![one.get_name(), inner.get_name()], inner));
            }
        }
        let (path, leaf) = &leaves[which.index(leaves.len())];
        let flags: Vec<_> = long_flags(leaf).filter(|(flag, _)| !flag.contains("answers")).collect();
        let positionals: Vec<&str> = leaf.get_positionals().map(|_| "x").collect();
        let mut words: Vec<String> = path.iter().map(ToString::to_string).collect();
        // What most lines need to be whole.
        words.extend(leaf.get_arguments().filter(|arg| arg.is_required_set()).filter_map(|arg| {
            Some(format!("--{}=a.example", arg.get_long()?))
        }));
        if path[0] == "enable" {
            words.push("--self-signed".into());
        }
        for (flag, value) in &given {
            let (flag, arg) = flags[flag.index(flags.len())];
            words.push(match Kind::of(arg) {
                Kind::Switch => format!("--{flag}"),
                // Whole and in one form, as they are printed.
                Kind::Path if cfg!(windows) => format!("--{flag}=C:\\x\\{}", value.replace(['"', '\t', ' ', '\\'], "")),
                Kind::Path => format!("--{flag}=/x/{}", value.replace('\t', "")),
                _ => format!("--{flag}={value}"),
            });
        }
        let words: Vec<&str> = words.iter().map(String::as_str).chain(positionals.clone()).collect();
        let print = |words: &[&str]| read(&[words, &["--print-answers"]].concat(), &[]);
        let Ok(typed) = print(&words) else { return Ok(()) };
        let text = typed.answers.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let answers = file(folder.path(), text.replace('\n', "\r\n"));
        let again = [&path[..], &["--answers", &answers], &positionals].concat();
        let again = print(&again).map_err(|why| TestCaseError::fail(format!("{text}\n{why}")))?;
        prop_assert_eq!(&again.answers.unwrap(), &text);
        let mut global = again.arguments.global;
        global.answers = None;
        prop_assert_eq!(format!("{global:?}"), format!("{:?}", typed.arguments.global));
        prop_assert_eq!(format!("{:?}", again.arguments.command), format!("{:?}", typed.arguments.command));
    }
}
