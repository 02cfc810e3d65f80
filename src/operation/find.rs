//! Which installation, read how.

use std::collections::BTreeMap;
use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context;

use super::Failure;
use super::environment::Where;
use super::progress::Progress;
use crate::acl::Account;
use crate::apply::{Content, NameChange, Undone};
use crate::check::{Code, Finding};
use crate::httpd::{
    Configuration, Entry, EntryId, Facts, Platform, SERVER, Source, host_bytes, normalize, read_file,
};
use crate::note_code::NoteCode;
use crate::place;
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::server::binary::{Binary, Reader, Silence};
use crate::server::environment::Environment;
use crate::server::installation::{Installation, server_root};
use crate::server::retry_missing;
use crate::server::service;
use crate::server::trust::{self, Others, Reach};
use crate::shown::printable;
use crate::trail;

/// A configuration that was found and read.
pub struct Loaded {
    /// Where it is.
    pub installation: Installation,
    /// Main file as the configuration would name it.
    pub main: Vec<u8>,
    /// Where bytes come from, before any directive was read.
    pub source: Source,
    /// What is taken for granted about the server.
    pub facts: Facts,
    /// What Apache sees.
    pub configuration: Configuration,
    /// Who told the facts, for people.
    pub told_by: String,
    /// The server's binary; an error is that of one that is there and does not answer, or may not be run. To have it
    /// read the configuration see [`Loaded::reader`].
    pub binary: Asked,
    environment: OnceLock<Environment>,
    /// As the service manager tells it.
    service_account: OnceLock<Option<Account>>,
    /// The binary once it was judged whether it may read the configuration; and whether others may write that.
    reader: OnceLock<Result<Reader, Silence>>,
    is_accepted: bool,
    /// The command that was given takes `--force` for that.
    may_be_accepted: bool,
    /// What was said about it on the command line.
    pub place: Where,
    /// The server root as it was typed.
    typed_root: PathBuf,
}

impl Loaded {
    /// Finds and reads the configuration.
    pub fn find(place: &Where) -> Result<Loaded, Failure> {
        let installation = installation(place)?;
        trail::decided(|| {
            format!(
                "server root {}, main file {}: taken because of {}",
                installation.root.display(),
                installation.main.display(),
                installation.found_by
            )
        });
        let typed_root = typed_root(place, &installation.root);
        Loaded::read(place, installation, typed_root)
    }

    /// The account that the service of this configuration runs as, where there is one that is known.
    pub fn service_account(&self) -> Option<&Account> {
        let account = &self.service_account;
        account
            .get_or_init(|| service::account(Some(&self.installation.main)))
            .as_ref()
    }

    /// Reads the same configuration once more.
    pub fn again(&self) -> Result<Loaded, Failure> {
        let mut again = Loaded::read(&self.place, self.installation.clone(), self.typed_root.clone())?;
        again.is_accepted = self.is_accepted;
        again.may_be_accepted = self.may_be_accepted;
        Ok(again)
    }

    /// The binary, if there is one, to have it read this configuration. Whoever may write there names modules, which it
    /// loads with our rights.
    ///
    /// # Errors
    /// When it does not answer or may not be run, or when others than root and we may write what it would read.
    pub fn reader(&self) -> Result<Option<&Reader>, &Silence> {
        let Some(binary) = self.binary.as_ref()? else {
            return Ok(None);
        };
        let reader = self
            .reader
            .get_or_init(|| Reader::of(binary, &self.configuration, &self.belonging(), self.reach()));
        reader.as_ref().map(Some)
    }

    /// Why nobody may be told to have a server read this configuration. A service knows its own program, so it counts
    /// where we found none as well.
    pub fn obstacle(&self) -> Option<Box<Refusal>> {
        let silence = match self.reader() {
            Ok(Some(_)) => return None,
            Ok(None) => {
                let others = trust::of_configuration(&self.configuration, &self.belonging(), self.reach());
                return others.map(|others| Box::new(Silence::OthersWrite(others).refusal()));
            }
            Err(silence) => silence,
        };
        Some(Box::new(silence.refusal()))
    }

    /// What to do besides what a silence names: to accept it, where that is for who runs us to decide.
    pub fn acceptance(&self, silence: &Silence) -> String {
        match silence {
            Silence::OthersWrite(others) if self.may_be_accepted && !others.programs => {
                format!(", or continue anyway with --force {}", Code::OthersWrite)
            }
            _ => String::new(),
        }
    }

