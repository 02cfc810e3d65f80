//! What is asked of a run that renews.

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
}
