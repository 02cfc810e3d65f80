//! The map: listeners, what answers behind them, and with which certificate, as one picture.

use maud::{Markup, html};

use super::frame::{fitting, tone};
use crate::cli::render::ways::{Alike, by_listener, left, over_http, worst};
use crate::operation::picture::Way;

/// Kinds of ways that are drawn; more would be no picture.
const MOST: usize = 40;
/// Rows of one figure: more have no room on a sheet of paper, where no figure breaks.
const ROWS: usize = 14;

const WIDTH: i32 = 800;
/// Left edge and width of the three columns.
const COLUMNS: [(i32, i32); 3] = [(1, 176), (216, 276), (531, 268)];
const BOX: i32 = 46;
const STEP: i32 = 58;

/// A box of the picture.
struct Block {
    column: usize,
    /// Its upper edge.
    y: i32,
    first: String,
    second: String,
    tone: &'static str,
}

/// A line between the middles of two boxes, by their upper edges; in which gap, and whether it is TLS.
struct Edge {
    gap: usize,
    from: i32,
    to: i32,
    tls: bool,
}

/// One listener with some of its kinds of ways, as they are drawn in one figure.
type Rows<'a, 'b> = Vec<&'b Alike<'a>>;

/// The pictures, of so many rows each as a sheet of paper takes; none where nothing listens.
pub fn map(ways: &[Way], clean: &dyn Fn(&str) -> String) -> Vec<Markup> {
    let listeners = by_listener(ways);
    let (figures, left_out) = figures(&listeners);
    let last = figures.len().saturating_sub(1);
    let drawn = figures.iter().enumerate().map(|(number, rows)| {
        let left_out = if number == last { left_out } else { 0 };
        figure(rows, clean, left_out)
    });
    drawn.collect()
}

/// What each figure shows, and how many kinds are in none. Those that somebody has to know of are in one.
fn figures<'a, 'b>(listeners: &'b [Vec<Alike<'a>>]) -> (Vec<Vec<Rows<'a, 'b>>>, usize) {
    let mut figures: Vec<Vec<Rows>> = Vec::new();
    let (mut rest, mut room, mut left_out) = (MOST, 0, 0);
    for kinds in listeners {
        let kept = worst(kinds, rest);
        let mut drawn = &kept[..];
        (rest, left_out) = (rest - drawn.len(), left_out + kinds.len() - drawn.len());
        while !drawn.is_empty() {
            if room == 0 {
                figures.push(Vec::new());
                room = ROWS;
            }
            let (first, more) = drawn.split_at(drawn.len().min(room));
            figures.last_mut().expect("one was begun").push(first.to_vec());
            (drawn, room) = (more, room - first.len());
        }
    }
    (figures, left_out)
}

fn figure(listeners: &[Rows], clean: &dyn Fn(&str) -> String, left_out: usize) -> Markup {
    let mut blocks: Vec<Block> = Vec::new();
    let mut edges: Vec<Edge> = Vec::new();
    let mut certificates: Vec<(String, i32)> = Vec::new();
    let mut row = 0;
    for kinds in listeners {
        let middle = (at(row) + at(row + kinds.len() - 1)) / 2;
        blocks.push(listener(kinds, middle));
        for kind in kinds {
            let y = at(row);
            row += 1;
            let tls = kind.one().tls;
            blocks.push(host(kind, y, clean));
            edges.push(Edge {
                gap: 0,
                from: middle,
                to: y,
                tls,
            });
            if !tls {
                continue;
            }
            let file = clean(&kind.shown());
            let known = certificates.iter().find(|(other, _)| *other == file);
            let to = known.map_or(y, |(_, place)| *place);
            if known.is_none() {
                certificates.push((file.clone(), y));
                blocks.push(Block {
                    column: 2,
                    y,
                    first: file,
                    second: until(kind),
                    tone: if kind.one().is_broken {
                        "bad"
                    } else {
                        tone(kind.one().urgency)
                    },
                });
            }
            edges.push(Edge {
                gap: 1,
                from: y,
                to,
                tls,
            });
        }
    }
    picture(&blocks, &edges, at(row), left_out)
}

/// The end of a certificate, in as few letters as there is room for.
fn until(kind: &Alike<'_>) -> String {
    let one = kind.one();
    match (one.not_after, one.rest) {
        (Some(end), Some(rest)) => format!("{}, {}", end.date(), left(rest)),
        _ => kind.until(),
    }
}

/// The upper edge of a row.
fn at(row: usize) -> i32 {
    30 + STEP * i32::try_from(row).unwrap_or_default()
}

