//! The arguments of `report`.

use camino::Utf8PathBuf;
use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{REPORTS, exit_statuses};

/// Put everything that support will ask for into one text file, without secrets.
///
/// Versions, layout, status, findings of check and lint, what `httpd -t` says, ports, the last lines of the error logs,
/// certificates in words, backups. Keys and files of passwords are not opened for it; passwords, tokens, cookies and
/// query strings are taken out of everything else. What is inside is listed before it is written, and nothing is sent
/// anywhere. Read it before you pass it on.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::REPORT, exit_statuses(REPORTS)))]
pub struct Report {
    /// File to write; never overwrites one; `-` is the standard output [default: esync-ssl-report-TIME.txt]
    #[arg(value_name = "FILE")]
    pub file: Option<Utf8PathBuf>,
    /// Write a page for people instead, one HTML file to hand over or to print; `-` is the standard output
    ///
    /// It shows who answers and with which certificate, when these end, what was found and how to correct it, the last changes,
    /// and what to type into devices. It loads nothing, runs no script, and holds no secrets either.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub html: Option<Utf8PathBuf>,
    /// With --html: a page about many servers, of what `certificates --json` printed on each, as NAME.json
    ///
    /// Which certificate ends first, whose clock is wrong, and who has to do something before certificates live shorter. A
    /// folder stands for all its files with this ending.
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "html")]
    pub fleet: Vec<Utf8PathBuf>,
    /// Show what would be written, and write nothing
    ///
    /// What would be inside is listed.
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Write without asking
    #[arg(short, long)]
    pub yes: bool,
}
