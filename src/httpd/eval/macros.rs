//! mod_macro: definitions and their expansion. Reads no files.

use std::collections::HashMap;
use std::sync::Arc;

use crate::httpd::text::word::words;

/// The length of mod_macro's line buffer, with the NUL at the end.
pub(in crate::httpd) const BUFFER: usize = 8192;

/// One `<Macro>`.
#[derive(Clone, Debug)]
pub struct Macro {
    /// Its name as written.
    pub name: Vec<u8>,
    /// Parameter names, with their prefix.
    pub parameters: Vec<Vec<u8>>,
    /// The body: one text per logical line, comments dropped.
    pub body: Vec<(u32, Vec<u8>)>,
    /// File and line of the definition, as Apache prints them.
    pub place: String,
}

/// The macros known at one moment of reading; names ignore case.
#[derive(Clone, Debug, Default)]
pub struct Macros {
    known: HashMap<Vec<u8>, Arc<Macro>>,
    /// One was defined, though it may be gone.
    any: bool,
}

impl Macros {
    /// Defines or redefines one.
    pub fn define(&mut self, definition: Macro) {
        self.any = true;
        self.known
            .insert(definition.name.to_ascii_lowercase(), Arc::new(definition));
    }

    /// `UndefMacro`; false when there is none of that name.
    pub fn undefine(&mut self, name: &[u8]) -> bool {
        self.known.remove(&name.to_ascii_lowercase()).is_some()
    }

    /// The macro of that name.
    pub fn get(&self, name: &[u8]) -> Option<Arc<Macro>> {
        self.known.get(&name.to_ascii_lowercase()).cloned()
    }

    /// Was there none so far?
    pub fn is_empty(&self) -> bool {
        !self.any
    }
}

impl Macro {
    /// Bytes of its body.
    pub fn size(&self) -> usize {
        self.body.iter().map(|(_, text)| text.len()).sum()
    }

    /// The body with the parameters replaced by `values`, as plain substrings: the leftmost, and there the longest.
    /// A line that becomes too long for mod_macro's buffer is an error: its place in the body, from 1.
    pub fn expand(&self, values: &[Vec<u8>]) -> Result<Vec<(u32, Vec<u8>)>, usize> {
        let replacements: Vec<(&[u8], Vec<u8>)> = self
            .parameters
            .iter()
            .zip(values)
            .map(|(parameter, value)| {
                let written = if parameter.starts_with(b"@") {
                    quoted(value)
                } else {
                    value.clone()
                };
                (parameter.as_slice(), written)
            })
            .collect();
        let lines = self.body.iter().enumerate();
        lines
            .map(|(at, (line, text))| Ok((*line, replace(text, &replacements).ok_or(at + 1)?)))
            .collect()
    }
}

/// Name and parameters of a `<Macro>` line's argument.
pub fn signature(argument: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut all = words(argument).map(|w| w.value.into_owned());
    (all.next().unwrap_or_default(), all.collect())
}

/// What Apache refuses about name and parameters of a `<Macro>`, in its words.
pub fn check_signature(name: &[u8], parameters: &[Vec<u8>], place: &str) -> Option<String> {
    if name.is_empty() {
        return Some("<Macro macro definition: empty name".into());
    }
    let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shown = show(&name.to_ascii_lowercase());
    // Where each stands once more.
    let mut last: HashMap<&[u8], usize> = HashMap::new();
    let mut again: Vec<Option<usize>> = parameters
        .iter()
        .enumerate()
        .rev()
        .map(|(at, parameter)| last.insert(parameter, at))
        .collect();
    again.reverse();
    for (at, parameter) in parameters.iter().enumerate() {
        if parameter.is_empty() {
            let number = at + 1;
            return Some(format!(
                "macro '{shown}' (defined on {place}): empty argument #{number} name"
            ));
        }
        if let Some(other) = again[at] {
            return Some(format!(
                "argument name conflict in macro '{shown}' (defined on {place}): argument '{}': #{} and #{}, \
                 change argument names!",
                show(parameter),
                at + 1,
                other + 1
            ));
        }
    }
    None
}

/// `None` when the line does not fit into the buffer after one of the replacements.
fn replace(text: &[u8], replacements: &[(&[u8], Vec<u8>)]) -> Option<Vec<u8>> {
    let mut result = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let longest = replacements
            .iter()
            .filter(|(name, _)| !name.is_empty() && text[at..].starts_with(name))
            .max_by_key(|(name, _)| name.len());
        match longest {
            Some((name, value)) => {
                result.extend_from_slice(value);
                at += name.len();
                // What was replaced, what was not yet, and the line end.
                if result.len() + text.len() - at + 1 >= BUFFER {
                    return None;
                }
            }
            None => {
                result.push(text[at]);
                at += 1;
            }
        }
    }
    Some(result)
}

/// A value as mod_macro inserts it for a parameter with `@`: in double quotes, with quotes and backslashes escaped.
fn quoted(value: &[u8]) -> Vec<u8> {
    let mut result = vec![b'"'];
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            result.push(b'\\');
        }
        result.push(byte);
    }
    result.push(b'"');
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_plain_substrings_longest_first() {
        let m = Macro {
            name: b"V".to_vec(),
            parameters: vec![b"$n".to_vec(), b"$name".to_vec(), b"@q".to_vec()],
            body: vec![(1, b"x$names y$n @q".to_vec())],
            place: String::new(),
        };
        let values = [b"1".to_vec(), b"2".to_vec(), b"a \"b".to_vec()];
        assert_eq!(m.expand(&values), Ok(vec![(1, b"x2s y1 \"a \\\"b\"".to_vec())]));
        let long = [vec![b'x'; BUFFER], Vec::new(), Vec::new()];
        assert_eq!(m.expand(&long), Err(1));
    }
}
