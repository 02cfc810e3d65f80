//! Which httpd a service of Windows runs, and with what: what its entry in the registry says, read as Windows reads it.
//! Asks no registry.

use std::path::PathBuf;

use super::command_line::CommandLine;

/// What the entry of a service says of the program that it runs; nothing is an empty text.
#[derive(Default)]
pub struct ServiceEntry {
    /// `ImagePath`: a program with its arguments.
    pub image: String,
    /// `Parameters\Application`: what a wrapper (NSSM, srvany) runs, which is then in `ImagePath`.
    pub application: String,
    /// `Parameters\AppParameters`: with which arguments.
    pub application_arguments: String,
    /// `Parameters\ConfigArgs`: what httpd puts before its own arguments when it is the service itself.
    pub configured: Vec<String>,
}

impl ServiceEntry {
    /// The httpd that runs and what its command line says; nothing where the service runs another program. `expand` puts
    /// values in the place of variables such as `%SystemDrive%`.
    pub fn httpd(&self, expand: impl Fn(&str) -> String) -> Option<(PathBuf, CommandLine)> {
        let image = expand(&self.image);
        if let Some((binary, rest)) = httpd(&image) {
            let given = self.configured.iter().cloned().chain(words(rest));
            return Some((binary.into(), command_line(binary, given)));
        }
        let application = expand(&self.application);
        let (binary, rest) = httpd(&application)?;
        let arguments = expand(&self.application_arguments);
        let given = words(rest).into_iter().chain(words(&arguments));
        Some((binary.into(), command_line(binary, given)))
    }
}

fn command_line(binary: &str, arguments: impl IntoIterator<Item = String>) -> CommandLine {
    let all: Vec<String> = std::iter::once(binary.to_owned()).chain(arguments).collect();
    CommandLine::of(&all)
}

/// The program at the beginning of a command line, if it is an httpd, and its arguments: `"C:\x\bin\httpd.exe" -k
/// runservice`. Without quotation marks Windows takes a path with blanks up to its extension.
fn httpd(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let (path, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => line.split_at_checked(end_of_program(line)?)?,
    };
    let name = path.rsplit(['\\', '/']).next()?.to_ascii_lowercase();
    matches!(name.as_str(), "httpd.exe" | "apache.exe").then_some((path, rest))
}

fn end_of_program(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let mut ends = lower.match_indices(".exe").map(|(at, end)| at + end.len());
    ends.find(|end| lower[*end..].chars().next().is_none_or(char::is_whitespace))
}

/// The arguments in a text, as programs of Windows take it apart: a backslash is one unless a quotation mark comes after it.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut backslashes = 0;
    for character in text.chars() {
        if character == '\\' {
            backslashes += 1;
            continue;
        }
        let is_mark = character == '"';
        let kept = if is_mark { backslashes / 2 } else { backslashes };
        if kept > 0 {
            word.get_or_insert_default().push_str(&"\\".repeat(kept));
        }
        let is_literal = is_mark && backslashes % 2 == 1;
        backslashes = 0;
        match character {
            '"' if !is_literal => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !is_quoted => all.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    if backslashes > 0 {
        word.get_or_insert_default().push_str(&"\\".repeat(backslashes));
    }
    all.extend(word);
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn expand(text: &str) -> String {
        text.replace("%SystemDrive%", "C:")
            .replace("%ProgramFiles%", r"C:\Program Files")
    }

    fn image(text: &str) -> ServiceEntry {
        ServiceEntry {
            image: text.into(),
            ..ServiceEntry::default()
        }
    }

    #[test]
    fn the_binary_in_an_image_path() {
        for (text, expected) in [
            (
                r#""C:\eSync\Apache24\bin\httpd.exe" -k runservice"#,
                Some(r"C:\eSync\Apache24\bin\httpd.exe"),
            ),
            (
                r"C:\Program Files\Apache24\bin\httpd.exe -k runservice",
                Some(r"C:\Program Files\Apache24\bin\httpd.exe"),
            ),
            (
                r#""%SystemDrive%\eSync\Apache24\bin\httpd.exe" -k runservice"#,
                Some(r"C:\eSync\Apache24\bin\httpd.exe"),
            ),
            (
                r"%ProgramFiles%\Apache24\bin\HTTPD.EXE -k runservice",
                Some(r"C:\Program Files\Apache24\bin\HTTPD.EXE"),
            ),
            (
                "C:/Donn\u{e9}es/bin/httpd.exe -k runservice",
                Some("C:/Donn\u{e9}es/bin/httpd.exe"),
            ),
            (r"C:\Windows\system32\svchost.exe -k netsvcs", None),
            (r"C:\httpd.exe.d\other.exe", None),
            ("", None),
        ] {
            let found = image(text).httpd(expand).map(|(binary, _)| binary);
            assert_eq!(found, expected.map(PathBuf::from), "{text}");
        }
    }

    #[test]
    fn arguments_of_the_entry_and_of_its_image_both_count() {
        let entry = ServiceEntry {
            configured: ["-f", r"conf\other.conf", "-DTLS"].map(String::from).to_vec(),
            ..image(r#"C:\a\bin\httpd.exe -D "A B" -k runservice"#)
        };
        let (_, line) = entry.httpd(expand).unwrap();
        assert_eq!(line.main.as_deref(), Some(Path::new(r"conf\other.conf")));
        assert_eq!(line.flags, ["TLS", "A B"]);
    }

    #[test]
    fn what_a_wrapper_runs() {
        let wrapped = |application: &str, arguments: &str| ServiceEntry {
            application: application.into(),
            application_arguments: arguments.into(),
            // Means nothing to a wrapper.
            configured: vec!["-DNEVER".into()],
            ..image(r"C:\tools\nssm.exe")
        };
        let nssm = wrapped(
            r"%SystemDrive%\eSync\Apache24\bin\httpd.exe",
            r#"-d "C:\eSync\Apache24" -D TLS"#,
        );
        let (binary, line) = nssm.httpd(expand).unwrap();
        assert_eq!(binary, Path::new(r"C:\eSync\Apache24\bin\httpd.exe"));
        assert_eq!(line.root.as_deref(), Some(Path::new(r"C:\eSync\Apache24")));
        assert_eq!(line.flags, ["TLS"]);
        let (_, line) = wrapped(r#""C:\a b\bin\httpd.exe" -D ONE"#, "-D TWO")
            .httpd(expand)
            .unwrap();
        assert_eq!(line.flags, ["ONE", "TWO"]);
        assert!(wrapped(r"C:\tools\nginx.exe", "").httpd(expand).is_none());
    }

    #[test]
    fn arguments_as_windows_takes_them_apart() {
        for (text, expected) in [
            (r#"-d "C:\a b\" -X"#, &["-d", "C:\\a b\" -X"][..]),
            (r#"-d "C:\a b\\" -X"#, &["-d", "C:\\a b\\", "-X"]),
            (r"C:\a\ b", &["C:\\a\\", "b"]),
            (r#""" a"b c"d"#, &["", "ab cd"]),
            ("  \t ", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
