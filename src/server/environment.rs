//! The environment of the programs that we start: a fixed one, and of the server's own what its configuration refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use crate::httpd::{Configuration, bytes_path};

/// Variables by name.
type Variables = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a program of ours finds beside the fixed part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The names that the configuration refers to.
    named: BTreeSet<Vec<u8>>,
    passed: Variables,
}

impl Environment {
    /// Of a server's environment what its configuration refers to, with `${NAME}` or `PassEnv`, or what is Apache's by
    /// its name.
    pub fn of(configuration: &Configuration) -> Environment {
        let mut named = BTreeSet::new();
        for file in configuration.files() {
            references(file.document.bytes(), &mut named);
        }
        for (_, entry) in configuration.named("PassEnv") {
            named.extend(configuration.arguments(entry));
        }
        let none = Environment {
            named,
            passed: Variables::new(),
        };
        let facts = &configuration.facts().environment;
        none.with(facts.iter().map(|(name, value)| (name.clone(), value.clone())))
    }

    /// The same with further variables, chosen alike.
    pub fn with(&self, more: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) -> Environment {
        let mut all = self.clone();
        // Windows does not look at the case.
        let is_named = |name: &[u8]| match cfg!(windows) {
            true => self.named.iter().any(|own| own.eq_ignore_ascii_case(name)),
            false => self.named.contains(name),
        };
        let may_pass =
            |name: &[u8]| (name.starts_with(b"APACHE_") || is_named(name)) && is_plain(name) && !steers(name);
        let more = more.into_iter();
        all.passed
            .extend(more.filter(|(name, value)| may_pass(name) && !value.contains(&0)));
        all
    }

    /// Gives a command this environment and no other.
    pub(super) fn hand_to(&self, command: &mut Command) {
        let text = |bytes: &Vec<u8>| bytes_path(bytes).into_os_string();
        command.env_clear().envs(fixed());
        command.envs(self.passed.iter().map(|(name, value)| (text(name), text(value))));
    }
}

/// Adds the names in `${NAME}`.
fn references(bytes: &[u8], named: &mut BTreeSet<Vec<u8>>) {
    for at in memchr::memmem::find_iter(bytes, b"${") {
        let rest = &bytes[at + 2..];
        let end = rest.iter().position(|byte| !is_letter(*byte));
        if let Some(end) = end.filter(|end| *end > 0 && rest[*end] == b'}') {
            named.insert(rest[..end].to_vec());
        }
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_plain(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| is_letter(*byte))
}

/// Does a variable say which code a program loads, where it looks for files, or how its libraries work? Such a one is
/// never passed on, though a configuration names it.
fn steers(name: &[u8]) -> bool {
    const STARTS: [&str; 22] = [
        "LD_",
        "DYLD_",
        "_RLD",
        "GCONV_",
        "GLIBC_",
        "MALLOC_",
        "OPENSSL_",
        "PERL",
        "PYTHON",
        "RUBY",
        "LUA_",
        "BASH",
        "SHELLOPTS",
        "KRB5_",
        "RES_",
        "NLS",
        "LC_",
        "NIS_",
        "GETCONF_",
        "SYSTEMD_",
        "JAVA_TOOL_",
        "_JAVA_",
    ];
    // Those of Windows among them; there the case does not matter.
    const NAMES: [&str; 35] = [
        "PATH",
        "LIBPATH",
        "SHLIB_PATH",
        "LOCPATH",
        "LOCALDOMAIN",
        "TZDIR",
        "HOSTALIASES",
        "CLASSPATH",
        "PHPRC",
        "PHP_INI_SCAN_DIR",
        "NODE_OPTIONS",
        "NODE_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SSLKEYLOGFILE",
        "RANDFILE",
        "IFS",
        "ENV",
        "CDPATH",
        "PS4",
        "PROMPT_COMMAND",
        "SHELL",
        "EDITOR",
        "PAGER",
        "TMPDIR",
        "TMP",
        "TEMP",
        "LANG",
        "LANGUAGE",
        "PATHEXT",
        "COMSPEC",
        "SYSTEMROOT",
        "WINDIR",
        "SYSTEMDRIVE",
        "PROGRAMDATA",
    ];
    let name = name.to_ascii_uppercase();
    STARTS.iter().any(|start| name.starts_with(start.as_bytes()))
        || NAMES.iter().any(|known| name == known.as_bytes())
}

/// The folders of the system's own programs.
#[cfg(not(windows))]
pub(super) fn system_folders() -> Vec<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        .map(PathBuf::from)
        .to_vec()
}

