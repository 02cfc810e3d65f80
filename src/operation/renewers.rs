//! Who renews a certificate: judged by what certbot, acme.sh, win-acme and mod_md keep themselves. Nothing of theirs is run or
//! changed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::find::Loaded;
use crate::foreign;
use crate::httpd::Truth;
use crate::place::ShownPath;
use crate::shown::{printable, shown};

/// Folders and files of others that are looked through at most.
const MOST: usize = 300;

/// Who renews a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CertificateRenewer"))]
pub struct Renewer {
    /// Who, in one word.
    pub by: By,
    /// The file in which that is written; null where it is none, or several lines.
    pub settings: Option<ShownPath>,
    /// The same itself, whatever its bytes are: not for people.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// What is odd about it, in words; null where nothing is.
    pub remark: Option<String>,
}

/// Who renews a certificate, in one word. The list may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// `esync-ssl renew`.
    EsyncSsl,
    /// certbot.
    Certbot,
    /// acme.sh.
    AcmeSh,
    /// win-acme.
    WinAcme,
    /// lego.
    Lego,
    /// mod_md, within Apache.
    ModMd,
    /// Nobody who is known.
    Nobody,
}

impl By {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            By::EsyncSsl => "esync-ssl",
            By::Certbot => "certbot",
            By::AcmeSh => "acme.sh",
            By::WinAcme => "win-acme",
            By::Lego => "lego",
            By::ModMd => "mod_md",
            By::Nobody => "nobody",
        }
    }
}

/// Where others keep their settings.
#[derive(Clone, Debug, Default)]
pub struct Homes {
    /// Of acme.sh: `.acme.sh` in homes.
    pub acme_sh: Vec<PathBuf>,
    /// Of win-acme: a folder for each authority is in it.
    pub win_acme: Vec<PathBuf>,
}

impl Homes {
    /// Of this machine.
    pub fn of_machine() -> Homes {
        let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let mut acme_sh: Vec<PathBuf> = home("HOME").into_iter().collect();
        if cfg!(unix) {
            acme_sh.push("/root".into());
        }
        acme_sh.dedup();
        Homes {
            acme_sh: acme_sh.iter().map(|home| home.join(".acme.sh")).collect(),
            // The second is what became of the first.
            win_acme: home("ProgramData").map_or(Vec::new(), |data| {
                ["win-acme", "simple-acme"].map(|name| data.join(name)).to_vec()
            }),
        }
    }
}

impl Renewer {
    fn of(by: By, settings: Option<&Path>, remark: Option<String>) -> Renewer {
        Renewer {
            by,
            settings: settings.map(|path| shown(path).into()),
            file: settings.map(Path::to_path_buf),
            remark,
        }
    }

    /// This program does.
    pub fn ours(settings: &Path) -> Renewer {
        Renewer::of(By::EsyncSsl, Some(settings), None)
    }

    /// Of a certificate that is none of ours, in this file.
    pub fn of_file(file: &Path, homes: &Homes) -> Renewer {
        certbot(file)
            .or_else(|| acme_sh(file, homes))
            .or_else(|| win_acme(file, homes))
            .or_else(|| lego(file))
            .unwrap_or_else(|| Renewer::of(By::Nobody, None, None))
    }

    /// Of names for which mod_md has a certificate, if it does.
    pub fn mod_md(loaded: &Loaded, names: &[String]) -> Option<Renewer> {
        let configuration = &loaded.configuration;
        let all = ["MDomain", "MDomainSet", "<MDomainSet"].into_iter();
        let mut entries = all.flat_map(|directive| configuration.named(directive));
        let entry = entries.find_map(|(_, entry)| {
            let words = configuration.arguments(entry);
            let has = |name: &String| {
                words
                    .iter()
                    .any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
            };
            (entry.truth == Truth::True && names.iter().any(has)).then_some(entry)
        })?;
        let place = loaded.place_of(entry);
        Some(Renewer {
            by: By::ModMd,
            settings: Some(place.file),
            file: None,
            remark: None,
        })
    }
}

/// The lines `key = value` and `key=value` of a settings file.
fn settings(path: &Path) -> Option<Vec<(String, String)>> {
    let bytes = foreign::read(path, foreign::NOTE).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let plain = |text: &str| text.trim().trim_matches(['\'', '"']).to_owned();
    Some(pairs.map(|(key, value)| (plain(key), plain(value))).collect())
}

fn value<'a>(settings: &'a [(String, String)], key: &str) -> Option<&'a str> {
    let found = settings.iter().find(|(known, _)| known == key);
    found.map(|(_, value)| value.as_str())
}

/// A number of days, as both write it: `30 days`, `60`.
fn days(text: &str) -> Option<u32> {
    text.split_whitespace().next()?.parse().ok()
}

/// `live/NAME/fullchain.pem` belongs to `renewal/NAME.conf`.
fn certbot(file: &Path) -> Option<Renewer> {
    let name = file.parent()?;
    let live = name.parent().filter(|live| live.ends_with("live"))?;
    let mut conf = live
        .parent()?
        .join("renewal")
        .join(name.file_name()?)
        .into_os_string();
    conf.push(".conf");
    let conf = PathBuf::from(conf);
    let settings = settings(&conf)?;
    let has_it = |key: &str| value(&settings, key).is_some_and(|path| Path::new(path) == file);
    if !["cert", "fullchain"].into_iter().any(has_it) {
        return None;
    }
    let fixed = value(&settings, "renew_before_expiry").and_then(days);
    let remark = fixed.map(|days| {
        format!(
            "it renews {days} days before the end, whatever the life is: a certificate that lives no longer than that is renewed at \
             every run"
        )
    });
    Some(Renewer::of(By::Certbot, Some(&conf), remark))
}

