//! The lines that a server gets. Decides nothing.

use crate::httpd::word;

use super::super::challenge::{AnswerPlace, CHALLENGES};
use super::super::own_answers::{MARKER, TOKENS};
use super::super::plan::{PlanError, refuse};
use super::super::refusal::RefusalCode;
use super::need::{Grants, Need};

/// Those of one server.
pub(super) struct Lines {
    /// Before all rules of mod_rewrite's.
    pub rule: Vec<Vec<u8>>,
    /// Before all else that leads to files, or asks other servers.
    pub alias: Vec<Vec<u8>>,
    /// Behind all sections.
    pub path: Vec<Vec<u8>>,
}

/// The lines for what is needed; `unit` is one level of indentation.
pub(super) fn lines(place: &AnswerPlace, need: &Need<'_>, unit: &[u8]) -> Result<Lines, PlanError> {
    let folder = &place.folder;
    let mut alias = vec![with_path(
        b"Alias ",
        CHALLENGES,
        &quoted(&[folder, &b"/"[..]].concat())?,
    )];
    if need.no_proxy {
        alias.push(with_path(b"ProxyPass ", CHALLENGES, b"!"));
    }
    alias.push([b"<Directory ", &quoted(folder)?[..], b">"].concat());
    let own = ["AllowOverride None", "Options None"];
    let own = own.into_iter().chain(grants(&need.folder));
    alias.extend(own.map(|line| [unit, line.as_bytes()].concat()));
    alias.push(b"</Directory>".to_vec());
    let mut rule = Vec::new();
    if need.rule {
        if need.engine {
            rule.push(b"RewriteEngine on".to_vec());
        }
        rule.push(rule_line(place)?);
    }
    let path = need.path.as_ref().map(|grants| location(grants, unit));
    Ok(Lines {
        rule,
        alias,
        path: path.unwrap_or_default(),
    })
}

/// A rule that shows the file, and after which no other is asked, here or in a folder.
pub(super) fn rule_line(place: &AnswerPlace) -> Result<Vec<u8>, PlanError> {
    // mod_rewrite splits its lines itself, and leaves the backslashes that it takes for its own.
    quoted(&place.folder)?;
    let mut line = [b"RewriteRule \"", TOKENS.as_bytes(), b"\" \""].concat();
    for byte in &place.folder {
        if matches!(byte, b'$' | b'%' | b'\\' | b'"') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.extend_from_slice(b"/$1\" [END]");
    Ok(line)
}

/// Lines below our comment.
pub(super) fn marked(lines: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    std::iter::once(MARKER.as_bytes().to_vec()).chain(lines).collect()
}

fn location(needed: &Grants, unit: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![format!("<Location \"{CHALLENGES}\">").into_bytes()];
    let inner = |line: &str, depth: usize| [unit.repeat(depth), line.as_bytes().to_vec()].concat();
    if needed.no_proxy {
        lines.push(inner("ProxyPass \"!\"", 1));
    }
    let grants = grants(needed);
    if needed.in_if && !grants.is_empty() {
        lines.push(inner("<If \"true\">", 1));
        lines.extend(grants.iter().map(|line| inner(line, 2)));
        lines.push(inner("</If>", 1));
    } else {
        lines.extend(grants.iter().map(|line| inner(line, 1)));
    }
    lines.push(b"</Location>".to_vec());
    lines
}

/// With `Order deny,allow` an `Allow` comes before each `Deny` of the sections around.
fn grants(needed: &Grants) -> Vec<&'static str> {
    let all = [
        (needed.no_login, "AuthType None"),
        (needed.access, "Require all granted"),
        (needed.old_access, "Order deny,allow"),
        (needed.old_access, "Allow from all"),
        (needed.any, "Satisfy Any"),
        (needed.handler, "SetHandler default-handler"),
        (needed.no_rules, "RewriteEngine off"),
    ];
    let wanted = all.into_iter().filter(|(is_needed, _)| *is_needed);
    wanted.map(|(_, line)| line).collect()
}

fn with_path(name: &[u8], path: &str, rest: &[u8]) -> Vec<u8> {
    [name, b"\"", path.as_bytes(), b"\" ", rest].concat()
}

fn quoted(path: &[u8]) -> Result<Vec<u8>, PlanError> {
    word::quote_path(path).map_err(|reason| {
        refuse(
            RefusalCode::PathUnwritable,
            format!(
                "the folder {} cannot be named in a configuration: {reason}",
                String::from_utf8_lossy(path).escape_debug()
            ),
            "; ",
            "move the server to a folder of another name",
        )
    })
}
