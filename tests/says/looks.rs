//! What the page of `report --html` looks like in a browser: Debian's Chromium without a window, which says what it complains of
//! and what it asks for.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::files;
use crate::support::site::Site;
use crate::support::skip;

/// The green of a way that speaks TLS, by day and by night; `--good` in the style.
const GREEN: [[u8; 3]; 2] = [[0x1c, 0x70, 0x48], [0x6f, 0xcf, 0x9b]];
/// The paper; `--paper` there.
const PAPER: [[u8; 3]; 2] = [[0xff, 0xff, 0xff], [0x12, 0x18, 0x1e]];

/// Has the browser open a file. Nothing where there is none.
fn browser(page: &Path, arguments: &[&str]) -> Option<Output> {
    let mut command = Command::new("chromium-headless-shell");
    command
        .args([
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--enable-logging=stderr",
        ])
        .args(arguments)
        .arg(format!("file://{}", page.display()));
    match command.output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(output)
        }
        Err(_) => {
            skip("there is no chromium-headless-shell here; tests/run installs it");
            None
        }
    }
}

/// The page of a server with HTTPS, and the folder in which it is.
fn page() -> (Site, std::path::PathBuf) {
    let site = Site::new();
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    let file = site.beside("page.html");
    let name = file.display().to_string();
    site.run(&["report", "--html", &name, "--yes"])
        .run()
        .expect_code(0);
    (site, file)
}

#[test]
fn a_browser_shows_it_and_asks_for_nothing() {
    let (site, file) = page();
    let log = site.beside("net.json");
    let Some(shown) = browser(
        &file,
        &["--dump-dom", &format!("--log-net-log={}", log.display())],
    ) else {
        return;
    };
    let said = String::from_utf8_lossy(&shown.stderr);
    assert!(!said.contains("CONSOLE"), "{said}");
    let asked = fs::read_to_string(&log).expect("what it asked for");
    assert!(!asked.contains("\"url\":\"http"), "{asked}");
    let text = String::from_utf8_lossy(&shown.stdout);
    for words in [
        "esync.example.com",
        "Who answers",
        "What was changed",
        "read it before you give it",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_a_configuration_says_does_nothing_in_a_browser() {
    let site = Site::new();
    let hostile = "\n<VirtualHost *:80>\nServerName \"</title><script>document.title='gone'</script>\"\n\
                   ServerAlias \"<img src=http://127.0.0.1:9/x onerror=document.title='gone'>\"\n</VirtualHost>\n";
    fs::write(site.main(), site.text() + hostile).expect("the main file");
    let file = site.beside("page.html");
    let name = file.display().to_string();
    site.run(&["report", "--html", &name, "--yes"])
        .run()
        .expect_code(0);
    let log = site.beside("net.json");
    let Some(shown) = browser(
        &file,
        &["--dump-dom", &format!("--log-net-log={}", log.display())],
    ) else {
        return;
    };
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(
        !text.contains("<script") && !text.contains("<title>gone"),
        "{text}"
    );
    let said = String::from_utf8_lossy(&shown.stderr);
    assert!(!said.contains("CONSOLE"), "{said}");
    let asked = fs::read_to_string(&log).expect("what it asked for");
    assert!(!asked.contains("127.0.0.1:9"), "{asked}");
}

/// Red, green and blue of each point, line by line.
fn points(picture: &Path) -> Option<Vec<[u8; 3]>> {
    let Ok(plain) = Command::new("pngtopnm").arg(picture).output() else {
        skip("there is no pngtopnm here; tests/run installs it");
        return None;
    };
    // P6, width and height, the highest value: a line each.
    let mut parts = plain.stdout.splitn(4, |byte| *byte == b'\n');
    let bytes = parts.nth(3).expect("a picture");
    Some(
        bytes
            .chunks_exact(3)
            .map(|point| [point[0], point[1], point[2]])
            .collect(),
    )
}

#[test]
fn by_day_and_by_night_it_is_paper_with_green_ways() {
    let (_site, file) = page();
    let folder = files::folder();
    for (night, (green, paper)) in GREEN.into_iter().zip(PAPER).enumerate() {
        let picture = folder.path().join("page.png");
        let scheme = format!("--blink-settings=preferredColorScheme={}", 1 - night);
        let shot = format!("--screenshot={}", picture.display());
        if browser(&file, &[&scheme, &shot, "--window-size=1060,1500"]).is_none() {
            return;
        }
        let Some(points) = points(&picture) else { return };
        assert_eq!(points.len(), 1060 * 1500);
        let near = |wanted: [u8; 3]| {
            let is = |point: &&[u8; 3]| {
                point
                    .iter()
                    .zip(wanted)
                    .all(|(one, other)| one.abs_diff(other) < 12)
            };
            points.iter().filter(is).count() as f64 / points.len() as f64
        };
        // Mostly paper, some of it painted; the ways of TLS and the bars of what lives long are seen.
        assert!((0.5..0.97).contains(&near(paper)), "{night}: {}", near(paper));
        assert!((0.0005..0.05).contains(&near(green)), "{night}: {}", near(green));
    }
}

#[test]
fn it_is_printed_on_a_few_sheets() {
    let (site, file) = page();
    let sheets = site.beside("page.pdf");
    let print = format!("--print-to-pdf={}", sheets.display());
    if browser(&file, &[&print, "--no-pdf-header-footer"]).is_none() {
        return;
    }
    let bytes = fs::read(&sheets).expect("the sheets");
    let text = String::from_utf8_lossy(&bytes);
    let count = text.matches("/Type /Page\n").count();
    assert!((1..=6).contains(&count), "{count} sheets");
    // A4, in points.
    assert!(
        text.contains("/MediaBox [0 0 594.95996 841.91998]") || text.contains("/MediaBox [0 0 595"),
        "{count}"
    );
}
