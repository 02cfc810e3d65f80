//! Where the bytes of a configuration come from: the disk, with edited files on top. Evaluates nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::path;
use super::platform::Platform;
use crate::foreign;
use crate::httpd::text::document::Document;
use crate::parallel::{in_parallel, processors};

/// The file system as Apache would see it, translated to the one we run on.
#[derive(Clone, Debug)]
pub struct Source {
    /// The configuration's platform.
    pub platform: Platform,
    /// The server root as this program opens it.
    pub host_root: PathBuf,
    /// A server root named in the configuration that does not exist here; what lies below it is read below
    /// `host_root` instead. So a tree copied from another machine can be read.
    relocated: Option<Vec<u8>>,
    /// Files with other bytes than on disk, by the path behind all links.
    overlay: Arc<HashMap<Arc<OsStr>, Arc<Document>>>,
    /// Files of the disk that are not to be read again.
    kept: Arc<KeptFiles>,
    /// Some of them are as edits left them, so that lines are numbered otherwise than on disk.
    is_edited: bool,
    /// Names that are taken for missing: folders resolved, the last part not.
    hidden: BTreeSet<PathBuf>,
    /// Symbolic links that are taken to be there, with what they say.
    links: BTreeMap<PathBuf, PathBuf>,
}

/// Files as they were read, by the path that they are read by; as a text, as there may be a hundred thousand, and to tell
/// paths apart by their components takes longer than to read the files.
pub(crate) type KeptFiles = HashMap<OsString, KeptFile, foldhash::fast::RandomState>;

/// A file as it was read.
#[derive(Clone, Debug)]
pub(crate) struct KeptFile {
    /// The path behind all links.
    pub real: Arc<OsStr>,
    /// Its bytes and lines.
    pub document: Arc<Document>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file (or the null device, which Apache accepts as an empty file).
    File,
    /// A folder.
    Folder,
    /// Something else: a pipe, a device.
    Other,
    /// Nothing.
    Missing,
}

impl Source {
    /// A configuration below `host_root`, an absolute path on this machine.
    pub fn new(host_root: PathBuf, platform: Platform) -> Self {
        Source {
            platform,
            host_root,
            relocated: None,
            overlay: Arc::default(),
            kept: Arc::default(),
            is_edited: false,
            hidden: BTreeSet::new(),
            links: BTreeMap::new(),
        }
    }

    /// The same with other bytes in some files; files that do not exist yet become visible.
    pub fn with_overlay(&self, overlay: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let document = |bytes| Arc::new(Document::new(bytes, self.platform));
        let overlay = overlay.into_iter();
        self.with_documents(
            overlay.map(|(path, bytes)| (real_path(&path).as_os_str().into(), document(bytes))),
        )
    }

    /// The same with other bytes in some files, by the path behind all links.
    pub(crate) fn with_documents(
        &self,
        documents: impl IntoIterator<Item = (Arc<OsStr>, Arc<Document>)>,
    ) -> Self {
        let mut all = (*self.overlay).clone();
        all.extend(documents);
        Source {
            overlay: Arc::new(all),
            ..self.clone()
        }
    }

    /// The same with files that need not be read again.
    pub(crate) fn with_kept_files(self, kept: Arc<KeptFiles>) -> Self {
        Source { kept, ..self }
    }

    /// What is known to be behind the links of a path.
    pub(in crate::httpd) fn kept_real_path(&self, host: &Path) -> Option<&Arc<OsStr>> {
        self.kept.get(host.as_os_str()).map(|file| &file.real)
    }

    /// The same, for other bytes that are what edits left.
    pub fn edited(self) -> Self {
        Source {
            is_edited: true,
            ..self
        }
    }

    /// May its lines be numbered otherwise than on disk?
    pub fn is_edited(&self) -> bool {
        self.is_edited
    }

