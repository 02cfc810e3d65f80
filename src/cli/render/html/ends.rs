//! Lives of certificates as bars on one axis of time.

use maud::{Markup, html};
use time::{Date, Duration, Month, OffsetDateTime};

use super::frame::fitting;

/// Bars that are drawn; those that end first.
const MOST: usize = 60;
/// Bars of one figure, which breaks on no sheet of paper.
const ROWS: usize = 14;

const WIDTH: i32 = 800;
/// Where the axis begins and ends.
const LEFT: i32 = 240;
const RIGHT: i32 = 790;
const STEP: i32 = 30;
const TOP: i32 = 34;

/// One certificate.
pub struct Bar {
    /// What it is called.
    pub name: String,
    /// Its first moment.
    pub from: OffsetDateTime,
    /// Its last moment.
    pub to: OffsetDateTime,
    /// How it is painted.
    pub tone: &'static str,
    /// What is said of its end.
    pub words: String,
}

/// A stretch of time that is drawn from the left to the right.
struct Axis {
    from: OffsetDateTime,
    to: OffsetDateTime,
}

impl Axis {
    /// Around now, as long as these bars last; what lies far away is cut off.
    fn of(bars: &[Bar], now: OffsetDateTime) -> Axis {
        let first = bars.iter().map(|bar| bar.from).min().unwrap_or(now);
        let last = bars.iter().map(|bar| bar.to).max().unwrap_or(now);
        let (most, least) = (Duration::days(3 * 366), Duration::days(30));
        let ended = bars.iter().map(|bar| bar.to).min().unwrap_or(now).min(now);
        let past = (now - first.max(ended - least)).clamp(least, most / 3);
        let future = (last - now + Duration::days(14)).clamp(Duration::days(60), most);
        Axis {
            from: now.checked_sub(past).unwrap_or(now),
            to: now.checked_add(future).unwrap_or(now),
        }
    }

    fn x(&self, moment: OffsetDateTime) -> i32 {
        let whole = (self.to - self.from).whole_minutes().max(1);
        let part = (moment - self.from).whole_minutes().clamp(0, whole);
        let width = i64::from(RIGHT - LEFT);
        LEFT + i32::try_from(part * width / whole).unwrap_or_default()
    }

    /// First days of months, at most a dozen, with what stands beside each.
    fn ticks(&self) -> Vec<(OffsetDateTime, String)> {
        let months = (self.to - self.from).whole_days() / 30;
        let step = [1, 2, 3, 6, 12].into_iter().find(|step| months / step <= 11);
        let step = u8::try_from(step.unwrap_or(12)).unwrap_or(12);
        let mut ticks = Vec::new();
        let (mut year, mut month) = (self.from.year(), u8::from(self.from.month()));
        loop {
            month += 1;
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
            let day = Month::try_from(month).and_then(|month| Date::from_calendar_date(year, month, 1));
            let Ok(day) = day else { return ticks };
            let moment = day.midnight().assume_utc();
            if moment >= self.to {
                return ticks;
            }
            if (month - 1).is_multiple_of(step) {
                let name = &day.month().to_string()[..3];
                let label = match month {
                    1 => format!("{name} {year}"),
                    _ => name.to_owned(),
                };
                ticks.push((moment, label));
            }
        }
    }
}

/// The picture, of figures that have room on a sheet of paper each; nothing without bars.
pub fn ends(bars: &[Bar], now: OffsetDateTime) -> Option<Markup> {
    let drawn = &bars[..bars.len().min(MOST)];
    if drawn.is_empty() {
        return None;
    }
    let axis = Axis::of(drawn, now);
    Some(html! {
        @for bars in drawn.chunks(ROWS) { (figure(bars, &axis, now)) }
        @if bars.len() > drawn.len() {
            p class="soft" { "The " (drawn.len()) " that end first of " (bars.len()) "." }
        }
    })
}

fn figure(bars: &[Bar], axis: &Axis, now: OffsetDateTime) -> Markup {
    let bottom = TOP + STEP * i32::try_from(bars.len()).unwrap_or_default();
    let view = format!("0 0 {WIDTH} {}", bottom + 8);
    let today = axis.x(now);
    html! {
        figure {
            svg viewBox=(view) role="img" aria-label="Lives of certificates" {
                @for (moment, label) in axis.ticks() {
                    @let x = axis.x(moment);
                    line class="axis" x1=(x) x2=(x) y1="20" y2=(bottom) {}
                    // Beside today's word nothing else is readable.
                    @if (x - today).abs() > 52 {
                        text class="small" x=(x) y="14" text-anchor="middle" { (label) }
                    }
                }
                @for (row, bar) in (0..).zip(bars) { (drawn_bar(bar, TOP + STEP * row, axis, now)) }
                line class="today" x1=(today) x2=(today) y1="20" y2=(bottom) {}
                text class="small strong" x=(today) y="14" text-anchor="middle" { "today" }
            }
        }
    }
}

fn drawn_bar(bar: &Bar, y: i32, axis: &Axis, now: OffsetDateTime) -> Markup {
    let [from, today, to] =
        [bar.from, now.clamp(bar.from.min(bar.to), bar.to), bar.to].map(|moment| axis.x(moment));
    // What is said stands inside where it fits, else beside the bar.
    let width = i32::try_from(bar.words.chars().count()).unwrap_or_default() * 7;
    let (x, anchor) = match () {
        () if to + width + 8 < RIGHT + 10 => (to + 8, "start"),
        () => (RIGHT - 4, "end"),
    };
    html! {
        g {
            title { (bar.name) ": " (bar.words) }
            text x="0" y=(y + 15) { (fitting(&bar.name, 32)) }
            rect class={ (bar.tone) " gone" } x=(from) y=(y + 4) width=((today - from).max(0)) height="8" rx="2" {}
            rect class=(bar.tone) x=(today) y=(y + 4) width=((to - today).max(2)) height="8" rx="2" {}
            text class="small" x=(x) y=(if anchor == "end" { y + 24 } else { y + 12 }) text-anchor=(anchor) { (bar.words) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn bar(from: OffsetDateTime, to: OffsetDateTime) -> Bar {
        Bar {
            name: "a.test".into(),
            from,
            to,
            tone: "good",
            words: "until then".into(),
        }
    }

    #[test]
    fn any_life_has_its_place() {
        let now = datetime!(2026-11-30 12:00 UTC);
        for (from, to) in [
            (datetime!(2026-11-01 0:00 UTC), datetime!(2027-01-30 0:00 UTC)),
            (datetime!(1970-01-01 0:00 UTC), datetime!(9999-12-31 0:00 UTC)),
            (datetime!(2026-11-30 0:00 UTC), datetime!(2026-12-01 0:00 UTC)),
            // The wrong way around, and over for long.
            (datetime!(2028-01-01 0:00 UTC), datetime!(2027-01-01 0:00 UTC)),
            (datetime!(2010-01-01 0:00 UTC), datetime!(2011-01-01 0:00 UTC)),
        ] {
            let bars = [bar(from, to)];
            let axis = Axis::of(&bars, now);
            assert!(axis.from < now && now < axis.to);
            let ticks = axis.ticks().len();
            assert!((1..=13).contains(&ticks), "{ticks}");
            let text = ends(&bars, now).expect("a picture").into_string();
            assert!(!text.contains("width=\"-"), "{text}");
        }
        assert!(ends(&[], now).is_none());
    }
}
