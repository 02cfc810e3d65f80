//! Where a directive may stand: what the sections around it allow. Knows only the sections that change that.

use std::borrow::Cow;
use std::ops::{Index, IndexMut};

use crate::httpd::known::{Known, module_name};
use crate::httpd::word::words;
use crate::httpd::{Configuration, Entry, EntryId, SERVER, SectionId, Truth};

/// What the sections around an entry allow.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Inside `<Directory>` and the like.
    pub directory: bool,
    /// Index in the list of virtual hosts.
    pub host: Option<u32>,
    /// Opening of the innermost section that is not a conditional decided while reading.
    pub parent: Option<EntryId>,
    /// Inside a section that Apache does not carry out, or whose content is not ours to judge.
    pub dead: bool,
    /// An `<If>` or `<ElseIf>` precedes in this section.
    pub after_if: bool,
    proxy: bool,
}

impl Context {
    /// The server level.
    pub fn server() -> Self {
        Context {
            directory: false,
            host: None,
            parent: None,
            dead: false,
            after_if: false,
            proxy: false,
        }
    }

    /// Inside a section of that name (as httpd spells it) that stands in this context.
    pub fn enter(self, name: &str, opening: EntryId) -> Self {
        let directory = matches!(
            name,
            "<Directory"
                | "<DirectoryMatch"
                | "<Location"
                | "<LocationMatch"
                | "<Files"
                | "<FilesMatch"
                | "<If"
                | "<ElseIf"
                | "<Else"
                | "<Proxy"
                | "<ProxyMatch"
                | "<AuthnProviderAlias"
                | "<AuthzProviderAlias"
        );
        Context {
            directory: self.directory || directory,
            parent: Some(opening),
            after_if: false,
            proxy: self.proxy || name.starts_with("<Proxy"),
            dead: self.dead || name.starts_with("<MDomain") || name.starts_with("<LuaHook"),
            ..self
        }
    }

    /// Is the directive certainly allowed here? What is not, needs the questions below.
    pub fn allows(&self, known: &Known) -> bool {
        let places = &known.places;
        if self.directory {
            places.directory && !places.not_in_folders && !matches!(known.name, "<Files" | "<FilesMatch")
        } else {
            places.server && !(places.global_only && self.host.is_some())
        }
    }

    /// Apache's message when the section around does not allow the directive: checked before its arguments.
    pub fn refuses(&self, c: &Configuration, known: &Known, directive: &Directive<'_>) -> Option<String> {
        let allowed = if self.directory {
            known.places.directory
        } else {
            known.places.server
        };
        let in_proxy =
            self.proxy && known.name.starts_with("SSLProxy") && module_name(known.module) == "mod_ssl.c";
        if allowed || in_proxy {
            return None;
        }
        Some(match self.parent {
            Some(parent) => {
                let parent = String::from_utf8_lossy(&c.name(c.entry(parent))).into_owned();
                format!("{} not allowed in {parent}> context", directive.name)
            }
            None => format!("{} not allowed here", directive.name),
        })
    }

    /// Apache's message when the directive itself does not want to stand here: checked after its arguments.
    pub fn forbids(&self, c: &Configuration, known: &Known, directive: &Directive<'_>) -> Option<String> {
        if known.places.global_only && self.host.is_some() {
            let name = shown_name(directive.name);
            return Some(format!("{name} cannot occur within <VirtualHost> section"));
        }
        if !self.directory {
            // All sections that matter below are of that kind.
            return None;
        }
        let sections: &[&str] = if known.places.not_in_folders {
            &[
                "<Directory",
                "<DirectoryMatch",
                "<Files",
                "<FilesMatch",
                "<If",
                "<ElseIf",
                "<Else",
            ]
        } else if matches!(directive.name, "<Files" | "<FilesMatch") {
            &["<Location", "<LocationMatch"]
        } else {
            return None;
        };
        let around = c.ancestors(&directive.entry).find_map(|(_, section)| {
            let opening = c.entry(section.opening);
            let found = sections.iter().find(|section| c.is_named(opening, section))?;
            (section.truth != Truth::False).then_some(*found)
        });
        let name = || shown_name(directive.name);
        around.map(|section| format!("{} cannot occur within {section}> section", name()))
    }
}

/// What the sections of a part allow. The server level is in all of them.
pub struct Contexts {
    /// The first section that the part opens.
    first: SectionId,
    pub all: Vec<Context>,
    /// Whether an `<If>` precedes at the server level hangs on nothing before the part.
    pub settled: bool,
}

impl Contexts {
    /// Before a part that begins with this entry.
    pub fn before(c: &Configuration, from: EntryId) -> Contexts {
        let before = c.sections()[1..].partition_point(|section| section.opening < from);
        Contexts {
            first: before as SectionId + 1,
            all: vec![Context::server()],
            settled: from == 0,
        }
    }

    /// The section that comes next.
    pub fn next(&self) -> SectionId {
        self.first + self.all.len() as SectionId - 1
    }

    fn index(&self, section: SectionId) -> usize {
        debug_assert!(
            section == SERVER || section >= self.first,
            "a section of another part"
        );
        section.checked_sub(self.first).map_or(0, |at| at as usize + 1)
    }
}

impl Index<SectionId> for Contexts {
    type Output = Context;

    fn index(&self, section: SectionId) -> &Context {
        &self.all[self.index(section)]
    }
}

impl IndexMut<SectionId> for Contexts {
    fn index_mut(&mut self, section: SectionId) -> &mut Context {
        let at = self.index(section);
        &mut self.all[at]
    }
}

/// A directive being checked.
pub struct Directive<'a> {
    pub id: EntryId,
    pub entry: Entry,
    /// As httpd spells it.
    pub name: &'static str,
    pub rest: &'a [u8],
    pub context: Context,
}

impl Directive<'_> {
    /// Its arguments, split.
    pub fn words(&self) -> Vec<Vec<u8>> {
        words(self.rest).map(|word| word.value.into_owned()).collect()
    }

    /// Its first argument, empty if there is none.
    pub fn first(&self) -> Cow<'_, [u8]> {
        words(self.rest).next().map(|word| word.value).unwrap_or_default()
    }
}

pub fn where_it_may_stand(known: &Known) -> String {
    let places = match (known.places.server, known.places.directory) {
        (true, _) if known.places.global_only => "at server level, outside virtual hosts",
        (true, false) => {
            "at server level and in virtual hosts, not in <Directory>, <Location>, <Files> or <If>"
        }
        (false, true) => "inside <Directory>, <Location>, <Files> or <If>",
        _ => "elsewhere",
    };
    format!("`{}` is allowed {places}", shown_name(known.name))
}

/// The name as people write it: sections with both brackets.
pub fn shown_name(name: &str) -> String {
    if name.starts_with('<') {
        format!("{name}>")
    } else {
        name.to_string()
    }
}
