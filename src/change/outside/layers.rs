//! The sections and `.htaccess` files that hold for a folder of a site, in the order in which Apache puts one on the other
//! (core, `ap_directory_walk` and what follows). Judges no line.

use std::collections::{HashMap, HashSet};
use std::io;
use std::rc::Rc;

use crate::httpd::{
    Configuration, Entry, EntryId, Platform, SERVER, SectionId, Truth, VirtualHost, matches_alias, resolve,
};

use super::super::existing::{named_at, takes_all};
use super::super::redirection::{Within, has_flag, with_conditions};
use super::super::refusal::Place;
use super::super::requests::path_of;
use super::super::step::main_rules::inherited;
use super::access_file;
use super::section::{Line, lines, lines_from, section_words, written};

/// More folders of one site are not looked at.
const MOST_FOLDERS: usize = 24;

/// A folder of the site, and where clients find it.
pub(super) struct Folder {
    name: Vec<u8>,
    /// With a slash at its end.
    path: String,
}

/// Lines that stand together and hold for one folder, path or condition.
pub(super) struct Layer<'c> {
    pub configuration: &'c Configuration,
    pub lines: Vec<Line<'c>>,
    pub within: Within,
    /// All of the folder has them, whatever is asked for.
    pub is_whole: bool,
    /// They stand in the virtual host itself, and were seen to with it.
    pub is_own: bool,
}

/// What stands outside of a virtual host and holds for its site.
pub(super) struct Layers<'c> {
    configuration: &'c Configuration,
    host: &'c VirtualHost,
    /// What it is asked for by.
    asked: &'c str,
    /// The `<Directory>` sections of the main server, which are those of all virtual hosts.
    shared: Rc<Directories<'c>>,
    /// Those of the virtual host.
    own: Directories<'c>,
    /// The `.htaccess` files, each with its folder and its name.
    access: Vec<(Vec<u8>, Vec<u8>, Configuration)>,
    pub folders: Vec<Folder>,
    /// Files that could not be read, and why.
    pub unread: Vec<(Vec<u8>, io::Error)>,
}

impl<'c> Layers<'c> {
    pub fn of(configuration: &'c Configuration, host: &'c VirtualHost, asked: &'c str) -> Self {
        Layers::beside(
            Rc::new(Directories::of(configuration, SERVER)),
            configuration,
            host,
            asked,
        )
    }

    /// Those of each of several virtual hosts, by their own names.
    pub fn of_each(
        configuration: &'c Configuration,
        hosts: impl Iterator<Item = &'c VirtualHost>,
    ) -> impl Iterator<Item = Self> {
        let shared = Rc::new(Directories::of(configuration, SERVER));
        hosts.map(move |host| {
            let asked = host.server_name.as_deref().unwrap_or_default();
            Layers::beside(shared.clone(), configuration, host, asked)
        })
    }

    fn beside(
        shared: Rc<Directories<'c>>,
        configuration: &'c Configuration,
        host: &'c VirtualHost,
        asked: &'c str,
    ) -> Self {
        let mut layers = Layers {
            configuration,
            host,
            asked,
            shared,
            own: Directories::of(configuration, host.section),
            access: Vec::new(),
            folders: Vec::new(),
            unread: Vec::new(),
        };
        layers.folders = layers.folders();
        layers.read_access_files();
        layers
    }

    /// Its document root, what aliases lead to, and what is below the root by paths that the configuration names.
    fn folders(&self) -> Vec<Folder> {
        let configuration = self.configuration;
        let mut all: Vec<Folder> = Vec::new();
        let mut add = |name: Vec<u8>, path: String| {
            let is_there = |folder: &Folder| folder.name == name && folder.path == path;
            if all.len() < MOST_FOLDERS && !all.iter().any(is_there) {
                all.push(Folder { name, path });
            }
        };
        let full = |word: &[u8]| {
            let root = configuration.server_root();
            resolve(root, word, configuration.source().platform)
        };
        let root = self.root().map(|word| full(&word));
        if let Some(root) = &root {
            add(root.clone(), "/".to_owned());
        }
        for (_, entry) in self.site_lines(&["Alias", "ScriptAlias"]) {
            if let [path, folder, ..] = &configuration.arguments(entry)[..]
                && path.starts_with(b"/")
            {
                let path = String::from_utf8_lossy(path);
                add(full(folder), format!("{}/", path.trim_end_matches('/')));
            }
        }
        let named = [
            "<Location",
            "Redirect",
            "RedirectPermanent",
            "RedirectTemp",
            "RedirectMatch",
            "RewriteRule",
        ];
        for (_, entry) in self.site_lines(&named) {
            let (Some(root), Some(path)) = (&root, path_of(configuration, entry)) else {
                continue;
            };
            let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
            for end in 1..=parts.len() {
                let below = parts[..end].join("/");
                add(full(&[root, below.as_bytes()].join(&b'/')), format!("/{below}/"));
            }
        }
        all
    }

