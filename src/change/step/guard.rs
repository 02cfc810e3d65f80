//! Lines that hold only while others are switched off: a `Listen` of ours beside one that waits for a flag, as SUSE and Red
//! Hat have it. Apache refuses the same one twice (listen.c, `alloc_listener`). Edits nothing.

use crate::httpd::{Configuration, Listen, Truth};

/// A section that Apache decides while it reads: its name without brackets, and its argument.
type Condition = (String, String);

/// What a listener that is switched off waits for first: the outermost condition that does not hold, where that is a flag
/// which only the command line of the server sets. What a line sets, be it a module's or a `Define`, may hold at one
/// place of the configuration and not at another.
pub(super) fn condition(configuration: &Configuration, listen: &Listen) -> Option<Condition> {
    let entry = configuration.entry(listen.entry);
    let around = configuration
        .ancestors(entry)
        .filter(|(_, section)| section.truth == Truth::False);
    let (_, outermost) = around
        .last()
        .filter(|_| configuration.macro_place(entry).is_none())?;
    let opening = configuration.entry(outermost.opening);
    let name = String::from_utf8_lossy(&configuration.name(opening))
        .trim_start_matches('<')
        .to_owned();
    let argument = configuration.section_argument(opening);
    let argument = String::from_utf8_lossy(&argument)
        .trim()
        .trim_matches('"')
        .to_owned();
    let flag = argument.trim_start_matches('!').as_bytes();
    let lines = ["Define", "UnDefine"].into_iter();
    let mut lines = lines.flat_map(|name| configuration.named(name));
    let is_set = lines.any(|(_, line)| {
        configuration
            .arguments(line)
            .first()
            .is_some_and(|word| word == flag)
    });
    let is_flag = name.eq_ignore_ascii_case("IfDefine") && !flag.is_empty() && !is_set;
    is_flag.then_some((name, argument))
}

fn negated(argument: &str) -> String {
    match argument.strip_prefix('!') {
        Some(rest) => rest.to_owned(),
        None => format!("!{argument}"),
    }
}

/// `Listen` lines for the endpoints that hold while none of the others may be switched on.
pub(super) fn lines(configuration: &Configuration, others: &[&Listen], endpoints: &[String]) -> Vec<Vec<u8>> {
    let mut conditions: Vec<Condition> = others
        .iter()
        .filter_map(|other| condition(configuration, other))
        .collect();
    conditions.sort();
    conditions.dedup();
    let unit = "    ";
    let mut lines = Vec::new();
    for (depth, (name, argument)) in conditions.iter().enumerate() {
        lines.push(format!("{}<{name} {}>", unit.repeat(depth), negated(argument)));
    }
    lines.extend(
        endpoints
            .iter()
            .map(|endpoint| format!("{}Listen {endpoint}", unit.repeat(conditions.len()))),
    );
    for (depth, (name, _)) in conditions.iter().enumerate().rev() {
        lines.push(format!("{}</{name}>", unit.repeat(depth)));
    }
    lines.into_iter().map(String::into_bytes).collect()
}
