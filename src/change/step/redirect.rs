//! The step that sends HTTP requests for the names of the request to HTTPS, and no others but those that their site got
//! as the default. Touches virtual hosts for HTTP only: what stands at the server level would hold for HTTPS as well,
//! and redirect without end.

use std::net::IpAddr;

use crate::httpd::{Configuration, Entry, Truth, VirtualHost, in_url};

use super::super::address::{is_ipv6, name_lines};
use super::super::answer::Answers;
use super::super::edit_lines::{Spot, insert_at_server_level, insert_into};
use super::super::existing::{ALL_BUT_CHALLENGES, NOBODY, is_nameless, own_switch, shows_by_name, within};
use super::super::outside::sleeping_rule;
use super::super::plan::{Act, PlanError, refuse};
use super::super::redirection::{redirects, redirects_everything};
use super::super::refusal::{Place, RefusalCode, named, say};
use super::super::request::{Http, Request};
use super::super::site;
use super::super::text::{bytes, indented, unit_of};
use super::listen::plain_http;
use super::module::load;
use super::new_host::{addresses, place};
use super::policy::inherited_rewrites;

/// Changes after which HTTP sends the names to HTTPS; none when it does, or was not asked to.
pub(super) fn acts(configuration: &Configuration, request: &Request) -> Result<Vec<Act>, PlanError> {
    if request.http != Some(Http::Redirect) {
        return Ok(Vec::new());
    }
    let answers = Answers::new(configuration, request);
    let listens = plain_http(&answers, request);
    if listens.is_empty() {
        return Err(refuse(
            RefusalCode::NoHttpToRedirect,
            "nothing listens for HTTP on port 80 or on exactly one other port, so it is not known what to redirect",
            "; ",
            "add `Listen 80` to the configuration, or run again without --http redirect",
        ));
    }
    let mut ports: Vec<u16> = listens.iter().map(|listen| listen.port).collect();
    ports.sort_unstable();
    ports.dedup();
    for port in ports {
        let port = Port::new(configuration, request, port);
        let mut homes: Vec<&VirtualHost> = Vec::new();
        let mut homeless = Vec::new();
        for end in port.answers.local_ends() {
            let mut names = Vec::new();
            for name in request.names() {
                match port.answers.answering(end, name) {
                    Some(host) if redirects(configuration, request, host, name) => {}
                    Some(host) if is_for(configuration, host, name, request) => homes.push(host),
                    _ => names.push(name),
                }
            }
            if !names.is_empty() {
                homeless.push((end, names));
            }
        }
        homes.sort_unstable_by_key(|host| host.entry);
        homes.dedup_by_key(|host| host.entry);
        let mut acts = Vec::new();
        for host in homes {
            let (mut own, is_done) = port.redirect(host)?;
            if !is_done {
                return Ok(own);
            }
            acts.append(&mut own);
        }
        if !acts.is_empty() {
            return Ok(acts);
        }
        if let Some((end, names)) = homeless.first() {
            let is_new = |end: &Option<IpAddr>| port.answers.set(*end).is_empty();
            let alike = homeless
                .iter()
                .filter(|(other, same)| same == names && is_new(other) == is_new(end));
            let ends: Vec<Option<IpAddr>> = alike.map(|(end, _)| *end).collect();
            return port.add(&ends, names);
        }
    }
    Ok(Vec::new())
}

/// May a redirect for the name stand in that virtual host? In one of other names, which answers as the default, only where
/// nothing more is needed than its lines.
fn is_for(configuration: &Configuration, host: &VirtualHost, name: &str, request: &Request) -> bool {
    let is_site = || {
        let site = site::site(configuration, request).ok().flatten();
        request.site.is_some() && site.is_some_and(|site| site.section == host.section)
    };
    host.has_name(name) || is_site() && (is_nameless(configuration, host) || takes_rules(configuration, host))
}

/// Can rewrite rules be added to a virtual host as things are?
fn takes_rules(configuration: &Configuration, host: &VirtualHost) -> bool {
    let opening = configuration.entry(host.entry);
    configuration.macro_place(opening).is_none()
        && configuration.modules().has(b"rewrite_module") == Truth::True
        && rewriting_off(configuration, host).is_none()
}

/// The line of a virtual host that switches rewriting off.
fn rewriting_off<'a>(configuration: &'a Configuration, host: &VirtualHost) -> Option<&'a Entry> {
    own_switch(configuration, host.section, "RewriteEngine", "off")
}

