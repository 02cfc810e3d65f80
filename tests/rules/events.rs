//! docs/renewal.md has every event with its number and level: monitoring matches them, and they never change.

use std::fs;
use std::path::Path;

use esync_ssl::server::system_events::Event;

#[test]
fn the_table_of_events_is_that_of_the_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/renewal.md");
    let page = fs::read_to_string(page).expect("the page");
    let rows: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with("| 1"))
        .filter_map(|line| line.split_once(": ").map(|(row, _)| row.to_owned()))
        .collect();
    let known = Event::ALL.iter().map(|(event, word)| {
        let level = event.loudness().word().to_lowercase();
        format!("| {} | {level} | `{word}`", event.id())
    });
    assert_eq!(rows, known.collect::<Vec<String>>());
}
