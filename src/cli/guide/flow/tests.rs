use camino::{Utf8Path, Utf8PathBuf};

use super::*;
use crate::check::{Code, Finding, Severity};
use crate::cli::guide::question::Kind;
use crate::cli::guide::words::Words;
use crate::operation::at_hand::{AtHand, KeyAtHand, covers};
use crate::operation::survey::Taken;
use crate::operation::{Failure, Where};
use crate::refusal::{Refusal, RefusalCode};

/// A machine that is not there.
#[derive(Default)]
struct Scene {
    server: Survey,
    none: bool,
    servers: Vec<Installation>,
    posts: Option<String>,
    renews: Option<bool>,
    /// Those of its certificates.
    names: Vec<String>,
    host: Option<String>,
}

fn root() -> Utf8PathBuf {
    let root = if cfg!(windows) {
        "C:/eSync/Apache24"
    } else {
        "/eSync/Apache24"
    };
    root.into()
}

impl Scene {
    fn new() -> Scene {
        let server = Survey {
            root: root().into(),
            main: root().join("conf/httpd.conf").into(),
            kept: vec![root().into()],
            found_by: "its service".into(),
            runs: Some(true),
            http: vec![80],
            sites: vec![vec!["esync.example.com".into()]],
            ..Survey::default()
        };
        Scene {
            server,
            ..Scene::default()
        }
    }
}

impl Looks for Scene {
    fn server(&self, chosen: Option<&Chosen>) -> Result<Survey, String> {
        match chosen.and_then(|chosen| chosen.root.to_str()) {
            Some("nothing") => Err("nothing is there".into()),
            None if self.none => Err("there is none".into()),
            _ => Ok(self.server.clone()),
        }
    }

    fn servers(&self) -> Vec<Installation> {
        self.servers.clone()
    }

    fn foreseen(&self, known: &Answers) -> Vec<Finding> {
        let of = |code, severity| Finding::new(code, severity, "it is so", "why", "what to do");
        let Some(certificate) = known.certificate.clone() else {
            return Vec::new();
        };
        let mut found = match certificate.path.as_str() {
            "own.crt" => vec![of(Code::CertIsCa, Severity::BreaksClients)],
            "broken.crt" => vec![of(Code::CertDamaged, Severity::StopsStart)],
            // Of the key, while nobody was asked for it; and a chain that the site may have.
            "b.crt" => vec![
                of(Code::KeyNotAKey, Severity::StopsStart),
                of(Code::ChainWrong, Severity::BreaksClients),
            ],
            _ => Vec::new(),
        };
        if known.key.is_some() {
            found.retain(|finding| finding.code != Code::KeyNotAKey);
        }
        if known.chain.as_ref().is_none_or(|chain| chain.is_some()) {
            found.retain(|finding| finding.code != Code::ChainWrong);
        }
        if known.key.as_ref().is_some_and(|(path, _)| path == "old.key") {
            found.push(of(Code::KeyDamaged, Severity::StopsStart));
        }
        let names = known.name.iter().chain(known.aliases.iter().flatten());
        let missed = names.filter(|name| !covers(&certificate.names, name).unwrap_or(true));
        found.extend(missed.map(|_| of(Code::NameNotCovered, Severity::BreaksClients)));
        found
    }

    fn certificate(&self, path: &Utf8Path) -> Result<AtHand, String> {
        if !["a.crt", "b.crt", "a.pfx", "ca.crt", "own.crt", "broken.crt"].contains(&path.as_str()) {
            return Err(format!("{path} is not there"));
        }
        Ok(AtHand {
            path: path.into(),
            lines: vec![format!("certificate of {path}")],
            names: match self.names.is_empty() {
                true => vec!["esync.example.com".into(), "*.plant.example.com".into()],
                false => self.names.clone(),
            },
            key: (path == "a.crt").then(|| "a.key".into()),
            lacks: (path == "b.crt").then(|| "CN=CA".into()),
            is_archive: path == "a.pfx",
            ..AtHand::default()
        })
    }

