//! Base64 as OpenSSL reads it in text: in lines, with blanks around them, perhaps without BEGIN and END.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// A line without blanks around it. At the end, OpenSSL also cuts off whatever is not ASCII, such as the
/// no-break spaces of a web page.
pub(super) fn line_content(line: &[u8]) -> &[u8] {
    let length = line
        .iter()
        .rposition(|byte| *byte > b' ' && *byte < 0x80)
        .map_or(0, |at| at + 1);
    line[..length].trim_ascii_start()
}

/// The first run of base64 lines in a text, whatever stands around it: how OpenSSL reads a *key* when there is
/// no PEM block that it can read. Certificates are not read like this since Apache 2.4.8.
pub(crate) fn first_base64_run(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut run = Zeroizing::new(Vec::with_capacity(text.len()));
    for line in text.split(|byte| *byte == b'\n').map(line_content) {
        let base64 = line
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/= \t".contains(byte));
        if base64 && (!run.is_empty() || line.len() % 4 == 0) {
            run.extend_from_slice(line);
        } else if !run.is_empty() {
            break;
        }
    }
    decode_base64(&run)
}

/// Base64 with blanks and line breaks anywhere; `None` when it is empty or anything else.
pub(crate) fn decode_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let length = Base64::decode_in_place(&mut compact).ok()?.len();
    compact.truncate(length);
    (length > 0).then_some(compact)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: &str = "-----BEGIN X-----\nAAECAwQF\nBgcI\n-----END X-----\n";

    #[test]
    fn a_run_of_base64_is_found_without_its_armour() {
        let run = |text: &str| first_base64_run(text.as_bytes()).map(|der| der.len());
        assert_eq!(run(&BLOCK.replace("-----", "----")), Some(9));
        assert_eq!(run("Key: x\nAAEC\n\nAAEC\n-----\nAAEC"), Some(6));
        assert_eq!(run(BLOCK.replace('\n', "").as_str()), None);
    }
}
