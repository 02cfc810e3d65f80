//! Why a request is not carried out, as data: a stable code, the cause and what helps, with the places that they name.
//! Whoever knows the reason makes it; how it is shown is decided at the edge. Refuses nothing itself.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::codes::codes;
use crate::httpd::{Configuration, Entry, FileId, VirtualHost};

codes! {
    /// The stable name of a reason to refuse. No finding has the same word.
    pub enum RefusalCode {
        /// Apache does not start with the configuration as it is.
        ConfigBroken = "CONFIG-BROKEN",
        /// The configuration cannot be read to its end.
        ConfigEndless = "CONFIG-ENDLESS",
        /// Whether a module is loaded cannot be told without the server.
        ModuleUndecided = "MODULE-UNDECIDED",
        /// Whether a `Listen` is active cannot be told without the server.
        ListenUndecided = "LISTEN-UNDECIDED",
        /// A `Listen` says no address and port.
        ListenUnreadable = "LISTEN-UNREADABLE",
        /// Whether a virtual host is for the port cannot be told.
        HostUndecided = "HOST-UNDECIDED",
        /// Whether a TLS directive is active cannot be told without the server.
        DirectiveUndecided = "DIRECTIVE-UNDECIDED",
        /// The line to edit comes out of a macro.
        FromMacro = "FROM-MACRO",
        /// The line to edit holds for another part of the configuration too.
        SharedLine = "SHARED-LINE",
        /// A virtual host is not closed in its own file.
        HostUnclosed = "HOST-UNCLOSED",
        /// A section around virtual hosts is never closed.
        SectionUnclosed = "SECTION-UNCLOSED",
        /// A new virtual host would have to stand inside another section.
        InsideSection = "INSIDE-SECTION",
        /// The file of the virtual host is read several times.
        IncludedTwice = "INCLUDED-TWICE",
        /// Several virtual hosts are as likely to be the site.
        SiteAmbiguous = "SITE-AMBIGUOUS",
        /// No virtual host stands at the place that was given.
        SiteNotThere = "SITE-NOT-THERE",
        /// The path that was given fits several files.
        SitePathAmbiguous = "SITE-PATH-AMBIGUOUS",
        /// A further name is that of another site over HTTP.
        NameOfOtherSite = "NAME-OF-OTHER-SITE",
        /// A further name is that of another TLS virtual host.
        NameOfOtherHost = "NAME-OF-OTHER-HOST",
        /// A wildcard of an earlier virtual host takes the name.
        NameTakenByWildcard = "NAME-TAKEN-BY-WILDCARD",
        /// The name of another virtual host would be answered by that of the domain.
        NameTakenOver = "NAME-TAKEN-OVER",
        /// Virtual hosts would have no listener without HTTP.
        HttpHostsLeftBare = "HTTP-HOSTS-LEFT-BARE",
        /// A listener covers only part of where HTTP is listened for.
        ListenPartial = "LISTEN-PARTIAL",
        /// The addresses of the site may be none of this machine.
        ListenNotBound = "LISTEN-NOT-BOUND",
        /// Nothing listens for IPv6.
        Ipv6NotListened = "IPV6-NOT-LISTENED",
        /// A virtual host speaks plain HTTP on the port.
        PortSpeaksHttp = "PORT-SPEAKS-HTTP",
        /// A virtual host would speak TLS where it is to speak HTTP.
        TlsAtAllAddresses = "TLS-AT-ALL-ADDRESSES",
        /// A virtual host has a certificate and leaves open whether it speaks TLS.
        EngineNotSaid = "ENGINE-NOT-SAID",
        /// There is no HTTP that could be redirected.
        NoHttpToRedirect = "NO-HTTP-TO-REDIRECT",
        /// A virtual host switches off the rewriting that a redirect needs.
        RewriteSwitchedOff = "REWRITE-SWITCHED-OFF",
        /// A virtual host for every port would lose its names to a new one.
        HostForEveryPort = "HOST-FOR-EVERY-PORT",
        /// Another virtual host would answer when no name fits.
        DefaultWouldChange = "DEFAULT-WOULD-CHANGE",
        /// The main server itself speaks TLS.
        MainServerSpeaksTls = "MAIN-SERVER-SPEAKS-TLS",
        /// Clients that ask by an address would get another certificate.
        AddressCertificateHidden = "ADDRESS-CERTIFICATE-HIDDEN",
        /// A redirect of the main server would lead in a circle.
        RedirectLoop = "REDIRECT-LOOP",
        /// There are several lines where one could be replaced.
        SeveralLines = "SEVERAL-LINES",
        /// What must not hold twice comes from another file.
        DefinedElsewhere = "DEFINED-ELSEWHERE",
        /// A module is loaded only without mod_ssl.
        LostModule = "LOST-MODULE",
        /// A listener is there only without mod_ssl.
        LostListener = "LOST-LISTENER",
        /// A virtual host is there only without mod_ssl.
        LostHost = "LOST-HOST",
        /// Apache refuses what becomes active.
        WokenError = "WOKEN-ERROR",
        /// A virtual host of others becomes active.
        WokenHost = "WOKEN-HOST",
        /// A virtual host speaks TLS from now on, and has no certificate or key.
        WokenBareHost = "WOKEN-BARE-HOST",
        /// Another virtual host for the domain becomes active.
        WokenSecond = "WOKEN-SECOND",
        /// The file of a module is not there.
        ModuleFileMissing = "MODULE-FILE-MISSING",
        /// A path cannot be written in a configuration.
        PathUnwritable = "PATH-UNWRITABLE",
        /// The profile needs a later Apache.
        ProfileTooNew = "PROFILE-TOO-NEW",
        /// The domain is a further name of a virtual host for another.
        DisableFurtherName = "DISABLE-FURTHER-NAME",
        /// The virtual host was changed for another domain.
        DisableChangedForOther = "DISABLE-CHANGED-FOR-OTHER",
        /// The virtual host was not written by this program.
        DisableNotOurs = "DISABLE-NOT-OURS",
        /// The virtual host cannot be cut out of its file.
        DisableNotCut = "DISABLE-NOT-CUT",
        /// Apache would not start without HTTPS.
        DisableBreaks = "DISABLE-BREAKS",
        /// A port of others would speak plain HTTP.
        DisableLeavesHttp = "DISABLE-LEAVES-HTTP",
    }
}

