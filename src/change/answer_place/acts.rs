//! The changes after which certificate authorities are answered; none where they are.

use crate::httpd::{Configuration, FileId, SERVER, SectionId};

use super::super::challenge::AnswerPlace;
use super::super::edit_lines::editable;
use super::super::existing::in_virtual_host;
use super::super::own_answers::{OwnLines, blocks};
use super::super::plan::{Act, PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, Text, say};
use super::super::request::Request;
use super::super::step::module::load;
use super::computed::{help, told};
use super::insert::{before_rules, into_host, into_main, removal, unit};
use super::lines::{Lines, lines, rule_line};
use super::need::{Need, need};
use super::servers::{Server, is_alone, servers};

/// Those for a request; none where it does not ask for that.
pub(in crate::change) fn of_request(
    configuration: &Configuration,
    request: &Request,
) -> Result<Vec<Act>, PlanError> {
    match &request.answer_place {
        None => Ok(Vec::new()),
        Some(place) => acts(configuration, place),
    }
}

/// Changes after which every server that answers one of the names over HTTP shows the answers; none where they do, or
/// nobody listens there.
///
/// # Errors
/// A line takes the path whatever we write, or nothing may be written where it would have to be.
pub(in crate::change) fn acts(
    configuration: &Configuration,
    place: &AnswerPlace,
) -> Result<Vec<Act>, PlanError> {
    let own = OwnLines::of(configuration);
    let servers = servers(configuration, place);
    if servers.is_empty() {
        return Ok(Vec::new());
    }
    let missing = load(
        configuration,
        "alias_module",
        "it answers certificate authorities",
    )?;
    if !missing.is_empty() {
        return Ok(missing);
    }
    let mut needs = Vec::new();
    for server in servers {
        let need = need(configuration, &server, place, &own);
        refuse_kept(configuration, &server, &need)?;
        needs.push((server, need));
    }
    let step = Step {
        configuration,
        place,
        own,
        reason: format!(
            "answer certificate authorities over HTTP for {}",
            place.names.join(" and ")
        ),
    };
    step.acts(&needs)
}

struct Step<'a> {
    configuration: &'a Configuration,
    place: &'a AnswerPlace,
    own: OwnLines,
    reason: String,
}

/// Our lines in a file.
type Block = (FileId, std::ops::Range<usize>);

