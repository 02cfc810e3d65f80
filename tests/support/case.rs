//! The case directories under `fixtures/cases`: what is in them, and setting one up in a temporary folder.
//! It does not run anything.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::certificates::Authority;
use super::files::{self, copy_tree, fixture};

/// One case directory.
pub struct Case {
    /// The name of the directory.
    pub name: String,
    /// What its `case.toml` says.
    pub said: Said,
}

/// The contents of a `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What the case shows, in one sentence.
    pub about: String,
    /// A tree under `fixtures/` to start from, instead of the folder `in` of the case.
    pub tree: Option<String>,
    /// Where the server root is put below the temporary folder; `Apache24` if absent.
    pub folder: Option<String>,
    /// The arguments, where `{root}` stands for the path of the server root.
    pub args: Vec<String>,
    /// The exit status, of the dry run as well unless that has its own.
    pub status: i32,
    /// The exit status of the dry run, where it differs.
    pub dry_run_status: Option<i32>,
    /// `unix` or `windows` when the case only makes sense there.
    pub platform: Option<String>,
    /// False when Apache itself would not take the tree.
    #[serde(default = "yes")]
    pub apache: bool,
}

fn yes() -> bool {
    true
}

/// A case in its temporary folder, which goes when this goes.
pub struct SetUp {
    /// The temporary folder; the server root is somewhere below, and nothing else is there.
    pub folder: tempfile::TempDir,
    /// The server root.
    pub root: PathBuf,
    /// The arguments with `{root}` filled in.
    pub args: Vec<String>,
}

impl Case {
    /// All cases, by name.
    pub fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        for entry in fs::read_dir(fixture("cases")).expect("fixtures/cases") {
            let entry = entry.expect("a case directory");
            let file = entry.path().join("case.toml");
            let text =
                fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let said: Said =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let name = entry.file_name().to_str().expect("a printable name").to_owned();
            assert!(
                matches!(said.platform.as_deref(), None | Some("unix" | "windows")),
                "{name}: unknown platform"
            );
            cases.push(Case { name, said });
        }
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        cases
    }

    /// The directory of the case.
    pub fn path(&self) -> PathBuf {
        fixture("cases").join(&self.name)
    }

    /// Whether the case is for the platform that this test runs on.
    pub fn is_for_this_platform(&self) -> bool {
        self.said
            .platform
            .as_deref()
            .is_none_or(|platform| platform == std::env::consts::FAMILY)
    }

    /// Copies the tree to a temporary folder, and makes there what git cannot keep or must not hold: empty
    /// folders and certificates, the latter in `conf/ssl` when the case speaks of them.
    pub fn set_up(&self) -> SetUp {
        let folder = files::folder();
        let root = folder
            .path()
            .join(self.said.folder.as_deref().unwrap_or("Apache24"));
        let tree = match &self.said.tree {
            Some(tree) => fixture(tree),
            None => self.path().join("in"),
        };
        copy_tree(&tree, &root);
        // A placeholder, which Windows would be asked to start: a binary that does not answer is refused.
        if cfg!(windows) && root.join("bin/httpd.exe").exists() {
            fs::remove_file(root.join("bin/httpd.exe")).expect("the placeholder goes");
        }
        for needed in ["logs", "htdocs"] {
            fs::create_dir_all(root.join(needed)).expect("a folder of the server root");
        }
        if self.speaks_of_certificates(&root) {
            Authority::write_server(&root.join("conf/ssl"), &self.domain());
        }
        let spelled = root.to_str().expect("a printable path");
        let args = self
            .said
            .args
            .iter()
            .map(|argument| argument.replace("{root}", spelled))
            .collect();
        SetUp { folder, root, args }
    }

    fn speaks_of_certificates(&self, root: &Path) -> bool {
        let in_arguments = self
            .said
            .args
            .iter()
            .any(|argument| argument.contains("{root}/conf/ssl/"));
        in_arguments || fs::read(root.join("conf/httpd.conf")).is_ok_and(|text| contains(&text, b"conf/ssl/"))
    }

    /// The domain of the arguments as an A-label, or one that is good where theirs is not meant to be.
    fn domain(&self) -> String {
        let mut arguments = self.said.args.iter();
        let given = arguments
            .find(|argument| *argument == "--domain")
            .and_then(|_| arguments.next());
        given
            .and_then(|domain| idna::domain_to_ascii_strict(domain).ok())
            .filter(|domain| !domain.is_empty())
            .unwrap_or_else(|| "esync.example.com".to_owned())
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}