/// A request that is not carried out.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// Its reason, for programs.
    pub code: RefusalCode,
    /// Its reason, for people.
    pub cause: Text,
    /// What helps; empty where nothing is known to.
    pub fix: Text,
    /// What stands between them when both are one text.
    joint: &'static str,
}

impl Refusal {
    /// `joint` stands between cause and fix when both are one text.
    pub(crate) fn new(code: RefusalCode, cause: Text, joint: &'static str, fix: Text) -> Self {
        Refusal {
            code,
            cause,
            fix,
            joint,
        }
    }

    /// The places that it names, each once, in their order.
    pub fn places(&self) -> Vec<&Place> {
        let mut named = HashSet::new();
        let all = self.cause.places().chain(self.fix.places());
        all.filter(|place| named.insert(*place)).collect()
    }

    pub(super) fn places_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let parts = self.cause.0.iter_mut().chain(&mut self.fix.0);
        parts.filter_map(|part| match part {
            Part::At(place) => Some(place),
            Part::Words(_) => None,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.cause, self.joint, self.fix)
    }
}

impl std::error::Error for Refusal {}

/// Words for people, and places among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Words(String),
    At(Place),
}

impl Text {
    /// The places in it, in their order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::At(place) => Some(place),
            Part::Words(_) => None,
        })
    }

    /// The same with more behind it.
    pub(crate) fn and(mut self, more: impl Into<Text>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    /// Some texts with words between them.
    pub(crate) fn joined(texts: impl IntoIterator<Item = Text>, between: &str) -> Self {
        let mut all = Text::default();
        for (at, text) in texts.into_iter().enumerate() {
            if at > 0 {
                all = all.and(between);
            }
            all = all.and(text);
        }
        all
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Words(words) => f.write_str(words),
            Part::At(place) => place.fmt(f),
        })
    }
}

