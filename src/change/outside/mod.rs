//! What stands outside of the virtual host, holds for HTTP and HTTPS alike, and does something else over HTTPS: lines of
//! sections of the main server and of `.htaccess` files. They are shared, so that they are named and not edited.

mod access_file;
mod layers;
mod section;
mod told;
mod verdict;

use std::collections::HashSet;
use std::io;

use crate::httpd::{Configuration, Entry, Truth, VirtualHost};
use crate::mod_ssl::speaks_tls;
use crate::wording::reason;

use super::existing::MOD_ALIAS;
use super::plan::{PlanError, refuse};
use super::redirection::{Condition, Rule, Side, Within, redirects_everything, with_conditions};
use super::refusal::{Place, RefusalCode, say};
use super::request::{Http, Request};
use super::shown::{ends, ends_at, section_of_site};
use super::step::tls_side::Instead;
use layers::{Layer, Layers, may_override};
use section::{Line, written};
use told::{Told, place_before};
use verdict::{Rules, Verdict};

/// More lines are counted only.
const MOST: usize = 8;

/// What says how a client came, or where it is sent, in words.
const WORDS: [&str; 4] = ["RequestHeader", "Header", "SetEnv", "ErrorDocument"];

/// What decides what is shown, where a condition lets it.
const SHOWING: [&str; 9] = [
    "Require",
    "Deny",
    "DirectoryIndex",
    "SetHandler",
    "AddHandler",
    "ForceType",
    "ErrorDocument",
    "Alias",
    "ScriptAlias",
];

/// All that does something else over HTTPS.
pub(super) struct Outside {
    told: Vec<Told>,
    /// Files that could not be read, and why.
    unread: Vec<(Vec<u8>, io::Error)>,
}

impl Outside {
    /// Of the virtual hosts for HTTPS that answer the names of the request.
    pub fn of(original: &Configuration, result: &Configuration, request: &Request) -> Outside {
        let (mut told, mut unread) = (Vec::new(), Vec::new());
        for site in sites(original, result, request) {
            let mut layers = Layers::of(result, site.host, &site.name);
            unread.append(&mut layers.unread);
            told.extend(site.told(&layers));
        }
        Outside { told, unread }
    }

    /// Refuses when they would send clients of HTTPS on without end, where there was no HTTPS that did so already.
    pub fn refuse_loops(&self) -> Result<(), PlanError> {
        let Some(told) = self.told.iter().find(|told| told.is_endless && told.is_new) else {
            return Ok(());
        };
        Err(refuse(
            RefusalCode::RedirectLoop,
            say![told.place.clone(), ": ", &told.what],
            "; ",
            format!("{}, then run again", told.fix),
        ))
    }

    /// What is told.
    pub fn notes(&self, original: &Configuration, result: &Configuration) -> Vec<String> {
        let unread = self.unread.iter().map(|(file, error)| {
            format!(
                "{} is not looked at, and may do something else over HTTPS: {}",
                String::from_utf8_lossy(file),
                reason(error)
            )
        });
        let told = self.told.iter().take(MOST).map(|told| {
            let place = place_before(original, result, &told.place);
            format!("{place}: {}; {}", told.what, told.fix)
        });
        let mut notes: Vec<String> = unread.chain(told).collect();
        if let Some(more) = self.told.len().checked_sub(MOST).filter(|more| *more > 0) {
            notes.push(format!(
                "and {more} more lines outside of the virtual host do something else over HTTPS"
            ));
        }
        notes
    }

    /// The paths of which something is told.
    pub fn paths(self) -> impl Iterator<Item = String> {
        self.told.into_iter().map(|told| told.path)
    }
}

/// The first rewrite rule in a section or `.htaccess` file of a virtual host's folders that does nothing only because nobody
/// switches rewriting on there: `RewriteEngine on` in the virtual host would, as it holds for its folders as well
/// (mod_rewrite, `cmd_rewriteengine`).
pub(super) fn sleeping_rule(
    configuration: &Configuration,
    host: &VirtualHost,
    asked: &str,
) -> Option<(Place, String)> {
    let layers = Layers::of(configuration, host, asked);
    if layers.is_rewriting() {
        return None;
    }
    let by_request = layers.by_request();
    layers.folders.iter().find_map(|folder| {
        let at = layers.at(folder);
        let asleep = rewriting(at.iter().chain(&by_request), None);
        let mut rules = asleep.into_iter().filter(|(_, switch)| switch.is_none());
        rules.find_map(|(layer, _)| {
            let is_rule = |line: &&Line<'_>| layer.configuration.is_named(line.entry, "RewriteRule");
            let rule = layer.lines.iter().find(is_rule)?.entry;
            Some((
                Place::of(layer.configuration, rule),
                written(layer.configuration, rule),
            ))
        })
    })
}

