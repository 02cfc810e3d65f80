//! A `.htaccess` as a configuration of its own. Whoever has the site may write it, so that it is believed in nothing but what
//! it may say: it brings in no files and defines nothing.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

#[cfg(unix)]
use crate::apply::{Last, Place};
use crate::foreign;
use crate::httpd::word::words;
use crate::httpd::{Configuration, Document, Facts};

/// What is looked at; all else in the file is as if it were blank.
const LOOKED_AT: [&str; 21] = [
    "RewriteEngine",
    "RewriteBase",
    "RewriteOptions",
    "RewriteCond",
    "RewriteRule",
    "Redirect",
    "RedirectPermanent",
    "RedirectTemp",
    "RedirectMatch",
    "SetEnv",
    "SetEnvIf",
    "SetEnvIfNoCase",
    "RequestHeader",
    "Header",
    "ErrorDocument",
    "DirectoryIndex",
    "SetHandler",
    "AddHandler",
    "ForceType",
    "Require",
    "Deny",
];

/// Sections that are another language's, or define something.
const NO_SECTIONS: [&str; 3] = ["<macro", "<perl", "<lua"];

/// Reads the file of that name in the configuration, if there is one.
///
/// # Errors
/// It is there and cannot be read, is too large, or a link of somebody else leads to it.
pub(super) fn read(configuration: &Configuration, name: &[u8]) -> io::Result<Option<Configuration>> {
    let source = configuration.source();
    let host = source.host_path(name);
    if source.is_foreign(name) || !is_there(&host)? {
        return Ok(None);
    }
    let file = open(&host)?;
    let bytes = foreign::read_from(&file, &file.metadata()?, foreign::ACCESS_FILE)?;
    let facts = facts(configuration);
    let bytes = looked_at(bytes, &facts);
    Ok(Some(Configuration::from_bytes(
        name,
        bytes,
        source.clone(),
        facts,
    )))
}

/// Is there anything of that name? That it cannot be looked at is no answer: Apache may see it.
fn is_there(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A link of those who may write to the folder leads only to what is theirs, as with logs.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    let place = Place::of(path, Last::Follow)?;
    let file = place
        .open()
        .map_err(|error| foreign::open(path).err().unwrap_or(error))?;
    match place.led_out(Place::found(&file)?.attributes.uid) {
        Some(_) => Err(io::Error::other(
            "a symbolic link leads there, which others may change",
        )),
        None => Ok(file),
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    foreign::open(path).map(|(file, _)| file)
}

/// What holds where Apache reads it: the modules are there.
fn facts(configuration: &Configuration) -> Facts {
    let mut facts = configuration.facts().clone();
    facts.built_in = configuration.modules().sources();
    facts
}

/// The bytes with blanks in the place of all that is not looked at; lines stay where they are.
fn looked_at(mut bytes: Vec<u8>, facts: &Facts) -> Vec<u8> {
    let document = Document::new(bytes.clone(), facts.platform);
    for line in 0..document.lines().len() {
        let text = document.text(line);
        let first = words(&text).next().map(|word| word.value.to_ascii_lowercase());
        let name = first.unwrap_or_default();
        let is_one = |names: &[&str]| {
            let mut names = names.iter();
            names.any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
        };
        let is_section =
            name.starts_with(b"<") && !NO_SECTIONS.iter().any(|no| name.starts_with(no.as_bytes()));
        if is_section || is_one(&LOOKED_AT) {
            continue;
        }
        for byte in &mut bytes[document.span(line)] {
            if !matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::Platform;

    #[test]
    fn nothing_comes_in_that_may_not_stand_there() {
        let text = "Include /etc/shadow\nRewriteEngine on\nDefine A \\\n  B\n<Macro M>\n</Macro>\nUse M\n<IfModule x>\nredirect / \
                    /y\n</IfModule>\n";
        let facts = Facts::assumed(Platform::HOST);
        let left = String::from_utf8(looked_at(text.as_bytes().to_vec(), &facts)).unwrap();
        let lines: Vec<&str> = left.split('\n').map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "",
                "RewriteEngine on",
                "",
                "",
                "",
                "</Macro>",
                "",
                "<IfModule x>",
                "redirect / /y",
                "</IfModule>",
                ""
            ]
        );
    }
}
