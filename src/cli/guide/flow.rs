//! Which question comes next, what is offered as its answer and why, and what an answer makes of what is known so far. Knows no
//! terminal and no disk: what there is to see, [`Looks`] shows.

use camino::Utf8Path;
use zeroize::Zeroizing;

use super::answers::{Answers, Chosen, Http, Looks, SOURCES, Source, Step};
use super::concern::{self, Steps};
use super::question::{Question, Reply};
use super::{name, sentences};
use crate::operation::at_hand::Opened;
use crate::operation::survey::Survey;
use crate::quoted::bare;
use crate::server::installation::Installation;

/// What an answer leads to besides the next question: lines that are said.
type Taken = Result<Vec<String>, String>;

/// The conversation.
pub struct Flow<'a> {
    look: &'a dyn Looks,
    /// The server that was found, or why there is none.
    found: Result<Survey, String>,
    /// All servers of this machine, where somebody has to choose among them.
    servers: Vec<Installation>,
    /// What is known.
    pub answers: Answers,
    /// What was known before each question that was answered.
    past: Vec<Past>,
    /// Somebody chose to end.
    pub is_ended: bool,
}

/// What was known before a question was answered.
struct Past {
    step: Step,
    answers: Answers,
    found: Result<Survey, String>,
}

impl<'a> Flow<'a> {
    /// At its beginning, about a server that may have been named.
    pub fn new(look: &'a dyn Looks, root: Option<&Utf8Path>) -> Flow<'a> {
        let chosen = root.map(|root| Chosen::root(root.as_std_path()));
        let found = look.server(chosen.as_ref());
        let servers = match (&found, &chosen) {
            (Err(_), None) => look.servers(),
            _ => Vec::new(),
        };
        Flow {
            look,
            found,
            servers,
            answers: Answers {
                chosen,
                ..Answers::default()
            },
            past: Vec::new(),
            is_ended: false,
        }
    }

    /// The question that comes next; none when everything is known.
    pub fn next(&self) -> Option<Step> {
        let known = &self.answers;
        if known.doubt.is_some() {
            return Some(Step::Doubt);
        }
        if known.server.is_none() {
            return Some(match &self.found {
                Ok(_) if !known.wants_other => Step::Server,
                _ if self.servers.len() > 1 && !known.types_root => Step::Servers,
                _ => Step::Root,
            });
        }
        let Some(source) = known.source else {
            return Some(Step::Source);
        };
        if let Some(step) = self.of_source(source) {
            return Some(step);
        }
        if known.name.is_none() {
            return Some(
                match known.wants_other || name::offered(self.look, known).is_empty() {
                    true => Step::TypedName,
                    false => Step::Name,
                },
            );
        }
        if known.aliases.is_none() && !name::further(known).is_empty() {
            return Some(match known.wants_other {
                true => Step::TypedAliases,
                false => Step::Aliases,
            });
        }
        if source == Source::Request {
            return match (&known.folder, known.is_agreed) {
                (None, _) => Some(Step::Folder),
                (_, false) => Some(Step::Agree),
                (_, true) => None,
            };
        }
        let server = known.server.as_ref()?;
        if known.port.is_none() && known.ports().len() > 1 {
            return Some(match known.wants_other {
                true => Step::TypedPort,
                false => Step::Port,
            });
        }
        if known.http.is_none() && !server.http.is_empty() {
            return Some(Step::Http);
        }
        let can_run = server.runs.is_some() || server.closed.is_some();
        if known.restart.is_none() && can_run {
            return Some(Step::Restart);
        }
        (known.can_schedule && known.schedules.is_none()).then_some(Step::Schedule)
    }

    /// What is still to be said of the certificate.
    fn of_source(&self, source: Source) -> Option<Step> {
        let known = &self.answers;
        match source {
            Source::Files => match (&known.certificate, &known.key, &known.chain) {
                (None, ..) => Some(Step::Certificate),
                (_, None, _) => Some(Step::Key),
                (_, Some((_, None)), _) => Some(Step::KeyPhrase),
                (Some(certificate), _, None) if certificate.lacks.is_some() => Some(Step::Chain),
                _ => None,
            },
            Source::Archive if known.certificate.is_some() => None,
            Source::Archive if known.locked.is_some() => Some(Step::ArchivePhrase),
            Source::Archive => Some(Step::Archive),
            Source::Authority => match &known.directory {
                None if known.wants_other => Some(Step::Directory),
                None => Some(Step::Authority),
                Some(Some((_, None))) if known.wants_other => Some(Step::DirectoryRoot),
                Some(_) => None,
            },
            Source::Request | Source::SelfSigned => None,
        }
    }

    /// What an answer makes of it.
    ///
    /// # Errors
    /// Why that is not an answer: the question comes again.
    pub fn take(&mut self, step: Step, reply: &Reply) -> Taken {
        // It leads to a question of before, or changes nothing but that it is accepted.
        if (step, reply) == (Step::Doubt, &Reply::Chosen(0)) {
            let about = self.answers.doubt.as_ref().map_or(&[][..], |doubt| doubt.about);
            self.back_to(about);
            return Ok(Vec::new());
        }
        let before = Past {
            step,
            answers: self.answers.clone(),
            found: self.found.clone(),
        };
        let taken = match reply {
            Reply::Chosen(at) => self.chosen(step, *at),
            Reply::Typed(line) => self.typed(step, bare(line.trim())),
            Reply::Secret(phrase) => self.opened(step, phrase),
            Reply::Back | Reply::Interrupted => Ok(Vec::new()),
        };
        match taken {
            Ok(said) => {
                self.past.push(before);
                self.judge(step).map(|()| said)
            }
            Err(why) => {
                (self.answers, self.found) = (before.answers, before.found);
                Err(why)
            }
        }
    }

    /// What would keep that answer from working is asked about.
    ///
    /// # Errors
    /// What it is, where that certainly keeps Apache from starting: the question that it is about comes again.
    fn judge(&mut self, step: Step) -> Result<(), String> {
        let Some(doubt) = concern::doubt(step, &self.answers, self.look) else {
            return Ok(());
        };
        if doubt.accepts.is_none() {
            self.back_to(doubt.about);
            return Err(sentences::of_findings(&doubt.findings).join("\n"));
        }
        self.answers.doubt = Some(doubt);
        Ok(())
    }

    /// The question before; whether there was one.
    pub fn back(&mut self) -> bool {
        match self.past.pop() {
            Some(before) => {
                (self.answers, self.found) = (before.answers, before.found);
                true
            }
            None => false,
        }
    }

    /// The first of these questions that was asked, or else the question before.
    pub fn back_to(&mut self, steps: Steps) {
        let mut asked = steps
            .iter()
            .filter_map(|step| self.past.iter().position(|before| before.step == *step));
        if let Some(at) = asked.next() {
            self.past.truncate(at + 1);
        }
        self.back();
    }

    fn chosen(&mut self, step: Step, at: usize) -> Taken {
        let known = &mut self.answers;
        match step {
            Step::Server => match at {
                0 => known.server = self.found.clone().ok(),
                1 => {
                    known.wants_other = true;
                    self.servers = self.look.servers();
                }
                _ => self.is_ended = true,
            },
            Step::Servers => match self.servers.get(at).map(Chosen::of) {
                Some(chosen) => self.takes(chosen)?,
                None => known.types_root = true,
            },
            Step::Doubt => {
                let codes = known.doubt.take().and_then(|doubt| doubt.accepts);
                known.accepted.extend(codes.into_iter().flatten());
            }
            Step::Source => self.source(at),
            Step::Authority if at == 0 => known.directory = Some(None),
            Step::Authority => known.wants_other = true,
            Step::Name => {
                let offered = name::offered(self.look, known);
                match offered.get(at) {
                    Some(offer) => known.name = Some(offer.name.clone()),
                    None => known.wants_other = true,
                }
            }
            Step::Aliases => match at {
                0 => known.aliases = Some(Vec::new()),
                1 => known.aliases = Some(name::further(known)),
                _ => known.wants_other = true,
            },
            Step::Port => match known.ports().get(at) {
                Some(port) => known.port = Some(*port),
                None => known.wants_other = true,
            },
            Step::Agree if at == 0 => known.is_agreed = true,
            Step::Agree => self.is_ended = true,
            Step::Http => known.http = [Http::Off, Http::Keep, Http::Redirect].get(at).copied(),
            Step::Restart => known.restart = Some(at == 0),
            Step::Schedule => known.schedules = Some(at == 0),
            _ => {}
        }
        Ok(Vec::new())
    }

    fn source(&mut self, at: usize) {
        let known = &mut self.answers;
        known.source = SOURCES.get(at).map(|(source, _)| *source);
        let may_write = known
            .server
            .as_ref()
            .is_some_and(|server| server.closed.is_none());
        if known.source == Some(Source::Authority) && may_write {
            let renews = self.look.renews(known.chosen.as_ref());
            known.can_schedule = renews == Some(false);
            // The command that is shown has it scheduled on the next server as well.
            known.schedules = renews.filter(|renews| *renews);
        }
    }

    /// Another server is looked at.
    fn takes(&mut self, chosen: Chosen) -> Result<(), String> {
        self.found = Ok(self.look.server(Some(&chosen))?);
        let known = &mut self.answers;
        known.chosen = Some(chosen);
        (known.wants_other, known.types_root) = (false, false);
        Ok(())
    }

    fn typed(&mut self, step: Step, line: &str) -> Taken {
        let path = &*self.look.path(line);
        let is_optional = matches!(step, Step::Chain | Step::DirectoryRoot | Step::TypedAliases);
        if line.is_empty() && !is_optional {
            return Err(
                "An answer is needed here; Esc or the word back leads to the question before.".into(),
            );
        }
        let known = &mut self.answers;
        match step {
            Step::Root => self.takes(Chosen::root(path.as_std_path()))?,
            Step::Certificate => return self.certificate(path),
            Step::Key => return self.key(path),
            Step::Chain => {
                let certificate = known.certificate.clone().unwrap_or_default();
                let said = match line {
                    "" => Vec::new(),
                    _ => vec![self.look.chain(path, &certificate.path)?],
                };
                known.chain = Some((!line.is_empty()).then(|| path.to_owned()));
                return Ok(said);
            }
            Step::Archive => return self.archive(path),
            Step::Directory => {
                if !line.starts_with("https://") {
                    return Err("The address of an ACME directory begins with https://".into());
                }
                known.directory = Some(Some((line.to_owned(), None)));
            }
            Step::DirectoryRoot => {
                if let (Some(Some((_, root))), false) = (&mut known.directory, line.is_empty()) {
                    self.look.certificate(path)?;
                    *root = Some(path.to_owned());
                }
                known.wants_other = false;
            }
            Step::TypedName => {
                known.name = Some(name::judged(line)?);
                known.wants_other = false;
            }
            Step::TypedAliases => {
                known.aliases = Some(name::all_judged(line)?);
                known.wants_other = false;
            }
            Step::TypedPort => {
                let port = line.parse::<u16>().ok().filter(|port| *port > 0);
                known.port = Some(port.ok_or("A port is a number from 1 to 65535.")?);
                known.wants_other = false;
            }
            Step::Folder if self.look.is_folder(path) => known.folder = Some(path.to_owned()),
            Step::Folder => return Err(format!("{path} is not a folder; name one that is there.")),
            _ => {}
        }
        Ok(Vec::new())
    }

    fn certificate(&mut self, path: &Utf8Path) -> Taken {
        let found = self.look.certificate(path)?;
        if found.is_archive {
            self.answers.source = Some(Source::Archive);
            let mut said = vec![format!("{path} is a PFX archive, which holds the key as well.")];
            said.extend(self.archive(path)?);
            return Ok(said);
        }
        let said = found.lines.clone();
        self.answers.certificate = Some(found);
        Ok(said)
    }

    fn key(&mut self, path: &Utf8Path) -> Taken {
        let certificate = self.answers.certificate.clone().unwrap_or_default();
        let opened = self.look.key(path, &certificate.path, None)?;
        let (key, said) = match opened {
            Opened::Open(key) => (Some(key.clone()), vec![key.line]),
            Opened::Locked => (None, Vec::new()),
        };
        self.answers.key = Some((path.to_owned(), key));
        Ok(said)
    }

    fn archive(&mut self, path: &Utf8Path) -> Taken {
        match self.look.archive(path, None)? {
            Opened::Locked => {
                self.answers.locked = Some(path.to_owned());
                Ok(Vec::new())
            }
            Opened::Open(found) => {
                let said = found.lines.clone();
                self.answers.certificate = Some(found);
                Ok(said)
            }
        }
    }

    fn opened(&mut self, step: Step, phrase: &Zeroizing<String>) -> Taken {
        let wrong = || "That is not the pass-phrase; try again.".to_owned();
        let known = &mut self.answers;
        let said = match (step, &known.key, &known.locked) {
            (Step::KeyPhrase, Some((path, _)), _) => {
                let certificate = known.certificate.clone().unwrap_or_default();
                match self.look.key(path, &certificate.path, Some(phrase))? {
                    Opened::Locked => return Err(wrong()),
                    Opened::Open(key) => {
                        let said = vec![key.line.clone()];
                        known.key = Some((path.clone(), Some(key)));
                        said
                    }
                }
            }
            (_, _, Some(path)) => match self.look.archive(path, Some(phrase))? {
                Opened::Locked => return Err(wrong()),
                Opened::Open(found) => {
                    let said = found.lines.clone();
                    known.certificate = Some(found);
                    said
                }
            },
            _ => Vec::new(),
        };
        known.phrase = Some(phrase.clone());
        Ok(said)
    }

    /// The server that was found.
    pub fn found(&self) -> Option<&Survey> {
        self.found.as_ref().ok()
    }

    /// A question in words.
    pub fn question(&self, step: Step) -> Question {
        match step {
            Step::Servers => sentences::of_servers(&self.servers),
            _ => sentences::question(step, &self.answers, &self.found, self.look),
        }
    }
}

#[cfg(test)]
mod tests;
