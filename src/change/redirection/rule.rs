//! One line that may send a client elsewhere, with the conditions before it.

use regex::Regex;

use super::condition::Condition;
use super::example::examples;
use super::pattern::{groups_of, pattern};
use super::{Asked, Names, Url, Within, expanded, has_flag, texts, without_negation};

/// A `Redirect`, `RedirectMatch` or `RewriteRule` with an absolute address, as it acts on a whole virtual host.
#[derive(Clone, Debug)]
pub(in crate::change) struct Rule {
    matches: Matches,
    /// The address, as it is written.
    target: String,
    conditions: Vec<Condition>,
    within: Within,
    /// What the server alone knows does not hold.
    strict: bool,
}

#[derive(Clone, Debug)]
enum Matches {
    /// The path and all below it (mod_alias, `alias_matches`).
    Path(String),
    /// A pattern, as far as it is understood, and whether nothing may match.
    Pattern {
        text: String,
        found: Option<Regex>,
        negated: bool,
    },
}

/// How often a client is sent on before it is given up.
const HOPS: usize = 8;

impl Rule {
    /// Of a directive by its name and arguments; `None`: it sends nobody to another address. `within`: the path of the
    /// `<Location>` that it stands in.
    pub fn new(
        name: &[u8],
        arguments: &[Vec<u8>],
        within: Option<&str>,
        conditions: &[Condition],
    ) -> Option<Rule> {
        let words = texts(arguments);
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let at = words
            .iter()
            .position(|word| Url::parse(word).is_some())
            .filter(|at| *at < 3)?;
        let target = words[at].clone();
        let before = at.checked_sub(1).map(|at| words[at].clone());
        let rule = |matches| {
            Some(Rule {
                matches,
                target,
                conditions: conditions.to_vec(),
                within: Within::default(),
                strict: false,
            })
        };
        if is("RewriteRule") {
            let flags = words.get(2);
            // Fetched by the server itself: no client is sent anywhere.
            if has_flag(flags, ["P", "PROXY"]) || at != 1 {
                return None;
            }
            let (negated, text) = without_negation(before?);
            let no_case = has_flag(flags, ["NC", "NOCASE"]);
            let found = pattern(&text, no_case);
            return rule(Matches::Pattern { text, found, negated });
        }
        if is("RedirectMatch") {
            let text = before?;
            let found = pattern(&text, false);
            return rule(Matches::Pattern {
                text,
                found,
                negated: false,
            });
        }
        if !["Redirect", "RedirectPermanent", "RedirectTemp"]
            .iter()
            .any(|other| is(other))
        {
            return None;
        }
        // In a `<Location>` the path may be left out, since 2.4.
        let path = before.filter(|word| word.starts_with('/'));
        rule(Matches::Path(path.or_else(|| within.map(str::to_owned))?))
    }

    /// The address that it names, as it is written.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The same, naming another address.
    pub fn to(mut self, target: String) -> Rule {
        self.target = target;
        self
    }

    /// The same where it holds for a folder or path alone.
    pub fn inside(mut self, within: Within) -> Rule {
        self.within = within;
        self
    }

    /// The same where what the server alone knows does not hold: what it does then is certain.
    pub fn strictly(mut self) -> Rule {
        self.strict = true;
        self
    }

    /// The names and paths among the samples on which it acts, each with where it sends them if that is known.
    pub fn acts(&self, names: &Names<'_>, tls: bool, port: u16) -> Vec<((String, String), Option<String>)> {
        let mut all = Vec::new();
        let samples = self.samples();
        for host in &names.samples() {
            for path in &samples {
                let asked = Asked {
                    host,
                    path,
                    tls,
                    port,
                };
                if self.acts_on(&asked) {
                    all.push(((host.clone(), path.clone()), self.send(&asked)));
                }
            }
        }
        all
    }

    /// Does it act on a request? What the server alone knows is taken to hold.
    pub fn acts_on(&self, asked: &Asked<'_>) -> bool {
        let groups = self.groups(asked);
        groups.is_some_and(|groups| self.let_through(asked, &groups).is_some())
    }

    /// Where it sends a request; `None`: nowhere, or nobody but the server knows.
    pub fn send(&self, asked: &Asked<'_>) -> Option<String> {
        let groups = self.groups(asked)?;
        let groups_before = self.let_through(asked, &groups)?;
        // mod_alias knows no variables.
        match &self.matches {
            Matches::Path(path) => Some(self.target.clone() + below(asked.path, path)?),
            Matches::Pattern { .. } => expanded(&self.target, asked, &groups, &groups_before),
        }
    }

