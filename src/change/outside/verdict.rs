//! What a line that holds for HTTP and HTTPS alike does over HTTPS otherwise. Reads no files and finds no lines.

use super::super::redirection::{Condition, Names, Rule, Side, Url, Within, flag_values, has_flag, texts};

/// What a line does over HTTPS that it did not do over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It leads to where it is asked for.
    Endless,
    /// The same, unless something prevents it that only the server knows.
    MayBeEndless,
    /// It leads to plain HTTP, which leads back.
    ToAndFro,
    /// It leads to plain HTTP of the very place that is asked for, which stays there.
    ToTheSame,
    /// It leads to plain HTTP.
    ToPlain,
    /// It acts over plain HTTP and not over HTTPS.
    PlainOnly,
    /// It acts over HTTPS and not over plain HTTP.
    TlsOnly,
}

/// Where a rule leads whose address is no matter.
const NOWHERE: &str = "https://nowhere.invalid/";

/// Judges a line that redirects or rewrites. `sends_back`: HTTP sends all to HTTPS.
pub(super) fn of_rule(rule: &Rule, side: &Side<'_>, sends_back: bool) -> Option<Verdict> {
    let names = &side.own;
    let http = side.http.first().copied().unwrap_or(80);
    if rule.is_endless(names, side.port) {
        return Some(match rule.clone().strictly().is_endless(names, side.port) {
            true => Verdict::Endless,
            false => Verdict::MayBeEndless,
        });
    }
    let over_http = rule.acts(names, false, http);
    let over_tls = rule.acts(names, true, side.port);
    let is_plain = |target: &str| Url::parse(target).is_some_and(|url| !url.tls && side.is_ours(&url));
    let by_request = || side.target_over_tls(rule, rule.target());
    let leads_to_plain = over_tls.iter().any(|(_, to)| match to {
        Some(to) => is_plain(to),
        None => by_request().is_some(),
    });
    if leads_to_plain {
        let target = by_request().unwrap_or_else(|| rule.target().replacen("http://", "https://", 1));
        let there = rule.clone().to(target).strictly();
        return Some(match (there.is_endless(names, side.port), sends_back) {
            (true, true) => Verdict::ToAndFro,
            (true, false) => Verdict::ToTheSame,
            (false, _) => Verdict::ToPlain,
        });
    }
    let is_only = |these: &[Acted], those: &[Acted]| {
        let mut these = these.iter();
        these.any(|(asked, to)| {
            let led_here = to.as_deref().is_some_and(|to| is_here(to, names, side.port));
            !led_here && !those.iter().any(|(other, _)| other == asked)
        })
    };
    match () {
        () if is_only(&over_http, &over_tls) => Some(Verdict::PlainOnly),
        () if is_only(&over_tls, &over_http) => Some(Verdict::TlsOnly),
        () => None,
    }
}

type Acted = ((String, String), Option<String>);

/// Is it where HTTPS is spoken for the names?
fn is_here(target: &str, names: &Names<'_>, port: u16) -> bool {
    Url::parse(target).is_some_and(|url| url.tls && url.port == Some(port) && names.has(url.host))
}

/// Does the way alone decide whether conditions hold?
pub(super) fn by_way(guards: &[Condition], side: &Side<'_>) -> Option<Verdict> {
    // Most lines ask for nothing, and a site may have thousands of names to try.
    if guards.is_empty() {
        return None;
    }
    let rule = Rule::new(b"RedirectMatch", &[b"^".to_vec(), NOWHERE.into()], None, guards)?;
    of_rule(&rule, side, false).filter(|verdict| [Verdict::PlainOnly, Verdict::TlsOnly].contains(verdict))
}

/// The rules of mod_rewrite that stand together, one after the other: which of them see a request depends on those before.
#[derive(Default)]
pub(super) struct Rules {
    /// What those before ask of the ones behind.
    asked: Vec<Condition>,
    /// Of how many rules that come next.
    skipped: usize,
    /// What the rule before asks of one that is chained to it.
    chained: Vec<Condition>,
}