    fn key(&self, path: &Utf8Path, _: &Utf8Path, phrase: Option<&str>) -> Result<Opened<KeyAtHand>, String> {
        match (path.as_str(), phrase) {
            ("wrong.key", _) => Err("it belongs to another certificate".into()),
            ("locked.key", Some("secret")) | ("a.key" | "old.key", _) => Ok(Opened::Open(KeyAtHand {
                line: "the key".into(),
                is_converted: phrase.is_some(),
            })),
            _ => Ok(Opened::Locked),
        }
    }

    fn chain(&self, path: &Utf8Path, _: &Utf8Path) -> Result<String, String> {
        match path.as_str() {
            "ca.crt" => Ok("the chain".into()),
            _ => Err("it issued nothing".into()),
        }
    }

    fn archive(&self, path: &Utf8Path, phrase: Option<&str>) -> Result<Opened<AtHand>, String> {
        match phrase {
            Some("secret") => Ok(Opened::Open(AtHand {
                is_archive: true,
                ..self.certificate(path)?
            })),
            _ => Ok(Opened::Locked),
        }
    }

    fn renews(&self, _: Option<&Chosen>) -> Option<bool> {
        self.renews
    }

    fn posts(&self, _: Option<&Chosen>) -> Option<String> {
        self.posts.clone()
    }

    fn host(&self) -> Option<String> {
        self.host.clone()
    }

    fn folder(&self) -> Utf8PathBuf {
        root().join("here")
    }

    fn path(&self, typed: &str) -> Utf8PathBuf {
        typed.into()
    }

    fn is_folder(&self, path: &Utf8Path) -> bool {
        path != "nowhere"
    }
}

fn typed(line: &str) -> Reply {
    Reply::Typed(line.into())
}

fn secret(line: &str) -> Reply {
    Reply::Secret(Zeroizing::new(line.into()))
}

/// What is usual, as Enter alone answers it.
fn enter(flow: &Flow, step: Step) -> Reply {
    match flow.question(step).kind {
        Kind::Choice { usual, .. } => Reply::Chosen(usual),
        Kind::Line { usual, .. } => Reply::Typed(usual.unwrap_or_default()),
        Kind::Secret => Reply::Back,
    }
}

/// Answers questions in their order; each must be the one that is expected.
#[track_caller]
fn answer(flow: &mut Flow, script: &[(Step, Reply)]) {
    for (step, reply) in script {
        assert_eq!(flow.next(), Some(*step));
        flow.take(*step, reply)
            .unwrap_or_else(|why| panic!("{step:?} {reply:?}: {why}"));
    }
}

/// What is left is answered by Enter alone.
#[track_caller]
fn rest(flow: &mut Flow) {
    for _ in 0..20 {
        let Some(step) = flow.next() else { return };
        let reply = enter(flow, step);
        flow.take(step, &reply)
            .unwrap_or_else(|why| panic!("{step:?}: {why}"));
    }
    panic!("it does not end: {:?}", flow.next());
}

fn shown(flow: &Flow) -> String {
    let all = Words::of(&flow.answers, &Where::default());
    let all: Vec<String> = all.carried_out().chain(all.yes.iter().cloned()).collect();
    all.join(" ")
}

const YES: Reply = Reply::Chosen(0);

#[test]
fn pem_files_with_a_key_beside_are_eight_times_enter() {
    let scene = Scene::new();
    let mut flow = Flow::new(&scene, None);
    answer(
        &mut flow,
        &[
            (Step::Server, YES),
            (Step::Source, YES),
            (Step::Certificate, typed("\"a.crt\"")),
        ],
    );
    assert_eq!(enter(&flow, Step::Key), typed("a.key"));
    rest(&mut flow);
    let words = shown(&flow);
    assert!(
        words.starts_with("enable --domain esync.example.com --cert "),
        "{words}"
    );
    // They lie elsewhere than the server's files.
    assert!(
        words.ends_with("a.key --copy-certs --http off --restart --yes"),
        "{words}"
    );
}

