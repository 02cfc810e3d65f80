//! What an httpd that reads a configuration reads and loads besides: who may write that.

use std::path::PathBuf;

use super::{Distrust, Judge};
use crate::httpd::{Configuration, Entry, Truth, bytes_path, include_places, resolve};

/// What is judged of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The modules and programs that it names.
    Programs,
    /// Its files and the folders where its Includes look as well: who writes there names any module.
    All,
}

/// What of a configuration others than root and we may write; `more` are files besides that belong to it.
pub fn of_configuration(configuration: &Configuration, more: &[PathBuf], reach: Reach) -> Option<Distrust> {
    let mut paths = programs(configuration);
    if reach == Reach::All {
        paths.extend(files(configuration));
        paths.extend_from_slice(more);
    }
    let mut judge = Judge::default();
    paths.iter().find_map(|path| judge.judge(path).err())
}

/// The modules and libraries that Apache loads, and the programs that it runs when it starts.
fn programs(configuration: &Configuration) -> Vec<PathBuf> {
    let source = configuration.source();
    let platform = source.platform;
    let mut paths = Vec::new();
    let mut add = |root: &[u8], file: &[u8]| {
        let full = resolve(root, file, platform);
        // Where the server root is that of another machine, Apache goes there and not to our copy.
        paths.extend([source.host_path(&full), bytes_path(&full)]);
    };
    for module in configuration.load_modules() {
        if may_hold(configuration, configuration.entry(module.entry)) {
            add(&module.server_root, &module.file);
        }
    }
    for (_, entry) in configuration.named("LoadFile") {
        for file in configuration.arguments(entry) {
            add(configuration.server_root(), &file);
        }
    }
    for (_, entry) in configuration.named("SSLRandomSeed") {
        let source = configuration
            .arguments(entry)
            .into_iter()
            .nth(1)
            .unwrap_or_default();
        if let Some(program) = source.strip_prefix(b"exec:") {
            add(configuration.server_root(), program);
        }
    }
    paths
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
    for (_, entry) in includes.filter(|(_, entry)| may_hold(configuration, entry)) {
        for argument in configuration.arguments(entry) {
            // Relative to the one or the other, where the server root changes on the way.
            for root in [configuration.server_root(), &source.initial_root()] {
                let places = include_places(&argument, root, source);
                paths.extend(places.iter().map(|place| source.host_path(place)));
            }
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
