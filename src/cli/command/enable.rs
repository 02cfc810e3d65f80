//! `esync-ssl enable`.

use zeroize::Zeroizing;

use crate::cli::arguments::Enable;
use crate::cli::printer::Printer;
use crate::cli::render::plan::{self, Told};
use crate::document::NoteCode;
use crate::exit_status::ExitStatus;
use crate::operation::certificate_source::{self, Source};
use crate::operation::enable::{self, Request};
use crate::operation::obtain::Wanted;
use crate::operation::schedule;
use crate::operation::schedule_offer::Offer;
use crate::operation::{
    Failure, Files, Material, Origin, PassPhrases, Progress, Silent, Voice, Where, World, domain_names,
    is_wildcard, options, wildcard_names,
};

/// Who is told and asked, and what was asked before.
pub struct Front<'a> {
    /// Where the answer goes.
    pub printer: &'a Printer,
    /// Whom the operation talks to.
    pub voice: &'a dyn Voice,
    /// What opens the key or archive, where that was typed already.
    pub phrase: Option<Zeroizing<String>>,
    /// Whether renewal is to be scheduled, where that was answered already.
    pub schedules: Option<bool>,
}

impl<'a> Front<'a> {
    /// A printer, for all of it.
    pub fn of(printer: &'a Printer) -> Front<'a> {
        Front {
            printer,
            voice: printer,
            phrase: None,
            schedules: None,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Why it did not do what was asked.
pub fn run(arguments: &Enable, place: &Where, world: &World, front: Front) -> Result<ExitStatus, Failure> {
    let printer = front.printer;
    // An authority makes certificates for wildcards, which are no names of a server.
    let is_ordered = |name: &String| arguments.authority.acme && is_wildcard(name);
    let (wildcards, aliases): (Vec<String>, Vec<String>) =
        arguments.alias.iter().cloned().partition(is_ordered);
    let wildcards = wildcard_names(&wildcards)?;
    // What is no name goes into no command that is proposed.
    named(&arguments.domain, &aliases)?;
    let (names, source, world) = completed(arguments, place, world, printer)?;
    let request = Request {
        names: named(&names, &aliases)?,
        files: files(source, wildcards, arguments, &front)?,
        port: arguments.port,
        http: arguments.http.map(Into::into),
        vhost: arguments.vhost.clone(),
        profile: arguments.profile.map(Into::into),
        hsts: arguments.hsts,
        stapling: arguments.ocsp_stapling,
        http2: arguments.http2,
        strict: arguments.strict,
        forced: arguments.force.clone(),
        in_place: arguments.in_place,
        phrases: arguments.pass_phrase.passphrase_file.clone(),
    };
    let dry_run = arguments.dry_run || arguments.authority.rehearse;
    let writing = arguments.writing.with(arguments.yes, dry_run);
    let writing = writing.saving(arguments.save_plan.as_deref());
    if arguments.authority.schedule {
        schedule::refuse_impossible(place, &world)?;
    }
    let report = enable::run(&request, &writing, place, &world, front.voice)?;
    let offer = Offer {
        is_asked_for: arguments.authority.schedule,
        answered: front.schedules,
        yes: arguments.yes,
        dry_run: arguments.dry_run,
    };
    // What is there already may have been renewed by hand until now.
    let is_made = arguments.authority.acme && !arguments.authority.rehearse && report.result == "written";
    let scheduled = || match is_made || offer.is_asked_for {
        true => offer.make(place, &world, front.voice),
        false => None,
    };
    // A document is the last word; people are told of HTTPS before they are asked about something else.
    let undone = if printer.is_json() { scheduled() } else { None };
    let trials = [(report.is_rehearsed, "a rehearsal")];
    let told = Told {
        trials: &trials,
        asks: arguments.exit_code,
        undone: undone.as_ref(),
        ..Told::default()
    };
    let status = plan::tell(&report, &told, printer);
    let undone = if printer.is_json() { None } else { scheduled() };
    Ok(match undone {
        None => status,
        Some(failure) => {
            printer.failure(&failure);
            ExitStatus::ErrorsFound
        }
    })
}

/// The names of the site in one form.
fn named(domains: &[String], aliases: &[String]) -> Result<Vec<String>, Failure> {
    let domains = domains.iter().map(|name| ("--domain", name));
    domain_names(domains.chain(aliases.iter().map(|name| ("--alias", name))))
}

/// The command line with what was asked for because it did not say it: names and certificate.
fn completed<'a>(
    arguments: &Enable,
    place: &Where,
    world: &World<'a>,
    printer: &Printer,
) -> Result<(Vec<String>, Source, World<'a>), Failure> {
    let voice: &dyn Voice = if arguments.yes { &Silent } else { printer };
    let more = options(place);
    let mut names = arguments.domain.clone();
    let mut command = world.command.clone();
    let source = typed(arguments);
    if names.is_empty() {
        let name = certificate_source::domain(source.as_ref(), &more, voice)?;
        // Where it is noted what was done, names that were answered count like those that were typed.
        command.extend(["--domain".to_owned(), name.clone()]);
        names.push(name);
    }
    let source = match source {
        Some(source) => source,
        None => certificate_source::choose(&names[0], &more, voice)?,
    };
    Ok((names, source, World { command, ..*world }))
}

/// What the command line says of the certificate.
fn typed(arguments: &Enable) -> Option<Source> {
    match (&arguments.pfx, &arguments.cert) {
        (Some(pfx), _) => Some(Source::Archive(pfx.clone())),
        (None, Some(certificate)) => Some(Source::Files {
            certificate: certificate.clone(),
            key: arguments.key.clone(),
            chain: arguments.chain.clone(),
            copies: arguments.copy_certs,
        }),
        (None, None) if arguments.authority.acme => Some(Source::Authority),
        (None, None) => arguments.self_signed.then_some(Source::SelfSigned),
    }
}

/// Whoever has to type a pass-phrase does so now.
fn files(
    source: Source,
    wildcards: Vec<String>,
    arguments: &Enable,
    front: &Front,
) -> Result<Files, Failure> {
    let printer = front.printer;
    let origin = match source {
        Source::Archive(pfx) => Origin::Archive(pfx),
        Source::Files {
            certificate,
            key,
            chain,
            copies,
        } => {
            let key = match key {
                Some(key) => key,
                None => {
                    let voice: &dyn Voice = if arguments.yes { &Silent } else { printer };
                    let (key, note) = certificate_source::key_of(&certificate, voice)?;
                    printer.note(NoteCode::KeyFound, &format!("note: {note}"));
                    key
                }
            };
            if !copies {
                return Ok(Files::Named {
                    certificate: certificate.into(),
                    key: key.into(),
                    chain: chain.map(Into::into),
                });
            }
            Origin::Files(certificate, key, chain)
        }
        Source::Authority => {
            let wanted = arguments.authority.wanted();
            return Ok(Files::Ordered(Box::new(Wanted { wildcards, ..wanted })));
        }
        Source::SelfSigned => return Ok(Files::SelfSigned),
    };
    let phrases = match &front.phrase {
        Some(typed) => PassPhrases::typed(typed.clone()),
        None => arguments.pass_phrase.read()?,
    };
    let material = Material::open(origin, &phrases, front.voice)?;
    Ok(Files::Installed(Box::new(material)))
}
