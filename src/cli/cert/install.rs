//! `esync-ssl cert install`: certificate, key and chain into the server's folder for them.

use super::arguments::Install;
use crate::change::domain_name;
use crate::check::tls_files::{File, TlsFiles};
use crate::cli::Failure;
use crate::cli::arguments::Global;
use crate::cli::judge::{self, Server};
use crate::cli::material;
use crate::cli::new_files::{NewFiles, base_name, left_out};
use crate::cli::pass_phrase::PassPhrases;
use crate::cli::printer::Printer;
use crate::cli::settings::{self, Loaded};
use crate::cli::turn;
use crate::cli::world::World;
use crate::exit_status::ExitStatus;
use crate::tls::bundle::Bundle;

/// Runs the command.
pub fn run(
    arguments: &Install,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let domain = arguments
        .domain
        .as_deref()
        .map(domain_name)
        .transpose()
        .map_err(|reason| Failure::error(anyhow::anyhow!("--domain: {reason}")))?;
    let loaded = read(arguments.dry_run, global, world, printer)?;
    loaded.introduce(printer);
    loaded.refuse_other_root()?;
    let phrases = PassPhrases::of(&arguments.pass_phrase)?;
    let bundle = match (&arguments.pfx, &arguments.cert, &arguments.key) {
        (Some(pfx), _, _) => material::archive(pfx, &phrases, printer)?,
        (None, Some(certificate), Some(key)) => {
            material::files(certificate, key, arguments.chain.as_deref(), &phrases, printer)?
        }
        _ => return Err(Failure::error(anyhow::anyhow!("give --cert and --key, or --pfx"))),
    };
    let origin = arguments.pfx.as_ref().or(arguments.cert.as_ref());
    let origin = origin.map_or("", |path| path.as_str());
    if bundle.key.is_none() {
        return Err(without_key(origin));
    }
    let server = Server::of(Some(&loaded), global);
    let key = arguments.key.as_ref().map_or(origin, |path| path.as_str());
    let chain = arguments.chain.as_ref().map_or(origin, |path| path.as_str());
    let judged = judged(&bundle, origin, key, chain);
    let found = judge::files(&loaded, server, &judged, domain.as_deref());
    judge::tell(server, &found, &arguments.force, printer)?;
    let name = match (&arguments.name, &domain) {
        (None, Some(domain)) => domain.clone(),
        (typed, _) => base_name(typed.as_deref(), &bundle)?,
    };
    let folder = loaded.tls_folder();
    loaded.refuse_included(&folder)?;
    let mut files = if arguments.name.is_some() {
        let mut files = NewFiles::of(&loaded);
        files.add_bundle(&bundle, &folder, &name, &|path| loaded.show(path))?;
        files
    } else {
        NewFiles::of_bundle(&bundle, &loaded, &name)?.0
    };
    files.refuse_shared()?;
    files.finish(
        arguments.dry_run,
        left_out(&bundle).into_iter().collect(),
        printer,
    )?;
    Ok(ExitStatus::Done)
}

/// Reads the configuration after what a killed run left is undone, or for a preview as it will be then.
fn read(dry_run: bool, global: &Global, world: &World, printer: &Printer) -> Result<Loaded, Failure> {
    if dry_run {
        let loaded = Loaded::find(global)?;
        let undone = turn::undone(&loaded.installation.root, &loaded.global, printer)?;
        return loaded.once_undone(&undone);
    }
    let root = settings::root(global)?;
    turn::settle(&root, global, world, printer)?;
    let loaded = Loaded::find(global)?;
    // Only the configuration says which server root its main file belongs to.
    if loaded.installation.root != root
        && turn::settle(&loaded.installation.root, global, world, printer)?.any
    {
        return loaded.again();
    }
    Ok(loaded)
}

/// The files of a bundle before they are written, under the names of what they come from.
pub fn judged(bundle: &Bundle, certificate: &str, key: &str, chain: &str) -> TlsFiles {
    TlsFiles {
        certificate: File::from_bytes(certificate, bundle.certificate_pem().as_bytes()),
        key: bundle.key_pem().map(|pem| File::from_bytes(key, pem.as_bytes())),
        chain: bundle.chain_pem().map(|pem| {
            // One name for two files means something else to the rules.
            let name = if chain == certificate {
                format!("{chain} (chain)")
            } else {
                chain.to_owned()
            };
            File::from_bytes(&name, pem.as_bytes())
        }),
    }
}

/// An archive without a key cannot serve.
pub fn without_key(origin: &str) -> Failure {
    Failure::error(anyhow::anyhow!(
        "{origin} holds no private key; export it together with the key, or take it apart with esync-ssl cert import \
         and give --cert and --key"
    ))
}
