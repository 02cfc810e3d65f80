//! A server root written as one text: a few settings, then the files. Setting one up in a folder; it runs nothing.
//!
//! ```text
//! about: what it shows
//! args: --domain a.test --http redirect
//! --- conf/httpd.conf
//! {start}
//! Listen {http}
//! ```
//!
//! `--- PATH -> TARGET` is a symbolic link. Placeholders: `{start}` (ServerRoot and the modules that every server
//! here has), `{ssl}` (mod_ssl's LoadModule line), `{root}`, `{modules}`, `{httpd}` (the binary), `{http}`, `{https}`, `{other}` (ports),
//! `{old}` (certificate and key lines of a virtual host that has TLS already), `{cr}` (a carriage return), `{latin1}`
//! (a byte that is no UTF-8), `{end}` (the file ends here, without a line end). Each folder `sites/NAME` that the
//! text mentions is made, with a page that says NAME.
//!
//! Settings before the files: `about`, `args`; `refused: TEXT` (the command refuses and says this); `page: NAME` (the
//! names that were wanted show this page over HTTPS); `paths: PATH...` (what is asked for besides the page);
//! `modes: MODE...` (it is carried out with each of them as `--http`); `wakes: NAME` (afterwards it starts with that
//! flag, too, and is served as without it); `shows: TEXT` and
//! `lacks: TEXT` (some configuration file has that text afterwards, or none has); `told: TEXT`, `told first: TEXT` and
//! `untold: TEXT` (both runs tell that, the first one does, or neither); `otherwise: PATH...` (HTTPS answers differently below
//! these, as is told) and `unless: PATH` (it may, if that is told); `same: PATH` (that file stays as it
//! is); `starts: no` (Apache does not start with the layout as it is, and does with HTTPS); `certificates: FOLDER` (where the new certificate is, below the server root).

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::support::apache::Httpd;
use crate::support::certificates::{Authority, Leaf};
use crate::support::files::{self, forward};
use crate::support::network::Network;

/// The text of a layout, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    pub name: String,
    pub args: Vec<String>,
    /// The command refuses, and says this.
    pub refused: Option<String>,
    /// What the names that were wanted show over HTTPS.
    pub page: Option<String>,
    /// What is asked for besides the page.
    pub paths: Vec<String>,
    /// The values of `--http` that it is carried out with; none: as the arguments are.
    pub modes: Vec<String>,
    /// A flag that it starts with, too, afterwards.
    pub wakes: Option<String>,
    /// Texts that some configuration file has afterwards.
    pub shows: Vec<String>,
    /// Texts that none has.
    pub lacks: Vec<String>,
    /// Files that are not to change.
    pub same: Vec<String>,
    /// What is told by both runs.
    pub told: Vec<String>,
    /// What is told by the first one.
    pub told_first: Vec<String>,
    /// What is told by neither.
    pub untold: Vec<String>,
    /// Paths below which HTTPS answers otherwise, as is told.
    pub otherwise: Vec<String>,
    /// One that HTTPS answers otherwise only if it is told.
    pub unless: Option<String>,
    /// Apache does not start with it as it is.
    pub never_starts: bool,
    certificates: Option<String>,
    files: Vec<(String, String)>,
    links: Vec<(String, String)>,
}

impl Layout {
    pub fn parse(name: &str, text: &str) -> Self {
        let mut layout = Layout {
            name: name.to_owned(),
            ..Layout::default()
        };
        let mut parts = text.split("\n--- ");
        for line in parts.next().unwrap_or_default().lines() {
            match line.split_once(": ") {
                Some(("about", _)) => {}
                Some(("args", args)) => layout.args = words(args),
                Some(("refused", text)) => layout.refused = Some(text.to_owned()),
                Some(("paths", paths)) => layout.paths.extend(words(paths)),
                Some(("modes", modes)) => layout.modes.extend(words(modes)),
                Some(("wakes", flag)) => layout.wakes = Some(flag.to_owned()),
                Some(("page", name)) => layout.page = Some(name.to_owned()),
                Some(("shows", text)) => layout.shows.push(text.to_owned()),
                Some(("lacks", text)) => layout.lacks.push(text.to_owned()),
                Some(("told first", text)) => layout.told_first.push(text.to_owned()),
                Some(("same", path)) => layout.same.push(path.to_owned()),
                Some(("told", text)) => layout.told.push(text.to_owned()),
                Some(("untold", text)) => layout.untold.push(text.to_owned()),
                Some(("otherwise", paths)) => layout.otherwise.extend(words(paths)),
                Some(("unless", path)) => layout.unless = Some(path.to_owned()),
                Some(("starts", word)) => layout.never_starts = word == "no",
                Some(("certificates", folder)) => layout.certificates = Some(folder.to_owned()),
                _ => panic!("{name}: {line:?} is no setting of a layout"),
            }
        }
        for part in parts {
            let (head, body) = part.split_once('\n').unwrap_or((part, ""));
            match head.split_once(" -> ") {
                Some((path, target)) => layout.links.push((path.to_owned(), target.to_owned())),
                None => layout.files.push((head.to_owned(), format!("{body}\n"))),
            }
        }
        layout
    }

