//! Sections carried out in the walk: their tags and arguments. Does not judge patterns.

use super::context::{Directive, shown_name, where_it_may_stand};
use super::text::open_quote;
use super::walk::Walk;
use super::{expression, host, trap};
use crate::httpd::glance::takes_one_path;
use crate::httpd::known::Known;
use crate::httpd::word::words;
use crate::httpd::{Entry, SERVER, SectionId, find_reference, trim};

/// Checks the opening of a section and sets the context of its content.
pub(super) fn check(walk: &mut Walk<'_>, directive: &Directive<'_>, known: &Known, section: SectionId) {
    let context = directive.context;
    walk.contexts[section] = context.enter(known.name, directive.id);
    let around = effective(walk, &directive.entry);
    let refused = context
        .refuses(walk.c, known, directive)
        .or_else(|| context.forbids(walk.c, known, directive));
    if let Some(apache) = refused {
        return walk.refuse(directive, "context", apache, where_it_may_stand(known));
    }
    if matches!(known.name, "<Macro" | "<IfVersion") {
        // Their modules would have had them decided while reading.
        walk.contexts[section].dead = true;
        return trap::before_its_module(walk, directive, known);
    }
    let name = shown_name(known.name);
    let rest = if directive.rest.is_empty() {
        b">"
    } else {
        directive.rest
    };
    let else_like = matches!(known.name, "<Else" | "<ElseIf");
    let Some(end) = rest.iter().rposition(|&b| b == b'>') else {
        return walk.refuse(
            directive,
            "opening-tag",
            format!("{name} directive missing closing '>'"),
            format!("`{}` lacks its closing `>`", known.name),
        );
    };
    trap::after_tag(walk, &directive.entry, &rest[end + 1..]);
    let argument = trim(&rest[..end]);
    match known.name {
        "<Else" if !argument.is_empty() => {
            return walk.refuse(
                directive,
                "opening-tag",
                "<Else> does not take an argument",
                "`<Else>` takes no argument; a condition belongs into `<ElseIf>`",
            );
        }
        "<RequireAll" | "<RequireAny" | "<RequireNone" if !argument.is_empty() => {
            return walk.refuse(
                directive,
                "opening-tag",
                format!("{name} directive doesn't take additional arguments"),
                format!("`{name}` takes no argument"),
            );
        }
        "<Else" | "<RequireAll" | "<RequireAny" | "<RequireNone" => {}
        _ if argument.is_empty() && !known.name.starts_with("<Lua") => {
            return walk.refuse(
                directive,
                "opening-tag",
                format!("{name} directive requires additional arguments"),
                format!("`{name}` needs an argument"),
            );
        }
        _ => {}
    }
    if else_like && !walk.contexts[around].after_if {
        walk.refuse(
            directive,
            "else-without-if",
            "<Else> or <ElseIf> section without previous <If> or <ElseIf> section in same scope",
            format!("no `<If>` precedes this `{name}` in the same section"),
        );
        if around == SERVER && !walk.contexts.settled {
            walk.orphan = walk.problems.len().checked_sub(1);
        }
    }
    if matches!(known.name, "<If" | "<ElseIf") && words(argument).nth(1).is_some() {
        // The first word alone is the expression to Apache, and without quotes rarely a whole one.
        let whole = matches!(argument.first(), Some(b'"' | b'\''))
            || words(argument).any(|word| word.span.start == 0 && matches!(&*word.value, b"true" | b"false"));
        let apache = if whole {
            format!("Multiple {name} arguments not supported.")
        } else {
            "Cannot parse condition clause: ".into()
        };
        walk.refuse(
            directive,
            "opening-tag",
            apache,
            format!("`{name}` takes one argument; put the whole expression in quotes"),
        );
    } else if matches!(known.name, "<If" | "<ElseIf")
        && let Some(first) = words(argument).next()
        && find_reference(&first.value).is_none()
        && let Some((apache, why)) = expression::refuses(&first.value)
    {
        walk.refuse(
            directive,
            "expression",
            format!("Cannot parse condition clause: {apache}"),
            format!("Apache cannot parse the expression: {why}"),
        );
    }
    if else_like || known.name == "<If" {
        walk.contexts[around].after_if = known.name != "<Else";
        walk.contexts.settled |= around == SERVER;
    }
    if known.name == "<VirtualHost" {
        host::opening(walk, directive, section, argument);
    }
    if takes_one_path(known) {
        let mut split = words(argument);
        let first = split.next();
        if first.is_some_and(|first| &*first.value == b"~") {
            split.next();
        }
        if !split.rest().is_empty() {
            let why = if argument.contains(&b'>') {
                "the argument reaches to the last `>` of the line; text behind the tag must not hold one"
            } else {
                "quote a path that holds blanks"
            };
            return walk.refuse(
                directive,
                "opening-tag",
                format!("Multiple {name} arguments not (yet) supported."),
                format!("`{name}` takes one argument; {why}"),
            );
        }
        if open_quote(argument) {
            walk.warn(
                &directive.entry,
                None,
                "open-quote",
                format!(
                    "the quote in the argument of `{name}` is not closed; Apache takes all up to the last `>`"
                ),
            );
        }
    }
}

/// The section whose content an entry belongs to, conditionals decided while reading seen through.
fn effective(walk: &Walk<'_>, entry: &Entry) -> SectionId {
    walk.c.context(entry)
}
