//! The command line: clap, nothing else. What all commands take; each command's own arguments are in a file of its name.

mod acme;
mod answers;
mod apply;
mod authority;
mod cert;
mod check;
mod completions;
mod devices;
mod disable;
mod doctor;
mod dsc;
mod dump;
mod enable;
mod examples;
mod explain;
mod flags;
mod guide;
mod help;
mod inherit;
mod lint;
mod man;
mod options;
mod ports;
mod print_answers;
mod quotes;
mod renew;
mod report;
mod restart;
mod restore;
mod schedule;
mod schema;
mod values;
mod verify;
mod whole_paths;

use std::path::PathBuf;

use std::ffi::OsString;

use camino::Utf8PathBuf;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::change::Action;
use crate::httpd::Version;
use crate::operation::{Where, by_words};
use help::{MORE, MORE_OF_ALL, epilogue, examples_only, help_flag, most_used, version_flag};

use options::{LISTS, READS, all_exit_statuses, exit_statuses};

pub use acme::{
    AccountCommand, AcmeCheck, AcmeCommand, DeactivateAccount, ExportAccount, ImportAccount, Revoke, RollKey,
    ShowAccount,
};
pub use apply::Apply;
pub use cert::{CertCommand, DecryptKey, Import, Inspect, Install, Request, SelfSigned};
pub use check::Check;
pub use completions::Completions;
pub use devices::Devices;
pub use disable::Disable;
pub use doctor::Doctor;
pub use dsc::DscCommand;
pub use dump::Dump;
pub use enable::Enable;
pub use explain::Explain;
pub use flags::switched;
pub use guide::Guide;
pub use inherit::{Wrong, deepest};
pub use lint::Lint;
pub use man::Man;
pub use ports::Ports;
pub use quotes::{flag_of, is_dash};
pub use renew::Renew;
pub use report::Report;
pub use restart::Restart;
pub use restore::Restore;
pub use schedule::ScheduleCommand;
pub use schema::Schema;
pub use verify::Verify;

