//! The steps that get modules loaded: mod_ssl, and what the request or an active directive needs beside it. Knows
//! nothing of listeners and virtual hosts.

use memchr::memmem::Finder;

use crate::httpd::{
    Configuration, Edit, EntryId, FileId, LineKind, LoadModule, Truth, resolve, source_name, word,
};

use super::super::edit_lines::{insert_lines, server_root_line};
use super::super::existing::shmcb_users;
use super::super::plan::{Act, PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, say};
use super::super::request::Request;
use super::debian::{self, exists};

const SSL: &str = "ssl_module";
const SHMCB: &str = "socache_shmcb_module";

/// Changes after which mod_ssl is loaded; none when it is.
pub(super) fn ssl(configuration: &Configuration) -> Result<Vec<Act>, PlanError> {
    load(configuration, SSL, "without it Apache does not speak TLS")
}

/// Changes after which mod_headers is loaded, if the request needs it.
pub(super) fn headers(configuration: &Configuration, request: &Request) -> Result<Vec<Act>, PlanError> {
    match request.hsts {
        Some(_) => load(configuration, "headers_module", "it sends the header of --hsts"),
        None => Ok(Vec::new()),
    }
}

/// Changes after which mod_socache_shmcb is loaded, if something that Apache sees asks for it.
pub(super) fn session_cache(configuration: &Configuration) -> Result<Vec<Act>, PlanError> {
    match shmcb_users(configuration).next() {
        Some(entry) => load(
            configuration,
            SHMCB,
            &format!("the cache at {} needs it", configuration.place(entry)),
        ),
        None => Ok(Vec::new()),
    }
}

/// The cache without which stapling does not work, at the server level where no other is.
pub(super) fn stapling_cache(configuration: &Configuration, request: &Request) -> Vec<Act> {
    let is_there = configuration
        .named("SSLStaplingCache")
        .any(|(_, entry)| entry.truth != Truth::False);
    if !request.stapling || is_there {
        return Vec::new();
    }
    let folder = match configuration.variables().value(b"APACHE_RUN_DIR") {
        Some(_) => "${APACHE_RUN_DIR}",
        None => "logs",
    };
    let siblings = configuration.load_modules().iter().filter(|load| {
        let entry = configuration.entry(load.entry);
        entry.file == 0 && configuration.is_server_level(0, entry.line) == Truth::True
    });
    let after = siblings
        .map(|load| configuration.entry(load.entry).line)
        .max()
        .or_else(|| server_root_line(configuration));
    let line = format!("SSLStaplingCache \"shmcb:{folder}/ssl_stapling(32768)\"");
    let reason = "a place to store the proofs that --ocsp-stapling sends".to_string();
    vec![Act::Edit(insert_lines(
        configuration,
        0,
        after,
        &[line.into_bytes()],
        reason,
    ))]
}

/// Changes after which a module is loaded; none when it is. `why` completes "load ssl_module: ".
pub(in crate::change) fn load(
    configuration: &Configuration,
    identifier: &str,
    why: &str,
) -> Result<Vec<Act>, PlanError> {
    match configuration.modules().has(identifier.as_bytes()) {
        Truth::True => return Ok(Vec::new()),
        Truth::Unknown => {
            let place = configuration
                .load_modules()
                .iter()
                .find(|load| load.identifier == identifier.as_bytes() && load.truth == Truth::Unknown)
                .map(|load| {
                    let place = Place::of(configuration, configuration.entry(load.entry));
                    say![" at ", place]
                })
                .unwrap_or_default();
            return Err(refuse(
                RefusalCode::ModuleUndecided,
                say![
                    "whether ",
                    identifier,
                    " is loaded depends on a condition",
                    place,
                    " that cannot be decided without the server",
                ],
                "; ",
                "load the module outside it, then run again",
            ));
        }
        Truth::False => {}
    }
    let before = first_user(configuration, identifier).filter(|user| {
        server_root_line(configuration).is_none_or(|line| is_before(configuration, 0, line, Some(*user)))
    });
    if let Some(edit) = uncomment(configuration, identifier, why, before) {
        return Ok(vec![Act::Edit(edit)]);
    }
    let links = debian::links(configuration, identifier, why);
    if !links.is_empty() {
        return Ok(links.into_iter().map(Act::Link).collect());
    }
    // A line behind its users is better than none.
    let edit = add(configuration, identifier, why, before)
        .or_else(|error| uncomment(configuration, identifier, why, None).ok_or(error))?;
    Ok(vec![Act::Edit(edit)])
}

