//! The command line of `esync-ssl cert`: clap, nothing else.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{LOOKS, MAKES, PassPhraseOption, exit_statuses, finding_codes};
use super::values;
use crate::check::Code;
use crate::tls::issue::KeyType;

/// The commands below `cert`. What they do, they say themselves: a line here would take the place of that text.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum CertCommand {
    Inspect(Inspect),
    SelfSigned(SelfSigned),
    Request(Request),
    DecryptKey(DecryptKey),
    Import(Import),
    Install(Install),
}

/// Tell what certificate and key files are, and which belong together.
///
/// Recognises files by content and not by name: PEM, DER, PFX, p7b, keys of every form, requests; and says what a
/// file is when it is none of these (status 12). Shows nothing of a private key but its kind and the fingerprint of its
/// public half.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::CERT_INSPECT, exit_statuses(LOOKS)))]
pub struct Inspect {
    /// Files to look at
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<Utf8PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
}

/// Make a key and a certificate signed with itself, to try things out.
///
/// Browsers warn about such a certificate. Existing files are never overwritten; the key is readable by its owner
/// only; on Windows by SYSTEM, Administrators and the account of Apache's service as well.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::CERT_SELF_SIGNED, exit_statuses(MAKES)))]
pub struct SelfSigned {
    /// Domain names and addresses that the certificate is for
    #[arg(long = "domain", required = true, num_args = 1.., value_name = "NAME")]
    pub domains: Vec<String>,
    /// Kind of the new key
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = KeyChoice::P256)]
    pub key_type: KeyChoice,
    /// Days that the certificate is valid
    #[arg(long, value_name = "N", default_value_t = crate::tls::issue::DEFAULT_DAYS, value_parser = values::whole::<u32>)]
    pub days: u32,
    /// Where the certificate goes [default: NAME.crt in this folder]
    #[arg(long, value_name = "FILE")]
    pub out_cert: Option<Utf8PathBuf>,
    /// Where the private key goes [default: NAME.key in this folder]
    #[arg(long, value_name = "FILE")]
    pub out_key: Option<Utf8PathBuf>,
}

/// Make a request for a certificate authority (CSR), and a key if there is none.
///
/// Send the request to the authority and keep the key: the certificate that comes back belongs to it. Existing
/// files are never overwritten; a new key is readable by its owner only; on Windows by SYSTEM, Administrators and the account of
/// Apache's service as well.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::CERT_REQUEST, exit_statuses(MAKES)))]
pub struct Request {
    /// Domain names and addresses that the certificate is for
    #[arg(long = "domain", required = true, num_args = 1.., value_name = "NAME")]
    pub domains: Vec<String>,
    /// Use this private key instead of a new one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_type", "out_key"])]
    pub key: Option<Utf8PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
    /// Kind of the new key
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = KeyChoice::P256)]
    pub key_type: KeyChoice,
    /// Where the request goes [default: NAME.csr in this folder]
    #[arg(long, value_name = "FILE")]
    pub out_request: Option<Utf8PathBuf>,
    /// Where the new private key goes [default: NAME.key in this folder]
    #[arg(long, value_name = "FILE")]
    pub out_key: Option<Utf8PathBuf>,
}

/// Take the pass-phrase off a private key.
///
/// Apache on Windows cannot ask for a pass-phrase, and a service cannot anywhere. The pass-phrase is asked for at
/// the terminal without showing it. The new file is readable by its owner only; on Windows by SYSTEM,
/// Administrators and the account of Apache's service as well. An existing file is never overwritten.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::CERT_DECRYPT_KEY, exit_statuses(MAKES)))]
pub struct DecryptKey {
    /// File with the private key under a pass-phrase
    #[arg(value_name = "IN")]
    pub input: Utf8PathBuf,
    /// Where the key without pass-phrase goes (PEM)
    #[arg(value_name = "OUT")]
    pub output: Utf8PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
}

/// Unpack a PFX or p7b archive into PEM files that Apache reads.
///
/// Writes NAME.key (readable by its owner only, on Windows by SYSTEM, Administrators and the account of
/// Apache's service as well), NAME.crt with the server's certificate, and NAME.chain.crt with the
/// intermediate certificates in the right order, as far as the archive has them. A p7b has no key. Existing files
/// are never overwritten.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::CERT_IMPORT, exit_statuses(MAKES)))]
pub struct Import {
    /// The archive (.pfx, .p12, .p7b)
    #[arg(value_name = "FILE")]
    pub file: Utf8PathBuf,
    /// Folder for the new files
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out_dir: Utf8PathBuf,
    /// First part of the new files' names [default: the certificate's first name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
}

/// Put certificate, key and chain into conf/ssl below the server root.
///
/// Where there is no conf, that is ssl. They are checked first, and written as
/// PEM, one file each, the chain in order, the key without pass-phrase and readable by its owner only; on Windows by SYSTEM,
/// Administrators and the account of Apache's service as well. Existing
/// files are never overwritten. No configuration is changed: `esync-ssl enable` does that.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::CERT_INSTALL, exit_statuses(MAKES)))]
pub struct Install {
    /// Certificate file
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        required_unless_present = "pfx",
        help_heading = "Certificate"
    )]
    pub cert: Option<Utf8PathBuf>,
    /// Private key file
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    pub key: Option<Utf8PathBuf>,
    /// File with the intermediate certificates
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Certificate")]
    pub chain: Option<Utf8PathBuf>,
    /// PFX archive with all of them
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["cert", "key", "chain"],
        help_heading = "Certificate"
    )]
    pub pfx: Option<Utf8PathBuf>,
    #[command(flatten, next_help_heading = "Certificate")]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
    /// Name that clients will use, to check the certificate for
    #[arg(long, value_name = "NAME", help_heading = "Certificate")]
    pub domain: Option<String>,
    /// First part of the new files' names [default: the domain, else the certificate's first name]
    #[arg(long, value_name = "NAME", help_heading = "Writing")]
    pub name: Option<String>,
    /// Install despite this finding (can be repeated)
    #[arg(long, value_name = "CODE", value_parser = finding_codes(), hide_possible_values = true, help_heading = "Writing")]
    pub force: Vec<Code>,
    /// Show what would be written, and write nothing
    ///
    /// The files are checked as in a real run.
    #[arg(short = 'n', long, help_heading = "Writing")]
    pub dry_run: bool,
}

/// The choices of `--key-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeyChoice {
    /// EC on curve P-256: small and fast
    P256,
    /// EC on curve P-384
    P384,
    /// RSA, 2048 bits
    Rsa2048,
    /// RSA, 3072 bits
    Rsa3072,
    /// RSA, 4096 bits: slow to make and to use
    Rsa4096,
}

impl From<KeyChoice> for KeyType {
    fn from(choice: KeyChoice) -> KeyType {
        match choice {
            KeyChoice::P256 => KeyType::P256,
            KeyChoice::P384 => KeyType::P384,
            KeyChoice::Rsa2048 => KeyType::Rsa2048,
            KeyChoice::Rsa3072 => KeyType::Rsa3072,
            KeyChoice::Rsa4096 => KeyType::Rsa4096,
        }
    }
}
