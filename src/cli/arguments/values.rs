//! Values of several flags: what each must be, in words for people.

use std::net::SocketAddr;

/// A port.
///
/// # Errors
/// What it must be.
pub fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "a port is a number from 1 to 65535".into())
}

/// Where to connect to.
///
/// # Errors
/// What it must be.
pub fn endpoint(text: &str) -> Result<SocketAddr, String> {
    let endpoint = text
        .parse()
        .ok()
        .filter(|endpoint: &SocketAddr| endpoint.port() > 0);
    endpoint.ok_or_else(|| "give an IP address and a port, such as 192.0.2.7:443 or [2001:db8::7]:443".into())
}

/// How many days or seconds.
///
/// # Errors
/// What it must be.
pub fn whole<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("give a whole number, such as 90".into());
    }
    let number = text.parse().ok().and_then(|number: u64| T::try_from(number).ok());
    number.ok_or_else(|| "the number is too large".into())
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command, CommandFactory};

    use crate::cli::arguments::Arguments;

    /// Every flag that takes a value, with its command.
    fn flags(command: &Command) -> Vec<(Vec<String>, Arg)> {
        let own = command
            .get_arguments()
            .filter(|arg| arg.get_action().takes_values());
        let own = own.filter_map(|arg| arg.get_long().map(|_| (Vec::new(), arg.clone())));
        let below = command.get_subcommands().flat_map(|below| {
            let all = flags(below).into_iter();
            all.map(|(path, arg)| ([vec![below.get_name().to_owned()], path].concat(), arg))
        });
        own.chain(below).collect()
    }

    #[test]
    fn no_value_is_refused_in_the_words_of_the_language() {
        for (path, arg) in flags(&Arguments::command()) {
            for value in ["x", "-1", "99999999999999999999999", "192.0.2.7", "1.5", ""] {
                let flag = format!("--{}={value}", arg.get_long().unwrap());
                let words = [&["esync-ssl".to_owned()], &*path, &[flag]].concat();
                let Err(error) = Arguments::command().try_get_matches_from(&words) else {
                    continue;
                };
                let said = error.to_string();
                for raw in [
                    "digit",
                    "syntax",
                    "fit in target",
                    "from empty",
                    "in 1..",
                    "in 0..",
                ] {
                    assert!(!said.contains(raw), "{words:?}: {said}");
                }
            }
        }
    }

    #[test]
    fn what_a_value_must_be_is_said() {
        for (line, words) in [
            (
                "enable --port abc",
                "--port <N>': a port is a number from 1 to 65535",
            ),
            ("enable --port 0", "1 to 65535"),
            ("ports --port 70000", "1 to 65535"),
            ("devices --domain a.test --port=-1", "1 to 65535"),
            ("verify --address 192.0.2.7", "such as 192.0.2.7:443"),
            (
                "devices --domain a.test --address a.test:443",
                "such as 192.0.2.7:443",
            ),
            ("enable --hsts long", "a whole number"),
            ("enable --hsts 4294967296", "too large"),
            ("restart --lock-timeout 1.5", "a whole number"),
            ("cert self-signed --domain a.test --days x", "a whole number"),
        ] {
            let typed = std::iter::once("esync-ssl").chain(line.split(' '));
            let said = Arguments::command()
                .try_get_matches_from(typed)
                .unwrap_err()
                .to_string();
            assert!(said.contains(words), "{line}: {said}");
        }
    }
}