#[test]
fn a_wrong_key_is_told_and_the_right_one_taken() {
    let scene = Scene::new();
    let mut flow = Flow::new(&scene, None);
    let (files, chain) = ((Step::Source, YES), (Step::Chain, typed("ca.crt")));
    answer(
        &mut flow,
        &[(Step::Server, YES), files, (Step::Certificate, typed("b.crt"))],
    );
    let why = flow.take(Step::Key, &typed("wrong.key")).unwrap_err();
    assert!(why.contains("another certificate"), "{why}");
    answer(&mut flow, &[(Step::Key, typed("locked.key"))]);
    let why = flow.take(Step::KeyPhrase, &secret("guess")).unwrap_err();
    assert!(why.contains("not the pass-phrase"), "{why}");
    answer(&mut flow, &[(Step::KeyPhrase, secret("secret"))]);
    assert!(flow.take(Step::Chain, &typed("other.crt")).is_err());
    answer(&mut flow, &[chain]);
    rest(&mut flow);
    let words = Words::of(&flow.answers, &Where::default());
    assert!(words.needs_phrase && words.shown().ends_with("--passphrase-file FILE"));
    assert!(!format!("{words:?}").contains("secret"), "{words:?}");
    assert!(shown(&flow).contains("ca.crt --copy-certs"), "{words:?}");
}

#[test]
fn an_archive_is_known_by_what_is_in_it() {
    let scene = Scene::new();
    for (source, step) in [(0, Step::Certificate), (1, Step::Archive)] {
        let mut flow = Flow::new(&scene, None);
        answer(
            &mut flow,
            &[
                (Step::Server, YES),
                (Step::Source, Reply::Chosen(source)),
                (step, typed("a.pfx")),
                (Step::ArchivePhrase, secret("secret")),
            ],
        );
        rest(&mut flow);
        let words = shown(&flow);
        assert!(words.contains("--pfx ") && !words.contains("--cert"), "{words}");
    }
}

#[test]
fn nothing_at_hand() {
    let scene = Scene::new();
    let start = |source| {
        let mut flow = Flow::new(&scene, None);
        answer(
            &mut flow,
            &[(Step::Server, YES), (Step::Source, Reply::Chosen(source))],
        );
        flow
    };
    let mut flow = start(2);
    answer(&mut flow, &[(Step::Authority, YES)]);
    rest(&mut flow);
    assert_eq!(
        shown(&flow),
        "enable --domain esync.example.com --acme --http off --restart --yes --agree-terms"
    );
    let mut flow = start(2);
    answer(&mut flow, &[(Step::Authority, Reply::Chosen(1))]);
    assert!(flow.take(Step::Directory, &typed("http://ca.example")).is_err());
    answer(
        &mut flow,
        &[
            (Step::Directory, typed("https://ca.example/dir")),
            (Step::DirectoryRoot, typed("")),
        ],
    );
    rest(&mut flow);
    assert!(shown(&flow).contains("--acme --ca https://ca.example/dir --http"));

    let mut flow = start(3);
    answer(&mut flow, &[(Step::Name, YES)]);
    assert!(flow.take(Step::Folder, &typed("nowhere")).is_err());
    rest(&mut flow);
    let words = Words::of(&flow.answers, &Where::default());
    assert!(!words.is_for_servers() && words.shown().contains("cert request --domain esync.example.com"));

    let mut flow = start(4);
    rest(&mut flow);
    assert_eq!(
        shown(&flow),
        "enable --domain esync.example.com --self-signed --http off --restart --yes"
    );
}

