//! Our reading of a configuration beside Apache's: every difference as a line of text. Runs nothing.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::net::IpAddr;

use esync_ssl::httpd::{Configuration, Entry, Phase, Severity, Truth, VirtualHost};

use super::oracle::{AddressSet, Answer, Directive, FLAGS, Host, Verdict, lower_name};

/// Names that act while Apache reads and leave nothing in its dump, or only when they came too early to act.
const ACT_WHILE_READING: [&str; 18] = [
    "serverroot",
    "defaultruntimedir",
    "define",
    "undefine",
    "include",
    "includeoptional",
    "loadmodule",
    "loadfile",
    "unclist",
    "use",
    "undefmacro",
    "<ifmodule",
    "<ifdefine",
    "<iffile",
    "<ifdirective",
    "<ifsection",
    "<ifversion",
    "<macro",
];

/// What differs; empty when we agree. `names` are asked for at every address.
pub fn differences(ours: &Configuration, theirs: &Answer, names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    refusals(ours, theirs, &mut found);
    if theirs.verdict != Verdict::RefusedReading {
        undefined_variables(ours, theirs, &mut found);
    }
    if theirs.verdict != Verdict::Accepted || !found.is_empty() {
        return found;
    }
    for entry in ours.entries().filter(|entry| entry.truth == Truth::Unknown) {
        found.push(format!("we cannot decide about {}", ours.place(entry)));
    }
    directives(ours, theirs, &mut found);
    let mine = includes(ours);
    let mut dumped = theirs.includes.clone();
    for (their, my) in dumped.iter_mut().zip(&mine) {
        if my.1 == UNCERTAIN {
            their.1 = UNCERTAIN;
        }
    }
    same("includes", &dumped, &mine, &mut found);
    same(
        "defines",
        &shown(&theirs.defines),
        &shown(&defines(ours)),
        &mut found,
    );
    address_sets(ours, &theirs.address_sets, names, &mut found);
    found
}

/// Who refuses while reading.
fn refusals(ours: &Configuration, theirs: &Answer, found: &mut Vec<String>) {
    let problems = ours.check();
    let error = problems.iter().find(|problem| {
        problem.severity == Severity::Error && problem.phase == Phase::Reading && !problem.uncertain
    });
    match (theirs.verdict, error) {
        (Verdict::RefusedReading, None) => found.push(format!(
            "only Apache refuses: {}",
            String::from_utf8_lossy(&theirs.stderr)
        )),
        (Verdict::Accepted | Verdict::RefusedLater, Some(problem)) => {
            found.push(format!("only we refuse: {}: {}", problem.code, problem.message));
        }
        _ => {}
    }
}

fn undefined_variables(ours: &Configuration, theirs: &Answer, found: &mut Vec<String>) {
    let undefined = ours
        .problems()
        .iter()
        .filter(|problem| problem.code == "undefined-variable")
        .filter_map(|problem| {
            problem
                .apache
                .as_deref()?
                .split_once("${")?
                .1
                .strip_suffix("} is not defined")
        });
    let mut seen: Vec<String> = Vec::new();
    for name in undefined {
        let name = escaped(name);
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    if seen.iter().all(|name| name.is_ascii()) {
        same("undefined variables", &theirs.undefined, &seen, found);
    }
}

/// Those that are there after reading.
fn directives(ours: &Configuration, theirs: &Answer, found: &mut Vec<String>) {
    let stays = |directive: &Directive| {
        let name = directive.text.split(|&b| b == b' ').next().unwrap_or_default();
        !ACT_WHILE_READING.iter().any(|known| known.as_bytes() == name)
    };
    let active = |entry: &&Entry| entry.truth == Truth::True;
    let mine: Vec<Directive> = ours
        .entries()
        .filter(active)
        .map(|entry| directive(ours, entry))
        .filter(stays)
        .collect();
    let dumped: Vec<Directive> = theirs.directives.iter().filter(|d| stays(d)).cloned().collect();
    same("directives", &dumped, &mine, found);
}

/// How Apache shows odd bytes in a message.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\x0b' => shown.push_str("\\v"),
            c if c.is_ascii_control() => shown.push_str(&format!("\\x{:02x}", c as u32)),
            c => shown.push(c),
        }
    }
    shown
}

fn shown(lines: &[Vec<u8>]) -> Vec<String> {
    lines.iter().map(|line| line.escape_ascii().to_string()).collect()
}

fn same<T: Debug + PartialEq>(what: &str, theirs: &[T], ours: &[T], found: &mut Vec<String>) {
    if theirs == ours {
        return;
    }
    let at = theirs.iter().zip(ours).take_while(|(a, b)| a == b).count();
    found.push(format!(
        "{what} differ at {at} (Apache has {}, we have {}):\n  Apache {:?}\n  we     {:?}",
        theirs.len(),
        ours.len(),
        theirs.get(at),
        ours.get(at)
    ));
}

fn place(ours: &Configuration, entry: &Entry) -> (String, u32) {
    match ours.macro_place(entry) {
        Some(place) => (place.name.to_string(), place.line),
        None => {
            let file = ours.file(entry.file);
            let line = file.document.last_number(entry.line as usize);
            (String::from_utf8_lossy(&file.name).into_owned(), line)
        }
    }
}

