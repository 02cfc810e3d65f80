//! The step that gets the port listened on, and HTTP switched off where that is asked. Knows no certificates.

use crate::httpd::{Configuration, Edit, EntryId, Listen, Truth, VirtualHost};

use super::answer::Answers;
use super::plan::{PlanError, insert_lines, refuse, server_root_line};
use super::request::{Http, Request};
use super::site::site;

/// Edits after which something listens on the request's port and HTTP is as asked; none when it is so.
pub(super) fn edits(configuration: &Configuration, request: &Request) -> Result<Vec<Edit>, PlanError> {
    let answers = Answers::new(configuration, request);
    let step = Step {
        configuration,
        request,
        active: answers.active_listens(),
        plain: plain_http(&answers, request),
    };
    // Where TLS is spoken already, the listeners are somebody's decision, and so is HTTP beside it; only an explicit
    // word changes that.
    let decided = answers.port_speaks_tls();
    if decided && request.http != Some(Http::Off) {
        return Ok(Vec::new());
    }
    let stays = matches!(request.http, Some(Http::Keep | Http::Redirect));
    let edits = if stays || step.plain.is_empty() {
        step.keep()?
    } else {
        step.off()?
    };
    if !edits.is_empty() {
        undecided(configuration, &answers, request)?;
    }
    Ok(edits)
}

/// Virtual hosts that `--http off` leaves without a listener, to be told about.
pub(super) fn losing_hosts(configuration: &Configuration, request: &Request) -> Vec<VirtualHost> {
    let answers = Answers::new(configuration, request);
    let plain = plain_http(&answers, request);
    Step {
        configuration,
        request,
        active: answers.active_listens(),
        plain,
    }
    .losers()
}

/// Refuses to add or move listeners beside one that cannot be told.
fn undecided(
    configuration: &Configuration,
    answers: &Answers<'_>,
    request: &Request,
) -> Result<(), PlanError> {
    if let Some(entry) = configuration.unreadable_listen() {
        return Err(refuse(format!(
            "the Listen at {} cannot be read (an undefined variable?), so it is unknown what may be added beside it; \
             write its port, then run again",
            configuration.place(entry)
        )));
    }
    let unknown = answers
        .listens
        .iter()
        .find(|listen| listen.truth == Truth::Unknown && (listen.port == request.port || listen.port == 80));
    match unknown {
        None => Ok(()),
        Some(unknown) => Err(refuse(format!(
            "whether `Listen {}` at {} is active depends on a condition that cannot be decided without the server; \
             name the binary with --httpd, or put the line outside of the condition",
            unknown.endpoint(),
            configuration.place(configuration.entry(unknown.entry))
        ))),
    }
}

/// The listeners that serve HTTP and are meant by `--http`: those on port 80, or else the only one there is.
pub(super) fn plain_http<'a>(answers: &'a Answers<'_>, request: &Request) -> Vec<&'a Listen> {
    let http: Vec<&Listen> = answers
        .active_listens()
        .into_iter()
        .filter(|listen| {
            listen.port != request.port
                && listen.effective_protocol() != "https"
                && !answers.listener_speaks_tls(listen)
        })
        .collect();
    let on_80: Vec<&Listen> = http.iter().copied().filter(|listen| listen.port == 80).collect();
    match http.as_slice() {
        _ if !on_80.is_empty() => on_80,
        // With the HTTPS port listened on already, another port than 80 is somebody's own choice.
        [only] if !answers.is_listened_on() => vec![only],
        _ => Vec::new(),
    }
}

struct Step<'a> {
    configuration: &'a Configuration,
    request: &'a Request,
    active: Vec<&'a Listen>,
    plain: Vec<&'a Listen>,
}

/// How the HTTPS port stands at the address of a listener.
enum Cover<'a> {
    /// It is listened on there.
    Covered,
    /// It can be listened on there.
    Free,
    /// A listener for part of the address would stand in the way at start.
    Blocked(&'a Listen),
}

impl<'a> Step<'a> {
    /// The port is listened on where HTTP is, beside it.
    fn keep(&self) -> Result<Vec<Edit>, PlanError> {
        let mut missing: Vec<&Listen> = Vec::new();
        for listen in &self.plain {
            match self.cover(listen) {
                Cover::Covered => {}
                Cover::Free => missing.push(listen),
                Cover::Blocked(other) => return Err(self.blocked(listen, other)),
            }
        }
        if self.plain.is_empty() && !self.active.iter().any(|listen| listen.port == self.request.port) {
            missing = self.active.clone();
            return Ok(vec![self.beside(&missing)]);
        }
        Ok(if missing.is_empty() {
            Vec::new()
        } else {
            vec![self.beside(&missing)]
        })
    }

