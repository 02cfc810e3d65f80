//! Silent traps in single directives: what Apache accepts and hardly anybody means.

use super::arity;
use super::context::{Directive, shown_name};
use super::text::open_quote;
use super::walk::Walk;
use crate::finding::{Finding, Phase};
use crate::httpd::known::{Arity, Known};
use crate::httpd::word::words;
use crate::httpd::{Entry, LoadModule, SectionId, Truth, known, trim};

/// A conditional decided while reading, or a macro definition.
pub(super) fn conditional(walk: &mut Walk<'_>, entry: &Entry, section: SectionId, name: &[u8], rest: &[u8]) {
    let macro_section = name.eq_ignore_ascii_case(b"<Macro");
    let section = walk.c.sections()[section as usize];
    let own = walk.c.macro_place(entry).is_none();
    if !macro_section && section.truth == Truth::True && section.closing.is_none() && own {
        let shown = String::from_utf8_lossy(&name[1..]).into_owned();
        walk.warn(
            entry,
            Some(0),
            "unclosed-condition",
            format!(
                "`<{shown}>` is never closed, which Apache accepts only while its condition holds; add `</{shown}>`"
            ),
        );
    }
    let version = name.eq_ignore_ascii_case(b"<IfVersion");
    if let Some(end) = rest.iter().rposition(|&b| b == b'>')
        && !version
        && !macro_section
    {
        if rest[..end].contains(&b'>') {
            walk.warn(
                entry,
                None,
                "text-after-tag",
                "the argument ends at the last `>` of the line, so text after the tag became part of it",
            );
        }
        after_tag(walk, entry, &rest[end + 1..]);
    }
}

/// What stands behind the `>` of an opening tag. A comment there does what its author means.
pub(super) fn after_tag(walk: &mut Walk<'_>, entry: &Entry, text: &[u8]) {
    let text = trim(text);
    if text.is_empty() || text.starts_with(b"#") {
        return;
    }
    walk.warn(
        entry,
        None,
        "text-after-tag",
        "Apache silently ignores what comes after the `>` of a section; put it on its own line",
    );
}

/// A directive that acts while reading.
pub(super) fn while_reading(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    match directive.name {
        "Define" => {
            let words = directive.words();
            if words.len() == 2 && words[1].is_empty() {
                walk.warn(
                    &directive.entry,
                    Some(2),
                    "empty-define",
                    format!(
                        "an empty value does not exist: this only sets the flag `{0}`, and `${{{0}}}` keeps the \
                         value it had",
                        String::from_utf8_lossy(&words[0])
                    ),
                );
            }
        }
        "LoadFile" | "DefaultRuntimeDir" | "UNCList" => {
            let arity = known::find(directive.name.as_bytes())
                .first()
                .map_or(Arity::Raw, |known| known.arity);
            if let Some(wanted) = arity::refuses(arity, directive.rest) {
                let text = format!("{} {wanted}", directive.name);
                let finding = Finding {
                    rule: "arguments",
                    apache: Some(text),
                    summary: format!("`{}` {wanted}", directive.name),
                    ..Finding::refused(Phase::Reading)
                };
                walk.report(&directive.entry, None, finding);
            }
        }
        "Use" | "UndefMacro" => {
            let before = |load: &LoadModule| {
                load.identifier == b"macro_module" && load.truth != Truth::False && load.entry < directive.id
            };
            let loaded =
                walk.c.modules().is_built_in(b"macro_module") || walk.c.load_modules().iter().any(before);
            if let Some(known) = known::find(directive.name.as_bytes()).first()
                && !loaded
            {
                before_its_module(walk, directive, known);
            }
        }
        _ => {}
    }
}

/// A directive that acts while reading, but stands before its module is loaded.
pub(super) fn before_its_module(walk: &mut Walk<'_>, directive: &Directive<'_>, known: &Known) {
    let message = format!(
        "`{}` comes before the LoadModule of {}, and Apache silently skips it",
        shown_name(known.name),
        known::module_name(known.module)
    );
    walk.warn(&directive.entry, Some(0), "before-its-module", message);
}

/// Arguments that are accepted and do not mean what they seem to.
pub(super) fn arguments(walk: &mut Walk<'_>, directive: &Directive<'_>, arity: Arity) {
    let rest = directive.rest;
    if arity == Arity::Flag {
        let mut split = words(rest);
        split.next();
        if !split.rest().is_empty() {
            walk.warn(
                &directive.entry,
                Some(2),
                "ignored-words",
                format!(
                    "`{}` reads only its first word and ignores the rest",
                    directive.name
                ),
            );
        }
        return;
    }
    if arity != Arity::Raw && open_quote(rest) {
        walk.warn(
            &directive.entry,
            None,
            "open-quote",
            "a quotation mark is opened and never closed; Apache takes everything up to the end of the line",
        );
    }
    if memchr::memchr(b'#', rest).is_some() && !directive.name.starts_with("Rewrite") {
        let comment = words(rest).enumerate().find(|(n, word)| {
            *n > 0 && rest.get(word.span.start) == Some(&b'#') && rest.get(word.span.start + 1) != Some(&b'{')
        });
        if let Some((n, _)) = comment {
            walk.warn(
                &directive.entry,
                Some(n + 1),
                "comment-as-argument",
                format!(
                    "`#` starts a comment only at the start of a line; `{}` takes this and what follows as arguments",
                    directive.name
                ),
            );
        }
    }
}
