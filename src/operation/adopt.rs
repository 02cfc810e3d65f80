//! Takes a certificate over from another program that renews it: which one that is, and that it still renews it afterwards, until
//! somebody turns that off. Nothing of the other program is run or changed.

use std::collections::HashSet;
use std::path::Path;

use super::certificate_files;
use super::failure::Failure;
use super::find::Loaded;
use super::obtain::{Adopted, Managed, State};
use super::other_schedules::Schedules;
use super::renewers::{By, Homes, Renewer};
use crate::apply::Name;
use crate::check::tls_host::TlsHost;
use crate::finding::{Code, Finding, Severity};
use crate::foreign;
use crate::place::Place;
use crate::quoted::word;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::program::Program;
use crate::server::same_file::identity;
use crate::shown::shown;
use crate::tls::certificate::Certificate;

/// From whom the certificate of a site is taken over.
///
/// # Errors
/// Refused where no other program renews it.
pub fn of_site(loaded: &Loaded, names: &[String], known: Option<Adopted>) -> Result<Adopted, Failure> {
    let homes = Homes::of_machine();
    let hosts = TlsHost::all(&loaded.configuration);
    let mut seen = HashSet::new();
    // There may be as many as there are virtual hosts, and who renews one is asked in many files.
    let files = certificate_files::of_hosts(&hosts, loaded)
        .filter(|file| seen.insert(file.clone()) && is_for(file, &names[0]));
    let mut renewers = files.map(|file| Renewer::of_file(&file, &homes));
    if let Some(adopted) = renewers.find_map(adopted_from) {
        return Ok(adopted);
    }
    // It was taken over by a run before.
    known.ok_or_else(|| {
        Failure::refused(Refusal::new(
            RefusalCode::NothingToAdopt,
            format!(
                "no virtual host here shows a certificate for {} that certbot, acme.sh, lego or win-acme renews",
                names[0]
            ),
            "; ",
            "run again without --adopt; esync-ssl certificates shows who renews which",
        ))
    })
}

/// Whether the certificate in a file is for this name.
fn is_for(file: &Path, name: &str) -> bool {
    let has_it = |leaf: Certificate| leaf.names().iter().any(|one| one.eq_ignore_ascii_case(name));
    certificate_files::leaf(file).is_some_and(has_it)
}

fn adopted_from(renewer: Renewer) -> Option<Adopted> {
    Some(Adopted {
        by: renewer.by,
        settings: Name::from(&*renewer.file?),
    })
}

/// What is said of it before.
pub fn note(adopted: &Adopted) -> String {
    format!(
        "the certificate is taken over from {} ({}), whose files stay as they are: first it is ordered on trial and thrown away, \
         then ordered, and the configuration reads the new files",
        adopted.by.name(),
        shown(&adopted.settings.path())
    )
}

/// Of each certificate that was taken over and is used, who else still renews it.
pub fn rivals(loaded: &Loaded, state: &State) -> Vec<Finding> {
    let all = state.all_managed().into_iter();
    let managed = all.filter_map(|name| state.managed(&name).ok().flatten());
    let taken: Vec<_> = managed
        .filter(|one| one.installed.way.adopted.is_some())
        .collect();
    // Most servers have none, and many virtual hosts.
    if taken.is_empty() {
        return Vec::new();
    }
    let used = certificate_files::used(&TlsHost::all(&loaded.configuration), loaded);
    let is_used = |one: &&Managed| used.contains(&identity(&one.installed.certificate.path()));
    let mut schedules = Schedules::below(Path::new("/"));
    let found = taken.iter().filter(is_used).filter_map(|one| {
        let adopted = one.installed.way.adopted.as_ref()?;
        rival_of(adopted, &one.installed.names, &mut schedules)
    });
    found.collect()
}

/// Who still renews a certificate for these names, which was taken over.
pub fn rival(adopted: &Adopted, names: &[String]) -> Option<Finding> {
    rival_of(adopted, names, &mut Schedules::below(Path::new("/")))
}

