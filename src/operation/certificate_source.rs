//! Where the certificate of a domain comes from, when that was not said: told, or asked where somebody can answer. And the
//! key of a certificate that came without one.

use camino::{Utf8Path, Utf8PathBuf};

use super::questions::Voice;
use super::{Failure, key_files};
use crate::change::domain_name;
use crate::check::tls_files::File;
use crate::exit_status::ExitStatus;
use crate::quoted::{bare, quoted, word};
use crate::refusal::{Advised, Refusal, RefusalCode};
use crate::shown::printable;
use crate::tls::Error;
use crate::tls::certificate::Certificate;
use crate::tls::container::{Contents, Kind};
use crate::tls::private_key::PrivateKey;
use crate::tls::public_key::PublicKey;
use crate::wording::reason;

/// What was chosen, as it would have been named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Files of their own.
    Files {
        /// `--cert`.
        certificate: Utf8PathBuf,
        /// `--key`; where it is not said, it is [looked for](key_of).
        key: Option<Utf8PathBuf>,
        /// `--chain`.
        chain: Option<Utf8PathBuf>,
        /// `--copy-certs`.
        copies: bool,
    },
    /// `--pfx`.
    Archive(Utf8PathBuf),
    /// `--acme`.
    Authority,
    /// `--self-signed`.
    SelfSigned,
}

/// A name that was not given.
const NAME: &str = "NAME";

/// Asks for the name that clients use, where that was not said.
///
/// # Errors
/// That it is missing, when nobody is there to ask or nothing is answered.
pub fn domain(source: Option<&Source>, more: &str, voice: &dyn Voice) -> Result<String, Failure> {
    let names = match source {
        Some(Source::Files { certificate, .. }) => names_of(certificate),
        _ => Vec::new(),
    };
    let usual = names.iter().find(|name| !name.contains('*'));
    if voice.can_ask() {
        let hint = usual.map(|name| format!(" [{name}]")).unwrap_or_default();
        let question = format!("Domain name or address that clients use{hint}:");
        let typed = ask_until(&question, "name", voice, |typed| match domain_name(typed) {
            Err(why) if !typed.is_empty() => {
                Err(format!("{} is not one: {why}", printable(typed.as_bytes())))
            }
            _ => Ok(typed.to_owned()),
        })?;
        match (typed.is_empty(), usual) {
            (false, _) => return Ok(typed),
            (true, Some(usual)) => return Ok(usual.clone()),
            (true, None) => return Err(not_given("name")),
        }
    }
    if source.is_none() {
        let cause = "enable needs the name that clients use, and a certificate for it";
        return Err(usage(cause, ":\n", ways(NAME, more)));
    }
    let these = match names.as_slice() {
        [] => String::new(),
        names => format!("; the certificate is for {}", names.join(", ")),
    };
    let name = usual.map_or(NAME.to_owned(), |name| word(name));
    let cause = "enable needs the name that clients use";
    Err(usage(cause, ": ", format!("--domain {name}{these}")))
}