    /// The document root, as it is written, where files are what all is answered from.
    fn root(&self) -> Option<Vec<u8>> {
        let configuration = self.configuration;
        let elsewhere = ["Alias", "ScriptAlias", "WSGIScriptAlias", "ProxyPass", "JkMount"];
        let is_for_all = |(_, entry): &(EntryId, &Entry)| match &configuration.arguments(entry)[..] {
            [path, to, ..] => [&b"/"[..], b"/*"].contains(&&path[..]) && to != b"!",
            // In a `<Location>` it takes all of that.
            _ => false,
        };
        if self.site_lines(&elsewhere).iter().any(is_for_all) || self.is_fetched() {
            return None;
        }
        let setting = |name| configuration.setting(self.host.section, name);
        let first = |entry| configuration.arguments(entry).into_iter().next();
        let Some(pattern) = setting("VirtualDocumentRoot").and_then(first) else {
            return setting("DocumentRoot").and_then(first);
        };
        // Of parts of the name nothing is said.
        let folder = String::from_utf8_lossy(&pattern).replace("%0", self.asked);
        (!folder.contains('%')).then(|| folder.into_bytes())
    }

    /// Is all of it asked of another server, by a section for all paths or a rule without conditions?
    fn is_fetched(&self) -> bool {
        let configuration = self.configuration;
        let by_section = self.site_lines(&["<Location"]).into_iter().any(|(id, opening)| {
            let mut inside = lines(configuration, id, opening).into_iter();
            section_words(configuration, opening) == [b"/"]
                && inside.any(|line| configuration.is_named(line.entry, "ProxyPass"))
        });
        let rules = named_at(configuration, self.host.section, &["RewriteCond", "RewriteRule"]);
        let rules = rules.filter(|entry| entry.truth == Truth::True);
        let mut rules = with_conditions(configuration, rules);
        by_section
            || rules.any(|(entry, waiting)| {
                let words = configuration.arguments(entry);
                let flags = words
                    .get(2)
                    .map(|flags| String::from_utf8_lossy(flags).into_owned());
                waiting.is_empty()
                    && configuration.is_named(entry, "RewriteRule")
                    && words.first().is_some_and(|pattern| takes_all(pattern))
                    && has_flag(flags.as_ref(), ["P", "PROXY"])
            })
    }

    /// The active lines of those names of the main server and of the virtual host, those of one name in their order.
    fn site_lines(&self, names: &[&str]) -> Vec<(EntryId, &'c Entry)> {
        let mut all = Vec::new();
        for name in names {
            let before = all.len();
            for section in [SERVER, self.host.section] {
                all.extend(active_in(self.configuration, section, name));
            }
            all[before..].sort_unstable_by_key(|(id, _)| *id);
        }
        all
    }

    /// Every level at which Apache may read them: the folder itself and all above it.
    fn read_access_files(&mut self) {
        let names = self
            .configuration
            .setting(self.host.section, "AccessFileName")
            .map(|entry| self.configuration.arguments(entry))
            .unwrap_or_else(|| vec![b".htaccess".to_vec()]);
        let mut levels: Vec<Vec<u8>> = Vec::new();
        for folder in &self.folders {
            levels.extend(levels_of(&folder.name).map(<[u8]>::to_vec));
        }
        levels.sort();
        levels.dedup();
        levels.retain(|level| self.lets_override(level));
        for level in levels {
            for name in &names {
                let file = [level.strip_suffix(b"/").unwrap_or(&level), name].join(&b'/');
                match access_file::read(self.configuration, &file) {
                    Ok(None) => continue,
                    Ok(Some(read)) => self.access.push((level.clone(), file, read)),
                    Err(error) => self.unread.push((file, error)),
                }
                break;
            }
        }
    }

    /// Does `AllowOverride` let a `.htaccess` say what is looked at here?
    fn lets_override(&self, level: &[u8]) -> bool {
        let mut lets = false;
        for above in levels_of(level) {
            for (id, opening) in self.directories(above) {
                for line in lines(self.configuration, id, opening) {
                    lets = overrides(self.configuration, line.entry, lets);
                }
            }
        }
        lets
    }

    /// The `<Directory>` sections of exactly that folder, those of the main server first.
    fn directories(&self, level: &[u8]) -> impl Iterator<Item = (EntryId, &'c Entry)> {
        let level = folded(level, self.configuration);
        let shared = self.shared.of_folder(&level);
        shared.into_iter().chain(self.own.of_folder(&level))
    }

