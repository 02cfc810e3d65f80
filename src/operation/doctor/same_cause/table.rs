//! What leads to what, among everything that can be found.

use super::super::observed::Source;
use crate::check::Code;

/// How cause and effect belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// Wherever they are.
    Anywhere,
    /// They are about one virtual host, or the cause about none.
    Host,
    /// They are about one port.
    Port,
    /// They are in one file.
    File,
}

/// Of a cause, these effects are no causes of their own.
pub struct Row {
    /// No code stands for whatever keeps the server from starting.
    pub causes: &'static [Code],
    /// No code stands for whatever `by` sees.
    pub effects: &'static [Code],
    /// Rules of `lint` that are effects as well.
    pub rules: &'static [&'static str],
    /// Who sees them.
    pub by: Option<Source>,
    /// How they belong together.
    pub tie: Tie,
    /// Only where the cause keeps the server from starting.
    pub stops: bool,
}

const fn row(causes: &'static [Code], effects: &'static [Code], tie: Tie) -> Row {
    Row {
        causes,
        effects,
        rules: &[],
        by: None,
        tie,
        stops: causes.is_empty(),
    }
}

const fn seen(causes: &'static [Code], by: Source, tie: Tie) -> Row {
    Row {
        causes,
        effects: &[],
        rules: &[],
        by: Some(by),
        tie,
        stops: causes.is_empty(),
    }
}

/// What is wrong with the certificates that are sent.
const CHAINS: &[Code] = &[
    Code::ChainMissing,
    Code::ChainNotSent,
    Code::ChainWrong,
    Code::ChainSignature,
    Code::ChainOrder,
    Code::ChainLeafNotFirst,
    Code::ChainExpired,
    Code::ChainWeakSignature,
    Code::ChainFileNoCertificate,
    Code::ChainFileDamaged,
    Code::CertSelfSigned,
    Code::CertExpired,
    Code::CertNotYetValid,
    Code::CertIsCa,
    Code::CertNoServerAuth,
    Code::CertKeyUsage,
    Code::CertCriticalExtension,
    Code::SignatureWeak,
    Code::KeyWeak,
];

/// Faults of the text: what Apache makes of the rest is not what was meant.
const TEXT: &[Code] = &[
    Code::ConfigEncoding,
    Code::ConfigUnreadable,
    Code::ConfigProblem,
    Code::SectionNotClosed,
    Code::DirectiveUnknown,
    Code::DirectiveValue,
    Code::DirectivePlace,
    Code::ModuleNotLoaded,
    Code::ModuleMissing,
    Code::ServerRoot,
    Code::VariableUndefined,
];

