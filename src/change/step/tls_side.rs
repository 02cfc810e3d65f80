//! Lines of a virtual host for HTTP that say so in words - a scheme, a port, a header - as they are in its copy for
//! HTTPS. Decides nothing about redirects that lead back to themselves.

use super::super::redirection::{Condition, Rule, Side, Url, has_flag, set_by, texts};

/// What the copy says instead of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::change) enum Instead {
    /// This line.
    Line(Vec<u8>),
    /// The line, and this one behind it.
    Both(Vec<u8>),
    /// Nothing.
    Nothing,
    /// The line as it is, which leads to plain HTTP there.
    Same,
}

/// Headers and variables that say how a client came, with what they say over HTTP and over HTTPS.
const SCHEMES: [&str; 9] = [
    "X-Forwarded-Proto",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Scheme",
    "X-Url-Scheme",
    "CloudFront-Forwarded-Proto",
    "REQUEST_SCHEME",
    "wsgi.url_scheme",
    "HTTP_X_FORWARDED_PROTO",
];
const PORTS: [&str; 4] = [
    "X-Forwarded-Port",
    "X-Forwarded-Server-Port",
    "SERVER_PORT",
    "HTTP_X_FORWARDED_PORT",
];
const SWITCHES: [&str; 7] = [
    "HTTPS",
    "X-Forwarded-Ssl",
    "X-Forwarded-Https",
    "X-Https",
    "Front-End-Https",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_FORWARDED_HTTPS",
];
const OFF_AND_ON: [(&str, &str); 4] = [("off", "on"), ("0", "1"), ("no", "yes"), ("false", "true")];

/// Directives whose addresses are servers that are asked, or names: not where clients are sent.
const BACKENDS: [&str; 12] = [
    "ProxyPass",
    "ProxyPassMatch",
    "ProxyPassReverse",
    "BalancerMember",
    "ProxyRemote",
    "ProxyRemoteMatch",
    "ServerName",
    "ServerAlias",
    "Include",
    "IncludeOptional",
    "AuthLDAPURL",
    "RewriteCond",
];

