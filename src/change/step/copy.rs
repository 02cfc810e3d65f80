//! The content of a virtual host for HTTP as that of one for HTTPS: its lines as they are, less those that must not
//! be there twice and those that lead back to themselves, and with what says `http` of it saying `https`. Decides nothing
//! about addresses and certificates.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::httpd::{Configuration, Entry, FileId, SERVER, SectionId, Truth, VirtualHost, trim, word};

use super::super::address::name_lines;
use super::super::edit_lines::{editable, refuse_unclosed};
use super::super::existing::{MOD_ALIAS, has_other_names, is_without_ssl, named_at, own_settings, within};
use super::super::own_answers;
use super::super::plan::{PlanError, refuse};
use super::super::redirection::{
    Side, States, Waiting, both_ways, by_way, is_gone, partly_of_plain, with_conditions,
};
use super::super::refusal::{Place, RefusalCode, named, say};
use super::super::request::Request;
use super::tls_side::{Instead, replaced_part};
use super::unrolled::unrolled;

/// Directives that define something for the whole server under a name: a second one is refused by Apache.
const DEFINED_ONCE: [&str; 4] = [
    "WSGIDaemonProcess",
    "WSGIImportScript",
    "FastCgiServer",
    "FastCgiExternalServer",
];

/// Directives of the copy's own.
const OWN: [&str; 4] = [
    "SSLEngine",
    "SSLCertificateFile",
    "SSLCertificateKeyFile",
    "SSLCertificateChainFile",
];

/// A copied body.
pub(in crate::change) struct Copied {
    /// Its lines, each with its continuation lines, without the last line ending.
    pub lines: Vec<Vec<u8>>,
    /// The lines that say names and have to be written before them: the original's are not those of the request.
    pub names: Vec<String>,
    /// What else differs, for people.
    pub notes: Vec<String>,
}

/// The body of a virtual host for HTTP, for one for HTTPS.
///
/// # Errors
/// Its lines cannot be taken from the file as they are: it is never closed, or brings in what must not be there twice from
/// another file.
pub(in crate::change) fn body(
    configuration: &Configuration,
    request: &Request,
    site: &VirtualHost,
) -> Result<Copied, PlanError> {
    let opening = configuration.entry(site.entry);
    if configuration.macro_place(opening).is_none() {
        return written_body(configuration, request, site, None);
    }
    let (unrolled, written) = unrolled(configuration, request, site)?;
    written_body(&unrolled, request, &written, Some(configuration.place(opening)))
}

/// That of a virtual host whose lines stand in its file. `place` is the one that is told of all of them, where they do so
/// only for this.
fn written_body(
    configuration: &Configuration,
    request: &Request,
    site: &VirtualHost,
    place: Option<String>,
) -> Result<Copied, PlanError> {
    let opening = configuration.entry(site.entry);
    editable(configuration, opening)?;
    let range = range(configuration, site)?;
    let naming = Naming::of(configuration, request, site);
    let comparison = Comparison {
        configuration,
        site,
        file: opening.file,
        naming: &naming,
        place,
        side: Side::of(configuration, request, Some(site)),
        differences: Differences::default(),
    };
    let Differences {
        left_out,
        mut instead,
        notes,
    } = comparison.run()?;
    let document = &configuration.file(opening.file).document;
    let own: Vec<Range<u32>> = own_answers::inside(configuration, site);
    let is_left_out = |line: &u32| left_out.contains(line) || own.iter().any(|own| own.contains(line));
    let mut lines = Vec::new();
    for line in range.filter(|line| !is_left_out(line)) {
        let raw = without_ending(document.raw(line as usize)).to_vec();
        match instead.remove(&line) {
            None | Some(Instead::Same) => lines.push(raw),
            Some(Instead::Line(new)) => lines.push(new),
            Some(Instead::Both(new)) => lines.extend([raw, new]),
            Some(Instead::Nothing) => {}
        }
    }
    let names = naming.lines(request, site);
    Ok(Copied { lines, names, notes })
}

