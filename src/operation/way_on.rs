//! What a message offers to whoever wants to go on in spite of findings.

use crate::check::{Code, Finding, Severity};

/// The flags that override every open finding; nothing where [`codes`] has none.
pub fn flags(found: &[Finding], forced: &[Code]) -> Option<String> {
    let codes = codes(found, forced)?;
    let each: Vec<String> = codes.iter().map(|code| format!("--force {code}")).collect();
    Some(each.join(" "))
}

/// The codes of every open finding, each once, by their words. Nothing where one of them certainly keeps the server from
/// starting: that is no advice, although the flag is there for who knows better.
pub fn codes(found: &[Finding], forced: &[Code]) -> Option<Vec<Code>> {
    let open: Vec<&Finding> = found.iter().filter(|finding| finding.is_open(forced)).collect();
    let stops = |finding: &&Finding| finding.severity == Severity::StopsStart && !finding.uncertain;
    if open.is_empty() || open.iter().any(stops) {
        return None;
    }
    let mut codes: Vec<Code> = open.iter().map(|finding| finding.code).collect();
    codes.sort_unstable_by_key(|code| code.word());
    codes.dedup();
    Some(codes)
}

/// The same as the end of a sentence that says what to correct.
pub fn or_go_on(found: &[Finding], forced: &[Code]) -> String {
    let flags = flags(found, forced);
    flags
        .map(|flags| format!(", or continue anyway with {flags}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: Code, severity: Severity) -> Finding {
        Finding::new(code, severity, "", "", "")
    }

    #[test]
    fn what_stops_the_start_is_not_offered() {
        let stops = finding(Code::KeyMismatch, Severity::StopsStart);
        let breaks = finding(Code::NameNotCovered, Severity::BreaksClients);
        let all = [stops, breaks.clone(), breaks];
        assert_eq!(flags(&all[1..], &[]).as_deref(), Some("--force NAME-NOT-COVERED"));
        assert_eq!(flags(&all, &[]), None);
        let rest = flags(&all, &[Code::KeyMismatch]);
        assert_eq!(rest.as_deref(), Some("--force NAME-NOT-COVERED"));
        assert_eq!(flags(&[], &[]), None);
    }
}