impl From<String> for Text {
    fn from(words: String) -> Self {
        Text(vec![Part::Words(words)])
    }
}

impl From<&str> for Text {
    fn from(words: &str) -> Self {
        words.to_owned().into()
    }
}

impl From<&String> for Text {
    fn from(words: &String) -> Self {
        words.as_str().into()
    }
}

impl From<u16> for Text {
    fn from(number: u16) -> Self {
        number.to_string().into()
    }
}

impl From<Place> for Text {
    fn from(place: Place) -> Self {
        Text(vec![Part::At(place)])
    }
}

/// A text of several parts: words, numbers, places, other texts.
macro_rules! say {
    ($($part:expr),+ $(,)?) => {
        $crate::change::Text::default()$(.and($part))+
    };
}

pub(super) use say;

/// A file, and mostly a line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file on this machine.
    pub file: PathBuf,
    /// The file as it is shown.
    pub name: Vec<u8>,
    /// The line, from 1; none where the whole file is meant.
    pub line: Option<u32>,
    pub(super) counted: Counted,
}

/// What the number of a line was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// In the file as it is on disk.
    OnDisk,
    /// In the file with the edits planned so far.
    Edited,
    /// It is the line of the site in the request, which moves with edits.
    AsAsked,
}

impl Place {
    /// Where an entry stands.
    pub(crate) fn of(configuration: &Configuration, entry: &Entry) -> Self {
        Place::at(configuration, entry.file, entry.line)
    }

    /// A line, by its index in a file's document.
    pub(super) fn at(configuration: &Configuration, file: FileId, line: u32) -> Self {
        let read = configuration.file(file);
        Place {
            file: read.host.clone(),
            name: read.name.clone(),
            line: Some(read.document.number(line as usize)),
            counted: match configuration.source().is_edited() {
                true => Counted::Edited,
                false => Counted::OnDisk,
            },
        }
    }

    /// A whole file, with its name as it is shown.
    pub(crate) fn file(file: PathBuf, name: &[u8]) -> Self {
        Place {
            file,
            name: name.to_owned(),
            line: None,
            counted: Counted::OnDisk,
        }
    }

    /// The place of the site as the request has it now.
    pub(super) fn asked(file: &Path, line: u32) -> Self {
        Place {
            file: file.to_owned(),
            name: file.display().to_string().into_bytes(),
            line: Some(line),
            counted: Counted::AsAsked,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.name))?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// Name and place of a virtual host.
pub(super) fn named(configuration: &Configuration, host: &VirtualHost) -> Text {
    let name = host.server_name.as_deref().unwrap_or("(no ServerName)");
    let place = Place::of(configuration, configuration.entry(host.entry));
    say![name, " at ", place]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, line: u32) -> Place {
        Place {
            file: file.into(),
            name: file.into(),
            line: Some(line),
            counted: Counted::OnDisk,
        }
    }

    #[test]
    fn a_refusal_is_one_text_and_its_parts() {
        let cause = say!["port ", 443, " is taken at ", at("/a", 3), " and ", at("/b", 5)];
        let fix = say!["look at ", at("/a", 3)];
        let refusal = Refusal::new(RefusalCode::PortSpeaksHttp, cause, "; ", fix);
        assert_eq!(
            refusal.to_string(),
            "port 443 is taken at /a:3 and /b:5; look at /a:3"
        );
        assert_eq!(refusal.fix.to_string(), "look at /a:3");
        assert_eq!(refusal.places(), [&at("/a", 3), &at("/b", 5)]);
        assert_eq!(
            Text::joined([say!["a"], say![at("/c", 1)]], ", ").to_string(),
            "a, /c:1"
        );
    }

    #[test]
    fn every_reason_has_one_word() {
        let mut words: Vec<&str> = RefusalCode::ALL.iter().map(|(_, word)| *word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), RefusalCode::ALL.len());
    }
}