/// What the server says of plain HTTP for all its virtual hosts, as the one for HTTPS says it for itself: what comes later
/// goes before (mod_headers and mod_env), or is asked first (mod_alias).
pub(in crate::change) fn inherited(
    configuration: &Configuration,
    request: &Request,
    site: Option<&VirtualHost>,
) -> (Vec<Vec<u8>>, Vec<String>) {
    let side = Side::of(configuration, request, site);
    let (mut lines, mut notes) = (Vec::new(), Vec::new());
    // Those of mod_rewrite are inherited in another way.
    let names = ["RequestHeader", "Header", "SetEnv", "ErrorDocument"];
    let names: Vec<&str> = names.into_iter().chain(MOD_ALIAS).collect();
    for entry in named_at(configuration, SERVER, &names) {
        if entry.truth == Truth::False || configuration.macro_place(entry).is_some() {
            continue;
        }
        let name = configuration.name(entry);
        let document = &configuration.file(entry.file).document;
        let raw = without_ending(document.raw(entry.line as usize));
        if let Some((Instead::Line(line), why)) =
            side.instead(&name, &configuration.arguments(entry), raw, &[])
        {
            let place = configuration.place(entry);
            let line = line.trim_ascii().to_vec();
            notes.push(format!(
                "the new virtual host says `{}` itself, as {place} says otherwise for the whole server: {why}",
                String::from_utf8_lossy(&line)
            ));
            lines.push(line);
        }
    }
    (lines, notes)
}

/// What the copy cannot keep of the lines that say names.
struct Naming {
    /// The original's names are not those of the request.
    other_names: bool,
    /// Its ServerName says a port: `name:80` is what links to itself would say.
    other_port: bool,
}

impl Naming {
    fn of(configuration: &Configuration, request: &Request, site: &VirtualHost) -> Self {
        let own_name = own_settings(configuration, site.section, "ServerName").pop();
        Naming {
            other_names: has_other_names(configuration, request, site),
            other_port: own_name.is_some_and(|entry| configuration.rest(entry).contains(&b':')),
        }
    }

    /// Does a directive of that name stay behind?
    fn drops(&self, name: &[u8]) -> bool {
        (self.other_names || self.other_port) && is_one_of(name, &["ServerName"])
            || self.other_names && is_one_of(name, &["ServerAlias"])
    }

    /// The lines that are written instead.
    fn lines(&self, request: &Request, site: &VirtualHost) -> Vec<String> {
        let mut aliases: Vec<&str> = request.names().collect();
        if self.other_names {
            return name_lines(&aliases);
        }
        let mut names = Vec::new();
        if let (true, Some(name)) = (self.other_port, &site.server_name) {
            names.push(format!("ServerName {name}"));
        }
        aliases.retain(|name| !site.has_name(name));
        if !aliases.is_empty() {
            names.push(format!("ServerAlias {}", aliases.join(" ")));
        }
        names
    }
}

/// What becomes of single lines in the copy.
#[derive(Default)]
struct Differences {
    /// The lines that it does not get.
    left_out: BTreeSet<u32>,
    /// The lines that it gets instead of others, or behind them.
    instead: BTreeMap<u32, Instead>,
    /// What to know of that.
    notes: Vec<String>,
}

/// Goes through the lines of a virtual host for HTTP.
struct Comparison<'a> {
    configuration: &'a Configuration,
    site: &'a VirtualHost,
    file: FileId,
    naming: &'a Naming,
    /// That of all lines, where there is only one.
    place: Option<String>,
    side: Side<'a>,
    differences: Differences,
}

impl<'a> Comparison<'a> {
    fn run(mut self) -> Result<Differences, PlanError> {
        for (entry, waiting) in with_conditions(self.configuration, within(self.configuration, self.site)) {
            let name = self.configuration.name(entry);
            let is_gone = is_gone(self.configuration, &self.side, entry, &waiting);
            let is_own = is_one_of(&name, &OWN);
            if is_gone || is_own || is_one_of(&name, &DEFINED_ONCE) || self.naming.drops(&name) {
                self.leave_out(entry, &name, is_own)?;
                for (condition, _) in waiting.iter().filter(|_| is_gone) {
                    self.differences.instead.remove(&condition.line);
                    self.differences.left_out.insert(condition.line);
                }
            } else if is_one_of(&name, &["<If", "<ElseIf"]) {
                self.open(entry);
            } else {
                self.reword(entry, &name, &waiting);
                self.let_through_tls(entry, &waiting);
            }
        }
        Ok(self.differences)
    }

