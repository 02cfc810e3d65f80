//! What several commands take.

use camino::Utf8PathBuf;
use clap::Args;

use crate::exit_status::ExitStatus;
use crate::operation::{Failure, PassPhrases};

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
