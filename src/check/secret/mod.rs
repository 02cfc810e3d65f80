//! What must not leave the machine, and texts without it.
//!
//! Two ways, each for what the other cannot see: values that this configuration holds are taken out wherever they
//! stand, and so is what looks like a secret by its surroundings. Rather a word too many than one too few.

mod known;

use std::sync::LazyLock;

use base64ct::{Base64, Encoding};
use regex::{Regex, Replacer};

pub use known::Secrets;

/// Stands where something was.
pub const REMOVED: &str = "[removed]";

/// Words in the name of something that is secret.
const NAMES: &str = "password|passwd|passphrase|pass_?word|pass_?phrase|pwd|secret|token|api[_-]?key|private[_-]?key|session_?id|sessid|credentials?";

/// Surroundings of secrets, with what stays of them.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let header =
        r"(?:proxy-)?authorization|(?:set-)?cookie2?|x-[a-z-]*(?:key|token|secret|auth|session)[a-z-]*";
    let rows = [
        // Keys, whole or cut off, and what only a key or a hash looks like.
        (
            r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)".into(),
            REMOVED,
        ),
        (r"\$(?:apr1|2[abxy]|argon2[a-z]*|y|1|5|6)\$\S+".into(), REMOVED),
        (r"\{SSHA\d*\}\S+|\{SHA\d*\}\S+".into(), REMOVED),
        // Lines of directives, as an excerpt of a file, in a diff, or behind a comment sign.
        (
            r"(?im)^([+-]?[ \t]*(?:\d+ \|)?[ \t#]*(?:setenv|authbasicfake)[ \t]+\S+)[ \t][^\r\n]*".into(),
            "$1 [removed]",
        ),
        (
            r"(?im)^([+-]?[ \t]*(?:\d+ \|)?[ \t#]*requestheader[ \t]+(?:early[ \t]+)?\S+[ \t]+\S+)[ \t][^\r\n]*"
                .into(),
            "$1 [removed]",
        ),
        (
            format!(
                r"(?im)^([+-]?[ \t]*(?:\d+ \|)?[ \t#]*(?:\w*(?:{NAMES})\w*|sslpassphrasedialog|dbdparams|(?:define|php_(?:admin_)?value)[ \t]+\w*(?:{NAMES})\w*))[ \t][^\r\n]*"
            ),
            "$1 [removed]",
        ),
        (
            format!(r#"(?im)^([+-]?[ \t]*(?:\d+ \|)?[ \t#]*setenvif(?:nocase)?[ \t]+"?(?:{header}|\S*(?:{NAMES})\S*)"?)[ \t][^\r\n]*"#),
            "$1 [removed]",
        ),
        (
            r"(?im)^([+-]?[ \t]*(?:\d+ \|)?[ \t#]*(?:setenvif(?:nocase|expr)?|browsermatch(?:nocase)?)[ \t][^\r\n]*?[ \t]\S+=)[^\r\n]*"
                .into(),
            "$1[removed]",
        ),
        // What programs and Apache's own traces log.
        (r"(?im)^(.*dumpio)[^\r\n]*".into(), "$1 [removed]"),
        (r"(?im)^(.*:trace[1-8]\])[^\r\n]*".into(), "$1 [removed]"),
        (
            format!(r#"(?im)\b({header})\b["']?[ \t]*[:=][^\r\n]*"#),
            "$1: [removed]",
        ),
        (r"(?im)\b(digest)[ \t]+username=[^\r\n]*".into(), "$1 [removed]"),
        (
            format!(
                r#"(?i)\b([a-z0-9_.-]*(?:{NAMES})[a-z0-9_]*)(["']?(?:\s*[=:]\s*|\s+is\s+|[ \t]+))(?:"[^"\r\n]*"|'[^'\r\n]*')"#
            ),
            "$1$2[removed]",
        ),
        (
            format!(r#"(?i)\b([a-z0-9_.-]*(?:{NAMES})[a-z0-9_]*)(["']?(?:\s*[=:]\s*|\s+is\s+))[^\s"'&,;]+"#),
            "$1$2[removed]",
        ),
        // The end of something encoded, and a hash.
        (
            r"\b[A-Za-z0-9+/]{12,}={1,2}([^A-Za-z0-9=]|$)".into(),
            "[removed]$1",
        ),
        // Addresses: who logs in, and what is asked.
        (
            r#"([A-Za-z][A-Za-z0-9+.-]*://)[^\s"'<>]*@"#.into(),
            "$1[removed]@",
        ),
        (r#"([\w/.~%-])(?:\?|(?i:%3f))[^\s"'<>,]+"#.into(), "$1?[removed]"),
    ];
    let compile = |(pattern, stays): (String, _)| Some((Regex::new(&pattern).ok()?, stays));
    rows.into_iter().filter_map(compile).collect()
});

/// What is sent to log in (RFC 9110, 11), or a word of a sentence.
static SCHEMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(basic|bearer|digest|negotiate)([ \t]+)([A-Za-z0-9+/=._~-]{8,})").ok()
});

