//! What became of the server in a run that wrote, or was to, and what is left to do for it.

use serde::Serialize;

use super::find::{self, Loaded};
use super::http_before::Compared;
use super::job::Job;
use super::{next_steps, running, verify};
use crate::check::Finding;

/// What became of the server.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ServerEffect"))]
pub struct Effect {
    /// In one word.
    pub result: ServerResult,
    /// The service or program that was told; null where none was.
    pub(crate) service: Option<String>,
    /// How long it took until it was sure that all is well; null where it was not told.
    pub(crate) seconds: Option<f64>,
    /// What clients see now, as `verify` tells it; null where it was not asked for, or is stopped.
    pub(crate) probe: Option<verify::Report>,
    /// What HTTPS answered to requests that HTTP had answered before; missing where nothing was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compared: Option<Compared>,
    /// What puts it into effect, where that was not asked for or the server was stopped: our command, and that of the
    /// machine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) orders: Vec<String>,
}

/// What became of the server, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServerResult {
    /// It was not to be restarted.
    #[default]
    NotAsked,
    /// It was stopped, and is left so.
    LeftStopped,
    /// It was restarted, and serves what is configured.
    Restarted,
    /// It was started, and serves what is configured.
    Started,
    /// It served that already, and was left alone.
    ShowsIt,
}

/// What would be done to a server for which no file would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Would {
    /// It would be restarted, as it does not show or has not read all that is configured.
    Restart,
    /// It would be started.
    Start,
}

impl ServerResult {
    /// Of one that was told to start.
    pub fn of_start(was_running: bool) -> ServerResult {
        match was_running {
            true => ServerResult::Restarted,
            false => ServerResult::Started,
        }
    }
}

impl Effect {
    /// It was not to be restarted; what to do then.
    pub fn not_asked(loaded: Option<&Loaded>, job: Job) -> Effect {
        Effect {
            orders: orders(loaded, job),
            ..Effect::default()
        }
    }

    /// What clients will object to although the server shows what was written.
    pub fn findings(&self) -> Vec<Finding> {
        self.probe
            .as_ref()
            .map(verify::Report::objections)
            .unwrap_or_default()
    }

    /// The server was told, and is not as it was.
    pub fn is_change(&self) -> bool {
        matches!(self.result, ServerResult::Restarted | ServerResult::Started)
    }

    /// The server was not told.
    pub fn is_open(&self) -> bool {
        self.result == ServerResult::NotAsked
    }
}

/// What has the server read its files: our command, where it finds an httpd for it, and that of the machine.
pub fn orders(loaded: Option<&Loaded>, job: Job) -> Vec<String> {
    let is_here = loaded.is_none_or(|loaded| !running::is_elsewhere(loaded));
    let has_httpd = match loaded {
        Some(loaded) => matches!(loaded.binary, Ok(Some(_))),
        None => find::installation(job.place)
            .is_ok_and(|found| job.place.httpd.is_some() || matches!(found.binary(), Ok(Some(_)))),
    };
    let ours = (is_here && has_httpd).then(|| next_steps::command(&["restart"], job.place));
    let loaded = loaded.filter(|_| is_here);
    let theirs = loaded.and_then(|loaded| (job.world.service)(running::server(loaded)).order());
    ours.into_iter().chain(theirs).collect()
}
