//! Which server is taken where none is named: what its service says of it, its wrapper, its running program, and where it
//! was installed.
#![cfg(windows)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::MutexGuard;

use crate::alone;
use crate::support::files;
use crate::support::process::start;
use crate::support::program::esync_ssl;
use winreg::enums::{HKEY_LOCAL_MACHINE, REG_EXPAND_SZ};
use winreg::{RegKey, RegValue};

const SERVICE: &str = r"SYSTEM\CurrentControlSet\Services\esync-ssl found";
const INSTALLED: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\esync-ssl found";

/// A tree that lies in none of the usual places, but on the drive of the system; keys of the registry and it are removed
/// when it is dropped.
struct Tree {
    root: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Tree {
    fn new() -> Self {
        let alone = alone();
        let root = PathBuf::from(r"C:\esync found\Apache24");
        let _ = std::fs::remove_dir_all(root.parent().unwrap());
        files::copy_tree(&files::fixture("small"), &root);
        let main = root.join(r"conf\httpd.conf");
        let mut text = std::fs::read(&main).unwrap();
        text.extend_from_slice(b"\r\n<IfDefine TLS>\r\nListen 8443\r\n</IfDefine>\r\n");
        files::write(&main, text);
        std::fs::create_dir_all(root.join("bin")).unwrap();
        Tree { root, _alone: alone }
    }

    /// The key of a service, or below it.
    fn key(&self, path: &str) -> RegKey {
        RegKey::predef(HKEY_LOCAL_MACHINE).create_subkey(path).unwrap().0
    }

    /// It is found, by this, and has the flag of its service or not.
    #[track_caller]
    fn is_found(&self, by: &str, has_flag: bool) {
        let outcome = esync_ssl().args(["status", "--json"]).run();
        let envelope = outcome.envelope();
        let data = &envelope["data"];
        let found_by = data["found_by"].as_str().unwrap_or_default();
        assert!(found_by.contains(by), "{}", outcome.report());
        let root = envelope["root"].as_str().map(Path::new);
        assert_eq!(root, Some(&*self.root), "{envelope}");
        let active = |listen: &serde_json::Value| listen["port"] == 8443 && listen["truth"] == "active";
        let listens = data["listeners"].as_array().unwrap();
        assert_eq!(listens.iter().any(active), has_flag, "{data}");
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for key in [SERVICE, INSTALLED] {
            let _ = RegKey::predef(HKEY_LOCAL_MACHINE).delete_subkey_all(key);
        }
        let _ = std::fs::remove_dir_all(self.root.parent().unwrap());
    }
}

/// A text with variables, as installers write it.
fn expanding(text: &str) -> RegValue<'static> {
    let units = text.encode_utf16().chain([0]);
    RegValue {
        bytes: units.flat_map(u16::to_le_bytes).collect(),
        vtype: REG_EXPAND_SZ,
    }
}

#[test]
fn a_service_whose_image_has_variables() {
    let tree = Tree::new();
    let key = tree.key(SERVICE);
    let image = expanding(r#""%SystemDrive%\esync found\Apache24\bin\httpd.exe" -k runservice"#);
    key.set_raw_value("ImagePath", &image).unwrap();
    let arguments = vec!["-D".to_owned(), "TLS".to_owned()];
    let parameters = tree.key(&format!(r"{SERVICE}\Parameters"));
    parameters.set_value("ConfigArgs", &arguments).unwrap();
    tree.is_found("esync-ssl found", true);
}

#[test]
fn a_service_that_a_wrapper_is() {
    let tree = Tree::new();
    let key = tree.key(SERVICE);
    key.set_value("ImagePath", &r"C:\tools\nssm.exe").unwrap();
    key.set_value("DisplayName", &"wrapped esync").unwrap();
    let parameters = tree.key(&format!(r"{SERVICE}\Parameters"));
    let application = expanding(r"%SystemDrive%\esync found\Apache24\bin\httpd.exe");
    parameters.set_raw_value("Application", &application).unwrap();
    tree.is_found("the service \"wrapped esync\"", false);
    parameters.set_value("AppParameters", &"-D TLS").unwrap();
    tree.is_found("the service \"wrapped esync\"", true);
}

#[test]
fn a_program_that_runs_in_a_console() {
    let tree = Tree::new();
    let binary = tree.root.join(r"bin\httpd.exe");
    std::fs::copy(r"C:\windows\system32\ping.exe", &binary).unwrap();
    let running = Running(start(Command::new(&binary).args(["-n", "1000", "127.0.0.1"])).unwrap());
    tree.is_found(&format!("the running Apache, process {}", running.0.id()), false);
}

/// Ended when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_tree_that_windows_lists_as_installed() {
    let tree = Tree::new();
    let key = tree.key(INSTALLED);
    key.set_value("DisplayName", &"eSync 1.5").unwrap();
    key.set_value("InstallLocation", &r"C:\esync found\").unwrap();
    let found = || esync_ssl().arg("status").run().report();
    // The Apache of the tests lies in a usual place, so that there may be several.
    let is_named = r#"C:\esync found\Apache24"#;
    let named = found();
    assert!(
        named.contains(is_named) && named.contains("the installed program \"eSync 1.5\""),
        "{named}"
    );
    // What brings an Apache of its own for something else is not meant.
    key.set_value("DisplayName", &"Some Product").unwrap();
    assert!(!found().contains(is_named), "{}", found());
}
