use proptest::prelude::*;

use super::{check, check_in, errors};
use crate::httpd::glance::tests::OFF;
use crate::httpd::{Configuration, Entry, Facts, Platform, Source, known};

const MODULES: &str = "LoadModule mpm_event_module m.so\nLoadModule rewrite_module m.so\nLoadModule ssl_module m.so\n\
                       LoadModule headers_module m.so\nLoadModule proxy_module m.so\n\
                       Define ONE one\nDefine TWO \"two words \"\nDefine OPEN \"'a b\"\nDefine MARK #x\nDefine END >\n";

fn read(text: &str) -> Configuration {
    let source = Source::new("/none".into(), Platform::HOST);
    let facts = Facts::assumed(Platform::HOST);
    let bytes = format!("{MODULES}{text}").into_bytes();
    Configuration::from_bytes(b"/none/httpd.conf", bytes, source, facts)
}

/// All that is found, and every entry.
fn found(text: &str) -> String {
    let configuration = read(text);
    let entries: Vec<_> = configuration.entries().map(Entry::without_glance).collect();
    format!("{:#?}\n{entries:?}", check(&configuration))
}

fn arguments() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a",
        "on",
        "Off",
        "\"b c\"",
        "\"\"",
        "''",
        "'d",
        "\"e\\\"",
        "\"f\\\"g\"",
        "#h",
        "#{i}",
        "j#",
        "n\\o",
        "p\\\\q",
        "~",
        "k>",
        "-1",
        "\"l\"'m'",
        "*:443",
        "80",
        "none",
        "${ONE}",
        "${TWO}",
        "x${OPEN}/y",
        "${MARK}",
        "${END}",
        "${NONE}",
        "${ONE",
    ]);
    prop::collection::vec((prop::sample::select(vec![" ", "\t", "", "  "]), word), 0..5).prop_map(|words| {
        words
            .into_iter()
            .map(|(blank, word)| format!("{blank}{word}"))
            .collect()
    })
}

fn line() -> impl Strategy<Value = String> {
    let names = known::names()
        .filter(|name| !name.starts_with('<'))
        .collect::<Vec<_>>();
    let often = vec![
        "RewriteRule",
        "Header",
        "SSLEngine",
        "Alias",
        "KeepAlive",
        "Options",
        "ServerName",
        "Nonsense",
    ];
    let name = prop_oneof![prop::sample::select(names), prop::sample::select(often)];
    let section = prop::sample::select(vec![
        "<Directory",
        "<Location",
        "<FilesMatch",
        "<VirtualHost",
        "<IfModule",
        "<IfDefine",
        "<Proxy",
        "<If",
        "<Limit",
    ]);
    let directive = (name, arguments()).prop_map(|(name, rest)| format!("{name} {rest}"));
    let empty = (
        section,
        arguments(),
        prop::sample::select(vec![">", "> x", "", " >"]),
    )
        .prop_map(|(name, rest, end)| format!("{name} {rest}{end}\n{}>", name.replace('<', "</")));
    prop_oneof![6 => directive, 1 => empty]
}

/// Lines that matter to what follows them, beside sections and directives of every kind.
fn site() -> impl Strategy<Value = String> {
    let settled = prop::sample::select(vec![
        "<If true>\n</If>",
        "<Else>\n</Else>",
        "<ElseIf true>\n</ElseIf>",
        "<ElseIf true> text\n</ElseIf>",
        "ServerName a.test:81",
        "ServerName b.test",
        "Nonsence on",
        "Listen 81",
        "SSLEngine on",
        "<IfDefine !x>\n<Else>\n</Else>\nServerName c.test:82\n</IfDefine>",
        "<VirtualHost 10.0.0.1>\nServerName d.test\n<Else>\n</Else>\n</VirtualHost>",
        "<VirtualHost *:81 10.0.0.2>\nSSLEngine on\nServerAlias d.test\n</VirtualHost>",
        "ErrorLog none/x",
        "<VirtualHost *:81>",
    ]);
    prop_oneof![3 => settled.prop_map(str::to_string), 1 => line()]
}

proptest! {
    /// However many parts a configuration is carried out in, the same is found.
    #[test]
    fn parts_find_what_the_whole_finds(sites in prop::collection::vec(site(), 1..20), parts in 2usize..6) {
        let configuration = read(&sites.join("\n"));
        let (whole, parts) = (check_in(&configuration, 1, false), check_in(&configuration, parts, false));
        prop_assert_eq!(format!("{whole:#?}"), format!("{parts:#?}"));
        let refused = whole.iter().filter(|problem| problem.severity.is_error());
        let refused: Vec<_> = refused.collect();
        prop_assert_eq!(format!("{refused:#?}"), format!("{:#?}", errors(&configuration)));
    }

    #[test]
    fn a_glance_finds_what_a_look_finds(
        lines in prop::collection::vec(line(), 1..6),
        around in prop::sample::select(vec!["", "VirtualHost *:80", "Directory /x", "Location /x", "Files x", "Proxy *", "If true"]),
        end in prop::sample::select(vec!["", " \\\n", "\r"]),
    ) {
        let section = around.split(' ').next().unwrap_or_default();
        let lines: String = lines.join("\n").lines().map(|line| format!("{line}{end}\n")).collect();
        let text = match around {
            "" => lines,
            _ => format!("<{around}>\n{lines}</{section}>\n"),
        };
        let glanced = found(&text);
        OFF.set(true);
        let looked = found(&text);
        OFF.set(false);
        prop_assert_eq!(glanced, looked);
    }
}

/// For who compares what several operations see: not by the words.
#[test]
fn what_is_unknown_has_a_fault_and_a_module() {
    use crate::finding::Code;
    for (line, fault, module) in [
        ("DavLockDB a", Code::ModuleNotLoaded, Some("mod_dav_fs.c")),
        ("NoSuchThing a", Code::DirectiveUnknown, None),
        ("\u{feff}Listen 80", Code::ConfigEncoding, None),
    ] {
        let all = check(&read(&format!("{line}\n")));
        let unknown = all.iter().find(|one| one.rule == "unknown-directive");
        let unknown = unknown.unwrap_or_else(|| panic!("{line}: {all:?}"));
        assert_eq!((unknown.fault, unknown.module), (Some(fault), module), "{line}");
    }
}