/// Asks where the certificate of a domain comes from; `more` are the options that name the server.
///
/// # Errors
/// Which ways there are, when nobody is there to ask; what to do first, when the answer needs that.
pub fn choose(domain: &str, more: &str, voice: &dyn Voice) -> Result<Source, Failure> {
    if !voice.can_ask() {
        let cause = format!("the certificate of {domain} was not named");
        return Err(usage(cause, ". It can come from:\n", ways(domain, more)));
    }
    voice.talk(&format!(
        "Where does the certificate of {domain} come from?\n  \
         1  files: certificate and private key (PEM)\n  \
         2  a PFX or P12 archive\n  \
         3  files in another form: DER, or a key under a pass-phrase; they are converted\n  \
         4  a certificate authority that makes it now, for nothing: Let's Encrypt (the name must lead here from everywhere)\n  \
         5  another certificate authority, which still has to make it\n  \
         6  nowhere: make a self-signed one, to try things out (browsers warn about it)"
    ));
    let number = ask_until("Number [none]:", "certificate", voice, |number| match number {
        "" | "1" | "2" | "3" | "4" | "5" | "6" => Ok(number.to_owned()),
        other => Err(format!("{other} is none of these numbers, which are 1 to 6")),
    })?;
    let file = |question: &str| file(question, "certificate", voice);
    let none = || not_given("certificate");
    match number.as_str() {
        "1" | "3" => Ok(Source::Files {
            certificate: file("Certificate file [none]:")?.ok_or_else(none)?,
            key: file("Private key file [the one that belongs to it]:")?,
            chain: file("File with the intermediate certificates [none]:")?,
            copies: number == "3",
        }),
        "2" => Ok(Source::Archive(
            file("Archive (.pfx, .p12) [none]:")?.ok_or_else(none)?,
        )),
        "4" => Ok(Source::Authority),
        "5" => Err(usage(
            "nothing was written",
            ". ",
            format!(
                "First have it made: esync-ssl cert request --domain {} writes the request for the authority, and says what \
                 comes next",
                word(domain)
            ),
        )),
        "6" => Ok(Source::SelfSigned),
        _ => Err(none()),
    }
}

/// All ways, one a line.
fn ways(domain: &str, more: &str) -> String {
    let name = if domain == NAME {
        domain.to_owned()
    } else {
        word(domain)
    };
    let enable = format!("esync-ssl enable --domain {name}{more}");
    let lines = [
        (
            "certificate and key (PEM)",
            format!("{enable} --cert FILE --key FILE [--chain FILE]"),
        ),
        ("a PFX or P12 archive", format!("{enable} --pfx FILE")),
        (
            "DER, key with pass-phrase",
            format!("{enable} --cert FILE --key FILE --copy-certs"),
        ),
        (
            "a p7b archive",
            "esync-ssl cert import FILE, then --cert and --key".to_owned(),
        ),
        ("Let's Encrypt, asked now", format!("{enable} --acme")),
        (
            "an authority, not asked yet",
            format!("esync-ssl cert request --domain {name}"),
        ),
        ("none, to try things out", format!("{enable} --self-signed")),
    ];
    let lines = lines.map(|(what, command)| format!("  {what:<28} {command}"));
    lines.join("\n")
}

/// The file with the private key of a certificate, and where it was found, for people: the file of the certificate
/// itself, or one beside it that belongs to it; else whoever is there is asked.
///
/// # Errors
/// That there is none, and what lies beside.
pub fn key_of(certificate: &Utf8Path, voice: &dyn Voice) -> Result<(Utf8PathBuf, String), Failure> {
    let bytes = key_files::bytes(certificate, "certificate").map_err(|failure| {
        let cause = failure.error.to_string();
        usage(cause, "; ", "the private key is missing as well: --key FILE")
    })?;
    let contents = Contents::recognise(&bytes);
    if contents.items.iter().any(|item| item.kind.is_key()) {
        let note = format!("the private key is taken from {certificate} as well, which holds one");
        return Ok((certificate.to_owned(), note));
    }
    if contents.items.iter().any(|item| item.kind == Kind::Pfx) {
        return Err(usage(
            format!("{certificate} is a PFX archive, which holds the key as well"),
            ": ",
            format!("give --pfx {} instead of --cert", quoted(certificate)),
        ));
    }
    let read = Certificate::read_all(&bytes).ok();
    let Some(leaf) = read.as_ref().and_then(|all| all.first()) else {
        let cause = format!(
            "--cert {certificate} is not a certificate: it is {}",
            contents.describe()
        );
        return Err(usage(
            cause,
            "; ",
            "name the certificate with --cert, and the private key with --key FILE",
        ));
    };
    let mut beside = Vec::new();
    for path in neighbours(certificate) {
        match fits(&path, &leaf.public_key) {
            None => {}
            Some(Ok(())) => {
                let note = format!("the private key is taken from {path}, which belongs to {certificate}");
                return Ok((path, note));
            }
            Some(Err(why)) => beside.push(format!(". {path} {why}")),
        }
    }
    let cause = format!("the private key of {certificate} was not named");
    if voice.can_ask() {
        voice.talk(&format!("{cause}{}", beside.concat()));
        let what = "private key";
        let key = file("Private key file [none]:", what, voice)?.ok_or_else(|| not_given(what))?;
        let note = format!("the private key is taken from {key}");
        return Ok((key, note));
    }
    let fix = "give --key FILE, or --pfx FILE where certificate and key are in one archive";
    Err(usage(cause, ": ", format!("{fix}{}", beside.concat())))
}

