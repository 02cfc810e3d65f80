//! Sections carried out in the walk: their tags and arguments. Does not judge patterns.

use super::context::{Directive, shown_name, where_it_may_stand};
use super::text::open_quote;
use super::walk::Walk;
use super::{expression, host, trap};
use crate::httpd::glance::takes_one_path;
use crate::httpd::known::Known;
use crate::httpd::word::words;
use crate::httpd::{SERVER, SectionId, find_reference, trim};

/// Checks the opening of a section and sets the context of its content.
pub(super) fn check(walk: &mut Walk<'_>, directive: &Directive<'_>, known: &Known, section: SectionId) {
    let context = directive.context;
    walk.contexts[section] = context.enter(known.name, directive.id);
    // The section whose content it belongs to, conditionals decided while reading seen through.
    let around = walk.c.context(&directive.entry);
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
    let Some(argument) = argument(walk, directive, known) else {
        return;
    };
    follows(walk, directive, known, around);
    match known.name {
        "<If" | "<ElseIf" => condition(walk, directive, known, argument),
        "<VirtualHost" => host::opening(walk, directive, section, argument),
        _ => {}
    }
    if takes_one_path(known) {
        path(walk, directive, known, argument);
    }
}

/// What stands between name and `>`, if Apache takes the tag.
fn argument<'d>(walk: &mut Walk<'_>, directive: &Directive<'d>, known: &Known) -> Option<&'d [u8]> {
    let name = shown_name(known.name);
    let rest = if directive.rest.is_empty() {
        b">"
    } else {
        directive.rest
    };
    let Some(end) = rest.iter().rposition(|&b| b == b'>') else {
        walk.refuse(
            directive,
            "opening-tag",
            format!("{name} directive missing closing '>'"),
            format!("`{}` lacks its closing `>`", known.name),
        );
        return None;
    };
    trap::after_tag(walk, &directive.entry, &rest[end + 1..]);
    let argument = trim(&rest[..end]);
    let (apache, summary) = match known.name {
        "<Else" if !argument.is_empty() => (
            "<Else> does not take an argument".to_string(),
            "`<Else>` takes no argument; a condition belongs in `<ElseIf>`".to_string(),
        ),
        "<RequireAll" | "<RequireAny" | "<RequireNone" if !argument.is_empty() => (
            format!("{name} directive doesn't take additional arguments"),
            format!("`{name}` takes no argument"),
        ),
        "<Else" | "<RequireAll" | "<RequireAny" | "<RequireNone" => return Some(argument),
        // mod_proxy asks only for the bracket.
        "<Proxy" | "<ProxyMatch" => return Some(argument),
        _ if argument.is_empty() && !known.name.starts_with("<Lua") => (
            format!("{name} directive requires additional arguments"),
            format!("`{name}` needs an argument"),
        ),
        _ => return Some(argument),
    };
    walk.refuse(directive, "opening-tag", apache, summary);
    None
}

/// `<Else>` and `<ElseIf>` follow an `<If>` of the same section, the one `around`.
fn follows(walk: &mut Walk<'_>, directive: &Directive<'_>, known: &Known, around: SectionId) {
    let else_like = matches!(known.name, "<Else" | "<ElseIf");
    if else_like && !walk.contexts[around].after_if {
        walk.refuse(
            directive,
            "else-without-if",
            "<Else> or <ElseIf> section without previous <If> or <ElseIf> section in same scope",
            format!(
                "there is no `<If>` before this `{}` in the same section",
                shown_name(known.name)
            ),
        );
        if around == SERVER && !walk.contexts.settled {
            walk.orphan = walk.found.len().checked_sub(1);
        }
    }
    if else_like || known.name == "<If" {
        walk.contexts[around].after_if = known.name != "<Else";
        walk.contexts.settled |= around == SERVER;
    }
}

/// The expression of `<If>` and `<ElseIf>`.
fn condition(walk: &mut Walk<'_>, directive: &Directive<'_>, known: &Known, argument: &[u8]) {
    let name = shown_name(known.name);
    if words(argument).nth(1).is_some() {
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
            format!("`{name}` takes one argument; put the whole expression in quotation marks"),
        );
    } else if let Some(first) = words(argument).next()
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
}

/// The one path of `<Directory>` and the like, behind `~` a pattern.
fn path(walk: &mut Walk<'_>, directive: &Directive<'_>, known: &Known, argument: &[u8]) {
    let name = shown_name(known.name);
    let mut split = words(argument);
    let first = split.next();
    if first.is_some_and(|first| &*first.value == b"~") {
        split.next();
    }
    if !split.rest().is_empty() {
        let why = if argument.contains(&b'>') {
            "the argument ends at the last `>` of the line; text after the tag must not contain one"
        } else {
            "put a path with blanks in quotation marks"
        };
        return walk.refuse(
            directive,
            "opening-tag",
            format!("Multiple {name} arguments not (yet) supported."),
            format!("`{name}` takes one argument; {why}"),
        );
    }
    if open_quote(argument) {
        let summary = format!(
            "the quotation mark in the argument of `{name}` is not closed; Apache takes everything up to the last \
             `>`"
        );
        walk.warn(&directive.entry, None, "open-quote", summary);
    }
}
