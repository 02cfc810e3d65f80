//! What Apache says of configurations: whether it accepts them, and where it does not.

use std::path::Path;

use super::candidate::Candidate;
use super::diff;
use super::environment::Writing;
use super::failure::Failure;
use super::find::Loaded;
use super::lint;
use super::progress::{Progress, during};
use super::running;
use crate::apply::{ApplyError, CANDIDATE, Content, Disk, Lock, NameChange};
use crate::check::log::{self, named};
use crate::check::rehearsal::culprit;
use crate::check::{Code, Finding, Severity};
use crate::exit_status::ExitStatus;
use crate::httpd::{Platform, SERVER};
use crate::note_code::NoteCode;
use crate::place::ShownPath;
use crate::refusal::{Place, Refusal, RefusalCode};
use crate::server::binary::{Output, Reader};
use crate::shown::printable;

/// Asks Apache about configurations.
pub struct Judge<'a> {
    reader: &'a Reader,
    loaded: &'a Loaded,
    progress: &'a dyn Progress,
}

impl<'a> Judge<'a> {
    /// The judge of a configuration, if there is one; without one, says so.
    ///
    /// # Errors
    /// Refused when there should be one and it does not answer.
    pub fn of(
        loaded: &'a Loaded,
        writing: &Writing,
        progress: &'a dyn Progress,
    ) -> Result<Option<Judge<'a>>, Failure> {
        if writing.no_test {
            progress.note(
                NoteCode::NotTested,
                "warning: the result is NOT tested with httpd -t (--no-test)",
            );
            return Ok(None);
        }
        match loaded.reader() {
            Ok(Some(reader)) => Ok(Some(Judge {
                reader,
                loaded,
                progress,
            })),
            Ok(None) => {
                progress.note(
                    NoteCode::NotTested,
                    "note: there is no httpd binary below the server root, so the result cannot be tested with \
                     httpd -t; name one with --httpd",
                );
                Ok(None)
            }
            Err(silence) => {
                let more = format!(
                    "{}; so the result cannot be tested with httpd -t. Or continue without that test, with \
                     --no-test",
                    loaded.acceptance(silence)
                );
                Err(Failure::refused(silence.refusal().and(more)))
            }
        }
    }

    /// The server's words when it rejects the configuration of a main file.
    fn rejects(&self, main: &Path) -> Result<Option<String>, Failure> {
        let test = || {
            self.reader.test(
                &self.loaded.installation.root,
                main,
                &self.loaded.facts.flags,
                self.loaded.environment(),
            )
        };
        let output = during(self.progress, "Testing with httpd -t", test)
            .map_err(|silence| Failure::refused(silence.refusal()))?;
        Ok((!output.status.success()).then(|| self.words(&output, main)))
    }

    /// Asks about the files as they are now.
    pub fn rejects_now(&self) -> Result<Option<String>, Failure> {
        self.rejects(&self.loaded.installation.main)
    }

    fn words(&self, output: &Output, main: &Path) -> String {
        let bytes = [&output.stdout[..], &output.stderr[..]].concat();
        let text = printable(&bytes);
        let text = text.replace(
            &*main.display().to_string(),
            &self.loaded.installation.main.display().to_string(),
        );
        let lines = text.trim().lines().map(|line| format!("  httpd: {line}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Why it does not accept changes, told with its own words and with what stands at the place that they name. Asked
    /// once the files are as they were: whose fault it is.
    pub fn rejected(
        &self,
        changes: &[NameChange],
        words: &str,
        status: ExitStatus,
    ) -> Result<Failure, Failure> {
        let progress = self.progress;
        let left = match status {
            ExitStatus::Refused => "nothing was written",
            _ => "every file is as it was",
        };
        let mut findings = Vec::new();
        let refusal = if let Some(words) = self.rejects_now()? {
            // Of the files as they are: lines of the result are not there.
            progress.note(NoteCode::HttpdSays, &words);
            findings = lint::findings(self.loaded, crate::lint::errors(&self.loaded.configuration));
            let cause = "Apache does not accept the configuration, and did not accept it before either";
            let fix = "Correct what it names, or continue without that test, with --no-test";
            Refusal::new(RefusalCode::HttpdRejects, format!("{cause}; {left}"), ". ", fix)
                .about(place_in(&words))
        } else {
            progress.note(NoteCode::HttpdSays, words);
            let named = Changed::named_in(words, changes);
            for changed in &named {
                progress.note(NoteCode::HttpdSays, &changed.line());
            }
            let cause = format!(
                "Apache does not accept the result (httpd -t); {left}. It accepts the configuration as it is now"
            );
            let fix = "If the reason is not clear, please report it together with the configuration";
            Refusal::new(RefusalCode::HttpdRejects, cause, ". ", fix)
                .about(named.first().map(Changed::before).or_else(|| place_in(words)))
        };
        Ok(Failure {
            status,
            findings,
            ..Failure::refused(refusal)
        })
    }

    /// Asks about changes before anything is written.
    pub fn rejects_copy(&self, candidate: &Candidate) -> Result<Option<String>, Failure> {
        let words = self.rejects(&candidate.main)?;
        Ok(words.map(|words| candidate.of_real_files(&words)))
    }

    /// Asks about new bytes of the main file before they go live, as a candidate where no `Include` looks.
    pub fn rejects_candidate(
        &self,
        disk: &dyn Disk,
        lock: &Lock,
        bytes: &[u8],
    ) -> Result<Option<String>, Failure> {
        let candidate = lock.place(CANDIDATE);
        let _ = disk.remove(&candidate);
        let written = disk.create(&candidate, bytes, None);
        let result = match written {
            Ok(_) => self.rejects(&candidate.path()),
            Err(error) => Err(Failure::from(ApplyError::Failed {
                act: "write",
                path: candidate.path(),
                error,
            })),
        };
        let _ = disk.remove(&candidate);
        result
    }
}

/// What `httpd -t` says against the whole configuration, where there is a server to say it. `is_its_own`: the binary
/// was named for this configuration, wherever its server root is.
pub fn syntax(loaded: &Loaded, is_its_own: bool, progress: &dyn Progress) -> Option<Finding> {
    let Ok(Some(reader)) = loaded.reader() else {
        return None;
    };
    let relocated = loaded.configuration.source().relocated().is_some();
    if (relocated && !is_its_own) || loaded.facts.platform != Platform::HOST {
        return None;
    }
    let server = running::server(loaded);
    let test = || reader.test(&server.root, &server.main, &server.flags, &server.environment);
    match during(progress, "Testing with httpd -t", test) {
        Err(silence) => {
            progress.note(
                NoteCode::NotTested,
                &format!("note: httpd -t was not run: {silence}"),
            );
            None
        }
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            let shown = printable(said.trim().as_bytes());
            let refused = |summary: &str, cause, fix: &str| {
                Finding::new(Code::ConfigProblem, Severity::StopsStart, summary, cause, fix)
            };
            Some(match log::why(&said).0 {
                Some(why) => Finding {
                    place: why.place.or_else(|| {
                        let entry = culprit(&loaded.configuration, SERVER, why.code, &said);
                        entry.map(|entry| loaded.place_of(entry))
                    }),
                    apache_codes: why.apache_codes,
                    ..refused(
                        &format!("Apache refuses this configuration: {}", why.summary),
                        format!("{}\n{shown}", why.cause),
                        &why.fix,
                    )
                },
                None => {
                    let summary = "Apache refuses this configuration";
                    match named(&said).place {
                        Some((file, line)) => {
                            let file = ShownPath::of_others(&file);
                            let fix = format!("Correct line {line} of {file}.");
                            let place = crate::check::Place::new(file, Some(line));
                            refused(summary, shown, &fix).placed(|_| Some(place))
                        }
                        None => refused(summary, shown, "Correct what it names."),
                    }
                }
            })
        }
    }
}

/// The place that Apache's words name.
pub fn place_in(words: &str) -> Option<Place> {
    let (file, line) = named(words).place?;
    Some(Place::path(file).line(line.try_into().ok()))
}

/// A line of a file that changes, as Apache counted it.
struct Changed<'a> {
    change: &'a NameChange,
    after: &'a [u8],
    number: usize,
}