impl Side<'_> {
    /// What the copy says instead of a directive, and why; nothing where it keeps it. `raw` is the line as it stands in
    /// its file, `arguments` what Apache makes of it, `conditions` those that hold for it both ways.
    pub fn instead(
        &self,
        name: &[u8],
        arguments: &[Vec<u8>],
        raw: &[u8],
        conditions: &[Condition],
    ) -> Option<(Instead, String)> {
        let directive = String::from_utf8_lossy(name);
        let words = texts(arguments);
        let is = |other: &str| directive.eq_ignore_ascii_case(other);
        if is("ProxyPassReverse") {
            return self.reverse(&words, raw);
        }
        let found = match () {
            () if is("Header") || is("RequestHeader") => self.header(&words, raw),
            () if is("SetEnv") || is("FcgidInitialEnv") => self.variable(words.first()?, words.get(1)?, raw),
            () if is("ProxyFCGISetEnvIf") => self.variable(words.get(1)?, words.get(2)?, raw),
            () if is("SetEnvIf") || is("SetEnvIfNoCase") => self.set_if(&words, raw),
            () if is("RewriteCond") => self.condition(&words, raw),
            () => None,
        };
        if found.is_some() || BACKENDS.iter().any(|other| is(other)) {
            return found;
        }
        if is("RewriteRule") && has_flag(words.get(2), ["P", "PROXY"]) {
            return None;
        }
        if is("RewriteRule")
            && let Some(found) = words.get(2).and_then(|flags| self.set_by_rule(flags, raw))
        {
            return Some(found);
        }
        if (is("RewriteRule") || is("RedirectMatch"))
            && let Some(rule) = Rule::new(name, &self.known.plain_words(arguments), None, conditions)
            && let Some(word) = words
                .iter()
                .find(|word| self.known.plainly(word) == rule.target())
            && (word.contains(['$', '%']))
        {
            return self.by_request(&rule, word, raw);
        }
        self.addresses(&words, raw)
    }

    /// The flags of a rule that set a variable which says how a client came.
    fn set_by_rule(&self, flags: &str, raw: &[u8]) -> Option<(Instead, String)> {
        set_by(flags).find_map(|(name, value)| {
            let pair = format!("{name}:{value}");
            let (Instead::Line(new), why) = self.variable(name, value, pair.as_bytes())? else {
                return None;
            };
            let line = replaced(raw, &pair, &String::from_utf8_lossy(&new))?;
            Some((Instead::Line(line), why))
        })
    }

    /// A rule whose address is made of what clients ask for.
    fn by_request(&self, rule: &Rule, word: &str, raw: &[u8]) -> Option<(Instead, String)> {
        let plain = Url::parse(rule.target()).filter(|url| !url.tls && !url.host.is_empty())?;
        let line = self
            .target_over_tls(rule, word)
            .and_then(|target| replaced_part(raw, word, &target));
        Some(match line {
            Some(line) => (Instead::Line(line), "clients of HTTPS stay there".to_owned()),
            None => (
                Instead::Same,
                format!(
                    "it leads to plain HTTP at {}, which has no HTTPS here",
                    plain.host
                ),
            ),
        })
    }

    /// `Header` and `RequestHeader`.
    fn header(&self, words: &[String], raw: &[u8]) -> Option<(Instead, String)> {
        let words = match words.first()?.to_ascii_lowercase().as_str() {
            "always" | "onsuccess" => &words[1..],
            _ => words,
        };
        let [action, header, rest @ ..] = words else {
            return None;
        };
        let header = header.trim_end_matches(':');
        match action.to_ascii_lowercase().as_str() {
            "set" | "setifempty" | "append" | "add" | "merge" => self.variable(header, rest.first()?, raw),
            "edit" | "edit*" => self.edited(header, rest.first()?, rest.get(1)?, raw),
            _ => None,
        }
    }

    /// A header or an environment variable that says how a client came.
    fn variable(&self, name: &str, value: &str, raw: &[u8]) -> Option<(Instead, String)> {
        let named = |all: &[&str]| all.iter().any(|other| other.eq_ignore_ascii_case(name));
        let says = if named(&SCHEMES) && value.eq_ignore_ascii_case("http") {
            "https".to_owned()
        } else if named(&PORTS) && value.parse().is_ok_and(|port| self.http.contains(&port)) {
            self.port.to_string()
        } else if named(&SWITCHES) {
            let (_, on) = OFF_AND_ON
                .iter()
                .find(|(off, _)| off.eq_ignore_ascii_case(value))?;
            (*on).to_owned()
        } else if name.eq_ignore_ascii_case("Forwarded") {
            let lower = value.to_ascii_lowercase();
            let at = lower
                .find("proto=http")
                .filter(|at| !lower[*at..].starts_with("proto=https"))?
                + 6;
            [&value[..at], "https", &value[at + 4..]].concat()
        } else {
            return None;
        };
        let line = replaced(raw, value, &says)?;
        Some((
            Instead::Line(line),
            format!("`{name}` says there that clients come over HTTPS"),
        ))
    }

    /// `SetEnvIf attribute pattern variable[=value]`.
    fn set_if(&self, words: &[String], raw: &[u8]) -> Option<(Instead, String)> {
        let [attribute, pattern, variables @ ..] = words else {
            return None;
        };
        for word in variables {
            if let Some((name, value)) = word.split_once('=')
                && let Some((Instead::Line(new), why)) = self.variable(name, value, word.as_bytes())
            {
                let line = replaced(raw, word, &String::from_utf8_lossy(&new))?;
                return Some((Instead::Line(line), why));
            }
        }
        let asks = ["Referer", "Origin"]
            .iter()
            .any(|header| attribute.eq_ignore_ascii_case(header));
        if asks { self.page(pattern, raw) } else { None }
    }

    /// `RewriteCond` on the page that a client comes from.
    fn condition(&self, words: &[String], raw: &[u8]) -> Option<(Instead, String)> {
        let tested = words.first()?.to_ascii_uppercase();
        let asks = ["%{HTTP_REFERER}", "%{HTTP:REFERER}", "%{HTTP:ORIGIN}"].contains(&tested.as_str());
        if asks { self.page(words.get(1)?, raw) } else { None }
    }

    /// A pattern of pages of this site: they come over HTTPS as well.
    fn page(&self, pattern: &str, raw: &[u8]) -> Option<(Instead, String)> {
        if !self.mentions_own(pattern) {
            return None;
        }
        let line = widened(raw)?;
        Some((
            Instead::Line(line),
            "pages of this site have https addresses there".to_owned(),
        ))
    }

    /// `Header edit`: an address or a cookie of a program behind it is put right.
    fn edited(&self, header: &str, pattern: &str, value: &str, raw: &[u8]) -> Option<(Instead, String)> {
        if header.eq_ignore_ascii_case("Set-Cookie") {
            let has = |text: &str| text.to_ascii_lowercase().contains("secure");
            let takes_away = has(pattern) && !has(value);
            return takes_away.then(|| (Instead::Nothing, "cookies keep `Secure` there".to_owned()));
        }
        let leads_to_http = Url::parse(value).is_some_and(|url| {
            !url.tls && (url.host.is_empty() || url.host.starts_with(['$', '%']) || self.is_ours(&url))
        });
        if leads_to_http
            || ["http:", "http"]
                .iter()
                .any(|scheme| value.eq_ignore_ascii_case(scheme))
        {
            let line = replaced(raw, value, &["https", &value[4..]].concat())?;
            let line = if self.mentions_own(pattern) {
                widened(&line).unwrap_or(line)
            } else {
                line
            };
            return Some((Instead::Line(line), format!("`{header}` leads to https there")));
        }
        if Url::parse(value).is_some_and(|url| url.tls) || !self.mentions_own(pattern) {
            return None;
        }
        let line = widened(raw)?;
        Some((
            Instead::Line(line),
            format!("`{header}` may be an https address there"),
        ))
    }

    /// A program that is asked behind `ProxyPass` may name this site by either scheme in what it answers.
    fn reverse(&self, words: &[String], raw: &[u8]) -> Option<(Instead, String)> {
        let word = words.iter().find(|word| Url::parse(word).is_some())?;
        let url = Url::parse(word)?;
        if url.tls || !self.own.has(url.host) || !url.port.is_some_and(|port| self.http.contains(&port)) {
            return None;
        }
        let line = replaced(raw, word, &self.over_tls(word, &url))?;
        Some((
            Instead::Both(line),
            "what is behind it may name this site by its https address there".to_owned(),
        ))
    }

    /// Addresses of names that are served over HTTPS, anywhere in a line.
    fn addresses(&self, words: &[String], raw: &[u8]) -> Option<(Instead, String)> {
        let mut line = raw.to_vec();
        let mut kept = None;
        let mut changed = false;
        let mut passed = 0;
        for word in words {
            for at in starts(word) {
                passed += 1;
                let Some(url) = Url::parse(&word[at..]) else {
                    continue;
                };
                let end = url
                    .host
                    .find(['"', '\'', '>', '<', ' ', ';', ',', '|', ')'])
                    .unwrap_or(url.host.len());
                let url = Url {
                    host: &url.host[..end],
                    ..url
                };
                if url.tls || url.host.is_empty() {
                    continue;
                }
                let whole = at == 0;
                if self.is_ours(&url) {
                    let written = &word[at..];
                    let length = "http://".len() + url.host.len();
                    let behind = &written[length..];
                    let port = behind
                        .strip_prefix(':')
                        .map_or(0, |port| 1 + port.bytes().take_while(u8::is_ascii_digit).count());
                    let old = &written[..length + port];
                    // Where a variable of the configuration says the name, the scheme alone is in sight.
                    let new = replaced_part(&line, old, &self.origin(&url))
                        .or_else(|| with_tls(raw, passed).filter(|_| self.port == 443 && port == 0));
                    if let Some(new) = new {
                        line = new;
                        changed = true;
                    }
                } else if whole {
                    kept = Some(url.host.to_owned());
                }
            }
        }
        if changed {
            return Some((Instead::Line(line), "clients of HTTPS stay there".to_owned()));
        }
        kept.map(|host| {
            (
                Instead::Same,
                format!("it leads to plain HTTP at {host}, which has no HTTPS here"),
            )
        })
    }

    /// Does a pattern speak of a plain address of this site?
    fn mentions_own(&self, pattern: &str) -> bool {
        let plain: String = pattern
            .chars()
            .filter(|c| *c != '\\')
            .collect::<String>()
            .to_ascii_lowercase();
        let Some((_, behind)) = plain.split_once("http://") else {
            return false;
        };
        let names = self
            .own
            .0
            .iter()
            .map(|name| name.trim_start_matches(['*', '?', '.']));
        names
            .into_iter()
            .any(|name| behind.contains(&name.to_ascii_lowercase()))
    }
}

