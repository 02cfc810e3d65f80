//! The lines by which certificate authorities are answered: they go with the last domain of ours that they are for.

use crate::httpd::LineKind;

use super::super::own_answers::blocks;
use super::decide::Decision;
use super::marks::Mark;
use super::record::Action;

impl Decision<'_> {
    /// Our lines go by their comment, with a record or without one. Those that stay are not put back as a record has it.
    pub(super) fn answer_places(&mut self) {
        let found = self.found;
        let staying = self.staying_domains();
        for (file, read) in found.files.iter().enumerate() {
            for lines in blocks(read.document) {
                if self.lines.contains_key(&(file, lines.start)) {
                    continue;
                }
                let host = found.host_around(file, lines.start);
                let is_for = |domain: &String| host.is_none_or(|host| found.hosts[host].has_name(domain));
                if staying.iter().any(is_for) {
                    self.kept.extend(lines.map(|line| (file, line)));
                    continue;
                }
                let reason = "certificate authorities are no longer answered over HTTP";
                self.decided.changed.extend(host);
                let above = lines.start.checked_sub(1);
                for line in lines.clone() {
                    self.remove((file, line), reason.to_owned());
                }
                let has_record = !read.traces.lines[lines.start].past.is_empty();
                let kind = |line: usize| read.document.lines().get(line).map(|line| line.kind);
                let is_blank = |line: usize| kind(line).is_none_or(|kind| kind == LineKind::Blank);
                if let Some(above) = above
                    && host.is_none()
                    && !has_record
                    && found.is_blank(file, above)
                    && is_blank(lines.end)
                {
                    self.remove((file, above), reason.to_owned());
                }
            }
        }
    }

    /// Domains of ours that stay served over TLS.
    fn staying_domains(&self) -> Vec<String> {
        if self.request.domains.is_empty() {
            return Vec::new();
        }
        let ours = self.found.ours.iter();
        let ours = ours.filter(|ours| ours.mark == Mark::Https && self.stays(ours));
        let mut all: Vec<String> = ours.map(|ours| ours.domain.clone()).collect();
        for record in self
            .records
            .iter()
            .filter(|record| record.action == Action::Enable)
        {
            let first = record.domains.first();
            let others = first.filter(|domain| !self.request.means(domain));
            all.extend(
                others
                    .filter(|domain| !self.answering(domain).is_empty())
                    .cloned(),
            );
        }
        all
    }
}