    fn place(&self, entry: &Entry) -> String {
        let own = || self.configuration.place(entry);
        self.place.clone().unwrap_or_else(own)
    }

    /// What to know of a line; of one that goes when mod_ssl comes that is all there is to know, and told with others.
    fn note(&mut self, entry: &Entry, text: String) {
        let mut around = self.configuration.ancestors(entry).map(|(_, section)| section);
        if !around.any(|section| is_without_ssl(self.configuration, section)) {
            self.differences.notes.push(text);
        }
    }

    /// Do the lines stand in the file of the virtual host itself?
    fn is_here(&self, entry: &Entry) -> bool {
        entry.file == self.file && self.configuration.macro_place(entry).is_none()
    }

    fn leave_out(&mut self, entry: &Entry, name: &[u8], is_own: bool) -> Result<(), PlanError> {
        if self.is_here(entry) {
            self.differences.left_out.insert(entry.line);
        } else if entry.truth != Truth::False && !is_own && !is_one_of(name, &["ServerAlias"]) {
            return Err(refuse_from_elsewhere(self.configuration, self.site, entry));
        }
        Ok(())
    }

    /// Over HTTP a rule acted that asks for HTTP; it is to act over HTTPS too.
    fn let_through_tls(&mut self, rule: &Entry, conditions: &[Waiting<'_>]) {
        let ways = by_way(self.configuration, &self.side, rule, conditions);
        for condition in partly_of_plain(self.configuration, &self.side, rule, conditions) {
            let place = self.place(condition);
            self.note(
                condition,
                format!(
                    "the condition at {place} asks for plain HTTP, among others: its rule does not act over HTTPS as it \
                     does over HTTP"
                ),
            );
        }
        for ((entry, _), states) in conditions.iter().zip(ways) {
            if states == States::Plain && self.is_here(entry) {
                self.differences.left_out.insert(entry.line);
                let place = self.place(entry);
                self.note(
                    entry,
                    format!(
                        "the HTTPS copy does without the condition at {place}, which holds over plain HTTP only: its rule \
                         acts over HTTPS as it does over HTTP"
                    ),
                );
            }
        }
    }

    /// A section by an expression: what stands in it over HTTP is to hold over HTTPS too.
    fn open(&mut self, entry: &Entry) {
        let argument = self.configuration.section_argument(entry);
        let Some(expression) = word::words(&argument).next() else {
            return;
        };
        let expression = String::from_utf8_lossy(&expression.value).into_owned();
        let Some(said) = self.side.as_over_http((&expression, false)) else {
            return;
        };
        if entry.truth == Truth::False || self.is_emptied(entry) {
            return;
        }
        let place = self.place(entry);
        let document = &self.configuration.file(entry.file).document;
        let raw = without_ending(document.raw(entry.line as usize));
        let line = replaced_part(raw, &expression, &said).filter(|_| self.is_here(entry));
        let text = match &line {
            Some(line) => format!(
                "the HTTPS copy of {place} says `{}`: what is in that section holds over HTTPS as it does over HTTP",
                String::from_utf8_lossy(line.trim_ascii())
            ),
            None => format!(
                "`{}` at {place} depends on plain HTTP: what is in that section does not hold over HTTPS",
                String::from_utf8_lossy(raw.trim_ascii())
            ),
        };
        self.note(entry, text);
        if let Some(line) = line {
            self.differences.instead.insert(entry.line, Instead::Line(line));
        }
    }

    /// Does all that is in a section lead back to itself over HTTPS?
    fn is_emptied(&self, opening: &Entry) -> bool {
        let configuration = self.configuration;
        let sections = configuration.sections();
        let is_it =
            |id: &SectionId| std::ptr::eq(configuration.entry(sections[*id as usize].opening), opening);
        let Some(section) = (0..sections.len() as SectionId).skip(1).find(is_it) else {
            return false;
        };
        let inside =
            within(configuration, self.site).filter(|entry| configuration.is_within(entry.section, section));
        with_conditions(configuration, inside)
            .filter(|(entry, _)| {
                !["RewriteCond", "RewriteEngine"]
                    .iter()
                    .any(|name| configuration.is_named(entry, name))
            })
            .all(|(entry, waiting)| is_gone(configuration, &self.side, entry, &waiting))
    }

    /// What a line says of the way in words.
    fn reword(&mut self, entry: &Entry, name: &[u8], conditions: &[Waiting<'_>]) {
        if name.starts_with(b"<") || !self.is_here(entry) && entry.truth == Truth::False {
            return;
        }
        let document = &self.configuration.file(entry.file).document;
        let raw = without_ending(document.raw(entry.line as usize));
        let both_ways = both_ways(self.configuration, &self.side, entry, conditions);
        let arguments = self.configuration.arguments(entry);
        let found = self.side.instead(name, &arguments, raw, &both_ways);
        let Some((instead, why)) = found else { return };
        let place = self.place(entry);
        let shown = |line: &[u8]| String::from_utf8_lossy(line.trim_ascii()).into_owned();
        let old = shown(raw);
        let text = match &instead {
            _ if !self.is_here(entry) => format!(
                "`{old}` at {place} holds for HTTPS too, as its file is included: {why} only if that line says so"
            ),
            Instead::Line(line) => format!("the HTTPS copy of {place} says `{}`: {why}", shown(line)),
            Instead::Both(line) => {
                format!("the HTTPS copy of {place} has `{}` beside it: {why}", shown(line))
            }
            Instead::Nothing => format!("the HTTPS copy does without {place} (`{old}`): {why}"),
            Instead::Same => format!("`{old}` at {place} is the same over HTTPS: {why}"),
        };
        self.note(entry, text);
        if self.is_here(entry) && instead != Instead::Same {
            self.differences.instead.insert(entry.line, instead);
        }
    }
}

fn without_ending(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.strip_suffix(b"\r").unwrap_or(raw)
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

fn refuse_from_elsewhere(configuration: &Configuration, site: &VirtualHost, entry: &Entry) -> PlanError {
    refuse(
        RefusalCode::DefinedElsewhere,
        say![
            "the virtual host ",
            named(configuration, site),
            " takes `",
            String::from_utf8_lossy(&configuration.name(entry)).into_owned(),
            "` from ",
            Place::of(configuration, entry),
            ", which must not apply to its HTTPS side too",
        ],
        "; ",
        "move that line into the virtual host itself, then run again",
    )
}

/// The lines between its tags.
fn range(configuration: &Configuration, site: &VirtualHost) -> Result<Range<u32>, PlanError> {
    let opening = configuration.entry(site.entry);
    match configuration.sections()[site.section as usize].closing {
        Some(closing) if closing > opening.line => Ok(opening.line + 1..closing),
        _ => Err(refuse_unclosed(configuration, site)),
    }
}

/// The line behind which its copy goes: that of the `Use` where a macro makes it.
pub(in crate::change) fn closing_line(
    configuration: &Configuration,
    site: &VirtualHost,
) -> Result<u32, PlanError> {
    let opening = configuration.entry(site.entry);
    if configuration.macro_place(opening).is_some() {
        return Ok(opening.line);
    }
    range(configuration, site).map(|lines| lines.end)
}

/// What lines are indented by in the body: as the first one that is indented.
pub(super) fn indentation(lines: &[Vec<u8>]) -> Option<&[u8]> {
    let text = lines.iter().find(|line| {
        let trimmed = trim(line);
        !trimmed.is_empty() && !trimmed.starts_with(b"#")
    })?;
    let length = text.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    Some(&text[..length])
}