    /// The same with a symbolic link that is not there, or is another one.
    ///
    /// # Errors
    /// When what it leads to cannot be read.
    pub fn with_link(&self, path: &Path, target: &Path) -> io::Result<Self> {
        let file = path
            .parent()
            .map_or_else(|| target.to_path_buf(), |folder| folder.join(target));
        let bytes = match self.overlaid(&file) {
            Some(document) => document.bytes().to_vec(),
            None => read_file(&file)?.to_vec(),
        };
        let mut source = self.with_overlay([(path.to_path_buf(), bytes)].into());
        let name = own_name(path);
        source.hidden.remove(&name);
        source.links.insert(name, target.to_path_buf());
        Ok(source)
    }

    /// What a symbolic link says; nothing where there is none.
    pub fn read_link(&self, host: &Path) -> Option<PathBuf> {
        if self.is_hidden(host) {
            return None;
        }
        let taken = self.links.get(&own_name(host)).cloned();
        taken.or_else(|| std::fs::read_link(host).ok())
    }

    /// Whether a name is taken, be it by a link that leads nowhere.
    pub fn is_taken(&self, host: &Path) -> bool {
        let is_there = || {
            self.overlaid(host).is_some()
                || self.links.contains_key(&own_name(host))
                || host.symlink_metadata().is_ok()
        };
        !self.is_hidden(host) && is_there()
    }