/// Why a line is there that redirects the names.
fn reason(names: &[&str]) -> String {
    format!(
        "send HTTP requests for {} to HTTPS, except those of certificate authorities",
        names.join(" and ")
    )
}

/// One port on which HTTP is spoken.
struct Port<'a> {
    configuration: &'a Configuration,
    request: &'a Request,
    port: u16,
    answers: Answers<'a>,
}

impl<'a> Port<'a> {
    fn new(configuration: &'a Configuration, request: &'a Request, port: u16) -> Self {
        Port {
            configuration,
            request,
            port,
            answers: Answers::on(configuration, request, port),
        }
    }

    /// A redirect in a virtual host that has the name. mod_alias does it, except where it would send other names
    /// away too, or where something else takes the request before it, or to an IPv6 address: then mod_rewrite. Not done
    /// is it where a module must be loaded first.
    fn redirect(&self, host: &VirtualHost) -> Result<(Vec<Act>, bool), PlanError> {
        self.refuse_macro(host)?;
        let shared = self.is_shared(host);
        let by_rewriting = shared || self.is_taken(host) || is_ipv6(&self.request.domain);
        let (module, why) = match (by_rewriting, shared) {
            (false, _) => ("alias_module", "it redirects HTTP to HTTPS"),
            (true, true) => ("rewrite_module", "it redirects HTTP to HTTPS for some names only"),
            (true, false) => ("rewrite_module", "it redirects HTTP to HTTPS"),
        };
        let missing = load(self.configuration, module, why)?;
        if !missing.is_empty() {
            return Ok((missing, false));
        }
        let (spot, lines) = if by_rewriting {
            self.refuse_rewriting_off(host)?;
            self.refuse_waking(host)?;
            (Spot::Top, self.rewrite_lines(shared))
        } else {
            (Spot::Name, vec![self.alias_line()])
        };
        let reason = reason(&self.request.names().collect::<Vec<_>>());
        let edit = insert_into(self.configuration, host, spot, bytes(&lines), reason)?;
        Ok((vec![Act::Edit(edit)], true))
    }

    /// Has the virtual host names that are not to be redirected, or that a redirect behind ours sends elsewhere, or shows
    /// it each name something of its own?
    fn is_shared(&self, host: &VirtualHost) -> bool {
        if redirects_everything(self.configuration, host, &self.request.domain)
            || shows_by_name(self.configuration, host)
        {
            return true;
        }
        let mut own = host.server_name.iter().chain(&host.aliases);
        let is_asked = |name: &String| self.request.names().any(|known| known.eq_ignore_ascii_case(name));
        own.any(|name| !is_asked(name)) || !host.names_exactly(&self.request.domain)
    }

    /// Does another module look at the request before mod_alias? mod_proxy and mod_rewrite translate names first
    /// (`APR_HOOK_FIRST`), mod_alias in the middle.
    fn is_taken(&self, host: &VirtualHost) -> bool {
        within(self.configuration, host).any(|entry| {
            entry.truth != Truth::False
                && self.configuration.context(entry) == host.section
                && ["ProxyPass", "ProxyPassMatch", "RewriteRule", "RewriteMap"]
                    .iter()
                    .any(|name| self.configuration.is_named(entry, name))
        })
    }

    fn refuse_macro(&self, host: &VirtualHost) -> Result<(), PlanError> {
        let configuration = self.configuration;
        let opening = configuration.entry(host.entry);
        if configuration.macro_place(opening).is_none() {
            return Ok(());
        }
        Err(refuse(
            RefusalCode::FromMacro,
            say![
                "the virtual host that answers ",
                &self.request.domain,
                " over HTTP comes from a macro used at ",
                Place::of(configuration, opening),
                ", which is not edited",
            ],
            "; ",
            "choose --http keep and write the redirect into the macro, or choose --http off",
        ))
    }

    fn refuse_rewriting_off(&self, host: &VirtualHost) -> Result<(), PlanError> {
        let configuration = self.configuration;
        let Some(entry) = rewriting_off(configuration, host) else {
            return Ok(());
        };
        Err(refuse(
            RefusalCode::RewriteSwitchedOff,
            say![
                "the virtual host ",
                named(configuration, host),
                " switches rewriting off at ",
                Place::of(configuration, entry),
                ", but a redirect needs it for ",
                &self.request.domain,
                " alone",
            ],
            "; ",
            "remove that line, then run again",
        ))
    }

