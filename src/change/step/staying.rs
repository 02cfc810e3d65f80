//! The step that keeps listeners for HTTP which are there only while mod_ssl is not, as in `<IfModule !ssl_module>`. It goes
//! before the one that loads mod_ssl.

use crate::httpd::{Configuration, Edit, Listen, Truth};

use super::super::edit_lines::insert_lines;
use super::super::existing::is_without_ssl;
use super::super::request::Request;

const MODULE: &str = "ssl_module";

/// Edits after which what listens without mod_ssl listens with it as well; none where HTTP is not to stay.
pub(super) fn edits(configuration: &Configuration, request: &Request) -> Vec<Edit> {
    if !request.http_stays() || configuration.modules().has(MODULE.as_bytes()) == Truth::True {
        return Vec::new();
    }
    let listens = configuration.listens().iter();
    let (mut going, mut staying) = (Vec::new(), Vec::new());
    for listen in listens.filter(|listen| listen.truth == Truth::True) {
        match goes_at(configuration, listen) {
            Some(closing) => going.push((listen, closing)),
            None => staying.push(listen),
        }
    }
    going.retain(|(listen, _)| {
        listen.port != request.port && !staying.iter().any(|other| other.overlaps(listen))
    });
    let beside = |(listen, closing)| beside(configuration, listen, closing);
    going.into_iter().map(beside).collect()
}

/// The closing line of the outermost section with which a listener goes.
fn goes_at(configuration: &Configuration, listen: &Listen) -> Option<u32> {
    let entry = configuration.entry(listen.entry);
    if configuration.macro_place(entry).is_some() {
        return None;
    }
    let around = configuration.ancestors(entry).map(|(_, section)| section);
    let going = around.filter(|section| {
        configuration.entry(section.opening).file == entry.file && is_without_ssl(configuration, section)
    });
    going.last()?.closing
}

fn beside(configuration: &Configuration, listen: &Listen, closing: u32) -> Edit {
    let entry = configuration.entry(listen.entry);
    let lines = [
        format!("<IfModule {MODULE}>"),
        format!("    Listen {}", listen.endpoint()),
        "</IfModule>".to_owned(),
    ];
    let reason = format!(
        "continue to listen for HTTP on {}: with mod_ssl loaded, the `Listen` at {} does not hold",
        listen.endpoint(),
        configuration.place(entry)
    );
    let lines = lines.map(String::into_bytes);
    insert_lines(configuration, entry.file, Some(closing), &lines, reason)
}
