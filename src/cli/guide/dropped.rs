//! Paths as people type them and as terminals put them where a file is dropped, without a shell between.

use camino::Utf8PathBuf;

/// The path that is meant. `is_there` says whether there is something at a path.
pub fn path(typed: &str, home: Option<&str>, is_there: &dyn Fn(&str) -> bool) -> Utf8PathBuf {
    if let Some(rest) = typed.strip_prefix("file://") {
        let path = decoded(rest.strip_prefix("localhost").unwrap_or(rest));
        // `file:///C:/eSync`
        let drive = path.strip_prefix('/').filter(|path| path.get(1..2) == Some(":"));
        return drive.unwrap_or(&path).into();
    }
    if let (Some(rest), Some(home)) = (typed.strip_prefix("~/"), home) {
        return Utf8PathBuf::from(home).join(rest);
    }
    // As a shell of Unix would have it; on Windows it stands between folders.
    match cfg!(unix) && typed.contains('\\') && !is_there(typed) {
        true => unescaped(typed).into(),
        false => typed.into(),
    }
}

fn unescaped(typed: &str) -> String {
    let mut letters = typed.chars();
    let mut path = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => path.extend(letters.next()),
            letter => path.push(letter),
        }
    }
    path
}

/// With `%20` as the letter that it is; what is none stays.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut path = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let letter = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        path.push(letter.unwrap_or(*byte));
        at += if letter.is_some() { 3 } else { 1 };
    }
    String::from_utf8(path).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_a_path() {
        let of = |typed| path(typed, Some("/home/me"), &|path| path == r"/a\ b").into_string();
        for (typed, meant) in [
            ("/opt/a.crt", "/opt/a.crt"),
            ("~/a.crt", "/home/me/a.crt"),
            ("~other/a.crt", "~other/a.crt"),
            ("file:///opt/my%20certs/a.crt", "/opt/my certs/a.crt"),
            ("file:///C:/eSync/a%.crt", "C:/eSync/a%.crt"),
            ("file://localhost/opt/%zz%4", "/opt/%zz%4"),
        ] {
            assert_eq!(of(typed).replace('\\', "/"), meant);
        }
        if cfg!(unix) {
            assert_eq!(of(r"/opt/my\ certs/a.crt"), "/opt/my certs/a.crt");
            assert_eq!(of(r"/a\ b"), r"/a\ b", "it is called so");
            assert_eq!(of("/a\\"), "/a");
        } else {
            assert_eq!(of(r"C:\eSync\a.crt"), r"C:\eSync\a.crt");
        }
    }
}