impl Rules {
    /// Judges the next one, by its arguments.
    pub fn next(
        &mut self,
        arguments: &[Vec<u8>],
        own: Vec<Condition>,
        within: &Within,
        (side, sends_back): (&Side<'_>, bool),
    ) -> Option<Verdict> {
        let words = texts(arguments);
        let [pattern, target, ..] = &words[..] else {
            return None;
        };
        let flags = words.get(2);
        let has = |one: &str, other: &str| has_flag(flags, [one, other]);
        let fetched = has("P", "PROXY");
        let mut conditions = std::mem::take(&mut self.chained);
        conditions.extend(own);
        let behind = [&self.asked[..], &conditions].concat();
        self.count_down();
        let leads = Url::parse(target).is_some() && !fetched;
        let rule = match leads {
            true => Rule::new(b"RewriteRule", &side.known.plain_words(arguments), None, &behind)?,
            false => {
                let mut plain = vec![pattern.clone().into_bytes(), NOWHERE.into()];
                if has("NC", "NOCASE") {
                    plain.push(b"[NC]".to_vec());
                }
                Rule::new(b"RewriteRule", &plain, None, &behind)?
            }
        };
        let rule = rule.inside(within.clone());
        if has("C", "CHAIN") {
            self.chained = conditions;
        }
        let ends = has("L", "LAST") || has("END", "END") || has("F", "FORBIDDEN") || has("G", "GONE");
        let skips =
            flags.and_then(|flags| flag_values(flags, ["S", "SKIP"]).find_map(|number| number.parse().ok()));
        let answers = has("F", "FORBIDDEN") || has("G", "GONE") || has("R", "REDIRECT");
        let is_silent = target == "-" && !answers;
        if ends && is_silent || skips.is_some() {
            self.stop(&rule, side, skips);
        }
        of_rule(&rule, side, sends_back).filter(|_| !is_silent)
    }

    /// One of those that are skipped has gone by.
    fn count_down(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
            if self.skipped == 0 {
                self.asked.clear();
            }
        }
    }

