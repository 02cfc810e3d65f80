//! `esync-ssl disable`.

use crate::change;
use crate::cli::arguments::{Disable, asked_for};
use crate::cli::printer::Printer;
use crate::cli::render::plan::{self, Told};
use crate::exit_status::ExitStatus;
use crate::operation::disable::{self, Request};
use crate::operation::{Failure, Where, World, domain_names};

/// Runs the command.
pub fn run(
    arguments: &Disable,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let domains = arguments.domain.iter().map(|name| ("--domain", name));
    let request = Request {
        off: change::Disable {
            domains: domain_names(domains)?,
            forced: arguments.force.clone(),
        },
        asked_for,
    };
    let writing = arguments.writing.with(arguments.yes, arguments.dry_run);
    let writing = writing.saving(arguments.save_plan.as_deref());
    let report = disable::run(&request, &writing, place, world, printer)?;
    let stays = "Certificates and keys stay where they are.\n";
    let told = Told {
        stays,
        asks: arguments.exit_code,
        ..Told::default()
    };
    Ok(plan::tell(&report, &told, printer))
}
