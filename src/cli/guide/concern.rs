//! Which question a finding or a refusal is about, so that whoever answers is led there: by their codes, the likeliest question
//! first.

use camino::Utf8PathBuf;

use super::answers::{Answers, Doubt, Looks, Step};
use crate::check::{Code, Finding};
use crate::operation::Failure;
use crate::operation::foreseen::ways_on;
use crate::refusal::{Refusal, RefusalCode};

/// Questions, the likeliest first; some of them may not have been asked.
pub type Steps = &'static [Step];

const CERTIFICATE: Steps = &[Step::Certificate, Step::Archive, Step::Source];
const KEY: Steps = &[Step::Key, Step::Archive, Step::Certificate, Step::Source];
const CHAIN: Steps = &[Step::Chain, Step::Certificate, Step::Archive, Step::Source];
const NAME: Steps = &[Step::Name, Step::TypedName];
const FURTHER: Steps = &[Step::Aliases, Step::TypedAliases, Step::Name, Step::TypedName];
const PORT: Steps = &[Step::Port, Step::TypedPort];
const HTTP: Steps = &[Step::Http];
const AUTHORITY: Steps = &[Step::Authority, Step::Source];
const SOURCE: Steps = &[Step::Source];
const SERVER: Steps = &[Step::Server, Step::Servers, Step::Root];

/// The questions that a finding about files, names or the server is about; none where no answer helps.
pub fn of_finding(finding: &Finding, known: &Answers) -> Option<Steps> {
    use Code as C;
    let is_nameless = known
        .certificate
        .as_ref()
        .is_some_and(|found| found.names.is_empty());
    Some(match finding.code {
        C::NameNotCovered | C::NameOnlyCommonName if is_nameless => CERTIFICATE,
        C::NameNotCovered | C::NameOnlyCommonName | C::NameUnicode | C::NameInvalid => match &known.aliases {
            Some(aliases) if !aliases.is_empty() => FURTHER,
            _ => NAME,
        },
        C::FileMissing | C::FileEmpty | C::FileNotRegular | C::FileUnreadable => of_file(finding, known),
        C::KeyExposed
        | C::KeyNotAKey
        | C::KeyDamaged
        | C::KeyUtf16
        | C::KeyPassPhrase
        | C::KeyCipherUnknown
        | C::KeySeveral
        | C::KeyMismatch => KEY,
        C::KeyTypeTooNew | C::KeyUnusable | C::KeyWeak | C::SignatureWeak => CERTIFICATE,
        C::CertNotACertificate
        | C::CertDamaged
        | C::CertUtf16
        | C::CertByteOrderMark
        | C::CertNotPem
        | C::CertNotAtLineStart
        | C::CertGlued
        | C::CertTrustedLabel
        | C::CertExpired
        | C::CertNotYetValid
        | C::CertExpiresSoon
        | C::CertIsCa
        | C::CertNoServerAuth
        | C::CertKeyUsage
        | C::CertCriticalExtension
        | C::CertMustStaple
        | C::CertSelfSigned
        | C::ServedUntrusted => CERTIFICATE,
        C::ChainMissing
        | C::ChainWrong
        | C::ChainSignature
        | C::ChainLeafNotFirst
        | C::ChainOrder
        | C::ChainLeafRepeated
        | C::ChainRootIncluded
        | C::ChainSpare
        | C::ChainExpired
        | C::ChainWeakSignature
        | C::ChainFileNoCertificate
        | C::ChainFileDamaged
        | C::ChainNotSent => CHAIN,
        C::PortTaken | C::PortForbidden | C::PortUnusual => PORT,
        C::AcmeNameUnusable | C::AcmeNameElsewhere | C::NameNotPublic => NAME,
        C::AcmePortsTaken | C::AcmeNotAnswered | C::AcmePathShadowed => SOURCE,
        C::AcmeNotReached | C::AcmeForbidden => AUTHORITY,
        C::HttpsLoops => HTTP,
        _ => return None,
    })
}

/// One of the files, by its path.
fn of_file(finding: &Finding, known: &Answers) -> Steps {
    let place = finding.place.as_ref().map(|place| &*place.file);
    let is_at = |path: &Utf8PathBuf| place == Some(path.as_str());
    if known.key.as_ref().is_some_and(|(path, _)| is_at(path)) {
        return KEY;
    }
    match known.chain.iter().flatten().any(is_at) {
        true => CHAIN,
        false => CERTIFICATE,
    }
}

/// The questions that a failure of the command is about; none where no answer helps.
pub fn of_failure(failure: &Failure, known: &Answers) -> Option<Steps> {
    let refusal = failure.error.downcast_ref::<Refusal>();
    let of_code = refusal.and_then(|refusal| of_refusal(refusal.code));
    let open = failure.findings.iter();
    let mut open = open.filter(|finding| finding.is_open(&known.accepted));
    of_code.or_else(|| open.find_map(|finding| of_finding(finding, known)))
}

fn of_refusal(code: RefusalCode) -> Option<Steps> {
    use RefusalCode as R;
    Some(match code {
        R::NoCertificateForName
        | R::NameWithoutAddress
        | R::NameTakenByWildcard
        | R::NameTakenOver
        | R::SiteAmbiguous
        | R::AddressCertificateHidden => NAME,
        R::NameOfOtherSite | R::NameOfOtherHost => FURTHER,
        R::PortNotFree | R::PortSpeaksHttp => PORT,
        R::HttpHostsLeftBare | R::NoHttpToRedirect | R::RewriteSwitchedOff | R::RedirectLoop => HTTP,
        R::CaaForbids
        | R::TermsNotAgreed
        | R::TooManyFailures
        | R::TrialsOnly
        | R::AccountExists
        | R::NoAccount => AUTHORITY,
        R::NobodyAnswers | R::AcmePathTaken | R::HalfAPair | R::FileExists => SOURCE,
        R::PassPhraseUnfit | R::PassPhraseNotAsked => KEY,
        R::ConfigBroken
        | R::ConfigEndless
        | R::ConfigEmpty
        | R::NotAConfig
        | R::ConfigUtf16
        | R::ConfigByteOrderMark
        | R::OtherServerRoot => SERVER,
        _ => return None,
    })
}

/// What would keep answers from working, by the rules of `enable`, once one about files or names was given.
pub fn doubt(step: Step, known: &Answers, look: &dyn Looks) -> Option<Doubt> {
    const JUDGED: [Step; 10] = [
        Step::Certificate,
        Step::Key,
        Step::KeyPhrase,
        Step::Chain,
        Step::Archive,
        Step::ArchivePhrase,
        Step::Name,
        Step::TypedName,
        Step::Aliases,
        Step::TypedAliases,
    ];
    if !JUDGED.contains(&step) {
        return None;
    }
    let mut findings = look.foreseen(known);
    findings.retain(|finding| {
        let about = of_finding(finding, known);
        finding.is_open(&known.accepted) && about.is_some_and(|about| is_answered(about, known))
    });
    let about = of_finding(findings.first()?, known)?;
    Some(Doubt {
        accepts: ways_on(&findings, &known.accepted),
        findings,
        about,
    })
}

/// Is what they are about known, so that it can be judged? A chain only once the name is: that of the site may stay.
fn is_answered(about: Steps, known: &Answers) -> bool {
    let is_archive = known.certificate.as_ref().is_some_and(|found| found.is_archive);
    match about.first() {
        Some(Step::Key) => is_archive || matches!(known.key, Some((_, Some(_)))),
        Some(Step::Chain) => known.name.is_some(),
        _ => true,
    }
}
