//! What is to be written as Apache can read it before it is: copies of the files that change, and of those that lead to
//! them, in a folder of our own. Nothing of it lies where the server looks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::find::Loaded;
use crate::apply::{Content, NameChange};
use crate::httpd::{Configuration, Entry, FileId, Truth, host_bytes, real_path, resolve};
use crate::server::scratch::Scratch;
use crate::shown::printable;
use crate::wording::reason;

/// The copies, which go with it.
pub struct Candidate {
    /// That of the main file.
    pub main: PathBuf,
    /// Every other copy, with what Apache calls the file that it stands for.
    pub names: Vec<(String, String)>,
    _scratch: Scratch,
}

/// Lines that say something else in a copy, by file and line.
type Rewritten = BTreeMap<(FileId, u32), Vec<u8>>;

impl Candidate {
    /// Of changes to a configuration.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn of(loaded: &Loaded, changes: &[NameChange]) -> Result<Candidate, String> {
        let scratch = Scratch::new().map_err(|error| reason(&error))?;
        let failed = |error: io::Error| reason(&error);
        if let [change] = changes
            && let Some(bytes) = of_main(loaded, change)
        {
            let main = put(&scratch, "candidate.conf", bytes).map_err(failed)?;
            return Ok(Candidate {
                main,
                names: Vec::new(),
                _scratch: scratch,
            });
        }
        let new = loaded.with_changes(changes);
        let new = new.map_err(|failure| format!("{:#}", failure.error))?;
        let mut copy = Copy {
            result: &new.configuration,
            scratch: &scratch,
            needed: BTreeSet::new(),
            lines: Rewritten::new(),
            names: Vec::new(),
        };
        copy.need_changed(changes);
        copy.need_parents_of_gone(loaded, changes);
        copy.stand_in(changes)?;
        copy.need_ancestors()?;
        copy.lead_to_copies().map_err(failed)?;
        copy.write().map_err(failed)?;
        Ok(Candidate {
            main: scratch.folder.join(name(0)),
            names: copy.names,
            _scratch: scratch,
        })
    }

    /// What Apache says of the copies, said of the files themselves.
    pub fn of_real_files(&self, words: &str) -> String {
        let names = self.names.iter();
        names.fold(words.to_owned(), |words, (copy, real)| words.replace(copy, real))
    }
}

/// The bytes that the main file gets, where nothing else changes.
pub fn of_main<'a>(loaded: &Loaded, change: &'a NameChange) -> Option<&'a [u8]> {
    match (&change.before, &change.after) {
        (Content::File(_), Content::File(after)) if change.path == loaded.installation.main => Some(after),
        _ => None,
    }
}

fn name(file: FileId) -> String {
    format!("candidate-{file}.conf")
}

fn put(scratch: &Scratch, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    scratch.create(name)?.write_all(bytes)?;
    Ok(scratch.folder.join(name))
}

/// The copies in the making.
struct Copy<'a> {
    /// The configuration as it is to be.
    result: &'a Configuration,
    scratch: &'a Scratch,
    /// The files that are copied.
    needed: BTreeSet<FileId>,
    lines: Rewritten,
    names: Vec<(String, String)>,
}

