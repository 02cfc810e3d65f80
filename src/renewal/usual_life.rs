//! How long the certificates of known authorities live: data, with the day since when, in `usual_lives.txt`.

use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

/// How long a certificate lives that the authority of this directory makes now; nothing where that is not known.
pub fn usual_life(directory: &str, profile: Option<&str>, now: OffsetDateTime) -> Option<Duration> {
    let all = include_str!("usual_lives.txt").lines().filter_map(line);
    let its =
        all.filter(|one| one.directory == directory && one.profile == profile && one.since <= now.date());
    its.max_by_key(|one| one.since).map(|one| one.life)
}

struct UsualLife<'t> {
    directory: &'t str,
    profile: Option<&'t str>,
    since: Date,
    life: Duration,
}

fn line(text: &str) -> Option<UsualLife<'_>> {
    let mut words = text.split_ascii_whitespace();
    let mut word = || words.next().filter(|word| !word.starts_with('#'));
    let (directory, profile) = (word()?, word()?);
    Some(UsualLife {
        directory,
        profile: (profile != "-").then_some(profile),
        since: Date::parse(word()?, format_description!("[year]-[month]-[day]")).ok()?,
        life: Duration::hours(word()?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

    #[test]
    fn every_line_is_understood() {
        let text = include_str!("usual_lives.txt");
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        assert!(lines.map(line).all(|one| one.is_some()));
    }

    #[test]
    fn it_is_that_of_the_day() {
        let days = |at, profile| usual_life(LETS_ENCRYPT, profile, at).map(Duration::whole_days);
        assert_eq!(days(datetime!(2026-12-01 0:00 UTC), None), Some(90));
        assert_eq!(days(datetime!(2027-02-10 0:00 UTC), None), Some(64));
        assert_eq!(days(datetime!(2031-01-01 0:00 UTC), Some("classic")), Some(45));
        assert_eq!(days(datetime!(2026-12-01 0:00 UTC), Some("shortlived")), Some(6));
        assert_eq!(days(datetime!(2026-12-01 0:00 UTC), Some("unheard-of")), None);
        assert_eq!(
            usual_life("https://ca.example/dir", None, datetime!(2026-12-01 0:00 UTC)),
            None
        );
    }
}