#[test]
fn back_leads_to_the_question_before_from_every_one() {
    let scene = Scene::new();
    let mut flow = Flow::new(&scene, None);
    let script = [
        (Step::Server, Reply::Chosen(1)),
        (Step::Root, typed("/elsewhere")),
        (Step::Server, YES),
        (Step::Source, YES),
        (Step::Certificate, typed("b.crt")),
        (Step::Key, typed("locked.key")),
        (Step::KeyPhrase, secret("secret")),
        (Step::Chain, typed("ca.crt")),
        (Step::Name, Reply::Chosen(1)),
        (Step::TypedName, typed("b.plant.example.com")),
        (Step::Http, Reply::Chosen(2)),
        (Step::Restart, Reply::Chosen(1)),
    ];
    answer(&mut flow, &script);
    assert_eq!(flow.next(), None);
    for (step, _) in script.iter().rev() {
        assert!(flow.back());
        assert_eq!(flow.next(), Some(*step));
    }
    assert!(!flow.back());
    assert!(flow.answers.phrase.is_none() && flow.answers.chosen.is_none());
    // And again, to the same end.
    answer(&mut flow, &script);
    let words = shown(&flow);
    assert!(words.contains("--domain b.plant.example.com"), "{words}");
    assert!(words.contains("--http redirect --root "), "no restart: {words}");
}

#[test]
fn the_server_of_the_command_line_or_another_one() {
    let scene = Scene::new();
    let place = Where {
        root: Some("/one".into()),
        config: Some("/one/my.conf".into()),
        ..Where::default()
    };
    for (script, named) in [
        (vec![(Step::Server, YES)], ("/one", true)),
        (
            vec![
                (Step::Server, Reply::Chosen(1)),
                (Step::Root, typed("/two")),
                (Step::Server, YES),
            ],
            ("/two", false),
        ),
    ] {
        let mut flow = Flow::new(&scene, Some(Utf8Path::new("/one")));
        answer(&mut flow, &script);
        answer(&mut flow, &[(Step::Source, Reply::Chosen(4))]);
        rest(&mut flow);
        let words = Words::of(&flow.answers, &place).shown();
        let root = crate::quoted::quoted(named.0);
        assert!(words.contains(&format!("--root {root}")), "{words}");
        assert_eq!(words.contains("my.conf"), named.1, "{words}");
    }
}

#[test]
fn a_name_must_be_one_of_the_certificate() {
    let scene = Scene::new();
    let mut flow = Flow::new(&scene, None);
    answer(
        &mut flow,
        &[
            (Step::Server, YES),
            (Step::Source, YES),
            (Step::Certificate, typed("a.crt")),
            (Step::Key, typed("a.key")),
        ],
    );
    let Kind::Choice { options, .. } = flow.question(Step::Name).kind else {
        panic!("a choice")
    };
    assert_eq!(options.len(), 2, "{options:?}");
    assert!(options[0].contains("the configuration names it"), "{options:?}");
    answer(&mut flow, &[(Step::Name, Reply::Chosen(1))]);
    for bad in ["no name", "", "-x"] {
        let why = flow.take(Step::TypedName, &typed(bad)).unwrap_err();
        assert!(!why.contains("--domain"), "{why}");
    }
    for other in ["other.example.com", "a.b.plant.example.com"] {
        answer(&mut flow, &[(Step::TypedName, typed(other))]);
        let question = flow.question(Step::Doubt);
        assert!(
            question.told.join(" ").contains("NAME-NOT-COVERED"),
            "{question:?}"
        );
        answer(&mut flow, &[(Step::Doubt, NO), (Step::Name, Reply::Chosen(1))]);
    }
    answer(&mut flow, &[(Step::TypedName, typed("x.plant.example.com"))]);
    assert!(!shown(&flow).contains("--force"), "{}", shown(&flow));
}

/// Whether what is in doubt is used anyway.
const NO: Reply = Reply::Chosen(0);
const ANYWAY: Reply = Reply::Chosen(1);