/// The first line of those names in a `.htaccess` file of any virtual host that acts in the result and not in the original, as
/// the plan loads a module.
pub(super) fn woken_in_folders(
    original: &Configuration,
    result: &Configuration,
    names: &[&str],
) -> Option<(Place, String)> {
    if !may_override(original) {
        return None;
    }
    let hosts = original.virtual_hosts().iter();
    let active = hosts.filter(|host| host.truth == Truth::True).take(MOST_NAMES);
    Layers::of_each(original, active).find_map(|layers| layers.woken(result, names))
}

/// The layers whose rewrite rules would be in force if rewriting is on, each with whether it is, as far as anybody says:
/// those of the last section or file of a folder that says anything of it replace the ones before, unless they are inherited
/// (mod_rewrite, `config_perdir_merge`). `switch` is what holds around.
fn rewriting<'a, 'c: 'a>(
    stacked: impl IntoIterator<Item = &'a Layer<'c>>,
    mut switch: Option<bool>,
) -> Vec<(&'a Layer<'c>, Option<bool>)> {
    const OWN: [&str; 5] = [
        "RewriteEngine",
        "RewriteOptions",
        "RewriteBase",
        "RewriteCond",
        "RewriteRule",
    ];
    let mut in_force: Vec<&Layer<'_>> = Vec::new();
    let mut beside = Vec::new();
    for layer in stacked {
        let says = |line: &Line<'_>, name: &str| layer.configuration.is_named(line.entry, name);
        let first = |line: &Line<'_>| layer.configuration.arguments(line.entry).into_iter().next();
        let mut own = layer.lines.iter();
        if !own.any(|line| OWN.iter().any(|name| says(line, name))) {
            continue;
        }
        let engines = layer.lines.iter().filter(|line| says(line, "RewriteEngine"));
        let engine = engines.filter_map(first).last();
        let engine = engine.map(|word| word.eq_ignore_ascii_case(b"on")).or(switch);
        if !layer.is_whole {
            beside.push((layer, engine));
            continue;
        }
        switch = engine;
        let inherits = |word: &Vec<u8>| word.to_ascii_lowercase().starts_with(b"inherit");
        let options = layer.lines.iter().filter(|line| says(line, "RewriteOptions"));
        let mut options = options.flat_map(|line| layer.configuration.arguments(line.entry));
        if !options.any(|word| inherits(&word)) {
            in_force.clear();
        }
        in_force.push(layer);
    }
    let in_force = in_force.into_iter().map(|layer| (layer, switch));
    in_force.chain(beside).collect()
}

/// Of thousands of names the first say where the site is.
const MOST_NAMES: usize = 100;

/// A virtual host for HTTPS that answers a name of the request.
struct Site<'c> {
    name: String,
    host: &'c VirtualHost,
    side: Side<'c>,
    /// HTTP sends all to HTTPS.
    sends_back: bool,
    is_new: bool,
}

fn sites<'c>(
    original: &'c Configuration,
    result: &'c Configuration,
    request: &'c Request,
) -> impl Iterator<Item = Site<'c>> {
    let port = request.port;
    let tls = move |configuration: &'c Configuration, name: &str| {
        let ends = ends_at(configuration, configuration.hosts_named(name), |other| {
            other == port
        });
        let mut hosts = ends.into_iter().filter_map(|(end, port)| {
            configuration
                .answering(end, port, name)
                .filter(|host| host.has_name(name) && speaks_tls(configuration, host))
        });
        hosts.next()
    };
    let ends = ends(original, request);
    let site = section_of_site(original, request);
    let mut seen = HashSet::new();
    request.names().take(MOST_NAMES).filter_map(move |name| {
        let host = tls(result, name)?;
        // What sends all elsewhere is asked first.
        if seen.contains(&host.section) || redirects_everything(result, host, name) {
            return None;
        }
        seen.insert(host.section);
        let plain = ends.iter().find_map(|&(end, port)| {
            let host = original.answering(end, port, name)?;
            let is_own = host.has_name(name) || Some(host.section) == site;
            (is_own && !speaks_tls(original, host)).then_some(host)
        });
        let mut side = Side::of(original, request, plain);
        let own = host.server_name.iter().chain(&host.aliases);
        side.own.0.extend(own.map(String::as_str));
        side.own.0.truncate(MOST_NAMES);
        if plain.is_none() && !ends.is_empty() {
            side.http = ends.iter().map(|(_, port)| *port).collect();
        }
        Some(Site {
            name: name.to_owned(),
            host,
            side,
            sends_back: request.http == Some(Http::Redirect),
            is_new: tls(original, name).is_none(),
        })
    })
}