fn rival_of(adopted: &Adopted, names: &[String], schedules: &mut Schedules) -> Option<Finding> {
    let settings = adopted.settings.path();
    let text = foreign::read(&settings, foreign::NOTE).ok()?;
    if adopted.by == By::Certbot && is_off(&text) {
        return None;
    }
    let schedule = schedules.first(adopted.by, &settings)?;
    let file = shown(&schedule.file);
    let by = adopted.by.name();
    let fix = match alone(adopted.by, &settings, &may_be_run) {
        Some(fix) => format!(
            "To turn it off for this certificate: {fix}; for all of {by}: {}.",
            schedule.off
        ),
        None => format!("To turn it off: {}.", schedule.off),
    };
    let finding = Finding::new(
        Code::AcmeTwoClients,
        Severity::WorksButWrong,
        format!(
            "{by} still renews a certificate for {}, which was taken over from it",
            names.join(", ")
        ),
        format!(
            "{by} has its settings in {} and is run by this: two programs order certificates for the same names, and both count \
             against the limits of the authority.",
            shown(&settings)
        ),
        fix,
    );
    Some(Finding {
        place: Some(Place::new(file, schedule.line)),
        ..finding
    })
}

/// Whether certbot is told to leave this certificate alone.
fn is_off(settings: &[u8]) -> bool {
    let text = String::from_utf8_lossy(settings);
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    lines.any(|(key, value)| key.trim() == "autorenew" && value.trim().eq_ignore_ascii_case("false"))
}

/// Whether it may be proposed to run it, perhaps as root.
fn may_be_run(program: &Path) -> bool {
    program.is_file() && Program::at(program).is_ok()
}

/// What turns it off for one certificate, where that is not the only one.
fn alone(by: By, settings: &Path, may_be_run: &dyn Fn(&Path) -> bool) -> Option<String> {
    let folder = settings.parent()?;
    match by {
        By::Certbot => Some(format!(
            "add the line `autorenew = False` below [renewalparams] in {}",
            shown(settings)
        )),
        By::AcmeSh => {
            let name = settings.file_stem()?.to_string_lossy().into_owned();
            let kind = match folder.to_string_lossy().ends_with("_ecc") {
                true => " --ecc",
                false => "",
            };
            let program = folder.parent()?.join("acme.sh");
            if !may_be_run(&program) {
                return Some(format!("have acme.sh remove what it has in {}", shown(settings)));
            }
            Some(format!(
                "{} --remove -d {}{kind}",
                word(&program.to_string_lossy()),
                word(&name)
            ))
        }
        By::WinAcme => {
            let id = settings.file_name()?.to_string_lossy().into_owned();
            let id = id.trim_end_matches(".renewal.json");
            Some(format!("wacs --cancel --id {}", word(id)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn certbot_is_named_until_it_is_off() {
        let root = tempfile::tempdir().unwrap();
        let settings = root.path().join("a.example.conf");
        fs::write(&settings, "[renewalparams]\n").unwrap();
        let adopted = Adopted {
            by: By::Certbot,
            settings: Name::from(&*settings),
        };
        let names = ["a.example".to_owned()];
        // Nobody runs it.
        assert!(rival_of(&adopted, &names, &mut Schedules::below(root.path())).is_none());
        fs::create_dir_all(root.path().join("etc/cron.d")).unwrap();
        fs::write(
            root.path().join("etc/cron.d/x"),
            "\n0 1 * * * root certbot renew\n",
        )
        .unwrap();
        let finding = rival_of(&adopted, &names, &mut Schedules::below(root.path())).unwrap();
        assert_eq!(finding.place.as_ref().unwrap().line, Some(2));
        assert!(
            finding.fix.contains("autorenew = False") && finding.fix.contains("line 2 of"),
            "{}",
            finding.fix
        );
        fs::write(&settings, "[renewalparams]\nautorenew = False\n").unwrap();
        assert!(rival_of(&adopted, &names, &mut Schedules::below(root.path())).is_none());
    }

    #[test]
    fn each_is_turned_off_by_its_own_words() {
        let of = |by, path: &str| alone(by, Path::new(path), &|_| true).unwrap();
        assert_eq!(
            of(By::AcmeSh, "/root/.acme.sh/a.example_ecc/a.example.conf").replace('\\', "/"),
            "/root/.acme.sh/acme.sh --remove -d a.example --ecc"
        );
        let of_others = alone(By::AcmeSh, Path::new("/home/alice/.acme.sh/a/a.conf"), &|_| false);
        let said = "have acme.sh remove what it has in /home/alice/.acme.sh/a/a.conf";
        assert_eq!(of_others.unwrap(), said);
        assert_eq!(
            of(By::WinAcme, "/w/host/x1.renewal.json"),
            "wacs --cancel --id x1"
        );
    }
}
