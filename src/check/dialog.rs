//! Who tells the pass-phrase of a key when the server starts: a program that knows it, or a person who is not there.

use std::path::{Path, PathBuf};

use super::remedy::enable_copies;
use super::tls_files::File;
use super::tls_host::TlsHost;
use crate::finding::{Code, Finding, Severity};
use crate::foreign;
use crate::httpd::{Configuration, EntryId, SectionId, resolve};
use crate::quoted::quoted;
use crate::server;
use crate::tls::container::Kind;

/// Programs that distributions and people use, and that ask.
const ASKING: [&str; 13] = [
    "ask-for-passphrase",
    "httpd-ssl-pass-dialog",
    "apache-systemd-ask-pass",
    "apache2-systemd-ask-pass",
    "systemd-ask-password",
    "systemd-tty-ask-password-agent",
    "ssh-askpass",
    "pinentry",
    "plymouth",
    "whiptail",
    "dialog",
    "zenity",
    "kdialog",
];
/// What the text of a script says that does the same.
const IN_SCRIPTS: [&str; 12] = [
    "ask-for-passphrase",
    "ssl-pass-dialog",
    "ask-password",
    "askpass",
    "/dev/tty",
    "/dev/console",
    "stty ",
    "read -s",
    "pinentry",
    "plymouth",
    "whiptail",
    "zenity",
];
/// So much of a program is looked at.
const SCRIPT: u64 = 64 << 10;

/// What `SSLPassPhraseDialog` says for a section.
pub struct Dialog {
    /// The directive.
    pub entry: EntryId,
    /// Its program, on this machine; nothing for the terminal.
    pub program: Option<PathBuf>,
}

impl Dialog {
    /// The one in effect for a section; nothing where there is none, or its program is on another machine.
    pub fn of(configuration: &Configuration, section: SectionId) -> Option<Dialog> {
        let in_effect = configuration.setting(section, "SSLPassPhraseDialog")?;
        let mut named = configuration.named("SSLPassPhraseDialog");
        let (entry, _) = named.find(|(_, entry)| std::ptr::eq(*entry, in_effect))?;
        let arguments = configuration.arguments(in_effect);
        let value = arguments.first()?;
        let Some(program) = server::dialog::program(value) else {
            return Some(Dialog { entry, program: None });
        };
        let platform = configuration.facts().platform;
        let full = resolve(&configuration.server_root_at(entry), program, platform);
        let source = configuration.source();
        (!source.is_foreign(&full)).then(|| Dialog {
            entry,
            program: Some(source.host_path(&full)),
        })
    }

    /// Does somebody have to be there to answer?
    pub fn asks_a_person(&self) -> bool {
        let Some(program) = &self.program else { return true };
        let real = program.canonicalize().unwrap_or_else(|_| program.clone());
        let is_known = |path: &Path| {
            let stem = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .to_lowercase();
            let has_kinds = ["pinentry-", "ssh-askpass-"];
            ASKING.contains(&&*stem) || has_kinds.iter().any(|known| stem.starts_with(known))
        };
        is_known(program) || is_known(&real) || is_asking_script(&real)
    }
}

fn is_asking_script(program: &Path) -> bool {
    let bytes = foreign::read(program, SCRIPT).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    lines.next().is_some_and(|first| first.starts_with("#!"))
        && lines
            .filter(|line| !line.trim_start().starts_with('#'))
            .any(|line| IN_SCRIPTS.iter().any(|words| line.contains(words)))
}

/// Whether a key of a virtual host is under a pass-phrase.
pub fn is_needed(configuration: &Configuration, host: &TlsHost) -> bool {
    let source = configuration.source();
    host.pairs.iter().any(|pair| {
        let key = pair.key.as_deref().unwrap_or(&pair.certificate);
        !source.is_foreign(key)
            && File::load(&source.host_path(key))
                .contents
                .keys()
                .any(|key| matches!(key.kind, Kind::EncryptedKey(_)))
    })
}

