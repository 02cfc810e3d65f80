//! Debian's `envvars`: the environment that `apachectl` gives the server. Runs no shell.

use std::collections::BTreeMap;

/// Bytes of a value, and of all together: no system lets a program start with more.
const LONGEST: usize = 128 << 10;
const LARGEST: usize = 2 << 20;

/// The variables that a file of `export NAME=value` lines sets. References `$NAME`, `${NAME}` and `${NAME:-value}` to
/// variables set before (or to nothing) are replaced; lines with any other shell construct are left out, and so are
/// lines inside `if` except those of the customary test for an instance suffix, whose other branch is the usual one.
pub fn parse(bytes: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let text = String::from_utf8_lossy(bytes);
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    // Inside `if`: are the lines of this branch the usual ones?
    let mut branches: Vec<bool> = Vec::new();
    let mut size = 0;
    for line in text.lines().map(str::trim) {
        match line.split_whitespace().next() {
            Some("if") => branches.push(false),
            Some("else") => {
                if let Some(branch) = branches.last_mut() {
                    *branch = true;
                }
            }
            Some("fi") => {
                branches.pop();
            }
            _ if branches.contains(&false) => {}
            _ => {
                let assignment = line.strip_prefix("export ").unwrap_or(line);
                if let Some((name, value)) = assignment.split_once('=')
                    && is_name(name)
                    && let Some(value) = expand(value, &variables)
                {
                    size += value.len();
                    if size > LARGEST {
                        break;
                    }
                    variables.insert(name.to_string(), value);
                }
            }
        }
    }
    variables
        .into_iter()
        .map(|(name, value)| (name.into_bytes(), value.into_bytes()))
        .collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The value of an assignment; `None` where only a shell could tell.
fn expand(value: &str, variables: &BTreeMap<String, String>) -> Option<String> {
    let mut result = String::new();
    let mut rest = value;
    let mut quote = None;
    while let Some(character) = rest.chars().next() {
        if result.len() > LONGEST {
            return None;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '\'' | '"' if quote.is_none() => quote = Some(character),
            c if Some(c) == quote => quote = None,
            '`' | '\\' => return None,
            ' ' | '\t' | ';' | '#' if quote.is_none() => break,
            '$' if quote != Some('\'') => {
                let (name, default, length) = reference(rest)?;
                let known = variables.get(name).filter(|value| !value.is_empty());
                result.push_str(known.map_or(default, String::as_str));
                rest = &rest[length..];
            }
            c => result.push(c),
        }
    }
    quote.is_none().then_some(result)
}

/// `NAME`, `{NAME}` or `{NAME:-value}` behind a dollar sign: name, default, length.
fn reference(text: &str) -> Option<(&str, &str, usize)> {
    if let Some(inner) = text.strip_prefix('{') {
        let end = inner.find('}')?;
        let (name, default) = inner[..end].split_once(":-").unwrap_or((&inner[..end], ""));
        let plain = is_name(name) && !default.contains(['$', '`', '"', '\'']);
        return plain.then_some((name, default, end + 2));
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (end > 0).then_some((&text[..end], "", end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_double_come_to_an_end() {
        let doubling = "export A=0123456789\n".to_string() + &"export A=$A$A\n".repeat(1000);
        assert!(parse(doubling.as_bytes())[&b"A"[..]].len() <= 2 * LONGEST);
        let mut many = "export A=".to_string() + &"x".repeat(LONGEST - 1);
        many.extend((0..1000).map(|at| format!("\nexport A{at}=$A")));
        let size: usize = parse(many.as_bytes()).values().map(Vec::len).sum();
        assert!(size <= LARGEST);
    }

    #[test]
    fn the_customary_file() {
        let text =
            b"# c\nunset HOME\nif [ \"${APACHE_CONFDIR##/etc/apache2-}\" != \"${APACHE_CONFDIR}\" ] ; then\n\
            \tSUFFIX=\"-x\"\nelse\n\tSUFFIX=\nfi\n: ${X:=y}\nexport X\nexport APACHE_RUN_USER=www-data\n\
            export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid\n\
            export APACHE_RUN_DIR=/var/run/apache2${SUFFIX:-}\nexport LANG='C'\nexport NOW=`date`\n";
        let have = parse(text);
        let get = |name: &str| {
            have.get(name.as_bytes())
                .map(|v| String::from_utf8_lossy(v).into_owned())
        };
        assert_eq!(get("APACHE_RUN_USER").as_deref(), Some("www-data"));
        assert_eq!(
            get("APACHE_PID_FILE").as_deref(),
            Some("/var/run/apache2/apache2.pid")
        );
        assert_eq!(get("APACHE_RUN_DIR").as_deref(), Some("/var/run/apache2"));
        assert_eq!(get("LANG").as_deref(), Some("C"));
        assert_eq!(get("NOW"), None);
    }
}