/// What is said of bearer tokens, which may be any word themselves.
const OF_BEARERS: [&str; 8] = [
    "authentication",
    "authorization",
    "certificate",
    "certificates",
    "challenge",
    "credential",
    "credentials",
    "mechanism",
];

/// A long row of letters as only encoded bytes are: a line of a key that was taken for a directive.
static ENCODED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/]{40,}={0,2}").ok());

/// A text without what looks like a secret by its surroundings.
fn by_surroundings(text: &str) -> String {
    let mut text = text.to_string();
    for (pattern, stays) in PATTERNS.iter() {
        text = replace(pattern, &text, *stays);
    }
    if let Some(pattern) = &*SCHEMES {
        text = replace(
            pattern,
            &text,
            |found: &regex::Captures<'_>| match is_of_sentence(&found[1], &found[3]) {
                true => found[0].to_string(),
                false => format!("{} {REMOVED}", &found[1]),
            },
        );
    }
    match &*ENCODED {
        None => text,
        Some(pattern) => replace(pattern, &text, |found: &regex::Captures<'_>| {
            let found = &found[0];
            if is_encoded(found) {
                REMOVED.to_string()
            } else {
                found.to_string()
            }
        }),
    }
}

/// Is what follows the name of a scheme a word, as in `basic constraints`, and nothing to log in with?
fn is_of_sentence(scheme: &str, follows: &str) -> bool {
    let word = follows.trim_end_matches(['.', '-']);
    let is_word = word.bytes().skip(1).all(|byte| byte.is_ascii_lowercase())
        && word.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    is_word
        && match &*scheme.to_ascii_lowercase() {
            // Base64 of name, colon and password (RFC 7617, 2); of the name alone where it was cut off.
            "basic" => {
                let whole = &word[..word.len() / 4 * 4];
                Base64::decode_vec(whole).is_ok_and(|bytes| !bytes.contains(&b':'))
            }
            "bearer" => OF_BEARERS.contains(&&*word.to_ascii_lowercase()),
            // What these send is never lower case: base64 of messages that begin with a tag and their length, or `NTLMSSP`
            // (RFC 4559), and names with an equals sign (RFC 7616).
            _ => true,
        }
}

fn replace(pattern: &Regex, text: &str, with: impl Replacer) -> String {
    pattern.replace_all(text, with).into_owned()
}

