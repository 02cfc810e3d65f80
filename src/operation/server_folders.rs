//! Which folders and files of a server that a service of Windows runs are judged by who may write them.

use super::find::Loaded;
use crate::check::Finding;

/// Elsewhere nobody but root starts a service.
#[cfg(not(windows))]
pub fn findings(_loaded: &Loaded) -> Vec<Finding> {
    Vec::new()
}

#[cfg(windows)]
pub use windows::findings;

#[cfg(windows)]
mod windows {
    use std::collections::HashSet;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::acl::{self, Scope, Sid};
    use crate::check::server_folders::{Looked, check};
    use crate::httpd::{Truth, resolve};

    /// What others may write of a server that a service runs: what it runs and reads, and the folders above.
    pub fn findings(loaded: &Loaded) -> Vec<Finding> {
        let Some(service) = loaded.service_account() else {
            return Vec::new();
        };
        let us = acl::us();
        let files = files(loaded);
        let mut folders: Vec<PathBuf> = ["conf", "bin", "modules"]
            .map(|name| loaded.installation.root.join(name))
            .into();
        folders.extend(files.iter().filter_map(|file| Some(file.parent()?.to_path_buf())));
        let folders = once(folders);
        let links = links(folders.iter().chain(&files));
        // What lies above the end of a link matters as much as what lies above the link.
        let ends = links.iter().filter_map(|link| link.canonicalize().ok());
        let ends: Vec<PathBuf> = ends.collect();
        let above = folders.iter().flat_map(|folder| folder.ancestors().skip(1));
        let above = above.chain(ends.iter().flat_map(|end| end.ancestors()));
        let mut above = once(above.map(Path::to_path_buf).collect());
        above.retain(|folder| !folders.contains(folder));

        let mut looked: Vec<Looked> = Vec::new();
        looked.extend(folders.iter().filter_map(|folder| look(folder, Scope::Below)));
        let is_open = |one: &Looked| one.descriptor.objection(one.scope, us.as_ref()).is_some();
        // What lies in a folder that is open anyhow needs no line of its own.
        let open: HashSet<String> = looked
            .iter()
            .filter(|one| is_open(one))
            .map(|one| one.path.clone())
            .collect();
        let in_closed = files
            .iter()
            .filter(|file| !file.parent().is_some_and(|folder| open.contains(&text(folder))));
        looked.extend(in_closed.filter_map(|file| look(file, Scope::File)));
        looked.extend(above.iter().filter_map(|folder| look(folder, Scope::Above)));
        looked.extend(links.iter().filter_map(|link| look(link, Scope::Link)));
        check(&looked, service, us.as_ref() as Option<&Sid>)
    }

    /// The binary, the configuration and the modules.
    fn files(loaded: &Loaded) -> Vec<PathBuf> {
        let configuration = &loaded.configuration;
        let source = configuration.source();
        let mut files = Vec::new();
        if let Ok(Some(binary)) = &loaded.binary {
            files.push(binary.path().to_path_buf());
        }
        files.extend(configuration.files().iter().map(|file| file.host.clone()));
        for module in configuration.load_modules() {
            if configuration.entry(module.entry).truth != Truth::False {
                let full = resolve(&module.server_root, &module.file, source.platform);
                files.push(source.host_path(&full));
            }
        }
        once(files)
    }

    /// The links and junctions on the way to files and folders.
    fn links<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
        let all = paths.flat_map(|path| path.ancestors());
        let mut links = once(all.map(Path::to_path_buf).collect());
        links.retain(|path| path.is_symlink());
        links
    }

    fn look(path: &Path, scope: Scope) -> Option<Looked> {
        let descriptor = match scope {
            Scope::Link => acl::own_descriptor(path),
            _ => acl::descriptor(path),
        };
        Some(Looked {
            path: text(path),
            scope,
            descriptor: descriptor.ok()?,
        })
    }

    /// With Windows' own separators alone, as its commands want it, and without what it puts before real paths.
    fn text(path: &Path) -> String {
        let text = path.display().to_string().replace('/', "\\");
        match text.strip_prefix(r"\\?\") {
            Some(plain) if plain.as_bytes().get(1) == Some(&b':') => plain.to_owned(),
            _ => text,
        }
    }

    /// Each once, whatever its capitals.
    fn once(paths: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut known = HashSet::new();
        let plain = paths.into_iter().map(|path| PathBuf::from(text(&path)));
        plain
            .filter(|path| known.insert(text(path).to_lowercase()))
            .collect()
    }
}