    /// The same without some names; what symbolic links lead to stays visible under its other names.
    pub fn without<'a>(&self, names: impl IntoIterator<Item = &'a Path>) -> Self {
        let hidden = names.into_iter().map(own_name);
        Source {
            hidden: self.hidden.iter().cloned().chain(hidden).collect(),
            ..self.clone()
        }
    }

    /// Is the name taken for missing?
    pub fn is_hidden(&self, host: &Path) -> bool {
        !self.hidden.is_empty() && self.hidden.contains(&own_name(host))
    }

    fn overlaid(&self, host: &Path) -> Option<&Arc<Document>> {
        let kept = self.kept.get(host.as_os_str());
        let edited = match kept {
            _ if self.overlay.is_empty() => None,
            Some(file) => self.overlay.get(&file.real),
            None => self.overlay.get(real_path(host).as_os_str()),
        };
        edited.or(kept.map(|file| &file.document))
    }

    /// The spelling of `host_root` in the configuration's terms, before any `ServerRoot` directive.
    pub fn initial_root(&self) -> Vec<u8> {
        path::normalize(&host_bytes(&self.host_root), self.platform)
    }

    /// Tells the source which server root the configuration names. Returns `false` when it does not exist on
    /// this machine: then what lies below it is read below `host_root`.
    pub fn enter_root(&mut self, root: &[u8]) -> bool {
        self.relocated = None;
        if *root == self.initial_root() || self.kind(root) == Kind::Folder {
            return true;
        }
        self.relocated = Some(root.to_vec());
        false
    }

    /// The same before any `ServerRoot` was read.
    pub(crate) fn at_the_start(&self) -> Source {
        Source {
            relocated: None,
            ..self.clone()
        }
    }

    /// The server root that exists only in the configuration, if there is one.
    pub fn relocated(&self) -> Option<&[u8]> {
        self.relocated.as_deref()
    }

    /// An absolute path of the configuration as this machine opens it.
    pub fn host_path(&self, absolute: &[u8]) -> PathBuf {
        if let Some(root) = &self.relocated
            && let Some(rest) = path::strip_prefix(absolute, root, self.platform)
        {
            return if rest.is_empty() {
                self.host_root.clone()
            } else {
                self.host_root.join(native(rest))
            };
        }
        native(absolute)
    }

    /// May this account not see whether there is anything at an absolute path of the configuration?
    pub fn is_closed(&self, absolute: &[u8]) -> bool {
        let met = std::fs::metadata(self.host_path(absolute));
        met.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    }

    /// What an absolute path of the configuration leads to, symbolic links followed.
    pub fn kind(&self, absolute: &[u8]) -> Kind {
        let host = self.host_path(absolute);
        if self.is_hidden(&host) {
            return Kind::Missing;
        }
        if self.overlaid(&host).is_some() {
            return Kind::File;
        }
        match std::fs::metadata(&host) {
            Ok(meta) if meta.is_dir() => Kind::Folder,
            Ok(meta) if meta.is_file() => Kind::File,
            Ok(_) if absolute == b"/dev/null" => Kind::File,
            Ok(_) => Kind::Other,
            Err(_) => Kind::Missing,
        }
    }

    /// Is it a file without a byte in it?
    pub fn is_empty(&self, absolute: &[u8]) -> bool {
        let host = self.host_path(absolute);
        match self.overlaid(&host) {
            Some(document) => document.bytes().is_empty(),
            None => std::fs::metadata(host).is_ok_and(|meta| meta.is_file() && meta.len() == 0),
        }
    }

    /// Does the path belong to another machine, so that nothing can be said about it here? So it is with `D:/x` in
    /// a Windows configuration that is read on Unix.
    pub fn is_foreign(&self, absolute: &[u8]) -> bool {
        let below = |root: &[u8]| path::strip_prefix(absolute, root, self.platform).is_some();
        self.platform != Platform::HOST
            && !self.relocated.as_deref().is_some_and(below)
            && !below(&self.initial_root())
    }

    /// Is it a folder itself, not a symbolic link to one?
    pub fn is_real_folder(&self, absolute: &[u8]) -> bool {
        std::fs::symlink_metadata(self.host_path(absolute)).is_ok_and(|meta| meta.is_dir())
    }

    /// A file, by its path on this machine, that need not be read from disk.
    pub(in crate::httpd) fn document_at(&self, host: &Path) -> Option<Arc<Document>> {
        self.overlaid(host).filter(|_| !self.is_hidden(host)).cloned()
    }

    /// The bytes of a file.
    pub fn read(&self, absolute: &[u8]) -> io::Result<Vec<u8>> {
        self.read_up_to(absolute, foreign::CONFIGURATION)
    }

    /// The bytes of a file that, on the disk, has no more than so many.
    pub fn read_up_to(&self, absolute: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let host = self.host_path(absolute);
        if self.is_hidden(&host) {
            return Err(io::ErrorKind::NotFound.into());
        }
        match self.overlaid(&host) {
            Some(document) => Ok(document.bytes().to_vec()),
            // As Apache reads it: an empty file.
            None if absolute == b"/dev/null" => Ok(Vec::new()),
            None => read_file_up_to(&host, limit),
        }
    }

    /// The names in a folder, sorted by bytes as Apache sorts them; with what it is where the folder itself says that
    /// it is a file, or a real folder.
    pub fn list(&self, absolute: &[u8]) -> io::Result<Vec<(Vec<u8>, Option<Kind>)>> {
        let host = self.host_path(absolute);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&host)? {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_file() => Some(Kind::File),
                Ok(kind) if kind.is_dir() => Some(Kind::Folder),
                _ => None,
            };
            names.push((host_bytes(Path::new(&entry.file_name())), kind));
        }
        let edited = || self.overlay.keys().map(Path::new);
        if edited().any(|path| path.parent().is_some_and(|folder| may_be(&host, folder))) {
            let folder = real_path(&host);
            let here = edited().filter(|path| path.parent() == Some(&folder));
            let new = here.filter_map(|path| path.file_name());
            names.extend(new.map(|name| (host_bytes(Path::new(name)), None)));
        }
        if !self.hidden.is_empty() {
            names.retain(|(name, _)| !self.is_hidden(&host.join(bytes_path(name))));
        }
        names.sort_by(|(a, _), (b, _)| a.cmp(b));
        names.dedup_by(|(a, _), (b, _)| a == b);
        Ok(names)
    }
}

