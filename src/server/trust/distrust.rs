//! Why something is not trusted, in words, and what makes it trusted.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::quoted::quoted;

/// So many are named; the rest is counted.
const NAMED: usize = 5;

/// Why something is not run, or nothing is run on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrust {
    /// What was judged.
    pub subject: PathBuf,
    /// It, or what on the way to it somebody else may write.
    pub culprit: PathBuf,
    /// Who may: the end of a sentence.
    pub why: String,
    pub(super) step: Step,
}

/// What makes something trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code, reason = "an access list decides there"))]
pub(super) enum Step {
    /// Root as its owner, in the place of this account, and fewer rights if others have too many as well.
    Owner {
        /// Who has it now.
        user: u32,
        /// It is a symbolic link: the usual command would change what that leads to.
        is_link: bool,
        /// What of its mode goes too, for `chmod`.
        mode: Option<&'static str>,
    },
    /// The same with all that lies in it.
    Tree,
    /// Fewer rights, for `chmod`.
    Mode(&'static str),
    /// A copy where only root may write: what is at somebody's home is his.
    Copy,
    /// Another place for the server, or for the program: this one is somebody's home, or above it.
    Home,
    /// Another folder.
    Elsewhere,
    /// To be allowed to look.
    Permission,
    /// Another path.
    Name,
    /// Another access list.
    #[cfg(windows)]
    List,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.culprit != self.subject {
            write!(f, "{}: ", self.subject.display())?;
        }
        write!(f, "{} {}", self.culprit.display(), self.why)
    }
}

impl std::error::Error for Distrust {}

impl Distrust {
    /// How to make it trusted.
    pub fn advice(&self) -> String {
        advice(&[at_home(self.clone(), None)])
    }

    /// The beginning of what is held against it.
    pub fn charge(&self) -> &'static str {
        charge(std::slice::from_ref(self))
    }

    /// The same, told of what would be run or read because of it.
    pub fn of(self, subject: &Path) -> Distrust {
        Distrust {
            subject: subject.to_path_buf(),
            ..self
        }
    }

    /// Nobody is known who may write it.
    fn is_unknown(&self) -> bool {
        matches!(self.step, Step::Permission | Step::Name)
    }

    /// What to type.
    fn command(&self) -> Option<String> {
        let culprit = quoted(&self.culprit);
        match &self.step {
            Step::Owner { is_link: true, .. } => Some(format!("chown -h root {culprit}")),
            Step::Owner { mode: None, .. } => Some(format!("chown root {culprit}")),
            Step::Owner { mode: Some(mode), .. } => {
                Some(format!("chown root {culprit} && chmod {mode} {culprit}"))
            }
            Step::Tree => Some(format!("chown -hR root {culprit} && chmod -R go-w {culprit}")),
            Step::Mode(mode) => Some(format!("chmod {mode} {culprit}")),
            #[cfg(windows)]
            Step::List => crate::acl::remedy_at(&self.culprit),
            _ => None,
        }
    }

    /// What to do where no command does it.
    fn words(&self) -> String {
        let (subject, culprit) = (self.subject.display(), self.culprit.display());
        match &self.step {
            Step::Copy => format!(
                "copy {subject} to a folder below the server root that only root may write to, and name the copy \
                 in the configuration ({culprit} is in a home folder)"
            ),
            Step::Home => {
                format!(
                    "put {subject} where only root may write ({culprit} is in a home folder and is not changed)"
                )
            }
            Step::Elsewhere => {
                format!("put it into a folder that only root may write to, not into {culprit}")
            }
            Step::Permission => format!("run as an account that may look at {culprit}, such as root"),
            Step::Name => format!("correct the path {subject}"),
            _ => format!("let only the system and administrators write to {culprit}"),
        }
    }

    /// Whether its command is for root alone.
    #[cfg(unix)]
    fn needs_root(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        let us = rustix::process::geteuid().as_raw();
        let is_ours = || self.culprit.symlink_metadata().is_ok_and(|file| file.uid() == us);
        us != 0 && !(matches!(self.step, Step::Mode(_)) && is_ours())
    }

    #[cfg(not(unix))]
    #[allow(clippy::unused_self, reason = "as elsewhere")]
    fn needs_root(&self) -> bool {
        false
    }
}

/// What of a configuration others may write: at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Others {
    all: Vec<Distrust>,
    /// A module or program is among them: that is not for us to accept.
    pub programs: bool,
}

impl Others {
    /// All that was found, each culprit once; nothing where nothing was found. `root` is the server root.
    pub(super) fn of(found: Vec<Distrust>, programs: bool, root: &Path) -> Option<Others> {
        let mut all: Vec<Distrust> = Vec::new();
        for distrust in found {
            if all.iter().all(|known| known.culprit != distrust.culprit) {
                all.push(at_home(distrust, Some(root)));
            }
        }
        if all.len() > NAMED {
            all = trees(all, root);
        }
        (!all.is_empty()).then_some(Others { all, programs })
    }

    /// What to look at first.
    pub fn culprit(&self) -> &Path {
        self.all.first().map_or(Path::new(""), |first| &first.culprit)
    }

