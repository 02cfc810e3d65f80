//! What stands on the command line of an httpd: whether it is a server at all, and where that has its files.

use std::path::{Path, PathBuf};

/// The flag (`-D`) of our own short-lived runs of httpd. It means nothing to Apache, and keeps them from being taken
/// for the server, by another run of ours too. It stands last.
pub const MARK: &str = "ESYNC_SSL_NOT_THE_SERVER";

/// The options that take a value, which may be in the same argument.
const WITH_VALUE: &str = "CcDdEefknw";
/// The options that make it answer and end.
const QUESTIONS: &str = "tSMvVlLh?";

/// A command line that was read as Apache reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// `-d`
    pub root: Option<PathBuf>,
    /// `-f`
    pub main: Option<PathBuf>,
    /// `-D`, but for those that say how it runs, not what it reads.
    pub flags: Vec<String>,
    word: Option<String>,
    asks: bool,
}

impl CommandLine {
    /// Reads the arguments of a process, its program included.
    pub fn of(arguments: &[String]) -> CommandLine {
        let mut line = CommandLine::default();
        let mut given = arguments.iter().skip(1);
        while let Some(argument) = given.next() {
            let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                break;
            };
            for (at, letter) in letters.char_indices() {
                line.asks |= QUESTIONS.contains(letter);
                if WITH_VALUE.contains(letter) {
                    let rest = &letters[at + letter.len_utf8()..];
                    let value = match rest {
                        "" => given.next().cloned().unwrap_or_default(),
                        rest => rest.to_owned(),
                    };
                    line.take(letter, value);
                    break;
                }
            }
        }
        line
    }

    fn take(&mut self, letter: char, value: String) {
        match letter {
            'd' => self.root = Some(value.into()),
            'f' => self.main = Some(value.into()),
            'k' => self.word = Some(value),
            'D' if value == MARK => self.asks = true,
            'D' if !["FOREGROUND", "NO_DETACH", "DEBUG", "ONE_PROCESS"].contains(&value.as_str()) => {
                self.flags.push(value);
            }
            _ => {}
        }
    }

    /// Is it that of a server, and not of a question or a message to one? `-k restart` and `-k graceful` start a server
    /// that does not run; that one has children.
    pub fn is_server(&self, has_children: impl FnOnce() -> bool) -> bool {
        !self.asks
            && match self.word.as_deref() {
                None | Some("start" | "runservice") => true,
                Some("restart" | "graceful") => has_children(),
                Some(_) => false,
            }
    }

    /// Does it name this configuration, or none at all? What it says relative to a server root that it does not name
    /// may be anything.
    pub fn names(&self, root: &Path, main: &Path, same: impl Fn(&Path, &Path) -> bool) -> bool {
        match (&self.root, &self.main) {
            (own, Some(file)) => same(&own.as_deref().unwrap_or(root).join(file), main),
            (Some(own), None) => same(own, root),
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> CommandLine {
        CommandLine::of(&text.split(' ').map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn values_wherever_they_stand() {
        let read = line("httpd -d /srv/a -fconf/x.conf -D TLS -DFOREGROUND -DB -k start");
        assert_eq!(read.root.as_deref(), Some(Path::new("/srv/a")));
        assert_eq!(read.main.as_deref(), Some(Path::new("conf/x.conf")));
        assert_eq!(read.flags, ["TLS", "B"]);
        // The value of another option is none.
        let read = line("httpd -C -d -c -f -XDA");
        assert_eq!((&read.root, &read.main), (&None, &None));
        assert_eq!(read.flags, ["A"]);
    }

    #[test]
    fn what_is_no_server() {
        for text in [
            "apache2",
            "apache2 -k start",
            "httpd -DFOREGROUND",
            "httpd -X -d /a",
            "httpd -T",
            "httpd -d -t -f -S",
            "httpd.exe -k runservice",
        ] {
            assert!(line(text).is_server(|| false), "{text}");
        }
        for text in [
            "apache2 -t",
            "apache2 -d /a -f b -t",
            "httpd -XDAt -S",
            "httpd -k stop",
            "httpd -kgraceful-stop",
            "httpd -tDDUMP_VHOSTS",
            "httpd -M",
            "httpd -v",
            "httpd -k install",
            "httpd -X -D ESYNC_SSL_NOT_THE_SERVER",
            "httpd -DESYNC_SSL_NOT_THE_SERVER",
        ] {
            assert!(!line(text).is_server(|| true), "{text}");
        }
        for text in ["httpd -k restart", "apache2 -k graceful"] {
            assert!(
                line(text).is_server(|| true) && !line(text).is_server(|| false),
                "{text}"
            );
        }
    }
}