/// Takes an Apache httpd server from HTTP to working HTTPS by editing its configuration safely.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
#[command(disable_help_flag = true, disable_version_flag = true, arg = help_flag(), arg = version_flag())]
#[command(mut_args = most_used(&["root"]), after_help = MORE_OF_ALL)]
#[command(after_long_help = epilogue(examples::ALL, all_exit_statuses()))]
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
#[command(next_help_heading = "Output")]
pub struct Global {
    /// Server root, such as C:\eSync\Apache24
    ///
    /// [default: ESYNC_SSL_ROOT, else the server that runs, else the usual places]
    #[arg(long, global = true, help_heading = "Server", value_name = "DIR")]
    pub root: Option<Utf8PathBuf>,
    /// Main configuration file [default: conf/httpd.conf or apache2.conf below the server root]
    #[arg(long, global = true, help_heading = "Server", value_name = "FILE")]
    pub config: Option<Utf8PathBuf>,
    /// The httpd binary to ask for version and modules [default: the one below the server root]
    #[arg(long, global = true, help_heading = "Server", value_name = "FILE")]
    pub httpd: Option<Utf8PathBuf>,
    /// A flag that the server is started with (`httpd -D NAME`); may be repeated
    #[arg(long, global = true, help_heading = "Server", value_name = "NAME")]
    pub define: Vec<String>,
    /// Version of the server, when there is no binary to ask
    #[arg(long, global = true, help_heading = "Server", value_name = "X.Y.Z", value_parser = parse_version)]
    pub apache_version: Option<Version>,
    /// Print one JSON document instead of text, whatever comes of the run; esync-ssl schema explains its fields
    #[arg(long, global = true)]
    pub json: bool,
    /// Take what is not typed from this TOML file, whose keys are the long flags; and from variables: ESYNC_SSL_PORT is
    /// --port. What is typed is stronger than a variable, and that than the file
    #[arg(long, global = true, value_name = "FILE")]
    pub answers: Option<Utf8PathBuf>,
    /// Print the answer file that gives this run, and do nothing else
    #[arg(long, global = true)]
    pub print_answers: bool,
    /// Errors and refusals only, beside the answer
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Tell what is read, which program is asked, what is decided and why
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// When to print in colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

impl Global {
    /// For an operation, with what the environment says.
    pub fn place(&self) -> Where {
        let path = |path: &Option<Utf8PathBuf>| path.clone().map(PathBuf::from);
        Where {
            root: path(&self.root),
            usual_root: usual_root(&|name| std::env::var_os(name)),
            config: path(&self.config),
            httpd: path(&self.httpd),
            define: self.define.clone(),
            apache_version: self.apache_version,
        }
    }
}

/// What a variable is, if it is set.
type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The server root that the environment names; --root and --config are stronger.
fn usual_root(environment: Environment) -> Option<PathBuf> {
    let variable = environment("ESYNC_SSL_ROOT").map(quotes::bare_variable);
    variable.filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Variables of the environment that look like flags and are none, for people.
pub fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut ours = names.filter(|name| name.starts_with(flags::PREFIX)).peekable();
    match ours.peek() {
        Some(_) => inherit::unknown(Arguments::command(), ours),
        None => Vec::new(),
    }
}

/// A command line with what the environment and an answer file add to it.
pub struct Line {
    /// What it says.
    pub arguments: Arguments,
    /// Its words, as if all had been typed.
    pub words: Vec<OsString>,
    /// The same as an answer file, where that is asked for.
    pub answers: Option<String>,
    /// The command as it is typed, such as `cert inspect`.
    pub command: String,
}

impl Line {
    /// Reads what was typed, and what was not from its other places.
    ///
    /// # Errors
    /// A wrong command line; help and version, which are answers.
    pub fn read(typed: Vec<OsString>, environment: Environment) -> Result<Line, Wrong> {
        let whole = inherit::complete(Arguments::command, typed, environment)?;
        let arguments = Arguments::from_arg_matches(&whole.matches)
            .map_err(|error| error.format(&mut Arguments::command()))?;
        let global = &arguments.global;
        let root = usual_root(environment).filter(|_| global.root.is_none() && global.config.is_none());
        let answers = global
            .print_answers
            .then(|| print_answers::text(Arguments::command(), &whole.matches, root.as_deref()));
        let words = match arguments.command.saves_plan() {
            // A plan may be made again in another folder.
            true => whole_paths::of(&Arguments::command(), whole.words),
            false => whole.words,
        };
        Ok(Line {
            command: deepest(&whole.matches).0.join(" "),
            arguments,
            words,
            answers,
        })
    }
}

/// What a command line asked for: what was done, and the domains as they were typed.
pub fn asked_for(words: &[String]) -> (Action, Vec<String>) {
    let parsed = Arguments::try_parse_from(words).or_else(|error| {
        // In earlier versions --force of disable took no code.
        let rest: Vec<&String> = words.iter().filter(|word| *word != "--force").collect();
        Arguments::try_parse_from(rest).map_err(|_| error)
    });
    match parsed.map(|arguments| arguments.command) {
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
    Guide(Guide),
    Enable(Box<Enable>),
    Disable(Disable),
    Apply(Apply),
    /// List the backups that writing commands made
    #[command(after_help = MORE, after_long_help = epilogue(examples::BACKUPS, exit_statuses(LISTS)))]
    Backups,
    Restore(Restore),
    Doctor(Doctor),
    Check(Check),
    Explain(Explain),
    Ports(Ports),
    Restart(Restart),
    Verify(Verify),
    Renew(Renew),
    /// Every certificate that this Apache uses: how long it lives, whether it is served, who renews it and when
    #[command(after_help = MORE, after_long_help = epilogue(examples::CERTIFICATES, exit_statuses(READS)))]
    Certificates,
    Devices(Devices),
    Report(Report),
    /// Certificates and keys: look at them, make them, convert them, install them
    #[command(subcommand, after_help = MORE, after_long_help = examples_only(examples::CERT))]
    Cert(CertCommand),
    /// Certificate authorities that are asked by ACME: what would come of an order, accounts, revoking
    #[command(subcommand, after_help = MORE, after_long_help = examples_only(examples::ACME))]
    Acme(AcmeCommand),
    /// Renewal without hands: have the scheduler of this machine renew certificates, or not
    #[command(subcommand, after_help = MORE, after_long_help = examples_only(examples::SCHEDULE))]
    Schedule(ScheduleCommand),
    /// Show what the server serves: modules, listeners, virtual hosts
    #[command(after_help = MORE, after_long_help = epilogue(examples::STATUS, exit_statuses(READS)))]
    Status,
    Lint(Lint),
    /// Desired states, as Microsoft DSC reads, tests and sets them
    #[command(subcommand, after_help = MORE, after_long_help = examples_only(examples::DSC))]
    Dsc(DscCommand),
    Dump(Dump),
    Schema(Schema),
    Completions(Completions),
    Man(Man),
    /// Print version, commit and its date, target and features of this program
    #[command(after_help = MORE, after_long_help = epilogue(examples::VERSION, exit_statuses(&[])))]
    Version,
}

impl Command {
    /// Is nobody there who reads what is said beside answers and errors?
    pub fn is_scheduled(&self) -> bool {
        matches!(self, Command::Renew(renew) if renew.scheduled)
    }

    /// Is its command line kept in a plan?
    fn saves_plan(&self) -> bool {
        match self {
            Command::Enable(enable) => enable.save_plan.is_some(),
            Command::Disable(disable) => disable.save_plan.is_some(),
            _ => false,
        }
    }
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
        assert_eq!(told("x disable --domain a.test"), (disable, a.clone()));
        assert_eq!(told("x disable --force --domain a.test -y"), (disable, a));
        assert_eq!(told("x disable -y"), (disable, vec![]));
        assert_eq!(told("x restore"), (Action::Other, vec![]));
        assert_eq!(told(""), (Action::Other, vec![]));
    }
}