#[test]
fn what_cannot_work_is_said_where_it_was_answered() {
    let scene = Scene::new();
    let mut flow = begun(&scene, 0, &[]);
    // What certainly keeps Apache from starting is no answer.
    let why = flow.take(Step::Certificate, &typed("broken.crt")).unwrap_err();
    assert!(why.contains("CERT-DAMAGED: It is so. Why. What to do."), "{why}");
    let doubted = (Step::Certificate, typed("own.crt"));
    answer(&mut flow, std::slice::from_ref(&doubted));
    let question = flow.question(Step::Doubt);
    assert!(question.told.join(" ").contains("CERT-IS-CA"), "{question:?}");
    answer(&mut flow, &[(Step::Doubt, NO)]);
    answer(&mut flow, std::slice::from_ref(&doubted));
    assert!(flow.back(), "Esc leads to the file as well");
    answer(&mut flow, &[doubted, (Step::Doubt, ANYWAY)]);
    let why = flow.take(Step::Key, &typed("old.key")).unwrap_err();
    assert!(why.contains("KEY-DAMAGED"), "{why}");
    answer(&mut flow, &[(Step::Key, typed("a.key"))]);
    rest(&mut flow);
    assert!(
        shown(&flow).contains(" --restart --force CERT-IS-CA --yes"),
        "{}",
        shown(&flow)
    );
}

#[test]
fn a_chain_is_judged_once_the_site_is_known() {
    let scene = Scene::new();
    let start = [
        (Step::Certificate, typed("b.crt")),
        (Step::Key, typed("a.key")),
        (Step::Chain, typed("")),
        (Step::Name, YES),
        (Step::Doubt, NO),
        (Step::Chain, typed("ca.crt")),
        (Step::Name, YES),
    ];
    let mut flow = begun(&scene, 0, &start);
    rest(&mut flow);
    assert!(shown(&flow).contains("--chain "), "{}", shown(&flow));
}

#[test]
fn another_answer_is_that_which_a_refusal_is_about() {
    let scene = Scene::new();
    let files = [
        (Step::Certificate, typed("a.crt")),
        (Step::Key, typed("a.key")),
        (Step::Name, YES),
        (Step::Http, YES),
        (Step::Restart, YES),
    ];
    let of = |code, findings: Vec<Finding>| {
        Failure::refused_for(Refusal::new(code, "it is refused", "", ""), findings, &[])
    };
    let finding = |code| vec![Finding::new(code, Severity::BreaksClients, "", "", "")];
    let files_of = RefusalCode::FilesWouldNotWork;
    for (failure, step) in [
        (of(files_of, finding(Code::CertExpired)), Step::Certificate),
        (of(files_of, finding(Code::KeyMismatch)), Step::Key),
        // That was not asked for.
        (of(files_of, finding(Code::ChainMissing)), Step::Certificate),
        (of(files_of, finding(Code::NameNotCovered)), Step::Name),
        (of(RefusalCode::RedirectLoop, Vec::new()), Step::Http),
        (of(RefusalCode::HalfAPair, Vec::new()), Step::Source),
        (
            of(RefusalCode::PortNotFree, finding(Code::PortTaken)),
            Step::Restart,
        ),
        (of(RefusalCode::HttpdSilent, Vec::new()), Step::Restart),
    ] {
        let mut flow = begun(&scene, 0, &files);
        assert_eq!(flow.next(), None);
        let about = concern::of_failure(&failure, &flow.answers);
        flow.back_to(about.unwrap_or_default());
        assert_eq!(flow.next(), Some(step));
    }
}

#[test]
fn one_of_several_servers_is_chosen() {
    let found = |root: &str| Installation {
        root: root.into(),
        main: format!("{root}/conf/own.conf").into(),
        found_by: "its process".into(),
        served_by: None,
        passed_over: Vec::new(),
    };
    let scene = Scene {
        none: true,
        servers: vec![found("/one"), found("/two")],
        ..Scene::new()
    };
    let mut flow = Flow::new(&scene, None);
    let question = flow.question(Step::Servers);
    let Kind::Choice { options, .. } = &question.kind else {
        panic!("a choice")
    };
    assert_eq!(options.len(), 3, "{options:?}");
    assert!(
        question.told.join(" ").contains("2 Apache servers"),
        "{question:?}"
    );
    answer(
        &mut flow,
        &[
            (Step::Servers, Reply::Chosen(1)),
            (Step::Server, YES),
            (Step::Source, Reply::Chosen(4)),
        ],
    );
    rest(&mut flow);
    let words = Words::of(&flow.answers, &Where::default()).shown();
    assert!(words.contains("--root ") && words.contains("own.conf"), "{words}");
    // Or none of them; back leads to the choice.
    let mut flow = Flow::new(&scene, None);
    answer(&mut flow, &[(Step::Servers, Reply::Chosen(2))]);
    assert!(flow.question(Step::Root).told.is_empty());
    assert!(flow.back());
    answer(
        &mut flow,
        &[
            (Step::Servers, Reply::Chosen(2)),
            (Step::Root, typed("/three")),
            (Step::Server, Reply::Chosen(1)),
            (Step::Servers, Reply::Chosen(0)),
            (Step::Server, YES),
        ],
    );
}

