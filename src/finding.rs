//! The one shape of everything that is told about a server: what is wrong, how badly, where, why, and what to do. The
//! reader of a configuration, `lint` and `check` make findings; whoever goes on with one adds what it knows.
//!
//! Codes are part of the interface: scripts match them and `--force` names them. They never change.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::codes;

/// Something to tell about a server, its configuration or its files. `P` says where: in a configuration that was read
/// ([`Spot`](crate::httpd::Spot)), or in a file as people know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding<P = Option<Place>> {
    /// What kind of fault it is.
    pub code: Code,
    /// How bad it is, if `uncertain` does not hold.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// Where.
    pub place: P,
    /// Why it is wrong, with the facts that show it; empty where the summary says it.
    pub cause: String,
    /// What to do: a command or an exact edit; empty where the summary says it.
    pub fix: String,
    /// What Apache writes into its error log about it, e.g. `AH02565`, as far as it writes anything.
    pub apache_codes: Vec<&'static str>,
    /// What `lint` calls the rule, e.g. `no-listen`; empty for rules about anything but directives.
    #[serde(skip)]
    pub rule: &'static str,
    /// When Apache notices, where that is known; of what it accepts, when we noticed.
    #[serde(skip)]
    pub phase: Option<Phase>,
    /// It stands inside a condition that we could not decide, and matters only if that holds.
    #[serde(skip)]
    pub uncertain: bool,
    /// Apache's own message, where it has one; without the help text that Apache puts behind a comma.
    #[serde(skip)]
    pub apache: Option<String>,
}

/// When Apache would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// While it reads the files.
    Reading,
    /// When it carries the stored directives out; `httpd -t` tells it.
    Checking,
    /// Only at the start: `httpd -t` is content.
    Starting,
}

/// A file and perhaps lines in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    /// The file; as it was named in texts, absolute in documents for programs.
    pub file: String,
    /// The line, from 1; none where the whole file is meant.
    pub line: Option<usize>,
    /// The last line where it is about several, or where one goes on in the next; else that of `line`.
    pub last_line: Option<usize>,
}

impl Place {
    /// A file, or one line of it.
    pub fn new(file: impl Into<String>, line: Option<usize>) -> Place {
        Place {
            file: file.into(),
            line,
            last_line: line,
        }
    }

