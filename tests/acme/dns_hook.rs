//! Names that are proven in DNS by a program of the administrator's, with pebble as the authority, its own DNS server, and a
//! real Apache; and what the domain itself says in DNS of authorities.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use esync_ssl::tls::certificate::Certificate;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::enable::World;
use crate::served::{self, YES, end_of, waited_for};
use crate::support::apache_site::DOMAIN;
use crate::support::dns::{CAA, NS, NameServer, TXT, caa, name, text};
use crate::support::pebble::Options;
use crate::support::process::start;
use crate::support::stranger::executable;
use crate::support::{files, others};

/// The name of the record, and its place for programs.
const RECORD: &str = "_acme-challenge.esync.example.com.";

impl World {
    fn hook(&self) -> PathBuf {
        self.site.folder.path().join("hook")
    }

    /// Makes the program, which tells the DNS server of pebble; `first` comes before that.
    fn with_hook(self, first: &str) -> World {
        let script = format!(
            "#!/bin/bash\necho \"$*\" >> {calls}\n{first}\n\
             case $1 in present) what=set-txt body=\"{{\\\"host\\\":\\\"$2\\\",\\\"value\\\":\\\"$3\\\"}}\" ;;\n\
             cleanup) what=clear-txt body=\"{{\\\"host\\\":\\\"$2\\\"}}\" ;; esac\n\
             exec 3<>/dev/tcp/127.0.0.1/{port}\n\
             printf 'POST /%s HTTP/1.0\\r\\nContent-Length: %s\\r\\n\\r\\n%s' $what ${{#body}} \"$body\" >&3\n\
             read -r line <&3\n[[ $line == *\" 200 \"* ]]\n",
            calls = self.calls_file().display(),
            port = self.pebble.dns_control(),
        );
        executable(&self.hook(), &script);
        self
    }

    fn calls_file(&self) -> PathBuf {
        self.site.folder.path().join("calls")
    }

    /// With what it was called so far.
    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.calls_file()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn words<'w>(hook: &'w str, more: &[&'w str]) -> Vec<&'w str> {
        [&YES[..], &["--dns-hook", hook, "--dns-wait", "0"], more].concat()
    }

    fn by_hook(&self, more: &[&str], status: i32) -> crate::support::process::Outcome {
        let hook = self.hook().display().to_string();
        self.run(&World::words(&hook, more)).expect_code(status)
    }

    fn names(&self) -> Vec<String> {
        let all = Certificate::read_all(self.certificate().as_bytes()).expect("certificates");
        let mut names = all[0].dns_names.clone();
        names.sort();
        names
    }
}

impl served::World {
    /// What `acme check` finds.
    #[track_caller]
    fn check(&self, status: i32) -> Value {
        self.asking(&["acme", "check", DOMAIN, "--json"])
            .run()
            .expect_code(status)
            .envelope()
    }
}

/// Each record that was made was taken out again.
#[track_caller]
fn is_tidy(world: &World) {
    let calls = world.calls();
    let of = |what: &str| {
        let mine = calls.iter().filter_map(|call| call.strip_prefix(what));
        let mut mine: Vec<String> = mine.map(str::to_owned).collect();
        mine.sort();
        mine.dedup();
        mine
    };
    assert_eq!(of("present "), of("cleanup "), "{calls:?}");
    assert_eq!(world.kept("dns-records.json"), None);
}

#[test]
fn a_wildcard_beside_the_site_is_proven_by_a_program() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let world = world.with_hook("");
    // Another way has no word for it, and nobody is asked.
    let refused = world.refused(
        &[&YES[..], &["--alias", "*.wild.example"]].concat(),
        4,
        &["--dns-hook PROGRAM"],
    );
    assert!(
        refused.stderr_text().contains("proven in DNS only"),
        "{}",
        refused.report()
    );
    assert!(!world.pebble.log().contains("/order-plz"));

