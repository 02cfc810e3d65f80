//! The answer place as one step of `enable`, and beside a virtual host for HTTPS that comes later; and on the tree of eSync.

use std::fs;

use esync_ssl::change::{AnswerPlace, Disable, Http, Plan, Record, Request};
use esync_ssl::httpd::host_bytes;

use super::{Trial, record, write};
use crate::answer_place::site::{SetUp, Site};
use crate::support::apache::Httpd;
use crate::support::certificates::Authority;
use crate::support::files::{self, fixture};
use crate::support::network::Network;

const MARKER: &str = "# Answers to certificate authorities, added by esync-ssl";

/// Sites of all kinds, with what becomes of HTTP.
const SITES: [&str; 12] = [
    "01-nothing",
    "06-redirect",
    "08-rewrite",
    "10-proxypass",
    "14-require-valid-user",
    "20-own-alias-all",
    "30-stock-debian",
    "32-main-server",
    "34-main-server-rules",
    "36-several-names",
    "48-sleeping-rules",
    "72-crlf",
];

#[test]
fn the_place_is_a_step_of_enable() {
    let Some(httpd) = Httpd::find() else { return };
    let _network = Network::enter();
    let mut failures = Vec::new();
    for name in SITES {
        for http in [Http::Keep, Http::Redirect] {
            for place_first in [false, true] {
                let text =
                    fs::read_to_string(fixture("answer-places").join(format!("{name}.txt"))).expect("a site");
                let site = Site::parse(name, &text);
                let set_up = site.set_up(&httpd);
                let trial = trial(&site, &set_up, &httpd);
                if let Err(error) = carry_out(&trial, http, place_first) {
                    let main = fs::read(&set_up.main).unwrap_or_default();
                    failures.push(format!(
                        "=== {name} {http:?} {place_first}: {error}\n{}",
                        String::from_utf8_lossy(&main)
                    ));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed\n{}",
        failures.len(),
        failures.join("\n")
    );
}

fn trial<'a>(site: &'a Site, set_up: &'a SetUp, httpd: &'a Httpd) -> Trial<'a> {
    Trial {
        site,
        set_up,
        httpd,
        end: "127.0.0.1".parse().expect("an address"),
    }
}

/// `place_first`: the place comes before there is a certificate, by a run of its own.
fn carry_out(trial: &Trial<'_>, http: Http, place_first: bool) -> Result<(), String> {
    let original = trial.set_up.files();
    let mut records: Vec<Record> = Vec::new();
    if place_first {
        let plan = Plan::answer_place(&trial.read(), &trial.place()).map_err(|error| error.to_string())?;
        write(&plan);
        records.push(record(&plan, &trial.site.names));
    }
    let request = request(trial, http);
    let plan = match Plan::enable(&trial.read(), &request) {
        Ok(plan) => plan,
        // Some of these sites have reasons of their own.
        Err(error) if !place_first => {
            let mut without = request.clone();
            without.answer_place = None;
            return match Plan::enable(&trial.read(), &without) {
                Err(same) if same.to_string() == error.to_string() => Ok(()),
                _ => Err(format!("refused with the place only: {error}")),
            };
        }
        Err(error) => {
            println!("{error}");
            return Ok(());
        }
    };
    write(&plan);
    records.push(record(&plan, &trial.site.names));
    {
        let _server = trial.start()?;
        trial.token()?;
    }
    let again = Plan::enable(&trial.read(), &request).map_err(|error| error.to_string())?;
    if !again.is_empty() {
        return Err(format!("a second run changes {:?}", again.changes));
    }
    // The virtual host for HTTPS has the site, and not the place.
    let main = fs::read_to_string(&trial.set_up.main).expect("the main file");
    let secure = main
        .split("<VirtualHost ")
        .filter(|host| host.contains("SSLEngine on"));
    for host in secure {
        let host = host.split("</VirtualHost>").next().unwrap_or_default();
        if host.contains(MARKER) || host.contains("Alias \"/.well-known/acme-challenge/") {
            return Err(format!("HTTPS has the place: {host}"));
        }
    }
    let (main, source, facts) = trial.given();
    let back = Plan::disable(&main, &source, &facts, &Disable::default(), &records)
        .map_err(|error| format!("disable: {error}"))?;
    write(&back);
    let now = trial.set_up.files();
    if now != original {
        return Err("disable does not lead back".to_owned());
    }
    Ok(())
}

fn request(trial: &Trial<'_>, http: Http) -> Request {
    let names: Vec<&str> = trial.site.names.iter().map(String::as_str).collect();
    let folder = trial.set_up.root.join("tls");
    let leaf = Authority::new(&folder).leaf("new", &names);
    Request {
        domain: "a.test".into(),
        port: 443,
        http: Some(http),
        certificate: host_bytes(&leaf.certificate),
        key: host_bytes(&leaf.key),
        answer_place: Some(trial.place()),
        ..Request::default()
    }
}

/// On eSync's own tree two things are enough, once.
#[test]
fn esync_gets_an_alias_and_a_folder() {
    let Some(httpd) = Httpd::find() else { return };
    let _network = Network::enter();
    let folder = files::folder();
    let root = folder.path().join("Apache24");
    files::copy_tree(&fixture("esync/Apache24"), &root);
    httpd.bring_modules(&root);
    fs::create_dir_all(root.join("conf/esync-ssl-acme/answers")).expect("a folder for answers");
    let site = Site::parse("esync", "names: esync.example.com\n");
    let set_up = SetUp::of(root.clone(), folder);
    let trial = trial(&site, &set_up, &httpd);
    let plan = Plan::answer_place(&trial.read(), &trial.place()).expect("a plan");
    assert_eq!(plan.files.len(), 1);
    let lines: Vec<String> = plan
        .changes
        .iter()
        .flat_map(|change| {
            String::from_utf8_lossy(&change.after)
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter(|line| !line.is_empty())
        .collect();
    let answers = AnswerPlace::of(&trial.read(), []).folder;
    let answers = String::from_utf8_lossy(&answers);
    assert_eq!(
        lines,
        [
            MARKER.to_owned(),
            format!("Alias \"/.well-known/acme-challenge/\" \"{answers}/\""),
            format!("<Directory \"{answers}\">"),
            "    AllowOverride None".to_owned(),
            "    Options None".to_owned(),
            "    Require all granted".to_owned(),
            "</Directory>".to_owned(),
        ]
    );
    let original = set_up.files();
    write(&plan);
    let ask = httpd.ask(&root, &set_up.main).supply_mpm();
    let server = ask.start(&[80]).expect("a server");
    trial.token().expect("the token");
    drop(server);
    let (main, source, facts) = trial.given();
    let records = [record(&plan, &site.names)];
    let back = Plan::disable(&main, &source, &facts, &Disable::default(), &records).expect("the way back");
    write(&back);
    assert!(set_up.files() == original);
}

/// The place of two domains goes with the second of them.
#[test]
fn the_place_stays_for_another_domain() {
    let Some(httpd) = Httpd::find() else { return };
    let text = "modules: alias dir authz_core rewrite\nnames: a.test\n--- conf/httpd.conf\n{start}\n";
    let site = Site::parse("two", text);
    let set_up = site.set_up(&httpd);
    let trial = trial(&site, &set_up, &httpd);
    let original = set_up.files();
    let mut records = Vec::new();
    for domain in ["a.test", "b.test"] {
        let mut request = request(&trial, Http::Keep);
        request.domain = domain.into();
        request.answer_place = Some(AnswerPlace::of(&trial.read(), [domain.to_owned()]));
        let plan = Plan::enable(&trial.read(), &request).expect("a plan");
        write(&plan);
        records.push(record(&plan, &[domain.to_owned()]));
    }
    for (domain, count) in [("a.test", 1), ("b.test", 0)] {
        let (main, source, facts) = trial.given();
        let wanted = Disable {
            domains: vec![domain.into()],
            ..Disable::default()
        };
        let back = Plan::disable(&main, &source, &facts, &wanted, &records).expect("the way back");
        write(&back);
        let mut undone = record(&back, &[domain.to_owned()]);
        undone.action = esync_ssl::change::Action::Disable;
        records.push(undone);
        let text = fs::read_to_string(&set_up.main).expect("the main file");
        assert_eq!(text.matches(MARKER).count(), count, "{domain}\n{text}");
    }
    assert!(set_up.files() == original);
}
