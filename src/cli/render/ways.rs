//! Every way of clients through a configuration, for people. Ways that are alike are told together: there may be hundreds.

use std::fmt::Write as _;

use time::Duration;

use crate::change::OverHttp;
use crate::operation::picture::Way;
use crate::renewal::Urgency;
use crate::shown::cell;
use crate::wording::count;

/// So many names of a virtual host are shown.
const NAMED: usize = 3;
/// So many kinds of ways of one listener are shown.
const KINDS: usize = 20;

/// Of many kinds of ways, so many that somebody has to know of most: those whose certificate cannot be read, is over or ends soon.
/// They stay in their order.
pub fn worst<'a, 'b>(kinds: &'b [Alike<'a>], most: usize) -> Vec<&'b Alike<'a>> {
    let mut ranked: Vec<(usize, &Alike)> = kinds.iter().enumerate().collect();
    if kinds.len() > most {
        ranked.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.urgency()));
        ranked.truncate(most);
        ranked.sort_by_key(|(at, _)| *at);
    }
    ranked.into_iter().map(|(_, kind)| kind).collect()
}

/// Ways of one listener that are alike but for their names.
pub struct Alike<'a> {
    /// Each virtual host, in their order.
    pub ways: Vec<&'a Way>,
}

impl<'a> Alike<'a> {
    /// The first of them, which says what all have.
    pub fn one(&self) -> &'a Way {
        self.ways[0]
    }

    /// Who it is: the names of one virtual host, the first name of several.
    pub fn names(&self) -> String {
        let first = |way: &Way| match (way.names.first(), &way.place) {
            (Some(name), _) => cell(name),
            (None, Some(place)) => cell(&format!("virtual host without a name ({place})")),
            (None, None) => "main server".to_owned(),
        };
        let shown = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| cell(name)).collect();
            names.join(", ")
        };
        let names = match self.ways.as_slice() {
            [way] if way.names.len() > NAMED => {
                let more = count(way.names.len() - NAMED, "more name");
                format!("{} and {more}", shown(&way.names[..NAMED]))
            }
            [way] if !way.names.is_empty() => shown(&way.names),
            [way] => first(way),
            ways => format!(
                "{} and {}",
                first(ways[0]),
                count(ways.len() - 1, "more virtual host")
            ),
        };
        match self.one().place {
            None if !self.one().names.is_empty() => format!("{names} (main server)"),
            _ => names,
        }
    }

    /// With which certificate, or that it is plain.
    pub fn shown(&self) -> String {
        let one = self.one();
        match (&one.certificate, one.tls, one.leads_to_https) {
            (Some(file), _, _) => cell(file),
            (None, true, _) => "no certificate is named".into(),
            (None, false, true) => "leads to HTTPS".into(),
            (None, false, false) => "no TLS".into(),
        }
    }

    /// How urgent its certificate is; one that nobody can read keeps Apache from starting.
    fn urgency(&self) -> Option<Urgency> {
        let one = self.one();
        match one.is_broken {
            true => Some(Urgency::Over),
            false => one.urgency,
        }
    }

    /// Until when; empty without TLS.
    pub fn until(&self) -> String {
        let one = self.one();
        match (one.not_after, one.rest) {
            (Some(end), Some(rest)) => format!("until {} ({})", end.date(), left(rest)),
            _ if one.certificate.is_some() => "cannot be read".into(),
            _ => String::new(),
        }
    }
}

/// How long it is still, or since when not anymore.
pub fn left(rest: Duration) -> String {
    let span = |rest: Duration| match rest.whole_hours().unsigned_abs() {
        hours @ 0..48 => count(usize::try_from(hours).unwrap_or_default(), "hour"),
        hours => count(usize::try_from(hours / 24).unwrap_or_default(), "day"),
    };
    match rest.is_negative() {
        true => format!("ended {} ago", span(rest)),
        false => format!("{} left", span(rest)),
    }
}

/// How HTTP reaches a name, in words.
pub fn over_http(way: Option<OverHttp>) -> &'static str {
    match way {
        None => "",
        Some(OverHttp::Silent) => "no HTTP",
        Some(OverHttp::Redirected) => "HTTP leads here",
        Some(OverHttp::Other) => "HTTP shows another site",
        Some(OverHttp::Answered) => "HTTP answers as well",
    }
}

/// The ways of each listener, those together that are alike.
pub fn by_listener(ways: &[Way]) -> Vec<Vec<Alike<'_>>> {
    let mut listeners: Vec<Vec<Alike<'_>>> = Vec::new();
    for way in ways {
        let last = listeners.last_mut();
        let own = last.filter(|kinds| kinds[0].one().listener == way.listener);
        let Some(kinds) = own else {
            listeners.push(vec![Alike { ways: vec![way] }]);
            continue;
        };
        match kinds.iter_mut().find(|kind| are_alike(kind.one(), way)) {
            Some(kind) => kind.ways.push(way),
            None => kinds.push(Alike { ways: vec![way] }),
        }
    }
    listeners
}

