//! What is asked of a run that renews.

use std::path::PathBuf;

use crate::renewal::Window;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Which: names in them; all of them where none is given.
    pub names: Vec<String>,
    /// Also what is not due.
    pub now: bool,
    /// Each is ordered where the authority has a place for trials, judged, and thrown away.
    pub rehearses: bool,
    /// Nobody watches: it comes twice a day, and ends in time.
    pub is_scheduled: bool,
    /// The HTTP proxy on the way to the authority, instead of the one that was given first.
    pub proxy: Option<String>,
    /// When servers may be restarted, by the clock on the wall; at any time where it is not given.
    pub window: Option<Window>,
    /// The one that is named gets its next certificates from there.
    pub from: Option<From>,
    /// Those that are named are not renewed anymore.
    pub forgets: bool,
}

/// A file, or a folder into which somebody puts files.
#[derive(Clone, Debug)]
pub struct From {
    /// Itself.
    pub path: PathBuf,
    /// The file with the pass-phrase of what is put there.
    pub pass_phrase: Option<PathBuf>,
    /// Others than root and this account may write there, and so replace the certificate.
    pub others_may_write: bool,
}
