//! Does a section hold for what certificate authorities ask for? Edits nothing.

use crate::httpd::{Configuration, Entry, SectionId, matches_alias, resolve, strip_prefix, word};

use super::super::challenge::AnswerPlace;
use super::super::redirection::{Asked, and, expression_holds, pattern_takes, prefix_takes};

/// A token as authorities make them: letters, digits, `-` and `_`.
pub(super) const TOKEN: &str = "Zm9yQW55LXRva2Vu_0-1";

/// How far a line that stands in sections holds for the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// It does; `None`: only the server knows.
    pub holds: Option<bool>,
    /// It stands in none but the virtual host.
    pub is_of_server: bool,
    /// It stands in `<Directory>` alone, which one of the folder itself comes after.
    pub is_of_folder: bool,
    /// It stands in an `<If>`, which comes after every other section.
    pub is_in_if: bool,
}

/// How far a line of a server holds.
pub(super) fn reach(
    configuration: &Configuration,
    entry: &Entry,
    server: SectionId,
    place: &AnswerPlace,
    asked: &Asked<'_>,
) -> Reach {
    let mut reach = Reach {
        holds: Some(true),
        is_of_server: true,
        is_of_folder: true,
        is_in_if: false,
    };
    let sections = configuration.ancestors(entry);
    let sections = sections.take_while(|(id, _)| *id != server);
    for (_, section) in sections.filter(|(_, section)| !section.transparent) {
        let opening = configuration.entry(section.opening);
        let name = String::from_utf8_lossy(&configuration.name(opening)).to_ascii_lowercase();
        let argument = configuration.section_argument(opening);
        let holds = holds(configuration, (&name, &argument), place, asked);
        reach.holds = and(reach.holds, holds);
        reach.is_of_server = false;
        reach.is_in_if |= matches!(name.as_str(), "<if" | "<elseif" | "<else");
        let is_transparent = name.starts_with("<require") || name.starts_with("<limit");
        let is_by_pattern = argument.trim_ascii().starts_with(b"~");
        reach.is_of_folder &= is_transparent || name == "<directory" && !is_by_pattern;
    }
    reach
}

fn holds(
    configuration: &Configuration,
    (name, argument): (&str, &[u8]),
    place: &AnswerPlace,
    asked: &Asked<'_>,
) -> Option<bool> {
    let words: Vec<String> = word::words(argument)
        .map(|word| String::from_utf8_lossy(&word.value).into_owned())
        .collect();
    let (is_pattern, said) = match words.as_slice() {
        [tilde, said, ..] if tilde == "~" => (true, said.as_str()),
        [said, ..] => (name.ends_with("match"), said.as_str()),
        [] => (false, ""),
    };
    match name {
        "<location" | "<locationmatch" if is_pattern => pattern_takes(said, false, asked.path),
        "<location" => location(said, asked.path),
        "<directory" | "<directorymatch" => folder(configuration, said, is_pattern, place),
        "<files" | "<filesmatch" if is_pattern => pattern_takes(said, false, TOKEN),
        "<files" => Some(matches_alias(said.as_bytes(), TOKEN.as_bytes())),
        "<limit" => Some(words.iter().any(|method| method == "GET")),
        "<limitexcept" => Some(!words.iter().any(|method| method == "GET")),
        "<if" => {
            let text = String::from_utf8_lossy(argument);
            let text = text.trim();
            let bare = text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
                .map(|text| text.replace("\\\"", "\""));
            expression_holds(bare.as_deref().unwrap_or(text), asked)
        }
        "<elseif" | "<else" => None,
        "<requireall" | "<requireany" | "<requirenone" => Some(true),
        _ => Some(false),
    }
}

fn location(said: &str, path: &str) -> Option<bool> {
    if !said.contains(['*', '?', '[']) {
        return Some(prefix_takes(said, path));
    }
    // A wildcard takes no slash (`APR_FNM_PATHNAME`).
    let depth = |text: &str| text.matches('/').count();
    let may = depth(said) == depth(path) && matches_alias(said.as_bytes(), path.as_bytes());
    if may { None } else { Some(false) }
}

fn folder(configuration: &Configuration, said: &str, is_pattern: bool, place: &AnswerPlace) -> Option<bool> {
    let own = String::from_utf8_lossy(&place.folder).into_owned();
    if is_pattern {
        // At which of them it looks depends on the version.
        let forms = [own.clone(), format!("{own}/"), format!("{own}/{TOKEN}")];
        let all = forms.iter().map(|form| pattern_takes(said, false, form));
        let is_none = all.clone().all(|takes| takes == Some(false));
        let is_all = all.clone().all(|takes| takes == Some(true));
        return if is_none {
            Some(false)
        } else {
            is_all.then_some(true)
        };
    }
    let platform = configuration.facts().platform;
    let full = resolve(configuration.server_root(), said.as_bytes(), platform);
    if said.contains(['*', '?', '[']) {
        let pattern = [full.trim_ascii_end(), b"*"].concat();
        return if matches_alias(&pattern, own.as_bytes()) {
            None
        } else {
            Some(false)
        };
    }
    Some(strip_prefix(&place.folder, &full, platform).is_some() || said == "/")
}
