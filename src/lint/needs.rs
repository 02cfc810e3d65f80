//! What modules look for when the server starts, while `httpd -t` is content: the types of mod_mime, the shared memory of
//! mod_proxy_balancer. Loads no module.

use super::walk::{Literal, Walk};
use crate::finding::{Finding, Phase};
use crate::httpd::{Kind, SERVER, Truth, escape};

/// What is missing.
pub(super) fn check(walk: &mut Walk<'_>) {
    types(walk);
    balancer(walk);
}

/// mod_mime opens its file of types, that of `TypesConfig` or its own.
fn types(walk: &mut Walk<'_>) {
    let c = walk.c;
    let loaded = c.modules().has(b"mime_module");
    if loaded == Truth::False {
        return;
    }
    let named = c.setting(SERVER, "TypesConfig").copied();
    let named = named.filter(|entry| !c.arguments(entry).is_empty());
    let file = match &named {
        Some(entry) => c.arguments(entry).swap_remove(0),
        None => match &c.facts().types_config {
            Some(file) => file.clone(),
            // Whoever built it says where.
            None => return,
        },
    };
    let Some(Literal { full, unsure }) = walk.literal(&file) else {
        return;
    };
    if matches!(c.source().kind(&full), Kind::File | Kind::Other) {
        return;
    }
    let shown = escape(&full);
    let finding = Finding {
        rule: "types-config",
        apache: Some(format!("AH01597: could not open mime types config file {shown}.")),
        summary: match named {
            Some(_) => {
                format!(
                    "there is no file {shown}: `httpd -t` reports no error, but the server does not start"
                )
            }
            None => format!(
                "there is no `TypesConfig`, and no file {shown}, which mod_mime reads then: `httpd -t` reports no error, but the \
                 server does not start"
            ),
        },
        uncertain: unsure || loaded == Truth::Unknown,
        ..Finding::refused(Phase::Starting)
    };
    match named {
        Some(entry) => walk.report(&entry, Some(1), finding),
        None => walk.found.push(finding),
    }
}

/// mod_proxy_balancer keeps its members in shared memory, be there any or not.
fn balancer(walk: &mut Walk<'_>) {
    let c = walk.c;
    let shared = c.modules().has(b"slotmem_shm_module");
    let mut loads = c.load_modules().iter();
    let load = loads.find(|load| load.identifier == b"proxy_balancer_module" && load.truth != Truth::False);
    let Some(load) = load.filter(|_| shared != Truth::True) else {
        return;
    };
    let finding = Finding {
        rule: "module-needed",
        apache: Some(
            "AH01177: Failed to lookup provider 'shm' for 'slotmem': is mod_slotmem_shm loaded??".into(),
        ),
        summary: "proxy_balancer_module needs slotmem_shm_module, which is not loaded: `httpd -t` reports no error, but the server \
                  does not start"
            .into(),
        uncertain: shared == Truth::Unknown,
        ..Finding::refused(Phase::Starting)
    };
    walk.report(c.entry(load.entry), Some(1), finding);
}
