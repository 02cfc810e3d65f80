//! Who answers the authority here: by who has the ports that it looks at now.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::super::answers::Laid;
use super::super::failure::Failure;
use super::super::find::Loaded;
use super::super::job::Job;
use super::super::running;
use super::dns_hook::{self, Records};
use super::dns_record;
use super::hand_over::{self, HandOver};
use super::mod_md;
use super::state::{Record, State};
use super::wanted::{AnswerBy, Authority, DnsHook, Wanted};
use crate::acme::{ChallengeCertificate, ChallengeKind};
use crate::answer::{Listener, Tokens};
use crate::apply::{self, Disk};
use crate::check::port::describe;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::dns::PORT;
use crate::server::port::listeners_on;
use crate::tls::issue::KeyType;
use crate::tls::name::Name;

/// The authority looks at all names within this time, and makes the certificate within the same again.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// How the authority is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a certificate that we show on port 443.
    OwnTls,
    /// By a file that we serve on port 80.
    OwnHttp,
    /// By a file that Apache serves on port 80.
    Apache,
    /// By a record in DNS that a program makes.
    Dns,
    /// By a certificate that we show on port 443, for which Apache is stopped meanwhile.
    Handover,
    /// By a certificate that Apache's mod_md shows on port 443.
    ModMd,
}

impl Way {
    /// What the authority calls it.
    pub fn challenge(self) -> ChallengeKind {
        match self {
            Way::OwnTls | Way::Handover | Way::ModMd => ChallengeKind::TlsAlpn01,
            Way::OwnHttp | Way::Apache => ChallengeKind::Http01,
            Way::Dns => ChallengeKind::Dns01,
        }
    }

    /// Where the authority looks; no other port can be told to it.
    pub fn port(self) -> u16 {
        match self {
            Way::OwnTls | Way::Handover | Way::ModMd => 443,
            Way::OwnHttp | Way::Apache => 80,
            Way::Dns => PORT,
        }
    }

    /// How long the authority may take to look.
    pub fn patience(self) -> Duration {
        match self {
            Way::Handover => hand_over::LONGEST,
            _ => PATIENCE,
        }
    }

    /// Whether nobody is served while the authority looks.
    pub fn stops_apache(self) -> bool {
        self == Way::Handover
    }

    /// Where it looks, in words.
    pub fn place(self) -> String {
        match self {
            Way::Dns => "in DNS".to_owned(),
            _ => format!("on port {}", self.port()),
        }
    }

    /// In words, with why it is this one.
    pub fn describe(self, authority: &Authority, names: &[String]) -> String {
        let answered = match self {
            Way::OwnTls | Way::OwnHttp => {
                "this program answers there itself for some seconds, as nobody else listens on it now"
            }
            Way::Apache => "Apache answers there from a folder of its own, once it was restarted",
            Way::Dns => "the program of --dns-hook makes a TXT record there, and takes it out again",
            Way::ModMd => {
                "mod_md, which this Apache has, answers there out of its own store, without a restart"
            }
            Way::Handover => return self.describe_handover(authority, names),
        };
        format!(
            "the certificate comes from {authority}, which looks for {} {}; {answered} ({})",
            names.join(", "),
            self.place(),
            self.challenge()
        )
    }

    fn describe_handover(self, authority: &Authority, names: &[String]) -> String {
        let killed = match cfg!(unix) {
            true => "also if this program is killed meanwhile",
            false => "by the next run of this program if it is killed meanwhile",
        };
        format!(
            "the certificate comes from {authority}, which looks for {} {}; Apache is stopped for that ({}): for some seconds, {} \
             at most while the authority looks, this program answers there itself, then Apache is started again, {killed}",
            names.join(", "),
            self.place(),
            self.challenge(),
            hand_over::LONGEST.as_secs(),
        )
    }
}

