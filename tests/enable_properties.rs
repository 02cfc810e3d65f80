//! What holds for every input, tried on generated ones: reading is lossless, planning touches nothing beside what it
//! announces, and a plan carried out leaves nothing to plan. Whether Apache accepts results, other tests ask.

mod support;

use std::fmt;
use std::path::Path;

use esync_ssl::change::{Action, Disable, Http, Plan, PlanError, Profile, Record, Request, Version};
use esync_ssl::httpd::{Configuration, Document, Facts, Platform, Source, host_bytes, normalize};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use similar::{ChangeTag, TextDiff};
use support::files;

const DOMAIN: &str = "esync.example.com";

/// The same cases at every run, so that a failure is that of a change; others with `PROPTEST_RNG_SEED`, more with
/// `PROPTEST_CASES`, which are others each time.
fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let is_set = |name: &str| std::env::var_os(name).is_some();
    if is_set("PROPTEST_CASES") || is_set("PROPTEST_RNG_SEED") {
        return ProptestConfig {
            cases: if is_set("PROPTEST_CASES") {
                default.cases
            } else {
                cases
            },
            ..default
        };
    }
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(1),
        ..default
    }
}

/// Arbitrary bytes, with many of those that mean something to Apache.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "\n",
        "\r\n",
        "\r",
        "\\",
        "\\\n",
        "\\\r\n",
        "#",
        "\"",
        "'",
        "${",
        "}",
        "${A}",
        "<",
        ">",
        "</",
        "/>",
        " ",
        "\t",
        "\0",
        "\u{feff}",
        "%",
        "*:443",
        "80",
        "Listen ",
        "Define A x\n",
        "Include ",
        "conf/*.conf",
        "conf/httpd.conf",
        "LoadModule ssl_module modules/mod_ssl.so",
        "<VirtualHost *:443>",
        "</VirtualHost>",
        "<IfModule ",
        "!ssl_module>",
        "</IfModule>",
        "<IfDefine A>",
        "</IfDefine>",
        "ServerName ",
        "SSLEngine on",
        "Use M a b",
        "<Macro M $a ${b}>",
        "</Macro>",
        "<If \"%{A} == 1\">",
        "<IfVersion >= 2.4>",
        "ServerRoot ",
        "UnDefine A",
    ];
    let piece = prop_oneof![
        4 => proptest::sample::select(PIECES).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..6),
    ];
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(config(512))]

    #[test]
    fn reading_is_lossless(input in bytes(), windows in any::<bool>()) {
        let platform = if windows { Platform::Windows } else { Platform::Unix };
        let document = Document::new(input.clone(), platform);
        prop_assert_eq!(document.bytes(), &input[..]);
        let mark = if windows && input.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let mut joined = input[..mark].to_vec();
        for line in 0..document.lines().len() {
            prop_assert!(!document.raw(line).is_empty(), "line {} is nothing", line);
            joined.extend_from_slice(document.raw(line));
            // Views of a line hold for every line.
            document.text(line);
            document.commented(line);
            document.word_spans(line);
            document.separator_after(line);
        }
        prop_assert_eq!(joined, input, "the lines do not make up the file");
    }

    #[test]
    fn evaluating_never_panics(input in bytes(), included in bytes()) {
        let tree = Generated { main: input, extra: included };
        let root = tree.write();
        let (main, source, facts) = given(root.path());
        let configuration = Configuration::read(&main, source.clone(), facts.clone()).expect("a main file that exists");
        configuration.listens();
        configuration.virtual_hosts();
        configuration.load_modules();
        // Whatever the answer is, it must come.
        let _ = Plan::enable(&main, &source, &facts, &request(None, 443));
    }
}

