//! mod_ssl's directives: the values that it checks itself. Opens no certificate.

use super::context::Directive;
use super::walk::{Literal, Path, Walk};
use crate::finding::{Finding, Phase};
use crate::httpd::word::words;
use crate::httpd::{Kind, Truth};

/// Must be a file with something in it.
const FILES: [&str; 10] = [
    "SSLCertificateFile",
    "SSLCertificateKeyFile",
    "SSLCertificateChainFile",
    "SSLCACertificateFile",
    "SSLCADNRequestFile",
    "SSLCARevocationFile",
    "SSLProxyCACertificateFile",
    "SSLProxyMachineCertificateFile",
    "SSLSessionTicketKeyFile",
    "SSLSRPVerifierFile",
];
/// Commands of `SSLOpenSSLConfCmd` that name a file.
const FILE_COMMANDS: [&[u8]; 3] = [b"Certificate", b"PrivateKey", b"DHParameters"];
/// Must be a folder.
const FOLDERS: [&str; 5] = [
    "SSLCACertificatePath",
    "SSLCADNRequestPath",
    "SSLCARevocationPath",
    "SSLProxyCACertificatePath",
    "SSLProxyMachineCertificatePath",
];

/// Checks one directive of mod_ssl.
pub(super) fn directive(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    let name = directive.name;
    // The command table allows them there (`SSL_CMD_ALL`), the functions behind it refuse them.
    if directive.context.directory && matches!(name, "SSLCACertificateFile" | "SSLCACertificatePath") {
        return refuse(
            walk,
            directive,
            "Your SSL library does not have support for per-directory CA".into(),
        );
    }
    if FILES.contains(&name) {
        if name == "SSLCertificateFile" {
            walk.hosts.tls(directive.context.host).certificate = true;
        }
        return file(walk, directive, &directive.first(), Kind::File);
    }
    if FOLDERS.contains(&name) {
        return file(walk, directive, &directive.first(), Kind::Folder);
    }
    let refused = match name {
        "SSLEngine" => return engine(walk, directive),
        "SSLProtocol" | "SSLProxyProtocol" => return protocol(walk, directive),
        "SSLOpenSSLConfCmd" => return command(walk, directive),
        "SSLSessionCache" | "SSLStaplingCache" => return cache(walk, directive),
        "SSLRandomSeed" => random_seed(walk, directive),
        "SSLPassPhraseDialog" => dialog(walk, directive),
        "SSLOptions" => options(directive),
        _ => value(directive),
    };
    if let Some(apache) = refused {
        refuse(walk, directive, apache);
    }
}

/// mod_ssl's words about a value that it refuses for itself.
fn value(directive: &Directive<'_>) -> Option<String> {
    let name = directive.name;
    let value = directive.first();
    let show = String::from_utf8_lossy(&value);
    match name {
        "SSLLog" | "SSLLogLevel" => Some(format!("{name} directive is no longer supported")),
        "SSLVerifyClient" | "SSLProxyVerify"
            if !is_one_of(
                &value,
                &["none", "off", "optional", "require", "on", "optional_no_ca"],
            ) =>
        {
            Some(format!("{name}: Invalid argument '{show}'"))
        }
        "SSLVerifyDepth" | "SSLProxyVerifyDepth" if value.starts_with(b"-") => {
            Some(format!("{name}: Invalid argument"))
        }
        "SSLCipherSuite" | "SSLProxyCipherSuite" => {
            let words = directive.words();
            let [protocol, ciphers] = words.as_slice() else {
                return None;
            };
            let refused = !ciphers.is_empty() && !matches!(protocol.as_slice(), b"SSL" | b"TLSv1.3");
            refused.then(|| format!("protocol '{show}' not supported"))
        }
        _ => None,
    }
}

fn is_one_of(value: &[u8], known: &[&str]) -> bool {
    known
        .iter()
        .any(|known| value.eq_ignore_ascii_case(known.as_bytes()))
}

/// `SSLOpenSSLConfCmd COMMAND VALUE`
fn command(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    let words = directive.words();
    if let [command, path, ..] = words.as_slice()
        && FILE_COMMANDS
            .iter()
            .any(|known| command.eq_ignore_ascii_case(known))
    {
        file(walk, directive, path, Kind::File);
    }
}

fn refuse(walk: &mut Walk<'_>, directive: &Directive<'_>, apache: String) {
    let message = format!("mod_ssl refuses this: {apache}");
    walk.refuse(directive, "tls-setting", apache, message);
}

