//! `esync-ssl status`: what the server serves, as a person wants to see it first.

use std::fmt::Write as _;

use serde::Serialize;

use super::arguments::Global;
use super::dump::truth;
use super::printer::Printer;
use super::settings::Loaded;
use super::{Failure, interrupted};
use crate::exit_status::ExitStatus;
use crate::httpd::{Configuration, Entry, Listen, SERVER, Truth};
use crate::lint::Reach;
use crate::shown::{cell, printable};

/// The modules that matter for HTTPS and for what people do around it.
const MODULES: [&str; 6] = [
    "ssl_module",
    "socache_shmcb_module",
    "headers_module",
    "rewrite_module",
    "alias_module",
    "http2_module",
];

/// Runs the command.
pub fn run(global: &Global, printer: &Printer) -> Result<ExitStatus, Failure> {
    let loaded = Loaded::find(global)?;
    interrupted::tell(&loaded.installation.root, printer);
    loaded.tell_passed_over(printer);
    loaded.refuse_no_configuration()?;
    let status = Status::of(&loaded);
    printer.document(&status);
    printer.answer(&status.table());
    Ok(ExitStatus::Done)
}

/// The effective configuration in short, for people.
pub(super) fn text(loaded: &Loaded) -> String {
    Status::of(loaded).table()
}

#[derive(Serialize)]
struct Status {
    server_root: String,
    root: String,
    config: String,
    found_by: String,
    /// The account that its service runs as, on Windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    platform: String,
    apache_version: String,
    told_by: String,
    files: Vec<String>,
    modules: Vec<Module>,
    listeners: Vec<Listener>,
    main_server: MainServer,
    virtual_hosts: Vec<Host>,
    problems: usize,
}

#[derive(Serialize)]
struct Module {
    name: &'static str,
    state: &'static str,
    place: Option<String>,
}

#[derive(Serialize)]
struct Listener {
    endpoint: String,
    protocol: String,
    truth: &'static str,
    place: String,
}

/// What answers where no virtual host does.
#[derive(Serialize)]
struct MainServer {
    /// Listeners that it answers on.
    answers: Vec<String>,
    server_name: Option<String>,
    tls: bool,
    certificate: Option<String>,
}

#[derive(Serialize)]
struct Host {
    addresses: Vec<String>,
    server_name: Option<String>,
    aliases: Vec<String>,
    tls: bool,
    certificate: Option<String>,
    truth: &'static str,
    /// Why it does not answer, or answers less than it says.
    remark: Option<String>,
    place: String,
}

impl Status {
    fn of(loaded: &Loaded) -> Status {
        let configuration = &loaded.configuration;
        let place = |entry: &Entry| {
            let file = loaded.show(&configuration.file(entry.file).host);
            format!("{file}:{}", configuration.line_number(entry))
        };
        let listens = configuration.listens();
        let hosts = configuration.virtual_hosts();
        let certificate = |section| {
            let entry = configuration.setting(section, "SSLCertificateFile")?;
            let file = configuration.arguments(entry).into_iter().next()?;
            Some(printable(&file))
        };
        let main_answers = |listen: &&Listen| {
            listen.truth == Truth::True && configuration.address_set(listen.ip(), listen.port).is_empty()
        };
        let main_tls = configuration.ssl_engine(SERVER);
        Status {
            main_server: MainServer {
                answers: listens
                    .iter()
                    .filter(main_answers)
                    .map(Listen::endpoint)
                    .collect(),
                server_name: configuration.main_server_name(),
                tls: main_tls,
                certificate: certificate(SERVER).filter(|_| main_tls),
            },
            server_root: printable(configuration.server_root()),
            root: loaded.show(&loaded.installation.root),
            config: loaded.show(&loaded.installation.main),
            found_by: loaded.installation.found_by.clone(),
            account: loaded.service_account().map(|account| account.name.clone()),
            platform: format!("{:?}", loaded.facts.platform),
            apache_version: loaded.facts.version.to_string(),
            told_by: loaded.told_by.clone(),
            files: configuration
                .files()
                .iter()
                .map(|file| loaded.show(&file.host))
                .collect(),
            modules: MODULES
                .iter()
                .map(|name| module(configuration, name, &place))
                .collect(),
            listeners: listens
                .iter()
                .map(|listen| Listener {
                    endpoint: listen.endpoint(),
                    protocol: listen.effective_protocol().to_string(),
                    truth: truth(listen.truth),
                    place: place(configuration.entry(listen.entry)),
                })
                .collect(),
            virtual_hosts: hosts
                .iter()
                .zip(configuration.reach(&hosts))
                .map(|(host, reach)| {
                    let tls = configuration.speaks_tls(host);
                    let certificate = certificate(host.section).filter(|_| tls);
                    let bare = (tls && certificate.is_none()).then(|| "no certificate is named".to_string());
                    Host {
                        addresses: host.addresses.iter().map(ToString::to_string).collect(),
                        server_name: host.server_name.clone(),
                        aliases: host.aliases.clone(),
                        tls,
                        certificate,
                        truth: truth(host.truth),
                        remark: remark(configuration, reach).or(bare),
                        place: place(configuration.entry(host.entry)),
                    }
                })
                .collect(),
            problems: configuration.problems().len(),
        }
    }

