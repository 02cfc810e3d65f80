//! mod_ssl's directives: the values that it checks itself. Opens no certificate.

use super::context::Directive;
use super::walk::{Path, Walk};
use crate::httpd::word::words;
use crate::httpd::{Kind, Phase, Problem, Severity, Truth};

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
    let value = directive.first();
    let show = String::from_utf8_lossy(&value).into_owned();
    let is = |known: &[&str]| {
        known
            .iter()
            .any(|known| value.eq_ignore_ascii_case(known.as_bytes()))
    };
    match name {
        "SSLLog" | "SSLLogLevel" => {
            refuse(
                walk,
                directive,
                format!("{name} directive is no longer supported"),
            );
        }
        "SSLEngine" => engine(walk, directive, &value),
        "SSLProtocol" | "SSLProxyProtocol" => protocol(walk, directive),
        "SSLVerifyClient" | "SSLProxyVerify"
            if !is(&["none", "off", "optional", "require", "on", "optional_no_ca"]) =>
        {
            refuse(walk, directive, format!("{name}: Invalid argument '{show}'"));
        }
        "SSLVerifyDepth" | "SSLProxyVerifyDepth" if value.starts_with(b"-") => {
            refuse(walk, directive, format!("{name}: Invalid argument"));
        }
        "SSLRandomSeed" if !is(&["startup", "connect"]) => {
            refuse(
                walk,
                directive,
                format!("SSLRandomSeed: invalid context: `{show}'"),
            );
        }
        "SSLRandomSeed" => random_seed(walk, directive),
        "SSLPassPhraseDialog" => dialog(walk, directive, &value),
        "SSLOpenSSLConfCmd"
            if FILE_COMMANDS
                .iter()
                .any(|known| value.eq_ignore_ascii_case(known)) =>
        {
            if let Some(path) = directive.words().get(1) {
                file(walk, directive, path, Kind::File);
            }
        }
        "SSLCipherSuite" | "SSLProxyCipherSuite" => {
            let words = directive.words();
            if words.len() == 2 && !words[1].is_empty() && !matches!(words[0].as_slice(), b"SSL" | b"TLSv1.3")
            {
                refuse(walk, directive, format!("protocol '{show}' not supported"));
            }
        }
        "SSLOptions" => options(walk, directive),
        "SSLSessionCache" | "SSLStaplingCache" => cache(walk, directive, &value),
        _ => {}
    }
}

fn refuse(walk: &mut Walk<'_>, directive: &Directive<'_>, apache: String) {
    let message = format!("mod_ssl refuses this: {apache}");
    walk.refuse(directive, "tls-setting", apache, message);
}

fn engine(walk: &mut Walk<'_>, directive: &Directive<'_>, value: &[u8]) {
    let on = value.eq_ignore_ascii_case(b"on");
    if !on && !value.eq_ignore_ascii_case(b"off") {
        if value.eq_ignore_ascii_case(b"optional") {
            return walk.warn(
                &directive.entry,
                Some(1),
                "tls-optional",
                "`SSLEngine optional` no longer turns TLS on since Apache 2.4.64",
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
fn random_seed(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    let words = directive.words();
    let Some(source) = words.get(1) else { return };
    let prefixed = [&b"file:"[..], b"exec:", b"egd:"]
        .iter()
        .find_map(|kind| source.strip_prefix(*kind));
    if !source.eq_ignore_ascii_case(b"builtin")
        && let Some(full) = walk.full(prefixed.unwrap_or(source))
        && walk.c.source().kind(&full) == Kind::Missing
    {
        let shown = String::from_utf8_lossy(&full).into_owned();
        return refuse(
            walk,
            directive,
            format!("SSLRandomSeed: source path '{shown}' does not exist"),
        );
    }
    // As C's atoi reads it.
    let number = |word: &Vec<u8>| {
        let word = word.strip_prefix(b"+").unwrap_or(word);
        word.first().is_some_and(u8::is_ascii_digit) && word.iter().any(|digit| matches!(digit, b'1'..=b'9'))
    };
    if words.get(2).is_some_and(|word| !number(word)) {
        refuse(
            walk,
            directive,
            "SSLRandomSeed: invalid number of bytes specified".into(),
        );
    }
}

fn dialog(walk: &mut Walk<'_>, directive: &Directive<'_>, value: &[u8]) {
    if let Some(program) = value.strip_prefix(b"exec:") {
        if let Some(full) = walk.full(program)
            && walk.c.source().kind(&full) == Kind::Missing
        {
            let shown = String::from_utf8_lossy(&full).into_owned();
            let apache = format!("SSLPassPhraseDialog: file '{shown}' does not exist");
            refuse(walk, directive, apache);
        }
    } else if value != b"builtin" && !value.starts_with(b"|") {
        refuse(walk, directive, "SSLPassPhraseDialog: Invalid argument".into());
    }
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
    let Some(full) = walk.full(value).filter(|_| !value.starts_with(b"pkcs11:")) else {
        return;
    };
    let there =
        walk.c.source().kind(&full) == wanted && (wanted == Kind::Folder || !walk.c.source().is_empty(&full));
    if there {
        return walk.found_right(path, value);
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
    walk.refuse(directive, "tls-file", apache, message);
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
        let problem = Problem {
            code: "tls-no-protocol",
            severity: Severity::Warning,
            apache: Some("AH02231: No SSL protocols available [hint: SSLProtocol]".into()),
            message: format!(
                "`{}` leaves no protocol: `httpd -t` is content, but a server with TLS does not start",
                directive.name
            ),
            ..Problem::new(Phase::Starting)
        };
        walk.report(&directive.entry, None, problem);
    }
    if replaced.is_some() {
        let problem = Problem {
            code: "tls-protocol-signs",
            severity: Severity::Warning,
            apache: Some(format!(
                "AH02532: {}: Protocol overrides already set parameter(s). Check if a +/- prefix is missing.",
                directive.name
            )),
            message: "a name without `+` or `-` replaces all names before it; write `-all +NAME +NAME`"
                .into(),
            ..Problem::new(Phase::Checking)
        };
        walk.report(&directive.entry, replaced, problem);
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

fn options(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    const NAMES: [&str; 7] = [
        "StdEnvVars",
        "ExportCertData",
        "FakeBasicAuth",
        "StrictRequire",
        "OptRenegotiate",
        "LegacyDNStringFormat",
        "CompatEnvVars",
    ];
    let bad = words(directive.rest).find_map(|word| {
        let name = match &*word.value {
            [b'+' | b'-', name @ ..] => name,
            name => name,
        };
        let known = NAMES
            .iter()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(name));
        (!known).then(|| String::from_utf8_lossy(name).into_owned())
    });
    if let Some(bad) = bad {
        refuse(walk, directive, format!("SSLOptions: Illegal option '{bad}'"));
    }
}

fn cache(walk: &mut Walk<'_>, directive: &Directive<'_>, value: &[u8]) {
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
