//! Output made comparable: what differs from run to run and from system to system gets a name in braces.
//! Line ends are left alone, they are part of what is compared.

use std::borrow::Cow;
use std::path::Path;

use regex::bytes::{Captures, Regex};

/// Replaces what a run cannot help saying differently.
pub struct Normaliser {
    root: Regex,
    backup_date: Regex,
    pem_body: Regex,
    program: Regex,
    readers: Regex,
}

impl Normaliser {
    /// For a run on the server root at `root`.
    pub fn new(root: &Path) -> Self {
        let expect = "a pattern that compiles";
        Normaliser {
            // The rest of the path, up to a blank, a quote or another byte that ends it, follows the root.
            root: Regex::new(&format!(
                r#"(?-u){}(?:\\{{2,4}}\?\\{{1,2}})?(?:{})\b{{end-half}}([/\\][^\s"'`,;:)<>\x00]*)?"#,
                // Windows does not tell `C:` from `c:`, and programs print either.
                if cfg!(windows) { "(?i)" } else { "" },
                spellings(root).join("|")
            ))
            .expect(expect),
            backup_date: Regex::new(r"(?-u)(esync-ssl-backup/)[0-9][0-9TZ._-]*").expect(expect),
            pem_body: Regex::new(
                r"(?s-u)-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\r\n]*-----END [A-Z0-9 ]+-----\r?\n",
            )
            .expect(expect),
            program: Regex::new(r"(?-u)\besync-ssl\.exe\b").expect(expect),
            // Who may read a new key hangs on the system.
            readers: Regex::new(
                "(?-u)readable by its owner, SYSTEM, Administrators and the account of Apache's service only",
            )
            .expect(expect),
        }
    }

    /// `text` with `{root}` for the server root (and forward slashes behind it), `{date}` for that of a backup, and no PEM
    /// bodies.
    pub fn apply(&self, text: &[u8]) -> Vec<u8> {
        let text = self.root.replace_all(text, |found: &Captures| {
            let mut path = b"{root}".to_vec();
            let rest = found.get(1).map_or(&b""[..], |rest| rest.as_bytes());
            for (at, &byte) in rest.iter().enumerate() {
                match byte {
                    // JSON doubles the backslash.
                    b'\\' if at > 0 && rest[at - 1] == b'\\' => {}
                    b'\\' => path.push(b'/'),
                    other => path.push(other),
                }
            }
            path
        });
        let text = self.backup_date.replace_all(&text, &b"$1{date}"[..]);
        let text = self.pem_body.replace_all(&text, &b"-----{a $1}-----\n"[..]);
        let text = self
            .readers
            .replace_all(&text, &b"readable by its owner only"[..]);
        let text: Cow<[u8]> = self.program.replace_all(&text, &b"esync-ssl"[..]);
        text.into_owned()
    }
}

/// Every way to write the path, as patterns, the longest first: given or canonical, with the `\\?\` of Windows or
/// without, with either slash, and as JSON writes it.
fn spellings(root: &Path) -> Vec<String> {
    let given = root.to_str().expect("a printable path").to_owned();
    let canonical = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let canonical = canonical.to_str().expect("a printable path").to_owned();
    let plain = canonical.trim_start_matches(r"\\?\").to_owned();
    let mut spellings = Vec::new();
    for path in [given, canonical, plain] {
        spellings.push(path.replace('\\', "/"));
        spellings.push(path.replace('\\', r"\\"));
        spellings.push(path);
    }
    spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
    spellings.dedup();
    spellings.iter().map(|spelling| regex::escape(spelling)).collect()
}
