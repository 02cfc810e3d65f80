//! What an httpd that reads a configuration reads and loads besides: who may write that.

use std::path::PathBuf;

use super::{Distrust, Judge, Others};
use crate::httpd::{Configuration, Entry, Truth, bytes_path, include_places, resolve};
use crate::server::dialog;

/// What is judged of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The modules and programs that it names.
    Programs,
    /// Its files and the folders where its Includes look as well: who writes there names any module.
    All,
}

/// What of a configuration others than root and we may write; `more` are files besides that belong to it.
pub fn of_configuration(configuration: &Configuration, more: &[PathBuf], reach: Reach) -> Option<Others> {
    let mut judge = Judge::default();
    let mut flaws =
        |paths: &[PathBuf]| -> Vec<Distrust> { paths.iter().flat_map(|path| judge.flaws(path)).collect() };
    let mut found = flaws(&programs(configuration));
    let dialogs = flaws(&dialogs(configuration));
    // Only then it is worth reading every key.
    if !dialogs.is_empty() && dialog::may_be_run(configuration) {
        found.extend(dialogs);
    }
    let has_programs = !found.is_empty();
    if reach == Reach::All {
        found.extend(flaws(&files(configuration)));
        found.extend(flaws(more));
    }
    let root = configuration.source().host_path(configuration.server_root());
    Others::of(found, has_programs, &root)
}

/// The modules and libraries that Apache loads, and the programs that it runs when it starts.
fn programs(configuration: &Configuration) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut add = |root: &[u8], file: &[u8]| paths.extend(places(configuration, root, file));
    for module in configuration.load_modules() {
        if may_hold(configuration, configuration.entry(module.entry)) {
            add(&module.server_root, &module.file);
        }
    }
    for (id, entry) in configuration.named("LoadFile") {
        for file in configuration.arguments(entry) {
            add(&configuration.server_root_at(id), &file);
        }
    }
    for (id, entry) in configuration.named("SSLRandomSeed") {
        let source = configuration
            .arguments(entry)
            .into_iter()
            .nth(1)
            .unwrap_or_default();
        if let Some(program) = source.strip_prefix(b"exec:") {
            add(&configuration.server_root_at(id), program);
        }
    }
    paths
}

/// The programs that tell Apache a pass-phrase, where it needs one.
fn dialogs(configuration: &Configuration) -> Vec<PathBuf> {
    let named = configuration.named("SSLPassPhraseDialog");
    let active = named.filter(|(_, entry)| may_hold(configuration, entry));
    active
        .filter_map(|(id, entry)| {
            let value = configuration.arguments(entry).into_iter().next()?;
            let root = configuration.server_root_at(id);
            Some(places(configuration, &root, dialog::program(&value)?))
        })
        .flatten()
        .collect()
}

/// Where a file lies. Where the server root is that of another machine, Apache goes there and not to our copy.
fn places(configuration: &Configuration, root: &[u8], file: &[u8]) -> [PathBuf; 2] {
    let source = configuration.source();
    let full = resolve(root, file, source.platform);
    [source.host_path(&full), bytes_path(&full)]
}

/// Its files, and where others would be read were they there.
fn files(configuration: &Configuration) -> Vec<PathBuf> {
    let source = configuration.source();
    let mut paths: Vec<PathBuf> = configuration
        .files()
        .iter()
        .map(|file| file.host.clone())
        .collect();
    let includes = configuration
        .named("Include")
        .chain(configuration.named("IncludeOptional"));
    for (id, entry) in includes.filter(|(_, entry)| may_hold(configuration, entry)) {
        let root = configuration.server_root_at(id);
        for argument in configuration.arguments(entry) {
            let places = include_places(&argument, &root, source);
            paths.extend(places.iter().map(|place| source.host_path(place)));
        }
    }
    paths
}

/// Is a line active, or may it be in the next moment? The files that `<IfFile>` asks for may come and go.
fn may_hold(configuration: &Configuration, entry: &Entry) -> bool {
    let asks_for_file = || {
        let mut around = configuration
            .ancestors(entry)
            .map(|(id, _)| configuration.opening(id));
        around.any(|opening| opening.is_some_and(|opening| configuration.is_named(opening, "<IfFile")))
    };
    entry.truth != Truth::False || asks_for_file()
}
