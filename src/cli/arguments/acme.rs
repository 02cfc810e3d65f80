//! The command line of `esync-ssl acme`: clap, nothing else.

use camino::Utf8PathBuf;
use clap::{Args, Subcommand, ValueEnum};

use super::authority::{AnswerChoice, AskedAuthority, DnsOptions};
use super::examples;
use super::help::{MORE, epilogue, examples_only};
use super::options::{ASKS, CHANGES_ACCOUNT, LOOKS, MAKES, PassPhraseOption, exit_statuses};
use crate::operation::authority::revoke::Reason;
use crate::operation::obtain::Wanted;

/// The commands below `acme`. Those with arguments say there what they do: a line here would take the place of that text.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum AcmeCommand {
    Check(AcmeCheck),
    /// The account of this server at a certificate authority: show it, carry it, change its key, give it up
    #[command(subcommand, after_help = MORE, after_long_help = examples_only(examples::ACME_ACCOUNT))]
    Account(AccountCommand),
    Revoke(Revoke),
}

/// The commands below `acme account`.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum AccountCommand {
    Show(ShowAccount),
    Deactivate(DeactivateAccount),
    RollKey(RollKey),
    Export(ExportAccount),
    Import(ImportAccount),
}

/// Ask only the questions that precede an order of `enable --acme`, and order nothing.
///
/// Whether the names can be in a certificate, where they lead to, who has the ports 443 and 80 and would answer, which
/// lines of the configuration would take the path where Apache answers, whether it shows a probe there, whether the
/// authority is reached, and whether the clock is right. Of the server nothing is written but the probe, which goes again
/// at once. Status 12 says that there would be no certificate.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::ACME_CHECK, exit_statuses(LOOKS)))]
pub struct AcmeCheck {
    /// Domain names and addresses that a certificate would be for
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AskedAuthority,
    /// Kind of certificate, by the authority's own word
    #[arg(long, value_name = "PROFILE", help_heading = "Certificate authority")]
    pub ca_profile: Option<String>,
    /// Who is to answer when the authority looks whether the names lead here
    #[arg(long, value_enum, value_name = "WHO", default_value_t = AnswerChoice::Auto, help_heading = "Certificate authority")]
    pub answer: AnswerChoice,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub dns: DnsOptions,
}

impl AcmeCheck {
    /// What would be ordered.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            profile: self.ca_profile.clone(),
            answer: self.answer.into(),
            dns_hook: self.dns.hook(),
            ..self.authority.wanted()
        }
    }
}

/// Show the account of this server as the certificate authority has it.
///
/// Its address, whom the authority writes to, and whether it can be used. Its key is never shown.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::ACME_ACCOUNT_SHOW, exit_statuses(ASKS)))]
pub struct ShowAccount {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AskedAuthority,
}

/// Give the account up, for ever.
///
/// Its certificates stay valid, and are renewed by another account.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
#[command(after_long_help = epilogue(examples::ACME_ACCOUNT_DEACTIVATE, exit_statuses(CHANGES_ACCOUNT)))]
pub struct DeactivateAccount {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AskedAuthority,
    /// Write without asking
    #[arg(short, long, help_heading = "Writing")]
    pub yes: bool,
}

/// Give the account another key.
///
/// The new key is on the disk before the authority hears of it; a run that is killed is ended by the next one.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
#[command(after_long_help = epilogue(examples::ACME_ACCOUNT_ROLL_KEY, exit_statuses(CHANGES_ACCOUNT)))]
pub struct RollKey {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AskedAuthority,
}

/// Copy the account of this server into a folder: its key, and what is known of it.
///
/// `acme account import` takes it over on another machine. Existing files are never overwritten; the key is readable by
/// its owner only: whoever has it can act in your name.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::ACME_ACCOUNT_EXPORT, exit_statuses(MAKES)))]
pub struct ExportAccount {
    /// Folder to write key.pem and account.json into; it is made where it is not there
    #[arg(value_name = "FOLDER")]
    pub folder: Utf8PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AskedAuthority,
}

/// Take over an account that another program or machine has.
///
/// That of certbot (private_key.json), acme.sh (account.key), lego (keys/ADDRESS.key), or what `acme account export` wrote. The
/// authority must know the key before it is kept. What it is taken from stays as it is.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
#[command(after_long_help = epilogue(examples::ACME_ACCOUNT_IMPORT, exit_statuses(CHANGES_ACCOUNT)))]
pub struct ImportAccount {
    /// File with the key, or a folder in which it is
    #[arg(value_name = "PATH")]
    pub path: Utf8PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AskedAuthority,
    /// Move another account of this server out of the way
    ///
    /// Into a folder beside, where nothing of it is lost.
    #[arg(long, help_heading = "Writing")]
    pub force: bool,
}

/// Have a certificate revoked: browsers refuse it from then on, for ever.
///
/// By the account of this server, or with the certificate's own key by anybody who has it. The server keeps serving it
/// until it gets another one.
#[derive(Debug, Args)]
#[command(after_help = MORE)]
#[command(after_long_help = epilogue(examples::ACME_REVOKE, exit_statuses(CHANGES_ACCOUNT)))]
pub struct Revoke {
    /// File with the certificate (PEM or DER); of a chain the first
    #[arg(value_name = "FILE")]
    pub file: Utf8PathBuf,
    /// Why
    #[arg(long, value_enum, value_name = "REASON", default_value_t = ReasonChoice::Unspecified)]
    pub reason: ReasonChoice,
    /// Its private key, to ask with that; no account is needed then
    #[arg(long, value_name = "FILE")]
    pub key: Option<Utf8PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub pass_phrase: PassPhraseOption,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub authority: AskedAuthority,
    /// Write without asking
    #[arg(short, long, help_heading = "Writing")]
    pub yes: bool,
}

/// The choices of `--reason`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReasonChoice {
    /// None is given
    Unspecified,
    /// Others may have the key
    KeyCompromise,
    /// Another certificate took its place
    Superseded,
    /// The names are not served anymore
    CessationOfOperation,
}

impl From<ReasonChoice> for Reason {
    fn from(choice: ReasonChoice) -> Reason {
        match choice {
            ReasonChoice::Unspecified => Reason::Unspecified,
            ReasonChoice::KeyCompromise => Reason::KeyCompromise,
            ReasonChoice::Superseded => Reason::Superseded,
            ReasonChoice::CessationOfOperation => Reason::CessationOfOperation,
        }
    }
}