fn engine(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    let value = directive.first();
    let on = value.eq_ignore_ascii_case(b"on");
    if !on && !value.eq_ignore_ascii_case(b"off") {
        if value.eq_ignore_ascii_case(b"optional") {
            return walk.warn(
                &directive.entry,
                Some(1),
                "tls-optional",
                "`SSLEngine optional` no longer turns TLS on, since Apache 2.4.64",
            );
        }
        return walk.refuse(
            directive,
            "tls-setting",
            "Argument must be On or Off",
            "`SSLEngine` takes `on` or `off`",
        );
    }
    walk.hosts.tls(directive.context.host).engine = Some((on, directive.id));
}

/// `SSLRandomSeed CONTEXT SOURCE [BYTES]`
fn random_seed(walk: &Walk<'_>, directive: &Directive<'_>) -> Option<String> {
    let value = directive.first();
    if !is_one_of(&value, &["startup", "connect"]) {
        let shown = String::from_utf8_lossy(&value);
        return Some(format!("SSLRandomSeed: invalid context: `{shown}'"));
    }
    let words = directive.words();
    let source = words.get(1)?;
    let prefixed = [&b"file:"[..], b"exec:", b"egd:"]
        .iter()
        .find_map(|kind| source.strip_prefix(*kind));
    if !source.eq_ignore_ascii_case(b"builtin")
        && let Some(full) = walk.full(prefixed.unwrap_or(source))
        && walk.c.source().kind(&full) == Kind::Missing
    {
        let shown = String::from_utf8_lossy(&full);
        return Some(format!("SSLRandomSeed: source path '{shown}' does not exist"));
    }
    // As C's atoi reads it.
    let number = |word: &Vec<u8>| {
        let word = word.strip_prefix(b"+").unwrap_or(word);
        word.first().is_some_and(u8::is_ascii_digit) && word.iter().any(|digit| matches!(digit, b'1'..=b'9'))
    };
    let is_wrong = words.get(2).is_some_and(|word| !number(word));
    is_wrong.then(|| "SSLRandomSeed: invalid number of bytes specified".into())
}

fn dialog(walk: &Walk<'_>, directive: &Directive<'_>) -> Option<String> {
    let value = directive.first();
    if let Some(program) = value.strip_prefix(b"exec:") {
        let full = walk.full(program)?;
        let is_missing = walk.c.source().kind(&full) == Kind::Missing;
        let shown = String::from_utf8_lossy(&full);
        return is_missing.then(|| format!("SSLPassPhraseDialog: file '{shown}' does not exist"));
    }
    let is_known = *value == *b"builtin" || value.starts_with(b"|");
    (!is_known).then(|| "SSLPassPhraseDialog: Invalid argument".into())
}

fn file(walk: &mut Walk<'_>, directive: &Directive<'_>, value: &[u8], wanted: Kind) {
    let path = if wanted == Kind::Folder {
        Path::Folder
    } else {
        Path::File
    };
    if walk.is_right(path, value) {
        return;
    }
    let literal = walk.literal(value).filter(|_| !value.starts_with(b"pkcs11:"));
    let Some(Literal { full, unsure }) = literal else {
        return;
    };
    let there =
        walk.c.source().kind(&full) == wanted && (wanted == Kind::Folder || !walk.c.source().is_empty(&full));
    if there {
        return walk.found_right(path, value);
    }
    // Whoever starts Apache may see what we may not.
    if walk.c.source().is_closed(&full) {
        return;
    }
    let shown = String::from_utf8_lossy(&full).into_owned();
    let name = directive.name;
    let (apache, message) = match wanted {
        Kind::Folder => (
            format!("{name}: directory '{shown}' does not exist"),
            format!("there is no folder {shown}"),
        ),
        _ => (
            format!("{name}: file '{shown}' does not exist or is empty"),
            format!("there is no file {shown}, or it is empty"),
        ),
    };
    walk.refuse_perhaps(directive, "tls-file", (apache, message), unsure);
}