/// What leads to what; the first row that fits counts.
pub const TABLE: &[Row] = &[
    // Whoever has our port answers there, with certificates of its own.
    seen(&[Code::PortTaken], Source::Verify, Tie::Port),
    // Text that is read in a wrong encoding, or from a wrong folder, is full of faults that are none.
    row(
        &[Code::ConfigEncoding],
        &[
            Code::ConfigProblem,
            Code::DirectiveUnknown,
            Code::DirectiveValue,
            Code::DirectivePlace,
            Code::SectionNotClosed,
            Code::ListenMissing,
            Code::ModuleNotLoaded,
            Code::ModuleMissing,
        ],
        Tie::Anywhere,
    ),
    row(
        &[Code::ServerRoot],
        &[
            Code::FileMissing,
            Code::LogFolder,
            Code::DocumentRoot,
            Code::ModuleMissing,
            Code::ConfigProblem,
            Code::ConfigUnreadable,
            Code::DirectiveUnknown,
            Code::ModuleNotLoaded,
        ],
        Tie::Anywhere,
    ),
    row(&[Code::ModuleMissing], &[Code::ModuleNotLoaded], Tie::Anywhere),
    Row {
        rules: &["mpm", "no-listen", "module-needed"],
        // What Apache accepts does not keep it from reading the rest.
        stops: true,
        ..row(
            TEXT,
            &[
                Code::TlsOff,
                Code::TlsOnHttpPort,
                Code::ListenMissing,
                Code::VhostAddress,
                Code::VhostShadowed,
                Code::VhostNotReached,
                Code::CertNotNamed,
            ],
            Tie::Anywhere,
        )
    },
    row(
        &[Code::SectionNotClosed],
        &[Code::DirectivePlace, Code::ConfigProblem],
        Tie::File,
    ),
    row(
        &[Code::VariableUndefined],
        &[Code::FileMissing, Code::LogFolder],
        Tie::Anywhere,
    ),
    // Two lines want one port, and Apache says of the second that the port is taken.
    row(&[Code::ListenTwice], &[Code::PortTaken], Tie::Anywhere),
    row(&[Code::AlreadyRunning], &[Code::PortTaken], Tie::Anywhere),
    // The rehearsal and the log say in general what a rule says of a file or a line.
    row(
        &[
            Code::TlsProtocols,
            Code::TlsCiphers,
            Code::KeyWeak,
            Code::KeyUnusable,
            Code::SignatureWeak,
            Code::KeyTypeTooNew,
            Code::DirectiveValue,
            Code::PassPhraseWrong,
            Code::PassPhraseDialog,
            Code::KeyCipherUnknown,
        ],
        &[Code::RehearsalFailed, Code::HandshakeFailed, Code::Tls12Refused],
        Tie::Host,
    ),
    row(
        &[Code::RehearsalFailed],
        &[
            Code::TlsCiphers,
            Code::TlsProtocols,
            Code::HandshakeFailed,
            Code::PassPhraseWrong,
            Code::PassPhraseDialog,
            Code::PassPhraseAsked,
            Code::KeyPassPhrase,
            Code::KeyNotAKey,
            Code::KeyDamaged,
            Code::CertDamaged,
            Code::ClientCaUnreadable,
            Code::SessionCache,
        ],
        Tie::Host,
    ),
    row(
        &[
            Code::PassPhraseWrong,
            Code::PassPhraseDialog,
            Code::KeyPassPhrase,
            Code::KeyCipherUnknown,
        ],
        &[
            Code::PassPhraseAsked,
            Code::KeyNotAKey,
            Code::PassPhraseWrong,
            Code::PassPhraseDialog,
        ],
        Tie::Anywhere,
    ),
    row(
        &[Code::ListenMissing],
        &[Code::NotListening, Code::VhostNotReached, Code::VhostShadowed],
        Tie::Host,
    ),
    row(&[Code::VhostShadowed], &[Code::VhostNotReached], Tie::Host),
    row(&[Code::TlsOff], &[Code::TlsOnHttpPort], Tie::Anywhere),
    // Which virtual host answers decides over what clients see of all others there.
    seen(
        &[
            Code::TlsOnHttpPort,
            Code::TlsOff,
            Code::VhostShadowed,
            Code::VhostNotReached,
        ],
        Source::Verify,
        Tie::Host,
    ),
    row(
        &[Code::TlsOnHttpPort, Code::TlsOff],
        &[Code::PlainHttp, Code::HandshakeFailed],
        Tie::Anywhere,
    ),
    row(CHAINS, &[Code::ServedUntrusted], Tie::Host),
    row(&[Code::CertIsCa], &[Code::CertSelfSigned], Tie::Host),
    row(
        &[Code::NameNotCovered, Code::NameOnlyCommonName, Code::NameInvalid],
        &[Code::NameApacheWarns, Code::ServedUntrusted],
        Tie::Host,
    ),
    row(
        &[Code::RenewalFails],
        &[Code::CertExpired, Code::CertExpiresSoon],
        Tie::File,
    ),
    row(
        &[Code::RenewalNotScheduled, Code::ScheduleBroken],
        &[Code::CertExpiresSoon],
        Tie::Anywhere,
    ),
    row(
        &[Code::CertExpired],
        &[Code::CertExpiresSoon, Code::RenewalFails],
        Tie::File,
    ),
    // A server that does not come up answers nobody, and one that runs keeps what it has.
    row(
        &[],
        &[
            Code::NotListening,
            Code::StartFailed,
            Code::ServerStopped,
            Code::ConfigNotRead,
            Code::ServedOtherThanDisk,
            Code::PlainHttp,
            Code::CertNotNamed,
            Code::RehearsalFailed,
        ],
        Tie::Anywhere,
    ),
    row(
        &[Code::ServerStopped],
        &[Code::NotListening, Code::StartFailed, Code::ConfigNotRead],
        Tie::Anywhere,
    ),
    row(
        &[Code::ConfigNotRead],
        &[
            Code::ServedOtherThanDisk,
            Code::NotListening,
            Code::PlainHttp,
            Code::VhostShadowed,
            Code::Http2NotAgreed,
        ],
        Tie::Anywhere,
    ),
    row(
        &[Code::ServedOtherThanDisk],
        &[Code::ConfigNotRead],
        Tie::Anywhere,
    ),
];
