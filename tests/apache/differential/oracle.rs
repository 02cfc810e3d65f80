//! What the real Apache says about a configuration: one run of `-t` with every dump, taken apart. Compares nothing.

use std::path::Path;

use crate::support::apache::{Ask, Httpd};
use crate::support::files::forward;

/// How Apache judged a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted.
    Accepted,
    /// Refused while reading.
    RefusedReading,
    /// Read, and refused when the directives were carried out: nothing that a reader could know.
    RefusedLater,
}

/// A directive of the configuration dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Number of ordinary sections around it.
    pub depth: usize,
    /// File, or the name of a macro in use.
    pub file: String,
    /// Last physical line.
    pub line: u32,
    /// Name in lower case, and the arguments as they were stored.
    pub text: Vec<u8>,
}

/// A virtual host of the dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// `FILE:LINE` of its opening.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Its aliases, wildcards last; only known where several hosts share an address.
    pub aliases: Vec<String>,
}

/// The hosts that share an address: `*:80`, `127.0.0.1:*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSet {
    pub address: String,
    pub hosts: Vec<Host>,
    /// Apache shows no aliases of a host that is alone.
    pub named: bool,
}

/// The whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub verdict: Verdict,
    pub directives: Vec<Directive>,
    /// Depth, line of the `Include` (0 for the main file) and file.
    pub includes: Vec<(usize, u32, String)>,
    /// `NAME` or `NAME=VALUE`, sorted.
    pub defines: Vec<Vec<u8>>,
    pub address_sets: Vec<AddressSet>,
    /// Names in warnings about variables that are not defined, in order and without repetitions.
    pub undefined: Vec<String>,
    /// What it said.
    pub stderr: Vec<u8>,
}

/// The flags that every run sets.
pub const FLAGS: [&str; 4] = ["DUMP_CONFIG", "DUMP_INCLUDES", "DUMP_RUN_CFG", "DUMP_VHOSTS"];
/// The environment of every run, besides what the tests set.
pub const ENVIRONMENT: [(&str, &str); 2] = [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")];

/// Asks about the configuration `main` under `root`.
pub fn ask(httpd: &Httpd, root: &Path, main: &Path, prepare: impl FnOnce(Ask) -> Ask) -> Answer {
    let mut ask = prepare(httpd.ask(root, main));
    for flag in FLAGS {
        ask = ask.define(flag);
    }
    let outcome = ask.syntax();
    let said = outcome.stderr_text();
    // Errors of reading carry the program's name and no number.
    let program = httpd
        .binary
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let complaint = format!("{}: ", program.unwrap_or_default());
    let verdict = match outcome.code {
        Some(0) => Verdict::Accepted,
        Some(1) if said.lines().any(|line| line.starts_with(&complaint)) => Verdict::RefusedReading,
        Some(1) => Verdict::RefusedLater,
        _ => panic!("httpd died: {}", outcome.report()),
    };
    let mut undefined = Vec::new();
    for line in said.lines() {
        if let Some((_, rest)) = line.split_once("AH00111: Config variable ${")
            && let Some(name) = rest.strip_suffix("} is not defined")
            && !undefined.iter().any(|known| known == name)
        {
            undefined.push(name.to_string());
        }
    }
    let mut answer = Answer {
        verdict,
        directives: Vec::new(),
        includes: Vec::new(),
        defines: Vec::new(),
        address_sets: Vec::new(),
        undefined,
        stderr: outcome.stderr,
    };
    if verdict == Verdict::Accepted {
        let stdout = slashed(&outcome.stdout, root);
        let lines: Vec<&[u8]> = stdout.split(|&b| b == b'\n').collect();
        take_apart(&lines, &mut answer);
    }
    answer
}

/// Apache for Windows names files below its server root as it was given, and joins what follows with the other separator.
fn slashed(dump: &[u8], root: &Path) -> Vec<u8> {
    if cfg!(unix) {
        return dump.to_vec();
    }
    let spelled = root.to_string_lossy();
    let after_drive = spelled.replacen(":\\", ":/", 1);
    let text = String::from_utf8_lossy(dump).replace("\r\n", "\n");
    let text = text.replace(&*spelled, &forward(root));
    text.replace(&after_drive, &forward(root)).into_bytes()
}

fn take_apart(lines: &[&[u8]], answer: &mut Answer) {
    let at = |start: &[u8]| lines.iter().position(|line| line.starts_with(start));
    let hosts = at(b"VirtualHost configuration:").expect("the dump of virtual hosts");
    let config = at(b"# In file: ").unwrap_or(lines.len());
    let run = lines
        .iter()
        .rposition(|line| line.starts_with(b"ServerRoot: \""))
        .expect("the dump of the run");
    answer.includes = lines[..hosts].iter().filter_map(|line| include(line)).collect();
    answer.address_sets = address_sets(&lines[hosts + 1..config.min(run)]);
    if config < run {
        answer.directives = directives(&lines[config..run]);
    }
    answer.defines = lines[run..]
        .iter()
        .filter_map(|line| line.strip_prefix(b"Define: "))
        .map(<[u8]>::to_vec)
        .collect();
    answer.defines.sort();
}

/// `    (12) /path`, with `(*)` for the main file; four blanks more for each level.
fn include(line: &[u8]) -> Option<(usize, u32, String)> {
    let depth = line.iter().take_while(|&&b| b == b' ').count();
    let text = String::from_utf8_lossy(&line[depth..]).into_owned();
    let (number, path) = text.strip_prefix('(')?.split_once(") ")?;
    Some(((depth - 2) / 2, number.parse().unwrap_or(0), path.to_string()))
}

fn directives(lines: &[&[u8]]) -> Vec<Directive> {
    let mut found = Vec::new();
    let (mut file, mut number) = (String::new(), 0);
    for line in lines {
        let depth = line.iter().take_while(|&&b| b == b' ').count();
        let text = &line[depth..];
        if depth == 0
            && let Some(name) = text.strip_prefix(b"# In file: ")
        {
            file = String::from_utf8_lossy(name).into_owned();
        } else if let Some(digits) = line_comment(text) {
            number = digits;
        } else if !text.is_empty() && !text.starts_with(b"</") {
            found.push(Directive {
                depth: depth / 2,
                file: file.clone(),
                line: number,
                text: lower_name(text),
            });
        }
    }
    found
}

/// `#   12:`
fn line_comment(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"#")?.strip_suffix(b":")?;
    std::str::from_utf8(digits).ok()?.trim_start().parse().ok()
}

