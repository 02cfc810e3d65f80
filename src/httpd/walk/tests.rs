use proptest::prelude::*;

use crate::httpd::{Configuration, Facts, Platform, Source, known};

const MODULES: &str = "LoadModule mpm_event_module m.so\nLoadModule rewrite_module m.so\nLoadModule ssl_module m.so\n\
                       LoadModule headers_module m.so\nLoadModule proxy_module m.so\n";

/// Codes and messages of all that is found, without places.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let source = Source::new("/none".into(), Platform::HOST);
    let facts = Facts::assumed(Platform::HOST);
    let bytes = format!("{MODULES}{text}").into_bytes();
    let configuration = Configuration::from_bytes(b"/none/httpd.conf", bytes, source, facts);
    let problems = configuration.check().into_iter();
    problems.map(|problem| (problem.code, problem.message)).collect()
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

proptest! {
    /// A line that is continued is never judged by a glance, and reads the same.
    #[test]
    fn a_glance_finds_what_a_look_finds(
        lines in prop::collection::vec(line(), 1..6),
        around in prop::sample::select(vec!["", "VirtualHost *:80", "Directory /x", "Location /x", "Files x", "Proxy *", "If true"]),
    ) {
        let text = |end: &str| {
            let section = around.split(' ').next().unwrap_or_default();
            let lines: String = lines.join("\n").lines().map(|line| format!("{line}{end}\n")).collect();
            match around {
                "" => lines,
                _ => format!("<{around}>\n{lines}</{section}>\n"),
            }
        };
        prop_assert_eq!(found(&text("")), found(&text(" \\\n")));
    }
}