proptest! {
    #![proptest_config(config(384))]

    #[test]
    fn enable_changes_what_it_says_and_twice_equals_once(
        tree in generated(),
        request in wish(),
        certain in any::<bool>(),
    ) {
        let root = tree.write();
        let (main, source, mut facts) = given(root.path());
        facts.built_in_is_certain = certain;
        let plan = match Plan::enable(&main, &source, &facts, &request) {
            Ok(plan) => plan,
            Err(PlanError::Refused(_)) => return Ok(()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        for file in &plan.files {
            let on_disk = std::fs::read(&file.path).expect("a file of the tree");
            prop_assert_eq!(&file.before, &on_disk);
            prop_assert_ne!(&file.before, &file.after);
            announced(&plan, &file.path, &file.before, &file.after)?;
        }
        if request.site.is_some() {
            // The lines have moved: the place may be another virtual host's now.
            return Ok(());
        }
        for file in &plan.files {
            files::write(&file.path, &file.after);
        }
        let again = Plan::enable(&main, &source, &facts, &request);
        let again = again.map_err(|error| TestCaseError::fail(format!("the second time: {error}")))?;
        prop_assert!(again.is_empty(), "the second time there is more to change: {:?}", again.changes);
    }
}

proptest! {
    #![proptest_config(config(384))]

    #[test]
    fn disable_leads_back(tree in generated(), wish in wish_for(DOMAIN), certain in any::<bool>()) {
        let mut server = Server::new(&tree, certain);
        let original = server.files();
        if !server.enable(&wish)? {
            return Ok(());
        }
        server.disable(&[])?;
        same(&server.files(), &original)?;
        prop_assert!(server.plan(&[])?.is_empty(), "a second time there is more to change");
    }

    #[test]
    fn two_domains_in_either_order(
        tree in generated(),
        first in wish_for(DOMAIN),
        second in wish_for("second.example.com"),
        swapped in any::<bool>(),
        by_name in any::<bool>(),
        certain in any::<bool>(),
    ) {
        let mut server = Server::new(&tree, certain);
        let original = server.files();
        if !server.enable(&first)? || !server.enable(&second)? {
            return Ok(());
        }
        let enabled = server.files();
        let mut domains = [first.domain.as_str(), second.domain.as_str()];
        if swapped {
            domains.reverse();
        }
        // One without TLS may not come before the other on its port.
        if server.is_refused(&domains[..1]) {
            server.disable(&[])?;
            return same(&server.files(), &original);
        }
        server.disable(&domains[..1])?;
        prop_assert!(server.plan(&domains[..1])?.is_empty(), "a second time there is more to change");
        let other = if swapped { &first } else { &second };
        server.serves(other)?;
        if by_name {
            server.disable(&domains[1..])?;
        } else {
            server.disable(&[])?;
        }
        same(&server.files(), &original)
            .map_err(|error| TestCaseError::fail(format!("{error}\nenabled:\n{}", shown(&enabled))))?;
    }

    #[test]
    fn what_was_written_by_hand_stays(
        tree in generated(),
        wish in wish_for(DOMAIN),
        places in vec(any::<proptest::sample::Index>(), 1..5),
        indented in any::<bool>(),
        certain in any::<bool>(),
    ) {
        let mut server = Server::new(&tree, certain);
        let original = server.files();
        if !server.enable(&wish)? {
            return Ok(());
        }
        let main = server.root.path().join("conf/httpd.conf");
        let mut lines: Vec<Vec<u8>> = std::fs::read(&main)
            .expect("the main file")
            .split_inclusive(|&b| b == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        // Not into the last line: one without an end would not be the same with another behind it.
        for (number, place) in places.iter().enumerate() {
            let at = place.index(lines.len());
            if at > 0 && lines[at - 1].trim_ascii_end().ends_with(b"\\") {
                continue;
            }
            lines.insert(at, format!("# by hand {number}\n").into_bytes());
        }
        if indented {
            for line in lines.iter_mut().filter(|line| line.starts_with(b"Listen")) {
                line.splice(0..0, *b"  ");
            }
        }
        files::write(&main, lines.concat());
        match server.disable(&[]) {
            Ok(()) => {}
            Err(error) => return Err(error),
        }
        let plain = |files: &Files| -> Vec<(String, Vec<u8>)> {
            let by_hand = |line: &&[u8]| !line.starts_with(b"# by hand");
            let text = |bytes: &[u8]| -> Vec<u8> {
                let kept: Vec<&[u8]> = bytes.split_inclusive(|&b| b == b'\n').filter(by_hand).collect();
                let text = if indented { kept.concat().replace_all(b"  Listen", b"Listen") } else { kept.concat() };
                // A last line without an end gets one when something is written behind it.
                text.trim_ascii_end().to_vec()
            };
            files.iter().map(|(name, bytes)| (name.clone(), text(bytes))).collect()
        };
        let (now, then) = (plain(&server.files()), plain(&original));
        same(&now.into_iter().collect(), &then.into_iter().collect())?;
    }
}

trait ReplaceAll {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8>;
}

impl ReplaceAll for [u8] {
    fn replace_all(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut text = self.to_vec();
        while let Some(at) = text.windows(from.len()).position(|window| window == from) {
            text.splice(at..at + from.len(), to.iter().copied());
        }
        text
    }
}

type Files = std::collections::BTreeMap<String, Vec<u8>>;

/// A wish that uses every option.
fn wish_for(domain: &'static str) -> impl Strategy<Value = Request> {
    (
        proptest::sample::select(vec![
            None,
            Some(Http::Off),
            Some(Http::Keep),
            Some(Http::Redirect),
        ]),
        proptest::sample::select(vec![443, 443, 443, 8443]),
        proptest::option::weighted(0.3, Just(300)),
        proptest::bool::weighted(0.3),
        proptest::option::weighted(0.3, Just(Profile::Intermediate)),
        proptest::bool::weighted(0.3),
        proptest::bool::weighted(0.3),
    )
        .prop_map(
            move |(http, port, hsts, stapling, profile, alias, chain)| Request {
                domain: domain.into(),
                aliases: alias.then(|| format!("alias.{domain}")).into_iter().collect(),
                hsts,
                stapling,
                profile,
                chain: chain.then(|| b"conf/ssl/chain.crt".to_vec()),
                ..request(http, port)
            },
        )
}

/// A server root with the records of what was done to it.
struct Server {
    root: tempfile::TempDir,
    /// What is built in is known, as on Windows, where nothing but the core is.
    certain: bool,
    records: Vec<Record>,
}

impl Server {
    fn new(tree: &Generated, certain: bool) -> Server {
        Server {
            root: tree.write(),
            certain,
            records: Vec::new(),
        }
    }

    fn given(&self) -> (Vec<u8>, Source, Facts) {
        let (main, source, mut facts) = given(self.root.path());
        facts.built_in_is_certain = self.certain;
        // An MPM that `Listen` belongs to, and what the conditionals ask.
        let built_in = ["event.c", "mod_version.c"];
        facts.built_in.extend(built_in.map(str::to_owned));
        (main, source, facts)
    }

    fn files(&self) -> Files {
        let mut found = files::snapshot(self.root.path());
        found.retain(|name, _| name.ends_with(".conf"));
        found
    }

    /// Carries a plan out, if it is not refused.
    fn enable(&mut self, request: &Request) -> Result<bool, TestCaseError> {
        let (main, source, facts) = self.given();
        match Plan::enable(&main, &source, &facts, request) {
            Ok(plan) => {
                self.carry_out(plan, Action::Enable, vec![request.domain.clone()]);
                Ok(true)
            }
            // What `enable` should do is another test's.
            Err(_) => Ok(false),
        }
    }

    fn carry_out(&mut self, plan: Plan, action: Action, domains: Vec<String>) {
        let mut record = Record {
            action,
            domains,
            ..Record::default()
        };
        for file in plan.files {
            files::write(&file.path, &file.after);
            record.files.push(Version {
                path: esync_ssl::httpd::real_path(&file.path),
                before: file.before,
                after: file.after,
            });
        }
        self.records.push(record);
    }

    fn try_plan(&self, domains: &[&str]) -> Result<Plan, PlanError> {
        let (main, source, facts) = self.given();
        let request = Disable {
            domains: domains.iter().map(|name| (*name).to_owned()).collect(),
            force: false,
        };
        Plan::disable(&main, &source, &facts, &request, &self.records)
    }

    fn is_refused(&self, domains: &[&str]) -> bool {
        matches!(self.try_plan(domains), Err(PlanError::Refused(_)))
    }

    fn plan(&self, domains: &[&str]) -> Result<Plan, TestCaseError> {
        self.try_plan(domains).map_err(|error| {
            TestCaseError::fail(format!("disable {domains:?}: {error}\n{}", shown(&self.files())))
        })
    }

    fn disable(&mut self, domains: &[&str]) -> Result<(), TestCaseError> {
        let plan = self.plan(domains)?;
        self.carry_out(
            plan,
            Action::Disable,
            domains.iter().map(|name| (*name).to_owned()).collect(),
        );
        Ok(())
    }

    /// The domain still has all that it needs: turning HTTPS on again changes nothing.
    fn serves(&self, request: &Request) -> Result<(), TestCaseError> {
        let (main, source, facts) = self.given();
        // What the other one did to HTTP is undone, whether this one wanted the same or not.
        let request = Request {
            http: Some(Http::Keep),
            ..request.clone()
        };
        let plan = Plan::enable(&main, &source, &facts, &request);
        let lacks = match &plan {
            Ok(plan) => plan.changes.iter().map(|change| change.reason.clone()).collect(),
            Err(error) => error.to_string(),
        };
        prop_assert!(
            lacks.is_empty(),
            "{} lacks {}:\n{}",
            request.domain,
            lacks,
            shown(&self.files())
        );
        Ok(())
    }
}

fn shown(files: &Files) -> String {
    let mut text = String::new();
    for (name, bytes) in files {
        text += &format!("--- {name}\n");
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            text += &format!("{}\n", line.escape_ascii());
        }
    }
    text
}

fn same(now: &Files, then: &Files) -> Result<(), TestCaseError> {
    if now == then {
        return Ok(());
    }
    let (now, then) = (shown(now), shown(then));
    let diff = TextDiff::from_lines(&then, &now);
    Err(TestCaseError::fail(format!(
        "not as before:\n{}",
        diff.unified_diff().context_radius(8)
    )))
}

/// Every line that goes is in the `before` of a change of that file, every line that comes in an `after`; so all other
/// bytes are unchanged.
fn announced(plan: &Plan, path: &Path, before: &[u8], after: &[u8]) -> Result<(), TestCaseError> {
    fn lines(bytes: &[u8]) -> Vec<&[u8]> {
        bytes.split_inclusive(|&b| b == b'\n').collect()
    }
    let changes = || plan.changes.iter().filter(|change| change.file == path);
    let (old, new) = (lines(before), lines(after));
    let diff = TextDiff::from_slices(&old, &new);
    let mut come: Vec<&[u8]> = Vec::new();
    let mut gone: Vec<&[u8]> = Vec::new();
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => come.push(change.value()),
            ChangeTag::Delete => gone.push(change.value()),
            ChangeTag::Equal => {}
        }
    }
    for line in come.iter().filter(|line| !line.trim_ascii().is_empty()) {
        let said = changes().any(|change| {
            lines(&change.after)
                .iter()
                .any(|l| l.trim_ascii() == line.trim_ascii())
        });
        // The last line may get the line ending that it had not.
        let ended = old
            .last()
            .is_some_and(|last| !last.ends_with(b"\n") && line.starts_with(last));
        prop_assert!(
            said || ended,
            "comes unannounced: {}\n{:#?}",
            line.escape_ascii(),
            plan.changes
        );
    }
    for line in gone {
        let said = changes().any(|change| {
            lines(&change.before)
                .iter()
                .any(|l| l.trim_ascii() == line.trim_ascii())
        });
        let ended = old.last() == Some(&line) && come.iter().any(|new| new.starts_with(line));
        prop_assert!(
            said || ended,
            "goes unannounced: {}\n{:#?}",
            line.escape_ascii(),
            plan.changes
        );
    }
    Ok(())
}