/// Paths have short parts, and numbers in hexadecimal only small or only large letters.
fn is_encoded(run: &str) -> bool {
    let has = |is: fn(&u8) -> bool| run.bytes().any(|byte| is(&byte));
    run.split('/').any(|part| part.len() >= 16)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(PATTERNS.len(), 17);
        assert!(ENCODED.is_some());
    }

    #[test]
    fn surroundings_give_secrets_away() {
        let secret = "hun-ter2";
        for text in [
            "  12 | SetEnv DB_LOGIN hun-ter2",
            "#SetEnv DB_LOGIN \"hun-ter2 hun-ter2\"",
            "RequestHeader set X-Y hun-ter2",
            "SSLPassPhraseDialog \"exec:/bin/say hun-ter2\"",
            "AuthLDAPBindPassword hun-ter2",
            "Define DB_PASSWORD hun-ter2",
            "+    SetEnv DB_LOGIN hun-ter2",
            "-SetEnv DB_LOGIN hun-ter2",
            "+RequestHeader set X-Y hun-ter2",
            "-    Define DB_PASSWORD hun-ter2",
            "+#SSLPassPhraseDialog exec:hun-ter2",
            "SetEnvIf X-Token \"^hun-ter2$\" ok",
            "+  SetEnvIfNoCase User-Agent x ok=hun-ter2",
            "BrowserMatch x a=b ok=hun-ter2",
            "ProxyPass / http://bob:hun-ter2@10.0.0.1/",
            "ProxyPass / http://bob:x@hun-ter2@10.0.0.1/",
            "[core:error] Authorization: Basic hun-ter2==",
            "[x:error] header cookie = sid=hun-ter2; b=hun-ter2",
            "X-Api-Key: hun-ter2",
            "proxy said Bearer hun-ter2-hun-ter2",
            "Digest username=\"bob\", realm=\"x\", response=\"hun-ter2\"",
            "\"GET /data?a=1&key=hun-ter2 HTTP/1.1\" 404",
            "/data%3Fkey%3Dhun-ter2",
            "login failed, password='hun-ter2 x'",
            "{\"db_password\":\"hun-ter2\"}",
            "the password is hun-ter2",
            "login with password 'hun-ter2 x' failed",
            "/x;jsessionid=hun-ter2",
            "[dumpio:trace7] [pid 1] mod_dumpio: dumpio_in (data-HEAP): hun-ter2",
            "[http2:trace3] [pid 1] h2: hun-ter2",
            "bob:$apr1$abc$hun-ter2",
            "bob:{SHA}hun-ter2=",
            "-----BEGIN PRIVATE KEY-----\nhun-ter2\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nhun-ter2",
        ] {
            let clean = by_surroundings(text);
            assert!(!clean.contains(secret), "{text} became {clean}");
            assert!(clean.contains(REMOVED), "{clean}");
        }
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        assert_eq!(
            by_surroundings(&format!("Invalid command '{line}'")),
            "Invalid command '[removed]'"
        );
    }

    /// Name and password in every form that base64 gives them, also when it looks like a word.
    #[test]
    fn what_logs_in_goes() {
        let logins = [
            "j:ajganwa",
            "bob:hunter2",
            "j:jjjjjj",
            "admin:admin",
            "a:b",
            "müller:päss",
            "0:000000",
        ];
        let basic = logins.map(|login| format!("Basic {}", Base64::encode_string(login.as_bytes())));
        assert_eq!(basic[0], "Basic ajphamdhbndh", "one that is all letters");
        let others = [
            "basic ajphamdhbndhXYZ",
            "Basic ajphamdhbndh.",
            "Bearer opensesame",
            "BEARER mytokenis",
            "bearer hunterhunterhunter",
            "Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc",
            "Negotiate YIIGhgYGKwYBBQUCoIIGejCCBnag",
            "Negotiate oYG2MIGzoAMKAQGhCwYJKoZIgvcS",
            "Negotiate oRQwEqADCgEAoQsGCSqGSIb3EgECAg==",
            "Negotiate TlRMTVNTUAABAAAAl4II4gAA",
            "Digest response=0a1b2c3d",
        ];
        for text in basic.iter().map(String::as_str).chain(others) {
            let clean = by_surroundings(&format!("the header was {text}"));
            let scheme = text.split(' ').next().unwrap();
            // Shorter ones are words of every text.
            if text.len() - scheme.len() > 8 {
                assert_eq!(
                    clean.trim_end_matches('.'),
                    format!("the header was {scheme} {REMOVED}"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn words_behind_names_of_schemes_stay() {
        for text in [
            "Its basic constraints say that it is a CA.",
            "X509v3 Basic Constraints: critical",
            "Basic authentication is not encrypted",
            "by basic Authentication.",
            "basic information, basic settings, basic configuration",
            "a bearer authentication, bearer certificates",
            "the digest algorithm, digest authentication",
            "they could not negotiate parameters",
            "Negotiate authentication",
        ] {
            assert_eq!(by_surroundings(text), text);
        }
    }

    #[test]
    fn the_rest_stays() {
        for text in [
            "error[KEY-PASSPHRASE]: the key is under a pass-phrase (stops the start)",
            "  --> /srv/eSync/Apache24/conf/ssl/certificates/of/2026/server.crt:12",
            "RSA certificate is a CA certificate (BasicConstraints: CA == TRUE !?)",
            "Failed to configure encrypted (?) private key a:443:0, check C:/x y/k.pem",
            "SHA-256      AB:CD:EF:01:23",
            "0fb8c1a2e5d4f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1",
            "AH00558: Could not reliably determine the name, using 127.0.1.1. Set 'ServerName'",
            "http://example.com/x",
            "+SetEnvIf User-Agent \"MSIE\" nokeepalive",
            "-BrowserMatch \"Mozilla/2\" nokeepalive",
        ] {
            assert_eq!(by_surroundings(text), text);
        }
    }
}