fn listener(kinds: &[&Alike<'_>], y: i32) -> Block {
    let tls = kinds.iter().any(|kind| kind.one().tls);
    Block {
        column: 0,
        y,
        first: kinds[0].one().listener.clone(),
        second: if tls { "HTTPS" } else { "HTTP" }.into(),
        tone: if tls { "good" } else { "none" },
    }
}

fn host(kind: &Alike<'_>, y: i32, clean: &dyn Fn(&str) -> String) -> Block {
    let one = kind.one();
    Block {
        column: 1,
        y,
        first: clean(&kind.names()),
        second: if one.tls {
            over_http(one.over_http).to_owned()
        } else {
            kind.shown()
        },
        tone: match (one.tls, one.leads_to_https) {
            (true, _) if one.is_broken => "bad",
            (true, _) => "good",
            (false, true) => "note",
            (false, false) => "none",
        },
    }
}

fn picture(blocks: &[Block], edges: &[Edge], bottom: i32, left_out: usize) -> Markup {
    let titles = ["Who listens", "What answers", "With which certificate"];
    let view = format!("0 0 {WIDTH} {}", bottom);
    html! {
        figure {
            svg viewBox=(view) role="img" aria-label="Listeners, virtual hosts and certificates" {
                @for ((x, _), title) in COLUMNS.iter().zip(titles) {
                    text class="small" x=(x) y="14" { (title) }
                }
                @for edge in edges { (line(edge)) }
                @for block in blocks { (drawn(block)) }
            }
        }
        @if left_out > 0 {
            p class="soft" { (left_out) " more groups like these are not drawn; esync-ssl status lists all." }
        }
    }
}

fn line(edge: &Edge) -> Markup {
    let (left, width) = COLUMNS[edge.gap];
    let (from, to) = (left + width, COLUMNS[edge.gap + 1].0);
    let middle = (from + to) / 2;
    let [start, end] = [edge.from + BOX / 2, edge.to + BOX / 2];
    let path = format!("M{from} {start} C{middle} {start} {middle} {end} {to} {end}");
    html! { path class=(if edge.tls { "edge tls" } else { "edge" }) d=(path) {} }
}

fn drawn(block: &Block) -> Markup {
    let (x, width) = COLUMNS[block.column];
    // A letter takes about eight and a half of them.
    let most = usize::try_from((width - 24) * 2 / 17).unwrap_or_default();
    html! {
        g {
            title { (block.first) }
            rect class="box" x=(x) y=(block.y) width=(width) height=(BOX) rx="5" {}
            rect class=(block.tone) x=(x) y=(block.y) width="4" height=(BOX) rx="2" {}
            @if block.second.is_empty() {
                text class="strong" x=(x + 15) y=(block.y + 28) { (fitting(&block.first, most)) }
            } @else {
                text class="strong" x=(x + 15) y=(block.y + 20) { (fitting(&block.first, most)) }
                text class="small" x=(x + 15) y=(block.y + 37) { (fitting(&block.second, most + most / 5)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Place;
    use crate::renewal::Urgency;
    use time::Duration;
    use time::macros::datetime;

    fn way(listener: &str, file: &str) -> Way {
        Way {
            listener: listener.to_owned(),
            port: 443,
            names: vec![format!("{file}.test")],
            place: Some(Place::new("a.conf", Some(7))),
            tls: true,
            certificate: Some(file.into()),
            not_after: Some(datetime!(2026-06-01 0:00 UTC).into()),
            urgency: Some(Urgency::Over),
            rest: Some(Duration::days(-1820)),
            is_broken: false,
            over_http: None,
            leads_to_https: false,
        }
    }

    fn drawn(ways: &[Way]) -> String {
        let figures = map(ways, &|text| text.to_owned());
        figures.into_iter().map(|figure| figure.into_string()).collect()
    }

    #[test]
    fn addresses_and_days_are_whole() {
        let text = drawn(&[
            way("192.168.10.11:443", "a.crt"),
            way("[2001:db8::7]:443", "b.crt"),
        ]);
        for words in [
            ">192.168.10.11:443<",
            ">[2001:db8::7]:443<",
            ">2026-06-01, ended 1820 days ago<",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn many_are_figures_that_a_sheet_has_room_for_with_the_urgent_ones() {
        let mut many: Vec<Way> = (0..100)
            .map(|number| way("443", &format!("{number}.crt")))
            .collect();
        for way in &mut many {
            (way.urgency, way.rest) = (Some(Urgency::None), Some(Duration::days(300)));
        }
        many[90].is_broken = true;
        let text = drawn(&many);
        // 14, 14 and 12; who listens stands in each.
        assert_eq!(text.matches("<figure>").count(), 3, "{text}");
        assert_eq!(text.matches(">443<").count(), 2 * 3, "{text}");
        assert!(
            text.contains(">90.crt<") && text.contains("60 more groups"),
            "{text}"
        );
        // The virtual host and its certificate.
        assert_eq!(text.matches("class=\"bad\"").count(), 2, "{text}");
        let listeners: Vec<Way> = (0..20).map(|port| way(&port.to_string(), "a.crt")).collect();
        assert_eq!(drawn(&listeners).matches("<figure>").count(), 2);
        assert!(map(&[], &|text| text.to_owned()).is_empty());
    }
}