#[test]
fn what_is_found_decides_what_is_usual() {
    let usual = |scene: &Scene| {
        let mut flow = Flow::new(scene, None);
        answer(
            &mut flow,
            &[
                (Step::Server, YES),
                (Step::Source, Reply::Chosen(4)),
                (Step::Name, YES),
            ],
        );
        let question = flow.question(Step::Http);
        let Kind::Choice { usual, .. } = question.kind else {
            panic!("a choice")
        };
        (usual, question.told.join(" "))
    };
    let mut scene = Scene::new();
    assert_eq!(usual(&scene).0, 0);
    scene.server.plain_hosts = 3;
    assert_eq!(usual(&scene).0, 2);
    scene.posts = Some("3 devices posted over HTTP".into());
    let (at, told) = usual(&scene);
    assert!(
        at == 1 && told.contains("3 devices posted over HTTP. Those over HTTP go silent"),
        "{told}"
    );
}

#[test]
fn a_server_that_is_stopped_or_elsewhere_or_without_http() {
    let end = |change: &dyn Fn(&mut Survey)| {
        let mut scene = Scene::new();
        change(&mut scene.server);
        let mut flow = Flow::new(&scene, None);
        answer(
            &mut flow,
            &[(Step::Server, YES), (Step::Source, Reply::Chosen(4))],
        );
        rest(&mut flow);
        shown(&flow)
    };
    assert!(end(&|server| server.runs = Some(false)).contains("--start"));
    let elsewhere = end(&|server| server.runs = None);
    assert!(!elsewhere.contains("start"), "{elsewhere}");
    assert!(!end(&|server| server.http.clear()).contains("--http"));
    // Who may not write sees what would be written.
    let closed = end(&|server| server.closed = Some("conf".into()));
    assert!(closed.contains("--dry-run"), "{closed}");
}

#[test]
fn who_may_not_write_is_told_so_first_and_ends_by_enter() {
    let mut scene = Scene::new();
    scene.server.closed = Some("conf/httpd.conf".into());
    let mut flow = Flow::new(&scene, None);
    let question = flow.question(Step::Server);
    assert!(question.told.join(" ").contains("may not write conf/httpd.conf"));
    let reply = enter(&flow, Step::Server);
    answer(&mut flow, &[(Step::Server, reply)]);
    assert!(flow.is_ended);
}

#[test]
fn a_server_that_is_not_found_is_asked_for() {
    let scene = Scene {
        none: true,
        ..Scene::new()
    };
    let mut flow = Flow::new(&scene, None);
    let question = flow.question(Step::Root);
    assert!(question.told.join(" ").contains("there is none"), "{question:?}");
    assert!(flow.take(Step::Root, &typed("nothing")).is_err());
    answer(&mut flow, &[(Step::Root, typed("'/there'")), (Step::Server, YES)]);
    assert_eq!(flow.answers.chosen, Some(Chosen::root("/there")));
    // A machine without any name asks for one.
    let mut scene = Scene::new();
    scene.server.sites.clear();
    let mut flow = Flow::new(&scene, None);
    answer(
        &mut flow,
        &[(Step::Server, YES), (Step::Source, Reply::Chosen(4))],
    );
    assert_eq!(flow.next(), Some(Step::TypedName));
    scene.host = Some("host.example.com".into());
    let mut flow = Flow::new(&scene, None);
    answer(
        &mut flow,
        &[(Step::Server, YES), (Step::Source, Reply::Chosen(4))],
    );
    assert_eq!(flow.next(), Some(Step::Name));
}

