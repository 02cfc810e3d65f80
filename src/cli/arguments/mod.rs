//! The command line: clap, nothing else. What all commands take; each command's own arguments are in a file of its name.

mod cert;
mod check;
mod devices;
mod disable;
mod dump;
mod enable;
mod explain;
mod lint;
mod options;
mod report;
mod restart;
mod restore;
mod verify;

use std::path::PathBuf;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::change::Action;
use crate::httpd::Version;
use crate::operation::{Where, by_words};

pub use cert::{CertCommand, DecryptKey, Import, Inspect, Install, Request, SelfSigned};
pub use check::Check;
pub use devices::Devices;
pub use disable::Disable;
pub use dump::Dump;
pub use enable::Enable;
pub use explain::Explain;
pub use lint::Lint;
pub use options::exit_statuses;
pub use report::Report;
pub use restart::Restart;
pub use restore::Restore;
pub use verify::Verify;

/// Takes an Apache httpd server from HTTP to working HTTPS by editing its configuration safely.
#[derive(Debug, Parser)]
#[command(version, after_help = exit_statuses(), max_term_width = 100)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes
    #[command(flatten)]
    pub global: Global,
}

/// What every command takes: where the configuration is, what the server is like, how to print.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Server root [default: the environment's ESYNC_SSL_ROOT, else the usual places]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<Utf8PathBuf>,
    /// Main configuration file [default: conf/httpd.conf or apache2.conf below the server root]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<Utf8PathBuf>,
    /// The httpd binary to ask for version and modules [default: the one below the server root]
    #[arg(long, global = true, value_name = "FILE")]
    pub httpd: Option<Utf8PathBuf>,
    /// A flag that the server is started with (`httpd -D NAME`); may be repeated
    #[arg(long, global = true, value_name = "NAME")]
    pub define: Vec<String>,
    /// Version of the server, when there is no binary to ask
    #[arg(long, global = true, value_name = "X.Y.Z", value_parser = parse_version)]
    pub apache_version: Option<Version>,
    /// Print one JSON document instead of text; of a refusal it has code, places, cause and fix (`refusal`)
    #[arg(long, global = true)]
    pub json: bool,
    /// When to print in colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

impl Global {
    /// For an operation, with what the environment says.
    pub fn place(&self) -> Where {
        let path = |path: &Option<Utf8PathBuf>| path.clone().map(PathBuf::from);
        let variable = std::env::var_os("ESYNC_SSL_ROOT").filter(|value| !value.is_empty());
        Where {
            root: path(&self.root),
            usual_root: variable.map(PathBuf::from),
            config: path(&self.config),
            httpd: path(&self.httpd),
            define: self.define.clone(),
            apache_version: self.apache_version,
        }
    }
}

/// What a command line asked for: what was done, and the domains as they were typed.
pub fn asked_for(words: &[String]) -> (Action, Vec<String>) {
    match Arguments::try_parse_from(words).map(|arguments| arguments.command) {
        Ok(Command::Enable(enable)) => (Action::Enable, enable.domain),
        Ok(Command::Disable(disable)) => (Action::Disable, disable.domain),
        // Another version may have taken other arguments.
        _ if words.iter().any(|word| word == "enable") => by_words(words),
        _ => (Action::Other, Vec::new()),
    }
}

fn parse_version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "give a version such as 2.4.7".into())
}

/// The choices of `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal that takes it, unless NO_COLOR is set
    Auto,
    /// In any case
    Always,
    /// Not at all
    Never,
}

/// The commands. Those with arguments say there what they do: a line here would take the place of that text.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Enable(Enable),
    /// Turn HTTPS off again: take out what `enable` put in, put back what it moved
    Disable(Disable),
    /// List the backups that writing commands made
    #[command(after_help = exit_statuses())]
    Backups,
    Restore(Restore),
    Check(Check),
    Explain(Explain),
    /// Show who listens on the ports that the configuration wants
    #[command(after_help = exit_statuses())]
    Ports,
    Restart(Restart),
    Verify(Verify),
    /// For field devices behind a gateway (eWON, Talk2M): look at what it needs, and say what to type
    Devices(Devices),
    /// Put everything that support will ask for into one text file, without secrets
    Report(Report),
    /// Certificates and keys: look at them, make them, convert them, install them
    #[command(subcommand)]
    Cert(CertCommand),
    /// Show what the server serves: modules, listeners, virtual hosts
    #[command(after_help = exit_statuses())]
    Status,
    Lint(Lint),
    Dump(Dump),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn command_lines_of_any_version() {
        let told = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            asked_for(&words)
        };
        let (enable, disable) = (Action::Enable, Action::Disable);
        let a = vec!["a.test".to_owned()];
        assert_eq!(
            told("x enable --self-signed --domain a.test"),
            (enable, a.clone())
        );
        assert_eq!(
            told("x enable --no-longer-there --domain=a.test"),
            (enable, a.clone())
        );
        assert_eq!(told("x disable --domain a.test"), (disable, a));
        assert_eq!(told("x disable -y"), (disable, vec![]));
        assert_eq!(told("x restore"), (Action::Other, vec![]));
        assert_eq!(told(""), (Action::Other, vec![]));
    }
}
