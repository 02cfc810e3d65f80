//! The comments that mark what `enable` added, and the sections below them, in the text of one file. Evaluates
//! nothing: whether a section is still the one that was marked, the configuration tells.

use std::ops::Range;

use crate::httpd::{Document, LineKind, word};

use super::super::existing::ALL_BUT_CHALLENGES;

/// What a comment marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A virtual host for HTTPS.
    Https,
    /// One that sends HTTP to HTTPS, perhaps behind one that stands in for the main server.
    Redirect,
}

/// A marker and the virtual hosts below it, as lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub mark: Mark,
    /// The domain in the comment.
    pub domain: String,
    /// The line of the comment.
    pub marker: usize,
    /// The one that stands in for the main server.
    pub stand_in: Option<Range<usize>>,
    /// The virtual host itself.
    pub host: Option<Range<usize>>,
}

impl Block {
    /// From the comment to the end of the last section.
    pub fn lines(&self) -> Range<usize> {
        let parts = [&self.stand_in, &self.host].into_iter().flatten();
        let end = parts.map(|part| part.end).max();
        self.marker..end.unwrap_or(self.marker + 1)
    }
}

/// Every marker with a virtual host below it.
pub(super) fn blocks(document: &Document) -> Vec<Block> {
    let marked = (0..document.lines().len()).filter_map(|line| Some((line, marker(document, line)?)));
    marked
        .filter_map(|(line, (mark, domain, stands_in))| {
            let first = below(document, line + 1)?;
            let mut block = Block {
                mark,
                domain,
                marker: line,
                stand_in: None,
                host: None,
            };
            if stands_in && !redirects(document, first.clone(), &block.domain) {
                let second = below(document, first.end);
                block.host = second.filter(|second| redirects(document, second.clone(), &block.domain));
                block.stand_in = Some(first);
            } else {
                block.host = Some(first);
            }
            Some(block)
        })
        .collect()
}

/// What a comment of ours says: what it marks, for which domain, and whether the first section stands in.
fn marker(document: &Document, line: usize) -> Option<(Mark, String, bool)> {
    if document.lines()[line].kind != LineKind::Comment {
        return None;
    }
    let text = document.text(line);
    let text = std::str::from_utf8(&text)
        .ok()?
        .trim_start_matches(['#', ' ', '\t']);
    let (mark, rest) = match text.strip_prefix("HTTPS for ") {
        Some(rest) => (Mark::Https, rest),
        None => (Mark::Redirect, text.strip_prefix("HTTP to HTTPS for ")?),
    };
    let (domain, rest) = rest.split_once(", added by esync-ssl")?;
    Some((mark, domain.to_ascii_lowercase(), rest.contains("stands in")))
}

/// The virtual host that opens next, with nothing but comments and blank lines before it.
fn below(document: &Document, from: usize) -> Option<Range<usize>> {
    let lines = document.lines();
    let opening =
        (from..lines.len()).find(|line| !matches!(lines[*line].kind, LineKind::Blank | LineKind::Comment))?;
    // The next marker marks what is below itself.
    if (from..opening).any(|line| marker(document, line).is_some()) {
        return None;
    }
    section(document, opening)
}