impl Site<'_> {
    fn told(&self, layers: &Layers<'_>) -> Vec<Told> {
        let mut all: Vec<Told> = Vec::new();
        if let Some(layer) = layers.inherited() {
            self.rules_of(&layer, &mut all);
        }
        let by_request = layers.by_request();
        for folder in &layers.folders {
            let at = layers.at(folder);
            let stacked: Vec<&Layer<'_>> = at.iter().chain(&by_request).collect();
            self.rewritten(layers, &stacked, &mut all);
            for layer in stacked.iter().filter(|layer| !layer.is_own) {
                self.others(layer, &stacked, &mut all);
            }
        }
        let mut seen = HashSet::new();
        all.retain(|told| seen.insert(told.place.clone()));
        for told in &mut all {
            told.is_new = self.is_new;
        }
        all
    }

    /// The rules of mod_rewrite that are in force.
    fn rewritten(&self, layers: &Layers<'_>, stacked: &[&Layer<'_>], all: &mut Vec<Told>) {
        let around = layers.is_rewriting().then_some(true);
        let acting = rewriting(stacked.iter().copied(), around).into_iter();
        let acting = acting.filter(|(layer, switch)| *switch == Some(true) && !layer.is_own);
        for (layer, _) in acting {
            self.rules_of(layer, all);
        }
    }

    fn rules_of(&self, layer: &Layer<'_>, all: &mut Vec<Told>) {
        let configuration = layer.configuration;
        let mut rules = Rules::default();
        let entries = layer.lines.iter().map(|line| line.entry);
        let guards = layer.lines.iter().map(|line| &line.guards);
        for ((entry, waiting), guards) in with_conditions(configuration, entries).zip(guards) {
            if !configuration.is_named(entry, "RewriteRule") {
                continue;
            }
            let own = waiting.into_iter().filter_map(|(_, condition)| condition);
            let conditions: Vec<Condition> = guards.iter().cloned().chain(own).collect();
            let arguments = configuration.arguments(entry);
            let with = (&self.side, self.sends_back);
            if let Some(verdict) = rules.next(&arguments, conditions, &layer.within, with) {
                all.push(Told::of(layer, entry, verdict, &self.side));
            }
        }
    }

    /// All other lines of a layer.
    fn others(&self, layer: &Layer<'_>, stacked: &[&Layer<'_>], all: &mut Vec<Told>) {
        let configuration = layer.configuration;
        for line in &layer.lines {
            let is_one = |names: &[&str]| names.iter().any(|name| configuration.is_named(line.entry, name));
            if is_one(&MOD_ALIAS) {
                let verdict = self.of_redirect(layer, line);
                all.extend(verdict.map(|verdict| Told::of(layer, line.entry, verdict, &self.side)));
            } else if is_one(&WORDS)
                && let Some(told) = self.in_words(layer, line)
            {
                if !self.is_corrected(layer, line, stacked) {
                    all.push(told);
                }
            } else if is_one(&SHOWING)
                && let Some(verdict) = verdict::by_way(&line.guards, &self.side)
            {
                all.push(Told::of(layer, line.entry, verdict, &self.side));
            }
        }
    }

    fn of_redirect(&self, layer: &Layer<'_>, line: &Line<'_>) -> Option<Verdict> {
        let configuration = layer.configuration;
        let path = layer.within.path.trim_end_matches('/');
        let location = layer.within.front.is_none().then_some(match path {
            "" => "/",
            path => path,
        });
        let arguments = configuration.arguments(line.entry);
        let name = configuration.name(line.entry);
        let rule = Rule::new(&name, &arguments, location, &line.guards)?;
        let within = Within {
            front: None,
            ..layer.within.clone()
        };
        verdict::of_rule(&rule.inside(within), &self.side, self.sends_back)
    }

    /// A line that says something of plain HTTP.
    fn in_words(&self, layer: &Layer<'_>, line: &Line<'_>) -> Option<Told> {
        let configuration = layer.configuration;
        let arguments = configuration.arguments(line.entry);
        let has_condition = |word: &Vec<u8>| word.starts_with(b"env=") || word.starts_with(b"expr=");
        if arguments.iter().skip(2).any(has_condition)
            || verdict::by_way(&line.guards, &self.side) == Some(Verdict::PlainOnly)
        {
            return None;
        }
        let raw = written(configuration, line.entry);
        let name = configuration.name(line.entry);
        let found = self.side.instead(&name, &arguments, raw.as_bytes(), &[]);
        let (Instead::Line(instead), why) = found? else {
            return None;
        };
        Some(Told::in_words(layer, line.entry, &instead, &why))
    }

    /// Does a section for HTTPS alone say the same thing of its own?
    fn is_corrected(&self, layer: &Layer<'_>, line: &Line<'_>, stacked: &[&Layer<'_>]) -> bool {
        let subject = |configuration: &Configuration, entry: &Entry| -> Vec<Vec<u8>> {
            let mut words = vec![configuration.name(entry)];
            words.extend(configuration.arguments(entry));
            words.truncate(3);
            // Of `SetEnv` the second word is what it says.
            words.truncate(if configuration.is_named(entry, "SetEnv") {
                2
            } else {
                3
            });
            words.into_iter().map(|word| word.to_ascii_lowercase()).collect()
        };
        let own = subject(layer.configuration, line.entry);
        stacked.iter().any(|other| {
            let mut lines = other.lines.iter();
            lines.any(|other_line| {
                verdict::by_way(&other_line.guards, &self.side) == Some(Verdict::TlsOnly)
                    && subject(other.configuration, other_line.entry) == own
                    && self.in_words(other, other_line).is_none()
            })
        })
    }
}
