//! Questions at a terminal, with arrow keys, Esc and completion of paths.

use std::fs;
use std::io;

use inquire::ui::RenderConfig;
use inquire::{InquireError, Select, Text};

use super::question::{Asks, Kind, Question, Reply};
use crate::cli::printer::Printer;
use crate::interrupt::{self, Terminal as Kept};
use crate::quoted::{PAIRS, bare};
use crate::shown::{deceives, printable};

/// Asks at the terminal of this process.
pub struct Terminal<'a> {
    /// What is said beside.
    pub printer: &'a Printer,
}

/// What a word must be to lead back, for consoles without Esc.
const BACK: &str = "back";

impl Asks for Terminal<'_> {
    fn ask(&self, question: &Question) -> io::Result<Reply> {
        self.say("");
        for line in &question.told {
            self.say(line);
        }
        if interrupt::came() {
            return Ok(Reply::Interrupted);
        }
        let text = printable(question.text.as_bytes());
        let reply = match &question.kind {
            Kind::Choice { options, usual } => choose(&text, options, *usual),
            Kind::Line { usual, is_path } => line(&text, usual.as_deref(), *is_path),
            Kind::Secret => return self.secret(&text),
        };
        match reply {
            Ok(reply) => Ok(reply),
            Err(InquireError::OperationCanceled) => Ok(Reply::Back),
            Err(InquireError::OperationInterrupted) => Ok(Reply::Interrupted),
            Err(InquireError::IO(error)) => Err(error),
            Err(other) => Err(io::Error::other(other.to_string())),
        }
    }

    fn say(&self, text: &str) {
        self.printer.tell(text);
    }
}

impl Terminal<'_> {
    fn secret(&self, text: &str) -> io::Result<Reply> {
        match self.printer.hidden(text) {
            Ok(Some(phrase)) if phrase.is_empty() => Ok(Reply::Back),
            Ok(Some(phrase)) => Ok(Reply::Secret(phrase)),
            Ok(None) => Ok(Reply::Back),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Reply::Interrupted),
            Err(error) => Err(error),
        }
    }
}

fn looks() -> RenderConfig<'static> {
    // By the variables that the rest of the program goes by.
    match anstream::AutoStream::choice(&io::stderr()) {
        anstream::ColorChoice::Never => RenderConfig::empty(),
        _ => RenderConfig::default_colored(),
    }
}

fn choose(text: &str, options: &[String], usual: usize) -> Result<Reply, InquireError> {
    let numbered = options.iter().enumerate();
    let numbered = numbered.map(|(at, option)| format!("{} {}", at + 1, printable(option.as_bytes())));
    let _kept = Kept::keep();
    let chosen = Select::new(text, numbered.collect())
        .with_starting_cursor(usual)
        .with_page_size(options.len().clamp(1, 14))
        .with_scorer(&|typed, _, option, _| begins(option, typed).then_some(0))
        .with_help_message("arrow keys or a number, Enter; Esc: back; Ctrl-C: end")
        .with_render_config(looks())
        .raw_prompt()?;
    Ok(Reply::Chosen(chosen.index))
}

/// Whether an option is meant by what was typed: its number, or a part of it.
fn begins(option: &str, typed: &str) -> bool {
    let typed = typed.trim().to_lowercase();
    match typed.starts_with(|c: char| c.is_ascii_digit()) {
        true => option.starts_with(&typed),
        false => option.to_lowercase().contains(&typed),
    }
}

fn line(text: &str, usual: Option<&str>, is_path: bool) -> Result<Reply, InquireError> {
    let _kept = Kept::keep();
    let asked = Text::new(text)
        .with_help_message("Enter; Esc or the word back: back; Ctrl-C: end")
        .with_render_config(looks());
    let asked = match usual {
        // What is not shown as it is, nobody can agree to.
        Some(usual) if !usual.is_empty() && printable(usual.as_bytes()) == usual => asked.with_default(usual),
        _ => asked,
    };
    let typed = match is_path {
        true => asked.with_autocomplete(Paths).prompt()?,
        false => asked.prompt()?,
    };
    Ok(match typed.trim() {
        BACK => Reply::Back,
        _ => Reply::Typed(typed),
    })
}

/// Completes paths, those in quotation marks as well.
#[derive(Clone)]
struct Paths;

impl inquire::Autocomplete for Paths {
    fn get_suggestions(&mut self, _: &str) -> Result<Vec<String>, inquire::CustomUserError> {
        // A list that opens by itself takes Enter for a choice in it.
        Ok(Vec::new())
    }

    fn get_completion(
        &mut self,
        input: &str,
        _: Option<String>,
    ) -> Result<inquire::autocompletion::Replacement, inquire::CustomUserError> {
        Ok(completed(input))
    }
}

/// A path with as much more of it as only one thing in its folder has.
fn completed(typed: &str) -> Option<String> {
    let open = PAIRS.iter().find(|(left, _)| typed.starts_with(*left));
    let plain = match open {
        Some((left, _)) => bare(typed).trim_start_matches(*left),
        None => typed,
    };
    let at = plain.rfind(std::path::is_separator).map_or(0, |at| at + 1);
    let (folder, begun) = plain.split_at(at);
    let entries = fs::read_dir(if folder.is_empty() { "." } else { folder }).ok()?;
    let is_begun = |name: &String| match cfg!(windows) {
        true => name.to_lowercase().starts_with(&begun.to_lowercase()),
        false => name.starts_with(begun) && (!begun.is_empty() || !name.starts_with('.')),
    };
    let names = entries.take(10_000).filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        if name.chars().any(deceives) {
            return None;
        }
        let is_folder = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
        let end = if is_folder {
            std::path::MAIN_SEPARATOR_STR
        } else {
            ""
        };
        Some(format!("{name}{end}"))
    });
    let mut names = names.filter(is_begun);
    let first = names.next()?;
    let common = names.fold(first, |common, name| {
        let same = common
            .chars()
            .zip(name.chars())
            .take_while(|(one, other)| one == other);
        same.map(|(one, _)| one).collect()
    });
    (common.len() > begun.len() || common != begun).then(|| format!("{folder}{common}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_completed_as_far_as_it_is_certain() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        for name in ["server.crt", "server.key", "other.pfx"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("keys")).unwrap();
        assert_eq!(completed(&at("o")), Some(at("other.pfx")));
        assert_eq!(completed(&at("s")), Some(at("server.")));
        assert_eq!(completed(&at("server.")), None);
        assert_eq!(completed(&at("x")), None);
        assert_eq!(completed(&format!("\"{}", at("o"))), Some(at("other.pfx")));
        assert_eq!(
            completed(&at("k")),
            Some(at("keys") + std::path::MAIN_SEPARATOR_STR)
        );
        assert_eq!(completed("/no/such/folder/x"), None);
    }
}
