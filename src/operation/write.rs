//! From changes that were agreed to, to files that Apache accepts, or back: lock, test, write, test, keep.
//!
//! What writing commands share. Which changes, they know; how they reach the disk, [`crate::apply`] knows.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::environment::World;
use super::environment::Writing;
use super::expectation::Site;
use super::failure::{Failure, ended, not_interrupted};
use super::find::Loaded;
use super::progress::Progress;
use super::restart_and_prove::{Before, Effect};
use crate::acl::Account;
use crate::apply::{ApplyError, CANDIDATE, Change, Content, Disk, Lock, Record, Store, Transaction};
use crate::check::Code;
use crate::exit_status::ExitStatus;
use crate::server::binary::{Output, Reader};
use crate::server::environment::Environment;
use crate::shown::printable;

/// What is to be written, and why.
#[derive(Default)]
pub struct Work {
    /// The names that change.
    pub changes: Vec<Change>,
    /// Certificates and keys that were read.
    pub tls_reads: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
    /// One sentence for each change.
    pub reasons: Vec<String>,
    /// All changes, for people.
    pub diff: String,
    /// What clients must meet when the server shows the changes.
    pub site: Option<Site>,
    /// Findings in spite of which the server is restarted.
    pub forced: Vec<Code>,
    /// A killed run that was undone had told the server, so that its state says nothing.
    pub server_told: bool,
}

/// What was done.
pub struct Done {
    /// Files and links that came.
    pub created: Vec<PathBuf>,
    /// Files that changed, and names that went.
    pub replaced: Vec<PathBuf>,
    /// The folder with the copies.
    pub backup: PathBuf,
    /// What became of the server.
    pub effect: Effect,
}

/// Says of changes that are previewed who else may write where they go.
///
/// # Errors
/// Refused, where a private key would go there.
pub fn say_shared<'a>(
    changes: impl IntoIterator<Item = &'a Change>,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let mut said = Vec::new();
    for change in changes {
        if let Some(others) = change.shared()?
            && !said.contains(&others)
        {
            let note = format!("note: {others}, so what is written there can be changed by others than root");
            progress.talk(&printable(note.as_bytes()));
            said.push(others);
        }
    }
    Ok(())
}

/// Asks Apache about configurations.
pub struct Judge<'a> {
    reader: &'a Reader,
    root: &'a Path,
    main: &'a Path,
    flags: &'a [Vec<u8>],
    environment: &'a Environment,
}