/// The first `<IfModule>` that hangs on the module: what is in it stays dead where the module is loaded behind it.
fn first_user(configuration: &Configuration, identifier: &str) -> Option<EntryId> {
    let source = source_name(identifier.as_bytes());
    let mut tests = configuration.named("<IfModule");
    let first = tests.find(|(_, entry)| {
        let argument = configuration.section_argument(entry);
        let name = word::words(&argument).next();
        let asks = name.is_some_and(|name| *name.value == *identifier.as_bytes() || *name.value == *source);
        asks && entry.truth == Truth::True
    });
    first.map(|(id, _)| id)
}

/// Is a line read before an entry, or is there none?
fn is_before(configuration: &Configuration, file: FileId, line: u32, entry: Option<EntryId>) -> bool {
    let Some(entry) = entry else { return true };
    let mut read = configuration.entries().take(entry as usize + 1);
    let goes_on = read.any(|other| other.file == file && other.line > line);
    let included_from = configuration.file(file).included_from;
    goes_on || included_from.is_some_and(|(outer, at)| is_before(configuration, outer, at, Some(entry)))
}

/// The first commented `LoadModule` of that module in a place that Apache reads, whose module file exists.
fn uncomment(
    configuration: &Configuration,
    identifier: &str,
    why: &str,
    before: Option<EntryId>,
) -> Option<Edit> {
    // There may be a hundred thousand comments.
    let finder = Finder::new(identifier);
    let names = |text: &[u8]| finder.find(text).is_some();
    for (id, file) in (0..).zip(configuration.files()) {
        let document = &file.document;
        let comments = (0..document.lines().len())
            .filter(|line| document.lines()[*line].kind == LineKind::Comment && names(&document.text(*line)));
        for line in comments {
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
                || !is_before(configuration, id, line as u32, before)
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
fn add(
    configuration: &Configuration,
    identifier: &str,
    why: &str,
    before: Option<EntryId>,
) -> Result<Edit, PlanError> {
    let stem = identifier.strip_suffix("_module").unwrap_or(identifier);
    let file_name = format!("mod_{stem}.so");
    let sibling = last_load(configuration, before);
    let path = path_beside(sibling, &file_name);
    if !exists(configuration, &path) {
        return Err(refuse_missing_file(configuration, identifier, &file_name, &path));
    }
    let written = if path.contains(&b' ') {
        word::quote_path(&path)
    } else {
        word::quote(&path)
    }
    .map_err(|reason| {
        let cause = format!("the path of {file_name} cannot be written: {reason}");
        refuse(RefusalCode::PathUnwritable, cause, "", "")
    })?;
    let (file, line) = match sibling {
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

/// The last `LoadModule` at the server level that is read before an entry.
fn last_load(configuration: &Configuration, before: Option<EntryId>) -> Option<&LoadModule> {
    let loads = configuration.load_modules().iter().filter(|load| {
        let entry = configuration.entry(load.entry);
        load.truth == Truth::True
            && configuration.macro_place(entry).is_none()
            && configuration.is_server_level(entry.file, entry.line) == Truth::True
            && is_before(configuration, entry.file, entry.line, before)
    });
    loads.last()
}

/// The path of a module file in the folder of another one.
fn path_beside(sibling: Option<&LoadModule>, file_name: &str) -> Vec<u8> {
    let folder = sibling.map_or(&b"modules"[..], |load| {
        let end = load.file.iter().rposition(|&b| b == b'/' || b == b'\\');
        &load.file[..end.unwrap_or(0)]
    });
    if folder.is_empty() {
        file_name.into()
    } else {
        [folder, b"/", file_name.as_bytes()].concat()
    }
}

fn refuse_missing_file(
    configuration: &Configuration,
    identifier: &str,
    file_name: &str,
    path: &[u8],
) -> PlanError {
    let source = configuration.source();
    let full = resolve(configuration.server_root(), path, source.platform);
    refuse(
        RefusalCode::ModuleFileMissing,
        say![
            identifier,
            " is not loaded and its file ",
            Place::file(source.host_path(&full), &full),
            " does not exist",
        ],
        "; ",
        format!(
            "install it (Debian: package apache2-bin; Red Hat: package {}; Windows: copy modules/{file_name} \
             and its libraries from the same build of Apache, with SSL), then run again",
            if identifier == "http2_module" {
                "mod_http2"
            } else {
                "mod_ssl"
            }
        ),
    )
}
