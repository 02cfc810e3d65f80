//! Debian's way of loading a module: links in `mods-enabled` to files in `mods-available`, as `a2enmod` makes them. And
//! whether the file that a module is in is there.

use std::path::Path;

use crate::httpd::{Configuration, Kind, Truth, bytes_path, resolve, trim, word};

use super::super::plan::Link;

/// The links that load a module and what it depends on; none where the server is not laid out like that, or has no
/// such module.
pub(super) fn links(configuration: &Configuration, identifier: &str, why: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let stem = identifier.strip_suffix("_module").unwrap_or(identifier);
    let layout = Layout { configuration };
    if layout.is_debian()
        && layout
            .collect(stem, &format!("load {identifier}: {why}"), &mut links)
            .is_none()
    {
        links.clear();
    }
    links
}

struct Layout<'a> {
    configuration: &'a Configuration,
}

impl Layout<'_> {
    fn path(&self, name: &str) -> Vec<u8> {
        let platform = self.configuration.source().platform;
        resolve(self.configuration.server_root(), name.as_bytes(), platform)
    }

    fn kind(&self, name: &str) -> Kind {
        self.configuration.source().kind(&self.path(name))
    }

    fn is_debian(&self) -> bool {
        let folders = ["mods-available", "mods-enabled"];
        folders.iter().all(|name| self.kind(name) == Kind::Folder)
            && self
                .configuration
                .include_into(&self.path("mods-enabled"))
                .is_some()
    }

    /// Adds the links for a module, those of its dependencies first. `None`: it cannot be loaded so.
    fn collect(&self, stem: &str, reason: &str, links: &mut Vec<Link>) -> Option<()> {
        let load = self
            .configuration
            .source()
            .read(&self.path(&format!("mods-available/{stem}.load")))
            .ok()?;
        let loaded = load.split(|&b| b == b'\n').any(|line| {
            let arguments: Vec<_> = word::words(trim(line))
                .map(|word| word.value.into_owned())
                .collect();
            matches!(arguments.as_slice(), [name, _, file]
                if name.eq_ignore_ascii_case(b"LoadModule") && exists(self.configuration, file))
        });
        if !loaded {
            return None;
        }
        for dependency in dependencies(&load) {
            let identifier = format!("{dependency}_module");
            let is_planned = links
                .iter()
                .any(|link| link.path.ends_with(format!("{dependency}.load")));
            if self.configuration.modules().has(identifier.as_bytes()) != Truth::True && !is_planned {
                self.collect(
                    &dependency,
                    &format!("load {identifier}, which {stem}_module needs"),
                    links,
                )?;
            }
        }
        for (end, reason) in [
            ("conf", format!("the usual settings of {stem}_module")),
            ("load", reason.to_string()),
        ] {
            let (available, enabled) = (
                format!("mods-available/{stem}.{end}"),
                format!("mods-enabled/{stem}.{end}"),
            );
            if self.kind(&available) != Kind::File || self.kind(&enabled) != Kind::Missing {
                continue;
            }
            links.push(Link {
                path: self.configuration.source().host_path(&self.path(&enabled)),
                target: Path::new("..").join(bytes_path(available.as_bytes())),
                reason,
            });
        }
        links
            .iter()
            .any(|link| link.path.ends_with(format!("{stem}.load")))
            .then_some(())
    }
}

/// What a line `# Depends: a b` of a module's file names.
fn dependencies(load: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(load);
    text.lines()
        .filter_map(|line| line.trim_start_matches('#').trim().strip_prefix("Depends:"))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

/// Is there such a module file, as a `LoadModule` would find it?
pub(super) fn exists(configuration: &Configuration, path: &[u8]) -> bool {
    let mut resolved = path.to_vec();
    if memchr::memmem::find(path, b"${").is_some() {
        resolved = configuration.variables().substitute(path, |_| {}).into_owned();
    }
    let full = resolve(
        configuration.server_root(),
        &resolved,
        configuration.source().platform,
    );
    configuration.source().is_foreign(&full) || configuration.source().kind(&full) == Kind::File
}
