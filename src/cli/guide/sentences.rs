//! The questions in words.

use std::borrow::Borrow;

use super::answers::{Answers, Chosen, Looks, SOURCES, Step};
use super::name;
use super::question::{Kind, Question};
use crate::check::Finding;
use crate::httpd::in_url;
use crate::operation::ports::USUAL;
use crate::operation::survey::Survey;
use crate::server::installation::Installation;
use crate::shown::shown;
use crate::wording::{as_sentence, count};

/// A question, with what was found and is offered as its answer.
pub fn question(step: Step, known: &Answers, found: &Result<Survey, String>, look: &dyn Looks) -> Question {
    match step {
        Step::Server | Step::Servers | Step::Root => of_server(step, known, found),
        Step::Source => {
            let options = SOURCES.map(|(_, label)| label);
            Question::choice("What certificate is there?", &options, 0)
        }
        Step::Certificate
        | Step::Key
        | Step::KeyPhrase
        | Step::Chain
        | Step::Archive
        | Step::ArchivePhrase
        | Step::Authority
        | Step::Directory
        | Step::DirectoryRoot => of_files(step, known),
        Step::Name | Step::TypedName => of_name(step, known, look),
        Step::Aliases | Step::TypedAliases => of_aliases(step, known),
        Step::Folder | Step::Agree => of_request(step, known, look),
        Step::Port | Step::TypedPort => of_port(step, known),
        Step::Http => of_http(known, look),
        Step::Restart => of_restart(known),
        Step::Schedule => of_schedule(),
        Step::Doubt => of_doubt(known),
    }
}

/// What is wrong with files and names, a line each.
pub fn of_findings(findings: &[Finding]) -> Vec<String> {
    let told = findings.iter().map(|finding| {
        let parts = [&finding.summary, &finding.cause, &finding.fix].map(|part| part.trim());
        let parts = parts.iter().filter(|part| !part.is_empty());
        let sentences: Vec<String> = parts.map(|part| as_sentence(part)).collect();
        format!("{}: {}", finding.code, sentences.join(" "))
    });
    told.collect()
}

fn of_doubt(known: &Answers) -> Question {
    let doubt = known.doubt.as_ref();
    let other = match doubt.and_then(|doubt| doubt.about.first()) {
        Some(Step::Name) => "No, another name",
        Some(Step::Aliases) => "No, other names",
        _ => "No, another file",
    };
    let options = [other, "Yes, as it is"];
    let told = doubt
        .map(|doubt| of_findings(&doubt.findings))
        .unwrap_or_default();
    Question::choice("Use it anyway?", &options, 0).after(told)
}

/// Several servers, of which one is meant.
pub fn of_servers(servers: &[Installation]) -> Question {
    let options = servers.iter().map(|server| {
        let root = shown(&server.root);
        match Chosen::of(server).main {
            None => format!("{root} ({})", server.found_by),
            Some(main) => format!("{root}, main file {} ({})", shown(&main), server.found_by),
        }
    });
    Question {
        told: vec![format!(
            "There are {} on this machine.",
            count(servers.len(), "Apache server")
        )],
        text: "Which server is it?".into(),
        kind: Kind::Choice {
            options: options.chain(["Another one".to_owned()]).collect(),
            usual: 0,
        },
    }
}

fn of_server(step: Step, known: &Answers, found: &Result<Survey, String>) -> Question {
    let server = match found {
        Ok(server) if step == Step::Server => server,
        _ if known.types_root => return Question::path("Folder of the server (its server root):", None),
        Ok(_) => return Question::path("Folder of the other server (its server root):", None),
        Err(why) => {
            let text = match known.chosen {
                None => "Folder of the server (its server root, such as C:\\eSync\\Apache24):",
                Some(_) => "Folder of the server (its server root):",
            };
            return Question::path(text, None).after([format!("No server was taken: {why}")]);
        }
    };
    let told = described(server);
    match &server.closed {
        None => Question::choice("Is this the server?", &["Yes", "No, another one"], 0).after(told),
        Some(path) => {
            let how = match cfg!(windows) {
                true => {
                    "close this window, and start the program again with a right click and \"Run as administrator\""
                }
                false => "end here, and start it again as root: sudo esync-ssl guide",
            };
            let closed = format!(
                "This account may not write {path}. All can be looked at, and nothing written. To write, {how}"
            );
            let options = ["Look without writing", "Another server", "End here"];
            Question::choice("What now?", &options, 2).after(told.into_iter().chain([closed]))
        }
    }
}