    /// What its pattern takes of a request; `None`: it does not act on it. In a folder's context the path has no slash
    /// before it.
    fn groups(&self, asked: &Asked<'_>) -> Option<Vec<String>> {
        if !self.within.has(asked.path) {
            return None;
        }
        let (text, found, negated) = match &self.matches {
            Matches::Path(path) => return below(asked.path, path).map(|_| Vec::new()),
            Matches::Pattern { text, found, negated } => (text, found, *negated),
        };
        let without_slash = asked.path.trim_start_matches('/');
        let Some(found) = found else {
            // Not understood: as if it took everything.
            return (!self.strict).then(|| vec![without_slash.to_owned(); 10]);
        };
        let groups = match self.within.seen(asked.path) {
            Some(seen) => groups_of(found, &seen),
            None => groups_of(found, asked.path)
                .or_else(|| groups_of(found, without_slash).filter(|_| !text.starts_with("^/"))),
        };
        match (negated, groups) {
            (false, groups) => groups,
            (true, None) => Some(Vec::new()),
            (true, Some(_)) => None,
        }
    }

    /// What the groups of the last condition took, where all let the request through. One that is another way for those
    /// behind it lets all of them be (mod_rewrite, `apply_rewrite_rule`).
    fn let_through(&self, asked: &Asked<'_>, groups: &[String]) -> Option<Vec<String>> {
        let mut last = Vec::new();
        let mut conditions = self.conditions.iter();
        while let Some(condition) = conditions.next() {
            match condition.holds(asked, groups) {
                None if self.strict => {
                    if !condition.or {
                        return None;
                    }
                }
                None => {
                    if condition.or {
                        skip(&mut conditions);
                    }
                }
                Some((true, groups)) => {
                    if !groups.is_empty() {
                        last = groups;
                    }
                    if condition.or {
                        skip(&mut conditions);
                    }
                }
                Some((false, _)) if condition.or => {}
                Some((false, _)) => return None,
            }
        }
        Some(last)
    }

    /// The addresses that it sends clients to who ask for one of the names; `None`: nobody but the server knows some.
    pub fn sent(&self, names: &Names<'_>, tls: bool, port: u16) -> Option<Vec<String>> {
        let acts = self.acts(names, tls, port).into_iter();
        let mut all: Vec<String> = acts.map(|(_, to)| to).collect::<Option<_>>()?;
        all.dedup();
        Some(all)
    }

    /// Does it send a client that asks for one of the names over HTTPS back there without end?
    pub fn is_endless(&self, names: &Names<'_>, port: u16) -> bool {
        let samples = self.samples();
        names
            .samples()
            .iter()
            .any(|name| samples.iter().any(|path| self.goes_on(name, path, names, port)))
    }

    fn goes_on(&self, name: &str, path: &str, names: &Names<'_>, port: u16) -> bool {
        let (mut host, mut path) = (name.to_owned(), path.to_owned());
        for _ in 0..HOPS {
            let asked = Asked {
                host: &host,
                path: &path,
                tls: true,
                port,
            };
            let Some(target) = self.send(&asked) else {
                return false;
            };
            let Some(url) = Url::parse(&target) else {
                return false;
            };
            if !url.tls || url.port != Some(port) || !names.has(url.host) {
                return false;
            }
            let next = (
                url.host.trim_matches(['[', ']']).to_owned(),
                url.path().to_owned(),
            );
            (host, path) = next;
        }
        true
    }

    /// Paths that it may act on: usual ones, that of its address, and what its pattern takes.
    fn samples(&self) -> Vec<String> {
        let mut samples: Vec<String> = ["/", "/x", "/x/y", "/1", "/index.html", "/1/2/3"]
            .map(str::to_owned)
            .into();
        match &self.matches {
            Matches::Path(path) => {
                samples.extend([path.clone(), format!("{}/x", path.trim_end_matches('/'))])
            }
            Matches::Pattern { text, .. } => {
                for example in examples(text) {
                    let path = example.trim_start_matches('/');
                    samples.extend(["", "x", "/x", "1"].map(|behind| format!("/{path}{behind}")));
                }
            }
        }
        if let Some(url) = Url::parse(&self.target) {
            for group in ["", "x", "1"] {
                let mut path = url.path().to_owned();
                for mark in ['$', '%'] {
                    for number in 0..10 {
                        path = path.replace(&format!("{mark}{number}"), group);
                    }
                }
                if path.starts_with('/') && !path.contains('%') {
                    samples.push(path);
                }
            }
        }
        samples.into_iter().map(|path| self.within.sample(path)).collect()
    }
}

