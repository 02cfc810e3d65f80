//! That there are two ways to one reading of a command line.

use clap::CommandFactory;

use super::*;
use crate::cli::arguments::Arguments;

#[test]
fn the_short_way_leads_where_the_long_one_does() {
    let of = |line: &str, variable: &str| {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let environment = |name: &str| (name == variable).then(|| "1".into());
        let short = as_typed(Arguments::command(), &words, &environment)?;
        let long = completed(Arguments::command(), words, &environment);
        match (short, long) {
            (Ok(short), Ok(long)) => {
                assert_eq!(short.words, long.words, "{line}");
                assert!(short.matches == long.matches, "{line}");
            }
            (Err(short), Err(long)) => {
                let told = |wrong: Wrong| wrong.error.render().to_string();
                assert_eq!(told(short), told(long), "{line}");
            }
            (short, _) => panic!("{line}: well only on one way: {}", short.is_ok()),
        }
        Some(())
    };
    for line in [
        "x --version",
        "x -V --json",
        "x status",
        "x --root /a status --json -v",
        "x cert import a.pfx --out-dir b --name c",
        "x acme account show --root /a",
        "x enable --domain a.test --self-signed --hsts --port 8443 -n",
        "x lint --quiet --config /a",
    ] {
        assert!(of(line, "").is_some(), "{line}");
    }
    for (line, variable) in [
        ("x status", "ESYNC_SSL_JSON"),
        ("x enable --domain a.test --self-signed", "ESYNC_SSL_DRY_RUN"),
        ("x status --answers a.toml", ""),
        ("x status --root \"a", ""),
        ("x status \u{2013}-json", ""),
        ("x --help", ""),
        ("x cert", ""),
        ("x nothing", ""),
    ] {
        assert!(of(line, variable).is_none(), "{line}");
    }
}
