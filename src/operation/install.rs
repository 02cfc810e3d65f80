//! Certificate, key and chain into the server's folder for them.

use anyhow::anyhow;

use super::Failure;
use super::claim::{self, Claim};
use super::environment::{Where, World};
use super::find::{self, Loaded};
use super::judge_files::{self, Server};
use super::key_files::{judged, without_key};
use super::new_files::{NewFiles, Outcome, base_name, left_out};
use super::progress::Progress;
use crate::change::domain_name;
use crate::check::Code;
use crate::tls::bundle::Bundle;

/// What is asked for.
pub struct Request<'a> {
    /// Opens certificate, key and chain, once the server is known.
    pub open: &'a dyn Fn() -> Result<Bundle, Failure>,
    /// What they come from: certificate, key and chain.
    pub origins: [&'a str; 3],
    /// The name that clients use.
    pub domain: Option<&'a str>,
    /// The first part of the new files' names.
    pub name: Option<&'a str>,
    /// Findings in spite of which it goes on.
    pub forced: &'a [Code],
    /// Nothing is written.
    pub dry_run: bool,
}

/// Installs them.
///
/// # Errors
/// Why it did not.
pub fn run(
    request: &Request,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Outcome, Failure> {
    let domain = request.domain.map(domain_name).transpose();
    let domain = domain.map_err(|reason| Failure::error(anyhow!("--domain: {reason}")))?;
    let loaded = read(request.dry_run, place, world, progress)?;
    loaded.introduce(progress);
    loaded.refuse_other_root()?;
    let bundle = (request.open)()?;
    let [origin, key, chain] = request.origins;
    if bundle.key.is_none() {
        return Err(without_key(origin));
    }
    let server = Server::of(Some(&loaded), place);
    let judged = judged(&bundle, origin, key, chain);
    let found = judge_files::files(&loaded, server, &judged, domain.as_deref());
    judge_files::tell(server, &found, request.forced, progress)?;
    let name = match (request.name, &domain) {
        (None, Some(domain)) => domain.clone(),
        (typed, _) => base_name(typed, &bundle)?,
    };
    let folder = loaded.tls_folder();
    loaded.refuse_included(&folder)?;
    let mut files = if request.name.is_some() {
        let mut files = NewFiles::of(&loaded);
        files.add_bundle(&bundle, &folder, &name, &|path| loaded.show(path))?;
        files
    } else {
        NewFiles::of_bundle(&bundle, &loaded, &name)?.0
    };
    files.refuse_shared()?;
    files.finish(request.dry_run, left_out(&bundle).into_iter().collect())
}

/// Reads the configuration after what a killed run left is undone, or for a preview as it will be then.
fn read(dry_run: bool, place: &Where, world: &World, progress: &dyn Progress) -> Result<Loaded, Failure> {
    if dry_run {
        let loaded = Loaded::find(place)?;
        claim(place, world, progress).may_settle(&loaded.installation.root)?;
        let undone = claim::undone(&loaded.installation.root, place, progress)?;
        return loaded.once_undone(&undone);
    }
    let root = find::root(place)?;
    let claim = claim(place, world, progress);
    claim.settle(&root)?;
    let loaded = Loaded::find(place)?;
    // Only the configuration says which server root its main file belongs to.
    if loaded.installation.root != root && claim.settle(&loaded.installation.root)?.any {
        return loaded.again();
    }
    Ok(loaded)
}

/// It waits for nobody: what another run is at work on is its own business.
fn claim<'a>(place: &'a Where, world: &'a World<'a>, progress: &'a dyn Progress) -> Claim<'a> {
    Claim {
        place,
        world,
        voice: progress,
        patience: 0,
    }
}