    /// A rule behind which others are not asked: none, or not so many.
    fn stop(&mut self, rule: &Rule, side: &Side<'_>, skips: Option<usize>) {
        let http = side.http.first().copied().unwrap_or(80);
        let all = |tls, port| !rule.clone().strictly().acts(&side.own, tls, port).is_empty();
        let condition = match (all(false, http), all(true, side.port)) {
            (false, true) => ["%{HTTPS}", "!=on"],
            (true, false) => ["%{HTTPS}", "=on"],
            // What only the server knows.
            _ => ["%{REQUEST_FILENAME}", "-f"],
        };
        self.asked.extend(Condition::new(&condition.map(Into::into)));
        self.skipped = skips.map_or(0, |number| number + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::redirection::Known;
    use super::*;

    fn side() -> Side<'static> {
        Side {
            own: Names(vec!["a.test", "www.a.test"]),
            asked: Names(vec!["a.test"]),
            known: Known::default(),
            served: Box::new(|_| false),
            port: 443,
            http: vec![80],
        }
    }

    /// Of the last rule, in a document root.
    fn said(text: &str) -> Option<Verdict> {
        let within = Within {
            path: "/".to_owned(),
            front: Some(String::new()),
        };
        let (mut rules, mut waiting, mut last) = (Rules::default(), Vec::new(), None);
        for line in text.split('\n') {
            let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            match &*words[0] {
                b"RewriteCond" => waiting.extend(Condition::new(&words[1..])),
                _ => {
                    let conditions = std::mem::take(&mut waiting);
                    last = rules.next(&words[1..], conditions, &within, (&side(), true));
                }
            }
        }
        last
    }

    #[test]
    fn what_a_shared_rule_does_over_https() {
        use Verdict::{Endless, MayBeEndless};
        for (lines, verdict) in [
            (
                "RewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R=301,L]",
                Some(Endless),
            ),
            ("RewriteRule ^ https://a.test%{REQUEST_URI} [R]", Some(Endless)),
            ("RewriteRule ^shop$ https://a.test/shop [R]", Some(Endless)),
            ("RewriteRule ^/shop$ https://a.test/shop [R]", None),
            ("RewriteRule ^old$ https://a.test/new [R]", None),
            ("RewriteRule ^ https://a.test:8443/ [R]", None),
            (
                "RewriteCond %{HTTPS} off\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R=301,L]",
                None,
            ),
            (
                "RewriteCond %{SERVER_PORT} !^443$\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R]",
                None,
            ),
            (
                "RewriteCond %{SERVER_PORT} ^80$\nRewriteRule ^(.*)$ https://a.test/$1 [R]",
                None,
            ),
            (
                "RewriteCond %{HTTP:X-Forwarded-Proto} !https\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R]",
                Some(MayBeEndless),
            ),
            (
                "RewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R]",
                Some(MayBeEndless),
            ),
            (
                "RewriteCond %{HTTPS} on\nRewriteRule ^ - [L]\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R]",
                None,
            ),
            (
                "RewriteCond %{HTTPS} on\nRewriteRule ^ - [S=1]\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R]",
                None,
            ),
            (
                "RewriteCond %{HTTPS} !=on\nRewriteRule ^ - [C]\nRewriteRule ^(.*)$ https://%{HTTP_HOST}/$1 [R]",
                None,
            ),
            (
                "RewriteCond %{HTTPS} off [OR]\nRewriteCond %{HTTP_HOST} ^www\\.\nRewriteRule ^(.*)$ https://a.test/$1 [R]",
                None,
            ),
        ] {
            assert_eq!(said(lines), verdict, "{lines}");
        }
    }

    #[test]
    fn what_a_shared_rule_leads_back_to_http_or_asks_of_the_way() {
        use Verdict::{PlainOnly, TlsOnly, ToAndFro, ToPlain};
        for (lines, verdict) in [
            ("RewriteRule ^(.*)$ http://a.test/$1 [R]", Some(ToAndFro)),
            ("RewriteRule ^old$ http://a.test/new [R]", Some(ToPlain)),
            (
                "RewriteCond %{HTTP_HOST} !^www\\.\nRewriteRule ^(.*)$ http://www.a.test/$1 [R]",
                Some(ToPlain),
            ),
            (
                "RewriteCond %{HTTPS} on\nRewriteRule ^(.*)$ http://%{HTTP_HOST}/$1 [R]",
                Some(ToAndFro),
            ),
            ("RewriteRule ^ http://b.test/ [R]", None),
            (
                "RewriteCond %{SERVER_PORT} ^80$\nRewriteRule ^x$ y.html [L]",
                Some(PlainOnly),
            ),
            (
                "RewriteCond %{REQUEST_SCHEME} =http\nRewriteRule ^x$ http://b.test/ [R]",
                Some(PlainOnly),
            ),
            ("RewriteCond %{HTTPS} =on\nRewriteRule ^ - [F]", Some(TlsOnly)),
            ("RewriteCond %{HTTPS} =on\nRewriteRule ^ - [E=tls:on]", None),
            ("RewriteRule ^x$ y.html [L]", None),
            ("RewriteRule ^ https://a.test/ [P]", None),
        ] {
            assert_eq!(said(lines), verdict, "{lines}");
        }
    }

    #[test]
    fn what_conditions_say_of_the_way() {
        let by_way = |text: &str| {
            let guard = Condition::new(&[b"expr".to_vec(), text.as_bytes().to_vec()]).unwrap();
            super::by_way(&[guard], &side())
        };
        assert_eq!(by_way("(%{HTTPS} == 'on')"), Some(Verdict::TlsOnly));
        assert_eq!(by_way("!(%{HTTPS} == 'on')"), Some(Verdict::PlainOnly));
        assert_eq!(by_way("(%{REQUEST_URI} == '/x')"), None);
    }
}
