//! `Include` patterns to files, in Apache's order. Reads no file.

use crate::httpd::model::path;
use crate::httpd::model::platform::Platform;
use crate::httpd::model::source::{Kind, Source};
use crate::httpd::model::spot::escape;

/// Why a pattern gives no files. The texts are Apache's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A plain file that does not exist.
    Missing(Vec<u8>),
    /// A folder part that does not exist or is not a folder.
    NoFolder(Vec<u8>),
    /// A wildcard that matches nothing: the pattern and its folder.
    NoMatch(Vec<u8>, Vec<u8>),
    /// Folders nested too deep.
    TooDeep(Vec<u8>),
    /// Folders that are come to in too many ways; no message of Apache, which would not come to an end.
    TooMany(Vec<u8>),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = escape;
        match self {
            Failure::Missing(file) => {
                write!(
                    f,
                    "Could not open configuration file {}: No such file or directory",
                    text(file)
                )
            }
            Failure::NoFolder(folder) => {
                write!(
                    f,
                    "Include/IncludeOptional: Could not open directory {}",
                    text(folder)
                )
            }
            Failure::NoMatch(pattern, folder) => write!(
                f,
                "Include/IncludeOptional: No matches for the wildcard '{}' in '{}', failing",
                text(pattern),
                text(folder)
            ),
            Failure::TooMany(folder) => {
                write!(
                    f,
                    "{} leads to more than {MOST_FOLDERS} folders, or to the same ones again and again",
                    text(folder)
                )
            }
            Failure::TooDeep(folder) => {
                write!(
                    f,
                    "Directory {} exceeds the maximum include directory nesting level of 128",
                    text(folder)
                )
            }
        }
    }
}

/// Folders that one pattern may lead to. By symbolic links there may be more ways than can be counted.
const MOST_FOLDERS: usize = 120_000;

/// A file to be included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// An absolute path of the configuration.
    pub path: Vec<u8>,
    /// A file, or something else that is no folder.
    pub kind: Kind,
}

/// What a walk along a pattern met.
#[derive(Default)]
struct Walk {
    /// What is missing is left out (`IncludeOptional`).
    optional: bool,
    found: Vec<Found>,
    /// Folders in which names were looked for.
    folders: Vec<Vec<u8>>,
}

impl Walk {
    /// Notes that a folder is looked into.
    fn enter(&mut self, folder: &[u8]) -> Result<(), Failure> {
        self.folders.push(folder.to_vec());
        if self.folders.len() > MOST_FOLDERS {
            return Err(Failure::TooMany(folder.to_vec()));
        }
        Ok(())
    }

    /// What it means that something is missing: a link to nothing in a folder does not keep the others out (httpd's
    /// process_resource_config).
    fn lacks(&self, what: Failure) -> Result<(), Failure> {
        if self.optional { Ok(()) } else { Err(what) }
    }
}

/// The files that an `Include` or `IncludeOptional` argument names, in the order in which Apache reads them. With
/// `optional` what is missing is left out.
pub fn files(
    argument: &[u8],
    server_root: &[u8],
    source: &Source,
    optional: bool,
) -> Result<Vec<Found>, Failure> {
    let mut walk = Walk {
        optional,
        ..Walk::default()
    };
    follow(argument, server_root, source, &mut walk)?;
    Ok(walk.found)
}

/// The files that such an argument names, and the folders in which others would be found were they there, as absolute
/// paths of the configuration.
pub fn places(argument: &[u8], server_root: &[u8], source: &Source) -> Vec<Vec<u8>> {
    let mut walk = Walk {
        optional: true,
        ..Walk::default()
    };
    // What failed was met before.
    let _ = follow(argument, server_root, source, &mut walk);
    let files = walk.found.into_iter().map(|found| found.path);
    walk.folders.into_iter().chain(files).collect()
}

