//! JSON as it is printed: in lines, and with nothing in it that could steer a terminal.

use std::io::{self, Write};

use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::shown::deceives;

/// In lines, with a line end behind it.
///
/// # Errors
/// Those of writing.
pub fn write(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Escaping::default());
    value.serialize(&mut serializer)?;
    writeln!(out)?;
    out.flush()
}

/// The same as a text.
pub fn text(value: &impl serde::Serialize) -> String {
    let mut text = Vec::new();
    // Memory takes all of it.
    let _ = write(&mut text, value);
    String::from_utf8_lossy(&text).into_owned()
}

/// JSON in lines, in which what deceives the eye is escaped: programs read the same, and a terminal is not steered.
#[derive(Default)]
struct Escaping(PrettyFormatter<'static>);

/// What is left to the formatter inside.
macro_rules! as_usual {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $kind)*) -> io::Result<()> {
            self.0.$name(out $(, $argument)*)
        })*
    };
}

impl Formatter for Escaping {
    as_usual! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[test]
    fn json_says_the_same_without_what_deceives() {
        let texts: Vec<String> = (0..=0x10_ffff_u32)
            .filter_map(char::from_u32)
            .filter(|c| deceives(*c) || c.is_ascii())
            .map(|c| format!("a{c}ü"))
            .collect();
        let mut bytes = Vec::new();
        let value = serde_json::json!({ "t\u{9b}": texts, "n": [], "o": {} });
        let mut serializer = Serializer::with_formatter(&mut bytes, Escaping::default());
        value.serialize(&mut serializer).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && deceives(c)), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
        let plain = serde_json::json!({ "a": [1, { "b": "ü\n" }], "c": null });
        let mut bytes = Vec::new();
        plain
            .serialize(&mut Serializer::with_formatter(&mut bytes, Escaping::default()))
            .unwrap();
        assert_eq!(bytes, serde_json::to_string_pretty(&plain).unwrap().into_bytes());
    }
}