    /// How to make it trusted.
    pub fn advice(&self) -> String {
        advice(&self.all)
    }

    /// The beginning of what is held against it.
    pub fn charge(&self) -> &'static str {
        charge(&self.all)
    }
}

impl fmt::Display for Others {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.all.iter().take(NAMED);
        let named: Vec<String> = named.map(ToString::to_string).collect();
        f.write_str(&named.join("; "))?;
        match self.all.len() - named.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

fn charge(all: &[Distrust]) -> &'static str {
    if all.iter().all(Distrust::is_unknown) {
        "it is not known who may change"
    } else {
        "accounts other than root and this one may change"
    }
}

fn advice(all: &[Distrust]) -> String {
    let named = || all.iter().take(NAMED);
    let commands: Vec<String> = named().filter_map(Distrust::command).collect();
    let mut steps = Vec::new();
    if !commands.is_empty() {
        let who = if named().any(|one| one.command().is_some() && one.needs_root()) {
            "as root: "
        } else {
            ""
        };
        steps.push(format!("{who}{}", commands.join(" && ")));
    }
    for one in named().filter(|one| one.command().is_none()) {
        let words = one.words();
        if !steps.contains(&words) {
            steps.push(words);
        }
    }
    if all.len() > NAMED {
        steps.push("do the same for the others, which the next run names".into());
    }
    steps.join("; ")
}

/// What is at its owner's home stays his, but for the server itself, which `root` names where it is known.
#[cfg(unix)]
fn at_home(distrust: Distrust, root: Option<&Path>) -> Distrust {
    let Step::Owner { user, .. } = distrust.step else {
        return distrust;
    };
    let culprit = &distrust.culprit;
    let is_of_server = root.is_some_and(|root| culprit.starts_with(root));
    if is_of_server || !crate::account::is_at_home(user, culprit) {
        return distrust;
    }
    let step = match root {
        Some(root) if !root.starts_with(culprit) => Step::Copy,
        _ => Step::Home,
    };
    Distrust { step, ..distrust }
}

#[cfg(not(unix))]
fn at_home(distrust: Distrust, _root: Option<&Path>) -> Distrust {
    distrust
}

/// A folder of the server stands for what lies in it and belongs to the same account.
fn trees(all: Vec<Distrust>, root: &Path) -> Vec<Distrust> {
    let owner = |one: &Distrust| match one.step {
        Step::Owner { user, .. } => Some(user),
        _ => None,
    };
    let lies_in = |one: &Distrust, folder: &Distrust| {
        one.culprit != folder.culprit
            && folder.culprit.starts_with(root)
            && one.culprit.starts_with(&folder.culprit)
            && owner(one).is_some()
            && owner(one) == owner(folder)
    };
    let tops = all
        .iter()
        .filter(|one| !all.iter().any(|above| lies_in(one, above)));
    let top = |one: &Distrust| {
        let has_more = all.iter().any(|below| lies_in(below, one));
        Distrust {
            step: if has_more { Step::Tree } else { one.step.clone() },
            ..one.clone()
        }
    };
    tops.map(top).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn owned(culprit: &str) -> Distrust {
        let step = Step::Owner {
            user: 4_000_000_001,
            is_link: false,
            mode: None,
        };
        Distrust {
            subject: culprit.into(),
            culprit: culprit.into(),
            why: "belongs to somebody".into(),
            step,
        }
    }

    fn advice_of(culprits: &[&str], root: &str) -> String {
        let found = culprits.iter().map(|culprit| owned(culprit)).collect();
        Others::of(found, false, Path::new(root))
            .expect("something")
            .advice()
    }

    #[test]
    fn nobodys_home_is_taken_away() {
        let tree = |root: &str| -> Vec<String> {
            let below = (0..6).map(|n| format!("{root}/conf/{n}.conf"));
            below.chain([root.to_owned()]).collect()
        };
        // The server is at a home: it is taken over, the home is not.
        let at_home = tree("/home/alice/apache");
        let mut all: Vec<&str> = at_home.iter().map(String::as_str).collect();
        all.push("/home/alice");
        let told = advice_of(&all, "/home/alice/apache");
        assert!(told.contains("chown -hR root /home/alice/apache &&"), "{told}");
        assert!(!told.contains("root /home/alice "), "{told}");
        assert!(told.contains("/home/alice is in a home folder"), "{told}");
        let told = advice_of(&["/home/alice"], "/home/alice/apache");
        assert!(!told.contains("chown"), "{told}");
        // What lies above the server belongs to others as well: the folder alone, not all that is in it.
        let above = tree("/srv/web/apache");
        let mut all: Vec<&str> = above.iter().map(String::as_str).collect();
        all.push("/srv");
        let told = advice_of(&all, "/srv/web/apache");
        assert!(
            told.contains("chown root /srv") && !told.contains("-hR root /srv "),
            "{told}"
        );
        // A module at a home is copied.
        assert!(advice_of(&["/home/bob/mod.so"], "/srv/apache").starts_with("copy "));
    }
}
