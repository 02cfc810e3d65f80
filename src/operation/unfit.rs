//! Configurations on which nothing is planned, or into which nothing is put; and why.

use std::path::Path;

use super::Failure;
use super::find::Loaded;
use crate::httpd::{Platform, known, real_path, resolve};
use crate::quoted::quoted;
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::shown::printable;
use crate::tls::holds_private_key;

impl Loaded {
    /// Refuses to plan when the configuration names another server root than the one that was asked for, and that one
    /// exists: the files that would change are not below the folder that was meant.
    pub fn refuse_other_root(&self) -> Result<(), Failure> {
        let root = self.source_root();
        if real_path(&root) == real_path(&self.installation.root) {
            return Ok(());
        }
        let cause = format!(
            "the configuration names the server root {}, not {}: its files would be changed",
            root.display(),
            self.show(&self.installation.root)
        );
        let fix = format!(
            "Give --root {} to change those, or correct ServerRoot in the copy",
            quoted(&root)
        );
        let refusal = Refusal::new(RefusalCode::OtherServerRoot, cause, ". ", fix);
        Err(Failure::refused(refusal.about(self.server_root_line())))
    }

    /// Refuses to plan on a configuration saved as UTF-16, which Apache cuts at every second byte, or with a byte
    /// order mark, which Apache on Unix takes for part of the first word.
    pub fn refuse_encoding(&self) -> Result<(), Failure> {
        let file = self.configuration.file(0);
        let bytes = file.document.bytes();
        let main = self.place(&self.installation.main);
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Err(Failure::refused(Refusal::new(
                RefusalCode::ConfigUtf16,
                say![main, " is saved as UTF-16, which Apache cannot read"],
                "; ",
                "save it as UTF-8 without a byte order mark, then run again",
            )));
        }
        if self.facts.platform == Platform::Unix && bytes.starts_with(b"\xef\xbb\xbf") {
            return Err(Failure::refused(Refusal::new(
                RefusalCode::ConfigByteOrderMark,
                say![
                    main,
                    " starts with a byte order mark, which Apache cannot read on this system"
                ],
                "; ",
                "save it without one, then run again",
            )));
        }
        Ok(())
    }

    /// Refuses a main file that is none: nothing in it is a directive of any module of Apache.
    pub fn refuse_no_configuration(&self) -> Result<(), Failure> {
        let configuration = &self.configuration;
        let main = self.place(&self.installation.main);
        let fix = "Name the main file with --config";
        let Some(first) = configuration.entries().next() else {
            let cause = say![
                main,
                " holds no directive, so it is not a configuration; Apache would say: no listening sockets \
                 available, shutting down"
            ];
            return Err(Failure::refused(Refusal::new(
                RefusalCode::ConfigEmpty,
                cause,
                ". ",
                fix,
            )));
        };
        let is_known = |entry| !known::find(&configuration.name(entry)).is_empty();
        if configuration.entries().any(is_known) {
            return Ok(());
        }
        self.refuse_encoding()?;
        let name = configuration.name(first);
        let why = format!(
            " is not a configuration of Apache, which knows no directive in it and would say: Invalid command '{}'",
            printable(&name[..name.len().min(40)])
        );
        let refusal = Refusal::new(RefusalCode::NotAConfig, say![main, why], ". ", fix);
        Err(Failure::refused(refusal.about([Place::of(configuration, first)])))
    }

    /// Refuses to show a configuration into which an `Include` reads a private key: each of its lines is a directive
    /// to Apache, and would be printed.
    pub fn refuse_private_keys(&self) -> Result<(), Failure> {
        let files = self.configuration.files().iter();
        match files
            .into_iter()
            .find(|file| holds_private_key(file.document.bytes()))
        {
            None => Ok(()),
            Some(file) => Err(Failure::refused(Refusal::new(
                RefusalCode::ConfigIsAKey,
                say![
                    self.place(&file.host),
                    " holds a private key and is read as configuration, so nothing of it is shown"
                ],
                "; ",
                "make the Include name *.conf files instead of a whole folder, then run again",
            ))),
        }
    }

    /// The place of an `Include` that would read files put into a folder.
    pub fn included_from_folder(&self, folder: &Path) -> Result<Option<Place>, Failure> {
        let full = resolve(
            self.configuration.server_root(),
            &self.spell(folder)?,
            self.facts.platform,
        );
        Ok(self
            .configuration
            .include_into(&full)
            .map(|entry| Place::of(&self.configuration, entry)))
    }

    /// Refuses to put certificates where an `Include` would read them as configuration.
    pub fn refuse_included(&self, folder: &Path) -> Result<(), Failure> {
        match self.included_from_folder(folder)? {
            None => Ok(()),
            Some(include) => Err(Failure::refused(Refusal::new(
                RefusalCode::IncludeReadsCertificates,
                say![
                    "the Include at ",
                    include,
                    " would read certificates in ",
                    self.show(folder),
                    " as configuration"
                ],
                "; ",
                "name *.conf files there instead of a whole folder",
            ))),
        }
    }
}
