//! HTTPS of a domain as Microsoft DSC asks for it: what is so, whether that is what is desired, and making it so. Everything
//! is done by `enable` and `disable`, with their proofs.

mod acme;
mod instance;

use std::path::PathBuf;

use time::OffsetDateTime;

use super::certificate_source::key_of;
use super::disable;
use super::enable::{self, Request};
use super::environment::{Where, World, Writing};
use super::find::Loaded;
use super::key_files::Origin;
use super::obtain::Wanted;
use super::pass_phrase::PassPhrases;
use super::picture::{Way, ways_of};
use super::questions::Voice;
use super::records::AskedFor;
use super::{Failure, Files, Material, PlanReport, domain_names, is_wildcard, wildcard_names};
use crate::change::{self, Http, OverHttp};
use crate::check::Code;
use crate::note_code::NoteCode;
use crate::refusal::RefusalCode;

pub use acme::{Acme, Answer};
pub use instance::{Instance, Metadata};

/// Seconds that another run is waited for: DSC itself does not try again.
const PATIENCE: u64 = 60;

/// What is desired, and where.
pub struct Desired<'a> {
    instance: &'a Instance,
    place: Where,
    world: &'a World<'a>,
    voice: &'a dyn Voice,
    asked_for: AskedFor,
}

impl<'a> Desired<'a> {
    /// Of this server, or of the one that the instance names.
    pub fn new(
        instance: &'a Instance,
        place: &Where,
        (world, voice): (&'a World<'a>, &'a dyn Voice),
        asked_for: AskedFor,
    ) -> Desired<'a> {
        let root = instance.root.as_ref().map(PathBuf::from);
        let place = Where {
            root: root.or_else(|| place.root.clone()),
            ..place.clone()
        };
        Desired {
            instance,
            place,
            world,
            voice,
            asked_for,
        }
    }

    /// What is so.
    ///
    /// # Errors
    /// When there is no server, or the name is none.
    pub fn get(&self) -> Result<Instance, Failure> {
        let loaded = Loaded::find(&self.place)?;
        loaded.record(self.voice);
        loaded.refuse_no_configuration()?;
        let name = self.names()?.swap_remove(0);
        let ways = ways_of(&loaded, OffsetDateTime::now_utc(), &|host| host.has_name(&name));
        let is_it = |way: &&Way| way.tls && way.port == self.instance.https();
        let is_named = |way: &&Way| way.place.is_some() || way.names.contains(&name);
        let found = ways.iter().filter(is_it).find(is_named);
        Ok(Instance {
            exist: Some(found.is_some()),
            http: found.and_then(|way| way.over_http).and_then(http),
            certificate_file: found
                .and_then(|way| way.certificate.as_ref())
                .map(|file| file.absolute().into_owned()),
            not_after: found.and_then(|way| way.not_after).map(|end| end.to_string()),
            ..self.instance.key()
        })
    }

    /// What is so, and whether nothing needs to change.
    ///
    /// # Errors
    /// When that cannot be told: what `enable` or `disable` would refuse.
    pub fn test(&self) -> Result<Instance, Failure> {
        let state = self.get()?;
        let plan = self.carry_out(&state, &self.writing(true, true))?;
        Ok(Instance {
            in_desired_state: Some(plan.is_none_or(|plan| plan.result == "unchanged")),
            ..state
        })
    }

    /// What would be so; nothing is written. And whether it is so already.
    ///
    /// # Errors
    /// What would refuse the real run.
    pub fn what_if(&self) -> Result<(Instance, bool), Failure> {
        let state = self.get()?;
        let plan = self.carry_out(&state, &self.writing(true, false))?;
        let Some(plan) = plan.filter(|plan| plan.result != "unchanged") else {
            return Ok((state, true));
        };
        let is_wanted = self.instance.is_wanted();
        let restart = "the server is restarted, as it does not show or has not read all that is configured";
        let lines = plan.lines().into_iter();
        let then = Instance {
            exist: Some(is_wanted),
            metadata: Some(Metadata {
                what_if: lines.chain(plan.would.map(|_| restart.to_owned())).collect(),
            }),
            ..self.instance.key()
        };
        let then = match is_wanted {
            true => Instance {
                http: self.instance.http.or(state.http),
                ..then
            },
            false => then,
        };
        Ok((then, false))
    }

    /// Makes it so. What is so then, and whether it was so already.
    ///
    /// # Errors
    /// Why it did not, and that all is as it was; or what is not.
    pub fn set(&self) -> Result<(Instance, bool), Failure> {
        let state = self.get()?;
        let done = self.carry_out(&state, &self.writing(false, false))?;
        let was_so = done.is_none_or(|report| {
            report.result == "unchanged" && !report.server.is_some_and(|effect| effect.is_change())
        });
        Ok((self.get()?, was_so))
    }

