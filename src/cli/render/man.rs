//! Manual pages, one for each command: what clap knows of it, and what its help text ends with.

use std::ffi::OsStr;

use anyhow::Context;
use clap::{Arg, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use time::OffsetDateTime;

use crate::cli::arguments::Arguments;

/// When this version came out, or was last worked on.
const VERSION_DATE: &str = "2026-11-29";

/// Where the program keeps something, with what that is.
const FILES: [(&str, &str); 3] = [
    (
        "conf/esync-ssl-backup",
        "Below the server root (beside the main file where there is no conf): the backups of all changes, and the journal of \
         a run that is under way.",
    ),
    (
        "conf/ssl",
        "Below the server root (ssl where there is no conf): certificates and keys that were installed or made.",
    ),
    (
        "/run/esync-ssl",
        "Folders of rehearsals while they last; elsewhere than on Linux, the folder for temporary files.",
    ),
];

/// What the environment says, with what that means.
const ENVIRONMENT: [(&str, &str); 4] = [
    (
        "ESYNC_SSL_ROOT",
        "The server root, where neither --root nor --config is given.",
    ),
    (
        "ESYNC_SSL_<FLAG>",
        "Any other option: in upper case, with _ for -. ESYNC_SSL_LOCK_TIMEOUT is --lock-timeout. What is typed is \
         stronger.",
    ),
    (
        "NO_COLOR, CLICOLOR_FORCE",
        "No colours at all; colours into files and pipes as well. --color is stronger.",
    ),
    (
        "SOURCE_DATE_EPOCH",
        "The date of the pages that esync-ssl man writes, in seconds since 1970.",
    ),
];

/// A manual page.
pub struct Page {
    /// The name of its file.
    pub file: String,
    /// What it is about.
    pub about: String,
    /// Its text.
    pub text: String,
}

/// All pages. `epoch` is what SOURCE_DATE_EPOCH says.
///
/// # Errors
/// When that is no time.
pub fn pages(epoch: Option<&OsStr>) -> anyhow::Result<Vec<Page>> {
    let date = date(epoch)?;
    let mut root = shown_whole(Arguments::command().disable_help_subcommand(true));
    root.build();
    let mut all = Vec::new();
    collect(&root, &mut all);
    let names: Vec<String> = all.iter().map(|command| name(command)).collect();
    Ok(all
        .iter()
        .map(|command| Page {
            file: format!("{}.1", name(command)),
            about: command.get_about().map(ToString::to_string).unwrap_or_default(),
            text: text(command, &date, &names),
        })
        .collect())
}

fn date(epoch: Option<&OsStr>) -> anyhow::Result<String> {
    let Some(epoch) = epoch.filter(|epoch| !epoch.is_empty()) else {
        return Ok(VERSION_DATE.to_owned());
    };
    let seconds = epoch.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let time = time.with_context(|| {
        format!(
            "SOURCE_DATE_EPOCH is {:?}; set it to a number of seconds since 1970, or not at all",
            epoch.to_string_lossy()
        )
    })?;
    Ok(time.date().to_string())
}

/// The same with all that short help texts leave out, for which clap_mangen would have no words; and with what all
/// commands take behind a command's own.
fn shown_whole(command: Command) -> Command {
    let mut last = 1000;
    let whole = |arg: Arg| {
        let arg = arg.hide_short_help(false);
        if !arg.is_global_set() {
            return arg;
        }
        last += 1;
        arg.display_order(last)
    };
    command.mut_args(whole).mut_subcommands(shown_whole)
}

fn collect<'a>(command: &'a Command, all: &mut Vec<&'a Command>) {
    all.push(command);
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        collect(below, all);
    }
}

/// `esync-ssl-cert-inspect`
fn name(command: &Command) -> String {
    command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned()
}

fn text(command: &Command, date: &str, names: &[String]) -> String {
    let own = name(command);
    let man = Man::new(command.clone())
        .title(own.to_uppercase())
        .date(date)
        .source(concat!("esync-ssl ", env!("CARGO_PKG_VERSION")))
        .manual("esync-ssl Manual");
    let mut page = rendered(|out| man.render_title(out));
    let preamble = Roff::new().render();
    for part in [
        rendered(|out| man.render_name_section(out)),
        rendered(|out| man.render_synopsis_section(out)),
        rendered(|out| man.render_description_section(out)),
        options(command, &rendered(|out| man.render_options_section(out))),
        if command.has_subcommands() {
            rendered(|out| man.render_subcommands_section(out)).replace(".SH SUBCOMMANDS", ".SH COMMANDS")
        } else {
            String::new()
        },
        ends(command),
        see_also(&own, names),
    ] {
        page += part.strip_prefix(&preamble).unwrap_or(&part);
    }
    tidied(&page)
}