impl<'a> Changed<'a> {
    /// For each `line N of FILE` of a changed file, that line.
    fn named_in(words: &str, changes: &'a [NameChange]) -> Vec<Changed<'a>> {
        let places = words.split("on line ").skip(1);
        let places = places.filter_map(|part| part.split_once(" of "));
        let found = places.filter_map(|(number, rest)| {
            let number = number.parse().ok().filter(|number| *number > 0)?;
            let rest = with_slashes(rest);
            changes.iter().find_map(|change| match &change.after {
                Content::File(after) if rest.starts_with(&shown(change)) => Some(Changed {
                    change,
                    after,
                    number,
                }),
                _ => None,
            })
        });
        found.filter(|changed| changed.text().is_some()).collect()
    }

    /// What would stand there.
    fn text(&self) -> Option<&'a [u8]> {
        self.after.split(|&byte| byte == b'\n').nth(self.number - 1)
    }

    /// The same for people.
    fn line(&self) -> String {
        let text = printable(self.text().unwrap_or_default());
        format!("  {}:{}: {text}", shown(self.change), self.number)
    }

    /// Where that line stands now; the whole file where it would be new.
    fn before(&self) -> Place {
        let line = match &self.change.before {
            Content::File(before) => diff::line_before(before, self.after, self.number),
            _ => None,
        };
        Place::path(&self.change.path).line(line.and_then(|line| line.try_into().ok()))
    }
}

/// A changed file as Apache spells it.
fn shown(change: &NameChange) -> String {
    with_slashes(&change.path.display().to_string())
}

fn with_slashes(text: &str) -> String {
    text.replace('\\', "/")
}