    /// The same with its whole path, as programs get it.
    pub fn absolute(self) -> Place {
        // Logs of another machine name files in its own way.
        let has_drive = matches!(self.file.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if has_drive && !cfg!(windows) || self.file.starts_with(['/', '\\']) {
            return self;
        }
        let file = match std::path::absolute(&self.file) {
            Ok(path) => path.display().to_string(),
            Err(_) => self.file,
        };
        Place { file, ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// How bad a finding is, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The server does not start, or a running one ends when it reads this.
    StopsStart,
    /// The server starts and clients refuse it.
    BreaksClients,
    /// It works for most, and not as it should.
    WorksButWrong,
    /// Good to know.
    Advice,
}

impl Severity {
    /// Whether `enable` refuses because of it.
    pub fn is_error(self) -> bool {
        matches!(self, Severity::StopsStart | Severity::BreaksClients)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::StopsStart => "stops the start",
            Severity::BreaksClients => "breaks clients",
            Severity::WorksButWrong => "works, but wrong",
            Severity::Advice => "advice",
        })
    }
}

codes! {
    /// The stable name of a rule.
    #[allow(missing_docs)]
    pub enum Code {
        FileMissing = "FILE-MISSING",
        FileEmpty = "FILE-EMPTY",
        FileNotRegular = "FILE-NOT-REGULAR",
        FileUnreadable = "FILE-UNREADABLE",
        KeyExposed = "KEY-EXPOSED",
        CertNotACertificate = "CERT-NOT-A-CERTIFICATE",
        CertDamaged = "CERT-DAMAGED",
        CertUtf16 = "CERT-UTF16",
        CertByteOrderMark = "CERT-BYTE-ORDER-MARK",
        CertNotPem = "CERT-NOT-PEM",
        CertNotAtLineStart = "CERT-NOT-AT-LINE-START",
        CertGlued = "CERT-GLUED",
        CertTrustedLabel = "CERT-TRUSTED-LABEL",
        KeyNotAKey = "KEY-NOT-A-KEY",
        KeyDamaged = "KEY-DAMAGED",
        KeyUtf16 = "KEY-UTF16",
        KeyPassPhrase = "KEY-PASSPHRASE",
        KeyCipherUnknown = "KEY-CIPHER-UNKNOWN",
        KeySeveral = "KEY-SEVERAL",
        KeyTypeTooNew = "KEY-TYPE-TOO-NEW",
        KeyUnusable = "KEY-UNUSABLE",
        KeyWeak = "KEY-WEAK",
        KeyMismatch = "KEY-MISMATCH",
        SignatureWeak = "SIGNATURE-WEAK",
        CertExpired = "CERT-EXPIRED",
        CertNotYetValid = "CERT-NOT-YET-VALID",
        CertExpiresSoon = "CERT-EXPIRES-SOON",
        NameNotCovered = "NAME-NOT-COVERED",
        NameOnlyCommonName = "NAME-ONLY-COMMON-NAME",
        NameUnicode = "NAME-UNICODE",
        NameInvalid = "NAME-INVALID",
        NameApacheWarns = "NAME-APACHE-WARNS",
        CertIsCa = "CERT-IS-CA",
        CertNoServerAuth = "CERT-NO-SERVER-AUTH",
        CertKeyUsage = "CERT-KEY-USAGE",
        CertCriticalExtension = "CERT-CRITICAL-EXTENSION",
        CertMustStaple = "CERT-MUST-STAPLE",
        CertSelfSigned = "CERT-SELF-SIGNED",
        ChainMissing = "CHAIN-MISSING",
        ChainWrong = "CHAIN-WRONG",
        ChainSignature = "CHAIN-SIGNATURE",
        ChainLeafNotFirst = "CHAIN-LEAF-NOT-FIRST",
        ChainOrder = "CHAIN-ORDER",
        ChainLeafRepeated = "CHAIN-LEAF-REPEATED",
        ChainRootIncluded = "CHAIN-ROOT-INCLUDED",
        ChainSpare = "CHAIN-SPARE",
        ChainExpired = "CHAIN-EXPIRED",
        ChainWeakSignature = "CHAIN-WEAK-SIGNATURE",
        ChainFileNoCertificate = "CHAIN-FILE-NO-CERTIFICATE",
        ChainFileDamaged = "CHAIN-FILE-DAMAGED",
        ChainNotSent = "CHAIN-NOT-SENT",
        CertNotNamed = "CERT-NOT-NAMED",
        RehearsalFailed = "REHEARSAL-FAILED",
        PassPhraseWrong = "PASSPHRASE-WRONG",
        PassPhraseDialog = "PASSPHRASE-DIALOG",
        CertTypeTwice = "CERT-TYPE-TWICE",
        ClientCaUnreadable = "CLIENT-CA-UNREADABLE",
        TlsProtocols = "TLS-PROTOCOLS",
        TlsCiphers = "TLS-CIPHERS",
        TlsOff = "TLS-OFF",
        TlsOnHttpPort = "TLS-ON-HTTP-PORT",
        TlsInMainServer = "TLS-IN-MAIN-SERVER",
        Stapling = "STAPLING",
        SessionCache = "SESSION-CACHE",
        ModuleNotLoaded = "MODULE-NOT-LOADED",
        ModuleMissing = "MODULE-MISSING",
        ModuleTwice = "MODULE-TWICE",
        DirectiveUnknown = "DIRECTIVE-UNKNOWN",
        DirectiveValue = "DIRECTIVE-VALUE",
        DirectivePlace = "DIRECTIVE-PLACE",
        ConfigEncoding = "CONFIG-ENCODING",
        ConfigUnreadable = "CONFIG-UNREADABLE",
        ConfigProblem = "CONFIG-PROBLEM",
        VariableUndefined = "VARIABLE-UNDEFINED",
        SectionNotClosed = "SECTION-NOT-CLOSED",
        ServerRoot = "SERVER-ROOT",
        LogFolder = "LOG-FOLDER",
        LogElsewhere = "LOG-ELSEWHERE",
        DocumentRoot = "DOCUMENT-ROOT",
        AccessDenied = "ACCESS-DENIED",
        ServerNameMissing = "SERVER-NAME-MISSING",
        VhostAddress = "VHOST-ADDRESS",
        VhostShadowed = "VHOST-SHADOWED",
        VhostNotReached = "VHOST-NOT-REACHED",
        SniMismatch = "SNI-MISMATCH",
        PortTaken = "PORT-TAKEN",
        PortForbidden = "PORT-FORBIDDEN",
        AddressNotHere = "ADDRESS-NOT-HERE",
        ListenMissing = "LISTEN-MISSING",
        ListenTwice = "LISTEN-TWICE",
        AlreadyRunning = "ALREADY-RUNNING",
        StartFailed = "START-FAILED",
        ChildEnded = "CHILD-ENDED",
        OpenSslVersion = "OPENSSL-VERSION",
        ServiceArguments = "SERVICE-ARGUMENTS",
        AcceptFilter = "ACCEPT-FILTER",
        NotListening = "NOT-LISTENING",
        PlainHttp = "PLAIN-HTTP",
        HandshakeFailed = "HANDSHAKE-FAILED",
        ServedUntrusted = "SERVED-UNTRUSTED",
        ServedOtherThanDisk = "SERVED-OTHER-THAN-DISK",
        NameNotPublic = "NAME-NOT-PUBLIC",
        PortUnusual = "PORT-UNUSUAL",
        Tls12Refused = "TLS12-REFUSED",
        PostRefused = "POST-REFUSED",
        PassPhraseAsked = "PASSPHRASE-ASKED",
        OthersWrite = "OTHERS-WRITE",
        ServerWritable = "SERVER-WRITABLE",
    }
}

impl FromStr for Code {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(word));
        found
            .map(|(code, _)| *code)
            .ok_or_else(|| format!("there is no rule {word:?}"))
    }
}