/// Could a path lead to this folder, which is one without links? Told by its name: to follow it asks for every folder on the
/// way, and of a hundred thousand folders few have been written to.
fn may_be(path: &Path, folder: &Path) -> bool {
    let is_named = |name: &OsStr| Some(name) == folder.file_name();
    // Windows has more than one spelling of the same name.
    cfg!(windows) || path.file_name().is_none_or(is_named) || path.is_symlink()
}

/// The bytes of a file of a configuration.
pub fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    read_file_up_to(path, foreign::CONFIGURATION)
}

/// As [`foreign::read`], in fewer steps; a large file is read by several processors at once, as most of the time goes
/// into the memory for it.
fn read_file_up_to(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    const WORTHWHILE: usize = 1 << 20;
    let (file, meta) = foreign::open(path)?;
    foreign::small_enough(meta.len(), limit)?;
    let length = meta.len() as usize;
    if length > 0 {
        let parts = processors().min(length / WORTHWHILE).max(1);
        // One byte more shows whether somebody is writing to it.
        let mut bytes = vec![0; length + 1];
        let size = bytes.len().div_ceil(parts);
        let pieces: Vec<_> = bytes.chunks_mut(size).map(Mutex::new).collect();
        let read = |n: usize| {
            let mut piece = pieces[n].lock().unwrap_or_else(PoisonError::into_inner);
            read_at(&file, &mut piece, (n * size) as u64)
        };
        let done = in_parallel(pieces.len(), read);
        drop(pieces);
        if done.into_iter().sum::<io::Result<usize>>()? == length {
            bytes.truncate(length);
            return Ok(bytes);
        }
    }
    foreign::read(path, limit)
}

fn read_at(file: &File, part: &mut [u8], from: u64) -> io::Result<usize> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_at(file, part, from);
    #[cfg(windows)]
    return std::os::windows::fs::FileExt::seek_read(file, part, from);
}

/// The file behind all symbolic links: one name for one file. For a file that does not exist yet, its name in the
/// real folder.
pub fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => {
            std::fs::canonicalize(folder).map_or_else(|_| alike(path), |folder| folder.join(name))
        }
        _ => alike(path),
    }
}

/// The same spelling for what Windows takes for the same path.
fn alike(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The same of many paths at once: most of them are names in few folders and no links, so that one question each is
/// enough.
pub fn real_paths(paths: &[&Path]) -> Vec<PathBuf> {
    const WORTHWHILE: usize = 100;
    let folders: HashSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    let folders = folders.into_iter();
    let real: HashMap<&Path, PathBuf> = folders
        .filter_map(|folder| Some((folder, std::fs::canonicalize(folder).ok()?)))
        .collect();
    let one = |path: &Path| match path
        .parent()
        .and_then(|folder| real.get(folder))
        .zip(path.file_name())
    {
        // Windows has more than one spelling of the same name.
        Some((folder, name)) if cfg!(unix) && is_no_link(path) => folder.join(name),
        _ => real_path(path),
    };
    let parts: Vec<&[&Path]> = paths.chunks(WORTHWHILE).collect();
    let done = in_parallel(parts.len(), |n| {
        parts[n].iter().map(|path| one(path)).collect::<Vec<_>>()
    });
    done.into_iter().flatten().collect()
}

fn is_no_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// A name in the real folder, itself not followed.
fn own_name(path: &Path) -> PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => real_path(folder).join(name),
        _ => path.to_path_buf(),
    }
}

/// A path of this machine as bytes.
pub fn host_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    {
        path.to_string_lossy().into_owned().into_bytes()
    }
}

/// The same in the machine's own style, in which people are shown it: configurations of Windows have forward slashes.
fn native(bytes: &[u8]) -> PathBuf {
    let path = bytes_path(bytes);
    match cfg!(windows) {
        true => PathBuf::from(path.to_string_lossy().replace('/', "\\")),
        false => path,
    }
}

/// Bytes as a path of this machine. Where paths are text, bytes that are not UTF-8 cannot name a file and become
/// replacement characters.
pub fn bytes_path(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
    }
}