/// Where addresses of HTTP begin in a word.
fn starts(word: &str) -> Vec<usize> {
    let lower = word.to_ascii_lowercase();
    let found = lower.match_indices("http://");
    found.map(|(at, _)| at).collect()
}

/// A line in which the last such word is another.
fn replaced(raw: &[u8], old: &str, new: &str) -> Option<Vec<u8>> {
    let at = memchr::memmem::rfind(raw, old.as_bytes())?;
    Some([&raw[..at], new.as_bytes(), &raw[at + old.len()..]].concat())
}

/// A line in which the first such part is another.
pub(super) fn replaced_part(raw: &[u8], old: &str, new: &str) -> Option<Vec<u8>> {
    let at = memchr::memmem::find(raw, old.as_bytes())?;
    Some([&raw[..at], new.as_bytes(), &raw[at + old.len()..]].concat())
}

/// A line in which the address of that number, from 1, is one of HTTPS.
fn with_tls(raw: &[u8], number: usize) -> Option<Vec<u8>> {
    let lower = raw.to_ascii_lowercase();
    let at = memchr::memmem::find_iter(&lower, b"http://").nth(number - 1)?;
    Some([&raw[..at], b"https", &raw[at + 4..]].concat())
}

/// A line whose pattern of plain addresses takes those with https too.
fn widened(raw: &[u8]) -> Option<Vec<u8>> {
    let lower = raw.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"http:")?;
    Some([&raw[..at + 4], b"s?", &raw[at + 4..]].concat())
}

