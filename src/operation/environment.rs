//! What operations are given from outside: the world, where the configuration is, and how to write.

use std::path::PathBuf;
use std::time::Duration;

use camino::Utf8Path;
use time::OffsetDateTime;

use crate::apply::{Disk, RealDisk};
use crate::httpd::Version;
use crate::server::service::{self, Server, Service};

/// The disk, the clock and the service. Everything else that is asked is a program, which tests replace as such.
pub struct World<'a> {
    /// What writes files.
    pub disk: &'a dyn Disk,
    /// The time.
    pub now: &'a dyn Fn() -> OffsetDateTime,
    /// What starts and stops a server.
    pub service: &'a dyn Fn(Server) -> Box<dyn Service>,
    /// How long a restarted server is waited for and watched.
    pub pace: Pace,
    /// The command line, as it is noted in backups, where `disable` looks for what was turned on.
    pub command: Vec<String>,
}

/// How long a restarted server is waited for and watched.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A server that runs may take so long to show what it was told.
    pub patience: Duration,
    /// What is plainly wrong may last so long: it stopped, or answers something else.
    pub short: Duration,
    /// All must be well for so long. Some servers die only when their children start to work.
    pub steady: Duration,
}

impl World<'_> {
    /// The real one.
    pub fn real() -> World<'static> {
        World {
            disk: &RealDisk,
            now: &OffsetDateTime::now_utc,
            service: &service::of,
            pace: Pace {
                patience: Duration::from_secs(20),
                short: Duration::from_secs(4),
                steady: Duration::from_secs(3),
            },
            command: Vec::new(),
        }
    }
}

impl<'a> World<'a> {
    /// The same, which notes these words in backups where the caller gave none.
    pub fn or_command(&self, words: impl IntoIterator<Item = String>) -> World<'a> {
        let command = match self.command.is_empty() {
            true => ["esync-ssl".to_owned()].into_iter().chain(words).collect(),
            false => self.command.clone(),
        };
        World { command, ..*self }
    }
}

/// Where a configuration is, and what is known of its server.
#[derive(Clone, Debug, Default)]
pub struct Where {
    /// The server root.
    pub root: Option<PathBuf>,
    /// The server root where none is given, before the usual places.
    pub usual_root: Option<PathBuf>,
    /// The main file.
    pub config: Option<PathBuf>,
    /// The httpd binary.
    pub httpd: Option<PathBuf>,
    /// Flags that the server is started with.
    pub define: Vec<String>,
    /// Version of the server, whatever its binary says.
    pub apache_version: Option<Version>,
}

impl Where {
    /// Does anything say which server is meant?
    pub fn is_named(&self) -> bool {
        self.root.is_some() || self.config.is_some() || self.usual_root.is_some()
    }
}

/// How a writing operation writes. By default it asks, tests, rehearses, and leaves the server alone.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    /// Apache is not asked (`httpd -t`) whether it accepts the result.
    pub no_test: bool,
    /// The TLS settings are not tried on a short run of the server's own httpd.
    pub no_rehearsal: bool,
    /// Seconds to wait for another run on the same server root.
    pub lock_timeout: u64,
    /// A running server is restarted, and all is put back unless it then serves what is configured.
    pub restart: bool,
    /// The same, and a stopped one is started.
    pub start: bool,
    /// Nobody is asked.
    pub yes: bool,
    /// Nothing is written.
    pub dry_run: bool,
    /// A dry run saves here what it plans.
    pub save_plan: Option<PathBuf>,
}

impl Writing {
    /// The same, for a dry run that saves what it plans.
    pub fn saving(self, plan: Option<&Utf8Path>) -> Writing {
        let save_plan = plan.map(|path| path.as_std_path().to_path_buf());
        Writing { save_plan, ..self }
    }

    /// Is the server to show the changes?
    pub fn restarts(&self) -> bool {
        self.restart || self.start
    }
}
