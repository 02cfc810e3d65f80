//! What all pages have: head, style, parts with a title each, and the last line.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::operation::report::Section;
use crate::renewal::Urgency;
use crate::shown::printable;

/// Nothing is loaded, run or sent, whatever else the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A part of a page.
pub struct Part {
    /// What it is about.
    pub title: &'static str,
    /// How many things it tells of, and what one of them is called.
    pub count: (usize, &'static str),
    /// What stands below its title.
    pub body: Markup,
}

/// A page, and what is in it.
pub struct Whole {
    /// The bytes of the file.
    pub text: String,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// Puts a page together; `top` stands above all parts.
pub fn whole(title: &str, top: &Markup, parts: &[Part], now: OffsetDateTime) -> Whole {
    let style = PreEscaped(include_str!("style.css"));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (style) }
            }
            body {
                header { h1 { (title) } (top) }
                main {
                    @for part in parts {
                        section { h2 { (part.title) } (part.body) }
                    }
                }
                footer {
                    p {
                        "Made by esync-ssl " (env!("CARGO_PKG_VERSION")) " on " (moment(now)) ". This page loads nothing and \
                         runs no script. There are no keys and pass-phrases in it, but names, files and addresses: read it \
                         before you give it to others."
                    }
                }
            }
        }
    };
    Whole {
        // What reached the page on any way: nothing in it turns the direction of text, or stands there unseen.
        text: printable(page.into_string().as_bytes()),
        sections: parts
            .iter()
            .map(|part| Section::counted(part.title, part.count, &part.body.0))
            .collect(),
    }
}

/// Day, time and zone.
pub fn moment(now: OffsetDateTime) -> String {
    let form = format_description!(
        "[year]-[month]-[day] [hour]:[minute] [offset_hour sign:mandatory]:[offset_minute]"
    );
    now.format(form).unwrap_or_default()
}

/// How something is painted that is so urgent.
pub fn tone(urgency: Option<Urgency>) -> &'static str {
    match urgency {
        None => "none",
        Some(Urgency::None) => "good",
        Some(Urgency::Notice) => "note",
        Some(Urgency::Warning) => "warn",
        Some(Urgency::Error | Urgency::Over) => "bad",
    }
}

/// A text of at most so many characters, of which the end counts more than the middle: paths and names differ there.
pub fn fitting(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let start = most / 3;
    let end = most - start - 1;
    let first: String = text.chars().take(start).collect();
    let last: String = text.chars().skip(length - end).collect();
    format!("{first}…{last}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn long_texts_keep_both_ends() {
        assert_eq!(fitting("abc", 3), "abc");
        assert_eq!(fitting("conf/ssl/a-very-long-name.crt", 12), "conf…ame.crt");
    }

    #[test]
    fn what_others_wrote_is_text() {
        let hostile = "</title><script>alert(1)</script>\u{202e}\u{0}";
        let parts = [Part {
            title: "Part",
            count: (1, "thing"),
            body: html! { p title=(hostile) { (hostile) } },
        }];
        let page = whole(hostile, &html! {}, &parts, datetime!(2027-01-02 3:04 UTC));
        assert!(!page.text.contains("<script"), "{}", page.text);
        assert!(page.text.contains("&lt;script&gt;"));
        assert!(page.text.contains("\\xe2\\x80\\xae\\x00"));
        assert!(page.text.contains("2027-01-02 03:04 +00:00"));
    }
}
