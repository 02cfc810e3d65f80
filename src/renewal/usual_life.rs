//! How long certificates live: data, with the day since when, in `usual_lives.txt`.

use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

/// What stands for the directory of every public authority.
const PUBLIC: &str = "public";

/// How long a certificate lives that the authority of this directory makes now; nothing where that is not known.
pub fn usual_life(directory: &str, profile: Option<&str>, now: OffsetDateTime) -> Option<Duration> {
    let its = lives(directory, profile).filter(|one| one.since <= now.date());
    its.max_by_key(|one| one.since).map(|one| one.life)
}

/// The next day from which certificates of public authorities live shorter, and how long at most; nothing after the last.
pub fn next_shortening(today: Date) -> Option<(Date, Duration)> {
    let coming = lives(PUBLIC, None).filter(|one| one.since > today);
    coming
        .min_by_key(|one| one.since)
        .map(|one| (one.since, one.life))
}

fn lives<'a>(directory: &'a str, profile: Option<&'a str>) -> impl Iterator<Item = UsualLife<'static>> + 'a {
    let all = include_str!("usual_lives.txt").lines().filter_map(line);
    all.filter(move |one| one.directory == directory && one.profile == profile)
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
    use time::macros::{date, datetime};

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

    #[test]
    fn lives_get_shorter_step_by_step() {
        assert_eq!(
            next_shortening(date!(2026 - 11 - 30)),
            Some((date!(2027 - 03 - 15), Duration::days(100)))
        );
        assert_eq!(
            next_shortening(date!(2027 - 03 - 15)),
            Some((date!(2029 - 03 - 15), Duration::days(47)))
        );
        assert_eq!(next_shortening(date!(2030 - 01 - 01)), None);
    }
}