/// The dump spells names as their modules do.
pub fn lower_name(text: &[u8]) -> Vec<u8> {
    let end = text.iter().position(|&b| b == b' ').unwrap_or(text.len());
    let mut text = text.to_vec();
    text[..end].make_ascii_lowercase();
    while text.last() == Some(&b' ') {
        text.pop();
    }
    text
}

fn address_sets(lines: &[&[u8]]) -> Vec<AddressSet> {
    let mut sets: Vec<AddressSet> = Vec::new();
    for line in lines {
        let text = String::from_utf8_lossy(line);
        let trimmed = text.trim_start();
        if !text.starts_with(' ') {
            let Some((address, rest)) = text.split_once(' ') else {
                continue;
            };
            let rest = rest.trim_start();
            let named = rest == "is a NameVirtualHost";
            let hosts = if named { Vec::new() } else { vec![host(rest)] };
            sets.push(AddressSet {
                address: address.to_string(),
                hosts,
                named,
            });
        } else if let Some(set) = sets.last_mut() {
            if let Some((_, shown)) = trimmed.split_once("namevhost ")
                && trimmed.starts_with("port ")
            {
                set.hosts.push(host(shown));
            } else if let Some(host) = set.hosts.last_mut() {
                let alias = trimmed
                    .strip_prefix("wild alias ")
                    .or(trimmed.strip_prefix("alias "));
                host.aliases.extend(alias.map(str::to_string));
            }
        }
    }
    // APR takes a path for the address of a local socket, to which no request comes.
    sets.retain(|set| !set.address.starts_with('/'));
    // A host that names an address twice is listed twice, which says nothing.
    for set in &mut sets {
        set.hosts.dedup_by(|a, b| a.place == b.place);
    }
    sets
}

/// `name (FILE:LINE)`
fn host(shown: &str) -> Host {
    let (name, place) = shown.split_once(" (").unwrap_or((shown, ""));
    Host {
        name: name.to_string(),
        place: place.strip_suffix(')').unwrap_or(place).to_string(),
        aliases: Vec::new(),
    }
}