fn given(root: &Path) -> (Vec<u8>, Source, Facts) {
    let main = normalize(&host_bytes(&root.join("conf").join("httpd.conf")), Platform::HOST);
    (
        main,
        Source::new(root.to_path_buf(), Platform::HOST),
        Facts::assumed(Platform::HOST),
    )
}

fn request(http: Option<Http>, port: u16) -> Request {
    Request {
        domain: DOMAIN.into(),
        port,
        http,
        certificate: b"conf/ssl/server.crt".to_vec(),
        key: b"conf/ssl/server.key".to_vec(),
        chain: None,
        ..Request::default()
    }
}

/// What somebody may ask for.
fn wish() -> impl Strategy<Value = Request> {
    let http = vec![None, Some(Http::Off), Some(Http::Keep), Some(Http::Redirect)];
    let profile = vec![None, None, Some(Profile::Intermediate), Some(Profile::Old)];
    let aliases = vec![
        vec![],
        vec![],
        vec!["www.example.com"],
        vec!["other.example.com", "new.example.com"],
        vec!["www.example.net"],
    ];
    (
        proptest::sample::select(http),
        proptest::sample::select(vec![443, 443, 443, 8443]),
        proptest::sample::select(aliases),
        proptest::sample::select(profile),
        proptest::sample::select(vec![None, None, None, Some(63_072_000)]),
        proptest::sample::select(vec![false, false, false, true]),
        proptest::sample::select(vec![false, false, true]),
        proptest::option::weighted(0.2, 1..30u32),
    )
        .prop_map(
            |(http, port, aliases, profile, hsts, stapling, chain, line)| Request {
                site: line.map(|line| ("conf/httpd.conf".into(), line)),
                aliases: aliases.into_iter().map(str::to_owned).collect(),
                profile,
                hsts,
                stapling,
                chain: chain.then(|| b"conf/ssl/ca.crt".to_vec()),
                ..request(http, port)
            },
        )
}

