//! What several commands take.

use camino::Utf8PathBuf;
use clap::Args;

use crate::exit_status::ExitStatus;
use crate::operation::{self, Failure, PassPhrases};

/// The end of every help text.
pub fn exit_statuses() -> String {
    let lines = ExitStatus::ALL
        .iter()
        .map(|(status, meaning)| format!("\n{:>3}  {meaning}", status.code()));
    format!("Exit status:{}", lines.collect::<String>())
}

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

/// How a writing command writes.
#[derive(Debug, Args)]
pub struct Writing {
    /// Do not ask Apache (`httpd -t`) whether it accepts the result
    #[arg(long)]
    pub no_test: bool,
    /// Do not try the TLS settings on a short run of the server's own httpd first
    #[arg(long)]
    pub no_rehearsal: bool,
    /// Seconds to wait for another run on the same server root
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_timeout: u64,
    /// Restart Apache if it runs, and put everything back unless it then serves what is configured
    #[arg(long)]
    pub restart: bool,
    /// Like --restart, and start Apache if it is stopped
    #[arg(long)]
    pub start: bool,
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