/// What was found, a line each.
fn described(server: &Survey) -> Vec<String> {
    let ports = |what: &str, ports: &[u16]| {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        (!ports.is_empty()).then(|| format!("{what} on {}", ports.join(", ")))
    };
    let state = match server.runs {
        Some(true) => "it runs",
        Some(false) => "it is stopped",
        None => "not known whether it runs here",
    };
    let listens = [ports("HTTP", &server.http), ports("HTTPS", &server.https)];
    let state = [Some(state.to_owned())].into_iter().chain(listens).flatten();
    let mut lines = vec![
        format!("Server root   {} ({})", server.root, server.found_by),
        format!("Main file     {}", server.main),
        format!("State         {}", state.collect::<Vec<_>>().join("; ")),
    ];
    let names = server.names();
    if !names.is_empty() {
        lines.push(format!("Sites         {}", shortened(&names)));
    }
    if let Some(broken) = &server.broken {
        lines.push(format!(
            "Problem       Apache does not start with this configuration: {broken}. esync-ssl lint tells all"
        ));
    }
    lines
}

fn shortened<T: Borrow<str>>(names: &[T]) -> String {
    const MOST: usize = 5;
    match names.len() > MOST {
        false => names.join(", "),
        true => format!("{} and {} more", names[..MOST].join(", "), names.len() - MOST),
    }
}

fn of_files(step: Step, known: &Answers) -> Question {
    const DROP: &str = "A file can be dropped into this window; Tab completes a path.";
    let key = known.key.as_ref().map(|(path, _)| path.to_string());
    let secret = |told: String| Question {
        told: vec![told],
        text: "Pass-phrase (not shown; Enter alone leads back):".into(),
        kind: Kind::Secret,
    };
    match step {
        Step::Certificate => Question::path("File of the certificate:", None).after([DROP.to_owned()]),
        Step::Key => {
            let beside = known.certificate.as_ref().and_then(|found| found.key.clone());
            let told = beside
                .as_ref()
                .map(|key| format!("{key} holds the key that belongs to it."));
            Question::path("File of the private key:", beside.map(Into::into)).after(told)
        }
        Step::KeyPhrase => secret(format!(
            "The key {} is under a pass-phrase. Apache gets a copy without it, which only it may read.",
            key.unwrap_or_default()
        )),
        Step::Chain => {
            let issuer = known.certificate.as_ref().and_then(|found| found.lacks.clone());
            let told = format!(
                "The file holds no certificate of the issuer, {}. Authorities send it along as chain, bundle or intermediate; \
                 without it many clients do not trust the server. Enter alone: there is none, because the issuer is a root that \
                 clients have.",
                issuer.unwrap_or_default()
            );
            Question::path("File of the intermediate certificates:", Some(String::new())).after([told])
        }
        Step::ArchivePhrase => secret("The archive is under a pass-phrase.".into()),
        Step::Authority => {
            let options = [
                "Let's Encrypt, for nothing",
                "Another authority, by its ACME address",
            ];
            let told = "The authority looks whether the name leads to this server: it must be reachable by that name, from \
                        everywhere, on port 80 or 443.";
            Question::choice("Which authority makes the certificate?", &options, 0).after([told.to_owned()])
        }
        Step::Directory => Question::line("Address of its ACME directory:", None),
        Step::DirectoryRoot => {
            let told = "Authorities of a company have a root certificate of their own, by which they are trusted. Enter alone: it \
                        is trusted as it is.";
            let text = "File of its root certificate:";
            Question::path(text, Some(String::new())).after([told.to_owned()])
        }
        _ => Question::path("File of the archive (.pfx, .p12):", None).after([DROP.to_owned()]),
    }
}

fn of_name(step: Step, known: &Answers, look: &dyn Looks) -> Question {
    let names = known.certificate.as_ref().map(|found| found.names.clone());
    let told = names
        .filter(|names| !names.is_empty())
        .map(|names| format!("The certificate is for {}", shortened(&names)));
    if step == Step::TypedName {
        return Question::line("Name or address that clients use:", None).after(told);
    }
    let offers = name::offered(look, known);
    let offers = offers
        .iter()
        .map(|offer| format!("{} ({})", offer.name, offer.from));
    let options: Vec<String> = offers.chain(["Another name".to_owned()]).collect();
    Question {
        told: Vec::new(),
        text: "By which name do clients reach this site?".into(),
        kind: Kind::Choice { options, usual: 0 },
    }
}