impl<P> Finding<P> {
    /// Whether it certainly keeps the server from starting or clients from being served.
    pub fn is_error(&self) -> bool {
        self.severity.is_error() && !self.uncertain
    }

    /// The same, somewhere else or told in another way.
    pub fn placed<Q>(self, place: impl FnOnce(P) -> Q) -> Finding<Q> {
        Finding {
            place: place(self.place),
            code: self.code,
            severity: self.severity,
            summary: self.summary,
            cause: self.cause,
            fix: self.fix,
            apache_codes: self.apache_codes,
            rule: self.rule,
            phase: self.phase,
            uncertain: self.uncertain,
            apache: self.apache,
        }
    }
}

impl Finding {
    /// Somebody goes on in spite of this error.
    pub fn is_forced(&self, forced: &[Code]) -> bool {
        self.severity.is_error() && forced.contains(&self.code)
    }

    /// An error that nobody overrode.
    pub fn is_open(&self, forced: &[Code]) -> bool {
        self.severity.is_error() && !self.is_forced(forced)
    }

    /// A finding without place and without codes of Apache; see [`Finding::at`] and [`Finding::logged`].
    pub fn new(
        code: Code,
        severity: Severity,
        summary: impl Into<String>,
        cause: impl Into<String>,
        fix: impl Into<String>,
    ) -> Finding {
        Finding {
            code,
            severity,
            summary: summary.into(),
            place: None,
            cause: cause.into(),
            fix: fix.into(),
            apache_codes: Vec::new(),
            rule: "",
            phase: None,
            uncertain: false,
            apache: None,
        }
    }

    /// The same, in this file and line.
    pub fn at(mut self, file: &str, line: Option<usize>) -> Finding {
        self.place = Some(Place::new(file, line));
        self
    }

    /// The same, with what Apache writes into its log.
    pub fn logged(mut self, codes: &[&'static str]) -> Finding {
        self.apache_codes = codes.to_vec();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_word_and_is_read_back() {
        let mut words: Vec<&str> = Code::ALL.iter().map(|(_, word)| *word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        for (at, (code, word)) in Code::ALL.into_iter().enumerate() {
            assert_eq!(code as usize, at, "{word} stands out of order");
            assert_eq!(word.parse(), Ok(code));
        }
        assert!("NO-SUCH".parse::<Code>().is_err());
    }

    #[test]
    fn no_refusal_has_the_word_of_a_finding() {
        for (_, word) in crate::refusal::RefusalCode::ALL {
            assert!(word.parse::<Code>().is_err(), "{word}");
        }
    }

    #[test]
    fn json_carries_words() {
        let finding =
            Finding::new(Code::KeyMismatch, Severity::StopsStart, "a", "b", "c").at("x.key", Some(3));
        let json = serde_json::to_value(finding).unwrap();
        assert_eq!(json["code"], "KEY-MISMATCH");
        assert_eq!(json["severity"], "stops-start");
        assert_eq!(json["place"]["line"], 3);
    }
}
