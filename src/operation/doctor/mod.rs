//! Everything that the other operations know of a server, in one answer: each cause once, the worst first, what is well
//! in a line each, and one next step. Finds nothing itself: `same_cause` puts together what others found.

mod few;
mod fix;
mod look;
mod observe;
mod observed;
mod remedy;
mod report;
mod same_cause;
mod sections;
mod told;

pub use fix::fix;
pub use look::Request;
pub use observed::Source;
pub use report::{Cause, Effect, FixResult, Fixed, Remedy, Report, Section, SectionState, Verdict};

use super::environment::{Where, World};
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, certificates, check};

/// Looks at everything.
///
/// # Errors
/// When there is no configuration, or it must not be shown.
pub fn run(
    request: &Request,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    Ok(diagnose(request, loaded, world, progress)?.report)
}

/// What the files alone show, each cause once as [`run`] tells it, and how many findings are left out: for whoever hands on
/// what is on the disk and asks no server.
pub fn of_files(
    loaded: &Loaded,
    check: Option<&check::Report>,
    certificates: &certificates::Report,
) -> (Vec<Cause>, usize) {
    let (observations, more_count) = observe::of_files(loaded, check);
    let groups = same_cause::causes(observations);
    let told = groups
        .iter()
        .map(|group| told::cause(group, None, Some(certificates)));
    (told.collect(), more_count)
}

/// What is told, and of what.
struct Diagnosis {
    report: Report,
    groups: Vec<same_cause::Group>,
    looked: look::Looked,
}

fn diagnose(
    request: &Request,
    loaded: Loaded,
    world: &World,
    progress: &dyn Progress,
) -> Result<Diagnosis, Failure> {
    look::refuse_unreadable(&loaded)?;
    let mut looked = look::look(request, loaded, world, progress)?;
    let groups = same_cause::causes(std::mem::take(&mut looked.observations));
    Ok(Diagnosis {
        report: told::of(&groups, &looked),
        groups,
        looked,
    })
}