    /// What `enable` or `disable` does or would do; nothing where there is nothing to turn off.
    fn carry_out(&self, state: &Instance, writing: &Writing) -> Result<Option<PlanReport>, Failure> {
        // Records say what was done, whoever had it done.
        let world = &World {
            command: Vec::new(),
            ..*self.world
        };
        if self.instance.is_wanted() {
            let request = self.request()?;
            return enable::run(&request, writing, &self.place, world, self.voice).map(Some);
        }
        if state.exist != Some(true) {
            return Ok(None);
        }
        let request = disable::Request {
            off: change::Disable {
                domains: self.names()?,
                forced: self.overridden()?,
            },
            asked_for: self.asked_for,
        };
        disable::run(&request, writing, &self.place, world, self.voice).map(Some)
    }

    /// A `glance` tries nothing on an httpd; a running server is looked at, where it is to be restarted.
    fn writing(&self, dry_run: bool, glance: bool) -> Writing {
        Writing {
            no_test: glance,
            no_rehearsal: glance,
            lock_timeout: PATIENCE,
            restart: self.instance.restart,
            yes: !dry_run,
            dry_run,
            ..Writing::default()
        }
    }

    /// The names that the site has.
    fn names(&self) -> Result<Vec<String>, Failure> {
        let aliases = self.instance.aliases.iter().map(|name| ("aliases", name));
        let aliases = aliases.filter(|(_, name)| !self.is_for_certificate(name));
        domain_names(std::iter::once(("domain", &self.instance.domain)).chain(aliases))
    }

    /// An authority makes certificates for wildcards, which are no names of a server.
    fn is_for_certificate(&self, name: &str) -> bool {
        self.instance.acme.is_some() && is_wildcard(name)
    }

    /// What is to be ordered.
    fn wanted(&self, acme: &Acme) -> Result<Wanted, Failure> {
        let wildcards = self.instance.aliases.iter();
        let wildcards: Vec<String> = wildcards
            .filter(|name| self.is_for_certificate(name))
            .cloned()
            .collect();
        Ok(Wanted {
            wildcards: wildcard_names(&wildcards)?,
            ..acme
                .wanted()
                .map_err(|why| Failure::error(anyhow::anyhow!(why)))?
        })
    }

    /// The findings that are overridden to turn HTTPS on.
    fn forced(&self) -> Result<Vec<Code>, Failure> {
        let codes = self.instance.force.iter().map(|word| word.parse());
        let codes: Result<Vec<Code>, String> = codes.collect();
        codes.map_err(|why| Failure::error(anyhow::anyhow!("force: {why}")))
    }

    /// The refusals that are overridden to turn it off.
    fn overridden(&self) -> Result<Vec<RefusalCode>, Failure> {
        let code = |word: &String| {
            let unknown = || Failure::error(anyhow::anyhow!("force: there is no refusal {word:?}"));
            RefusalCode::named(word).ok_or_else(unknown)
        };
        self.instance.force.iter().map(code).collect()
    }

    fn request(&self) -> Result<Request, Failure> {
        let of = self.instance;
        Ok(Request {
            port: of.https(),
            http: of.http,
            profile: of.profile,
            hsts: of.hsts,
            stapling: of.ocsp_stapling,
            http2: of.http2,
            forced: self.forced()?,
            in_place: true,
            ..Request::new(self.names()?, self.files()?)
        })
    }

    /// Where the certificate comes from.
    fn files(&self) -> Result<Files, Failure> {
        let of = self.instance;
        let origin = match (&of.pfx, &of.cert) {
            (Some(pfx), _) => Origin::Archive(pfx.into()),
            (None, Some(certificate)) => {
                let key = match &of.key {
                    Some(key) => key.into(),
                    None => {
                        let (key, note) = key_of(certificate.as_ref(), self.voice)?;
                        self.voice.note(NoteCode::KeyFound, &format!("note: {note}"));
                        key
                    }
                };
                let chain = of.chain.as_ref().map(Into::into);
                if !of.copy_certs {
                    return Ok(Files::Named {
                        certificate: certificate.into(),
                        key: key.into(),
                        chain: chain.map(|chain: camino::Utf8PathBuf| chain.into()),
                    });
                }
                Origin::Files(certificate.into(), key, chain)
            }
            (None, None) if of.self_signed => return Ok(Files::SelfSigned),
            (None, None) => {
                let Some(acme) = &of.acme else {
                    return Err(Failure::with_advice(
                        format!("it is not said where the certificate of {} comes from", of.domain),
                        "give cert and key, pfx, acme, or selfSigned",
                    ));
                };
                return Ok(Files::Ordered(Box::new(self.wanted(acme)?)));
            }
        };
        let phrases = PassPhrases::of(of.passphrase_file.as_deref().map(AsRef::as_ref))?;
        let material = Material::open(origin, &phrases, self.voice)?;
        Ok(Files::Installed(Box::new(material)))
    }
}

/// In the word that asks for it.
fn http(way: OverHttp) -> Option<Http> {
    match way {
        OverHttp::Silent => Some(Http::Off),
        OverHttp::Redirected => Some(Http::Redirect),
        OverHttp::Answered => Some(Http::Keep),
        // Nobody asks for that.
        OverHttp::Other => None,
    }
}