/// The program must be one that can be run, and that needs nobody, if a key needs it.
pub(super) fn check(configuration: &Configuration, host: &TlsHost) -> Option<(Option<EntryId>, Finding)> {
    let dialog = Dialog::of(configuration, host.section)?;
    // Without a program it is a matter of the key.
    let program = dialog.program.as_ref()?;
    if !is_needed(configuration, host) {
        return None;
    }
    let path = || "Correct its path".to_owned();
    let (cause, correct) = match std::fs::metadata(program) {
        Err(_) => ("It does not exist.", path()),
        Ok(metadata) if !metadata.is_file() => ("It is not a program.", path()),
        // Never on Windows.
        Ok(metadata) if !may_run(&metadata) => (
            "Its permissions do not allow that. Apache reports it as a wrong pass-phrase.",
            format!("Correct its permissions: chmod 700 {}", quoted(program)),
        ),
        Ok(_) if dialog.asks_a_person() => {
            return Some((Some(dialog.entry), asked(program, &without(configuration, host))));
        }
        Ok(_) => return None,
    };
    let finding = Finding::new(
        Code::PassPhraseDialog,
        Severity::StopsStart,
        "the program that supplies the pass-phrase cannot be run",
        format!("{}: {cause}", program.display()),
        format!("{correct}. Or {}.", without(configuration, host)),
    );
    Some((Some(dialog.entry), finding.logged(&["AH02580"])))
}

/// The way to do without the pass-phrase.
fn without(configuration: &Configuration, host: &TlsHost) -> String {
    let source = configuration.source();
    let shown = |path: &[u8]| source.host_path(path).display().to_string();
    let Some(pair) = host.pairs.first() else {
        return "remove the pass-phrase".into();
    };
    let key = pair.key.as_ref().unwrap_or(&pair.certificate);
    let command = enable_copies(
        host.server_name.as_deref(),
        &shown(&pair.certificate),
        &shown(key),
        host.chain.as_deref().map(shown).as_deref(),
    );
    format!(
        "use --copy-certs, which asks for the pass-phrase once and writes a copy of the key without it: {command}"
    )
}

fn asked(program: &Path, without: &str) -> Finding {
    Finding::new(
        Code::PassPhraseAsked,
        Severity::StopsStart,
        "the pass-phrase of the key is asked for at the console, and no server answers when the server starts by \
         itself",
        format!(
            "SSLPassPhraseDialog runs {}, which asks at the console. At every start of the machine or the service, \
             Apache waits for the answer and serves nothing until then.",
            program.display()
        ),
        format!(
            "Name a program that prints the pass-phrase by itself. Or {without}. If somebody is always at the console, \
             continue with --force PASSPHRASE-ASKED"
        ),
    )
}

/// Of a program that was tried and did not answer.
pub fn silent(program: &Path, seconds: u64) -> Finding {
    Finding::new(
        Code::PassPhraseDialog,
        Severity::StopsStart,
        "the program that supplies the pass-phrase does not end",
        format!(
            "With {} the server was not up after {seconds} seconds. It may be waiting for input, or for another \
             machine.",
            program.display()
        ),
        "Make it print the pass-phrase and end. Or use esync-ssl enable with --copy-certs, which asks for the \
         pass-phrase once and writes a copy of the key without it.",
    )
}

#[cfg(unix)]
fn may_run(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0
}

#[cfg(not(unix))]
fn may_run(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_and_who_knows() {
        let folder = tempfile::tempdir().unwrap();
        let asks = |name: &str, text: &str| {
            let program = folder.path().join(name);
            std::fs::write(&program, text).unwrap();
            Dialog {
                entry: EntryId::default(),
                program: Some(program),
            }
            .asks_a_person()
        };
        assert!(asks("ask-for-passphrase", "#!/bin/sh\necho x\n"));
        assert!(asks(
            "own.sh",
            "#!/bin/sh\nexec /usr/bin/systemd-ask-password \"$1\"\n"
        ));
        assert!(asks("own2", "#!/bin/bash\nread -s word </dev/tty\n"));
        assert!(!asks(
            "phrase.sh",
            "#!/bin/sh\n# never systemd-ask-password\ncat /etc/phrase\n"
        ));
        assert!(!asks("ask", "#!/bin/sh\necho secret\n"));
        #[cfg(unix)]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink("ask-for-passphrase", &link).unwrap();
            let dialog = Dialog {
                entry: EntryId::default(),
                program: Some(link),
            };
            assert!(dialog.asks_a_person());
        }
    }
}