/// Past all that are other ways of the same.
fn skip<'c>(conditions: &mut impl Iterator<Item = &'c Condition>) {
    for condition in conditions {
        if !condition.or {
            break;
        }
    }
}

/// What stands behind a path or a folder of that name.
fn below<'p>(asked: &'p str, path: &str) -> Option<&'p str> {
    let rest = asked.strip_prefix(path)?;
    (rest.is_empty() || path.ends_with('/') || rest.starts_with('/')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a virtual host: conditions, then the rule.
    fn rule(lines: &str) -> Option<Rule> {
        let mut conditions = Vec::new();
        for line in lines.split('\n') {
            let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            if words[0] == b"RewriteCond" {
                conditions.extend(Condition::new(&words[1..]));
            } else {
                return Rule::new(&words[0], &words[1..], None, &conditions);
            }
        }
        None
    }

    #[test]
    fn what_leads_back_to_itself_is_endless_and_nothing_else() {
        let names = Names(vec!["a.test", "www.a.test"]);
        for (lines, endless) in [
            ("Redirect / https://a.test/", true),
            ("Redirect permanent /secure https://a.test/secure", true),
            ("Redirect /old https://a.test/new", false),
            ("Redirect / https://a.test/app/", true),
            ("Redirect / https://a.test:8443/", false),
            ("Redirect / https://b.test/", false),
            ("RedirectMatch ^/(.*)$ https://a.test/$1", true),
            ("RedirectMatch ^/old/(.*)$ https://a.test/new/$1", false),
            ("RewriteRule ^(.*)$ https://%{HTTP_HOST}$1 [R,L]", true),
            ("RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R]", true),
            ("RewriteRule (.*) https://%{SERVER_NAME}/$1 [R]", true),
            ("RewriteRule ^ https://%{HTTP_HOST}:8443%{REQUEST_URI} [R]", false),
            ("RewriteRule ^/$ https://%{HTTP_HOST}/app/ [R]", false),
            (
                "RewriteRule ^/(secure|old)$ https://%{SERVER_NAME}/$1 [R,L]",
                true,
            ),
            (
                "RewriteRule ^/(secure|old)$ https://%{SERVER_NAME}/new [R,L]",
                false,
            ),
            ("RewriteRule ^/u/([a-z]+)$ https://$1.a.test/ [R]", false),
            ("RewriteRule ^/(.*)$ https://a.test/$1 [P]", false),
            (
                "RewriteCond %{HTTP_HOST} !^www\\.\nRewriteRule ^ https://www.%{HTTP_HOST}%{REQUEST_URI} [R]",
                false,
            ),
            (
                "RewriteCond %{HTTP_HOST} ^www\\.(.+)$ [NC]\nRewriteRule ^ https://%1%{REQUEST_URI} [R]",
                false,
            ),
            (
                "RewriteCond %{HTTP_HOST} ^(.+)$\nRewriteRule ^ https://%1%{REQUEST_URI} [R]",
                true,
            ),
            (
                "RewriteCond %{HTTPS} off [OR]\nRewriteCond %{HTTP_HOST} ^www\\. [NC]\nRewriteRule ^(.*)$ \
                 https://a.test$1 [R]",
                false,
            ),
            (
                "RewriteCond %{REQUEST_URI} !^/app/\nRewriteRule ^/(.*)$ https://a.test/app/$1 [R]",
                false,
            ),
            (
                "RewriteCond %{HTTP:X-Forwarded-Proto} !https\nRewriteRule ^(.*)$ https://%{HTTP_HOST}$1 [R]",
                true,
            ),
            (
                "RewriteRule ^/(?!\\.well-known/)(.*)$ https://a.test/$1 [R]",
                true,
            ),
        ] {
            let found = rule(lines).is_some_and(|rule| rule.is_endless(&names, 443));
            assert_eq!(found, endless, "{lines}");
        }
        let elsewhere = rule("Redirect / https://a.test:8443/").unwrap();
        assert!(elsewhere.is_endless(&names, 8443));
    }
}
