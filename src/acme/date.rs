//! Dates of HTTP headers (RFC 9110, 5.6.7), and how long `Retry-After` asks to wait.

use std::time::Duration;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::transport::Reply;

/// `Sun, 06 Nov 1994 08:49:37 GMT`, which everybody sends.
const FIXED: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
/// `Sun Nov  6 08:49:37 1994`, which C programs sent.
const OF_C: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
);

/// A date as HTTP writes it.
pub(super) fn http_date(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    let read = |form| PrimitiveDateTime::parse(text, form).ok();
    read(FIXED)
        .or_else(|| read(OF_C))
        .map(PrimitiveDateTime::assume_utc)
}

/// When an answer was made, by the clock of the CA.
pub(super) fn of_reply(reply: &Reply) -> Option<OffsetDateTime> {
    reply.header("date").and_then(http_date)
}

/// How long the CA wants us to wait, at most as many seconds as a `u32` holds. A date is compared with the CA's own clock
/// where the answer has one, else with `now`.
pub(super) fn retry_after(reply: &Reply, now: OffsetDateTime) -> Option<Duration> {
    let text = reply.header("retry-after")?.trim();
    let most = u64::from(u32::MAX);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(most).min(most)));
    }
    let wait = http_date(text)? - of_reply(reply).unwrap_or(now);
    let seconds = u64::try_from(wait.whole_seconds()).unwrap_or(0);
    Some(Duration::from_secs(seconds.min(most)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn wait(headers: &[(&str, &str)]) -> Option<u64> {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        let reply = Reply {
            headers,
            ..Reply::default()
        };
        retry_after(&reply, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_read() {
        assert_eq!(wait(&[("retry-after", " 120 ")]), Some(120));
        assert_eq!(wait(&[("retry-after", "0")]), Some(0));
        assert_eq!(
            wait(&[("retry-after", "99999999999999999999999")]),
            Some(4_294_967_295)
        );
        assert_eq!(
            wait(&[("retry-after", "Sun, 01 Mar 2026 12:01:00 GMT")]),
            Some(60)
        );
        assert_eq!(wait(&[("retry-after", "Sun Mar  1 12:01:00 2026")]), Some(60));
        assert_eq!(wait(&[("retry-after", "Sun, 01 Mar 2026 11:00:00 GMT")]), Some(0));
        let theirs = ("date", "Sun, 01 Mar 2026 13:00:00 GMT");
        assert_eq!(
            wait(&[("retry-after", "Sun, 01 Mar 2026 13:00:30 GMT"), theirs]),
            Some(30)
        );
    }

    #[test]
    fn nonsense_is_no_wait() {
        for text in ["", "-1", "soon", "1.5", "Sun, 99 Mar 2026 12:01:00 GMT", "+5"] {
            assert_eq!(wait(&[("retry-after", text)]), None, "{text}");
        }
        assert_eq!(wait(&[]), None);
    }
}
