//! The map: listeners, what answers behind them, and with which certificate, as one picture.

use maud::{Markup, html};

use super::frame::{fitting, tone};
use crate::cli::render::ways::{Alike, by_listener, over_http};
use crate::operation::picture::Way;

/// Kinds of ways that are drawn; more would be no picture.
const MOST: usize = 40;

const WIDTH: i32 = 800;
/// Left edge and width of the three columns.
const COLUMNS: [(i32, i32); 3] = [(1, 104), (155, 330), (535, 264)];
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

/// The picture; nothing where nothing listens.
pub fn map(ways: &[Way], clean: &dyn Fn(&str) -> String) -> Option<Markup> {
    let listeners = by_listener(ways);
    let mut blocks: Vec<Block> = Vec::new();
    let mut edges: Vec<Edge> = Vec::new();
    let mut certificates: Vec<(String, i32)> = Vec::new();
    let (mut row, mut left_out) = (0, 0);
    for kinds in &listeners {
        let drawn = kinds.len().min(MOST.saturating_sub(row));
        left_out += kinds.len() - drawn;
        if drawn == 0 {
            continue;
        }
        let top = at(row);
        let middle = (top + at(row + drawn - 1)) / 2;
        blocks.push(listener(kinds, middle));
        for kind in &kinds[..drawn] {
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
                    second: kind.until(),
                    tone: tone(kind.one().urgency),
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
    (row > 0).then(|| picture(&blocks, &edges, at(row), left_out))
}

/// The upper edge of a row.
fn at(row: usize) -> i32 {
    30 + STEP * i32::try_from(row).unwrap_or_default()
}

fn listener(kinds: &[Alike<'_>], y: i32) -> Block {
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
            p class="soft" { (left_out) " more kinds are not drawn; esync-ssl status lists all." }
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