fn protocol(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    const NAMES: [&str; 7] = ["all", "SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let mut replaced = None;
    for (n, word) in words(directive.rest).enumerate() {
        let (sign, name) = match &*word.value {
            [sign @ (b'+' | b'-'), name @ ..] => (Some(*sign), name),
            name => (None, name),
        };
        let known = NAMES
            .iter()
            .find(|known| known.as_bytes().eq_ignore_ascii_case(name));
        let shown = String::from_utf8_lossy(name).into_owned();
        match known {
            None => {
                let apache = format!("{}: Illegal protocol '{shown}'", directive.name);
                return refuse(walk, directive, apache);
            }
            Some(&"SSLv2") if sign != Some(b'-') => {
                return refuse(walk, directive, "SSLv2 is no longer supported".into());
            }
            // Only the first name may go without a sign; `all` resets on purpose.
            Some(_) if sign.is_none() && n > 0 => replaced = replaced.or(Some(n + 1)),
            Some(_) => {}
        }
    }
    if names_no_protocol(&directive.words()) {
        let finding = Finding {
            rule: "tls-no-protocol",
            apache: Some("AH02231: No SSL protocols available [hint: SSLProtocol]".into()),
            summary: format!(
                "`{}` leaves no protocol: `httpd -t` reports no error, but a server with TLS does not start",
                directive.name
            ),
            ..Finding::accepted(Phase::Starting)
        };
        walk.report(&directive.entry, None, finding);
    }
    if replaced.is_some() {
        let finding = Finding {
            rule: "tls-protocol-signs",
            apache: Some(format!(
                "AH02532: {}: Protocol overrides already set parameter(s). Check if a +/- prefix is missing.",
                directive.name
            )),
            summary: "a name without `+` or `-` replaces all names before it; write `-all +NAME +NAME`"
                .into(),
            ..Finding::accepted(Phase::Checking)
        };
        walk.report(&directive.entry, replaced, finding);
    }
}

/// Do the arguments of an `SSLProtocol` take away every protocol?
pub fn names_no_protocol(arguments: &[Vec<u8>]) -> bool {
    let mut left: Vec<Vec<u8>> = Vec::new();
    for word in arguments {
        let (sign, name) = match word.as_slice() {
            [sign @ (b'+' | b'-'), name @ ..] => (Some(*sign), name),
            name => (None, name),
        };
        let name = name.to_ascii_lowercase();
        let names = match name.as_slice() {
            b"all" => ["tlsv1", "tlsv1.1", "tlsv1.2", "tlsv1.3"]
                .map(|name| name.as_bytes().to_vec())
                .to_vec(),
            _ => vec![name],
        };
        match sign {
            Some(b'-') => left.retain(|name| !names.contains(name)),
            Some(_) => left.extend(names),
            None => left = names,
        }
    }
    left.is_empty()
}

fn options(directive: &Directive<'_>) -> Option<String> {
    const NAMES: [&str; 7] = [
        "StdEnvVars",
        "ExportCertData",
        "FakeBasicAuth",
        "StrictRequire",
        "OptRenegotiate",
        "LegacyDNStringFormat",
        "CompatEnvVars",
    ];
    words(directive.rest).find_map(|word| {
        let name = match &*word.value {
            [b'+' | b'-', name @ ..] => name,
            name => name,
        };
        let shown = String::from_utf8_lossy(name);
        (!is_one_of(name, &NAMES)).then(|| format!("SSLOptions: Illegal option '{shown}'"))
    })
}

fn cache(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    let value = directive.first();
    let provider = value.split(|b| *b == b':').next().unwrap_or_default();
    let none = [&b"none"[..], b"nonenotnull"]
        .iter()
        .any(|none| value.eq_ignore_ascii_case(none));
    if none && directive.name == "SSLSessionCache" {
        return;
    }
    let identifier = [b"socache_", provider, b"_module"].concat();
    if provider.is_empty() || walk.c.modules().has(&identifier) != Truth::False {
        return;
    }
    let shown = String::from_utf8_lossy(provider).into_owned();
    let kind = if directive.name == "SSLSessionCache" {
        "session"
    } else {
        "stapling"
    };
    let known: Vec<&str> = ["dbm", "memcache", "redis", "shmcb"]
        .into_iter()
        .filter(|name| walk.c.modules().has(format!("socache_{name}_module").as_bytes()) == Truth::True)
        .collect();
    let name = directive.name;
    walk.refuse(
        directive,
        "tls-cache",
        format!(
            "{name}: '{shown}' {kind} cache not supported (known names: {}). Maybe you need to load the appropriate \
             socache module (mod_socache_{shown}?).",
            known.join(",")
        ),
        format!("`{name}` needs socache_{shown}_module, which is not loaded"),
    );
}