    /// What of the configuration counts.
    fn reach(&self) -> Reach {
        if self.is_accepted {
            Reach::Programs
        } else {
            Reach::All
        }
    }

    /// Files of the configuration besides those that it names.
    fn belonging(&self) -> [PathBuf; 2] {
        [self.installation.main.clone(), self.installation.envvars()]
    }

    /// What of the configuration others may write.
    pub fn written_by_others(&self) -> Option<Others> {
        // Whether the binary may read it hangs on the same, and was judged.
        match self.reader() {
            Err(Silence::OthersWrite(others)) if !self.is_accepted => return Some(others.clone()),
            Ok(Some(_)) if !self.is_accepted => return None,
            _ => {}
        }
        trust::of_configuration(&self.configuration, &self.belonging(), Reach::All)
    }

    /// Accepts that others may write the configuration, if that was forced. Modules and programs are another matter.
    /// `can_be`: it could be forced by whoever gave the command.
    pub fn accept(&mut self, forced: &[Code], can_be: bool) {
        self.is_accepted = forced.contains(&Code::OthersWrite);
        self.may_be_accepted = can_be;
        self.reader = OnceLock::new();
    }

    fn read(place: &Where, installation: Installation, typed_root: PathBuf) -> Result<Loaded, Failure> {
        let bytes = retry_missing::find(|| read_file(&installation.main)).map_err(|error| {
            let what = format!("the main file {} cannot be read", installation.main.display());
            Failure::of_system(what, &error, "check who may read it")
        })?;
        if bytes.len() >= u32::MAX as usize {
            let cause = say![Place::path(&installation.main), " is larger than 4 GiB"];
            return Err(Failure::refused(Refusal::new(
                RefusalCode::ConfigTooLarge,
                cause,
                "",
                "",
            )));
        }
        let platform = Platform::of(&bytes);
        let (facts, told_by, binary) = facts(place, &installation, platform)?;
        trail::decided(|| format!("Apache {}, {told_by}; flags: {}", facts.version, flags_of(&facts)));
        let source = Source::new(installation.root.clone(), platform);
        let main = normalize(&host_bytes(&installation.main), platform);
        let configuration = Configuration::from_bytes(&main, bytes, source.clone(), facts.clone());
        let mut installation = installation;
        if place.root.is_none() && installation.found_by == "--config" {
            // Only the configuration itself says which server root its main file belongs to.
            installation.root = configuration.source().host_path(configuration.server_root());
        }
        Ok(Loaded {
            environment: OnceLock::new(),
            service_account: OnceLock::new(),
            reader: OnceLock::new(),
            is_accepted: false,
            may_be_accepted: false,
            installation,
            main,
            source,
            facts,
            configuration,
            told_by,
            binary,
            place: place.clone(),
            typed_root,
        })
    }

