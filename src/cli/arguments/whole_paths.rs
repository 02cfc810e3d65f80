//! A command line that means the same in any folder.

use std::ffi::OsString;
use std::path::Path;

use clap::Command;

use super::flags::Kind;
use super::quotes::flag_of;
use crate::place;

/// The same words, with the path of the program and the values of flags that take paths absolute.
pub fn of(command: &Command, words: Vec<OsString>) -> Vec<OsString> {
    let takes_path = |flag: &str| flag_of(command, flag).map(Kind::of) == Some(Kind::Path);
    let mut before = OsString::new();
    let mut is_program = true;
    let whole = |word: OsString| {
        let told = match word.to_str().and_then(|text| text.split_once('=')) {
            Some((flag, value)) if takes_path(flag) => {
                let mut told = OsString::from(format!("{flag}="));
                told.push(absolute(value.as_ref()));
                told
            }
            _ if std::mem::take(&mut is_program) => program(&word),
            _ if before.to_str().is_some_and(takes_path) => absolute(word.as_ref()),
            _ => word.clone(),
        };
        before = word;
        told
    };
    words.into_iter().map(whole).collect()
}

/// One without a folder is looked for by the shell.
fn program(word: &OsString) -> OsString {
    match Path::new(word).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => absolute(word.as_ref()),
        _ => word.clone(),
    }
}

fn absolute(path: &Path) -> OsString {
    place::absolute(path).map_or_else(|_| path.into(), Into::into)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::arguments::Arguments;

    #[test]
    fn paths_are_absolute_and_all_else_is_as_typed() {
        let mut command = Arguments::command();
        command.build();
        let here = |name: &str| std::env::current_dir().unwrap().join(name).display().to_string();
        let line = "esync-ssl enable --root s --domain a.test --cert=a.crt --json -n --save-plan p";
        let told = of(&command, line.split(' ').map(Into::into).collect());
        let (root, cert, plan) = (here("s"), here("a.crt"), here("p"));
        let cert = format!("--cert={cert}");
        let whole = [
            "esync-ssl",
            "enable",
            "--root",
            &root,
            "--domain",
            "a.test",
            &cert,
            "--json",
            "-n",
            "--save-plan",
            &plan,
        ];
        assert_eq!(told, whole);
        let told = of(&command, vec!["./esync-ssl".into()]);
        assert_eq!(told, [&*here("esync-ssl")]);
    }
}
