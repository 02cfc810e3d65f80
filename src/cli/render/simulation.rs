//! Renewals of years to come, for people.

use std::fmt::Write as _;

use crate::operation::simulate::Report;
use crate::place::Moment;
use crate::shown::cell;
use crate::wording::count;

/// Each certificate, with its renewals year by year.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    if report.simulated.is_empty() {
        text += "No certificate was ordered by this program: there is nothing to simulate.\n";
    }
    for one in &report.simulated {
        let renewed = count(one.renewals.len(), "time");
        let failed = match one.failed_count {
            0 => String::new(),
            failed => format!("; {} would fail", count(failed, "attempt")),
        };
        let _ = writeln!(
            text,
            "{}: {}\n  renewed {renewed} until {}{failed}",
            cell(&one.name),
            one.outlook,
            report.until.date()
        );
        text += &by_year(&one.renewals);
        for late in &one.too_late {
            let until = late
                .until
                .map_or("the end".to_owned(), |until| until.date().to_string());
            let _ = writeln!(
                text,
                "  TOO LATE: it would be over from {} to {until}",
                late.from.date()
            );
        }
    }
    text
}

fn by_year(renewals: &[Moment]) -> String {
    let mut text = String::new();
    for year in renewals.chunk_by(|one, next| one.date().year() == next.date().year()) {
        let days = year.iter().map(|one| {
            let date = one.date();
            format!("{:02}-{:02}", u8::from(date.month()), date.day())
        });
        let days: Vec<String> = days.collect();
        let _ = writeln!(text, "  {}: {}", year[0].date().year(), days.join(" "));
    }
    text
}