    /// The same with another `--http`.
    pub fn in_mode(&self, mode: &str) -> Self {
        let mut layout = self.clone();
        layout.name = format!("{} --http {mode}", self.name);
        layout.args.extend(["--http".to_owned(), mode.to_owned()]);
        layout
    }

    /// Can it be carried out on this system? Nobody has the links of Debian or accounts for child processes on Windows, and
    /// wine lets a socket have addresses of other machines; the Apache there has no mod_http2.
    pub fn is_of_system(&self) -> bool {
        const UNIX: [&str; 5] = ["\nUser ", "\nGroup ", "[2001:db8:", "Listen 192.0.2.", "http2"];
        let texts = self.files.iter();
        let mut texts = texts.map(|(_, text)| format!("\n{text}"));
        cfg!(unix)
            || self.links.is_empty()
                && !self.args.iter().any(|word| word == "--http2")
                && !texts.any(|text| UNIX.iter().any(|word| text.contains(word)))
    }

    /// The value of an option, each time it is given.
    pub fn options(&self, name: &str) -> Vec<&str> {
        let pairs = self.args.windows(2).filter(|pair| pair[0] == name);
        pairs.map(|pair| pair[1].as_str()).collect()
    }

    /// The names that are to be served.
    pub fn wanted(&self) -> Vec<String> {
        let names = self
            .options("--domain")
            .into_iter()
            .chain(self.options("--alias"));
        // An IPv6 address may be written in several ways.
        let one_form = |name: &str| match name.trim_matches(['[', ']']).parse::<std::net::Ipv6Addr>() {
            Ok(address) => address.to_string(),
            Err(_) => name.to_owned(),
        };
        names.map(one_form).collect()
    }

    /// Every name that the configuration mentions, those wanted, and one that nobody has.
    pub fn names(&self) -> Vec<String> {
        let names = Regex::new(r"(?mi)^\s*Server(?:Name|Alias)\s+(.*)$").expect("a pattern");
        let mut all: Vec<String> = self.wanted();
        all.extend(["unknown.test".to_owned(), "127.0.0.1".to_owned()]);
        for (_, text) in &self.files {
            for found in names.captures_iter(text) {
                for name in found[1].split_whitespace() {
                    let mut name = name.trim_matches('"');
                    if name.parse::<std::net::Ipv6Addr>().is_err() {
                        name = name.split(':').next().unwrap_or_default();
                    }
                    all.push(name.replace('*', "some"));
                }
            }
        }
        all.retain(|name| rustls::pki_types::ServerName::try_from(name.clone()).is_ok());
        all.sort();
        all.dedup();
        all
    }

    /// The pages of the virtual hosts that have the name, by an alias with wildcards as well, whether anybody reaches
    /// them or not.
    pub fn pages_of(&self, name: &str) -> Vec<String> {
        self.pages(|pattern| is_like(name, pattern))
    }

    /// The pages of the virtual hosts that have the name without wildcards.
    pub fn own_pages_of(&self, name: &str) -> Vec<String> {
        self.pages(|own| own.eq_ignore_ascii_case(name))
    }

    /// Does a virtual host show each name a folder of its own?
    pub fn is_by_folder(&self) -> bool {
        self.files
            .iter()
            .any(|(_, text)| text.contains("VirtualDocumentRoot"))
    }

    fn pages(&self, fits: impl Fn(&str) -> bool) -> Vec<String> {
        let page = Regex::new(r"sites/([a-z0-9-]+)|common([0-9])\.inc").expect("a pattern");
        // The parameter of a macro has its value behind the virtual host.
        let variable = Regex::new(r"(?m)^\s*(?:Define SITE|Use Site[0-9]) (\S+)").expect("a pattern");
        let names = Regex::new(r"(?mi)^\s*Server(?:Name|Alias)\s+(.*)$").expect("a pattern");
        let texts = self.files.iter().map(|(_, text)| text.replace("\\\n", ""));
        let blocks: Vec<String> = texts
            .flat_map(|text| {
                let blocks = text.split("<VirtualHost ");
                let resolved = blocks.map(|block| match variable.captures(block) {
                    Some(found) => block.replace("${SITE}", &found[1]).replace("$name", &found[1]),
                    None => block.to_owned(),
                });
                resolved.collect::<Vec<String>>()
            })
            .collect();
        blocks
            .iter()
            .filter(|block| {
                let mut own = names
                    .captures_iter(block)
                    .flat_map(|found| found.extract::<1>().1[0].split_whitespace());
                own.any(&fits)
            })
            .flat_map(|block| page.captures_iter(block))
            .map(|found| match (found.get(1), found.get(2)) {
                (Some(page), _) => page.as_str().to_owned(),
                (_, Some(number)) => format!("s{}", number.as_str()),
                _ => String::new(),
            })
            .collect()
    }

