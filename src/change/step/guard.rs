//! Lines that hold only while others are switched off: a `Listen` of ours beside one that waits for a flag, as SUSE and Red
//! Hat have it. Apache refuses the same one twice (listen.c, `alloc_listener`). Edits nothing.

use std::collections::BTreeSet;

use crate::httpd::{Configuration, Listen, Truth};

/// The flag that a listener which is switched off waits for, as in `<IfDefine FLAG>`, also `!FLAG`: the outermost condition
/// that does not hold, where only the command line of the server sets that flag. What a line sets, be it a module's or a
/// `Define`, may hold at one place of the configuration and not at another.
pub(super) fn flag(configuration: &Configuration, listen: &Listen) -> Option<String> {
    let entry = configuration.entry(listen.entry);
    let around = configuration.ancestors(entry).map(|(_, section)| section);
    let outermost = around.filter(|section| section.truth == Truth::False).last()?;
    let opening = configuration.entry(outermost.opening);
    if configuration.macro_place(entry).is_some() || !configuration.is_named(opening, "<IfDefine") {
        return None;
    }
    let argument = configuration.section_argument(opening);
    let argument = String::from_utf8_lossy(&argument)
        .trim()
        .trim_matches('"')
        .to_owned();
    let flag = argument.trim_start_matches('!').as_bytes();
    let mut lines = ["Define", "UnDefine"]
        .into_iter()
        .flat_map(|name| configuration.named(name));
    let is_it = |line| {
        configuration
            .arguments(line)
            .first()
            .is_some_and(|word| word == flag)
    };
    let is_set = lines.any(|(_, line)| is_it(line));
    (!flag.is_empty() && !is_set).then_some(argument)
}

fn negated(argument: &str) -> String {
    match argument.strip_prefix('!') {
        Some(rest) => rest.to_owned(),
        None => format!("!{argument}"),
    }
}

/// `Listen` lines for the endpoints that hold while none of the flags switches on another.
pub(super) fn lines(flags: impl Iterator<Item = String>, endpoints: &[String]) -> Vec<Vec<u8>> {
    let flags: BTreeSet<String> = flags.collect();
    let unit = "    ";
    let mut lines = Vec::new();
    for (depth, flag) in flags.iter().enumerate() {
        lines.push(format!("{}<IfDefine {}>", unit.repeat(depth), negated(flag)));
    }
    let inside = unit.repeat(flags.len());
    lines.extend(
        endpoints
            .iter()
            .map(|endpoint| format!("{inside}Listen {endpoint}")),
    );
    for depth in (0..flags.len()).rev() {
        lines.push(format!("{}</IfDefine>", unit.repeat(depth)));
    }
    lines.into_iter().map(String::into_bytes).collect()
}