/// The folders of the system's own programs.
#[cfg(windows)]
pub(super) fn system_folders() -> Vec<PathBuf> {
    winsafe::GetSystemDirectory()
        .map(PathBuf::from)
        .into_iter()
        .collect()
}

/// What every program of ours finds.
#[cfg(not(windows))]
fn fixed() -> Vec<(&'static str, std::ffi::OsString)> {
    let path = std::env::join_paths(system_folders()).unwrap_or_default();
    // Words that are not translated.
    vec![("PATH", path), ("LANG", "C".into()), ("LC_ALL", "C".into())]
}

/// What every program of ours finds. The system's own variables come from our caller, who is an administrator; of the
/// search path, where programs look for libraries, only folders that nobody else may write to.
#[cfg(windows)]
fn fixed() -> Vec<(&'static str, std::ffi::OsString)> {
    use std::sync::LazyLock;
    const SYSTEM: [&str; 13] = [
        "SystemRoot",
        "windir",
        "SystemDrive",
        "ComSpec",
        "PATHEXT",
        "TEMP",
        "TMP",
        "OS",
        "NUMBER_OF_PROCESSORS",
        "PROCESSOR_ARCHITECTURE",
        "ProgramData",
        "ProgramFiles",
        "COMPUTERNAME",
    ];
    static SAFE: LazyLock<std::ffi::OsString> = LazyLock::new(|| {
        let ours = std::env::var_os("PATH").unwrap_or_default();
        let ours = std::env::split_paths(&ours).filter(|folder| folder.is_absolute());
        let ours = ours.filter(|folder| super::trust::judge(folder).is_ok());
        std::env::join_paths(system_folders().into_iter().chain(ours)).unwrap_or_default()
    });
    let kept = SYSTEM
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
    kept.chain([("PATH", SAFE.clone())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::{Facts, Platform, Source};

    #[test]
    fn only_what_is_named_and_harmless_passes() {
        let names = [
            "SITE",
            "CUSTOM",
            "OTHER",
            "APACHE_RUN_USER",
            "LD_PRELOAD",
            "PATH",
            "GCONV_PATH",
            "OPENSSL_CONF",
            "IFS",
            "MALLOC_CHECK_",
            "TMPDIR",
            "PERL5LIB",
            "GLIBC_TUNABLES",
            "BASH_ENV",
        ];
        let mut facts = Facts::assumed(Platform::Unix);
        for name in names {
            facts.environment.insert(name.into(), b"/x".to_vec());
        }
        let text = "Listen ${SITE}\nDefine A ${LD_PRELOAD}${PATH}${GCONV_PATH}${OPENSSL_CONF}${IFS}${MALLOC_CHECK_}\n\
                    ServerName a${TMPDIR}b${\nPassEnv CUSTOM LD_PRELOAD PERL5LIB GLIBC_TUNABLES BASH_ENV\n";
        let source = Source::new("/nowhere".into(), Platform::Unix);
        let configuration =
            Configuration::from_bytes(b"/nowhere/httpd.conf", text.as_bytes().to_vec(), source, facts);
        let environment = Environment::of(&configuration);
        let passed = |environment: &Environment| -> Vec<String> {
            let names = environment.passed.keys();
            names
                .map(|name| String::from_utf8_lossy(name).into_owned())
                .collect()
        };
        assert_eq!(passed(&environment), ["APACHE_RUN_USER", "CUSTOM", "SITE"]);
        let more = [
            ("SITE", "2"),
            ("LD_AUDIT", "x"),
            ("OTHER", "x"),
            ("APACHE_A=B", "x"),
        ];
        let more = environment.with(more.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(passed(&more), ["APACHE_RUN_USER", "CUSTOM", "SITE"]);
        assert_eq!(more.passed[&b"SITE"[..]], b"2");
    }

    #[test]
    fn a_command_gets_nothing_else() {
        let mut command = Command::new("nothing");
        command.env("LD_PRELOAD", "x");
        Environment::default().hand_to(&mut command);
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_owned()).collect();
        assert!(names.iter().any(|name| name == "PATH"));
        assert!(!names.iter().any(|name| name == "LD_PRELOAD"), "{names:?}");
    }
}
