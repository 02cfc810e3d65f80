//! A server root written as one text, which certificate authorities ask. Setting one up in a folder; it runs nothing.
//!
//! ```text
//! about: what it shows
//! modules: alias rewrite
//! --- conf/httpd.conf
//! {start}
//! <VirtualHost *:80>
//! ```
//!
//! Settings before the files: `names` (those that authorities ask for; without it `a.test`); `named: yes` (nothing that we
//! may write helps, and the lines that `{here}` stands behind are named); `has: TEXT` and `lacks: TEXT` (what the files have
//! afterwards, and before they did not; or do not have); `listen: ADDRESS`; `crlf: yes`; `unended: yes` (the main file ends without a line
//! end); `root: NAME` (of the folder).

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::support::apache::Httpd;
use crate::support::files;

/// The text, taken apart.
#[derive(Debug, Default)]
pub struct Site {
    pub names: Vec<String>,
    pub is_named: bool,
    pub has: Vec<String>,
    pub lacks: Vec<String>,
    pub listen: Option<String>,
    modules: Vec<String>,
    is_crlf: bool,
    is_unended: bool,
    root: Option<String>,
    files: Vec<(String, String)>,
}

/// One on disk, which goes when this goes.
pub struct SetUp {
    pub root: PathBuf,
    pub main: PathBuf,
    /// `FILE:LINE` of what is to be named.
    pub here: Vec<String>,
    pub has: Vec<String>,
    pub lacks: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Site {
    pub fn parse(name: &str, text: &str) -> Site {
        let mut site = Site { ..Site::default() };
        let mut parts = text.split("--- ");
        for line in parts.next().unwrap_or_default().lines() {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
            match line.split_once(": ") {
                Some(("about", _)) => {}
                Some(("modules", text)) => site.modules = words(text),
                Some(("names", text)) => site.names = words(text),
                Some(("named", _)) => site.is_named = true,
                Some(("has", text)) => site.has.push(text.replace("\\n", "\n").replace("\\t", "\t")),
                Some(("lacks", text)) => site.lacks.push(text.replace("\\n", "\n")),
                Some(("listen", text)) => site.listen = Some(text.to_owned()),
                Some(("crlf", _)) => site.is_crlf = true,
                Some(("unended", _)) => site.is_unended = true,
                Some(("root", text)) => site.root = Some(text.to_owned()),
                _ => panic!("{name}: {line:?} is no setting of a site"),
            }
        }
        if site.names.is_empty() {
            site.names = vec!["a.test".to_owned()];
        }
        for part in parts {
            let (path, body) = part.split_once('\n').unwrap_or((part, ""));
            site.files.push((path.to_owned(), body.to_owned()));
        }
        site
    }

    /// Writes it into a folder.
    pub fn set_up(&self, httpd: &Httpd) -> SetUp {
        let folder = files::folder();
        let root = folder.path().join(self.root.as_deref().unwrap_or("server"));
        let modules: Vec<&str> = ["mpm_event", "unixd"]
            .into_iter()
            .chain(self.modules.iter().map(String::as_str))
            .collect();
        let has = |module: &str| modules.contains(&module);
        let closed = match has("authz_core") {
            true => format!(
                "\n<Directory />\n    AllowOverride None\n    Require all denied\n</Directory>\n<Directory \
                 \"{}/sites\">\n    Require all granted\n</Directory>",
                root.display()
            ),
            false => String::new(),
        };
        let start = format!(
            "ServerRoot \"{root}\"\n{loaded}User www-data\nGroup www-data\nListen {listen}\nServerName main.test\nDocumentRoot \"{root}/sites/main\"{closed}",
            root = root.display(),
            loaded = httpd.load(&modules),
            listen = self.listen.as_deref().unwrap_or("80"),
        );
        let fill = |text: &str| {
            text.replace("{start}", &start)
                .replace("{root}", &root.display().to_string())
        };
        let mut here = Vec::new();
        for (path, text) in &self.files {
            let full = root.join(path);
            let mut text = fill(text);
            for (number, _) in (1..)
                .zip(text.lines())
                .filter(|(_, line)| line.ends_with("{here}"))
            {
                here.push(format!("{path}:{number}"));
            }
            text = text.replace(" {here}", "");
            if self.is_crlf {
                text = text.replace('\n', "\r\n");
            }
            if self.is_unended {
                text = text.trim_end().to_owned();
            }
            files::write(&full, text);
        }
        for name in ["main", "a", "b", "c", "other", "known", "a.test"] {
            let site = root.join("sites").join(name);
            for page in [
                "index.html",
                "page",
                "x/index.html",
                ".hidden",
                ".well-known/other",
            ] {
                files::write(&site.join(page), format!("{page} of {name}"));
            }
        }
        files::write(&root.join("conf/users"), "");
        fs::create_dir_all(root.join("logs")).expect("a folder for logs");
        fs::create_dir_all(root.join("conf/esync-ssl-acme/answers")).expect("a folder for answers");
        SetUp {
            main: root.join("conf/httpd.conf"),
            here,
            has: self.has.iter().map(|text| fill(text)).collect(),
            lacks: self.lacks.iter().map(|text| fill(text)).collect(),
            root,
            _folder: folder,
        }
    }
}

impl SetUp {
    /// A server root that is there.
    pub fn of(root: PathBuf, folder: tempfile::TempDir) -> SetUp {
        SetUp {
            main: root.join("conf/httpd.conf"),
            here: Vec::new(),
            has: Vec::new(),
            lacks: Vec::new(),
            root,
            _folder: folder,
        }
    }

    /// Every file of the configuration, with its bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut all = files::snapshot(&self.root.join("conf"));
        all.retain(|name, _| self.root.join("conf").join(name).is_file());
        all
    }
}