/// The flow after its first answers, of this source.
fn begun<'a>(scene: &'a Scene, source: usize, more: &[(Step, Reply)]) -> Flow<'a> {
    let mut flow = Flow::new(scene, None);
    answer(
        &mut flow,
        &[(Step::Server, YES), (Step::Source, Reply::Chosen(source))],
    );
    answer(&mut flow, more);
    flow
}

#[test]
fn further_names_of_the_site_are_in_a_certificate_that_is_made() {
    let mut scene = Scene::new();
    let site = [
        "esync.example.com",
        "data.example.com",
        "*.example.com",
        "data.example.com",
    ];
    scene.server.sites = vec![site.map(str::to_owned).to_vec(), vec!["other.example.com".into()]];
    let mut flow = begun(&scene, 4, &[(Step::Name, YES)]);
    let question = flow.question(Step::Aliases);
    let Kind::Choice { options, usual } = &question.kind else {
        panic!("a choice")
    };
    assert_eq!((&*options[1], *usual), ("All of these: data.example.com", 1));
    rest(&mut flow);
    assert_eq!(
        shown(&flow),
        "enable --domain esync.example.com --alias data.example.com --self-signed --http off --restart --yes"
    );
    let mut flow = begun(&scene, 3, &[(Step::Name, YES)]);
    rest(&mut flow);
    let words = shown(&flow);
    assert!(
        words.starts_with("cert request --domain esync.example.com --domain data.example.com --out-request "),
        "{words}"
    );
    // Others are typed, and back leads to the choice.
    let mut flow = begun(&scene, 4, &[(Step::Name, YES), (Step::Aliases, Reply::Chosen(2))]);
    for bad in ["a.example.com no_$name", "-x"] {
        let why = flow.take(Step::TypedAliases, &typed(bad)).unwrap_err();
        assert!(!why.contains("--domain"), "{why}");
    }
    assert!(flow.back());
    let typed_names = typed("a.example.com, b.example.com");
    answer(
        &mut flow,
        &[
            (Step::Aliases, Reply::Chosen(2)),
            (Step::TypedAliases, typed_names),
        ],
    );
    rest(&mut flow);
    assert!(shown(&flow).contains(" --alias a.example.com --alias b.example.com "));
    for none in [
        (Step::Aliases, Reply::Chosen(0)),
        (Step::Aliases, Reply::Chosen(2)),
    ] {
        let mut flow = begun(&scene, 4, &[(Step::Name, YES), none]);
        rest(&mut flow);
        assert!(!shown(&flow).contains("--alias"), "{}", shown(&flow));
    }
}

#[test]
fn further_names_of_a_certificate_are_offered_unless_a_site_has_them() {
    let mut scene = Scene::new();
    let names = [
        "esync.example.com",
        "shop.example.com",
        "WWW.example.com",
        "www.example.com",
        "*.example.com",
    ];
    scene.names = names.map(str::to_owned).to_vec();
    scene.server.sites.push(vec!["shop.example.com".into()]);
    let files = [
        (Step::Certificate, typed("a.crt")),
        (Step::Key, typed("a.key")),
        (Step::Name, YES),
    ];
    let mut flow = begun(&scene, 0, &files);
    let question = flow.question(Step::Aliases);
    let Kind::Choice { options, usual } = &question.kind else {
        panic!("a choice")
    };
    assert_eq!((&*options[1], *usual), ("All of these: WWW.example.com", 0));
    answer(&mut flow, &[(Step::Aliases, Reply::Chosen(1))]);
    rest(&mut flow);
    assert!(
        shown(&flow).contains("--alias WWW.example.com --cert "),
        "{}",
        shown(&flow)
    );
    let mut flow = begun(&scene, 0, &files);
    answer(
        &mut flow,
        &[
            (Step::Aliases, Reply::Chosen(2)),
            (Step::TypedAliases, typed("mail.example.org")),
            (Step::Doubt, NO),
            (Step::Aliases, Reply::Chosen(0)),
        ],
    );
}