    /// Each HTTP listener becomes one for HTTPS, or goes where there is one already.
    fn off(&self) -> Result<Vec<Edit>, PlanError> {
        let losers = self.losers();
        if self.request.http.is_none() && !losers.is_empty() {
            let names: Vec<String> = losers
                .iter()
                .map(|host| format!("  {}", describe(self.configuration, host)))
                .collect();
            return Err(refuse(format!(
                "switching HTTP off (the default) would leave virtual hosts without a listener:\n{}\nsay what is \
                 wanted: --http keep (HTTP and HTTPS side by side) or --http off",
                names.join("\n")
            )));
        }
        self.plain
            .iter()
            .map(|listen| match self.cover(listen) {
                Cover::Covered => self.drop(listen),
                Cover::Free => self.switch(listen),
                Cover::Blocked(other) => Err(self.blocked(listen, other)),
            })
            .collect()
    }

    fn cover(&self, listen: &Listen) -> Cover<'a> {
        let wanted = Listen {
            port: self.request.port,
            ..listen.clone()
        };
        let there = || {
            self.active
                .iter()
                .copied()
                .filter(|other| other.port == self.request.port)
        };
        let covers = |other: &Listen| {
            other.address == wanted.address
                || other.address.is_none()
                || other.address.as_deref() == Some("[::]")
                || (other.is_wildcard() && wanted.ip().is_none_or(|ip| ip.is_ipv4()))
                || (wanted.ip().is_some() && wanted.ip() == other.ip())
        };
        if there().any(covers) {
            return Cover::Covered;
        }
        there()
            .find(|other| other.overlaps(&wanted))
            .map_or(Cover::Free, Cover::Blocked)
    }

    fn blocked(&self, listen: &Listen, other: &Listen) -> PlanError {
        refuse(format!(
            "`Listen {}` at {} covers only part of where HTTP is listened for (`Listen {}` at {}), and Apache cannot \
             listen on the rest beside it; change it to `Listen {}`, then run again",
            other.endpoint(),
            self.configuration.place(self.configuration.entry(other.entry)),
            listen.endpoint(),
            self.configuration.place(self.configuration.entry(listen.entry)),
            Listen {
                port: self.request.port,
                ..listen.clone()
            }
            .endpoint()
        ))
    }

    /// Active virtual hosts that can be reached only through the listeners that go.
    fn losers(&self) -> Vec<VirtualHost> {
        let goes = |listen: &Listen| self.plain.iter().any(|plain| plain.entry == listen.entry);
        let stays = |port: u16| {
            self.active
                .iter()
                .any(|listen| listen.port == port && !goes(listen))
        };
        let mut hosts = self.configuration.virtual_hosts();
        hosts.retain(|host| {
            let reached = host.addresses.iter().any(|address| {
                self.plain
                    .iter()
                    .any(|plain| address.port.is_none_or(|port| port == plain.port))
            });
            let remains = host.addresses.iter().any(|address| match address.port {
                Some(port) => stays(port) || port == self.request.port,
                None => self
                    .active
                    .iter()
                    .any(|listen| listen.port != self.request.port && !goes(listen)),
            });
            host.truth == Truth::True && reached && !remains
        });
        // The site itself is served over HTTPS instead.
        if let Ok(Some(own)) = site(self.configuration, self.request) {
            hosts.retain(|host| host.section != own.section);
        }
        hosts
    }

    /// `Listen 80` becomes `Listen 443`: the port inside the argument changes, the rest of the line stays.
    fn switch(&self, listen: &Listen) -> Result<Edit, PlanError> {
        self.editable(listen)?;
        let target = at_port(listen, self.request.port);
        let reason = format!(
            "listen for HTTPS on {target} instead of HTTP on {}",
            listen.endpoint()
        );
        Ok(move_to(
            self.configuration,
            listen,
            self.request.port,
            "https",
            reason,
        ))
    }

    /// A listener that is no longer wanted is commented out.
    fn drop(&self, listen: &Listen) -> Result<Edit, PlanError> {
        self.editable(listen)?;
        let reason = format!("stop listening for HTTP on {}", listen.endpoint());
        Ok(comment_out(self.configuration, listen.entry, reason))
    }

    fn editable(&self, listen: &Listen) -> Result<(), PlanError> {
        let entry = self.configuration.entry(listen.entry);
        match self.configuration.macro_place(entry) {
            None => Ok(()),
            Some(_) => Err(refuse(format!(
                "`Listen {}` comes out of a macro used at {} and is not edited; move it out of the macro, or use \
                 --http keep",
                listen.endpoint(),
                self.configuration.place(entry)
            ))),
        }
    }

    /// New `Listen` lines behind their siblings: one for each address, or one for all addresses.
    fn beside(&self, siblings: &[&Listen]) -> Edit {
        let in_files: Vec<&Listen> = siblings
            .iter()
            .copied()
            .filter(|listen| {
                self.configuration
                    .macro_place(self.configuration.entry(listen.entry))
                    .is_none()
            })
            .collect();
        let mut endpoints: Vec<Listen> = Vec::new();
        for listen in &in_files {
            let wanted = Listen {
                port: self.request.port,
                protocol: None,
                ..(*listen).clone()
            };
            let clashes = |known: &Listen| known.overlaps(&wanted) && !is_family_pair(known, &wanted);
            if wanted.is_wildcard() {
                // One for all addresses takes the place of those for single ones.
                endpoints.retain(|known| known.is_wildcard() || !clashes(known));
            }
            if !endpoints.iter().any(clashes) {
                endpoints.push(wanted);
            }
        }
        let Some(last) = in_files.last().filter(|_| !endpoints.is_empty()) else {
            let text = format!("Listen {}", self.request.port).into_bytes();
            let reason = format!("listen for HTTPS on {}", self.request.port);
            return insert_lines(
                self.configuration,
                0,
                server_root_line(self.configuration),
                &[text],
                reason,
            );
        };
        // Together behind the last sibling: `0.0.0.0` and `[::]` start only when nothing stands between them.
        let last = self.configuration.entry(last.entry);
        let texts: Vec<Vec<u8>> = endpoints
            .iter()
            .map(|listen| format!("Listen {}", listen.endpoint()).into_bytes())
            .collect();
        let all: Vec<String> = endpoints.iter().map(Listen::endpoint).collect();
        let reason = format!("listen for HTTPS on {}", all.join(" and "));
        insert_lines(self.configuration, last.file, Some(last.line), &texts, reason)
    }
}