/// A main file and one that it may include.
#[derive(Clone)]
struct Generated {
    main: Vec<u8>,
    extra: Vec<u8>,
}

impl Generated {
    /// As a server root in a temporary folder.
    fn write(&self) -> tempfile::TempDir {
        let root = files::folder();
        files::write(&root.path().join("conf").join("httpd.conf"), &self.main);
        files::write(
            &root.path().join("conf").join("extra").join("site.conf"),
            &self.extra,
        );
        for module in ["ssl", "socache_shmcb", "headers", "alias", "rewrite"] {
            let module = format!("mod_{module}.so");
            files::write(&root.path().join("modules").join(module), "");
        }
        root
    }
}

/// Line by line, to be read by people.
impl fmt::Debug for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, bytes) in [
            ("conf/httpd.conf", &self.main),
            ("conf/extra/site.conf", &self.extra),
        ] {
            writeln!(f, "\n--- {name}")?;
            for line in bytes.split_inclusive(|&b| b == b'\n') {
                writeln!(f, "{}", line.escape_ascii())?;
            }
        }
        Ok(())
    }
}

/// Configurations as people have them, and a little worse.
fn generated() -> impl Strategy<Value = Generated> {
    let ending = || proptest::sample::select(vec![vec!["\n"], vec!["\r\n"], vec!["\n", "\r\n", "\r\n"]]);
    (
        vec(block(true), 0..14),
        vec(block(false), 0..5),
        ending(),
        ending(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(main, extra, main_ending, extra_ending, main_final, extra_final)| Generated {
                main: written(&main.concat(), &main_ending, main_final),
                extra: written(&extra.concat(), &extra_ending, extra_final),
            },
        )
}

/// The lines with the endings in turn; the last one perhaps without.
fn written(lines: &[String], endings: &[&str], finished: bool) -> Vec<u8> {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let ending = endings[at % endings.len()];
        text.push_str(&line.replace('\n', ending));
        if finished || at + 1 < lines.len() {
            text.push_str(ending);
        }
    }
    text.into_bytes()
}

