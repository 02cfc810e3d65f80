//! What several commands take.

use std::ffi::OsStr;

use super::values;
use camino::Utf8PathBuf;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, Command};

use crate::check::Code;
use crate::exit_status::ExitStatus;
use crate::operation::{self, Failure, PassPhrases};
use crate::refusal::RefusalCode;

/// The end of a help text: what the command can end with. Any can be done, fail, be misunderstood and be interrupted.
pub fn exit_statuses(own: &[ExitStatus]) -> String {
    use ExitStatus::{Done, Error, Interrupted, Usage};
    let can_be = |status| own.contains(status) || [Done, Error, Usage, Interrupted].contains(status);
    let all = ExitStatus::ALL.iter().filter(|(status, _)| can_be(status));
    let lines = all.map(|(status, meaning)| format!("\n{:>3}  {meaning}", status.code()));
    let (number, meaning) = ExitStatus::BY_SIGNAL;
    format!("Exit status:{}\n{number}  {meaning}", lines.collect::<String>())
}

/// The same of the program as a whole.
pub fn all_exit_statuses() -> String {
    exit_statuses(&ExitStatus::ALL.map(|(status, _)| status))
}

/// What a command can end with that looks at a configuration.
pub const READS: &[ExitStatus] = &[ExitStatus::Refused, ExitStatus::NotPermitted, ExitStatus::InUse];

/// What `backups` can end with.
pub const LISTS: &[ExitStatus] = &[ExitStatus::NotPermitted, ExitStatus::InUse];

/// What a command can end with that looks for errors.
pub const LOOKS: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotPermitted,
    ExitStatus::ErrorsFound,
    ExitStatus::InUse,
];

/// What `doctor` can end with, which may do what other commands do.
pub const DIAGNOSES: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotRestored,
    ExitStatus::NotPermitted,
    ExitStatus::ErrorsFound,
    ExitStatus::NobodyToAsk,
    ExitStatus::InUse,
];

/// What a command can end with that makes new files.
pub const MAKES: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotRestored,
    ExitStatus::NotPermitted,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
];

/// What a command can end with that tells a server to restart.
pub const RESTARTS: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotRestored,
    ExitStatus::NotPermitted,
    ExitStatus::Locked,
    ExitStatus::NotServing,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
];

/// What a command can end with that puts files back.
pub const RESTORES: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::ProofFailed,
    ExitStatus::NotRestored,
    ExitStatus::NotPermitted,
    ExitStatus::Locked,
    ExitStatus::NotServing,
    ExitStatus::Declined,
    ExitStatus::NobodyToAsk,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
];

/// What `apply` can end with: it has no `--exit-code`.
pub const APPLIES: &[ExitStatus] = WRITES.split_at(1).1;

/// What a command can end with that changes the configuration, and asks no certificate authority.
pub const WRITES: &[ExitStatus] = ENABLES.split_at(ENABLES.len() - 2).0;

/// What `renew` can end with, which asks nobody at a terminal.
pub const RENEWS: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::TestFailed,
    ExitStatus::ProofFailed,
    ExitStatus::NotRestored,
    ExitStatus::NotPermitted,
    ExitStatus::Locked,
    ExitStatus::ErrorsFound,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
    ExitStatus::AuthorityRefused,
    ExitStatus::AuthorityUnreachable,
];

/// What `enable` can end with, which may ask a certificate authority.
pub const ENABLES: &[ExitStatus] = &[
    ExitStatus::WouldChange,
    ExitStatus::Refused,
    ExitStatus::TestFailed,
    ExitStatus::ProofFailed,
    ExitStatus::NotRestored,
    ExitStatus::NotPermitted,
    ExitStatus::Locked,
    ExitStatus::NotServing,
    ExitStatus::Declined,
    ExitStatus::NobodyToAsk,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
    ExitStatus::AuthorityRefused,
    ExitStatus::AuthorityUnreachable,
];

/// What a command can end with that asks a certificate authority.
pub const ASKS: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotPermitted,
    ExitStatus::InUse,
    ExitStatus::AuthorityRefused,
    ExitStatus::AuthorityUnreachable,
];

/// What a command can end with that changes something at a certificate authority.
pub const CHANGES_ACCOUNT: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotRestored,
    ExitStatus::NotPermitted,
    ExitStatus::Locked,
    ExitStatus::Declined,
    ExitStatus::NobodyToAsk,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
    ExitStatus::AuthorityRefused,
    ExitStatus::AuthorityUnreachable,
];

/// What a command can end with that turns a schedule on or off.
pub const SCHEDULES: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotPermitted,
    ExitStatus::ErrorsFound,
    ExitStatus::Declined,
    ExitStatus::NobodyToAsk,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
];

/// What `report` can end with.
pub const REPORTS: &[ExitStatus] = &[
    ExitStatus::Refused,
    ExitStatus::NotPermitted,
    ExitStatus::Declined,
    ExitStatus::NobodyToAsk,
    ExitStatus::ChangedMeanwhile,
    ExitStatus::InUse,
];

/// Where a pass-phrase comes from. Never the command line itself: other users can read that.
#[derive(Debug, Args)]
pub struct PassPhraseOption {
    /// Read the pass-phrase from the first line of this file, or of the standard input with `-`
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<Utf8PathBuf>,
}

impl PassPhraseOption {
    /// Reads the file or standard input, if one was named.
    pub fn read(&self) -> Result<PassPhrases, Failure> {
        PassPhrases::of(self.passphrase_file.as_deref())
    }
}

/// Takes codes in any case, and names all that there are where none or another is given.
#[derive(Clone)]
pub struct Codes<C>(Vec<(C, &'static str)>);

/// The findings that `--force` may name.
pub fn finding_codes() -> Codes<Code> {
    Codes(Code::ALL.to_vec())
}

/// The refusals that `--force` may name, of a command that overrides some.
pub fn refusal_codes(codes: &[RefusalCode]) -> Codes<RefusalCode> {
    Codes(codes.iter().map(|code| (*code, code.word())).collect())
}

impl<C: Copy + Send + Sync + 'static> TypedValueParser for Codes<C> {
    type Value = C;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<C, clap::Error> {
        let words = PossibleValuesParser::new(self.0.iter().map(|(_, word)| *word));
        let typed = words.parse_ref(command, arg, &value.to_ascii_uppercase())?;
        let code = self.0.iter().find(|(_, word)| *word == typed);
        Ok(code.expect("one of the words that are taken").0)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|(_, word)| PossibleValue::new(*word))))
    }
}

/// How a writing command writes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Writing")]
pub struct Writing {
    /// Restart Apache if it runs, and prove that it works
    ///
    /// Everything is put back unless it then serves what is configured.
    #[arg(long)]
    pub restart: bool,
    /// Like --restart, and start Apache if it is stopped
    #[arg(long)]
    pub start: bool,
    /// Do not ask Apache (`httpd -t`) whether it accepts the result
    #[arg(long)]
    pub no_test: bool,
    /// Do not try the TLS settings on a short run of the server's own httpd first
    #[arg(long)]
    pub no_rehearsal: bool,
    /// Seconds to wait for another run on the same server root
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = values::whole::<u64>)]
    pub lock_timeout: u64,
}

impl Writing {
    /// For an operation, with what is said beside them.
    pub fn with(&self, yes: bool, dry_run: bool) -> operation::Writing {
        operation::Writing {
            no_test: self.no_test,
            no_rehearsal: self.no_rehearsal,
            lock_timeout: self.lock_timeout,
            restart: self.restart,
            start: self.start,
            yes,
            dry_run,
            save_plan: None,
        }
    }
}