fn at_port(listen: &Listen, port: u16) -> String {
    Listen {
        port,
        ..listen.clone()
    }
    .endpoint()
}

/// A listener with another port: the port inside the argument changes, the rest of the line stays, except that a
/// protocol becomes this one.
pub(super) fn move_to(
    configuration: &Configuration,
    listen: &Listen,
    port: u16,
    protocol: &str,
    reason: String,
) -> Edit {
    let entry = configuration.entry(listen.entry);
    let file = configuration.file(entry.file);
    let line = entry.line as usize;
    let document = &file.document;
    let target = at_port(listen, port);
    let spans = document.word_spans(line);
    let (span, replacement) = if let Some([_, endpoint, rest @ ..]) = spans.as_deref() {
        let typed = &document.bytes()[endpoint.clone()];
        let old_port = listen.port.to_string();
        // Only the digits change where they stand at the end of a plain word.
        match (typed.ends_with(old_port.as_bytes()), rest) {
            (true, []) => (endpoint.end - old_port.len()..endpoint.end, port.to_string()),
            (_, []) => (endpoint.clone(), target),
            (_, [last, ..]) => (endpoint.start..last.end, format!("{target} {protocol}")),
        }
    } else {
        let protocol = listen.protocol.as_ref().map(|_| format!(" {protocol}"));
        let mut text = document.indentation(line).to_vec();
        text.extend_from_slice(format!("Listen {target}{}", protocol.unwrap_or_default()).as_bytes());
        text.extend_from_slice(document.line_ending().as_bytes());
        return Edit {
            file: file.host.clone(),
            span: document.span(line),
            replacement: text,
            reason,
        };
    };
    Edit {
        file: file.host.clone(),
        span,
        replacement: replacement.into_bytes(),
        reason,
    }
}

/// A directive as a comment.
pub(super) fn comment_out(configuration: &Configuration, id: EntryId, reason: String) -> Edit {
    let entry = configuration.entry(id);
    let file = configuration.file(entry.file);
    let line = entry.line as usize;
    let start = file.document.span(line).start + file.document.indentation(line).len();
    Edit {
        file: file.host.clone(),
        span: start..start,
        replacement: b"#".to_vec(),
        reason,
    }
}

/// Name and place of a virtual host, for people.
pub(super) fn describe(configuration: &Configuration, host: &VirtualHost) -> String {
    let name = host.server_name.as_deref().unwrap_or("(no ServerName)");
    format!(
        "{name} at {}",
        configuration.place(configuration.entry(host.entry))
    )
}

/// `0.0.0.0` and `[::]` side by side: one for each family, which Apache can bind together when they are adjacent.
fn is_family_pair(a: &Listen, b: &Listen) -> bool {
    let both = [a.address.as_deref(), b.address.as_deref()];
    both.contains(&Some("0.0.0.0")) && both.contains(&Some("[::]"))
}
