//! Bringing a virtual host that answers the domain over TLS in line with the request, where it stands.

use crate::httpd::{Configuration, Edit, Entry, Platform, Truth, VirtualHost, resolve, word};
use crate::mod_ssl::speaks_tls;

use super::super::address::name_lines;
use super::super::edit_lines::{Spot, insert_into, remove, replace_argument};
use super::super::existing::own_settings;
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, named, say};
use super::super::request::Request;
use super::super::site;
use super::super::text::{bytes, quoted, setting, what};
use super::super::unfinished::is_unfinished;
use super::{http2, policy};

/// The three directives that name files, with what the request wants of each.
pub(super) fn files(request: &Request) -> [(&'static str, Option<&[u8]>); 3] {
    [
        ("SSLCertificateFile", Some(&request.certificate)),
        ("SSLCertificateKeyFile", Some(&request.key)),
        ("SSLCertificateChainFile", request.chain.as_deref()),
    ]
}

/// Brings the lines of a virtual host that answers the domain in line with the request.
pub(super) fn update(
    configuration: &Configuration,
    request: &Request,
    host: &VirtualHost,
) -> Result<Vec<Edit>, PlanError> {
    let mut update = Update::of(configuration, request, host)?;
    update.switch_engine_on()?;
    update.name_files()?;
    for wanted in policy::asked_for(configuration, request)? {
        update.set_policy(&wanted)?;
    }
    update.add_names()?;
    update.add_missing()?;
    Ok(update.edits)
}

/// Gives the files of the request to a virtual host that nobody has finished and that stays without a name.
pub(super) fn finish(
    configuration: &Configuration,
    request: &Request,
    host: &VirtualHost,
) -> Result<Vec<Edit>, PlanError> {
    let mut update = Update::of(configuration, request, host)?;
    update.name_files()?;
    update.add_missing()?;
    Ok(update.edits)
}

/// One virtual host whose lines are gone through.
struct Update<'a> {
    configuration: &'a Configuration,
    request: &'a Request,
    host: &'a VirtualHost,
    /// Nobody has finished it.
    is_unfinished: bool,
    /// What becomes of lines that are there.
    edits: Vec<Edit>,
    /// Lines that are not there, which are added together.
    missing: Vec<Vec<u8>>,
}

impl<'a> Update<'a> {
    fn of(
        configuration: &'a Configuration,
        request: &'a Request,
        host: &'a VirtualHost,
    ) -> Result<Self, PlanError> {
        refuse_unknown(configuration, host)?;
        Ok(Update {
            configuration,
            request,
            host,
            is_unfinished: is_unfinished(configuration, host),
            edits: Vec::new(),
            missing: Vec::new(),
        })
    }