impl<'a> Judge<'a> {
    /// The judge of a configuration, if there is one; without one, says so.
    ///
    /// # Errors
    /// Refused when there should be one and it does not answer.
    pub fn of(
        loaded: &'a Loaded,
        writing: &Writing,
        progress: &dyn Progress,
    ) -> Result<Option<Judge<'a>>, Failure> {
        if writing.no_test {
            progress.talk("warning: Apache is NOT asked whether it accepts the result (--no-test)");
            return Ok(None);
        }
        match loaded.reader() {
            Ok(Some(reader)) => Ok(Some(Judge {
                reader,
                root: &loaded.installation.root,
                main: &loaded.installation.main,
                flags: &loaded.facts.flags,
                environment: loaded.environment(),
            })),
            Ok(None) => {
                progress.talk(
                    "note: there is no httpd binary below the server root, so Apache cannot be asked whether it accepts \
                     the result; name one with --httpd",
                );
                Ok(None)
            }
            Err(silence) => Err(Failure::refused(format!(
                "{silence}{}; so Apache cannot be asked whether it accepts the result. Or go on without asking, with \
                 --no-test",
                Loaded::acceptance(silence)
            ))),
        }
    }

    /// The server's words when it rejects the configuration of a main file.
    fn rejects(&self, main: &Path) -> Result<Option<String>, Failure> {
        let output = self
            .reader
            .test(self.root, main, self.flags, self.environment)
            .map_err(|silence| Failure::refused(silence.to_string()))?;
        Ok((!output.status.success()).then(|| self.words(&output, main)))
    }

    /// Asks about the files as they are now.
    pub fn rejects_now(&self) -> Result<Option<String>, Failure> {
        self.rejects(self.main)
    }

    fn words(&self, output: &Output, main: &Path) -> String {
        let bytes = [&output.stdout[..], &output.stderr[..]].concat();
        let text = printable(&bytes);
        let text = text.replace(&*main.display().to_string(), &self.main.display().to_string());
        let lines = text.trim().lines().map(|line| format!("  httpd: {line}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Asks about new bytes of the main file before they go live, as a candidate where no `Include` looks.
    fn rejects_candidate(
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

/// Writes, and keeps what Apache accepts, and, where it is to be restarted, serves.
pub fn commit(
    loaded: &Loaded,
    store: &Store,
    lock: &Lock,
    work: Work,
    writing: &Writing,
    world: &World,
    progress: &dyn Progress,
) -> Result<Done, Failure> {
    let judge = Judge::of(loaded, writing, progress)?;
    let lines = Lines::of(&work);
    let mut seen: HashSet<&Path> = work.tls_reads.iter().map(|(path, _)| path.as_path()).collect();
    let files = loaded.configuration.files().iter();
    let files = files.filter(|file| seen.insert(&file.host));
    let reads = files.map(|file| (&*file.host, file.document.bytes())).collect();
    let transaction = Transaction {
        changes: work.changes,
        reads,
        tls_reads: work.tls_reads,
        readers: Account::readers(loaded.service_account()),
        record: Record {
            command: world.command.clone(),
            reasons: work.reasons,
            diff: work.diff,
        },
    };
    let before = Before {
        old: Some(loaded),
        place: &loaded.place,
        writing,
        world,
        progress,
        server_told: work.server_told,
    };
    let write = || {
        let before = before.look()?;
        if let (Some(judge), [change]) = (&judge, &transaction.changes[..])
            && let (Content::File(_), Content::File(after)) = (&change.before, &change.after)
            && change.path == loaded.installation.main
            && let Some(words) = judge.rejects_candidate(world.disk, lock, after)?
        {
            return Err(rejected(judge, ExitStatus::Refused, &words, &lines, progress)?);
        }
        not_interrupted()?;
        let pending = transaction.write(store, lock, (world.now)())?;
        if let Some(judge) = &judge {
            match judge.rejects_now() {
                Ok(None) => {}
                Ok(Some(words)) => {
                    pending.undo()?;
                    return Err(rejected(judge, ExitStatus::TestFailed, &words, &lines, progress)?);
                }
                Err(failure) => {
                    pending.undo()?;
                    return Err(Failure {
                        status: ExitStatus::TestFailed,
                        ..failure
                    });
                }
            }
        }
        before.keep(pending, work.site.as_ref(), &work.forced)
    };
    let (written, effect) = ended(write())?;
    Ok(Done {
        created: written.created,
        replaced: written.replaced,
        backup: written.backup,
        effect,
    })
}

/// Apache's own words, what stands at the place that it names, and whose fault it is.
fn rejected(
    judge: &Judge,
    status: ExitStatus,
    words: &str,
    lines: &Lines,
    progress: &dyn Progress,
) -> Result<Failure, Failure> {
    progress.talk(words);
    for told in lines.named_in(words) {
        progress.talk(&told);
    }
    let before = judge.rejects_now()?;
    let place = match status {
        ExitStatus::Refused => "nothing was written",
        _ => "every file is as it was",
    };
    let message = match before {
        Some(_) => format!(
            "Apache does not accept the configuration, and did not before; {place}. Correct what it names, or go on \
             without asking it, with --no-test"
        ),
        None => format!(
            "Apache does not accept the result (httpd -t, above); {place}. It accepts the configuration as it is. If \
             the reason is not clear, please report it with the configuration"
        ),
    };
    Ok(Failure {
        status,
        ..Failure::error(anyhow::anyhow!("{message}"))
    })
}

/// The changed files by line, to show what Apache complains about.
struct Lines(Vec<(String, Vec<String>)>);

impl Lines {
    fn of(work: &Work) -> Lines {
        let files = work.changes.iter().filter_map(|change| match &change.after {
            Content::File(bytes) => {
                let lines = bytes.split(|&byte| byte == b'\n').map(printable).collect();
                Some((change.path.display().to_string().replace('\\', "/"), lines))
            }
            _ => None,
        });
        Lines(files.collect())
    }

    /// For each `line N of FILE` of a changed file, that line.
    fn named_in(&self, words: &str) -> Vec<String> {
        let mut told = Vec::new();
        for part in words.split("on line ").skip(1) {
            let Some((number, rest)) = part.split_once(" of ") else {
                continue;
            };
            let rest = rest.replace('\\', "/");
            let file = self.0.iter().find(|(path, _)| rest.starts_with(path.as_str()));
            let line = number
                .parse::<usize>()
                .ok()
                .and_then(|number| file?.1.get(number.checked_sub(1)?));
            if let (Some((path, _)), Some(line)) = (file, line) {
                told.push(format!("  {path}:{number}: {line}"));
            }
        }
        told
    }
}
