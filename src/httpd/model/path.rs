//! Paths as a configuration spells them: bytes, relative to the server root, with the rules of the configuration's
//! platform. Opens nothing.

use super::platform::Platform;

/// Is it absolute on that platform? On Windows a drive letter, a UNC path or a leading slash; on Unix only a slash.
pub fn is_absolute(path: &[u8], platform: Platform) -> bool {
    match platform {
        Platform::Unix => path.starts_with(b"/"),
        Platform::Windows => {
            matches!(path, [b'/' | b'\\', ..])
                || matches!(path, [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
        }
    }
}

/// Does an argument of `ErrorLog` mean the log of the system? Apache for Windows knows none, and takes it for a file.
pub fn names_syslog(log: &[u8], platform: Platform) -> bool {
    platform == Platform::Unix && (log.eq_ignore_ascii_case(b"syslog") || log.starts_with(b"syslog:"))
}

/// The absolute path that Apache makes of an argument: joined to the server root, with `.`, `..` and repeated
/// slashes folded away, and forward slashes on Windows.
pub fn resolve(server_root: &[u8], path: &[u8], platform: Platform) -> Vec<u8> {
    let mut joined = Vec::with_capacity(server_root.len() + path.len() + 1);
    if !is_absolute(path, platform) {
        joined.extend_from_slice(server_root);
        joined.push(b'/');
    } else if platform == Platform::Windows
        && matches!(path, [b'/' | b'\\', next, ..] if !matches!(next, b'/' | b'\\'))
    {
        // `/x` is on the drive of the server root.
        if let [drive, b':', ..] = server_root {
            joined.extend_from_slice(&[*drive, b':']);
        }
    }
    joined.extend_from_slice(path);
    normalize(&joined, platform)
}

/// Folds `.`, `..` and repeated slashes; backslashes become slashes on Windows. A trailing slash goes.
pub fn normalize(path: &[u8], platform: Platform) -> Vec<u8> {
    let path: Vec<u8> = match platform {
        Platform::Unix => path.to_vec(),
        Platform::Windows => path.iter().map(|&b| if b == b'\\' { b'/' } else { b }).collect(),
    };
    let (prefix, rest) = match &path[..] {
        [b'/', b'/', rest @ ..] if platform == Platform::Windows => (&b"//"[..], rest),
        [b'/', rest @ ..] => (&b"/"[..], rest),
        [_, b':', b'/', rest @ ..] if platform == Platform::Windows => (&path[..3], rest),
        rest => (&b""[..], rest),
    };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in rest.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if !prefix.is_empty() => {}
            _ => parts.push(part),
        }
    }
    let mut result = prefix.to_vec();
    result.extend(parts.join(&b'/'));
    result
}

/// `path` below `folder`: the rest of it without a leading slash. Windows compares without regard to ASCII case.
pub fn strip_prefix<'a>(path: &'a [u8], folder: &[u8], platform: Platform) -> Option<&'a [u8]> {
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    let head = path.get(..folder.len())?;
    let same = match platform {
        Platform::Unix => head == folder,
        Platform::Windows => head.eq_ignore_ascii_case(folder),
    };
    match &path[folder.len()..] {
        [] if same => Some(b""),
        [b'/', rest @ ..] if same => Some(rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Platform::{Unix, Windows};

    #[test]
    fn relative_paths_hang_on_the_server_root() {
        assert_eq!(
            resolve(b"/etc/apache2", b"conf.d/../x.conf", Unix),
            b"/etc/apache2/x.conf"
        );
        assert_eq!(
            resolve(b"C:/eSync/Apache24", b"conf\\ssl\\a.crt", Windows),
            b"C:/eSync/Apache24/conf/ssl/a.crt"
        );
        assert_eq!(resolve(b"/srv", b"C:/x", Unix), b"/srv/C:/x");
    }

    #[test]
    fn absolute_paths_stand_alone() {
        assert_eq!(resolve(b"/etc", b"/a//b/./c/", Unix), b"/a/b/c");
        assert_eq!(resolve(b"C:/x", b"d:\\y", Windows), b"d:/y");
        assert_eq!(resolve(b"C:/x", b"/y", Windows), b"C:/y");
        assert_eq!(resolve(b"C:/x", b"\\\\srv\\share\\y", Windows), b"//srv/share/y");
    }

    #[test]
    fn prefixes_end_at_a_slash() {
        assert_eq!(strip_prefix(b"/a/bc", b"/a/b", Unix), None);
        assert_eq!(strip_prefix(b"/a/b/c", b"/a/b/", Unix), Some(&b"c"[..]));
        assert_eq!(strip_prefix(b"c:/ESYNC/x", b"C:/eSync", Windows), Some(&b"x"[..]));
    }
}