    /// `RewriteEngine on` holds for the folders of the virtual host as well, and rules that slept there would act.
    fn refuse_waking(&self, host: &VirtualHost) -> Result<(), PlanError> {
        let Some((place, rule)) = sleeping_rule(self.configuration, host, &self.request.domain) else {
            return Ok(());
        };
        Err(refuse(
            RefusalCode::WokenLine,
            say![
                format!(
                    "a redirect for {} alone needs `RewriteEngine on` in the virtual host ",
                    self.request.domain
                ),
                named(self.configuration, host),
                format!(", with which `{rule}` at "),
                place,
                " becomes active and changes what is shown",
            ],
            "; ",
            "remove that rule, or put `RewriteEngine off` before it, then run again",
        ))
    }

    /// A redirect by mod_rewrite: of the names of the request only where the virtual host has others.
    fn rewrite_lines(&self, shared: bool) -> Vec<String> {
        let mut lines = vec!["RewriteEngine on".to_string()];
        if shared {
            let names: Vec<String> = self
                .request
                .names()
                .map(|name| regex::escape(&in_url(name)))
                .collect();
            // `\-` is no escape that every version of PCRE likes outside of brackets.
            let names = names.join("|").replace("\\-", "-");
            lines.push(format!(
                "RewriteCond %{{HTTP_HOST}} \"^(?:{names})\\.?(?::[0-9]+)?$\" [NC]"
            ));
        }
        lines.push(self.rewrite_line());
        lines
    }

    fn alias_line(&self) -> String {
        let address = self.request.address();
        format!("RedirectMatch permanent {ALL_BUT_CHALLENGES} \"{address}/$1\"")
    }

    fn rewrite_line(&self) -> String {
        let address = self.request.address();
        format!("RewriteRule {ALL_BUT_CHALLENGES} \"{address}/$1\" [R=301,L]")
    }

    /// A virtual host that only redirects, for names that no virtual host has. Where the main server answered so far,
    /// it goes on answering all other names.
    fn add(&self, ends: &[Option<IpAddr>], names: &[&str]) -> Result<Vec<Act>, PlanError> {
        let set = self.answers.set(ends[0]);
        let every_port = ends.iter().find(|end| self.answers.competitors(**end).is_empty());
        if let Some(host) = every_port.and_then(|end| self.answers.set(*end).first()) {
            return Err(refuse(
                RefusalCode::HostForEveryPort,
                say![
                    "the virtual host ",
                    named(self.configuration, host),
                    " answers HTTP on every port, and a new one for port ",
                    self.port,
                    " would take over all its names",
                ],
                "; ",
                format!(
                    "write the port into its opening, as in `<VirtualHost *:{}>`, then run again",
                    self.port
                ),
            ));
        }
        let (module, redirect) = if is_ipv6(&self.request.domain) {
            ("rewrite_module", self.rewrite_lines(false))
        } else {
            ("alias_module", vec![self.alias_line()])
        };
        let missing = load(self.configuration, module, "it redirects HTTP to HTTPS")?;
        if !missing.is_empty() {
            return Ok(missing);
        }
        let (file, after) = place(self.configuration, names, &self.answers, ends)?;
        let unit = unit_of(&self.configuration.file(file).document);
        let address = addresses(&self.answers, self.port, ends).join(" ");
        let mut text = vec![format!("# HTTP to HTTPS for {}, added by esync-ssl", names[0])];
        let mut lines = Vec::new();
        let section = |inner: &[String], lines: &mut Vec<Vec<u8>>| {
            lines.push(format!("<VirtualHost {address}>").into_bytes());
            lines.extend(indented(&bytes(inner), &unit));
            lines.push(b"</VirtualHost>".to_vec());
        };
        if set.is_empty() {
            text[0] += "; the first virtual host stands in for the main server";
            let main = self.configuration.main_server_name();
            let mut inner: Vec<String> = Vec::new();
            if main.is_none_or(|main| names.iter().any(|name| name.eq_ignore_ascii_case(&main))) {
                inner.push(format!("ServerName {NOBODY}"));
            }
            inner.extend(
                inherited_rewrites(self.configuration)
                    .iter()
                    .map(|line| line.to_string()),
            );
            section(&inner, &mut lines);
        }
        let mut inner = name_lines(names);
        inner.extend(redirect);
        section(&inner, &mut lines);
        lines.splice(0..0, bytes(&text));
        let edit = insert_at_server_level(self.configuration, file, after, lines, reason(names));
        Ok(vec![Act::Edit(edit)])
    }
}