/// Every way that is open now, the best first.
///
/// # Errors
/// Refused where there is none, with who has the ports.
pub fn ways(loaded: &Loaded, wanted: &Wanted) -> Result<Vec<Way>, Failure> {
    let by = wanted.answer;
    if let Some(hook) = &wanted.dns_hook {
        dns_hook::program(&hook.program)?;
        return Ok(vec![Way::Dns]);
    }
    let ends = [443, 80].map(|port| (None, port));
    let listeners = listeners_on(ends).map_err(|why| {
        let fix = "run again as root or Administrator";
        Failure::with_advice(running::not_looked_at(&why), fix)
    })?;
    let server = running::server(loaded);
    let holders = |port| running::holders(loaded, &server, (None, port), &listeners);
    let is_open = |way: &Way| {
        let holders = holders(way.port());
        match holders.is_empty() {
            true => matches!(way, Way::OwnTls | Way::OwnHttp),
            false => !matches!(way, Way::OwnTls | Way::OwnHttp) && holders.iter().all(|(_, own)| *own),
        }
    };
    let all: &[Way] = match by {
        AnswerBy::Any => &[Way::OwnTls, Way::OwnHttp, Way::Apache],
        AnswerBy::Listener => &[Way::OwnTls, Way::OwnHttp],
        AnswerBy::Apache => &[Way::Apache],
        AnswerBy::Handover => &[Way::OwnTls, Way::Handover],
        AnswerBy::ModMd if mod_md::is_loaded(loaded) => &[Way::OwnTls, Way::ModMd],
        AnswerBy::ModMd => &[Way::OwnTls],
        AnswerBy::DnsHook => &[],
    };
    let mut open: Vec<Way> = all.iter().copied().filter(is_open).collect();
    // Apache answers only where it is told so before.
    if open.first() != Some(&Way::Apache) {
        open.retain(|way| *way != Way::Apache);
    }
    if !open.is_empty() {
        return Ok(open);
    }
    let who = |port| match holders(port).first() {
        None => "to nobody".to_owned(),
        Some((_, true)) => "to this Apache".to_owned(),
        Some((listener, false)) => format!("to {}", describe(listener.process.as_ref())),
    };
    let whose = match by {
        AnswerBy::Any | AnswerBy::DnsHook => "nobody here can answer",
        AnswerBy::ModMd => "mod_md cannot answer",
        AnswerBy::Listener | AnswerBy::Handover => "esync-ssl cannot answer",
        AnswerBy::Apache => "Apache does not run on port 80, and cannot answer",
    };
    Err(Failure::refused(Refusal::new(
        RefusalCode::NobodyAnswers,
        format!(
            "{whose} the certificate authority, which looks at port 443 or 80: port 443 belongs {}, and port 80 {}",
            who(443),
            who(80)
        ),
        "; ",
        match by {
            AnswerBy::Any => {
                "stop one of them for the moment, or have a program answer in DNS: --dns-hook PROGRAM"
            }
            AnswerBy::ModMd if !mod_md::is_loaded(loaded) => {
                "Apache does not load mod_md: run again with --answer handover, or without --answer"
            }
            _ => "run again without --answer",
        },
    )))
}

/// Takes away the answers that a killed run left. Whoever orders has the lock, and nobody else's are there.
pub(super) fn sweep(disk: &dyn Disk, folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_token = name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let is_half = name.starts_with(".esync-ssl-") && name.ends_with(".tmp");
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && (is_token || is_half) {
            // One that stays does no harm.
            let _ = apply::remove(disk, &entry.path());
        }
    }
}

/// What one name is answered with.
pub(super) struct Answer {
    pub token: String,
    pub key_authorization: String,
    /// What a record in DNS says instead.
    pub record: String,
    pub name: Name,
}

