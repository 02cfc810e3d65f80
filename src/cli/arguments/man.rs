//! The arguments of `man`.

use camino::Utf8PathBuf;
use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{MAKES, exit_statuses};

/// Write the manual pages, one for each command.
///
/// The pages are esync-ssl.1, esync-ssl-enable.1, esync-ssl-cert-inspect.1 and so on. All of them are written, or none;
/// an existing file is never overwritten. Their date is that of this version, or SOURCE_DATE_EPOCH where that is set.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::MAN, exit_statuses(MAKES)))]
pub struct Man {
    /// Folder for the pages, such as /usr/local/share/man/man1; it is made if there is none
    #[arg(value_name = "DIR")]
    pub folder: Utf8PathBuf,
}
