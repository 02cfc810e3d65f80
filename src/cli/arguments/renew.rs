//! The arguments of `renew`.

use std::path::PathBuf;

use clap::Args;

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{RENEWS, exit_statuses};
use super::values;
use crate::check::Code;
use crate::operation::renew::From;
use crate::operation::simulate::{FromDay, Request as Simulation, Span};
use crate::renewal::Window;

/// Renew certificates that `enable --acme` ordered, or that come as files.
///
/// Those that are due: when the authority says so, else when two thirds of their life are over (half of a life below ten
/// days). Each new certificate takes the place of the one before, in the same files, and no line of the configuration
/// changes. Those that others order are taken from where they put them (--from). Apache is restarted once for all of them and
/// must show each at every address; otherwise the certificates before are back and served (status 6). What fails for one does
/// not keep the others, and the status tells it. Files that somebody else changed are not overwritten.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::RENEW, exit_statuses(RENEWS)))]
pub struct Renew {
    /// Names in the certificates that are meant [default: all certificates that were ordered]
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Also those that are not due
    ///
    /// Authorities make a few equal certificates a week and no more.
    #[arg(long)]
    pub now: bool,
    /// Show what would be written, and write nothing
    ///
    /// It says what is due, and asks no authority.
    #[arg(short = 'n', long, conflicts_with = "rehearse")]
    pub dry_run: bool,
    /// Order each where its authority has a place for trials, check it, and throw it away
    #[arg(long)]
    pub rehearse: bool,
    /// For a scheduler, twice a day: silent unless something fails, and done within half an hour
    ///
    /// What would be due before the next look is renewed now. An authority that cannot be reached is told only when a quarter
    /// of the life is left.
    #[arg(long, conflicts_with_all = ["dry_run", "rehearse"])]
    pub scheduled: bool,
    /// Say what would come in this time, such as 10y; ask nobody, and write nothing
    ///
    /// By the decisions that a real run takes, with a look twice a day. Status 12 says that a certificate would be over.
    #[arg(long, value_name = "TIME", help_heading = "Simulation", conflicts_with_all = ["now", "dry_run", "rehearse", "scheduled"])]
    pub simulate: Option<Span>,
    /// From this day on, certificates would live so long, such as 2027-02-10=64d (can be repeated)
    #[arg(
        long,
        value_name = "DAY=TIME",
        help_heading = "Simulation",
        requires = "simulate"
    )]
    pub simulate_life: Vec<FromDay>,
    /// From this day on, the authority would give no answer for so long, such as 2027-03-01=10d (can be repeated)
    #[arg(
        long,
        value_name = "DAY=TIME",
        help_heading = "Simulation",
        requires = "simulate"
    )]
    pub simulate_outage: Vec<FromDay>,
    /// Program that is told when something fails: what `--json` would print is what it reads
    ///
    /// It is run only if nobody else could have put it there, without a shell, for a minute at most; what becomes of it changes
    /// nothing of the run. `esync-ssl schedule on --hook` keeps one for scheduled runs.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["dry_run", "rehearse", "simulate"])]
    pub hook: Option<PathBuf>,
    /// Restart Apache within this time of the day only, such as 02:00-05:00, by the clock of this machine
    ///
    /// A certificate that is made at another time is kept, and installed by the next run within it; at once where the one
    /// before would be over before that. `esync-ssl schedule on --window` has it run then.
    #[arg(long, value_name = "FROM-TO", conflicts_with_all = ["rehearse", "simulate"])]
    pub window: Option<Window>,
    /// From now on, take the certificate that is named from this file or folder
    ///
    /// Whatever somebody puts there: a PFX archive, or certificate, key and chain (PEM, DER, p7b); a certificate without a key
    /// goes with the key that the server has. Each run looks for one that is newer than the one that is served, checks it as
    /// `enable` does, and has it take the place of the files that Apache reads now; the key before is not kept. Who may write
    /// there may replace the certificate: that must be root (on Windows: administrators) or you alone, unless --force says
    /// that others may.
    #[arg(long, value_name = "PATH", requires = "names", help_heading = "Files instead of an authority", conflicts_with_all = ["now", "rehearse", "scheduled", "simulate"])]
    pub from: Option<PathBuf>,
    /// With --from: the file whose first line is the pass-phrase of what is put there; only its owner may read it
    #[arg(
        long,
        value_name = "FILE",
        requires = "from",
        help_heading = "Files instead of an authority"
    )]
    pub passphrase_file: Option<PathBuf>,
    /// With --from: others may write there, and so replace the certificate (OTHERS-WRITE)
    #[arg(long, value_name = "CODE", requires = "from", value_parser = [Code::OthersWrite.word()], ignore_case = true, help_heading = "Files instead of an authority")]
    pub force: Option<String>,
    /// Do not renew the certificates that are named anymore
    ///
    /// They stay as they are, and are served until they are over.
    #[arg(long, requires = "names", help_heading = "Files instead of an authority", conflicts_with_all = ["from", "now", "rehearse", "scheduled", "simulate", "window"])]
    pub forget: bool,
    /// HTTP proxy on the way to the authorities [default: that of `enable`, or HTTPS_PROXY of the environment]
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Write without asking
    ///
    /// It does so anyway.
    #[arg(short, long, hide = true)]
    pub yes: bool,
    /// Seconds to wait for another run on the same server root
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = values::whole::<u64>)]
    pub lock_timeout: u64,
}

impl Renew {
    /// Where the next one comes from, where that is said.
    pub fn from(&self) -> Option<From> {
        Some(From {
            path: self.from.clone()?,
            pass_phrase: self.passphrase_file.clone(),
            others_may_write: self.force.is_some(),
        })
    }

    /// What is to be simulated, where that is asked for.
    pub fn simulation(&self) -> Option<Simulation> {
        Some(Simulation {
            names: self.names.clone(),
            span: self.simulate?,
            lives: self.simulate_life.clone(),
            outages: self.simulate_outage.clone(),
        })
    }
}