    /// Writes it into a folder.
    pub fn set_up(&self, httpd: &Httpd, network: &Network) -> SetUp {
        let folder = files::folder();
        let root = folder.path().join("server");
        let authority = Authority::new(&root.join("tls"));
        let wanted = self.wanted();
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let new = match &self.certificates {
            Some(folder) => Authority::new(&root.join(folder)).leaf("new", &names),
            None => authority.leaf("new", &names),
        };
        let old = authority.leaf("old", &["old.test"]);
        let other = network.another();
        let start = format!(
            "ServerRoot \"{root}\"\n{loaded}DirectoryIndex index.html\n<Directory \"{root}/sites\">\n    Require all \
             granted\n</Directory>\nDocumentRoot \"{root}/sites/main\"\nErrorLog \"{root}/logs/error.log\"",
            root = forward(&root),
            loaded = httpd.load(&["mpm_event", "authz_core", "dir", "unixd", "version"]),
        );
        let fill = |text: &str| {
            text.replace("{start}", &start)
                .replace(
                    "{old}",
                    &format!(
                        "SSLCertificateFile \"{}\"\n    SSLCertificateKeyFile \"{}\"",
                        forward(&old.certificate),
                        forward(&old.key)
                    ),
                )
                .replace("{ssl}", httpd.load(&["ssl"]).trim_end())
                .replace("{root}", &forward(&root))
                .replace("{modules}", &forward(&httpd.modules))
                .replace("{httpd}", &forward(&httpd.binary))
                .replace("{https}", &network.https.to_string())
                .replace("{http}", &network.http.to_string())
                .replace("{other}", &other.to_string())
        };
        let sites = Regex::new(r"sites/([a-z0-9-]+)").expect("a pattern");
        let mut pages = vec!["main".to_owned()];
        for (path, text) in &self.files {
            pages.extend(sites.captures_iter(text).map(|found| found[1].to_owned()));
            files::write(&root.join(path), bytes(&fill(text)));
        }
        for page in pages {
            files::write(&root.join("sites").join(&page).join("index.html"), &page);
            let challenge = format!("{page}/.well-known/acme-challenge/token");
            files::write(&root.join("sites").join(challenge), format!("token of {page}"));
        }
        // Layouts with links are carried out on Unix only.
        #[cfg(unix)]
        for (path, target) in &self.links {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::os::unix::fs::symlink(fill(target), path).expect("a link");
        }
        fs::create_dir_all(root.join("logs")).expect("a folder for logs");
        let main = ["conf/httpd.conf", "apache2.conf"]
            .into_iter()
            .find(|main| root.join(main).exists())
            .expect("a main file");
        SetUp {
            args: self.args.iter().map(|argument| fill(argument)).collect(),
            shows: self.shows.iter().map(|text| fill(text)).collect(),
            lacks: self.lacks.iter().map(|text| fill(text)).collect(),
            told: self.told.iter().map(|text| fill(text)).collect(),
            told_first: self.told_first.iter().map(|text| fill(text)).collect(),
            refused: self.refused.as_deref().map(fill),
            main: root.join(main),
            other,
            root,
            new,
            _folder: folder,
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Does the name match, where `*` stands for any characters and `?` for one?
fn is_like(name: &str, pattern: &str) -> bool {
    let pattern = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
    Regex::new(&format!("(?i)^{pattern}$")).is_ok_and(|pattern| pattern.is_match(name))
}

/// The bytes of a file: some cannot be written in a text.
fn bytes(text: &str) -> Vec<u8> {
    let text = text.split("{end}").next().unwrap_or_default();
    let mut bytes = Vec::new();
    for (at, part) in text.replace("{cr}", "\r").split("{latin1}").enumerate() {
        if at > 0 {
            bytes.push(0xf6);
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// A layout on disk, which goes when this goes.
pub struct SetUp {
    pub root: PathBuf,
    pub main: PathBuf,
    pub args: Vec<String>,
    pub shows: Vec<String>,
    pub lacks: Vec<String>,
    pub told: Vec<String>,
    pub told_first: Vec<String>,
    pub refused: Option<String>,
    pub other: u16,
    /// The certificate to be installed.
    pub new: Leaf,
    _folder: tempfile::TempDir,
}

impl SetUp {
    /// Every configuration file and link, with its bytes or target.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut all = Vec::new();
        collect(&self.root, &mut all);
        all.sort();
        all
    }
}

fn collect(folder: &Path, all: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let (path, kind) = (entry.path(), entry.file_type().expect("a type"));
        let name = entry.file_name();
        if name == "esync-ssl-backup" || name == "logs" || name == ".esync-ssl.lock" {
            continue;
        }
        if kind.is_symlink() {
            let target = fs::read_link(&path).expect("a target");
            all.push((path, target.into_os_string().into_encoded_bytes()));
        } else if kind.is_dir() {
            collect(&path, all);
        } else {
            let bytes = fs::read(&path).expect("a file");
            all.push((path, bytes));
        }
    }
}