    let told = world.by_hook(&["--alias", "*.wild.example"], 0);
    assert_eq!(world.names(), ["*.wild.example", DOMAIN]);
    let calls = world.calls();
    let one = |call: &&String| call.starts_with(&format!("present {RECORD} "));
    assert_eq!(calls.iter().filter(one).count(), 1, "{calls:?}");
    assert_eq!(calls.len(), 4, "{calls:?}");
    assert!(
        calls
            .iter()
            .any(|call| call.starts_with("present _acme-challenge.wild.example. ")),
        "{calls:?}"
    );
    is_tidy(&world);
    let text = told.stdout_text() + &told.stderr_text();
    assert!(
        text.contains("(dns-01)") && text.contains("are waited instead"),
        "{text}"
    );
    // Apache was told neither of the wildcard nor of answers.
    let main = fs::read_to_string(world.site.root().join("conf/httpd.conf")).expect("the configuration");
    assert!(!main.contains('*') || !main.contains("wild.example"), "{main}");
    assert!(!main.contains("acme-challenge"), "{main}");
    // Once more: nothing is ordered, and the program is not run.
    let again = world.by_hook(&["--alias", "*.wild.example", "--json"], 0);
    assert_eq!(again.envelope()["result"], "unchanged", "{}", again.report());
    assert_eq!((world.calls().len(), world.made()), (4, 1));
    // A wildcard for the site itself stands for it: authorities refuse both in one order.
    let program = world.command(&[&YES[..], &["--alias", "*.example.com", "--answer", "dns-hook"]].concat());
    program
        .arg("--dns-hook")
        .arg(world.hook())
        .args(["--dns-wait", "0"])
        .run()
        .expect_code(0);
    is_tidy(&world);
    assert_eq!(world.made(), 2);
    assert!(
        world
            .calls()
            .iter()
            .any(|call| call.starts_with("present _acme-challenge.example.com. "))
    );
}

#[test]
fn programs_that_fail_or_are_not_ours_make_no_certificate() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let hook = world.hook().display().to_string();
    let words = World::words(&hook, &[]);
    let nothing = |told: &[&str]| {
        world.refused(&words, 4, told);
        assert_eq!((world.made(), world.kept("dns-records.json")), (0, None));
    };
    nothing(&["the program of --dns-hook is not run"]);
    // The words that it says are made harmless, and the record that may be there is taken out.
    executable(
        &world.hook(),
        &format!(
            "#!/bin/sh\necho \"$*\" >> {}\n[ $1 = cleanup ] || {{ printf 'no \\033[31mtoken\\n' >&2; exit 3; }}\n",
            world.calls_file().display()
        ),
    );
    let told = world.refused(&words, 4, &["ended with status 3 and said: no ", RECORD]);
    assert!(!told.stderr_text().contains("\x1b[31m"), "{}", told.report());
    is_tidy(&world);
    assert_eq!(world.calls().len(), 2);
    let json = world.run(&[&words[..], &["--json"]].concat()).expect_code(4);
    assert_eq!(
        json.envelope()["error"]["code"],
        "DNS-HOOK-FAILED",
        "{}",
        json.report()
    );
    executable(&world.hook(), "#!/bin/sh\nkill -9 $$\n");
    let told = world.run(&words).expect_code(4).stderr_text();
    assert!(told.contains("ended by a signal"), "{told}");
    // It could not be taken out, which is told and kept.
    assert!(told.contains("was not taken out of DNS"), "{told}");
    let left = world.kept("dns-records.json").expect("a note");
    assert_eq!(left["records"].as_array().map(Vec::len), Some(1), "{left}");
    executable(&world.hook(), "#!/no/such/interpreter\n");
    world.run(&words).expect_code(4);
    // Others may write it.
    if others::is_root() {
        executable(
            &world.hook(),
            &format!(
                "#!/bin/sh\ntouch {}\n",
                world.site.folder.path().join("was-run").display()
            ),
        );
        others::give(&world.hook());
        let told = world.refused(&words, 4, &["the program of --dns-hook is not run"]);
        assert!(told.stderr_text().contains("chown"), "{}", told.report());
        assert!(!world.site.folder.path().join("was-run").exists());
    }
    assert_eq!(world.made(), 0);
}

