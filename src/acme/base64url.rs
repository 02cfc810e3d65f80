//! Base64 as JOSE writes it: for addresses, without padding (RFC 4648, 5).

use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

pub(super) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// Takes what people copy as well: ordinary base64, padding, blanks around it.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let plain = Zeroizing::new(
        text.trim()
            .trim_end_matches('=')
            .replace('+', "-")
            .replace('/', "_"),
    );
    Base64UrlUnpadded::decode_vec(&plain).ok().map(Zeroizing::new)
}

/// Whether a text consists of the letters of base64url only, as tokens and nonces do.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_copy_is_read() {
        assert_eq!(encode(&[0xfb, 0xff, 1]), "-_8B");
        for text in ["-_8B", "+/8B", " -_8B\n"] {
            assert_eq!(decode(text).unwrap()[..], [0xfb, 0xff, 1], "{text}");
        }
        assert_eq!(decode("AA==").unwrap()[..], [0]);
        assert!(decode("*").is_none());
        assert!(is_plain("a-_9") && !is_plain("") && !is_plain("../a") && !is_plain("a="));
    }
}
