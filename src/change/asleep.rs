//! Lines that hold only while a module is not there which the plan loads, as in `<IfModule !mod_ssl.c>`: what they show is
//! gone afterwards, over HTTP as well. Edits nothing.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use crate::httpd::{Configuration, Entry, Truth, VirtualHost};

use super::existing::{in_virtual_host, new_modules, text};
use super::request::Request;
use super::site::site;

/// More are counted only.
const MOST: usize = 5;

/// Lines that go with others, or are told of elsewhere.
const BESIDE: [&str; 4] = ["RewriteCond", "Define", "LoadModule", "Listen"];

/// The lines of the original that hold no longer in the result, though nobody edited them.
pub(super) fn lines<'a>(original: &'a Configuration, result: &Configuration) -> Vec<&'a Entry> {
    if new_modules(original, result).is_empty() {
        return Vec::new();
    }
    // Nearly all lines hold on both sides, and need not be counted.
    let asleep: HashSet<Cow<'_, [u8]>> = conditional(result)
        .filter(|entry| entry.truth != Truth::True)
        .map(|entry| written(result, entry))
        .collect();
    if asleep.is_empty() {
        return Vec::new();
    }
    let [before, after] = [original, result].map(|configuration| counted(configuration, &asleep));
    let none = (0, 0);
    let sleeps = |entry: &&Entry| {
        let key = key(original, entry);
        let (was, is) = (
            before.get(&key).unwrap_or(&none),
            after.get(&key).unwrap_or(&none),
        );
        is.0 < was.0 && is.1 > was.1
    };
    among(original, &asleep)
        .filter(|entry| entry.truth == Truth::True)
        .filter(sleeps)
        .collect()
}

/// What there is to know of them: what is in a section goes with it.
pub(super) fn told(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
    all: &[&Entry],
) -> Vec<String> {
    let asleep: HashSet<*const Entry> = all.iter().map(|entry| std::ptr::from_ref(*entry)).collect();
    let is_in_another = |entry: &Entry| {
        let mut around = original
            .ancestors(entry)
            .filter(|(_, section)| !section.transparent);
        around.any(|(_, section)| asleep.contains(&std::ptr::from_ref(original.entry(section.opening))))
    };
    let site = site(original, request).ok().flatten();
    let is_shown = |entry: &Entry| match in_virtual_host(original, entry) {
        Some(host) => {
            is_reached(result, host) || site.as_ref().is_some_and(|site| site.section == host.section)
        }
        None => true,
    };
    let is_beside = |entry: &Entry| BESIDE.iter().any(|name| original.is_named(entry, name));
    let lines: Vec<&Entry> = all
        .iter()
        .copied()
        .filter(|entry| !is_beside(entry) && !is_in_another(entry) && is_shown(entry))
        .collect();
    let told = lines.iter().take(MOST).map(|entry| {
        format!(
            "`{}` at {} holds only by `{}`, and with the module loaded it does not, over HTTP and HTTPS alike: move it out of \
             that section if it is still wanted",
            text(original, entry),
            original.place(entry),
            condition(original, entry)
        )
    });
    let mut told: Vec<String> = told.collect();
    if let Some(more) = lines.len().checked_sub(MOST).filter(|more| *more > 0) {
        told.push(format!(
            "and {more} more lines do not hold anymore for that reason"
        ));
    }
    told
}

/// Does a listener lead to a virtual host?
pub(super) fn is_reached(configuration: &Configuration, host: &VirtualHost) -> bool {
    host.addresses.iter().any(|address| {
        configuration.listens().iter().any(|listen| {
            listen.truth == Truth::True
                && address.port.is_none_or(|port| port == listen.port)
                && address.ip().is_none_or(|ip| listen.takes(ip))
        })
    })
}

/// The section on whose condition a line depends: the one that asks for something not to be there, or else the nearest.
fn condition(configuration: &Configuration, entry: &Entry) -> String {
    let around: Vec<&Entry> = configuration
        .ancestors(entry)
        .filter(|(_, section)| section.transparent)
        .map(|(_, section)| configuration.entry(section.opening))
        .collect();
    let negated = around
        .iter()
        .find(|opening| configuration.section_argument(opening).contains(&b'!'));
    let opening = negated.or(around.first());
    opening.map_or_else(String::new, |opening| text(configuration, opening))
}

/// The lines that stand in sections which Apache decides on while it reads, and are none of these sections.
fn conditional(configuration: &Configuration) -> impl Iterator<Item = &Entry> {
    configuration.entries().filter(|entry| {
        configuration
            .ancestors(entry)
            .any(|(_, section)| section.transparent)
            && !SECTIONS
                .iter()
                .any(|section| configuration.is_named(entry, section))
    })
}

/// Those sections.
const SECTIONS: [&str; 6] = [
    "<IfModule",
    "<IfDefine",
    "<IfVersion",
    "<IfFile",
    "<IfDirective",
    "<IfSection",
];

/// Those of such lines that are written so.
fn among<'c>(
    configuration: &'c Configuration,
    lines: &HashSet<Cow<'_, [u8]>>,
) -> impl Iterator<Item = &'c Entry> {
    conditional(configuration).filter(|entry| lines.contains(&written(configuration, entry)))
}

/// A line as it stands there. Variables have values only where it holds.
fn written<'c>(configuration: &'c Configuration, entry: &Entry) -> Cow<'c, [u8]> {
    match configuration.macro_place(entry) {
        None => Cow::Borrowed(configuration.file(entry.file).document.raw(entry.line as usize)),
        Some(_) => configuration.text(entry),
    }
}

/// What a line is known by on both sides: its file, and its text below those of the sections around it.
type Key<'a> = (&'a OsStr, Vec<u8>);

fn key<'a>(configuration: &'a Configuration, entry: &Entry) -> Key<'a> {
    let around = configuration
        .ancestors(entry)
        .map(|(_, section)| configuration.entry(section.opening));
    let mut all = Vec::new();
    for entry in std::iter::once(entry).chain(around) {
        all.extend_from_slice(&written(configuration, entry));
        all.push(b'\n');
    }
    (configuration.file(entry.file).host.as_os_str(), all)
}

/// How often each of those lines holds, and how often not.
fn counted<'c>(
    configuration: &'c Configuration,
    lines: &HashSet<Cow<'_, [u8]>>,
) -> HashMap<Key<'c>, (usize, usize)> {
    let mut all: HashMap<Key<'_>, (usize, usize)> = HashMap::new();
    for entry in among(configuration, lines) {
        let (holding, others) = all.entry(key(configuration, entry)).or_default();
        match entry.truth {
            Truth::True => *holding += 1,
            _ => *others += 1,
        }
    }
    all
}