    /// The same as it will be once what a killed run left is undone.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn once_undone(self, undone: &Undone) -> Result<Loaded, Failure> {
        if undone.names.is_empty() {
            return Ok(self);
        }
        self.with_contents(undone.names.iter().map(|(name, content)| (&**name, content)))
    }

    /// The same as it will be once these changes are made.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn with_changes(&self, changes: &[NameChange]) -> Result<Loaded, Failure> {
        let mut again = self.again()?;
        again.source = self.source.clone();
        again.with_contents(changes.iter().map(|change| (&*change.path, &change.after)))
    }

    fn with_contents<'a>(
        mut self,
        names: impl Iterator<Item = (&'a Path, &'a Content)> + Clone,
    ) -> Result<Loaded, Failure> {
        let mut files = BTreeMap::new();
        let mut gone = Vec::new();
        for (name, content) in names.clone() {
            match content {
                Content::File(bytes) => _ = files.insert(name.to_path_buf(), bytes.to_vec()),
                Content::Absent => gone.push(name),
                Content::Link(_) | Content::Tls(_) => {}
            }
        }
        let mut source = self.source.with_overlay(files).without(gone);
        for (name, content) in names {
            if let Content::Link(target) = content {
                let with = source.with_link(name, target);
                source = with
                    .with_context(|| format!("the file that {} leads to cannot be read", name.display()))?;
            }
        }
        let read = Configuration::read(&self.main, source.clone(), self.facts.clone());
        self.configuration =
            read.with_context(|| format!("{} cannot be read", self.installation.main.display()))?;
        self.source = source;
        Ok(self)
    }

    /// What programs that we start find in their environment. Gathered when it is asked for: it takes a look at every
    /// directive.
    pub fn environment(&self) -> &Environment {
        self.environment
            .get_or_init(|| Environment::of(&self.configuration))
    }

    /// Says what was taken for the server; first, that a run left it half changed.
    pub fn introduce(&self, progress: &dyn Progress) {
        self.record(progress);
        let (root, main) = (
            self.show(&self.installation.root),
            self.show(&self.installation.main),
        );
        let found_by = &self.installation.found_by;
        progress.note(NoteCode::ServerRoot, &format!("Server root: {root} ({found_by})"));
        progress.note(NoteCode::MainFile, &format!("Main file:   {main}"));
        if let Some(root) = self.configuration.source().relocated() {
            let words = format!(
                "The configuration names the server root {}, which does not exist here; files below it are read from {}",
                printable(root),
                self.show(&self.installation.root)
            );
            progress.note(NoteCode::Relocated, &words);
        }
    }

    /// Says which programs were found and not run, as others might have put them there.
    pub fn tell_passed_over(&self, progress: &dyn Progress) {
        let found = self.installation.passed_over.iter().cloned();
        let own = match &self.binary {
            Err(silence @ Silence::Distrusted(_)) => Some(silence.to_string()),
            _ => None,
        };
        for why in found.chain(own) {
            progress.note(
                NoteCode::ProgramPassedOver,
                &format!("note: {}", printable(why.as_bytes())),
            );
        }
    }

    /// A path as people know it: below the server root as they typed it.
    pub fn show(&self, path: &Path) -> String {
        let path = match path.strip_prefix(&self.installation.root) {
            Ok(rest) if rest.as_os_str().is_empty() => self.typed_root.clone(),
            Ok(rest) => self.typed_root.join(rest),
            Err(_) => path.to_path_buf(),
        };
        // One style of separators, whatever the parts were joined with.
        let text = printable(path.display().to_string().as_bytes());
        if cfg!(windows) {
            text.replace('/', MAIN_SEPARATOR_STR)
        } else {
            text
        }
    }

    /// The same as where something is.
    pub fn place(&self, path: &Path) -> Place {
        Place::file(path, self.show(path).as_bytes())
    }

    /// Where an entry stands, with all lines of it.
    pub fn place_of(&self, entry: &Entry) -> crate::place::Place {
        self.place_in(&self.configuration, entry)
    }

    /// A finding at that entry.
    pub fn at_entry(&self, entry: EntryId, finding: Finding) -> Finding {
        let entry = self.configuration.entry(entry);
        finding.placed(|_| Some(self.place_of(entry)))
    }

    /// The same of a line of this configuration as it is to be.
    pub fn place_in(&self, configuration: &Configuration, entry: &Entry) -> crate::place::Place {
        let file = configuration.file(entry.file);
        let line = entry.line as usize;
        let [first, last] = [file.document.number(line), file.document.last_number(line)];
        crate::place::Place::lines(self.show(&file.host), first as usize, last as usize)
    }

    /// Where the configuration names its server root.
    pub(super) fn server_root_line(&self) -> Option<Place> {
        let entry = self.configuration.setting(SERVER, "ServerRoot")?;
        Some(Place::of(&self.configuration, entry))
    }

    /// A file on this machine as the configuration names it: relative to the server root where it lies below it,
    /// else absolute; with forward slashes.
    pub fn spell(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let absolute = place::absolute(path).map_err(|error| unusable(path, &error))?;
        let root = self.source_root();
        let relative = absolute.strip_prefix(&root).ok();
        if let (None, Some(named)) = (relative, self.configuration.source().relocated()) {
            return Err(Failure::refused(
                Refusal::new(
                    RefusalCode::PathMeansNothing,
                    say![
                        Place::path(path),
                        format!(
                            " is outside the server root, and the configuration is for another machine ({}), where \
                             that path does not exist",
                            printable(named)
                        )
                    ],
                    "; ",
                    format!(
                        "run again with --copy-certs, which copies the files into {}, or put them below {} yourself",
                        self.show(&self.tls_folder()),
                        self.show(&self.installation.root)
                    ),
                )
                .about(self.server_root_line()),
            ));
        }
        let bytes = host_bytes(relative.unwrap_or(&absolute));
        Ok(if self.facts.platform == Platform::Windows {
            bytes.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect()
        } else {
            bytes
        })
    }

    /// The folder for certificates and keys: `conf/ssl`, or `ssl` where there is no `conf`.
    pub fn tls_folder(&self) -> PathBuf {
        settings_folder(&self.source_root()).join("ssl")
    }

    /// The server root in force, as a folder of this machine.
    pub fn source_root(&self) -> PathBuf {
        self.configuration
            .source()
            .host_path(self.configuration.server_root())
    }
}

