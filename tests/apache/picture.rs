//! What is on the screen of a terminal, as a picture.

use std::num::NonZeroU16;

use anstyle_svg::Term;

/// Lines of the screen: nothing that is shown scrolls off it.
const LINES: u16 = 1000;

/// The picture (SVG) of what a program wrote to a terminal of so many columns.
pub fn of_terminal(written: &str, columns: u16) -> String {
    let mut terminal = vt100::Parser::new(size(LINES), size(columns), 0);
    terminal.process(written.as_bytes());
    let screen = terminal.screen();
    let rows: Vec<String> = screen.rows_formatted(0, columns).collect();
    let plain: Vec<String> = screen.rows(0, columns).collect();
    let used = plain
        .iter()
        .rposition(|row| !row.trim().is_empty())
        .map_or(0, |last| last + 1);
    // Blanks at an end are what progress was wiped out with, where there was time to show any.
    let rows: Vec<&str> = rows[..used].iter().map(|row| row.trim_end()).collect();
    // Each row begins without colours.
    let text = rows.join("\x1b[0m\n");
    Term::new().render_svg(&text)
}

fn size(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a size")
}

#[test]
fn what_was_overwritten_is_not_in_it() {
    let picture = of_terminal("one\r\ntwo\x1b[1A\r\x1b[2Ktree \x1b[32mgreen\x1b[0m\r\n\r\n", 20);
    assert!(
        picture.contains("tree") && picture.contains("green") && picture.contains("two"),
        "{picture}"
    );
    assert!(!picture.contains("one"), "{picture}");
    assert_eq!(of_terminal("done\r\n", 20), of_terminal("wait \rdone  \r\n", 20));
}