/// The virtual host that opens in a line, up to behind its closing line.
pub(super) fn section(document: &Document, opening: usize) -> Option<Range<usize>> {
    let lines = document.lines();
    let is = |line: usize, kind: LineKind, start: &[u8]| {
        let text = document.text(line);
        lines[line].kind == kind
            && text
                .get(..start.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    let mut depth = 0;
    for line in opening..lines.len() {
        if is(line, LineKind::SectionOpening, b"<VirtualHost") {
            depth += 1;
        } else if is(line, LineKind::SectionClosing, b"</VirtualHost") {
            depth -= 1;
        }
        if depth == 0 {
            return (line > opening).then_some(opening..line + 1);
        }
    }
    None
}

/// Is it the virtual host of that name that sends everything to HTTPS, in our words?
fn redirects(document: &Document, lines: Range<usize>, name: &str) -> bool {
    let is_name = |line: usize| match words(document, line).as_slice() {
        [first, names @ ..] => {
            (first.eq_ignore_ascii_case(b"ServerName") || first.eq_ignore_ascii_case(b"ServerAlias"))
                && names.iter().any(|own| own.eq_ignore_ascii_case(name.as_bytes()))
        }
        _ => false,
    };
    lines.clone().any(is_name) && target(document, lines).is_some()
}

/// The domain that lines send clients to in our words. It need not be the name in the comment: that may be a further
/// one.
pub(super) fn target(document: &Document, mut lines: Range<usize>) -> Option<String> {
    lines.find_map(|line| redirect_of(document, line))
}

/// The domain that a line of ours sends clients to.
pub(super) fn redirect_of(document: &Document, line: usize) -> Option<String> {
    if document.lines()[line].kind != LineKind::Directive {
        return None;
    }
    let words = words(document, line);
    let is_ours = words.first().is_some_and(|name| {
        name.eq_ignore_ascii_case(b"RedirectMatch") || name.eq_ignore_ascii_case(b"RewriteRule")
    }) && words
        .iter()
        .any(|word| word == ALL_BUT_CHALLENGES.trim_matches('"').as_bytes());
    let target = words.iter().filter(|_| is_ours).find_map(|word| {
        std::str::from_utf8(word)
            .ok()?
            .strip_prefix("https://")?
            .strip_suffix("/$1")
    })?;
    let domain = match target.strip_prefix('[') {
        Some(address) => address.split(']').next(),
        None => target.split(':').next(),
    };
    Some(domain.unwrap_or_default().to_ascii_lowercase())
}

/// The words of a line.
pub(super) fn words(document: &Document, line: usize) -> Vec<Vec<u8>> {
    word::words(&document.text(line))
        .map(|word| word.value.into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::Platform;

    fn document(text: &str) -> Document {
        Document::new(text.as_bytes().to_vec(), Platform::Unix)
    }

    #[test]
    fn a_marker_marks_the_section_below_it() {
        let text = "x\n  # HTTPS for a.test, added by esync-ssl\n\n# mine\n<virtualhost *:443>\n<If true>\n</If>\n\
                    </VirtualHost>\ny\n";
        let found = blocks(&document(text));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].domain, "a.test");
        assert_eq!(found[0].host, Some(4..8));
        assert_eq!(found[0].lines(), 1..8);
    }

    #[test]
    fn a_marker_without_a_section_marks_nothing() {
        for text in [
            "# HTTPS for a.test, added by esync-ssl\n",
            "# HTTPS for a.test, added by esync-ssl\nListen 80\n<VirtualHost *>\n</VirtualHost>\n",
            "# HTTPS for a.test, added by esync-ssl\n<VirtualHost *>\n",
            "# HTTPS for a.test, added by hand\n<VirtualHost *>\n</VirtualHost>\n",
        ] {
            assert_eq!(blocks(&document(text)), [], "{text}");
        }
    }

    #[test]
    fn the_virtual_host_behind_a_stand_in_must_be_the_redirect() {
        let marker = "# HTTP to HTTPS for a.test, added by esync-ssl; the first virtual host stands in for the \
                      main server\n<VirtualHost *:80>\n</VirtualHost>\n";
        let theirs = "<VirtualHost *:80>\nServerName a.test\n</VirtualHost>\n";
        let ours = "<VirtualHost *:80>\nServerName a.test\nRedirectMatch permanent \
                    \"^/(?!\\.well-known/acme-challenge/)(.*)$\" \"https://a.test/$1\"\n</VirtualHost>\n";
        let found = |rest: &str| blocks(&document(&format!("{marker}{rest}"))).remove(0);
        let address = marker.replace("a.test", "2001:db8::7");
        let ours_by_address = ours
            .replace("ServerName", "ServerAlias")
            .replace("/a.test/", "/[2001:db8::7]:8443/");
        let ours_by_address = document(&(address + &ours_by_address.replace("a.test", "2001:db8::7")));
        let block = blocks(&ours_by_address).remove(0);
        assert_eq!(
            (block.domain.as_str(), block.host.clone()),
            ("2001:db8::7", Some(3..7))
        );
        assert_eq!(target(&ours_by_address, 3..7).as_deref(), Some("2001:db8::7"));
        assert_eq!(found(theirs).host, None);
        assert_eq!(found(ours).host, Some(3..7));
        assert_eq!(found(ours).stand_in, Some(1..3));
    }
}
