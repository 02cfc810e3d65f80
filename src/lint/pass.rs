//! The pass over the entries: what each of them is, and who judges it.

use std::ops::Range;
use std::sync::Arc;

use super::context::{Directive, where_it_may_stand};
use super::walk::Walk;
use super::{arity, host, listen, options, section, server, ssl, trap};
use crate::httpd::known::{self, Known};
use crate::httpd::word::words;
use crate::httpd::{Entry, EntryId, SectionId, Truth, glance};

impl Walk<'_> {
    /// Carries out a part of the entries.
    pub fn entries(&mut self, part: Range<EntryId>) {
        let c = self.c;
        for (id, entry) in part.clone().zip(c.entries_from(part.start)) {
            let section = self.contexts.next();
            let opens = entry.opens
                && c.sections()
                    .get(section as usize)
                    .is_some_and(|s| s.opening == id);
            if opens {
                let inner = self.contexts[entry.section];
                self.contexts.all.push(inner);
            }
            let opened = opens.then_some(section);
            if entry.truth != Truth::False && !self.is_plain(id, entry, opened) {
                self.entry(id, *entry, opened);
            }
        }
    }

    /// Is nothing wrong with it, by what a glance at its line has shown? Most entries need no more than that.
    fn is_plain(&mut self, id: EntryId, entry: &Entry, opened: Option<SectionId>) -> bool {
        let Some(index) = entry.glance.known_index() else {
            return false;
        };
        let known = known::entry(index);
        let context = self.contexts[entry.section];
        let good = !self.table.judged[index as usize]
            && self.table.modules[known.module as usize] != Truth::False
            && context.allows(known);
        match opened {
            Some(section) if good => {
                let inner = &self.c.sections()[section as usize];
                if inner.transparent {
                    return inner.truth != Truth::True || inner.closing.is_some();
                }
                let good = glance::takes_one_path(known);
                if good {
                    self.contexts[section] = context.enter(known.name, id);
                }
                good
            }
            _ => good,
        }
    }

    fn entry(&mut self, id: EntryId, entry: Entry, opened: Option<SectionId>) {
        let context = self.contexts[entry.section];
        if context.dead {
            return;
        }
        let text = self.c.text(&entry);
        let conditional = opened.filter(|section| self.c.sections()[*section as usize].transparent);
        let there = |known: &&Known| self.table.modules[known.module as usize] != Truth::False;
        let glanced = conditional
            .is_none()
            .then(|| entry.glance.known().filter(there))
            .flatten();
        let (known, rest) = if let Some(known) = glanced {
            (known, glance::split_name(&text).1)
        } else {
            let mut split = words(&text);
            let Some(first) = split.next() else { return };
            let name = match &*first.value {
                [name @ .., b'>'] => name,
                name => name,
            };
            if let Some(section) = conditional {
                return trap::conditional(self, &entry, section, name, split.rest());
            }
            let all = known::find(name);
            let Some(known) = all.iter().find(there) else {
                self.kill(opened);
                return self.unknown(entry, name, all);
            };
            (known, split.rest())
        };
        let directive = Directive {
            id,
            entry,
            name: known.name,
            rest,
            context,
        };
        if known.acts_while_reading {
            return trap::while_reading(self, &directive);
        }
        if let Some(section) = opened {
            return section::check(self, &directive, known, section);
        }
        if glanced.is_some() && context.allows(known) || self.is_in_order(&directive, known) {
            self.values(&directive);
        }
    }

    /// Does Apache take the directive at this place with this number of arguments?
    fn is_in_order(&mut self, directive: &Directive<'_>, known: &Known) -> bool {
        let Directive { context, rest, .. } = *directive;
        if let Some(apache) = context.refuses(self.c, known, directive) {
            self.refuse(directive, "context", apache, where_it_may_stand(known));
        } else if let Some(wanted) = arity::refuses(known.arity, rest) {
            let message = format!("`{}` {wanted}{}", known.name, arity::hint(known.arity, rest));
            let apache = format!("{} {wanted}", known.name);
            self.refuse(directive, "arguments", apache, message);
        } else if let Some(apache) = context.forbids(self.c, known, directive) {
            self.refuse(directive, "context", apache, where_it_may_stand(known));
        } else {
            trap::arguments(self, directive, known.arity);
            return true;
        }
        false
    }

    /// What httpd itself, or mod_ssl, checks in the values.
    fn values(&mut self, directive: &Directive<'_>) {
        if let Some(judge) = judge(directive.name) {
            judge(self, directive);
        }
    }
}

/// Judges the values of a directive.
type Judge = fn(&mut Walk<'_>, &Directive<'_>);

/// Who judges the values of a directive of that name, spelt as httpd does; nobody those of most.
fn judge(name: &str) -> Option<Judge> {
    match name {
        "Listen" => Some(listen::directive),
        "ServerName" | "ServerAlias" | "NameVirtualHost" => Some(host::directive),
        "DocumentRoot" | "ErrorLog" | "CustomLog" | "TransferLog" | "Error" | "Port" => {
            Some(server::directive)
        }
        "Options" => Some(options::directive),
        name if name.starts_with("SSL") => Some(ssl::directive),
        _ => None,
    }
}

/// By directive of the table: are its values judged?
pub(super) fn judged() -> Arc<[bool]> {
    let all = (0..known::count()).map(|index| judge(known::entry(index as u16).name).is_some());
    all.collect()
}