/// An order that is under way is gone on with: an authority counts how many begin.
#[test]
fn an_order_with_a_wildcard_is_taken_up() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let world = world.with_hook("[ $1 = cleanup ] || exit 1");
    let wildcard = ["--alias", "*.wild.example"];
    world.by_hook(&wildcard, 4);
    let begun = || world.pebble.log().matches("/order-plz").count();
    let before = begun();
    assert!(before > 0, "{}", world.pebble.log());
    let world = world.with_hook("");
    world.by_hook(&wildcard, 0);
    assert_eq!(world.pebble.log().matches("/order-plz").count(), before);
    assert_eq!(world.names(), ["*.wild.example", DOMAIN]);
}

/// A program that hangs is ended with us, and what it may have made is taken out; where we are killed, by the next run.
#[test]
fn a_program_that_hangs_leaves_nothing() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let flag = world.site.folder.path().join("hangs");
    let hangs = format!("[ $1 = present ] && [ -e {} ] && sleep 1000", flag.display());
    let world = world.with_hook(&hangs);
    let hook = world.hook().display().to_string();
    files::write(&flag, "");
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let _ = fs::remove_file(world.calls_file());
        let mut child = start(&mut world.command(&World::words(&hook, &[])).into_command()).expect("a child");
        assert!(waited_for(|| !world.calls().is_empty()), "{signal}");
        let began = Instant::now();
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("told");
        let code = end_of(&mut child).code();
        assert!(began.elapsed() < Duration::from_secs(20));
        match signal {
            Signal::SIGINT => {
                assert_eq!(code, Some(10));
                is_tidy(&world);
            }
            _ => {
                let left = world.kept("dns-records.json").expect("a note");
                assert_eq!(left["records"][0]["name"], RECORD, "{left}");
            }
        }
        assert_eq!(world.made(), 0);
    }
    fs::remove_file(&flag).expect("it hangs no more");
    world.by_hook(&[], 0);
    is_tidy(&world);
    assert_eq!(world.made(), 1);
    let calls = world.calls();
    assert!(calls[1].starts_with("cleanup "), "{calls:?}");
    assert_eq!(calls[0].replace("present", "cleanup"), calls[1]);
}

/// The name servers of the zone are asked themselves, before the authority is.
#[test]
fn the_servers_of_the_zone_are_looked_at() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let Some(dns) = NameServer::start() else { return };
    let world = world.with_hook("");
    let hook = world.hook().display().to_string();
    dns.set("example.com", NS, &[name("ns.example.com")]);
    let words = [&YES[..], &["--dns-hook", &hook, "--dns-wait", "2"]].concat();
    world.refused(
        &words,
        4,
        &["127.0.0.1 does not show the TXT record", "--dns-wait SECONDS"],
    );
    assert_eq!(world.made(), 0);
    is_tidy(&world);
    // It shows what the program wrote before: the order is taken up, and its record is the same.
    let before = world.calls()[0].rsplit(' ').next().expect("a value").to_owned();
    dns.set(
        RECORD.trim_end_matches('.'),
        TXT,
        &[text("another"), text(&before)],
    );
    let began = Instant::now();
    let words = [&YES[..], &["--dns-hook", &hook, "--dns-wait", "100"]].concat();
    let told = world.run(&words).expect_code(0);
    assert!(began.elapsed() < Duration::from_secs(90), "{}", told.report());
    assert!(
        !told.stderr_text().contains("waited instead"),
        "{}",
        told.report()
    );
    is_tidy(&world);
}

/// The domain allows another authority only: ours is not asked.
#[test]
fn what_a_domain_forbids_is_not_asked_for() {
    let Some(world) = served::World::start(false) else {
        return;
    };
    let Some(dns) = NameServer::start() else { return };
    dns.set("example.com", CAA, &[caa("issue", "other.example")]);
    let refused = world.run(&YES, 4).stderr_text();
    for words in [
        "the CAA record of example.com says `0 issue \"other.example\"`",
        "0 issue \"ca.example\"",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(world.ca.count("/order") + world.ca.count("/account"), 0);
    let told: Value = world.check(12);
    assert_eq!(told["findings"][0]["code"], "ACME-FORBIDDEN", "{told}");
    dns.set(
        DOMAIN,
        CAA,
        &[caa("issue", "ca.example"), caa("iodef", "mailto:a@b.example")],
    );
    assert_eq!(world.check(0)["findings"], json!([]));
    world.run(&YES, 0);
    assert_eq!(world.ca.made(), 1);
}
