//! Lines of `enable` in virtual hosts of others: they get back what stood there.

use std::collections::BTreeSet;

use crate::httpd::{Edit, word};
use crate::mod_ssl::speaks_tls;

use super::decide::Decision;
use super::marks::{redirect_of, words};

impl Decision<'_> {
    pub(super) fn lines_of_others(&mut self) {
        let found = self.found;
        let written: Vec<_> = found.written().filter(|line| !self.kept.contains(line)).collect();
        let around = |at: &(usize, usize)| found.host_around(at.0, at.1);
        // A TLS virtual host goes back as a whole: it had one certificate before.
        let mut whole: BTreeSet<usize> = BTreeSet::new();
        for (file, line) in &written {
            let Some(host) = around(&(*file, *line)) else {
                continue;
            };
            let past = &found.files[*file].traces.lines[*line].past;
            let meant = past.iter().any(|past| self.means_record(past.record));
            if meant && speaks_tls(found.configuration, &found.hosts[host]) {
                whole.insert(host);
            }
        }
        for (file, line) in written {
            let Some(host) = around(&(file, line)) else {
                continue;
            };
            let past = &found.files[file].traces.lines[line].past;
            let meant = whole.contains(&host) || past.iter().all(|past| self.means_record(past.record));
            if meant && !self.lines.contains_key(&(file, line)) {
                self.decided.changed.insert(host);
                self.put_back(file, line, "put this virtual host back as it was before".into());
            }
        }
        self.put_gone_back(&whole);
        self.redirects_by_their_words();
    }

    /// Lines that `enable` took out, unless they are there again.
    fn put_gone_back(&mut self, whole: &BTreeSet<usize>) {
        let found = self.found;
        for (file, read) in found.files.iter().enumerate() {
            for gone in &read.traces.gone {
                let host = gone.after.and_then(|line| found.host_around(file, line));
                let (Some(host), Some(after)) = (host, gone.after) else {
                    continue;
                };
                let meant = whole.contains(&host) || self.means_record(gone.record);
                if !meant || found.is_ours(host) || self.decided.gone.contains(&host) {
                    continue;
                }
                let name = word::words(&gone.old)
                    .next()
                    .map(|word| word.value.to_ascii_lowercase());
                let is_there = |line: usize| {
                    found.host_around(file, line) == Some(host)
                        && words(read.document, line)
                            .first()
                            .is_some_and(|own| Some(own.to_ascii_lowercase()) == name)
                        && !matches!(self.lines.get(&(file, line)), Some((None, _)))
                };
                if (0..read.document.lines().len()).any(is_there) {
                    continue;
                }
                self.decided.changed.insert(host);
                let at = read.document.span(after).end;
                self.decided.edits.push(Edit {
                    file: found.configuration.file(read.id).host.clone(),
                    span: at..at,
                    replacement: gone.old.clone(),
                    reason: "put back what was removed".into(),
                });
            }
        }
    }

    /// Redirects of which there is no record, known by their words.
    fn redirects_by_their_words(&mut self) {
        let found = self.found;
        for (file, read) in found.files.iter().enumerate() {
            for line in 0..read.document.lines().len() {
                let Some(domain) = redirect_of(read.document, line) else {
                    continue;
                };
                let Some(host) = found.host_around(file, line) else {
                    continue;
                };
                let trace = &read.traces.lines[line];
                let known = !trace.past.is_empty()
                    || trace.original && !self.unrecorded
                    || self.lines.contains_key(&(file, line))
                    || found.is_ours(host);
                let goes = self
                    .decided
                    .gone
                    .iter()
                    .any(|gone| found.hosts[*gone].names_exactly(&domain));
                if known || !goes {
                    continue;
                }
                let reason = format!("HTTP requests for {domain} are no longer sent to HTTPS");
                self.decided.changed.insert(host);
                self.remove((file, line), reason.clone());
                let is = |line: usize, name: &[u8], rest: &[u8]| {
                    let words = words(read.document, line);
                    words.first().is_some_and(|own| own.eq_ignore_ascii_case(name))
                        && words.get(1).is_some_and(|own| own.eq_ignore_ascii_case(rest))
                };
                let mut above = line;
                if above > 0 && is(above - 1, b"RewriteCond", b"%{HTTP_HOST}") {
                    above -= 1;
                    self.remove((file, above), reason.clone());
                }
                let rules = (0..read.document.lines().len()).filter(|other| {
                    found.host_around(file, *other) == Some(host)
                        && words(read.document, *other)
                            .first()
                            .is_some_and(|name| name.eq_ignore_ascii_case(b"RewriteRule"))
                });
                if above > 0 && is(above - 1, b"RewriteEngine", b"on") && rules.count() <= 1 {
                    self.remove((file, above - 1), reason);
                }
            }
        }
    }
}
