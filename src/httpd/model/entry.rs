//! What a configuration is made of: files, directives, sections, and the numbers they go by. Evaluates nothing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::source::{KeptFile, real_path, real_paths};
use super::truth::Truth;
use crate::httpd::fast::glance::Glance;
use crate::httpd::text::document::Document;

/// Index of a file in [`super::configuration::Configuration::files`].
pub type FileId = u32;
/// Index of an entry in [`super::configuration::Configuration::entries`].
pub type EntryId = u32;
/// Index of a section in [`super::configuration::Configuration::sections`].
pub type SectionId = u32;

/// The section that encloses everything: the server level.
pub const SERVER: SectionId = 0;

/// One reading of a file. A file that is included twice is read twice.
#[derive(Clone, Debug)]
pub struct ReadFile {
    /// Its name as Apache prints it.
    pub name: Vec<u8>,
    /// Its path on this machine.
    pub host: PathBuf,
    /// What is behind all links of that path, when somebody has asked.
    pub(in crate::httpd) real: OnceLock<Arc<OsStr>>,
    /// Its bytes and lines.
    pub document: Arc<Document>,
    /// File and line (index) of the `Include` that led here; `None` for the main file.
    pub included_from: Option<(FileId, u32)>,
    /// Is it really read?
    pub truth: Truth,
}

impl ReadFile {
    /// The file behind all symbolic links of its path: one name for one file.
    pub fn real(&self) -> &Path {
        Path::new(self.shared_real())
    }

    /// The same, to be kept beside it.
    pub fn shared_real(&self) -> &Arc<OsStr> {
        self.real.get_or_init(|| real_path(&self.host).as_os_str().into())
    }

    /// Files as they were read, for whoever reads them again.
    pub(crate) fn kept(files: &[&ReadFile]) -> impl Iterator<Item = (OsString, KeptFile)> {
        ReadFile::find_real(files);
        files.iter().map(|file| {
            let kept = KeptFile {
                real: file.shared_real().clone(),
                document: file.document.clone(),
            };
            (file.host.clone().into(), kept)
        })
    }

    /// Finds it for many files at once, so that it is known when they are asked. Those of which it is known are not looked at.
    pub fn find_real(files: &[&ReadFile]) {
        let files = files.iter().filter(|file| file.real.get().is_none());
        let files: Vec<&ReadFile> = files.copied().collect();
        let paths: Vec<&Path> = files.iter().map(|file| &*file.host).collect();
        for (file, real) in files.iter().zip(real_paths(&paths)) {
            file.real.get_or_init(|| real.as_os_str().into());
        }
    }
}

/// A directive or the opening of a section.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The file.
    pub file: FileId,
    /// The line (index in the file's document). In a macro, the line of the `Use`.
    pub line: u32,
    /// The innermost section around it.
    pub section: SectionId,
    /// 0, or the number of its text where that differs from the file's.
    pub(in crate::httpd) text: u32,
    /// Does Apache see it?
    pub truth: Truth,
    /// It opens a section.
    pub opens: bool,
    /// What a glance at its text has shown.
    pub(crate) glance: Glance,
}

impl Entry {
    /// Is its text what the file has, with no variable substituted and out of no macro?
    pub fn is_as_written(&self) -> bool {
        self.text == 0
    }

    /// The same as if nobody had glanced at its text.
    #[cfg(test)]
    pub(crate) fn without_glance(&self) -> Entry {
        Entry {
            glance: Glance::NOTHING,
            ..*self
        }
    }
}

/// A section: from its opening to its closing line.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The section around it.
    pub parent: SectionId,
    /// Its opening; `u32::MAX` for the server level.
    pub opening: EntryId,
    /// The line that closes it: an index in the document of the file where it was opened, or `None` when it is
    /// closed by the end of the file or of a macro.
    pub closing: Option<u32>,
    /// Conditionals that Apache decides while reading: their content belongs to the section around them.
    pub transparent: bool,
    /// How many sections stand around it.
    pub(in crate::httpd) depth: u16,
    /// Does Apache see what is inside?
    pub truth: Truth,
}

/// Where a line of an expanded macro stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacroPlace {
    /// Apache's name for the place: `macro 'n' (defined on line L of "F") used on line M of "G"`.
    pub name: Arc<str>,
    /// Line in the body, from 1.
    pub line: u32,
}