fn are_alike(one: &Way, other: &Way) -> bool {
    let of = |way: &Way| (way.tls, way.over_http, way.leads_to_https, way.place.is_some());
    of(one) == of(other) && one.certificate == other.certificate
}

/// For people.
pub fn text(ways: &[Way]) -> String {
    let mut text = String::new();
    for kinds in by_listener(ways) {
        let tls = kinds.iter().any(|kind| kind.one().tls);
        let protocol = if tls { "HTTPS" } else { "HTTP" };
        let _ = writeln!(text, "  {} ({protocol})", kinds[0].one().listener);
        let rows: Vec<[String; 4]> = worst(&kinds, KINDS).into_iter().map(row).collect();
        let widths = [0, 1, 2].map(|at| rows.iter().map(|row| row[at].chars().count()).max());
        let widths = widths.map(|width| width.unwrap_or_default().min(60));
        for [who, shown, until, http] in &rows {
            let [first, second, third] = widths;
            let line = format!("    {who:first$}  {shown:second$}  {until:third$}  {http}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if let Some(more) = kinds.len().checked_sub(KINDS).filter(|more| *more > 0) {
            let _ = writeln!(
                text,
                "    and {more} more groups like these; all are in the list of virtual hosts"
            );
        }
    }
    match text.is_empty() {
        true => "  nothing listens\n".into(),
        false => text,
    }
}

fn row(kind: &Alike<'_>) -> [String; 4] {
    let http = over_http(kind.one().over_http).to_owned();
    [kind.names(), kind.shown(), kind.until(), http]
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn way(port: u16, names: &[&str], certificate: Option<&str>) -> Way {
        Way {
            listener: port.to_string(),
            port,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            place: Some(crate::finding::Place::new("a.conf", Some(7))),
            tls: certificate.is_some(),
            certificate: certificate.map(Into::into),
            not_after: certificate.map(|_| datetime!(2027-02-03 0:00 UTC).into()),
            urgency: None,
            rest: certificate.map(|_| Duration::days(65)),
            is_broken: false,
            over_http: certificate.map(|_| OverHttp::Redirected),
            leads_to_https: certificate.is_none(),
        }
    }

    #[test]
    fn the_picture_of_a_few_and_of_many() {
        let few = [
            way(443, &["a.test", "www.a.test"], Some("a.crt")),
            way(443, &["b.test"], Some("wild.crt")),
            way(80, &["a.test"], None),
        ];
        assert_eq!(
            text(&few),
            "  443 (HTTPS)\n    \
             a.test, www.a.test  a.crt     until 2027-02-03 (65 days left)  HTTP leads here\n    \
             b.test              wild.crt  until 2027-02-03 (65 days left)  HTTP leads here\n  \
             80 (HTTP)\n    \
             a.test  leads to HTTPS\n"
        );
        let names: Vec<String> = (0..400).map(|number| format!("h{number}.test")).collect();
        let many: Vec<Way> = names
            .iter()
            .map(|name| way(443, &[name], Some("wild.crt")))
            .collect();
        assert_eq!(
            text(&many),
            "  443 (HTTPS)\n    h0.test and 399 more virtual hosts  wild.crt  \
             until 2027-02-03 (65 days left)  HTTP leads here\n"
        );
        assert_eq!(text(&[]), "  nothing listens\n");
        let nameless = [
            way(80, &[], None),
            Way {
                place: None,
                ..way(80, &["m.test"], None)
            },
        ];
        let told = text(&nameless);
        assert!(told.contains("virtual host without a name (a.conf:7)"), "{told}");
        assert!(told.contains("m.test (main server)"), "{told}");
    }

    #[test]
    fn of_many_groups_the_urgent_ones_are_told() {
        let files: Vec<String> = (0..100).map(|number| format!("{number}.crt")).collect();
        let mut many: Vec<Way> = files.iter().map(|file| way(443, &[file], Some(file))).collect();
        many[70].urgency = Some(Urgency::Over);
        many[90].is_broken = true;
        let told = text(&many);
        assert!(told.contains("70.crt") && told.contains("90.crt"), "{told}");
        assert!(
            told.contains("17.crt") && !told.contains("18.crt") && told.contains("80 more groups"),
            "{told}"
        );
    }

    #[test]
    fn lives_in_words() {
        assert_eq!(left(Duration::hours(47)), "47 hours left");
        assert_eq!(left(Duration::days(-3)), "ended 3 days ago");
    }
}
