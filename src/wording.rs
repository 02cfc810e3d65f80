//! What comes up in many messages: a number with its noun, and why the system refused something, in words. CONTRIBUTING.md
//! says how messages are written.

use std::io::{self, ErrorKind};

/// A number and what is counted: `1 certificate`, `2 certificates`.
pub fn count(number: usize, one: &str) -> String {
    format!("{number} {}", plural(number, one))
}

/// The noun alone, for whoever shows the number elsewhere.
pub fn plural(number: usize, one: &str) -> String {
    if number == 1 {
        return one.to_owned();
    }
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if one.ends_with(['s', 'x']) || one.ends_with("ch") || one.ends_with("sh") => format!("{one}es"),
        _ => format!("{one}s"),
    }
}

/// Half of a message as a sentence: with a capital letter, and a full stop where it ends in none.
pub fn as_sentence(half: &str) -> String {
    let mut letters = half.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if half.ends_with(['.', ':', '?']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// Why the system refused, in words that fit behind `cannot be read: `. Its own words differ between systems and
/// languages, and end in a number that helps nobody; ours are the same everywhere.
pub fn reason(error: &io::Error) -> String {
    if error.raw_os_error().is_none() && error.get_ref().is_some() {
        // Our own words, or those of a library about an error of the system.
        return without_number(&error.to_string());
    }
    if is_in_use(error) {
        return IN_USE.to_owned();
    }
    if let Some(words) = error.raw_os_error().and_then(of_number) {
        return words.to_owned();
    }
    let words = match error.kind() {
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::AlreadyExists => "it exists already",
        ErrorKind::IsADirectory => "it is a folder",
        ErrorKind::NotADirectory => "a part of its path is not a folder",
        ErrorKind::DirectoryNotEmpty => "the folder is not empty",
        ErrorKind::StorageFull => "no space left on the device",
        ErrorKind::QuotaExceeded => "the disk quota is used up",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::FileTooLarge => "it is too large",
        ErrorKind::InvalidFilename => "its name is too long or not valid here",
        ErrorKind::ExecutableFileBusy | ErrorKind::ResourceBusy => IN_USE,
        ErrorKind::OutOfMemory => "the memory is used up",
        ErrorKind::ConnectionRefused => "the connection was refused",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "the connection was closed by the other side"
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            "there is no way to that address"
        }
        ErrorKind::AddrInUse => "the port is in use",
        ErrorKind::AddrNotAvailable => "this machine does not have the address",
        ErrorKind::TimedOut => "it took too long",
        ErrorKind::UnexpectedEof => "it ends too early",
        _ => return lower_case(&without_number(&error.to_string())),
    };
    words.to_owned()
}

const IN_USE: &str = "it is in use by another program";

/// Whether another program has a file open, so that another try may do: ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION,
/// ERROR_USER_MAPPED_FILE, and what ReplaceFileW says when it could not move one of the two. On Unix nobody is kept out.
pub fn is_in_use(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33 | 1175 | 1176 | 1177 | 1224))
}

/// What to do then.
pub const IN_USE_FIX: &str = "close the program that has it open, or wait a little, then run again";

/// What the standard library has no kind for.
fn of_number(number: i32) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let is_one = |errors: &[Errno]| errors.iter().any(|error| error.raw_os_error() == number);
        if is_one(&[Errno::LOOP]) {
            return Some("symbolic links lead in circles");
        } else if is_one(&[Errno::MFILE, Errno::NFILE]) {
            return Some("too many files are open");
        } else if is_one(&[Errno::NOEXEC]) {
            return Some("it is not a program for this machine");
        } else if is_one(&[Errno::AGAIN]) {
            return Some("the system is too busy now");
        }
        None
    }
    #[cfg(windows)]
    match number {
        193 | 216 => Some("it is not a program for this machine"),
        _ => None,
    }
}

/// A failure of the system with all that led to it, in words; every other failure as it is.
pub fn in_words(error: anyhow::Error) -> anyhow::Error {
    if !error.chain().any(|cause| cause.is::<io::Error>()) {
        return error;
    }
    let words = error.chain().map(|cause| match cause.downcast_ref() {
        Some(system) => reason(system),
        None => cause.to_string(),
    });
    SystemError(words.collect::<Vec<String>>().join(": ")).into()
}

/// What the system refused, and all that led to it, in words.
#[derive(Debug)]
pub struct SystemError(String);

impl std::fmt::Display for SystemError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SystemError {}

/// Without ` (os error 2)`.
fn without_number(words: &str) -> String {
    let mut left = String::with_capacity(words.len());
    let mut rest = words;
    while let Some((before, behind)) = rest.split_once(" (os error ") {
        left.push_str(before);
        match behind.split_once(')') {
            Some((number, more)) if number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
                rest = more;
            }
            _ => {
                left.push_str(" (os error ");
                rest = behind;
            }
        }
    }
    left + rest
}

fn lower_case(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_becomes_a_sentence() {
        for (half, sentence) in [
            ("choose another port", "Choose another port."),
            ("it is so.", "It is so."),
            ("there are:", "There are:"),
            ("", ""),
        ] {
            assert_eq!(as_sentence(half), sentence);
        }
    }

    #[test]
    fn one_is_one_and_all_others_are_many() {
        for (number, one, words) in [
            (1, "certificate", "1 certificate"),
            (0, "certificate", "0 certificates"),
            (2, "private key", "2 private keys"),
            (3, "directory", "3 directories"),
            (2, "address", "2 addresses"),
        ] {
            assert_eq!(count(number, one), words);
        }
    }

    #[test]
    fn no_refusal_of_the_system_is_told_by_its_number() {
        for number in 1..200 {
            let error = io::Error::from_raw_os_error(number);
            let wrapped = io::Error::other(io::Error::from_raw_os_error(number));
            let led = anyhow::Error::from(io::Error::from_raw_os_error(number)).context("/a cannot be read");
            for words in [reason(&error), reason(&wrapped), in_words(led).to_string()] {
                assert!(!words.contains("os error") && !words.is_empty(), "{words}");
            }
        }
        let missing = anyhow::Error::from(io::Error::from(ErrorKind::NotFound)).context("/a cannot be read");
        assert_eq!(
            in_words(missing).to_string(),
            "/a cannot be read: it does not exist"
        );
    }

    #[test]
    fn what_only_looks_like_a_number_stays() {
        for (words, left) in [
            ("a (os error 2): b (os error -1)", "a: b"),
            ("a (os error x)", "a (os error x)"),
            ("a (os error ", "a (os error "),
        ] {
            assert_eq!(without_number(words), left);
        }
    }
}