    /// Those that hold for a folder, in their order.
    pub fn at(&self, folder: &Folder) -> Vec<Layer<'_>> {
        let mut all = Vec::new();
        for level in levels_of(&folder.name) {
            let below = folder.name.get(level.len()..).unwrap_or_default();
            let below = String::from_utf8_lossy(below);
            let front = below.trim_matches('/');
            let within = Within {
                path: folder.path.clone(),
                front: Some(match front {
                    "" => String::new(),
                    front => format!("{front}/"),
                }),
            };
            for (id, opening) in self.directories(level) {
                all.push(self.section(id, opening, within.clone(), true));
            }
            let files = self.access.iter().filter(|(own, ..)| own == level);
            all.extend(files.map(|(.., file)| Layer {
                configuration: file,
                lines: lines_from(file, SERVER, 0),
                within: within.clone(),
                is_whole: true,
                is_own: false,
            }));
        }
        let inside = Within {
            path: folder.path.clone(),
            front: None,
        };
        for (id, opening) in self.site_lines(&["<Directory", "<DirectoryMatch"]) {
            if self.matches_folder(opening, &folder.name) {
                all.push(self.section(id, opening, inside.clone(), false));
            }
        }
        all
    }

    /// Those that hold for what is asked for, wherever it lies.
    pub fn by_request(&self) -> Vec<Layer<'_>> {
        let names = [
            "<Files",
            "<FilesMatch",
            "<Location",
            "<LocationMatch",
            "<If",
            "<ElseIf",
            "<Else",
        ];
        let mut all = Vec::new();
        for name in names {
            for (id, opening) in self.site_lines(&[name]) {
                let words = section_words(self.configuration, opening);
                let mut within = Within::default();
                let mut is_whole = name == "<Location";
                if let ("<Location", [path]) = (name, &words[..]) {
                    let path = String::from_utf8_lossy(path);
                    is_whole = path == "/";
                    within.path = format!("{}/", path.trim_end_matches('/'));
                }
                all.push(self.section(id, opening, within, is_whole));
            }
        }
        all
    }

    /// The rules of the main server that the virtual host inherits.
    pub fn inherited(&self) -> Option<Layer<'_>> {
        inherited(self.configuration, self.host.section)?;
        let names = ["RewriteCond", "RewriteRule"];
        let entries = named_at(self.configuration, SERVER, &names);
        let active = entries.filter(|entry| entry.truth == Truth::True);
        Some(Layer {
            configuration: self.configuration,
            lines: active
                .map(|entry| Line {
                    entry,
                    guards: Vec::new(),
                })
                .collect(),
            within: Within::default(),
            is_whole: true,
            is_own: false,
        })
    }

    /// Is rewriting on at the level of the virtual host? Then it is in its folders as well.
    pub fn is_rewriting(&self) -> bool {
        let configuration = self.configuration;
        let word = configuration
            .setting(self.host.section, "RewriteEngine")
            .and_then(|entry| configuration.arguments(entry).into_iter().next());
        word.is_some_and(|word| word.eq_ignore_ascii_case(b"on"))
    }

    /// The first line of those names in a `.htaccess` file that does not act here, and does in a configuration that loads a
    /// module besides.
    pub fn woken(&self, result: &Configuration, names: &[&str]) -> Option<(Place, String)> {
        self.access.iter().find_map(|(_, file, before)| {
            let now = access_file::read(result, file).ok()??;
            let acted: HashSet<u32> = acting(before).map(|entry| entry.line).collect();
            let is_one = |entry: &&Entry| names.iter().any(|name| now.is_named(entry, name));
            let woken = acting(&now)
                .filter(is_one)
                .find(|entry| !acted.contains(&entry.line))?;
            Some((Place::of(&now, woken), written(&now, woken)))
        })
    }

    fn section(&self, id: EntryId, opening: &'c Entry, within: Within, is_whole: bool) -> Layer<'c> {
        Layer {
            configuration: self.configuration,
            lines: lines(self.configuration, id, opening),
            within,
            is_whole,
            is_own: self.configuration.context(opening) != SERVER,
        }
    }

    /// Is it a section whose pattern takes the folder?
    fn matches_folder(&self, opening: &Entry, folder: &[u8]) -> bool {
        let words = section_words(self.configuration, opening);
        let is_match = self.configuration.is_named(opening, "<DirectoryMatch");
        let pattern = match &words[..] {
            [mark, pattern] if mark == b"~" => pattern,
            [pattern] if is_match => pattern,
            _ => return false,
        };
        let Ok(pattern) = regex::Regex::new(&String::from_utf8_lossy(pattern)) else {
            return false;
        };
        let folder = String::from_utf8_lossy(folder);
        pattern.is_match(&folder) || pattern.is_match(&format!("{folder}/"))
    }
}

