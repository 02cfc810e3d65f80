//! The one shape of everything that is told about a server: what is wrong, how badly, where, why, and what to do. The
//! reader of a configuration, `lint` and `check` make findings; whoever goes on with one adds what it knows.
//!
//! Codes are part of the interface: scripts match them and `--force` names them. They never change.

use std::borrow::Cow;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::codes::codes;
pub use crate::place::Place;
pub use crate::severity::{Level, Phase, Severity};

/// Something to tell about a server, its configuration or its files. `P` says where: in a configuration that was read
/// ([`Spot`](crate::httpd::Spot)), or in a file as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub rule: &'static str,
    /// When Apache notices, where that is known; of what it accepts, when we noticed.
    pub phase: Option<Phase>,
    /// It stands inside a condition that we could not decide, and matters only if that holds.
    pub uncertain: bool,
    /// Apache's own message, where it has one; without the help text that Apache puts behind a comma.
    pub apache: Option<String>,
    /// How it comes that Apache reads the place at all.
    pub origin: Origin,
}

/// How it comes that Apache reads a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The `Include` lines that lead to the file, innermost first.
    pub included_from: Vec<Place>,
    /// The line of a macro that the text came out of.
    pub macro_line: Option<MacroLine>,
}

/// A line of a macro that is used at the place told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MacroLine {
    /// Apache's name for the place, such as `macro 'n' (defined on line 3 of "httpd.conf") used on line 9 of "httpd.conf"`.
    pub name: String,
    /// The line in the macro, counted from 1.
    pub line: usize,
}

/// The same for programs.
#[derive(Serialize, JsonSchema)]
#[schemars(
    rename = "Finding",
    description = "Something to tell about a server, its configuration or its files."
)]
struct Told<'a> {
    /// What kind of fault it is. All codes: `src/finding.rs`. `--force` takes them.
    code: Code,
    /// What `lint` calls the rule, such as `no-listen`; null for rules about anything but directives. New ones may come
    /// with any version.
    rule: Option<&'static str>,
    /// What comes of it.
    severity: Severity,
    /// The same as error, warning or note.
    level: Level,
    /// What is wrong, in one sentence.
    summary: &'a str,
    /// Where; null where it is no place in a file.
    place: &'a Option<Place>,
    /// Why it is wrong, with the facts that show it; empty where the summary says it.
    cause: &'a str,
    /// What to do: a command or an exact edit; empty where the summary says it.
    fix: &'a str,
    /// What Apache writes into its error log about it, such as `AH02565`.
    apache_codes: &'a [&'static str],
    /// Apache's message, or its fixed part; null where it says nothing or that is not known.
    apache_message: Option<&'a str>,
    /// When Apache notices; null where that is not known.
    phase: Option<Phase>,
    /// It depends on a condition in the configuration that could not be decided.
    uncertain: bool,
    /// The `Include` lines that lead to the file, innermost first.
    included_from: &'a [Place],
    /// The line of the macro that the text came out of; null where it came out of none.
    macro_line: &'a Option<MacroLine>,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let told = Told {
            code: self.code,
            rule: Some(self.rule).filter(|rule| !rule.is_empty()),
            severity: self.severity,
            level: self.level(),
            summary: &self.summary,
            place: &self.place,
            cause: &self.cause,
            fix: &self.fix,
            apache_codes: &self.apache_codes,
            apache_message: self.apache.as_deref(),
            phase: self.phase,
            uncertain: self.uncertain,
            included_from: &self.origin.included_from,
            macro_line: &self.origin.macro_line,
        };
        told.serialize(serializer)
    }
}

impl JsonSchema for Finding {
    fn schema_name() -> Cow<'static, str> {
        Told::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Told::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Told::json_schema(generator)
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
        CertNoResponder = "CERT-NO-RESPONDER",
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
        Http2NotAgreed = "HTTP2-NOT-AGREED",
        HttpsFails = "HTTPS-FAILS",
        HttpsLoops = "HTTPS-LOOPS",
        HttpsOtherContent = "HTTPS-OTHER-CONTENT",
        HttpsDiffers = "HTTPS-DIFFERS",
        PostRefused = "POST-REFUSED",
        PassPhraseAsked = "PASSPHRASE-ASKED",
        OthersWrite = "OTHERS-WRITE",
        ServerWritable = "SERVER-WRITABLE",
        AcmePathShadowed = "ACME-PATH-SHADOWED",
        AcmeNotAnswered = "ACME-NOT-ANSWERED",
        AcmeNameUnusable = "ACME-NAME-UNUSABLE",
        AcmeNameElsewhere = "ACME-NAME-ELSEWHERE",
        AcmePortsTaken = "ACME-PORTS-TAKEN",
        AcmeNotReached = "ACME-NOT-REACHED",
        AcmeClock = "ACME-CLOCK",
        AcmeForbidden = "ACME-FORBIDDEN",
        RenewalFails = "RENEWAL-FAILS",
        RenewalNotScheduled = "RENEWAL-NOT-SCHEDULED",
        ScheduleBroken = "SCHEDULE-BROKEN",
        AcmeTwoClients = "ACME-TWO-CLIENTS",
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
        self.level() == Level::Error
    }

    /// Error, warning or note.
    pub fn level(&self) -> Level {
        self.severity.level(self.uncertain)
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
            origin: self.origin,
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
            origin: Origin::default(),
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
        assert_eq!(json["level"], "error");
        assert_eq!(json["place"]["line"], 3);
    }
}
