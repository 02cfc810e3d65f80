//! The arguments of `explain`.

use camino::Utf8PathBuf;
use clap::Args;

use time::macros::format_description;
use time::{Date, Duration, PrimitiveDateTime, Time};

use super::examples;
use super::help::{MORE, epilogue};
use super::options::{READS, exit_statuses};
use crate::operation::explain::Since;

/// Say why Apache did not start, from its error logs.
///
/// Reads every error log that the configuration uses, from the last start on, puts together what is about one thing,
/// and gives each known message its cause and what to do. Certificates and keys that a message names are looked at.
/// Messages that are not known are shown as they are.
#[derive(Debug, Args)]
#[command(after_help = MORE, after_long_help = epilogue(examples::EXPLAIN, exit_statuses(READS)))]
pub struct Explain {
    /// Log file to read instead of those of the configuration; `-` is the standard input
    #[arg(value_name = "FILE")]
    pub file: Option<Utf8PathBuf>,
    /// Everything since then instead of the last start: `30m`, `2h`, `1d`, `2026-03-02`, `2026-03-02 06:45`
    #[arg(long, value_name = "TIME", value_parser = parse_since)]
    pub since: Option<Since>,
}

/// A moment as people type it.
///
/// # Errors
/// How it is to be typed.
pub fn parse_since(text: &str) -> Result<Since, String> {
    let not = || "give a time such as 30m, 2h, 1d, 2026-03-02 or \"2026-03-02 06:45\"".to_string();
    if let Some((number, unit)) = text.split_at_checked(text.len().saturating_sub(1))
        && let Ok(number) = number.parse::<u32>()
        && let Some(seconds) = [("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
            .iter()
            .find_map(|(name, seconds)| (*name == unit).then_some(*seconds))
    {
        return Ok(Since::Ago(Duration::seconds(i64::from(number) * seconds)));
    }
    let text = text.replace('T', " ");
    let (date, time) = text.split_once(' ').unwrap_or((&text, "00:00"));
    let date = Date::parse(date, format_description!("[year]-[month]-[day]")).map_err(|_| not())?;
    let time = Time::parse(time, format_description!("[hour]:[minute]:[second]"))
        .or_else(|_| Time::parse(time, format_description!("[hour]:[minute]")))
        .map_err(|_| not())?;
    Ok(Since::At(PrimitiveDateTime::new(date, time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_words_of_people() {
        assert_eq!(parse_since("2h"), Ok(Since::Ago(Duration::hours(2))));
        let at = |hour, minute| {
            PrimitiveDateTime::new(
                time::macros::date!(2026 - 03 - 02),
                Time::from_hms(hour, minute, 0).unwrap(),
            )
        };
        assert_eq!(parse_since("2026-03-02"), Ok(Since::At(at(0, 0))));
        assert_eq!(parse_since("2026-03-02T06:45"), Ok(Since::At(at(6, 45))));
        for bad in ["", "h", "x", "2026-13-01", "5w", "ä"] {
            assert!(parse_since(bad).is_err(), "{bad}");
        }
    }
}