    fn own(&self, name: &str) -> Vec<&'a Entry> {
        own_settings(self.configuration, self.host.section, name)
    }

    fn replace(&mut self, entry: &Entry, argument: &[u8], reason: &str) -> Result<(), PlanError> {
        self.edits
            .push(replace_argument(self.configuration, entry, argument, reason)?);
        Ok(())
    }

    fn switch_engine_on(&mut self) -> Result<(), PlanError> {
        if speaks_tls(self.configuration, self.host) {
            return Ok(());
        }
        match self.own("SSLEngine").last() {
            Some(entry) => self.replace(entry, b"on", "switch TLS on in this virtual host")?,
            None => self.missing.push(b"SSLEngine on".to_vec()),
        }
        Ok(())
    }

    fn name_files(&mut self) -> Result<(), PlanError> {
        let (configuration, request) = (self.configuration, self.request);
        let names = |entry: &&Entry, file: &[u8]| same_file(configuration, entry, file);
        let certificates = self.own("SSLCertificateFile");
        let renewed = !certificates
            .iter()
            .any(|entry| names(entry, &request.certificate));
        for (name, wanted) in files(request) {
            match (self.own(name).as_slice(), wanted) {
                ([], None) => {}
                ([], Some(wanted)) => self.missing.push(setting(name, wanted)?),
                (several, Some(wanted)) if several.iter().any(|entry| names(entry, wanted)) => {}
                ([entry], Some(wanted)) => {
                    let reason = match self.is_unfinished {
                        true => format!(
                            "use the new {}, as the file that was named does not exist",
                            what(name)
                        ),
                        false => format!("use the new {} for {}", what(name), all_names(self.host)),
                    };
                    self.replace(entry, &quoted(name, wanted)?, &reason)?;
                }
                // That of the same certificate stays, and so does one that fits the new certificate.
                (_, None) if !renewed => {}
                ([.., last], None) if request.fitting_chains.iter().any(|chain| names(last, chain)) => {}
                ([entry], None) => {
                    let reason =
                        "this chain belongs to the certificate that is replaced and not to the new one";
                    self.edits.push(remove(configuration, entry, reason)?);
                }
                // Apache 2.4 takes a certificate and a key of each kind: which of them is meant cannot be told.
                ([first, ..], _) => return Err(self.refuse_several(name, first)),
            }
        }
        Ok(())
    }

    fn refuse_several(&self, name: &'static str, first: &Entry) -> PlanError {
        refuse(
            RefusalCode::SeveralLines,
            say![
                "the virtual host ",
                named(self.configuration, self.host),
                " has several ",
                name,
                " lines (the first at ",
                Place::of(self.configuration, first),
                ")",
            ],
            "; ",
            "keep only the one that is to be replaced, then run again",
        )
    }

    fn set_policy(&mut self, wanted: &policy::Wanted) -> Result<(), PlanError> {
        let present = self.own(wanted.name);
        if let (policy::PROTOCOLS, [first, others @ ..]) = (wanted.name, present.as_slice()) {
            return self.offer_http2(first, others, &wanted.reason);
        }
        let Some(entry) = present
            .iter()
            .rfind(|entry| is_same_list(self.configuration, entry, wanted.name))
        else {
            let line = format!("{} {}", wanted.name, wanted.arguments);
            self.missing.push(line.into_bytes());
            return Ok(());
        };
        let now = self.configuration.arguments(entry);
        let then: Vec<Vec<u8>> = word::words(wanted.arguments.as_bytes())
            .map(|word| word.value.into_owned())
            .collect();
        if now != then {
            self.replace(entry, wanted.arguments.as_bytes(), &wanted.reason)?;
        }
        Ok(())
    }

    /// What else is offered stays; several lines add up, so the first says it all.
    fn offer_http2(&mut self, first: &Entry, others: &[&Entry], reason: &str) -> Result<(), PlanError> {
        let own = http2::own_protocols(self.configuration, self.host.section);
        if http2::has_http2(&own) {
            return Ok(());
        }
        for entry in others {
            let why = "the line above says it as well";
            self.edits.push(remove(self.configuration, entry, why)?);
        }
        self.replace(first, http2::with_http2(&own).as_bytes(), reason)
    }

    fn add_names(&mut self) -> Result<(), PlanError> {
        if self.is_unfinished && !self.host.names_exactly(&self.request.domain) {
            let names: Vec<&str> = self.request.names().collect();
            self.missing.splice(0..0, bytes(&name_lines(&names)));
            return Ok(());
        }
        let names = self.request.names();
        let unknown: Vec<&str> = names.filter(|name| !self.host.has_name(name)).collect();
        if !unknown.is_empty() {
            site::refuse_other_sites(self.configuration, self.request, &unknown, self.host.section)?;
            let line = format!("ServerAlias {}", unknown.join(" "));
            self.missing.insert(0, line.into_bytes());
        }
        Ok(())
    }

    fn add_missing(&mut self) -> Result<(), PlanError> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let missing = std::mem::take(&mut self.missing);
        let reason = "complete the TLS settings of this virtual host".to_string();
        self.edits.push(insert_into(
            self.configuration,
            self.host,
            Spot::Name,
            missing,
            reason,
        )?);
        Ok(())
    }
}

/// Would another line of that directive take the place of this one? `Header` has one for each header, and
/// `SSLCipherSuite` since 2.4.36 a list of its own for TLS 1.3.
fn is_same_list(configuration: &Configuration, entry: &Entry, name: &str) -> bool {
    let words = configuration.arguments(entry);
    let has = |what: &str| {
        words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(what.as_bytes()))
    };
    match name {
        "Header" => has(policy::HSTS),
        "SSLCipherSuite" => !has("TLSv1.3"),
        _ => true,
    }
}

/// A TLS directive under a condition that cannot be decided may be there or not; a second one would add to it.
fn refuse_unknown(configuration: &Configuration, host: &VirtualHost) -> Result<(), PlanError> {
    let unknown = configuration.inside(host.section).find(|entry| {
        entry.truth == Truth::Unknown && configuration.name(entry).to_ascii_lowercase().starts_with(b"ssl")
    });
    match unknown {
        None => Ok(()),
        Some(entry) => Err(refuse(
            RefusalCode::DirectiveUndecided,
            say![
                "whether the directive at ",
                Place::of(configuration, entry),
                " is active depends on a condition that cannot be decided without the server",
            ],
            "; ",
            "name the httpd binary with --httpd, or the version with --apache-version",
        )),
    }
}

fn all_names(host: &VirtualHost) -> String {
    let names: Vec<&str> = host
        .server_name
        .iter()
        .chain(&host.aliases)
        .map(String::as_str)
        .collect();
    names.join(", ")
}

/// Does the directive name that file, in whatever spelling?
fn same_file(configuration: &Configuration, entry: &Entry, wanted: &[u8]) -> bool {
    let platform = configuration.source().platform;
    let full = |path: &[u8]| resolve(configuration.server_root(), path, platform);
    configuration.arguments(entry).first().is_some_and(|have| {
        let (have, wanted) = (full(have), full(wanted));
        have == wanted
            || configuration.source().host_path(&have) == configuration.source().host_path(&wanted)
            || platform == Platform::Windows && have.eq_ignore_ascii_case(&wanted)
    })
}