/// Without what clap_mangen leaves: blanks at the ends of lines, empty lines between the paragraphs of one option, breaks
/// beside them.
fn tidied(page: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in page.lines().map(str::trim_end) {
        let last = lines.last().copied().unwrap_or_default();
        match (last, line) {
            (".sp", "" | ".br") => {}
            (".br", "" | ".br") => *lines.last_mut().expect("the break") = ".sp",
            (_, "") => lines.push(".sp"),
            _ => lines.push(line),
        }
    }
    lines.iter().flat_map(|line| [*line, "\n"]).collect()
}

fn rendered(render: impl Fn(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // Into memory nothing fails.
    let _ = render(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The headings of the help text are parts of one section, which clap_mangen makes sections of.
fn options(command: &Command, section: &str) -> String {
    let preamble = Roff::new().render();
    let mut section = section.strip_prefix(&preamble).unwrap_or(section).to_owned();
    for heading in command.get_arguments().filter_map(|arg| arg.get_help_heading()) {
        let quoted = if heading.contains(' ') { "\"" } else { "" };
        let made = format!(".SH {quoted}{}{quoted}\n", heading.to_uppercase());
        section = section.replace(&made, &format!(".SS {quoted}{heading}{quoted}\n"));
    }
    if section.starts_with(".SH") {
        section
    } else {
        format!(".SH OPTIONS\n{section}")
    }
}

/// What the help text ends with, and what belongs behind that in a manual page.
fn ends(command: &Command) -> String {
    let end = command
        .get_after_long_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (examples, statuses) = end.split_once("\n\nExit status").unwrap_or((&end, ""));
    let mut page = Roff::new();
    let mut statuses = statuses
        .lines()
        .skip(1)
        .filter_map(|line| line.trim().split_once("  "))
        .peekable();
    if statuses.peek().is_some() {
        page.control("SH", ["EXIT STATUS"]);
    }
    for (status, meaning) in statuses {
        tagged(&mut page, status, meaning);
    }
    page.control("SH", ["ENVIRONMENT"]);
    for (variable, meaning) in ENVIRONMENT {
        tagged(&mut page, variable, meaning);
    }
    page.control("SH", ["FILES"]);
    for (file, meaning) in FILES {
        tagged(&mut page, file, meaning);
    }
    page.control("SH", ["EXAMPLES"]);
    for (number, line) in examples.lines().skip(1).enumerate() {
        match line.strip_prefix("    ") {
            Some(typed) => {
                page.control("RS", ["4"]).control("nf", []);
                page.text([bold(typed)]);
                page.control("fi", []).control("RE", []);
            }
            None => {
                if number > 0 {
                    page.control("PP", []);
                }
                page.text([roman(line.trim())]);
            }
        }
    }
    page.render()
}

fn tagged(page: &mut Roff, tag: &str, text: &str) {
    page.control("TP", []).text([bold(tag)]).text([roman(text)]);
}

fn see_also(own: &str, names: &[String]) -> String {
    let mut page = Roff::new();
    page.control("SH", ["SEE ALSO"]);
    let mut words = Vec::new();
    for name in names.iter().filter(|name| *name != own) {
        words.extend([bold(name.as_str()), roman("(1), ")]);
    }
    words.extend([bold("httpd"), roman("(8)")]);
    page.text(words);
    page.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_the_version_is_that_of_the_changelog() {
        let changelog = include_str!("../../../CHANGELOG.md");
        let heading = concat!("## [", env!("CARGO_PKG_VERSION"), "] - ");
        // It has none before it is released.
        if let Some(date) = changelog.lines().find_map(|line| line.strip_prefix(heading)) {
            assert_eq!(date, VERSION_DATE);
        }
    }

    #[test]
    fn the_date_may_be_given() {
        let told = |epoch: &str| date(Some(OsStr::new(epoch)));
        assert_eq!(told("1767225600").unwrap(), "2026-01-01");
        assert_eq!(told("").unwrap(), VERSION_DATE);
        assert!(told("yesterday").is_err());
    }
}