/// The `<Directory>` sections of the main server or of a virtual host: there may be as many as there are sites.
struct Directories<'c> {
    /// By their folders.
    plain: HashMap<Vec<u8>, Vec<(EntryId, &'c Entry)>>,
    /// Those with wildcards, by the parts of their paths.
    patterns: Vec<(Vec<Vec<u8>>, EntryId, &'c Entry)>,
}

impl<'c> Directories<'c> {
    fn of(configuration: &'c Configuration, section: SectionId) -> Self {
        let mut all = Directories {
            plain: HashMap::new(),
            patterns: Vec::new(),
        };
        for (id, opening) in active_in(configuration, section, "<Directory") {
            let words = section_words(configuration, opening);
            let [name] = &words[..] else { continue };
            let root = configuration.server_root();
            let name = resolve(root, name, configuration.source().platform);
            match name.iter().any(|byte| b"*?[".contains(byte)) {
                true => all.patterns.push((parts(&name), id, opening)),
                false => {
                    let same = all.plain.entry(folded(&name, configuration));
                    same.or_default().push((id, opening));
                }
            }
        }
        all
    }

    /// Those of exactly that folder, in their order.
    fn of_folder(&self, folder: &[u8]) -> Vec<(EntryId, &'c Entry)> {
        let plain = self.plain.get(folder);
        let mut all: Vec<(EntryId, &Entry)> = plain.into_iter().flatten().copied().collect();
        if !self.patterns.is_empty() {
            let folder = parts(folder);
            let same = self.patterns.iter().filter(|(name, ..)| is_folder(name, &folder));
            all.extend(same.map(|(_, id, opening)| (*id, *opening)));
            all.sort_unstable_by_key(|(id, _)| *id);
        }
        all
    }
}

/// The active lines of that name in a section itself.
fn active_in<'c>(
    configuration: &'c Configuration,
    section: SectionId,
    name: &str,
) -> impl Iterator<Item = (EntryId, &'c Entry)> + use<'c> {
    let named = configuration.named_in(section, name);
    named.filter(|(_, entry)| entry.truth == Truth::True)
}

/// Whether a `.htaccess` may say what is looked at behind a line, where it might or might not before it.
fn overrides(configuration: &Configuration, entry: &Entry, before: bool) -> bool {
    let arguments = configuration.arguments(entry);
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    if configuration.is_named(entry, "AllowOverride") {
        return arguments
            .iter()
            .any(|word| is(word, "All") || is(word, "FileInfo"));
    }
    let is_list = configuration.is_named(entry, "AllowOverrideList");
    before || is_list && arguments.iter().any(|word| !is(word, "None"))
}

/// Does any line let a `.htaccess` say what is looked at? Where none does, no folder has to be looked at.
pub(super) fn may_override(configuration: &Configuration) -> bool {
    let names = ["AllowOverride", "AllowOverrideList"];
    let mut all = names.iter().flat_map(|name| configuration.named(name));
    all.any(|(_, entry)| overrides(configuration, entry, false))
}

fn acting(configuration: &Configuration) -> impl Iterator<Item = &Entry> {
    configuration.entries().filter(|entry| entry.truth == Truth::True)
}

/// A folder and all above it, the uppermost first.
fn levels_of(folder: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = memchr::memchr_iter(b'/', folder);
    let above = slashes.map(|at| &folder[..at.max(1)]);
    above.chain((folder.len() > 1).then_some(folder))
}

/// A folder as names are compared on the platform.
fn folded(folder: &[u8], configuration: &Configuration) -> Vec<u8> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    match configuration.source().platform {
        Platform::Unix => folder.to_vec(),
        Platform::Windows => folder.to_ascii_lowercase(),
    }
}

/// The parts of a path, without slashes.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|byte| *byte == b'/');
    parts
        .filter(|part| !part.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// Is the folder the one that a section names? Wildcards match no slash.
fn is_folder(named: &[Vec<u8>], folder: &[Vec<u8>]) -> bool {
    let is_same = |(named, own): (&Vec<u8>, &Vec<u8>)| matches_alias(named, own);
    named.len() == folder.len() && named.iter().zip(folder).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_all_above_it() {
        let levels = |folder: &'static str| -> Vec<&[u8]> { levels_of(folder.as_bytes()).collect() };
        assert_eq!(levels("/srv/a"), [&b"/"[..], b"/srv", b"/srv/a"]);
        assert_eq!(levels("/"), [&b"/"[..]]);
        assert_eq!(levels("C:/srv"), [&b"C:"[..], b"C:/srv"]);
        let is_folder = |named: &[u8], folder: &[u8]| is_folder(&parts(named), &parts(folder));
        assert!(is_folder(b"/srv/*", b"/srv/a") && !is_folder(b"/srv/*", b"/srv/a/b"));
        assert!(is_folder(b"/", b"/") && !is_folder(b"/", b"/srv"));
    }
}