/// One thing of a configuration, as lines; `\n` inside a line is a line end as well.
fn block(main: bool) -> BoxedStrategy<Vec<String>> {
    let plain = prop_oneof![line(), line(), line(), host()];
    let nested = plain.prop_recursive(2, 12, 4, |inner| {
        let content = vec(inner, 0..4).prop_map(|blocks| blocks.concat());
        let opening = proptest::sample::select(vec![
            ("IfModule", "ssl_module"),
            ("IfModule", "!ssl_module"),
            ("IfModule", "mod_ssl.c"),
            ("IfModule", "mpm_event_module"),
            ("IfDefine", "SSL"),
            ("IfDefine", "!SSL"),
            ("IfVersion", ">= 2.4"),
            ("ifmodule", "nowhere_module"),
        ]);
        (opening, content, any::<bool>()).prop_map(|((name, argument), content, indented)| {
            let mut lines = vec![format!("<{name} {argument}>")];
            let indentation = if indented { "  " } else { "" };
            lines.extend(content.iter().map(|line| format!("{indentation}{line}")));
            lines.push(format!("</{name}>"));
            lines
        })
    });
    if main {
        let include = proptest::sample::select(vec![
            "Include conf/extra/site.conf",
            "IncludeOptional conf/extra/*.conf",
            "Include \"conf/extra/\"",
            "#Include conf/extra/site.conf",
        ]);
        prop_oneof![8 => nested, 1 => include.prop_map(|line| vec![line.to_owned()])].boxed()
    } else {
        nested.boxed()
    }
}