fn follow(argument: &[u8], server_root: &[u8], source: &Source, walk: &mut Walk) -> Result<(), Failure> {
    let mut full = path::resolve(server_root, argument, source.platform);
    if argument.ends_with(b"/") && !full.ends_with(b"/") {
        // Only a folder can have it.
        full.push(b'/');
    }
    if is_pattern(&full) {
        // The folder before the first component that is a pattern of its own.
        let mut start = 0;
        for component in full.split(|&b| b == b'/') {
            if is_pattern(component) {
                break;
            }
            start += component.len() + 1;
        }
        let start = start.min(full.len());
        let folder = if start <= 1 {
            &full[..start]
        } else {
            &full[..start - 1]
        };
        expand(folder, &full[start..], source, walk)
    } else {
        collect(full, None, source, 0, walk)
    }
}

/// Could a pattern (an absolute path) ever lead into a folder, now or when files are put there? A pattern that names
/// or matches the folder or one above it reads all files below; one that goes deeper may match some.
pub fn may_enter(pattern: &[u8], folder: &[u8]) -> bool {
    let parts = |path: &[u8]| -> Vec<Vec<u8>> {
        path.split(|&b| b == b'/')
            .filter(|part| !part.is_empty())
            .map(<[u8]>::to_vec)
            .collect()
    };
    parts(pattern).iter().zip(parts(folder)).all(|(pattern, name)| {
        pattern.eq_ignore_ascii_case(&name) || (is_pattern(pattern) && matches(pattern, &name))
    })
}

/// Does Apache take the text for a pattern? `[` alone does not make one, and a backslash hides what follows it.
fn is_pattern(text: &[u8]) -> bool {
    let mut at = 0;
    let mut brackets = false;
    while let Some(byte) = text.get(at) {
        match byte {
            b'*' | b'?' => return true,
            b']' if brackets => return true,
            b'[' => brackets = true,
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
    }
    false
}

/// One file, or all files of a folder and the folders in it, dot files and backups included. `kind`: what it is, if
/// that is known.
fn collect(
    full: Vec<u8>,
    kind: Option<Kind>,
    source: &Source,
    depth: usize,
    walk: &mut Walk,
) -> Result<(), Failure> {
    match kind.unwrap_or_else(|| source.kind(&full)) {
        Kind::Folder => {}
        Kind::Missing => {
            walk.folders.push(full.clone());
            return walk.lacks(Failure::Missing(full));
        }
        kind @ (Kind::File | Kind::Other) => {
            walk.found.push(Found { path: full, kind });
            return Ok(());
        }
    }
    if depth > 128 {
        return Err(Failure::TooDeep(full));
    }
    walk.enter(&full)?;
    let Ok(names) = source.list(&full) else {
        return walk.lacks(Failure::NoFolder(full));
    };
    for (name, kind) in names {
        collect(join(&full, &name), kind, source, depth + 1, walk)?;
    }
    Ok(())
}

/// Walks the components of a pattern. Only the last may match files; the others match real folders only.
fn expand(folder: &[u8], pattern: &[u8], source: &Source, walk: &mut Walk) -> Result<(), Failure> {
    let (component, rest) = match pattern.iter().position(|&b| b == b'/') {
        Some(at) => (&pattern[..at], Some(&pattern[at + 1..])),
        None => (pattern, None),
    };
    if !is_pattern(component) {
        let next = join(folder, component);
        return match rest {
            Some(rest) => expand(&next, rest, source, walk),
            None => collect(next, None, source, 0, walk),
        };
    }
    walk.enter(folder)?;
    let Ok(names) = source.list(folder) else {
        let missing = Failure::NoFolder(folder.to_vec());
        // Windows has an error of its own for a folder that is not there, which httpd does not take for that
        // (`tls::start`, P16).
        return match source.platform {
            Platform::Windows => Err(missing),
            Platform::Unix => walk.lacks(missing),
        };
    };
    let matching: Vec<(Vec<u8>, Option<Kind>)> = names
        .into_iter()
        .filter(|(name, _)| matches(component, name))
        .map(|(name, kind)| (join(folder, &name), kind))
        .filter(|(full, kind)| match kind {
            _ if rest.is_none() => true,
            Some(kind) => *kind == Kind::Folder,
            None => source.is_real_folder(full),
        })
        .collect();
    if matching.is_empty() {
        return walk.lacks(Failure::NoMatch(component.to_vec(), folder.to_vec()));
    }
    for (full, kind) in matching {
        match rest {
            Some(rest) => expand(&full, rest, source, walk)?,
            None => collect(full, kind, source, 0, walk)?,
        }
    }
    Ok(())
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut full = folder.to_vec();
    if !full.ends_with(b"/") {
        full.push(b'/');
    }
    full.extend_from_slice(name);
    full
}

/// Does a name match a pattern of `*`, `?`, `[..]` and `\`? A dot at the start must be matched by a dot (APR's
/// `fnmatch` with FNM_PERIOD).
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    if let [b'.', rest @ ..] = name {
        pattern = match pattern {
            [b'.', rest @ ..] | [b'\\', b'.', rest @ ..] => rest,
            _ => return false,
        };
        name = rest;
    }
    // Where the last `*` stood and what of the name it has not taken yet: only that one needs a second try.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        let rest = match (pattern, name) {
            ([b'*', rest @ ..], _) => {
                star = Some((rest, name));
                pattern = rest;
                continue;
            }
            ([], []) => return true,
            ([], _) | (_, []) => None,
            (_, [byte, ..]) => one(pattern, *byte),
        };
        match (rest, star) {
            (Some(rest), _) => {
                pattern = rest;
                name = &name[1..];
            }
            (None, Some((after, [_, left @ ..]))) => {
                pattern = after;
                name = left;
                star = Some((pattern, left));
            }
            _ => return false,
        }
    }
}