fn of_aliases(step: Step, known: &Answers) -> Question {
    if step == Step::TypedAliases {
        let text = "Further names, with blanks between them (Enter alone: none):";
        return Question::line(text, Some(String::new()));
    }
    let further = name::further(known);
    // Of a certificate for several servers, one is this.
    let (told, usual) = match known.certificate {
        Some(_) => ("The certificate is for further names, which no site has yet.", 0),
        None => (
            "The site has further names; browsers refuse a certificate that is not for them as well.",
            1,
        ),
    };
    let all = format!("All of these: {}", shortened(&further));
    let options = ["None", &all, "Some of these, or others"];
    Question::choice("Which further names does the site have?", &options, usual).after([told.to_owned()])
}

fn of_port(step: Step, known: &Answers) -> Question {
    if step == Step::TypedPort {
        return Question::line("Port for HTTPS:", None);
    }
    let server = known.server.clone().unwrap_or_default();
    let told = match &server.taken {
        Some(taken) => format!(
            "The usual port of HTTPS, {USUAL}, is taken by another program: {}.",
            taken.by
        ),
        None => format!("HTTPS is on another port here than the usual one, {USUAL}."),
    };
    let name = in_url(known.name.as_deref().unwrap_or_default());
    let ports = known.ports().into_iter().map(|port| match (port, &server.taken) {
        (USUAL, Some(_)) => format!("{USUAL}: refused until that program has ended"),
        (USUAL, None) => format!("{USUAL}: clients type https://{name}/"),
        _ => format!("{port}: clients type https://{name}:{port}/"),
    });
    let options: Vec<String> = ports.chain(["Another port".to_owned()]).collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    Question::choice("Which port is HTTPS on?", &options, 0).after([told])
}

fn of_request(step: Step, known: &Answers, look: &dyn Looks) -> Question {
    let name = known.name.clone().unwrap_or_default();
    match (step, &known.folder) {
        (Step::Agree, Some(folder)) => {
            let told = format!(
                "A new private key and a request for {name} are written into {folder}. The request goes to your authority; the \
                 key stays here. Nothing of the server changes."
            );
            Question::choice("Write them?", &["Yes", "No, end here"], 0).after([told])
        }
        _ => {
            let usual = look.folder();
            Question::path("Folder for key and request:", Some(usual.into()))
        }
    }
}

fn of_http(known: &Answers, look: &dyn Looks) -> Question {
    let posts = look.posts(known.chosen.as_ref());
    let server = known.server.clone().unwrap_or_default();
    let others = (server.plain_hosts > 1).then(|| {
        format!(
            "{} answer over HTTP on this server; Off means all that share its ports.",
            count(server.plain_hosts, "site")
        )
    });
    // What is there is not cut off by Enter alone.
    let usual = match (&posts, &others) {
        (Some(_), _) => 1,
        (None, Some(_)) => 2,
        (None, None) => 0,
    };
    let told =
        posts.map(|posts| format!("{posts}. Those over HTTP go silent with Off, and most with Redirect."));
    let options = [
        "Off: only HTTPS answers; gateways that post to http:// go silent",
        "Keep: both; gateways that post to http:// continue, not encrypted",
        "Redirect: browsers are led to HTTPS; most gateways do not follow",
    ];
    Question::choice("What becomes of HTTP?", &options, usual).after(told.into_iter().chain(others))
}

fn of_restart(known: &Answers) -> Question {
    let is_up = known.server.as_ref().and_then(|server| server.runs) != Some(false);
    let options = match is_up {
        true => [
            "Yes; connections break for some seconds",
            "No, only write the files",
        ],
        false => ["Yes", "No, leave it stopped"],
    };
    let text = match is_up {
        true => "Restart Apache afterwards and prove that HTTPS works?",
        false => "Apache is stopped. Start it afterwards and prove that HTTPS works?",
    };
    let told = "Unless the server then shows the certificate, files and server are put back as they were. What is \
                only written takes effect with the next start; esync-ssl restart does that later.";
    Question::choice(text, &options, 0).after([told.to_owned()])
}

fn of_schedule() -> Question {
    let options = ["Yes", "No, somebody runs esync-ssl renew in time"];
    let told = "The scheduler of this machine then looks twice a day what is due, as root or SYSTEM. esync-ssl schedule off ends \
                that.";
    Question::choice("Have the certificate renewed before it ends?", &options, 0).after([told.to_owned()])
}