/// Whoever answers, as long as it lives: we, Apache from these files, or DNS.
pub(super) enum Answering<'a> {
    Own(#[allow(dead_code)] Listener),
    Files(#[allow(dead_code)] Vec<Laid>),
    Records(#[allow(dead_code)] Records<'a>),
    Handover(HandOver<'a>),
    ModMd(#[allow(dead_code)] mod_md::Shown),
}

impl Answering<'_> {
    /// Nobody answers anymore.
    ///
    /// # Errors
    /// When Apache was stopped for it and does not start.
    pub fn end(self) -> Result<(), Failure> {
        match self {
            Answering::Handover(taken) => taken.end(),
            _ => Ok(()),
        }
    }
}

/// Where it is answered, and by what.
pub(super) struct Ground<'a> {
    pub loaded: &'a Loaded,
    /// The folder from which Apache answers.
    pub folder: &'a Path,
    pub authority: &'a Authority,
    pub hook: Option<&'a DnsHook>,
    pub state: &'a State<'a>,
    pub job: Job<'a>,
}

impl<'a> Ground<'a> {
    /// Answers as long as what is given back lives.
    pub fn answering(&self, way: Way, answers: Vec<Answer>) -> Result<Answering<'a>, Failure> {
        let port = way.port();
        Ok(match way {
            Way::OwnHttp => {
                let tokens = answers
                    .into_iter()
                    .map(|answer| (answer.token, answer.key_authorization));
                let listener = Listener::of_files(tokens.collect::<Tokens>(), port);
                Answering::Own(listener.map_err(cannot)?)
            }
            Way::OwnTls => {
                Answering::Own(Listener::of_certificates(certificates(&answers)?, port).map_err(cannot)?)
            }
            Way::Apache => {
                let files = answers
                    .iter()
                    .map(|answer| Laid::lay(self.folder, &answer.token, &answer.key_authorization));
                Answering::Files(files.collect::<Result<_, _>>()?)
            }
            Way::Dns => self.in_dns(&answers)?,
            Way::Handover => {
                let made = certificates(&answers)?;
                Answering::Handover(HandOver::take(&made, port, self.loaded, self.job)?)
            }
            Way::ModMd => {
                let all = answers
                    .iter()
                    .map(|answer| (&answer.name, answer.key_authorization.as_str()));
                let all: Vec<_> = all.collect();
                Answering::ModMd(mod_md::Shown::lay(&all, self.loaded, self.authority)?)
            }
        })
    }

    /// Has DNS answer, and waits until it does.
    fn in_dns(&self, answers: &[Answer]) -> Result<Answering<'a>, Failure> {
        let hook = self.hook.ok_or_else(|| {
            let fix = "name it: --dns-hook PROGRAM";
            Failure::with_advice("no program is known that makes records in DNS", fix)
        })?;
        let all = answers.iter().map(|answer| Record {
            program: apply::Name::from(&*hook.program),
            name: format!("_acme-challenge.{}.", answer.name),
            value: answer.record.clone(),
        });
        let all: Vec<Record> = all.collect();
        let records = dns_hook::present(&all, self.state, self.job)?;
        dns_record::wait(&all, hook.patience, self.job.voice)?;
        Ok(Answering::Records(records))
    }
}

fn cannot(why: impl std::fmt::Display) -> Failure {
    let fix = "run again when the port is free, or as root or Administrator";
    Failure::with_advice(why.to_string(), fix)
}

/// What is shown to the authority, for each name.
fn certificates(answers: &[Answer]) -> Result<Vec<ChallengeCertificate>, Failure> {
    let all = answers
        .iter()
        .map(|answer| ChallengeCertificate::new(&answer.name, &answer.key_authorization, KeyType::P256));
    all.map(|made| made.map_err(cannot)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::RealDisk;

    #[test]
    fn what_a_killed_run_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let stays = [".htaccess", "index.html"];
        for name in stays
            .iter()
            .chain(&["probe-1f", "to-Ken_1", ".esync-ssl-12-0.tmp"])
        {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        fs::create_dir(folder.path().join("folder")).unwrap();
        sweep(&RealDisk, folder.path());
        let left = fs::read_dir(folder.path()).unwrap().flatten();
        let mut left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, [".htaccess", "folder", "index.html"]);
        sweep(&RealDisk, &folder.path().join("none"));
    }
}