fn directive(ours: &Configuration, entry: &Entry) -> Directive {
    let depth = ours
        .ancestors(entry)
        .filter(|(_, section)| !section.transparent)
        .count();
    let (file, line) = place(ours, entry);
    let mut text = ours.name(entry).to_ascii_lowercase();
    text.push(b' ');
    let rest = ours.rest(entry);
    // Apache stores the bracket that it took off a tag without an argument.
    text.extend(if entry.opens && rest.is_empty() {
        b">"
    } else {
        &rest[..]
    });
    Directive {
        depth,
        file,
        line,
        text: lower_name(&text),
    }
}

/// In place of a line that Apache's dump has wrong.
const UNCERTAIN: u32 = u32::MAX;

/// Depth, line and name. When an `Include` names several files, Apache may show for the later ones the line of an
/// `Include` inside the earlier ones.
fn includes(ours: &Configuration) -> Vec<(usize, u32, String)> {
    let mut depths: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for file in ours.files() {
        let (depth, line) = match file.included_from {
            None => (0, 0),
            Some((from, line)) if seen.insert((from, line)) => {
                let document = &ours.file(from).document;
                let number = document.last_number(line as usize);
                (depths[from as usize] + 1, number)
            }
            Some((from, _)) => (depths[from as usize] + 1, UNCERTAIN),
        };
        depths.push(depth);
        if file.truth == Truth::True {
            found.push((depth, line, String::from_utf8_lossy(&file.name).into_owned()));
        }
    }
    found
}

fn defines(ours: &Configuration) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = ours
        .variables()
        .all()
        .into_iter()
        .map(|(name, value)| match value {
            Some(value) => [name, b"=", value].concat(),
            None => name.to_vec(),
        })
        .collect();
    all.sort();
    debug_assert!(
        FLAGS
            .iter()
            .all(|flag| all.iter().any(|name| name == flag.as_bytes()))
    );
    all
}

/// Every address set of Apache's, and who answers each of `names` there.
fn address_sets(ours: &Configuration, theirs: &[AddressSet], names: &[&str], found: &mut Vec<String>) {
    let hosts = ours.virtual_hosts();
    let mut addresses: BTreeMap<String, ()> = BTreeMap::new();
    for host in hosts.iter().filter(|host| host.truth == Truth::True) {
        for address in &host.addresses {
            if let Some(shown) = address_shown(address) {
                addresses.insert(shown, ());
            }
        }
    }
    let mut expected: Vec<&str> = theirs.iter().map(|set| set.address.as_str()).collect();
    expected.sort();
    let mine: Vec<&str> = addresses.keys().map(String::as_str).collect();
    same("addresses", &expected, &mine, found);
    let ports: Vec<u16> = theirs
        .iter()
        .filter_map(|set| set.address.rsplit_once(':')?.1.parse().ok())
        .collect();
    let unused = (1..).find(|port| !ports.contains(port)).unwrap_or(1);
    for set in theirs {
        let Some((host, port)) = set.address.rsplit_once(':') else {
            continue;
        };
        let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        // A port that only this set has, so that no nearer one answers.
        let port = port.parse().unwrap_or(unused);
        let mut answer: Vec<&VirtualHost> = ours.address_set(ip, port).iter().collect();
        let describe = |host: &&VirtualHost| {
            let (file, line) = place(ours, ours.entry(host.entry));
            format!("{file}:{line}")
        };
        // One file that is included twice gives two hosts at one place; what was dumped shows each place once.
        answer.dedup_by(|a, b| describe(a) == describe(b));
        let mine: Vec<String> = answer.iter().map(describe).collect();
        let dumped: Vec<String> = set.hosts.iter().map(|host| host.place.clone()).collect();
        same(&format!("hosts of {}", set.address), &dumped, &mine, found);
        if !set.named {
            continue;
        }
        for (host, own) in set.hosts.iter().zip(&answer) {
            let mut aliases: Vec<String> = own.aliases.clone();
            aliases.sort_by_key(|alias| alias.contains(['*', '?']));
            same(
                &format!("aliases at {}", set.address),
                &host.aliases,
                &aliases,
                found,
            );
        }
        for name in names {
            let wanted = set
                .hosts
                .iter()
                .find(|host| has_name(host, name))
                .or(set.hosts.first());
            let mine = ours.answering(ip, port, name).map(|host| describe(&host));
            let wanted = wanted.map(|host| host.place.clone());
            if wanted != mine {
                found.push(format!(
                    "{name} at {}: Apache {wanted:?}, we {mine:?}",
                    set.address
                ));
            }
        }
    }
}

fn address_shown(address: &esync_ssl::httpd::Address) -> Option<String> {
    let shown = address.to_string();
    let port = if address.port.is_none() { ":*" } else { "" };
    let is_name = !shown.starts_with('*') && address.ip().is_none();
    (!is_name).then(|| format!("{shown}{port}"))
}

/// Does a host of the dump have that name? By the words of httpd's documentation, not by our code.
fn has_name(host: &Host, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let same = |own: &String| wild(own.to_ascii_lowercase().as_bytes(), name.as_bytes());
    host.name.eq_ignore_ascii_case(&name) || host.aliases.iter().any(same)
}

fn wild(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.first(), name.first()) {
        (None, None) => true,
        (Some(b'*'), _) => wild(&pattern[1..], name) || (!name.is_empty() && wild(pattern, &name[1..])),
        (Some(b'?'), Some(_)) => wild(&pattern[1..], &name[1..]),
        (Some(a), Some(b)) if a == b => wild(&pattern[1..], &name[1..]),
        _ => false,
    }
}
