//! The server as a whole: modules and MPM, folders and files that must exist. Loads no module.

use super::context::Directive;
use super::needs;
use super::walk::{Literal, Path, Walk};
use crate::finding::{Finding, Phase};
use crate::httpd::{Kind, LoadModule, Platform, Truth, escape, names_syslog, resolve, source_name};

/// Source names of the MPMs of httpd.
const MPMS: [&str; 4] = ["event.c", "worker.c", "prefork.c", "mpm_winnt.c"];

/// `DocumentRoot`, logs, `Error`.
pub(super) fn directive(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    match directive.name {
        "Error" => {
            let text = directive.rest;
            let quoted = text.len() > 1 && matches!(text[0], b'"' | b'\'') && text.last() == text.first();
            let text = if quoted { &text[1..text.len() - 1] } else { text };
            let apache = if text.is_empty() {
                "The Error directive was used with no message.".to_string()
            } else {
                escape(text)
            };
            walk.refuse(
                directive,
                "error-directive",
                apache,
                "this `Error` directive stops Apache here; its author wants something else done first",
            );
        }
        "Port" => walk.refuse(
            directive,
            "obsolete",
            "Port was replaced with Listen in Apache 2.0",
            "`Port` is from Apache 1.3; use `Listen`",
        ),
        "DocumentRoot" => document_root(walk, directive),
        "ErrorLog" => {
            if directive.context.host.is_none() {
                walk.error_log = true;
            }
            let file = directive.first();
            if !file.starts_with(b"|") && !names_syslog(&file, walk.c.source().platform) {
                if file.eq_ignore_ascii_case(b"syslog") {
                    let summary = "Apache for Windows has no syslog, and takes this for the name of a file";
                    walk.warn(&directive.entry, Some(1), "log-syslog", summary);
                }
                log_file(walk, directive, &file, "AH02291", "error log");
            }
        }
        _ => {
            let file = directive.first();
            if !file.starts_with(b"|") && !file.contains(&b'%') {
                log_file(walk, directive, &file, "AH02297", "log file");
            }
        }
    }
}

fn document_root(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    // In a virtual host Apache only warns.
    if walk.errors_only && directive.context.host.is_some() {
        return;
    }
    let written = directive.first();
    if walk.is_right(Path::Folder, &written) {
        return;
    }
    let Some(full) = walk.full(&written) else {
        return;
    };
    if walk.c.source().kind(&full) == Kind::Folder {
        return walk.found_right(Path::Folder, &written);
    }
    let shown = String::from_utf8_lossy(&full).into_owned();
    let message = format!("{shown} is not a folder, or cannot be read");
    if directive.context.host.is_some() {
        let finding = Finding {
            rule: "document-root",
            apache: Some(format!("AH00112: Warning: DocumentRoot [{shown}] does not exist")),
            summary: message,
            ..Finding::accepted(Phase::Checking)
        };
        return walk.report(&directive.entry, Some(1), finding);
    }
    let shown = escape(&full);
    let apache = format!("DocumentRoot '{shown}' is not a directory, or is not readable");
    walk.refuse(directive, "document-root", apache, message);
}

/// A log that is a file: on Windows not each name can be one.
fn log_file(walk: &mut Walk<'_>, directive: &Directive<'_>, file: &[u8], code: &str, what: &str) {
    let is_windows = walk.c.source().platform == Platform::Windows;
    let Some(character) = forbidden(file).filter(|_| is_windows) else {
        return log_folder(walk, Some(directive), file, code, what);
    };
    let finding = Finding {
        rule: "log-name",
        apache: Some(match character {
            '*' | '?' => format!("could not open {what}"),
            _ => format!("Invalid {what} path {}", escape(file)),
        }),
        summary: format!(
            "no file of Windows can have `{character}` in its name, so {} cannot be the {what}; Apache does not start",
            escape(file)
        ),
        ..Finding::refused(Phase::Starting)
    };
    walk.report(&directive.entry, Some(1), finding);
}

/// A character that no name of Windows has. The colon behind the letter of a drive is none of the name.
fn forbidden(file: &[u8]) -> Option<char> {
    let name = match file {
        [drive, b':', rest @ ..] if drive.is_ascii_alphabetic() => rest,
        _ => file,
    };
    let found = name.iter().find(|byte| b":*?\"<>|".contains(byte));
    found.map(|byte| char::from(*byte))
}