/// acme.sh serves from its own folder, or knows where it copied the certificate to.
fn acme_sh(file: &Path, homes: &Homes) -> Option<Renewer> {
    let remark = |settings: &[(String, String)]| {
        let fixed = value(settings, "Le_RenewalDays").and_then(days);
        fixed.map(|days| {
            format!(
                "it renews {days} days after it was made, whatever the life is: too late for a certificate that lives no longer than \
                 that"
            )
        })
    };
    for home in &homes.acme_sh {
        for folder in entries(home) {
            let name = folder.file_name()?.to_string_lossy().into_owned();
            let conf = folder.join(format!("{}.conf", name.trim_end_matches("_ecc")));
            let Some(settings) = settings(&conf) else { continue };
            let copies = ["Le_RealCertPath", "Le_RealFullChainPath"];
            let is_copy = |key: &str| value(&settings, key).is_some_and(|path| Path::new(path) == file);
            if file.parent() == Some(&folder) || copies.into_iter().any(is_copy) {
                return Some(Renewer::of(By::AcmeSh, Some(&conf), remark(&settings)));
            }
        }
    }
    None
}

/// win-acme names the folder that it writes PEM files to.
fn win_acme(file: &Path, homes: &Homes) -> Option<Renewer> {
    let folder = file
        .parent()?
        .to_string_lossy()
        .replace('/', "\\")
        .to_ascii_lowercase();
    let authorities = homes.win_acme.iter().flat_map(|home| entries(home));
    let files = authorities.flat_map(|authority| entries(&authority));
    let renewals = files.filter(|path| path.to_string_lossy().ends_with(".renewal.json"));
    for renewal in renewals.take(MOST) {
        let bytes = foreign::read(&renewal, foreign::ANSWERS).unwrap_or_default();
        let value: Option<Value> = serde_json::from_slice(&bytes).ok();
        if value.is_some_and(|value| names_folder(&value, &folder)) {
            return Some(Renewer::of(By::WinAcme, Some(&renewal), None));
        }
    }
    None
}

/// lego has what it knows of `certificates/NAME.crt` in `certificates/NAME.json`.
fn lego(file: &Path) -> Option<Renewer> {
    let settings = file
        .parent()
        .filter(|folder| folder.ends_with("certificates"))
        .map(|_| file.with_extension("json"))?;
    let bytes = foreign::read(&settings, foreign::ANSWERS).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    value.get("certUrl")?;
    Some(Renewer::of(By::Lego, Some(&settings), None))
}

/// Whether a string in it is that folder.
fn names_folder(value: &Value, folder: &str) -> bool {
    match value {
        Value::String(text) => {
            let text = printable(text.as_bytes()).replace('/', "\\").to_ascii_lowercase();
            text.trim_end_matches('\\') == folder.trim_end_matches('\\')
        }
        Value::Array(all) => all.iter().any(|value| names_folder(value, folder)),
        Value::Object(fields) => fields.values().any(|value| names_folder(value, folder)),
        _ => false,
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).take(MOST).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn certbot_by_its_renewal_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = put(folder.path(), "live/a.example/fullchain.pem", "");
        let nobody = Renewer::of_file(&file, &Homes::default());
        assert_eq!(nobody.by, By::Nobody);
        let lines = format!(
            "# renew_before_expiry = 30 days\nfullchain = {}\n[renewalparams]\n",
            file.display()
        );
        let conf = put(folder.path(), "renewal/a.example.conf", &lines);
        let found = Renewer::of_file(&file, &Homes::default());
        assert_eq!((found.by, found.remark), (By::Certbot, None));
        fs::write(conf, lines.replace("# renew", "renew")).unwrap();
        let found = Renewer::of_file(&file, &Homes::default());
        assert!(found.remark.unwrap().contains("30 days before"));
    }

    #[test]
    fn acme_sh_by_what_it_copied_to() {
        let folder = tempfile::tempdir().unwrap();
        let file = put(folder.path(), "ssl/a.crt", "");
        let home = folder.path().join(".acme.sh");
        let lines = format!("Le_RealFullChainPath='{}'\nLe_RenewalDays='60'\n", file.display());
        put(&home, "a.example_ecc/a.example.conf", &lines);
        let homes = Homes {
            acme_sh: vec![home],
            ..Homes::default()
        };
        let found = Renewer::of_file(&file, &homes);
        assert_eq!(found.by, By::AcmeSh);
        assert!(found.remark.unwrap().contains("60 days after"));
        assert_eq!(
            Renewer::of_file(&folder.path().join("b.crt"), &homes).by,
            By::Nobody
        );
    }

    #[test]
    fn lego_by_what_lies_beside() {
        let folder = tempfile::tempdir().unwrap();
        let file = put(folder.path(), ".lego/certificates/a.example.crt", "");
        assert_eq!(Renewer::of_file(&file, &Homes::default()).by, By::Nobody);
        put(
            folder.path(),
            ".lego/certificates/a.example.json",
            "{\"domain\": \"a.example\", \"certUrl\": \"https://ca.example/1\"}",
        );
        assert_eq!(Renewer::of_file(&file, &Homes::default()).by, By::Lego);
    }

    #[test]
    fn win_acme_by_the_folder_of_its_pem_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = put(folder.path(), "ssl/a-crt.pem", "");
        let place = file.parent().unwrap().to_string_lossy().replace('\\', "\\\\");
        let text = format!("{{\"StorePluginOptions\": [{{\"Path\": \"{place}\"}}]}}");
        put(folder.path(), "win-acme/host/x.renewal.json", &text);
        let homes = Homes {
            win_acme: vec![folder.path().join("win-acme")],
            ..Homes::default()
        };
        assert_eq!(Renewer::of_file(&file, &homes).by, By::WinAcme);
    }
}