impl Step<'_> {
    fn acts(&self, needs: &[(Server<'_>, Need<'_>)]) -> Result<Vec<Act>, PlanError> {
        let of_main = self.blocks_of(SERVER);
        let has_main = self.text(&of_main).iter().any(|line| line.starts_with(b"Alias"));
        let is_main_wanted = self.is_main_wanted(needs);
        let mut edits = Vec::new();
        for (server, need) in needs {
            let Some(host) = server.host else { continue };
            let there = self.blocks_of(host.section);
            let lines = self.lines(need, Some(server))?;
            if !there.is_empty() {
                if !self.is_there(&there, &lines) {
                    return Ok(self.remove(there));
                }
            } else if !(need.is_plain() && (has_main || is_main_wanted)) {
                edits.extend(into_host(self.configuration, host, lines, &self.reason)?);
            }
        }
        let main = needs.iter().find(|(server, _)| server.host.is_none());
        if main.is_some() || is_main_wanted {
            let plain = self.main_alone(needs);
            let need = main.map_or(&plain, |(_, need)| need);
            let lines = self.lines(need, None)?;
            if !of_main.is_empty() && !self.is_there(&of_main, &lines) {
                return Ok(self.remove(of_main));
            }
            if of_main.is_empty() {
                let is_first = need.alias_first || need.no_proxy;
                edits.extend(into_main(
                    self.configuration,
                    lines,
                    is_first,
                    &self.own,
                    &self.reason,
                ));
            }
        } else if needs.iter().any(|(_, need)| need.main_rule) {
            let rule = rule_line(self.place)?;
            if !self.text(&of_main).contains(&normal(&rule)) {
                edits.extend(before_rules(self.configuration, rule, &self.own, &self.reason));
            }
        }
        Ok(edits.into_iter().map(Act::Edit).collect())
    }

    /// What the main server needs where it only stands in for virtual hosts.
    fn main_alone<'a>(&'a self, needs: &[(Server<'_>, Need<'_>)]) -> Need<'a> {
        let asked = needs.iter().flat_map(|(server, _)| server.asked.clone());
        let main = Server {
            host: None,
            asked: asked.collect(),
        };
        need(self.configuration, &main, self.place, &self.own)
    }

    /// Are lines of the main server enough for virtual hosts, and nobody else's?
    fn is_main_wanted(&self, needs: &[(Server<'_>, Need<'_>)]) -> bool {
        let servers: Vec<Server<'_>> = needs.iter().map(|(server, _)| server.clone()).collect();
        let is_alone = is_alone(self.configuration, self.place, &servers);
        let is_main_asked = servers.iter().any(|server| server.host.is_none());
        let hosts = needs
            .iter()
            .filter_map(|(server, need)| Some((server.host?, need)));
        let mut plain = hosts.filter(|(_, need)| need.is_plain());
        // One that cannot be edited has what the main server has.
        let is_fixed = |section: SectionId| {
            let opening = self.configuration.opening(section);
            opening.is_some_and(|opening| editable(self.configuration, opening).is_err())
        };
        plain.any(|(host, _)| is_alone || is_main_asked || is_fixed(host.section))
    }

    fn lines(&self, need: &Need<'_>, server: Option<&Server<'_>>) -> Result<Lines, PlanError> {
        let unit = unit(self.configuration, server.and_then(|server| server.host));
        lines(self.place, need, &unit)
    }

    /// Our lines in a server.
    fn blocks_of(&self, section: SectionId) -> Vec<Block> {
        let files = (0..).zip(self.configuration.files());
        let all =
            files.flat_map(|(id, file)| blocks(&file.document).into_iter().map(move |lines| (id, lines)));
        all.filter(|(file, lines)| {
            let mut entries = self.configuration.entries();
            let first = entries.find(|entry| entry.file == *file && lines.contains(&(entry.line as usize)));
            first.is_some_and(|entry| {
                let host = in_virtual_host(self.configuration, entry);
                host.map_or(SERVER, |host| host.section) == section
            })
        })
        .collect()
    }

    /// The words of lines, without our comments.
    fn text(&self, blocks: &[Block]) -> Vec<Vec<u8>> {
        let lines = blocks.iter().flat_map(|(file, lines)| {
            let document = &self.configuration.file(*file).document;
            lines.clone().skip(1).map(|line| normal(document.raw(line)))
        });
        lines.collect()
    }

    fn is_there(&self, blocks: &[Block], wanted: &Lines) -> bool {
        let mut there = self.text(blocks);
        let all = wanted.rule.iter().chain(&wanted.alias).chain(&wanted.path);
        let mut wanted: Vec<Vec<u8>> = all.map(|line| normal(line)).collect();
        there.sort();
        wanted.sort();
        there == wanted
    }

    /// Lines that were enough once, and will be written again.
    fn remove(&self, blocks: Vec<Block>) -> Vec<Act> {
        let reason = "the site needs other lines for the answers now";
        let edits = blocks
            .into_iter()
            .map(|(file, lines)| removal(self.configuration, file, lines, reason));
        edits.map(Act::Edit).collect()
    }
}

/// A line without what people change when they tidy up.
fn normal(line: &[u8]) -> Vec<u8> {
    let words = line.split(u8::is_ascii_whitespace);
    let words: Vec<&[u8]> = words.filter(|word| !word.is_empty()).collect();
    words.join(&b' ')
}

/// Refuses where a line takes the path whatever we write.
fn refuse_kept(configuration: &Configuration, server: &Server<'_>, need: &Need<'_>) -> Result<(), PlanError> {
    let certain = need
        .kept
        .iter()
        .filter(|(at, _)| need.takers[*at].is_certain)
        .map(|(at, kept)| (&need.takers[*at], kept));
    let certain: Vec<_> = certain.collect();
    let Some((_, first)) = certain.first() else {
        return Ok(());
    };
    let lines = certain.iter().map(|(taker, kept)| {
        let place = Place::of(configuration, taker.entry);
        say![
            told(configuration, taker.entry),
            " at ",
            place,
            kept.why(configuration)
        ]
    });
    Err(refuse(
        RefusalCode::AcmePathTaken,
        say![
            "certificate authorities cannot be answered over HTTP for ",
            server.names().join(" and "),
            ": ",
            Text::joined(lines, "; "),
        ],
        ". ",
        help(first),
    ))
}
