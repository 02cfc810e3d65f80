//! The step that gets mod_ssl loaded (and mod_socache_shmcb, where an active cache directive needs it). Knows
//! nothing of listeners and virtual hosts.

use crate::httpd::{Configuration, Edit, Kind, LoadModule, Truth, resolve, word};

use super::plan::{PlanError, insert_lines, refuse, server_root_line};

const SSL: &str = "ssl_module";
const SHMCB: &str = "socache_shmcb_module";

/// Edits after which mod_ssl is loaded; none when it is.
pub(super) fn ssl(configuration: &Configuration) -> Result<Vec<Edit>, PlanError> {
    load(configuration, SSL, "without it Apache does not speak TLS")
}

/// Edits after which mod_socache_shmcb is loaded, if something that Apache sees asks for it.
pub(super) fn session_cache(configuration: &Configuration) -> Result<Vec<Edit>, PlanError> {
    let caches = ["SSLSessionCache", "SSLStaplingCache"];
    let user = caches
        .iter()
        .flat_map(|name| configuration.named(name))
        .find(|(_, entry)| {
            let arguments = configuration.arguments(entry);
            let provider = arguments
                .first()
                .map(|argument| argument.to_ascii_lowercase())
                .unwrap_or_default();
            entry.truth != Truth::False && (provider == b"shmcb" || provider.starts_with(b"shmcb:"))
        });
    match user {
        Some((_, entry)) => load(
            configuration,
            SHMCB,
            &format!("the cache at {} needs it", configuration.place(entry)),
        ),
        None => Ok(Vec::new()),
    }
}

fn load(configuration: &Configuration, identifier: &str, why: &str) -> Result<Vec<Edit>, PlanError> {
    match configuration.modules().has(identifier.as_bytes()) {
        Truth::True => return Ok(Vec::new()),
        Truth::Unknown => {
            let place = configuration
                .load_modules()
                .iter()
                .find(|load| load.identifier == identifier.as_bytes() && load.truth == Truth::Unknown)
                .map(|load| format!(" at {}", configuration.place(configuration.entry(load.entry))))
                .unwrap_or_default();
            return Err(refuse(format!(
                "whether {identifier} is loaded depends on a condition{place} that cannot be decided without the \
                 server; load the module outside of it, then run again"
            )));
        }
        Truth::False => {}
    }
    if let Some(edit) = uncomment(configuration, identifier, why) {
        return Ok(vec![edit]);
    }
    add(configuration, identifier, why).map(|edit| vec![edit])
}

/// The first commented `LoadModule` of that module in a place that Apache reads, whose module file exists.
fn uncomment(configuration: &Configuration, identifier: &str, why: &str) -> Option<Edit> {
    for (id, file) in (0..).zip(configuration.files()) {
        let document = &file.document;
        for line in 0..document.lines().len() {
            let Some(commented) = document.commented(line) else {
                continue;
            };
            let [name, module, path] = commented.words.as_slice() else {
                continue;
            };
            if !name.eq_ignore_ascii_case(b"LoadModule")
                || module != identifier.as_bytes()
                || configuration.is_server_level(id, line as u32) != Truth::True
                || !exists(configuration, path)
            {
                continue;
            }
            return Some(Edit {
                file: file.host.clone(),
                span: commented.marks,
                replacement: Vec::new(),
                reason: format!("load {identifier}: {why}"),
            });
        }
    }
    None
}

/// A new line behind the last `LoadModule` at the server level, with a path in the style of its siblings.
fn add(configuration: &Configuration, identifier: &str, why: &str) -> Result<Edit, PlanError> {
    let stem = identifier.strip_suffix("_module").unwrap_or(identifier);
    let file_name = format!("mod_{stem}.so");
    let siblings: Vec<&LoadModule> = configuration
        .load_modules()
        .iter()
        .filter(|load| {
            let entry = configuration.entry(load.entry);
            load.truth == Truth::True
                && configuration.macro_place(entry).is_none()
                && configuration.is_server_level(entry.file, entry.line) == Truth::True
        })
        .collect();
    let folder = siblings.last().map_or(&b"modules"[..], |load| {
        let end = load
            .file
            .iter()
            .rposition(|&b| b == b'/' || b == b'\\')
            .unwrap_or(0);
        &load.file[..end]
    });
    let path = if folder.is_empty() {
        file_name.clone().into_bytes()
    } else {
        [folder, b"/", file_name.as_bytes()].concat()
    };
    if !exists(configuration, &path) {
        let full = resolve(
            configuration.server_root(),
            &path,
            configuration.source().platform,
        );
        return Err(refuse(format!(
            "{identifier} is not loaded and its file {} does not exist; install it (Debian: package apache2-bin; \
             Red Hat: package mod_ssl; Windows: take modules/{file_name} and its libraries from the same build of \
             Apache, with SSL), then run again",
            String::from_utf8_lossy(&full)
        )));
    }
    let written = if path.contains(&b' ') {
        word::quote_path(&path)
    } else {
        word::quote(&path)
    }
    .map_err(|reason| refuse(format!("the path of {file_name} cannot be written: {reason}")))?;
    let (file, line) = match siblings.last() {
        Some(load) => {
            let entry = configuration.entry(load.entry);
            (entry.file, Some(entry.line))
        }
        None => (0, server_root_line(configuration)),
    };
    let line_text = [format!("LoadModule {identifier} ").as_bytes(), &written].concat();
    Ok(insert_lines(
        configuration,
        file,
        line,
        &[line_text],
        format!("load {identifier}: {why}"),
    ))
}

fn exists(configuration: &Configuration, path: &[u8]) -> bool {
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
