//! The cases of `cases.txt`, and the configuration of each.
//!
//! `== ID title` starts a case; its lines go into the virtual host, after `@global` to the server level, after `@end`
//! behind the virtual host. A line takes the place of the usual ones with the same first word; `-WORD` only drops
//! them. Further marks are explained at [`Case`].

use std::path::Path;

use crate::httpd;

/// How `check` learns that a configuration does not start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Told {
    /// By its rules alone.
    #[default]
    ByRules,
    /// `@rehearsal`: the server itself must be asked.
    ByRehearsal,
    /// `@untold`: not at all.
    Never,
}

/// A configuration to stage.
#[derive(Default)]
pub struct Case {
    /// `K34` for the faults that the project lists, anything else for their relatives.
    pub id: String,
    /// What is special about it.
    pub title: String,
    /// Who can tell that it stops the start.
    pub told: Told,
    /// `@windows unjudged`: what wine does there is not what Windows does.
    unjudged: bool,
    /// `@unprivileged`: nothing runs as root.
    pub unprivileged: bool,
    /// `@missing`: there is no main file.
    pub missing: bool,
    /// `@mark`: the main file starts with a byte order mark.
    mark: bool,
    /// `@utf16`
    utf16: bool,
    /// `@crlf`
    crlf: bool,
    /// `@address`: of the virtual host.
    address: String,
    /// `@with MODULE`, `@without MODULE`
    with: Vec<String>,
    without: Vec<String>,
    global: Vec<String>,
    host: Vec<String>,
    end: Vec<String>,
    /// `@no-host`: all is in the global part.
    no_host: bool,
}

/// All cases of the text.
pub fn all(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut part = "host";
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with("//"))
    {
        if let Some(head) = line.strip_prefix("== ") {
            let (id, title) = head.split_once(' ').unwrap_or((head, ""));
            cases.push(Case {
                id: id.into(),
                title: title.into(),
                address: "*:443".into(),
                ..Case::default()
            });
            part = "host";
            continue;
        }
        let case = cases.last_mut().expect("a case starts with ==");
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "@rehearsal" => case.told = Told::ByRehearsal,
            "@untold" => case.told = Told::Never,
            "@windows" => case.on_windows(rest),
            "@unprivileged" => case.unprivileged = true,
            "@missing" => case.missing = true,
            "@mark" => case.mark = true,
            "@utf16" => case.utf16 = true,
            "@crlf" => case.crlf = true,
            "@no-host" => case.no_host = true,
            "@address" => case.address = rest.into(),
            "@with" => case.with.push(rest.into()),
            "@without" => case.without.push(rest.into()),
            "@global" => part = "global",
            "@host" => part = "host",
            "@end" => part = "end",
            _ => match part {
                "host" => case.host.push(line.into()),
                "global" => case.global.push(line.into()),
                _ => case.end.push(line.into()),
            },
        }
    }
    cases
}

impl Case {
    /// Is it one of the listed faults and odd cases, and not a relative?
    pub fn listed(&self) -> bool {
        let mut bytes = self.id.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_uppercase())
            && self.id.len() >= 3
            && bytes.all(|byte| byte.is_ascii_digit())
    }

    /// `@windows MARK`: what holds there instead.
    fn on_windows(&mut self, mark: &str) {
        if cfg!(windows) {
            match mark {
                "rehearsal" => self.told = Told::ByRehearsal,
                "untold" => self.told = Told::Never,
                _ => self.unjudged = true,
            }
        }
    }

    /// Can it be staged on this system? Windows has no users, links and devices of Unix, and runs no scripts of its shell.
    pub fn is_of_system(&self) -> bool {
        const UNIX: [&str; 10] = [
            "exec:",
            "/dev/",
            "User ",
            "Group ",
            "Mutex",
            "link.key",
            "dangling.key",
            "/etc/",
            "/usr/",
            "/tmp",
        ];
        let parts = [&self.global, &self.host, &self.end];
        let mut lines = parts.into_iter().flatten();
        cfg!(unix)
            || !self.unjudged
                && !self.unprivileged
                && !lines.any(|line| UNIX.iter().any(|word| line.contains(word)))
    }

    /// Its main file, for this server root.
    pub fn configuration(&self, root: &Path) -> Vec<u8> {
        let mut modules = vec!["mpm_event", "authz_core", "socache_shmcb", "ssl"];
        modules.retain(|module| !self.without.iter().any(|without| without == module));
        modules.extend(self.with.iter().map(String::as_str));
        let mut text = httpd::load(modules);
        let mut usual = vec![
            "ServerRoot \"{root}\"",
            "ServerName localhost",
            "PidFile logs/httpd.pid",
            "ErrorLog logs/error.log",
            "DocumentRoot htdocs",
            "Listen 443",
        ];
        usual.extend(httpd::OF_SYSTEM);
        text += &lines(&usual, &self.global);
        if !self.no_host {
            let usual = [
                "ServerName www.example.test",
                "SSLEngine on",
                "SSLCertificateFile conf/full.crt",
                "SSLCertificateKeyFile conf/good.key",
            ];
            text += &format!("<VirtualHost {}>\n", self.address);
            text += &lines(&usual, &self.host);
            if !self.host.iter().any(|line| line == "-</VirtualHost>") {
                text += "</VirtualHost>\n";
            }
        }
        text += &lines(&[], &self.end);
        let root = root.to_str().expect("a printable path").replace('\\', "/");
        let mut text = text
            .replace("{root}", &root)
            .replace("{ssl}", &httpd::module("ssl"));
        if self.crlf {
            text = text.replace('\n', "\r\n");
        }
        // `\xNN` is a byte.
        let mut bytes = Vec::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("\\x") {
            bytes.extend(rest[..at].bytes());
            bytes.push(u8::from_str_radix(&rest[at + 2..at + 4], 16).expect("two hexadecimal digits"));
            rest = &rest[at + 4..];
        }
        bytes.extend(rest.bytes());
        if self.utf16 {
            let text = String::from_utf8(bytes).expect("text");
            return [0xff, 0xfe]
                .into_iter()
                .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
                .collect();
        }
        if self.mark {
            bytes.splice(..0, *b"\xef\xbb\xbf");
        }
        bytes
    }
}

/// The usual lines less those that the case replaces, then its own.
fn lines(usual: &[&str], own: &[String]) -> String {
    let word = |line: &str| {
        line.trim_start_matches('-')
            .split([' ', '\\'])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    let replaced = |line: &&&str| !own.iter().any(|own| word(own) == word(line));
    let own = own
        .iter()
        .filter(|line| !line.starts_with('-'))
        .map(String::as_str);
    usual
        .iter()
        .filter(replaced)
        .copied()
        .chain(own)
        .map(|line| format!("{line}\n"))
        .collect()
}
