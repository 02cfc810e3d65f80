//! The one shape of everything that is told about a server: what is wrong, how badly, why, and what to do.
//!
//! Codes are part of the interface: scripts match them and `--force` names them. They never change.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Something to tell about a server or its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule speaks.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// Where.
    pub place: Option<Place>,
    /// Why it is wrong, with the facts that show it.
    pub cause: String,
    /// What to do: a command or an exact edit.
    pub fix: String,
    /// What Apache writes into its error log about it, e.g. `AH02565`, as far as it writes anything.
    pub apache_codes: Vec<&'static str>,
}

/// A file and perhaps a line in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file as it was named.
    pub file: String,
    /// Line, counted from 1.
    pub line: Option<usize>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
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

/// The stable name of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Code {
    FileMissing,
    FileEmpty,
    FileNotRegular,
    FileUnreadable,
    KeyExposed,
    CertNotACertificate,
    CertDamaged,
    CertUtf16,
    CertByteOrderMark,
    CertNotPem,
    CertNotAtLineStart,
    CertGlued,
    CertTrustedLabel,
    KeyNotAKey,
    KeyDamaged,
    KeyUtf16,
    KeyPassPhrase,
    KeyCipherUnknown,
    KeySeveral,
    KeyTypeTooNew,
    KeyUnusable,
    KeyWeak,
    KeyMismatch,
    SignatureWeak,
    CertExpired,
    CertNotYetValid,
    CertExpiresSoon,
    NameNotCovered,
    NameOnlyCommonName,
    NameUnicode,
    NameInvalid,
    NameApacheWarns,
    CertIsCa,
    CertNoServerAuth,
    CertKeyUsage,
    CertCriticalExtension,
    CertMustStaple,
    CertSelfSigned,
    ChainMissing,
    ChainWrong,
    ChainSignature,
    ChainLeafNotFirst,
    ChainOrder,
    ChainLeafRepeated,
    ChainRootIncluded,
    ChainSpare,
    ChainExpired,
    ChainWeakSignature,
    ChainFileNoCertificate,
    ChainFileDamaged,
    ChainNotSent,
    CertNotNamed,
    RehearsalFailed,
    PassPhraseWrong,
    PassPhraseDialog,
    CertTypeTwice,
    ClientCaUnreadable,
    TlsProtocols,
    TlsCiphers,
    TlsOff,
    TlsOnHttpPort,
    TlsInMainServer,
    Stapling,
    SessionCache,
    ModuleNotLoaded,
    ModuleMissing,
    ModuleTwice,
    DirectiveUnknown,
    DirectiveValue,
    DirectivePlace,
    ConfigEncoding,
    ConfigUnreadable,
    ConfigProblem,
    VariableUndefined,
    SectionNotClosed,
    ServerRoot,
    LogFolder,
    LogElsewhere,
    DocumentRoot,
    AccessDenied,
    ServerNameMissing,
    VhostAddress,
    VhostShadowed,
    VhostNotReached,
    SniMismatch,
    PortTaken,
    PortForbidden,
    AddressNotHere,
    ListenMissing,
    ListenTwice,
    AlreadyRunning,
    StartFailed,
    ChildEnded,
    OpenSslVersion,
    ServiceArguments,
    AcceptFilter,
    NotListening,
    PlainHttp,
    HandshakeFailed,
    ServedUntrusted,
    ServedOtherThanDisk,
    NameNotPublic,
    PortUnusual,
    Tls12Refused,
    PostRefused,
    PassPhraseAsked,
    OthersWrite,
    ServerWritable,
}