/// Where keys lie beside their certificates: `server.key` beside `server.crt`, `privkey.pem` beside `fullchain.pem`.
fn neighbours(certificate: &Utf8Path) -> Vec<Utf8PathBuf> {
    let stem = certificate.file_stem().unwrap_or_default();
    let names = [
        format!("{stem}.key"),
        format!("{stem}-key.pem"),
        "privkey.pem".to_owned(),
    ];
    let paths = names.iter().map(|name| certificate.with_file_name(name));
    paths.filter(|path| path.is_file()).collect()
}

/// Whether a key belongs to a certificate; nothing of a file that is none.
fn fits(path: &Utf8Path, wanted: &PublicKey) -> Option<Result<(), String>> {
    let bytes = File::load(path.as_std_path()).bytes.ok()?;
    match PrivateKey::read(&bytes, None) {
        Ok(key) if key.public_key() == Some(wanted) => Some(Ok(())),
        Ok(_) => Some(Err("lies beside it and is the key of another certificate".into())),
        Err(Error::Encrypted(_)) => Some(Err(format!(
            "lies beside it and is under a pass-phrase: --key {} --copy-certs asks for that",
            quoted(path)
        ))),
        Err(_) => None,
    }
}

/// The names in a certificate file, if it is one.
fn names_of(certificate: &Utf8Path) -> Vec<String> {
    let bytes = File::load(certificate.as_std_path()).bytes;
    let leaf = bytes.ok().and_then(|bytes| Certificate::first(&bytes));
    leaf.map(|leaf| leaf.dns_names).unwrap_or_default()
}

/// What is answered; nothing at the end of the input, where what is said next gets a line of its own.
fn ask(question: &str, voice: &dyn Voice) -> Result<Option<String>, Failure> {
    match voice.reply(question) {
        None => Err(Failure::interrupted().into_interrupted()),
        Some(line) if line.is_empty() => {
            voice.talk("");
            Ok(None)
        }
        Some(line) => Ok(Some(line.trim().to_owned())),
    }
}

/// Asks for `what` until the answer is one; why it is none is said.
fn ask_until<T>(
    question: &str,
    what: &str,
    voice: &dyn Voice,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    loop {
        let answer = ask(question, voice)?.ok_or_else(|| not_given(what))?;
        match read(&answer) {
            Ok(answer) => return Ok(answer),
            Err(why) => voice.talk(&why),
        }
    }
}

/// A file that is there; nothing where none is named. File managers put quotation marks around a path.
fn file(question: &str, what: &str, voice: &dyn Voice) -> Result<Option<Utf8PathBuf>, Failure> {
    ask_until(question, what, voice, |typed| {
        let path = Utf8Path::new(bare(typed));
        match path.metadata() {
            _ if path.as_str().is_empty() => Ok(None),
            Ok(metadata) if metadata.is_dir() => Err(format!("{path} is a folder; name a file in it")),
            Ok(_) => Ok(Some(path.to_owned())),
            Err(error) => Err(format!("{path} cannot be read: {}", reason(&error))),
        }
    })
}

fn not_given(what: &str) -> Failure {
    let cause = format!("no {what} was given, and nothing was written");
    Failure::refused(Refusal::new(RefusalCode::Declined, cause, "", ""))
}

fn usage(cause: impl Into<String>, joint: &'static str, fix: impl Into<String>) -> Failure {
    Failure {
        status: ExitStatus::Usage,
        ..Failure::error(Advised::new(cause, joint, fix))
    }
}