/// Matches one byte with the first element of a pattern and gives what follows that element.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'[', ..] => match bracket(pattern, byte) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            // Without its end it is a bracket like any other byte.
            None => (byte == b'[').then_some(&pattern[1..]),
        },
        [b'?', rest @ ..] => Some(rest),
        [b'\\', literal, rest @ ..] => (byte == *literal).then_some(rest),
        [literal, rest @ ..] => (byte == *literal).then_some(rest),
        [] => None,
    }
}

/// Is a byte in the set a pattern starts with, and what follows the set? `None` when the set does not end.
fn bracket(pattern: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    // Apache compares `char`s, which have a sign on the usual processors.
    let order = |byte: u8| byte as i8;
    let mut at = 1;
    let negated = matches!(pattern.get(at), Some(b'!' | b'^'));
    at += usize::from(negated);
    let mut found = false;
    let mut first = true;
    loop {
        match *pattern.get(at)? {
            b']' if !first => return Some((found != negated, &pattern[at + 1..])),
            b'\\' => at += 1,
            _ => {}
        }
        first = false;
        let low = *pattern.get(at)?;
        if pattern.get(at + 1) == Some(&b'-') && pattern.get(at + 2) != Some(&b']') {
            at += if pattern.get(at + 2) == Some(&b'\\') { 3 } else { 2 };
            let high = *pattern.get(at)?;
            found |= (order(low)..=order(high)).contains(&order(byte));
        } else {
            found |= byte == low;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_a_pattern_may_be_missing_on_unix_only() {
        let folder = tempfile::tempdir().unwrap();
        for (platform, accepts) in [(Platform::Unix, true), (Platform::Windows, false)] {
            let source = Source::new(folder.path().to_path_buf(), platform);
            let files = |argument: &[u8]| files(argument, &source.initial_root(), &source, true);
            assert_eq!(files(b"none/*.conf").is_ok(), accepts, "{platform:?}");
            assert!(files(b"none/a.conf").is_ok(), "{platform:?}");
            assert!(files(b"*.none").is_ok(), "{platform:?}");
        }
    }

    #[test]
    fn shell_patterns() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", ".a.conf", false),
            (".*", ".a", true),
            ("?-a", "1-a", true),
            ("[0-9]*", "10-x", true),
            ("[!0-9]*", "10-x", false),
            ("a.c", "abc", false),
            ("*(x)+", "y(x)+", true),
            ("[", "[", true),
            ("[a-", "[a-", true),
            ("[]x]", "]", true),
            ("[\\-]*", "\\b", false),
            ("[\\-]*", "-b", true),
            ("[a-\\c]", "b", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("*?", "", false),
            ("x\\", "x\\", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn patterns_that_lead_into_a_folder() {
        let enters = |pattern: &str| may_enter(pattern.as_bytes(), b"/r/conf/backup");
        for pattern in [
            "/r/conf",
            "/r/conf/*",
            "/r/*/*/*/*.conf",
            "/r/conf/b*",
            "/r/conf/backup/x.conf",
        ] {
            assert!(enters(pattern), "{pattern}");
        }
        for pattern in [
            "/r/conf/*.conf",
            "/r/conf/extra",
            "/r/sites/*",
            "/r/conf/httpd.conf",
        ] {
            assert!(!enters(pattern), "{pattern}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_double_come_to_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        // Two ways into the next, thirty times.
        for at in 0..30 {
            std::fs::create_dir(root.join(at.to_string())).unwrap();
            for name in ["a", "b"] {
                let link = root.join(at.to_string()).join(name);
                std::os::unix::fs::symlink(format!("../{}", at + 1), link).unwrap();
            }
        }
        std::fs::create_dir(root.join("30")).unwrap();
        let source = Source::new(root, Platform::HOST);
        let all = files(b"0", &source.initial_root(), &source, true);
        assert!(matches!(all, Err(Failure::TooMany(_))), "{all:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nothing_is_left_out_where_it_may_be_missing() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        std::fs::create_dir_all(root.join("sites/d")).unwrap();
        std::fs::write(root.join("sites/b.conf"), "").unwrap();
        for name in ["a.conf", "c.conf", "d/e.conf"] {
            std::os::unix::fs::symlink("../no/such", root.join("sites").join(name)).unwrap();
        }
        let source = Source::new(root, Platform::HOST);
        let root = source.initial_root();
        for pattern in ["sites/*.conf", "sites/*", "sites"] {
            let all = files(pattern.as_bytes(), &root, &source, true).map(|all| all.len());
            assert_eq!(all, Ok(1), "{pattern}");
            let strict = files(pattern.as_bytes(), &root, &source, false);
            assert!(matches!(strict, Err(Failure::Missing(_))), "{pattern}");
        }
    }

    #[test]
    fn order_is_by_bytes_and_folders_give_all_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        for name in [
            "c/9-b.conf",
            "c/10-a.conf",
            "c/B.conf",
            "c/.hid.conf",
            "d/x/1.conf",
            "d/y/1.conf",
            "d/y/~",
        ] {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), "").unwrap();
        }
        let source = Source::new(root, Platform::HOST);
        let root = source.initial_root();
        let list = |pattern: &str| {
            files(pattern.as_bytes(), &root, &source, false).map(|all| {
                all.iter()
                    .map(|found| {
                        let rest = path::strip_prefix(&found.path, &root, Platform::HOST).unwrap();
                        String::from_utf8_lossy(rest).into_owned()
                    })
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(
            list("c/*.conf").unwrap(),
            ["c/10-a.conf", "c/9-b.conf", "c/B.conf"]
        );
        assert_eq!(
            list("c").unwrap(),
            ["c/.hid.conf", "c/10-a.conf", "c/9-b.conf", "c/B.conf"]
        );
        assert_eq!(list("d/*/1.conf").unwrap(), ["d/x/1.conf", "d/y/1.conf"]);
        assert_eq!(list("d").unwrap(), ["d/x/1.conf", "d/y/1.conf", "d/y/~"]);
        assert!(matches!(list("no.conf"), Err(Failure::Missing(_))));
        assert!(matches!(list("c/*.no"), Err(Failure::NoMatch(..))));
        assert!(matches!(list("no/*.conf"), Err(Failure::NoFolder(_))));
    }
}