fn line() -> impl Strategy<Value = Vec<String>> {
    const LINES: &[&str] = &[
        "",
        "   ",
        "# a comment",
        "# a comment that goes on \\\nListen 80",
        "#Listen 443",
        "Listen 80",
        "Listen 80",
        "listen 443",
        "Listen 8080",
        "Listen 127.0.0.1:80",
        "Listen [::]:80",
        "Listen 0.0.0.0:80",
        "Listen 443 https",
        "Listen \\\n80",
        "\tListen \"80\"",
        "Listen ${PORT}",
        "Define PORT 8081",
        "Define SSL",
        "UnDefine SSL",
        "#LoadModule ssl_module modules/mod_ssl.so",
        "#LoadModule ssl_module modules/mod_ssl.so",
        "  #  LoadModule ssl_module \"modules/mod_ssl.so\"",
        "##LoadModule ssl_module modules/mod_ssl.so",
        "LoadModule ssl_module modules/mod_ssl.so",
        "#LoadModule socache_shmcb_module modules/mod_socache_shmcb.so",
        "LoadModule dir_module modules/mod_dir.so",
        "#LoadModule ssl_module modules/mod_gone.so",
        "SSLSessionCache shmcb:logs/scache(512000)",
        "ServerName localhost",
        "ServerName \"esync.example.com\"",
        "ServerName esync.example.com:80",
        "DocumentRoot \"htdocs with blank\"",
        "LogFormat \"%h \\\"%r\\\"\" common",
        "LogFormat '%h' \\\n   short",
        "RewriteEngine on",
        "RewriteRule ^/a$ /b",
        "RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R]",
        "Redirect / https://esync.example.com/",
        "LoadModule macro_module modules/mod_macro.so",
        "#LoadModule headers_module modules/mod_headers.so",
        "LoadModule rewrite_module modules/mod_rewrite.so",
        "LoadModule alias_module modules/mod_alias.so",
        "<Macro Site $name $port>\n<VirtualHost *:$port>\nServerName $name\n</VirtualHost>\n</Macro>",
        "Use Site esync.example.com 80",
        "Use Site other.example.com 80",
        "Use Site esync.example.com 443",
        "<Macro Port>\nListen 80\n</Macro>\nUse Port",
        "SSLEngine on",
        "SSLProtocol all -SSLv3",
        "SSLStaplingCache shmcb:logs/stapling",
        "Listen 192.0.2.7:80",
        "Listen 192.0.2.7:443",
        "Listen [2001:db8::7]:80",
        "Define HTTPS 443",
        "Listen ${HTTPS}",
        "<Directory \"/srv\">\n  Require all granted\n</Directory>",
        "<Files \".ht*\">\nRequire all denied\n</Files>",
        "DirectoryIndex index.html \\",
    ];
    proptest::sample::select(LINES).prop_map(|line| line.split('\u{0}').map(str::to_owned).collect())
}

/// A virtual host, which may include the other file.
fn host() -> impl Strategy<Value = Vec<String>> {
    let addresses = proptest::sample::select(vec![
        "*:80",
        "*:443",
        "_default_:443",
        "*",
        "127.0.0.1:443",
        "*:80 *:443",
        "192.0.2.7:80",
        "192.0.2.7:443",
        "[2001:db8::7]:80",
        "*:${HTTPS}",
        "*:8080",
        "*:8443",
    ]);
    let inside = vec![
        "ServerName esync.example.com",
        "ServerName other.example.com",
        "ServerAlias *.example.com",
        "ServerAlias *.example.net",
        "ServerAlias www.example.com esync.example.com",
        "SSLEngine on",
        "SSLEngine off",
        "SSLCertificateFile conf/ssl/server.crt",
        "SSLCertificateFile \"conf/other.crt\"",
        "SSLCertificateKeyFile \"conf/other.key\"",
        "SSLCertificateKeyFile \\\n  conf/other.key",
        "SSLCertificateChainFile conf/chain.crt",
        "DocumentRoot /srv/other",
        "# inside",
        "ServerName \\\n  esync.example.com",
        "Redirect permanent / https://esync.example.com/",
        "RewriteEngine on",
        "RewriteCond %{HTTPS} off\nRewriteRule (.*) https://%{HTTP_HOST}$1 [R=301]",
        "<IfModule ssl_module>\nSSLEngine on\nSSLCertificateFile conf/ssl/server.crt\n</IfModule>",
        "<Location /x>\nRequire all denied\n</Location>",
        "Header always set Strict-Transport-Security \"max-age=5\"",
        "SSLCipherSuite HIGH",
        "Use Port",
        // In that file itself a recursion.
        "Include conf/extra/site.conf",
    ];
    let inside = proptest::sample::select(inside);
    (addresses, vec(inside, 0..6), any::<bool>()).prop_map(|(addresses, inside, indented)| {
        let indentation = if indented { "\t" } else { "" };
        let mut lines = vec![format!("<VirtualHost {addresses}>")];
        lines.extend(inside.iter().map(|line| format!("{indentation}{line}")));
        lines.push("</VirtualHost>".into());
        lines
    })
}