#[test]
fn the_port_is_asked_only_where_the_usual_one_is_not() {
    let taken = |instead| Taken {
        by: "nginx (process 77) has 0.0.0.0:443".into(),
        instead,
    };
    let asked = |change: &dyn Fn(&mut Survey), answers: &[(Step, Reply)]| {
        let mut scene = Scene::new();
        change(&mut scene.server);
        let mut flow = begun(&scene, 4, &[(Step::Name, YES)]);
        let told = flow.question(Step::Port).told.join(" ");
        answer(&mut flow, answers);
        rest(&mut flow);
        (shown(&flow), told)
    };
    let (words, told) = asked(
        &|server| server.taken = Some(taken(Some(8443))),
        &[(Step::Port, YES)],
    );
    assert!(words.contains("--self-signed --port 8443 --http"), "{words}");
    assert!(told.contains("nginx (process 77)"), "{told}");
    let (words, _) = asked(
        &|server| server.taken = Some(taken(Some(8443))),
        &[(Step::Port, Reply::Chosen(1))],
    );
    assert!(!words.contains("--port"), "{words}");
    let (words, told) = asked(
        &|server| server.https = vec![9443],
        &[(Step::Port, Reply::Chosen(2)), (Step::TypedPort, typed("10443"))],
    );
    assert!(words.contains("--port 10443"), "{words}");
    assert!(told.contains("another port here"), "{told}");
    let (words, _) = asked(&|server| server.https = vec![9443], &[(Step::Port, YES)]);
    assert!(words.contains("--port 9443"), "{words}");
    for https in [vec![], vec![443], vec![8443, 443]] {
        let (words, _) = asked(&|server| server.https = https.clone(), &[(Step::Http, YES)]);
        assert!(!words.contains("--port"), "{words}");
    }
    let mut scene = Scene::new();
    scene.server.https = vec![9443];
    let mut flow = begun(&scene, 4, &[(Step::Name, YES), (Step::Port, Reply::Chosen(2))]);
    for bad in ["0", "65536", "https", "-1", ""] {
        assert!(flow.take(Step::TypedPort, &typed(bad)).is_err(), "{bad}");
    }
}

#[test]
fn renewal_is_asked_for_where_it_can_be_scheduled() {
    let with = |renews, closed: bool| {
        let mut scene = Scene::new();
        scene.renews = renews;
        scene.server.closed = closed.then(|| "conf".into());
        scene
    };
    let end = |scene: &Scene, answers: &[(Step, Reply)]| {
        let mut flow = begun(
            scene,
            2,
            &[
                (Step::Authority, YES),
                (Step::Name, YES),
                (Step::Http, YES),
                (Step::Restart, YES),
            ],
        );
        answer(&mut flow, answers);
        assert_eq!(flow.next(), None);
        (
            shown(&flow).contains("--acme --schedule --http"),
            flow.answers.schedules,
        )
    };
    let open = with(Some(false), false);
    assert_eq!(end(&open, &[(Step::Schedule, YES)]), (true, Some(true)));
    assert_eq!(
        end(&open, &[(Step::Schedule, Reply::Chosen(1))]),
        (false, Some(false))
    );
    // Scheduled already, the next server is to have it as well.
    assert_eq!(end(&with(Some(true), false), &[]), (true, Some(true)));
    assert_eq!(end(&with(None, false), &[]), (false, None));
    assert_eq!(end(&with(Some(false), true), &[]), (false, None));
    // Another source after all.
    let mut flow = begun(&open, 2, &[]);
    assert!(flow.back());
    answer(&mut flow, &[(Step::Source, Reply::Chosen(4))]);
    rest(&mut flow);
    assert!(!shown(&flow).contains("--schedule"));
}
