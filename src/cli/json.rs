//! JSON as it is printed: in lines, with nothing in it that could steer a terminal, and with commands that can be typed.

use std::io::{self, BufWriter, Write};

use serde_json::Serializer;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

use super::advice::Advice;
use crate::shown::deceives;

/// In lines, with a line end behind it.
///
/// # Errors
/// Those of writing.
pub fn write(out: &mut dyn Write, value: &impl serde::Serialize, advice: &Advice) -> io::Result<()> {
    // Of one type, wherever it leads: every document is compiled for each.
    let mut out = BufWriter::new(out);
    let mut serializer = Serializer::with_formatter(&mut out, Told::new(advice));
    value.serialize(&mut serializer)?;
    writeln!(out)?;
    out.flush()
}

/// The same as a text.
pub fn text(value: &impl serde::Serialize, advice: &Advice) -> String {
    let mut text = Vec::new();
    // Memory takes all of it.
    let _ = write(&mut text, value, advice);
    String::from_utf8_lossy(&text).into_owned()
}

/// On one line, in which nothing deceives the eye, with a line end behind it. What proposes commands stays as it is.
pub fn line(value: &impl serde::Serialize) -> String {
    let plain = serde_json::to_string(value).unwrap_or_default();
    let mut line = Vec::with_capacity(plain.len() + 1);
    // Whatever deceives stands in a string; memory takes all of it.
    let _ = Told::escaped(&mut line, &plain);
    line.push(b'\n');
    String::from_utf8_lossy(&line).into_owned()
}

/// The fields that propose commands, wherever they are. Messages are completed by whoever says them.
const ADVICE: [&str; 2] = ["fix", "trouble"];

/// JSON in lines, in which what deceives the eye is escaped: programs read the same, and a terminal is not steered. What
/// proposes commands is completed.
struct Told<'a> {
    lines: PrettyFormatter<'static>,
    advice: &'a Advice,
    /// The key that is written, or whose value is.
    key: String,
    in_key: bool,
    /// What a string of advice says so far; nothing in any other string.
    said: Option<String>,
}

impl Told<'_> {
    fn new(advice: &Advice) -> Told<'_> {
        Told {
            lines: PrettyFormatter::default(),
            advice,
            key: String::new(),
            in_key: false,
            said: None,
        }
    }

    fn escaped<W: ?Sized + Write>(out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(deceives) {
            out.write_all(&rest.as_bytes()[..at])?;
            let mut characters = rest[at..].chars();
            for unit in characters.next().unwrap_or_default().encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

/// What is left to the formatter inside.
macro_rules! as_usual {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $kind)*) -> io::Result<()> {
            self.lines.$name(out $(, $argument)*)
        })*
    };
}

impl Formatter for Told<'_> {
    as_usual! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_value();
        end_object_value();
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.in_key = true;
        self.key.clear();
        self.lines.begin_object_key(out, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.in_key = false;
        self.lines.end_object_key(out)
    }

    fn begin_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if !self.in_key && ADVICE.contains(&self.key.as_str()) {
            self.said = Some(String::new());
        }
        self.lines.begin_string(out)
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if self.in_key {
            self.key.push_str(fragment);
        }
        match &mut self.said {
            Some(said) => said.push_str(fragment),
            None => Told::escaped(out, fragment)?,
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, out: &mut W, escape: CharEscape) -> io::Result<()> {
        let Some(said) = &mut self.said else {
            return self.lines.write_char_escape(out, escape);
        };
        said.push(match escape {
            CharEscape::Quote => '"',
            CharEscape::ReverseSolidus => '\\',
            CharEscape::Solidus => '/',
            CharEscape::Backspace => '\u{8}',
            CharEscape::FormFeed => '\u{c}',
            CharEscape::LineFeed => '\n',
            CharEscape::CarriageReturn => '\r',
            CharEscape::Tab => '\t',
            CharEscape::AsciiControl(byte) => char::from(byte),
        });
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if let Some(said) = self.said.take() {
            let json = serde_json::to_string(&self.advice.complete(&said))?;
            Told::escaped(out, &json[1..json.len() - 1])?;
        }
        self.lines.end_string(out)
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[test]
    fn commands_are_completed_where_they_are_proposed() {
        let advice = Advice::new(r#" --root "C:\my x""#.into());
        let value = serde_json::json!({
            "cause": "esync-ssl check", "fix": "a\t\"b\": esync-ssl check.", "notes": [{ "trouble": "esync-ssl lint" }],
            "title": "esync-ssl lint"
        });
        let mut bytes = Vec::new();
        write(&mut bytes, &value, &advice).unwrap();
        let told: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let expected = serde_json::json!({
            "cause": "esync-ssl check", "fix": "a\t\"b\": esync-ssl check --root \"C:\\my x\".",
            "notes": [{ "trouble": "esync-ssl lint --root \"C:\\my x\"" }], "title": "esync-ssl lint"
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn json_says_the_same_without_what_deceives() {
        let texts: Vec<String> = (0..=0x10_ffff_u32)
            .filter_map(char::from_u32)
            .filter(|c| deceives(*c) || c.is_ascii())
            .map(|c| format!("a{c}ü"))
            .collect();
        let (mut bytes, advice) = (Vec::new(), Advice::default());
        let value = serde_json::json!({ "t\u{9b}": texts, "n": [], "o": {} });
        let mut serializer = Serializer::with_formatter(&mut bytes, Told::new(&advice));
        value.serialize(&mut serializer).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && deceives(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        let plain = serde_json::json!({ "a": [1, { "b": "ü\n" }], "c": null });
        let mut bytes = Vec::new();
        plain
            .serialize(&mut Serializer::with_formatter(&mut bytes, Told::new(&advice)))
            .unwrap();
        assert_eq!(bytes, serde_json::to_string_pretty(&plain).unwrap().into_bytes());
    }
}
