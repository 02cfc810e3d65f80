//! Lines of `<IfModule>` sections that act once the plan has loaded the module, and change what others show. Edits
//! nothing.

use std::collections::HashMap;
use std::ffi::OsStr;

use crate::httpd::{Configuration, Entry, Truth, source_name};

use super::super::existing::{REDIRECTS, in_virtual_host, new_modules};
use super::super::outside::woken_in_folders;
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, say};
use super::super::request::Request;

/// Directives that decide what is shown, of the modules that a plan may load, besides [`REDIRECTS`].
const SHOWING: [&str; 5] = [
    "Alias",
    "AliasMatch",
    "ScriptAlias",
    "ScriptAliasMatch",
    "RequestHeader",
];

/// Refuses where a line becomes active that redirects or shows something else. What waits for mod_ssl in the domain's own
/// virtual hosts, or for all, is meant to.
pub(super) fn refuse_woken_lines(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let modules = new_modules(original, result);
    if modules.is_empty() {
        return Ok(());
    }
    let [slept, sleeps] = [original, result].map(asleep);
    let mut woken: Vec<&Entry> = slept
        .iter()
        .filter(|(line, entries)| sleeps.get(*line).map_or(0, Vec::len) < entries.len())
        .flat_map(|(_, entries)| entries.iter().copied())
        .collect();
    woken.sort_unstable_by_key(|entry| (entry.file, entry.line));
    for entry in woken {
        let waits = modules.iter().find(|module| waits_for(original, entry, module));
        let Some(module) = waits.filter(|module| counts(original, request, entry, module)) else {
            continue;
        };
        let line = original.file(entry.file).document.raw(entry.line as usize);
        let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        return Err(woken_line(module, (Place::of(original, entry), line)));
    }
    let names: Vec<&str> = REDIRECTS.iter().chain(&SHOWING).copied().collect();
    match woken_in_folders(original, result, &names) {
        Some(line) => Err(woken_line(modules[0], line)),
        None => Ok(()),
    }
}

fn woken_line(module: &[u8], (place, line): (Place, String)) -> PlanError {
    let module = String::from_utf8_lossy(module).into_owned();
    refuse(
        RefusalCode::WokenLine,
        say![
            "with ",
            module.clone(),
            format!(" loaded, `{line}` at "),
            place,
            " becomes active and changes what is shown",
        ],
        "; ",
        format!(
            "remove it if it is not wanted, or load {module} with your own LoadModule line and look at the site, then run again"
        ),
    )
}

/// The inactive lines that would decide what is shown, by their files and texts.
fn asleep(configuration: &Configuration) -> HashMap<(&OsStr, &[u8]), Vec<&Entry>> {
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    let names = REDIRECTS.iter().chain(&SHOWING);
    let entries = names
        .flat_map(|name| configuration.named(name))
        .map(|(_, entry)| entry);
    for entry in entries.filter(|entry| entry.truth != Truth::True) {
        let file = configuration.file(entry.file);
        let line = (file.host.as_os_str(), file.document.raw(entry.line as usize));
        all.entry(line).or_default().push(entry);
    }
    all
}

/// Is it in an `<IfModule>` of the module?
fn waits_for(configuration: &Configuration, entry: &Entry, module: &[u8]) -> bool {
    configuration.ancestors(entry).any(|(_, section)| {
        let opening = configuration.entry(section.opening);
        let tested = configuration.section_argument(opening);
        let tested = tested.trim_ascii();
        configuration.is_named(opening, "<IfModule") && (tested == module || source_name(module) == tested)
    })
}

/// Does it change what is shown? Lines of a virtual host that was not there itself do not, nor do those that take a
/// header from what clients send.
fn counts(configuration: &Configuration, request: &Request, entry: &Entry, module: &[u8]) -> bool {
    let takes_away = || {
        configuration.is_named(entry, "RequestHeader")
            && configuration
                .arguments(entry)
                .first()
                .is_some_and(|action| action.eq_ignore_ascii_case(b"unset"))
    };
    let host = in_virtual_host(configuration, entry);
    let is_meant =
        || module == b"ssl_module" && host.is_none_or(|host| request.names().any(|name| host.has_name(name)));
    host.is_none_or(|host| host.truth == Truth::True) && !is_meant() && !takes_away()
}