/// Where a server root has its settings: `conf`, or itself where there is none.
pub(super) fn settings_folder(root: &Path) -> PathBuf {
    let conf = root.join("conf");
    match conf.is_dir() {
        true => conf,
        false => root.to_path_buf(),
    }
}

/// The server root as far as it is known without a look at the configuration, which may be what fails.
pub(super) fn root_alone(place: &Where) -> Option<PathBuf> {
    let typed = || place.root.as_deref().or(place.usual_root.as_deref());
    let found = installation(place).map(|installation| installation.root);
    found.ok().or_else(|| place::absolute(typed()?).ok())
}

/// A path that is none.
pub(super) fn unusable(path: &Path, error: &std::io::Error) -> Failure {
    let what = format!("the path {} cannot be used", path.display());
    Failure::of_system(what, error, "check it")
}

fn flags_of(facts: &Facts) -> String {
    let flags: Vec<String> = facts.flags.iter().map(|flag| printable(flag)).collect();
    if flags.is_empty() {
        "none".to_owned()
    } else {
        flags.join(" ")
    }
}

/// The server root, found without reading any configuration.
pub fn root(place: &Where) -> Result<PathBuf, Failure> {
    if let Some(root) = place.root.as_ref().filter(|root| root.is_dir()) {
        let root = place::absolute(root).map_err(|error| Failure::error(anyhow::Error::from(error)))?;
        return Ok(server_root(&root).map_or(root, |(root, _)| root));
    }
    Ok(installation(place)?.root)
}

/// A server root as it was typed, as far as it is the one that was typed.
fn typed_root(place: &Where, root: &Path) -> PathBuf {
    let typed = match (&place.root, &place.config, &place.usual_root) {
        (Some(typed), _, _) | (None, None, Some(typed)) => typed,
        _ => return root.to_path_buf(),
    };
    let mut names = typed.ancestors().filter(|name| !name.as_os_str().is_empty());
    let same = names.find(|name| place::absolute(name).is_ok_and(|name| name == root));
    same.unwrap_or(root).to_path_buf()
}

/// Which installation is meant.
pub(super) fn installation(place: &Where) -> Result<Installation, Failure> {
    Installation::find(
        place.root.as_deref(),
        place.config.as_deref(),
        place.usual_root.as_deref(),
        place.httpd.as_deref(),
    )
    .map_err(Failure::error)
}

/// The binary that answered, if there is one, or the silence of one that is there.
type Asked = Result<Option<Binary>, Silence>;

/// Version, built-in modules and flags: from the binary, or assumed.
fn facts(
    place: &Where,
    installation: &Installation,
    platform: Platform,
) -> Result<(Facts, String, Asked), Failure> {
    let flags: Vec<Vec<u8>> = installation
        .flags()
        .iter()
        .chain(&place.define)
        .map(|flag| flag.as_bytes().to_vec())
        .collect();
    let binary = match &place.httpd {
        // A binary named by hand must answer; one that was found may be for another system, or not be run at all.
        Some(path) => Ok(Some(Binary::at(path).map_err(Failure::error)?)),
        None => installation.binary(),
    };
    let (binary, distrusted) = match binary {
        Ok(binary) => (binary, None),
        Err(silence) => (None, Some(silence)),
    };
    let mut silent = distrusted.map_or(Ok(None), Err);
    let asked = match binary {
        Some(binary) => match binary.describe() {
            Ok(description) => Some((description, binary)),
            Err(silence) if place.httpd.is_some() => return Err(Failure::error(silence)),
            Err(silence) => {
                silent = Err(silence);
                None
            }
        },
        None => None,
    };
    let (mut facts, told_by, binary) = match asked {
        Some((description, binary)) => (
            description.facts(platform, flags, installation.environment()),
            format!("from {}", binary.path().display()),
            Ok(Some(binary)),
        ),
        None => {
            let assumed = Facts::assumed(platform);
            let environment = installation.environment();
            (
                Facts {
                    flags,
                    environment,
                    ..assumed
                },
                match &silent {
                    Err(silence @ Silence::Distrusted(_)) => format!("assumed: {silence}"),
                    _ => "assumed: there is no httpd binary to ask".to_string(),
                },
                silent,
            )
        }
    };
    if let Some(version) = place.apache_version {
        facts.version = version;
    }
    Ok((facts, told_by, binary))
}