/// The folder of a log must exist. `None`: the log that httpd opens without a directive.
fn log_folder(walk: &mut Walk<'_>, directive: Option<&Directive<'_>>, file: &[u8], code: &str, what: &str) {
    if walk.is_right(Path::Log, file) {
        return;
    }
    let Some(Literal { full, unsure }) = walk.literal(file) else {
        return;
    };
    if let (Kind::Folder, Some(directive)) = (walk.c.source().kind(&full), directive) {
        let shown = String::from_utf8_lossy(&full).into_owned();
        let finding = Finding {
            rule: "log-folder",
            apache: Some(format!("could not open {what} {shown}")),
            summary: format!("{shown} is a folder and cannot be the {what}; Apache does not start"),
            ..Finding::refused(Phase::Starting)
        };
        return walk.report(&directive.entry, Some(1), finding);
    }
    let end = full.iter().rposition(|b| *b == b'/').unwrap_or(0);
    let folder = &full[..end.max(1)];
    if walk.c.source().kind(folder) == Kind::Folder {
        return walk.found_right(Path::Log, file);
    }
    let shown = String::from_utf8_lossy(&full[..(end + 1).min(full.len())]).into_owned();
    let apache = format!("{code}: Cannot access directory '{shown}' for {what}");
    let message =
        format!("the folder {shown} of the {what} does not exist; Apache does not start without it");
    match directive {
        Some(directive) => walk.refuse_perhaps(directive, "log-folder", (apache, message), unsure),
        None => walk.found.push(Finding {
            rule: "log-folder",
            apache: Some(apache),
            summary: format!("there is no `ErrorLog`, and {message}"),
            ..Finding::refused(Phase::Checking)
        }),
    }
}

/// Modules, and what is missing altogether.
pub(super) fn check(walk: &mut Walk<'_>) {
    modules(walk);
    needs::check(walk);
    server_root(walk);
    if !walk.error_log {
        let file: &[u8] = match walk.c.source().platform {
            Platform::Unix => b"logs/error_log",
            Platform::Windows => b"logs/error.log",
        };
        log_folder(walk, None, file, "AH02291", "main error log");
    }
}

/// A server root that does not exist: Apache refuses it, unless what was read is a copy from another machine.
fn server_root(walk: &mut Walk<'_>) {
    let c = walk.c;
    let Some(root) = c
        .source()
        .relocated()
        .filter(|_| c.source().platform == Platform::HOST)
    else {
        return;
    };
    let shown = String::from_utf8_lossy(root).into_owned();
    let last = c
        .named("ServerRoot")
        .map(|(_, entry)| *entry)
        .filter(|entry| entry.truth != Truth::False);
    if let Some(entry) = last.last() {
        let finding = Finding {
            rule: "server-root",
            apache: Some("ServerRoot must be a valid directory".into()),
            summary: format!(
                "there is no folder {shown} on this machine; files below it were read from the folder of this \
                 configuration, and the files that it names were not checked"
            ),
            ..Finding::accepted(Phase::Reading)
        };
        walk.report(&entry, Some(1), finding);
    }
}

fn modules(walk: &mut Walk<'_>) {
    let c = walk.c;
    let built_in = c.facts().built_in.iter();
    let mut mpms = built_in.filter(|file| is_mpm(file.as_bytes())).count();
    let mut maybe = !c.facts().built_in_is_certain;
    let mut seen: Vec<&[u8]> = Vec::new();
    for load in c.load_modules().iter().filter(|load| load.truth != Truth::False) {
        if c.modules().is_built_in(&load.identifier) {
            built_in_module(walk, load);
            continue;
        }
        if seen.contains(&load.identifier.as_slice()) {
            loaded_twice(walk, load);
            continue;
        }
        seen.push(&load.identifier);
        if is_mpm(&source_name(&load.identifier)) {
            match load.truth {
                Truth::True => mpms += 1,
                _ => maybe = true,
            }
            if mpms == 2 {
                mpms += 1;
                second_mpm(walk, load);
            }
        }
        module_file(walk, load);
        let needs_proxy = load.identifier.starts_with(b"proxy_") && load.identifier != b"proxy_html_module";
        if needs_proxy && !seen.contains(&&b"proxy_module"[..]) && c.facts().platform == Platform::Unix {
            before_proxy(walk, load);
        }
    }
    if mpms == 0 && !maybe {
        walk.found.push(Finding {
            rule: "mpm",
            apache: Some("Configuration error: No MPM loaded.".into()),
            summary: "no MPM is loaded; load mpm_event_module, mpm_worker_module or mpm_prefork_module"
                .into(),
            ..Finding::refused(Phase::Checking)
        });
    }
}

fn is_mpm(file: &[u8]) -> bool {
    MPMS.iter().any(|mpm| mpm.as_bytes() == file) || file.starts_with(b"mpm_")
}