impl Code {
    /// Every code with its word.
    pub const ALL: [(Code, &'static str); 108] = [
        (Code::FileMissing, "FILE-MISSING"),
        (Code::FileEmpty, "FILE-EMPTY"),
        (Code::FileNotRegular, "FILE-NOT-REGULAR"),
        (Code::FileUnreadable, "FILE-UNREADABLE"),
        (Code::KeyExposed, "KEY-EXPOSED"),
        (Code::CertNotACertificate, "CERT-NOT-A-CERTIFICATE"),
        (Code::CertDamaged, "CERT-DAMAGED"),
        (Code::CertUtf16, "CERT-UTF16"),
        (Code::CertByteOrderMark, "CERT-BYTE-ORDER-MARK"),
        (Code::CertNotPem, "CERT-NOT-PEM"),
        (Code::CertNotAtLineStart, "CERT-NOT-AT-LINE-START"),
        (Code::CertGlued, "CERT-GLUED"),
        (Code::CertTrustedLabel, "CERT-TRUSTED-LABEL"),
        (Code::KeyNotAKey, "KEY-NOT-A-KEY"),
        (Code::KeyDamaged, "KEY-DAMAGED"),
        (Code::KeyUtf16, "KEY-UTF16"),
        (Code::KeyPassPhrase, "KEY-PASSPHRASE"),
        (Code::KeyCipherUnknown, "KEY-CIPHER-UNKNOWN"),
        (Code::KeySeveral, "KEY-SEVERAL"),
        (Code::KeyTypeTooNew, "KEY-TYPE-TOO-NEW"),
        (Code::KeyUnusable, "KEY-UNUSABLE"),
        (Code::KeyWeak, "KEY-WEAK"),
        (Code::KeyMismatch, "KEY-MISMATCH"),
        (Code::SignatureWeak, "SIGNATURE-WEAK"),
        (Code::CertExpired, "CERT-EXPIRED"),
        (Code::CertNotYetValid, "CERT-NOT-YET-VALID"),
        (Code::CertExpiresSoon, "CERT-EXPIRES-SOON"),
        (Code::NameNotCovered, "NAME-NOT-COVERED"),
        (Code::NameOnlyCommonName, "NAME-ONLY-COMMON-NAME"),
        (Code::NameUnicode, "NAME-UNICODE"),
        (Code::NameInvalid, "NAME-INVALID"),
        (Code::NameApacheWarns, "NAME-APACHE-WARNS"),
        (Code::CertIsCa, "CERT-IS-CA"),
        (Code::CertNoServerAuth, "CERT-NO-SERVER-AUTH"),
        (Code::CertKeyUsage, "CERT-KEY-USAGE"),
        (Code::CertCriticalExtension, "CERT-CRITICAL-EXTENSION"),
        (Code::CertMustStaple, "CERT-MUST-STAPLE"),
        (Code::CertSelfSigned, "CERT-SELF-SIGNED"),
        (Code::ChainMissing, "CHAIN-MISSING"),
        (Code::ChainWrong, "CHAIN-WRONG"),
        (Code::ChainSignature, "CHAIN-SIGNATURE"),
        (Code::ChainLeafNotFirst, "CHAIN-LEAF-NOT-FIRST"),
        (Code::ChainOrder, "CHAIN-ORDER"),
        (Code::ChainLeafRepeated, "CHAIN-LEAF-REPEATED"),
        (Code::ChainRootIncluded, "CHAIN-ROOT-INCLUDED"),
        (Code::ChainSpare, "CHAIN-SPARE"),
        (Code::ChainExpired, "CHAIN-EXPIRED"),
        (Code::ChainWeakSignature, "CHAIN-WEAK-SIGNATURE"),
        (Code::ChainFileNoCertificate, "CHAIN-FILE-NO-CERTIFICATE"),
        (Code::ChainFileDamaged, "CHAIN-FILE-DAMAGED"),
        (Code::ChainNotSent, "CHAIN-NOT-SENT"),
        (Code::CertNotNamed, "CERT-NOT-NAMED"),
        (Code::RehearsalFailed, "REHEARSAL-FAILED"),
        (Code::PassPhraseWrong, "PASSPHRASE-WRONG"),
        (Code::PassPhraseDialog, "PASSPHRASE-DIALOG"),
        (Code::CertTypeTwice, "CERT-TYPE-TWICE"),
        (Code::ClientCaUnreadable, "CLIENT-CA-UNREADABLE"),
        (Code::TlsProtocols, "TLS-PROTOCOLS"),
        (Code::TlsCiphers, "TLS-CIPHERS"),
        (Code::TlsOff, "TLS-OFF"),
        (Code::TlsOnHttpPort, "TLS-ON-HTTP-PORT"),
        (Code::TlsInMainServer, "TLS-IN-MAIN-SERVER"),
        (Code::Stapling, "STAPLING"),
        (Code::SessionCache, "SESSION-CACHE"),
        (Code::ModuleNotLoaded, "MODULE-NOT-LOADED"),
        (Code::ModuleMissing, "MODULE-MISSING"),
        (Code::ModuleTwice, "MODULE-TWICE"),
        (Code::DirectiveUnknown, "DIRECTIVE-UNKNOWN"),
        (Code::DirectiveValue, "DIRECTIVE-VALUE"),
        (Code::DirectivePlace, "DIRECTIVE-PLACE"),
        (Code::ConfigEncoding, "CONFIG-ENCODING"),
        (Code::ConfigUnreadable, "CONFIG-UNREADABLE"),
        (Code::ConfigProblem, "CONFIG-PROBLEM"),
        (Code::VariableUndefined, "VARIABLE-UNDEFINED"),
        (Code::SectionNotClosed, "SECTION-NOT-CLOSED"),
        (Code::ServerRoot, "SERVER-ROOT"),
        (Code::LogFolder, "LOG-FOLDER"),
        (Code::LogElsewhere, "LOG-ELSEWHERE"),
        (Code::DocumentRoot, "DOCUMENT-ROOT"),
        (Code::AccessDenied, "ACCESS-DENIED"),
        (Code::ServerNameMissing, "SERVER-NAME-MISSING"),
        (Code::VhostAddress, "VHOST-ADDRESS"),
        (Code::VhostShadowed, "VHOST-SHADOWED"),
        (Code::VhostNotReached, "VHOST-NOT-REACHED"),
        (Code::SniMismatch, "SNI-MISMATCH"),
        (Code::PortTaken, "PORT-TAKEN"),
        (Code::PortForbidden, "PORT-FORBIDDEN"),
        (Code::AddressNotHere, "ADDRESS-NOT-HERE"),
        (Code::ListenMissing, "LISTEN-MISSING"),
        (Code::ListenTwice, "LISTEN-TWICE"),
        (Code::AlreadyRunning, "ALREADY-RUNNING"),
        (Code::StartFailed, "START-FAILED"),
        (Code::ChildEnded, "CHILD-ENDED"),
        (Code::OpenSslVersion, "OPENSSL-VERSION"),
        (Code::ServiceArguments, "SERVICE-ARGUMENTS"),
        (Code::AcceptFilter, "ACCEPT-FILTER"),
        (Code::NotListening, "NOT-LISTENING"),
        (Code::PlainHttp, "PLAIN-HTTP"),
        (Code::HandshakeFailed, "HANDSHAKE-FAILED"),
        (Code::ServedUntrusted, "SERVED-UNTRUSTED"),
        (Code::ServedOtherThanDisk, "SERVED-OTHER-THAN-DISK"),
        (Code::NameNotPublic, "NAME-NOT-PUBLIC"),
        (Code::PortUnusual, "PORT-UNUSUAL"),
        (Code::Tls12Refused, "TLS12-REFUSED"),
        (Code::PostRefused, "POST-REFUSED"),
        (Code::PassPhraseAsked, "PASSPHRASE-ASKED"),
        (Code::OthersWrite, "OTHERS-WRITE"),
        (Code::ServerWritable, "SERVER-WRITABLE"),
    ];

    /// The word that users see and type.
    pub fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(code, _)| *code == self)
            .map_or("UNNAMED", |(_, word)| word)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
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

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
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
        }
    }

    /// The same, in this file and line.
    pub fn at(mut self, file: &str, line: Option<usize>) -> Finding {
        self.place = Some(Place {
            file: file.to_owned(),
            line,
        });
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
    fn json_carries_words() {
        let finding =
            Finding::new(Code::KeyMismatch, Severity::StopsStart, "a", "b", "c").at("x.key", Some(3));
        let json = serde_json::to_value(finding).unwrap();
        assert_eq!(json["code"], "KEY-MISMATCH");
        assert_eq!(json["severity"], "stops-start");
        assert_eq!(json["place"]["line"], 3);
    }
}
