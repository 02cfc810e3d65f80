//! Verdicts that were wrong once: what `lint` says of a configuration beside what Apache does, with `-t` and at its start.
//! What Apache warns of and accepts is no error of ours.

use std::fs;
use std::path::Path;

use esync_ssl::finding::{Finding, Phase};
use esync_ssl::httpd::{Configuration, Source, Spot};
use esync_ssl::lint;

use super::{Judge, PLATFORM};
use crate::support::files::{folder, forward};
use crate::support::network::Network;

/// Modules, then lines; `@ROOT@` is the server root.
type Verdict = (&'static str, &'static [&'static str], &'static str);

const VERDICTS: [Verdict; 34] = [
    ("nothing", &[], ""),
    (
        "a link to nothing, by a pattern of files",
        &[],
        "IncludeOptional conf/enabled/*.conf",
    ),
    ("the same, asked for", &[], "Include conf/enabled/*.conf"),
    (
        "the same, by its name",
        &[],
        "IncludeOptional conf/enabled/gone.conf",
    ),
    (
        "the same, by its name, asked for",
        &[],
        "Include conf/enabled/gone.conf",
    ),
    (
        "a link to nothing, in a folder",
        &[],
        "IncludeOptional conf/enabled",
    ),
    ("the same, asked for", &[], "Include conf/enabled"),
    (
        "a link to nothing, below a pattern of folders",
        &[],
        "IncludeOptional conf/*/*.conf",
    ),
    ("the same, asked for", &[], "Include conf/*/*.conf"),
    ("a folder below a folder", &[], "IncludeOptional conf/nested"),
    (
        "a folder that is a link to nothing",
        &[],
        "IncludeOptional conf/nested/gone.d/*.conf",
    ),
    ("the same, asked for", &[], "Include conf/nested/gone.d/*.conf"),
    ("Proxy without argument", &["proxy"], "<Proxy>\n</Proxy>"),
    (
        "ProxyMatch without argument",
        &["proxy"],
        "<ProxyMatch>\n</ProxyMatch>",
    ),
    (
        "Proxy with something inside",
        &["proxy"],
        "<Proxy>\nRequire all denied\n</Proxy>",
    ),
    ("Location without argument", &[], "<Location>\n</Location>"),
    (
        "odd host text",
        &[],
        "<VirtualHost [nonsense]:80>\n</VirtualHost>",
    ),
    ("an empty address", &[], "<VirtualHost []:80>\n</VirtualHost>"),
    (
        "two colons in a name",
        &[],
        "<VirtualHost [a:b]:80>\n</VirtualHost>",
    ),
    (
        "a name that does not resolve",
        &[],
        "<VirtualHost no-such.invalid:80>\n</VirtualHost>",
    ),
    (
        "a port that is none",
        &[],
        "<VirtualHost *:99999>\n</VirtualHost>",
    ),
    (
        "Options mixed",
        &[],
        "<Directory />\nOptions Indexes +ExecCGI\n</Directory>",
    ),
    (
        "Options mixed, sign first",
        &[],
        "<Directory />\nOptions +ExecCGI Indexes\n</Directory>",
    ),
    (
        "Options with signs",
        &[],
        "<Directory />\nOptions +ExecCGI -Indexes\n</Directory>",
    ),
    (
        "Options without",
        &[],
        "<Directory />\nOptions ExecCGI Indexes\n</Directory>",
    ),
    (
        "a log in a folder by an undefined name",
        &[],
        "ErrorLog ${NO_SUCH}/error.log",
    ),
    ("a log by an undefined name", &[], "ErrorLog logs/${NO_SUCH}.log"),
    (
        "TLS files by an undefined name",
        &["ssl"],
        "<VirtualHost *:443>\nSSLEngine on\nSSLCertificateFile ${NO_SUCH}/a.crt\n</VirtualHost>",
    ),
    ("types that are not there", &["mime"], "TypesConfig conf/no-such"),
    ("types that are there", &["mime"], "TypesConfig conf/types"),
    ("the usual types, which are not there", &["mime"], ""),
    ("a balancer without memory", &["proxy", "proxy_balancer"], ""),
    (
        "a balancer with plain memory",
        &["proxy", "slotmem_plain", "proxy_balancer"],
        "",
    ),
    (
        "a balancer with shared memory",
        &["proxy", "slotmem_shm", "proxy_balancer"],
        "",
    ),
];

#[test]
fn verdicts_are_apaches() {
    let Some(judge) = Judge::find() else { return };
    let network = Network::enter();
    let wrong: Vec<String> = VERDICTS
        .iter()
        .filter_map(|(what, modules, lines)| compared(&judge, &network, what, modules, lines).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn compared(
    judge: &Judge,
    network: &Network,
    what: &str,
    modules: &[&str],
    lines: &str,
) -> Result<(), String> {
    let folder = folder();
    let root = folder.path().join("root");
    let main = written(judge, network, &root, modules, lines);
    let ask = judge.httpd.ask(&root, &main);
    let syntax = ask.syntax();
    let started = ask.start(&[]);
    let source = Source::new(root, PLATFORM);
    let name = forward(&main);
    let ours = Configuration::read(name.as_bytes(), source, judge.facts.clone()).expect("a main file");
    let errors: Vec<Finding<Spot>> = lint::check(&ours)
        .into_iter()
        .filter(|finding| finding.severity.is_error())
        .collect();
    let told_by_t = errors
        .iter()
        .any(|finding| finding.phase != Some(Phase::Starting));
    let theirs = (syntax.code == Some(0), started.is_ok());
    if theirs == (!told_by_t, errors.is_empty()) {
        return Ok(());
    }
    Err(format!(
        "{what}: httpd -t is content: {}, Apache starts: {}; ours: {errors:#?}\n{lines}\n{}{}",
        theirs.0,
        theirs.1,
        syntax.stderr_text(),
        started.err().unwrap_or_default()
    ))
}

fn written(
    judge: &Judge,
    network: &Network,
    root: &Path,
    modules: &[&str],
    lines: &str,
) -> std::path::PathBuf {
    for folder in ["logs", "conf/enabled", "conf/nested/inner"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    for file in [
        "conf/enabled/there.conf",
        "conf/nested/inner/a.conf",
        "conf/types",
    ] {
        fs::write(root.join(file), "# nothing\n").expect("a file");
    }
    #[cfg(unix)]
    for link in [
        "conf/enabled/gone.conf",
        "conf/nested/inner/gone.conf",
        "conf/nested/gone.d",
    ] {
        std::os::unix::fs::symlink("no-such", root.join(link)).expect("a link");
    }
    let mut all = vec!["mpm_event", "authz_core", "unixd"];
    all.extend(modules);
    let main = root.join("main.conf");
    let text = format!(
        "ServerRoot {root}\n{loaded}ServerName a.test\nListen {port}\nErrorLog logs/error.log\n{lines}\n",
        root = forward(root),
        port = network.http,
        loaded = judge.httpd.load(&all),
    );
    fs::write(&main, text).expect("the main file");
    main
}