impl Copy<'_> {
    fn files(&self) -> impl Iterator<Item = (FileId, &crate::httpd::ReadFile)> {
        (0..).zip(self.result.files())
    }

    /// Files that change, and links that are not there yet.
    fn need_changed(&mut self, changes: &[NameChange]) {
        let is_new = |change: &&NameChange| matches!(change.after, Content::File(_) | Content::Link(_));
        let new: Vec<&NameChange> = changes.iter().filter(is_new).collect();
        let real: BTreeSet<PathBuf> = new.iter().map(|change| real_path(&change.path)).collect();
        let is_changed = |file: &crate::httpd::ReadFile| {
            real.contains(file.real()) || new.iter().any(|change| change.path == file.host)
        };
        let found: Vec<FileId> = self
            .files()
            .filter(|(_, file)| is_changed(file))
            .map(|(id, _)| id)
            .collect();
        self.needed.extend(found);
    }

    /// Files whose `Include` would still find on the disk what goes.
    fn need_parents_of_gone(&mut self, loaded: &Loaded, changes: &[NameChange]) {
        let old = &loaded.configuration;
        let gone = |path: &Path| {
            let is_it = |change: &NameChange| matches!(change.after, Content::Absent) && change.path == path;
            changes.iter().any(is_it)
        };
        let parents: BTreeSet<&Path> = old
            .files()
            .iter()
            .filter(|file| gone(&file.host))
            .filter_map(|file| Some(&*old.file(file.included_from?.0).host))
            .collect();
        let found: Vec<FileId> = self
            .files()
            .filter(|(_, file)| parents.contains(&*file.host))
            .map(|(id, _)| id)
            .collect();
        self.needed.extend(found);
    }

    /// Certificates and keys that are not made yet: Apache looks whether they are there, and no more.
    fn stand_in(&mut self, changes: &[NameChange]) -> Result<(), String> {
        let mut made = BTreeMap::new();
        for (number, change) in changes.iter().enumerate() {
            let (Content::Absent, Content::Tls(bytes)) = (&change.before, &change.after) else {
                continue;
            };
            // Nothing reads the key, so there is none.
            let bytes = if change.private { &b"-\n"[..] } else { bytes };
            let file = put(self.scratch, &format!("stand-in-{number}.pem"), bytes);
            let file = file.map_err(|error| reason(&error))?;
            let told = (file.display().to_string(), change.path.display().to_string());
            self.names.push(told);
            made.insert(real_path(&change.path), file);
        }
        if made.is_empty() {
            return Ok(());
        }
        let result = self.result;
        for directive in [
            "SSLCertificateFile",
            "SSLCertificateKeyFile",
            "SSLCertificateChainFile",
        ] {
            for (_, entry) in result.named(directive) {
                let argument = result.arguments(entry).into_iter().next().unwrap_or_default();
                let full = resolve(result.server_root(), &argument, result.facts().platform);
                if let Some(file) = made.get(&real_path(&result.source().host_path(&full))) {
                    self.rewrite(entry, directive, file)?;
                }
            }
        }
        Ok(())
    }

    /// Has a line name another file.
    fn rewrite(&mut self, entry: &Entry, directive: &str, file: &Path) -> Result<(), String> {
        if self.result.macro_place(entry).is_some() {
            return Err("a macro names files that are not there yet".into());
        }
        let text = [directive.as_bytes(), b" \"", &slashes(file), b"\""].concat();
        self.lines.insert((entry.file, entry.line), text);
        self.needed.insert(entry.file);
        Ok(())
    }

    /// What leads to a copy is a copy.
    fn need_ancestors(&mut self) -> Result<(), String> {
        let mut waiting: Vec<FileId> = self.needed.iter().copied().collect();
        while let Some(id) = waiting.pop() {
            let Some((parent, line)) = self.result.file(id).included_from else {
                continue;
            };
            let text = self.result.file(parent).document.text(line as usize);
            let first = text.split(|byte| byte.is_ascii_whitespace()).next();
            let is_include = |word: &[u8]| {
                ["Include", "IncludeOptional"]
                    .iter()
                    .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
            };
            if !first.is_some_and(is_include) {
                return Err(format!(
                    "a macro leads to {}, which changes",
                    printable(&self.result.file(id).name)
                ));
            }
            if self.needed.insert(parent) {
                waiting.push(parent);
            }
        }
        self.needed.insert(0);
        Ok(())
    }

    /// In a copy each `Include` names what it is to find, one by one.
    fn lead_to_copies(&mut self) -> io::Result<()> {
        let mut found: BTreeMap<(FileId, u32), Vec<u8>> = BTreeMap::new();
        for name in ["Include", "IncludeOptional"] {
            for (_, entry) in self.result.named(name) {
                let is_optional = name == "IncludeOptional";
                let is_in_a_macro = self.result.macro_place(entry).is_some();
                // One that finds nothing is an error of its own, or nothing at all.
                if self.needed.contains(&entry.file) && !is_in_a_macro && entry.truth != Truth::False {
                    let list = found.entry((entry.file, entry.line));
                    let list = list.or_default();
                    if is_optional && list.is_empty() {
                        list.extend_from_slice(b"# in their order\n");
                    }
                }
            }
        }
        for (id, file) in self.files() {
            let Some(list) = file.included_from.and_then(|from| found.get_mut(&from)) else {
                continue;
            };
            let path = match self.needed.contains(&id) {
                true => self.scratch.folder.join(name(id)),
                false => file.host.clone(),
            };
            list.extend_from_slice(&[b"Include \"", &slashes(&path)[..], b"\"\n"].concat());
        }
        for (number, ((file, line), list)) in found.into_iter().enumerate() {
            if list.is_empty() {
                continue;
            }
            let list = put(self.scratch, &format!("list-{number}.conf"), &list)?;
            let text = [b"Include \"", &slashes(&list)[..], b"\""].concat();
            self.lines.insert((file, line), text);
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        for &id in &self.needed {
            let file = self.result.file(id);
            let document = &file.document;
            let first = document
                .lines()
                .first()
                .map_or(document.bytes().len(), |_| document.span(0).start);
            let mut bytes = document.bytes()[..first].to_vec();
            for line in 0..document.lines().len() {
                match self.lines.get(&(id, line as u32)) {
                    None => bytes.extend_from_slice(document.raw(line)),
                    Some(text) => {
                        bytes.extend_from_slice(text);
                        // As many lines as before, so that all behind it keep their numbers.
                        let ends = document.last_number(line) - document.number(line) + 1;
                        bytes.extend((0..ends).map(|_| b'\n'));
                    }
                }
            }
            let copy = put(self.scratch, &name(id), &bytes)?;
            if id != 0 {
                let told = (copy.display().to_string(), printable(&file.name));
                self.names.push(told);
            }
        }
        Ok(())
    }
}

/// A path as Apache takes it.
fn slashes(path: &Path) -> Vec<u8> {
    let bytes = host_bytes(path);
    match cfg!(windows) {
        true => bytes.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect(),
        false => bytes,
    }
}
