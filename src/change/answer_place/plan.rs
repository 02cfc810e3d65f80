//! The answer place alone, before there is a certificate: a plan of its own.

use crate::httpd::Configuration;

use super::super::challenge::AnswerPlace;
use super::super::effect::Effect;
use super::super::plan::{Act, Plan, PlanError};
use super::super::prove::broken::{errors, refuse_broken, told};
use super::super::request::Request;
use super::super::work::Work;
use super::acts::acts;

/// A module may have to come first, or lines that were enough once have to go; more than this is our mistake.
const ROUNDS: usize = 6;

impl Plan {
    /// Plans that Apache answers certificate authorities over HTTP, and nothing else. Writes nothing. The plan is empty where
    /// it does, or nobody listens on the port.
    ///
    /// # Errors
    /// A refusal with its reason, or that a file cannot be read.
    pub fn answer_place(original: &Configuration, place: &AnswerPlace) -> Result<Plan, PlanError> {
        refuse_broken(original)?;
        let mut work = Work::new(original);
        let plan = steps(original, &mut work, place);
        plan.map_err(|error| work.on_disk(&Request::default(), error))
    }
}

fn steps(original: &Configuration, work: &mut Work<'_>, place: &AnswerPlace) -> Result<Plan, PlanError> {
    let mut plan = Plan::default();
    let mut edited: Option<Configuration> = None;
    for round in 0.. {
        let configuration = edited.as_ref().unwrap_or(original);
        let acts = acts(configuration, place)?;
        if acts.is_empty() {
            break;
        }
        if round == ROUNDS {
            return Err(PlanError::Unproven("planning does not end".into()));
        }
        let (mut edits, mut links) = (Vec::new(), Vec::new());
        for act in acts {
            match act {
                Act::Edit(edit) => edits.push(edit),
                Act::Link(link) => links.push(link),
            }
        }
        plan.changes.extend(work.apply(edits, &mut Request::default())?);
        work.link(&links)?;
        plan.links.extend(links);
        edited = Some(work.read()?);
    }
    let result = edited.as_ref().unwrap_or(original);
    if let Some(problem) = errors(result).next() {
        return Err(PlanError::Unproven(told(result, problem).to_string()));
    }
    plan.changes
        .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    plan.effect = Effect::between(original, result);
    plan.files = work.changed();
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::httpd::{Facts, Platform, Source};

    fn planned(text: &str, names: &[&str]) -> Result<Vec<String>, PlanError> {
        let folder = tempfile::tempdir().expect("a folder");
        let main = folder.path().join("httpd.conf");
        std::fs::write(&main, text).expect("a main file");
        let source = Source::new(folder.path().to_path_buf(), Platform::Windows);
        let facts = Facts::assumed(Platform::Windows);
        let main = crate::httpd::host_bytes(&main);
        let configuration = Configuration::read(&main, source, facts).expect("the main file");
        let place = AnswerPlace::of(&configuration, names.iter().map(|name| (*name).to_owned()));
        let plan = Plan::answer_place(&configuration, &place)?;
        let lines = plan.changes.iter().flat_map(|change| {
            let text = String::from_utf8_lossy(&change.after).into_owned();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        });
        Ok(lines.filter(|line| !line.is_empty()).collect())
    }

    const MODULES: &str = "LoadModule alias_module modules/mod_alias.so\nLoadModule authz_core_module \
                           modules/mod_authz_core.so\nLoadModule rewrite_module modules/mod_rewrite.so\n";

    #[test]
    fn paths_of_windows_are_quoted() {
        let root = "Define SRVROOT \"C:/Program Files/eSync 100% $1/Apache24\"\nServerRoot \"${SRVROOT}\"\nListen 80\n";
        let host = "<VirtualHost *:80>\nServerName a.test\nRedirect / https://a.test/\n</VirtualHost>\n";
        let lines = planned(&format!("{root}{MODULES}{host}"), &["a.test"]).expect("a plan");
        let folder = "C:/Program Files/eSync 100% $1/Apache24/conf/esync-ssl-acme/answers";
        let escaped = folder.replace('%', "\\%").replace('$', "\\$");
        let inside: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        assert_eq!(
            inside,
            [
                "# Answers to certificate authorities, added by esync-ssl",
                "RewriteEngine on",
                &format!(
                    "RewriteRule \"^/\\.well-known/acme-challenge/([A-Za-z0-9_=-]+)$\" \"{escaped}/$1\" [END]"
                ),
                &format!("Alias \"/.well-known/acme-challenge/\" \"{folder}/\""),
                &format!("<Directory \"{folder}\">"),
                "AllowOverride None",
                "Options None",
                "Require all granted",
                "</Directory>",
            ]
        );
    }

    #[test]
    fn without_a_listener_nothing_is_written() {
        let root = "ServerRoot \"C:/Apache24\"\nListen 443\n";
        let lines = planned(&format!("{root}{MODULES}"), &["a.test"]).expect("a plan");
        assert_eq!(lines, Vec::<String>::new());
    }

    #[test]
    fn what_keeps_the_path_is_a_refusal_with_its_places() {
        let root = "ServerRoot \"C:/Apache24\"\nListen 80\n";
        let host = "<VirtualHost *:80>\nServerName a.test\nRedirect / https://a.test/\nRewriteEngine Off\n</VirtualHost>\n";
        let error = planned(&format!("{root}{MODULES}{host}"), &["a.test"]).expect_err("a refusal");
        let PlanError::Refused(refusal) = error else {
            panic!("{error}")
        };
        assert_eq!(refusal.code.word(), "ACME-PATH-TAKEN");
        let lines: Vec<Option<u32>> = refusal.places().iter().map(|place| place.line).collect();
        assert_eq!(lines, [Some(8), Some(9)]);
    }
}
