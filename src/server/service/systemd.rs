//! systemd, through `systemctl`. Its properties are words that are not translated.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::{Error, Server, Service, State};
use crate::refusal::Refusal;
use crate::server::binary::{Binary, Output, Silence};
use crate::server::environment::Environment;
use crate::server::guard::Starter;
use crate::server::port::process;
use crate::server::same_file::same;

/// Units that distributions have for Apache.
const UNITS: [&str; 2] = ["apache2.service", "httpd.service"];

/// A unit that runs this server.
pub struct Unit {
    name: String,
}

/// The unit of this server: it runs it, or, when it is stopped, would start it.
///
/// # Errors
/// Why systemd cannot be asked although it is there.
pub fn of(server: &Server) -> Result<Option<Unit>, Box<Refusal>> {
    if cfg!(windows) {
        return Ok(None);
    }
    for name in UNITS {
        let unit = Unit {
            name: name.to_string(),
        };
        match unit.properties() {
            Ok(properties) if runs(&properties, server) => return Ok(Some(unit)),
            Err(Error::Distrusted(why)) => return Err(why),
            _ => {}
        }
    }
    Ok(None)
}

/// Whether a unit with these properties is that of a server.
fn runs(properties: &BTreeMap<String, String>, server: &Server) -> bool {
    let get = |name: &str| properties.get(name).map_or("", String::as_str);
    if get("LoadState") != "loaded" {
        return false;
    }
    let main = get("MainPID").parse().ok().filter(|pid: &u32| *pid > 0);
    match main.and_then(process) {
        // systemd says that it is the unit's, under whatever account that runs.
        Some(process) => server.is_named_by(&process),
        None => {
            // apachectl starts what is compiled in: the distribution's own root.
            let start = get("ExecStart");
            let distribution = ["/etc/apache2", "/etc/httpd"]
                .iter()
                .any(|root| same(&server.root, root.as_ref()));
            distribution || start.contains(&server.main.display().to_string())
        }
    }
}

impl Unit {
    fn call(&self, arguments: &[&str]) -> Result<Output, Error> {
        let arguments: Vec<&str> = arguments.iter().copied().chain([self.name.as_str()]).collect();
        Binary::of_system("systemctl")
            .and_then(|program| program.run(&arguments))
            .map_err(|silence| match silence {
                Silence::Distrusted(_) => Error::Distrusted(Box::new(silence.refusal())),
                _ => Error::Failed(silence.to_string()),
            })
    }

    fn properties(&self) -> Result<BTreeMap<String, String>, Error> {
        let output = self.call(&["show", "--property=LoadState,ActiveState,MainPID,ExecStart,Job"])?;
        if !output.status.success() {
            return Err(Error::Failed(words(&output)));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        Ok(pairs
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect())
    }

    fn tell(&self, word: &str) -> Result<(), Error> {
        let output = self.call(&[word, "--no-ask-password", "--no-block"])?;
        // 4: "user had insufficient privileges", by the convention of init scripts; 1 comes with polkit's refusal.
        match output.status.code() {
            Some(0) => Ok(()),
            Some(4) => Err(Error::NotPermitted(self.refusal(&output))),
            _ if words(&output).contains("authentication required") => {
                Err(Error::NotPermitted(self.refusal(&output)))
            }
            _ => Err(Error::Failed(words(&output))),
        }
    }

    fn refusal(&self, output: &Output) -> String {
        format!(
            "this account may not control {} ({}); run again as root",
            self.name,
            words(output)
        )
    }
}

fn words(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&all).trim().to_string()
}

impl Service for Unit {
    fn name(&self) -> String {
        format!("the unit {}", self.name)
    }

    fn order(&self) -> Option<String> {
        let name = self.name.strip_suffix(".service").unwrap_or(&self.name);
        Some(format!("systemctl restart {name}"))
    }

    fn state(&self) -> Result<State, Error> {
        let properties = self.properties()?;
        // A stop that it was told and has not begun.
        let waits = properties
            .get("Job")
            .is_some_and(|job| !["", "0"].contains(&job.as_str()));
        Ok(match properties.get("ActiveState").map(String::as_str) {
            Some("active") if !waits => State::Running,
            Some("inactive" | "failed") => State::Stopped,
            _ => State::Changing,
        })
    }

    fn start(&self) -> Result<(), Error> {
        self.tell("start")
    }

    fn stop(&self) -> Result<(), Error> {
        self.tell("stop")
    }

    fn reload(&self, graceful: bool) -> Option<Result<(), Error>> {
        graceful.then(|| self.tell("reload"))
    }

    fn starter(&self) -> Option<Starter> {
        let words = ["start", "--no-ask-password", &self.name];
        Some(Starter {
            binary: Binary::of_system("systemctl").ok()?,
            arguments: words.map(OsString::from).to_vec(),
            environment: Environment::default(),
            // It comes to its turn when the unit has stopped.
            after: None,
        })
    }
}