    fn table(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "Server root    {} ({})", self.root, self.found_by);
        let _ = writeln!(text, "Main file      {}", self.config);
        if let Some(account) = &self.account {
            let _ = writeln!(text, "Runs as        {account}");
        }
        let _ = writeln!(text, "Files read     {}", self.files.len());
        let _ = writeln!(
            text,
            "Apache         {} on {}",
            self.apache_version, self.platform
        );
        text += "\nModules\n";
        let rows = self
            .modules
            .iter()
            .map(|m| vec![m.name.into(), m.state.into(), m.place.clone().unwrap_or_default()]);
        text += &columns(rows.collect());
        text += "\nListeners\n";
        let rows = self.listeners.iter().map(|l| {
            vec![
                l.endpoint.clone(),
                l.protocol.clone(),
                l.place.clone(),
                remark_of(l.truth, None),
            ]
        });
        text += &columns(rows.collect());
        text += "\nVirtual hosts\n";
        let main = &self.main_server;
        let shows_main = !main.answers.is_empty() || self.virtual_hosts.is_empty();
        let main = shows_main.then(|| {
            vec![
                main.answers.join(" "),
                main.server_name
                    .clone()
                    .unwrap_or_else(|| "(no ServerName)".into()),
                if main.tls { "TLS".into() } else { "plain".into() },
                main.certificate.clone().unwrap_or_default(),
                "(main server)".into(),
            ]
        });
        let rows = self.virtual_hosts.iter().map(|host| {
            let mut names: Vec<&str> = vec![host.server_name.as_deref().unwrap_or("(no ServerName)")];
            names.extend(host.aliases.iter().map(String::as_str));
            vec![
                host.addresses.join(" "),
                names.join(" "),
                if host.tls { "TLS".into() } else { "plain".into() },
                host.certificate.clone().unwrap_or_default(),
                host.place.clone(),
                remark_of(host.truth, host.remark.as_deref()),
            ]
        });
        text += &columns(main.into_iter().chain(rows).collect());
        if self.problems > 0 {
            let _ = writeln!(
                text,
                "\n{} problems in the configuration; `esync-ssl lint` tells them.",
                self.problems
            );
        }
        printable(text.as_bytes())
    }
}

fn module(configuration: &Configuration, name: &'static str, place: &dyn Fn(&Entry) -> String) -> Module {
    let loads = configuration
        .load_modules()
        .iter()
        .filter(|load| load.identifier == name.as_bytes());
    let best = loads.max_by_key(|load| load.truth);
    let state = match configuration.modules().has(name.as_bytes()) {
        Truth::True if best.is_none() => "built in",
        Truth::True => "loaded",
        Truth::Unknown => "unknown",
        Truth::False => "not loaded",
    };
    Module {
        name,
        state,
        place: best.map(|load| place(configuration.entry(load.entry))),
    }
}

/// Why a virtual host is not what it seems.
fn remark(configuration: &Configuration, reach: Reach) -> Option<String> {
    match reach {
        Reach::Answers | Reach::Inactive => None,
        Reach::NothingListens => Some("nothing listens there".into()),
        Reach::ShadowedBy(entry) => Some(format!(
            "shadowed by {}",
            configuration.place(configuration.entry(entry))
        )),
        Reach::NearerAddress => Some("shadowed by virtual hosts with a nearer address".into()),
    }
}

fn remark_of(truth: &str, remark: Option<&str>) -> String {
    match (truth, remark) {
        ("active", None) => String::new(),
        ("active", Some(remark)) => format!("! {remark}"),
        (other, _) => format!("({other})"),
    }
}

/// Rows with aligned columns, indented by two.
fn columns(rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return "  none\n".into();
    }
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect())
        .collect();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..).map_while(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, " {cell:<width$} ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}