/// A `LoadModule` of a module that is compiled into httpd.
fn built_in_module(walk: &mut Walk<'_>, load: &LoadModule) {
    let file = source_name(&load.identifier);
    let mut built_in = walk.c.facts().built_in.iter();
    if !built_in.any(|name| name.as_bytes() == file) || !file.starts_with(b"mod_") {
        return;
    }
    let shown = String::from_utf8_lossy(&load.identifier);
    let finding = Finding {
        rule: "load-module",
        apache: Some(format!("module {shown} is built-in and can't be loaded")),
        summary: format!("{shown} is compiled into this httpd; remove the line"),
        ..Finding::refused(Phase::Reading)
    };
    walk.report(walk.c.entry(load.entry), Some(1), finding);
}

fn loaded_twice(walk: &mut Walk<'_>, load: &LoadModule) {
    let shown = String::from_utf8_lossy(&load.identifier);
    let finding = Finding {
        rule: "loaded-twice",
        apache: Some(format!("AH01574: module {shown} is already loaded, skipping")),
        summary: format!("{shown} is loaded already; Apache skips this line"),
        ..Finding::accepted(Phase::Reading)
    };
    walk.report(walk.c.entry(load.entry), Some(1), finding);
}

fn second_mpm(walk: &mut Walk<'_>, load: &LoadModule) {
    let shown = String::from_utf8_lossy(&load.identifier);
    let finding = Finding {
        rule: "mpm",
        apache: Some("Configuration error: More than one MPM loaded.".into()),
        summary: format!("{shown} is a second MPM; Apache needs exactly one"),
        ..Finding::refused(Phase::Checking)
    };
    walk.report(walk.c.entry(load.entry), Some(1), finding);
}

/// A part of mod_proxy that is loaded before it.
fn before_proxy(walk: &mut Walk<'_>, load: &LoadModule) {
    let shown = String::from_utf8_lossy(&load.identifier);
    let finding = Finding {
        rule: "module-order",
        apache: Some(format!(
            "Cannot load {0} into server: {0}: undefined symbol",
            String::from_utf8_lossy(&load.file)
        )),
        summary: format!("{shown} needs proxy_module, which must be loaded before it"),
        ..Finding::refused(Phase::Reading)
    };
    walk.report(walk.c.entry(load.entry), Some(1), finding);
}

fn module_file(walk: &mut Walk<'_>, load: &LoadModule) {
    let identifier = String::from_utf8_lossy(&load.identifier);
    // A bare name may be found by the system's loader.
    let is_bare = !load.file.iter().any(|b| matches!(b, b'/' | b'\\'));
    let at_that_line = resolve(&load.server_root, &load.file, walk.c.source().platform);
    let Some(full) = walk.full(&at_that_line) else {
        return;
    };
    let shown = String::from_utf8_lossy(&full).into_owned();
    let entry = *walk.c.entry(load.entry);
    let kind = walk.c.source().kind(&full);
    if !matches!(kind, Kind::Missing | Kind::Folder) {
        if !is_bare && lacks_symbol(walk, load, &full) {
            let finding = Finding {
                rule: "load-module",
                apache: Some(format!(
                    "Can't locate API module structure `{identifier}' in file {shown}"
                )),
                summary: format!("{shown} holds no module named {identifier}; upper and lower case matter"),
                ..Finding::refused(Phase::Reading)
            };
            walk.report(&entry, Some(1), finding);
        }
        return;
    }
    let otherwise = if is_bare {
        format!(
            "{identifier} is only loaded if the system finds it among its libraries; write the path of the module"
        )
    } else {
        format!("so {identifier} cannot be loaded")
    };
    let finding = Finding {
        rule: "load-module",
        apache: Some(format!(
            "Cannot load {} into server",
            String::from_utf8_lossy(&load.file)
        )),
        summary: format!("there is no file {shown}, {otherwise}"),
        ..match is_bare {
            true => Finding::accepted(Phase::Reading),
            false => Finding::refused(Phase::Reading),
        }
    };
    walk.report(&entry, Some(2), finding);
}

/// Does the identifier occur nowhere in the module file? Only files are opened that are not named after it.
fn lacks_symbol(walk: &Walk<'_>, load: &LoadModule, full: &[u8]) -> bool {
    const SHARED_OBJECT: &[u8] = b"\x7fELF";
    let source = source_name(&load.identifier);
    let stem = source.strip_suffix(b".c").unwrap_or(&source);
    if full.ends_with(&[stem, b".so"].concat()) {
        return false;
    }
    walk.c.source().read(full).is_ok_and(|bytes| {
        bytes.starts_with(SHARED_OBJECT) && memchr::memmem::find(&bytes, &load.identifier).is_none()
    })
}