#[cfg(test)]
mod tests {
    use super::super::super::redirection::{Known, Names};
    use super::*;

    fn side() -> Side<'static> {
        Side {
            own: Names(vec!["a.test", "www.a.test"]),
            asked: Names(vec!["a.test", "www.a.test"]),
            known: Known::default(),
            served: Box::new(|name| name == "c.test"),
            port: 443,
            http: vec![80],
        }
    }

    fn said(line: &str) -> Option<(String, Option<String>)> {
        let mut words = crate::httpd::word::words(line.as_bytes()).map(|word| word.value.into_owned());
        let name = words.next().unwrap();
        let arguments: Vec<Vec<u8>> = words.collect();
        let (instead, _) = side().instead(&name, &arguments, line.as_bytes(), &[])?;
        let text = |line: Vec<u8>| String::from_utf8(line).unwrap();
        Some(match instead {
            Instead::Line(line) => (text(line), None),
            Instead::Both(line) => (String::new(), Some(text(line))),
            Instead::Nothing => ("gone".into(), None),
            Instead::Same => ("same".into(), None),
        })
    }

    #[test]
    fn what_says_http_says_https() {
        for (line, then) in [
            (
                "RequestHeader set X-Forwarded-Proto \"http\"",
                "RequestHeader set X-Forwarded-Proto \"https\"",
            ),
            (
                "RequestHeader set X-Forwarded-Proto: http early",
                "RequestHeader set X-Forwarded-Proto: https early",
            ),
            (
                "RequestHeader set X-Forwarded-Port 80",
                "RequestHeader set X-Forwarded-Port 443",
            ),
            (
                "RequestHeader set X-Forwarded-Ssl off",
                "RequestHeader set X-Forwarded-Ssl on",
            ),
            (
                "RequestHeader set Forwarded \"host=a;proto=http\"",
                "RequestHeader set Forwarded \"host=a;proto=https\"",
            ),
            ("SetEnv HTTPS off", "SetEnv HTTPS on"),
            ("SetEnv REQUEST_SCHEME http", "SetEnv REQUEST_SCHEME https"),
            ("SetEnvIf Host . HTTPS=off", "SetEnvIf Host . HTTPS=on"),
            (
                "ProxyFCGISetEnvIf true SERVER_PORT 80",
                "ProxyFCGISetEnvIf true SERVER_PORT 443",
            ),
            (
                "Header edit Location ^https:// http://",
                "Header edit Location ^https:// https://",
            ),
            (
                "Header edit Location ^https http",
                "Header edit Location ^https https",
            ),
            (
                "Header edit Location ^http://a\\.test/ http://a.test/app/",
                "Header edit Location ^https?://a\\.test/ https://a.test/app/",
            ),
            ("Header always edit Set-Cookie \"; *Secure\" \"\"", "gone"),
            (
                "RewriteCond %{HTTP_REFERER} !^http://(www\\.)?a\\.test/ [NC]",
                "RewriteCond %{HTTP_REFERER} !^https?://(www\\.)?a\\.test/ [NC]",
            ),
            (
                "SetEnvIf Referer \"^http://a\\.test\" local",
                "SetEnvIf Referer \"^https?://a\\.test\" local",
            ),
        ] {
            assert_eq!(said(line), Some((then.to_owned(), None)), "{line}");
        }
    }

    #[test]
    fn what_leads_to_http_leads_to_https() {
        for (line, then) in [
            ("Redirect /x http://a.test/y", "Redirect /x https://a.test/y"),
            ("Redirect /x http://c.test:80/y", "Redirect /x https://c.test/y"),
            ("Redirect /x http://d.test/y", "same"),
            ("Redirect /x http://a.test:8080/y", "same"),
            (
                "RewriteRule ^/o http://%{HTTP_HOST}/p [R]",
                "RewriteRule ^/o https://%{HTTP_HOST}/p [R]",
            ),
            (
                "ErrorDocument 404 http://www.a.test/no.html",
                "ErrorDocument 404 https://www.a.test/no.html",
            ),
            (
                "Header set Link \"<http://a.test/x>; rel=canonical\"",
                "Header set Link \"<https://a.test/x>; rel=canonical\"",
            ),
        ] {
            assert_eq!(said(line), Some((then.to_owned(), None)), "{line}");
        }
    }

    #[test]
    fn what_leads_to_whom_is_asked_for_leads_to_https() {
        let said = |side: &Side<'_>, conditions: &[&str], line: &str| {
            let words = |line: &str| -> Vec<Vec<u8>> {
                let words = crate::httpd::word::words(line.as_bytes());
                words.map(|word| word.value.into_owned()).collect()
            };
            let conditions: Vec<Condition> = conditions
                .iter()
                .filter_map(|condition| Condition::new(&words(condition)))
                .collect();
            let words = words(line);
            let found = side.instead(&words[0], &words[1..], line.as_bytes(), &conditions);
            found.map(|(instead, _)| match instead {
                Instead::Line(line) => String::from_utf8(line).unwrap(),
                other => format!("{other:?}"),
            })
        };
        let other_ports = |http: u16, port: u16| Side {
            http: vec![http],
            port,
            ..side()
        };
        let sides = [side(), other_ports(8081, 443), other_ports(80, 8443)];
        for (conditions, line, wanted) in [
            (
                &[][..],
                "RewriteRule ^ http://%{HTTP_HOST}/p [R]",
                ["https://%{HTTP_HOST}/p"; 3],
            ),
            (
                &["%{HTTP_HOST} !^www\\. [NC]"],
                "RewriteRule ^(.*)$ http://www.%{HTTP_HOST}$1 [R]",
                ["https://www.%{HTTP_HOST}$1"; 3],
            ),
            (
                &["%{HTTP_HOST} ^www\\.(.+)$ [NC]"],
                "RewriteRule ^ http://%1%{REQUEST_URI} [R]",
                ["https://%1%{REQUEST_URI}"; 3],
            ),
            (
                &[],
                "RewriteRule ^ http://%{SERVER_NAME}:%{SERVER_PORT}/p [R]",
                ["https://%{SERVER_NAME}:%{SERVER_PORT}/p"; 3],
            ),
            (
                &[],
                "RewriteRule ^/x http://%{SERVER_NAME}/p [R]",
                [
                    "https://%{SERVER_NAME}/p",
                    "Same",
                    "https://%{SERVER_NAME}:8443/p",
                ],
            ),
            (
                &[],
                "RewriteRule ^/x http://%{SERVER_NAME}:8081/p [R]",
                ["Same", "https://%{SERVER_NAME}/p", "Same"],
            ),
            (&[], "RewriteRule ^ http://shop.%{HTTP_HOST}/p [R]", ["Same"; 3]),
            (&[], "RewriteRule ^/(.*) http://%{ENV:H}/$1 [R]", ["Same"; 3]),
        ] {
            for (side, wanted) in sides.iter().zip(wanted) {
                let said = said(side, conditions, line).unwrap();
                let is = said
                    .split(' ')
                    .find(|word| word.starts_with("http"))
                    .unwrap_or(&said);
                assert_eq!(is, wanted, "{line} {:?} {}", side.http, side.port);
            }
        }
    }

    #[test]
    fn what_is_behind_may_name_the_site_by_either_scheme() {
        let reverse = "ProxyPassReverse /app http://a.test/app";
        assert_eq!(
            said(reverse),
            Some((
                String::new(),
                Some("ProxyPassReverse /app https://a.test/app".into())
            ))
        );
    }

    #[test]
    fn what_says_nothing_of_the_way_stays() {
        for line in [
            "RequestHeader set X-Forwarded-Proto https",
            "RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}",
            "RequestHeader unset X-Forwarded-Proto",
            "ProxyPass / http://a.test:8080/",
            "ProxyPassReverse / http://127.0.0.1:8080/",
            "RewriteRule ^/(.*) http://a.test/$1 [P]",
            "Header set X-Note http",
            "SetEnv APP_MODE off",
            "Redirect /x /y",
            "Redirect /x https://d.test/",
            "Header edit Location ^http:// https://",
            "Header edit Set-Cookie ^(.*)$ \"$1; Secure\"",
            "DocumentRoot \"/srv/http\"",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }
}
